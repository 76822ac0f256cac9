"""Code that runs while modules are loaded."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@final
class _Interruption:
    """A finder of modules that finds none, but does something else in between."""

    def __init__(self, action: Callable[[], object]) -> None:
        self._action = action
        self._is_busy = False

    def find_spec(self, _name: str, _path: object = None, _target: object = None) -> None:
        """Do it, unless it is the action itself that loads a module."""
        if not self._is_busy:
            self._is_busy = True
            self._action()
            self._is_busy = False


@contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Call the action each time that another module is about to be loaded."""
    interruption = _Interruption(action)
    sys.meta_path.insert(0, interruption)
    try:
        yield
    finally:
        sys.meta_path.remove(interruption)
