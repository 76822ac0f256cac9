"""Chapter *The end-of-task marker*."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, Call, call, refuse

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

MAGIC = b"HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5"


def assert_eot(stage: Stage, eot: bytes, *options: str, **variables: str) -> None:
    """Under these options and variables this line, and no other likely one, ends a task."""
    run = stage.start("-n", "+1", *options, "-c", stage.calculator(), environment=variables)
    calculator = stage.next_calculator()
    run.feed(b"a\nb\n")
    assert calculator.next_task() == b"a"
    others = [line for line in (b"", b"END", b"OTHER", MAGIC) if line != eot]
    result = b"".join(line + b"\n" for line in [stage.nonce, *others])
    calculator.write(result)
    calculator.sync()
    calculator.write(eot + b"\n")
    assert calculator.next_task() == b"b"
    calculator.write(eot + b"\n")
    assert run.finish() == 0
    assert run.stdout == result


@requirement("EOT-001", "DSP-010")
def test_only_the_eot_ends_a_task(stage: Stage) -> None:
    """While one node prints lines without an EOT, the other does all the tasks."""
    stage.reply = None
    run = stage.start("-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\n")
    a = stage.holder(b"a")
    b = stage.holder(b"b")
    a.write(b"one\ntwo\n")
    for task in (b"b", b"c", b"d"):
        assert b.next_task() == task
        b.answer(task)
    a.sync()
    assert a.tasks == [b"a"]
    a.answer(b"three")
    assert run.finish() == 0
    lines = run.stdout.split(b"\n")
    assert [line for line in lines if len(line) > 1] == [b"one", b"two", b"three"]
    assert [line for line in lines if len(line) == 1] == [b"b", b"c", b"d"]


NEARLY = {
    b"": [b" ", b"\t", b"\r", b"\v", b"\f", b"\xc2\xa0", b"."],
    b"END": [b"END ", b" END", b"ENDX", b"XEND", b"END\r", b"end", b"EN", b"ENDEND", b"\tEND"],
}


@requirement("EOT-002")
@pytest.mark.parametrize("eot", NEARLY)
def test_lines_that_are_nearly_the_eot(stage: Stage, eot: bytes) -> None:
    stage.reply = lambda task: b"\n".join([*NEARLY[eot], stage.result(task), eot, b""])
    options = ("-mt=" + eot.decode(),) if eot else ()
    run = stage.run("-n", "+1", *options, "-l", "-c", stage.calculator(), feed=b"a\nb\n")
    assert stage.tasks == [b"a", b"b"]
    assert run.stdout == b"".join(
        b"%d %s\n" % (number, text)
        for number, task in ((1, b"a"), (2, b"b"))
        for text in (*NEARLY[eot], stage.result(task))
    )
    assert run.status == 0


@requirement("EOT-003")
def test_the_default_eot_is_the_empty_line(stage: Stage) -> None:
    assert_eot(stage, b"")


@requirement("EOT-004")
@pytest.mark.parametrize("eot", ["END", "a b", 'it\'s "$HOME" `x` \\', " ", "-y"])
def test_setting_the_eot(stage: Stage, eot: str) -> None:
    assert_eot(stage, eot.encode(), f"-mt={eot}")


@requirement("EOT-004")
def test_setting_an_eot_that_is_no_text(stage: Stage) -> None:
    stage.reply_with_results(eot=b"\xff\xfe")
    run = stage.run("-n", "+1", b"-mt=\xff\xfe", "-c", stage.calculator(), feed=b"a\nb\n")
    assert run.stdout == stage.result(b"a") + b"\n" + stage.result(b"b") + b"\n"
    assert run.status == 0


@requirement("EOT-004", "OPT-005")
def test_setting_an_empty_eot(stage: Stage) -> None:
    assert_eot(stage, b"", "-mt=", PAEXEC_EOT="END")


@requirement("EOT-005")
def test_the_variable_sets_the_eot(stage: Stage) -> None:
    assert_eot(stage, b"END", PAEXEC_EOT="END")


@requirement("EOT-005")
def test_the_empty_variable_sets_the_eot(stage: Stage) -> None:
    assert_eot(stage, b"", PAEXEC_EOT="")


@requirement("EOT-005", "OPT-005")
@pytest.mark.parametrize(("option", "eot"), [("-mt=OTHER", b"OTHER"), ("-y", MAGIC)])
def test_an_option_beats_the_variable(stage: Stage, option: str, eot: bytes) -> None:
    assert_eot(stage, eot, option, PAEXEC_EOT="END")


@requirement("EOT-006")
def test_the_magic_eot(stage: Stage) -> None:
    assert_eot(stage, MAGIC, "-y")


@requirement("EOT-007")
@pytest.mark.parametrize(
    ("options", "eot"),
    [
        (("-y", "-mt=END"), b"END"),
        (("-mt=END", "-y"), MAGIC),
        (("-mt=OTHER", "-mt=END"), b"END"),
        (("-y", "-mt="), b""),
    ],
)
def test_the_last_eot_wins(stage: Stage, options: tuple[str, ...], eot: bytes) -> None:
    assert_eot(stage, eot, *options)


@requirement("EOT-008")
@pytest.mark.parametrize(("option", "eot"), [("-mt=END", b"END"), ("-y", MAGIC)])
def test_empty_lines_under_another_eot(stage: Stage, option: str, eot: bytes) -> None:
    stage.reply = lambda task: b"\n\n" + stage.result(task) + b"\n\n" + eot + b"\n"
    run = stage.run("-n", "+1", option, "-c", stage.calculator(), feed=b"a\nb\n")
    assert stage.tasks == [b"a", b"b"]
    assert run.stdout == b"".join(b"\n\n%s\n\n" % stage.result(t) for t in (b"a", b"b"))
    assert run.status == 0


@requirement("EOT-009")
@pytest.mark.parametrize(
    ("options", "eot"),
    [
        ((), b""),
        (("-mt=END",), b"END"),
        (("-mt=",), b""),
        (('-mt=it\'s "$HOME" `x` \\',), b'it\'s "$HOME" `x` \\'),
        (("-y",), MAGIC),
    ],
)
def test_the_calculator_is_told(stage: Stage, options: tuple[str, ...], eot: bytes) -> None:
    """On another machine, where it is not just inherited."""
    assert_told(stage, options, eot, remote=True)


@requirement("EOT-009")
@pytest.mark.parametrize(("options", "eot"), [((), b""), (("-mt=",), b""), (("-y",), MAGIC)])
def test_the_local_calculator_is_told(stage: Stage, options: tuple[str, ...], eot: bytes) -> None:
    assert_told(stage, options, eot, remote=False)


def assert_told(stage: Stage, options: tuple[str, ...], eot: bytes, *, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    run = stage.start(
        *place,
        *options,
        "-c",
        stage.calculator(),
        environment={"PAEXEC_EOT": "inherited"} if options else None,
    )
    if remote:
        stage.next_transport().run(environment={b"PATH": b"/usr/bin:/bin"})
    calculator = stage.next_calculator()
    assert calculator.environment.get(b"PAEXEC_EOT") == eot
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer(eot=eot)
    assert run.finish() == 0


@requirement("EOT-010")
@pytest.mark.parametrize(
    ("options", "eot"), [(("-l",), b""), (("-mt=END", "-l"), b"END"), (("-y", "-i"), MAGIC)]
)
def test_the_eot_is_not_printed(stage: Stage, options: tuple[str, ...], eot: bytes) -> None:
    stage.reply_with_results(eot=eot)
    # So many that some wait while results come: a distributor may hurry then.
    run = stage.run("-n", "+1", *options, "-c", stage.calculator(), feed=b"a\nb\nc\nd\n")
    assert run.stdout.count(stage.nonce) == 4
    assert eot not in [line.lstrip(b"1234 ") for line in run.stdout.splitlines()]
    assert run.status == 0


@requirement("EOT-011")
@pytest.mark.parametrize("option", ["-e", "-E", "-eE"])
@pytest.mark.parametrize(("options", "eot"), [((), b""), (("-mt=END",), b"END"), (("-y",), MAGIC)])
def test_printing_the_eot(stage: Stage, option: str, options: tuple[str, ...], eot: bytes) -> None:
    replies = {b"a": [stage.nonce, b"x"], b"b": [], b"c": [stage.nonce]}
    stage.reply = lambda task: b"".join(line + b"\n" for line in [*replies[task], eot])
    run = stage.run("-n", "+1", option, *options, "-c", stage.calculator(), feed=b"a\nb\nc\n")
    lines = [stage.nonce, b"x", eot, eot, stage.nonce, eot]
    assert run.stdout == b"".join(line + b"\n" for line in lines)
    assert run.status == 0


@requirement("EOT-012", "END-010")
@pytest.mark.parametrize(
    ("eot", "octets"),
    [
        (b"", b"result\n"),
        (b"END", b"result\nEND"),
        (b"END", b"END"),
        (b"END", b"result\n"),
    ],
)
def test_the_end_of_the_output_is_no_eot(stage: Stage, eot: bytes, octets: bytes) -> None:
    """A calculator that ends so has not done its task, which shows in the exit status."""
    run = stage.start("-n", "+1", "-e", f"-mt={eot.decode()}", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.write(octets)
    calculator.exit(0)
    assert run.finish() == 1
    assert run.stdout == octets[: octets.rfind(b"\n") + 1]


@requirement("EOT-013")
@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (
            call("-n", "+1", "-mt=a\nb", "-c", CALCULATOR),
            call("-n", "+1", "-mt=", "-c", CALCULATOR),
        ),
        (
            call("-n", "+1", "-c", CALCULATOR, PAEXEC_EOT="\n"),
            call("-n", "+1", "-c", CALCULATOR, PAEXEC_EOT=""),
        ),
    ],
    ids=["option", "variable"],
)
def test_no_newline_in_the_eot(stage: Stage, bad: Call, good: Call) -> None:
    refuse(stage, bad, good)
