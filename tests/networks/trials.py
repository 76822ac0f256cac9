"""The campaign of single faults: each beside each option, on one host of two or on both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from conformance.harness.network.hosts import Network
from tests.networks.faults import FAULTS, Fault
from tests.networks.programs import Program
from tests.networks.running import Outcome, Trial

HOSTS = ("alpha", "beta")
TASKS = [b"%d" % number for number in range(1, 21)]
SECONDS_OF_A_TASK = 0.3
#: A fault strikes when the host begins this task of its own.
STRIKES_AT = 3
#: Seconds after which a run counts as hung.
LIMIT = 60.0

OPTIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "-z": ("-z",),
    "-Z 2": ("-Z", "2"),
    "-Z 2 -w": ("-Z", "2", "-w"),
}

ONE, ALL = "one host", "all hosts"


@dataclass(frozen=True)
class Case:
    """A run of the campaign.

    Attributes:
        program: that is run.
        fault: that strikes.
        options: of the run, as a key of ``OPTIONS``.
        scope: which hosts it strikes.
    """

    program: Program
    fault: Fault
    options: str
    scope: str

    @property
    def name(self) -> str:
        """The case, as the file of outcomes calls it."""
        return " / ".join((self.program.name, self.fault.name, self.options, self.scope))


def cases(programs: Sequence[Program], faults: Sequence[Fault] = FAULTS) -> list[Case]:
    """Return all cases of some programs and faults."""
    return [
        Case(program, fault, options, scope)
        for program, fault, scope, options in itertools.product(
            programs, faults, (ONE, ALL), OPTIONS
        )
    ]


def run(case: Case, limit: float = LIMIT) -> Outcome:
    """Run one case on hosts of its own."""
    with Network(HOSTS) as network:
        struck = network.hosts if case.scope == ALL else network.hosts[:1]
        if case.fault.from_the_start:
            for host in struck:
                case.fault.strike(host)
        options = [*case.program.options, *OPTIONS[case.options]]
        trial = Trial(network, case.program.words, options, TASKS, SECONDS_OF_A_TASK)
        if not case.fault.from_the_start:
            trial.watch(
                lambda: all(trial.events.begun[host.name] >= STRIKES_AT for host in struck), limit
            )
            for host in struck:
                case.fault.strike(host)
        return trial.finish(limit)


def run_all(
    chosen: Sequence[Case], workers: int, tell: Callable[[str], None]
) -> Iterator[tuple[Case, Outcome]]:
    """Run cases side by side, most of which only wait; yield each with its outcome."""
    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(run, case): case for case in chosen}
        try:
            for number, future in enumerate(as_completed(running), 1):
                case, outcome = running[future], future.result()
                tell(f"{number} of {len(chosen)}: {case.name}: {outcome}")
                yield case, outcome
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
