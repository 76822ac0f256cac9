"""Chapter *One command for each task*: ``-x``, ``-X`` and ``-J``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
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
    expected = b"".join(b"<%b>\n" % task for task in tasks)
    assert run.stdout == expected, "the commands received other tasks"


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
    expected = b"".join(b"<%b>\n" % task for task in tasks)
    assert run.stdout == expected, "the commands received other tasks"


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
    expected = b"".join(b"<%b>\n" % task for task in tasks)
    assert run.stdout == expected, "the commands received other tasks"


@requirement("EXE-003", "PFX-001")
def test_every_line_of_a_printed_task_has_its_prefix(stage: Stage) -> None:
    run = in_one_run(stage, "-0li", "-x", "-C", "printf", "%s", feed=b"a\nb\0c")
    expected = b"1 a\n1 b\n1 a\n1 b\n2 c\n2 c\n"
    assert run.stdout == expected, "the commands received other tasks"


@requirement("EXE-004")
def test_nul_in_a_task(stage: Stage) -> None:
    run = in_one_run(stage, "-x", "-c", "printf '<%s>'", feed=b"a\nb\0c\nd\n", status=1)
    assert run.stdout == b"<a>\n"
    assert b"2" in run.messages, "the diagnostic lacks the task's number"


@requirement("EXE-005")
def test_the_command_is_text_for_the_shell(stage: Stage) -> None:
    command = f"v={stage.nonce.decode()}; echo $v | cat; printf '%s.%s\\n' \"$v\""
    run = in_one_run(stage, "-x", "-c", command, feed=b"a b\nc\n")
    assert run.stdout == b"%b\n%b.a b\n%b\n%b.c\n" % ((stage.nonce,) * 4)


@requirement("EXE-005")
@pytest.mark.parametrize("end", ["\n", "\n\n\n", " \n"])
def test_newlines_at_the_end_of_the_command(stage: Stage, end: str) -> None:
    """The task would be a command of its own."""
    program = stage.script("task", "echo executed")
    run = in_one_run(stage, "-x", "-c", f"echo one\necho two{end}", feed=program.encode() + b"\n")
    assert run.stdout == b"one\ntwo %b\n" % program.encode(), "the task was run"


@requirement("EXE-052")
@pytest.mark.parametrize("end", ["\\", "\\\n", "\\\n\n"])
def test_a_backslash_at_the_end_of_the_command(stage: Stage, end: str) -> None:
    run = in_one_run(stage, "-x", "-c", f"printf '<%s>' {end}", feed=b"a\n b\n")
    assert run.stdout == b"<a>\n< b>\n"


@requirement("EXE-005", "EXE-053")
@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("printf '<%s>' \\;", b"<;><a>\n"),
        ("printf '<%s>' 'x # y'", b"<x # y><a>\n"),
        ('printf "<%s>" "$(echo "x # y")"', b"<x # y><a>\n"),
        ("printf '<%s>' x#y", b"<x#y><a>\n"),
        ("printf '<%s>' ${#x} $((1 << 2))", b"<0><4><a>\n"),
        ("# it's a comment\nprintf '<%s>'", b"<a>\n"),
        ("cat <<E\n# E\nE\nprintf '<%s>'", b"# E\n<a>\n"),
        ("x='1 ;' printf '<%s>'", b"<a>\n"),
        ("case x in x) printf '<%s>' ;; esac; printf '<%s>'", b"<><a>\n"),
        ("echo x #\n", b"x\n"),
        ("echo x; :", b"x\n"),
    ],
)
def test_ends_of_commands_that_are_no_faults(stage: Stage, command: str, result: bytes) -> None:
    run = in_one_run(stage, "-x", "-c", command, feed=b"a\n")
    assert run.stdout == result


@requirement("EXE-005", "EXE-053")
@pytest.mark.parametrize(
    "command", ["echo x #", "echo x; #", "echo x & wait #", "echo x # no task, please #"]
)
def test_a_task_that_is_left_out(stage: Stage, command: str) -> None:
    run = in_one_run(stage, "-x", "-c", command, feed=b"a\nb\n")
    assert run.stdout == b"x\nx\n"


@requirement("EXE-053")
@pytest.mark.parametrize(
    "command",
    [
        "touch ran # comment",
        "touch ran # it's one;",
        "touch $(echo ran) # comment",
        "# comment",
        "touch x # comment\n",
    ],
)
def test_a_task_in_a_comment(stage: Stage, command: str) -> None:
    assert_no_place_for_the_task(stage, "-x", command)


@requirement("EXE-053")
@pytest.mark.parametrize("mode", ["-x", "-X"])
@pytest.mark.parametrize(
    "command",
    [
        "",
        " ",
        "\n",
        "touch ran;",
        "touch ran; \n",
        "touch ran &",
        "touch ran |",
        "touch ran &&",
        "touch ran ||",
        "touch ran; !",
        "x=1",
        "touch ran; x='a b' y=$(echo)",
        ">ran",
        "cat >ran <<E\ntext\nE\n",
        "cat >ran <<-'E'\n\ttext\n\tE\n",
    ],
)
def test_a_command_with_no_place_for_the_task(stage: Stage, command: str, mode: str) -> None:
    assert_no_place_for_the_task(stage, mode, command)


def assert_no_place_for_the_task(stage: Stage, mode: str, command: str) -> None:
    """The same call with another command is right, and this one is a usage error."""
    good = in_one_run(stage, "-x", "-c", "echo")
    assert good.stdout == b"a\n"
    program = stage.script("task", "touch ran")
    run = in_one_run(stage, mode, "-c", command, feed=program.encode() + b"\n", status=1)
    assert run.stdout == b""
    assert run.stderr.strip()
    assert not (stage.directory / "ran").exists()


@requirement("EXE-041", "EXE-053")
@pytest.mark.parametrize(
    "command", ["echo of @@;", "echo of @@ &", "echo of @@ # x", "cat <<E\nof @@\nE\n"]
)
def test_a_command_that_has_placed_the_task(stage: Stage, command: str) -> None:
    run = in_one_run(stage, "-J@@", "-c", command, feed=b"a\n")
    assert run.stdout == b"of a\n"


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


def variables_of_shells(stage: Stage, options: str) -> dict[str, str]:
    """Return variables that set these options, or let shells run a file."""
    file = stage.directory / ".zshenv"
    file.write_text("echo a file was run\nset -f\n")
    return {
        "SHELLOPTS": options,
        "BASHOPTS": "nullglob:dotglob",
        "BASH_COMPAT": "3.2",
        "POSIXLY_CORRECT": "y",
        "BASH_ENV": str(file),
        "ENV": str(file),
        "ZDOTDIR": str(stage.directory),
    }


SHELLS = [path for path in ("/bin/sh", "/bin/bash", "/bin/zsh") if Path(path).exists()]

#: Shows options: two tasks, a pattern that fits and a variable that is not set.
OPTIONS = 'false; set -o; touch .x.part; set -- *.part; echo "$1$2$unset$-"; :'


def with_variables(
    stage: Stage, shell: str, variables: dict[str, str], *, remote: bool, command: str
) -> Distributor:
    """Run a command for two tasks, where the distributor or the node has these variables."""
    (stage.directory / "one.part").touch()
    if not remote:
        environment = {**variables, "PAEXEC_SH": shell}
        run = stage.run("-n", "+1", "-x", "-c", command, feed=b"a\nb\n", environment=environment)
    else:
        place = ("-n", "host", "-t", stage.transport())
        run = stage.start(*place, "-x", "-c", command, environment={"PAEXEC_SH": shell})
        there = {"PATH": "/usr/bin:/bin", "HOME": str(stage.directory), **variables}
        stage.next_transport().run({k.encode(): v.encode() for k, v in there.items()})
        run.feed(b"a\nb\n")
        run.finish()
    assert run.status == 0
    return run


@requirement("EXE-050", "EXE-008")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("options", ["errexit:noglob", "noexec", "nounset:onecmd", "monitor:posix"])
def test_variables_set_no_options(stage: Stage, options: str, shell: str, remote: bool) -> None:
    (stage.directory / "x.part").touch()
    plain = with_variables(stage, shell, {}, remote=False, command=OPTIONS)
    assert b"one.part" in plain.stdout
    variables = variables_of_shells(stage, options)
    run = with_variables(stage, shell, variables, remote=remote, command=OPTIONS)
    assert run.stdout == plain.stdout, "options are set, or a file was run"


@requirement("EXE-051")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
@pytest.mark.parametrize("shell", SHELLS)
def test_commands_find_variables_of_shells(stage: Stage, shell: str, remote: bool) -> None:
    variables = variables_of_shells(stage, "noglob")
    bash = "bash" in shell or Path(shell).samefile("/bin/bash")
    names = ["BASH_ENV", "ENV", "ZDOTDIR"] if bash else list(variables)
    command = f"for i in {' '.join(names)}; do printenv $i; done; :"
    run = with_variables(stage, shell, variables, remote=remote, command=command)
    values = b"".join(variables[name].encode() + b"\n" for name in names)
    assert run.stdout == values * 2, "other variables"


@requirement("EXE-057")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
@pytest.mark.parametrize("command", ["env; :", "true & env; :"])
def test_no_variables_of_the_distributor(stage: Stage, command: str, remote: bool) -> None:
    variables = variables_of_shells(stage, "noglob")
    run = with_variables(stage, "/bin/sh", variables, remote=remote, command=command)
    known = {b"PATH", b"HOME", b"PWD", b"OLDPWD", b"SHLVL", b"_", *map(os.fsencode, variables)}
    if not remote:
        known |= {*os.environb, b"PAEXEC_SH"}
    found = {line.split(b"=")[0] for line in run.stdout.splitlines() if b"=" in line}
    assert b"PATH" in found
    # What has other names belongs to the suite, or to the system that the test runs on.
    unknown = {name for name in found - known if b"paexec" in name.lower()}
    assert {name for name in unknown if b"CONFORMANCE" not in name} == set()


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
    assert len(set(parents)) == 1, "the commands have several parents"


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
        "true ); touch ran; ( true",
        "true; }; touch ran; { true",
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


ERRORS = ["echo '", "echo (", "if true; then echo"]


@requirement("EXE-056", "EXE-011")
@pytest.mark.parametrize("option", ["-z", "-Z1"])
@pytest.mark.parametrize("command", ERRORS)
@pytest.mark.parametrize("nodes", ["+1", "+3"])
def test_an_error_in_the_command_line_is_no_death(
    stage: Stage, nodes: str, command: str, option: str
) -> None:
    assert_no_death(stage, "-n", nodes, option, command=command)


@requirement("EXE-056", "EXE-011")
@pytest.mark.parametrize("command", ERRORS)
@pytest.mark.parametrize("nodes", ["+1", "+3"])
def test_nobody_waits_for_a_command_line_with_an_error(
    stage: Stage, nodes: str, command: str
) -> None:
    assert_no_death(stage, "-n", nodes, "-Z1", "-w", command=command)


def assert_no_death(stage: Stage, *options: str, command: str) -> None:
    """A run whose command has an error ends, without anything on standard output."""
    good = stage.run(*options, "-x", "-c", "echo", feed=b"a\n")
    assert good.stdout == b"a\n"
    run = stage.run(*options, "-gex", "-c", command, feed=b"a\nb\nc\nd\n")
    assert run.status == 1
    assert run.stdout == b"", "something was printed"


@requirement("EXE-054")
@pytest.mark.parametrize("length", [10, 100_000], ids=["short", "long"])
def test_a_command_that_is_not_needed(stage: Stage, length: int) -> None:
    words = "echo '" + "x" * length + "' ; echo"
    good = in_one_run(stage, "-x", "-c", words)
    assert good.stdout.endswith(b"x\na\n")
    run = stage.run("-n", "+4", "-x", "-c", words)
    assert (run.stdout, run.stderr, run.status) == (b"", b"", 0)


@requirement("EXE-054")
def test_arguments_that_are_not_needed(stage: Stage) -> None:
    words = ["x" * 100_000] * 10
    good = in_one_run(stage, "-x", "-C", "printf", "%.1s", *words)
    assert good.stdout == b"x" * 10 + b"a\n"
    run = stage.run("-n", "+2", "-x", "-C", "printf", "%.1s", *words)
    assert (run.stdout, run.stderr, run.status) == (b"", b"", 0)


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
    assert run.stdout == b"1 %b\n1 a\n2 %b\n2 b\n" % (line, line), "other results"


#: Prints what a command can find out about the shell that runs it, each word on its own line.
LOOK_ABOUT = """\
{ set; export; alias; trap; set -o; echo "$_" "$0" "$@"; typeset -f; declare -p
cat /proc/$PPID/cmdline /proc/$PPID/environ /proc/self/environ /proc/$$/cmdline /proc/$$/environ
} 2>/dev/null | tr -cs '[:alnum:]_-' '\\n' | grep -v '^$'
"""


@requirement("EXE-024", "EXE-055")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    "command", [LOOK_ABOUT, "true &\n" + LOOK_ABOUT, "sh ./look"], ids=["text", "&", "program"]
)
def test_no_command_knows_the_end_of_its_result(stage: Stage, command: str, shell: str) -> None:
    """Text that it finds by its own means, its name for the last task included, ends no result."""
    (stage.directory / "look").write_text(LOOK_ABOUT)
    end = "; echo; echo the end; :" if command.startswith("sh") else "echo; echo the end; :"
    run = stage.run(
        "-n",
        "+1",
        "-l",
        "-x",
        "-c",
        command + end,
        feed=b"a\nb\nc\n",
        environment={"PAEXEC_SH": shell},
    )
    assert run.status == 0
    for task_id in (b"1 ", b"2 ", b"3 "):
        lines = [line for line in run.stdout.splitlines() if line.startswith(task_id)]
        assert len(lines) > 5
        assert lines[-1] == task_id + b"the end"
        assert lines.count(lines[-1]) == 1
    assert run.stdout.endswith(b"3 the end\n")


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
    run = in_one_run(stage, *options, "-le", "-c", "echo x; :", feed=b"a\n")
    result = b"" if "-X" in options else b"1 x\n"
    assert run.stdout == result + b"1 %b\n" % eot


@requirement("EXE-027", "OPT-005")
@pytest.mark.parametrize("option", ["-x", "-X", "-J@@"])
def test_options_beat_the_variable_of_the_eot(stage: Stage, option: str) -> None:
    run = stage.run(
        "-n", "+1", option, "-e", "-c", ":", feed=b"a\n", environment={"PAEXEC_EOT": "END"}
    )
    assert run.stdout == (b"" if option == "-X" else b"\n") + MAGIC_EOT + b"\n"
    assert run.status == 0


@requirement("EOT-020")
@pytest.mark.parametrize("own", [None, "", "OWN"])
@pytest.mark.parametrize("options", [("-x",), ("-X",), ("-x", "-y")], ids=" ".join)
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_commands_are_not_told(
    stage: Stage, options: tuple[str, ...], own: str | None, remote: bool
) -> None:
    assert_not_told(stage, *options, own=own, remote=remote)


@requirement("EOT-020")
@pytest.mark.parametrize("own", [None, "", "OWN"])
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_commands_are_not_told_another_eot(stage: Stage, own: str | None, remote: bool) -> None:
    assert_not_told(stage, "-x", "-mt=END", own=own, remote=remote)


def assert_not_told(stage: Stage, *options: str, own: str | None, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    command = 'echo "${PAEXEC_EOT-unset}" >&2; echo "${PAEXEC_EOT-unset}" >found; :'
    environment = {} if own is None else {"PAEXEC_EOT": own}
    run = stage.start(*place, *options, "-c", command, environment=environment)
    if remote:
        stage.next_transport().run(environment={b"PATH": b"/usr/bin:/bin"})
    run.feed(b"a\n")
    assert run.finish() == 0
    found = stage.directory / "found"
    assert found.exists(), "the command was not run"
    assert found.read_text() == ("unset" if own is None else own) + "\n"


@requirement("EOT-020")
@pytest.mark.parametrize("options", [("-x",), ("-x", "-mt=END")], ids=" ".join)
def test_a_distributor_within_a_command(stage: Stage, options: tuple[str, ...]) -> None:
    """Its calculators end results with an empty line."""
    calculator = stage.script("calculator", 'while read -r task; do echo "<$task>"; echo; done')
    within = f"{stage.distributor()} -n +1 -c {calculator}"
    program = stage.script("within", f'printf \'%s-1\\n%s-2\\n\' "$1" "$1" | {within}')
    run = stage.run("-n", "+1", *options, "-C", program, feed=b"a\n")
    assert run.stdout == b"<a-1>\n<a-2>\n"
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
