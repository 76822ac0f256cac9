"""Graph mode in the engine: playbooks, and random graphs with random failures."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

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
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import (
    Event,
    NodeEnded,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    OutputDrained,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.settings import GRACES, GraphSettings, Settings
from paexec_trio.core.status import Status
from paexec_trio.core.weights import Weighting
from tests.core.playbook import Playbook, names


def graph_playbook(nodes: int = 1, **options: bool) -> Playbook:
    graph = GraphSettings(weighting=Weighting.MAXIMUM_OVER_DEPENDANTS)
    settings = Settings(nodes=names(nodes), graph=graph, **options)  # type: ignore[arg-type]
    return Playbook(settings) >> RunStarted() << ReadMore()


def test_the_graph_is_read_before_anything_starts() -> None:
    """GRA-011, GRA-021."""
    assert (
        graph_playbook(2)
        >> StdinChunk(b"a b\n")
        << ReadMore()
        >> StdinEnded()
        << StartNode(0)
        >> NodeStarted(0, 11)
        << StartNode(1)
        << Send(0, b"a\n")
        >> NodeStarted(1, 12)
        >> NodeOutput(0, b"success\n\n")
        << Write(b"success\n")
        << Send(0, b"b\n")
        << CloseStdin(1)
    )


def test_a_failure() -> None:
    """GRA-042, GRA-043: the failure line comes after the result and before the EOT line."""
    assert (
        graph_playbook(show_task_id=True, print_eot=True)
        >> StdinChunk(b"x\na b\nb c\n")
        << ReadMore()
        >> StdinEnded()
        << StartNode(0)
        >> NodeStarted(0, 11)
        << Send(0, b"x\n")
        >> NodeOutput(0, b"success\n\n")
        << Write(b"1 success\n1 \n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"oh\nfailure\n\n")
        << Write(b"2 oh\n2 failure\n2 a b c\n2 \n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=0)
    )


def test_no_status() -> None:
    """GRA-033, GRA-050 to GRA-052: a bare EOT does not inherit the status of the task before."""
    assert (
        graph_playbook()
        >> StdinChunk(b"x\na b\n")
        << ReadMore()
        >> StdinEnded()
        << StartNode(0)
        >> NodeStarted(0, 11)
        << Send(0, b"x\n")
        >> NodeOutput(0, b"success\n\n")
        << Write(b"success\n")
        << Send(0, b"a\n")
        >> NodeOutput(0, b"\n")
        << Write(b"?\n")
        << Report(b"paexec-trio: task 2 'a' ended without a status; dependants dropped: 1")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
        >> NodeEnded(0)
        >> NodeReaped(0)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )


def test_a_missing_status_does_not_hide_how_the_run_was_stopped() -> None:
    """END-030: a calculator that was being ended has no time for a status."""
    assert (
        graph_playbook()
        >> StdinChunk(b"a\n")
        << ReadMore()
        >> StdinEnded()
        << StartNode(0)
        >> NodeStarted(0, 11)
        << Send(0, b"a\n")
        >> StopRequested(15)
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        >> NodeOutput(0, b"\n")
        << Write(b"?\n")
        << Report(b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 0")
        >> NodeEnded(0)
        >> NodeReaped(0)
        << Exit(signal=15)
    )


def test_a_status_line_may_come_in_pieces() -> None:
    """GRA-030, with RES-005."""
    assert (
        graph_playbook()
        >> StdinChunk(b"a\n")
        << ReadMore()
        >> StdinEnded()
        << StartNode(0)
        >> NodeStarted(0, 11)
        << Send(0, b"a\n")
        >> NodeOutput(0, b"result\nfail")
        << Write(b"result\n")
        >> NodeOutput(0, b"ure\n")
        << Write(b"failure\n")
        >> NodeOutput(0, b"\n")
        << Write(b"a\n")
        << CloseStdin(0)
        << SetDeadline(Deadline(Purpose.NOTICE), GRACES.finish_notice)
    )


def test_a_bad_graph_starts_nothing() -> None:
    """GRA-010, GRA-020, GRA-021."""
    assert (
        graph_playbook()
        >> StdinChunk(b"a b\nb a\n")
        << ReadMore()
        >> StdinEnded()
        << Report(b"Cyclic dependency detected:")
        << Report(b"  a -> b")
        << Report(b"  b -> a")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        << DrainOutput()
        >> OutputDrained()
        << Exit(status=1)
    )
    assert (
        graph_playbook()
        >> StdinChunk(b"a b c\n")
        << Report(
            b'Bad input line: a b c (line 1: expected "TASK", "TASK DEPENDANT" or '
            b'"weight: TASK NUMBER", got 3 words)'
        )
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        << DrainOutput()
    )


def test_half_a_graph_is_not_run() -> None:
    """END-023: an input that fails in the middle might miss edges."""
    assert (
        graph_playbook()
        >> StdinChunk(b"a\n")
        << ReadMore()
        >> StdinFailed(b"why")
        << Report(b"paexec-trio: reading from standard input failed: why")
        << SetDeadline(Deadline(Purpose.TERMINATE), GRACES.stop)
        << DrainOutput()
    )


def test_weights_are_described() -> None:
    """WGT-008."""
    assert (
        graph_playbook(describe_weights=True)
        >> StdinChunk(b"a\n")
        << ReadMore()
        >> StdinEnded()
        << Report(b"weight [a]=1")
        << Report(b"sum_weight [a]=1")
        << StartNode(0)
    )


TASKS = st.integers(min_value=0, max_value=12)
GRAPHS = st.lists(st.tuples(TASKS, TASKS), min_size=1, max_size=30)


@given(GRAPHS, st.integers(1, 4), st.data())
def test_random_graphs_with_random_failures(
    pairs: list[tuple[int, int]], nodes: int, data: st.DataObject
) -> None:
    """Each task succeeds, fails, or is a dependant of a failure: each once, none too early."""
    # A pair of equal numbers is a task without edges; others lead from lower to higher.
    lines = [b"%d" % min(p) if p[0] == p[1] else b"%d %d" % (min(p), max(p)) for p in pairs]
    before: defaultdict[bytes, set[bytes]] = defaultdict(set)
    all_tasks = {word for line in lines for word in line.split()}
    for line in lines:
        first, *second = line.split()
        if second:
            before[second[0]].add(first)

    engine = Engine(Settings(nodes=names(nodes), graph=GraphSettings(), show_node=True))
    at_work: dict[int, bytes] = {}
    statuses: dict[bytes, Status] = {}
    written = b""
    closed: set[int] = set()
    starting: list[int] = []

    def tell(event: Event) -> None:
        nonlocal written
        for command in engine.handle(event):
            if isinstance(command, Send):
                task = command.data.removesuffix(b"\n")
                assert command.node not in at_work
                assert task not in statuses
                assert task not in at_work.values()
                for needed in before[task]:
                    assert statuses.get(needed) is Status.SUCCESS, "started too early"
                at_work[command.node] = task
            elif isinstance(command, Write):
                written += command.data
            elif isinstance(command, CloseStdin):
                closed.add(command.node)
            elif isinstance(command, StartNode):
                starting.append(command.node)

    tell(RunStarted())
    tell(StdinChunk(b"".join(line + b"\n" for line in lines)))
    tell(StdinEnded())
    while starting:
        node = starting.pop()
        tell(NodeStarted(node, node))
    while at_work:
        node = data.draw(st.sampled_from(sorted(at_work)))
        task = at_work.pop(node)
        status = data.draw(st.sampled_from(Status))
        statuses[task] = status
        text = b"" if status is Status.MISSING else status.value.encode() + b"\n"
        written = b""
        tell(NodeOutput(node, text + b"\n"))
        printed = [line.split()[1:] for line in written.splitlines()]
        reached = {task}
        while more := {t for t in all_tasks if before[t] & reached} - reached:
            reached |= more
        if status is Status.FAILURE:
            assert printed[0] == [b"failure"]
            assert printed[1][0] == task
            assert sorted(printed[1]) == sorted(reached)
        else:
            assert printed == [[status.value.encode()]]

    assert closed == {*range(nodes)}
    dropped = {
        task
        for task in all_tasks - statuses.keys()
        if any(statuses.get(t) is not Status.SUCCESS for t in before[task])
    }
    assert dropped | statuses.keys() == all_tasks
