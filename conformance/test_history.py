"""Chapter *History*."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
trace = pytest.mark.extension("--trace")
report = pytest.mark.extension("--report")
either = pytest.mark.parametrize(
    "option",
    [pytest.param("--trace", marks=trace), pytest.param("--report", marks=report)],
)

HOSTILE = (b"<b>&amp;</b>", b'"><script>x</script>', b"a\tb", b"\xff\x1b[31m", b"caf\xc3\xa9")


def events_of(stage: Stage) -> list[dict[str, Any]]:
    """Return the events of the trace, whether it ends or was cut off."""
    text = (stage.directory / "file").read_text()
    if not text.rstrip().endswith("]"):
        text = text.rstrip().rstrip(",") + "]"
    events = json.loads(text)
    assert isinstance(events, list)
    return events


def attempts_of(stage: Stage) -> list[dict[str, Any]]:
    return [event for event in events_of(stage) if event.get("ph") == "X"]


class Document(HTMLParser):
    """A parsed page: its text, and what its elements refer to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words = ""
        self.elements: Counter[str] = Counter()
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.references += [
            value or "" for name, value in attrs if name in {"href", "src", "srcset", "data"}
        ]

    def handle_data(self, data: str) -> None:
        self.words += data + " "


def page_of(stage: Stage) -> Document:
    return Document((stage.directory / "file").read_text())


@requirement("HIS-002")
@either
@pytest.mark.parametrize("mode", [(), ("-l", "-r", "-e")], ids=["plain", "prefixes"])
def test_standard_output_stays_the_same(stage: Stage, option: str, mode: tuple[str, ...]) -> None:
    stage.reply_with_results()
    feed = b"".join(b"%d\n" % number for number in range(50))
    calls = [
        stage.run(*mode, *more, "-n", "+1", "-c", stage.calculator(), feed=feed)
        for more in ((), (option, "file"))
    ]
    plain, extended = calls
    without_pids = [re.sub(rb"^\d+ ", b"", run.stdout) for run in (plain, extended)]
    assert without_pids[0] == without_pids[1]
    assert (plain.status, extended.status) == (0, 0)


@requirement("HIS-003")
@either
def test_a_file_that_cannot_be_opened(stage: Stage, option: str) -> None:
    run = stage.run(option, "missing/file", "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 1
    assert b"missing/file" in run.stderr
    assert not stage.tasks, "a task was dispatched"


@requirement("HIS-004")
@either
def test_a_full_disk(stage: Stage, option: str) -> None:
    stage.reply_with_results()
    run = stage.run(option, "/dev/full", "-n", "+1", "-c", stage.calculator(), feed=b"a\nb\n")
    assert run.stdout == stage.result(b"a") + b"\n" + stage.result(b"b") + b"\n"
    assert run.status != 0
    assert b"/dev/full" in run.stderr


@trace
@requirement("HIS-010", "HIS-011", "HIS-012")
def test_each_attempt_is_an_event(stage: Stage) -> None:
    stage.reply_with_results()
    tasks = [b"%d" % number for number in range(30)]
    feed = b"".join(task + b"\n" for task in tasks)
    run = stage.run("--trace", "file", "-n", "+3", "-c", stage.calculator(), feed=feed)
    assert run.status == 0
    attempts = attempts_of(stage)
    assert sorted((event["args"]["task"], event["name"]) for event in attempts) == [
        (number + 1, str(number)) for number in range(30)
    ]
    rows = {
        event["tid"]: event["args"]["name"]
        for event in events_of(stage)
        if event.get("ph") == "M" and event["name"] == "thread_name"
    }
    assert {event["tid"] for event in attempts} <= rows.keys()


@trace
@requirement("HIS-011", "HIS-012")
def test_the_times_and_the_rows_of_attempts(stage: Stage) -> None:
    """Two attempts at the same time are on two nodes, and the third one comes after the first."""
    run = stage.start("--trace", "file", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    first, other = stage.holder(b"a"), stage.holder(b"b")
    first.answer(b"of a")
    run.feed(b"c\n")
    assert stage.holder(b"c") is first
    first.answer(b"of c")
    other.answer(b"of b")
    assert run.finish() == 0
    events = {event["name"]: event for event in attempts_of(stage)}
    a, b, c = (events[name] for name in "abc")
    assert a["tid"] == c["tid"] != b["tid"]
    assert all(isinstance(event[key], int | float) for event in (a, b, c) for key in ("ts", "dur"))
    # To a millisecond, in case that a distributor rounds.
    assert a["ts"] + a["dur"] <= c["ts"] + 1000
    assert b["ts"] <= c["ts"]
    assert b["ts"] + b["dur"] + 1000 >= c["ts"] + c["dur"]


@trace
@requirement("HIS-012")
def test_the_rows_have_the_names_of_the_nodes(stage: Stage) -> None:
    transport = stage.script("transport", 'shift; exec sh -c "$1"')
    words = ("-x", "-t", transport, "-n", "alpha beta", "-C", "true")
    run = stage.run("--trace", "file", *words, feed=b"a\nb\nc\nd\n")
    assert run.status == 0
    names = {
        event["args"]["name"]
        for event in events_of(stage)
        if event.get("ph") == "M" and event["name"] == "thread_name"
    }
    used = {event["tid"] for event in attempts_of(stage)}
    assert len(names & {"alpha", "beta"}) >= len(used)


@trace
@requirement("HIS-010", "HIS-013")
def test_an_attempt_on_a_dead_node_is_an_event(stage: Stage) -> None:
    run = stage.start("-z", "--trace", "file", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\n")
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.exit(3)
    lost.wait_gone()
    (other,) = (calculator for calculator in both if calculator is not lost)
    assert other.next_task() == b"a"
    other.answer(b"of a")
    assert run.finish() == 0
    outcomes = sorted(event["args"].get("outcome", "") for event in attempts_of(stage))
    assert len(outcomes) == 2
    assert outcomes == ["retried", "succeeded"]


@trace
@requirement("HIS-010", "HIS-013")
def test_a_signal_ends_the_run(stage: Stage) -> None:
    run = stage.start("--trace", "file", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    stage.holder(b"a").answer(b"of a")
    stage.holder(b"b")
    run.signal(signal.SIGTERM)
    run.wait(3 * stage.bound)
    attempts = {event["name"]: event["args"].get("outcome") for event in attempts_of(stage)}
    assert attempts == {"a": "succeeded", "b": "given up"}


@trace
@requirement("HIS-011")
@pytest.mark.parametrize("task", HOSTILE)
def test_tasks_of_any_octets(stage: Stage, task: bytes) -> None:
    stage.reply_with_results()
    run = stage.run("--trace", "file", "-n", "+1", "-c", stage.calculator(), feed=task + b"\n")
    assert run.status == 0
    (event,) = attempts_of(stage)
    assert event["name"].isprintable()
    plain = task.decode("utf-8", "replace")
    if plain.isprintable() and "\ufffd" not in plain:
        assert event["name"] == plain


@report
@requirement("HIS-020", "HIS-022")
def test_the_page(stage: Stage) -> None:
    """The tasks 2 to 201 never run, so the number of successes is the id of none that is shown."""
    words = ("-g", "-x", "-n", "+2", "--report", "file", "-C", "test", "a", "!=")
    dropped = b"".join(b"a b%d\n" % number for number in range(200))
    feed = dropped + b"".join(b"c%d\n" % number for number in range(150))
    run = stage.run(*words, feed=feed)
    assert run.status == 0
    page = page_of(stage)
    assert page.references == []
    assert "://" not in page.words
    assert re.search(r"\b150\b", page.words), "the number of successes is missing"


@report
@requirement("HIS-022")
def test_the_page_names_tasks_without_success(stage: Stage) -> None:
    words = ("-x", "-n", "+2", "--report", "file", "-C", "test", "unlucky-one", "!=")
    stage.run(*words, feed=b"good\nunlucky-one\n")
    assert "unlucky-one" in page_of(stage).words.replace("test unlucky-one !=", "")


@report
@requirement("HIS-021")
@pytest.mark.parametrize("task", HOSTILE)
def test_octets_become_no_markup(stage: Stage, task: bytes) -> None:
    """The task fails, so it is shown; the elements are those of the page of a plain task."""
    pages = []
    for text in (b"plain", task):
        stage.run("-x", "-n", "+1", "--report", "file", "-C", "false", feed=text + b"\n")
        pages.append(page_of(stage))
    assert pages[0].elements == pages[1].elements
