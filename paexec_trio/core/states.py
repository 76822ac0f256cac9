"""The life of a node, as one table; the state diagram of the documentation is drawn from it."""

from __future__ import annotations

from enum import IntEnum


class NodeState(IntEnum):
    """Where a node is in its life."""

    NEW = 1
    """Not started yet."""
    STARTING = 2
    """Its process is being started."""
    CONNECTING = 3
    """Its process runs, and its calculator has not begun as far as is known (SIL-040)."""
    IDLE = 4
    """Its calculator runs and holds no task."""
    BUSY = 5
    """Its calculator holds at least one task."""
    DRAINING = 6
    """It takes no further task, and finishes those that it holds."""
    HALF_CLOSED = 7
    """It takes no further task, and may finish the one that it works on (PRE-033)."""
    CLOSING = 8
    """Its standard input is closed; its calculator is to end by itself."""
    ENDED = 9
    """No result can come from it any more; its processes may still be there."""
    REAPED = 10
    """Nothing is left of it. With ``-Z`` a dead node starts again from here (RST-004)."""


class Step(IntEnum):
    """A step of a node from one state to the next."""

    START = 1
    STARTED = 2
    NOT_STARTED = 3
    DISPATCH = 4
    ALL_DONE = 5
    DRAIN = 6
    HALF_CLOSE = 7
    CLOSE = 8
    END = 9
    REAP = 10
    LAUNCHED = 11
    GREET = 12
    """Its calculator has begun, or is not waited for any more."""


TRANSITIONS: dict[tuple[NodeState, Step], NodeState] = {
    (NodeState.NEW, Step.START): NodeState.STARTING,
    (NodeState.STARTING, Step.STARTED): NodeState.IDLE,
    (NodeState.STARTING, Step.NOT_STARTED): NodeState.REAPED,
    (NodeState.STARTING, Step.LAUNCHED): NodeState.CONNECTING,
    (NodeState.CONNECTING, Step.GREET): NodeState.IDLE,
    (NodeState.CONNECTING, Step.END): NodeState.ENDED,
    (NodeState.IDLE, Step.DISPATCH): NodeState.BUSY,
    (NodeState.BUSY, Step.DISPATCH): NodeState.BUSY,
    (NodeState.BUSY, Step.ALL_DONE): NodeState.IDLE,
    (NodeState.BUSY, Step.DRAIN): NodeState.DRAINING,
    (NodeState.BUSY, Step.HALF_CLOSE): NodeState.HALF_CLOSED,
    (NodeState.DRAINING, Step.HALF_CLOSE): NodeState.HALF_CLOSED,
    (NodeState.IDLE, Step.CLOSE): NodeState.CLOSING,
    (NodeState.BUSY, Step.CLOSE): NodeState.CLOSING,
    (NodeState.DRAINING, Step.CLOSE): NodeState.CLOSING,
    (NodeState.HALF_CLOSED, Step.CLOSE): NodeState.CLOSING,
    (NodeState.IDLE, Step.END): NodeState.ENDED,
    (NodeState.BUSY, Step.END): NodeState.ENDED,
    (NodeState.DRAINING, Step.END): NodeState.ENDED,
    (NodeState.HALF_CLOSED, Step.END): NodeState.ENDED,
    (NodeState.CLOSING, Step.END): NodeState.ENDED,
    (NodeState.ENDED, Step.REAP): NodeState.REAPED,
    (NodeState.REAPED, Step.START): NodeState.STARTING,
}
"""Every legal step; any other is a bug of the runtime or the engine."""


class IllegalStepError(Exception):
    """A step that is not in the table: a bug, never the fault of the user or of a calculator."""

    def __init__(self, state: IntEnum, step: IntEnum) -> None:
        super().__init__(f"{step.name} in state {state.name}")
