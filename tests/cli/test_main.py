"""The program as a whole: bad calls, help and version, closed descriptors, whole examples."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from paexec_trio import __version__
from paexec_trio.cli.options import SYNTAX
from tests.cli.harness import (
    ECHO,
    LIMIT,
    call,
    call_in_shell,
    is_one_diagnostic,
)


@pytest.fixture(autouse=True)
def in_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make_executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


# Bad calls

GOOD = ("-n", "+1", "-c", ECHO)


@pytest.mark.parametrize(
    ("arguments", "mentioned"),
    [
        pytest.param([], b"-n", id="nothing"),
        pytest.param(["-c", ECHO], b"-n", id="no -n"),
        pytest.param(["-n", "+1"], b"-c", id="no -c"),
        pytest.param(["-n", "", "-c", ECHO], b"-n: ''", id="empty -n"),
        pytest.param(["-n", "+0", "-c", ECHO], b"'+0'", id="no node"),
        pytest.param(["-n", "+x", "-c", ECHO], b"'+x'", id="no number"),
        pytest.param(["-n", "+2x", "-c", ECHO], b"'+2x'", id="more than a number"),
        pytest.param(["-n", ",x", "-c", ECHO], b"',x'", id="bad first octet"),
        pytest.param(["-n", ":missing", "-c", ECHO], b"'missing'", id="missing file"),
        pytest.param(["-n", ":/", "-c", ECHO], b"'/'", id="directory"),
        pytest.param(["-n", "a -b", "-c", ECHO], b"'-b'", id="node like an option"),
        pytest.param([*GOOD, "-q"], b"'q'", id="unknown option"),
        pytest.param([*GOOD, "--quick"], b"'--quick'", id="unknown long option"),
        pytest.param([*GOOD, "-Z", "soon"], b"'soon'", id="no number of seconds"),
        pytest.param([*GOOD, "-Z", "-1"], b"'-1'", id="negative seconds"),
        pytest.param([*GOOD, "-z", "-w"], b"-w is useless without -Z", id="-w without -Z"),
        pytest.param([*GOOD, "-n"], b"'n'", id="-n without value"),
        pytest.param([*GOOD, "-c"], b"'c'", id="-c without value"),
        pytest.param([*GOOD, "-t"], b"'t'", id="-t without value"),
        pytest.param([*GOOD, "-m"], b"'m'", id="-m without value"),
        pytest.param([*GOOD, "free"], b"'free'", id="free argument"),
        pytest.param(["-n", "+1", "-C"], b"-h", id="-C without arguments"),
        pytest.param([*GOOD, "-md=aa"], b"'aa'", id="long delimiter"),
        pytest.param([*GOOD, "-mx=a"], b"'x=a'", id="unknown key"),
        pytest.param([*GOOD, "-ms='"], b"s='", id="quote in a word"),
        pytest.param([*GOOD, "-mt=a\nb"], b"a\\nb", id="newline in the EOT"),
        pytest.param(["-n", "a", "-t", "ssh '", "-c", ECHO], b"ssh '", id="unbalanced quotes"),
        pytest.param(["-n", b"\xff\xfe", "-c", ECHO], rb"\377\376", id="octets that are no text"),
        pytest.param([*GOOD, b"-\xff"], rb"\377", id="option that is no text"),
        pytest.param([*GOOD, b"free \xff"], rb"free \377", id="argument that is no text"),
        pytest.param([*GOOD, "two\nlines"], b"two\\nlines", id="argument of two lines"),
        pytest.param(["-n", ":a\nb", "-c", ECHO], b"a\\nb", id="file with a newline"),
        pytest.param([*GOOD, ""], b"''", id="empty argument"),
    ],
)
def test_a_bad_call_gives_one_diagnostic_and_runs_nothing(
    arguments: list[str | bytes], mentioned: bytes
) -> None:
    """OPT-020 to OPT-022."""
    result = call(*arguments, stdin=b"task\n")
    assert result.returncode == 1
    assert result.stdout == b""
    assert is_one_diagnostic(result.stderr), result.stderr
    assert mentioned in result.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAEXEC_NODES", "+0"),
        ("PAEXEC_NODES", b"\xff"),
        ("PAEXEC_ENV", "-i"),
        ("PAEXEC_ENV", "a=b"),
        ("PAEXEC_EOT", "a\nb"),
        ("PAEXEC_TRANSPORT", "'"),
    ],
)
def test_a_bad_variable_gives_one_diagnostic(name: str, value: str | bytes) -> None:
    nodes = () if name == "PAEXEC_NODES" else ("-n", "a")
    result = call(*nodes, "-c", ECHO, environment={name: value})
    assert result.returncode == 1
    assert result.stdout == b""
    assert is_one_diagnostic(result.stderr), result.stderr


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_octets_are_shown_in_the_same_way_in_every_locale(locale: str) -> None:
    """SEC-002: what is no text in UTF-8 in octal, other text as it came."""
    result = call(*GOOD, b"\xe9\xff\xc3\xa9", environment={"LC_ALL": locale})
    assert b"'\\351\\377\xc3\xa9'" in result.stderr
    assert is_one_diagnostic(result.stderr)


def test_diagnostics_begin_with_the_name_that_the_program_was_called_by(tmp_path: Path) -> None:
    program = tmp_path / "paexec"
    program.write_text("import sys\nfrom paexec_trio.cli.main import main\nsys.exit(main())\n")
    result = subprocess.run(
        [sys.executable, program], capture_output=True, timeout=LIMIT, check=False
    )
    assert result.stderr == b"paexec: -n option is mandatory!\n"
    result = subprocess.run(
        [sys.executable, program, "-V"], capture_output=True, timeout=LIMIT, check=False
    )
    assert result.stdout == f"paexec {__version__}\n".encode()


# Calculators and transports that are not there


def test_a_command_that_is_not_found() -> None:
    """END-010: one line of ours besides the shell's own, and the summary."""
    result = call("-n", "+1", "-c", "no-such-calculator", stdin=b"task\n")
    assert result.returncode == 1
    assert result.stdout == b""
    *ours, summary = [
        line for line in result.stderr.splitlines() if b"no-such-calculator" not in line
    ]
    assert len(ours) == 1
    assert summary.startswith(b"paexec-trio: 1 task: 1 given up: 1 'task' (node lost: ")
    assert b"Node 0 exited unexpectedly" in ours[0] or b"Sending task to the node" in ours[0]
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize(
    "transport", ["no-such-transport", "/nonexistent/transport -x", "/", "./not-executable", "''"]
)
def test_a_transport_that_cannot_be_run(transport: str, tmp_path: Path) -> None:
    """LCH-028."""
    (tmp_path / "not-executable").write_text("")
    result = call("-n", "a b", "-t", transport, "-c", ECHO, stdin=b"task\n")
    assert result.returncode == 1
    assert result.stdout == b""
    assert is_one_diagnostic(result.stderr), result.stderr
    assert shlex.split(transport)[0].encode() in result.stderr


def test_a_node_with_a_nul(tmp_path: Path) -> None:
    """NOD-008."""
    (tmp_path / "nodes").write_bytes(b"a\0b\n")
    result = call("-n", ":nodes", "-t", "echo", "-c", ECHO)
    assert result.returncode == 1
    assert is_one_diagnostic(result.stderr), result.stderr


def test_more_nodes_than_the_memory_can_hold() -> None:
    """LIM-005."""
    result = call(
        *("-n", "+999999999", "-c", ECHO),
        before=("/bin/sh", "-c", 'ulimit -v 100000; exec "$@"', "sh"),
    )
    assert result.returncode == 1
    assert is_one_diagnostic(result.stderr), result.stderr


# Help and version


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(option: str) -> None:
    """OPT-010."""
    result = call(option, stdin=b"task\n")
    assert result.returncode == 0
    assert result.stdout.decode() == SYNTAX.help_text("paexec-trio")
    assert result.stderr == b""


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str) -> None:
    """OPT-011."""
    result = call(option, stdin=b"task\n")
    assert result.returncode == 0
    assert result.stdout.decode() == f"paexec-trio {__version__}\n"
    assert result.stderr == b""


def test_neither_needs_standard_error() -> None:
    for option in ("-h", "-V"):
        assert call_in_shell("2>/dev/full", option).returncode == 0
        assert call_in_shell("2>&-", option).returncode == 0


@pytest.mark.parametrize("option", ["-h", "-V"])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_information_that_cannot_be_printed(redirection: str, option: str) -> None:
    result = call_in_shell(redirection, option)
    assert result.returncode == 1
    assert is_one_diagnostic(result.stderr), result.stderr


# What is loaded

LOADED = """
import sys
sys.argv = ["paexec-trio", *sys.argv[1:]]
from paexec_trio.cli.main import main
status = main()
print(status, "trio" in sys.modules, "paexec_trio.core.engine" in sys.modules, file=sys.stderr)
"""


def what_is_loaded(*arguments: str) -> list[bytes]:
    """The exit status, and whether trio and the engine were imported."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT,
        check=True,
    )
    return run.stderr.splitlines()[-1].split()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["-h"], b"0"),
        (["-V"], b"0"),
        ([], b"1"),
        (["-q"], b"1"),
        (["-n", "+0", "-c", "x"], b"1"),
        (["-n", "a", "-t", "'", "-c", "x"], b"1"),
    ],
)
def test_trio_is_not_loaded_when_nothing_is_run(arguments: list[str], status: bytes) -> None:
    assert what_is_loaded(*arguments) == [status, b"False", b"False"]


def test_the_engine_is_loaded_for_a_run() -> None:
    """Trio, too, unless the run is over before that."""
    status, _trio, engine = what_is_loaded(*GOOD)
    assert (status, engine) == (b"0", b"True")


# Closed and useless descriptors


def test_a_closed_standard_input() -> None:
    """END-023."""
    result = call_in_shell("<&-", *GOOD)
    assert result.returncode == 1
    assert is_one_diagnostic(result.stderr), result.stderr
    assert b"standard input" in result.stderr


def test_a_closed_standard_output() -> None:
    """END-022: results that nobody can get are no success."""
    result = call_in_shell(">&-", *GOOD, stdin=b"task\n")
    assert result.returncode == 1
    assert is_one_diagnostic(result.stderr), result.stderr
    assert b"standard output" in result.stderr


def test_a_closed_standard_error() -> None:
    result = call_in_shell("2>&-", *GOOD, stdin=b"task\n")
    assert (result.stdout, result.returncode) == (b"task\n", 0)
    assert call_in_shell("2>&-").returncode == 1
    assert call_in_shell("2>&-", "-n", "+1", "-c", "exit", stdin=b"task\n").returncode == 1


def test_calculators_may_write_to_a_closed_standard_error() -> None:
    """LCH-005: it must not be a pipe of somebody else."""
    command = "while read -r task; do echo noise >&2; echo result; echo; done"
    result = call_in_shell("2>&-", "-n", "+2", "-c", command, stdin=b"a\nb\n")
    assert (result.stdout, result.returncode) == (b"result\nresult\n", 0)


def test_all_descriptors_closed() -> None:
    assert call_in_shell("<&- >&- 2>&-", *GOOD).returncode == 1
    assert call_in_shell("<&- >&- 2>&-", "-h").returncode == 1


def test_a_full_device_as_standard_output() -> None:
    """END-022."""
    result = call_in_shell(">/dev/full", *GOOD, stdin=b"task\n")
    assert result.returncode == 1
    assert is_one_diagnostic(result.stderr), result.stderr
    assert b"No space left on device" in result.stderr


def test_a_full_device_as_standard_error() -> None:
    assert call_in_shell("2>/dev/full").returncode == 1
    assert call_in_shell("2>/dev/full", "-n", "+1", "-c", "exit", stdin=b"x\n").returncode == 1


def test_a_directory_as_standard_input() -> None:
    """END-023: the interpreter itself refuses it, in its own words."""
    result = call_in_shell("</", *GOOD)
    assert result.returncode == 1
    assert result.stdout == b""
    assert b"is a directory" in result.stderr.lower()


# Whole examples

TOUPPER = """#!/bin/sh
# A calculator: the task in upper case, after a blank.
while IFS= read -r task; do
    printf ' %s\\n' "$(printf '%s' "$task" | tr a-z A-Z)"
    echo
done
"""

SSH = """#!/bin/sh
# A stand-in for ssh: "runs" the command line on the node.
node=$1
shift
NODE=$node exec /bin/sh -c "$*"
"""


def example(tmp_path: Path, *options: str) -> bytes:
    """Carry out the example of the original author's slides."""
    toupper = make_executable(tmp_path / "toupper", TOUPPER)
    make_executable(tmp_path / "ssh", SSH)
    result = call(
        *options,
        *("-t", "ssh", "-c", str(toupper), "-n", "syn-proc7 syn-proc5"),
        stdin=b"apple\nbananas\norange\n",
        environment={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )
    assert result.stderr == b""
    assert result.returncode == 0
    return result.stdout


def test_the_first_example(tmp_path: Path) -> None:
    results = example(tmp_path).splitlines()
    assert sorted(results) == [b" APPLE", b" BANANAS", b" ORANGE"]


def test_the_first_example_with_nodes_and_task_ids(tmp_path: Path) -> None:
    results = [line.split(b" ", 2) for line in example(tmp_path, "-lr").splitlines()]
    assert {node for node, _, _ in results} <= {b"syn-proc7", b"syn-proc5"}
    assert sorted((task, result) for _, task, result in results) == [
        (b"1", b" APPLE"),
        (b"2", b" BANANAS"),
        (b"3", b" ORANGE"),
    ]


def test_a_run_with_all_that_can_be_printed() -> None:
    result = call(
        *("-n", "+1", "-lrei", "-mt=end", "-C", "sh", "-c"),
        'while read -r task; do echo "<$task>"; echo "$PAEXEC_EOT"; done',
        stdin=b"a\n\nb",
    )
    assert result.stdout == (
        b"0 1 a\n0 1 <a>\n0 1 end\n0 2 \n0 2 <>\n0 2 end\n0 3 b\n0 3 <b>\n0 3 end\n"
    )
    assert result.stderr == b""
    assert result.returncode == 0


def test_a_task_with_a_newline_is_refused() -> None:
    """FRM-013."""
    result = call("-0", *GOOD, stdin=b"good\0b\nad\0never\0")
    assert result.stdout == b"good\n"
    diagnostic, summary = result.stderr.splitlines(keepends=True)
    assert is_one_diagnostic(diagnostic)
    assert b"task 2 " in diagnostic
    assert summary.startswith(b"paexec-trio: 3 tasks: 2 never ran: 2 ")
    assert result.returncode == 1


def test_debugging_leaves_standard_output_alone() -> None:
    """OPT-008."""
    result = call("-d", *GOOD, stdin=b"a\nb\n")
    assert result.stdout == b"a\nb\n"
    assert b"RunStarted" in result.stderr
    assert result.returncode == 0


def test_results_and_diagnostics_keep_their_order_in_one_file(tmp_path: Path) -> None:
    """END-013: what was done is printed before the loss is reported."""
    script = make_executable(
        tmp_path / "calculator", "#!/bin/sh\nread -r task\necho whole\nprintf torn\n"
    )
    result = call_in_shell(">both 2>&1", "-n", "+1", "-c", str(script), stdin=b"task\n")
    assert result.returncode == 1
    assert Path("both").read_bytes() == (
        b"whole\nNode 0 exited unexpectedly\n"
        b"paexec-trio: 1 task: 1 given up: 1 'task' (node lost: exit status 0)"
        b"; the input was not read to its end\n"
    )
