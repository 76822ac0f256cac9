"""The installed programs pass on octets, whatever the locale and the settings of Python are."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.cli.harness import LIMIT

PROGRAM = Path(sysconfig.get_path("scripts")) / "paexec-trio"

SETTINGS = {
    "none": {},
    "plain": {"LC_ALL": "C"},
    "plain without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
    "one octet a character": {"LC_ALL": "de_DE.ISO-8859-1"},
    "other encodings": {"LC_ALL": "zh_CN.GBK", "PYTHONIOENCODING": "ascii:strict"},
}

WORDS = [
    bytes(range(1, 256)),
    b"\x80",
    "ä€😀".encode(),
    b"\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80",
    *(bytes([first, second]) for first in (0x81, 0xFE) for second in (0x5C, 0x7E, 0x80, 0xFF)),
]


def run(
    program: bytes, *arguments: bytes, variables: dict[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [program, *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        input=stdin,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.mark.parametrize("kind", SETTINGS)
def test_arguments(kind: str) -> None:
    """LCH-002, LCH-038."""
    text = b'read -r task; printf "%s\\n" "$@"; echo "$0"'
    words = [word.replace(b"\n", b"") for word in WORDS]
    arguments = [b"-mt=" + words[0], b"-n", b"+1", b"-C", b"sh", b"-c", text, *words]
    program = run(bytes(PROGRAM), *arguments, variables=SETTINGS[kind], stdin=b"a\n")
    assert program.stdout == b"".join(word + b"\n" for word in words[1:]), program.stderr


@pytest.mark.parametrize("kind", SETTINGS)
def test_names_and_texts(kind: str) -> None:
    """PFX-004, GRA-030: a node's name and the words of -m."""
    name, success = b"n\xe4\xc3\xa4\x80", b"\xff\x81\\ ok"
    arguments = [b"-g", b"-r", b"-n", name, b"-ms=" + success, b"-x", b"-C", b"true"]
    program = run(bytes(PROGRAM), *arguments, variables=SETTINGS[kind], stdin=b"a\n")
    assert program.stdout.endswith(name + b" " + success + b"\n"), program.stderr


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_name_of_the_program(kind: str, tmp_path: Path) -> None:
    """OPT-002: diagnostics begin with it."""
    link = tmp_path / os.fsdecode(b"p\xe4\xff \x81\\")
    link.symlink_to(PROGRAM)
    program = run(bytes(link), b"-n", b"+1", variables=SETTINGS[kind])
    assert program.stderr == rb"p\344\377 \201\: -c option is mandatory!" + b"\n"  # SEC-002
