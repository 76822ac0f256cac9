"""The options that keep the output of tasks apart."""

from __future__ import annotations

import pytest

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation, parse
from paexec_trio.cli.paargs import parse as parse_paargs


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
