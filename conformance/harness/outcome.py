"""The outcome of one test, in a form that passes from worker to controller and into a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Of a test, or of a requirement: the worst of its tests. The worst is first."""

    FAIL = "fail"
    """A MUST is not met."""
    UNEXPECTED = "unexpected pass"
    """It passes, but the profile of the implementation says that it fails."""
    ERROR = "error"
    """The suite itself failed, or something that it needs is missing."""
    INCONCLUSIVE = "inconclusive"
    """The situation that the test needs could not be brought about."""
    REOPENED = "reopened"
    """Of a requirement only: its tests pass, but are older than its sentence."""
    EXPECTED = "expected failure"
    """It fails as the profile of the implementation says."""
    REMARK = "remark"
    """A SHOULD or a MAY is not met."""
    PASS = "pass"  # noqa: S105 (no password)
    """It does what is required."""
    SKIP = "not offered"
    """It is about something that need not be there, and is not."""


_ORDER = list(Status)


def worst(statuses: set[Status]) -> Status:
    """The one that counts of several, at least one."""
    return min(statuses, key=_ORDER.index)


class InconclusiveError(Exception):
    """A test cannot show anything here; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a test.

    Attributes:
        test: its file, ``::``, its function and its parameters.
        requirements: the ids of the requirements that it shows.
        status: the verdict.
        message: why, in one line, unless it passed.
        evidence: what a reader of a failure needs to see: command lines, transcript, diagnostics.
        again: the command that runs this test alone.
        recording: what ``conformance.replay`` needs to do the same without pytest.
        patience_used: the largest share of its bound that a wait took that was not in vain.
    """

    test: str
    requirements: tuple[str, ...]
    status: Status
    message: str = ""
    evidence: str = ""
    again: str = ""
    recording: str = ""
    patience_used: float = 0.0

    def with_evidence(
        self, evidence: str, again: str, recording: str, patience_used: float
    ) -> Outcome:
        """The same with what its readers need."""
        return replace(
            self,
            evidence=evidence,
            again=again,
            recording=recording,
            patience_used=round(patience_used, 6),
        )

    def as_dict(self) -> dict[str, Any]:
        """The same, of types that JSON has."""
        plain = {"requirements": list(self.requirements), "status": self.status.value}
        return asdict(self) | plain

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Outcome:
        """The outcome that ``as_dict`` has described."""
        own = {"requirements": tuple(fields["requirements"]), "status": Status(fields["status"])}
        return cls(**(fields | own))
