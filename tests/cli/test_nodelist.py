"""The value of ``-n`` (the chapter Nodes of the specification)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.nodelist import NodeList, parse_nodes
from paexec_trio.core.visible import visible


@pytest.mark.parametrize(("value", "count"), [(b"+1", 1), (b"+4", 4), (b"+007", 7), (b"+600", 600)])
def test_a_count(value: bytes, count: int) -> None:
    """NOD-001: the names are the indices."""
    expected = tuple(b"%d" % index for index in range(count))
    assert parse_nodes(value) == NodeList(expected, counted=True)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (b"a", (b"a",)),
        (b"a b c", (b"a", b"b", b"c")),
        (b"a\tb\nc\rd", (b"a", b"b", b"c", b"d")),
        (b"  a  b  ", (b"a", b"b")),
        (b"\r\n\ta\r\n", (b"a",)),
        (b"a a a", (b"a", b"a", b"a")),
        (b"user@host.example:22 [::1]", (b"user@host.example:22", b"::1")),
        (b"/path _x 9", (b"/path", b"_x", b"9")),
        (b"4", (b"4",)),
        (b"a +b :c", (b"a", b"+b", b":c")),
        (b"n\xf6de caf\xc3\xa9", (b"n\xf6de", b"caf\xc3\xa9")),
        (b"a\xa0b a\x85b", (b"a\xa0b", b"a\x85b")),
        (b"$(id) ;", None),
        (b"a;b $(id)", (b"a;b", b"$(id)")),
    ],
)
def test_a_list(value: bytes, names: tuple[bytes, ...] | None) -> None:
    """NOD-003, NOD-004, NOD-010."""
    if names is None:
        with pytest.raises(UsageError):
            parse_nodes(value)
    else:
        assert parse_nodes(value) == NodeList(names, counted=False)


@pytest.mark.parametrize("octet", [b"\x0b", b"\x0c"])
def test_octets_that_are_no_gaps_belong_to_the_name(octet: bytes) -> None:
    """NOD-003: the grammar has four gaps."""
    assert parse_nodes(b"a" + octet + b"b").names == (b"a" + octet + b"b",)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"\t\r\n",
        b"+",
        b"+0",
        b"+00",
        b"+x",
        b"+2x",
        b"+ 2",
        b"+-2",
        b"++2",
        b"+1.5",
        b"+1_0",
        "+\u0661".encode(),
        b"+99999999999",
        b",x",
        b" ,x",
        b"\xe9x",
        b"(a",
        b":",
        b":missing",
    ],
)
def test_bad_values_are_refused_and_named(value: bytes, in_empty_directory: None) -> None:
    """NOD-008, OPT-022."""
    del in_empty_directory
    with pytest.raises(UsageError) as caught:
        parse_nodes(value)
    assert visible(value.removeprefix(b":")) in caught.value.message


@pytest.fixture
def in_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("value", [b"-a", b"a -b", b"a b\t-"])
def test_a_name_is_not_an_option(value: bytes) -> None:
    """NOD-009."""
    with pytest.raises(UsageError):
        parse_nodes(value)


def nodes_in_file(tmp_path: Path, text: bytes) -> tuple[bytes, ...]:
    path = tmp_path / "nodes"
    path.write_bytes(text)
    nodes = parse_nodes(b":" + os.fsencode(path))
    assert not nodes.counted
    return nodes.names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"a\nb\n", (b"a", b"b")),
        (b"a\nb", (b"a", b"b")),
        (b"\n\na\n\n", (b"a",)),
        (b" a \r\n\tb\t\n", (b"a", b"b")),
        (b"# comment\na\n  # another\n", (b"a",)),
        (b"a # no comment\n", (b"a # no comment",)),
        (b"a b\n", (b"a b",)),
        (b"+2\n", (b"+2",)),
        (b"\xff\n", (b"\xff",)),
    ],
)
def test_a_file(tmp_path: Path, text: bytes, names: tuple[bytes, ...]) -> None:
    """NOD-005, NOD-006."""
    assert nodes_in_file(tmp_path, text) == names


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# a\n", b" \r\n"])
def test_a_file_without_nodes(tmp_path: Path, text: bytes) -> None:
    """NOD-008."""
    with pytest.raises(UsageError, match="invalid argument for option -n"):
        nodes_in_file(tmp_path, text)


@pytest.mark.parametrize("value", [b"", b"+", b"a -b", b":/dev/null"])
def test_a_diagnostic_names_the_option_of_the_program(value: bytes) -> None:
    """ARG-043."""
    with pytest.raises(UsageError, match="invalid argument for option -P: "):
        parse_nodes(value, b"-P")


@pytest.mark.parametrize("text", [b"-a\n", b"a\n  -b\n"])
def test_a_name_in_a_file_is_not_an_option(tmp_path: Path, text: bytes) -> None:
    """NOD-009."""
    with pytest.raises(UsageError, match="begins with a hyphen"):
        nodes_in_file(tmp_path, text)


def test_a_nul_in_a_file_is_refused(tmp_path: Path) -> None:
    """NOD-008: no name can hold one, and no argument."""
    with pytest.raises(UsageError):
        nodes_in_file(tmp_path, b"a\0b\n")


def test_a_directory_is_no_file_of_nodes(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"from '.*': Is a directory"):
        parse_nodes(b":" + os.fsencode(tmp_path))
