"""The engine under random schedules: nodes that start, answer, die and are killed at any time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import count, takewhile

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from paexec_trio.core.commands import (
    CloseStdin,
    Command,
    Deadline,
    Discard,
    DrainOutput,
    Exit,
    Hold,
    Join,
    KillNode,
    LeaveNode,
    Purpose,
    ReadMore,
    Release,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.ending import SIGPIPE
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    HoldingFailed,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
    OutputClosed,
    OutputDrained,
    OutputFailed,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import GRACES, Settings

EOTS = st.sampled_from([b"", b"e", b"ee", b"end of task", b"\0"])

PIECES_OF_INPUT = st.lists(
    st.sampled_from([b"\n", b"a", b"bb", b"\0", b"\r", b" ", b"\n\n", b"task\n", b"x\0y\n"]),
    min_size=1,
    max_size=6,
).map(b"".join)

RESULT_LINES = st.lists(
    st.sampled_from([b"", b"r", b"e", b"eee", b"end of task ", b"\r", b"\0\0", b"result line"]),
    max_size=4,
)


class Calculator:
    """The other side of a node."""

    def __init__(self) -> None:
        self.task = 0
        """The id of the task in flight, 0 if there is none."""
        self.to_write = b""
        """What it has still to write for its task; empty before it began to answer."""
        self.line = b""
        """The beginning of the line that it is writing."""
        self.input_closed = False
        self.deaf = False
        """The engine was told that it takes no input any more."""
        self.ended = False
        self.gone = False
        self.killed = False


class World(RuleBasedStateMachine):
    """Obeys the engine's commands, checks each of them, and lets things happen in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.calculators: dict[int, Calculator] = {}
        self.starting: list[int] = []
        self.timers: set[Deadline] = set()
        self.reading = False
        self.draining = False
        self.output_broken = False
        self.may_kill = False
        self.outcome: Exit | None = None

        self.input = b""
        self.input_over = False
        self.input_failed = False
        self.sent: list[bytes] = []
        self.written = b""
        self.expected: defaultdict[int, list[bytes]] = defaultdict(list)
        self.held: dict[int, bytes] = {}
        self.finished: set[int] = set()
        """The tasks whose groups are whole and are to be printed."""
        self.holding_failed = False
        self.rest_is_released = False

        self.stopped = False
        self.expected_outcome = Exit()
        self.outcome_if_it_stops = Exit(status=1)

    @initialize(
        nodes=st.integers(min_value=1, max_value=4),
        eot=EOTS,
        show_node=st.booleans(),
        show_pid=st.booleans(),
        print_too=st.booleans(),
        grouping=st.sampled_from(Grouping),
    )
    def run_starts(
        self,
        nodes: int,
        eot: bytes,
        show_node: bool,
        show_pid: bool,
        print_too: bool,
        grouping: Grouping,
    ) -> None:
        self.settings = Settings(
            nodes=tuple(b"node%d" % index for index in range(nodes)),
            eot=eot,
            show_task_id=True,
            show_node=show_node,
            show_pid=show_pid,
            print_eot=print_too,
            print_task=print_too,
            grouping=grouping,
            finish_timeout=5.0,
        )
        self.engine = Engine(self.settings)
        self.tell(RunStarted())

    # The engine's commands

    def tell(self, event: Event) -> None:
        for command in self.engine.handle(event):
            assert self.outcome is None, "nothing follows on Exit"
            if isinstance(command, Report):
                assert b"\n" not in command.text
                # Only the first cause is reported, and that the output failed, which says why
                # results are missing.
                assert not self.stopped or isinstance(event, OutputFailed | HoldingFailed)
            else:
                self.obey(command, event)

    def obey(self, command: Command, event: Event) -> None:
        match command:
            case StartNode(node):
                assert node == len(self.calculators), "in order and once (DSP-001)"
                assert not self.starting, "one after the other"
                self.starting.append(node)
            case Send(node, data):
                self.check_send(node, data)
            case CloseStdin(node):
                calculator = self.calculators[node]
                assert not calculator.input_closed, "closed twice"
                calculator.input_closed = True
            case KillNode(node, force):
                assert self.may_kill
                assert not self.calculators[node].gone
                self.calculators[node].killed |= force
            case LeaveNode(node):
                assert self.calculators[node].killed, "left without SIGKILL"
            case Write(data):
                assert not self.output_broken
                assert self.settings.grouping is Grouping.NONE
                self.written += data
            case Hold(group, data):
                assert not self.is_muted()
                assert self.settings.grouping is not Grouping.NONE
                self.held[group] = self.held.get(group, b"") + data
            case Join(group, other):
                self.held[group] = self.held.get(group, b"") + self.held.pop(other, b"")
            case Release(group):
                assert not self.is_muted() or isinstance(event, HoldingFailed)
                self.written += self.held.pop(group, b"")
            case Discard(group):
                self.held.pop(group, None)
            case ReadMore():
                assert not self.reading, "reading already"
                assert not self.input_over
                assert len(self.sent) == len(self.tasks()), "a task waits already (DSP-023)"
                self.reading = True
            case DrainOutput():
                assert not self.draining
                assert not self.output_broken
                self.draining = True
                self.rest_is_released = True
            case SetDeadline(timer, seconds):
                self.timers.add(timer)
                if (timer, seconds) == (
                    Deadline(Purpose.TERMINATE),
                    GRACES.stop,
                ) and not self.stopped:
                    self.stopped = True
                    self.expected_outcome = self.outcome_if_it_stops
            case Exit():
                assert not self.starting
                assert all(c.gone and c.input_closed for c in self.calculators.values())
                assert command == self.expected_outcome
                self.outcome = command
            case _:
                raise AssertionError(f"unknown: {command}")

    def check_send(self, node: int, data: bytes) -> None:
        calculator = self.calculators[node]
        assert not self.stopped
        assert not self.input_failed
        assert not calculator.input_closed
        assert not calculator.task, "two tasks in flight (DSP-010)"
        assert node == min(self.idle()), "not the lowest idle node (DSP-014)"
        self.sent.append(data)
        assert data == self.tasks()[len(self.sent) - 1] + b"\n", "another task (DSP-012, FRM-010)"
        calculator.task = len(self.sent)
        if self.settings.print_task:
            self.expect(node, data)

    # What the model says

    def tasks(self) -> list[bytes]:
        """The tasks that are whole by now."""
        *tasks, last = self.input.split(b"\n")
        return [*tasks, last] if last and self.input_over else tasks

    def is_muted(self) -> bool:
        return self.output_broken or self.holding_failed

    def expect(self, node: int, line: bytes) -> None:
        if self.is_muted():
            return
        task = self.calculators[node].task
        prefix = b"node%d " % node if self.settings.show_node else b""
        prefix += b"%d " % task
        prefix += b"%d " % self.pid(node) if self.settings.show_pid else b""
        self.expected[task].append(prefix + line)

    @staticmethod
    def pid(node: int) -> int:
        return 500 - node

    def idle(self) -> list[int]:
        return [node for node, calculator in self.calculators.items() if not calculator.task]

    def busy(self) -> list[int]:
        """The nodes whose calculator can write something for a task."""
        return [node for node, c in self.calculators.items() if c.task and not c.ended]

    def alive(self) -> list[int]:
        return [node for node, calculator in self.calculators.items() if not calculator.gone]

    def closed(self) -> list[int]:
        return [node for node in self.alive() if self.calculators[node].input_closed]

    # What happens

    @precondition(lambda self: not self.outcome and self.starting)
    @rule()
    def a_node_is_up(self) -> None:
        node = self.starting.pop()
        self.calculators[node] = Calculator()
        self.tell(NodeStarted(node, self.pid(node)))

    @precondition(lambda self: not self.outcome and self.reading)
    @rule(chunk=PIECES_OF_INPUT)
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
    @rule(data=st.data(), length=st.integers(min_value=1, max_value=40), lines=RESULT_LINES)
    def a_calculator_writes(self, data: st.DataObject, length: int, lines: list[bytes]) -> None:
        self.write(data.draw(st.sampled_from(self.busy())), length, lines)

    def write(self, node: int, length: int, lines: list[bytes]) -> None:
        """Let a calculator write so many octets; the lines are its answer if it begins one."""
        calculator = self.calculators[node]
        eot = self.settings.eot
        if not calculator.to_write:
            result = [line for line in lines if line != eot]
            calculator.to_write = b"".join(line + b"\n" for line in [*result, eot])
        chunk = calculator.to_write[:length]
        calculator.to_write = calculator.to_write[length:]
        if not calculator.deaf:
            *whole, calculator.line = (calculator.line + chunk).split(b"\n")
            for line in whole:
                if line != eot or self.settings.print_eot:
                    self.expect(node, line + b"\n")
        if not calculator.to_write:
            if not calculator.deaf and not self.is_muted():
                self.finished.add(calculator.task)
            calculator.task = 0
        self.tell(NodeOutput(node, chunk))

    @precondition(lambda self: not self.outcome and self.closed())
    @rule(data=st.data())
    def a_calculator_sees_the_end_of_its_input(self, data: st.DataObject) -> None:
        self.end(data.draw(st.sampled_from(self.closed())))

    def end(self, node: int) -> None:
        """Take the next step towards the end of a node."""
        calculator = self.calculators[node]
        if not calculator.ended:
            calculator.ended = True
            self.tell(NodeEnded(node))
        else:
            calculator.gone = True
            self.tell(NodeReaped(node))

    @precondition(lambda self: not self.outcome and self.draining)
    @rule()
    def output_is_drained(self) -> None:
        self.draining = False
        self.tell(OutputDrained())

    @precondition(lambda self: self.outcome)
    @rule()
    def nothing_happens_any_more(self) -> None:
        """Give Hypothesis something to do after the end."""

    # What is always true

    @invariant()
    def no_task_waits_while_a_node_is_idle(self) -> None:
        """DSP-011, DSP-020."""
        if not self.stopped and not self.input_failed:
            assert len(self.sent) == len(self.tasks()) or not self.idle()

    @invariant()
    def what_was_written_is_exact_for_each_task(self) -> None:
        """RES-001 to RES-004: as soon as it can be, in order, and nothing else."""
        *lines, last = self.written.split(b"\n")
        assert last == b"", "only whole lines are written (RES-003)"
        written: defaultdict[int, list[bytes]] = defaultdict(list)
        order: list[int] = []
        for line in lines:
            task = int(line.split(b" ")[1 if self.settings.show_node else 0])
            written[task].append(line + b"\n")
            if order[-1:] != [task]:
                order.append(task)
        if self.settings.grouping is Grouping.NONE:
            assert written == self.expected
            return
        assert len(order) == len(written), "groups are mixed (GRP-010)"
        to_be_printed = self.finished
        if self.settings.grouping is Grouping.KEEP_ORDER:
            assert order == sorted(order), "GRP-020"
            if not self.rest_is_released:
                to_be_printed = set(self.finished_without_gap())  # GRP-022, otherwise GRP-024
        assert written == {
            task: lines for task, lines in self.expected.items() if task in to_be_printed
        }

    def finished_without_gap(self) -> Iterator[int]:
        return takewhile(self.finished.__contains__, count(1))

    def teardown(self) -> None:
        """Let everything happen that still has to, until the run is over."""
        while hasattr(self, "engine") and not self.outcome:
            self.go_on()

    def go_on(self) -> None:
        if self.starting:
            self.a_node_is_up()
        elif self.busy() and not self.stopped:
            self.write(self.busy()[-1], 3, [b"one", b"two"])
        elif self.reading:
            self.input_ends()
        elif self.draining:
            self.output_is_drained()
        else:
            self.go_on_ending()

    def go_on_ending(self) -> None:
        raise NotImplementedError


class UndisturbedWorld(World):
    """All nodes live until their input is closed, and end then."""

    @invariant()
    def input_is_closed_only_when_no_task_can_come(self) -> None:
        """DSP-003, DSP-004."""
        over = self.input_over and len(self.sent) == len(self.tasks())
        for calculator in self.calculators.values():
            assert calculator.input_closed == (over and not calculator.task)

    def go_on_ending(self) -> None:
        self.end(self.closed()[0])

    def teardown(self) -> None:
        super().teardown()
        if self.outcome:
            self.what_was_written_is_exact_for_each_task()
            assert self.outcome == Exit(status=0)
            assert self.sent == [task + b"\n" for task in self.tasks()], "DSP-013"
            assert len(self.calculators) == len(self.settings.nodes)


class DisturbedWorld(World):
    """Anything may fail at any time; whatever happens, the run comes to an end.

    Calculators need not care for the end of their input nor for SIGTERM.
    """

    @precondition(lambda self: not self.outcome and self.alive())
    @rule(data=st.data())
    def a_node_dies(self, data: st.DataObject) -> None:
        self.end(data.draw(st.sampled_from(self.alive())))

    @precondition(lambda self: not self.outcome and self.starting)
    @rule()
    def a_node_cannot_be_started(self) -> None:
        self.starting.pop()
        self.tell(NodeNotStarted(len(self.calculators), b"reason"))

    @precondition(lambda self: not self.outcome and self.alive())
    @rule(data=st.data())
    def a_node_takes_no_input(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(self.alive()))
        calculator = self.calculators[node]
        calculator.deaf |= not calculator.input_closed
        self.tell(NodeUnwritable(node, b"reason"))

    @precondition(lambda self: not self.outcome and self.reading)
    @rule()
    def input_fails(self) -> None:
        self.reading = False
        self.input_failed = True
        if not self.stopped:
            self.expected_outcome = Exit(status=1)
        self.tell(StdinFailed(b"reason"))

    @precondition(lambda self: not self.outcome and not self.output_broken)
    @rule(closed=st.booleans())
    def output_breaks(self, closed: bool) -> None:
        self.output_broken = True
        outcome = Exit(signal=SIGPIPE) if closed else Exit(status=1)
        self.stop(OutputClosed() if closed else OutputFailed(b"reason"), outcome)

    @precondition(lambda self: not self.outcome)
    @rule()
    def holding_fails(self) -> None:
        if self.settings.grouping is Grouping.NONE:
            return
        if self.draining and not self.is_muted():
            self.expected_outcome = Exit(status=1)
        self.holding_failed = True
        self.rest_is_released |= not self.output_broken
        self.tell(HoldingFailed(b"reason"))

    @precondition(lambda self: not self.outcome)
    @rule(signal=st.sampled_from([2, 15]))
    def somebody_wants_it_to_stop(self, signal: int) -> None:
        self.may_kill |= self.stopped
        if self.stopped and not self.expected_outcome.signal:
            self.expected_outcome = Exit(signal=signal)
        self.stop(StopRequested(signal), Exit(signal=signal))

    def stop(self, event: Event, outcome: Exit) -> None:
        self.outcome_if_it_stops = outcome
        if self.draining:
            self.expected_outcome = outcome
        self.tell(event)
        self.outcome_if_it_stops = Exit(status=1)

    # Starting a process takes no time, see ``StartNode``.
    @precondition(lambda self: not self.outcome and self.timers and not self.starting)
    @rule(data=st.data())
    def a_timer_fires(self, data: st.DataObject) -> None:
        self.fire(data.draw(st.sampled_from(sorted(self.timers))))

    def fire(self, timer: Deadline) -> None:
        self.timers.remove(timer)
        self.may_kill = True
        if timer == Deadline(Purpose.TERMINATE) and not self.stopped and self.alive():
            self.expected_outcome = Exit(status=1)  # END-041
        self.tell(DeadlinePassed(timer))

    def go_on_ending(self) -> None:
        """Let only those end that are killed: the engine must not rely on anybody's good will."""
        dying = [node for node in self.alive() if self.calculators[node].killed]
        if dying:
            self.end(dying[0])
        else:
            assert self.timers, "the run is stuck"
            self.fire(min(self.timers))


UndisturbedWorld.TestCase.settings = settings(max_examples=60, stateful_step_count=50)
DisturbedWorld.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestUndisturbedRuns = UndisturbedWorld.TestCase
TestDisturbedRuns = DisturbedWorld.TestCase
