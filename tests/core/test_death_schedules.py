"""The engine under random schedules of deaths and restarts, in flat mode and in graph mode."""

from __future__ import annotations

from collections import defaultdict
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Deadline,
    DrainOutput,
    Exit,
    KillNode,
    LeaveNode,
    Purpose,
    ReadMore,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
    OutputDrained,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StopRequested,
)
from paexec_trio.core.settings import GRACES, GraphSettings, Reassign, Settings

RESULT = b"one\ntwo\n\n"
SECONDS = 5.0


class Life:
    """One process of a node, from its start to its end."""

    def __init__(self, node: int, pid: int) -> None:
        self.node = node
        self.pid = pid
        self.task = 0
        """The id of the task that it holds, 0 if there is none."""
        self.to_write = b""
        """What it has still to write for its task; empty before it began to answer."""
        self.line = b""
        """The beginning of the line that it is writing."""
        self.input_closed = False
        self.dead = False
        """The engine was told that no result can come from it."""
        self.ended = False
        """Its end was told, too: one that takes no input any more may end much later."""
        self.asked_to_end = False
        self.killed = False


class MortalWorld(RuleBasedStateMachine):
    """Obeys the engine's commands, checks each of them, and lets things happen in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.pids = count(100)
        self.lives: dict[int, Life] = {}
        """The process of each node that has one."""
        self.started: set[int] = set()
        self.starting: int | None = None
        self.timers: set[Deadline] = set()
        self.reading = False
        self.draining = False
        self.outcome: Exit | None = None

        self.input = b""
        self.input_over = False
        self.new_tasks_sent = 0
        self.failed: list[int] = []
        """The ids of the tasks whose attempts failed, the last one at the end."""
        self.done: set[int] = set()
        self.written = b""
        self.expected: defaultdict[int, list[bytes]] = defaultdict(list)
        self.told: set[bytes] = set()

        self.hopeless = True
        """Whether no node was ever started, and none can be."""
        self.stopped = False
        self.all_failed = False
        self.signal = 0

    @initialize(
        nodes=st.integers(min_value=1, max_value=4),
        seconds=st.sampled_from([0.0, SECONDS]),
        wait=st.booleans(),
        fatal=st.sampled_from([b"fatal", b""]),
        print_too=st.booleans(),
        warm=st.booleans(),
    )
    def run_starts(
        self, nodes: int, seconds: float, wait: bool, fatal: bytes, print_too: bool, warm: bool
    ) -> None:
        wait &= seconds > 0
        self.on_death = Reassign(fatal=fatal, restart_after=seconds, wait=wait)
        self.settings = Settings(
            nodes=tuple(b"%d" % index for index in range(nodes)),
            show_task_id=True,
            show_pid=True,
            print_eot=print_too,
            print_task=print_too,
            on_death=self.on_death,
        )
        self.engine = Engine(self.settings)
        self.tell(RunStarted())
        if warm:  # all nodes work, and more tasks wait: what is interesting happens then
            while self.starting is not None:
                self.a_node_is_up()
            self.reading = False
            self.input = b"a\nb\nc\nd\ne\nf\n"
            self.tell(StdinChunk(self.input))

    # The engine's commands

    def tell(self, event: Event) -> None:
        for command in self.engine.handle(event):
            assert self.outcome is None, "nothing follows on Exit"
            self.obey(command)

    def obey(self, command: Command) -> None:
        match command:
            case StartNode(node):
                self.check_start(node)
            case Send(node, data):
                self.check_send(self.lives[node], data)
            case CloseStdin(node):
                assert not self.lives[node].input_closed, "closed twice"
                self.lives[node].input_closed = True
            case KillNode(node, force):
                life = self.lives[node]
                assert life.input_closed
                assert life.asked_to_end or not force or self.stopped, "killed without warning"
                life.asked_to_end = True
                life.killed |= force
            case LeaveNode(node):
                assert self.lives[node].killed, "left without SIGKILL"
            case Write(data):
                self.written += data
            case Report(text):
                self.check_report(text)
            case ReadMore():
                assert not self.reading
                assert not self.input_over
                assert not self.task_waits(), "a task waits already (DSP-023)"
                self.reading = True
            case DrainOutput():
                self.draining = True
            case SetDeadline(timer, seconds):
                self.timers.add(timer)
                self.stopped |= (timer, seconds) == (Deadline(Purpose.TERMINATE), GRACES.stop)
            case Exit():
                self.check_exit(command)
            case _:
                raise AssertionError(f"unknown: {command}")

    def check_start(self, node: int) -> None:
        assert not self.stopped
        assert self.starting is None, "one after the other"
        assert node not in self.lives, "something of it is left (RST-007)"
        if node in self.started:
            assert self.on_death.restart_after, "RST-003"
            assert not self.is_over(), "nobody needs it any more (RST-012)"
            assert Deadline(Purpose.RESTART) not in self.timers, "its time has not come"
        else:
            assert node == len(self.started), "in order (DSP-001)"
        self.started.add(node)
        self.starting = node

    def check_send(self, life: Life, data: bytes) -> None:
        assert not self.stopped
        assert not life.dead
        assert not life.input_closed
        assert not life.task, "two tasks in flight (DSP-010)"
        assert life.node == min(self.idle()), "not the lowest idle node (DSP-014)"
        if self.failed:
            life.task = self.failed.pop()  # DTH-011, DTH-012
        else:
            self.new_tasks_sent += 1
            life.task = self.new_tasks_sent
        assert data == self.tasks()[life.task - 1] + b"\n", "another task"
        assert life.task not in self.done, "DTH-013"
        if self.settings.print_task:
            self.expect(life, data)  # DTH-025

    def check_report(self, text: bytes) -> None:
        if text == b"all nodes failed":
            assert not self.living(), "some node lives (DTH-030)"
            assert self.task_waits(), "no task needs a node (DTH-032)"
            assert not self.on_death.wait, "RST-020"
            assert not self.stopped
            self.all_failed = True
        elif text == b"all nodes failed: none of them can be started":
            assert self.hopeless, "some node was, or may be, started (RST-030)"
            assert not self.living()
            assert self.task_waits()
            assert not self.stopped
            self.all_failed = True
        elif b"has not ended" in text:
            assert self.is_over()
        elif b" times in a row " in text:
            assert self.on_death.restart_after, "RST-031"
        else:
            assert text.startswith(b"paexec-trio: cannot start"), "DTH-031"
            assert text not in self.told, "said before"
            self.told.add(text)

    def check_exit(self, outcome: Exit) -> None:
        assert self.starting is None
        assert not self.lives, "a process is left"
        self.outcome = outcome
        if self.signal:
            assert outcome == Exit(signal=self.signal)
        elif self.all_failed:
            assert outcome == Exit(status=1)
        else:
            assert outcome == Exit(status=0)
            assert self.is_over()
            assert len(self.done) == len(self.tasks()), "a task is lost (DTH-010, RST-010)"

    # What the model says

    def tasks(self) -> list[bytes]:
        *tasks, last = self.input.split(b"\n")
        return [*tasks, last] if last and self.input_over else tasks

    def task_waits(self) -> bool:
        return bool(self.failed) or self.new_tasks_sent < len(self.tasks())

    def is_over(self) -> bool:
        return self.input_over and len(self.done) == len(self.tasks())

    def living(self) -> list[int]:
        """The nodes that are not dead, those included that have never been started."""
        alive = [life.node for life in self.lives.values() if not life.dead]
        alive += [node for node in range(len(self.settings.nodes)) if node not in self.started]
        return alive if self.starting is None else [*alive, self.starting]

    def up(self) -> list[Life]:
        return [life for life in self.lives.values() if not life.dead]

    def idle(self) -> list[int]:
        return [life.node for life in self.up() if not life.task and not life.input_closed]

    def busy(self) -> list[Life]:
        return [life for life in self.up() if life.task]

    def expect(self, life: Life, line: bytes) -> None:
        self.expected[life.task].append(b"%d %d %b" % (life.task, life.pid, line))

    # What happens

    @precondition(lambda self: not self.outcome and self.starting is not None)
    @rule()
    def a_node_is_up(self) -> None:
        node = self.starting
        assert node is not None
        self.starting = None
        self.hopeless = False
        self.lives[node] = Life(node, next(self.pids))
        self.tell(NodeStarted(node, self.lives[node].pid))

    @precondition(lambda self: not self.outcome and self.starting is not None)
    @rule(
        reason=st.sampled_from([b"cannot start it", b"cannot start anything"]),
        permanent=st.booleans(),
    )
    def a_node_cannot_be_started(self, reason: bytes, permanent: bool) -> None:
        node = self.starting
        assert node is not None
        self.starting = None
        self.hopeless &= permanent
        self.tell(NodeNotStarted(node, reason, permanent))

    @precondition(lambda self: not self.outcome and self.reading)
    @rule(chunk=st.sampled_from([b"a", b"bb\n", b"a\nb\n", b"\n", b"a\nbb\nccc\n\nd"]))
    def input_arrives(self, chunk: bytes) -> None:
        self.reading = False
        self.input += chunk
        self.tell(StdinChunk(chunk))

    @precondition(lambda self: not self.outcome and self.reading)
    @rule()
    def input_ends(self) -> None:
        self.reading = False
        self.input_over = True
        self.tell(StdinEnded())

    @precondition(lambda self: not self.outcome and self.busy())
    @rule(data=st.data(), length=st.integers(min_value=1, max_value=len(RESULT)))
    def a_calculator_writes(self, data: st.DataObject, length: int) -> None:
        self.write(data.draw(st.sampled_from(self.busy())), length)

    def write(self, life: Life, length: int) -> None:
        life.to_write = life.to_write or RESULT
        chunk, life.to_write = life.to_write[:length], life.to_write[length:]
        *whole, life.line = (life.line + chunk).split(b"\n")
        for line in whole:
            if line or self.settings.print_eot:
                self.expect(life, line + b"\n")
        if not life.to_write:
            self.done.add(life.task)
            life.task = 0
        self.tell(NodeOutput(life.node, chunk))

    @precondition(lambda self: not self.outcome and self.lives)
    @rule(data=st.data(), deaf=st.booleans())
    def a_node_dies(self, data: st.DataObject, deaf: bool) -> None:
        life = data.draw(st.sampled_from(list(self.lives.values())))
        if deaf and not life.dead and not life.input_closed:
            self.die(life)
            self.tell(NodeUnwritable(life.node, b"reason"))
        else:
            self.end(life)

    def die(self, life: Life) -> None:
        life.dead = True
        if life.task and not life.input_closed:
            if self.on_death.fatal:
                self.expect(life, self.on_death.fatal + b"\n")  # DTH-020
            if self.settings.print_eot:
                self.expect(life, b"\n")  # DTH-022
            self.failed.append(life.task)
        life.task = 0

    def end(self, life: Life) -> None:
        """Take the next step towards the end of a process."""
        if life.ended:
            del self.lives[life.node]
            self.tell(NodeReaped(life.node))
            return
        life.ended = True
        if not life.dead:
            self.die(life)
        self.tell(NodeEnded(life.node))

    @precondition(lambda self: not self.outcome and self.lives)
    @rule(data=st.data())
    def a_dead_node_still_writes(self, data: st.DataObject) -> None:
        life = data.draw(st.sampled_from(list(self.lives.values())))
        if life.dead and not life.ended:
            self.tell(NodeOutput(life.node, b"late\n\n"))

    @precondition(lambda self: not self.outcome and self.timers and self.starting is None)
    @rule(data=st.data())
    def a_timer_fires(self, data: st.DataObject) -> None:
        self.fire(data.draw(st.sampled_from(sorted(self.timers))))

    def fire(self, timer: Deadline) -> None:
        self.timers.remove(timer)
        self.tell(DeadlinePassed(timer))

    @precondition(lambda self: not self.outcome and self.draining)
    @rule()
    def output_is_drained(self) -> None:
        self.draining = False
        self.tell(OutputDrained())

    @precondition(lambda self: not self.outcome and not self.stopped and not self.draining)
    @rule(weight=st.integers(min_value=0, max_value=7))
    def somebody_wants_it_to_stop(self, weight: int) -> None:
        if weight == 0:
            self.signal = 15
            self.stopped = True
            self.tell(StopRequested(15))

    @precondition(lambda self: self.outcome)
    @rule()
    def nothing_happens_any_more(self) -> None:
        """Give Hypothesis something to do after the end."""

    # What is always true

    @invariant()
    def no_task_waits_while_a_node_is_idle(self) -> None:
        """DSP-011, DTH-010."""
        assert self.stopped or not self.task_waits() or not self.idle()

    @invariant()
    def all_nodes_dead_end_the_run_or_are_waited_for(self) -> None:
        """DTH-030, RST-020, RST-021."""
        if hasattr(self, "settings") and not self.living() and self.task_waits():
            assert self.stopped or self.on_death.wait

    @invariant()
    def dead_nodes_are_restarted(self) -> None:
        """RST-004: some time or other, unless nobody needs them."""
        if not hasattr(self, "settings") or not self.on_death.restart_after:
            return
        if not self.stopped and not self.is_over():
            everyone_lives = len(self.living()) == len(self.settings.nodes)
            assert (
                everyone_lives
                or self.starting is not None
                or Deadline(Purpose.RESTART) in self.timers
            )

    @invariant()
    def what_is_left_of_dead_nodes_is_ended(self) -> None:
        """DTH-004: some time or other."""
        if not self.stopped and not self.is_over():
            dead = [life for life in self.lives.values() if life.dead]
            assert all(
                life.killed or Deadline(Purpose.REAP, life.node) in self.timers for life in dead
            )

    @invariant()
    def input_is_closed_only_when_no_task_can_come(self) -> None:
        """DSP-003, DSP-004."""
        if not self.stopped:
            assert all(life.input_closed == self.is_over() for life in self.up())
            assert all(life.input_closed for life in self.lives.values() if life.dead)

    @invariant()
    def input_is_read_while_a_task_could_be_done(self) -> None:
        """DTH-032: also while all nodes are dead."""
        if hasattr(self, "settings") and not self.stopped and not self.input_over:
            starting = self.starting is not None or len(self.started) < len(self.settings.nodes)
            assert self.reading or self.task_waits() or self.busy() or starting

    @invariant()
    def what_was_written_is_exact_for_each_task(self) -> None:
        """RES-001, END-014, DTH-020 to DTH-025: attempt by attempt, in order, nothing else."""
        *lines, last = self.written.split(b"\n")
        assert last == b"", "only whole lines are written (RES-003)"
        written: defaultdict[int, list[bytes]] = defaultdict(list)
        for line in lines:
            written[int(line.split(b" ")[0])].append(line + b"\n")
        assert written == self.expected

    def teardown(self) -> None:
        """Heal everything: from now on nodes start and answer; the run has to come to its end."""
        for _ in range(10_000):
            if not hasattr(self, "engine") or self.outcome:
                return
            self.go_on()
        raise AssertionError("the run does not end")

    def go_on(self) -> None:
        if self.starting is not None:
            self.a_node_is_up()
        elif self.busy() and not self.stopped:
            self.write(self.busy()[-1], 3)
        elif self.reading:
            self.input_ends()
        elif self.draining:
            self.output_is_drained()
        elif asked := [x for x in self.lives.values() if x.asked_to_end or x.input_closed]:
            self.end(asked[0])
        else:
            assert self.timers, "the run is stuck"
            self.fire(max(self.timers))


MortalWorld.TestCase.settings = settings(max_examples=100, stateful_step_count=60)
TestDeathsAndRestarts = MortalWorld.TestCase


# Graphs


@st.composite
def graphs(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Draw the edges of a graph of eight tasks, each from a lower number to a higher one."""
    edge = st.tuples(st.integers(1, 8), st.integers(1, 8))
    edges = draw(st.lists(edge, max_size=14))
    return [(min(e), max(e)) for e in edges if e[0] != e[1]]


@given(
    edges=graphs(),
    doomed=st.sets(st.integers(1, 8), max_size=3),
    deaths=st.lists(st.sampled_from([None, b"", b"success\n", b"failure\n", b"half"]), max_size=25),
    nodes=st.integers(1, 3),
)
@settings(max_examples=150)
def test_graphs_whatever_dies(
    edges: list[tuple[int, int]], doomed: set[int], deaths: list[bytes | None], nodes: int
) -> None:
    """GRA-025, DTH-010, DTH-014: each attempt lives or writes something and dies; see the list.

    With ``-Z`` and ``-w`` each task succeeds or fails once, after those it depends on, or never
    starts because one of these failed: exactly as without any death.
    """
    graph = b"".join(b"%d\n" % task for task in range(1, 9))
    graph += b"".join(b"%d %d\n" % edge for edge in edges)
    engine = Engine(
        Settings(
            nodes=tuple(b"%d" % index for index in range(nodes)),
            graph=GraphSettings(),
            on_death=Reassign(restart_after=1, wait=True),
        )
    )
    pending: list[Event] = [RunStarted(), StdinChunk(graph), StdinEnded()]
    fates = iter(deaths)
    ended: dict[int, bool] = {}
    held: dict[int, int] = {}
    living: set[int] = set()
    outcome: Exit | None = None
    while outcome is None:
        event = pending.pop(0)
        match event:
            case NodeOutput(node, data) if data.endswith(b"\n\n"):
                ended[held[node]] = held[node] not in doomed
                del held[node]
            case NodeEnded(node):
                living.remove(node)
                held.pop(node, None)
        for command in engine.handle(event):
            match command:
                case StartNode(node):
                    living.add(node)
                    pending.append(NodeStarted(node, 1))
                case Send(node, data):
                    task = int(data)
                    assert task not in ended
                    assert task not in held.values()
                    assert all(ended.get(before) for before, after in edges if after == task)
                    held[node] = task
                    fate = next(fates, None)
                    if fate is None:
                        word = b"failure" if task in doomed else b"success"
                        pending.append(NodeOutput(node, word + b"\n\n"))
                    else:
                        pending += [NodeOutput(node, fate)] if fate else []
                        pending += [NodeEnded(node), NodeReaped(node)]
                case CloseStdin(node) if node in living:
                    pending += [NodeEnded(node), NodeReaped(node)]
                case SetDeadline(Deadline(Purpose.RESTART)):
                    pending.append(DeadlinePassed(Deadline(Purpose.RESTART)))
                case DrainOutput():
                    pending.append(OutputDrained())
                case Exit():
                    outcome = command
    assert outcome == Exit(status=0)
    expected: dict[int, bool] = {}
    for task in range(1, 9):
        if all(expected.get(before) for before, after in edges if after == task):
            expected[task] = task not in doomed
    assert ended == expected
