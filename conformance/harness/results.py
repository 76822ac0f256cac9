"""The result of a whole run: outcomes by requirement and chapter, the verdict, the exit status."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from conformance.harness.outcome import Outcome, Status, worst
from conformance.harness.verdict import ExitStatus, Kind, Verdict, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

    from conformance.harness.registry import Requirement
    from conformance.harness.scope import Scope

FORMAT = 2
"""The version of the format of ``results.json``."""

_ALL = "all"


class Recorded:
    """The outcomes of a run while they come in; ``Results`` says what they amount to."""

    def __init__(self) -> None:
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


class Results:
    """The result of a run, made from its outcomes.

    Args:
        outcomes: of all tests that were run, one for each.
        scope: what of the suite the run was about; None if nobody knows.
        requirements: all of the specification, by id.
        untested: those that no test can show, each with the reason.
        reopened: those whose tests prove nothing, because the sentence is newer.
    """

    def __init__(
        self,
        outcomes: Iterable[Outcome],
        scope: Scope | None,
        requirements: Mapping[str, Requirement],
        untested: Mapping[str, str],
        reopened: Set[str],
    ) -> None:
        self.outcomes = list(outcomes)
        self._scope = scope
        self._requirements = requirements
        self._untested = untested
        self._reopened = reopened

    # Requirements

    @cached_property
    def _statuses(self) -> dict[str, set[Status]]:
        """The statuses of the tests of each requirement."""
        statuses: dict[str, set[Status]] = {}
        for outcome in self.outcomes:
            for name in outcome.requirements:
                statuses.setdefault(name, set()).add(outcome.status)
        return statuses

    def by_requirement(self) -> dict[str, Status]:
        """The worst status of the tests of each requirement that was tested.

        If they pass but were not reviewed since its sentence was changed, it is reopened.
        """
        return {
            name: Status.REOPENED
            if name in self._reopened and worst(found) is Status.PASS
            else worst(found)
            for name, found in sorted(self._statuses.items())
        }

    @cached_property
    def _missing(self) -> dict[str, Sequence[str]]:
        """The chosen tests without an outcome, each with its requirements."""
        if self._scope is None:
            return {}
        seen = {outcome.test for outcome in self.outcomes}
        return {test: ids for test, ids in self._scope.chosen.items() if test not in seen}

    @cached_property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each requirement of the specification."""
        scope = self._scope
        not_offered = scope.not_offered if scope else frozenset()
        incomplete = set(self._requirements) if scope is None else set(scope.incomplete)
        incomplete.update(name for ids in self._missing.values() for name in ids)
        return {
            name: Verdict.NOT_OFFERED
            if name in not_offered
            else verdict_of(
                self._statuses.get(name, set()), name in self._reopened, name not in incomplete
            )
            for name in sorted(self._requirements)
        }

    def counts(self) -> dict[str, Counter[Verdict]]:
        """How many requirements of each level, and of all, have each verdict."""
        counts: dict[str, Counter[Verdict]] = {_ALL: Counter()}
        for name, verdict in self.verdicts.items():
            counts[_ALL][verdict] += 1
            counts.setdefault(self._requirements[name].level, Counter())[verdict] += 1
        return counts

    # The run

    @property
    def is_whole(self) -> bool:
        """Whether the whole suite was run."""
        return self._scope is not None and self._scope.is_whole and not self._missing

    def _musts(self) -> Counter[Verdict]:
        """The verdicts on the MUSTs that a test can show, of what is offered."""
        return Counter(
            verdict
            for name, verdict in self.verdicts.items()
            if self._requirements[name].level == "MUST"
            and name not in self._untested
            and verdict is not Verdict.NOT_OFFERED
        )

    def _judgement(self) -> tuple[Kind, ExitStatus]:
        """The verdict on the run; a run without any check has none."""
        statuses = {outcome.status for outcome in self.outcomes}
        musts = self._musts()
        if statuses & {Status.FAIL, Status.UNEXPECTED}:
            kind = Kind.DOES_NOT_CONFORM if musts[Verdict.FAILED] else Kind.INCONCLUSIVE
            return kind, ExitStatus.NOT_AS_EXPECTED
        if Status.ERROR in statuses:
            return Kind.INCONCLUSIVE, ExitStatus.FAULT_OF_THE_SUITE
        if (
            Status.INCONCLUSIVE in statuses
            or not statuses - {Status.SKIP}
            or Status.REOPENED in self.by_requirement().values()
        ):
            return Kind.INCONCLUSIVE, ExitStatus.INCONCLUSIVE
        if not self.is_whole:
            return Kind.PARTIAL, ExitStatus.AS_EXPECTED
        if musts[Verdict.FAILED]:
            return Kind.FAILS_AS_EXPECTED, ExitStatus.AS_EXPECTED
        if musts[Verdict.PROVEN] == musts.total():
            return Kind.CONFORMS, ExitStatus.AS_EXPECTED
        return Kind.INCONCLUSIVE, ExitStatus.INCONCLUSIVE

    @property
    def kind(self) -> Kind:
        """The verdict on the run."""
        return self._judgement()[0]

    def exit_status(self) -> ExitStatus:
        """The exit status that says it."""
        return self._judgement()[1]

    def verdict(self) -> str:
        """The verdict on the run, with its figures."""
        kind = self.kind
        if kind is Kind.FAILS_AS_EXPECTED:
            musts = self._musts()
            return f"{kind} ({musts[Verdict.FAILED]} of {musts.total()} MUSTs)"
        if kind is Kind.PARTIAL:
            counts = self.counts()[_ALL]
            judged = counts[Verdict.PROVEN] + counts[Verdict.FAILED]
            return f"{kind} ({judged} of {counts.total()} requirements judged)"
        return str(kind)

    def causes(self) -> list[str]:
        """Why the run proves no more than its verdict says: facts, each in one line."""
        causes = [
            f"{len(found)} tests: {status}, such as {found[0]}"
            for status in (Status.UNEXPECTED, Status.ERROR, Status.INCONCLUSIVE)
            if (found := [each.test for each in self.outcomes if each.status is status])
        ]
        reopened = [name for name, s in self.by_requirement().items() if s is Status.REOPENED]
        if reopened:
            causes.append(f"sentences newer than the review of their tests: {' '.join(reopened)}")
        if self._scope is None:
            causes.append("nobody knows which tests were to be run")
        else:
            causes += self._scope.lines()
        if self._missing:
            causes.append(f"{len(self._missing)} tests were not run, or not to their end")
        return causes

    # Reports

    def _chapters(self) -> dict[str, Counter[Verdict]]:
        chapters: dict[str, Counter[Verdict]] = {}
        for name, verdict in self.verdicts.items():
            chapters.setdefault(self._requirements[name].chapter, Counter())[verdict] += 1
        return chapters

    def _table(self) -> Iterator[str]:
        """The verdicts of each chapter of which something is known, and of each level."""
        counts = self.counts()
        total = counts.pop(_ALL)
        chapters = [
            (name, row)
            for name, row in sorted(self._chapters().items())
            if row[Verdict.NOT_JUDGED] < row.total()
        ]
        rows = [*chapters, *sorted(counts.items()), ("total", total)]
        width = max(len(name) for name, _ in rows)
        yield f"{'':{width}}" + "".join(f"  {verdict}" for verdict in Verdict)
        for name, row in rows:
            yield f"{name:{width}}" + "".join(f"  {row[each]:>{len(each)}}" for each in Verdict)

    def lines(self) -> list[str]:
        """The summary for the terminal: what is proven, what is not, and the verdict."""
        lines = list(self._table())
        by_requirement = self.by_requirement()
        for status in reversed(Status):
            names = [name for name, found in by_requirement.items() if found is status]
            if names and status is not Status.PASS:
                lines.append(f"{status}: {len(names)}  {' '.join(names)}")
        lines += [f"note: {cause}" for cause in self.causes()]
        lines.append(f"verdict: {self.verdict()}")
        return lines

    def as_dict(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """Everything, as it stands in ``results.json``.

        Args:
            about: what was judged, and how.
        """
        by_requirement = self.by_requirement()
        musts = self._musts()
        return {
            "format": FORMAT,
            **about,
            "verdict": self.verdict(),
            "kind": str(self.kind),
            "causes": self.causes(),
            "exit_status": int(self.exit_status()),
            "whole": self.is_whole,
            "musts": {"proven": musts[Verdict.PROVEN], "offered": musts.total()},
            "counts": {
                level: {str(verdict): counts[verdict] for verdict in Verdict}
                for level, counts in self.counts().items()
            },
            "requirements": {
                name: {
                    "level": requirement.level,
                    "title": requirement.title,
                    "chapter": requirement.chapter,
                    "sentence": requirement.sentence,
                    "hash": requirement.hash,
                    "reopened": name in self._reopened,
                    "verdict": str(self.verdicts[name]),
                    "status": str(by_requirement.get(name, "untested")),
                    "reason": self._untested.get(name, ""),
                }
                for name, requirement in sorted(self._requirements.items())
            },
            "tests": [outcome.as_dict() for outcome in self.outcomes],
        }
