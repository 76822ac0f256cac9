"""Chapter *Results*: what a distributor prints of what calculators write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same

if TYPE_CHECKING:
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


def printed(stage: Stage, *results: bytes) -> bytes:
    """What is printed when a calculator writes these octets and the EOT for one task each."""
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


BANNERS = {
    "line": b"line\n",
    "EOT": b"\n",
    "line and EOT": b"line\n\n",
    "unterminated": b"unterminated ",
}


@requirement("RES-008")
@pytest.mark.parametrize("banner", BANNERS.values(), ids=BANNERS)
def test_a_banner_belongs_to_no_task(stage: Stage, banner: bytes) -> None:
    run = stage.start("-n", "+1", "-l", "-c", stage.calculator())
    calculator = stage.next_calculator()
    outside(stage, calculator, banner)
    run.feed(b"a\nb\n")
    assert calculator.next_task() == b"a"
    calculator.answer(b"of a")
    assert calculator.next_task() == b"b"
    calculator.answer(b"of b")
    assert run.finish() == 0
    assert run.stdout == b"1 of a\n2 of b\n", "octets outside a task were printed"


@requirement("RES-008")
@pytest.mark.parametrize("late", BANNERS.values(), ids=BANNERS)
def test_late_octets_belong_to_no_task(stage: Stage, late: bytes) -> None:
    run = stage.start("-n", "+1", "-l", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    assert calculator.next_task() == b"a"
    outside(stage, calculator, b"of a\n\n" + late)
    run.feed(b"b\nc\n")
    assert calculator.next_task() == b"b"
    calculator.answer(b"of b")
    assert calculator.next_task() == b"c"
    calculator.answer(b"of c")
    assert run.finish() == 0
    assert run.stdout == b"1 of a\n2 of b\n3 of c\n"


@requirement("RES-009")
def test_octets_outside_a_task_are_reported_once(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    outside(stage, calculator, b"banner\n")
    run.feed(b"a\n")
    assert calculator.next_task() == b"a"
    outside(stage, calculator, b"of a\n\nlate\n")
    run.feed(b"b\n")
    assert calculator.next_task() == b"b"
    calculator.answer(b"of b")
    assert run.finish() == 0
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
