"""The simulated world: a clock that jumps, and whatever a run needs around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush
from typing import Any, final

from paexec_trio.core.commands import (
    AddNode,
    CloseStdin,
    Command,
    Deadline,
    Discard,
    DrainOutput,
    DropStored,
    Hold,
    HoldErrors,
    Join,
    JoinErrors,
    KillNode,
    LeaveNode,
    PrintErrors,
    Purpose,
    ReadMore,
    Release,
    ReleaseErrors,
    Report,
    Send,
    SetDeadline,
    StartNode,
    StoreErrors,
    StoreOutput,
    StoreResult,
    Write,
)
from paexec_trio.core.dispatching import FastPath
from paexec_trio.core.events import (
    DeadlinePassed,
    Event,
    NodeErrors,
    NodeNotStarted,
    NodeOutput,
    NodeStarted,
    NodeUnread,
    OutputClosed,
    OutputDrained,
    OutputFailed,
    StdinChunk,
    StdinEnded,
    TimePassed,
)
from paexec_trio.core.settings import AUTO
from tests.simulation.dice import Dice
from tests.simulation.history import Fact, Healed, History, Printed
from tests.simulation.process import Break, Fate, Moment, SimulatedProcess
from tests.simulation.scenario import Scenario

FIRST_PID = 1000

START_TIME = 0.01
"""Seconds that the start of a process takes, at most."""

OUTPUT_LIMIT = 2000
"""Octets that wait for the reader of standard output before results are not read any more."""

TIME_TO_FINISH = 1000.0
"""Seconds in which a healed run has to end."""

HAPPENINGS = 30_000
"""The largest number of happenings in a run."""


_ERRORS = (b"", b"#\n", b"# ", b"", b"#\n\n#", b"\n", b"#\n")
"""The octets of standard error; a number is put in. No dice choose them, see ``scenario``."""


def _nothing(_command: Command) -> None:
    pass


class StuckError(Exception):
    """The run does not end."""


@final
class SimulatedWorld:
    """A :class:`~paexec_trio.runtime.pump.World` without processes, descriptors and a clock.

    Args:
        scenario: what the world is like.
        dice: decide everything else.
        history: takes down what neither an event nor a command says; its clock is set.
        exchange: is asked before an event is made of what a calculator wrote.
    """

    def __init__(
        self,
        scenario: Scenario,
        dice: Dice,
        history: History,
        exchange: FastPath | None = None,
    ) -> None:
        self.scenario = scenario
        self.dice = dice
        self._history = history
        self._exchange = exchange
        self._now = 0.0
        self._agenda: list[tuple[float, int, Callable[[], Iterator[Event]]]] = []
        self._scheduled = 0
        self._healed = False
        self._processes: dict[int, SimulatedProcess] = {}
        self._started = 0
        self._asked: set[bytes] = set()
        self._unread_input = memoryview(scenario.input)
        self._timers: dict[Deadline, int] = {}
        self._held: dict[int, bytearray] = {}
        self._unread_output = 0
        self._output_broken = False
        self._errors = 0
        self._drain_wanted = False
        self._executors: dict[type[Command], Callable[[Any], None]] = {
            AddNode: _nothing,
            StartNode: self._start_node,
            Send: self._send,
            CloseStdin: self._close_stdin,
            KillNode: self._kill_node,
            LeaveNode: self._leave_node,
            Write: self._write,
            Hold: self._hold,
            Join: self._join,
            Release: self._release,
            Discard: self._discard,
            Report: self._report,
            ReadMore: self._read_more,
            DrainOutput: self._drain_output,
            SetDeadline: self._set_timer,
            # The history has them.
            **dict.fromkeys((PrintErrors, HoldErrors, JoinErrors, ReleaseErrors), _nothing),
            **dict.fromkeys((StoreOutput, StoreErrors, StoreResult, DropStored), _nothing),
        }
        self.schedule(scenario.heal_at, self._heal)
        for time, event in scenario.disturbances:
            self.schedule(time, partial(self._disturb, event))

    # The interface to the loop

    def wait(self) -> None:
        """Go on to the next time at which something happens.

        Raises:
            StuckError: nothing does, or the run should have ended long ago.
        """
        if not self._agenda:
            raise StuckError("nothing will happen any more")
        self._now = max(self._now, self._agenda[0][0])
        self._history.now = self._now
        if self._now > self.scenario.heal_at + TIME_TO_FINISH:
            raise StuckError("it is late")

    def events(self) -> Iterator[Event]:
        """Yield what happens now.

        Raises:
            StuckError: too much has happened in this run.
        """
        settings = self.scenario.settings
        if settings.prefetch == AUTO or settings.accounting.has_time_limit:
            yield TimePassed(self._now)
        agenda = self._agenda
        while agenda and agenda[0][0] <= self._now:
            if self._scheduled > HAPPENINGS:
                raise StuckError("it goes round in circles")
            yield from heappop(agenda)[2]()

    def execute(self, command: Command) -> None:
        """Carry out a command."""
        self._executors[type(command)](command)

    # The interface to processes

    def now(self) -> float:
        """Return the virtual time."""
        return self._now

    def schedule(self, time: float, happening: Callable[[], Iterator[Event]]) -> None:
        """Let something happen at this time, or now if it is over."""
        self._scheduled += 1
        heappush(self._agenda, (time, self._scheduled, happening))

    def note(self, fact: Fact) -> None:
        """Add a fact to the history."""
        self._history.log(fact)

    def is_asked_again(self, task: bytes) -> bool:
        """Return whether a calculator was asked this before; from now on it was."""
        again = task in self._asked
        self._asked.add(task)
        return again

    def is_healed(self) -> bool:
        """Return whether nothing goes wrong any more."""
        return self._healed

    def is_output_paused(self) -> bool:
        """Return whether results are not read now, because nobody reads ours."""
        return self._unread_output > OUTPUT_LIMIT

    def take_output(self, node: int, data: bytes) -> Iterator[Event]:
        """Hand over what a calculator wrote."""
        output = NodeOutput(node, data)
        exchanged = self._exchange(node, data) if self._exchange else None
        if exchanged is None:
            if self.scenario.settings.reads_stderr:
                yield from self._errors_before(node)
            yield output
            return
        lines, task = exchanged
        send = Send(node, task)
        # For the judge it is as if there had been an event and its commands.
        self._history.log(output)
        self._print(lines)
        self._history.log(send)
        self._send(send)

    def _errors_before(self, node: int) -> Iterator[Event]:
        """Let a calculator write on its standard error now and then, before what it prints."""
        self._errors += 1
        data = _ERRORS[self._errors % len(_ERRORS)]
        if data:
            yield NodeErrors(node, data.replace(b"#", b"%d" % self._errors))

    def bury(self, process: SimulatedProcess) -> None:
        """Forget the process."""
        del self._processes[process.node]

    # Nodes

    def _start_node(self, command: StartNode) -> None:
        assert command.node not in self._processes, "its previous process is still there"
        self._later(START_TIME, partial(self._start, command.node))

    def _start(self, node: int) -> Iterator[Event]:
        scenario = self.scenario
        if scenario.absent:
            yield NodeNotStarted(node, b"cannot run transport: not found", permanent=True)
            return
        if not self._healed and self.dice.happens(scenario.refusal):
            reason = self.dice.pick((b"cannot run transport: reason", b"another reason"))
            yield NodeNotStarted(node, reason)
            return
        pid = FIRST_PID + self._started
        self._started += 1
        fate = None
        if not self._healed and self.dice.happens(scenario.breaks):
            fate = self._draw_fate()
        self._processes[node] = SimulatedProcess(self, node, pid, fate)
        yield NodeStarted(node, pid)

    def _draw_fate(self) -> Fate:
        dice = self.dice
        return Fate(
            how=dice.pick(list(Break)) if dice.happens(0.5) else Break.EXIT,
            when=dice.pick(list(Moment)),
            tasks=dice.below(self.scenario.tasks_before_break) + 1,
            after=dice.share() * dice.pick((0.01, 0.1, 1.0, self.scenario.heal_at)),
        )

    def _send(self, command: Send) -> None:
        self._processes[command.node].send(command.data)

    def _close_stdin(self, command: CloseStdin) -> None:
        process = self._processes.get(command.node)
        if process:
            process.close_stdin()

    def _kill_node(self, command: KillNode) -> None:
        process = self._processes.get(command.node)
        if process and command.force:
            process.kill()
        elif process:
            process.terminate()

    def _leave_node(self, command: LeaveNode) -> None:
        process = self._processes.get(command.node)
        if process:
            process.leave()

    def _heal(self) -> Iterator[Event]:
        self._healed = True
        self.note(Healed())
        for process in self._processes.values():
            process.heal()
        return iter(())

    # Standard input

    def _read_more(self, _command: ReadMore) -> None:
        self._later(self.scenario.input_pause, self._input_ready)

    def _input_ready(self) -> Iterator[Event]:
        failure = self.scenario.input_failure
        if failure and self.dice.happens(0.2):
            yield failure
            return
        size = self.scenario.input_chunk - self.dice.below(self.scenario.input_chunk)
        data = bytes(self._unread_input[:size])
        self._unread_input = self._unread_input[size:]
        if data:
            yield StdinChunk(data)
        else:
            yield failure or StdinEnded()

    # Standard output and standard error

    def _write(self, command: Write) -> None:
        self._print(bytes(command.data))

    def _hold(self, command: Hold) -> None:
        self._held.setdefault(command.group, bytearray()).extend(command.data)

    def _join(self, command: Join) -> None:
        self._hold(Hold(command.group, self._held.pop(command.other, b"")))

    def _release(self, command: Release) -> None:
        self._print(bytes(self._held.pop(command.group, b"")))

    def _discard(self, command: Discard) -> None:
        self._held.pop(command.group, None)

    def _print(self, data: bytes) -> None:
        if self._output_broken or not data:
            return
        self.note(Printed(data))
        if self.scenario.reader_pause:
            if not self._unread_output:
                self._later(self.scenario.reader_pause, self._output_read)
            self._unread_output += len(data)

    def _output_read(self) -> Iterator[Event]:
        paused = self.is_output_paused()
        self._unread_output = 0
        if paused:
            for process in list(self._processes.values()):
                yield from process.resume()
        if self._drain_wanted and not self._unread_output:
            yield OutputDrained()

    def _drain_output(self, _command: DrainOutput) -> None:
        self._drain_wanted = True
        if not self._unread_output:
            self.schedule(self._now, self._output_read)

    def _report(self, command: Report) -> None:
        pass  # the trace has it

    def _disturb(self, event: Event) -> Iterator[Event]:
        if isinstance(event, OutputClosed | OutputFailed):
            if self._output_broken:
                return
            self._output_broken = True
        yield event
        if self._output_broken and self._unread_output:
            yield from self._output_read()

    # Time

    def _set_timer(self, command: SetDeadline) -> None:
        # Setting it again replaces it.
        self._scheduled += 1
        number = self._timers[command.deadline] = self._scheduled
        happening = partial(self._fire, command.deadline, number)
        late = self.scenario.lateness
        self.schedule(self._now + command.seconds + (late and late * self.dice.share()), happening)

    def _fire(self, timer: Deadline, number: int) -> Iterator[Event]:
        if self._timers.get(timer) == number:
            del self._timers[timer]
            if timer.purpose in {Purpose.LOOK, Purpose.LISTEN}:
                unread = [p.node for p in self._processes.values() if p.has_unread_output()]
                yield from map(NodeUnread, unread)
            yield DeadlinePassed(timer)

    def _later(self, most: float, happening: Callable[[], Iterator[Event]]) -> None:
        delay = most * self.dice.share() if self.dice.happens(0.7) else 0.0
        self.schedule(self._now + delay, happening)
