"""paexec-trio: distributes one-line tasks to long-lived calculators on CPUs or remote nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paexec_trio.core.calculators import Calculator as Calculator
    from paexec_trio.core.calculators import CommandPerTask as CommandPerTask
    from paexec_trio.core.commands import Exit as Exit
    from paexec_trio.core.grouping import Grouping as Grouping
    from paexec_trio.core.launch import Launch as Launch
    from paexec_trio.core.settings import GraphSettings as GraphSettings
    from paexec_trio.core.settings import Reassign as Reassign
    from paexec_trio.core.settings import Settings as Settings
    from paexec_trio.core.weights import Weighting as Weighting
    from paexec_trio.nursery.loop import serve as serve
    from paexec_trio.runtime.run import Run as Run

__version__ = "0.1.0"

_HOMES = {
    "Calculator": "paexec_trio.core.calculators",
    "CommandPerTask": "paexec_trio.core.calculators",
    "Exit": "paexec_trio.core.commands",
    "GraphSettings": "paexec_trio.core.settings",
    "Grouping": "paexec_trio.core.grouping",
    "Launch": "paexec_trio.core.launch",
    "Reassign": "paexec_trio.core.settings",
    "Run": "paexec_trio.runtime.run",
    "Settings": "paexec_trio.core.settings",
    "Weighting": "paexec_trio.core.weights",
    "serve": "paexec_trio.nursery.loop",
}
"""The modules of the public names. A test compares the imports above, for type checkers, to it."""

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 (they are strings)


if not TYPE_CHECKING:  # for type checkers it would make every name a public one

    def __getattr__(name: str) -> object:
        """Import the public names when they are used: the CLI must not wait for trio to load."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, whether they were used or not."""
    return __all__
