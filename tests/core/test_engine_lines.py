"""Lines that are tasks with a status, as paargs has them, in the engine."""

from __future__ import annotations

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.settings import GraphSettings, Settings
from tests.core.playbook import Playbook, finishing, names


def lines_playbook(nodes: int = 1) -> Playbook:
    graph = GraphSettings(delimiter=b"", every_line=True)
    settings = Settings(nodes=names(nodes), graph=graph, show_task_id=True)
    return Playbook(settings) >> on.RunStarted() << do.StartNode(0) << do.ReadMore()


def test_lines_are_dispatched_as_they_come() -> None:
    """ARG-020 to ARG-022: equal ones too; what would be an edge or a weight is a task."""
    assert (
        lines_playbook()
        >> on.NodeStarted(0, 11)
        >> on.StdinChunk(b"a b\n")
        << do.Send(0, b"a b\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"1 success\n")
        << do.ReadMore()
        >> on.StdinChunk(b"a b\nweight: x 5\n")
        << do.Send(0, b"a b\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"2 success\n")
        << do.Send(0, b"weight: x 5\n")
        >> on.StdinEnded()
        >> on.NodeOutput(0, b"x\nsuccess\n\n")
        << do.Write(b"3 x\n3 success\n")
        << finishing(0)
    )


def test_a_failure_is_followed_by_the_task_alone() -> None:
    """ARG-030: by each of two equal ones."""
    assert (
        lines_playbook(2)
        >> on.StdinChunk(b"a b\na b\n")
        >> on.NodeStarted(0, 11)
        << do.StartNode(1)
        << do.Send(0, b"a b\n")
        >> on.NodeStarted(1, 12)
        << do.Send(1, b"a b\n")
        >> on.NodeOutput(1, b"failure\n\n")
        << do.Write(b"2 failure\n2 a b\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"failure\n\n")
        << do.Write(b"1 failure\n1 a b\n")
        >> on.StdinEnded()
        << finishing(0, 1)
    )


def test_a_task_without_status() -> None:
    """GRA-050, GRA-052: only a calculator can leave it out, which paargs does not have."""
    assert (
        lines_playbook()
        >> on.NodeStarted(0, 11)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"x\n\n")
        << do.Write(b"1 x\n1 ?\n")
        << do.Report(b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 0")
        << do.Send(0, b"b\n")
    )
