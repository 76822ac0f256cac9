"""Waiting for descriptors and for the ends of processes, on each system."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import threading
from collections.abc import Generator, Iterator
from time import monotonic

import pytest

from paexec_trio.runtime import posix
from paexec_trio.runtime.poller import HANG_UP, READ, WRITE, Poller, silently
from tests.runtime.harness import LIMIT, open_descriptors
from tests.runtime.processes import sleeper

pytestmark = pytest.mark.usefixtures("system")


@pytest.fixture
def poller() -> Iterator[Poller]:
    before = open_descriptors()
    poller = Poller()
    yield poller
    poller.close()
    assert open_descriptors() == before


@pytest.fixture
def pipe(poller: Poller) -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        if end in poller.watchers:
            poller.unwatch(end)
        os.close(end)


def ignore() -> None:
    """Do nothing."""


def poll(poller: Poller, seconds: float | None = 0) -> list[int]:
    return [key for key, _ in poller.selector.poll(seconds)]


def exhaust(waits: Generator[float, None, object], poller: Poller) -> object:
    """Wait as told, without a loop; return what comes of it."""
    while True:
        try:
            seconds = next(waits)
        except StopIteration as end:
            return end.value
        poller.selector.poll(seconds)


def test_what_is_ready_is_told_until_it_is_not(poller: Poller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    assert poller.watch(reader, READ, silently(ignore))
    assert poll(poller) == []
    os.write(writer, b"x")
    assert poll(poller) == poll(poller) == [reader]
    os.read(reader, 1)
    assert poll(poller) == []


def test_once_is_once(poller: Poller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"x")
    for _ in range(3):
        assert poller.watch_once(reader, silently(ignore))
        assert poll(poller) == [reader]
        assert poll(poller) == []


def test_room_and_the_readers_end(poller: Poller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    assert poller.watch(writer, HANG_UP, silently(ignore))
    assert poll(poller) == []
    poller.selector.change(writer, WRITE)
    assert poll(poller) == [writer]
    poller.selector.change(writer, HANG_UP)
    assert poll(poller) == []
    os.dup2(0, reader)
    assert poll(poller, LIMIT) == [writer]


@pytest.mark.parametrize("path", [__file__, os.devnull])
def test_a_file_is_always_ready(path: str, poller: Poller) -> None:
    with open(path, "rb") as file:  # noqa: PTH123 (a device is among them)
        assert not poller.watch(file.fileno(), READ, silently(ignore))
        assert not poller.watch_once(file.fileno(), silently(ignore))


def test_a_wait_ends_when_it_is_woken(poller: Poller) -> None:
    done: list[str] = []
    poller.request(lambda: done.append("once"))
    (key,) = poll(poller, LIMIT)
    list(poller.watchers[key]())
    assert done == ["once"]
    assert poll(poller) == []
    for _ in range(100_000):  # more than a pipe takes
        poller.wake()
    assert poll(poller) == [key]


def test_the_end_of_a_child_is_told_until_it_is_not_watched(poller: Poller) -> None:
    with sleeper() as pid:
        key = poller.watch_end(pid, silently(ignore))
        assert poll(poller) == []
        os.kill(pid, signal.SIGKILL)
        while key not in poll(poller, LIMIT):
            pass
        assert key in poll(poller)
        poller.unwatch_end(key)
        poller.unwatch_end(key)
        assert key not in poll(poller)


def test_a_child_that_has_ended_already(poller: Poller) -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        key = poller.watch_end(process.pid, silently(ignore))
        assert key in poll(poller, LIMIT)


def test_a_child_that_somebody_else_reaps(poller: Poller) -> None:
    with sleeper() as pid:
        key = poller.watch_end(pid, silently(ignore))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert key in poll(poller, LIMIT)


def test_many_ends_at_once(poller: Poller) -> None:
    """One SIGCHLD may stand for several."""
    children = [subprocess.Popen(["sleep", "1000"]) for _ in range(10)]
    keys = {poller.watch_end(child.pid, silently(ignore)) for child in children}
    for child in children:
        child.kill()
    assert exhaust(poller.until_ended(keys, LIMIT), poller) is None
    assert not keys & poller.watchers.keys()
    for child in children:
        assert child.wait() == -signal.SIGKILL


def test_a_wait_for_ends_lasts_no_longer_than_it_may(poller: Poller) -> None:
    with sleeper() as pid:
        key = poller.watch_end(pid, silently(ignore))
        began = monotonic()
        exhaust(poller.until_ended([key], 0.01), poller)
        assert 0.01 <= monotonic() - began < LIMIT
        assert key in poller.watchers
        poller.unwatch_end(key)


def test_the_end_of_a_process_that_is_no_child(poller: Poller) -> None:
    shell = ["/bin/sh", "-c", "sleep 1000 >/dev/null & echo $!"]
    pid = int(subprocess.run(shell, stdout=subprocess.PIPE, check=True).stdout)
    key = poller.watch_end(pid, silently(ignore))
    assert key not in poll(poller)
    os.kill(pid, signal.SIGKILL)
    exhaust(poller.until_ended([key], LIMIT), poller)
    assert key not in poller.watchers


def test_when_it_is_over_only_ends_are_of_interest(poller: Poller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.write(writer, b"x")
    poller.watch(reader, READ, silently(ignore))
    poller.pending.append(iter([]))
    with sleeper() as pid:
        key = poller.watch_end(pid, silently(ignore))
        poller.forget_descriptors()
        assert (poll(poller), list(poller.pending)) == ([], [])
        os.kill(pid, signal.SIGKILL)
        exhaust(poller.until_ended([key], LIMIT), poller)
        assert key not in poller.watchers


def test_room_at_the_end(poller: Poller, pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.set_blocking(writer, False)
    assert exhaust(poller.until_writable(writer, LIMIT), poller) is True
    os.write(writer, bytes(1 << 16))
    assert exhaust(poller.until_writable(writer, 0.01), poller) is False
    threading.Timer(0.01, os.read, (reader, 1 << 16)).start()
    assert exhaust(poller.until_writable(writer, LIMIT), poller) is True
    with open(__file__, "rb") as file:  # noqa: PTH123
        assert exhaust(poller.until_writable(file.fileno(), 0), poller) is True


def test_in_another_thread_there_is_no_signal(system: str) -> None:
    """Only the main thread can handle signals; there children are looked at regularly."""
    found: list[object] = []

    def watch() -> None:
        poller = Poller()
        with sleeper() as pid:
            key = poller.watch_end(pid, silently(ignore))
            found.append(poller.selector.longest_wait)
            os.kill(pid, signal.SIGKILL)
            exhaust(poller.until_ended([key], LIMIT), poller)
            found.append(key in poller.watchers)
        poller.close()

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert found == [math.inf if system == "linux" else 0.05, False]


def test_the_portable_census_is_that_of_ps() -> None:
    with sleeper() as pid:
        child = posix.take_census()[pid]
        assert (child.parent, child.group) == (os.getpid(), os.getpgid(pid))
        assert child.session == os.getsid(0)
        assert not child.has_ended
        assert posix.is_there(child)
        assert posix.send(child, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert not posix.is_there(child)
        assert posix.take_census()[pid].has_ended
    assert posix.send(child, signal.SIGKILL)


def test_a_signal_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    with sleeper() as pid:
        child = posix.take_census()[pid]
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", refuse)
            assert not posix.send(child, signal.SIGTERM)


def test_without_ps_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert posix.take_census() == {}
