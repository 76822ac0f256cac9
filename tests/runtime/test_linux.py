"""The system as Linux has it: nobody is taken for somebody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from paexec_trio.runtime.linux import is_there, look_at, send, take_census
from tests.runtime.processes import sleeper, wait_for_end


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


def test_without_proc_there_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_path: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", missing)
    assert take_census() == {}
