"""What became of a whole run: outcomes by requirement and chapter, and the exit status."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from conformance.harness.outcome import Outcome, Status, worst

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from conformance.harness.registry import Requirement

FORMAT = 1
"""The version of the format of ``results.json``."""


class ExitStatus(IntEnum):
    """What the exit status of a run says, beside pytest's own 4 for a bad call of pytest."""

    CONFORMS = 0
    DOES_NOT_CONFORM = 1
    COULD_NOT_TELL = 2
    FAULT_OF_THE_SUITE = 3


_VERDICTS = {
    ExitStatus.CONFORMS: "conforms",
    ExitStatus.DOES_NOT_CONFORM: "does not conform",
    ExitStatus.COULD_NOT_TELL: "could not tell",
    ExitStatus.FAULT_OF_THE_SUITE: "could not tell: the suite itself failed",
}


class Results:
    """The outcomes of a run.

    Args:
        requirements: all of the specification, by id.
        untested: those that no test can show, each with the reason.
        reopened: those whose tests prove nothing, because the sentence is newer.
    """

    def __init__(
        self,
        requirements: Mapping[str, Requirement],
        untested: Mapping[str, str],
        reopened: Set[str],
    ) -> None:
        self._requirements = requirements
        self._untested = untested
        self._reopened = reopened
        self._outcomes: dict[str, Outcome] = {}

    def add(self, outcome: Outcome) -> None:
        """Take in an outcome; of several parts of a test the worst counts."""
        known = self._outcomes.get(outcome.test)
        if not known or worst({known.status, outcome.status}) is outcome.status:
            self._outcomes[outcome.test] = outcome

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """All outcomes, by the names of their tests."""
        return [self._outcomes[test] for test in sorted(self._outcomes)]

    def by_requirement(self) -> dict[str, Status]:
        """The status of each requirement that was tested: proven if all of its tests passed.

        And if they were reviewed since its sentence was changed.
        """
        statuses: dict[str, set[Status]] = {}
        for outcome in self.outcomes:
            for name in outcome.requirements:
                statuses.setdefault(name, set()).add(outcome.status)
        return {
            name: Status.REOPENED
            if name in self._reopened and worst(found) is Status.PASS
            else worst(found)
            for name, found in sorted(statuses.items())
        }

    def exit_status(self) -> ExitStatus:
        """Say what the run has come to; without any check it has come to nothing."""
        statuses = {outcome.status for outcome in self._outcomes.values()}
        if Status.FAIL in statuses:
            return ExitStatus.DOES_NOT_CONFORM
        if Status.ERROR in statuses:
            return ExitStatus.FAULT_OF_THE_SUITE
        if Status.INCONCLUSIVE in statuses or not statuses - {Status.SKIP}:
            return ExitStatus.COULD_NOT_TELL
        if Status.REOPENED in self.by_requirement().values():
            return ExitStatus.COULD_NOT_TELL
        return ExitStatus.CONFORMS

    def lines(self) -> list[str]:
        """The summary for the terminal: chapter by chapter, then what is not proven."""
        by_requirement = self.by_requirement()
        chapters: dict[str, Counter[Status]] = {}
        for name, status in by_requirement.items():
            chapters.setdefault(self._requirements[name].chapter, Counter())[status] += 1
        width = max((len(chapter) for chapter in chapters), default=0)
        lines = []
        for chapter, counts in sorted(chapters.items()):
            others = "".join(
                f", {status} {counts[status]}"
                for status in Status
                if counts[status] and status is not Status.PASS
            )
            proven = f"{counts[Status.PASS]:3} of {counts.total():3} proven"
            lines.append(f"{chapter:<{width}}  {proven}{others}")
        for status in reversed(Status):
            names = [name for name, found in by_requirement.items() if found is status]
            if status is Status.PASS:
                lines.append(f"requirements proven: {len(names)}")
            elif names:
                lines.append(f"{status}: {len(names)}  {' '.join(names)}")
        lines.append(f"verdict: {_VERDICTS[self.exit_status()]}")
        return lines

    def as_dict(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """Everything, as it stands in ``results.json``.

        Args:
            about: what was judged, and how.
        """
        by_requirement = self.by_requirement()
        status = self.exit_status()
        return {
            "format": FORMAT,
            **about,
            "verdict": _VERDICTS[status],
            "exit_status": int(status),
            "requirements": {
                name: {
                    "level": requirement.level,
                    "title": requirement.title,
                    "chapter": requirement.chapter,
                    "sentence": requirement.sentence,
                    "hash": requirement.hash,
                    "reopened": name in self._reopened,
                    "status": str(by_requirement.get(name, "untested")),
                    "reason": self._untested.get(name, ""),
                }
                for name, requirement in sorted(self._requirements.items())
            },
            "tests": [outcome.as_dict() for outcome in self.outcomes],
        }
