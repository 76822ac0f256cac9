"""Compare the releases of groups with a model that looks at all tasks each time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.commands import Command, Join, Release
from paexec_trio.core.grouping import OrderedGroups, UnorderedGroups


class Store:
    """Obeys commands about groups; each task's group holds its id."""

    def __init__(self) -> None:
        self.held: dict[int, list[int]] = {}
        self.printed: list[int] = []

    def obey(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Join(group, other):
                    self.held[group] += self.held.pop(other)
                case Release(group):
                    self.printed += self.held.pop(group)
                case _:
                    raise AssertionError(command)


def everything_runs(_task_id: int) -> bool:
    return False


def test_a_group_is_released_when_its_task_is_done() -> None:
    """GRP-012."""
    groups = UnorderedGroups()
    assert groups.done(3) == [Release(3)]
    assert groups.done(1) == [Release(1)]
    assert groups.rest() == []


def test_groups_in_order_are_released_at_once() -> None:
    """GRP-022."""
    groups = OrderedGroups(everything_runs)
    assert groups.done(1) == [Release(1)]
    assert groups.done(2) == [Release(2)]
    assert groups.rest() == []


def test_neighbours_that_wait_are_joined() -> None:
    groups = OrderedGroups(everything_runs)
    assert groups.done(5) == []
    assert groups.done(3) == []
    assert groups.done(4) == [Join(3, 4), Join(3, 5)]
    assert groups.done(2) == [Join(2, 3)]
    assert groups.done(6) == [Join(2, 6)]
    assert groups.done(1) == [Release(1), Release(2)]
    assert groups.done(7) == [Release(7)]


def test_what_waits_is_released_at_the_end() -> None:
    """GRP-024."""
    groups = OrderedGroups(everything_runs)
    for task in (7, 6, 2, 4):
        groups.done(task)
    assert groups.rest() == [Release(2), Release(4), Release(6)]
    assert groups.rest() == []


@given(data=st.data(), count=st.integers(min_value=1, max_value=30))
def test_the_order_of_the_tasks(data: st.DataObject, count: int) -> None:
    """GRP-020, GRP-022, GRP-023: tasks are done in any order, and some will not run."""
    dropped: set[int] = set()
    groups = OrderedGroups(dropped.__contains__)
    store = Store()
    waiting = list(data.draw(st.permutations(range(1, count + 1))))
    done: set[int] = set()
    while waiting:
        task = waiting.pop()
        # Tasks are dropped by one that fails, which is then done.
        lost = data.draw(st.sets(st.sampled_from(waiting), max_size=3)) if waiting else set()
        dropped |= lost
        waiting = [other for other in waiting if other not in lost]
        done.add(task)
        store.held[task] = [task]
        store.obey(groups.done(task))
        expected = []
        for number in range(1, count + 1):
            if number not in done | dropped:
                break
            if number in done:
                expected.append(number)
        assert store.printed == expected
        if data.draw(st.integers(min_value=0, max_value=20)) == 0:
            break
    store.obey(groups.rest())
    assert store.printed == sorted(done)
    assert not store.held


@given(
    nodes=st.integers(min_value=1, max_value=5),
    choices=st.lists(st.integers(min_value=0, max_value=4), max_size=60),
)
def test_no_more_groups_wait_than_there_are_nodes(nodes: int, choices: list[int]) -> None:
    """GRP-031: in flat mode, with as many tasks as may be."""
    groups = OrderedGroups(everything_runs)
    store = Store()
    working = list(range(1, nodes + 1))
    for choice in choices:
        task = working.pop(choice % nodes)
        working.append(max([*working, task]) + 1)
        store.held[task] = [task]
        store.obey(groups.done(task))
        assert len(store.held) <= nodes
