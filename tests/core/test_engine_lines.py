"""Lines that are tasks with a status, as paargs has them, in the engine."""

from __future__ import annotations

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
from paexec_trio.core.events import NodeOutput, NodeStarted, RunStarted, StdinChunk, StdinEnded
from paexec_trio.core.settings import GRACES, GraphSettings, Settings
from tests.core.playbook import Playbook, names


def lines_playbook(nodes: int = 1) -> Playbook:
    graph = GraphSettings(delimiter=b"", every_line=True)
    settings = Settings(nodes=names(nodes), graph=graph, show_task_id=True)
    return Playbook(settings) >> RunStarted() << StartNode(0) << ReadMore()


def test_lines_are_dispatched_as_they_come() -> None:
    """ARG-020 to ARG-022: equal ones too; what would be an edge or a weight is a task."""
    assert (
        lines_playbook()
        >> NodeStarted(0, 11)
        >> StdinChunk(b"a b\n")
        << Send(0, b"a b\n")
        >> NodeOutput(0, b"success\n\n")
        << Write(b"1 success\n")
        << ReadMore()
        >> StdinChunk(b"a b\nweight: x 5\n")
        << Send(0, b"a b\n")
        >> NodeOutput(0, b"success\n\n")
        << Write(b"2 success\n")
        << Send(0, b"weight: x 5\n")
        >> StdinEnded()
        >> NodeOutput(0, b"x\nsuccess\n\n")
        << Write(b"3 x\n3 success\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_failure_is_followed_by_the_task_alone() -> None:
    """ARG-030: by each of two equal ones."""
    assert (
        lines_playbook(2)
        >> StdinChunk(b"a b\na b\n")
        >> NodeStarted(0, 11)
        << StartNode(1)
        << Send(0, b"a b\n")
        >> NodeStarted(1, 12)
        << Send(1, b"a b\n")
        >> NodeOutput(1, b"failure\n\n")
        << Write(b"2 failure\n2 a b\n")
        << ReadMore()
        >> NodeOutput(0, b"failure\n\n")
        << Write(b"1 failure\n1 a b\n")
        >> StdinEnded()
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_task_without_status() -> None:
    """GRA-050, GRA-052: only a calculator can leave it out, which paargs does not have."""
    assert (
        lines_playbook()
        >> NodeStarted(0, 11)
        >> StdinChunk(b"a\nb\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"x\n\n")
        << Write(b"1 x\n1 ?\n")
        << Report(b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 0")
        << Send(0, b"b\n")
    )
