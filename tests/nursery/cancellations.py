"""Cancels programs at random checkpoints, on real processes, and prints what was left of them.

    python -m tests.nursery.cancellations [COUNT [SEED]]

By default 1,000 programs. The table is ``docs/api/cancellations.inc``; ``--save`` writes it there.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, final

import trio

from tests.nursery.checkpoints import How, Outcome, cancelled_at
from tests.nursery.kits import Kit, descriptors, kit_of, zombies
from tests.nursery.programs import PROGRAMS, Enough

PAGE = Path(__file__).parents[2] / "docs" / "api" / "cancellations.inc"
NODES = (1, 2, 4)
CANCELLED, FINISHED, RAISED = "cancelled", "finished first", "raised its own error first"

_PATIENCE = 60
"""Seconds after which a program hangs."""


@final
class Record(NamedTuple):
    """One cancellation.

    Attributes:
        shape: the program.
        nodes: how many nodes it used.
        place: the function that was about to go on when it was cancelled.
        processes: how many processes were left.
        descriptors: how many descriptors were left.
        outcome: how the program ended.
    """

    shape: str
    nodes: int
    place: str
    processes: int
    descriptors: int
    outcome: str

    @property
    def is_clean(self) -> bool:
        """Whether nothing was left, and the program ended as it should."""
        ends = {CANCELLED, FINISHED, RAISED}
        return not self.processes and not self.descriptors and self.outcome in ends


def cancel_many(count: int, seed: int) -> list[Record]:
    """Cancel ``count`` random programs, each at a random checkpoint."""
    dice = random.Random(seed)  # noqa: S311 (no secrets)
    with kit_of("processes") as kit:
        return trio.run(_cancel_many, kit, count, dice)


async def _cancel_many(kit: Kit, count: int, dice: random.Random) -> list[Record]:
    steps: dict[tuple[str, int], int] = {}
    records: list[Record] = []
    while len(records) < count:
        shape, nodes = dice.choice(list(PROGRAMS)), dice.choice(NODES)
        if (shape, nodes) not in steps:
            steps[shape, nodes] = (await _cancel(kit, shape, nodes, 0, How.CANCEL))[1].steps
        at = dice.randint(1, steps[shape, nodes])
        record, outcome = await _cancel(kit, shape, nodes, at, dice.choice(list(How)))
        if outcome.place:  # the program may have taken fewer steps this time
            records.append(record)
    return records


async def _cancel(kit: Kit, shape: str, nodes: int, step: int, how: How) -> tuple[Record, Outcome]:
    before = descriptors(kit)
    with trio.fail_after(_PATIENCE):
        outcome = await cancelled_at(step, lambda: PROGRAMS[shape](kit, nodes), how)
    left = len({*kit.left(), *zombies()})
    opened = len(descriptors(kit).items() ^ before.items())
    return Record(shape, nodes, outcome.place, left, opened, _ended(outcome)), outcome


def _ended(outcome: Outcome) -> str:
    if outcome.error is not None:
        return RAISED if type(outcome.error) is Enough else repr(outcome.error)
    if outcome.was_caught:
        return CANCELLED
    return FINISHED if outcome.has_finished else "was swallowed"


def table(records: list[Record], seed: int) -> str:
    """Return the table of some cancellations, for the documentation."""
    clean = sum(record.is_clean for record in records)
    lines = [
        f".. {len(records)} cancellations, seed {seed}; made by tests.nursery.cancellations",
        "",
        f".. list-table:: {len(records):,} programs, cancelled; {clean:,} left nothing",
        "   :header-rows: 1",
        "",
        "   * - program",
        "     - cancelled",
        "     - nodes",
        "     - processes left",
        "     - descriptors left",
        "     - how it ended",
        "     - where it waited",
    ]
    for shape in PROGRAMS:
        some = [record for record in records if record.shape == shape]
        if some:
            lines += [
                f"   * - {shape}",
                f"     - {len(some)}",
                f"     - {', '.join(map(str, sorted({record.nodes for record in some})))}",
                f"     - {sum(record.processes for record in some)}",
                f"     - {sum(record.descriptors for record in some)}",
                f"     - {_counted(record.outcome for record in some)}",
                f"     - {_counted(record.place for record in some)}",
            ]
    return "\n".join(lines) + "\n"


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {count}" for word, count in Counter(words).most_common())


def main() -> int:
    """Cancel, print, and fail if anything was left."""
    parser = argparse.ArgumentParser(prog="tests.nursery.cancellations", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=1000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--save", action="store_true", help=f"write {PAGE.name}")
    arguments = parser.parse_args()
    records = cancel_many(arguments.count, arguments.seed)
    text = table(records, arguments.seed)
    print(text)
    if arguments.save:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text)
    bad = [record for record in records if not record.is_clean]
    for record in bad:
        print(record, file=sys.stderr)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
