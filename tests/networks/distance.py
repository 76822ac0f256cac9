"""How many tasks a second go over a real ssh to a host that is far away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.harness.network.hosts import Network
from tests.networks.programs import Program
from tests.networks.running import Trial

#: Seconds that a frame takes, each way.
DELAY = 0.05
LIMIT = 300.0


@dataclass(frozen=True)
class Distance:
    """The figures of one program.

    Attributes:
        program: its name, with the options of the run.
        tasks: how many were done.
        seconds: from the start of the first task to the end of the run.
    """

    program: str
    tasks: int
    seconds: float

    @property
    def rate(self) -> float:
        """Tasks a second."""
        return self.tasks / self.seconds


def measure(program: Program, options: list[str], tasks: int, delay: float = DELAY) -> Distance:
    """Let one host, whose calculator needs no time, do some tasks.

    Args:
        program: what is run.
        options: its options.
        tasks: how many.
        delay: the seconds that a frame takes, each way.
    """
    with Network(["distant"]) as network:
        network.hosts[0].link.delay(delay)
        numbers = [b"%d" % number for number in range(1, tasks + 1)]
        trial = Trial(network, program.words, options, numbers, 0.0)
        trial.watch(lambda: trial.events.begun.total() > 0, LIMIT)
        begin = trial.seconds
        outcome = trial.finish(LIMIT)
        if not outcome.is_whole or outcome.status != 0:
            raise RuntimeError(f"{program.name}: {outcome}")
        name = " ".join([program.name, *options])
        return Distance(name, tasks, outcome.seconds - begin)


def measure_all(programs: list[Program]) -> Iterator[Distance]:
    """Measure the programs, ours with prefetch too."""
    for program in programs:
        if program.options:
            continue
        yield measure(program, [], 200)
        if program.can_prefetch:
            yield measure(program, ["--prefetch=16"], 2_000)
            yield measure(program, ["--prefetch=auto"], 2_000)
