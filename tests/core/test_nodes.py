"""Nodes: what is true of a new one, and that its state moves by the table only."""

import itertools

import pytest

from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.states import TRANSITIONS, IllegalStepError, NodeState, Step


def make_node(index: int = 0) -> Node:
    return Node(index, b"n", ResultFramer(b""))


def test_a_new_node_has_not_been_started() -> None:
    node = make_node()
    assert node.state is NodeState.NEW
    assert not node.attempts
    assert not node.stray_octets_reported


@pytest.mark.parametrize(("state", "step"), [*itertools.product(NodeState, Step)])
def test_every_step_in_every_state(state: NodeState, step: Step) -> None:
    """A step of the table moves the state; any other leaves it unchanged."""
    node = make_node()
    node.state = state
    if (state, step) in TRANSITIONS:
        node.step(step)
        assert node.state is TRANSITIONS[state, step]
    else:
        with pytest.raises(IllegalStepError, match=f"{step.name} in state {state.name}"):
            node.step(step)
        assert node.state is state


def test_nodes_do_not_share_their_attempts() -> None:
    one, other = make_node(0), make_node(1)
    one.attempts.append(Attempt(1, b"task", b""))
    assert not other.attempts
