"""Chapter *Framing of tasks*: how the input becomes tasks, and what a calculator receives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


def tasks_of(stage: Stage, *options: str, feed: bytes) -> list[bytes]:
    """The tasks that one calculator receives for this input; the run must end well."""
    stage.reply_with_results()
    run = stage.run("-n", "+1", *options, "-c", stage.calculator(), feed=feed)
    calculator = stage.next_calculator()
    assert run.stdout == b"".join(stage.result(task) + b"\n" for task in calculator.tasks)
    assert run.status == 0
    return calculator.tasks


@requirement("FRM-001")
def test_newline_ends_a_task(stage: Stage) -> None:
    assert tasks_of(stage, feed=b"a\nbb\nccc\n") == [b"a", b"bb", b"ccc"]


@requirement("FRM-001")
def test_nothing_but_newline_ends_a_task(stage: Stage) -> None:
    separators = [*map(bytes, zip(b"\v\f\r\x1c\x85 \t,")), "\x85".encode(), "\u2028".encode()]
    tasks = [b"left" + separator + b"right" for separator in separators]
    assert tasks_of(stage, feed=b"\n".join(tasks) + b"\n") == tasks


@requirement("FRM-001")
def test_tasks_arrive_in_pieces(stage: Stage) -> None:
    stage.reply_with_results()
    run = stage.start("-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"one\ntw")
    assert calculator.next_task() == b"one"
    run.feed(b"o\nth")
    assert calculator.next_task() == b"two"
    run.feed(b"ree\n")
    assert calculator.next_task() == b"three"
    assert run.finish() == 0


@requirement("FRM-002")
@pytest.mark.parametrize("feed", [b"last", b"first\n\nlast", b"first\n "])
def test_unterminated_last_task(stage: Stage, feed: bytes) -> None:
    assert tasks_of(stage, feed=feed) == feed.split(b"\n")


@requirement("FRM-003")
@pytest.mark.parametrize("feed", [b"\n\n", b"\na\n\nb\n\n"])
def test_empty_tasks(stage: Stage, feed: bytes) -> None:
    assert tasks_of(stage, feed=feed) == feed.split(b"\n")[:-1]


@requirement("FRM-004")
@pytest.mark.parametrize("options", [(), ("-0",)])
def test_empty_input(stage: Stage, options: tuple[str, ...]) -> None:
    assert tasks_of(stage, *options, feed=b"") == []


@requirement("FRM-005")
def test_nul_ends_a_task(stage: Stage) -> None:
    assert tasks_of(stage, "-0", feed=b"a\0bb\0\0ccc\0") == [b"a", b"bb", b"", b"ccc"]


@requirement("FRM-005", "FRM-002")
def test_unterminated_last_task_with_nul(stage: Stage) -> None:
    assert tasks_of(stage, "-0", feed=b"a\0\0last") == [b"a", b"", b"last"]


@requirement("FRM-005")
def test_nothing_but_nul_ends_a_task(stage: Stage) -> None:
    task = bytes(octet for octet in range(1, 256) if octet != ord("\n"))
    assert tasks_of(stage, "-0", feed=task + b"\0next\0") == [task, b"next"]


@requirement("FRM-005")
def test_a_newline_makes_no_two_tasks_of_one(stage: Stage) -> None:
    """The task that holds it may be refused (FRM-013) or break the calculator's framing."""
    stage.reply_with_results()
    run = stage.run("-0", "-l", "-n", "+1", "-c", stage.calculator(), feed=b"first\0a\nb\0")
    ids = [line.partition(b" ")[0] for line in run.stdout.splitlines()]
    assert ids[:1] == [b"1"], "the first task was not done"
    assert set(ids) <= {b"1", b"2"}, "a newline ended a task"


@requirement("FRM-006")
@pytest.mark.parametrize(
    ("feed", "tasks"),
    [
        (b"a\0b\n", [b"a", b"b"]),
        (b"a\n", [b"a"]),
        (b"a\0\n", [b"a", b""]),
        (b"\n", [b""]),
        (b"a\0b\0", [b"a", b"b"]),
    ],
)
def test_trailing_newline_with_nul(stage: Stage, feed: bytes, tasks: list[bytes]) -> None:
    assert tasks_of(stage, "-0", feed=feed) == tasks


@requirement("FRM-010")
@pytest.mark.parametrize("options", [(), ("-lrpeiy",), ("-E", "-I")])
def test_a_calculator_receives_tasks_and_nothing_else(
    stage: Stage, options: tuple[str, ...]
) -> None:
    magic = b"HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5"
    stage.reply_with_results(eot=magic if "-lrpeiy" in options else b"")
    run = stage.run("-n", "+1", *options, "-c", stage.calculator(), feed=b"a\n\nb\nc\nlast")
    assert stage.next_calculator().received == b"a\n\nb\nc\nlast\n"
    assert run.status == 0


OCTETS = [
    b" \ta b\t\tc  ",
    b"\ra\rb\r",
    rb"\a\\b\n\0\ \\",
    b"'\"`'",
    b"$HOME $(exit) `exit` ; exit | * ? [a] ~ # & < > {a,b} !",
    bytes(range(1, 10)) + bytes(range(11, 32)) + b"\x7f",
    b"\xff\xfe\x80\xc3(\xed\xa0\x80",
    b"%s%n%d",
    b"-n",
]


@requirement("FRM-011")
def test_octets_are_kept(stage: Stage) -> None:
    assert tasks_of(stage, feed=b"\n".join(OCTETS) + b"\n") == OCTETS


@requirement("FRM-011")
@pytest.mark.parametrize("task", [b"a\0b\0\0", b"\0a", b"\0"], ids=["within", "first", "alone"])
def test_nuls_are_kept(stage: Stage, task: bytes) -> None:
    assert tasks_of(stage, feed=task + b"\nnext\n") == [task, b"next"], "tasks were changed"


@requirement("FRM-011")
def test_tasks_are_not_cut(stage: Stage) -> None:
    lengths = [1023, 1024, 2047, 2048, 4095, 4096, 4097, 32768, 65000]
    tasks = [(b"0123456789abcde," * (length // 16 + 1))[:length] for length in lengths]
    stage.reply = lambda task: b"%s %d\n\n" % (stage.nonce, len(task))
    run = stage.run("-n", "+1", "-c", stage.calculator(), feed=b"\n".join(tasks))
    assert stage.next_calculator().tasks == tasks
    assert run.stdout == b"".join(b"%s %d\n" % (stage.nonce, length) for length in lengths)
    assert run.status == 0


@requirement("FRM-012")
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_task_is_sent_at_once(stage: Stage, nodes: int) -> None:
    run = stage.start("-n", f"+{nodes}", "-c", stage.calculator())
    stage.next_calculators(nodes)
    run.feed(b"a\n")
    stage.holder(b"a").answer()
    assert run.finish() == 0


@requirement("FRM-013")
@pytest.mark.parametrize(
    "feed", [b"a\0two\nlines\0after\0", b"a\0\nline\0after\0", b"a\0two\nlines"]
)
def test_newline_inside_a_task(stage: Stage, feed: bytes) -> None:
    stage.reply_with_results()
    run = stage.run("-n", "+1", "-0", "-c", stage.calculator(), feed=feed)
    assert stage.next_calculator().tasks == [b"a"], "more than the first task was dispatched"
    assert run.stdout == stage.result(b"a") + b"\n"
    assert b"2" in run.messages, "the diagnostic lacks the task id"
    assert run.status == 1


@requirement("FRM-013")
def test_newline_inside_a_task_waits_for_results(stage: Stage) -> None:
    """A later task does not throw away the earlier ones, which were dispatched."""
    run = stage.start("-n", "+2", "-0", "-c", stage.calculator())
    stage.next_calculators(2)
    run.feed(b"a\0")
    calculator = stage.holder(b"a")
    run.feed(b"two\nlines\0")
    # Only a sign that the second task was looked at; to miss it makes the test weaker, not wrong.
    stage.happens(lambda: bool(run.stderr), stage.grace / 2)
    calculator.answer(stage.result(b"a"))
    assert run.finish() == 1
    assert run.stdout == stage.result(b"a") + b"\n"
    assert stage.tasks == [b"a"]
