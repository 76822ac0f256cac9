"""Descent of processes; no process is taken for another one."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from paexec_trio.runtime.relatives import (
    Relative,
    descendants,
    has_children,
    is_there,
    look_at,
    open_relative,
    reap,
    send,
    take_census,
)
from tests.runtime.harness import LIMIT


def relative(pid: int, parent: int, *, has_ended: bool = False) -> Relative:
    return Relative(pid, parent, group=pid, session=1, start=0, has_ended=has_ended)


FAMILY = {
    r.pid: r
    for r in (
        relative(1, 0),
        relative(2, 1),
        relative(3, 2),
        relative(4, 3),
        relative(5, 2, has_ended=True),
        relative(6, 1),
        relative(7, 6),
    )
}


@contextmanager
def sleeper() -> Iterator[int]:
    """Start a child that does not end by itself."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def wait_for_end(pid: int) -> None:
    pidfd = os.pidfd_open(pid)
    assert select.select([pidfd], [], [], LIMIT)[0]
    os.close(pidfd)


def pids(found: list[Relative]) -> list[int]:
    return sorted(r.pid for r in found)


def test_descendants_are_those_of_any_degree_that_live() -> None:
    assert pids(descendants(FAMILY, [2])) == [3, 4]
    assert pids(descendants(FAMILY, [1])) == [2, 3, 4, 6, 7]
    assert pids(descendants(FAMILY, [4, 5])) == []


def test_the_spared_are_left_out_with_their_descendants() -> None:
    assert pids(descendants(FAMILY, [1], spared=[3])) == [2, 6, 7]


def test_a_census_holds_the_children_of_a_process() -> None:
    with sleeper() as pid:
        child = take_census()[pid]
        assert child == look_at(pid)
        assert (child.parent, child.session) == (os.getpid(), os.getsid(0))
        assert child.group == os.getpgid(pid)
        assert not child.has_ended


def test_a_process_without_its_first_thread_has_not_ended() -> None:
    """Its state is that of the thread."""
    script = """if True:
        import ctypes, threading, time
        def work():
            while open("/proc/self/stat").read().rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.001)
            print("the first one has ended", flush=True)
            time.sleep(1000)
        threading.Thread(target=work).start()
        ctypes.CDLL(None).pthread_exit(None)"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"the first one has ended\n"
        found = look_at(process.pid)
        assert found
        assert not found.has_ended
        assert is_there(found)
        process.kill()


def test_a_process_that_has_ended_is_known_to_have() -> None:
    with subprocess.Popen(["true"]) as process:
        wait_for_end(process.pid)
        found = look_at(process.pid)
        assert found
        assert found.has_ended
        assert not is_there(found)
    assert look_at(process.pid) is None


def test_another_process_with_the_same_id_is_not_taken_for_it() -> None:
    with sleeper() as pid:
        found = look_at(pid)
        assert found
        earlier = found._replace(start=found.start - 1)
        assert not is_there(earlier)
        assert open_relative(earlier) is None
        assert send(earlier, signal.SIGKILL)
        assert is_there(found)
        assert send(found, signal.SIGTERM)


def test_a_signal_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    with sleeper() as pid:
        found = look_at(pid)
        assert found
        with monkeypatch.context() as patch:
            patch.setattr(signal, "pidfd_send_signal", refuse)
            assert not send(found, signal.SIGTERM)


def test_a_child_is_reaped_when_it_has_ended_and_not_waited_for() -> None:
    with sleeper() as pid:
        assert has_children()
        assert not reap(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for_end(pid)
        assert reap(pid)
        assert reap(pid), "somebody has reaped it"


def test_without_proc_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_path: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", missing)
    assert take_census() == {}
