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

from conformance.harness.outcome import InconclusiveError, Outcome, Status
from conformance.harness.profile import (
    UNEXPECTED_PASS,
    ExpectedFailure,
    Profile,
    find_profile,
    load_profile,
)
from conformance.harness.programs import MissingProgramError, find_companion, resolve
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
BOUND = 10.0
#: The same for a wait of which the profile says that it is in vain.
BOUND_OF_EXPECTED_HANG = 1.0


#: What a test is about whose options the implementation does not have and need not have.
NOT_OFFERED = "not offered"


class UnsoundError(Exception):
    """Tests, registry and profile do not fit together."""


def ids_of(item: pytest.Item) -> list[str]:
    """The requirements that a test shows."""
    return sorted({name for mark in item.iter_markers("requirement") for name in mark.args})


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
        self.profile: Profile = load_profile(profile) if profile else find_profile(self.version)
        self.requirements = load_requirements()
        self.untested = load_untested()
        self.reopened = find_reopened(self.requirements, load_reviewed())

    def about(self) -> dict[str, Any]:
        """What is judged, for the report."""
        return {
            "specification": load_version(),
            "implementation": self.implementation,
            "version": self.version,
            "profile": self.profile.name,
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
            f"profile: {self.profile.name} ({len(self.profile.expected)} expected failures)",
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
                timeout=BOUND * self.scale,
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

    def not_offered(self, item: pytest.Item) -> list[str]:
        """The options that a test is about and that the implementation does not have.

        It is taken at its word: a test shows that what the help does not name is refused.
        """
        options = [option for mark in item.iter_markers("extension") for option in mark.args]
        return [option for option in options if option not in self._offered]

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
                    f"profile {self.profile.name}: {entry.test} does not test {entry.requirement}"
                )
        if whole:
            faults += self._check_coverage(tested)
            known = {*names.values(), *(name.partition("[")[0] for name in names.values())}
            faults += [
                f"profile {self.profile.name}: no test {test}"
                for test in self.profile.expected
                if test not in known
            ]
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

    # Verdicts

    def bounds(self, name: str) -> Bounds:
        """The bounds for the waits of a test."""
        entry = self.profile.find(name)
        hang = entry.message if entry and entry.hangs else None
        return Bounds(BOUND * self.scale, hang, BOUND_OF_EXPECTED_HANG * self.scale)

    def judge(self, test: str, ids: Sequence[str], error: BaseException | None) -> Outcome:
        """Make a verdict of how a test has ended, by an exception or by none."""
        entry = self.profile.find(test)
        if error is None:
            status, message = Status.PASS, ""
            if entry:
                status = Status.FAIL
                message = f"{UNEXPECTED_PASS}: profile {self.profile.name} says: {entry.reason}"
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
