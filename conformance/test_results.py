"""Chapter *Results*: what a distributor prints of what calculators write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


def printed(stage: Stage, *results: bytes) -> bytes:
    """Return the output if a calculator writes each of these results and an EOT."""
    answers = iter(results)
    stage.reply = lambda _: next(answers) + b"\n"
    run = stage.run("-n", "+1", "-c", stage.calculator(), feed=b"task\n" * len(results))
    assert stage.tasks == [b"task"] * len(results)
    assert run.status == 0
    return run.stdout


@requirement("RES-001", "RES-002")
def test_lines_are_printed_in_order(stage: Stage) -> None:
    result = b"".join(b"%s %d\n" % (stage.nonce, number) for number in range(1000))
    short = stage.nonce + b"\n"
    assert printed(stage, result, short, result) == result + short + result


@requirement("RES-001")
def test_a_result_can_be_empty(stage: Stage) -> None:
    line = stage.nonce + b"\n"
    assert printed(stage, b"", line, b"", b"") == line


@requirement("RES-001")
def test_lines_are_printed_octet_for_octet(stage: Stage) -> None:
    odd = [b" ", b"  a  b  ", b"\ta\t", b"%s %d%n", rb"\n\t\\", b"success", b"fatal", b"-n"]
    result = b"\n".join([stage.nonce, *odd, b""])
    assert printed(stage, result, result) == result + result


@requirement("RES-006")
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"a\0b", id="NUL"),
        pytest.param(b"\0a", id="NUL first"),
        pytest.param(b"\0", id="NUL alone"),
        pytest.param(b"a\rb\r", id="carriage returns"),
        pytest.param(bytes(range(1, 10)) + bytes(range(11, 256)) + b"\xe2\x80\xa8", id="others"),
    ],
)
def test_octets_of_results(stage: Stage, line: bytes) -> None:
    result = stage.nonce + line + b"\n" + line + b"\n"
    assert printed(stage, result, result) == result + result, "octets were changed"


@requirement("RES-003")
def test_lines_of_several_nodes_are_whole(stage: Stage) -> None:
    """Two nodes write each half of a line by turns."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    a, b = stage.holder(b"a"), stage.holder(b"b")
    for _ in range(20):
        for calculator, octet in ((a, b"a"), (b, b"b")):
            calculator.write(octet * 100)
            calculator.sync()
        for calculator, octet in ((a, b"a"), (b, b"b")):
            calculator.write(octet * 100 + b"\n")
            calculator.sync()
    a.answer()
    b.answer()
    assert run.finish() == 0
    lines = run.stdout.split(b"\n")
    assert sorted(lines) == [b""] + [b"a" * 200] * 20 + [b"b" * 200] * 20


@requirement("RES-003")
def test_large_results_of_several_nodes_are_whole(stage: Stage) -> None:
    """More than pipes hold, from four nodes at once."""
    stage.reply = lambda task: (task * 1000 + b"\n") * 100 + b"\n"
    run = stage.run("-n", "+4", "-c", stage.calculator(), feed=b"a\nb\nc\nd\n" * 3)
    assert sorted(run.stdout.split(b"\n")) == [b""] + [
        task * 1000 for task in (b"a", b"b", b"c", b"d") for _ in range(300)
    ]
    assert run.status == 0


@requirement("RES-004")
@pytest.mark.parametrize("nodes", [1, 2])
def test_a_line_is_printed_when_it_arrives(stage: Stage, nodes: int) -> None:
    """Before the EOT, while standard input is silent, and another node idle."""
    run = stage.start("-n", f"+{nodes}", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    calculator.write(b"one\n")
    run.expect_output(b"one\n")
    calculator.write(b"two\nthr")
    run.expect_output(b"one\ntwo\n")
    calculator.write(b"ee\n\n")
    run.expect_output(b"one\ntwo\nthree\n")
    assert run.finish() == 0


@requirement("RES-004")
def test_a_whole_result_does_not_wait_for_the_next(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\n")
    calculator = stage.next_calculator()
    printed = b""
    for task in (b"a", b"b", b"c", b"d"):
        assert calculator.next_task() == task
        calculator.answer(b"of " + task)
        printed += b"of %s\n" % task
        run.expect_output(printed)
    assert run.finish() == 0


@requirement("RES-004")
def test_a_line_does_not_wait_for_other_nodes(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    a, b = stage.holder(b"a"), stage.holder(b"b")
    b.answer(b"of b")
    run.expect_output(b"of b\n")
    a.answer(b"of a")
    run.expect_output(b"of b\nof a\n")
    assert run.finish() == 0


def in_single_octets(calculator: Calculator, octets: bytes) -> None:
    for octet in octets:
        calculator.write(bytes([octet]))
        calculator.sync()


@requirement("RES-005")
def test_writes_of_single_octets(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-mt=EOT", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    in_single_octets(calculator, b"one\n\nEOTT\nEO\nEOT\n")
    calculator.next_task()
    in_single_octets(calculator, b"EEOT\nEOT\n")
    assert run.finish() == 0
    assert run.stdout == b"one\n\nEOTT\nEO\nEEOT\n"


@requirement("RES-005")
def test_lines_at_the_ends_of_buffers(stage: Stage) -> None:
    """Lines that end just before, at and after the octet where a buffer may end."""
    sizes = [2048, 4096, 8192, 65536]
    results = [
        b"".join(b"x" * length + b"\n" for length in (size + off, 1))
        for size in sizes
        for off in (-3, -2, -1, 0, 1)
    ]
    assert printed(stage, *results) == b"".join(results)


@requirement("RES-005")
def test_a_whole_result_in_one_write(stage: Stage) -> None:
    """The last line, the EOT and the next result's first line all come within one read."""
    result = stage.nonce + b"\n" + b"x\n" * 3
    assert printed(stage, *[result] * 50) == result * 50


@requirement("RES-007")
@pytest.mark.parametrize("length", [5_000, 70_000, 1_100_000])
def test_long_lines(stage: Stage, length: int) -> None:
    line = (stage.nonce * (length // 8 + 1))[:length] + b"\n"
    output = printed(stage, line + b"short\n", b"short\n")
    assert is_same(output, line + b"short\nshort\n")


def outside(stage: Stage, calculator: Calculator, octets: bytes) -> None:
    """Let an idle calculator write, and give the distributor the time to read that.

    A distributor may look at it only when it dispatches the next task: then the grace passes in
    vain. One that reads at once, but later than the grace, would be failed wrongly, so it is long.
    """
    calculator.write(octets)
    calculator.drain(stage.moment)


def out_of_step(stage: Stage, run: Distributor, calculator: Calculator, octets: bytes) -> None:
    """Let a calculator write what ends the run, and give the distributor the time to end it.

    One that does not end is not failed by that, but shows what it does with the next task.
    """
    calculator.write(octets)
    stage.happens(lambda: run.has_ended, stage.moment)


BANNERS = {
    "line": b"line\n",
    "EOT": b"\n",
    "line and EOT": b"line\n\n",
    "unterminated": b"unterminated ",
}


@requirement("RES-008", "RES-030")
@pytest.mark.parametrize("banner", BANNERS.values(), ids=BANNERS)
def test_a_banner_puts_a_node_out_of_step(stage: Stage, banner: bytes) -> None:
    stage.reply_with_results()
    run = stage.start("-n", "alpha", "-l", "-c", stage.calculator())
    calculator = stage.next_calculator()
    out_of_step(stage, run, calculator, banner)
    run.feed(b"a\nb\n")
    status = run.finish()
    assert run.stdout == b"", "octets outside a task were printed, or results of such a node"
    assert calculator.tasks == []
    assert status == 1
    assert b"alpha" in run.stderr


@requirement("RES-008", "RES-030")
@pytest.mark.parametrize("late", BANNERS.values(), ids=BANNERS)
def test_late_octets_put_a_node_out_of_step(stage: Stage, late: bytes) -> None:
    run = stage.start("-n", "alpha", "-l", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    assert calculator.next_task() == b"a"
    stage.reply_with_results()
    out_of_step(stage, run, calculator, b"of a\n\n" + late)
    run.feed(b"b\nc\n")
    status = run.finish()
    assert run.stdout == b"1 of a\n", "octets outside a task were printed, or results that follow"
    assert calculator.tasks == [b"a"]
    assert status == 1
    assert b"alpha" in run.stderr


@requirement("RES-030")
def test_a_node_out_of_step_ends_the_others(stage: Stage) -> None:
    """One writes while it is idle, and the other one works."""
    run = stage.start("-n", "+2", "-c", stage.calculator())
    both = stage.next_calculators(2)
    run.feed(b"a\n")
    busy = stage.holder(b"a")
    idle = next(calculator for calculator in both if calculator is not busy)
    idle.write(b"x\n")
    assert run.wait() == 1
    assert run.stdout == b""
    assert not stage.left_running(), "processes were left running"


@requirement("RES-031")
@pytest.mark.parametrize("banner", BANNERS.values(), ids=BANNERS)
def test_a_node_out_of_step_is_dead(stage: Stage, banner: bytes) -> None:
    """It has answered nothing, so nothing of what is printed can be wrong."""
    run = stage.start("-z", "-n", "71 72", "-l", "-e", "-c", stage.calculator())
    both = stage.next_calculators(2)
    both[0].write(banner)
    both[0].wait_gone()
    run.feed(b"a\nb\n")
    for task in (b"a", b"b"):
        assert both[1].next_task() == task
        both[1].answer(b"of " + task)
    assert run.finish() == 0
    assert run.stdout == b"1 of a\n1 \n2 of b\n2 \n"
    assert (b"71" in run.messages) != (b"72" in run.messages)


@requirement("RES-031")
def test_a_node_out_of_step_is_restarted(stage: Stage) -> None:
    run = stage.start("-Z1", "-w", "-n", "71", "-c", stage.calculator())
    stage.next_calculator().write(b"banner\n")
    again = stage.next_calculator()
    run.feed(b"a\n")
    assert again.next_task() == b"a"
    again.answer(b"of a")
    assert run.finish() == 0
    assert run.stdout == b"of a\n"


@requirement("RES-032", "RES-031")
@pytest.mark.parametrize("mode", ["flat", "graph"])
def test_what_a_node_out_of_step_had_answered(stage: Stage, mode: str) -> None:
    """The first result may be a greeting, and a line outside of a task may be a result.

    No task waits meanwhile, so it does not matter how the octets are read.
    """
    graph, success = (("-g",), b"success\n") if mode == "graph" else ((), b"")
    run = stage.start("-z", "-n", "71 72", *graph, "-c", stage.calculator())
    if graph:
        run.feed(b"a\nb\nb c\n")
        run.close_stdin()
    else:
        run.feed(b"a\nb\n")
    lost, other = stage.holder(b"a"), stage.holder(b"b")
    lost.write(b"greeting\n" + success + b"\nof a\n" + success + b"\n")
    lost.wait_gone()
    assert lost.tasks == [b"a"]
    other.write(b"of b\n" + success + b"\n")
    if not graph:
        run.feed(b"c\n")
    assert stage.holder(b"c") is other
    other.write(b"of c\n" + success + b"\n")
    assert run.finish() != 0, "status 0, although results belong to other tasks"
    assert b"of a\n" not in run.stdout
    assert all(b"of " + task + b"\n" in run.stdout for task in (b"b", b"c"))


@requirement("RES-033")
@pytest.mark.parametrize("resist", [False, True], ids=["", "-z"])
@pytest.mark.parametrize("mode", ["flat", "graph"])
@pytest.mark.parametrize("greeting", [b"PATH is set.\n", b""], ids=["lines", "only EOT"])
def test_results_that_a_greeting_has_shifted(
    stage: Stage, resist: bool, mode: str, greeting: bytes
) -> None:
    """It comes while the node holds its first task."""
    graph, success = (("-g",), b"success\n") if mode == "graph" else ((), b"")
    options = (*graph, *(["-z"] if resist else []))
    run = stage.start(*options, "-n", "alpha", "-l", "-c", stage.calculator())
    run.feed(b"a b\nb c\n" if graph else b"a\nb\nc\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.write(greeting + success + b"\n")
    assert calculator.next_task() == b"b"
    calculator.write(b"of a\n" + success + b"\n")
    assert calculator.next_task() == b"c"
    # It sees the end of its input when the result of b was taken for that of c, at the latest.
    calculator.write(b"of b\n" + success + b"\nof c\n" + success + b"\n")
    assert run.wait() != 0, "status 0, although results belong to other tasks"
    assert b"alpha" in run.stderr


def at_the_end(stage: Stage, *options: str) -> tuple[Distributor, Calculator]:
    """Begin a run with one task, which is done; its calculator has seen the end of its input."""
    run = stage.start("-n", "alpha", "-l", *options, "-c", stage.calculator("linger"))
    run.feed(b"a\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.answer(b"of a")
    calculator.wait_eof()
    return run, calculator


@requirement("RES-033")
@pytest.mark.parametrize("options", [(), ("-z",), ("-Z1", "-w")], ids=" ".join)
@pytest.mark.parametrize("octets", [b"\n", b"of b\n\n", b"total\n\nrest"])
def test_a_result_too_many(stage: Stage, options: tuple[str, ...], octets: bytes) -> None:
    run, calculator = at_the_end(stage, *options)
    in_single_octets(calculator, octets)
    calculator.exit(0)
    assert run.wait() != 0
    assert run.stdout == b"1 of a\n"
    assert b"alpha" in run.stderr


@requirement("RES-034")
@pytest.mark.parametrize("octets", [b"total\n", b"x", b" \n\t\n\r\n", b"total\nrest"])
def test_octets_after_the_end_of_the_input(stage: Stage, octets: bytes) -> None:
    """As awk's END writes them."""
    run, calculator = at_the_end(stage)
    in_single_octets(calculator, octets)
    calculator.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"1 of a\n"


@pytest.mark.parametrize(
    ("octets", "is_result"),
    [
        pytest.param(b"EOT\n", True, marks=requirement("RES-033")),
        pytest.param(b"of b\nEOT\n", True, marks=requirement("RES-033")),
        pytest.param(b"total\n\nEOTT\n EOT\nEO\nEOT", False, marks=requirement("RES-034")),
    ],
)
def test_another_eot(stage: Stage, octets: bytes, is_result: bool) -> None:
    run = stage.start("-n", "+1", "-mt=EOT", "-c", stage.calculator("linger"))
    run.feed(b"a\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.answer(b"of a", eot=b"EOT")
    calculator.wait_eof()
    in_single_octets(calculator, octets)
    calculator.exit(0)
    assert (run.wait() != 0) == is_result
    assert run.stdout == b"of a\n"


@requirement("RES-009")
def test_octets_outside_a_task_are_reported_once(stage: Stage) -> None:
    run, calculator = at_the_end(stage)
    outside(stage, calculator, b"total\n")
    outside(stage, calculator, b"another\n")
    calculator.exit(0)
    assert run.wait() == 0
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"


@requirement("RES-035")
@pytest.mark.parametrize("where", ["idle", "-z", "end"])
def test_octets_outside_a_task_are_shown(stage: Stage, where: str) -> None:
    octets = b"%s\n\n" % stage.nonce
    if where == "end":
        run, calculator = at_the_end(stage)
        calculator.write(octets)
        calculator.exit(0)
    else:
        resist = ["-z"] if where == "-z" else []
        run = stage.start("-n", "alpha", *resist, "-c", stage.calculator())
        stage.next_calculator().write(octets)
        stage.happens(lambda: stage.nonce in run.stderr, stage.moment)
        run.feed(b"a\n")
        run.close_stdin()
    assert run.wait() == 1
    assert stage.nonce in run.stderr
