"""``-x`` in the engine: what the shell of a node is sent, and what becomes of its output."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.execmode import ExecMode, call, preamble
from paexec_trio.core.settings import (
    GraphSettings,
    Reassign,
    Settings,
)
from tests.core.playbook import Playbook, finishing, names, stopping

EXEC = ExecMode(command=b'run "$1"')
PREAMBLE = preamble(EXEC, b"N")


def exec_playbook(nodes: int = 1, **options: bool) -> Playbook:
    settings = Settings(nodes=names(nodes), **options)  # type: ignore[arg-type]
    playbook = Playbook(settings, exec_mode=EXEC)
    return playbook >> on.RunStarted(b"N") << do.StartNode(0) << do.ReadMore()


def test_a_run() -> None:
    assert (
        exec_playbook(show_task_id=True, print_eot=True)
        >> on.NodeStarted(0, 11)
        >> on.StdinChunk(b"a\nit's")
        << do.Send(0, PREAMBLE)
        << do.Send(0, call(b"a", b"N"))
        >> on.NodeOutput(0, b"one\n\n")
        << do.Write(b"1 one\n")
        >> on.NodeOutput(0, b"\nN\n")
        << do.Write(b"1 \n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.Send(0, call(b"it's", b"N"))
        >> on.NodeOutput(0, b"\nN-failed 3\nN\n")
        << do.Write(b"2 \n2 \n")
        << finishing(0)
    )


def test_every_line_of_a_printed_task_has_its_prefix() -> None:
    """EXE-003, PFX-001."""
    settings = Settings(nodes=names(1), terminator=b"\0", show_task_id=True, print_task=True)
    assert (
        Playbook(settings, exec_mode=EXEC)
        >> on.RunStarted(b"N")
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 11)
        >> on.StdinChunk(b"a\nb\0")
        << do.Write(b"1 a\n1 b\n")
        << do.Send(0, PREAMBLE)
        << do.Send(0, call(b"a\nb", b"N"))
    )


def test_nul_in_a_task() -> None:
    """EXE-004."""
    assert (
        exec_playbook()
        >> on.NodeStarted(0, 11)
        >> on.StdinChunk(b"a\nb\0\n")
        << do.Send(0, PREAMBLE)
        << do.Send(0, call(b"a", b"N"))
        >> on.NodeOutput(0, b"x\nN\n")
        << do.Write(b"x\n")
        << do.Report(b"paexec-trio: task 2 contains NUL, which no argument of a command can")
        << finishing(0)
    )


@pytest.mark.parametrize(
    ("output", "printed"),
    [
        (b"success\n\nN\n", b"success\nsuccess\n"),
        (b"success\n\nN-failed 3\nN\n", b"success\nfailure\na b\n"),
    ],
)
def test_status(output: bytes, printed: bytes) -> None:
    """EXE-030, EXE-031."""
    settings = Settings(nodes=names(1), graph=GraphSettings())
    playbook = (
        Playbook(settings, exec_mode=EXEC)
        >> on.RunStarted(b"N")
        << do.ReadMore()
        >> on.StdinChunk(b"a b\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, 11)
        << do.Send(0, PREAMBLE)
        << do.Send(0, call(b"a", b"N"))
        >> on.NodeOutput(0, output)
        << do.Write(printed)
    )
    if b"failed" in output:
        playbook << finishing(0)
    else:
        playbook << do.Send(0, call(b"b", b"N"))
    assert playbook


def test_a_shell_that_starts_while_the_run_is_stopped_is_told_nothing() -> None:
    assert (
        exec_playbook()
        >> on.StopRequested(15)
        << stopping()
        >> on.NodeStarted(0, 11)
        << stopping(0)
    )


def test_a_shell_that_does_not_start() -> None:
    assert (
        exec_playbook(2)
        >> on.NodeStarted(0, 11)
        << do.StartNode(1)
        >> on.NodeNotStarted(1, b"no")
        << do.Report(b"paexec-trio: no")
        << stopping(0)
    )


def test_a_shell_without_a_task_is_told_nothing() -> None:
    """EXE-054: it could find its end in the middle of what it is told."""
    assert exec_playbook() >> on.NodeStarted(0, 11) >> on.StdinEnded() << finishing(0)


REFUSAL = b"\nN-refused\n"


@pytest.mark.parametrize("cut", range(len(REFUSAL)))
@pytest.mark.parametrize("on_death", [None, Reassign(restart_after=1.0, wait=True)])
def test_a_command_that_the_shell_cannot_parse(cut: int, on_death: Reassign | None) -> None:
    """EXE-011: also where dead nodes are restarted, and however the sign for it is cut up."""
    settings = Settings(nodes=names(1), on_death=on_death)
    playbook = (
        Playbook(settings, exec_mode=EXEC)
        >> on.RunStarted(b"N")
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 11)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, PREAMBLE)
        << do.Send(0, call(b"a", b"N"))
    )
    if cut:
        playbook = playbook >> on.NodeOutput(0, REFUSAL[:cut])
    assert (
        playbook
        >> on.NodeOutput(0, REFUSAL[cut:])
        << do.Report(b"paexec-trio: the shell of node n0 cannot parse the command")
        << stopping(0)
    )


def test_after_the_first_result_nothing_is_a_refusal() -> None:
    assert (
        exec_playbook()
        >> on.NodeStarted(0, 11)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, PREAMBLE)
        << do.Send(0, call(b"a", b"N"))
        >> on.NodeOutput(0, b"\nN\n")
        << do.Write(b"\n")
        << do.Send(0, call(b"b", b"N"))
        >> on.NodeOutput(0, REFUSAL + b"\nN\n")
        << do.Write(b"\nN-refused\n")
        << do.ReadMore()
    )
