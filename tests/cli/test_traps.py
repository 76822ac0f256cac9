"""Calls that do not mean what they seem to mean: who is told so, and who is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from paexec_trio.cli import paargs
from paexec_trio.cli.invocation import parse
from tests.cli.harness import call, is_one_diagnostic


def warnings(*arguments: str, **environment: str) -> list[bytes]:
    variables = {name.encode(): value.encode() for name, value in environment.items()}
    return list(parse("paexec-trio", arguments, variables).warnings)


def warnings_of_paargs(*arguments: str) -> list[bytes]:
    return list(paargs.parse("paargs-trio", arguments, {}).warnings)


NODES = [
    ("4", b"-n: '4' is the name of one node on this machine; +4 means 4 calculators"),
    (" 04\n", b"-n: '04' is the name of one node on this machine; +4 means 4 calculators"),
    ("0", b"-n: '0' is the name of one node on this machine; +N means N calculators"),
    (
        "one two",
        b"-n: there is no transport: all 2 nodes are on this machine, 'one' and 'two' included",
    ),
    (
        "one 1 one",
        b"-n: there is no transport: all 3 nodes are on this machine, 'one' and 'one' included",
    ),
    *(
        (
            name,
            b"-n: '%b' is the name of one node on this machine: names are separated by blanks, "
            b"nothing is expanded, and there is no transport" % name.encode(),
        )
        for name in ("a,b", "1,2", "host[1-3]", "node*", "node?", "n{1,2}")
    ),
]


@pytest.mark.parametrize(("value", "warning"), NODES)
def test_nodes_that_are_all_here(value: str, warning: bytes) -> None:
    """NOD-011 to NOD-013: unless a transport sees the names."""
    assert warnings("-n", value, "-c", "calc") == [warning]
    assert warnings("-n", value, "-c", "calc", "-t", " ") == [warning]
    named = warning.replace(b"-n: ", b"PAEXEC_NODES: ")
    assert warnings("-c", "calc", PAEXEC_NODES=value) == [named]
    assert warnings_of_paargs("-P", value, "cmd") == [warning.replace(b"-n: ", b"-P: ")]
    assert warnings("-n", value, "-c", "calc", "-t", "ssh") == []
    assert warnings("-n", value, "-c", "calc", PAEXEC_TRANSPORT="ssh") == []


@pytest.mark.parametrize(
    "value", ["+4", "a", "host", "1 2", "1 2 host", "localhost localhost", "a.b:22", "user@host"]
)
def test_nodes_that_are_meant(value: str) -> None:
    assert warnings("-n", value, "-c", "calc") == []


def test_names_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "nodes"
    path.write_text("one\n# comment\ntwo, three\n")
    (warning,) = warnings("-n", f":{path}", "-c", "calc")
    assert b"'two, three' is the name of one node" in warning


def test_an_option_that_a_number_of_calculators_overrides() -> None:
    """NOD-014: the variable is there to be overridden."""
    told = [b"-t is ignored: -n +2 means calculators on this machine"]
    assert warnings("-n", "+2", "-c", "calc", "-t", "ssh") == told
    assert warnings("-n", "+2", "-c", "calc", PAEXEC_TRANSPORT="ssh") == []
    assert warnings("-n", "+2", "-c", "calc", "-t", "") == []


@pytest.mark.parametrize(
    ("arguments", "word", "place"),
    [
        (["-C", "cp", "{}", "{}.bak"], b"{}.bak", b"within a longer argument"),
        (["-C", "sh", "-c", "echo {}"], b"echo {}", b"within a longer argument"),
        (["-c", "echo '{}' {}"], b"{}", b"between single quotes"),
        (["-c", "awk 'BEGIN{}{print}' {}"], b"BEGIN{}{print}", b"between single quotes"),
    ],
)
def test_places_of_the_task_that_stay(arguments: list[str], word: bytes, place: bytes) -> None:
    """OPT-061."""
    told = b"-J {}: in '%b' it becomes the characters $1, not the task, because it stands %b"
    assert warnings("-n", "+1", "-J", "{}", *arguments) == [told % (word, place)]


@pytest.mark.parametrize(
    "arguments",
    [
        ["-C", "cp", "{}", "x"],
        ["-C", "cmd"],
        ["-c", 'cp "{}" "{}.bak"'],
        ["-c", "cp {} 'a b'"],
        ["-c", 'echo "it\'s {}"'],
        ["-c", "echo '%%'"],
        ["-c", "echo {} '"],
    ],
)
def test_places_of_the_task_that_are_filled(arguments: list[str]) -> None:
    assert warnings("-n", "+1", "-J", "{}", *arguments) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["cp", "{}", "dir"], b"{}"),
        (["cp", "--to=dir/{}.bak"], b"--to=dir/{}.bak"),
        (["-c", "gzip {}"], b"{}"),
        (["-c", "gzip '{}.x'"], b"{}.x"),
    ],
)
def test_places_of_the_task_that_nobody_announced(arguments: list[str], word: bytes) -> None:
    """OPT-062."""
    told = b"'%b' stays as it is, and the task is added at the end: -I {} is not given" % word
    assert warnings_of_paargs("-P", "+1", *arguments) == [told]


@pytest.mark.parametrize(
    "arguments",
    [
        ["find", "-exec", "ls", "{}", ";"],
        ["-c", "find -exec ls {} + -path"],
        ["xargs", "-I{}", "echo", "{}"],
        ["-c", "echo '{' '}'"],
        ["-c", "curl -d '{\"a\": {}}'"],
        ["-c", "awk '{}"],
        ["-c", "awk '/x/ {} {print}'"],
    ],
)
def test_braces_that_are_meant(arguments: list[str]) -> None:
    assert warnings_of_paargs("-P", "+1", *arguments) == []


def test_braces_of_a_calculator_are_its_own() -> None:
    assert warnings("-n", "+1", "-C", "calc", "{}") == []


def test_the_run_goes_on_after_a_warning() -> None:
    result = call("-r", "-n", "4", "-c", "cat; echo", stdin=b"")
    assert (result.returncode, result.stdout) == (0, b"")
    result = call("-r", "-n", "4", "-x", "-c", "echo", stdin=b"task\n")
    assert (result.returncode, result.stdout) == (0, b"4 task\n")
    assert is_one_diagnostic(result.stderr)
    assert result.stderr.startswith(b"paexec-trio: -n: '4' ")
