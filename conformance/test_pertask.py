"""Chapter *Output per task*."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import call, refuse

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

TAG = pytest.mark.extension("--tag")
TAGSTRING = pytest.mark.extension("--tagstring")

#: Octets that mean something to a terminal, a pattern, a format or a decoder.
ODD = [b"", b" a ", b"a\tb", b"\\1 & %s {} {", b"\x1b[31m\r\x00\xff\xc3"]


def printed(stage: Stage, *options: str | bytes, tasks: list[bytes]) -> bytes:
    """Return the output for results of two lines each, of which the second is empty.

    The input ends each task by a NUL if ``-0`` is among the options.
    """
    eot = b"END"
    stage.reply = lambda task: stage.result(task) + b"\n\n" + eot + b"\n"
    end = b"\0" if "-0" in options else b"\n"
    words = ("-n", "+1", "-mt=END", *options, "-c", stage.calculator())
    run = stage.run(*words, feed=b"".join(task + end for task in tasks))
    assert run.status == 0
    return run.stdout


def tagged(stage: Stage, tags: list[bytes], tasks: list[bytes]) -> bytes:
    """Return the output of ``printed`` with these tags."""
    return b"".join(
        tag + stage.result(task) + b"\n" + tag + b"\n"
        for tag, task in zip(tags, tasks, strict=True)
    )


# Tags


@requirement("PTK-010", "PTK-013")
@TAG
def test_the_task_is_the_tag(stage: Stage) -> None:
    tasks = [b"a", b"b c", *ODD]
    tags = [task + b"\t" for task in tasks]
    assert printed(stage, "--tag", tasks=tasks) == tagged(stage, tags, tasks)


@requirement("PTK-013")
@TAG
def test_a_tag_of_several_lines(stage: Stage) -> None:
    run = stage.run("--tag", "-0xn", "+1", "-C", "echo", feed=b"a\nb\0")
    assert run.stdout == b"a\nb\ta\na\nb\tb\n"


@requirement("PTK-011", "PTK-013")
@TAGSTRING
@pytest.mark.parametrize(
    "form", [b"", b"no task", b"{}", b"<{}|{}>", b"{{}}", b"\x1b%d\xff {} \\t"]
)
@pytest.mark.parametrize("others", [(), ("--tag",)], ids=["alone", "with --tag"])
def test_another_text_is_the_tag(stage: Stage, form: bytes, others: tuple[str, ...]) -> None:
    for option in others:
        if not stage.features.get(option, True):
            pytest.skip(f"no {option}")
    tasks = [b"a", *ODD]
    tags = [task.join(form.split(b"{}")) + b"\t" for task in tasks]
    output = printed(stage, "--tagstring", form, *others, tasks=tasks)
    assert output == tagged(stage, tags, tasks)


@requirement("PTK-010", "PTK-012")
@TAG
def test_every_line_of_a_graph_has_a_tag_after_its_prefixes(stage: Stage) -> None:
    """The task line, the result, its status, the failure line or ``?``, and the EOT line."""
    loop = (
        'while IFS= read -r t; do echo "is $t"; '
        'case $t in a) echo failure;; c) echo success;; esac; echo "$PAEXEC_EOT"; done'
    )
    words = ("--tag", "-iegrlp", "-mt=END", "-n", "host", "-t", "./transport", "-c", loop)
    stage.script("transport", 'shift; exec sh -c "$1"')
    run = stage.run(*words, feed=b"a b\nc\nd\n")
    lines = run.stdout.splitlines()
    pid = lines[0].split(b" ")[2]
    expected = [
        b"host %d %b %b\t%b" % (number, pid, task, text)
        for number, task, texts in (
            (1, b"a", (b"a", b"is a", b"failure", b"a b", b"END")),
            (3, b"c", (b"c", b"is c", b"success", b"END")),
            (4, b"d", (b"d", b"is d", b"?", b"END")),
        )
        for text in texts
    ]
    assert lines == expected


@requirement("PTK-010")
@TAG
def test_the_line_of_a_failed_attempt_has_a_tag(stage: Stage) -> None:
    run = stage.start("--tag", "-z", "-e", "-mt=END", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.write(b"begun\n")
    run.expect_output(b"a\tbegun\n")
    calculator.die()
    assert run.finish() == 1
    assert run.stdout == b"a\tbegun\na\tfatal\na\tEND\n"


@requirement("PTK-010")
@TAG
@pytest.mark.extension("--keep-order")
def test_tags_in_order(stage: Stage) -> None:
    run = stage.start("--tag", "--keep-order", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    stage.holder(b"a")
    stage.holder(b"b").answer(b"of b")
    stage.holder(b"a").answer(b"of a")
    run.expect_output(b"a\tof a\nb\tof b\n")
    assert run.finish() == 0


@requirement("PTK-010")
@TAG
def test_each_task_has_its_own_tag(stage: Stage) -> None:
    """Results of two nodes come while other tasks wait."""
    tasks = [b"%d" % number for number in range(300)]
    echo = 'while IFS= read -r t; do printf "%s\\n\\n" "$t"; done'
    run = stage.run("--tag", "-n", "+2", "-c", echo, feed=b"\n".join(tasks))
    assert sorted(run.stdout.splitlines()) == sorted(task + b"\t" + task for task in tasks)


@requirement("PTK-014")
@TAGSTRING
@pytest.mark.parametrize("text", ["\n", "a\n", "a\nb{}"])
def test_no_newline_in_a_tag(stage: Stage, text: str) -> None:
    words = ("-n", "+1", "-c", "CALCULATOR")
    refuse(stage, call("--tagstring", text, *words), call(*words))
