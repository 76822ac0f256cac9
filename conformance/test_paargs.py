"""Chapter *paargs*."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
pytestmark = pytest.mark.companion("paargs")

MAGIC_EOT = b"HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5"

#: Words that a shell would take apart, expand or drop.
ODD_WORDS: list[str | bytes] = [
    "",
    "two  words",
    "'",
    '"',
    "\\",
    "back\\\\slash\\n",
    "$1",
    "$HOME",
    "$(echo x)",
    "`echo x`",
    "*",
    "~",
    "#",
    ";|&>x",
    "line\nline",
    "-P+3",
    "--",
    "%s",
    b"\xff\xfe\x80",
]

# What commands print


def show(stage: Stage, then: str = "") -> str:
    """The path of a command that prints its arguments, as ``shown`` has them."""
    nonce = stage.nonce.decode()
    return stage.script("show", f"printf '{nonce}'; printf '<%s>' \"$@\"; echo; {then}")


def shown(stage: Stage, *words: str | bytes) -> bytes:
    """The line that ``show`` prints for these arguments."""
    return stage.nonce + b"".join(b"<%b>" % os.fsencode(word) for word in words)


def lines_of(task_id: int, *texts: bytes, eot: bytes = MAGIC_EOT) -> bytes:
    """Texts of one line or more and the EOT line of a task, each line with its prefix."""
    lines = b"\n".join((*texts, eot)).split(b"\n")
    return b"".join(b"%d %b\n" % (task_id, line) for line in lines)


def successes(*results: bytes, eot: bytes = MAGIC_EOT) -> bytes:
    """Return the output for tasks that succeed, one after the other, with these results."""
    return b"".join(
        lines_of(task_id, result, b"success", eot=eot) for task_id, result in enumerate(results, 1)
    )


def assert_run(
    stage: Stage,
    *words: str | bytes,
    feed: bytes,
    output: bytes,
    environment: dict[str, str] | None = None,
) -> None:
    """The call, with this input, prints this and ends well."""
    run = stage.run(*words, environment=environment, feed=feed)
    assert run.stdout == output, "other results"
    assert run.status == 0


# Syntax


@requirement("ARG-001", "ARG-030", "ARG-010")
def test_the_options_that_are_implied(stage: Stage) -> None:
    words = ("-P", "+1", show(stage))
    output = successes(*(shown(stage, task) for task in ("a", "b", "c")))
    assert_run(stage, *words, feed=b"a\nb\nc\n", output=output)


@requirement("ARG-002")
@pytest.mark.parametrize(
    ("options", "eot"),
    [
        (("-P+1",), MAGIC_EOT),
        (("-fP", "+1"), MAGIC_EOT),
        (("-fP+1", "--"), MAGIC_EOT),
        (("-I", "##", "-P+1", "-f"), MAGIC_EOT),
        (("-P", ",bad", "-f", "-I##", "-P", "+1"), MAGIC_EOT),
    ],
)
def test_syntax(stage: Stage, options: tuple[str, ...], eot: bytes) -> None:
    """The task is the last argument, added or in place of the replaced one."""
    last = ["##"] if "##" in "".join(options) else []
    words = (*options, show(stage), "-P", "-f", "-h", "--", *last)
    output = successes(shown(stage, "-P", "-f", "-h", "--", "t"), eot=eot)
    assert_run(stage, *words, feed=b"t\n", output=output)


# The command


@requirement("ARG-010")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_free_arguments(stage: Stage, remote: bool) -> None:
    stage.connect = True
    place = ("-P", "host", "-t", stage.transport()) if remote else ("-P", "+1")
    output = successes(shown(stage, *ODD_WORDS, "t"))
    assert_run(stage, *place, show(stage), *ODD_WORDS, feed=b"t\n", output=output)


@requirement("ARG-010")
def test_a_free_argument_that_ends_with_a_newline(stage: Stage) -> None:
    output = successes(shown(stage, "line\n", "t"))
    assert_run(stage, "-P+1", show(stage), "line\n", feed=b"t\n", output=output)


@requirement("ARG-011", "ARG-003")
@pytest.mark.parametrize("end", ["", "\n\n"], ids=["", "newlines"])
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_a_command_line(stage: Stage, remote: bool, end: str) -> None:
    stage.connect = True
    place = ("-P", "host", "-t", stage.transport()) if remote else ("-P", "+1")
    command = f"""v='it'"'"'s'; {show(stage)} "$v" a\\ b{end}"""
    output = successes(shown(stage, "it's", "a b", "t  t"))
    assert_run(stage, *place, "-c", command, feed=b"t  t\n", output=output)


@requirement("ARG-002", "ARG-003")
def test_the_last_command_line(stage: Stage) -> None:
    words = ("-c", "false", "-P", "+1", "-c", f"{show(stage)} x")
    assert_run(stage, *words, feed=b"t\n", output=successes(shown(stage, "x", "t")))


@requirement("ARG-012")
@pytest.mark.parametrize("mark", ["{}", "%%", "$$"])
def test_replacement_in_free_arguments(stage: Stage, mark: str) -> None:
    words = ("-P+1", "-I", mark, show(stage), "a", mark, "b", mark)
    output = successes(shown(stage, "a", "it's $1", "b", "it's $1"))
    assert_run(stage, *words, feed=b"it's $1\n", output=output)


@requirement("ARG-012")
@pytest.mark.parametrize("mark", ["{}", "%%"])
def test_replacement_in_a_command_line(stage: Stage, mark: str) -> None:
    words = ("-I", mark, "-P+1", "-c", f'{show(stage)} "x{mark}y" {mark} z')
    assert_run(stage, *words, feed=b"t;t\n", output=successes(shown(stage, "xt;ty", "t;t", "z")))


# Tasks


@requirement("ARG-020", "ARG-021")
def test_a_line_is_a_task_whatever_it_holds(stage: Stage) -> None:
    lines = [b"a b", b"b a", b"", b"weight: a 5", b"a b c d", b"a", b"last  one"]
    output = successes(*(shown(stage, line) for line in lines))
    assert_run(stage, "-P+1", show(stage), feed=b"\n".join(lines), output=output)


#: Tasks that a shell would take apart, expand or change.
ODD_TASKS = {
    "blanks": b" a\t",
    "backslashes": b"a\\b\\\\",
    "quotes": b"'\"",
    "expansions": b"$HOME `id` *",
    "no text": b"\xff\xfe",
    "EOT": MAGIC_EOT,
}


@requirement("ARG-020")
@pytest.mark.parametrize("kind", ODD_TASKS)
def test_a_task_is_octets(stage: Stage, kind: str) -> None:
    task = ODD_TASKS[kind]
    output = successes(shown(stage, task))
    assert_run(stage, "-P+1", show(stage), feed=task + b"\n", output=output)


@requirement("ARG-020", "ARG-021")
def test_equal_lines_are_several_tasks(stage: Stage) -> None:
    lines = [b"a", b"b", b"a", b"a", b"", b"b", b""]
    output = successes(*(shown(stage, line) for line in lines))
    feed = b"".join(line + b"\n" for line in lines)
    assert_run(stage, "-P+1", show(stage), feed=feed, output=output)


@requirement("ARG-020")
@pytest.mark.parametrize("option", ["-md=", "-mw=x"])
def test_options_that_leave_lines_alone(stage: Stage, option: str) -> None:
    words = ("-P+1", option, show(stage))
    assert_run(stage, *words, feed=b"x y 1\n", output=successes(shown(stage, "x y 1")))


@requirement("ARG-003", "ARG-020")
def test_tasks_that_end_with_nul(stage: Stage) -> None:
    output = successes(*(shown(stage, task) for task in (b"a b", b"", b"c")))
    assert_run(stage, "-P+1", "-0", show(stage), feed=b"a b\0\0c\0", output=output)


@requirement("ARG-003", "ARG-020")
def test_tasks_with_newlines(stage: Stage) -> None:
    output = successes(*(shown(stage, task) for task in (b"a#b", b"c")))
    command = f"""show=$(printf %s "$1" | tr "\\n" "#"); {show(stage)} "$show" """
    words = ("-0P+1", "/bin/sh", "-c", command, "sh")
    assert_run(stage, *words, feed=b"a\nb\0c", output=output)


@requirement("ARG-022")
def test_no_line_waits_for_another(stage: Stage) -> None:
    run = stage.start("-P+2", "-f", show(stage))
    run.feed(b"a\n")
    run.expect_output(successes(shown(stage, "a")))
    run.feed(b"b\n")
    run.expect_output(successes(shown(stage, "a"), shown(stage, "b")))
    assert run.finish() == 0


# Graphs


@requirement("ARG-023", "ARG-003")
@pytest.mark.parametrize("delimiter", [" ", ";"])
def test_a_graph(stage: Stage, delimiter: str) -> None:
    """The first of the lines names two tasks; what comes again is no task of its own."""
    feed = "b+a\nb\nc\n".replace("+", delimiter).encode()
    output = b"".join(
        lines_of(task_id, shown(stage, task), b"success")
        for task_id, task in ((1, "b"), (3, "c"), (2, "a"))
    )
    run = stage.run("-P+1", f"-md={delimiter}", show(stage), feed=feed)
    assert sorted(run.stdout.splitlines()) == sorted(output.splitlines())
    at = [run.stdout.index(shown(stage, task)) for task in ("b", "a")]
    assert at == sorted(at), "a was run before b, which it depends on"
    assert run.status == 0


@requirement("ARG-023", "ARG-030", "ARG-031")
def test_a_failure_in_a_graph(stage: Stage) -> None:
    feed = b"a;b b\nb b;c\n"
    output = lines_of(1, shown(stage, "a"), b"failure", b"a;b b;c")
    words = ("-P+2", "-md=;", show(stage, then="exit 3"))
    assert_run(stage, *words, feed=feed, output=output)


@requirement("ARG-023", "ARG-003")
def test_words_of_a_graph(stage: Stage) -> None:
    """The second task is heavier by a weight that another word announces."""
    feed = b"a\nheavy b 7\n"
    output = b"".join(
        lines_of(task_id, shown(stage, task), b"good") for task_id, task in ((2, "b"), (1, "a"))
    )
    words = ("-P+1", "-md= ", "-mw=heavy", "-m", "s=good", show(stage))
    assert_run(stage, *words, feed=feed, output=output)


# Output


@requirement("ARG-030", "ARG-031")
@pytest.mark.parametrize("status", [1, 2, 127, 255])
def test_failures(stage: Stage, status: int) -> None:
    output = b"".join(
        lines_of(task_id, shown(stage, task), b"failure", task)
        for task_id, task in ((1, b"a"), (2, b"b b"))
    )
    words = ("-P+1", show(stage, then=f"exit {status}"))
    assert_run(stage, *words, feed=b"a\nb b\n", output=output)


@requirement("ARG-030", "ARG-031")
def test_one_failure_among_several(stage: Stage) -> None:
    command = show(stage, then='test "$1" != b')
    output = (
        lines_of(1, shown(stage, "a"), b"success")
        + lines_of(2, shown(stage, "b"), b"failure", b"b")
        + lines_of(3, shown(stage, "c"), b"success")
    )
    assert_run(stage, "-P+1", command, feed=b"a\nb\nc\n", output=output)


@requirement("ARG-003", "ARG-030")
def test_no_results(stage: Stage) -> None:
    """The file shows that the command was run."""
    command = show(stage, then=f'printf "%s\\n" "$1" >>{stage.directory}/ran; test "$1" != b')
    output = lines_of(1, b"success") + lines_of(2, b"failure", b"b")
    assert_run(stage, "-P+1", "-X", command, feed=b"a\nb\n", output=output)
    assert (stage.directory / "ran").read_bytes() == b"a\nb\n"


@requirement("ARG-003")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-ms=good", "-mf=bad"), (b"good", b"bad", MAGIC_EOT)),
        (("-m", "s=", "-m", "f=no luck"), (b"", b"no luck", MAGIC_EOT)),
        (("-mt=END",), (b"success", b"failure", b"END")),
        (("-mt=",), (b"success", b"failure", b"")),
    ],
    ids=["status", "empty", "EOT", "empty EOT"],
)
def test_other_words(
    stage: Stage, options: tuple[str, ...], words: tuple[bytes, bytes, bytes]
) -> None:
    success, failure, eot = words
    command = show(stage, then='test "$1" != b')
    output = lines_of(1, shown(stage, "a"), success, eot=eot)
    output += lines_of(2, shown(stage, "b"), failure, b"b", eot=eot)
    assert_run(stage, "-P+1", *options, command, feed=b"a\nb\n", output=output)


@requirement("ARG-003")
def test_results_are_flushed(stage: Stage) -> None:
    """The first result is there while the second task, the last of the input, is worked on."""
    gate = stage.directory / "gate"
    os.mkfifo(gate)
    run = stage.start("-P+1", "-f", show(stage, then=f'test "$1" = a || read -r line <{gate}'))
    run.feed(b"a\nb\n")
    run.close_stdin()
    first = successes(shown(stage, "a"))
    # What the second command printed before it waits may be there, too.
    stage.wait("the first result", lambda: run.printed >= len(first))
    assert run.stdout.startswith(first)
    gate.write_bytes(b"\n")
    assert run.finish() == 0
    assert run.stdout == successes(shown(stage, "a"), shown(stage, "b"))


@requirement("ARG-005")
@pytest.mark.extension("--group")
def test_groups(stage: Stage) -> None:
    """A prints lines before and after b prints its own."""
    first, second = stage.directory / "first", stage.directory / "second"
    os.mkfifo(first)
    os.mkfifo(second)
    a = f"echo begin; echo >{first}; read -r line <{second}; echo end"
    b = f"read -r line <{first}; echo middle; echo >{second}"
    command = stage.script("task", f'case $1 in a) {a} ;; b) {b} ;; esac; exec {show(stage)} "$1"')
    run = stage.run("--group", "-P+2", command, feed=b"a\nb\n")
    assert run.status == 0
    groups = [
        lines_of(1, b"begin", b"end", shown(stage, "a"), b"success"),
        lines_of(2, b"middle", shown(stage, "b"), b"success"),
    ]
    assert run.stdout in {groups[0] + groups[1], groups[1] + groups[0]}


@requirement("ARG-005")
@pytest.mark.extension("--keep-order")
def test_the_order_of_lines(stage: Stage) -> None:
    """B is printed before a is, and both are one task each time."""
    gate = stage.directory / "gate"
    os.mkfifo(gate)
    wait = f'test "$1" = b || read -r line <{gate}'
    command = stage.script("task", f'{wait}; {show(stage)} "$1"; test "$1" = a || echo >{gate}')
    words = ("--keep-order", "-P+2", command)
    output = successes(shown(stage, "a"), shown(stage, "b"))
    assert_run(stage, *words, feed=b"a\nb\n", output=output)


@requirement("ARG-005", "ARG-001")
@pytest.mark.extension("--progress")
def test_the_progress(stage: Stage) -> None:
    """Tasks have a status, so failures are counted."""
    command = stage.script("task", f'{show(stage)} "$1"; test "$1" = a')
    run = stage.run("--progress", "-P+2", command, feed=b"a\nb\nc\n")
    assert run.status == 0
    *_, totals = run.stderr.splitlines()
    assert b"total" in totals
    assert b"3 done" in totals
    assert b"2 failed" in totals


@requirement("ARG-005", "ARG-001")
@pytest.mark.extension("--tag")
def test_tags(stage: Stage) -> None:
    run = stage.run("--tag", "-P+1", "echo", feed=b"a\nb\n")
    assert run.status == 0
    texts = [b"1 a\t%b\n" % text for text in (b"a", b"success", MAGIC_EOT)]
    texts += [b"2 b\t%b\n" % text for text in (b"b", b"success", MAGIC_EOT)]
    assert run.stdout == b"".join(texts)


@requirement("ARG-005", "ARG-001")
@pytest.mark.extension("--stderr")
def test_standard_error_of_commands(stage: Stage) -> None:
    command = stage.script("task", 'echo "of $1"; echo "err $1" >&2')
    run = stage.run("--stderr=tag", "-P+1", command, feed=b"a\nb\n")
    assert run.status == 0
    assert run.stdout == successes(b"of a", b"of b")
    lines = run.stderr.splitlines()
    assert [line.rpartition(b": ")[2] for line in lines] == [b"err a", b"err b"]


@requirement("ARG-005", "ARG-001")
@pytest.mark.extension("--results")
def test_files_of_results(stage: Stage) -> None:
    command = stage.script("task", 'echo "of $1"; echo "err $1" >&2; test "$1" = a')
    run = stage.run("--results", "results", "-P+1", command, feed=b"a\nb\n")
    assert run.status == 0
    for number, task in ((1, b"a"), (2, b"b")):
        place = stage.directory / "results" / "0000" / f"{number:07}"
        assert {path.name: path.read_bytes() for path in place.iterdir()} == {
            "seq": b"%d\n" % number,
            "task": task,
            "stdout": b"of " + task + b"\n",
            "stderr": b"err " + task + b"\n",
        }


# Nodes


@requirement("ARG-003")
def test_nodes_and_transport(stage: Stage) -> None:
    stage.connect = True
    words = ("-P", "h1 h2", "-t", f"{stage.transport()} 'a b'", show(stage))
    run = stage.run(*words, feed=b"x\ny\n")
    assert run.status == 0
    assert sorted(fake.words[:-1] for fake in stage.transports) == [
        [b"a b", b"h1"],
        [b"a b", b"h2"],
    ]
    output = successes(shown(stage, "x"), shown(stage, "y"))
    assert sorted(run.stdout.splitlines()) == sorted(output.splitlines())


@requirement("ARG-004")
def test_variables(stage: Stage) -> None:
    """The node is another machine, which inherits no variable."""
    variables = {
        "PAEXEC_NODES": "host",
        "PAEXEC_TRANSPORT": f"{stage.transport()} word",
        "PAEXEC_ENV": "PASSED",
        "PASSED": "it's",
    }
    command = f'{show(stage)} "$PASSED"'
    run = stage.start("-c", command, environment=variables)
    run.feed(b"t\n")
    run.close_stdin()
    stage.next_transport().run(environment={b"PATH": b"/usr/bin:/bin"})
    assert run.wait() == 0
    assert run.stdout == successes(shown(stage, "it's", "t"))
    assert [fake.words[:-1] for fake in stage.transports] == [[b"word", b"host"]]


@requirement("ARG-004")
def test_the_shell(stage: Stage) -> None:
    shell = stage.script("shell", 'RUN_BY="another shell" exec /bin/sh "$@"')
    command = f'{show(stage)} "$RUN_BY"'
    output = successes(shown(stage, "another shell", "t"))
    variables = {"PAEXEC_SH": shell}
    assert_run(stage, "-P+1", "-c", command, feed=b"t\n", output=output, environment=variables)


@requirement("ARG-004", "ARG-003")
def test_options_beat_variables(stage: Stage) -> None:
    stage.connect = True
    variables = {"PAEXEC_NODES": "+5", "PAEXEC_TRANSPORT": "false", "PAEXEC_EOT": "END"}
    words = ("-P", "host", "-t", stage.transport(), show(stage))
    output = successes(shown(stage, "t"))
    assert_run(stage, *words, feed=b"t\n", output=output, environment=variables)
    assert len(stage.transports) == 1


@requirement("ARG-001")
def test_a_node_is_lost(stage: Stage) -> None:
    transport, command = mortal(stage)
    run = stage.run("-P", "host", "-t", transport, command, feed=b"t\n")
    assert run.status == 1
    assert b"host" in run.messages
    assert run.stdout == b""


@requirement("ARG-001", "END-030")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ended_by_a_signal(stage: Stage, number: signal.Signals) -> None:
    """Neither the command, which would wait for ever, nor any other program is left."""
    run = stage.start("-P+1", stage.calculator("linger", "paused"))
    run.feed(b"a\nb\n")
    run.close_stdin()
    stage.next_calculator()
    run.signal(number)
    assert run.wait() == -number
    assert not stage.left_running(), "processes were left running"


def mortal(stage: Stage) -> tuple[str, str]:
    """A transport, and a command that prints its arguments but kills its node the first time."""
    died = stage.directory / "died"
    transport = stage.script("transport", 'NODE=$$; export NODE; shift; eval "exec $*"')
    kill = f'mkdir {died} 2>/dev/null && {{ kill -9 "$NODE"; exit; }}'
    return transport, stage.script("mortal", f'{kill}; exec {show(stage)} "$@"')


@requirement("ARG-032", "ARG-030", "DTH-010", "DTH-020", "DTH-021")
@pytest.mark.parametrize("options", [("-z",), ("-z", "-mF=gone"), ("-Z0",)])
def test_a_task_of_a_dead_node_is_run_again(stage: Stage, options: tuple[str, ...]) -> None:
    transport, command = mortal(stage)
    word = b"gone" if "-mF=gone" in options else b"fatal"
    output = lines_of(1, word) + successes(shown(stage, "t"))
    assert_run(stage, "-P", "h1 h2", *options, "-t", transport, command, feed=b"t\n", output=output)


@requirement("ARG-033", "RST-004", "RST-020")
def test_all_nodes_die(stage: Stage) -> None:
    transport, command = mortal(stage)
    output = lines_of(1, b"fatal") + successes(shown(stage, "a"), shown(stage, "b"))
    words = ("-P", "host", "-Z", "1", "-t", transport, command)
    assert_run(stage, *words, feed=b"a\nb\n", output=output)


# Help and version

OPTIONS = ["-P", "-t", "-c", "-I", "-X", "-f", "-0", "-z", "-Z", "-m", "-h", "-V"]


def ran(stage: Stage) -> bytes:
    """Return the lines that the command of ``call`` left behind."""
    path = stage.directory / "ran"
    return path.read_bytes() if path.exists() else b""


def call(stage: Stage, *words: str) -> Distributor:
    """Make a call with one task; COMMAND stands for a command that leaves something behind."""
    command = stage.script("leave", f"printf {stage.nonce.decode()} >>{stage.directory}/ran")
    return stage.run(*(word.replace("COMMAND", command) for word in words), feed=b"t\n")


@requirement("ARG-040")
def test_help(stage: Stage) -> None:
    assert call(stage, "-P+1", "COMMAND").status == 0
    assert ran(stage) == stage.nonce
    run = call(stage, "-h", "-P+1", "COMMAND")
    assert run.status == 0
    words = (run.stdout + run.stderr).decode().replace(",", " ").split()
    assert [option for option in OPTIONS if option not in words] == []
    assert ran(stage) == stage.nonce, "the command was run"


@requirement("ARG-041")
def test_version(stage: Stage) -> None:
    assert call(stage, "-P+1", "COMMAND").status == 0
    run = call(stage, "-V", "-P+1", "COMMAND")
    assert run.status == 0
    assert run.stdout.count(b"\n") == 1
    assert len(run.stdout.split()) >= 2, f"a name and a version: {run.stdout!r}"
    assert any(octet in b"0123456789" for octet in run.stdout), f"no version: {run.stdout!r}"
    assert ran(stage) == stage.nonce, "the command was run"


@requirement("ARG-040", "ARG-041")
@pytest.mark.parametrize("option", ["-h", "-V"])
def test_no_task_is_read(stage: Stage, option: str) -> None:
    assert call(stage, "-P+1", "COMMAND").status == 0
    assert ran(stage) == stage.nonce
    path = stage.directory / "tasks"
    path.write_bytes(b"a\nb\n")
    stdin = os.open(path, os.O_RDONLY)
    try:
        assert stage.start("-P+1", option, "true", stdin=stdin).wait() == 0
        assert os.lseek(stdin, 0, os.SEEK_CUR) == 0
    finally:
        os.close(stdin)


# Usage errors

GOOD = ("-P+1", "COMMAND")

#: Name: the bad call, the same without its fault, what a diagnostic names, the exit status.
FAULTS: dict[str, tuple[Sequence[str], Sequence[str], str, int]] = {
    "unknown letter": (("-q", *GOOD), GOOD, "q", 1),
    "a letter of paexec only": (("-lP+1", "COMMAND"), ("-fP+1", "COMMAND"), "l", 1),
    "unknown long option": (("--no-such-option", *GOOD), GOOD, "-", 1),
    "no value": (("-f", "-P"), ("-f", *GOOD), "P", 1),
    "no nodes": (("COMMAND",), GOOD, "-P", 1),
    "no nodes with -c": (("-c", "COMMAND"), ("-P+1", "-c", "COMMAND"), "-P", 1),
    "bad nodes": (("-P", "+2x", "COMMAND"), GOOD, "+2x", 1),
    "no command": (("-P+1",), GOOD, "argument", 1),
    "no command after --": (("-P+1", "--"), ("-P+1", "--", "COMMAND"), "argument", 1),
    "free arguments beside -c": (
        ("-P+1", "-c", "COMMAND", "free"),
        ("-P+1", "-c", "COMMAND"),
        "argument",
        1,
    ),
    "-m with an unknown key": (("-P+1", "-mx=y", "COMMAND"), GOOD, "-m", 1),
    "-md= too long": (("-md=aa", *GOOD), ("-md=a", *GOOD), "-md", 1),
    "quotes": (("-ms='", *GOOD), ("-ms=x", *GOOD), "-m", 1),
    "no seconds": (("-Z", "x", *GOOD), ("-Z", "1", *GOOD), "x", 1),
    "-I too short": (("-I", "%", *GOOD), ("-I", "%%", *GOOD), "%", 2),
    "-I too long": (("-I", "%%%", *GOOD), ("-I", "%%", *GOOD), "%%%", 2),
}


@requirement("ARG-042")
@pytest.mark.parametrize("name", FAULTS)
def test_usage_errors(stage: Stage, name: str) -> None:
    bad, good, _, status = FAULTS[name]
    assert call(stage, *good).status == 0
    assert ran(stage) == stage.nonce, "the good call does not run its command"
    run = call(stage, *bad)
    assert run.status == status
    assert run.stdout == b""
    assert ran(stage) == stage.nonce, "something was run in spite of a usage error"


@requirement("ARG-043")
@pytest.mark.parametrize("name", FAULTS)
def test_one_diagnostic_that_names_the_fault(stage: Stage, name: str) -> None:
    bad, _, named, _ = FAULTS[name]
    run = call(stage, *bad)
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
    assert named.encode() in run.stderr.split(b":", 1)[-1]
