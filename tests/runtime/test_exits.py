"""Whether children have ended, with ``waitid`` and without it."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from paexec_trio.runtime.exits import ended_children, exit_status, has_children, reap
from tests.runtime.processes import sleeper, wait_for_end


@pytest.fixture(params=["waitid", "waitpid"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the system have ``waitid``, and then not."""
    if request.param == "waitpid":
        monkeypatch.delattr(os, "waitid")
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_a_child_is_reaped_when_it_has_ended_and_not_waited_for() -> None:
    with sleeper() as pid:
        assert exit_status(pid) is None
        assert not reap(pid)
        os.kill(pid, signal.SIGKILL)
        wait_for_end(pid)
        assert reap(pid)
        assert reap(pid), "somebody has reaped it"


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("command", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -signal.SIGKILL)]
)
def test_the_status_can_be_asked_for_again_and_again(command: str, status: int) -> None:
    with subprocess.Popen(["/bin/sh", "-c", command]) as process:
        wait_for_end(process.pid)
        assert exit_status(process.pid) == status
        assert exit_status(process.pid) == status
        assert reap(process.pid)


def test_without_reaping(way: str) -> None:
    """Where that is possible: its id, and that of its group, stay its own."""
    with subprocess.Popen(["true"]) as process:
        wait_for_end(process.pid)
        assert exit_status(process.pid) == 0
        if way == "waitid":
            os.kill(process.pid, 0)
            assert has_children()
            found = []
            for pid in ended_children():
                found.append(pid)
                if pid == process.pid:
                    break
                os.waitpid(pid, 0)  # of an earlier test
            assert process.pid in found
        else:
            assert (has_children(), list(ended_children())) == (False, [])
        reap(process.pid)


@pytest.mark.usefixtures("way")
def test_a_process_of_somebody_else() -> None:
    with pytest.raises(ChildProcessError):
        exit_status(os.getppid())
    assert reap(os.getppid())
