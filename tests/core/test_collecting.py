"""Results as objects: the engine with a ``Collector``."""

from __future__ import annotations

import signal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.collecting import Collector
from paexec_trio.core.commands import Command
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.printing import Printer
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from paexec_trio.core.status import Status
from tests.core.playbook import FIRST_PID, Playbook, burial, names


def collecting(nodes: int = 1, **options: object) -> Playbook:
    """Return a playbook whose nodes run already and whose results are collected."""
    settings = Settings(nodes=names(nodes), **options)  # type: ignore[arg-type]
    playbook = Playbook(settings, Collector) >> on.RunStarted(b"nonce") << do.StartNode(0)
    playbook << do.ReadMore()
    for index in range(nodes):
        playbook >> on.NodeStarted(index, FIRST_PID + index)
        playbook << do.TellChange(index, do.Change.STARTED)
        if index + 1 < nodes:
            playbook << do.StartNode(index + 1)
    return playbook


def test_a_result_is_delivered_when_it_is_complete() -> None:
    assert (
        collecting(2)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(1, b"one\ntw")
        >> on.NodeOutput(0, b"\n")
        << do.Deliver(1, b"a", b"", 0)
        << do.ReadMore()
        >> on.NodeOutput(1, b"o\nthree\n\n")
        << do.Deliver(2, b"b", b"one\ntwo\nthree\n", 1)
    )


def test_how_results_are_printed_does_not_matter() -> None:
    """Octets are delivered as the calculator wrote them, without the EOT."""
    assert (
        collecting(
            eot=b"E",
            show_node=True,
            show_task_id=True,
            show_pid=True,
            print_eot=True,
            print_task=True,
        )
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"one\n\nE\n")
        << do.Deliver(1, b"a", b"one\n\n", 0)
        << do.ReadMore()
    )


def test_results_that_come_together_are_delivered_one_by_one() -> None:
    assert (
        collecting(prefetch=4)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\nb\nc\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"1\n\n2\n\n\n")
        << do.Deliver(1, b"a", b"1\n", 0)
        << do.Deliver(2, b"b", b"2\n", 0)
        << do.Deliver(3, b"c", b"", 0)
    )


def test_attempts_are_counted_and_what_a_dead_node_wrote_is_dropped() -> None:
    assert (
        collecting(2, on_death=Reassign())
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"half of ")
        >> on.NodeOutput(0, b"it\nand mo")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.TellChange(0, do.Change.DIED)
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"all of it\n\n")
        << do.Deliver(1, b"a", b"all of it\n", 1, attempts=2)
        >> on.StdinChunk(b"b\n")
        << do.Send(1, b"b\n")
        >> on.NodeOutput(1, b"\n")
        << do.Deliver(2, b"b", b"", 1)
        << do.ReadMore()
    )


def test_tasks_of_a_graph_have_a_status() -> None:
    settings = Settings(nodes=names(1), graph=GraphSettings())
    assert (
        Playbook(settings, Collector)
        >> on.RunStarted()
        << do.ReadMore()
        >> on.StdinChunk(b"a b\nb c\nd\ne\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, FIRST_PID)
        << do.TellChange(0, do.Change.STARTED)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"of a\nfailure\n\n")
        << do.Deliver(1, b"a", b"of a\nfailure\n", 0, status=Status.FAILURE, dropped=(b"b", b"c"))
        << do.Send(0, b"d\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Deliver(4, b"d", b"success\n", 0, status=Status.SUCCESS)
        << do.Send(0, b"e\n")
        >> on.NodeOutput(0, b"neither\n\n")
        << do.Report(b"paexec-trio: task 5 'e' ended without a status; dependants dropped: 0")
        << do.Deliver(5, b"e", b"neither\n", 0, status=Status.MISSING)
        << do.CloseStdin(0)
        << do.SetDeadline(do.Deadline(do.Purpose.NOTICE), 10.0)
    )


def test_blank_lines_of_a_command_are_delivered() -> None:
    """With ``-x`` blank lines are only counted until it is known whether others follow."""
    engine = Engine(Settings(nodes=names(1)), Collector, exec_mode=ExecMode(b'echo "$1"'))
    for event in (on.RunStarted(b"nonce"), on.NodeStarted(0, 7), on.StdinChunk(b"a\n")):
        engine.handle(event)
    assert engine.handle(on.NodeOutput(0, b"one\n\n\n")) == []
    delivered = do.Deliver(1, b"a", b"one\n\n\ntwo\n", 0, exit_status=0)
    assert delivered in engine.handle(on.NodeOutput(0, b"two\n\nnonce\n"))


def test_nothing_is_delivered_when_nobody_takes_it() -> None:
    assert (
        collecting()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.OutputClosed()
        << do.CloseStdin(0)
        << do.SetDeadline(do.Deadline(do.Purpose.TERMINATE), 0.2)
        >> on.NodeOutput(0, b"late\n\n")
        >> on.NodeEnded(0)
        >> on.NodeReaped(0, status=0)
        << do.TellChange(0, do.Change.ENDED, b"exit status 0")
        << do.Exit(signal=int(signal.SIGPIPE))
    )


def test_a_collector_takes_no_fast_path() -> None:
    """It would deliver nothing."""
    assert Engine(Settings(nodes=names(1)), Collector).fast_path is None
    assert Engine(Settings(nodes=names(1)), Printer).fast_path is not None


@given(data=st.data())
def test_what_was_written_is_delivered(data: st.DataObject) -> None:
    """However the output of a calculator is cut into pieces."""
    lines = st.sampled_from([b"", b"x\n", b"\n", b"long line\n"])
    results = data.draw(st.lists(st.builds(bytes.__add__, lines, lines), min_size=1))
    stream = b"".join(result + b"E\n" for result in results)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1))))
    engine = Engine(Settings(nodes=names(1), eot=b"E", prefetch=100), Collector)
    tasks = b"".join(b"%d\n" % number for number in range(1, len(results) + 1))
    for event in (on.RunStarted(), on.NodeStarted(0, FIRST_PID), on.StdinChunk(tasks)):
        engine.handle(event)
    commands: list[Command] = []
    for begin, end in pairwise([0, *cuts, len(stream)]):
        commands += engine.handle(on.NodeOutput(0, stream[begin:end]))
    assert [command for command in commands if isinstance(command, do.Deliver)] == [
        do.Deliver(number, b"%d" % number, result, 0) for number, result in enumerate(results, 1)
    ]


def test_seconds_are_counted_from_when_the_calculator_begins_with_a_task() -> None:
    """With prefetch a task waits at its node, which does not count."""
    assert (
        collecting(prefetch=2)
        >> on.TimePassed(10.0)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\nb\n")
        >> on.TimePassed(11.5)
        >> on.NodeOutput(0, b"\n")
        << do.Deliver(1, b"a", b"", 0, seconds=1.5)
        << do.ReadMore()
        >> on.TimePassed(12.0)
        >> on.NodeOutput(0, b"line of b\n")
        >> on.TimePassed(14.0)
        >> on.NodeOutput(0, b"\n")
        << do.Deliver(2, b"b", b"line of b\n", 0, seconds=2.5)
    )


def test_seconds_are_those_of_the_last_attempt() -> None:
    assert (
        collecting(2, on_death=Reassign())
        >> on.TimePassed(1.0)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.TimePassed(5.0)
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.TellChange(0, do.Change.DIED)
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.TimePassed(5.25)
        >> on.NodeOutput(1, b"\n")
        << do.Deliver(1, b"a", b"", 1, attempts=2, seconds=0.25)
    )


def test_changes_of_nodes_are_told() -> None:
    assert (
        Playbook(Settings(nodes=names(2), on_death=Reassign()), Collector)
        >> on.RunStarted()
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeNotStarted(0, b"why")
        << do.TellChange(0, do.Change.NOT_STARTED, b"why")
        << do.Report(b"paexec-trio: why")
        << do.StartNode(1)
        >> on.NodeStarted(1, FIRST_PID)
        << do.TellChange(1, do.Change.STARTED)
        >> on.NodeEnded(1)
        << do.CloseStdin(1)
        << do.TellChange(1, do.Change.DIED)
        << burial(1)
        >> on.NodeReaped(1, status=-9)
        << do.TellChange(1, do.Change.ENDED, b"signal 9")
    )
