"""The stage of a test: a temporary directory, its distributors and the fakes that they start."""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.harness import processes
from conformance.harness.control import Channel, Switchboard
from conformance.harness.distributor import Distributor
from conformance.harness.effort import Work
from conformance.harness.fakes import Calculator, Fake, Transport
from conformance.harness.recording import Recorder, files_of
from conformance.harness.transcript import Transcript
from conformance.harness.watch import Bounds, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from random import Random

    from conformance.harness.network.hosts import Network

#: Variables of a distributor, by text or by octets.
Environment = Mapping[str, str] | Mapping[bytes, bytes] | Mapping[str, str | bytes]

_STEERED = Path(__file__).with_name("steered.py")

#: Marks the environment of every process of a test, so that those left behind can be found.
_MARK = "PAEXEC_CONFORMANCE_STAGE"


class Stage:
    """Starts distributors and meets the fakes that they start.

    ``bounds`` limit every wait for something that a conforming distributor does promptly.
    ``when_idle`` is called whenever a wait has seen no event for a while and no process works.
    """

    def __init__(
        self,
        program: Sequence[str],
        paexec: Sequence[str],
        features: Mapping[str, bool],
        directory: Path,
        bounds: Bounds,
        dice: Random,
        when_idle: Callable[[], None] = lambda: None,
    ) -> None:
        #: Whether the implementation has a feature, as far as its profile says so.
        self.features = features
        self.directory = directory
        self.transcript = Transcript()
        self.recorder = Recorder()
        self.calculators: list[Calculator] = []
        self.transports: list[Transport] = []
        self.distributors: list[Distributor] = []
        #: If set, every calculator answers each of its tasks at once with the octets returned.
        self.reply: Callable[[bytes], bytes] | None = None
        #: If set, every transport runs its command line at once.
        self.connect = False
        #: Unguessable octets: a result that holds them comes from a calculator of this test.
        self.nonce = b"%08x" % dice.getrandbits(32)
        self._program = program
        self._paexec = paexec
        self._watch = Watch(bounds, self._hopeless, self._look, when_idle)
        self._fakes: dict[Channel, Fake] = {}
        self._met = 0
        self._switchboard = Switchboard(self._watch, self._take)
        self._switchboard_of_hosts = ""
        self._mark = secrets.token_hex(8)

    @property
    def bound(self) -> float:
        """The seconds after which a wait fails."""
        return self._watch.bounds.usual

    @property
    def volume_bound(self) -> float:
        """The same for a wait for what takes long by its size."""
        return self._watch.bounds.volume

    @property
    def grace(self) -> float:
        """The seconds that a test looks whether something happens that need not, or must not."""
        return self._watch.bounds.grace

    @property
    def moment(self) -> float:
        """The seconds for what follows at once, such as the end of what was killed."""
        return self._watch.bounds.moment

    @property
    def patience_used(self) -> float:
        """The largest share of its bound that a wait took that was not in vain."""
        return self._watch.nearest

    @property
    def has_hung(self) -> bool:
        """Whether a wait was in vain that was not expected to be."""
        return self._watch.has_hung

    def _look(self) -> Work:
        """The work of the processes of this test."""
        found = [processes.work_of(pid) for pid in self.leftovers()]
        return Work(any(each.is_done for each in found), sum(each.seconds for each in found))

    # The programs that the command lines of the tests name

    def calculator(self, *flags: str) -> str:
        """The path, free of special characters, of a calculator; flags as in ``steered.py``."""
        return self._script("calculator", flags)

    def reach_hosts(self, network: Network) -> None:
        """Let the fakes of ``calculator_on_hosts`` report from hosts that share our files."""
        self._switchboard_of_hosts = str(network.directory / "control")
        self._switchboard.listen_at(self._switchboard_of_hosts)

    def calculator_on_hosts(self, *flags: str) -> str:
        """The same as ``calculator`` for the hosts of a network."""
        fixed = [sys.executable, "-IS", str(_STEERED), self._switchboard_of_hosts]
        words = [*fixed, ",".join(("calculator", *flags))]
        return self.script(
            "-".join(("calculator-on-hosts", *flags)), f'exec {shlex.join(words)} "$@"'
        )

    def transport(self) -> str:
        """The path, free of special characters, of a transport."""
        return self._script("transport", ("paused",))

    def distributor(self) -> str:
        """The words, for a shell, that start paexec itself within a command or a calculator."""
        return shlex.join(self._paexec)

    def script(self, name: str, text: str) -> str:
        """The path of a new shell script.

        One of that name that there was before is replaced and not changed: something may still be
        starting it, left by a distributor that has ended.
        """
        path = self.directory / name
        new = path.with_name(f".{name}.new")
        new.write_text(f"#!/bin/sh\n{text}\n")
        new.chmod(0o755)
        new.replace(path)
        return str(path)

    def bare_calculator(self) -> list[str]:
        """The words of a calculator that no shell starts, which would change its environment."""
        return self._words("calculator", ())

    def bare_transport(self) -> list[str]:
        """The same of a transport."""
        return self._words("transport", ("paused",))

    def _script(self, role: str, flags: tuple[str, ...]) -> str:
        words = self._words(role, flags)
        return self.script("-".join((role, *flags)), f'exec {shlex.join(words)} "$@"')

    def _words(self, role: str, flags: tuple[str, ...]) -> list[str]:
        fixed = [sys.executable, "-IS", str(_STEERED), self._switchboard.address]
        return [*fixed, ",".join((role, *flags))]

    # Distributors

    def start(
        self,
        *arguments: str | bytes,
        environment: Environment | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        within: Sequence[str] = (),
        paexec: bool = False,
    ) -> Distributor:
        """Start the program under test with these arguments, in the stage's directory.

        The environment is that of the suite without ``PAEXEC_`` variables and with ``environment``.
        Temporary files that a program leaves are in the stage's directory, if it obeys ``TMPDIR``.
        ``within`` is a command line that prepares something and then executes its arguments.
        ``paexec`` starts paexec itself in a test that is about one of its companions.
        """
        given = {os.fsencode(k): os.fsencode(v) for k, v in (environment or {}).items()}
        files = files_of(self.directory)
        self.recorder.did("stage", "start", arguments, given, tuple(within), paexec, files)
        if stdin is not None or stdout is not None:
            self.recorder.give_up()
        inherited = {k: v for k, v in os.environb.items() if not k.startswith(b"PAEXEC_")}
        inherited[b"TMPDIR"] = os.fsencode(self._place_of_temporary_files())
        mark = {_MARK.encode(): self._mark.encode()}
        distributor = Distributor(
            [*within, *(self._paexec if paexec else self._program), *arguments],
            inherited | given | mark,
            self.directory,
            self._watch,
            self.transcript,
            self.recorder,
            f"distributor {len(self.distributors)}",
            stdin,
            stdout,
        )
        self.distributors.append(distributor)
        return distributor

    def _place_of_temporary_files(self) -> Path:
        """A directory for what a program that is killed cannot remove."""
        place = self.directory / "default-tmp"
        place.mkdir(exist_ok=True)
        return place

    def run(
        self,
        *arguments: str | bytes,
        feed: bytes = b"",
        environment: Environment | None = None,
        within: Sequence[str] = (),
    ) -> Distributor:
        """Start a distributor, give it this whole input and wait until it has ended."""
        distributor = self.start(*arguments, environment=environment, within=within)
        distributor.feed(feed)
        distributor.finish()
        # Calculators that outlive their distributor, which END-003 forbids, may still report
        # something. Other tests do not depend on that: to guess wrong here loses history only.
        self.happens(lambda: all(fake.gone for fake in self._fakes.values()), self.bound / 10)
        return distributor

    # Fakes

    def result(self, task: bytes) -> bytes:
        """One result line, without newline, that only a calculator of this test can know."""
        return b"<%s %s>" % (self.nonce, task)

    def reply_with_results(self, eot: bytes = b"") -> None:
        """Let every calculator answer each task by ``result`` and the EOT."""
        self.reply = lambda task: self.result(task) + b"\n" + eot + b"\n"

    def next_calculator(self) -> Calculator:
        """Wait for the start of a calculator that was not met yet."""
        return self.next_calculators(1)[0]

    def next_calculators(self, number: int) -> list[Calculator]:
        """Wait for the start of this many calculators that were not met yet."""
        end = self._met + number
        self.wait(f"the start of {number} calculators", lambda: len(self.calculators) >= end)
        met = self.calculators[self._met : end]
        self._met = end
        return met

    def next_transport(self) -> Transport:
        """Wait for the start of the only transport of a test."""
        self.wait("the start of a transport", lambda: bool(self.transports))
        return self.transports[-1]

    def holder(self, task: bytes) -> Calculator:
        """Wait until a calculator has received this task; which one."""

        def holders() -> list[Calculator]:
            return [fake for fake in self.calculators if task in fake.tasks]

        self.wait(f"task {task!r} to reach a calculator", lambda: bool(holders()))
        return holders()[0]

    def wait(
        self,
        what: str,
        condition: Callable[[], bool],
        bound: float | None = None,
        progress: Callable[[], float] | None = None,
    ) -> None:
        """Wait for anything; ``progress`` says which share of a volume is there."""
        self._watch.wait(what, condition, bound, progress)

    def die_at_once(self, distributor: Distributor, *dying: Calculator) -> None:
        """Let calculators die in such a way that the distributor finds all of them dead at once.

        Otherwise what it does between two deaths depends on how long these take. The shells that
        it has put around them are dead then, too; other helpers are only waited for.
        """
        ending = {pid for fake in dying for pid in processes.between(fake.pid, distributor.pid)}
        distributor.signal(signal.SIGSTOP)
        for fake in dying:
            fake.die()
        self.await_ends(ending, self.moment)
        self._watch.settle()
        distributor.signal(signal.SIGCONT)

    def happens(self, condition: Callable[[], bool], grace: float) -> bool:
        """Whether something comes true within a grace. Say at each use what a wrong guess does."""
        return self._watch.happens(condition, grace)

    def await_ends(self, pids: Iterable[int], seconds: float) -> bool:
        """Wait for the ends of processes that are not fakes; whether all of them have ended."""
        return self._watch.outwait(lambda part: processes.await_ends(pids, part), seconds)

    def await_state(self, pids: Iterable[int], state: str, seconds: float) -> bool:
        """Wait until all these processes are in a state, named by a letter; whether they are."""
        return self._watch.outwait(lambda part: processes.await_state(pids, state, part), seconds)

    @property
    def tasks(self) -> list[bytes]:
        """All tasks that calculators received, those of one calculator in their order."""
        return [task for fake in self.calculators for task in fake.tasks]

    @property
    def started(self) -> int:
        """How many fakes were started."""
        return len(self._fakes)

    def _take(self, channel: Channel, event: str, value: Any) -> None:
        if event == "started":
            self._meet(channel, value)
            return
        fake = self._fakes.get(channel)
        if fake is None:  # it was killed after it had connected and before it could say who it is
            return
        fake.take(event, value)
        if isinstance(fake, Calculator) and self.reply is not None and event == "input":
            while fake.unanswered:
                fake.write(self.reply(fake.unanswered.pop(0)))

    def _meet(self, channel: Channel, hello: Any) -> None:
        hello["pid"] = channel.pid
        if "calculator" in hello["flags"]:
            calculator = Calculator(
                len(self.calculators),
                channel,
                self._watch,
                self.transcript,
                self.recorder,
                hello,
            )
            self.calculators.append(calculator)
            self._fakes[channel] = calculator
        else:
            transport = Transport(
                len(self.transports),
                channel,
                self._watch,
                self.transcript,
                self.recorder,
                hello,
            )
            self.transports.append(transport)
            self._fakes[channel] = transport
            if self.connect:
                transport.run()

    # The end

    def leftovers(self) -> set[int]:
        """The processes of this test, by their environment, that run now: no zombies."""
        return processes.with_variable(_MARK, self._mark)

    def left_running(self) -> set[int]:
        """Those that go on running: what was killed needs a moment to go."""

        def are_gone(seconds: float) -> bool:
            left = self.leftovers()
            return not left or (processes.await_ends(left, seconds) and not self.leftovers())

        self._watch.outwait(are_gone, self.moment)
        return self.leftovers()

    def close(self) -> None:
        """End whatever the test left running."""
        for distributor in self.distributors:
            distributor.close()
        self._switchboard.close()
        while left := self.leftovers():
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        self._watch.close()

    def evidence(self) -> str:
        """Return the transcript that a reader of a failure needs."""
        errors = b"".join(distributor.stderr for distributor in self.distributors)
        return f"{self.transcript.render()}\n\nstandard error:\n{errors.decode(errors='replace')}"

    def places(self) -> dict[bytes, bytes]:
        """Paths that differ between runs, with their names in recordings."""
        return {
            os.fsencode(self.directory): b"@DIRECTORY@",
            self._switchboard.address.encode(): b"@CONTROL@",
            os.fsencode(_STEERED): b"@FAKE@",
            os.fsencode(sys.executable): b"@PYTHON@",
        }

    def recording(self, about: Mapping[str, Any]) -> str:
        """Return the steps so far for ``conformance.replay``, or nothing if they have no replay."""
        seen = {
            each.name: (None if each.status is None else int(each.status), each.stdout)
            for each in self.distributors
        }
        return self.recorder.dump({**about, "came of it": seen}, self.places())

    def _hopeless(self) -> str | None:
        """Why nothing can happen any more, if that is so."""
        if not self.distributors or not all(d.silent for d in self.distributors):
            return None
        if not all(fake.gone for fake in self._fakes.values()):
            return None
        statuses = ", ".join(str(d.status) for d in self.distributors)
        return f"the distributor had ended with status {statuses} and left nothing running"
