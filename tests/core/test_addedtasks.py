"""Tasks that a program adds one by one, and their order."""

from __future__ import annotations

from typing import final

from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.status import Status


def added(*tasks: tuple[int, bytes, tuple[int, ...]], has_status: bool = True) -> AddedTasks:
    source = AddedTasks(has_status=has_status)
    for task in tasks:
        source.add(*task)
    return source


def test_tasks_are_taken_in_the_order_in_which_they_become_ready() -> None:
    source = added((1, b"a", ()), (2, b"after a", (1,)), (3, b"c", ()))
    assert source.count_ready() == 2
    assert source.take_several(2) == [(1, b"a"), (3, b"c")]
    source.add(4, b"d", ())
    assert source.done(1, Status.SUCCESS) == []
    assert source.take_several(2) == [(4, b"d"), (2, b"after a")]
    assert source.is_exhausted()
    assert source.count_taken() == 4


def test_a_task_waits_for_all_that_it_depends_on() -> None:
    source = added((1, b"a", ()), (2, b"b", ()), (3, b"after both", (1, 2)))
    source.take_several(2)
    source.done(2, Status.SUCCESS)
    assert source.count_ready() == 0
    assert not source.is_exhausted()
    source.done(1, Status.SUCCESS)
    assert source.take() == (3, b"after both")


def test_all_that_depends_on_a_failure_is_dropped_and_named_once() -> None:
    source = added(
        (1, b"a", ()), (2, b"b", (1,)), (3, b"c", (1, 2)), (4, b"d", (3,)), (5, b"other", ())
    )
    source.take()
    assert sorted(source.done(1, Status.FAILURE)) == [b"b", b"c", b"d"]
    assert source.take() == (5, b"other")
    assert source.is_exhausted()


def test_a_task_without_a_status_has_not_succeeded() -> None:
    source = added((1, b"a", ()), (2, b"b", (1,)))
    source.take()
    assert source.done(1, Status.MISSING) == [b"b"]


def test_each_task_has_succeeded_if_calculators_state_no_status() -> None:
    source = added((1, b"a", ()), (2, b"b", (1,)), has_status=False)
    source.take()
    assert source.done(1, Status.MISSING) == []
    assert source.take() == (2, b"b")


def test_a_task_that_was_dropped_is_not_made_ready_by_another() -> None:
    source = added((1, b"a", ()), (2, b"b", ()), (3, b"after both", (1, 2)))
    source.take_several(2)
    assert source.done(1, Status.FAILURE) == [b"after both"]
    assert source.done(2, Status.SUCCESS) == []
    assert source.is_exhausted()


def test_nothing_is_left_of_tasks_that_were_abandoned() -> None:
    source = added((1, b"a", ()), (2, b"b", ()), (3, b"c", (1,)))
    source.take()
    source.abandon()
    assert source.is_exhausted()
    assert source.count_waiting() == 0
    assert source.done(1, Status.SUCCESS) == []
    assert source.is_exhausted()


def test_no_other_input_is_expected() -> None:
    source = added((1, b"a", ()))
    source.feed(b"no task\n")
    source.end()
    assert source.count_waiting() == 1
    assert not source.will_not_run(1)
    assert not source.needs_whole_input


@final
class Model:
    """A graph that grows, in the simplest words."""

    def __init__(self, *, has_status: bool) -> None:
        self.has_status = has_status
        self.after: dict[int, set[int]] = {}
        self.taken: list[int] = []
        self.ended: dict[int, bool] = {}
        """Whether each task that is done, or that will not run, has succeeded."""

    def add(self, task_id: int, after: set[int]) -> None:
        self.after[task_id] = after

    def ready(self) -> set[int]:
        return {
            task_id
            for task_id, after in self.after.items()
            if task_id not in self.ended
            and task_id not in self.taken
            and all(self.ended.get(other) for other in after)
        }

    def done(self, task_id: int, status: Status) -> set[int]:
        failed = status is not Status.SUCCESS if self.has_status else status is Status.FAILURE
        self.ended[task_id] = not failed
        dropped: set[int] = set()
        while more := {
            other
            for other, after in self.after.items()
            if other not in self.ended and any(self.ended.get(one) is False for one in after)
        }:
            dropped |= more
            self.ended |= dict.fromkeys(more, False)
        return dropped

    @property
    def running(self) -> list[int]:
        return [task_id for task_id in self.taken if task_id not in self.ended]


ANSWERS = (Status.SUCCESS, Status.SUCCESS, Status.FAILURE, Status.MISSING)


@given(has_status=st.booleans(), data=st.data())
def test_a_graph_that_grows_does_what_its_model_does(
    has_status: bool,
    data: st.DataObject,
) -> None:
    source, model = AddedTasks(has_status=has_status), Model(has_status=has_status)
    for task_id in range(1, data.draw(st.integers(1, 20), "tasks") + 1):
        # As the distributor does: a task never waits for one that is done.
        unfinished = sorted(model.after.keys() - model.ended.keys())
        after = data.draw(st.sets(st.sampled_from(unfinished), max_size=3)) if unfinished else set()
        source.add(task_id, b"%d" % task_id, sorted(after))
        model.add(task_id, after)
        for _ in range(data.draw(st.integers(0, 4), "steps")):
            step(source, model, data)
    while model.ready() or model.running:
        step(source, model, data)
    assert source.is_exhausted()
    assert model.ended.keys() == model.after.keys()
    # Nothing is kept of a task that is done.
    assert [source._waiting, source._waiting_for, source.dependants] == [{}] * 3  # noqa: SLF001


def step(source: AddedTasks, model: Model, data: st.DataObject) -> None:
    """Take a task, or have one done that was taken."""
    ready = model.ready()
    assert source.count_ready() == len(ready)
    assert source.count_taken() == len(model.taken)
    waiting = model.after.keys() - model.ended.keys() - set(model.taken)
    assert source.count_waiting() == len(waiting)
    assert source.is_exhausted() == (not waiting)
    running = model.running
    if ready and (not running or data.draw(st.booleans(), "take")):
        task_id, task = source.take()
        assert task == b"%d" % task_id
        assert task_id in ready
        model.taken.append(task_id)
    elif running:
        task_id = data.draw(st.sampled_from(running), "done")
        status = data.draw(st.sampled_from(ANSWERS), "status")
        dropped = source.done(task_id, status)
        assert sorted(map(int, dropped)) == sorted(model.done(task_id, status))
