"""The exceptions of the API. Each class tells whether nodes, calculator or caller are at fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.faults import Blame

if TYPE_CHECKING:
    from paexec_trio.core.faults import Fault


class DistributorError(Exception):
    """A run could not go on, or its results cannot be trusted. The base of the exceptions below."""


class NodesLostError(DistributorError):
    """Nodes are at fault: they could not be started, or were lost, and no others took over."""


class ProtocolViolationError(DistributorError):
    """The calculator is at fault: it broke the protocol.

    Its results can no longer be matched to tasks, or a task ended without a status.
    """


class TaskRefusedError(DistributorError, ValueError):
    """The caller is at fault: no calculator can be given this task, or it could never run."""


class CommandRefusedError(DistributorError, ValueError):
    """The caller is at fault: the shell of a node cannot parse the command."""


class UnreceivedResultsError(DistributorError):
    """The caller is at fault: the block of a distributor was left before all results were received.

    The tasks were done. Close ``results`` to say that you want no more of them.

    Attributes:
        count: how many results nobody received.
    """

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} results were not received; close run.results to drop them")
        self.count = count


_ERRORS = {
    Blame.NODES: NodesLostError,
    Blame.CALCULATOR: ProtocolViolationError,
    Blame.CALLER: CommandRefusedError,
}


def error_of(fault: Fault, reason: str) -> DistributorError:
    """Return the exception for a fault of a run.

    Args:
        fault: the fault.
        reason: what happened, for people.
    """
    return _ERRORS[fault.blame](reason)
