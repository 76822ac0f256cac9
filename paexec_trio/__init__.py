"""paexec-trio: distributes one-line tasks to long-lived calculators on CPUs or remote nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paexec_trio.core.commands import Exit
    from paexec_trio.core.grouping import Grouping
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.settings import ExecSettings, GraphSettings, Reassign, Settings
    from paexec_trio.core.weights import Weighting
    from paexec_trio.nursery.running import run

__version__ = "0.1.0"

__all__ = [
    "ExecSettings",
    "Exit",
    "GraphSettings",
    "Grouping",
    "Launch",
    "Reassign",
    "Settings",
    "Weighting",
    "__version__",
    "run",
]

_HOMES = {
    "ExecSettings": "paexec_trio.core.settings",
    "Exit": "paexec_trio.core.commands",
    "GraphSettings": "paexec_trio.core.settings",
    "Grouping": "paexec_trio.core.grouping",
    "Launch": "paexec_trio.core.launch",
    "Reassign": "paexec_trio.core.settings",
    "Settings": "paexec_trio.core.settings",
    "Weighting": "paexec_trio.core.weights",
    "run": "paexec_trio.nursery.running",
}


def __getattr__(name: str) -> object:
    """Import the public names when they are used: the CLI must not wait for trio to load."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
