"""paexec-trio: distributes one-line tasks to long-lived calculators on CPUs or remote nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paexec_trio.core.accounting import Halt as Halt
    from paexec_trio.core.accounting import Why as Why
    from paexec_trio.core.calculators import Calculator as Calculator
    from paexec_trio.core.calculators import CommandPerTask as CommandPerTask
    from paexec_trio.core.commands import Change as Change
    from paexec_trio.core.commands import Exit as Exit
    from paexec_trio.core.engines import ENGINES as ENGINES
    from paexec_trio.core.grouping import Grouping as Grouping
    from paexec_trio.core.launch import Launch as Launch
    from paexec_trio.core.settings import Graces as Graces
    from paexec_trio.core.settings import GraphSettings as GraphSettings
    from paexec_trio.core.settings import Reassign as Reassign
    from paexec_trio.core.settings import Settings as Settings
    from paexec_trio.core.settings import StderrMode as StderrMode
    from paexec_trio.core.status import Status as Status
    from paexec_trio.core.weights import Weighting as Weighting
    from paexec_trio.nursery.distributor import Distributor as Distributor
    from paexec_trio.nursery.distributor import open_distributor as open_distributor
    from paexec_trio.nursery.errors import CommandRefusedError as CommandRefusedError
    from paexec_trio.nursery.errors import DistributorError as DistributorError
    from paexec_trio.nursery.errors import NodesLostError as NodesLostError
    from paexec_trio.nursery.errors import ProtocolViolationError as ProtocolViolationError
    from paexec_trio.nursery.errors import TaskRefusedError as TaskRefusedError
    from paexec_trio.nursery.errors import UnreceivedResultsError as UnreceivedResultsError
    from paexec_trio.nursery.hosts import node_names as node_names
    from paexec_trio.nursery.loop import serve as serve
    from paexec_trio.nursery.mapping import map_tasks as map_tasks
    from paexec_trio.nursery.mapping import run_tasks as run_tasks
    from paexec_trio.nursery.options import Options as Options
    from paexec_trio.nursery.results import NodeChange as NodeChange
    from paexec_trio.nursery.results import Result as Result
    from paexec_trio.nursery.results import Statistics as Statistics
    from paexec_trio.nursery.rules import JobLog as JobLog
    from paexec_trio.runtime.hostfile import Hostfile as Hostfile
    from paexec_trio.runtime.run import Run as Run

__version__ = "0.1.0"

_HOMES = {
    "Calculator": "paexec_trio.core.calculators",
    "Change": "paexec_trio.core.commands",
    "CommandPerTask": "paexec_trio.core.calculators",
    "CommandRefusedError": "paexec_trio.nursery.errors",
    "Distributor": "paexec_trio.nursery.distributor",
    "DistributorError": "paexec_trio.nursery.errors",
    "ENGINES": "paexec_trio.core.engines",
    "Exit": "paexec_trio.core.commands",
    "Graces": "paexec_trio.core.settings",
    "GraphSettings": "paexec_trio.core.settings",
    "Grouping": "paexec_trio.core.grouping",
    "Halt": "paexec_trio.core.accounting",
    "JobLog": "paexec_trio.nursery.rules",
    "Hostfile": "paexec_trio.runtime.hostfile",
    "Launch": "paexec_trio.core.launch",
    "NodeChange": "paexec_trio.nursery.results",
    "NodesLostError": "paexec_trio.nursery.errors",
    "Options": "paexec_trio.nursery.options",
    "ProtocolViolationError": "paexec_trio.nursery.errors",
    "Reassign": "paexec_trio.core.settings",
    "Result": "paexec_trio.nursery.results",
    "Run": "paexec_trio.runtime.run",
    "Settings": "paexec_trio.core.settings",
    "Statistics": "paexec_trio.nursery.results",
    "Status": "paexec_trio.core.status",
    "StderrMode": "paexec_trio.core.settings",
    "TaskRefusedError": "paexec_trio.nursery.errors",
    "UnreceivedResultsError": "paexec_trio.nursery.errors",
    "Weighting": "paexec_trio.core.weights",
    "Why": "paexec_trio.core.accounting",
    "map_tasks": "paexec_trio.nursery.mapping",
    "node_names": "paexec_trio.nursery.hosts",
    "open_distributor": "paexec_trio.nursery.distributor",
    "run_tasks": "paexec_trio.nursery.mapping",
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
