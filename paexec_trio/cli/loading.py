"""Code that runs while modules are loaded."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _UnneededError(BaseException):
    """The modules are not needed any more; no module that is being loaded is to handle it."""


@final
class _Interruption:
    """A finder of modules that finds none and carries out an action each time."""

    def __init__(self, action: Callable[[], object], is_unneeded: Callable[[], bool]) -> None:
        self._action = action
        self._is_unneeded = is_unneeded
        self._is_busy = False

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        """Do it, unless it is the action itself that loads a module.

        Not before a module of the standard library either: another one may be half loaded then,
        which the action needs. None is when others are looked for.
        """
        if self._is_busy or name.partition(".")[0] in sys.stdlib_module_names:
            return
        self._is_busy = True
        self._action()
        self._is_busy = False
        if self._is_unneeded():
            raise _UnneededError


@contextmanager
def meanwhile(action: Callable[[], object], is_unneeded: Callable[[], bool]) -> Iterator[None]:
    """Call the action each time that a module outside the standard library is about to be loaded.

    Args:
        action: what to do; it may load modules itself.
        is_unneeded: returns whether the modules are not needed any more. The block ends early then.
    """
    interruption = _Interruption(action, is_unneeded)
    sys.meta_path.insert(0, interruption)
    try:
        yield
    except _UnneededError:
        pass
    finally:
        sys.meta_path.remove(interruption)
