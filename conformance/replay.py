"""Repeat the steps of a test of the suite, without pytest, and compare the results.

Usage: paexec-conformance replay RECORDING --impl='CMD ARGS'

RECORDING is what the suite has kept of a test that failed, and says where. It is text, a step in
each line, and can be changed. The implementation can be started by a tool: --impl='strace -f CMD'.
Exit status: 0 all is as it was, 1 something is not, 2 that cannot be found out.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.harness.distributor import Distributor
from conformance.harness.fakes import Fake
from conformance.harness.outcome import InconclusiveError
from conformance.harness.programs import COMPANIONS, find_companion, resolve
from conformance.harness.recording import Seen, Step, load_recording, make_files, replaced
from conformance.harness.stage import Stage
from conformance.harness.watch import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator

BOUND = 10.0
"""Seconds to wait for what was seen then."""

LEFT = 0.5
"""The same once something has not come: what follows may never come either."""


class Replay:
    """A test that is done again.

    Which fake is which cannot be known by the order of their starts: it is the one with the same
    words, such as the name of its node, that has read the same.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._then = Seen()
        self._cast: dict[str, Fake] = {}
        self.missed: list[str] = []

    def do(self, step: Step) -> None:
        """Wait for what had been seen before a step, then do it."""
        started, read, printed, ended = step.seen
        self._then.started |= started
        for name, octets in read.items():
            self._then.read[name] = self._then.read.get(name, b"") + octets
        self._then.printed |= printed
        self._then.ended |= set(ended)
        bound = LEFT if self.missed else self._stage.bound
        if not self._stage.happens(lambda: not any(self._missing()), bound):
            self.missed += self._missing()
            # It is not waited for again.
            self._then.printed.clear()
            self._then.ended.clear()
            self._then.read = dict.fromkeys(self._then.read, b"")
        if step.what != "end":
            self._act(step)

    def _act(self, step: Step) -> None:
        arguments = step.arguments
        if step.who == "stage":
            words, environment, within, paexec, files = arguments
            make_files(self._stage.directory, files)
            self._stage.start(*words, environment=environment, within=within, paexec=paexec)
            return
        process = self._find(step.who)
        if process is None or process.has_ended:
            self.missed.append(f"{step.who}, for: {step.what}")
        elif step.what == "signal":
            process.signal(signal.Signals(*arguments))
        elif isinstance(process, Distributor):
            getattr(process, step.what)(*arguments)
        else:
            self._cast[step.who] = process
            process.command(step.what, *arguments)

    def _find(self, who: str) -> Fake | Distributor | None:
        if who.startswith("distributor"):
            return self._stage.distributors[int(who.split()[1])]
        return self._play().get(who)

    def _play(self) -> dict[str, Fake]:
        """The program that plays each part; a part without one is missing."""
        cast = dict(self._cast)
        fakes: list[Fake] = [*self._stage.calculators, *self._stage.transports]
        # Who has read more is harder to find.
        for name in sorted(
            self._then.started, key=lambda name: -len(self._then.read.get(name, b""))
        ):
            for fake in fakes:
                if name not in cast and fake not in cast.values() and self._is_like(fake, name):
                    cast[name] = fake
        return cast

    def _is_like(self, fake: Fake, name: str) -> bool:
        return (
            fake.role == name.split()[0]
            and fake.words[:1] == [*self._then.started[name][:1]]
            and fake.received.startswith(self._then.read.get(name, b""))
        )

    def _missing(self) -> Iterator[str]:
        cast = self._play()
        for name in self._then.started:
            octets = self._then.read.get(name, b"")
            if name not in cast:
                yield f"{name} with {octets!r} in its input"
            elif not cast[name].received.startswith(octets):
                yield f"{name}: read {bytes(cast[name].received)!r}, then {octets!r}"
        for name, count in self._then.printed.items():
            stdout = self._stage.distributors[int(name.split()[1])].stdout
            printed = len(replaced(stdout, self._stage.places()))
            if printed < count:
                yield f"{name}: printed {printed} octets, then {count}"
        for name in sorted(self._then.ended):
            process = self._find(name)
            if process is None or not process.has_ended:
                yield f"the end of {name}"


def differences(stage: Stage, then: dict[str, tuple[int | None, bytes]]) -> list[str]:
    """Return the differences from the recording, with each program's exit status and output."""
    found = []
    for distributor in stage.distributors:
        status, stdout = then.get(distributor.name, (None, b""))
        if distributor.status != status:
            found.append(f"{distributor.name}: status {distributor.status}, then {status}")
        if distributor.stdout != stdout:
            now = bytes(distributor.stdout)
            found.append(f"{distributor.name}: output {now!r}, then {bytes(stdout)!r}")
    return found


def main() -> int:
    """Understand the command line and replay; return the exit status."""
    parser = argparse.ArgumentParser(prog="paexec-conformance replay", description=__doc__)
    parser.add_argument("recording", type=Path, metavar="RECORDING")
    parser.add_argument("--impl", default="paexec-trio", metavar="'CMD ARGS'")
    for name in COMPANIONS:
        parser.add_argument(f"--{name}", metavar="'CMD ARGS'")
    arguments = parser.parse_args()
    try:
        about, steps = load_recording(arguments.recording.read_text())
        program = paexec = resolve("--impl", arguments.impl)
        companion: Any = about["companion"]
        if companion:
            program = find_companion(companion, getattr(arguments, companion), paexec)
    except (OSError, ValueError, InconclusiveError) as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    print(f"{about['test']}: {about['message']}\n\n{about['sentences']}\n")
    with tempfile.TemporaryDirectory() as directory:
        bounds = Bounds(BOUND, None, BOUND)
        stage = Stage(program, paexec, {}, Path(directory), bounds, random.Random())  # noqa: S311
        try:
            places = {name: octets for octets, name in stage.places().items()}
            again = Replay(stage)
            for step in steps:
                again.do(Step(*replaced(step, places)))
            found = [*again.missed, *differences(stage, replaced(about["came of it"], places))]
            print(stage.evidence())
        finally:
            stage.close()
    print("\n".join(["Not as it was:", *found] if found else ["As it was."]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
