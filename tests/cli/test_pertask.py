"""The options that keep the output of tasks apart."""

from __future__ import annotations

import pytest

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation, parse
from paexec_trio.cli.paargs import parse as parse_paargs
from paexec_trio.core.errorlines import ErrorMode
from tests.cli.harness import call


def complete(*arguments: str) -> Invocation:
    return parse("paexec-trio", ["-n", "a", "-c", "calc", *arguments], {})


def complaint(*arguments: str) -> bytes:
    with pytest.raises(UsageError) as caught:
        complete(*arguments)
    return caught.value.message


@pytest.mark.parametrize(
    ("arguments", "tag"),
    [
        ([], None),
        (["--tag"], b"{}"),
        (["--tagstring", "<{}>"], b"<{}>"),
        (["--tagstring="], b""),
        (["--tagstring", "a", "--tag"], b"a"),
        (["--tagstring", "a", "--tagstring", "b"], b"b"),
        (["--tagstring", "\udcff"], b"\xff"),
    ],
)
def test_tags(arguments: list[str], tag: bytes | None) -> None:
    """PTK-010, PTK-011."""
    assert complete(*arguments).settings.tag == tag
    assert parse_paargs("paargs-trio", ["-P", "a", *arguments, "calc"], {}).settings.tag == tag


def test_a_tag_of_several_lines() -> None:
    """PTK-014."""
    assert complaint("--tagstring", "a\n") == b"--tagstring must not contain a newline: 'a\\n'"


@pytest.mark.parametrize(
    ("arguments", "mode"),
    [
        ([], ErrorMode.MIXED),
        (["--stderr", "mixed"], ErrorMode.MIXED),
        (["--stderr=group"], ErrorMode.GROUP),
        (["--stderr=group", "--stderr=tag"], ErrorMode.TAG),
    ],
)
def test_standard_error(arguments: list[str], mode: ErrorMode) -> None:
    """PTK-020."""
    assert complete(*arguments).settings.stderr is mode
    assert parse_paargs("paargs-trio", ["-P", "a", *arguments, "calc"], {}).settings.stderr is mode


@pytest.mark.parametrize("value", ["", "x", "MIXED", "\udcff"])
def test_other_values(value: str) -> None:
    """PTK-020."""
    expected = b"invalid argument for option --stderr: '%b'; expected mixed, group or tag"
    shown = value.encode(errors="surrogateescape").replace(b"\xff", b"\\377")
    assert complaint("--stderr", value) == expected % shown


@pytest.mark.parametrize("mode", ErrorMode)
def test_standard_error_of_commands(mode: ErrorMode) -> None:
    """PTK-021, PTK-032, PTK-035."""
    words = ("-xn", "+1", "-C", "sh", "-c", 'echo "of $0"; echo "err $0" >&2')
    done = call(f"--stderr={mode.value.decode()}", *words, stdin=b"a\nb\n")
    assert done.returncode == 0
    assert done.stdout == b"of a\nof b\n"
    prefixes = [b"node 0, task 1 'a': ", b"node 0, task 2 'b': "]
    if mode is not ErrorMode.TAG:
        prefixes = [b"", b""]
    assert done.stderr == b"%berr a\n%berr b\n" % tuple(prefixes)
