"""``--dry-run``: lines that a shell can run, and nothing that is started (ACC-082)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.harness import LIMIT, call, call_in_shell

ODD = b"a 'b' \"c\" $HOME `d` \\ \xff*"


def lines_of(*words: str | bytes, stdin: bytes) -> list[tuple[bytes, bytes]]:
    """Return the node and the command line of each task; the call must do nothing else."""
    done = call("--dry-run", *words, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    pairs = [line.partition(b"\t") for line in done.stdout.splitlines()]
    return [(node, line) for node, _, line in pairs]


def run(line: bytes) -> bytes:
    """Return the output of a command line."""
    words: list[str | bytes] = ["/bin/sh", "-c", line]
    return subprocess.run(words, capture_output=True, timeout=LIMIT, check=True).stdout


def test_nodes_take_turns() -> None:
    nodes = [
        node for node, _ in lines_of("-n", "a b", "-t", "ssh", "-c", "cat", stdin=b"1\n2\n3\n")
    ]
    assert nodes == [b"a", b"b", b"a"]


def test_the_line_runs_the_command_with_the_task() -> None:
    ((_, line),) = lines_of("-xn", "+1", "-C", "printf", "<%s>", stdin=ODD + b"\n")
    assert run(line) == b"<" + ODD + b">"


def test_the_line_reaches_the_node() -> None:
    """The transport is /usr/bin/env, for which the name of the node is a variable."""
    words = ("-n", "NODE=alpha", "-t", "/usr/bin/env", "-xc", 'echo "$NODE"')
    ((node, line),) = lines_of(*words, stdin=b"of\n")
    assert node == b"NODE=alpha"
    assert line.startswith(b"/usr/bin/env NODE='alpha' ")


def test_the_line_starts_the_calculator_with_its_marker() -> None:
    ((_, line),) = lines_of("-yn", "+1", "-c", 'echo "$PAEXEC_EOT"', stdin=b"a\n")
    assert run(line).startswith(b"HG>&OSO@#;")


def test_nothing_is_started(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    lines_of("-xn", "+2", "-c", f"touch {trace} #", stdin=b"a\nb\n")
    assert not trace.exists()


def test_the_tasks_of_a_graph_come_in_an_order_that_can_be() -> None:
    lines = lines_of("-g", "-xn", "+1", "-c", "echo", stdin=b"b c\na b\n")
    assert [run(line) for _, line in lines] == [b"a\n", b"b\n", b"c\n"]


def test_no_more_tasks_than_the_limit() -> None:
    """The input may be endless: it is not read to its end."""
    words = ("-n", "+1", "-c", "cat", "--dry-run", "--limit", "2")
    done = call(*words, before=("/bin/sh", "-c", 'yes | "$@"', "sh"))
    assert done.stdout.count(b"\n") == 2


def test_only_what_a_resumed_run_would_do(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = ("--joblog", str(log), "-xn", "+1", "-c", "test 2 !=")
    assert call(*words, stdin=b"1\n2\n").returncode == 0
    before = log.read_bytes()
    for option, expected in (
        ("--resume", [b"3"]),
        ("--resume-failed", [b"2", b"3"]),
        ("--retry-failed", [b"2"]),
    ):
        lines = lines_of(*words, option, stdin=b"1\n2\n3\n")
        assert [line.rpartition(b" ")[2] for _, line in lines] == expected
    assert log.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (("--joblog", "/etc/passwd"), b"", b"'/etc/passwd' is not a job log"),
        (("--joblog", "/", "--resume"), b"", b"job log '/'"),
        (("-g",), b"a b c\n", b"expected"),
    ],
)
def test_errors_are_those_of_a_run(words: tuple[str, ...], stdin: bytes, message: bytes) -> None:
    done = call("--dry-run", *words, "-n", "+1", "-c", "cat", stdin=stdin)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_full_disk() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    done = call_in_shell(">/dev/full", "--dry-run", "-n", "+1", "-c", "cat", stdin=b"a\n")
    assert done.returncode == 1
    assert (
        done.stderr == b"paexec-trio: writing to standard output failed: No space left on device\n"
    )


def test_a_reader_that_is_gone() -> None:
    """END-020: it ends like a run, and says nothing."""
    words = ("--dry-run", "-n", "+1", "-c", "cat")
    done = call(*words, before=("/bin/sh", "-c", '{ yes | "$@"; echo "$?" >&2; } | :', "sh"))
    assert done.stderr == b"141\n"


def test_the_status_of_an_error_if_tasks_are_counted() -> None:
    """ACC-024."""
    words = ("--dry-run", "--exit-status=tasks", "--joblog", "/etc/passwd", "-n", "+1", "-c", "cat")
    assert call(*words).returncode == 255
