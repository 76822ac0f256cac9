"""Nodes: what is true of a new one, and that its state moves by the table only."""

import pytest

from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.states import IllegalStepError, NodeState, Step


def make_node(index: int = 0) -> Node:
    return Node(index, b"n", ResultFramer(b""))


def test_a_new_node_has_not_been_started() -> None:
    node = make_node()
    assert node.state is NodeState.NEW
    assert not node.attempts
    assert not node.stray_octets_reported


def test_a_step_moves_it_on() -> None:
    node = make_node()
    node.step(Step.START)
    assert node.state is NodeState.STARTING


def test_an_illegal_step_leaves_its_state_unchanged() -> None:
    node = make_node()
    with pytest.raises(IllegalStepError):
        node.step(Step.DISPATCH)
    assert node.state is NodeState.NEW


def test_nodes_do_not_share_their_attempts() -> None:
    one, other = make_node(0), make_node(1)
    one.attempts.append(Attempt(1, b"task", b""))
    assert not other.attempts
