"""Profiles: what one known implementation lacks, and the failures that are expected of it."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness.features import FEATURES
from conformance.harness.outcome import Outcome, Status
from conformance.harness.scope import functions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HERE = Path(__file__).resolve().parent.parent


NOT_EXPLAINED = "not explained yet"
"""The reason in a profile that was written by the suite, until somebody writes a better one."""


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
    """The expectations for one version of an implementation.

    Attributes:
        name: what it calls itself, the first word of its output with ``-V``.
        version: the second one.
        features: whether it has a feature; those that are not named are found out.
        expected: its failures by test. An entry that names a test without its parameters stands for
            the test with each of them.
    """

    name: str
    version: str
    features: Mapping[str, bool] = field(default_factory=dict)
    expected: Mapping[str, ExpectedFailure] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @classmethod
    def of(cls, version_line: str, program: str) -> Profile:
        """That of an implementation of which nothing more is known.

        Args:
            version_line: what it prints with ``-V``, as OPT-011 has it.
            program: the path of its program, which names it if it does not do so itself.
        """
        words = version_line.split()
        return cls(words[0], words[1]) if len(words) > 1 else cls(Path(program).name, "unknown")

    def find(self, test: str) -> ExpectedFailure | None:
        """The entry for a test, named with its parameters."""
        return self.expected.get(test) or self.expected.get(test.partition("[")[0])


def load_profile(path: Path) -> Profile:
    """Read a profile; raises ``ProfileError`` if it is malformed."""
    keys = set(ExpectedFailure.__dataclass_fields__)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise ProfileError(f"{path}: {error}") from error
    entries = content.pop("expected_failure", [])
    features = content.pop("features", {})
    name, version = content.pop("name", None), content.pop("version", None)
    if content:
        raise ProfileError(f"{path}: unknown key {', '.join(map(repr, sorted(content)))}")
    if not all(isinstance(text, str) and len(text.split()) == 1 for text in (name, version)):
        raise ProfileError(f"{path}: needs a name and a version, texts of one word each")
    known = ", ".join(FEATURES)
    if not isinstance(features, dict) or not features.keys() <= set(FEATURES):
        raise ProfileError(f"{path}: [features] may name {known} only: {features}")
    if not all(isinstance(there, bool) for there in features.values()):
        raise ProfileError(f"{path}: a feature is true or false: {features}")
    expected: dict[str, ExpectedFailure] = {}
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ProfileError(f"{path}: expected failures are written as [[expected_failure]]")
    for entry in entries:
        if set(entry) != keys or not all(isinstance(v, str) for v in entry.values()):
            raise ProfileError(f"{path}: an entry needs the texts {sorted(keys)}: {entry}")
        if not all(value for key, value in entry.items() if key != "reason"):
            raise ProfileError(f"{path}: an entry has an empty text: {entry}")
        if entry["test"] in expected:
            raise ProfileError(f"{path}: two entries for {entry['test']}")
        expected[entry["test"]] = ExpectedFailure(**entry)
    unexplained = [test for test, entry in expected.items() if not _is_explained(entry.reason)]
    if unexplained:
        raise ProfileError(
            f"{path}: say why each expected failure happens: {len(unexplained)} of {len(expected)} "
            f"have no reason, such as {unexplained[0]}: {expected[unexplained[0]].reason!r}"
        )
    return Profile(name, version, features, expected)


def _is_explained(reason: str) -> bool:
    """Whether somebody has written a reason: a word at least, and not what the suite writes."""
    words = re.findall(r"\w+", reason.casefold())
    return any(len(word) > 1 for word in words) and words != NOT_EXPLAINED.split()


def check_tests(profile: Profile, suite: Path) -> None:
    """Raise ``ProfileError`` if a profile names a test function that the suite does not have."""
    functions: dict[str, set[str]] = {}
    for test in profile.expected:
        file, _, function = test.partition("[")[0].partition("::")
        path = suite / file
        if file not in functions:
            is_there = path.parent == suite and path.is_file()
            functions[file] = functions_of(path) if is_there else set()
        if function not in functions[file]:
            raise ProfileError(f"profile {profile}: no test {test}")


def find_profile(unknown: Profile) -> Profile:
    """The profile in ``profiles/`` of this name and version; the given one if there is none."""
    for path in sorted((_HERE / "profiles").glob("*.toml")):
        profile = load_profile(path)
        if str(profile) == str(unknown):
            return profile
    return unknown


def profile_of(outcomes: Iterable[Outcome], known: Profile, features: Mapping[str, bool]) -> str:
    """The text of a profile that expects every failure of a run.

    Entries of the known profile that still hold are kept, and so are those about tests that were
    left out of the run; others wait for somebody who explains them.

    Args:
        outcomes: of all tests of the run.
        known: the profile that it was judged by.
        features: whether the implementation has each feature.
    """
    outcomes = list(outcomes)
    tried = {known.find(outcome.test) for outcome in outcomes}
    entries = [entry for entry in known.expected.values() if entry not in tried]
    for outcome in outcomes:
        entry = known.find(outcome.test)
        if outcome.status is Status.FAIL:
            entry = ExpectedFailure(
                outcome.test,
                outcome.requirements[0],
                _lasting(outcome.message),
                NOT_EXPLAINED,
            )
        elif outcome.status is not Status.EXPECTED:
            continue
        if entry and entry not in entries:
            entries.append(entry)
    about = {"name": known.name, "version": known.version}
    return "\n".join(
        [
            _lines(about),
            "[features]\n" + _lines(features),
            *("[[expected_failure]]\n" + _lines(vars(entry)) for entry in entries),
        ]
    )


def _lasting(message: str) -> str:
    """The beginning of a message, up to the first octets, path or number of one run only."""
    beginning = re.match(r"(?s)(?:(?!/tmp/|[0-9a-f]{8}|\d{3}).)*", message)
    return beginning[0].rstrip() if beginning and beginning[0].strip() else message


def _lines(table: Mapping[str, str | bool]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _key(key: str) -> str:
    return _value(key) if key.startswith("-") else key


def _value(value: str | bool) -> str:
    # In JSON and in TOML these are the same, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
