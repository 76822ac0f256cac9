"""The options that keep the output of tasks apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation, parse
from paexec_trio.cli.paargs import parse as parse_paargs
from paexec_trio.core.settings import StderrMode
from tests.cli.harness import ECHO, call, is_one_diagnostic


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
        ([], StderrMode.MIXED),
        (["--stderr", "mixed"], StderrMode.MIXED),
        (["--stderr=group"], StderrMode.GROUP),
        (["--stderr=group", "--stderr=tag"], StderrMode.TAG),
    ],
)
def test_standard_error(arguments: list[str], mode: StderrMode) -> None:
    """PTK-020."""
    assert complete(*arguments).settings.stderr is mode
    assert parse_paargs("paargs-trio", ["-P", "a", *arguments, "calc"], {}).settings.stderr is mode


@pytest.mark.parametrize("value", ["", "x", "MIXED", "\udcff"])
def test_other_values(value: str) -> None:
    """PTK-020."""
    expected = b"invalid argument for option --stderr: '%b'; expected mixed, group or tag"
    shown = value.encode(errors="surrogateescape").replace(b"\xff", b"\\377")
    assert complaint("--stderr", value) == expected % shown


@pytest.mark.parametrize("mode", StderrMode)
def test_standard_error_of_commands(mode: StderrMode) -> None:
    """PTK-021, PTK-032, PTK-035."""
    words = ("-xn", "+1", "-C", "sh", "-c", 'echo "of $0"; echo "err $0" >&2')
    done = call(f"--stderr={mode.value.decode()}", *words, stdin=b"a\nb\n")
    assert done.returncode == 0
    assert done.stdout == b"of a\nof b\n"
    prefixes = [b"node 0, task 1 'a': ", b"node 0, task 2 'b': "]
    if mode is not StderrMode.TAG:
        prefixes = [b"", b""]
    assert done.stderr == b"%berr a\n%berr b\n" % tuple(prefixes)


def test_the_directory_of_results() -> None:
    """PTK-050, PTK-059."""
    assert complete().settings.results == b""
    assert complete("--results", "a", "--results=b c").settings.results == b"b c"
    words = ["-P", "a", "--results", "\udcff", "calc"]
    assert parse_paargs("paargs-trio", words, {}).settings.results == b"\xff"
    expected = b"invalid argument for option --results: ''; expected a directory"
    assert complaint("--results", "") == expected


def test_results_of_commands(tmp_path: Path) -> None:
    """PTK-050 to PTK-053, PTK-057."""
    directory = tmp_path / "results"
    words = ("-xn", "+2", "-C", "sh", "-c", 'echo "of $0"; echo "err $0" >&2')
    done = call("--results", directory, *words, stdin=b"a\nb\n")
    assert done.returncode == 0
    assert sorted(done.stdout.splitlines()) == [b"of a", b"of b"]
    assert sorted(done.stderr.splitlines()) == [b"err a", b"err b"]
    found = {path.name: path.read_bytes() for path in (directory / "0000/0000002").iterdir()}
    assert found == {"stdout": b"of b\n", "stderr": b"err b\n", "seq": b"2\n", "task": b"b"}


def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    """PTK-059."""
    path = tmp_path / "file"
    path.write_bytes(b"")
    done = call("--results", path, "-n", "+1", "-c", ECHO, stdin=b"a\n")
    assert done.returncode == 1
    assert done.stdout == b""
    assert is_one_diagnostic(done.stderr)
    assert bytes(path) in done.stderr


LAYERS = {
    *("paexec_trio.core.errorlines", "paexec_trio.core.pertask"),
    *("paexec_trio.core.storing", "paexec_trio.runtime.errorrelay"),
    "paexec_trio.runtime.resultfiles",
}
"""The modules that only these options need."""

SHOW_MODULES = (
    "import sys; from paexec_trio.cli.main import main; main(); print(*sys.modules, flush=True)"
)


@pytest.mark.parametrize(
    ("options", "loaded"),
    [
        ([], set()),
        (["--tag"], set()),
        (["--stderr=mixed"], set()),
        (["--stderr=group"], LAYERS - {"paexec_trio.runtime.resultfiles"}),
        (["--results=DIRECTORY"], LAYERS),
    ],
)
def test_what_is_not_asked_for_is_not_loaded(
    options: list[str], loaded: set[str], tmp_path: Path
) -> None:
    words = [option.replace("DIRECTORY", str(tmp_path)) for option in options]
    done = subprocess.run(
        [sys.executable, "-c", SHOW_MODULES, *words, "-n", "+1", "-c", ECHO],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    assert {*done.stdout.split()} & LAYERS == loaded
