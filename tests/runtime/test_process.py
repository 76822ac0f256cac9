"""The process of one node, without an event loop."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.spawning import Environment
from tests.runtime.harness import LIMIT, Witness, open_descriptors

INHERITED = Environment(os.environb.items())


@contextmanager
def node(command: str, *, new_session: bool = True) -> Iterator[NodeProcess]:
    argv = [b"/bin/sh", b"-c", command.encode()]
    process = NodeProcess(3, argv, INHERITED, 2, new_session=new_session)
    try:
        yield process
    finally:
        process.kill_and_reap()


def read_all(fd: int) -> bytes:
    os.set_blocking(fd, True)
    data = b""
    while chunk := os.read(fd, 65536):
        data += chunk
    return data


def wait_for_exit(process: NodeProcess) -> None:
    pidfd = os.pidfd_open(process.pid)
    assert select.select([pidfd], [], [], LIMIT)[0]
    os.close(pidfd)


def test_octets_go_in_and_come_out() -> None:
    with node("cat") as process:
        process.unsent.append(b"a task\n")
        process.write_unsent()
        process.close_stdin()
        assert read_all(process.stdout) == b"a task\n"
        wait_for_exit(process)
        assert process.has_exited()


def test_an_input_that_is_cut_does_not_end() -> None:
    process = NodeProcess(3, [b"/bin/cat"], INHERITED, 2)
    stdin = process.stdin
    process.unsent.append(b"a task")
    process.cut_stdin()
    assert (process.stdin, process.unsent.size) == (-1, 0)
    os.fstat(stdin)
    process.kill_and_reap()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(stdin)


@pytest.mark.parametrize("new_session", [True, False])
def test_it_has_a_group_and_maybe_a_session_of_its_own(new_session: bool) -> None:
    with node("exec cat", new_session=new_session) as process:
        assert os.getpgid(process.pid) == process.pid
        assert os.getsid(process.pid) == (process.pid if new_session else os.getsid(0))


def test_it_has_not_exited_while_it_runs() -> None:
    with node("exec cat") as process:
        assert not process.has_exited()


def test_to_ask_for_its_exit_does_not_reap_it() -> None:
    with node("exit 3") as process:
        wait_for_exit(process)
        assert process.has_exited()
        assert process.has_exited()
        os.kill(process.pid, 0)


def test_the_pipe_to_it_is_not_blocking() -> None:
    with node("exec sleep 1000") as process:
        process.unsent.append(b"x" * (1 << 20))
        with pytest.raises(BlockingIOError):
            process.write_unsent()
        assert 0 < process.unsent.size < 1 << 20
        process.close_stdin()
        assert process.unsent.size == 0


def test_a_signal_reaches_the_whole_group() -> None:
    with node("sleep 1000 & echo $!; wait") as process:
        os.set_blocking(process.stdout, True)
        with closing(Witness(os.read(process.stdout, 100))) as background:
            process.signal_group(signal.SIGTERM)
            wait_for_exit(process)
            background.wait()


def test_a_signal_to_nobody_is_no_error() -> None:
    with node("exit 0") as process:
        wait_for_exit(process)
    process.signal_group(signal.SIGTERM)


def test_to_kill_and_reap_it_kills_what_is_left_and_closes_everything() -> None:
    before = open_descriptors()
    process = NodeProcess(
        0, [b"/bin/sh", b"-c", b"trap '' TERM; sleep 1000 & echo $!; wait"], INHERITED, 2
    )
    os.set_blocking(process.stdout, True)
    with closing(Witness(os.read(process.stdout, 100))) as background:
        process.kill_and_reap()
        background.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    assert (process.stdin, process.stdout) == (-1, -1)
    assert open_descriptors() == before


def test_closing_twice_closes_nothing_else() -> None:
    with node("exec cat") as process:
        process.close_stdin()
        process.close_stdout()
        with open_pipe() as pipe:  # takes the numbers that became free
            process.close_stdin()
            process.close_stdout()
            for fd in pipe:
                os.fstat(fd)


@contextmanager
def open_pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("reads_stderr", [False, True])
def test_a_program_that_is_not_there_leaves_no_descriptor(reads_stderr: bool) -> None:
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        NodeProcess(0, [b"/nonexistent/program"], INHERITED, 2, reads_stderr=reads_stderr)
    assert open_descriptors() == before


def test_a_process_that_somebody_else_has_reaped() -> None:
    with node("exit 3") as process:
        os.waitpid(process.pid, 0)
        assert process.has_exited()
        assert process.exit_status() == 0, "nobody knows"
