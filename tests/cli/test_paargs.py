"""``paargs-trio``: calls understood in memory, and the program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from paexec_trio import __version__
from paexec_trio.cli import invocation
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.invocation import Invocation
from paexec_trio.cli.options import OPTIONS
from paexec_trio.cli.paargs import SYNTAX, parse
from paexec_trio.cli.syntax import HelpRequested
from paexec_trio.core.settings import MAGIC_EOT, GraphSettings
from tests.cli.harness import LIMIT

PROGRAM = Path(sys.executable).with_name("paargs-trio")


def interpret(*arguments: str, environment: dict[bytes, bytes] | None = None) -> Invocation:
    return parse("paargs", arguments, environment or {})


def as_paexec(*arguments: str) -> Invocation:
    return invocation.parse("paargs", arguments, {})


def with_every_line(call: Invocation) -> Invocation:
    """The same call, but each line is a task."""
    assert call.settings.graph is not None
    graph = call.settings.graph._replace(every_line=True)
    return call._replace(settings=call.settings._replace(graph=graph))


def complaint(*arguments: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        interpret(*arguments)
    return caught.value


IMPLIED = ("-C", "-x", "-l", "-e", "-g", "-md=")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["-P", "+2", "cmd", "-l"], ["-n", "+2", "cmd", "-l"]),
        (["-P", "h", "-t", "ssh -x", "cmd"], ["-n", "h", "-t", "ssh -x", "cmd"]),
        (["-P+1", "-c", "cmd x"], ["-n+1", "-c", "cmd x"]),
        (["-P+1", "-I", "{}", "cmd", "{}"], ["-n+1", "-J", "{}", "cmd", "{}"]),
        (["-I%%", "-P+1", "-c", "cmd %%"], ["-J%%", "-n+1", "-c", "cmd %%"]),
        (["-XP+1", "cmd"], ["-Xn+1", "cmd"]),
        (["-fP+1", "cmd"], ["-En+1", "cmd"]),
        (["-0P+1", "cmd"], ["-0n+1", "cmd"]),
        (
            ["-P+1", "-ms=ok", "-mf=ko", "-mt=END", "c"],
            ["-n+1", "-ms=ok", "-mf=ko", "-mt=END", "c"],
        ),
        (["-zP+1", "-mF=gone", "cmd"], ["-zn+1", "-mF=gone", "cmd"]),
        (["-Z2.5", "-P+1", "-md=;", "cmd"], ["-wZ2.5", "-n+1", "-md=;", "cmd"]),
        (["-Z", "1", "-zP+1", "cmd"], ["-wZ1", "-zn+1", "cmd"]),
        (["-Z0", "-P+1", "cmd"], ["-z", "-n+1", "cmd"]),
        (["-P+1", "-md=;", "-md=", "cmd"], ["-n+1", "cmd"]),
    ],
)
def test_what_options_mean(given: list[str], meant: list[str]) -> None:
    """ARG-001, ARG-003, ARG-020."""
    call = as_paexec(*IMPLIED, *meant)
    assert call.settings.graph is not None
    assert interpret(*given) == (call if call.settings.graph.delimiter else with_every_line(call))


def test_every_option_without_a_letter_means_the_same() -> None:
    """ARG-005."""
    options = [option for option in OPTIONS if not option.letter]
    assert set(options) <= set(SYNTAX.options)
    given = {f"--{option.long}" for option in options if not option.value}
    given.remove("--retry-failed")  # paexec-trio refuses it with -g
    assert given
    given.add("--joblog=log")  # some need it
    assert interpret("-P+1", *given, "cmd") == with_every_line(
        as_paexec(*IMPLIED, "-n+1", *given, "cmd")
    )


def test_a_delimiter_means_a_graph() -> None:
    """ARG-023."""
    call = interpret("-P+1", "-md=;", "-mw=heavy", "cmd")
    assert call == as_paexec(*IMPLIED, "-n+1", "-md=;", "-mw=heavy", "cmd")
    assert call.settings.graph == GraphSettings(delimiter=b";", weight_word=b"heavy")


def test_variables() -> None:
    """ARG-004; the EOT is always set by what is implied (EXE-027)."""
    environment = {b"PAEXEC_NODES": b"a b", b"PAEXEC_TRANSPORT": b"ssh", b"PAEXEC_EOT": b"END"}
    call = interpret("cmd", environment=environment)
    assert call.settings.nodes == (b"a", b"b")
    assert call.launch.transport == (b"ssh",)
    assert call.settings.eot == MAGIC_EOT


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["cmd"], b"-P option is mandatory!", 1),
        (["-P", ",", "cmd"], b"invalid argument for option -P: ','", 1),
        (["-P+1"], b"missing arguments. Run paargs -h for details", 1),
        (["-P+1", "-c", "cmd", "x"], b"extra arguments. Run paargs -h for details: 'x'", 1),
        (["-P+1", "-I", "{", "c"], b"-Ireplstr argument must have 2-characters length: '{'", 2),
        (["-P+1", "-mx=", "cmd"], b"bad argument for -m: 'x='", 1),
        (
            ["-P+1", "-Z", "-1", "cmd"],
            b"invalid argument for option -Z: '-1'; expected a number of seconds",
            1,
        ),
        (["-lP+1", "cmd"], b"invalid option -- 'l'", 1),
        (["-n+1", "cmd"], b"invalid option -- 'n'", 1),
    ],
)
def test_diagnostics_name_its_own_options(
    arguments: list[str], message: bytes, status: int
) -> None:
    """ARG-042, ARG-043."""
    error = complaint(*arguments)
    assert (error.message, error.status) == (message, status)


@pytest.mark.parametrize(("option", "wanted"), [("--help", "-h"), ("--version", "-V")])
def test_long_options(option: str, wanted: str) -> None:
    with pytest.raises(HelpRequested) as caught:
        interpret(option)
    assert caught.value.option == wanted


def test_the_help_fits_a_terminal() -> None:
    assert all(len(line) < 80 for line in SYNTAX.help_text("paargs-trio").splitlines())


# The program


def call(*arguments: str | bytes, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [PROGRAM, *arguments], input=stdin, capture_output=True, timeout=LIMIT, check=False
    )


def test_help_and_version() -> None:
    """ARG-040, ARG-041."""
    done = call("--help")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == SYNTAX.help_text("paargs-trio")
    done = call("-V")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"paargs-trio {__version__}\n".encode(),
        b"",
    )


def test_a_usage_error() -> None:
    done = call("-P+1", "-I", "x", "cmd")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"paargs-trio: -Ireplstr argument must have 2-characters length: 'x'\n"


def test_a_run() -> None:
    done = call("-P+1", "sh", "-c", 'echo "$1"; test "$1" != b', "sh", stdin=b"a\nb\na\n")
    assert done.returncode == 0
    assert done.stderr == b"paargs-trio: 3 tasks: 1 failed: 2 'b' (exit status 1)\n"
    assert done.stdout == (
        b"1 a\n1 success\n1 %b\n2 b\n2 failure\n2 b\n2 %b\n3 a\n3 success\n3 %b\n"
        % (MAGIC_EOT, MAGIC_EOT, MAGIC_EOT)
    )


def test_octets() -> None:
    """ARG-010, ARG-020."""
    odd = bytes(range(1, 256)).replace(b"\n", b"")
    done = call("-0P+1", "printf", "<%s>", odd, stdin=odd + b"\0")
    assert done.stdout.startswith(b"1 <" + odd + b"><" + odd + b">\n1 success\n")
