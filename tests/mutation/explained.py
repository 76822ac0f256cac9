"""The mutants that no test can find, each with the reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.session import Mutant

FILE = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True)
class Explanation:
    """Why mutants of a line survive.

    Attributes:
        places: where the line is, ``MODULE.FUNCTION``, or ``MODULE.module`` outside of functions.
        before: the line.
        after: what mutants have in its place.
        reason: why no test fails.
    """

    places: Sequence[str]
    before: str
    after: Sequence[str]
    reason: str


def load(file: Path = FILE) -> list[Explanation]:
    """Read all explanations."""
    return [Explanation(**entry) for entry in tomllib.loads(file.read_text())["survivor"]]


@dataclass(frozen=True)
class Verdict:
    """The result of the mutants of some modules.

    Attributes:
        unexplained: those that survived without a reason.
        stale: what is said to survive and does not: place, line and mutant.
    """

    unexplained: Sequence[Mutant]
    stale: Sequence[tuple[str, str, str]]


def judge(mutants: Sequence[Mutant], explanations: Iterable[Explanation]) -> Verdict:
    """Compare what survived with what is explained, as far as the modules were tried."""
    modules = {mutant.module for mutant in mutants}
    known = {
        (place, entry.before, after)
        for entry in explanations
        for place in entry.places
        for after in entry.after
        if place.partition(".")[0] in modules
    }
    survivors = {(m.place, m.before, m.after): m for m in mutants if not m.killed}
    return Verdict(
        [mutant for key, mutant in survivors.items() if key not in known],
        sorted(known - survivors.keys()),
    )
