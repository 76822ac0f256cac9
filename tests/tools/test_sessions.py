"""The sessions of the pages: what is compared, and that each difference is found."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "docs" / "_ext")]
sessions: Any = importlib.import_module("sessions")
Command, parse, run = sessions.Command, sessions.parse, sessions.run


def test_commands_have_continuations_and_outputs() -> None:
    lines = ["$ cat <<.", "> a", "> .", "a", "> is output here", "$ true"]
    assert parse(lines) == [
        Command(["cat <<.", "a", "."], ["a", "> is output here"]),
        Command(["true"], []),
    ]


def test_a_session_begins_with_a_command() -> None:
    with pytest.raises(ValueError, match=r"'\$ '"):
        parse(["output"])


def test_the_commands_share_a_shell_and_a_directory(tmp_path: Path) -> None:
    commands = parse(["$ x=1; echo a > file", "$ cat file; echo $x", "$ false", "$ echo $?", "$ :"])
    assert run(commands, tmp_path) == [[], ["a", "1"], [], ["1"], []]


def test_standard_error_and_a_line_without_end_are_shown(tmp_path: Path) -> None:
    assert run(parse(["$ printf a >&2", "$ echo b"]), tmp_path) == [["a"], ["b"]]


def test_a_shell_that_ends_early_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="ended early"):
        run(parse(["$ echo a; exit", "$ echo b"]), tmp_path)


@pytest.mark.parametrize(
    ("shown", "printed", "ordered", "same"),
    [
        (["a", "b"], ["a", "b"], True, True),
        (["a", "b"], ["b", "a"], True, False),
        (["a", "b"], ["b", "a"], False, True),
        (["a"], ["a", "a"], False, False),
        (["a  b"], ["a\tb"], True, True),
        (["a  b"], ["a b"], True, False),
        (["a  c"], ["a\tb"], True, False),
    ],
)
def test_each_difference_is_found(
    shown: list[str], printed: list[str], *, ordered: bool, same: bool
) -> None:
    found = [*sessions.differences(*sessions.without_tabs(shown, printed), ordered=ordered)]
    assert (not found) == same
