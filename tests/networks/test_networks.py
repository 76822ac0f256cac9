"""The campaigns on hosts, reduced, and what they make of what they see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conformance.harness.network.hosts import why_not
from tests.networks import distance
from tests.networks.faults import FAULTS, named
from tests.networks.figures import described, shown, summary, tables
from tests.networks.programs import find
from tests.networks.running import Outcome, judge
from tests.networks.storm import HEARD, Storm
from tests.networks.trials import ALL, ONE, OPTIONS, Case, cases, run_all

OURS = find("paexec")[0]

WHOLE = Outcome(20, 20, 0, 6.6, 0, left_here=False, left_there=False)


@pytest.fixture(scope="module")
def allowed() -> None:
    """Nothing of this can be run on a machine that has no such hosts."""
    if reason := why_not():
        pytest.skip(f"no hosts in network namespaces: {reason}")


@pytest.mark.usefixtures("allowed")
def test_faults_that_the_head_is_told_of() -> None:
    """They cost nothing but time, and without -z an honest status."""
    chosen = [
        Case(OURS, fault, options, scope)
        for fault in (*HEARD, named("wrong key"))
        for options, scope in (("none", ONE), ("-z", ONE), ("-z", ALL), ("-Z 2 -w", ONE))
    ]
    for case, outcome in run_all(chosen, 8, print):
        assert outcome.is_honest, case.name
        assert not outcome.left_here, case.name
        assert not outcome.left_there, case.name
        assert outcome.is_whole == (case.options != "none" and case.scope == ONE), case.name


@pytest.mark.usefixtures("allowed")
def test_a_storm() -> None:
    """Each of the tasks has one result, whatever happens to the hosts."""
    storm = Storm(4, 240, 0.1, every=1.0, lasts=1.5, faults=HEARD, limit=100)
    outcome, struck = storm.run(OURS, ["-Z", "1", "-w"], seed=1, tell=print)
    assert struck.total() >= 3
    assert replace(outcome, seconds=0.0) == Outcome(
        240, 240, 0, 0.0, 0, left_here=False, left_there=False
    )


@pytest.mark.usefixtures("allowed")
def test_a_storm_of_silent_faults() -> None:
    """The beats notice within four seconds; a fault that heals before that is none."""
    faults = [named(name) for name in ("dropped", "link down", "power off", "session stopped")]
    storm = Storm(4, 240, 0.1, every=2.0, lasts=5.0, faults=faults, limit=100)
    outcome, struck = storm.run(OURS, ["--heartbeat", "1", "-Z", "1", "-w"], seed=2, tell=print)
    assert struck.total() >= 2
    assert outcome.is_whole
    assert outcome.status == 0
    assert not outcome.left_here


@pytest.mark.usefixtures("allowed")
def test_no_run_hangs_or_lies_with_heartbeats_and_stuck() -> None:
    """The silent faults of one host of two."""
    program = replace(OURS, options=("--heartbeat=1", "--stuck=8"))
    names = ("dropped", "link down", "calculator stopped", "hangs at login", "greeting, empty line")
    for case, outcome in run_all(
        [Case(program, named(name), "-z", ONE) for name in names], 4, print
    ):
        assert outcome.is_whole, case.name
        assert outcome.status == 0, case.name
        assert not outcome.left_here, case.name
        # A cut link ends what works behind it.
        assert not outcome.left_there or case.fault.from_the_start, case.name


@pytest.mark.usefixtures("allowed")
def test_distance() -> None:
    """Each task waits for the one before it, unless more are on their way."""
    alone = distance.measure(OURS, [], 10)
    assert alone.seconds > 9 * 2 * distance.DELAY
    assert distance.measure(OURS, ["--prefetch=16"], 100).rate > alone.rate


# Judging


@pytest.mark.parametrize(
    ("output", "right", "wrong"),
    [
        (b"", 0, 0),
        (b"1 result of a\n1 \n2 result of b\n2 \n", 2, 0),
        (b"2 result of b\n1 fatal\n1 \n1 result of a\n", 2, 0),
        (b"1 result of b\n2 result of a\n", 0, 2),
        (b"1 result of a\n1 result of a\n", 0, 1),
        (b"1 Welcome!\n2 result of a\n", 0, 2),
        (b"3 result of c\nx\n0 result of b\n", 0, 3),
    ],
)
def test_results_are_counted(output: bytes, right: int, wrong: int) -> None:
    assert judge(output, [b"a", b"b"]) == (right, wrong)


@pytest.mark.parametrize(
    ("outcome", "is_honest", "text"),
    [
        (WHOLE, True, "whole, 7 s"),
        (replace(WHOLE, status=1), True, "whole, 7 s, status 1"),
        (replace(WHOLE, right=4, status=1), True, "4, status 1"),
        (replace(WHOLE, right=4), False, "4, **status 0**"),
        (replace(WHOLE, wrong=1), False, "20, **status 0**, 1 wrong"),
        (replace(WHOLE, status=None, right=19), False, "**hangs** at 19"),
        (replace(WHOLE, left_there=True), True, "whole, 7 s, *left there*"),
        (replace(WHOLE, left_here=True), True, "whole, 7 s, *left here*"),
    ],
)
def test_outcomes_are_shown(outcome: Outcome, is_honest: bool, text: str) -> None:
    assert outcome.is_honest == is_honest
    assert shown(outcome) == text


def test_there_are_136_cases() -> None:
    assert len(cases([OURS])) == 136
    assert len({case.name for case in cases([OURS])}) == 136


def test_tables() -> None:
    chosen = cases([OURS], FAULTS[:1])
    hung = replace(WHOLE, right=3, status=None)
    outcomes = [hung if case.scope == ALL else WHOLE for case in chosen]
    trials = described(zip(chosen, outcomes, strict=True))
    assert len(trials[OURS.name][FAULTS[0].name][ONE]) == len(OPTIONS)
    cells = [line.strip("* -") for line in summary(trials).splitlines()[-8:]]
    assert cells == ["``paexec-trio``", "8", "4", "0", "4", "1", "0", "0"]
    text = tables({"trials": trials})
    assert text.count("**hangs** at 3") == text.count("whole, 7 s") == 4
