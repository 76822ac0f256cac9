"""Chapter *Output per task*."""

from __future__ import annotations

import os
import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import call, refuse
from conformance.test_combinations import TASKS, Call, output_of, words_of
from conformance.test_progress import calls_without_extensions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

TAG = pytest.mark.extension("--tag")
TAGSTRING = pytest.mark.extension("--tagstring")
STDERR = pytest.mark.extension("--stderr")
RESULTS = pytest.mark.extension("--results")

MIB = 1 << 20

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


# Standard error

#: The command line that joins the outputs of the distributor, so that their order can be seen.
JOINED = ("/bin/sh", "-c", 'exec "$@" 2>&1', "sh")

BOTH = pytest.mark.parametrize("how", ["group", "tag"])


def marked(line: bytes, *names: bytes) -> bytes:
    """Return a pattern for a line behind these names, in this order, a colon and a blank."""
    words = rb"[^\n]*\b".join(re.escape(name) + rb"\b" for name in names)
    return rb"[^\n]*\b%b[^\n]*: %b" % (words, re.escape(line))


@contextmanager
def full_pipe(stage: Stage) -> Iterator[str]:
    """Make a named pipe that takes nothing more, and yield its path."""
    path = stage.directory / "full"
    os.mkfifo(path)
    full = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        try:
            while True:
                os.write(full, bytes(4096))
        except BlockingIOError:
            pass
        yield str(path)
    finally:
        os.close(full)


@requirement("PTK-020")
@STDERR
@pytest.mark.parametrize("value", ["", "x", "Group", "tags", "mixed,tag"])
def test_other_values(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", "CALCULATOR")
    refuse(stage, call("--stderr", value, *words), call("--stderr", "mixed", *words))
    refuse(stage, call("--stderr", value, *words), call("--stderr", "group", *words))
    refuse(stage, call("--stderr", value, *words), call("--stderr", "tag", *words))


@requirement("PTK-020", "PTK-021")
@STDERR
def test_mixed(stage: Stage) -> None:
    run = stage.start("--stderr=mixed", "-n", "+1", "-c", stage.calculator())
    assert stage.next_calculator().pipes()[2] == run.stderr_link
    assert run.finish() == 0


@requirement("PTK-022", "OPT-009")
@STDERR
@BOTH
@pytest.mark.parametrize(
    "words", calls_without_extensions(), ids=lambda words: " ".join(words_of(words)[:-1])
)
def test_every_option_beside_it(stage: Stage, words: Call, how: str) -> None:
    stage.script("transport", 'echo "to $1" >&2; shift; exec sh -c "$1"')
    terminator = b"\0" if words["terminator"] else b"\n"
    feed = b"".join(task + terminator for task in TASKS)
    run = stage.run(f"--stderr={how}", *words_of(words), feed=feed)
    assert re.fullmatch(output_of(words), run.stdout), f"{run.stdout!r} is not {output_of(words)!r}"
    assert run.status == 0


@requirement("PTK-030", "PTK-032", "PTK-023")
@STDERR
def test_groups_are_not_mixed(stage: Stage) -> None:
    """Both nodes write in turns; the first one holds two tasks, one after the other."""
    run = stage.start("--stderr=group", "-n", "+2", "-c", stage.calculator(), within=JOINED)
    first, second = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    first, second = stage.holder(b"a"), stage.holder(b"b")
    for number in (b"1", b"2"):
        first.write_stderr(b"a" + number + b"\n")
        second.write_stderr(b"b" + number + b"\n")
    second.sync()
    # What is printed too early is on standard output before the result.
    stage.happens(lambda: bool(run.stdout), stage.grace / 4)
    second.answer(b"of b")
    run.expect_output(b"of b\nb1\nb2\n")
    run.feed(b"c\n")
    stage.holder(b"c").write_stderr(b"c1\n")
    first.write_stderr(b"\na\n\n")
    first.answer(b"of a")
    run.expect_output(b"of b\nb1\nb2\nof a\na1\na2\n\na\n\n")
    stage.holder(b"c").answer()
    assert run.finish() == 0
    assert run.stdout == b"of b\nb1\nb2\nof a\na1\na2\n\na\n\nc1\n"


@requirement("PTK-033", "PTK-032")
@STDERR
@pytest.mark.extension("--keep-order")
def test_groups_in_order(stage: Stage) -> None:
    words = ("--stderr=group", "--keep-order", "-n", "+3", "-c", stage.calculator())
    run = stage.start(*words, within=JOINED)
    run.feed(b"a\nb\nc\n")
    for task in (b"b", b"c", b"a"):
        holder = stage.holder(task)
        holder.write_stderr(b"err " + task + b"\n")
        holder.sync()
    stage.holder(b"c").answer(b"of c")
    stage.holder(b"b").answer(b"of b")
    # A group that is printed too early is printed before the first result.
    stage.happens(lambda: bool(run.stdout), stage.grace / 4)
    stage.holder(b"a").answer(b"of a")
    stage.wait("all groups", lambda: run.stdout.count(b"\n") == 6)
    assert run.finish() == 0
    text = run.stdout
    assert [line for line in text.split(b"\n") if line.startswith(b"of")] == [
        *(b"of a", b"of b", b"of c")
    ]
    assert [line for line in text.split(b"\n") if line.startswith(b"err")] == [
        *(b"err a", b"err b", b"err c")
    ]
    for task in (b"a", b"b", b"c"):
        assert text.index(b"of " + task) < text.index(b"err " + task), "before its result"


@requirement("PTK-034", "PTK-032", "PTK-024")
@STDERR
@pytest.mark.parametrize("options", [(), ("-z",)], ids=["without -z", "with -z"])
def test_the_group_of_an_attempt_that_failed(stage: Stage, options: tuple[str, ...]) -> None:
    run = stage.start("--stderr=group", *options, "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.write_stderr(b"it\nis full")
    calculator.exit(3)
    assert run.finish() == 1
    assert b"it\nis full\n" in run.stderr


@requirement("PTK-035", "PTK-036", "PTK-023")
@STDERR
@pytest.mark.parametrize(("place", "name"), [("alpha", b"alpha"), ("+1", b"0")])
def test_tagged_lines(stage: Stage, place: str, name: bytes) -> None:
    """The calculator writes before its first task, in the middle of one, and after its last one."""
    run = stage.start("--stderr=tag", "-n", place, "-c", stage.calculator())
    calculator = stage.next_calculator()

    def wait_for(text: bytes, *names: bytes) -> bytes:
        pattern = marked(text, *names)
        stage.wait(f"the line {text!r}", lambda: text + b"\n" in run.stderr)
        (line,) = (line for line in run.stderr.split(b"\n") if line.endswith(text))
        assert re.fullmatch(pattern, line), line
        return line

    calculator.write_stderr(b"hello\n")
    wait_for(b"hello", name)
    run.feed(b"task\n" * 77)
    for _ in range(76):
        calculator.next_task()
        calculator.answer()
    calculator.next_task()
    calculator.write_stderr(b"y: \x1b\0\xff\n z")
    wait_for(b"y: \x1b\0\xff", name, b"77")
    # Part of a line that is printed is followed by other octets then.
    stage.happens(lambda: b" z" in run.stderr, stage.grace / 4)
    calculator.write_stderr(b"z \n\n")
    wait_for(b" zz ", name, b"77")
    calculator.answer(b"of 77")
    run.expect_output(b"of 77\n")
    calculator.write_stderr(b"end\n")
    line = wait_for(b"end", name)
    assert not re.search(rb"\b77\b", line), "it belongs to no task"
    assert run.finish() == 0


@requirement("PTK-036", "PTK-024")
@STDERR
@BOTH
def test_lines_without_a_task(stage: Stage, how: str) -> None:
    run = stage.start(f"--stderr={how}", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    calculator.write_stderr(b"hello\n")
    stage.wait("the line", lambda: b"hello\n" in run.stderr)
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer()
    run.close_stdin()
    calculator.wait_gone()
    assert run.wait() == 0


@requirement("PTK-036", "PTK-024")
@STDERR
@BOTH
def test_last_words(stage: Stage, how: str) -> None:
    """They come after the last task, and lack a newline."""
    command = "while read -r t; do echo; done; echo good >&2; printf bye >&2"
    run = stage.run(f"--stderr={how}", "-n", "+2", "-c", command, feed=b"a\nb\n")
    assert run.status == 0
    words = [line.rpartition(b" ")[2] for line in run.stderr.splitlines(keepends=True)]
    assert sorted(words) == [b"bye\n"] * 2 + [b"good\n"] * 2


@requirement("PTK-030", "PTK-035")
@STDERR
def test_what_is_read_after_the_beginning_of_the_result(stage: Stage) -> None:
    """The distributor finds the whole result first, of which a part came before the line."""
    run = stage.start("--stderr=tag", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n" * 77)
    calculator = stage.next_calculator()
    for _ in range(76):
        calculator.next_task()
        calculator.answer()
    calculator.next_task()
    run.signal(signal.SIGSTOP)
    calculator.write(b"of a\n")
    calculator.write_stderr(b"x\n")
    calculator.write(b"\n")
    calculator.sync()
    run.signal(signal.SIGCONT)
    assert run.finish() == 0
    assert re.fullmatch(marked(b"x", b"0", b"77") + b"\n", run.stderr), run.stderr


#: What does each task, and writes the task on standard error just before its result is complete.
ECHOES = {
    "calculator": (
        "-c",
        'while IFS= read -r t; do printf "%s\\n" "$t"; printf "%s\\n" "<$t>" >&2; echo; done',
    ),
    "command": ("-x", "-c", 'f() { echo "$1"; echo "<$1>" >&2; }; f'),
}


@requirement("PTK-030", "PTK-023", "PTK-035")
@STDERR
@pytest.mark.parametrize("kind", ECHOES)
def test_each_line_has_its_task(stage: Stage, kind: str) -> None:
    tasks = [b"t%d" % number for number in range(1, 301)]
    words = ("--stderr=tag", "-n", "+2", *ECHOES[kind])
    run = stage.run(*words, feed=b"\n".join(tasks))
    assert run.status == 0
    found = [
        re.fullmatch(rb"[^\n]*\b[01]\b[^\n]*?\b(\d+)\b[^\n]*: <t(\d+)>", line)
        for line in run.stderr.splitlines()
    ]
    assert all(found), run.stderr
    pairs = sorted((int(match[1]), int(match[2])) for match in found if match)
    assert pairs == [(number, number) for number in range(1, 301)]


@requirement("PTK-030", "PTK-032", "PTK-023", "PTK-024")
@STDERR
@pytest.mark.parametrize("kind", ECHOES)
def test_each_group_has_its_task(stage: Stage, kind: str) -> None:
    tasks = [b"t%d" % number for number in range(1, 301)]
    words = ("--stderr=group", "-n", "+1", *ECHOES[kind])
    run = stage.start(*words, within=JOINED)
    run.feed(b"\n".join(tasks))
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == sorted(
        text for task in tasks for text in (task, b"<%b>" % task)
    )
    place = {line: number for number, line in enumerate(run.stdout.splitlines())}
    for task in tasks:
        assert place[task] < place[b"<%b>" % task], "before its result"


@requirement("PTK-024")
@STDERR
@BOTH
def test_lines_without_an_end(stage: Stage, how: str) -> None:
    loop = 'while IFS= read -r t; do printf "%s" "<$t>" >&2; echo; done'
    run = stage.run(f"--stderr={how}", "-n", "+1", "-c", loop, feed=b"a\nb\n")
    assert run.status == 0
    lines = run.stderr.splitlines(keepends=True)
    assert [line[-4:] for line in lines] == [b"<a>\n", b"<b>\n"]


@requirement("PTK-023")
@STDERR
@BOTH
def test_long_lines_and_many(stage: Stage, how: str) -> None:
    """Two nodes write lines in pieces that no pipe keeps together."""
    line = b"x" * 60_000
    text = (
        'while read -r t; do for i in 1 2 3 4 5; do printf "%060000d" 0 >&2;'
        ' printf "%s\\n" "$t" >&2; done; echo; done'
    )
    run = stage.run(f"--stderr={how}", "-n", "+2", "-c", text, feed=b"a\nb\n" * 10)
    assert run.status == 0
    lines = run.stderr.splitlines()
    assert len(lines) == 100
    for each in lines:
        rest = each[-len(line) - 1 :]
        assert rest in {b"0" * len(line) + task for task in (b"a", b"b")}, each[-80:]


@requirement("PTK-037")
@STDERR
@BOTH
def test_a_process_that_keeps_standard_error(stage: Stage, how: str) -> None:
    """It is in a session of its own, so nobody ends it, until the test does."""
    gate = stage.directory / "gate"
    os.mkfifo(gate)
    opened = os.open(gate, os.O_RDWR)
    stay = f"setsid sh -c 'read -r line <{gate}' </dev/null >/dev/null &"
    command = f"{stay} while read -r t; do echo of $t; echo; done; echo bye >&2"
    run = stage.start(f"--stderr={how}", "-n", "+1", "-c", command)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert run.stdout == b"of a\n"
    os.write(opened, b"\n")
    os.close(opened)
    stage.wait("all of standard error", lambda: run.silent)
    assert run.stderr.endswith(b"bye\n")


@requirement("PTK-038", "PTK-022")
@STDERR
@BOTH
def test_nobody_reads(stage: Stage, how: str) -> None:
    """Standard error is a full pipe; each task writes more than a pipe takes."""
    with full_pipe(stage) as path:
        within = ["/bin/sh", "-c", 'exec "$@" 2>"$0"', path]
        text = 'while read -r t; do printf "%0200000d\\n" 0 >&2; echo "of $t"; echo; done'
        run = stage.start(f"--stderr={how}", "-n", "+1", "-c", text, within=within)
        run.feed(b"a\n" * 10)
        assert run.finish(3 * stage.bound) == 0
        assert run.stdout == b"of a\n" * 10


@pytest.mark.lasting(300)
@requirement("PTK-039", "PTK-038")
@STDERR
@BOTH
def test_memory_is_bounded(stage: Stage, how: str) -> None:
    """200 MiB of one task, which nobody reads."""
    directory = stage.directory / "tmp"
    directory.mkdir()
    flood = stage.script(
        "flood",
        "read -r t; yes $(printf %0999d 0) | head -n 209715 >&2;"
        " echo over; read -r t; echo; read -r t",
    )
    with full_pipe(stage) as path:
        within = ["/bin/sh", "-c", 'exec "$@" 2>"$0"', path]
        run = stage.start(
            *(f"--stderr={how}", "-n", "+1", "-c", f"exec {flood}"),
            environment={"TMPDIR": str(directory)},
            within=within,
        )
        run.feed(b"a\n")
        stage.wait("the flood", lambda: run.printed > 0, stage.volume_bound)
        assert run.memory("VmHWM") < 128 * MIB
        run.signal(signal.SIGTERM)
        assert run.wait(3 * stage.bound) == -signal.SIGTERM
    assert list(directory.iterdir()) == []


# Files

SEQ, TASK, STDOUT_FILE, STDERR_FILE = "seq", "task", "stdout", "stderr"


def place_of(directory: Path, task_id: int) -> Path:
    return directory / f"{task_id // 1000:04}" / f"{task_id:07}"


def files_of(directory: Path, task_id: int) -> dict[str, bytes]:
    """Return the files in the directory of a task."""
    place = place_of(directory, task_id)
    assert place.is_dir(), f"there is no {place}"
    return {path.name: path.read_bytes() for path in place.iterdir()}


def names_in(directory: Path) -> list[str]:
    """Return the names of all directories of tasks, hidden ones included."""
    return sorted(f"{path.parent.name}/{path.name}" for path in directory.glob("*/*"))


def expected_files(task_id: int, task: bytes, out: bytes, err: bytes = b"") -> dict[str, bytes]:
    number = b"%d\n" % task_id
    return {SEQ: number, TASK: task, STDOUT_FILE: out, STDERR_FILE: err}


@requirement("PTK-050", "PTK-051", "PTK-052", "PTK-053", "PTK-058", "PTK-054")
@RESULTS
def test_a_directory_for_each_task(stage: Stage) -> None:
    directory = stage.directory / "not" / "there"
    tasks = [b"a", *[task.replace(b"\0", b"") for task in ODD]]  # shells drop it
    loop = (
        'while IFS= read -r t; do printf "<%s>\\n\\n\\nx\\n" "$t";'
        ' printf "err %s" "$t" >&2; echo END; done'
    )
    words = ("--results", str(directory), "-mt=END", "-lrpei", "-n", "+2", "-c", loop)
    run = stage.run(*words, feed=b"".join(task + b"\n" for task in tasks))
    assert run.status == 0
    for number, task in enumerate(tasks, 1):
        out = b"<%b>\n\n\nx\n" % task
        assert files_of(directory, number) == expected_files(number, task, out, b"err " + task)
    assert names_in(directory) == [f"0000/{number:07}" for number in range(1, len(tasks) + 1)]


@pytest.mark.lasting(300)
@requirement("PTK-050")
@RESULTS
def test_the_names_of_directories(stage: Stage) -> None:
    directory = stage.directory / "results"
    echo = 'while IFS= read -r t; do printf "%s\\n\\n" "$t"; done'
    words = ("--results", str(directory), "-n", "+2", "-c", echo)
    tasks = [b"%d" % number for number in range(1, 2002)]
    run = stage.start(*words)
    run.feed(b"\n".join(tasks))
    assert run.finish(stage.volume_bound) == 0
    assert sorted(path.name for path in directory.iterdir()) == ["0000", "0001", "0002"]
    for number in (1, 999, 1000, 1001, 1999, 2000, 2001):
        task = b"%d" % number
        assert files_of(directory, number) == expected_files(number, task, task + b"\n")
    assert len(names_in(directory)) == 2001


@requirement("PTK-051", "PTK-052", "PTK-053")
@RESULTS
@pytest.mark.parametrize("graph", [False, True], ids=["flat", "graph"])
@pytest.mark.parametrize("option", ["-x", "-X"])
def test_the_files_of_commands(stage: Stage, option: str, graph: bool) -> None:
    """A task contains a newline, and one prints nothing and fails."""
    directory = stage.directory / "results"
    text = 'echo "err $1" >&2; test "$1" != no || exit 1; printf "of %s\\n\\n<" "$1"; echo success'
    command = stage.script("command", text)
    options = ["-g", "-md=", "-e"] if graph else []
    words = ("--results", str(directory), "-0", option, *options, "-n", "+1", "-C", command)
    run = stage.run(*words, feed=b"a\nb\0no\0")
    assert run.status == 0
    out = b"of a\nb\n\n<success\n" if option == "-x" else b""
    assert files_of(directory, 1) == expected_files(1, b"a\nb", out, b"err a\nb\n")
    assert files_of(directory, 2) == expected_files(2, b"no", b"", b"err no\n")


@requirement("PTK-050", "PTK-051")
@RESULTS
def test_files_of_a_graph(stage: Stage) -> None:
    """A calculator's status is a line of its result. B is not run, because a fails."""
    directory = stage.directory / "results"
    words = ("--results", str(directory), "-g", "-n", "+1", "-c", stage.calculator())
    run = stage.start(*words)
    run.feed(b"a b\nc\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.answer(b"failure")
    assert calculator.next_task() == b"c"
    calculator.answer(b"success")
    assert run.wait() == 0
    assert files_of(directory, 1) == expected_files(1, b"a", b"failure\n")
    assert files_of(directory, 3) == expected_files(3, b"c", b"success\n")
    assert names_in(directory) == ["0000/0000001", "0000/0000003"]


@requirement("PTK-051", "PTK-053")
@RESULTS
def test_all_octets_in_files(stage: Stage) -> None:
    directory = stage.directory / "results"
    octets = bytes(octet for octet in range(256) if octet != ord("\n"))
    run = stage.start("--results", str(directory), "-n", "+1", "-c", stage.calculator())
    run.feed(octets + b"\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == octets
    calculator.write_stderr(octets)
    calculator.answer(octets)
    assert run.finish() == 0
    assert files_of(directory, 1) == expected_files(1, octets, octets + b"\n", octets)


@requirement("PTK-054", "PTK-055")
@RESULTS
@pytest.mark.parametrize("octets", [100, 1 << 20])
def test_directories_are_whole(stage: Stage, octets: int) -> None:
    directory = stage.directory / "results"
    words = ("--results", str(directory), "-z", "-n", "+2", "-c", stage.calculator())
    run = stage.start(*words)
    line = b"x" * (octets - 1) + b"\n"
    run.feed(b"a\n")
    first = stage.holder(b"a")
    first.write_stderr(b"of the first\n")
    first.write(line)
    run.expect_output(line)
    assert all(name.startswith("0000/.") for name in names_in(directory))
    first.die()
    stage.wait("the second attempt", lambda: stage.tasks.count(b"a") == 2)
    (second,) = (fake for fake in stage.calculators if fake is not first)
    second.write(line)
    run.expect_output(line + b"fatal\n" + line)
    assert all(name.startswith("0000/.") for name in names_in(directory))
    second.answer(b"of a")
    assert run.finish() == 0
    assert names_in(directory) == ["0000/0000001"]
    assert files_of(directory, 1) == expected_files(1, b"a", line + b"of a\n")


@requirement("PTK-061")
@pytest.mark.extension("--timeout", "--crash-limit", "--exit-status")
@RESULTS
@pytest.mark.parametrize("how", ["time limit", "node lost"])
def test_tasks_without_a_result(stage: Stage, how: str) -> None:
    directory = stage.directory / "results"
    if how == "time limit":
        options: tuple[str, ...] = ("--timeout", "1", "-n", "+1")
    else:
        options = ("-z", "--crash-limit", "2", "--exit-status=tasks", "-n", "+3")
    words = ("--results", str(directory), "--group", *options, "-c", stage.calculator())
    run = stage.start(*words)
    run.feed(b"a\n")
    first = stage.holder(b"a")
    first.write_stderr(b"of the first\n")
    first.write(b"1\n")
    if how == "node lost":
        first.sync()
        first.exit(3)
        stage.wait("the second attempt", lambda: stage.tasks.count(b"a") == 2)
        (last,) = (fake for fake in stage.calculators if fake is not first and fake.tasks)
        last.write_stderr(b"of the second\n")
        last.write(b"2\n3\n")
        last.sync()
        last.exit(3)
    stage.wait("the files", lambda: names_in(directory) == ["0000/0000001"])
    run.feed(b"b\n")
    stage.holder(b"b").answer(b"of b")
    assert run.finish() == 1
    lines = b"2\n3\n" if how == "node lost" else b"1\n"
    errors = b"of the second\n" if how == "node lost" else b"of the first\n"
    kept = expected_files(1, b"a", lines, errors)
    assert files_of(directory, 1) == kept | {"reason": how.encode() + b"\n"}
    assert files_of(directory, 2) == expected_files(2, b"b", b"of b\n")


@requirement("PTK-055", "PTK-050")
@RESULTS
@pytest.mark.parametrize("how", ["SIGTERM", "loss", "closed output"])
def test_a_run_that_does_not_do_all_its_tasks(stage: Stage, how: str) -> None:
    directory = stage.directory / "results"
    run = stage.start("--results", str(directory), "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\nc\n")
    first = stage.holder(b"a")
    first.answer(b"of a")
    run.expect_output(b"of a\n")
    stage.holder(b"b").write(b"x" * (1 << 17) + b"\n")
    stage.holder(b"b").sync()
    stage.holder(b"c")
    if how == "SIGTERM":
        run.signal(signal.SIGTERM)
    elif how == "loss":
        first.die()
    else:
        run.close_output()
        # Printing shows that the reader is gone, if nothing else does.
        stage.holder(b"b").write(b"x\n")
    assert run.wait(3 * stage.bound) != 0
    assert names_in(directory) == ["0000/0000001"]
    assert files_of(directory, 1) == expected_files(1, b"a", b"of a\n")


@requirement("PTK-056", "PTK-054")
@RESULTS
def test_an_earlier_directory_is_replaced(stage: Stage) -> None:
    directory = stage.directory / "results"
    for task in (b"a", b"b"):
        place_of(directory, 2).mkdir(parents=True, exist_ok=True)
        (place_of(directory, 2) / "other").write_bytes(b"of an earlier run")
        run = stage.run(
            "--results", str(directory), "-xn", "+1", "-C", "echo", feed=task + b"\nc\n"
        )
        assert run.status == 0
        assert files_of(directory, 1) == expected_files(1, task, task + b"\n")
        assert files_of(directory, 2) == expected_files(2, b"c", b"c\n")
        assert names_in(directory) == ["0000/0000001", "0000/0000002"]


@requirement("PTK-057", "OPT-009")
@RESULTS
@pytest.mark.parametrize(
    "words", calls_without_extensions(), ids=lambda words: " ".join(words_of(words)[:-1])
)
def test_every_option_beside_results(stage: Stage, words: Call) -> None:
    stage.script("transport", 'echo "to $1" >&2; shift; exec sh -c "$1"')
    terminator = b"\0" if words["terminator"] else b"\n"
    feed = b"".join(task + terminator for task in TASKS)
    directory = stage.directory / "results"
    run = stage.run("--results", str(directory), *words_of(words), feed=feed)
    assert re.fullmatch(output_of(words), run.stdout), f"{run.stdout!r} is not {output_of(words)!r}"
    assert run.status == 0
    assert len(names_in(directory)) == len(TASKS)


@requirement("PTK-057", "PTK-052")
@RESULTS
def test_standard_error_is_printed_too(stage: Stage) -> None:
    directory = stage.directory / "results"
    run = stage.start("--results", str(directory), "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.write_stderr(b"half")
    stage.wait("the octets", lambda: run.stderr == b"half")
    calculator.write_stderr(b" and half\n")
    calculator.answer()
    assert run.finish() == 0
    assert run.stderr == b"half and half\n"
    assert files_of(directory, 1)[STDERR_FILE] == b"half and half\n"


@requirement("PTK-052", "PTK-057")
@RESULTS
@pytest.mark.extension("--stderr")
@BOTH
def test_standard_error_in_files_and_apart(stage: Stage, how: str) -> None:
    directory = stage.directory / "results"
    loop = 'while IFS= read -r t; do printf "err %s" "$t" >&2; echo; done'
    words = ("--results", str(directory), f"--stderr={how}", "-n", "+1", "-c", loop)
    run = stage.run(*words, feed=b"a\nb\n")
    assert run.status == 0
    assert [line[-5:] for line in run.stderr.splitlines()] == [b"err a", b"err b"]
    for number, task in ((1, b"a"), (2, b"b")):
        assert files_of(directory, number) == expected_files(number, task, b"", b"err " + task)


@requirement("PTK-059")
@RESULTS
@pytest.mark.parametrize("name", ["file", "file/below", "dangling", "guarded"])
def test_a_directory_that_cannot_be_used(stage: Stage, name: str) -> None:
    (stage.directory / "file").write_bytes(b"x")
    (stage.directory / "dangling").symlink_to(stage.directory / "file" / "x")
    guarded = stage.directory / "guarded"
    guarded.mkdir(mode=0o555)
    if name == "guarded" and os.access(guarded, os.W_OK):
        pytest.skip("this user may write everywhere")
    path = str(stage.directory / name)
    run = stage.run("--results", path, "-n", "+1", "-c", "echo >started", feed=b"a\n")
    assert run.status == 1
    assert run.stdout == b""
    assert not (stage.directory / "started").exists(), "a calculator was started"
    assert run.stderr.count(b"\n") == 1, run.stderr
    assert os.fsencode(path) in run.stderr


@requirement("PTK-059")
@RESULTS
def test_an_empty_name(stage: Stage) -> None:
    words = ("-n", "+1", "-c", "CALCULATOR")
    good = call("--results", "DIRECTORY/results", *words)
    refuse(stage, call("--results", "", *words), good)


@requirement("PTK-060", "PTK-055")
@RESULTS
def test_files_that_cannot_be_written(stage: Stage) -> None:
    """The directory of the first thousand tasks is a file."""
    directory = stage.directory / "results"
    directory.mkdir()
    (directory / "0000").write_bytes(b"x")
    run = stage.start("--results", str(directory), "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.answer(b"of a")
    assert run.wait() == 1
    assert run.stdout == b"of a\n"
    assert run.stderr.count(b"\n") == 1, run.stderr
    assert os.fsencode(directory) in run.stderr
    assert sorted(directory.iterdir()) == [directory / "0000"]
    assert not stage.left_running(), "processes were left running"
