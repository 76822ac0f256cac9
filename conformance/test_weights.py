"""Chapter *Weights*."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


def run_graph(stage: Stage, *options: str, lines: list[bytes]) -> Distributor:
    """Run a graph on one node, so that the order of its tasks is the order of dispatch."""
    stage.reply = lambda task: stage.result(task) + b"\nsuccess\n\n"
    feed = b"".join(line + b"\n" for line in lines)
    return stage.run(*options, "-n", "+1", "-c", stage.calculator(), feed=feed)


def order(stage: Stage, *options: str, lines: list[bytes]) -> list[bytes]:
    """Run a graph, see that it ends well, and return its tasks in the order of dispatch."""
    run = run_graph(stage, *options, lines=lines)
    assert run.status == 0
    assert run.stdout == b"".join(stage.result(task) + b"\nsuccess\n" for task in stage.tasks)
    return stage.tasks


@requirement("WGT-001", "WGT-002", "WGT-006", "WGT-007")
@pytest.mark.parametrize("option", ["-g", "-s", "-W0"])
def test_heavier_first(stage: Stage, option: str) -> None:
    """A task without weight has 1; the dependant's weight does not help the task before."""
    lines = [b"light", b"weight: a 2", b"weight: b 30", b"c d", b"weight: d 99", b"weight: c 4"]
    assert order(stage, option, lines=lines) == [b"b", b"c", b"d", b"a", b"light"]


@requirement("WGT-002")
def test_the_largest_weight_counts(stage: Stage) -> None:
    lines = [b"weight: a 5", b"weight: b 7", b"weight: a 9", b"weight: a 2", b"weight: c 8"]
    assert order(stage, "-g", lines=lines) == [b"a", b"c", b"b"]


@requirement("WGT-003")
def test_ties(stage: Stage) -> None:
    lines = [b"weight: c 5", b"b", b"weight: a 5", b"d"]
    assert order(stage, "-g", lines=lines) == [b"c", b"a", b"b", b"d"]


@requirement("WGT-004")
def test_sums_count_each_dependant_once(stage: Stage) -> None:
    """a: 1 + 1 + 1 + 10 = 13, d counted once; b: 15; c: 12."""
    lines = [b"a p", b"a q", b"p d", b"q d", b"weight: d 10", b"weight: b 15", b"weight: c 12"]
    assert order(stage, "-W1", lines=lines)[:3] == [b"b", b"a", b"c"]


@requirement("WGT-004")
def test_sums_over_indirect_dependants(stage: Stage) -> None:
    """a: 4; b: 3; without what depends indirectly a would have 2."""
    lines = [b"a p", b"p q", b"q r", b"weight: b 3"]
    assert order(stage, "-W", "1", lines=lines)[0] == b"a"


@requirement("WGT-005")
def test_maxima(stage: Stage) -> None:
    """A has 8 by way of p; b has 7, though its sum is 14; c has 9."""
    lines = [b"a p", b"p q", b"weight: q 8", b"weight: b 7", b"b r", b"weight: r 7", b"weight: c 9"]
    assert order(stage, "-W2", lines=lines)[:2] == [b"c", b"a"]


@requirement("WGT-008")
def test_weights_are_printed_for_debugging(stage: Stage) -> None:
    run = run_graph(stage, "-W1", "-d", lines=[b"a b", b"weight: b 5"])
    assert run.status == 0
    for line in (b"weight [a]=1", b"sum_weight [a]=6", b"weight [b]=5", b"sum_weight [b]=5"):
        assert line in run.stderr.splitlines()


@requirement("WGT-009")
def test_another_word(stage: Stage) -> None:
    """The usual word is then a task like any other."""
    lines = [b"a", b"heavy b 5", b"weight: c"]
    heaviest, *others = order(stage, "-g", "-mw=heavy", lines=lines)
    assert heaviest == b"b"
    assert sorted(others) == [b"a", b"c", b"weight:"]
    assert others.index(b"weight:") < others.index(b"c")


@requirement("WGT-010", "WGT-002")
@pytest.mark.parametrize("weighting", ["-W0", "-W1", "-W2"])
@pytest.mark.parametrize("digits", [30, 1000])
def test_any_integer(stage: Stage, weighting: str, digits: int) -> None:
    big = b"9" * digits
    lines = [b"weight: minus -5", b"weight: zero 0", b"one", b"weight: big " + big]
    tasks = order(stage, weighting, lines=lines)
    assert tasks == [b"big", b"one", b"zero", b"minus"]


@requirement("WGT-011")
@pytest.mark.parametrize("number", [b"", b"x", b"1.5", b"1e3", b"0x10", b"--1", b"5x"], ids=repr)
def test_bad_weights(stage: Stage, number: bytes) -> None:
    """The same graph with a good weight is run."""
    assert order(stage, "-g", lines=[b"a b", b"weight: a 5"]) == [b"a", b"b"]
    started = stage.started
    line = b"weight: a " + number
    run = run_graph(stage, "-g", lines=[b"a b", line])
    assert run.status == 1
    assert line in run.stderr
    assert run.stdout == b""
    assert stage.started == started


@requirement("WGT-020")
@pytest.mark.parametrize("sign", [b"", b"-"], ids=["positive", "negative"])
@pytest.mark.parametrize("digits", [1001, 1_000_000])
def test_long_weights(stage: Stage, digits: int, sign: bytes) -> None:
    """The same graph with a shorter weight is run. To read a million digits takes no time."""
    lines = [b"a b", b"weight: a 7", b"c", b"weight: b " + sign + b"7" * 1000]
    assert sorted(order(stage, "-g", lines=lines)) == [b"a", b"b", b"c"]
    started = stage.started
    run = run_graph(stage, "-g", lines=[*lines[:3], b"weight: b " + sign + b"7" * digits, b"d"])
    assert run.status == 1
    assert re.search(rb"\b4\b", run.stderr), "the line is not named"
    assert b"%d" % digits in run.messages, "the number of digits is not named"
    assert run.stdout == b""
    assert stage.started == started
    assert run.processor_time < 5, "digits were converted"


@requirement("WGT-012", "OPT-020", "OPT-021")
@pytest.mark.parametrize("value", ["3", "-1", "x", "", "1x"], ids=repr)
def test_bad_weighting(stage: Stage, value: str) -> None:
    stage.reply = lambda task: stage.result(task) + b"\nsuccess\n\n"
    good = stage.run("-W", "1", "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert good.stdout == stage.result(b"a") + b"\nsuccess\n"
    started = stage.started
    bad = stage.run("-W", value, "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert bad.status == 1
    assert bad.stdout == b""
    assert stage.started == started
