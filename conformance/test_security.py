"""Chapter *Security considerations*."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


FORMS = [
    "$(touch %s)",
    "`touch %s`",
    "; touch %s;",
    "' ; touch %s '",
    '"; touch %s; "',
    "| touch %s",
    "$(touch\t%s)",
    "%%s\\n; touch %s",
]


@requirement("SEC-001")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_tasks_are_not_evaluated(stage: Stage, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    evidence = stage.directory / "evaluated"
    tasks = [(form % evidence).encode() for form in FORMS]
    stage.connect = True
    stage.reply_with_results()
    run = stage.run(*place, "-i", "-c", stage.calculator(), feed=b"\n".join(tasks))
    assert stage.next_calculator().tasks == tasks
    assert run.stdout == b"".join(task + b"\n" + stage.result(task) + b"\n" for task in tasks)
    assert run.status == 0
    assert not evidence.exists(), "a task was evaluated"


#: The title of a window, the screen cleared, colours in both encodings of C1, and others.
ESCAPES = b"\x1b]0;owned\x07\x1b[2J\x9b31m\xc2\x9b31m\x7f\x08"


def assert_visible(run: Distributor) -> None:
    """Standard error holds diagnostics, and nothing in them that a terminal obeys."""
    assert run.stderr, "there is no diagnostic"
    text = run.stderr.replace(b"\n", b"").decode("utf-8", "surrogateescape")
    controls = re.findall("[\x00-\x1f\x7f-\x9f\udc80-\udc9f]", text)
    assert not controls, f"control characters in a diagnostic: {controls}"


@requirement("SEC-002")
@pytest.mark.parametrize("option", [(), ("-0",)], ids=["lines", "-0"])
def test_bad_lines_of_graphs_are_visible(stage: Stage, option: tuple[str, ...]) -> None:
    line = b"a b owned" + ESCAPES + (b"\nc" if option else b"\r")
    end = b"\0" if option else b"\n"
    run = stage.run("-g", *option, "-n", "+1", "-c", stage.calculator(), feed=line + end)
    assert run.status == 1
    assert b"owned" in run.stderr
    assert_visible(run)


@requirement("SEC-002")
def test_cycles_are_visible(stage: Stage) -> None:
    edge = b"a%b b%b\n" % (ESCAPES, ESCAPES)
    feed = edge + b" ".join(reversed(edge[:-1].split(b" "))) + b"\n"
    run = stage.run("-g", "-n", "+1", "-c", stage.calculator(), feed=feed)
    assert run.status == 1
    assert_visible(run)


@requirement("SEC-002")
def test_tasks_without_status_are_visible(stage: Stage) -> None:
    stage.reply = lambda _: b"\n"
    task = b"owned" + ESCAPES
    run = stage.run("-g", "-n", "+1", "-c", stage.calculator(), feed=task + b"\r\n")
    assert stage.tasks == [task + b"\r"]
    assert run.status == 1
    assert b"owned" in run.stderr
    assert_visible(run)


@requirement("SEC-002")
def test_names_of_lost_nodes_are_visible(stage: Stage) -> None:
    run = stage.run("-n", b"owned" + ESCAPES, "-c", "read -r task; exit 1", feed=b"a\n")
    assert run.status == 1
    assert b"owned" in run.stderr
    assert_visible(run)


@requirement("SEC-002")
def test_names_of_transports_are_visible(stage: Stage) -> None:
    transport = b"/missing" + ESCAPES
    run = stage.run("-n", "alpha", "-t", transport, "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 1
    assert_visible(run)


@requirement("SEC-002")
@pytest.mark.parametrize(
    "words",
    [
        ("-n", "+1", "-c", "calculator", ESCAPES),
        ("-n", b"+" + ESCAPES, "-c", "calculator"),
        ("-n", b":" + ESCAPES, "-c", "calculator"),
        ("-n", b"a -" + ESCAPES, "-c", "calculator"),
        ("-n", "+1", "-m", ESCAPES, "-c", "calculator"),
        ("-n", "+1", b"-" + ESCAPES[:1], "-c", "calculator"),
        ("-n", "+1", "-Z", ESCAPES, "-c", "calculator"),
    ],
    ids=["free argument", "count", "file", "name", "-m", "letter", "-Z"],
)
def test_usage_errors_are_visible(stage: Stage, words: tuple[str | bytes, ...]) -> None:
    run = stage.run(*words, feed=b"a\n")
    assert run.status == 1
    assert_visible(run)


@requirement("SEC-002")
def test_octets_outside_a_task_are_visible(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-c", stage.calculator())
    stage.next_calculator().write(ESCAPES + b"\r\0\n")
    assert run.wait() == 1
    assert_visible(run)


@requirement("SEC-003")
def test_long_bad_lines_are_cut(stage: Stage) -> None:
    line = b"x" * 100_000 + b" b c"
    run = stage.run("-g", "-n", "+1", "-c", stage.calculator(), feed=line + b"\n")
    assert run.status == 1
    assert b"x" * 100 in run.stderr
    assert b"x" * 201 not in run.stderr, "more than the first 200 octets"
    assert run.stderr.replace(b"x", b"").strip(), "not said that something is left out"


@requirement("SEC-003")
def test_long_values_are_cut(stage: Stage) -> None:
    run = stage.run("-n", "+1", "-c", "calculator", "x" * 100_000)
    assert run.status == 1
    assert b"x" * 201 not in run.stderr, "more than the first 200 octets"
    assert run.stderr.endswith(b"\n")
