"""The words of the verdicts: on one requirement, and on a whole run."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from conformance.harness.outcome import Status

if TYPE_CHECKING:
    from collections.abc import Set


class Verdict(StrEnum):
    """On a requirement: what a run has shown of it."""

    PROVEN = "proven"
    """All of its tests were run, and pass."""
    FAILED = "failed"
    """One of its tests fails, whether or not the profile expects that."""
    NOT_OFFERED = "not offered"
    """It is about something that need not be there, and is not."""
    NOT_JUDGED = "not judged"
    """Nothing is known: not all of its tests were run, or one of them could not tell."""


class Kind(StrEnum):
    """On an implementation: what a run has come to."""

    CONFORMS = "conforms"
    """The whole suite was run, and every MUST of what is offered is proven."""
    FAILS_AS_EXPECTED = "fails as its profile says"
    """The whole suite was run, and the profile expects all of its failures."""
    PARTIAL = "partial"
    """No failure is unexpected, but a part of the suite was not run."""
    DOES_NOT_CONFORM = "does not conform"
    """A MUST fails, and the profile does not expect all that was seen."""
    INCONCLUSIVE = "inconclusive"
    """Nothing can be said about the implementation."""


class ExitStatus(IntEnum):
    """Exit statuses of a run, beside pytest's own 4 for a bad call of pytest."""

    AS_EXPECTED = 0
    """It conforms, or fails as its profile says, as far as it was judged."""
    NOT_AS_EXPECTED = 1
    """It does not conform, or does not fail as its profile says."""
    INCONCLUSIVE = 2
    """Nothing can be told."""
    FAULT_OF_THE_SUITE = 3
    """The suite itself failed, or does not fit its profile."""


_FAILING = {Status.FAIL, Status.EXPECTED, Status.REMARK}


def verdict_of(statuses: Set[Status], is_reopened: bool, is_complete: bool) -> Verdict:
    """The verdict on a requirement.

    Args:
        statuses: those of its tests that were run.
        is_reopened: whether its sentence is newer than the review of its tests.
        is_complete: whether all of its tests were run.
    """
    if statuses & _FAILING:
        return Verdict.FAILED
    if is_complete and not is_reopened and Status.PASS in statuses <= {Status.PASS, Status.SKIP}:
        return Verdict.PROVEN
    if is_complete and statuses == {Status.SKIP}:
        return Verdict.NOT_OFFERED
    return Verdict.NOT_JUDGED
