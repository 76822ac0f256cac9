"""Graph mode in the engine: playbooks, and random graphs with random failures."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import GraphSettings, Settings
from paexec_trio.core.status import Status
from paexec_trio.core.weights import Weighting
from tests.core.playbook import Playbook, ended, finishing, names, reaped, stopping


def graph_playbook(nodes: int = 1, **options: bool) -> Playbook:
    graph = GraphSettings(weighting=Weighting.MAXIMUM_OVER_DEPENDANTS)
    settings = Settings(nodes=names(nodes), graph=graph, **options)  # type: ignore[arg-type]
    return Playbook(settings) >> on.RunStarted() << do.ReadMore()


def test_the_graph_is_read_before_anything_starts() -> None:
    """GRA-011, GRA-021."""
    assert (
        graph_playbook(2)
        >> on.StdinChunk(b"a b\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, 11)
        << do.StartNode(1)
        << do.Send(0, b"a\n")
        >> on.NodeStarted(1, 12)
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"success\n")
        << do.Send(0, b"b\n")
        << do.CloseStdin(1)
    )


def test_a_failure() -> None:
    """GRA-042, GRA-043: the failure line comes after the result and before the EOT line."""
    assert (
        graph_playbook(show_task_id=True, print_eot=True)
        >> on.StdinChunk(b"x\na b\nb c\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, 11)
        << do.Send(0, b"x\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"1 success\n1 \n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"oh\nfailure\n\n")
        << do.Write(b"2 oh\n2 failure\n2 a b c\n2 \n")
        << finishing(0)
        >> reaped(0)
        << ended(status=0)
    )


def test_no_status() -> None:
    """GRA-033, GRA-050 to GRA-052: a bare EOT does not inherit the status of the task before."""
    assert (
        graph_playbook()
        >> on.StdinChunk(b"x\na b\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, 11)
        << do.Send(0, b"x\n")
        >> on.NodeOutput(0, b"success\n\n")
        << do.Write(b"success\n")
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"\n")
        << do.Write(b"?\n")
        << do.Report(b"paexec-trio: task 2 'a' ended without a status; dependants dropped: 1")
        << finishing(0)
        >> reaped(0)
        << ended(status=1)
    )


def test_a_missing_status_does_not_hide_how_the_run_was_stopped() -> None:
    """END-030: a calculator that was being ended has no time for a status."""
    assert (
        graph_playbook()
        >> on.StdinChunk(b"a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, 11)
        << do.Send(0, b"a\n")
        >> on.StopRequested(15)
        << stopping(0)
        >> on.NodeOutput(0, b"\n")
        << do.Write(b"?\n")
        << do.Report(b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 0")
        >> reaped(0)
        << do.Exit(signal=15)
    )


def test_a_status_line_may_come_in_pieces() -> None:
    """GRA-030, with RES-005."""
    assert (
        graph_playbook()
        >> on.StdinChunk(b"a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.StartNode(0)
        >> on.NodeStarted(0, 11)
        << do.Send(0, b"a\n")
        >> on.NodeOutput(0, b"result\nfail")
        << do.Write(b"result\n")
        >> on.NodeOutput(0, b"ure\n")
        << do.Write(b"failure\n")
        >> on.NodeOutput(0, b"\n")
        << do.Write(b"a\n")
        << finishing(0)
    )


def test_a_bad_graph_starts_nothing() -> None:
    """GRA-010, GRA-020, GRA-021."""
    assert (
        graph_playbook()
        >> on.StdinChunk(b"a b\nb a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.Report(b"Cyclic dependency detected:")
        << do.Report(b"  a -> b")
        << do.Report(b"  b -> a")
        << stopping()
        << ended(status=1)
    )
    assert (
        graph_playbook()
        >> on.StdinChunk(b"a b c\n")
        << do.Report(
            b'Bad input line: a b c (line 1: expected "TASK", "TASK DEPENDANT" or '
            b'"weight: TASK NUMBER", got 3 words)'
        )
        << stopping()
        << do.DrainOutput()
    )


def test_half_a_graph_is_not_run() -> None:
    """END-023: an input that fails in the middle might miss edges."""
    assert (
        graph_playbook()
        >> on.StdinChunk(b"a\n")
        << do.ReadMore()
        >> on.StdinFailed(b"why")
        << do.Report(b"paexec-trio: reading from standard input failed: why")
        << stopping()
        << do.DrainOutput()
    )


def test_weights_are_described() -> None:
    """WGT-008."""
    assert (
        graph_playbook(describe_weights=True)
        >> on.StdinChunk(b"a\n")
        << do.ReadMore()
        >> on.StdinEnded()
        << do.Report(b"weight [a]=1")
        << do.Report(b"sum_weight [a]=1")
        << do.StartNode(0)
    )


TASKS = st.integers(min_value=0, max_value=12)
ANSWERS = [status for status in Status if status is not Status.NOT_RUN]
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

    def tell(event: on.Event) -> None:
        nonlocal written
        for command in engine.handle(event):
            if isinstance(command, do.Send):
                task = command.data.removesuffix(b"\n")
                assert command.node not in at_work
                assert task not in statuses
                assert task not in at_work.values()
                for needed in before[task]:
                    assert statuses.get(needed) is Status.SUCCESS, "started too early"
                at_work[command.node] = task
            elif isinstance(command, do.Write):
                written += command.data
            elif isinstance(command, do.CloseStdin):
                closed.add(command.node)
            elif isinstance(command, do.StartNode):
                starting.append(command.node)

    tell(on.RunStarted())
    tell(on.StdinChunk(b"".join(line + b"\n" for line in lines)))
    tell(on.StdinEnded())
    while starting:
        node = starting.pop()
        tell(on.NodeStarted(node, node))
    while at_work:
        node = data.draw(st.sampled_from(sorted(at_work)))
        task = at_work.pop(node)
        status = data.draw(st.sampled_from(ANSWERS))
        statuses[task] = status
        text = b"" if status is Status.MISSING else status.value.encode() + b"\n"
        written = b""
        tell(on.NodeOutput(node, text + b"\n"))
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
