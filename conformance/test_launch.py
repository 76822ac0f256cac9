"""Chapter *Launching calculators*: the command, its environment, the transport."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, Call, call, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

#: The environment of another machine, which has nothing but a search path.
BARE = {b"PATH": b"/usr/bin:/bin"}

#: Words that a shell would take apart, expand or drop.
ODD_WORDS: list[str | bytes] = [
    "plain",
    "",
    "two words",
    "  ",
    "'",
    '"',
    'it\'s "quoted"',
    "\\",
    "back\\slash\\",
    "$HOME",
    "${HOME}",
    "$(echo x)",
    "`echo x`",
    "*",
    "~",
    "#",
    ";",
    "|",
    "&",
    ">x",
    "line\nline",
    "tab\ttab",
    "-l",
    "--",
    "%s",
    "!",
    b"\xff\xfe\x80",
]


def assert_one_task(stage: Stage, *options: str | bytes, **variables: str) -> None:
    """The call runs one calculator, locally or by a transport, that answers one task."""
    stage.connect = True
    stage.reply_with_results()
    run = stage.run(*options, environment=variables, feed=b"a\n")
    assert stage.next_calculator().tasks == [b"a"]
    assert run.stdout == stage.result(b"a") + b"\n"
    assert run.status == 0


# The command


@requirement("LCH-001")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_the_shell_runs_the_command(stage: Stage, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    command = f"""
        v='a  "b"' # a comment
        for w in x 'y z'; do set -- "$@" "$w"; done
        false || exec {stage.calculator()} "$v" "$@" '$v' "$(echo "it's")" \\\\ #
    """
    assert_one_task(stage, *place, "-c", command)
    words = stage.calculators[0].words
    assert words == [b'a  "b"', b"x", b"y z", b"$v", b"it's", b"\\"]


@requirement("LCH-001")
def test_a_command_that_is_no_text(stage: Stage) -> None:
    assert_one_task(stage, "-n", "+1", "-c", stage.calculator().encode() + b" \xff\xfe")
    assert stage.calculators[0].words == [b"\xff\xfe"]


@requirement("LCH-001")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_another_shell_runs_the_command(stage: Stage, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    shell = stage.script("other-shell", 'RUN_BY="other shell: $1" exec /bin/sh "$@"')
    command = f"v=1; exec {stage.calculator()} $v"
    assert_one_task(stage, *place, "-c", command, PAEXEC_SH=shell)
    assert stage.calculators[0].words == [b"1"]
    assert stage.calculators[0].environment.get(b"RUN_BY") == b"other shell: -c", "run by another"


@requirement("LCH-001")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_the_login_shell_does_not_run_the_command(stage: Stage, remote: bool) -> None:
    """The variable SHELL says what a user likes to type into."""
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    shell = stage.script("login-shell", 'RUN_BY="login shell" exec /bin/sh "$@"')
    command = f"v=1; exec {stage.calculator()} $v"
    assert_one_task(stage, *place, "-c", command, SHELL=shell)
    assert stage.calculators[0].words == [b"1"]
    assert b"RUN_BY" not in stage.calculators[0].environment, "run by the login shell"


@requirement("LCH-002")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_free_arguments_as_the_command(stage: Stage, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    assert_one_task(stage, *place, "-C", stage.calculator(), *ODD_WORDS)
    assert stage.calculators[0].words == [os.fsencode(word) for word in ODD_WORDS]


@requirement("LCH-002")
def test_a_program_with_an_odd_name(stage: Stage) -> None:
    name = "it's a $HOME \\ calculator"
    path = stage.directory / name
    path.symlink_to(stage.calculator())
    assert_one_task(stage, "-n", "+1", "-C", str(path))


@requirement("LCH-003")
def test_the_last_is_c(stage: Stage) -> None:
    command = f"{stage.calculator()} right"
    assert_one_task(stage, "-n", "+1", "-C", "-c", command)
    assert stage.calculators[0].words == [b"right"]


@requirement("LCH-003")
def test_the_last_is_free_arguments(stage: Stage) -> None:
    command = f"{stage.calculator()} wrong"
    assert_one_task(stage, "-n", "+1", "-c", command, "-C", stage.calculator(), "right")
    assert stage.calculators[0].words == [b"right"]


@requirement("LCH-004")
@pytest.mark.parametrize("length", [1000, 2000, 5000, 100_000])
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_long_commands(stage: Stage, length: int, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    end = f"; exec {stage.calculator()} end"
    command = ": " + "x" * (length - len(end) - 2) + end
    assert_one_task(stage, *place, "-c", command)
    assert stage.calculators[0].words == [b"end"]


@requirement("LCH-004")
@pytest.mark.parametrize("length", [2000, 100_000])
def test_long_free_arguments(stage: Stage, length: int) -> None:
    words = ["x" * 999] * (length // 1000)
    assert_one_task(stage, "-n", "+1", "-C", stage.calculator(), *words, "end")
    assert stage.calculators[0].words == [*(word.encode() for word in words), b"end"]


@requirement("LCH-004", "LCH-011")
@pytest.mark.parametrize("length", [2000, 50_000])
def test_long_values_in_the_environment(stage: Stage, length: int) -> None:
    value = "v" * length
    assert_one_task(
        stage,
        "-n",
        "host",
        "-t",
        stage.transport(),
        "-c",
        stage.calculator(),
        PAEXEC_ENV="LONG",
        LONG=value,
    )
    assert stage.calculators[0].environment.get(b"LONG") == value.encode()


@requirement("LCH-004", "LCH-021")
@pytest.mark.parametrize("length", [2000, 50_000])
def test_long_transports(stage: Stage, length: int) -> None:
    word = "w" * length
    transport = f"{stage.transport()} {word}"
    assert_one_task(stage, "-n", "host", "-t", transport, "-c", stage.calculator())
    assert stage.transports[0].words[:-1] == [word.encode(), b"host"]


@requirement("LCH-005")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_standard_error(stage: Stage, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    stage.connect = True
    run = stage.start(*place, "-c", stage.calculator())
    calculator = stage.next_calculator()
    calculator.write_stderr(stage.nonce)
    stage.wait("the calculator's message on standard error", lambda: stage.nonce in run.stderr)
    run.feed(b"a\n")
    calculator.next_task()
    calculator.answer()
    assert run.finish() == 0
    assert run.stdout == b""


@requirement("LCH-005")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_standard_error_is_the_same(stage: Stage, remote: bool) -> None:
    """Not a pipe of which the distributor passes on what it reads."""
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    stage.connect = True
    run = stage.start(*place, "-c", stage.calculator())
    assert stage.next_calculator().pipes()[2] == run.stderr_link
    assert run.finish() == 0


# The environment


@requirement("LCH-010")
def test_local_calculators_inherit(stage: Stage) -> None:
    values = {
        b"ODD": b'it\'s "$HOME"\n\\ \xff\xfe',
        b"EMPTY": b"",
        b"NONCE": stage.nonce,
        # Also what means something for the distributor: a calculator may start another one.
        b"PAEXEC_NODES": b"+2",
        b"PAEXEC_ENV": b"PATH",
    }
    stage.reply_with_results()
    run = stage.run("-n", "+1", "-c", stage.calculator(), environment=values, feed=b"a\n")
    found = stage.next_calculator().environment
    assert {name: found.get(name) for name in values} == values
    assert run.status == 0


def passed(stage: Stage, names: str, values: Mapping[str, str | bytes]) -> dict[bytes, bytes]:
    """The environment of a calculator on another machine, under ``PAEXEC_ENV`` and variables."""
    stage.reply_with_results()
    run = stage.start(
        "-n",
        "host",
        "-t",
        stage.transport(),
        "-c",
        stage.calculator(),
        environment={"PAEXEC_ENV": names, **values},
    )
    stage.next_transport().run(BARE)
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    assert run.finish() == 0
    assert run.stdout == stage.result(b"a") + b"\n"
    return calculator.environment


@requirement("LCH-011")
def test_variables_are_passed(stage: Stage) -> None:
    values = {f"V{number}": word for number, word in enumerate(ODD_WORDS)}
    found = passed(stage, " ".join(values), values)
    for name, value in values.items():
        assert found.get(os.fsencode(name)) == os.fsencode(value), name


@requirement("LCH-011")
def test_only_named_variables_are_passed(stage: Stage) -> None:
    """Shows that the test sees what PAEXEC_ENV passes and not what is inherited anyway."""
    found = passed(stage, "NAMED", {"NAMED": "1", "UNNAMED": "2"})
    assert found.get(b"NAMED") == b"1"
    assert b"UNNAMED" not in found


@requirement("LCH-011", "LCH-021")
def test_each_node_receives_the_same(stage: Stage) -> None:
    """Nothing is used up by the first one, such as a text that strtok() takes apart."""
    names = [b"h", b"i", b"j"]
    run = stage.start(
        *("-n", "h i j", "-t", f"{stage.transport()} -l 'a user'"),
        *("-C", stage.calculator(), "x y", "z"),
        environment={"PAEXEC_ENV": "A,B C", "A": "1", "B": "2", "C": "3"},
    )
    stage.wait("the start of 3 transports", lambda: len(stage.transports) == len(names))
    assert sorted(fake.words[:-1] for fake in stage.transports) == [
        [b"-l", b"a user", name] for name in names
    ]
    for fake in stage.transports:
        fake.run(BARE)
    for calculator in stage.next_calculators(len(names)):
        assert calculator.words == [b"x y", b"z"]
        found = calculator.environment
        assert [found.get(name) for name in (b"A", b"B", b"C")] == [b"1", b"2", b"3"]
    assert run.finish() == 0


@requirement("LCH-012")
@pytest.mark.parametrize("names", ["A B", "A,B", " ,A ,,  B, "])
def test_separators_of_names(stage: Stage, names: str) -> None:
    found = passed(stage, names, {"A": "1", "B": "2"})
    assert (found.get(b"A"), found.get(b"B")) == (b"1", b"2")


@requirement("LCH-012")
@pytest.mark.parametrize("names", ["", " , "])
def test_no_names(stage: Stage, names: str) -> None:
    assert b"A" not in passed(stage, names, {"A": "1"})


@requirement("LCH-013")
def test_unset_variables(stage: Stage) -> None:
    found = passed(stage, "UNSET,SET", {"SET": "1"})
    assert found.get(b"UNSET") == b""
    assert found.get(b"SET") == b"1"


@requirement("LCH-013", "LCH-011")
def test_unset_variables_of_a_local_calculator(stage: Stage) -> None:
    variables = {"PAEXEC_ENV": "UNSET,SET", "SET": "1"}
    assert_one_task(stage, "-n", "+1", "-c", stage.calculator(), **variables)
    found = stage.calculators[0].environment
    assert (found.get(b"UNSET"), found.get(b"SET")) == (b"", b"1")


@requirement("LCH-014")
@pytest.mark.parametrize("names", ["-i", "A -u", "A=1", "A,B=,C", "=", "A --"])
def test_bad_names_of_variables(stage: Stage, names: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(*words, PAEXEC_ENV=names), call(*words, PAEXEC_ENV="A B,C"))


# The transport


@requirement("LCH-020", "LCH-021")
def test_what_a_transport_receives(stage: Stage) -> None:
    stage.reply_with_results()
    transport = f"{stage.transport()} -l user"
    run = stage.start("-n", "host-1", "-t", transport, "-c", f"exec {stage.calculator()} a 'b c'")
    fake = stage.next_transport()
    assert fake.words[:3] == [b"-l", b"user", b"host-1"]
    assert len(fake.words) == 4
    fake.run(BARE)
    assert stage.next_calculator().words == [b"a", b"b c"]
    run.feed(b"a\n")
    assert run.finish() == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("LCH-020")
def test_standard_input_and_output_are_the_transports(stage: Stage) -> None:
    """A calculator within the transport itself: the command line is not even looked at."""
    stage.reply_with_results()
    run = stage.run("-n", "a b", "-t", stage.calculator(), "-c", "exit 1", feed=b"1\n2\n3\n")
    assert sorted(fake.words[0] for fake in stage.calculators) == [b"a", b"b"]
    assert sorted(stage.tasks) == [b"1", b"2", b"3"]
    assert sorted(run.stdout.splitlines()) == sorted(stage.result(b"%d" % n) for n in (1, 2, 3))
    assert run.status == 0


SPLIT: dict[str, tuple[str, list[bytes]]] = {
    "blanks": (" \t a  \t b ", [b"a", b"b"]),
    "newlines": ("a\nb \n c", [b"a", b"b", b"c"]),
    "quotes": (
        "'a b' \"c d\" a'b c'd\"e f\"g '' \"\" '\"' \"'\"",
        [b"a b", b"c d", b"ab cde fg", b"", b"", b'"', b"'"],
    ),
    "backslashes": (
        'a\\ b \\a\\\'\\" \'a\\b\' \'a\\\\b\' "a\\"b" "a\\\\b" "a\\b"',
        [b"a b", b"a'\"", b"a\\b", b"a\\\\b", b'a"b', b"a\\b", b"a\\b"],
    ),
    "ssh": ("-o 'ProxyCommand nc %h 22'", [b"-o", b"ProxyCommand nc %h 22"]),
}


@requirement("LCH-022")
@pytest.mark.parametrize("kind", SPLIT)
def test_words_of_a_transport(stage: Stage, kind: str) -> None:
    text, words = SPLIT[kind]
    transport = f"{stage.transport()} {text}"
    assert_one_task(stage, "-n", "host", "-t", transport, "-c", stage.calculator())
    assert stage.transports[0].words[:-1] == [*words, b"host"]


@requirement("LCH-022")
def test_a_transport_with_an_odd_name(stage: Stage) -> None:
    path = stage.directory / "my 'own' $transport"
    path.symlink_to(stage.transport())
    assert_one_task(stage, "-n", "h", "-t", shlex.quote(str(path)), "-c", stage.calculator())
    assert stage.transports[0].words[:-1] == [b"h"]


UNEXPANDED = {
    "variables": ["$HOME", "${HOME}x", '"$HOME"', "$1"],
    "commands": ["$(echo", "x)", "`echo", "x`"],
    "patterns": ["/et?/passw[d]", "/*", "~", "{a,b}"],
    "operators": ["a;b", "a|b", "a&b", "&&", "(a)", "!"],
    "redirections": [">out", "<in", "2>&1"],
    "comments": ["#a"],
}


@requirement("LCH-023")
@pytest.mark.parametrize("kind", UNEXPANDED)
def test_no_expansion_in_a_transport(stage: Stage, kind: str) -> None:
    transport = f"{stage.transport()} {' '.join(UNEXPANDED[kind])} last"
    assert_one_task(stage, "-n", "host", "-t", transport, "-c", stage.calculator())
    words = [word.strip('"').encode() for word in UNEXPANDED[kind]]
    assert stage.transports[0].words[:-1] == [*words, b"last", b"host"], "other words"


ODD_NAMES = [
    "h;id",
    "h$HOME",
    "h$(id)",
    "h`id`",
    "h|id",
    "h&",
    "h>x",
    "h'",
    'h"',
    "h\\",
    "h*",
    "h#",
]


@requirement("LCH-024", "LCH-021")
@pytest.mark.parametrize("names", [["h;id"], ["h$HOME"], ODD_NAMES], ids=["one", "another", "all"])
def test_the_nodes_name_is_not_evaluated(stage: Stage, names: list[str]) -> None:
    stage.connect = True
    run = stage.start("-n", " ".join(names), "-t", stage.transport(), "-c", stage.calculator())
    calculators = stage.next_calculators(len(names))
    run.feed(b"a\n" * len(names))
    for calculator in calculators:
        calculator.next_task()
        calculator.answer()
    assert run.finish() == 0
    received = sorted(fake.words[:-1] for fake in stage.transports)
    assert received == sorted([name.encode()] for name in names), "other names"


@requirement("LCH-025")
def test_the_variable_sets_the_transport(stage: Stage) -> None:
    transport = f"{stage.transport()} 'a b'"
    assert_one_task(stage, "-n", "host", "-c", stage.calculator(), PAEXEC_TRANSPORT=transport)
    assert stage.transports[0].words[:-1] == [b"a b", b"host"]


@requirement("LCH-025", "OPT-005")
def test_the_option_beats_the_variable(stage: Stage) -> None:
    assert_one_task(
        stage,
        "-n",
        "host",
        "-t",
        f"{stage.transport()} right",
        "-c",
        stage.calculator(),
        PAEXEC_TRANSPORT=f"{stage.transport()} wrong",
    )
    assert [fake.words[:-1] for fake in stage.transports] == [[b"right", b"host"]]


@requirement("LCH-026", "LCH-029")
@pytest.mark.parametrize("value", ["", " ", " \t "], ids=["empty", "blank", "blanks"])
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
def test_no_transport(stage: Stage, value: str, by_option: bool) -> None:
    option = ("-t", value) if by_option else ()
    variables = {} if by_option else {"PAEXEC_TRANSPORT": value}
    assert_one_task(stage, "-n", "host", *option, "-c", stage.calculator(), **variables)


@requirement("LCH-026")
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_option_overrides_the_variable(stage: Stage, value: str) -> None:
    command = ("-c", stage.calculator())
    transport = stage.transport()
    assert_one_task(stage, "-n", "host", "-t", value, *command, PAEXEC_TRANSPORT=transport)
    assert not stage.transports, "the transport was run"


@requirement("LCH-027")
@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("'", "''"),
        ('"', '""'),
        ("a 'b", "a 'b'"),
        ("a \"b'", 'a "b\'"'),
        ('"a\\"', '"a\\""'),
        ("a \\", "a \\\\"),
    ],
    ids=["single", "double", "second word", "other kind", "quoted quote", "backslash"],
)
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
def test_unbalanced_quotes(stage: Stage, bad: str, good: str, by_option: bool) -> None:
    """The transport is a calculator here, which needs no connecting."""

    def with_transport(words: str) -> Call:
        transport = f"{CALCULATOR} {words}"
        if by_option:
            return call("-n", "a", "-c", "exit 1", "-t", transport)
        return call("-n", "a", "-c", "exit 1", PAEXEC_TRANSPORT=transport)

    refuse(stage, with_transport(bad), with_transport(good))


@requirement("LCH-028")
@pytest.mark.parametrize("kind", ["missing", "missing path", "not executable"])
def test_a_transport_that_cannot_be_run(stage: Stage, kind: str) -> None:
    stage.connect = True
    stage.reply_with_results()
    (stage.directory / "plain").write_text("")
    transport = {
        "missing": f"no-such-transport-{stage.nonce.decode()}",
        "missing path": f"{stage.directory}/missing",
        "not executable": f"{stage.directory}/plain",
    }[kind]
    good = stage.run("-n", "host", "-t", stage.transport(), "-c", stage.calculator(), feed=b"a\n")
    assert good.stdout == stage.result(b"a") + b"\n"
    started = stage.started
    bad = stage.run("-n", "host", "-t", transport, "-c", stage.calculator(), feed=b"a\n")
    assert bad.status == 1
    assert bad.stderr, "no diagnostic"
    assert bad.stdout == b""
    assert stage.started == started


@requirement("LCH-029")
def test_names_without_a_transport(stage: Stage) -> None:
    run = stage.start("-n", "a b", "-r", "-c", stage.calculator())
    run.feed(b"1\n2\n")
    for task in (b"1", b"2"):
        stage.holder(task).answer(stage.nonce)
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [b"a " + stage.nonce, b"b " + stage.nonce]
    assert len(stage.calculators) == 2
