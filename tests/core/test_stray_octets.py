"""What calculators write outside of their tasks, and nodes that never end a task."""

from __future__ import annotations

import pytest

from paexec_trio.core.commands import (
    CloseStdin,
    Deadline,
    DrainOutput,
    Exit,
    Purpose,
    ReadMore,
    Report,
    Send,
    SetDeadline,
    StartNode,
    Write,
)
from paexec_trio.core.events import (
    DeadlinePassed,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    OutputDrained,
    RunStarted,
    StdinChunk,
    StdinEnded,
)
from paexec_trio.core.execmode import call, preamble
from paexec_trio.core.settings import (
    GRACES,
    ExecSettings,
    Reassign,
    Settings,
)
from paexec_trio.core.visible import visible
from tests.core.playbook import GREETING, Playbook, burial, names, out_of_step, started


def one_too_many(octets: bytes) -> Report:
    """Return the diagnostic of RES-033."""
    return Report(
        b"paexec-trio: node n0 wrote an extra end-of-task marker: '%b'; its results may "
        b"belong to other tasks %b" % (octets, GREETING)
    )


def discarded(octets: bytes) -> Report:
    """Return the diagnostic of RES-009."""
    return Report(b"paexec-trio: node n0 wrote outside of a task; discarded: '%b'" % octets)


@pytest.mark.parametrize("octets", [b"banner\n", b"x", b"\n", b"banner\n\n"])
def test_what_an_idle_node_writes_ends_the_run(octets: bytes) -> None:
    """RES-030: other calculators are ended, and no task is dispatched."""
    assert (
        started(2)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeOutput(1, octets)
        << out_of_step(visible(octets), b"n1")
        << CloseStdin(0)
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> StdinChunk(b"b\n")
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


@pytest.mark.parametrize("stray", [b"stray", b"stray\n\n", b"\n"])
def test_octets_after_the_eot_belong_to_no_task(stray: bytes) -> None:
    """RES-008, RES-030: neither as its result nor as its EOT, though another task waits."""
    assert (
        started()
        >> StdinChunk(b"a\nb\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"r\n\n" + stray)
        << Write(b"r\n")
        << out_of_step(visible(stray))
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_a_node_out_of_step_that_has_answered_nothing_is_only_dead() -> None:
    """RES-031: its task line and its greeting harm nobody."""
    assert (
        started(2, on_death=Reassign())
        >> NodeOutput(0, b"banner\n\n")
        << out_of_step(b"banner\\n\\n")
        << CloseStdin(0)
        << burial(0)
        >> NodeOutput(0, b"more\n")
        >> StdinChunk(b"a\n")
        << Send(1, b"a\n")
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> NodeOutput(1, b"r\n\n")
        << Write(b"r\n")
        << ReadMore()
        >> StdinEnded()
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_what_a_node_out_of_step_has_answered_may_be_wrong() -> None:
    """RES-032: with -z the others do what is left, but the run has failed."""
    assert (
        started(2, on_death=Reassign())
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        << ReadMore()
        >> NodeOutput(0, b"banner\n\n")
        << Write(b"banner\n")
        >> NodeOutput(0, b"of a\n\n")
        << out_of_step(b"of a\\n\\n")
        << CloseStdin(0)
        << burial(0)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> StdinEnded()
        << CloseStdin(1)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(1)
        >> NodeReaped(1)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_all_nodes_out_of_step_are_all_dead() -> None:
    """RES-031, DTH-030."""
    assert (
        started(on_death=Reassign())
        >> NodeOutput(0, b"x")
        << out_of_step(b"x")
        << CloseStdin(0)
        << burial(0)
        >> StdinChunk(b"a\n")
        << Report(b"all nodes failed")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
    )


def test_a_node_that_is_out_of_step_again_is_reported_again() -> None:
    """RES-031."""
    assert (
        started(on_death=Reassign(restart_after=1, wait=True))
        >> NodeOutput(0, b"x")
        << out_of_step(b"x")
        << CloseStdin(0)
        << burial(0)
        << SetDeadline(Deadline(Purpose.RESTART), 1)
        >> NodeEnded(0)
        >> NodeReaped(0)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> NodeStarted(0, 7)
        >> NodeOutput(0, b"x")
        << out_of_step(b"x")
        << CloseStdin(0)
        << burial(0)
        << SetDeadline(Deadline(Purpose.RESTART), 1)
    )


def ended(*outputs: tuple[bytes, Report | None], eot: bytes = b"", **options: bool) -> Playbook:
    """Return a playbook of a calculator that writes after the end of its input."""
    playbook = (
        started(eot=eot, **options)
        >> StdinChunk(b"a\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, eot + b"\n")
        << ReadMore()
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )
    for octets, report in outputs:
        playbook >> NodeOutput(0, octets)
        if report:
            playbook << report
    return playbook >> NodeEnded(0) >> NodeReaped(0) << DrainOutput() >> OutputDrained()


def test_what_follows_on_the_end_of_the_input_is_discarded() -> None:
    """RES-009, RES-034: as that of awk's END."""
    assert ended((b"total\n", discarded(b"total\\n")), (b"more\n", None)) << Exit(status=0)
    assert ended((b"x\n\nEOTx\n EOT\nEOT", discarded(rb"x\n\nEOTx\n EOT\nEOT")), eot=b"EOT") << (
        Exit(status=0)
    )


def test_an_eot_after_the_end_of_the_input_shows_that_results_were_shifted() -> None:
    """RES-033: however it is cut; it is told what came besides."""
    assert ended((b"of b\n\n", one_too_many(rb"of b\n\n")), (b"x", None)) << Exit(status=1)
    assert ended((b"\n", one_too_many(rb"\n"))) << Exit(status=1)
    assert ended(
        (b"total\nE", discarded(rb"total\nE")),
        (b"O", None),
        (b"T\n", one_too_many(rb"T\n")),
        eot=b"EOT",
    ) << Exit(status=1)


def test_a_node_without_a_result_has_none_that_could_be_shifted() -> None:
    """RES-033, RES-034."""
    assert (
        started()
        >> StdinEnded()
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeOutput(0, b"total\n\n")
        << discarded(rb"total\n\n")
        >> NodeEnded(0)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_octets_outside_of_a_task_shift_nothing_with_x() -> None:
    """A marker that no command knows ends each result."""
    command = ExecSettings(b"c")
    assert (
        Playbook(Settings(nodes=names(1), exec_mode=command))
        >> RunStarted(b"marker")
        << StartNode(0)
        << ReadMore()
        >> NodeStarted(0, 7)
        >> NodeOutput(0, b"banner\n\n")
        << discarded(rb"banner\n\n")
        >> StdinChunk(b"a\n")
        << Send(0, preamble(command, b"marker"))
        << Send(0, call(b"a", b"marker"))
    )


# Nodes that never end a task


def vain(count: int, last: bytes) -> Report:
    """Return the diagnostic of RST-031."""
    return Report(
        b"paexec-trio: node n0 has failed %d times in a row without ending a task, last: %b; "
        b"next restart in 5 s" % (count, last)
    )


def die(playbook: Playbook, status: int | None, report: Report | None) -> Playbook:
    """Let an idle node die, whose death is noticed by a report or by nothing, and restart it."""
    playbook >> NodeEnded(0) << CloseStdin(0)
    (playbook << burial(0) << SetDeadline(Deadline(Purpose.RESTART), 5))
    playbook >> NodeReaped(0, status=status)
    if report:
        playbook << report
    (
        playbook
        >> DeadlinePassed(Deadline(Purpose.REAP, 0))
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
    )
    return playbook >> NodeStarted(0, 7)


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
    playbook >> StdinChunk(b"a\n") << Send(0, b"a\n") >> NodeOutput(0, b"\n") << ReadMore()
    for number in range(4):
        die(playbook, 1, vain(3, b"exit status 1") if number == 3 else None)
    assert playbook


def refused(permanent: tuple[bool, ...], *, wait: bool = True) -> Playbook:
    """Return a playbook in which nodes cannot be started, and a task waits."""
    on_death = Reassign(restart_after=5, wait=wait)
    settings = Settings(nodes=names(len(permanent)), on_death=on_death)
    playbook = Playbook(settings) >> RunStarted() << StartNode(0) << ReadMore()
    playbook >> StdinChunk(b"a\n")
    for index, is_permanent in enumerate(permanent):
        playbook >> NodeNotStarted(index, b"cannot run x: reason", is_permanent)
        if not index:
            playbook << Report(b"paexec-trio: cannot run x: reason")
        if index + 1 < len(permanent):
            playbook << StartNode(index + 1)
    return playbook << SetDeadline(Deadline(Purpose.RESTART), 5)


def test_a_run_in_which_no_node_can_be_started_ends() -> None:
    """RST-030."""
    assert (
        refused((True, True))
        << Report(b"all nodes failed: none of them can be started")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
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
        >> NodeEnded(0)
        << CloseStdin(0)
        << burial(0)
        << SetDeadline(Deadline(Purpose.RESTART), 5)
        >> NodeReaped(0, status=1)
        >> DeadlinePassed(Deadline(Purpose.RESTART))
        << StartNode(0)
        >> StdinChunk(b"a\n")
        >> NodeNotStarted(0, b"reason", True)
        << Report(b"paexec-trio: reason")
        << vain(3, b"reason")
        << SetDeadline(Deadline(Purpose.RESTART), 5)
    )
