"""The verdicts: from outcomes of tests to outcomes of requirements.

A test names the requirements that it shows by the marker ``requirement``. If all of them are below
MUST, its failure is a remark, no failure. A failure that the profile of the implementation expects
is none either, provided that it fails as expected; a test that passes against its profile is red.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.harness.features import OPTIONS
from conformance.harness.outcome import InconclusiveError, Outcome, Status
from conformance.harness.profile import (
    UNEXPECTED_PASS,
    ExpectedFailure,
    Profile,
    ProfileError,
    find_profile,
    load_profile,
)
from conformance.harness.programs import (
    COMPANIONS,
    NONE,
    MissingProgramError,
    find_companion,
    resolve,
)
from conformance.harness.registry import (
    find_reopened,
    load_requirements,
    load_reviewed,
    load_untested,
    load_version,
)
from conformance.harness.watch import Bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds in which a conforming distributor, on a busy machine, does what it has to do at once.
BOUND = 20.0
#: The same for a wait of which the profile says that it is in vain.
BOUND_OF_EXPECTED_HANG = 1.0


#: What a test is about whose options the implementation does not have and need not have.
NOT_OFFERED = "not offered"


class UnsoundError(Exception):
    """Tests, registry and profile do not fit together."""


def ids_of(item: pytest.Item) -> list[str]:
    """The requirements that a test shows."""
    return sorted({name for mark in item.iter_markers("requirement") for name in mark.args})


def _extensions(item: pytest.Item) -> list[str]:
    """The options that a test is about and that a distributor may lack."""
    return [option for mark in item.iter_markers("extension") for option in mark.args]


class Judge:
    """Everything that is known about the implementation under test and the demands on it."""

    def __init__(
        self,
        command: str,
        companions: Mapping[str, str | None],
        profile: Path | None,
        scale: float,
    ) -> None:
        self.implementation = resolve("--impl", command)
        self._companions = companions
        self.scale = scale
        self.version = self._ask_version()
        self.profile = self._choose_profile(profile)
        self._check_companions()
        self.requirements = load_requirements()
        self.untested = load_untested()
        self.reopened = find_reopened(self.requirements, load_reviewed())

    def about(self) -> dict[str, Any]:
        """What is judged, for the report."""
        return {
            "specification": load_version(),
            "implementation": self.implementation,
            "version": self.version,
            "profile": str(self.profile),
            "features": self.features(),
        }

    def sentences(self, ids: Sequence[str]) -> str:
        """What these requirements say."""
        return "\n".join(
            f"{name} ({self.requirements[name].level}): {self.requirements[name].sentence}"
            for name in ids
        )

    def expectation(self, test: str) -> str:
        """What the profile says about a test."""
        entry = self.profile.find(test)
        if not entry:
            return "the profile expects no failure"
        return f"the profile expects {entry.message!r} in the message"

    def introduction(self) -> list[str]:
        """What is judged, for the summary."""
        return [
            f"implementation: {shlex.join(self.implementation)}",
            f"version: {self.version or '(unknown)'}",
            f"profile: {self.profile} ({len(self.profile.expected)} expected failures)",
        ]

    def program(self, companion: str | None) -> list[str]:
        """The words that start a companion program, or the implementation itself for ``None``."""
        if companion is None:
            return self.implementation
        return find_companion(companion, self._companions[companion], self.implementation)

    def _ask_version(self) -> str:
        """The first line of the output of ``-V``, which need not be there: a test judges that."""
        done = self._ask("-V")
        lines = done.stdout.decode(errors="replace").splitlines() if done else []
        return lines[0] if lines else ""

    def _ask(self, option: str) -> subprocess.CompletedProcess[bytes] | None:
        """Run the implementation with this option alone; ``None`` if it does not end."""
        try:
            return subprocess.run(
                [*self.implementation, option],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=6 * BOUND * self.scale,  # asked once, and much depends on it
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        except OSError as error:
            raise MissingProgramError(
                f"--impl: cannot run {self.implementation}: {error}"
            ) from error

    @cached_property
    def _offered(self) -> set[str]:
        """The options that the help names."""
        done = self._ask("-h")
        text = b"" if done is None else done.stdout + done.stderr
        return set(re.findall(r"(?<![\w-])--?\w[\w-]*", text.decode("latin-1")))

    def features(self) -> dict[str, bool]:
        """Whether the implementation has each feature, as far as this run is concerned."""
        options = {option: self._has(option) for option in OPTIONS}
        return options | {name: name not in self.absent_companions() for name in COMPANIONS}

    def _has(self, option: str) -> bool:
        """Whether it has an option that it may lack, by its profile or else by its help.

        Both are probed: a test shows that they agree, and that what it does not have is refused.
        """
        return self.profile.features.get(option, option in self._offered)

    def not_offered(self, item: pytest.Item) -> list[str]:
        """The options that a test is about and that the implementation does not have."""
        return [option for option in _extensions(item) if not self._has(option)]

    def offered_against_profile(self, item: pytest.Item) -> list[str]:
        """The options that a test is about and that the help names in spite of the profile."""
        return [option for option in self.not_offered(item) if option in self._offered]

    # Profile and companions

    def _choose_profile(self, path: Path | None) -> Profile:
        unknown = Profile.of(self.version, self.implementation[0])
        if path is None:
            return find_profile(unknown)
        profile = load_profile(path)
        if str(profile) != str(unknown):
            raise ProfileError(f"{path}: is about {profile}, but the implementation is {unknown}")
        return profile

    def _check_companions(self) -> None:
        """Probe for companions that the profile says do not exist."""
        for name in COMPANIONS:
            if self.profile.features.get(name, True) or self._companions[name] == NONE:
                continue
            try:
                words = find_companion(name, self._companions[name], self.implementation)
            except MissingProgramError:
                continue
            raise ProfileError(
                f"profile {self.profile}: says that there is no {name}: {shlex.join(words)}"
            )

    def absent_companions(self) -> set[str]:
        """Those whose tests are left out."""
        return {
            name
            for name in COMPANIONS
            if self._companions[name] == NONE or not self.profile.features.get(name, True)
        }

    # The suite's own soundness

    def check_items(self, items: list[pytest.Item], names: dict[str, str], whole: bool) -> None:
        """Raise ``UnsoundError`` if tests, registry and profile do not fit together.

        ``names`` maps the node id of each item to its name in profiles.
        """
        faults = []
        tested: set[str] = set()
        for item in items:
            ids = ids_of(item)
            tested.update(ids)
            if not ids:
                faults.append(f"{names[item.nodeid]}: names no requirement")
            faults += [
                f"{names[item.nodeid]}: unknown requirement {name}"
                for name in ids
                if name not in self.requirements
            ]
            entry = self.profile.find(names[item.nodeid])
            if entry and entry.requirement not in ids:
                faults.append(
                    f"profile {self.profile}: {entry.test} does not test {entry.requirement}"
                )
            faults += [
                f"{names[item.nodeid]}: unknown option {option} of an extension"
                for option in _extensions(item)
                if option not in OPTIONS
            ]
        if whole:
            faults += self._check_coverage(tested)
            faults += self._check_profile(items, names)
        if faults:
            raise UnsoundError("the suite is not sound:\n" + "\n".join(faults))

    def _check_coverage(self, tested: set[str]) -> list[str]:
        untested = self.untested
        faults = [
            f"{name}: a {requirement.level} without a test"
            for name, requirement in self.requirements.items()
            if name not in tested | set(untested)
        ]
        faults += [f"untested.toml: {name} has a test" for name in untested if name in tested]
        faults += [
            f"untested.toml: unknown requirement {name}"
            for name in untested
            if name not in self.requirements
        ]
        return faults

    def _check_profile(self, items: list[pytest.Item], names: dict[str, str]) -> list[str]:
        """Find the entries of the profile that no test of the whole suite fits."""
        known = {self.profile.find(name) for name in names.values()}
        tried = {self.profile.find(names[i.nodeid]) for i in items if not self.not_offered(i)}
        return [
            f"profile {self.profile}: "
            + (f"{test} is left out" if entry in known else f"no test {test}")
            for test, entry in self.profile.expected.items()
            if entry not in tried
        ]

    # Verdicts

    def bounds(self, name: str) -> Bounds:
        """The bounds for the waits of a test."""
        entry = self.profile.find(name)
        hang = entry.message if entry and entry.hangs else None
        usual, in_vain = BOUND * self.scale, BOUND_OF_EXPECTED_HANG * self.scale
        return Bounds(usual, hang, in_vain, fails=entry is not None)

    def judge(self, test: str, ids: Sequence[str], error: BaseException | None) -> Outcome:
        """Make a verdict of how a test has ended, by an exception or by none."""
        entry = self.profile.find(test)
        if error is None:
            status, message = Status.PASS, ""
            if entry:
                status = Status.FAIL
                message = f"{UNEXPECTED_PASS}: profile {self.profile} says: {entry.reason}"
        else:
            status, message = self._status_of(error, entry, ids)
        return Outcome(test, tuple(ids), status, message)

    def _status_of(
        self, error: BaseException, entry: ExpectedFailure | None, ids: Sequence[str]
    ) -> tuple[Status, str]:
        message = str(error)
        first_line = message.partition("\n")[0] or type(error).__name__
        if isinstance(error, InconclusiveError):
            return Status.INCONCLUSIVE, message
        if not isinstance(error, AssertionError | pytest.fail.Exception):
            first_line = f"{type(error).__name__}: {first_line}"
            if not _is_of_a_test(error):
                return Status.ERROR, first_line
        if entry and entry.message in message:
            return Status.EXPECTED, f"{entry.requirement}: {entry.reason}"
        if not entry and all(self.requirements[name].level != "MUST" for name in ids):
            return Status.REMARK, first_line
        return Status.FAIL, first_line


def _is_of_a_test(error: BaseException) -> bool:
    """Whether an exception comes from the code of a test, which could make nothing of what it saw.

    So it is about the implementation: tests that are wrong fail with good ones, too.
    """
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    return at is not None and Path(at.tb_frame.f_code.co_filename).name.startswith("test_")
