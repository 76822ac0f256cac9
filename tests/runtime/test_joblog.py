"""The files of a run that is logged, and when they are written (ACC-036 to ACC-041, ACC-049)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from paexec_trio.core.accounting import Accounting, LogSettings, Resume
from paexec_trio.core.events import Event, LogFailed
from paexec_trio.core.joblog import HEADER, LogBuffer, LogEntry, parse
from paexec_trio.runtime import joblog
from paexec_trio.runtime.joblog import JobLog
from paexec_trio.runtime.logfiles import LogError, open_files

ENTRY = LogEntry(1, b"a", b"n", 0.0, 0.0, 0)

LIMIT = 60


class Poller:
    """Keeps what a log wants of the loop."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.requests: list[Callable[[], None]] = []
        self.is_woken = threading.Event()

    def emit(self, event: Event) -> None:
        self.events.append(event)

    def request(self, action: Callable[[], None]) -> None:
        self.requests.append(action)
        self.is_woken.set()

    def act(self) -> None:
        """Wait to be woken, and do what is wanted."""
        assert self.is_woken.wait(LIMIT)
        self.is_woken.clear()
        while self.requests:
            self.requests.pop()()


class Clock:
    """The time of a run."""

    def __init__(self) -> None:
        self.seconds = 1.0

    def now(self) -> float:
        return self.seconds


class Fixture:
    """A log, its files and the world around it."""

    def __init__(self, directory: Path, *, sync: bool, log: str = "") -> None:
        self.path = Path(log) if log else directory / "log"
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.output = os.open(directory / "out", os.O_RDWR | os.O_CREAT)
        self.poller, self.clock, self.buffer = Poller(), Clock(), LogBuffer()
        settings = LogSettings(os.fsencode(self.path), sync=sync)
        parts: Any = (self.poller, self.clock)
        self.log = JobLog(settings, self.fd, self.output, self.buffer, *parts)

    def add(self, *ends: int) -> None:
        for end in ends:
            self.buffer.add(ENTRY._replace(task_id=end), end)

    def flush(self, written: int, *, at_once: bool = False) -> None:
        self.log.flush(written, at_once=at_once)

    def ids(self) -> list[int]:
        return [past.task_id for past in parse(HEADER + self.path.read_bytes())]

    def close(self) -> None:
        os.close(self.fd)
        os.close(self.output)


Make = Callable[..., Fixture]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Fixture] = []

    def fixture(*, sync: bool = False, log: str = "") -> Fixture:
        made.append(Fixture(tmp_path, sync=sync, log=log))
        return made[-1]

    yield fixture
    for each in made:
        each.close()


def test_lines_wait_for_their_results(make: Make) -> None:
    world = make()
    world.add(5, 10, 15)
    world.flush(4)
    assert world.ids() == []
    assert world.log.is_done(4)
    assert not world.log.is_done(5)
    world.flush(14)
    assert world.ids() == [5, 10]
    assert world.log.is_done(14)
    world.flush(15, at_once=True)
    assert world.ids() == [5, 10, 15]


def test_lines_are_collected_for_some_milliseconds(make: Make) -> None:
    world = make()
    world.add(1)
    world.flush(9)
    world.add(2)
    world.clock.seconds += 0.001
    world.flush(9)
    assert world.ids() == [1]
    due_at = world.log.due_at(9)
    assert due_at is not None
    assert world.clock.seconds < due_at < world.clock.seconds + 0.01
    assert world.log.due_at(1) is None, "nothing can be written"
    world.clock.seconds = due_at
    world.flush(9)
    assert world.ids() == [1, 2]
    assert world.log.due_at(9) is None
    world.add(3)
    world.flush(9, at_once=True)
    assert world.ids() == [1, 2, 3]


def test_results_are_on_the_disk_before_their_lines(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make(sync=True)
    done: list[tuple[str, int]] = []
    write = os.write

    def sync(fd: int) -> None:
        done.append(("sync", fd))

    def writes(fd: int, data: bytes) -> int:
        done.append(("write", fd))
        return write(fd, data)

    monkeypatch.setattr(joblog, "_sync", sync)
    monkeypatch.setattr(os, "write", writes)
    world.add(1, 2)
    world.flush(2)
    world.poller.act()
    assert done == [("sync", world.output), ("write", world.fd), ("sync", world.fd)]
    assert world.ids() == [1, 2]


def test_nothing_waits_for_a_slow_disk(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one batch is on its way, the next one is collected."""
    world = make(sync=True)
    may_go_on = threading.Event()
    threads: list[threading.Thread] = []

    def sync(_fd: int) -> None:
        threads.append(threading.current_thread())
        assert may_go_on.wait(LIMIT)

    monkeypatch.setattr(joblog, "_sync", sync)
    world.add(1)
    world.flush(1)
    world.add(2, 3)
    world.flush(3)
    assert world.ids() == []
    assert not world.log.is_done(3)
    assert world.log.due_at(3) is None
    may_go_on.set()
    world.poller.act()
    assert world.ids() == [1]
    assert not world.log.is_done(3)
    world.flush(3)
    world.poller.act()
    assert world.ids() == [1, 2, 3]
    assert world.log.is_done(3)
    assert threading.main_thread() not in threads


@pytest.mark.parametrize("sync", [False, True])
def test_a_full_disk(make: Make, sync: bool) -> None:
    world = make(sync=sync, log="/dev/full")
    world.add(1)
    world.flush(1)
    if sync:
        world.poller.act()
    text = b"writing the job log '/dev/full' failed: No space left on device"
    assert world.poller.events == [LogFailed(text)]
    assert world.log.is_done(1)
    world.add(2)
    world.flush(2, at_once=True)
    assert world.log.finish(2) == b""
    assert len(world.poller.events) == 1


@pytest.mark.parametrize("sync", [False, True])
def test_the_end(make: Make, sync: bool) -> None:
    world = make(sync=sync)
    world.add(1)
    world.flush(1)
    world.add(2, 3)
    assert world.log.finish(2) == b""
    assert world.ids() == [1, 2]


@pytest.mark.parametrize("sync", [False, True])
def test_a_full_disk_at_the_end(make: Make, sync: bool) -> None:
    world = make(sync=sync, log="/dev/full")
    world.add(1)
    assert b"/dev/full" in world.log.finish(1)
    assert world.poller.events == []


def test_a_log_is_locked_by_its_process_alone(tmp_path: Path) -> None:
    """A child that was forked and does not execute anything yet has all its descriptors."""
    name = os.fsencode(tmp_path / "log")
    began, goes_on = os.pipe()
    parent = os.fork()
    if not parent:
        try:
            open_files(Accounting(log=LogSettings(name)))
            if not os.fork():
                os.close(goes_on)
                os.read(began, 1)  # until the test has ended
        finally:
            os._exit(0)
    os.waitpid(parent, 0)
    open_files(Accounting(log=LogSettings(name))).close()
    os.close(goes_on)
    os.close(began)


def test_an_output_is_locked(tmp_path: Path) -> None:
    """Another run would cut off results that the log of the first one has."""
    path = tmp_path / "out"
    path.write_bytes(b"before")
    name = os.fsencode(path)
    began, begins = os.pipe()
    goes_on, ends = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(ends)
            os.write(open_files(Accounting(output=name)).output, b"result")
            os.write(begins, b".")
            os.read(goes_on, 1)  # until the test has tried
        finally:
            os._exit(0)
    os.close(begins)
    assert os.read(began, 1) == b"."
    with pytest.raises(LogError, match="another run writes the output"):
        open_files(Accounting(output=name))
    assert path.read_bytes() == b"result"
    os.close(ends)
    os.waitpid(child, 0)
    open_files(Accounting(output=name)).close()
    assert path.read_bytes() == b""
    os.close(began)
    os.close(goes_on)


def test_the_output_is_not_the_log(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path / "log")
    (tmp_path / "link").symlink_to("log")
    accounting = Accounting(log=LogSettings(name), output=os.fsencode(tmp_path / "link"))
    with pytest.raises(LogError, match="both the job log and the output"):
        open_files(accounting)


@pytest.mark.parametrize("name", ["missing/out", "."])
def test_an_output_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    with pytest.raises(LogError, match="opening the output"):
        open_files(Accounting(output=os.fsencode(tmp_path / name)))


def test_devices_are_not_read_or_cut() -> None:
    name = b"/dev/null"
    for resume in Resume:
        log = LogSettings(name, sync=True, resume=resume)
        open_files(Accounting(log=log)).close()
    open_files(Accounting(output=name)).close()


def test_a_new_file_is_in_its_directory_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_ino))
    log = LogSettings(os.fsencode(tmp_path / "log"), sync=True)
    accounting = Accounting(log=log, output=os.fsencode(tmp_path / "out"))
    open_files(accounting).close()
    there = tmp_path.stat().st_ino
    assert synced == [there, there, (tmp_path / "log").stat().st_ino]
    open_files(accounting).close()
    assert synced.count(there) == 2, "they were there"
