"""``-x`` with a text that looks like a simple command and is none."""

from __future__ import annotations

import shutil

import pytest

from tests.cli.harness import call

SHELLS = [shutil.which(name) or name for name in ("sh", "bash", "zsh", "mksh")]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("text", ["done", "then", "esac", "case", "for x"])
def test_a_reserved_word_is_no_program(text: str, shell: str) -> None:
    """EXE-011, EXE-056: nobody waits for a shell that can never parse it."""
    words = ["-x", "-Z", "0.1", "-w", "-n", "+1", "-c", text]
    result = call(*words, stdin=b"a\n", environment={"PAEXEC_SH": shell})
    assert result.returncode == 1
    assert result.stdout == b""
    diagnostic = b"paexec-trio: the shell of node 0 cannot parse the command"
    assert diagnostic in result.stderr.splitlines()


def test_words_that_only_begin_like_reserved_ones_are_programs() -> None:
    result = call("-x", "-n", "+1", "-c", "donemore", stdin=b"a\n")
    assert result.returncode == 0
    assert b"donemore" in result.stderr
