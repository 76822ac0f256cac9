"""The fast path of a task that a program gives a run, and what it leaves to the loop."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from paexec_trio.core.events import TaskAdded
from paexec_trio.runtime.entrance import Entrance
from tests.runtime.harness import ECHO
from tests.runtime.test_submit import SILENT, Program, unfinished


@pytest.fixture(params=[ECHO])
def program(request: pytest.FixtureRequest) -> Iterator[Program]:
    program = Program(request.param)
    program.sleep()
    try:
        yield program
    finally:
        program.run.end_alone()


def test_a_task_is_sent_to_an_idle_node_without_an_event(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program.run, "submit", None)
    entrance = Entrance(program.run)
    assert entrance.add(1, b"a")
    assert entrance.was_used
    assert program.run.snapshot().in_flight == 1


@pytest.mark.parametrize("program", [SILENT], indirect=True)
def test_a_task_that_is_sent_does_not_wake_the_loop(program: Program) -> None:
    assert Entrance(program.run).add(1, b"a")
    assert not program.is_awake


def test_it_says_whether_there_is_room_for_another_task(program: Program) -> None:
    entrance = Entrance(program.run)
    assert entrance.add(1, b"a") is True
    assert entrance.add(2, b"b") is False
    assert unfinished(program) == 2
    assert entrance.add(3, b"c") is None
    assert unfinished(program) == 2
    entrance.submit(TaskAdded(3, b"c"))
    assert unfinished(program) == 3


def test_the_result_takes_the_fast_path_too(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Entrance(program.run).add(1, b"a")
    assert program.run.engine
    handled: list[object] = []
    written: list[bytes] = []
    monkeypatch.setattr(program.run.engine, "handle", handled.append)
    monkeypatch.setattr(os, "write", lambda _fd, data: written.append(data))
    while not program.results:
        program.run.host.poll(None)
        program.run.step()
    assert [(result.task, result.output) for result in program.results] == [(b"a", b"a\n")]
    assert not handled
    assert not written  # no task waits for the node


def test_the_room_that_a_result_makes_is_told_once(program: Program) -> None:
    entrance = Entrance(program.run)
    assert entrance.add(1, b"a") is True
    assert entrance.add(2, b"b") is False
    before = program.wanted
    while len(program.results) < 2:
        program.run.host.poll(None)
        program.run.step()
    assert program.wanted == before + 1


def test_a_run_that_is_being_ended_takes_nothing(program: Program) -> None:
    next(program.run.ending())
    entrance = Entrance(program.run)
    assert entrance.add(1, b"a") is None
    assert not entrance.was_used


def test_a_run_that_cannot_go_on_takes_nothing(program: Program) -> None:
    program.run.give_up(b"no more")
    assert Entrance(program.run).add(1, b"a") is None


def test_the_loop_wakes_if_a_node_reads_no_more(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    stdin = program.run.host._children.processes[0].stdin  # noqa: SLF001

    def fail_for_node(fd: int, data: bytes) -> int:
        if fd == stdin:
            raise BrokenPipeError
        return write(fd, data)

    monkeypatch.setattr(os, "write", fail_for_node)
    assert Entrance(program.run).add(1, b"a")
    assert program.is_awake


def test_a_lack_of_memory_ends_the_run(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(_node: int, _data: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(program.run.host, "send", send)
    assert Entrance(program.run).add(1, b"a") is not None
    assert program.run.is_over
    assert program.run.problem == b"out of memory"
