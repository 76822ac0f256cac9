"""Chapter *Observing*."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import termios
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
overview = pytest.mark.extension("SIGUSR1")
early_end = pytest.mark.extension("SIGUSR2")


def ask(stage: Stage, run: Distributor, *parts: bytes) -> list[bytes]:
    """Ask for an overview; wait for a line with all of these parts; return the lines so far."""
    before = len(run.stderr)

    def lines() -> list[bytes]:
        return run.stderr[before:].split(b"\n")[:-1]

    def found() -> bool:
        return any(all(part in line for part in parts) for line in lines())

    run.signal(signal.SIGUSR1)
    stage.wait(f"a line with {parts}", found)
    return lines()


@requirement("OBS-010", "OBS-011", "OBS-013")
@overview
@pytest.mark.parametrize("options", [(), ("-g",)], ids=["flat", "graph"])
def test_the_overview_names_nodes_and_their_tasks(stage: Stage, options: tuple[str, ...]) -> None:
    transport = stage.script("transport", 'shift; exec sh -c "$1"')
    words = [*options, "-n", "here yonder", "-t", transport, "-c", stage.calculator()]
    run = stage.start(*words)
    run.feed(b"first-task\nsecond-task\n")
    if options:
        run.close_stdin()
    for task in (b"first-task", b"second-task"):
        stage.holder(task)
    lines = ask(stage, run, b"yonder", b"second-task")
    ask(stage, run, b"here", b"first-task")
    (of_second,) = (line for line in lines if b"second-task" in line)
    assert b"2" in of_second.replace(b"second-task", b""), "the id is missing"
    stage.holder(b"first-task").answer(b"success")
    ask(stage, run, b"here")
    stage.holder(b"second-task").answer(b"success")
    assert run.finish() == 0
    prefix = b"success\n"
    assert run.stdout == prefix * 2


@requirement("OBS-012")
@overview
def test_control_characters_are_not_passed_on(stage: Stage) -> None:
    run = stage.start("-n", "+1", "-c", stage.calculator())
    task = b"visible\033[2J\rtext"
    run.feed(task + b"\n")
    stage.holder(task)
    lines = ask(stage, run, b"visible", b"text")
    assert not any(octet in b"\n".join(lines) for octet in (b"\033", b"\r"))
    stage.holder(task).answer(b"of it")
    assert run.finish() == 0


@requirement("OBS-013", "OBS-010")
@overview
def test_signals_without_end_change_nothing(stage: Stage) -> None:
    number = 300
    stage.reply_with_results()
    run = stage.start("-n", "+3", "-c", stage.calculator())
    stage.next_calculator()
    for _ in range(number):
        run.signal(signal.SIGUSR1)
        run.feed(b"a\n")
    stage.wait("all tasks", lambda: len(stage.tasks) == number)
    assert run.finish() == 0
    assert run.stdout == (stage.result(b"a") + b"\n") * number
    assert run.stderr, "no overview"


@requirement("OBS-013")
@overview
def test_a_signal_when_nodes_are_being_started(stage: Stage) -> None:
    """The distributor may still be loading something."""
    stage.reply_with_results()
    for _ in range(5):
        run = stage.start("-n", "+2", "-c", stage.calculator())
        stage.next_calculator()
        run.signal(signal.SIGUSR1)
        run.feed(b"a\n")
        assert run.finish() == 0
        assert run.stdout == stage.result(b"a") + b"\n"
        stage.next_calculator()


@requirement("OBS-014")
@overview
def test_nobody_reads_the_overview(stage: Stage) -> None:
    """Standard error is a full pipe."""
    fifo = stage.directory / "full"
    os.mkfifo(fifo)
    full = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    try:
        while True:
            os.write(full, bytes(4096))
    except BlockingIOError:
        pass
    try:
        within = ["/bin/sh", "-c", 'exec "$@" 2>"$0"', str(fifo)]
        run = stage.start("-n", "+1", "-c", f"exec {stage.calculator()}", within=within)
        run.feed(b"a\n")
        calculator = stage.next_calculator()
        calculator.next_task()
        for _ in range(3):
            run.signal(signal.SIGUSR1)
        calculator.answer(b"of a")
        run.expect_output(b"of a\n")
        run.feed(b"b\n")
        assert calculator.next_task() == b"b"
        calculator.answer(b"of b")
        assert run.finish(3 * stage.bound) == 0
        assert run.stdout == b"of a\nof b\n"
    finally:
        os.close(full)


# SIGUSR2


def finish_early(stage: Stage, run: Distributor) -> None:
    """Ask for an early end, and wait until the distributor says what is left."""
    before = len(run.stderr)
    run.signal(signal.SIGUSR2)
    stage.wait("a message", lambda: b"\n" in run.stderr[before:])


@requirement("OBS-030", "OBS-031", "OBS-032")
@early_end
@pytest.mark.parametrize("options", [(), ("-z",), ("-g",)], ids=["flat", "deaths", "graph"])
def test_what_has_begun_is_finished(stage: Stage, options: tuple[str, ...]) -> None:
    run = stage.start(*options, "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\n")
    if options == ("-g",):
        run.close_stdin()
    held = [stage.holder(task) for task in (b"a", b"b")]
    finish_early(stage, run)
    held[0].answer(b"success")
    run.expect_output(b"success\n")
    assert sorted(stage.tasks) == [b"a", b"b"]
    held[1].answer(b"success")
    assert run.wait() not in {0, -signal.SIGUSR2}
    assert run.stdout == b"success\nsuccess\n"
    assert sorted(stage.tasks) == [b"a", b"b"]


@requirement("OBS-031", "OBS-032")
@early_end
def test_an_input_that_stays_open(stage: Stage) -> None:
    """Tasks may be left, for all that the distributor knows."""
    run = stage.start("-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"a\n")
    assert calculator.next_task() == b"a"
    calculator.answer(b"of a")
    run.expect_output(b"of a\n")
    finish_early(stage, run)
    assert run.wait() not in {0, -signal.SIGUSR2}
    assert run.stdout == b"of a\n"


@requirement("OBS-033", "OBS-031")
@early_end
def test_nothing_is_left(stage: Stage) -> None:
    """A graph is read whole before its first task is dispatched."""
    run = stage.start("-g", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    run.close_stdin()
    calculator = stage.holder(b"a")
    run.signal(signal.SIGUSR2)
    calculator.answer(b"success")
    assert run.wait() == 0
    assert run.stdout == b"success\n"


@requirement("OBS-030", "OBS-032")
@early_end
@pytest.mark.extension("--exit-status", "--joblog")
def test_the_status_and_the_log_say_what_is_left(stage: Stage) -> None:
    log = stage.directory / "log"
    words = ["--exit-status=tasks", "--joblog", str(log), "-n", "+1", "-c", stage.calculator()]
    run = stage.start(*words)
    run.feed(b"a\nb\nc\n")
    calculator = stage.holder(b"a")
    finish_early(stage, run)
    calculator.answer(b"of a")
    assert run.wait() == 111
    assert b"never ran" in run.stderr
    assert len(log.read_bytes().splitlines()) == 2


# The progress on a terminal

progress = pytest.mark.extension("--progress")

CONTROL = re.compile(rb"\033\[[0-9;?]*[A-Za-z]")


class Screen:
    """A terminal that is the standard error of a distributor, and perhaps its output."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._master, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        os.set_blocking(self._master, False)
        self.octets = b""

    def within(self, term: str, *, output: bool = False, variables: str = "") -> list[str]:
        """Return the command line that a distributor is started within."""
        streams = '>"$0" 2>&1' if output else '2>"$0"'
        set_term = f"TERM={term}; export TERM" if term else "unset TERM"
        script = f'{set_term}; {variables} exec "$@" {streams}'
        return ["/bin/sh", "-c", script, os.ttyname(self._theirs)]

    def read(self) -> bytes:
        """All that was written so far."""
        try:
            while True:
                self.octets += os.read(self._master, 1 << 16)
        except (BlockingIOError, OSError):
            return self.octets

    def wait_for(self, what: bytes) -> None:
        self._stage.wait(f"{what!r} on the terminal", lambda: what in self.read())

    def rows(self) -> list[bytes]:
        """The rows of the screen; each repainting of one row counts as that row alone."""
        rows = [b""]
        column = 0
        for piece in re.split(rb"(\033\[[0-9;?]*[A-Za-z]|\r|\n)", self.read()):
            if piece == b"\r":
                column = 0
            elif piece == b"\n":
                rows.append(b"")
                column = 0
            elif piece in {b"\033[J", b"\033[K", b"\033[0J", b"\033[0K"}:
                rows[-1] = rows[-1][:column]
            elif piece == b"\033[2K":
                rows[-1] = b" " * column
            elif not CONTROL.fullmatch(piece):
                rows[-1] = rows[-1][:column] + piece + rows[-1][column + len(piece) :]
                column += len(piece)
        return rows

    def close(self) -> None:
        os.close(self._master)
        os.close(self._theirs)


@pytest.fixture
def screen(stage: Stage) -> Iterator[Screen]:
    made = Screen(stage)
    yield made
    made.close()


@requirement("OBS-040", "OBS-041", "OBS-044")
@progress
def test_results_scroll_above_the_line(stage: Stage, screen: Screen) -> None:
    task = b"odd\033[2Jtask"
    words = ["--progress", "-n", "+1", "-c", f"exec {stage.calculator()}"]
    run = stage.start(*words, within=screen.within("xterm", output=True))
    run.feed(task + b"\n")
    calculator = stage.holder(task)
    screen.wait_for(b"1 running")
    calculator.answer(b"first result")
    screen.wait_for(b"1 done")
    run.feed(b"b\n")
    calculator = stage.holder(b"b")
    calculator.write(b"half")
    calculator.sync()
    calculator.answer(b" a line")
    assert run.finish() == 0
    rows = screen.rows()
    assert b"first result" in rows
    assert b"half a line" in rows
    assert sum(b" running" in row for row in rows) <= 1, "it scrolls"
    assert b"\033[2Jtask" not in screen.octets
    assert any(b"total" in row for row in rows)


@requirement("OBS-042")
@progress
@pytest.mark.parametrize("term", ["dumb", ""], ids=["dumb", "unset"])
def test_a_dumb_terminal(stage: Stage, screen: Screen, term: str) -> None:
    words = ["--progress", "-n", "+1", "-c", f"exec {stage.calculator()}"]
    run = stage.start(*words, within=screen.within(term))
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    screen.wait_for(b"1 running")
    calculator.answer(b"of a")
    assert run.finish() == 0
    screen.wait_for(b"total")
    assert b"\033" not in screen.octets


@requirement("OBS-043")
@progress
def test_the_variable_shows_the_progress_on_a_terminal(stage: Stage, screen: Screen) -> None:
    auto = "PAEXEC_PROGRESS=auto; export PAEXEC_PROGRESS;"
    words = ["-n", "+1", "-c", f"exec {stage.calculator()}"]
    run = stage.start(*words, within=screen.within("xterm", variables=auto))
    run.feed(b"a\n")
    calculator = stage.holder(b"a")
    screen.wait_for(b"1 running")
    calculator.answer(b"of a")
    assert run.finish() == 0
    assert run.stdout == b"of a\n"
    within = ["/bin/sh", "-c", f'{auto} exec "$@"', "sh"]
    other = stage.start(*words, within=within)
    other.feed(b"b\n")
    stage.holder(b"b").answer(b"of b")
    assert other.finish() == 0
    assert b"done" not in other.stderr
