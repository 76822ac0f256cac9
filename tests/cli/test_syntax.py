"""The parser and the help of a program with every kind of option."""

import pytest

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.syntax import HELP, VERSION, HelpRequested, Option, Syntax

SYNTAX = Syntax(
    summary="does this",
    usage=("[OPTIONS]", "[OPTIONS] file"),
    options=(
        HELP,
        VERSION,
        Option("l", "", ("letter",)),
        Option("v", "value", ("letter with value", "and two lines")),
        Option("b", "", ("both",), "both"),
        Option("", "", ("long name",), "long"),
        Option("", "size", ("long name with value",), "limit"),
    ),
    variables=(("A, B", "two variables"), ("C", "another")),
)


def complaint(*arguments: str) -> bytes:
    with pytest.raises(UsageError) as caught:
        SYNTAX.split(arguments)
    return caught.value.message


def test_options_are_named_by_their_letter_if_they_have_one() -> None:
    options, free = SYNTAX.split(["-lb", "-v", "1", "--both", "--long", "--limit", "2", "x", "-l"])
    assert options == [
        ("-l", b""),
        ("-b", b""),
        ("-v", b"1"),
        ("-b", b""),
        ("--long", b""),
        ("--limit", b"2"),
    ]
    assert free == [b"x", b"-l"]


def test_values_of_long_options() -> None:
    assert SYNTAX.split(["--limit=2"]) == SYNTAX.split(["--limit", "2"])
    assert SYNTAX.split(["--limit="])[0] == [("--limit", b"")]
    assert SYNTAX.split(["--limit", "--long"])[0] == [("--limit", b"--long")]


def test_unambiguous_beginnings_of_long_options() -> None:
    assert SYNTAX.split(["--lo", "--li=2"])[0] == [("--long", b""), ("--limit", b"2")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-q"], b"invalid option -- 'q'"),
        (["-l-"], b"invalid option -- '-'"),
        (["-:"], b"invalid option -- ':'"),
        (["-\udcff"], rb"invalid option -- '\377'"),
        (["-v"], b"option requires an argument -- 'v'"),
        (["--quick"], b"unrecognized option '--quick'"),
        (["--limit"], b"option '--limit' requires an argument"),
        (["--lim"], b"option '--limit' requires an argument"),
        (["--long=2"], b"option '--long' doesn't allow an argument"),
        (["--l"], b"option '--l' is ambiguous"),
        (["--=x"], b"option '--' is ambiguous"),
    ],
)
def test_faults_are_named_in_the_words_of_the_c_library(
    arguments: list[str], message: bytes
) -> None:
    """OPT-022 to OPT-024."""
    assert complaint(*arguments) == message


@pytest.mark.parametrize(
    ("argument", "option"), [("-h", "-h"), ("--help", "-h"), ("-lV", "-V"), ("--version", "-V")]
)
def test_information(argument: str, option: str) -> None:
    with pytest.raises(HelpRequested) as caught:
        SYNTAX.split([argument])
    assert caught.value.option == option


def test_the_help() -> None:
    assert SYNTAX.help_text("NAME") == (
        "NAME -- does this\n"
        "usage: NAME [OPTIONS]\n"
        "       NAME [OPTIONS] file\n"
        "\n"
        "OPTIONS:\n"
        "  -h, --help     give this help\n"
        "  -V, --version  show version\n"
        "  -l             letter\n"
        "  -v <value>     letter with value\n"
        "                 and two lines\n"
        "  -b, --both     both\n"
        "      --long     long name\n"
        "      --limit <size>\n"
        "                 long name with value\n"
        "\n"
        "ENVIRONMENT:\n"
        "  A, B: two variables\n"
        "  C: another\n"
    )
