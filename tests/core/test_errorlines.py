"""The engine with the standard error of calculators (the chapter Output per task of the spec)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.engine import Engine
from paexec_trio.core.errorlines import LONGEST_PART
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.rendering import LAZY_ABOVE, LazyLines
from paexec_trio.core.settings import Reassign, Settings, StderrMode
from tests.core.playbook import Playbook, burial, ended, finishing, names, started, stopping

GROUP, TAG, MIXED = StderrMode.GROUP, StderrMode.TAG, StderrMode.MIXED


def kept_apart(mode: StderrMode, nodes: int = 1, **options: Grouping | Reassign | int) -> Playbook:
    return started(nodes, stderr=mode, **options)  # type: ignore[arg-type]


def test_whether_standard_error_is_read() -> None:
    settings = Settings(nodes=names(1))
    assert settings.stderr is MIXED
    assert not settings.reads_stderr
    assert Engine(settings).fast_path
    for mode in (GROUP, TAG):
        reading = settings._replace(stderr=mode)
        assert reading.reads_stderr
        assert Engine(reading).fast_path is None


def test_a_group_follows_on_the_result() -> None:
    """PTK-032."""
    assert (
        kept_apart(GROUP)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeErrors(0, b"x\ny")
        << do.HoldErrors(1, b"x\n")
        >> on.NodeOutput(0, b"of a\n")
        << do.Write(b"of a\n")
        >> on.NodeErrors(0, b"y\n\nz")
        << do.HoldErrors(1, b"yy\n\n")
        >> on.NodeOutput(0, b"\n")
        << do.HoldErrors(1, b"z\n")
        << do.ReleaseErrors(1)
        << do.ReadMore()
    )


def test_a_task_without_errors_has_no_group() -> None:
    assert (
        kept_apart(GROUP)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        >> on.NodeErrors(0, b"x\n")
        << do.HoldErrors(1, b"x\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReleaseErrors(1)
        << do.Send(0, b"b\n")
        >> on.NodeOutput(0, b"of b\n\n")
        << do.Write(b"of b\n")
        << do.ReadMore()
    )


def test_tagged_lines() -> None:
    """PTK-035, PTK-036; foreign octets in front of the line are visible."""
    assert (
        kept_apart(TAG)
        >> on.NodeErrors(0, b"hello\nhal")
        << do.PrintErrors(b"node n0: hello\n")
        >> on.StdinChunk(b"a\tb\n")
        << do.Send(0, b"a\tb\n")
        >> on.NodeErrors(0, b"\x1b\n\nx")
        << do.PrintErrors(b"node n0: hal\n")
        << do.PrintErrors(b"node n0, task 1 'a\\tb': \x1b\nnode n0, task 1 'a\\tb': \n")
        >> on.NodeOutput(0, b"\n")
        << do.PrintErrors(b"node n0, task 1 'a\\tb': x\n")
        << do.ReadMore()
        >> on.NodeErrors(0, b"bye")
        >> on.StdinEnded()
        << finishing(0)
        >> on.NodeEnded(0)
        >> on.NodeReaped(0)
        << do.PrintErrors(b"node n0: bye\n")
        << ended()
    )


def test_two_nodes_with_open_lines() -> None:
    assert (
        kept_apart(TAG, 2)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeErrors(0, b"1")
        >> on.NodeErrors(1, b"2")
        >> on.NodeErrors(0, b"1\n")
        << do.PrintErrors(b"node n0, task 1 'a': 11\n")
        >> on.NodeErrors(1, b"2\n")
        << do.PrintErrors(b"node n1, task 2 'b': 22\n")
    )


def test_an_endless_line_is_divided() -> None:
    """PTK-023, PTK-039."""
    most = b"x" * LONGEST_PART
    assert (
        kept_apart(GROUP)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeErrors(0, most)
        >> on.NodeErrors(0, b"y")
        << do.HoldErrors(1, most + b"y\n")
        >> on.NodeErrors(0, b"z\n")
        << do.HoldErrors(1, b"z\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReleaseErrors(1)
        << do.ReadMore()
    )


def test_prefixes_do_not_fill_the_memory() -> None:
    """PTK-039."""
    engine = Engine(Settings(nodes=(b"n" * 200,), stderr=TAG))
    engine.handle(on.RunStarted())
    engine.handle(on.NodeStarted(0, 1))
    lines = b"\n" * (LAZY_ABOVE // 100)
    (printed,) = engine.handle(on.NodeErrors(0, lines))
    assert isinstance(printed, do.PrintErrors)
    assert isinstance(printed.data, LazyLines)
    assert len(printed.data) == (len(b"node : ") + 201) * len(lines)


def test_groups_wait_for_each_other_as_their_results_do() -> None:
    """PTK-033."""
    playbook = kept_apart(GROUP, 4, grouping=Grouping.KEEP_ORDER)
    playbook >> on.StdinChunk(b"a\nb\nc\nd\n")
    for index in range(4):
        playbook << do.Send(index, b"%c\n" % (ord("a") + index))
    assert playbook
    assert (
        playbook
        >> on.NodeErrors(1, b"2\n")
        << do.HoldErrors(2, b"2\n")
        >> on.NodeErrors(3, b"4\n")
        << do.HoldErrors(4, b"4\n")
        >> on.NodeOutput(3, b"\n")
        << do.ReadMore()
        >> on.NodeOutput(2, b"\n")
        << do.Join(3, 4)
        << do.JoinErrors(3, 4)
        >> on.NodeOutput(1, b"\n")
        << do.Join(2, 3)
        << do.JoinErrors(2, 3)
        >> on.NodeOutput(0, b"\n")
        << do.Release(1)
        << do.Release(2)
        << do.ReleaseErrors(2)
    )


@pytest.mark.parametrize("grouping", [Grouping.GROUP, Grouping.KEEP_ORDER])
def test_a_group_of_a_group(grouping: Grouping) -> None:
    assert (
        kept_apart(GROUP, grouping=grouping)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeErrors(0, b"x\n")
        << do.HoldErrors(1, b"x\n")
        >> on.NodeOutput(0, b"of a\n\n")
        << do.Hold(1, b"of a\n")
        << do.Release(1)
        << do.ReleaseErrors(1)
        << do.ReadMore()
    )


def test_what_waits_is_printed_when_the_run_fails() -> None:
    """PTK-033; of the task that is lost, too (PTK-034)."""
    assert (
        kept_apart(GROUP, 2, grouping=Grouping.KEEP_ORDER)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeErrors(1, b"2\n")
        << do.HoldErrors(2, b"2\n")
        >> on.NodeOutput(1, b"\n")
        << do.ReadMore()
        >> on.NodeErrors(0, b"1")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.HoldErrors(1, b"1\n")
        << do.Discard(1)
        << do.ReleaseErrors(1)
        << do.Report(b"Node n0 exited unexpectedly")
        << stopping(1)
        >> on.NodeReaped(0)
        >> on.NodeEnded(1)
        >> on.NodeReaped(1)
        << do.Release(2)
        << do.ReleaseErrors(2)
        << ended(1)
    )


def test_standard_error_is_printed_though_nobody_reads_results() -> None:
    """Nothing is released then that could be followed."""
    assert (
        kept_apart(GROUP, 2, grouping=Grouping.KEEP_ORDER)
        >> on.StdinChunk(b"a\nb\nc\n")
        << do.Send(0, b"a\n")
        << do.Send(1, b"b\n")
        >> on.NodeErrors(1, b"2\n")
        << do.HoldErrors(2, b"2\n")
        >> on.NodeOutput(1, b"\n")
        << do.Send(1, b"c\n")
        >> on.NodeErrors(1, b"3\n")
        << do.HoldErrors(3, b"3\n")
        >> on.OutputClosed()
        << stopping(0, 1)
        >> on.NodeErrors(0, b"1\n")
        << do.HoldErrors(1, b"1\n")
        >> on.NodeOutput(0, b"\n")
        << do.ReleaseErrors(1)
        >> on.NodeEnded(1)
        << do.Discard(3)
        << do.ReleaseErrors(3)
        >> on.NodeReaped(1)
        >> on.NodeEnded(0)
        >> on.NodeReaped(0)
        << do.ReleaseErrors(2)
        << do.Exit(signal=13)
    )


def test_the_group_of_a_task_that_is_done_again() -> None:
    """PTK-034: that of each attempt is printed."""
    assert (
        kept_apart(GROUP, 2, on_death=Reassign())
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeErrors(0, b"1\n")
        << do.HoldErrors(1, b"1\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.ReleaseErrors(1)
        << do.Write(b"fatal\n")
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.NodeErrors(0, b"late\n")
        << do.PrintErrors(b"late\n")
        >> on.NodeErrors(1, b"2\n")
        << do.HoldErrors(1, b"2\n")
        >> on.NodeOutput(1, b"\n")
        << do.ReleaseErrors(1)
    )


def test_octets_are_printed_as_they_come_without_a_mode() -> None:
    assert (
        started(1)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeErrors(0, b"x")
        << do.PrintErrors(b"x")
    )


# Everything that can happen, and a simple model


class Reader:
    """Follows the commands of a run, and takes down what is on standard error in the end."""

    def __init__(self) -> None:
        self.printed = b""
        self.held: defaultdict[int, bytes] = defaultdict(bytes)

    def take(self, commands: list[do.Command]) -> None:
        for command in commands:
            match command:
                case do.PrintErrors(data):
                    assert isinstance(data, bytes)
                    self.printed += data
                case do.HoldErrors(group, data):
                    self.held[group] += data
                case do.JoinErrors(group, other):
                    self.held[group] += self.held.pop(other)
                case do.ReleaseErrors(group):
                    self.printed += self.held.pop(group)


def lines_of(written: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield each line that a node wrote, with the task that it belongs to; 0 for none."""
    key, text = 0, b""
    for task_id, data in [*written, (-1, b"")]:
        if task_id != key:
            if text:
                yield key, text
            key, text = task_id, b""
        text += data
        *whole, text = text.split(b"\n")
        for line in whole:
            yield key, line


@given(
    mode=st.sampled_from([GROUP, TAG]),
    grouping=st.sampled_from(Grouping),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["errors"] * 4 + ["done", "done", "dies", "ends"]),
            st.integers(min_value=0, max_value=2),
            st.lists(st.sampled_from([b"\n", b"x", b"yz"]), min_size=1, max_size=4).map(b"".join),
        ),
        max_size=40,
    ),
)
def test_every_line_is_printed_once_and_whole(
    mode: StderrMode, grouping: Grouping, steps: list[tuple[str, int, bytes]]
) -> None:
    """PTK-023, PTK-024, PTK-030, PTK-034, PTK-036: in all orders of deaths and results."""
    settings = Settings(
        nodes=names(3), stderr=mode, grouping=grouping, on_death=Reassign(restart_after=1.0)
    )
    engine, reader = Engine(settings), Reader()
    happens: list[on.Event] = [
        on.RunStarted(),
        *[on.NodeStarted(index, index) for index in range(3)],
    ]
    happens.append(on.StdinChunk(b"t\n" * 50))
    written: list[list[tuple[int, bytes]]] = [[], [], []]
    living = {0, 1, 2}
    for item in happens:
        reader.take(engine.handle(item))
    for what, index, data in steps:
        node = engine._nodes[index]  # noqa: SLF001
        happened: on.Event
        if what == "errors":
            written[index].append((node.attempts[0].task_id if node.attempts else 0, data))
            happened = on.NodeErrors(index, data)
        elif index not in living:
            continue
        elif what == "done":
            happened = on.NodeOutput(index, b"\n")
        else:
            living.discard(index)
            happened = on.NodeEnded(index)
        event(what)
        reader.take(engine.handle(happened))
    reader.take(engine.handle(on.StopRequested(15)))
    for index in range(3):
        if index in living:
            reader.take(engine.handle(on.NodeEnded(index)))
        reader.take(engine.handle(on.NodeReaped(index)))
    assert not reader.held
    expected = [
        (index, task_id, line) for index in range(3) for task_id, line in lines_of(written[index])
    ]
    assert reader.printed.endswith(b"\n") or not expected
    *printed, _ = reader.printed.split(b"\n")
    if mode is TAG:
        texts = [
            b"node n%d, task %d 't': %b" % (index, task_id, line)
            if task_id
            else b"node n%d: %b" % (index, line)
            for index, task_id, line in expected
        ]
    else:
        texts = [line for _, _, line in expected]
    assert sorted(printed) == sorted(texts)
