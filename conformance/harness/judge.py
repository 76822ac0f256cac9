"""The verdicts: from outcomes of tests to outcomes of requirements.

A test names the requirements that it shows by the marker ``requirement``. If all of them are below
MUST, its failure is a remark, no failure. A failure that the profile of the implementation expects
is none either, provided that it fails as expected; a test that passes against its profile is red.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.harness.asking import Answer, ask
from conformance.harness.features import OPTIONS, SIGNALS
from conformance.harness.outcome import InconclusiveError, Outcome, Status
from conformance.harness.profile import (
    ExpectedFailure,
    Profile,
    ProfileError,
    check_names,
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
    from collections.abc import Callable, Mapping, Sequence

    from conformance.harness.scope import Scope

#: Seconds in which a conforming distributor, on a busy machine, does what it has to do at once.
BOUND = 20.0
#: The same for a wait of which the profile says that it is in vain.
BOUND_OF_EXPECTED_HANG = 1.0


#: How many characters of the line that ``-V`` prints are shown.
_LONGEST_VERSION = 120

_SUITE = Path(__file__).resolve().parent.parent

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
    """Everything that is known about the implementation under test and the demands on it.

    Args:
        command: the command line of the implementation.
        companions: those of its companions, as far as the user has named them.
        profile: the file that the user has named, or ``none``.
        scale: what all times are multiplied by.
        answers: what the implementation says about itself, by option, if it was asked already.
        tell: takes a line for the user if the implementation takes long to say that.
    """

    def __init__(
        self,
        command: str,
        companions: Mapping[str, str | None],
        profile: Path | None,
        scale: float,
        answers: Mapping[str, Answer] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.implementation = resolve("--impl", command)
        self._companions = companions
        self.scale = scale
        self.answers = answers or self._ask(("-V", "-h"), tell)
        self.version = self._version()
        self.profile = self._choose_profile(profile)
        self.requirements = load_requirements()
        check_names(self.profile, _SUITE, self.requirements)
        self._check_companions()
        self.untested = load_untested()
        self.reopened = find_reopened(self.requirements, load_reviewed())

    def about(self) -> dict[str, Any]:
        """Describe the judged implementation, for the report."""
        return {
            "specification": load_version(),
            "implementation": self.implementation,
            "version": self.version,
            "profile": str(self.profile),
            "features": self.features(),
        }

    def sentences(self, ids: Sequence[str]) -> str:
        """Return the texts of these requirements."""
        return "\n".join(
            f"{name} ({self.requirements[name].level}): {self.requirements[name].sentence}"
            for name in ids
        )

    def expectation(self, test: str) -> str:
        """Return the profile's expectation of a test."""
        entry = self.profile.find(test)
        if not entry:
            return "the profile expects no failure"
        return f"the profile expects {entry.message!r} in the message"

    def introduction(self) -> list[str]:
        """Describe the judged implementation, for the summary."""
        return [
            f"implementation: {shlex.join(self.implementation)}",
            f"version: {self.version or '(unknown)'}",
            f"profile: {self.profile} ({len(self.profile.expected)} expected failures)",
            *(f"note: {each.complaint}" for each in self.answers.values() if each.complaint),
        ]

    def program(self, companion: str | None) -> list[str]:
        """The words that start a companion program, or the implementation itself for ``None``."""
        if companion is None:
            return self.implementation
        return find_companion(companion, self._companions[companion], self.implementation)

    def _ask(self, options: Sequence[str], tell: Callable[[str], None]) -> dict[str, Answer]:
        """Run the implementation with each of these options alone, at the same time."""
        # Much depends on the answers, so that they may take long.
        bound = 6 * BOUND * self.scale
        try:
            return ask(self.implementation, options, bound, tell)
        except OSError as error:
            reason = error.strerror
            if isinstance(error, FileNotFoundError):  # its own file was found before
                reason = "its interpreter does not exist"
            command = shlex.join(self.implementation)
            raise MissingProgramError(f"--impl: cannot run {command!r}: {reason}") from error

    def _version(self) -> str:
        """The first line of the output of ``-V``, which need not be there: a test judges that."""
        lines = self.answers["-V"].stdout.decode(errors="replace").splitlines()
        return lines[0][:_LONGEST_VERSION] if lines else ""

    @cached_property
    def _offered(self) -> set[str]:
        """The options and signals that the help names."""
        answer = self.answers["-h"]
        text = answer.stdout + answer.stderr
        return set(re.findall(r"(?<![\w-])(?:--?\w[\w-]*|SIG\w+)", text.decode("latin-1")))

    def features(self) -> dict[str, bool]:
        """Whether the implementation has each feature, as far as this run is concerned."""
        options = {option: self._has(option) for option in (*OPTIONS, *SIGNALS)}
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
        if str(path) == NONE:
            return unknown
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

    def hidden_companions(self) -> set[str]:
        """Those that stand beside the implementation although the user says there are none."""
        hidden = set()
        for name, command in self._companions.items():
            if command == NONE and self.profile.features.get(name, True):
                with contextlib.suppress(MissingProgramError):
                    find_companion(name, None, self.implementation)
                    hidden.add(name)
        return hidden

    # The suite's own soundness

    def check_items(self, items: list[pytest.Item], names: dict[str, str], scope: Scope) -> None:
        """Raise ``UnsoundError`` if tests, registry and profile do not fit together.

        Args:
            items: the tests that are run.
            names: the name in profiles of each item, by its node id.
            scope: what of the suite the run is about.
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
            # A part of the suite finds the requirements of the other files by this.
            text = _text_of(item.path)
            faults += [
                f"{names[item.nodeid]}: requirement {name} is not spelt out in {item.path.name}"
                for name in ids
                if name not in text
            ]
            entry = self.profile.find(names[item.nodeid])
            if entry and not set(entry.deviation.requirements) & set(ids):
                names_of_entry = " or ".join(entry.deviation.requirements)
                faults.append(
                    f"profile {self.profile}: {entry.test} does not test {names_of_entry}"
                )
            faults += [
                f"{names[item.nodeid]}: unknown option {option} of an extension"
                for option in _extensions(item)
                if option not in (*OPTIONS, *SIGNALS)
            ]
        if scope.is_whole:
            faults += self._check_coverage(tested.union(*scope.absent.values()))
            faults += self._check_profile(items, names, scope)
        if faults:
            raise UnsoundError("\n".join(["the suite is not sound:"] * (len(faults) > 1) + faults))

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

    def _check_profile(
        self, items: list[pytest.Item], names: dict[str, str], scope: Scope
    ) -> list[str]:
        """Find the entries of the profile that no test of the whole suite fits."""
        find = self.profile.find
        known = {entry.test for name in (*names.values(), *scope.absent) if (entry := find(name))}
        networked = {
            entry.test: ids for name, ids in scope.networked.items() if (entry := find(name))
        }
        shown: dict[str, set[str]] = {}
        for item in items:
            if not self.not_offered(item) and (entry := find(names[item.nodeid])):
                shown.setdefault(entry.test, set()).update(ids_of(item))
        faults = [
            f"profile {self.profile}: "
            + (f"{test} is left out" if test in known else f"no test {test}")
            for test in self.profile.expected
            if test not in shown and test not in networked
        ]
        for deviation in self.profile.deviations:
            ids = set().union(
                *(shown.get(test, ()) for test in deviation.tests),
                *(networked.get(test, ()) for test in deviation.tests),
            )
            faults += [
                f"profile {self.profile}: no test of {name} under {deviation.reason!r}"
                for name in deviation.requirements
                if name not in ids
            ]
        return faults

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
                status = Status.UNEXPECTED
                message = f"{status}: profile {self.profile} says: {entry.deviation.reason}"
        else:
            status, message = self._status_of(error, entry, ids)
        return Outcome(test, tuple(ids), status, message)

    def _status_of(
        self, error: BaseException, entry: ExpectedFailure | None, ids: Sequence[str]
    ) -> tuple[Status, str]:
        message = str(error) or type(error).__name__
        if isinstance(error, InconclusiveError):
            return Status.INCONCLUSIVE, message
        is_told = isinstance(error, AssertionError | pytest.fail.Exception)
        if not is_told:
            message = f"{type(error).__name__}: {message}"
        first_line = message.partition("\n")[0]
        if not is_told and not _is_of_a_test(error):
            return Status.ERROR, first_line
        if entry and entry.message in message:
            failed = " ".join(name for name in entry.deviation.requirements if name in ids)
            return Status.EXPECTED, f"{failed}: {entry.deviation.reason}"
        if not entry and all(self.requirements[name].level != "MUST" for name in ids):
            return Status.REMARK, first_line
        return Status.FAIL, first_line


@cache
def _text_of(path: Path) -> str:
    return path.read_text()


def _is_of_a_test(error: BaseException) -> bool:
    """Whether an exception comes from the code of a test, which could make nothing of what it saw.

    So it is about the implementation: tests that are wrong fail with good ones, too.
    """
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    return at is not None and Path(at.tb_frame.f_code.co_filename).name.startswith("test_")
