"""Faults: the reason why a run cannot go on, and the party at fault."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, final


class Blame(IntEnum):
    """The party at fault."""

    NODES = 1
    """Nodes could not be started, or were lost."""
    CALCULATOR = 2
    """A calculator broke the protocol, so its results cannot be trusted."""
    CALLER = 3
    """The tasks or the command are wrong."""


@final
class Fault(NamedTuple):
    """The first fault of a run.

    Attributes:
        blame: the party at fault.
        reason: what happened, for people.
        node: the index of the node that the fault is about, or -1.
    """

    blame: Blame
    reason: bytes
    node: int = -1
