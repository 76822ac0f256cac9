"""The life of a node: the whole table, every legal step."""

from paexec_trio.core.states import TRANSITIONS, NodeState, Step

LIFE = {
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
    (NodeState.DRAINING, Step.HALF_CLOSE): NodeState.HALF_CLOSED,
    (NodeState.DRAINING, Step.CLOSE): NodeState.CLOSING,
    (NodeState.DRAINING, Step.END): NodeState.ENDED,
    (NodeState.IDLE, Step.CLOSE): NodeState.CLOSING,
    (NodeState.BUSY, Step.HALF_CLOSE): NodeState.HALF_CLOSED,
    (NodeState.BUSY, Step.CLOSE): NodeState.CLOSING,
    (NodeState.HALF_CLOSED, Step.CLOSE): NodeState.CLOSING,
    (NodeState.IDLE, Step.END): NodeState.ENDED,
    (NodeState.BUSY, Step.END): NodeState.ENDED,
    (NodeState.HALF_CLOSED, Step.END): NodeState.ENDED,
    (NodeState.CLOSING, Step.END): NodeState.ENDED,
    (NodeState.ENDED, Step.REAP): NodeState.REAPED,
    (NodeState.REAPED, Step.START): NodeState.STARTING,
}


def test_every_legal_step() -> None:
    assert TRANSITIONS == LIFE


def test_every_state_can_be_reached() -> None:
    reached = {NodeState.NEW}
    while new := {to for (at, _), to in TRANSITIONS.items() if at in reached} - reached:
        reached |= new
    assert reached == set(NodeState)


def test_from_every_state_the_node_can_be_gone() -> None:
    leads_there = {NodeState.REAPED}
    while new := {at for (at, _), to in TRANSITIONS.items() if to in leads_there} - leads_there:
        leads_there |= new
    assert leads_there == set(NodeState)


def test_every_step_is_used() -> None:
    assert {step for _, step in TRANSITIONS} == set(Step)


def test_a_node_that_is_gone_can_only_start_again() -> None:
    """RST-004, RST-007."""
    assert [step for state, step in TRANSITIONS if state is NodeState.REAPED] == [Step.START]


def test_states_are_ordered_by_age() -> None:
    """The engine compares them: from HALF_CLOSED on a node takes no task, nor can it be drained."""
    assert list(NodeState) == sorted(NodeState)
    assert max(NodeState.IDLE, NodeState.BUSY, NodeState.DRAINING) < NodeState.HALF_CLOSED
    assert NodeState.HALF_CLOSED < NodeState.CLOSING
    assert NodeState.CLOSING < NodeState.ENDED < NodeState.REAPED
