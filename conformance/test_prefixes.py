"""Chapter *Prefixes and extra lines*."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


def printed(stage: Stage, *options: str, feed: bytes = b"a\nb\n") -> bytes:
    """Return the output for one local calculator's results of two lines each."""
    stage.reply = lambda task: stage.nonce + b"\n" + stage.result(task) + b"\n\n"
    run = stage.run("-n", "+1", *options, "-c", stage.calculator(), feed=feed)
    assert run.status == 0
    return run.stdout


def expected(stage: Stage, *forms: bytes, tasks: tuple[bytes, ...] = (b"a", b"b")) -> bytes:
    """Lines for each task: %n is its id, %t the task, %1 and %2 the lines of its result."""
    return b"".join(
        form.replace(b"%n", b"%d" % number)
        .replace(b"%1", stage.nonce)
        .replace(b"%2", stage.result(task))
        .replace(b"%t", task)
        + b"\n"
        for number, task in enumerate(tasks, 1)
        for form in forms
    )


@requirement("PFX-001")
@pytest.mark.parametrize("options", [(), ("-0",), ("-mF=x",)])
def test_no_prefix_by_default(stage: Stage, options: tuple[str, ...]) -> None:
    feed = b"a\0b\0" if "-0" in options else b"a\nb\n"
    assert printed(stage, *options, feed=feed) == expected(stage, b"%1", b"%2")


@requirement("PFX-002", "PFX-007")
def test_the_task_id(stage: Stage) -> None:
    assert printed(stage, "-l") == expected(stage, b"%n %1", b"%n %2")


@requirement("PFX-003")
def test_task_ids_count_input_lines(stage: Stage) -> None:
    feed = b"a\n\n\nb\n" + b"c\n" * 8 + b"last"
    tasks = tuple(feed.split(b"\n"))
    assert printed(stage, "-l", feed=feed) == expected(stage, b"%n %1", b"%n %2", tasks=tasks)


@requirement("PFX-003")
def test_task_ids_with_nul(stage: Stage) -> None:
    tasks = (b"a", b"", b"b")
    assert printed(stage, "-0l", feed=b"a\0\0b") == expected(stage, b"%n %1", b"%n %2", tasks=tasks)


@requirement("PFX-003", "PFX-002")
def test_task_ids_belong_to_tasks_not_to_the_order_of_results(stage: Stage) -> None:
    run = stage.start("-n", "+3", "-l", "-c", stage.calculator())
    run.feed(b"a\nb\nc\n")
    for task in (b"c", b"a", b"b"):
        stage.holder(task).answer(stage.result(task))
    run.feed(b"d\n")
    stage.holder(b"d").answer(stage.result(b"d"))
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [
        b"%d %s" % (number, stage.result(task))
        for number, task in enumerate((b"a", b"b", b"c", b"d"), 1)
    ]


@requirement("PFX-004")
def test_the_index_of_a_node(stage: Stage) -> None:
    """Indexes are 0 to 2, and all lines of one calculator have the same."""
    run = stage.start("-n", "+3", "-r", "-c", stage.calculator())
    calculators = stage.next_calculators(3)
    run.feed(b"a\n" * 3)
    for number, calculator in enumerate(calculators):
        calculator.next_task()
        calculator.answer(b"%d" % number, b"%d" % number)
    run.feed(b"b\n" * 3)
    for calculator in calculators:
        calculator.next_task()
    for number, calculator in enumerate(calculators):
        calculator.answer(b"%d" % number)
    assert run.finish() == 0
    pairs = [line.split(b" ") for line in run.stdout.splitlines()]
    assert sorted(index for index, _ in pairs) == [b"0"] * 3 + [b"1"] * 3 + [b"2"] * 3
    assert len({(index, number) for index, number in pairs}) == 3


@requirement("PFX-004")
@pytest.mark.parametrize("by_file", [False, True], ids=["list", "file"])
def test_the_name_of_a_node(stage: Stage, by_file: bool) -> None:
    names = [b"h-1.example.org", b"user@h", b"_x"]
    (stage.directory / "nodes").write_bytes(b"\n".join(names))
    nodes = f":{stage.directory}/nodes" if by_file else " ".join(n.decode() for n in names)
    run = stage.start("-n", nodes, "-r", "-t", stage.calculator(), "-c", "exit 1")
    calculators = stage.next_calculators(3)
    run.feed(b"a\n" * 3)
    for calculator in calculators:
        calculator.next_task()
        calculator.answer(b"at " + calculator.words[0])
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == sorted(b"%s at %s" % (n, n) for n in names)


def processes_from(pid: int, distributor: int) -> list[bytes]:
    """The process and its ancestors below the distributor."""
    found = []
    while pid not in (distributor, 0):
        found.append(b"%d" % pid)
        status = Path(f"/proc/{pid}/status").read_text()
        match = re.search(r"^PPid:\t(\d+)$", status, re.MULTILINE)
        assert match
        pid = int(match[1])
    return found


@requirement("PFX-005", "PFX-007")
def test_the_process(stage: Stage) -> None:
    """The number may be that of a process between the distributor and the calculator."""
    run = stage.start("-n", "+2", "-p", "-c", f"exec {stage.calculator()}")
    calculators = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    allowed = {}
    for calculator in calculators:
        calculator.next_task()
        name = b"%d" % calculator.pid
        allowed[name] = processes_from(calculator.pid, run.pid)
        calculator.answer(name, name)
    assert run.finish() == 0
    pairs = [line.split(b" ") for line in run.stdout.splitlines()]
    assert sorted(name for _, name in pairs) == sorted([*allowed, *allowed])
    for prefix, name in pairs:
        assert prefix in allowed[name]
    assert len({prefix for prefix, _ in pairs}) == 2


@requirement("PFX-006")
@pytest.mark.parametrize("options", [("-rlp",), ("-plr",), ("-l", "-p", "-r"), ("-p", "-r", "-l")])
def test_order_of_prefixes(stage: Stage, options: tuple[str, ...]) -> None:
    output = printed(stage, *options, "-ei")
    first = re.match(rb"0 1 ([1-9]\d*) ", output)
    assert first
    forms = [b"0 %n " + first[1] + b" " + text for text in (b"%t", b"%1", b"%2", b"")]
    assert output == expected(stage, *forms)


@requirement("PFX-006")
@pytest.mark.parametrize("options", ["-rl", "-lr"])
def test_order_of_two_prefixes(stage: Stage, options: str) -> None:
    assert printed(stage, options) == expected(stage, b"0 %n %1", b"0 %n %2")


@requirement("PFX-007")
def test_every_line_is_prefixed(stage: Stage) -> None:
    stage.reply = lambda _: b"\n" + stage.nonce + b"\n\n \nEND\n"
    run = stage.run("-n", "+1", "-lri", "-mt=END", "-e", "-c", stage.calculator(), feed=b"a\n\n")
    texts = [b"", stage.nonce, b"", b" ", b"END"]
    assert run.stdout == b"".join(
        b"0 %d %s\n" % (number, text)
        for number, task in ((1, b"a"), (2, b""))
        for text in (task, *texts)
    )
    assert run.status == 0


@requirement("PFX-008")
@pytest.mark.parametrize("option", ["-i", "-I"])
def test_the_task_line(stage: Stage, option: str) -> None:
    tasks = (b"a", b"", b" b\t", b"c\r", b"%s\\n", b"\xff\xfe", b"last")
    output = printed(stage, option, feed=b"\n".join(tasks))
    assert output == expected(stage, b"%t", b"%1", b"%2", tasks=tasks)


@requirement("PFX-008")
def test_the_task_line_of_an_empty_result(stage: Stage) -> None:
    stage.reply = lambda _: b"\n"
    run = stage.run("-n", "+1", "-il", "-c", stage.calculator(), feed=b"a\nb\n")
    assert stage.tasks == [b"a", b"b"]
    assert run.stdout == b"1 a\n2 b\n"
    assert run.status == 0


@requirement("PFX-009")
@pytest.mark.parametrize("option", ["-i", "-I"])
@pytest.mark.parametrize("nodes", [1, 2])
def test_the_task_line_comes_at_dispatch(stage: Stage, option: str, nodes: int) -> None:
    run = stage.start("-n", f"+{nodes}", option, "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    run.expect_output(b"a\n")
    calculator.answer(b"result")
    assert run.finish() == 0
    assert run.stdout == b"a\nresult\n"


@requirement("PFX-009")
def test_the_task_line_waits_for_dispatch(stage: Stage) -> None:
    """A task that waits for a node has no line yet."""
    run = stage.start("-n", "+1", "-i", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.write(b"one\n")
    calculator.sync()
    calculator.answer(b"two")
    calculator.next_task()
    calculator.answer(b"three")
    assert run.finish() == 0
    assert run.stdout == b"a\none\ntwo\nb\nthree\n"
