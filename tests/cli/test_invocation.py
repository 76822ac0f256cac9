"""Calls understood in memory: every option, every variable, and which of them wins."""

from __future__ import annotations

import os

import pytest

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation, parse
from paexec_trio.cli.syntax import HelpRequested
from paexec_trio.core.calculators import Calculator, CommandPerTask
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import AUTO, MAGIC_EOT, GraphSettings, Reassign
from paexec_trio.core.weights import Weighting

Environment = dict[bytes, bytes]


def interpret(*arguments: str | bytes, environment: Environment | None = None) -> Invocation:
    return parse("paexec", [os.fsdecode(argument) for argument in arguments], environment or {})


def complete(*arguments: str | bytes, environment: Environment | None = None) -> Invocation:
    """Understand a call that has nodes and a calculator besides these arguments."""
    return interpret("-n", "a b", "-c", "calc", *arguments, environment=environment)


def complaint(*arguments: str | bytes, environment: Environment | None = None) -> bytes:
    with pytest.raises(UsageError) as caught:
        interpret(*arguments, environment=environment)
    return caught.value.message


def test_the_least_that_a_call_needs() -> None:
    call = interpret("-n", "+2", "-c", "calc")
    assert call.settings.program == b"paexec"
    assert call.settings.nodes == (b"0", b"1")
    assert call.settings.eot == b""
    assert call.settings.terminator == b"\n"
    assert not call.settings.show_node
    assert not call.settings.show_task_id
    assert not call.settings.show_pid
    assert not call.settings.print_eot
    assert not call.settings.print_task
    assert call.launch.command == Calculator(b"calc")
    assert call.launch.transport == ()
    assert call.launch.shell == b"/bin/sh"
    assert call.launch.variables == {b"PAEXEC_EOT": b""}
    assert not call.debug


@pytest.mark.parametrize(
    ("option", "field"),
    [
        ("-r", "show_node"),
        ("-l", "show_task_id"),
        ("-p", "show_pid"),
        ("-e", "print_eot"),
        ("-E", "print_eot"),
        ("-i", "print_task"),
        ("-I", "print_task"),
    ],
)
def test_switches_set_one_thing_each(option: str, field: str) -> None:
    with_it, without = complete(option).settings, complete().settings
    names = [name for name in without._fields if getattr(without, name) is False]
    assert {name for name in names if getattr(with_it, name)} == {field}
    assert with_it.terminator == without.terminator


def test_nul_as_terminator() -> None:
    assert complete("-0").settings.terminator == b"\0"


def test_debugging() -> None:
    assert complete("-d").debug


# The syntax of getopt


@pytest.mark.parametrize(
    "arguments",
    [
        ("-l", "-r", "-n", "+1", "-c", "calc"),
        ("-lr", "-n+1", "-ccalc"),
        ("-rln+1", "-c", "calc"),
        ("-c", "calc", "-rl", "-n", "+1"),
        ("-c", "calc", "-n", "+1", "-l", "-r", "--"),
        ("-lrc", "calc", "-n", "+1", "-l"),
    ],
)
def test_ways_to_write_the_same_call(arguments: tuple[str, ...]) -> None:
    """OPT-001, OPT-002."""
    assert interpret(*arguments) == interpret("-l", "-r", "-n", "+1", "-c", "calc")


def test_a_value_may_look_like_an_option() -> None:
    assert interpret("-n", "+1", "-c", "-l").launch.command == Calculator(b"-l")
    assert not interpret("-n", "+1", "-c", "-l").settings.show_task_id


@pytest.mark.parametrize(
    ("option", "value", "other"), [("-n", "b", "a"), ("-c", "other", "calc"), ("-t", "rsh", "ssh")]
)
def test_the_last_value_wins(option: str, value: str, other: str) -> None:
    """OPT-004."""
    assert complete("-t", "ssh", option, other, option, value) == complete(
        "-t", "ssh", option, value
    )


def test_what_follows_on_a_free_argument_is_free() -> None:
    """OPT-003."""
    call = interpret("-n", "+1", "-C", "calc", "-l", "--", "-n", "x")
    assert call.launch.command == Calculator((b"calc", b"-l", b"--", b"-n", b"x"))
    assert call.settings.nodes == (b"0",)
    assert not call.settings.show_task_id


def test_two_hyphens_end_the_options() -> None:
    """OPT-003."""
    assert interpret("-n", "+1", "-C", "--", "-l").launch.command == Calculator((b"-l",))


# Information


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["-h"], "-h"),
        (["--help"], "-h"),
        (["-V"], "-V"),
        (["--version"], "-V"),
        (["-lrh"], "-h"),
        (["-n", "", "-h", "free"], "-h"),
        (["-Vh"], "-V"),
    ],
)
def test_information_is_given_whatever_else_the_call_says(
    arguments: list[str], option: str
) -> None:
    """OPT-010, OPT-011."""
    with pytest.raises(HelpRequested) as caught:
        interpret(*arguments)
    assert caught.value.option == option


# Nodes and transport


def test_nodes_of_the_environment() -> None:
    """NOD-007, OPT-005."""
    environment = {b"PAEXEC_NODES": b"x y"}
    assert interpret("-c", "calc", environment=environment).settings.nodes == (b"x", b"y")
    assert complete(environment=environment).settings.nodes == (b"a", b"b")


def test_nodes_of_the_environment_are_checked_as_well() -> None:
    for value in (b"", b"+0", b",x"):
        message = complaint("-c", "calc", environment={b"PAEXEC_NODES": value})
        assert message == b"invalid argument for option -n: '" + value + b"'"


def test_nodes_of_the_environment_that_are_not_used_are_not_checked() -> None:
    assert complete(environment={b"PAEXEC_NODES": b",x"}).settings.nodes == (b"a", b"b")


def test_the_transport_is_split_into_words() -> None:
    """LCH-022."""
    assert complete("-t", "ssh -o 'A B'").launch.transport == (b"ssh", b"-o", b"A B")


def test_the_transport_of_the_environment() -> None:
    """LCH-025, OPT-005."""
    environment = {b"PAEXEC_TRANSPORT": b"rsh -x"}
    assert complete(environment=environment).launch.transport == (b"rsh", b"-x")
    assert complete("-t", "ssh", environment=environment).launch.transport == (b"ssh",)


@pytest.mark.parametrize("value", [b"", b" ", b"\t \t"])
def test_an_empty_transport_is_none(value: bytes) -> None:
    """LCH-026."""
    assert complete("-t", value).launch.transport == ()
    assert complete(environment={b"PAEXEC_TRANSPORT": value}).launch.transport == ()
    assert complete("-t", value, environment={b"PAEXEC_TRANSPORT": b"rsh"}).launch.transport == ()


def test_a_count_of_nodes_drops_the_transport() -> None:
    """NOD-002: even one that could not be understood."""
    environment = {b"PAEXEC_TRANSPORT": b"rsh"}
    call = interpret("-n", "+1", "-c", "calc", "-t", "ssh", environment=environment)
    assert call.launch.transport == ()
    assert interpret("-n", "+1", "-c", "calc", "-t", "'").launch.transport == ()


@pytest.mark.parametrize("value", ["ssh '", 'ssh "', "ssh \\"])
def test_unbalanced_quotes_in_the_transport(value: str) -> None:
    """LCH-027."""
    message = complaint("-n", "a", "-c", "calc", "-t", value)
    assert message == b"unbalanced quotes in the transport: " + value.encode()


# The calculator


def test_free_arguments_are_an_argument_vector() -> None:
    """LCH-002, LCH-035: nothing has to be quoted."""
    call = interpret("-n", "+1", "-C", "calc", "a b", "it's", "", b"\xff", "$x")
    assert call.launch.command == Calculator((b"calc", b"a b", b"it's", b"", b"\xff", b"$x"))


def test_the_last_of_c_and_free_arguments_wins() -> None:
    """LCH-003."""
    assert interpret("-n", "+1", "-c", "x", "-C", "calc").launch.command == Calculator((b"calc",))
    assert interpret("-n", "+1", "-C", "-c", "x").launch.command == Calculator(b"x")
    assert interpret("-n", "+1", "-C", "-c", "x", "-C", "y").launch.command == Calculator((b"y",))


def test_the_shell_of_the_environment() -> None:
    """LCH-001."""
    assert complete(environment={b"PAEXEC_SH": b"/bin/ksh"}).launch.shell == b"/bin/ksh"
    assert complete(environment={b"PAEXEC_SH": b""}).launch.shell == b"/bin/sh"


# The EOT


@pytest.mark.parametrize(
    ("arguments", "eot"),
    [
        ([], b""),
        (["-mt=end"], b"end"),
        (["-m", "t=end of task"], b"end of task"),
        (["-mt="], b""),
        (["-mt=a=b"], b"a=b"),
        ([b"-mt=\xff"], b"\xff"),
        (["-mt='\""], b"'\""),
        (["-y"], MAGIC_EOT),
        (["-y", "-mt=end"], b"end"),
        (["-mt=end", "-y"], MAGIC_EOT),
        (["-y", "-mt="], b""),
        (["-mt=a", "-mt=b"], b"b"),
        (["-mt=a", "-ms=b"], b"a"),
    ],
)
def test_the_eot(arguments: list[str | bytes], eot: bytes) -> None:
    """EOT-003, EOT-004, EOT-006, EOT-007, EOT-009."""
    call = complete(*arguments)
    assert call.settings.eot == eot
    assert call.launch.variables[b"PAEXEC_EOT"] == eot


def test_the_eot_of_the_environment() -> None:
    """EOT-005, OPT-005."""
    environment = {b"PAEXEC_EOT": b"theirs"}
    assert complete(environment=environment).settings.eot == b"theirs"
    assert complete("-mt=ours", environment=environment).settings.eot == b"ours"
    assert complete("-mt=", environment=environment).settings.eot == b""
    assert complete("-y", environment=environment).settings.eot == MAGIC_EOT
    assert complete("-ms=x", environment=environment).settings.eot == b"theirs"


@pytest.mark.parametrize("option", ["-x", "-X", "-J@@"])
def test_the_eot_of_one_command_for_each_task(option: str) -> None:
    """EXE-027."""
    environment = {b"PAEXEC_EOT": b"theirs"}
    assert complete(option, environment=environment).settings.eot == MAGIC_EOT
    assert complete("-mt=END", option).settings.eot == MAGIC_EOT
    assert complete(option, "-mt=END").settings.eot == b"END"


@pytest.mark.parametrize(
    ("options", "discard_output"),
    [
        ("-x", False),
        ("-X", True),
        ("-xX", True),
        ("-Xx", False),
        ("-J@@", False),
        ("-XJ@@", True),
        ("-xXJ@@", True),
    ],
)
def test_one_command_for_each_task(options: str, discard_output: bool) -> None:
    """EXE-025, EXE-026, EXE-040."""
    call = complete(options)
    assert isinstance(call.launch.command, CommandPerTask)
    assert call.launch.command.discard_output == discard_output
    assert complete("-J@@", "-X").launch == complete("-X", "-J@@").launch


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["-x", "-c", "a '@@'"], b"""a '@@' "$1\""""),
        (["-x", "-C", "a", "@@"], b"""'a' '@@' "$1\""""),
        (["-J@@", "-c", "a '@@'"], b"a '$1'"),
        (["-J@@", "-C", "a", "@@", "x@@"], b"""'a' "$1" 'x$1'"""),
        (["-J", b"\xff\xfe", "-c", b"a \xff\xfe"], b"a $1"),
        (["-J", "aa", "-J", "@@", "-c", "aa @@"], b"aa $1"),
    ],
)
def test_the_command_of_each_task(arguments: list[str | bytes], command: bytes) -> None:
    """EXE-005, EXE-006, EXE-041 to EXE-043."""
    call = interpret("-n", "+1", *arguments)
    assert call.launch.command == CommandPerTask(command)


@pytest.mark.parametrize("value", ["", "@", "@@@"])
def test_what_stands_for_the_task_has_two_octets(value: str) -> None:
    """EXE-044."""
    with pytest.raises(UsageError) as caught:
        complete("-J", value)
    assert caught.value.status == 2
    assert caught.value.message == (
        b"-Jreplstr argument must have 2-characters length: '%b'" % value.encode()
    )


def test_a_newline_in_the_eot() -> None:
    """EOT-013."""
    for arguments, environment in (
        (["-mt=a\nb"], {}),
        ([], {b"PAEXEC_EOT": b"a\nb"}),
        (["-mt=a\nb"], {b"PAEXEC_EOT": b"fine"}),
    ):
        message = complaint("-n", "a", "-c", "calc", *arguments, environment=environment)
        assert message.endswith(b"must not contain a newline: 'a\\nb'")


@pytest.mark.parametrize("key", ["s", "f", "F", "w"])
def test_a_newline_in_a_text_of_m(key: str) -> None:
    """OPT-060: in a line of the output, or of the input, there is none."""
    message = complaint("-n", "a", "-c", "calc", f"-m{key}=a\nb")
    assert message == b"the text of -m%b= must not contain a newline: 'a\\nb'" % key.encode()


@pytest.mark.parametrize(
    "value", ["s=", "s=ok", "f=no", "F=fatal", "d=", "d=;", "w=", "w='\"", "d='"]
)
def test_keys_without_effect(value: str) -> None:
    """OPT-006."""
    assert complete("-m", value) == complete()


@pytest.mark.parametrize(
    "value", ["", "=", "x", "x=", "x=y", "t", "s", "tt=x", " t=x", "T=x", "S=x", "=t"]
)
def test_an_unknown_key(value: str) -> None:
    """OPT-029."""
    message = complaint("-n", "a", "-c", "calc", "-m", value)
    assert message == b"bad argument for -m: '" + value.encode() + b"'"


def test_more_than_one_octet_as_delimiter() -> None:
    """OPT-029: octets, not characters."""
    upstream = b"bad argument for -md=. At most one character is allowed: "
    assert complaint("-n", "a", "-c", "x", "-md=aa") == upstream + b"'aa'"
    assert complaint("-n", "a", "-c", "x", "-md=\xe9") == upstream + b"'\xc3\xa9'"


@pytest.mark.parametrize("value", ["s='", 'f="', "F=a'b", 's=a"'])
def test_quotes_in_words(value: str) -> None:
    """OPT-029."""
    message = complaint("-n", "a", "-c", "x", "-m", value)
    assert message == b"symbols ' and \" are not allowed in -m argument: " + value.encode()


# Nodes that die


def test_each_loss_of_a_node_ends_the_run_by_default() -> None:
    assert complete().settings.on_death is None
    assert complete("-mF=gone").settings.on_death is None


@pytest.mark.parametrize(
    ("arguments", "on_death"),
    [
        (["-z"], Reassign()),
        (["-Z0"], Reassign()),
        (["-zZ", "2"], Reassign(restart_after=2)),
        (["-Z.25", "-z"], Reassign(restart_after=0.25)),
        (["-Z", "3."], Reassign(restart_after=3)),
        (["-Z0", "-Z1", "-w"], Reassign(restart_after=1, wait=True)),
        (["-z", "-mF="], Reassign(fatal=b"")),
        (["-mF=\xff", "-Z1"], Reassign(fatal=b"\xc3\xbf", restart_after=1)),
    ],
)
def test_nodes_that_die(arguments: list[str], on_death: Reassign) -> None:
    """RST-001 to RST-003, DTH-021."""
    assert complete(*arguments).settings.on_death == on_death


def test_seconds_have_no_upper_limit() -> None:
    on_death = complete("-Z", "9" * 400).settings.on_death
    assert on_death is not None
    assert on_death.restart_after == float("inf")


@pytest.mark.parametrize(
    "value",
    ["", ".", "x", "-1", "+1", " 1", "1 ", "1e3", "0x1", "1_0", "nan", "inf", "1.2.3", "\xb2"],
)
def test_bad_seconds(value: str) -> None:
    """RST-002."""
    message = complaint("-n", "a", "-c", "x", "-Z", value)
    assert message == b"invalid argument for option -Z: '%b'; expected a number of seconds" % (
        value.encode()
    )


@pytest.mark.parametrize("arguments", [["-w"], ["-wz"], ["-wZ0"], ["-Z1", "-w", "-Z", "0.0"]])
def test_w_without_z(arguments: list[str]) -> None:
    """RST-022."""
    assert complaint("-n", "a", "-c", "x", *arguments) == b"-w is useless without -Z"


# Variables for calculators


def test_variables_are_passed_with_their_values() -> None:
    """LCH-011, LCH-013."""
    environment = {b"PAEXEC_ENV": b"A B C", b"A": b"a b\n'\xff", b"C": b"", b"D": b"d"}
    assert complete(environment=environment).launch.variables == {
        b"A": b"a b\n'\xff",
        b"B": b"",
        b"C": b"",
        b"PAEXEC_EOT": b"",
    }


@pytest.mark.parametrize("names", [b"A,B", b"A B", b" ,A,, ,B, ", b"A  B", b",A B", b"A,B,A"])
def test_separators_of_variables(names: bytes) -> None:
    """LCH-012."""
    environment = {b"PAEXEC_ENV": names, b"A": b"1", b"B": b"2"}
    variables = complete(environment=environment).launch.variables
    assert variables == {b"A": b"1", b"B": b"2", b"PAEXEC_EOT": b""}


@pytest.mark.parametrize("names", [b"", b" ", b",", b" , "])
def test_no_variables(names: bytes) -> None:
    variables = complete(environment={b"PAEXEC_ENV": names}).launch.variables
    assert variables == {b"PAEXEC_EOT": b""}


@pytest.mark.parametrize("name", [b"-i", b"A=b", b"=", b"-"])
def test_bad_names_of_variables(name: bytes) -> None:
    """LCH-014."""
    message = complaint("-n", "a", "-c", "x", environment={b"PAEXEC_ENV": b"A " + name})
    assert message == b"invalid name of a variable in PAEXEC_ENV: '" + name + b"'"


def test_the_eot_cannot_be_passed_in_another_way() -> None:
    environment = {b"PAEXEC_ENV": b"PAEXEC_EOT", b"PAEXEC_EOT": b"theirs"}
    call = complete("-mt=ours", environment=environment)
    assert call.launch.variables == {b"PAEXEC_EOT": b"ours"}


@pytest.mark.parametrize("value", [b"", b"0", b"-1", b"x", b"4096"])
def test_bufsize_is_accepted(value: bytes) -> None:
    """OPT-007."""
    assert complete(environment={b"PAEXEC_BUFSIZE": value}) == complete()


# Usage errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], b"-n option is mandatory!"),
        (["-c", "x"], b"-n option is mandatory!"),
        (["-n", "+1"], b"-c option is mandatory!"),
        (["-q"], b"invalid option -- 'q'"),
        (["-lq"], b"invalid option -- 'q'"),
        (["-\xe9"], b"invalid option -- '\xc3\xa9'"),
        (["-n"], b"option requires an argument -- 'n'"),
        (["-ln"], b"option requires an argument -- 'n'"),
        (["-n", "+1", "-c"], b"option requires an argument -- 'c'"),
        (["-t"], b"option requires an argument -- 't'"),
        (["-m"], b"option requires an argument -- 'm'"),
        (["--unknown"], b"unrecognized option '--unknown'"),
        (["--unknown=x"], b"unrecognized option '--unknown'"),
        (["--group=x"], b"option '--group' doesn't allow an argument"),
        (["--help=x"], b"option '--help' doesn't allow an argument"),
        (["-n", "+1", "-c", "x", "f"], b"extra arguments. Run paexec -h for details: 'f'"),
        (["-n", "+1", "-c", "x", "--", "f"], b"extra arguments. Run paexec -h for details: 'f'"),
        (["-n", "+1", "-c", "x", "-"], b"extra arguments. Run paexec -h for details: '-'"),
        (["-n", "+1", "f"], b"extra arguments. Run paexec -h for details: 'f'"),
        (["-n", "+1", "-C"], b"missing arguments. Run paexec -h for details"),
        (["-n", "+1", "-c", "x", "-C"], b"missing arguments. Run paexec -h for details"),
        (["-n", "+1", "-C", "-c", "x", "f"], b"extra arguments. Run paexec -h for details: 'f'"),
        (["-n", "", "-c", "x"], b"invalid argument for option -n: ''"),
    ],
)
def test_usage_errors(arguments: list[str], message: bytes) -> None:
    """OPT-023 to OPT-028, with upstream's wording."""
    assert complaint(*arguments) == message


@pytest.mark.parametrize("argument", ["--nn", "--gr0up", "--q", "--foo"])
def test_unknown_long_options_are_named_as_they_were_given(argument: str) -> None:
    """OPT-022."""
    assert argument.encode() in complaint(argument)


# Grouping


@pytest.mark.parametrize(
    ("options", "grouping"),
    [
        ([], Grouping.NONE),
        (["--group"], Grouping.GROUP),
        (["--keep-order"], Grouping.KEEP_ORDER),
        (["--keep-order", "--group"], Grouping.KEEP_ORDER),
        (["--group", "--keep-order"], Grouping.KEEP_ORDER),
        (["--keep"], Grouping.KEEP_ORDER),
    ],
)
def test_grouping(options: list[str], grouping: Grouping) -> None:
    """GRP-021: order implies groups."""
    assert complete(*options).settings.grouping is grouping


# Prefetch


@pytest.mark.parametrize(
    ("options", "prefetch"),
    [
        ([], 1),
        (["--prefetch", "1"], 1),
        (["--prefetch=12"], 12),
        (["--pre", "0012"], 12),
        (["--prefetch", "2", "--prefetch", "999999999"], 999999999),
        (["--prefetch", "auto"], AUTO),
        (["--prefetch=auto", "--prefetch=1"], 1),
    ],
)
def test_prefetch(options: list[str], prefetch: int) -> None:
    """PRE-002; the last one wins."""
    assert complete(*options).settings.prefetch == prefetch


@pytest.mark.parametrize(
    "value", ["", "0", "00", "-1", "+1", "1.5", "1_0", " 1", "\u0661", "1" * 10]
)
def test_bad_values_of_prefetch(value: str) -> None:
    """PRE-002."""
    message = b"invalid argument for option --prefetch: '%b'; expected a number from 1, or auto"
    message %= value.encode()
    assert complaint("-n", "+1", "-c", "x", "--prefetch", value) == message


@pytest.mark.parametrize(
    ("options", "limit"),
    [
        ([], 1 << 30),
        (["--line-limit", "1"], 1),
        (["--line-limit=0012k"], 12 << 10),
        (["--line", "3K", "--line-limit", "2M"], 2 << 20),
        (["--line-limit", "4m"], 4 << 20),
        (["--line-limit", "5G"], 5 << 30),
        (["--line-limit", "9" * 15 + "g"], 999999999999999 << 30),
    ],
)
def test_line_limit(options: list[str], limit: int) -> None:
    """LIM-011."""
    assert complete(*options).settings.line_limit == limit


@pytest.mark.parametrize(
    "value", ["", "0", "0k", "k", "-1", "+1", "1.5", "1T", "1kk", "1_0", "\u0661", "1" * 16]
)
def test_bad_values_of_line_limit(value: str) -> None:
    """LIM-011."""
    message = b"invalid argument for option --line-limit: '%b'; expected a size such as " % (
        value.encode()
    )
    message += b"500, 64k, 10M or 1G"
    assert complaint("-n", "+1", "-c", "x", "--line-limit", value) == message


# Graphs


@pytest.mark.parametrize("option", ["-g", "-s", "-W0"])
def test_graph_mode(option: str) -> None:
    """The same for all three (WGT-007)."""
    assert complete(option).settings.graph == GraphSettings()


def test_no_graph_mode() -> None:
    """OPT-006: the words of graph mode alone do not make one."""
    assert complete("-ms=a", "-mf=b", "-mF=c", "-md=d", "-mw=e").settings.graph is None


def test_the_words_of_graph_mode() -> None:
    """GRA-003, GRA-031, WGT-009; the last of each wins (OPT-004)."""
    call = complete("-g", "-ms=x", "-ms=a", "-mf=b", "-md=;", "-mw=e", "-mt=E", "-y", "-mF=")
    assert call.settings.graph == GraphSettings(
        delimiter=b";", weight_word=b"e", success=b"a", failure=b"b"
    )
    assert call.settings.eot == MAGIC_EOT
    assert complete("-g", "-md=").settings.graph == GraphSettings(delimiter=b"")


@pytest.mark.parametrize("weighting", Weighting)
def test_weightings(weighting: Weighting) -> None:
    """WGT-004 to WGT-006."""
    graph = complete("-W", str(weighting.value)).settings.graph
    assert graph == GraphSettings(weighting=weighting)


@pytest.mark.parametrize("value", ["", "3", "-1", "x", "1x", "01"])
def test_bad_weightings(value: str) -> None:
    """WGT-012."""
    assert b"'%b'" % value.encode() in complaint("-n", "+1", "-c", "x", "-W", value)


def test_weights_are_described_for_debugging() -> None:
    """WGT-008."""
    assert complete("-gd").settings.describe_weights
    assert not complete("-g").settings.describe_weights


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ([], 0.0),
        (["--finish-timeout", "30"], 30.0),
        (["--finish-timeout=.25"], 0.25),
        (["--finish-timeout", "1", "--finish-timeout", "007."], 7.0),
    ],
)
def test_the_finish_timeout(arguments: list[str], seconds: float) -> None:
    """END-041, END-042."""
    assert complete(*arguments).settings.finish_timeout == seconds


@pytest.mark.parametrize("value", ["", "0", "0.000", ".", "x", "-1", "1e3", "inf", "1.2.3"])
def test_a_bad_finish_timeout(value: str) -> None:
    """END-042."""
    message = complaint("-n", "a", "-c", "x", "--finish-timeout", value)
    expected = b"invalid argument for option --finish-timeout: '%b'; expected a number of seconds"
    assert message.startswith(expected % value.encode())
