"""Whether a task that is added to the value of ``-c`` is an argument, and of which command."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.tasktext import (
    IN_COMMENT,
    IN_DOCUMENT,
    NO_COMMAND,
    why_no_argument,
    without_end,
)

GOOD = [
    b"echo",
    b"sort | head -n",
    b"env; :",
    b"echo logged >&7; :",
    b"echo 'a # b'",
    b'echo "a # b"',
    b"echo '#'",
    b"echo a#b",
    b"echo ${#x} ${x#y} $#",
    b"echo \\#",
    b"echo \\ #x",
    b"find . -exec echo {} \\;",
    b'echo "$(echo "x # y")"',
    b"echo `echo # x` y",
    b"echo $(( 1 << 2 )) x",
    b"echo $'it\\'s # x'",
    b"cat < <(echo # x\n) -",
    b"cat <<E\nx # y\nE\necho",
    b"cat <<E | tr a b",
    b"cat <<-E; echo\n\tit's\n\tE\nfalse; echo",
    b"cat <<< x",
    b"# it's a comment\necho",
    b"X=1 echo",
    b"X=1; echo",
    b"x='a b' y=\"c d\" echo",
    b"X=(a b) echo",
    b">out echo",
    b"echo >",
    b"echo 2>&1",
    b"2>err echo",
    b"! grep",
    b"a && b",
    b"a & b",
    b"(a; b) | c",
    b"{ echo a; } ; echo",
    b"f() { echo x; }; f",
    b"for i in a b; do echo $i # x\ndone; echo",
    b"case x in x) echo;; esac; printf",
    b"echo \\\n  x",
    b"[ -n",
    b"cd /tmp && X=$(pwd) && echo $X",
    b"awk '{print $1} # c'",
    b'echo "${x:-"a # b"}"',
    b"echo $((x + (1 # 2)))",
]

LEFT_OUT = [b"echo #", b"echo; #", b"a & #", b"#", b"echo # not wanted #", b"echo #  "]

NOT_WHOLE = [
    b"echo '",
    b'echo "',
    b"echo (",
    b"echo `",
    b"echo ${x",
    b"echo $((1",
    b"x; '",
    b"a; $(",
]

BAD = {
    NO_COMMAND: [
        b"",
        b" ",
        b"echo;",
        b"echo ; ",
        b"echo &",
        b"echo |",
        b"a &&",
        b"a ||  ",
        b"X=1",
        b"X='a b'",
        b"X+=1",
        b"!",
        b"a | !",
        b">out",
        b"2>err",
        b"cd x;X=${y:-z}",
        b"a; X=$(date +%s) Y=\"$(x 'y')\"",
        b"# comment\n\n  ",
        b"cat <<E\nE\n>x",
    ],
    IN_COMMENT: [
        b"echo # x",
        b"echo #y",
        b"echo # x;",
        b"echo;# it's",
        b"# only",
        b"echo $(date) # now",
        b"echo `date`  # now",
        b'echo "$(echo "x # y")" # c',
        b"cat <<E\n#\nE\necho # it's",
        b"(a) # b",
    ],
    IN_DOCUMENT: [
        b"cat <<E\nx\nE",
        b"cat <<E\nx",
        b"cat <<-E\n\tx\n\tE",
        b"cat <<'E F'; echo\nE F",
        b"cat <<\\E\nE",
        b'cat << "E"\nE',
        b"cat <<E <<F\nE\nF",
    ],
}


@pytest.mark.parametrize("text", [*GOOD, *LEFT_OUT, *NOT_WHOLE])
def test_texts_with_a_place_for_the_task(text: bytes) -> None:
    assert why_no_argument(text) == b""


@pytest.mark.parametrize(("reason", "text"), [(r, text) for r in BAD for text in BAD[r]])
def test_texts_without_one(reason: bytes, text: bytes) -> None:
    assert why_no_argument(text) == reason


@pytest.mark.parametrize("text", [text for text in BAD[IN_COMMENT] if b"$" not in text])
def test_the_shell_agrees_about_comments(text: bytes) -> None:
    """Where the end is a comment, an open parenthesis after it is none."""
    done = subprocess.run(["sh", "-nc", text + b" ("], capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"a\n", b"a"),
        (b"a\n\n\n", b"a"),
        (b"a \\\n", b"a "),
        (b"a\\", b"a"),
        (b"a\\\\", b"a\\\\"),
        (b"a\\\\\n", b"a\\\\"),
        (b"a\nb ", b"a\nb "),
    ],
)
def test_the_end_of_a_text(text: bytes, left: bytes) -> None:
    """EXE-005, EXE-052."""
    assert without_end(text) == left


PIECES = [b"a", b" ", b"#", b"'", b'"', b"\\", b"$(", b")", b"`", b"${", b"}", b"((", b"<<", b"\n"]


@given(text=st.lists(st.sampled_from([*PIECES, b";", b"&", b"=", b">"]), max_size=40).map(b"".join))
def test_every_text_has_an_answer(text: bytes) -> None:
    assert why_no_argument(text) in {b"", *BAD}


@pytest.mark.parametrize("bracket", [b"$(", b'"${', b"`", b"(", b"$(("])
def test_many_brackets(bracket: bytes) -> None:
    assert why_no_argument(bracket * 50_000) == b""
