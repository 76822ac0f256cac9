"""Profiles: what one known implementation lacks, and the failures that are expected of it."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.harness.features import FEATURES
from conformance.harness.outcome import Outcome, Status
from conformance.harness.scope import functions_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

_HERE = Path(__file__).resolve().parent.parent


NOT_EXPLAINED = "not explained yet"
"""The reason in a profile that was written by the suite, until somebody writes a better one."""


class ProfileError(Exception):
    """A profile that cannot be used."""


@dataclass(frozen=True)
class Deviation:
    """One way in which an implementation differs from the specification.

    Attributes:
        reason: what the implementation does, for a reader of the specification.
        requirements: what it fails by that.
        tests: a part of the message of each test that fails, by the name of the test.
    """

    reason: str
    requirements: tuple[str, ...]
    tests: Mapping[str, str]


@dataclass(frozen=True)
class ExpectedFailure:
    """One test that is expected to fail, and how."""

    test: str
    message: str
    deviation: Deviation

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
        deviations: how it differs from the specification.
    """

    name: str
    version: str
    features: Mapping[str, bool] = field(default_factory=dict)
    deviations: tuple[Deviation, ...] = ()

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

    @cached_property
    def expected(self) -> Mapping[str, ExpectedFailure]:
        """Its failures by test.

        A test that is named without its parameters stands for the test with each of them.
        """
        return {
            test: ExpectedFailure(test, message, deviation)
            for deviation in self.deviations
            for test, message in deviation.tests.items()
        }

    def find(self, test: str) -> ExpectedFailure | None:
        """The entry for a test, named with its parameters."""
        return self.expected.get(test) or self.expected.get(test.partition("[")[0])


def load_profile(path: Path) -> Profile:
    """Read a profile; raises ``ProfileError`` if it is malformed."""
    content = _read(path)
    deviations = _deviations(path, content.pop("deviation", []))
    if "include" in content:
        shared = path.parent / str(content.pop("include"))
        try:
            deviations = load_deviations(shared) + deviations
        except ProfileError as error:
            raise ProfileError(f"{path}: include: {error}") from error
    features = content.pop("features", {})
    name, version = content.pop("name", None), content.pop("version", None)
    _refuse_unknown(path, content)
    if not all(isinstance(text, str) and len(text.split()) == 1 for text in (name, version)):
        raise ProfileError(f"{path}: needs a name and a version, texts of one word each")
    known = ", ".join(FEATURES)
    if not isinstance(features, dict) or not features.keys() <= set(FEATURES):
        raise ProfileError(f"{path}: [features] may name {known} only: {features}")
    if not all(isinstance(there, bool) for there in features.values()):
        raise ProfileError(f"{path}: a feature is true or false: {features}")
    profile = Profile(name, version, features, deviations)
    _check_expected(path, profile)
    return profile


def load_deviations(path: Path) -> tuple[Deviation, ...]:
    """Read the deviations that several profiles include; raises ``ProfileError`` if malformed."""
    content = _read(path)
    deviations = _deviations(path, content.pop("deviation", []))
    _refuse_unknown(path, content)
    return deviations


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise ProfileError(f"{path}: {error}") from error


def _refuse_unknown(where: Path | str, keys: Iterable[str]) -> None:
    unknown = ", ".join(map(repr, sorted(keys)))
    if unknown:
        raise ProfileError(f"{where}: unknown key {unknown}")


def _deviations(path: Path, entries: Any) -> tuple[Deviation, ...]:
    """Check the form of deviations."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ProfileError(f"{path}: deviations are written as [[deviation]]")
    deviations = []
    for number, entry in enumerate(entries, 1):
        reason, names, tests = (entry.get(key) for key in ("reason", "requirements", "tests"))
        where = f"{path}: deviation {number}"
        _refuse_unknown(where, entry.keys() - Deviation.__dataclass_fields__.keys())
        if (
            not isinstance(reason, str)
            or not (isinstance(names, list) and names and all(isinstance(n, str) for n in names))
            or not (isinstance(tests, dict) and tests)
            or not all(isinstance(message, str) for message in tests.values())
        ):
            raise ProfileError(
                f"{where} needs a reason, a list of requirements and a table of tests, each with "
                "a message"
            )
        for test, message in tests.items():
            if not (test and message):
                raise ProfileError(f"{where}: an empty text: {test!r} = {message!r}")
        deviations.append(Deviation(reason, tuple(names), tests))
    return tuple(deviations)


def _check_expected(path: Path, profile: Profile) -> None:
    """Raise ``ProfileError`` if an expected failure is named twice or says nothing."""
    tests = [test for deviation in profile.deviations for test in deviation.tests]
    for test, count in Counter(tests).items():
        if count > 1:
            raise ProfileError(f"{path}: {test} is listed {count} times")
    expected = profile.expected
    unexplained = [t for t, entry in expected.items() if not _is_explained(entry.deviation.reason)]
    if unexplained:
        raise ProfileError(
            f"{path}: say why each expected failure happens: {len(unexplained)} of {len(expected)} "
            f"have no reason, such as {unexplained[0]}: "
            f"{expected[unexplained[0]].deviation.reason!r}"
        )


def _is_explained(reason: str) -> bool:
    """Whether somebody has written a reason: a word at least, and not what the suite writes."""
    words = re.findall(r"\w+", reason.casefold())
    return any(len(word) > 1 for word in words) and words != NOT_EXPLAINED.split()


def check_names(profile: Profile, suite: Path, requirements: Container[str]) -> None:
    """Raise ``ProfileError`` if a profile names a test or a requirement that does not exist."""
    for deviation in profile.deviations:
        for name in deviation.requirements:
            if name not in requirements:
                raise ProfileError(f"profile {profile}: no requirement {name}")
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
    tried = {entry.test for outcome in outcomes if (entry := known.find(outcome.test))}
    kept = known.expected.keys() - tried
    fresh: dict[str, dict[str, str]] = {}
    for outcome in outcomes:
        if outcome.status is Status.FAIL:
            tests = fresh.setdefault(outcome.requirements[0], {})
            tests[outcome.test] = _lasting(outcome.message)
        elif outcome.status is Status.EXPECTED and (entry := known.find(outcome.test)):
            kept.add(entry.test)
    deviations = [
        Deviation(each.reason, each.requirements, tests)
        for each in known.deviations
        if (tests := {test: said for test, said in each.tests.items() if test in kept})
    ]
    deviations += [
        Deviation(NOT_EXPLAINED, (requirement,), tests) for requirement, tests in fresh.items()
    ]
    about = {"name": known.name, "version": known.version}
    return "\n".join(
        [
            _lines(about),
            "[features]\n" + _lines(features),
            *map(text_of, deviations),
        ]
    )


def text_of(deviation: Deviation) -> str:
    """The text of a deviation in a profile."""
    names = ", ".join(map(_value, deviation.requirements))
    return (
        f"[[deviation]]\nreason = {_value(deviation.reason)}\nrequirements = [{names}]\n"
        f"[deviation.tests]\n{_lines(deviation.tests)}"
    )


def _lasting(message: str) -> str:
    """The beginning of a message, up to the first word that changes or that pytest cuts."""
    message = message.removeprefix("assert ")
    # Hexadecimal digits before a cut may be a part of what no implementation can guess.
    beginning = re.match(r"(?s)(?:(?!/tmp/|[0-9a-f]{8}|\d{3}|[0-9a-f]*\.\.\.).)*", message)
    return beginning[0].rstrip() if beginning and beginning[0].strip() else message


def _lines(table: Mapping[str, str | bool]) -> str:
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())


def _key(key: str) -> str:
    return key if re.fullmatch(r"\w+", key, re.ASCII) else _value(key)


def _value(value: str | bool) -> str:
    # In JSON and in TOML these are the same, but for one character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
