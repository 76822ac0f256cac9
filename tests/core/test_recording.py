"""The attempts that the engine logs, and when (ACC-030 to ACC-037)."""

from __future__ import annotations

from typing import Any

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core import joblog
from paexec_trio.core.accounting import Accounting, LogSettings
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.framing import ResultFramer
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.joblog import HEADER, LogBuffer, LogEntry, PastAttempt, parse
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.recording import Recorder
from paexec_trio.core.resuming import Past
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from paexec_trio.core.tasks import FlatTasks
from tests.core.playbook import names

LOG = Accounting(log=LogSettings(b"log"))

RETRIES = LOG._replace(retries=2)

BOTH = pytest.mark.parametrize("grouping", [Grouping.GROUP, Grouping.KEEP_ORDER])


class World:
    """Takes down what an engine logs, and how many octets of output there were at each moment."""

    def __init__(
        self,
        nodes: int = 1,
        accounting: Accounting = LOG,
        past: Past | None = None,
        exec_mode: ExecMode | None = None,
        **options: Any,
    ) -> None:
        settings = Settings(nodes=names(nodes), accounting=accounting, **options)
        self.engine = Engine(settings, exec_mode=exec_mode, past=past)
        self.output = b""
        self.logged: list[LogEntry] = []
        self.ends: list[int] = []
        self.held: dict[int, bytes] = {}
        self.happens(on.RunStarted(b"N"))
        graph = settings.graph
        if graph is None or graph.every_line:
            self.start(nodes)

    def start(self, nodes: int) -> None:
        for node in range(nodes):
            self.happens(on.NodeStarted(node, 100 + node))

    def happens(self, *events: on.Event) -> None:
        for event in events:
            for command in self.engine.handle(event):
                self._execute(command)

    def _execute(self, command: do.Command) -> None:
        match command:
            case do.Write(data):
                self.output += data
            case do.Hold(group, data):
                self.held[group] = self.held.get(group, b"") + data
            case do.Join(group, other):
                self.held[group] = self.held.get(group, b"") + self.held.pop(other, b"")
            case do.Release(group):
                self.output += self.held.pop(group, b"")
            case do.Discard(group):
                self.held.pop(group, None)
            case do.LogAttempt(entry, end):
                assert end <= len(self.output), "logged before it was written"
                self.logged.append(entry)
                self.ends.append(end)

    def brief(self) -> list[tuple[int, int, bytes, int, int, int]]:
        """Return of each line the task, the attempt, the status, both codes and the end."""
        return [
            (entry.task_id, entry.attempt, entry.status, entry.exitval, entry.signal, end)
            for entry, end in zip(self.logged, self.ends, strict=True)
        ]

    def dies(self, node: int, status: int) -> None:
        self.happens(on.NodeEnded(node, exited=True), on.NodeReaped(node, status=status))


def test_a_line() -> None:
    world = World(show_node=True, print_eot=True)
    world.happens(
        on.TimePassed(5.0),
        on.StdinChunk(b"a\nb\n"),
        on.TimePassed(5.5),
        on.NodeOutput(0, b"x\nyy"),
        on.TimePassed(7.0),
        on.NodeOutput(0, b"y\n\n"),
    )
    assert world.output == b"n0 x\nn0 yyy\nn0 \n"
    assert world.logged == [LogEntry(1, b"a", b"n0", 5.0, 2.0, 6)]
    assert world.ends == [len(world.output)]
    world.happens(on.TimePassed(7.5), on.NodeOutput(0, b"\n"))
    assert world.logged[1:] == [LogEntry(2, b"b", b"n0", 7.0, 0.5, 0)]


def test_blank_lines_count() -> None:
    settings = Settings(nodes=names(1), accounting=LOG, show_task_id=True)
    commands: list[do.Command] = []
    tasks = FlatTasks(b"\n", b"\n")
    recorder = Recorder(settings, Printer(settings, commands, tasks), commands)
    attempt, node = Attempt(1, b"a", b"1 "), Node(0, b"n0", ResultFramer(b""))
    recorder.begun(node, attempt)
    recorder.blank_lines(attempt, 3)
    recorder.done(node, attempt)
    assert commands == [do.Write(b"1 \n" * 3), do.LogAttempt(LogEntry(1, b"a", b"n0", 0, 0, 3), 9)]


def test_lines_that_are_written_in_pieces_count() -> None:
    settings = Settings(nodes=names(1), accounting=LOG, grouping=Grouping.GROUP)
    commands: list[do.Command] = []
    tasks = FlatTasks(b"\n", b"\n")
    recorder = Recorder(settings, Printer(settings, commands, tasks), commands)
    attempt = Attempt(1, b"a", bytes(1000))
    node = Node(0, b"n0", ResultFramer(b""))
    recorder.begun(node, attempt)
    recorder.blank_lines(attempt, 10_000)
    assert type(commands[-1]) is do.HoldLines
    recorder.done(node, attempt)
    assert commands[-1] == do.LogAttempt(LogEntry(1, b"a", b"n0", 0, 0, 10_000), 10_010_000)


@BOTH
def test_a_group_is_logged_when_it_is_written(grouping: Grouping) -> None:
    world = World(2, grouping=grouping)
    world.happens(on.StdinChunk(b"a\nb\n"), on.NodeOutput(1, b"of b\n\n"))
    if grouping is Grouping.GROUP:
        assert world.brief() == [(2, 1, b"success", 0, 0, 5)]
    else:
        assert world.brief() == []
    world.happens(on.NodeOutput(0, b"of a\n\n"))
    first, second = (2, 1) if grouping is Grouping.GROUP else (1, 2)
    assert world.brief() == [
        (first, 1, b"success", 0, 0, 5),
        (second, 1, b"success", 0, 0, 10),
    ]


def test_runs_of_groups_that_are_joined() -> None:
    world = World(4, grouping=Grouping.KEEP_ORDER)
    world.happens(on.StdinChunk(b"a\nb\nc\nd\n"))
    for node in (3, 1, 2, 0):
        world.happens(on.NodeOutput(node, b"x" * (node + 1) + b"\n\n"))
    assert world.brief() == [
        (task, 1, b"success", 0, 0, end) for task, end in ((1, 2), (2, 5), (3, 9), (4, 14))
    ]


def test_failures_of_a_graph() -> None:
    world = World(graph=GraphSettings())
    world.happens(on.StdinChunk(b"a b\nc\nd\n"), on.StdinEnded())
    world.start(1)
    world.happens(
        on.NodeOutput(0, b"failure\n\n"),
        on.NodeOutput(0, b"success\n\n"),
        on.NodeOutput(0, b"huh\n\n"),
    )
    assert world.brief() == [
        (1, 1, b"failure", 1, 0, len(b"failure\na b\n")),
        (3, 1, b"success", 0, 0, len(b"failure\na b\nsuccess\n")),
        (4, 1, b"failure", 1, 0, len(world.output)),
    ]


def test_a_result_that_is_tried_again() -> None:
    world = World(accounting=RETRIES, graph=GraphSettings(every_line=True))
    world.happens(on.StdinChunk(b"a\n"), on.NodeOutput(0, b"failure\n\n"))
    assert world.brief() == [(1, 1, b"retried", 1, 0, len(b"failure\nfatal\n"))]
    world.happens(on.NodeOutput(0, b"success\n\n"))
    assert world.brief()[1:] == [(1, 2, b"success", 0, 0, len(world.output))]


@pytest.mark.parametrize(
    ("status", "codes"), [(3, (3, 0)), (0, (1, 0)), (-9, (1, 9)), (None, (1, 0))]
)
def test_a_lost_node(status: int | None, codes: tuple[int, int]) -> None:
    """It is logged when it is known how the process ended."""
    world = World(2, on_death=Reassign())
    world.happens(on.StdinChunk(b"a\n"), on.NodeOutput(0, b"x\ny"), on.NodeEnded(0, exited=True))
    assert world.brief() == []
    world.happens(on.NodeOutput(1, b"z\n\n"), on.NodeReaped(0, status=status))
    assert world.brief() == [
        (1, 2, b"success", 0, 0, len(b"x\nfatal\nz\n")),
        (1, 1, b"retried", *codes, len(b"x\nfatal\nz\n")),
    ]
    assert world.logged[1].received == 2


def test_a_task_that_kills_its_nodes() -> None:
    world = World(2, LOG._replace(crash_limit=2), on_death=Reassign())
    world.happens(on.StdinChunk(b"a\n"))
    world.dies(0, -11)
    world.dies(1, -11)
    assert world.brief() == [
        (1, 1, b"retried", 1, 11, len(b"fatal\n")),
        (1, 2, b"lost", 1, 11, len(b"fatal\nfatal\n")),
    ]


@BOTH
def test_no_line_overtakes_one_that_comes_earlier_in_the_output(grouping: Grouping) -> None:
    """A failed task of a graph has a line in the output, though its node was lost."""
    rules = LOG._replace(crash_limit=1)
    world = World(2, rules, on_death=Reassign(), grouping=grouping, graph=GraphSettings())
    world.happens(on.StdinChunk(b"a\nb\n"), on.StdinEnded())
    world.start(2)
    world.happens(
        on.NodeEnded(0, exited=True),
        on.NodeOutput(1, b"success\n\n"),
    )
    assert world.output == b"a\nsuccess\n"
    assert world.brief() == []
    world.happens(on.NodeReaped(0, status=4))
    assert world.brief() == [(1, 1, b"lost", 4, 0, 2), (2, 1, b"success", 0, 0, 10)]


def test_a_time_limit() -> None:
    world = World(accounting=RETRIES._replace(timeout=1.0))
    limit = do.Deadline(do.Purpose.TIME_LIMIT, 0)
    world.happens(on.TimePassed(1.0), on.StdinChunk(b"a\n"), on.TimePassed(2.5))
    world.happens(on.DeadlinePassed(limit))
    world.dies(0, -15)
    assert world.brief() == [(1, 1, b"retried", -1, 15, len(b"fatal\n"))]
    world.happens(on.NodeStarted(0, 5), on.TimePassed(4.0), on.DeadlinePassed(limit))
    world.dies(0, -15)
    assert world.brief()[1:] == [(1, 2, b"timeout", -1, 15, len(b"fatal\nfatal\n"))]
    assert [entry.seconds for entry in world.logged] == [1.5, 1.5]


@pytest.mark.parametrize("grouping", Grouping)
def test_what_a_stop_interrupts_is_lost(grouping: Grouping) -> None:
    world = World(2, grouping=grouping)
    world.happens(on.StdinChunk(b"a\nb\n"), on.NodeOutput(0, b"x\n"), on.StopRequested(2))
    world.happens(on.NodeOutput(1, b"y\n\n"))
    world.dies(0, -15)
    world.dies(1, 0)
    assert {(entry.task_id, entry.status) for entry in world.logged} == {
        (1, b"lost"),
        (2, b"success"),
    }
    assert max(world.ends) <= len(world.output)


def test_nothing_is_logged_of_a_result_that_cannot_be_written() -> None:
    world = World(2)
    world.happens(on.StdinChunk(b"a\nb\n"), on.OutputFailed(b"disk full"))
    world.happens(on.NodeOutput(0, b"x\n\n"), on.NodeOutput(1, b"\n"))
    assert world.logged == []


def test_a_log_that_cannot_be_written_stops_the_run() -> None:
    world = World()
    world.happens(on.StdinChunk(b"a\n"))
    commands = world.engine.handle(on.LogFailed(b"writing the job log l failed: no space"))
    text = b"paexec-trio: writing the job log l failed: no space"
    assert do.Report(text) in commands
    assert do.CloseStdin(0) in commands
    world.happens(on.NodeEnded(0, exited=True))
    world.happens(on.NodeReaped(0, status=0))
    assert world.engine.handle(on.OutputDrained()) == [do.Exit(1)]


def past_of(*lines: tuple[int, bytes, int, bytes], end: int = 0) -> Past:
    attempts = [
        PastAttempt(task_id, task, joblog.hash_of(task), attempt, status, end)
        for task_id, task, attempt, status in lines
    ]
    return Past(b"log", attempts)


def test_attempts_are_counted_over_all_runs() -> None:
    world = World(past=past_of((1, b"a", 1, b"lost")))
    world.happens(on.StdinChunk(b"a\nb\n"), on.NodeOutput(0, b"\n"), on.NodeOutput(0, b"\n"))
    assert world.brief() == [(1, 2, b"success", 0, 0, 0), (2, 1, b"success", 0, 0, 0)]


def test_the_octets_of_earlier_runs_count_in_a_file() -> None:
    past = past_of((1, b"a", 1, b"lost"), end=50)
    world = World(accounting=LOG._replace(output=b"out"), past=past, grouping=Grouping.GROUP)
    world.output = bytes(50)
    world.happens(on.StdinChunk(b"a\n"), on.NodeOutput(0, b"x\n\n"))
    assert world.brief() == [(1, 2, b"success", 0, 0, 52)]


def test_the_fast_path_logs_the_same() -> None:
    settings = Settings(nodes=names(1), accounting=LOG, show_task_id=True, print_eot=True)
    buffer = LogBuffer()
    past = past_of((3, b"ta\tb", 4, b"lost"))
    engine = Engine(settings, tasks=FlatTasks(b"\n", b"\n"), log_buffer=buffer, past=past)
    world = World(show_task_id=True, print_eot=True, past=past)
    assert world.engine.fast_path is None, "tasks that are skipped"
    tasks, results = b"a\nb\nta\tb\nc\nd\n", (b"x\n\n", b"\n", b"yy\n\n")
    for event in (on.RunStarted(b"N"), on.NodeStarted(0, 100), on.TimePassed(3.0)):
        engine.handle(event)
    engine.handle(on.StdinChunk(tasks))
    world.happens(on.TimePassed(3.0), on.StdinChunk(tasks))
    assert engine.fast_path
    for now, result in enumerate(results, 4):
        engine.handle(on.TimePassed(float(now)))
        assert engine.fast_path(0, result)
        world.happens(on.TimePassed(float(now)), on.NodeOutput(0, result))
    other = LogBuffer()
    for entry, end in zip(world.logged, world.ends, strict=True):
        other.add(entry, end)
    assert len(world.logged) == 3
    lines = buffer.take(1000)
    assert lines == other.take(1000)
    assert [each.attempt for each in parse(HEADER + lines)] == [1, 1, 5]
    assert [each.text for each in parse(HEADER + lines)] == [b"a", b"b", b"ta\\tb"]


def test_a_failure_does_not_overtake_either() -> None:
    """Its end is that of an output that has a result which is not logged yet."""
    rules = RETRIES._replace(crash_limit=1)
    graph = GraphSettings()
    world = World(2, rules, on_death=Reassign(), grouping=Grouping.GROUP, graph=graph)
    world.happens(on.StdinChunk(b"a\nb\n"), on.StdinEnded())
    world.start(2)
    world.happens(on.NodeEnded(0, exited=True), on.NodeOutput(1, b"failure\n\n"))
    assert world.output == b"a\n"
    assert world.brief() == []
    world.happens(on.NodeReaped(0, status=4))
    assert world.brief() == [(1, 1, b"lost", 4, 0, 2), (2, 1, b"retried", 1, 0, 2)]
