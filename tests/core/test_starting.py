"""The starts of nodes after time limits; the chapter Restart is in ``test_engine_deaths``."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting
from paexec_trio.core.settings import Reassign
from tests.core.playbook import Playbook, burial, passed, started

LIMIT = Accounting(timeout=5)


def limit(node: int) -> do.SetDeadline:
    return do.SetDeadline(do.Deadline(do.Purpose.TIME_LIMIT, node), 5)


def both_exceed(*, on_death: Reassign | None = None) -> Playbook:
    """Return a playbook in which both nodes have been ended because of a time limit."""
    playbook = started(2, accounting=LIMIT, on_death=on_death)  # type: ignore[arg-type]
    playbook >> on.StdinChunk(b"a\nb\nc\n")
    playbook << limit(0) << do.Send(0, b"a\n") << limit(1) << do.Send(1, b"b\n")
    for node in (0, 1):
        playbook >> passed(do.Purpose.TIME_LIMIT, node) << do.CloseStdin(node)
        playbook << do.Write(b"fatal\n") << do.KillNode(node, False) << burial(node)
    return playbook


def test_nodes_are_started_one_after_the_other() -> None:
    """ACC-050: in the order in which nothing is left of them."""
    playbook = both_exceed()
    playbook >> on.NodeReaped(1) << do.StartNode(1) >> on.NodeReaped(0)
    assert playbook >> on.NodeStarted(1, 77) << do.StartNode(0) << limit(1) << do.Send(1, b"c\n")


def test_a_node_is_not_started_while_something_is_left_of_it() -> None:
    """RST-007: that its output has ended says nothing of its processes."""
    playbook = both_exceed() >> on.NodeEnded(0)
    assert playbook >> on.NodeReaped(0) << do.StartNode(0)


def test_a_node_that_is_drained_meanwhile() -> None:
    """It is not started again; the other one is."""
    playbook = both_exceed() >> on.DrainRequested(0) >> on.NodeReaped(0)
    assert playbook >> on.NodeReaped(1) << do.StartNode(1)


def test_a_node_that_is_drained_while_it_waits_for_its_start() -> None:
    """It is taken from those that wait."""
    playbook = both_exceed() >> on.NodeReaped(0) << do.StartNode(0) >> on.NodeReaped(1)
    playbook >> on.DrainRequested(1)
    assert playbook >> on.NodeStarted(0, 77) << limit(0) << do.Send(0, b"c\n")


@pytest.mark.parametrize("on_death", [None, Reassign()])
def test_a_node_cannot_be_started_again(on_death: Reassign | None) -> None:
    """Without ``-z`` that ends the run, as at any other start."""
    playbook = both_exceed(on_death=on_death) >> on.NodeReaped(0) << do.StartNode(0)
    playbook >> on.NodeNotStarted(0, b"no memory") << do.Report(b"paexec-trio: no memory")
    if on_death:
        assert playbook >> on.NodeReaped(1) << do.StartNode(1)
    else:
        assert playbook << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 0.2)
