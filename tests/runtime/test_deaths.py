"""Real processes that die, and are started again."""

from __future__ import annotations

import errno
import os
import random
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trio

from paexec_trio.core.calculators import Calculator
from paexec_trio.core.commands import Exit
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.launch import Launch
from paexec_trio.core.settings import GRACES, GraphSettings, Reassign, Settings
from tests.runtime.harness import Witness, conversation, open_descriptors

pytestmark = [pytest.mark.trio, pytest.mark.usefixtures("system")]

AT_ONCE = 0.001
"""Seconds after which nodes are restarted where only that they are restarted matters."""

VAIN = re.compile(
    rb"paexec-trio: node \d has failed \d+ times in a row without ending a task, last: (.+); "
    rb"next restart in [\d.]+ s"
)
"""The diagnostic of RST-031."""

POISONOUS = re.compile(rb"paexec-trio: task \d+ '.+' was running on five nodes that died; .+")
"""The diagnostic of ACC-063."""


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[int]:
    """A file as the standard error of a run; it may only say that nodes die again and again."""
    path = tmp_path / "stderr"
    with path.open("wb") as file:
        yield file.fileno()
    for line in path.read_bytes().splitlines():
        assert VAIN.fullmatch(line) or POISONOUS.fullmatch(line), line


def resistant(nodes: int, on_death: Reassign, **options: bool | GraphSettings) -> Settings:
    names = tuple(b"%d" % index for index in range(nodes))
    return Settings(nodes=names, on_death=on_death, **options)  # type: ignore[arg-type]


def children() -> list[int]:
    """The processes that this one has to wait for, the dead included."""
    own = Path("/proc/self/task").iterdir()
    return [int(pid) for task in own for pid in (task / "children").read_text().split()]


WORK_OR_DIE = b"""
while IFS= read -r task; do
    if test "$task" = die; then echo whole; printf torn; exit 3; fi
    printf "%s\\n\\n" "$task"
done
"""


async def test_the_task_of_a_dead_node_is_done_by_another(stderr: int, tmp_path: Path) -> None:
    """DTH-010, DTH-020, END-014: the one that dies leaves a mark by which the next one lives."""
    command = b"""while read -r task; do
        echo begun; mkdir '%b/mark' 2>/dev/null && { printf torn; exit 3; }
        echo done; echo
    done""" % os.fsencode(tmp_path)
    settings = resistant(2, Reassign(), show_task_id=True)
    async with conversation(command, settings=settings, stderr=stderr) as talk:
        await talk.feed(b"task\n")
        output, outcome = await talk.finish()
        assert output == b"1 begun\n1 fatal\n1 begun\n1 done\n"
        assert outcome == Exit(status=0)


@pytest.mark.parametrize("wait", [False, True])
async def test_all_nodes_dead(wait: bool, tmp_path: Path) -> None:
    """DTH-030, DTH-031, RST-020; a cancelled run does not wait for restarts either."""
    path = tmp_path / "stderr"
    settings = resistant(2, Reassign(restart_after=1000, wait=wait))
    with path.open("wb") as stderr:
        async with conversation(WORK_OR_DIE, settings=settings, stderr=stderr.fileno()) as talk:
            await talk.feed(b"die\n")
            lines = [await talk.line() for _ in range(4)]
            assert lines == [b"whole", b"fatal"] * 2
            if wait:
                await talk.cancel()
            else:
                assert await talk.outcome() == Exit(status=1)
    assert path.read_bytes() == (b"" if wait else b"all nodes failed\n")


async def test_a_transport_that_cannot_be_run(tmp_path: Path) -> None:
    """DTH-001, LCH-028: one line says why, however many nodes there are."""
    path = tmp_path / "stderr"
    launch = Launch(Calculator(b"x"), transport=(b"/nonexistent/transport",))
    settings = resistant(3, Reassign(restart_after=AT_ONCE))
    with path.open("wb") as stderr:
        async with conversation(settings=settings, launch=launch, stderr=stderr.fileno()) as talk:
            await talk.feed(b"task\n")
            assert await talk.outcome() == Exit(status=1)
    reason = os.fsencode(os.strerror(errno.ENOENT))
    assert path.read_bytes().splitlines() == [
        b"paexec-trio: cannot run /nonexistent/transport: " + reason,
        b"all nodes failed",
    ]


async def test_a_process_in_the_background_that_holds_the_output(stderr: int) -> None:
    """DTH-003, DTH-004: its node is dead, and it is ended though it ignores SIGTERM."""
    command = b"(trap '' TERM; while :; do sleep 1000; done) & read -r task; echo $!; exit 3"
    settings = resistant(1, Reassign(restart_after=1000, wait=True))
    graces = GRACES._replace(term=0.01)
    async with conversation(command, settings=settings, stderr=stderr, graces=graces) as talk:
        await talk.feed(b"task\n")
        with closing(Witness(await talk.line())) as background:
            assert await talk.line() == b"fatal"
            await background.ended()


async def test_restarts_leave_nothing_behind(stderr: int, tmp_path: Path) -> None:
    """RST-011: two hundred processes have come and gone, each with half a line and half a task."""
    log = os.fsencode(tmp_path / "log")
    command = b"""
        read -r task || exit; echo >>'%b'
        test "$(wc -l <'%b')" -gt 200 || { printf torn; exit 255; }
        echo done; echo; read -r task""" % (log, log)
    before = open_descriptors()
    settings = resistant(2, Reassign(fatal=b"", restart_after=AT_ONCE, wait=True))
    async with conversation(command, settings=settings, stderr=stderr) as talk:
        await talk.feed(b"x" * 10000 + b"\n")
        # Our ends of the pipes, four of trio's, epoll, a pipe that wakes us, three for each node.
        assert await talk.line() == b"done"
        assert len(open_descriptors()) - len(before) <= 20
        assert len(children()) <= 2
        assert await talk.finish() == (b"", Exit(status=0))
    assert open_descriptors() == before
    assert children() == []
    reports = VAIN.findall((tmp_path / "stderr").read_bytes())
    assert b"exit status 255" in reports
    assert len(reports) <= 2 * 8, "too often (RST-031): 3, 6, 12, ... deaths of each node"


async def test_restarts_do_not_disturb_a_living_node(stderr: int, tmp_path: Path) -> None:
    """RST-008: it gives its result while the other node dies again and again."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    log = tmp_path / "log"
    command = b"""
        mkdir '%b/first' 2>/dev/null || { echo >>'%b'; exit 1; }
        read -r task; echo "$task"; read -r go <'%b'; echo "$go"; echo; read -r task""" % (
        os.fsencode(tmp_path),
        os.fsencode(log),
        os.fsencode(gate),
    )
    settings = resistant(2, Reassign(restart_after=AT_ONCE, fatal=b""))
    async with conversation(command, settings=settings, stderr=stderr) as talk:
        await talk.feed(b"task\n")
        assert await talk.line() == b"task"
        while not log.exists() or len(log.read_bytes()) < 20:
            await trio.lowlevel.checkpoint()
        gate.write_bytes(b"go\n")
        assert await talk.finish() == (b"go\n", Exit(status=0))


async def test_a_restart_while_the_run_ends(stderr: int) -> None:
    """RST-012: whatever the restarts are doing, the end comes, and nobody is left."""
    command = b"read -r task && echo $task && echo"
    for _ in range(10):
        settings = resistant(4, Reassign(restart_after=AT_ONCE, wait=True, fatal=b""))
        async with conversation(command, settings=settings, stderr=stderr) as talk:
            await talk.feed(b"".join(b"%d\n" % number for number in range(9)))
            output, outcome = await talk.finish()
            assert sorted(output.split()) == [b"%d" % number for number in range(9)]
            assert outcome == Exit(status=0)
        assert children() == []


# Random murder


class Ledger:
    """Takes the lines ``ID PID TEXT`` of a run's output and checks them."""

    def __init__(self) -> None:
        self.done: Counter[int] = Counter()
        self.alive: set[int] = set()
        self.pids: set[int] = set()
        self.kills = 0
        self.failures = 0
        self._seen: set[int] = set()
        self._failed: set[int] = set()

    def take(self, line: bytes) -> None:
        """Take one line."""
        number, pid, text = line.split(b" ", 2)
        task_id = int(number)
        if text == b"fatal":
            assert task_id not in self.done, "a task failed after it was done"
            self.failures += 1
            self._failed.add(task_id)
            self._seen.discard(task_id)
        elif text == b"":
            if task_id not in self._failed:
                self.done[task_id] += 1
            self._failed.discard(task_id)
        else:
            assert task_id not in self._seen, "a line is repeated without a fatal line before it"
            assert text == b"result of %d" % task_id
            self._seen.add(task_id)
            if int(pid) not in self.pids:  # that of no other process until the run is over
                self.pids.add(int(pid))
                self.alive.add(int(pid))

    def kill_one(self, chance: random.Random) -> None:
        """Kill one of the calculators that were heard of and not killed yet."""
        if self.alive:
            victim = chance.choice(sorted(self.alive))
            self.alive.remove(victim)
            os.kill(victim, signal.SIGKILL)
            self.kills += 1


@contextmanager
def nothing_left() -> Iterator[None]:
    before = open_descriptors()
    yield
    assert open_descriptors() == before
    assert children() == []


RESULTS = b'while read -r task; do echo "result of $task"; echo; done'


def murderous(nodes: int, seconds: float) -> Settings:
    return resistant(
        nodes,
        Reassign(restart_after=seconds, wait=True),
        show_task_id=True,
        show_pid=True,
        print_eot=True,
    )


async def play_murder(
    settings: Settings,
    stderr: int,
    tasks: int,
    seed: int,
    lines_per_kill: int = 0,
    seconds_per_kill: float = 0,
) -> Ledger:
    """Have all tasks done while calculators are killed; kill nothing once they are."""
    ledger = Ledger()
    chance = random.Random(seed)  # noqa: S311

    async def kill_by_the_clock() -> None:
        while True:
            await trio.sleep(seconds_per_kill)
            ledger.kill_one(chance)

    with nothing_left():
        async with conversation(RESULTS, settings=settings, stderr=stderr) as talk:
            async with trio.open_nursery() as nursery:
                numbers = range(1, tasks + 1)
                nursery.start_soon(talk.feed, b"".join(b"%d\n" % number for number in numbers))
                if seconds_per_kill:
                    nursery.start_soon(kill_by_the_clock)
                lines = 0
                while ledger.done.total() < tasks:
                    ledger.take(await talk.line())
                    lines += 1
                    if lines_per_kill and lines % lines_per_kill == 0:
                        ledger.kill_one(chance)
                nursery.cancel_scope.cancel()
            assert await talk.finish() == (b"", Exit(status=0))
    assert ledger.done == dict.fromkeys(numbers, 1)
    assert len(ledger.pids) > len(settings.nodes), "nobody came back"
    # What --group and --keep-order print of each task is that of one attempt (GRP-013).
    assert settings.grouping is Grouping.NONE or not ledger.failures
    return ledger


@pytest.mark.parametrize("grouping", Grouping)
async def test_random_murder(grouping: Grouping, stderr: int) -> None:
    """DTH-010, DTH-024, RST-010, RST-011: a calculator is killed for every hundred lines."""
    settings = murderous(4, AT_ONCE)._replace(grouping=grouping)
    seed = len(grouping.value)
    await play_murder(settings, stderr, 1500, seed, lines_per_kill=100)


@pytest.mark.long
@pytest.mark.parametrize("grouping", Grouping)
async def test_random_murder_by_the_clock(grouping: Grouping, stderr: int) -> None:
    """The same with ``-Z1 -w``, eight nodes and 20,000 tasks: a kill every 50 ms, whatever runs."""
    settings = murderous(8, 1)._replace(grouping=grouping)
    ledger = await play_murder(settings, stderr, 20_000, 0, seconds_per_kill=0.05)
    print(f"{ledger.kills} kills, {ledger.failures} failed attempts, {len(ledger.pids)} processes")
    assert ledger.kills >= 50, "hardly anybody was killed"
