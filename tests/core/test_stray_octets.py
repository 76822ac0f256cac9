"""Octets that calculators write outside of their tasks, and nodes that never end a task."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.execmode import ExecMode, call, preamble
from paexec_trio.core.settings import (
    Reassign,
    Settings,
)
from paexec_trio.core.visible import visible
from tests.core.playbook import (
    GREETING,
    Playbook,
    burial,
    ended,
    finishing,
    names,
    out_of_step,
    passed,
    reaped,
    restarting,
    started,
    stopping,
)


def one_too_many(octets: bytes) -> do.Report:
    """Return the diagnostic of RES-033."""
    return do.Report(
        b"paexec-trio: node n0 wrote an extra end-of-task marker: '%b'; its results may "
        b"belong to other tasks %b" % (octets, GREETING)
    )


def discarded(octets: bytes) -> do.Report:
    """Return the diagnostic of RES-009."""
    return do.Report(b"paexec-trio: node n0 wrote outside of a task; discarded: '%b'" % octets)


@pytest.mark.parametrize("octets", [b"banner\n", b"x", b"\n", b"banner\n\n"])
def test_what_an_idle_node_writes_ends_the_run(octets: bytes) -> None:
    """RES-030: other calculators are ended, and no task is dispatched."""
    assert (
        started(2)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeOutput(1, octets)
        << out_of_step(visible(octets), b"n1")
        << stopping(0, 1)
        >> on.StdinChunk(b"b\n")
        >> reaped(0)
        >> reaped(1)
        << ended(status=1)
    )


@pytest.mark.parametrize("stray", [b"stray", b"stray\n\n", b"\n"])
def test_octets_after_the_eot_belong_to_no_task(stray: bytes) -> None:
    """RES-008, RES-030: neither as its result nor as its EOT, though another task waits."""
    assert (
        started()
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"r\n\n" + stray)
        << do.Write(b"r\n")
        << out_of_step(visible(stray))
        << stopping(0)
    )


def test_a_node_out_of_step_that_has_answered_nothing_is_only_dead() -> None:
    """RES-031: its task line and its greeting harm nobody."""
    assert (
        started(2, on_death=Reassign())
        >> on.NodeOutput(0, b"banner\n\n")
        << out_of_step(b"banner\\n\\n")
        << do.CloseStdin(0)
        << burial(0)
        >> on.NodeOutput(0, b"more\n")
        >> on.StdinChunk(b"a\n")
        << do.Send(1, b"a\n")
        >> reaped(0)
        >> on.NodeOutput(1, b"r\n\n")
        << do.Write(b"r\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << finishing(1)
        >> reaped(1)
        << ended(status=0)
    )


def test_what_a_node_out_of_step_has_answered_may_be_wrong() -> None:
    """RES-032: with -z the others do what is left, but the run has failed."""
    assert (
        started(2, on_death=Reassign())
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"banner\n\n")
        << do.Write(b"banner\n")
        >> on.NodeOutput(0, b"of a\n\n")
        << out_of_step(b"of a\\n\\n")
        << do.CloseStdin(0)
        << burial(0)
        >> reaped(0)
        >> on.StdinEnded()
        << finishing(1)
        >> reaped(1)
        << ended(status=1)
    )


def test_all_nodes_out_of_step_are_all_dead() -> None:
    """RES-031, DTH-030."""
    assert (
        started(on_death=Reassign())
        >> on.NodeOutput(0, b"x")
        << out_of_step(b"x")
        << do.CloseStdin(0)
        << burial(0)
        >> on.StdinChunk(b"a\n")
        << do.Report(b"all nodes failed")
        << stopping()
    )


def test_a_node_that_is_out_of_step_again_is_reported_again() -> None:
    """RES-031."""
    assert (
        started(on_death=Reassign(restart_after=1, wait=True))
        >> on.NodeOutput(0, b"x")
        << out_of_step(b"x")
        << do.CloseStdin(0)
        << burial(0)
        << restarting(1)
        >> reaped(0)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.NodeStarted(0, 7)
        >> on.NodeOutput(0, b"x")
        << out_of_step(b"x")
        << do.CloseStdin(0)
        << burial(0)
        << restarting(1)
    )


def late(*outputs: tuple[bytes, do.Report | None], eot: bytes = b"", **options: bool) -> Playbook:
    """Return a playbook of a calculator that writes after the end of its input."""
    playbook = (
        started(eot=eot, **options)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, eot + b"\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << finishing(0)
    )
    for octets, report in outputs:
        playbook >> on.NodeOutput(0, octets)
        if report:
            playbook << report
    return playbook >> reaped(0) << do.DrainOutput() >> on.OutputDrained()


def test_what_follows_on_the_end_of_the_input_is_discarded() -> None:
    """RES-009, RES-034: as that of awk's END."""
    assert late((b"total\n", discarded(b"total\\n")), (b"more\n", None)) << do.Exit(status=0)
    assert late((b"x\n\nEOTx\n EOT\nEOT", discarded(rb"x\n\nEOTx\n EOT\nEOT")), eot=b"EOT") << (
        do.Exit(status=0)
    )


def test_an_eot_after_the_end_of_the_input_shows_that_results_were_shifted() -> None:
    """RES-033: however it is cut; it is told what came besides."""
    assert late((b"of b\n\n", one_too_many(rb"of b\n\n")), (b"x", None)) << do.Exit(status=1)
    assert late((b"\n", one_too_many(rb"\n"))) << do.Exit(status=1)
    assert late(
        (b"total\nE", discarded(rb"total\nE")),
        (b"O", None),
        (b"T\n", one_too_many(rb"T\n")),
        eot=b"EOT",
    ) << do.Exit(status=1)


def test_a_node_without_a_result_has_none_that_could_be_shifted() -> None:
    """RES-033, RES-034."""
    assert (
        started()
        >> on.StdinEnded()
        << finishing(0)
        >> on.NodeOutput(0, b"total\n\n")
        << discarded(rb"total\n\n")
        >> reaped(0)
        << ended(status=0)
    )


def test_octets_outside_of_a_task_shift_nothing_with_x() -> None:
    """A marker that no command knows ends each result."""
    command = ExecMode(b"c")
    assert (
        Playbook(Settings(nodes=names(1)), exec_mode=command)
        >> on.RunStarted(b"marker")
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 7)
        >> on.NodeOutput(0, b"banner\n\n")
        << discarded(rb"banner\n\n")
        >> on.StdinChunk(b"a\n")
        << do.Send(0, preamble(command, b"marker"))
        << do.Send(0, call(b"a", b"marker"))
    )


# Nodes that never end a task


def vain(count: int, last: bytes) -> do.Report:
    """Return the diagnostic of RST-031."""
    return do.Report(
        b"paexec-trio: node n0 has failed %d times in a row without ending a task, last: %b; "
        b"next restart in 5 s" % (count, last)
    )


def die(playbook: Playbook, status: int | None, report: do.Report | None) -> Playbook:
    """Let an idle node die, whose death is noticed by a report or by nothing, and restart it."""
    playbook >> on.NodeEnded(0) << do.CloseStdin(0)
    (playbook << burial(0) << restarting(5))
    playbook >> on.NodeReaped(0, status=status)
    if report:
        playbook << report
    (playbook >> passed(do.Purpose.REAP, 0) >> passed(do.Purpose.RESTART) << do.StartNode(0))
    return playbook >> on.NodeStarted(0, 7)


def test_a_node_that_only_dies_is_reported_at_growing_intervals() -> None:
    """RST-031."""
    playbook = started(on_death=Reassign(restart_after=5, wait=True))
    for number in range(1, 26):
        is_due = number in {3, 6, 12, 24}
        die(playbook, 255, vain(number, b"exit status 255") if is_due else None)
    assert playbook


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (0, b"exit status 0"),
        (127, b"exit status 127 (command not found)"),
        (-9, b"signal 9"),
        (None, b"unknown status"),
    ],
)
def test_how_a_node_died_is_told(status: int | None, text: bytes) -> None:
    playbook = started(on_death=Reassign(restart_after=5, wait=True))
    for number in range(1, 4):
        die(playbook, status, vain(number, text) if number == 3 else None)
    assert playbook


def test_a_node_that_ends_a_task_now_and_then_is_not_reported() -> None:
    """RST-031: by the engine or by the exchange that does without it."""
    playbook = started(on_death=Reassign(restart_after=5, wait=True))
    for _ in range(2):
        die(playbook, 1, None)
    playbook >> on.StdinChunk(b"a\n") << do.Send(0, b"a\n") >> on.NodeOutput(0, b"\n")
    playbook << do.ReadMore()
    for number in range(4):
        die(playbook, 1, vain(3, b"exit status 1") if number == 3 else None)
    assert playbook


def refused(permanent: tuple[bool, ...], *, wait: bool = True) -> Playbook:
    """Return a playbook in which nodes cannot be started, and a task waits."""
    on_death = Reassign(restart_after=5, wait=wait)
    settings = Settings(nodes=names(len(permanent)), on_death=on_death)
    playbook = Playbook(settings) >> on.RunStarted() << do.StartNode(0) << do.ReadMore()
    playbook >> on.StdinChunk(b"a\n")
    for index, is_permanent in enumerate(permanent):
        playbook >> on.NodeNotStarted(index, b"cannot run x: reason", is_permanent)
        if not index:
            playbook << do.Report(b"paexec-trio: cannot run x: reason")
        if index + 1 < len(permanent):
            playbook << do.StartNode(index + 1)
    return playbook << restarting(5)


def test_a_run_in_which_no_node_can_be_started_ends() -> None:
    """RST-030."""
    assert (
        refused((True, True))
        << do.Report(b"all nodes failed: none of them can be started")
        << stopping()
        << ended(status=1)
    )


@pytest.mark.parametrize("permanent", [(False, True), (True, False), (False,)])
def test_what_may_pass_by_is_waited_for(permanent: tuple[bool, ...]) -> None:
    """RST-020: such as a lack of memory."""
    assert refused(permanent)


def test_after_a_start_there_may_be_another() -> None:
    """RST-020: a transport that was there may come back."""
    playbook = started(on_death=Reassign(restart_after=5, wait=True))
    die(playbook, 1, None)
    assert (
        playbook
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << burial(0)
        << restarting(5)
        >> on.NodeReaped(0, status=1)
        >> passed(do.Purpose.RESTART)
        << do.StartNode(0)
        >> on.StdinChunk(b"a\n")
        >> on.NodeNotStarted(0, b"reason", True)
        << do.Report(b"paexec-trio: reason")
        << vain(3, b"reason")
        << restarting(5)
    )
