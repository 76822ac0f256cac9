"""``pareorder-trio``: calls understood in memory, and the program."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest

from paexec_trio import __version__
from paexec_trio.cli.errors import UsageError
from paexec_trio.cli.pareorder import SYNTAX, Call, parse
from paexec_trio.cli.syntax import HelpRequested
from paexec_trio.core.settings import MAGIC_EOT
from tests.cli.harness import LIMIT

PROGRAM = Path(sys.executable).with_name("pareorder-trio")

DEFAULT = Call(
    files=[b"-"],
    eot=b"",
    method=b"m",
    keep_ids=False,
    remove_blanks=False,
    cut_fatal=False,
    failure=b"failure",
    fatal=b"fatal",
    directory=b"/tmp",
    line_limit=1 << 30,
)


# Calls


@pytest.mark.parametrize(
    ("arguments", "changes"),
    [
        ([], {}),
        (["-l"], {"keep_ids": True}),
        (["-S"], {"remove_blanks": True}),
        (["-g"], {"cut_fatal": True}),
        (["-lgS"], {"keep_ids": True, "cut_fatal": True, "remove_blanks": True}),
        (["-Mm"], {}),
        (["-M", "f"], {"method": b"f"}),
        (["-Mf", "-Ms"], {"method": b"s"}),
        (["-y"], {"eot": MAGIC_EOT}),
        (["-x"], {"eot": MAGIC_EOT}),
        (["-mt=E"], {"eot": b"E"}),
        (["-y", "-mt=E"], {"eot": b"E"}),
        (["-mt=E", "-x"], {"eot": MAGIC_EOT}),
        (["-mt=a=b"], {"eot": b"a=b"}),
        (["-ms=x"], {}),
        (["-mf=x", "-mF=y"], {"failure": b"x", "fatal": b"y"}),
        (["-mF=x", "-mF="], {"fatal": b""}),
        (["file", "-l"], {"files": [b"file", b"-l"]}),
        (["--", "-l"], {"files": [b"-l"]}),
        (["-l", "-", "\udcff"], {"keep_ids": True, "files": [b"-", b"\xff"]}),
    ],
)
def test_what_options_mean(arguments: list[str], changes: dict[str, object]) -> None:
    """RDR-001, RDR-004, RDR-011, RDR-012, RDR-014, RDR-031, RDR-032, RDR-047."""
    assert parse(arguments, {}) == DEFAULT._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "environment", "changes"),
    [
        ([], {b"PAEXEC_EOT": b"E"}, {"eot": b"E"}),
        (["-y"], {b"PAEXEC_EOT": b"E"}, {"eot": MAGIC_EOT}),
        (["-mt="], {b"PAEXEC_EOT": b"E"}, {"eot": b""}),
        (["-mt=E"], {b"PAEXEC_EOT": b"\n"}, {"eot": b"E"}),
        ([], {b"TMPDIR": b"/var/tmp"}, {"directory": b"/var/tmp"}),
        ([], {b"TMPDIR": b""}, {}),
    ],
)
def test_variables(
    arguments: list[str], environment: Mapping[bytes, bytes], changes: dict[str, object]
) -> None:
    """RDR-004, RDR-020."""
    assert parse(arguments, environment) == DEFAULT._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-q"], b"invalid option -- 'q'"),
        (["-M"], b"option requires an argument -- 'M'"),
        (["-Mq"], b"unknown method for -M: 'q'"),
        (["-M", ""], b"unknown method for -M: ''"),
        (["-Mms"], b"unknown method for -M: 'ms'"),
        (["-mx=y"], b"bad argument for -m: 'x=y'"),
        (["-md= "], b"bad argument for -m: 'd= '"),
        (["-mt"], b"bad argument for -m: 't'"),
        (["-mt=a\nb"], b"the end-of-task marker must not contain a newline: 'a\\nb'"),
        (["-mf=a\nb"], b"the text of -mf= must not contain a newline: 'a\\nb'"),
        (["-mF=\n"], b"the text of -mF= must not contain a newline: '\\n'"),
        (["-ms=a\n"], b"the text of -ms= must not contain a newline: 'a\\n'"),
    ],
)
def test_usage_errors(arguments: list[str], message: bytes) -> None:
    """RDR-048."""
    with pytest.raises(UsageError) as caught:
        parse(arguments, {})
    assert caught.value.message == message


def test_a_bad_variable() -> None:
    """RDR-048."""
    with pytest.raises(UsageError):
        parse([], {b"PAEXEC_EOT": b"a\nb"})


def test_information() -> None:
    for argument in ("-h", "--help", "-V", "--version"):
        with pytest.raises(HelpRequested):
            parse(["-l", argument], {})


# The program


def call(
    *arguments: str | Path,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    setup: str = "",
) -> subprocess.CompletedProcess[bytes]:
    """Run the program; ``setup`` is shell code that is run before it in the same process."""
    return subprocess.run(
        ["/bin/sh", "-c", f'{setup}\nexec "$@"', "sh", PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        env=os.environ | (environment or {}),
        timeout=LIMIT,
        check=False,
    )


def test_a_call() -> None:
    result = call("-lS", stdin=b"2  b\n1  a\n2 \n1 \n")
    assert (result.stdout, result.stderr, result.returncode) == (b"2 b\n1 a\n", b"", 0)


def test_help_and_version() -> None:
    """RDR-049, RDR-050."""
    result = call("-h", stdin=b"bad\n")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == SYNTAX.help_text("pareorder-trio")
    result = call("-V", stdin=b"bad\n")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.decode() == f"pareorder-trio {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "stdin", "setup", "message"),
    [
        (["-Mq"], b"1 a\n", "", b"unknown method for -M: 'q'"),
        ([], b"1 a\nx\n", "", b"bad input, did you run paexec -le? standard input, line 2: 'x'"),
        (["/"], b"", "", b"cannot read '/': Is a directory"),
        (["a\nb"], b"", "", b"cannot read 'a\\nb': No such file or directory"),
        ([], b"", "exec <&-", b"cannot read standard input: Bad file descriptor"),
        ([], b"1 a\n", "exec >&-", b"cannot write to standard output: Bad file descriptor"),
        (
            [],
            b"1 a\n",
            "exec >/dev/full",
            b"cannot write to standard output: No space left on device",
        ),
    ],
)
def test_errors(arguments: list[str], stdin: bytes, setup: str, message: bytes) -> None:
    """RDR-041, RDR-043, RDR-044, RDR-048."""
    result = call(*arguments, stdin=stdin, setup=setup)
    assert result.stderr == b"pareorder-trio: " + message + b"\n"
    assert result.returncode == 1
    assert result.stdout == b""


def test_more_than_the_memory_can_hold(tmp_path: Path) -> None:
    """The same input is no problem for the other methods."""
    file = tmp_path / "input"
    file.write_bytes(b"1 %0999d\n" % 0 * 150_000)
    result = call(file, setup="ulimit -v 120000")
    assert result.stderr == b"pareorder-trio: out of memory; -Mf and -Ms need little\n"
    assert result.returncode == 1
    for method in ("-Mf", "-Ms"):
        result = call(method, file, setup="ulimit -v 120000")
        assert result.stderr == b""
        is_whole = result.stdout == b"%0999d\n" % 0 * 150_000
        assert is_whole  # a diff would take hours


@pytest.mark.parametrize("method", ["-Mf", "-Ms"])
def test_a_directory_without_room(tmp_path: Path, method: str) -> None:
    """RDR-044."""
    file = tmp_path / "input"
    file.write_bytes(b"1 %0999d\n" % 0 * 50_000)
    missing = tmp_path / "missing"
    result = call(method, file, environment={"TMPDIR": str(missing)})
    assert result.returncode == 1
    assert result.stderr == (
        b"pareorder-trio: temporary file in '%b': No such file or directory\n" % bytes(missing)
    )
    result = call(method, file, setup="ulimit -f 100")
    assert result.returncode == 1
    assert result.stderr.startswith(b"pareorder-trio: temporary file in ")
    assert result.stderr.endswith(b": File too large\n")


def test_a_blocked_sigpipe() -> None:
    """RDR-045: where the signal cannot end the program, its exit status says the same."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    process = subprocess.run(
        [PROGRAM],
        input=b"1 a\n",
        stdout=write_end,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE]),
        timeout=LIMIT,
        check=False,
    )
    os.close(write_end)
    assert process.returncode == 128 + signal.SIGPIPE
    assert process.stderr == b""


def test_descriptors_that_do_not_block() -> None:
    """Other programs may have made them so. The input is empty and the output full at first."""
    input_end, feed = os.pipe()
    output, output_end = os.pipe()
    fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, 4096)
    for fd in (input_end, output_end):
        os.set_blocking(fd, False)
    with subprocess.Popen(
        [PROGRAM], stdin=input_end, stdout=output_end, stderr=subprocess.PIPE
    ) as process:
        os.close(input_end)
        os.close(output_end)
        with os.fdopen(feed, "wb") as stream:
            stream.write(b"1 %099d\n" % 0 * 1000 + b"1 \n")
        waiting = b""
        while waiting != struct.pack("i", 4096) and process.poll() is None:
            waiting = fcntl.ioctl(output, termios.FIONREAD, b"\0\0\0\0")
        with os.fdopen(output, "rb") as stream:
            assert stream.read() == b"%099d\n" % 0 * 1000
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_what_is_loaded() -> None:
    """Start-up is quick: no trio, and no temporary files where none are needed."""
    code = """
import sys
sys.argv = ["pareorder-trio", *sys.argv[1:]]
from paexec_trio.cli.pareorder import main
status = main()
print(status, *sorted({"trio", "tempfile", "sphinx"} & sys.modules.keys()), file=sys.stderr)
"""
    for method in ("-Mm", "-Mf", "-Ms"):
        result = subprocess.run(
            [sys.executable, "-c", code, method],
            input=b"1 a\n",
            capture_output=True,
            timeout=LIMIT,
            check=True,
        )
        assert result.stderr == b"0\n"
        assert result.stdout == b"a\n"
