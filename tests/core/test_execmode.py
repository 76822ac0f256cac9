"""``-x``: what the shell is given, as real shells understand it, and how its output is cut."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paexec_trio.core.execmode import (
    ExecFramer,
    ExecMode,
    arguments_with_task,
    call,
    command_with_task,
    preamble,
)
from tests.core.test_framing import cut, cuts, octet_by_octet

MARKER = b"0123marker"
END = b"\n" + MARKER + b"\n"
FAILED_END = b"\n" + MARKER + b"-failed 3" + END


# What the shell prints


def results_of(
    chunks: Iterable[bytes], *, status: bool = True, discard_output: bool = False
) -> list[bytes]:
    """Return the whole results."""
    framer = ExecFramer(
        MARKER,
        discard_output=discard_output,
        success=b"good\n" if status else b"",
        failure=b"bad\n" if status else b"",
    )
    results, current = [], b""
    for chunk in chunks:
        rest: bytes | None = chunk
        while rest:
            line, lines, rest = framer.feed(rest)
            assert line.count(b"\n") <= 1
            current += b"\n" * framer.blank_lines_before + bytes(line) + lines
            assert current[-1:] in {b"", b"\n"}, "not whole lines"
            if rest is not None:
                results.append(current)
                current = b""
    assert not current, "lines after the last end"
    return results


RESULTS = [
    (b"", b"\n"),
    (b"\n", b"\n"),
    (b"\n\n\n", b"\n"),
    (b"a", b"a\n"),
    (b"a\n", b"a\n"),
    (b"a\n\n\n", b"a\n"),
    (b"\n\na", b"\n\na\n"),
    (b"a\n\n\nb", b"a\n\n\nb\n"),
    (b"a\nb\n", b"a\nb\n"),
    (b" a\t\r\n \n", b" a\t\r\n \n"),
    (b"\0\n\xff\0", b"\0\n\xff\0\n"),
    (b"0123\n0123marke\n", b"0123\n0123marke\n"),
    (b"x0123marker\n 0123marker\n", b"x0123marker\n 0123marker\n"),
    (b"good\n", b"good\n"),
]


@pytest.mark.parametrize(("output", "result"), RESULTS)
@pytest.mark.parametrize("cut_up", [lambda data: [data], octet_by_octet])
def test_results(cut_up, output: bytes, result: bytes) -> None:  # type: ignore[no-untyped-def]
    """EXE-020, EXE-021, EXE-023, EXE-030."""
    stream = output + END + output + FAILED_END + output + END
    assert results_of(cut_up(stream)) == [result + b"good\n", result + b"bad\n", result + b"good\n"]
    assert results_of(cut_up(stream), status=False) == [result] * 3


@pytest.mark.parametrize("cut_up", [lambda data: [data], octet_by_octet])
def test_results_without_output(cut_up) -> None:  # type: ignore[no-untyped-def]
    """EXE-025."""
    stream = END + FAILED_END + END
    assert results_of(cut_up(stream), discard_output=True) == [b"good\n", b"bad\n", b"good\n"]
    assert results_of(cut_up(stream), discard_output=True, status=False) == [b""] * 3


outputs = st.lists(
    st.sampled_from(
        [b"\n", b"\n\n", b"a", b"b ", b"\0", MARKER[:4], MARKER[4:] + b"x", b"-failed 3"]
    )
).map(b"".join)


@given(outputs=st.lists(st.tuples(outputs, st.booleans()), min_size=1), places=cuts)
@example(outputs=[(b"\n\n", True), (b"", False)], places=[1, 2, 3])
def test_how_the_output_is_cut_never_changes_the_results(
    outputs: list[tuple[bytes, bool]], places: list[int]
) -> None:
    stream = b"".join(output + (END if good else FAILED_END) for output, good in outputs)
    assert results_of(cut(stream, places)) == [
        output.rstrip(b"\n") + (b"\ngood\n" if good else b"\nbad\n") for output, good in outputs
    ]


def test_lines_are_given_as_soon_as_they_are_whole() -> None:
    """EXE-022: only blank lines have to wait for what follows."""
    framer = ExecFramer(MARKER, discard_output=False, success=b"", failure=b"")
    assert framer.feed(b"one\ntwo\nthr") == (b"", b"one\ntwo\n", None)
    assert framer.feed(b"ee\n") == (b"three\n", b"", None)
    assert framer.feed(b"12\n") == (b"", b"12\n", None)
    assert framer.feed(b"\n\n") == (b"", b"", None)
    assert framer.feed(b"four\n\nfive\n") == (b"", b"four\n\nfive\n", None)
    assert framer.blank_lines_before == 2
    assert framer.feed(b"\nsi") == (b"", b"", None)
    assert framer.feed(b"x\n") == (b"six\n", b"", None)
    assert framer.blank_lines_before == 1
    assert framer.feed(END + b"rest") == (b"", b"", b"rest")


def test_blank_lines_that_wait_take_no_memory() -> None:
    framer = ExecFramer(MARKER, discard_output=False, success=b"", failure=b"")
    for _ in range(10_000):
        assert framer.feed(b"\n" * 65536) == (b"", b"", None)
    assert framer.feed(b"x\n") == (b"", b"x\n", None)
    assert framer.blank_lines_before == 655_360_000
    assert framer.feed(MARKER + b"\n") == (b"", b"", b"")
    assert framer.blank_lines_before == 0


# What the shell reads


def printed(shell: tuple[str, ...], mode: ExecMode, tasks: list[bytes]) -> list[bytes]:
    """Let a shell run the command for these tasks and return the results."""
    script = preamble(mode, MARKER) + b"".join(call(task, MARKER) for task in tasks)
    done = subprocess.run([*shell, "-s"], input=script, capture_output=True, check=True)
    return results_of([done.stdout], discard_output=mode.discard_output)


SHELLS = [
    shell
    for shell in (
        ("sh",),
        ("bash",),
        ("bash", "--posix"),
        ("zsh",),
        ("busybox", "sh"),
        ("mksh",),
    )
    if shutil.which(shell[0])
]

ODD_TASKS = [
    b"",
    b" ",
    b" a  b ",
    b"it's",
    b'"',
    b"\\",
    b"a\\",
    b"\\n",
    b"$HOME",
    b"$(echo x)",
    b"`echo x`",
    b"*",
    b"~",
    b"-n",
    b"!!",
    b"a\nb\n",
    b"\n",
    b"\xff\x81\x88",
    b"); echo x; (",
    MARKER,
]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "command",
    [
        arguments_with_task([b"printf", b"<%s>"]),
        arguments_with_task([b"/usr/bin/printf", b"<%s>"]),
        arguments_with_task([b"printf", b"<%s>", b"@@"], b"@@"),
        command_with_task(b"printf '<%s>'"),
        command_with_task(b"x=1; printf '<%s>'"),
        command_with_task(b'printf "<%s>" "@@"', b"@@"),
        command_with_task(b"printf '<%s>' \"@@\" # ) it's", b"@@"),
        command_with_task(b'cd / && printf "<%s>" "@@"; exit 0', b"@@"),
        command_with_task(b'(printf "<%s>" "@@")', b"@@"),
        command_with_task(b'((printf "<%s>" "@@") & ) &', b"@@"),
    ],
)
def test_tasks_reach_the_command_as_they_are(shell: tuple[str, ...], command: bytes) -> None:
    """EXE-002, EXE-003, EXE-005, EXE-006."""
    results = printed(shell, ExecMode(command=command), ODD_TASKS)
    assert results == [b"<%b>\ngood\n" % task for task in ODD_TASKS]


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=20, deadline=None)
@given(tasks=st.lists(st.binary().map(lambda octets: octets.replace(b"\0", b"")), max_size=20))
def test_any_octets_reach_the_command(shell: tuple[str, ...], tasks: list[bytes]) -> None:
    """EXE-002."""
    mode = ExecMode(command=arguments_with_task([b"printf", b"<%s>"]))
    assert printed(shell, mode, tasks) == [b"<%b>\ngood\n" % task for task in tasks]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", ["false", "/bin/false", "exit 3;", "! true", "missing", "-p"])
def test_failures(shell: tuple[str, ...], program: str) -> None:
    """EXE-030, EXE-021."""
    mode = ExecMode(command=command_with_task(program.encode()))
    assert printed(shell, mode, [b"a", b"b"]) == [b"\nbad\n"] * 2


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("command", [b"echo '", b'echo "', b"echo (", b"cat <<E", b"'echo' & `"])
def test_an_open_quote_swallows_no_task(shell: tuple[str, ...], command: bytes) -> None:
    """EXE-011: the shell ends, although there is more to read."""
    script = preamble(ExecMode(command=command_with_task(command)), MARKER)
    with subprocess.Popen(
        [*shell, "-s"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.write(script + call(b"a", MARKER))
        process.stdin.flush()
        assert process.wait(60) != 0
        assert process.stdout
        assert process.stdout.read() == b"\n" + MARKER + b"-refused\n"


@pytest.mark.skipif(not shutil.which("bash"), reason="only bash has exported functions")
@pytest.mark.parametrize("command", [b"printf", b"true; printf", b"true & printf"])
def test_exported_functions_are_for_commands_only(command: bytes) -> None:
    """Functions that stand in for what the shell is told to do."""
    script = preamble(ExecMode(command=command_with_task(command)), MARKER)
    functions = b"echo() { :; }; cat() { :; }; printf() { command printf '<%s>' \"$1\"; }\n"
    script = functions + b"export -f echo cat printf\nexec bash -s <<'END'\n" + script
    script += call(b"a", MARKER) + b"END\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    assert (results_of([done.stdout]), done.stderr) == ([b"<a>\ngood\n"], b"")


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("discard_output", [False, True])
@pytest.mark.parametrize(
    ("end", "status"), [("true", b"good"), ("false", b"bad"), ("exit 3", b"bad")]
)
def test_output_of_background_commands(
    shell: tuple[str, ...], end: str, status: bytes, discard_output: bool, tmp_path: Path
) -> None:
    """EXE-028: they write when the foreground has ended, of which they are told by a FIFO."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    late = f"{{ cat {fifo}; echo late; }} & echo @@; exec 9>{fifo}; {end}"
    command = command_with_task(late.encode(), b"@@")
    mode = ExecMode(command=command, discard_output=discard_output)
    expected = [b"" if discard_output else task + b"\nlate\n" for task in (b"a", b"b")]
    assert printed(shell, mode, [b"a", b"b"]) == [e + status + b"\n" for e in expected]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        (b"a & b", True),
        (b"a&", True),
        (b"a &>b", True),
        (b"a && b", False),
        (b"a 2>&1 | b", False),
        (b"a >&2 <&3; b", False),
        (b"a 'b & c'", False),
    ],
)
def test_a_process_more_only_for_background_commands(text: bytes, is_found: bool) -> None:
    """EXE-010."""
    assert (b"cat" in preamble(ExecMode(command=text), MARKER)) == is_found


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("program", ["echo", "/bin/echo", "echo x;: "])
def test_discarded_output(shell: tuple[str, ...], program: str) -> None:
    """EXE-025."""
    mode = ExecMode(command=command_with_task(program.encode()), discard_output=True)
    assert printed(shell, mode, [b"a", b"b"]) == [b"good\n"] * 2


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "command",
    [
        b'echo "${x-unset}"; x=1',
        b'x=${x-unset} ; echo "$x"',
        b"pwd | grep -qx / && exit 1; echo unset; cd /",
        b'case $- in *f*) exit 1; esac; echo unset; set -f',
        b'echo "${x-unset}"; exec >/dev/null; x=1',
        b"cat; echo unset",
        b"/bin/cat; echo unset",
        b'echo() { printf "%s\\n" "$1"; }; echo unset; printf() { exit 1; }',
    ],
)  # fmt: skip
def test_a_command_finds_what_the_first_one_found(shell: tuple[str, ...], command: bytes) -> None:
    """EXE-007, EXE-009."""
    results = printed(shell, ExecMode(command=command), [b"a", b"b"])
    assert results == [b"unset\ngood\n"] * 2


@pytest.mark.parametrize(
    ("text", "with_task"),
    [
        (b"a@@b@@ '@@'", b"a$1b$1 '$1'"),
        (b"@@@", b"$1@"),
        (b"none", b"none"),
        (b"", b":"),
        (b" \n# @@\n", b":"),
    ],
)
def test_the_place_of_the_task_in_text(text: bytes, with_task: bytes) -> None:
    """EXE-041."""
    assert command_with_task(text, b"@@") == with_task


def test_the_place_of_the_task_among_arguments() -> None:
    """EXE-042, EXE-043."""
    arguments = [b"echo", b"@@", b" @@", b"@@/", b"@"]
    command = arguments_with_task(arguments, b"@@")
    assert command == b"""'echo' "$1" ' $1' '$1/' '@'"""
