"""The storm: many hosts, many tasks, and every few seconds a fault that heals after a while."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.harness.network.host import Host
from conformance.harness.network.hosts import Network
from tests.networks.faults import FAULTS, Fault, named
from tests.networks.programs import Program
from tests.networks.running import Outcome, Trial

#: A host that greets would not be lost, but shift its results; the others a run can survive.
SURVIVABLE = [fault for fault in FAULTS if "greeting" not in fault.name]
#: Those of which a distributor hears without any help.
HEARD = [named(name) for name in ("session killed", "RST", "crash", "calculator killed", "refused")]


@dataclass(frozen=True)
class Storm:
    """A number of hosts and tasks, and the faults that strike meanwhile.

    Attributes:
        hosts: how many there are.
        tasks: how many there are.
        seconds_of_a_task: how long each takes.
        every: the seconds from one fault to the next.
        lasts: the seconds from a fault to its end.
        faults: which are drawn.
        limit: the seconds after which a run counts as hung.
    """

    hosts: int = 16
    tasks: int = 10_000
    seconds_of_a_task: float = 0.1
    every: float = 2.0
    lasts: float = 3.0
    faults: Sequence[Fault] = tuple(SURVIVABLE)
    limit: float = 480.0

    def run(
        self,
        program: Program,
        options: Sequence[str],
        seed: int,
        tell: Callable[[str], None] = lambda _: None,
    ) -> tuple[Outcome, Counter[str]]:
        """Run a program; return what came of it, and how often each fault struck.

        Args:
            program: what is run.
            options: its options.
            seed: which faults strike which hosts.
            tell: takes a line for each fault.
        """
        dice = random.Random(seed)  # noqa: S311 (nobody attacks)
        names = [f"host{number}" for number in range(1, self.hosts + 1)]
        tasks = [b"%d" % number for number in range(1, self.tasks + 1)]
        struck: Counter[str] = Counter()
        ill: dict[str, tuple[Host, Fault]] = {}
        with Network(names, seed) as network:
            words = [*program.options, *options]
            trial = Trial(network, program.words, words, tasks, self.seconds_of_a_task)
            trial.watch(lambda: len(trial.events.begun) == self.hosts, self.limit)
            # What happens when, by the seconds of the run: a host's name heals it.
            plan = [(trial.seconds + self.every, "")]
            while not trial.has_ended() and trial.seconds < self.limit:
                due, name = heapq.heappop(plan)
                trial.watch(lambda: False, min(due, self.limit))
                if trial.has_ended():
                    break
                if name:
                    host, fault = ill.pop(name)
                    fault.heal(host)
                    continue
                heapq.heappush(plan, (due + self.every, ""))
                well = [host for host in network.hosts if host.name not in ill]
                if not well:
                    continue
                host, fault = dice.choice(well), dice.choice(self.faults)
                tell(f"{trial.seconds:6.1f} s, {trial.events.begun.total()} begun: {fault.name}")
                fault.strike(host)
                struck[fault.name] += 1
                ill[host.name] = host, fault
                heapq.heappush(plan, (trial.seconds + self.lasts, host.name))
            for host, fault in ill.values():
                fault.heal(host)
            return trial.finish(self.limit), struck
