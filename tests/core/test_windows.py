"""How many tasks each node may hold, asked directly."""

from __future__ import annotations

import pytest

from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.settings import AUTO, READ_AHEAD
from paexec_trio.core.windowcontrol import WindowController
from paexec_trio.core.windows import Windows


def nodes_that_hold(*counts: int) -> list[Node]:
    nodes = [Node(index, b"", ResultFramer(b"")) for index in range(len(counts))]
    for node, count in zip(nodes, counts, strict=True):
        hold(node, count)
    return nodes


def hold(node: Node, count: int) -> None:
    node.attempts.clear()
    node.attempts.extend([Attempt(1, b"task", b"")] * count)


def controller(node: Node) -> WindowController:
    assert node.controller
    return node.controller


def measured(nodes: list[Node], window: int) -> Windows:
    """With ``auto``, when that many tasks were found to be right for each node."""
    windows = Windows(nodes, AUTO)
    for node in nodes:
        windows.node_started(node)
        controller(node).window = window
    return windows


def test_each_living_node_and_each_task_that_nodes_should_hold_is_read_ahead_for() -> None:
    nodes = nodes_that_hold(0, 0, 0)
    windows = measured(nodes, 1)
    assert windows.wants_more_to_wait(5, 3)
    assert not windows.wants_more_to_wait(6, 3)
    hold(nodes[0], 1)
    for _ in range(2):  # answered at once: the node should hold four
        windows.tasks_sent(nodes[0], 1, 5)
        windows.tasks_answered(nodes[0], 1)
    assert controller(nodes[0]).window == 4
    assert windows.wants_more_to_wait(8, 3)
    assert not windows.wants_more_to_wait(9, 3)
    windows.node_ended(nodes[0])
    assert windows.wants_more_to_wait(3, 2)
    assert not windows.wants_more_to_wait(4, 2)


def test_no_more_than_a_limit_is_read_ahead() -> None:
    windows = measured(nodes_that_hold(0, 0), 1)
    windows.tasks_read(READ_AHEAD - 1)
    assert windows.wants_more_to_wait(0, 2)
    windows.tasks_read(1)
    assert not windows.wants_more_to_wait(0, 2)
    windows.tasks_taken([(1, b"ab"), (2, b""), (3, b"cde")])  # eight octets, newlines included
    windows.tasks_read(7)
    assert windows.wants_more_to_wait(0, 2)
    windows.tasks_read(1)
    assert not windows.wants_more_to_wait(0, 2)


def test_a_number_reads_nothing_ahead() -> None:
    assert not Windows(nodes_that_hold(0), 4).wants_more_to_wait(0, 1)


@pytest.mark.parametrize(
    ("held", "tasks", "living", "given"),
    [
        ((1, 1), 6, 3, [2, 2]),  # two for each living node: three of them, with the head
        ((0, 1), 6, 3, [2, 1]),  # one for the idle node, and one for each
        ((0, 0, 0), 1, 3, [1, 0, 0]),
        ((2,), 3, 1, [3]),  # nobody else could do them
    ],
)
def test_shares_towards_the_end(
    held: tuple[int, ...], tasks: int, living: int, given: list[int]
) -> None:
    windows = measured(nodes_that_hold(*held), 16)
    assert windows.divide(range(len(held)), tasks, living) == given


def test_shares_with_a_number() -> None:
    assert Windows(nodes_that_hold(1, 1), 4).divide([0, 1], 6, 3) == [3, 3]


@pytest.mark.parametrize(("octets", "limit"), [(65535, 5), (65536, 1)])
def test_a_node_is_given_no_more_than_a_pipe_holds(octets: int, limit: int) -> None:
    """64 KiB, with Linux; the rest would wait here, and another node could have done it."""
    nodes = nodes_that_hold(0)
    windows = measured(nodes, 5)
    controller(nodes[0]).octets = octets
    assert windows.limit(nodes[0]) == limit


def test_a_node_that_ended_is_missed_by_one_task() -> None:
    nodes = nodes_that_hold(0)
    windows = measured(nodes, 5)
    windows.node_ended(nodes[0])
    assert windows.limit(nodes[0]) == 1


@pytest.mark.parametrize(("held", "not_full"), [(1, {0}), (2, set()), (3, set())])
def test_a_node_is_roomy_until_it_is_full(held: int, not_full: set[int]) -> None:
    nodes = nodes_that_hold(held)
    windows = Windows(nodes, 2)
    windows.not_full.add(0)
    windows.tasks_sent(nodes[0], 1, 5)
    assert windows.not_full == not_full


@pytest.mark.parametrize(("held", "filled"), [(3, True), (4, False), (5, False)])
def test_a_number_is_filled_up_at_once(held: int, filled: bool) -> None:
    nodes = nodes_that_hold(held)
    windows = Windows(nodes, 4)
    assert windows.should_refill(nodes[0]) is filled
    assert windows.not_full == ({0} if filled else set())


@pytest.mark.parametrize(
    ("window", "held", "filled"), [(8, 4, True), (8, 6, True), (8, 7, False), (9, 7, False)]
)
def test_with_auto_it_is_filled_when_a_quarter_is_done(
    window: int, held: int, filled: bool
) -> None:
    nodes = nodes_that_hold(held)
    assert measured(nodes, window).should_refill(nodes[0]) is filled
