"""``-x`` in the engine: what the shell of a node is sent, and what becomes of its output."""

from __future__ import annotations

import pytest

from paexec_trio.core.commands import (
    CloseStdin,
    Deadline,
    Purpose,
    ReadMore,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.events import (
    NodeNotStarted,
    NodeOutput,
    NodeStarted,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StopRequested,
)
from paexec_trio.core.execmode import call, preamble
from paexec_trio.core.settings import (
    GRACES,
    ExecSettings,
    GraphSettings,
    Reassign,
    Settings,
)
from tests.core.playbook import Playbook, names

EXEC = ExecSettings(command=b'run "$1"')
PREAMBLE = preamble(EXEC, b"N")


def exec_playbook(nodes: int = 1, **options: bool) -> Playbook:
    settings = Settings(nodes=names(nodes), exec_mode=EXEC, **options)  # type: ignore[arg-type]
    return Playbook(settings) >> RunStarted(b"N") << StartNode(0) << ReadMore()


def test_a_run() -> None:
    assert (
        exec_playbook(show_task_id=True, print_eot=True)
        >> NodeStarted(0, 11)
        >> StdinChunk(b"a\nit's")
        << Send(0, PREAMBLE)
        << Send(0, call(b"a", b"N"))
        >> NodeOutput(0, b"one\n\n")
        << Write(b"1 one\n")
        >> NodeOutput(0, b"\nN\n")
        << Write(b"1 \n")
        << ReadMore()
        >> StdinEnded()
        << Send(0, call(b"it's", b"N"))
        >> NodeOutput(0, b"\nN-failed\nN\n")
        << Write(b"2 \n2 \n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_every_line_of_a_printed_task_has_its_prefix() -> None:
    """EXE-003, PFX-001."""
    settings = Settings(
        nodes=names(1), exec_mode=EXEC, terminator=b"\0", show_task_id=True, print_task=True
    )
    assert (
        Playbook(settings)
        >> RunStarted(b"N")
        << StartNode(0)
        << ReadMore()
        >> NodeStarted(0, 11)
        >> StdinChunk(b"a\nb\0")
        << Write(b"1 a\n1 b\n")
        << Send(0, PREAMBLE)
        << Send(0, call(b"a\nb", b"N"))
    )


def test_nul_in_a_task() -> None:
    """EXE-004."""
    assert (
        exec_playbook()
        >> NodeStarted(0, 11)
        >> StdinChunk(b"a\nb\0\n")
        << Send(0, PREAMBLE)
        << Send(0, call(b"a", b"N"))
        >> NodeOutput(0, b"x\nN\n")
        << Write(b"x\n")
        << Report(b"paexec-trio: task 2 contains NUL, which no argument of a command can")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


@pytest.mark.parametrize(
    ("output", "printed"),
    [
        (b"success\n\nN\n", b"success\nsuccess\n"),
        (b"success\n\nN-failed\nN\n", b"success\nfailure\na b\n"),
    ],
)
def test_status(output: bytes, printed: bytes) -> None:
    """EXE-030, EXE-031."""
    settings = Settings(nodes=names(1), exec_mode=EXEC, graph=GraphSettings())
    playbook = (
        Playbook(settings)
        >> RunStarted(b"N")
        << ReadMore()
        >> StdinChunk(b"a b\n")
        << ReadMore()
        >> StdinEnded()
        << StartNode(0)
        >> NodeStarted(0, 11)
        << Send(0, PREAMBLE)
        << Send(0, call(b"a", b"N"))
        >> NodeOutput(0, output)
        << Write(printed)
    )
    if b"failed" in output:
        playbook << CloseStdin(0) << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    else:
        playbook << Send(0, call(b"b", b"N"))
    assert playbook


def test_a_shell_that_starts_while_the_run_is_stopped_is_told_nothing() -> None:
    assert (
        exec_playbook()
        >> StopRequested(15)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeStarted(0, 11)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_a_shell_that_does_not_start() -> None:
    assert (
        exec_playbook(2)
        >> NodeStarted(0, 11)
        << StartNode(1)
        >> NodeNotStarted(1, b"no")
        << Report(b"paexec-trio: no")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_a_shell_without_a_task_is_told_nothing() -> None:
    """EXE-054: it could find its end in the middle of what it is told."""
    assert (
        exec_playbook()
        >> NodeStarted(0, 11)
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


REFUSAL = b"\nN-refused\n"


@pytest.mark.parametrize("cut", range(len(REFUSAL)))
@pytest.mark.parametrize("on_death", [None, Reassign(restart_after=1.0, wait=True)])
def test_a_command_that_the_shell_cannot_parse(cut: int, on_death: Reassign | None) -> None:
    """EXE-011: also where dead nodes are restarted, and however the sign for it is cut up."""
    settings = Settings(nodes=names(1), exec_mode=EXEC, on_death=on_death)
    playbook = (
        Playbook(settings)
        >> RunStarted(b"N")
        << StartNode(0)
        << ReadMore()
        >> NodeStarted(0, 11)
        >> StdinChunk(b"a\n")
        << Send(0, PREAMBLE)
        << Send(0, call(b"a", b"N"))
    )
    if cut:
        playbook = playbook >> NodeOutput(0, REFUSAL[:cut])
    assert (
        playbook
        >> NodeOutput(0, REFUSAL[cut:])
        << Report(b"paexec-trio: the shell of node n0 cannot parse the command")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_after_the_first_result_nothing_is_a_refusal() -> None:
    assert (
        exec_playbook()
        >> NodeStarted(0, 11)
        >> StdinChunk(b"a\nb\n")
        << Send(0, PREAMBLE)
        << Send(0, call(b"a", b"N"))
        >> NodeOutput(0, b"\nN\n")
        << Write(b"\n")
        << Send(0, call(b"b", b"N"))
        >> NodeOutput(0, REFUSAL + b"\nN\n")
        << Write(b"\nN-refused\n")
        << ReadMore()
    )
