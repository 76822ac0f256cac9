"""Chapter *Options and usage errors*."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from conformance.harness import features
from conformance.harness.usage import CALCULATOR, DIRECTORY, Call, assert_works, call, refuse

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


def outputs(stage: Stage, *words: str, **variables: str) -> bytes:
    """Return the output for two tasks with one local calculator; the run must end well."""
    stage.reply_with_results()
    run = stage.run(*words, environment=variables, feed=b"a\nb\n")
    assert stage.next_calculator().tasks == [b"a", b"b"], "not both tasks were done"
    assert run.status == 0
    return run.stdout


def lines(stage: Stage, form: bytes) -> bytes:
    """Two lines of output, one for each task: in ``form`` %r stands for its result, %n its id."""
    return b"".join(
        form.replace(b"%r", stage.result(task)).replace(b"%n", number) + b"\n"
        for task, number in ((b"a", b"1"), (b"b", b"2"))
    )


# Syntax


@requirement("OPT-001")
@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("-n", "+1", "-c", CALCULATOR), b"%r"),
        (("-n+1", "-c" + CALCULATOR), b"%r"),
        (("-l", "-r", "-n", "+1", "-c", CALCULATOR), b"0 %n %r"),
        (("-lrn", "+1", "-c", CALCULATOR), b"0 %n %r"),
        (("-lrn+1", "-c", CALCULATOR), b"0 %n %r"),
        (("-lrec" + CALCULATOR, "-n+1"), b"0 %n %r\n0 %n "),
        (("-m", "t=", "-n", "+1", "-c", CALCULATOR), b"%r"),
        (("-emt=", "-n", "+1", "-c", CALCULATOR), b"%r\n"),
        (("-l", "-l", "-ll", "-n", "+1", "-c", CALCULATOR), b"%n %r"),
    ],
)
def test_getopt_syntax(stage: Stage, words: tuple[str, ...], form: bytes) -> None:
    filled = [word.replace(CALCULATOR, stage.calculator()) for word in words]
    assert outputs(stage, *filled) == lines(stage, form)


@requirement("OPT-001")
def test_a_value_can_look_like_an_option(stage: Stage) -> None:
    """``-t -l`` names a transport ``-l``: it does not set prefixes."""
    (stage.directory / "-l").symlink_to(stage.calculator())
    path = f"{stage.directory}:{os.environ['PATH']}"
    assert outputs(stage, "-n", "h", "-c", "exit 1", "-t", "-l", PATH=path) == lines(stage, b"%r")


@requirement("OPT-002")
@pytest.mark.parametrize("turn", [0, 2, 4])
def test_any_order(stage: Stage, turn: int) -> None:
    pairs = [("-n", "+1"), ("-c", stage.calculator()), ("-l",), ("-r",), ("-mt=",)]
    words = [word for pair in pairs[turn:] + pairs[:turn] for word in pair]
    assert outputs(stage, *words) == lines(stage, b"0 %n %r")


@requirement("OPT-002")
def test_free_arguments_can_be_announced_first(stage: Stage) -> None:
    words = ("-C", "-l", "-n", "+1", "-r", stage.calculator(), "x")
    assert outputs(stage, *words) == lines(stage, b"0 %n %r")
    assert stage.calculators[0].words == [b"x"]


@requirement("OPT-003")
@pytest.mark.parametrize("dashes", [(), ("--",)])
def test_free_arguments_end_the_options(stage: Stage, dashes: tuple[str, ...]) -> None:
    free = ["-l", "-r", "--", "-n", "+3", "-h", "--help", "-"]
    words = ("-n", "+1", "-C", *dashes, stage.calculator(), *free)
    assert outputs(stage, *words) == lines(stage, b"%r")
    assert stage.calculators[0].words == [word.encode() for word in free]


@requirement("OPT-003")
def test_a_program_that_looks_like_an_option(stage: Stage) -> None:
    (stage.directory / "-l").symlink_to(stage.calculator())
    path = f"{stage.directory}:{os.environ['PATH']}"
    words = ("-n", "+1", "-C", "--", "-l", "x")
    assert outputs(stage, *words, PATH=path) == lines(stage, b"%r")
    assert stage.calculators[0].words == [b"x"]


@requirement("OPT-004")
def test_the_last_number_of_nodes_wins(stage: Stage) -> None:
    stage.reply_with_results()
    run = stage.start("-n", "+1", "-n", ",bad", "-n", "+2", "-c", stage.calculator())
    stage.next_calculators(2)
    assert run.finish() == 0
    assert len(stage.calculators) == 2


@requirement("OPT-004")
def test_the_last_command_wins(stage: Stage) -> None:
    command = stage.calculator()
    words = ("-c", f"{command} wrong", "-n", "+1", "-c", f"{command} right")
    assert outputs(stage, *words) == lines(stage, b"%r")
    assert stage.calculators[0].words == [b"right"]


@requirement("OPT-004")
def test_the_last_transport_wins(stage: Stage) -> None:
    stage.connect = True
    transport = stage.transport()
    words = ("-n", "h", "-t", f"{transport} wrong", "-t", f"{transport} right")
    assert outputs(stage, *words, "-c", stage.calculator()) == lines(stage, b"%r")
    assert [fake.words[:-1] for fake in stage.transports] == [[b"right", b"h"]]


@requirement("OPT-004")
def test_the_last_word_for_the_same_wins(stage: Stage) -> None:
    words = ("-emt=wrong", "-ms=a", "-mt=", "-n", "+1", "-c", stage.calculator())
    assert outputs(stage, *words) == lines(stage, b"%r\n")


@requirement("OPT-005")
def test_options_beat_all_variables(stage: Stage) -> None:
    stage.connect = True
    words = ("-n", "h", "-t", stage.transport(), "-mt=", "-c", stage.calculator())
    variables = {"PAEXEC_NODES": "+5", "PAEXEC_TRANSPORT": "false", "PAEXEC_EOT": "END"}
    assert outputs(stage, *words, **variables) == lines(stage, b"%r")
    assert len(stage.calculators) == len(stage.transports) == 1


# Options and variables without effect


@requirement("OPT-006")
@pytest.mark.parametrize(
    "options",
    [
        ("-ms=ok", "-mf=ko", "-mF=gone", "-md=,", "-mw=heavy"),
        ("-ms=", "-mf=", "-mF=", "-md=", "-mw="),
    ],
    ids=["set", "empty"],
)
def test_keys_without_effect(stage: Stage, options: tuple[str, ...]) -> None:
    """The words that have a meaning elsewhere are lines like any others here."""
    words = [b"ok", b"ko", b"success", b"failure", b"heavy", b"gone", b"fatal", b"a,b"]
    result = b"".join(word + b"\n" for word in [stage.nonce, *words])
    stage.reply = lambda _: result + b"\n"
    feed = b"heavy t 5\nweight: t 5\na,b\na b\n"
    run = stage.run("-n", "+1", *options, "-c", stage.calculator(), feed=feed)
    assert stage.next_calculator().received == feed
    assert run.stdout == result * 4
    assert run.status == 0


@requirement("OPT-007")
@pytest.mark.parametrize("value", ["1", "100000", "0", "-1", "x"])
def test_the_size_of_buffers(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-l", "-c", stage.calculator())
    assert outputs(stage, *words, PAEXEC_BUFSIZE=value) == lines(stage, b"%n %r")


@requirement("OPT-008")
def test_debugging_leaves_standard_output_alone(stage: Stage) -> None:
    words = ("-d", "-n", "+1", "-lre", "-c", stage.calculator())
    assert outputs(stage, *words) == lines(stage, b"0 %n %r\n0 %n "), "-d changed the output"


@requirement("OPT-008")
def test_debugging_a_graph_leaves_standard_output_alone(stage: Stage) -> None:
    """There is more to tell about it: weights, what waits for what, what failed."""
    stage.reply = lambda task: stage.result(task) + b"\nfailure\n\n"
    feed = b"weight: a 2\na b\nb c\n"
    run = stage.run("-d", "-n", "+1", "-lg", "-c", stage.calculator(), feed=feed)
    assert stage.tasks == [b"a"]
    result = stage.result(b"a")
    assert run.stdout == b"1 " + result + b"\n1 failure\n1 a b c\n", "-d changed the output"
    assert run.status == 0


# Help and version


def run_on_file(stage: Stage, *options: str) -> tuple[int, bytes, bytes, int]:
    """Status, output, error output and the octets read of a call that has work but is asked.

    ``CALL`` among the options stands for nodes and calculator.
    """
    path = stage.directory / "tasks"
    path.write_bytes(b"a\nb\n")
    stdin = os.open(path, os.O_RDONLY)
    try:
        whole = ("-n", "+1", "-c", stage.calculator())
        words = [word for option in options for word in (whole if option == "CALL" else [option])]
        run = stage.start(*words, stdin=stdin)
        status = run.wait()
        return status, run.stdout, run.stderr, os.lseek(stdin, 0, os.SEEK_CUR)
    finally:
        os.close(stdin)


#: The options that each distributor has, by what they are for.
OPTIONS = {
    "tasks": ["-n", "-t", "-c", "-C", "-0", "-y", "-m"],
    "output": ["-e", "-E", "-i", "-I", "-r", "-l", "-p"],
    "graphs": ["-g", "-s"],
    "weights": ["-W"],
    "deaths": ["-z", "-Z", "-w"],
    "commands": ["-x", "-X", "-J"],
    "information": ["-d", "-h", "-V"],
}

#: How the help, or the version, can be asked for: by itself, before and after what is to be run.
ASKED = [("%s",), ("%s", "CALL"), ("CALL", "%s"), ("-lr%s", "CALL"), ("-c", "true", "%s")]


def ways_to_ask(letter: str) -> list[tuple[str, ...]]:
    """The calls that ask by an option of this letter."""
    return [
        tuple(word.replace("-lr%s", f"-lr{letter}").replace("%s", f"-{letter}") for word in words)
        for words in ASKED
    ]


def options_in(text: bytes) -> set[str]:
    """The options that a help names."""
    return set(re.findall(r"(?<![\w-])--?\w[\w-]*", text.decode(errors="replace")))


@requirement("OPT-010")
@pytest.mark.parametrize("words", ways_to_ask("h"), ids=" ".join)
def test_help(stage: Stage, words: tuple[str, ...]) -> None:
    assert_works(stage, call("-n", "+1", "-c", CALCULATOR))
    started = stage.started
    status, stdout, stderr, read = run_on_file(stage, *words)
    assert status == 0
    assert (stage.started, read) == (started, 0)
    assert {"-n", "-c", "-h"} <= options_in(stdout + stderr)


@requirement("OPT-010")
@pytest.mark.parametrize("kind", OPTIONS)
def test_the_help_names_each_option(stage: Stage, kind: str) -> None:
    assert_works(stage, call("-n", "+1", "-c", CALCULATOR))
    run = stage.run("-h")
    assert run.status == 0
    named = options_in(run.stdout + run.stderr)
    assert [option for option in OPTIONS[kind] if option not in named] == [], "not named"


#: A value of each option that a distributor may lack and that takes one.
VALUES = {
    "--prefetch": ["20"],
    "--finish-timeout": ["20"],
    "--line-limit": ["1M"],
    "--exit-status": ["tasks"],
    "--retries": ["2"],
    "--crash-limit": ["2", "-z"],
    "--timeout": ["1000"],
    "--halt": ["never"],
    "--delay": ["0.01"],
    "--limit": ["1000"],
    "--hostfile": [f"{DIRECTORY}/hosts"],
    "--transport-argv": ["false %n"],
    "--joblog": ["log"],
    "--output": ["file"],
    "--tagstring": ["of {}"],
    "--trace": ["file"],
    "--report": ["file"],
    "--stderr": ["tag"],
    "--results": ["results"],
    "--stuck": ["1000"],
    "--heartbeat": ["1000"],
}


@requirement("OPT-012", "OPT-023")
@pytest.mark.parametrize("option", features.OPTIONS)
def test_options_that_may_be_missing(stage: Stage, option: str) -> None:
    """Options in the help work, others are refused; the profile says the same."""
    help_run = stage.run("-h")
    assert help_run.status == 0
    words = options_in(help_run.stdout + help_run.stderr)
    assert "-n" in words, f"this is no help: {help_run.stdout!r}"
    values = VALUES.get(option, [])
    (stage.directory / "hosts").write_text("localhost\n")
    nodes = () if option == "--hostfile" else ("-n", "+1")
    extended = call(option, *values, *nodes, "-c", CALCULATOR)
    named = option in words
    assert stage.features.get(option, named) == named, f"profile and help disagree on {option}"
    if option in {"--output", "--dry-run"} and named:
        # Their purpose is that other octets are on standard output.
        stage.reply_with_results()
        run = stage.run(option, *values, "-n", "+1", "-c", stage.calculator(), feed=b"t\n")
        assert run.status == 0, "it does not work"
    elif named:
        assert_works(stage, extended, {"--tag": b"t\t", "--tagstring": b"of t\t"}.get(option, b""))
    else:
        refuse(stage, extended, GOOD)


@requirement("OPT-011")
@pytest.mark.parametrize("words", ways_to_ask("V"), ids=" ".join)
def test_version(stage: Stage, words: tuple[str, ...]) -> None:
    assert_works(stage, call("-n", "+1", "-c", CALCULATOR))
    started = stage.started
    status, stdout, _, read = run_on_file(stage, *words)
    assert status == 0
    assert (stage.started, read) == (started, 0)
    assert stdout.count(b"\n") == 1
    assert stdout.endswith(b"\n")
    assert len(stdout.split()) >= 2, f"a name and a version: {stdout!r}"
    assert any(octet in b"0123456789" for octet in stdout), f"no version: {stdout!r}"


# Usage errors

GOOD = call("-n", "+1", "-c", CALCULATOR)
GOOD_C = call("-n", "+1", "-C", CALCULATOR)

#: Name: the requirement, the bad call, the same without its fault, what a diagnostic names.
FAULTS: dict[str, tuple[str, Call, Call, str]] = {
    "unknown letter": ("OPT-023", call("-q", "-n", "+1", "-c", CALCULATOR), GOOD, "q"),
    "unknown letter in a word": (
        "OPT-023",
        call("-lqr", "-n", "+1", "-c", CALCULATOR),
        call("-n", "+1", "-c", CALCULATOR),
        "q",
    ),
    "unknown long option": (
        "OPT-023",
        call("--no-such-option", "-n", "+1", "-c", CALCULATOR),
        GOOD,
        "-",
    ),
    "no value for -n": ("OPT-024", call("-c", CALCULATOR, "-n"), GOOD, "n"),
    "no value for -c": ("OPT-024", call("-n", "+1", "-c"), GOOD, "c"),
    "no value for -t": (
        "OPT-024",
        call("-n", "+1", "-c", CALCULATOR, "-t"),
        call("-n", "+1", "-c", CALCULATOR, "-t", ""),
        "t",
    ),
    "no value for -m": (
        "OPT-024",
        call("-n", "+1", "-c", CALCULATOR, "-m"),
        call("-n", "+1", "-c", CALCULATOR, "-m", "t="),
        "m",
    ),
    "no value for -Z": ("OPT-024", call("-n", "+1", "-c", CALCULATOR, "-Z"), GOOD, "Z"),
    "no value for -W": ("OPT-024", call("-n", "+1", "-c", CALCULATOR, "-W"), GOOD, "W"),
    "no value for -J": ("OPT-024", call("-n", "+1", "-c", CALCULATOR, "-J"), GOOD, "J"),
    "no value in a word": (
        "OPT-024",
        call("-c", CALCULATOR, "-len"),
        call("-c", CALCULATOR, "-n+1"),
        "n",
    ),
    "no nodes": ("OPT-025", call("-c", CALCULATOR), GOOD, "-n"),
    "no nodes with -C": ("OPT-025", call("-C", CALCULATOR), GOOD_C, "-n"),
    "no calculator": ("OPT-026", call("-n", "+1"), GOOD, "-c"),
    "free arguments without -C": (
        "OPT-027",
        call("-n", "+1", "-c", CALCULATOR, "free"),
        GOOD,
        "argument",
    ),
    "free arguments after --": (
        "OPT-027",
        call("-n", "+1", "-c", CALCULATOR, "--", "-l"),
        call("-n", "+1", "-c", CALCULATOR, "--"),
        "argument",
    ),
    "free arguments only": ("OPT-027", call("-n", "+1", CALCULATOR), GOOD_C, "argument"),
    "-C without arguments": ("OPT-028", call("-n", "+1", "-C"), GOOD_C, "argument"),
    "-C without arguments after --": ("OPT-028", call("-n", "+1", "-C", "--"), GOOD_C, "argument"),
    "-m without a key": ("OPT-029", call("-n", "+1", "-mx", "-c", CALCULATOR), GOOD, "-m"),
    "-m with an unknown key": ("OPT-029", call("-n", "+1", "-mx=y", "-c", CALCULATOR), GOOD, "-m"),
    "-m with an empty key": ("OPT-029", call("-n", "+1", "-m=y", "-c", CALCULATOR), GOOD, "-m"),
    "-m with a long key": ("OPT-029", call("-n", "+1", "-mtt=y", "-c", CALCULATOR), GOOD, "-m"),
    "-md= too long": (
        "OPT-029",
        call("-n", "+1", "-md=aa", "-c", CALCULATOR),
        call("-n", "+1", "-md=a", "-c", CALCULATOR),
        "-md",
    ),
    **{
        f"{quote} in -m{key}=": (
            "OPT-029",
            call("-n", "+1", f"-m{key}=a{quote}b", "-c", CALCULATOR),
            call("-n", "+1", f"-m{key}=ab", "-c", CALCULATOR),
            "-m",
        )
        for key in "sfF"
        for quote in "'\""
    },
}

_FAULTS_BY_REQUIREMENT = [
    pytest.param(bad, good, id=name, marks=requirement(number))
    for name, (number, bad, good, _) in FAULTS.items()
]


@requirement("OPT-020", "OPT-021")
@pytest.mark.parametrize(("bad", "good"), _FAULTS_BY_REQUIREMENT)
def test_usage_errors(stage: Stage, bad: Call, good: Call) -> None:
    refuse(stage, bad, good)


@requirement("OPT-027")
@pytest.mark.parametrize("mode", ["-x", "-X", "-J@@"])
def test_free_arguments_are_not_added_to_a_command(stage: Stage, mode: str) -> None:
    refuse(stage, call("-n", "+1", mode, "-c", "echo", "free"), GOOD)


@requirement("OPT-022")
@pytest.mark.parametrize("name", FAULTS)
def test_one_diagnostic_that_names_the_fault(stage: Stage, name: str) -> None:
    _, bad, _, named = FAULTS[name]
    stage.reply_with_results()
    run = bad.run(stage)
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
    assert named.encode() in run.stderr.split(b":", 1)[-1]


@requirement("OPT-020", "OPT-021")
@pytest.mark.parametrize("transport", ["-t", "variable"])
def test_nothing_is_started_by_a_transport(stage: Stage, transport: str) -> None:
    """Of a call with a good part and a bad one nothing is run."""
    good = call("-n", "a", "-t", CALCULATOR, "-c", "exit 1")
    bad = call("-n", "a", "-t", CALCULATOR, "-c", "exit 1", "-md=aa")
    if transport == "variable":
        good = call("-n", "a", "-c", "exit 1", PAEXEC_TRANSPORT=CALCULATOR)
        bad = call("-n", "a", "-c", "exit 1", "free", PAEXEC_TRANSPORT=CALCULATOR)
    refuse(stage, bad, good)


@requirement("OPT-060")
@pytest.mark.parametrize("key", ["s", "f", "F", "w"])
def test_no_newline_in_words(stage: Stage, key: str) -> None:
    bad, good = (call("-n", "+1", f"-m{key}={text}", "-c", CALCULATOR) for text in ("a\nb", "ab"))
    refuse(stage, bad, good)


# Traps


def one_command(stage: Stage, *words: str) -> Distributor:
    """Run a command for one task."""
    run = stage.run("-n", "+1", *words, feed=b"task\n")
    assert run.status == 0
    return run


@requirement("OPT-061")
@pytest.mark.parametrize("argument", ["{}/", "a{}", "{}{}"])
def test_a_replacement_that_no_shell_sees(stage: Stage, argument: str) -> None:
    run = one_command(stage, "-J{}", "-C", "printf", "<%s>", argument)
    assert run.stdout == b"<%s>\n" % argument.replace("{}", "$1").encode()
    assert run.stderr.count(b"\n") == 1, "not one diagnostic"
    assert argument.encode() in run.stderr


@requirement("OPT-062")
def test_braces_without_a_replacement(stage: Stage) -> None:
    run = one_command(stage, "-x", "-C", "printf", "<%s>", "{}")
    assert run.stdout == b"<{}><task>\n"
    assert run.stderr.count(b"\n") == 1, "not one diagnostic"
    assert b"{}" in run.stderr


@requirement("OPT-063")
@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["-J{}", "-C", "printf", "<%s>", "{}/"], b"<$1/>\n"),
        (["-x", "-C", "printf", "<%s>", "{}"], b"<{}><task>\n"),
    ],
    ids=["-J", "-x"],
)
def test_traps_of_commands_change_nothing(stage: Stage, words: list[str], output: bytes) -> None:
    assert one_command(stage, *words).stdout == output
