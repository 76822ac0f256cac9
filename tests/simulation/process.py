"""One process of a simulated node: a transport, and the calculator behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol, final

from paexec_trio.core.events import Event, NodeEnded, NodeErrors, NodeReaped, NodeUnwritable
from tests.simulation.calculators import TOKEN, Calculator, LineCalculator, Shell
from tests.simulation.dice import Dice
from tests.simulation.history import Asked, Broken, Fact, Greeted
from tests.simulation.scenario import Scenario

TIDYING = 4.0
"""Seconds that a process takes to end when its input has ended, at most (END-004)."""


_HANGS_AT_LOGIN = 7
"""Processes whose ids are multiples of this never begin."""

_NOISE = (b"", b"", b"noise\n", b"", b"\n", b"noise and half a line ")
"""Octets that login shells print before calculators begin; no dice choose them."""


class Break(Enum):
    """Ways in which a process can fail."""

    EXIT = "it exits"
    EXIT_HELD = "it exits, and another process holds its output open"
    CLOSE_STDOUT = "its output is closed"
    CLOSE_STDIN = "its input is closed"
    HANG = "it hangs"


class Moment(Enum):
    """When it befalls it."""

    IDLE = "while idle"
    BEFORE = "before the answer"
    WITHIN = "within the result"
    WITHIN_EOT = "within the EOT"
    AFTER = "right after the EOT"


@dataclass(slots=True)
class Fate:
    """The failure of a process, unless everything is healed before."""

    how: Break
    when: Moment
    tasks: int
    """At which of its tasks."""
    after: float
    """How long after its start, if idle."""


class Surroundings(Protocol):
    """The part of the world that a process uses."""

    dice: Dice
    scenario: Scenario

    def now(self) -> float:
        """Return the virtual time."""

    def schedule(self, time: float, happening: Callable[[], Iterator[Event]]) -> None:
        """Let something happen at this time, or now if it is over."""

    def note(self, fact: Fact) -> None:
        """Add a fact to the history."""

    def is_asked_again(self, task: bytes) -> bool:
        """Return whether a calculator was asked this before; from now on it was."""

    def is_healed(self) -> bool:
        """Return whether nothing goes wrong any more."""

    def is_output_paused(self) -> bool:
        """Return whether results are not read now, because nobody reads ours."""

    def take_output(self, node: int, data: bytes) -> Iterator[Event]:
        """Hand over what a calculator wrote."""

    def bury(self, process: SimulatedProcess) -> None:
        """Forget the process."""


@final
class SimulatedProcess:
    """A process as its distributor sees it: two pipes, signals and an exit.

    What is told of it, and in which order, is what ``Host`` tells.

    Args:
        world: where it lives.
        node: the index of its node.
        pid: its process id.
        fate: what will befall it.
    """

    def __init__(self, world: Surroundings, node: int, pid: int, fate: Fate | None) -> None:
        dice, scenario = world.dice, world.scenario
        self.node = node
        self.pid = pid
        self._world = world
        self._dice = dice
        make = Shell if scenario.exec_mode else LineCalculator
        self._calculator: Calculator = make(scenario, dice, pid)
        self._fate = fate
        self._cares_for_eof = not dice.happens(scenario.stubborn)
        self._cares_for_term = not dice.happens(scenario.stubborn)
        self._may_be_signalled = not dice.happens(scenario.untouchable)
        # Of the others, some wait for a disk, so that not even SIGKILL ends them.
        self._sleeps = not self._may_be_signalled and pid % 2 == 0
        self._tasks = 0
        self._unwritten = b""
        # Tasks that were read after the one at which its fate waits.
        self._doomed = False
        self._left: list[bytes] = []
        self._on_the_way = 0
        self._refused = 0
        # When the last octets on their way in either direction arrive: none overtakes others.
        self._input_at = 0.0
        self._output_at = 0.0
        self._reads = True
        self._writes = True
        self._hangs = False
        self._broken = False
        self._exited = False
        self._held = False
        # What the distributor's side knows.
        self._pipe = b""
        self._postponed_eof = False
        self._stdout_at_end = False
        self._end_told = False
        self._exit_seen = False
        self._killed = False
        self._buried = False
        if fate and fate.when is Moment.IDLE:
            self._in(fate.after, self._meet_fate)
        if scenario.settings.silence.is_wrapped:
            self._in(self._some(0.1), self._begin)
        elif not world.is_healed() and dice.happens(scenario.greeting):
            self._in(self._some(0.1), self._greet)

    # What the distributor does

    def send(self, data: bytes) -> None:
        """Take octets for the calculator."""
        if not self._reads or self._exited:
            self._refused += len(data)
            self._in(0.0, self._unwritable)
            return
        self._on_the_way += len(data)
        for piece in self._cut(data):
            self._input_at = self._later(self._input_at)
            self._world.schedule(self._input_at, partial(self._receive, piece))

    def close_stdin(self) -> None:
        """Let the calculator see the end of its input."""
        self._input_at = self._later(self._input_at)
        self._world.schedule(self._input_at, self._see_end)

    def terminate(self) -> None:
        """Send SIGTERM to its group."""
        if self._may_be_signalled and self._cares_for_term:
            self._end_by_signal()

    def kill(self) -> None:
        """Send SIGKILL to its group."""
        self._killed = True
        if self._exit_seen:
            self._in(0.0, self._bury)
        elif self._may_be_signalled:
            self._end_by_signal()
        elif not self._sleeps:
            self._in(0.0, self._abandon)

    def leave(self) -> None:
        """Go on without it."""
        self._in(0.0, self._bury if self._exit_seen else self._abandon)

    def has_unread_output(self) -> bool:
        """Return whether something that it wrote waits for the reader of our output."""
        return bool(self._pipe)

    def resume(self) -> Iterator[Event]:
        """Read what has waited for the reader of our output."""
        yield from self._read()
        if self._postponed_eof and not self._buried:
            yield from self._see_eof()

    # The calculator

    def _receive(self, piece: bytes) -> Iterator[Event]:
        self._on_the_way -= len(piece)
        if self._reads and not self._exited and not self._hangs:
            self._work_on(self._calculator.read(piece))
        return iter(())

    def _work_on(self, tasks: list[bytes]) -> None:
        for number, task in enumerate(tasks):
            if self._doomed:
                self._left += tasks[number:]
                return
            self._world.note(Asked(self.pid, task))
            self._tasks += 1
            self._answer(task)

    def _answer(self, task: bytes) -> None:
        again = self._world.is_asked_again(task)
        result, eot = self._calculator.answer(task, again=again)
        answer = result + eot
        self._output_at = max(self._output_at, self._world.now()) + self._some(self._scenario.work)
        fate = self._fate
        if not fate or fate.when is Moment.IDLE or fate.tasks != self._tasks:
            if not self._world.is_healed() and self._dice.happens(self._scenario.stray):
                eot += self._stray_octets()
            self._write(result + eot, whole_end=len(eot))
            return
        if fate.when is Moment.BEFORE:
            cut = 0
        elif fate.when is Moment.WITHIN:
            cut = self._dice.below(len(result) + 1)
        elif fate.when is Moment.WITHIN_EOT:
            cut = len(result) + self._dice.below(len(eot))
        else:
            cut = len(answer)
        self._write(answer[:cut])
        self._unwritten = answer[cut:]
        self._doomed = True
        self._world.schedule(self._output_at, self._meet_fate)

    def _begin(self) -> Iterator[Event]:
        """Tell that the calculator begins; a login shell may have printed something before."""
        if self._exited or self._hangs:
            return
        if self.pid % _HANGS_AT_LOGIN == 0 and not self._world.is_healed():
            self._hangs = self._broken = True
            return
        noise = _NOISE[self.pid % len(_NOISE)]
        self._write(noise + TOKEN + b"\n")
        if self._scenario.settings.silence.heartbeat:
            yield from self._beat()

    def _beat(self) -> Iterator[Event]:
        """Write a beat in one piece or in two, and arrange the next."""
        stops = self._exited or (self._hangs and self.pid % 3)  # otherwise the calculator hangs
        if stops or self._buried:
            return
        beat = TOKEN + b"\n"
        cut = self.pid % len(beat)
        for piece in (beat[:cut], beat[cut:]):
            if piece:
                yield NodeErrors(self.node, piece)
        late = self._some(0.4)
        self._in(self._scenario.settings.silence.heartbeat * (0.8 + late), self._beat)

    def _greet(self) -> Iterator[Event]:
        """Write what no task asked for, as a login shell does; an EOT in it shifts the results."""
        if not self._exited:
            self._world.note(Greeted(self.pid))
            # Whole lines: another one would hide an EOT, for which the run would wait for ever.
            self._write(self._stray_octets().removesuffix(b"stray"))
        return iter(())

    def _stray_octets(self) -> bytes:
        eot_line = self._scenario.settings.eot + b"\n"
        choices = (b"\n", eot_line, b"stray", b"stray\n" + eot_line, eot_line * 2)
        return self._dice.pick(choices)

    def _write(self, octets: bytes, whole_end: int = 0) -> None:
        """Send octets towards the distributor; the end is not cut, see RES-008."""
        pieces = self._cut(octets[: len(octets) - whole_end])
        if whole_end:
            pieces[-1] += octets[len(octets) - whole_end :]
        for piece in pieces:
            self._output_at = self._later(self._output_at)
            self._world.schedule(self._output_at, partial(self._arrive, piece))

    def _arrive(self, piece: bytes) -> Iterator[Event]:
        if piece and self._writes and not self._hangs:
            self._pipe += piece
            if not self._world.is_output_paused():
                yield from self._read()

    def _see_end(self) -> Iterator[Event]:
        if self._cares_for_eof and self._reads and not self._exited and not self._hangs:
            if not self._world.is_healed() and self._dice.happens(self._scenario.last_words):
                self._write(self._stray_octets())  # RES-033, RES-034
            end = self._later(self._output_at)
            if self._dice.happens(0.2):  # it has something to do that nobody waits for
                self._world.schedule(end, self._close_output)
                end += self._some(TIDYING)
            self._world.schedule(end, self._exit)
        return iter(())

    # What befalls it

    def heal(self) -> None:
        """Let it end if it is broken; let nothing befall it."""
        self._fate = None
        if self._broken:
            self._in(self._some(0.1), self._exit)

    def _meet_fate(self) -> Iterator[Event]:
        if self._exited:
            return
        fate, self._fate = self._fate, None
        if not fate or fate.how is Break.CLOSE_STDIN:
            self._write(self._unwritten)
            self._unwritten = b""
        if not fate:
            self._doomed = False
            left, self._left = self._left, []
            self._work_on(left)
            return
        self._broken = True
        self._world.note(Broken(self.pid, f"{fate.how.value} {fate.when.value}"))
        if fate.how is Break.EXIT:
            yield from self._exit()
            return
        if fate.how is Break.EXIT_HELD:
            self._held = True
            yield from self._exit()
            return
        if fate.how is Break.CLOSE_STDOUT:
            self._writes = False
            yield from self._close_output()
        elif fate.how is Break.CLOSE_STDIN:
            self._reads = False
            if self._input_at > self._world.now() and self._dice.happens(0.5):
                self._refused += self._on_the_way  # it had not left us
                yield from self._unwritable()
        else:
            self._hangs = True
        if self._dice.happens(0.7):  # otherwise it stays so until all is healed
            self._in(self._some(3.0), self._exit)

    def _end_by_signal(self) -> None:
        if not self._exited:
            self._in(self._some(0.01), self._exit)
        elif self._held:
            self._held = False
            self._in(0.0, self._close_output)

    def _exit(self) -> Iterator[Event]:
        if self._exited:
            return
        self._exited = True
        self._reads = False
        if self._held:
            # The other process writes on, for a while.
            self._in(self._some(1.0), partial(self._arrive, b"written by another\n"))
            self._in(self._some(3.0), self._close_output)
            yield from self._see_exit()
            return
        if self._dice.happens(self._scenario.loss):
            self._writes = False
        order = [self._close_output, self._see_exit]
        if self._dice.happens(0.5):
            order.reverse()
        if self._dice.happens(0.5):
            yield from order[0]()
            self._in(self._some(0.01), order[1])
        else:
            for happening in order:
                self._in(0.0, happening)

    def _close_output(self) -> Iterator[Event]:
        # What was written before arrives before.
        if self._writes and self._output_at > self._world.now():
            self._world.schedule(self._output_at, self._close_output)
            return
        self._writes = False
        self._held = False
        if not self._stdout_at_end:
            yield from self._see_eof()

    # What is told

    def _read(self) -> Iterator[Event]:
        data, self._pipe = self._pipe, b""
        if data and not self._buried:
            yield from self._world.take_output(self.node, data)

    def _see_eof(self) -> Iterator[Event]:
        if self._buried or self._stdout_at_end:
            return
        self._postponed_eof = self._world.is_output_paused()
        if self._postponed_eof:
            return
        self._stdout_at_end = True
        yield from self._read()
        yield from self._tell_end()
        if self._exit_seen:
            yield from self._bury()

    def _see_exit(self) -> Iterator[Event]:
        if self._buried:
            return
        self._exit_seen = True
        yield from self._read()
        if not self._writes:
            self._stdout_at_end = True
        yield from self._tell_end(exited=True)
        if self._stdout_at_end or self._killed:
            yield from self._bury()

    def _unwritable(self) -> Iterator[Event]:
        if self._buried:
            return
        yield from self._read()
        if not self._end_told:
            yield NodeUnwritable(self.node, b"Broken pipe", self._refused)

    def _tell_end(self, *, exited: bool = False) -> Iterator[Event]:
        if not self._end_told:
            self._end_told = True
            yield NodeEnded(self.node, exited)

    def _bury(self) -> Iterator[Event]:
        if not self._buried:
            self._buried = True
            self._world.bury(self)
            yield NodeReaped(self.node)

    def _abandon(self) -> Iterator[Event]:
        if not self._buried:
            self._buried = True
            self._world.bury(self)
            yield from self._tell_end()
            yield NodeReaped(self.node, left_running=True)

    # Chance

    @property
    def _scenario(self) -> Scenario:
        return self._world.scenario

    def _cut(self, octets: bytes) -> list[bytes]:
        if len(octets) < 2 or not self._dice.happens(self._scenario.cuts):
            return [octets]
        first = 1 + self._dice.below(len(octets) - 1)
        return [octets[:first], *self._cut(octets[first:])]

    def _later(self, time: float) -> float:
        """Return when octets arrive that are sent now, those before them at ``time``."""
        return max(time, self._world.now()) + self._some(self._scenario.transit)

    def _some(self, most: float) -> float:
        return most * self._dice.share() if self._dice.happens(0.7) else 0.0

    def _in(self, delay: float, happening: Callable[[], Iterator[Event]]) -> None:
        self._world.schedule(self._world.now() + delay, happening)
