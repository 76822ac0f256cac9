"""Beats and greetings in the engine."""

from __future__ import annotations

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.settings import Reassign, Settings
from paexec_trio.core.silence import Silence
from tests.core.playbook import Item, Playbook, burial, finishing, passed, reaped, stopping

BEAT = b"TOKEN\n"
SILENT = b"paexec-trio: node 0 has sent no heartbeat for 6 seconds; killed"
NEVER = b"paexec-trio: node 0 has sent no heartbeat within 6 seconds of its start; killed"


def look() -> list[Item]:
    """Return a look that finds nothing."""
    return [passed(do.Purpose.LISTEN), do.SetDeadline(do.Deadline(do.Purpose.LISTEN), 1.0)]


def begun(on_death: Reassign | None = None) -> Playbook:
    """Return a playbook with one node, whose process has started."""
    rules = Silence(heartbeat=2.0)
    return (
        Playbook(Settings(nodes=(b"0",), silence=rules, on_death=on_death))
        >> on.RunStarted(token=b"TOKEN")
        << do.SetDeadline(do.Deadline(do.Purpose.LISTEN), 1.0)
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 1000)
    )


def test_a_node_gets_no_task_before_it_greets() -> None:
    """SIL-040, SIL-041."""
    assert (
        begun()
        >> on.StdinChunk(b"a\n")
        >> on.NodeOutput(0, b"Welcome\nto TOK")
        << do.Report(b"paexec-trio: node 0 wrote before its calculator began: 'Welcome'")
        >> on.NodeOutput(0, b"EN\n")
        << do.Report(b"paexec-trio: node 0 wrote before its calculator began: 'to '")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"of a\n\n")
        << do.Write(b"of a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << finishing(0)
    )


def test_beats_are_no_errors() -> None:
    """SIL-020, SIL-023: and they keep the node alive."""
    assert (
        begun(Reassign())
        >> on.NodeOutput(0, BEAT)
        >> look() * 6
        >> on.NodeErrors(0, b"error: " + BEAT + b"something\nTO")
        << do.PrintErrors(b"error: something\n")
        >> look() * 6
        >> on.NodeErrors(0, b"KEN\n")
        >> look() * 6
        >> passed(do.Purpose.LISTEN)
        << do.SetDeadline(do.Deadline(do.Purpose.LISTEN), 1.0)
        << do.Report(SILENT)
        << do.CloseStdin(0)
        << [burial(0), do.KillNode(0, force=False), burial(0)]
    )


def test_a_node_that_is_not_read_may_have_beaten() -> None:
    """SIL-022."""
    assert begun(Reassign()) >> look() * 6 >> on.NodeUnread(0) >> look() * 6


def test_a_node_never_begins() -> None:
    """SIL-021, SIL-042: no attempt was made."""
    assert (
        begun(Reassign())
        >> on.StdinChunk(b"a\n")
        >> look() * 6
        >> passed(do.Purpose.LISTEN)
        << do.SetDeadline(do.Deadline(do.Purpose.LISTEN), 1.0)
        << do.Report(NEVER)
        << do.CloseStdin(0)
        << [burial(0), do.KillNode(0, force=False), burial(0)]
        << do.Report(b"all nodes failed")
        << stopping()
        >> reaped(0)
        << do.DrainOutput()
    )


def test_without_z_a_node_that_ends_before_its_greeting_is_lost() -> None:
    """SIL-042."""
    assert (
        begun()
        >> on.StdinChunk(b"a\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Report(b"Node 0 exited unexpectedly")
        << stopping()
    )


def test_a_node_that_has_not_begun_at_the_end_is_closed_and_ended() -> None:
    """SIL-025: the end of the run waits for it, but not for ever."""
    assert (
        begun()
        >> on.StdinEnded()
        << finishing(0)
        >> look() * 6
        >> passed(do.Purpose.LISTEN)
        << do.SetDeadline(do.Deadline(do.Purpose.LISTEN), 1.0)
        << do.Report(SILENT)
        << [do.KillNode(0, force=False), burial(0)]
        >> reaped(0)
        << do.DrainOutput()
    )
