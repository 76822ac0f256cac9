"""Runs of real processes: commands, transports, environments, octets, interrupts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from paexec_trio import CommandPerTask, Reassign, Status, open_distributor, run_tasks
from paexec_trio.core.settings import Graces
from tests.nursery.kits import Kit, distributor, kit_of, mapped, nothing_left
from tests.runtime.harness import ECHO
from tests.runtime.test_run_in_a_program import run_program

PYTHON_ECHO = """
import sys
for task in iter(sys.stdin.buffer.readline, b""):
    sys.stdout.buffer.write(b">" + task + b"\\n")
    sys.stdout.buffer.flush()
"""


@pytest.mark.trio
async def test_one_command_per_task(processes: Kit) -> None:
    command = CommandPerTask(b'printf "<%s>" "$1"')
    tasks = ["a b", "", "$x", "two\nlines", b"\xff'\"\\"]
    async with mapped(processes, tasks, command=command, keep_order=True) as results:
        outputs = [result.output async for result in results]
    assert outputs == [b"<a b>\n", b"<>\n", b"<$x>\n", b"<two\nlines>\n", b"<\xff'\"\\>\n"]


@pytest.mark.trio
async def test_the_exit_status_of_a_command_is_its_status(processes: Kit) -> None:
    async with distributor(processes, command=CommandPerTask(b'test "$1"'), statuses=True) as run:
        assert (await run.call("a")).status is Status.SUCCESS
        assert (await run.call("")).status is Status.FAILURE


@pytest.mark.trio
async def test_a_path_and_words_are_executed_without_a_shell(
    processes: Kit, tmp_path: Path
) -> None:
    program = tmp_path / "a program"
    program.write_text(f'#!/bin/sh\n[ $# = 0 ] || echo "$@"\n{ECHO.decode()}\n')
    program.chmod(0o755)
    async with distributor(processes, nodes=1, command=program) as run:
        assert (await run.call("a")).output == b"a\n"
    words = [sys.executable, "-c", PYTHON_ECHO]
    async with distributor(processes, nodes=1, command=words) as run:
        assert (await run.call("a")).output == b">a\n"


@pytest.mark.trio
async def test_a_transport_is_called_with_the_name_of_a_node_and_the_command(
    processes: Kit, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    transport = tmp_path / "transport"
    transport.write_text(f'#!/bin/sh\necho "$1 $2 $#" >>"{log}"\nexec /bin/sh -c "$3"\n')
    transport.chmod(0o755)
    async with distributor(
        processes, nodes=["alpha", "beta"], transport=[transport, "-x"], eot="E"
    ) as run:
        async with trio.open_nursery() as nursery:
            for name in ("a", "b"):
                nursery.start_soon(run.call, processes.hold(name))
                await processes.begun(name)
            processes.release("a")
            processes.release("b")
        assert (await run.call("")).output == b"\n"
    assert sorted(log.read_text().splitlines()) == ["-x alpha 3", "-x beta 3"]


@pytest.mark.trio
async def test_calculators_inherit_the_environment_of_the_program_or_another_one(
    processes: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADDED", "by the program")
    command = 'while read -r task; do echo "$ADDED,$HOME"; echo; done'
    with nothing_left(processes):
        async with open_distributor(nodes=1, command=command) as run:
            inherited = (await run.call("a")).output
        async with open_distributor(nodes=1, command=command, environment={"ADDED": "x"}) as run:
            assert (await run.call("a")).output == b"x,\n"
    assert inherited == f"by the program,{os.environ['HOME']}\n".encode()


@pytest.mark.trio
async def test_diagnostics_of_calculators_go_where_they_are_wanted(
    processes: Kit, tmp_path: Path
) -> None:
    with (tmp_path / "log").open("wb") as log:
        command = 'while read -r task; do echo "of $task" >&2; echo; done'
        async with distributor(processes, nodes=1, command=command, stderr=log.fileno()) as run:
            await run.call("a")
    assert (tmp_path / "log").read_bytes() == b"of a\n"


@pytest.mark.trio
async def test_calculators_that_do_not_end_are_killed_when_a_run_is_cancelled(
    processes: Kit,
) -> None:
    command = "trap '' TERM; read -r task; sleep 1000 & echo; sleep 1000; sleep 1000"
    graces = Graces(stop=0.01, term=0.01)
    with trio.CancelScope() as scope:
        async with distributor(processes, command=command, graces=graces) as run:
            await run.call("a")
            scope.cancel()
    assert scope.cancelled_caught


@pytest.mark.trio
async def test_a_dead_node_is_restarted(processes: Kit) -> None:
    on_death = Reassign(restart_after=0.01, wait=True)
    command = 'read -r task; echo "$$"; echo; read -r task; exit 1'
    async with distributor(processes, nodes=1, command=command, on_death=on_death) as run:
        first, second = await run.call("a"), await run.call("b")
    assert first.output != second.output
    assert (first.attempts, second.attempts) == (1, 2)


OCTETS = st.binary(max_size=40).filter(lambda task: b"\n" not in task)


@settings(max_examples=30)
@given(tasks=st.lists(OCTETS, max_size=20), prefetch=st.sampled_from([1, 3, "auto"]))
def test_tasks_of_arbitrary_octets(tasks: list[bytes], prefetch: int) -> None:
    with kit_of("processes") as kit:
        command = [sys.executable, "-c", PYTHON_ECHO]
        options = kit.options({"nodes": 2, "command": command, "prefetch": prefetch})
        results = run_tasks(tasks, **options)
    assert [result.task for result in results] == tasks
    assert [result.output for result in results] == [b">" + task + b"\n" for task in tasks]


TOO_FEW = """
    import resource, trio
    from paexec_trio import DistributorError, open_distributor
    async def main():
        async with open_distributor(nodes=20, command="cat") as run:
            try:
                await run.call("a")
            except DistributorError as error:
                print(type(error).__name__, error)
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
    trio.run(main)
    """


def test_too_few_descriptors_are_told_once() -> None:
    done = run_program(TOO_FEW)
    message = b"DistributorError the limit on open descriptors is too low for 20 nodes\n"
    assert (done.stdout, done.stderr) == (message, b"")


# Interrupts

INTERRUPTED = """
    import os, signal, sys, trio
    from paexec_trio import map_tasks, open_distributor
    async def main():
        way = sys.argv[1]
        options = {"nodes": 2, "command": "echo $$ >&2; " + sys.argv[2]}
        if way == "map":
            async with map_tasks(["a"], **options) as results:
                await results.receive()
                signal.raise_signal(signal.SIGINT)
        async with open_distributor(**options) as run:
            await run.call("a")
            if way == "waiting":
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(run.results.receive)
                    await trio.testing.wait_all_tasks_blocked()
                    os.kill(os.getpid(), signal.SIGINT)
                    await trio.sleep_forever()
            if way == "leaving":
                os.kill(os.getpid(), signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
    import trio.testing
    # A job in the background inherits that interrupts are ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trio.run(main, strict_exception_groups=True)
    except KeyboardInterrupt:
        print("interrupted")
    except BaseExceptionGroup as group:
        print("interrupted" if group.split(KeyboardInterrupt)[1] is None else repr(group))
    """


@pytest.mark.parametrize("way", ["body", "waiting", "leaving", "map"])
def test_an_interrupt_ends_the_calculators(way: str) -> None:
    done = run_program(INTERRUPTED, way, ECHO.decode())
    assert done.stdout == b"interrupted\n", done.stderr
    pids = done.stderr.split()
    assert len(pids) >= 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_a_program_that_ignores_the_ends_of_its_children() -> None:
    """The system reaps them then; a parent may have passed that on."""
    program = """
        import os, signal, sys
        from paexec_trio import run_tasks
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        before = os.listdir("/proc/self/fd")
        print(run_tasks(["a"], nodes=2, command=sys.argv[1])[0].output)
        print(os.listdir("/proc/self/fd") == before)
        """
    done = run_program(program, ECHO.decode())
    assert (done.stdout, done.stderr) == (b"b'a\\n'\nTrue\n", b"")


INTERRUPTED_WITHIN_A_CALL = """
    import os, signal, trio
    from paexec_trio import open_distributor
    class Interrupting(os.PathLike):
        def __fspath__(self):
            signal.raise_signal(signal.SIGINT)
            return "a"
    async def main():
        async with open_distributor(nodes=1, command="cat") as run:
            try:
                run.tasks.send_nowait(Interrupting())
                given = run.statistics()
                await trio.lowlevel.checkpoint()
            finally:
                print(given.in_flight + given.waiting)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trio.run(main)
    except KeyboardInterrupt:
        print("interrupted")
    """


def test_an_interrupt_comes_after_a_step_of_the_run_and_not_within() -> None:
    done = run_program(INTERRUPTED_WITHIN_A_CALL)
    assert done.stdout == b"1\ninterrupted\n", done.stderr
