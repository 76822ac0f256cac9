"""Chapter *One command for each task*: ``-x``, ``-X`` and ``-J``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

MAGIC_EOT = b"HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5"

#: Tasks that a careless shell script changes.
ODD_TASKS = {
    "plain": [b"a", b"", b"a b", b"it's", b'say "x"', b"a\r", MAGIC_EOT, b"success"],
    "shell": [
        b"$HOME ${HOME} $1",
        b"$(echo x) `echo x`",
        b"/*",
        b"~",
        b"# x",
        b"a; echo x | cat & (",
    ],
    "others": [b"-n", b"--", b"!!", b"%s", b"\xff\xfe\x80\x81\x88"],
    "blanks": [b" ", b"  a \t b  ", b"\t"],
    "backslashes": [b"a\\b", b"a\\n\\t\\0", b"\\\\"],
    "backslash at the end": [b"a\\"],
}

#: Commands with the same effect as ``printf '<%s>'`` followed by the task.
WAYS = {
    "text": ("-x", "-c", "printf '<%s>'"),
    "text that refers to the task": ("-J", "@@", "-c", """printf '<%s>' "@@\""""),
    "arguments": ("-x", "-C", "printf", "<%s>"),
    "argument in place of the task": ("-J", "@@", "-C", "printf", "<%s>", "@@"),
}


def in_one_run(
    stage: Stage, *options: str | bytes, feed: bytes = b"a\n", status: int = 0
) -> Distributor:
    """Run one node over this input; everything is done after it."""
    run = stage.run("-n", "+1", *options, feed=feed)
    assert run.status == status
    return run


def start_paused(stage: Stage, *options: str) -> tuple[Distributor, Calculator]:
    """Start a run whose only task is being worked on by a command that the test steers."""
    run = stage.start("-n", "+1", *options, "-x", "-c", stage.calculator("linger", "paused"))
    run.feed(b"a\n")
    run.close_stdin()
    return run, stage.next_calculator()


# The command


@requirement("EXE-001", "EXE-005", "EXE-020")
def test_the_command_is_run_for_each_task(stage: Stage) -> None:
    command = stage.calculator("linger", "paused")
    run = stage.start("-n", "+1", "-x", "-c", f"{command} 'first word'  $((1 + 1))")
    run.feed(b"a\nb c\n\n")
    run.close_stdin()
    for task in (b"a", b"b c", b""):
        fake = stage.next_calculator()
        assert fake.words == [b"first word", b"2", task]
        fake.answer(stage.result(task))
        fake.exit(0)
    run.finish()
    assert run.stdout == b"".join(stage.result(t) + b"\n\n" for t in (b"a", b"b c", b"")).replace(
        b"\n\n", b"\n"
    )
    assert stage.started == 3
    assert run.status == 0


@requirement("EXE-001", "DSP-001")
def test_nodes_work_side_by_side(stage: Stage) -> None:
    run = stage.start("-n", "+2", "-l", "-x", "-c", stage.calculator("linger", "paused"))
    run.feed(b"a\nb\nc\n")
    run.close_stdin()
    first, second = sorted(stage.next_calculators(2), key=lambda fake: fake.words)
    assert (first.words, second.words) == ([b"a"], [b"b"])
    second.answer(b"from b")
    second.exit(0)
    third = stage.next_calculator()
    assert third.words == [b"c"]
    third.answer(b"from c")
    third.exit(0)
    first.answer(b"from a")
    first.exit(0)
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [b"1 from a", b"2 from b", b"3 from c"]


@requirement("EXE-002", "EXE-005", "EXE-006", "EXE-042")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ODD_TASKS)
def test_tasks_are_octets(stage: Stage, kind: str, way: str) -> None:
    tasks = [b"first", *ODD_TASKS[kind], b"last"]
    run = in_one_run(stage, *WAYS[way], feed=b"\n".join(tasks) + b"\n")
    assert run.stdout == b"".join(b"<%b>\n" % task for task in tasks)


@requirement("EXE-002")
def test_tasks_are_octets_on_a_remote_node(stage: Stage) -> None:
    stage.connect = True
    tasks = [*ODD_TASKS["plain"], *ODD_TASKS["shell"], *ODD_TASKS["others"]]
    words = ("-n", "host", "-t", stage.transport(), "-x", "-C", "printf", "<%s>")
    run = stage.run(*words, feed=b"\n".join(tasks) + b"\n")
    assert run.stdout == b"".join(b"<%b>\n" % task for task in tasks)
    assert run.status == 0


@requirement("EXE-002")
def test_every_octet(stage: Stage) -> None:
    tasks = [b"a%cz" % octet for octet in range(1, 256) if octet != ord("\n")]
    run = in_one_run(stage, "-x", "-C", "printf", "<%s>", feed=b"\n".join(tasks))
    assert run.stdout == b"".join(b"<%b>\n" % task for task in tasks)


@requirement("EXE-002")
def test_a_long_task(stage: Stage) -> None:
    task = stage.nonce * 12_000
    run = in_one_run(stage, "-x", "-C", "printf", "<%s>", feed=task + b"\n")
    assert is_same(run.stdout, b"<%b>\n" % task)


@requirement("EXE-003")
@pytest.mark.parametrize("way", WAYS)
def test_newlines_in_tasks(stage: Stage, way: str) -> None:
    tasks = [b"a\nb", b"\n", b"\n\nc\n", b"\\\n", b"d"]
    run = in_one_run(stage, "-0", *WAYS[way], feed=b"\0".join(tasks))
    assert run.stdout == b"".join(b"<%b>\n" % task for task in tasks)


@requirement("EXE-003", "PFX-001")
def test_every_line_of_a_printed_task_has_its_prefix(stage: Stage) -> None:
    run = in_one_run(stage, "-0li", "-x", "-C", "printf", "%s", feed=b"a\nb\0c")
    assert run.stdout == b"1 a\n1 b\n1 a\n1 b\n2 c\n2 c\n"


@requirement("EXE-004")
def test_nul_in_a_task(stage: Stage) -> None:
    run = in_one_run(stage, "-x", "-c", "printf '<%s>'", feed=b"a\nb\0c\nd\n", status=1)
    assert run.stdout == b"<a>\n"
    assert b"2" in run.stderr, "the diagnostic lacks the task's number"


@requirement("EXE-005")
def test_the_command_is_text_for_the_shell(stage: Stage) -> None:
    command = f"v={stage.nonce.decode()}; echo $v | cat; printf '%s.%s\\n' \"$v\""
    run = in_one_run(stage, "-x", "-c", command, feed=b"a b\nc\n")
    assert run.stdout == b"%b\n%b.a b\n%b\n%b.c\n" % ((stage.nonce,) * 4)


@requirement("EXE-006")
def test_free_arguments(stage: Stage) -> None:
    words: list[str | bytes] = ["", "two words", "'", '"', "\\", "$HOME", "*", ";", b"\xff\xfe"]
    run = stage.start("-n", "+1", "-x", "-C", stage.calculator("linger", "paused"), *words)
    run.feed(b"a\n")
    fake = stage.next_calculator()
    assert fake.words == [w if isinstance(w, bytes) else w.encode() for w in words] + [b"a"]
    fake.answer(stage.result(b"a"))
    fake.exit(0)
    assert run.finish() == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("EXE-007")
@pytest.mark.parametrize(
    "command",
    [
        'echo "${seen-first}"; seen=later; : ',
        'echo "${seen-first}"; exit 1; : ',
        "test -e here && echo first || echo later; cd /; : ",
        'echo "${seen-first}"; exec >/dev/null; seen=later; : ',
        'echo "${seen-first}"; set -- x; readonly seen=later; : ',
    ],
    ids=["variable", "exit", "directory", "stdout", "readonly"],
)
def test_no_task_disturbs_the_next(stage: Stage, command: str) -> None:
    (stage.directory / "here").touch()
    run = in_one_run(stage, "-x", "-c", command, feed=b"a\nb\nc\n")
    assert run.stdout == b"first\nfirst\nfirst\n"


@requirement("EXE-008")
def test_field_splitting_and_patterns_are_on(stage: Stage) -> None:
    (stage.directory / "one.part").touch()
    command = "v='a b'; printf '<%s>' $v *.part; :"
    run = in_one_run(stage, "-x", "-c", command)
    assert run.stdout == b"<a><b><one.part>\n"


@requirement("EXE-009")
@pytest.mark.parametrize("command", ["cat; printf '<%s>'", "read -r line; printf '<%s>' $?"])
def test_the_input_of_a_command_is_empty(stage: Stage, command: str) -> None:
    number = b"1" if "read" in command else b""
    run = stage.start("-n", "+1", "-x", "-c", command)
    run.feed(b"a\nb\nc\n")
    run.finish()
    assert run.stdout == b"".join(
        b"<%b>%b\n" % (number or task, b"<%b>" % task if number else b"")
        for task in (b"a", b"b", b"c")
    )
    assert run.status == 0


@requirement("EXE-009")
def test_a_command_sees_the_end_of_its_input_while_tasks_may_come(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-x", "-c", stage.calculator())
    run.feed(b"a\n")
    fake = stage.next_calculator()
    fake.wait_eof()
    assert bytes(fake.received) == b""
    run.feed(b"b\n")
    second = stage.next_calculator()
    assert second.words == [b"b"]
    assert run.finish() == 0


@requirement("EXE-010")
def test_one_process_for_each_task(stage: Stage) -> None:
    """All commands are then children of the same shell."""
    run = in_one_run(stage, "-x", "-C", "sh", "-c", "echo $PPID", feed=b"a\nb\nc\n")
    parents = run.stdout.split()
    assert len(parents) == 3
    assert len(set(parents)) == 1


@requirement("EXE-011")
@pytest.mark.parametrize(
    "command",
    [
        "echo '",
        'echo "',
        "echo $((",
        "echo (",
        "if true; then echo",
        "}; echo {",
        "cat << END; echo",
    ],
)
def test_a_command_line_with_an_error(stage: Stage, command: str) -> None:
    """Tasks that would close what is open do not make a command of it."""
    good = in_one_run(stage, "-x", "-c", "echo")
    assert good.stdout == b"a\n"
    feed = b"a\n' \"$(touch ran)\n' fi; touch ran; '\n)) touch ran\nEND\n"
    run = in_one_run(stage, "-x", "-c", command, feed=feed, status=1)
    assert run.stdout == b""
    assert not (stage.directory / "ran").exists()


# The result


@requirement("EXE-020", "EXE-021")
@pytest.mark.parametrize(
    ("output", "result"),
    [
        ("", b"\n"),
        ("\\n", b"\n"),
        ("\\n\\n\\n", b"\n"),
        ("a", b"a\n"),
        ("a\\n", b"a\n"),
        ("a\\n\\n\\n", b"a\n"),
        ("\\n\\na\\n", b"\n\na\n"),
        ("a\\n\\n\\nb\\n\\n", b"a\n\n\nb\n"),
        ("  a  \\n \\n", b"  a  \n \n"),
        ("\\134n%%", b"\\n%\n"),
    ],
)
def test_newlines_at_the_end_of_a_result(stage: Stage, output: str, result: bytes) -> None:
    run = in_one_run(stage, "-le", "-mt=", "-x", "-c", f"printf '{output}'; :", feed=b"a\nb\n")
    lines = [line + b"\n" for line in result.split(b"\n")[:-1]]
    assert run.stdout == b"".join(
        b"".join(b"%d " % task_id + line for line in lines) + b"%d %b\n" % (task_id, MAGIC_EOT)
        for task_id in (1, 2)
    )


@requirement("EXE-021")
@pytest.mark.parametrize("command", ["/nonexistent/program", "nonexistent-program", "/dev/null"])
def test_a_command_that_cannot_be_run(stage: Stage, command: str) -> None:
    run = in_one_run(stage, "-l", "-x", "-c", command, feed=b"a\nb\n")
    assert run.stdout == b"1 \n2 \n"


@requirement("EXE-022")
def test_lines_are_passed_on_while_the_command_runs(stage: Stage) -> None:
    run, fake = start_paused(stage, "-l")
    expected = b""
    for line in (b"first", b"2", b"success"):
        fake.write(line + b"\n")
        expected += b"1 " + line + b"\n"
        run.expect_output(expected)
    fake.exit(0)
    assert run.finish() == 0
    assert run.stdout == expected


@requirement("EXE-022", "LIM-001")
def test_a_large_result(stage: Stage) -> None:
    command = "i=0; while test $i -lt 64; do printf '%65536s\\n' x; i=$((i + 1)); done; :"
    run = in_one_run(stage, "-x", "-c", command)
    assert is_same(run.stdout, (b" " * 65535 + b"x\n") * 64)


@requirement("EXE-023")
@pytest.mark.parametrize("octets", [b"\0a\n", b"a\0\0b\n", b"\xff\xfe\x80\n", bytes(range(1, 256))])
def test_any_octets_in_results(stage: Stage, octets: bytes) -> None:
    escaped = "".join(f"\\{octet:03o}" for octet in octets)
    run = in_one_run(stage, "-x", "-C", "printf", escaped, feed=b"a\nb\n")
    assert run.stdout == (octets.rstrip(b"\n") + b"\n") * 2


@requirement("EXE-024")
@pytest.mark.parametrize(
    "line",
    [MAGIC_EOT, b"", b"END", b"success", b"0"],
    ids=["magic", "empty", "END", "success", "0"],
)
@pytest.mark.parametrize("options", ["-x", "-xmt=END"])
def test_no_line_ends_a_result(stage: Stage, line: bytes, options: str) -> None:
    text = shlex.quote(line.decode())
    run = in_one_run(stage, options, "-l", "-c", f"echo {text}; echo", feed=b"a\nb\n")
    assert run.stdout == b"1 %b\n1 a\n2 %b\n2 b\n" % (line, line)


@requirement("EXE-025", "EXE-026")
@pytest.mark.parametrize(
    "options", [("-X",), ("-xX",), ("-J@@", "-X"), ("-X", "-J@@")], ids=" ".join
)
@pytest.mark.parametrize("output", ["", "a\\n\\nb"])
def test_results_without_lines(stage: Stage, options: tuple[str, ...], output: str) -> None:
    command = f"echo >>ran; printf '{output}'; :"
    run = in_one_run(stage, *options, "-le", "-c", command, feed=b"a\nb\n")
    assert run.stdout == b"1 %b\n2 %b\n" % (MAGIC_EOT, MAGIC_EOT)
    assert (stage.directory / "ran").read_bytes() == b"\n\n"


@requirement("EXE-026")
def test_the_last_of_both_options(stage: Stage) -> None:
    run = in_one_run(stage, "-Xx", "-c", "printf '<%s>'", feed=b"a\nb\n")
    assert run.stdout == b"<a>\n<b>\n"


@requirement("EXE-027")
@pytest.mark.parametrize(
    ("options", "eot"),
    [
        (("-x",), MAGIC_EOT),
        (("-X",), MAGIC_EOT),
        (("-J@@",), MAGIC_EOT),
        (("-mt=END", "-x"), MAGIC_EOT),
        (("-x", "-y"), MAGIC_EOT),
        (("-x", "-mt=END"), b"END"),
        (("-X", "-mt="), b""),
        (("-J@@", "-mt=END"), b"END"),
        (("-mt=END", "-J@@"), MAGIC_EOT),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_printed_eot(stage: Stage, options: tuple[str, ...], eot: bytes) -> None:
    command = 'printf "<%s>\\n" "$PAEXEC_EOT"; :'
    run = in_one_run(stage, *options, "-le", "-c", command, feed=b"a\n")
    result = b"" if "-X" in options else b"1 <%b>\n" % eot
    assert run.stdout == result + b"1 %b\n" % eot


@requirement("EXE-027", "OPT-005")
@pytest.mark.parametrize("option", ["-x", "-X", "-J@@"])
def test_options_beat_the_variable_of_the_eot(stage: Stage, option: str) -> None:
    run = stage.run(
        "-n", "+1", option, "-e", "-c", ":", feed=b"a\n", environment={"PAEXEC_EOT": "END"}
    )
    assert run.stdout == (b"" if option == "-X" else b"\n") + MAGIC_EOT + b"\n"
    assert run.status == 0


@requirement("EXE-028", "EXE-030")
@pytest.mark.parametrize("option", ["-x", "-X"])
@pytest.mark.parametrize("foreground", ["true", "false", "exit 3"])
def test_output_of_background_commands(stage: Stage, foreground: str, option: str) -> None:
    """The command in the background writes after the one in the foreground, which has ended."""
    command = f"{stage.calculator('linger', 'paused')} & echo @@; echo ended >&2; {foreground}"
    run = stage.start("-n", "+1", "-gle", "-md=", option, "-J@@", "-c", command)
    run.feed(b"a\nb\n")
    run.close_stdin()
    for task in (b"a", b"b"):
        fake = stage.next_calculator()
        stage.wait(
            "the end of the foreground",
            lambda: run.stderr.count(b"ended") == len(stage.calculators),
        )
        fake.answer(stage.result(task))
        fake.exit(0)
    assert run.wait() == 0
    lines = []
    for task_id, task in enumerate((b"a", b"b"), 1):
        texts = [task, stage.result(task)] * (option == "-x")
        texts += [b"success"] if foreground == "true" else [b"failure", task]
        lines += [b"%d %b\n" % (task_id, text) for text in (*texts, MAGIC_EOT)]
    assert run.stdout == b"".join(lines)


# Status


@requirement("EXE-030", "GRA-042")
@pytest.mark.parametrize("option", ["-x", "-X"])
@pytest.mark.parametrize(
    ("status", "words", "line"),
    [
        (0, (), b"success"),
        (1, (), b"failure"),
        (127, (), b"failure"),
        (0, ("-ms=good", "-mf=bad"), b"good"),
        (1, ("-ms=good", "-mf=bad"), b"bad"),
    ],
)
def test_status(
    stage: Stage, option: str, status: int, words: tuple[str, ...], line: bytes
) -> None:
    command = f"echo {stage.nonce.decode()}; sh -c 'exit {status}'"
    run = in_one_run(stage, option, "-gl", *words, "-c", command, feed=b"a b\n")

    def result(task_id: int) -> bytes:
        lines = [stage.nonce] * (option == "-x") + [line]
        return b"".join(b"%d %b\n" % (task_id, text) for text in lines)

    if status:
        assert run.stdout == result(1) + b"1 a b\n"
    else:
        assert run.stdout == result(1) + result(2)


@requirement("EXE-030")
def test_status_of_a_killed_command(stage: Stage) -> None:
    run, fake = start_paused(stage, "-g")
    fake.die()
    run.finish()
    assert run.stdout == b"\nfailure\na\n"
    assert run.status == 0


@requirement("EXE-031")
@pytest.mark.parametrize(("word", "status"), [("success", 1), ("failure", 0)])
def test_output_is_no_status(stage: Stage, word: str, status: int) -> None:
    command = f"echo {word}; sh -c 'exit {status}'"
    run = in_one_run(stage, "-xg", "-c", command, feed=b"a\n")
    if status:
        assert run.stdout == b"success\nfailure\na\n"
    else:
        assert run.stdout == b"failure\nsuccess\n"


@requirement("EXE-032")
@pytest.mark.parametrize("status", [0, 1, 127, 255])
def test_without_g_statuses_do_not_matter(stage: Stage, status: int) -> None:
    run = in_one_run(stage, "-x", "-c", f"echo x; exit {status}; :", feed=b"a\nb\n")
    assert run.stdout == b"x\nx\n"


@requirement("EXE-030", "GRA-020")
def test_a_graph_of_commands(stage: Stage) -> None:
    """Each command needs what those before it have made; lines of b and c may be mixed."""
    command = "test -e fail-@@ && exit 1; cat needs-@@ | xargs ls >/dev/null && touch @@"
    for task, needs in {"a": "", "b": "a", "c": "a", "d": "b c"}.items():
        (stage.directory / f"needs-{task}").write_text(f"{needs}\n")
    run = stage.run("-n", "+2", "-g", "-J@@", "-c", command, feed=b"a b\na c\nb d\nc d\n")
    assert sorted(run.stdout.splitlines()) == [b""] * 4 + [b"success"] * 4
    assert (stage.directory / "d").exists()
    assert run.status == 0


# The task within the command


@requirement("EXE-040")
@pytest.mark.parametrize("way", ["-c", "-C"])
def test_with_j_no_argument_is_added(stage: Stage, way: str) -> None:
    words = ("-c", "printf '<%s>' x") if way == "-c" else ("-C", "printf", "<%s>", "x")
    run = in_one_run(stage, "-J@@", *words, feed=b"a\nb\n")
    assert run.stdout == b"<x>\n<x>\n"


@requirement("EXE-041")
@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("echo @@ @@", b"a b a b\n"),
        ("printf '<%s>' @@", b"<a><b>\n"),
        ("printf '<%s>' \"@@\"", b"<a b>\n"),
        ("printf '<%s>' \"x@@y@@z\"", b"<xa bya bz>\n"),
        ("printf '<%s>' '@@'", b"<$1>\n"),
        ("printf '<%s>' \\@@", b"<$1>\n"),
        ("printf '<%s>' \"@@@\"", b"<a b@>\n"),
        ("echo \"@@\" 'x' | tr a-z A-Z", b"A B X\n"),
    ],
)
def test_the_task_within_text(stage: Stage, command: str, result: bytes) -> None:
    run = in_one_run(stage, "-J@@", "-c", command, feed=b"a b\n")
    assert run.stdout == result


@requirement("EXE-042", "EXE-043")
@pytest.mark.parametrize(
    ("argument", "result"),
    [
        ("{}", b"<a  'b'>\n"),
        (" {}", b"< $1>\n"),
        ("{}/", b"<$1/>\n"),
        ("{}{}", b"<$1$1>\n"),
        ("'{}'", b"<'$1'>\n"),
        ('"{}"', b'<"$1">\n'),
        ("{", b"<{>\n"),
    ],
)
def test_the_task_within_arguments(stage: Stage, argument: str, result: bytes) -> None:
    run = in_one_run(stage, "-J{}", "-C", "printf", "<%s>", argument, feed=b"a  'b'\n")
    assert run.stdout == result


@requirement("EXE-042")
def test_the_task_in_several_places(stage: Stage) -> None:
    run = in_one_run(stage, "-J", "{}", "-C", "printf", "<%s>", "{}", "x", "{}", feed=b"a b\n")
    assert run.stdout == b"<a b><x><a b>\n"


@requirement("EXE-044")
@pytest.mark.parametrize("value", ["", "@", "@@@", "{} "])
@pytest.mark.parametrize("way", ["-c", "-C"])
def test_bad_lengths(stage: Stage, value: str, way: str) -> None:
    good = in_one_run(stage, "-J", "@@", way, "echo")
    assert good.stdout == b"\n"
    words = ("touch started",) if way == "-c" else ("touch", "started")
    run = in_one_run(stage, "-J", value, way, *words, status=2)
    assert run.stdout == b""
    assert run.stderr.strip()
    assert not (stage.directory / "started").exists()


@requirement("EXE-001", "LCH-021")
def test_a_command_on_a_remote_node(stage: Stage) -> None:
    """The far side has nothing but a shell."""
    run = stage.start("-n", "host", "-t", stage.transport(), "-x", "-c", "printf '<%s>'")
    transport = stage.next_transport()
    transport.run({b"PATH": b"/usr/bin:/bin"})
    run.feed(b"a b\nc\n")
    assert run.finish() == 0
    assert run.stdout == b"<a b>\n<c>\n"
