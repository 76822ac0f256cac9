"""Profiles: the failures that are expected of one known implementation, with reasons."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness.outcome import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

_HERE = Path(__file__).resolve().parent.parent


UNEXPECTED_PASS = "unexpected pass"  # noqa: S105 (no password)
"""What the message says about a test that is expected to fail, and passes."""


class ProfileError(Exception):
    """A profile that cannot be used."""


@dataclass(frozen=True)
class ExpectedFailure:
    """One test that is expected to fail, and how."""

    test: str
    requirement: str
    message: str
    reason: str

    @property
    def hangs(self) -> bool:
        """Whether the failure is a timeout, for which nobody should wait long."""
        return self.message.startswith("timed out")


@dataclass(frozen=True)
class Profile:
    """The expected failures of an implementation, by test.

    An entry that names a test without its parameters stands for the test with each of them.
    """

    name: str = "none"
    expected: dict[str, ExpectedFailure] = field(default_factory=dict)

    def find(self, test: str) -> ExpectedFailure | None:
        """The entry for a test, named with its parameters."""
        return self.expected.get(test) or self.expected.get(test.partition("[")[0])


def load_profile(path: Path) -> Profile:
    """Read a profile; raises ``ProfileError`` if it is malformed."""
    keys = set(ExpectedFailure.__dataclass_fields__)
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from error
    entries = content.pop("expected_failure", [])
    if content:
        raise ProfileError(f"{path}: unknown keys {sorted(content)}")
    expected: dict[str, ExpectedFailure] = {}
    for entry in entries:
        if set(entry) != keys or not all(isinstance(v, str) and v for v in entry.values()):
            raise ProfileError(f"{path}: an entry needs the texts {sorted(keys)}: {entry}")
        if entry["test"] in expected:
            raise ProfileError(f"{path}: two entries for {entry['test']}")
        expected[entry["test"]] = ExpectedFailure(**entry)
    return Profile(path.stem, expected)


def find_profile(version_line: str) -> Profile:
    """The profile for an implementation by what it says with ``-V``; an empty one if none fits."""
    words = version_line.split()[:2]
    path = _HERE / "profiles" / ("-".join(words) + ".toml")
    if len(words) == 2 and "/" not in path.stem and path.exists():
        return load_profile(path)
    return Profile()


def profile_of(outcomes: Iterable[Outcome], known: Profile) -> str:
    """The text of a profile that expects every failure of a run.

    Entries of a known profile that still hold are kept; others wait for somebody who explains them.
    """
    entries = []
    for outcome in outcomes:
        entry = known.find(outcome.test)
        if outcome.status is Status.FAIL and not outcome.message.startswith(UNEXPECTED_PASS):
            entry = ExpectedFailure(
                outcome.test, outcome.requirements[0], outcome.message, "not explained yet"
            )
        elif outcome.status is not Status.EXPECTED:
            continue
        if entry and entry not in entries:
            entries.append(entry)
    return "\n".join(map(_entry, entries))


def _entry(entry: ExpectedFailure) -> str:
    # Strings of JSON are strings of TOML.
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in vars(entry).items()]
    return "[[expected_failure]]\n" + "".join(lines)
