"""The judge of simulated runs: it accepts good histories and finds what is wrong with bad ones."""

from __future__ import annotations

import pytest

from paexec_trio.core.commands import (
    CloseStdin,
    Deadline,
    DrainOutput,
    Exit,
    KillNode,
    Purpose,
    ReadMore,
    Report,
    Send,
    StartNode,
    Write,
)
from paexec_trio.core.events import (
    DeadlinePassed,
    HoldingFailed,
    NodeEnded,
    NodeNotStarted,
    NodeOutput,
    NodeReaped,
    NodeStarted,
    NodeUnwritable,
    OutputClosed,
    OutputDrained,
    OutputFailed,
    RunStarted,
    StdinChunk,
    StdinEnded,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.execmode import ExecMode, call, preamble
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from tests.simulation.calculators import NONCE
from tests.simulation.history import Asked, Crashed, Entry, History, Item, Printed, Stuck
from tests.simulation.judge import Verdict, judge
from tests.simulation.violations import Kind

Story = list[Entry]


def story(*steps: tuple[float, *tuple[Item, ...]]) -> Story:
    """Return a history: steps, each with the time of all its items."""
    return [Entry(time, item) for time, *items in steps for item in items]


def but(old: Story, item: Item, *new: Item, at: float | None = None) -> Story:
    """Return a story in which something else, or nothing, stands in place of an item."""
    (index,) = [i for i, e in enumerate(old) if e.item == item and at in {None, e.time}]
    return [*old[:index], *[Entry(old[index].time, i) for i in new], *old[index + 1 :]]


def verdict(told: Story, settings: Settings, exec_mode: ExecMode | None = None) -> Verdict:
    tasks = b"".join(entry.item.data for entry in told if isinstance(entry.item, StdinChunk))
    return judge(History(told), settings, tasks, exec_mode=exec_mode)


def kinds(told: Story, settings: Settings, exec_mode: ExecMode | None = None) -> list[Kind]:
    return [violation.kind for violation in verdict(told, settings, exec_mode).violations]


# Two nodes. The first dies while it works on task 1, is restarted and needed no more.

FLAT = Settings(
    nodes=(b"n0", b"n1"),
    show_task_id=True,
    print_eot=True,
    on_death=Reassign(restart_after=1.0),
)
REPEATED = story(
    (0.0, RunStarted(), StartNode(0), ReadMore()),
    (0.0, NodeStarted(0, 1000), StartNode(1)),
    (0.0, NodeStarted(1, 1001)),
    (0.1, StdinChunk(b"a\nb\n"), Send(0, b"a\n"), Send(1, b"b\n")),
    (0.1, Asked(1000, b"a"), Asked(1001, b"b")),
    (0.2, NodeOutput(0, b"first\nsec"), Printed(b"1 first\n")),
    (0.3, NodeEnded(0), CloseStdin(0), Printed(b"1 fatal\n1 \n")),
    (0.4, NodeReaped(0)),
    (0.5, NodeOutput(1, b"of b\n\n"), Printed(b"2 of b\n2 \n"), Send(1, b"a\n"), ReadMore()),
    (0.5, Asked(1001, b"a")),
    (0.6, StdinEnded()),
    (1.3, DeadlinePassed(Deadline(Purpose.RESTART)), StartNode(0)),
    (1.3, NodeStarted(0, 1002)),
    (1.4, NodeOutput(1, b"again\n"), Printed(b"1 again\n")),
    (1.5, NodeOutput(1, b"\n"), Printed(b"1 \n"), CloseStdin(0), CloseStdin(1)),
    (1.6, NodeEnded(0)),
    (1.7, NodeReaped(0)),
    (1.8, NodeEnded(1)),
    (1.9, NodeReaped(1), DrainOutput()),
    (2.0, OutputDrained(), Exit()),
)


def test_a_good_history_of_a_repeated_task() -> None:
    assert verdict(REPEATED, FLAT) == Verdict([], tasks_done=2, failed_attempts=1, restarts=1)


AGAIN = Printed(b"1 again\n")
FATAL = Printed(b"1 fatal\n1 \n")
OF_B = Printed(b"2 of b\n2 \n")
RESTARTED = NodeStarted(0, 1002)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (but(REPEATED, AGAIN), Kind.LOST),
        (but(REPEATED, Printed(b"1 first\n")), Kind.LOST),
        (but(REPEATED, OF_B, Printed(b"2 of b\n")), Kind.LOST),
        (but(but(REPEATED, AGAIN), Printed(b"1 \n"), Printed(b"1 again\n1 \n")), Kind.LOST),
        (but(REPEATED, AGAIN, AGAIN, AGAIN), Kind.DUPLICATED),
        (but(REPEATED, AGAIN, AGAIN, Printed(b"1 first\n")), Kind.DUPLICATED),
        (but(REPEATED, AGAIN, AGAIN, Printed(b"1 fatal\n")), Kind.DUPLICATED),
        (but(REPEATED, AGAIN, Printed(b"2 again\n")), Kind.MISCREDITED),
        (but(REPEATED, AGAIN, Printed(b"1 secagain\n")), Kind.MISCREDITED),
        (but(REPEATED, FATAL, Printed(b"1 sec\n1 fatal\n1 \n")), Kind.FABRICATED),
        (but(REPEATED, AGAIN, AGAIN, Printed(b"1 more\n")), Kind.FABRICATED),
        (but(REPEATED, OF_B, Printed(b"2 \n2 of b\n")), Kind.MISORDERED),
        (but(REPEATED, AGAIN, Printed(b"1 again")), Kind.MISORDERED),
        (but(REPEATED, FATAL, Printed(b"1 \n")), Kind.NO_FATAL),
    ],
)
def test_printed_lines_that_are_wrong(told: Story, kind: Kind) -> None:
    assert kinds(told, FLAT)[0] is kind


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (but(REPEATED, RESTARTED, RESTARTED, Send(0, b"b\n")), Kind.DUPLICATED),
        (but(REPEATED, RESTARTED, RESTARTED, Send(0, b"a\n")), Kind.DUPLICATED),
        (but(REPEATED, Send(1, b"a\n"), Send(0, b"a\n")), Kind.SENT_TO_DEAD),
        (but(REPEATED, Send(1, b"b\n"), Send(0, b"b\n")), Kind.CROWDED),
        (but(REPEATED, Send(1, b"b\n"), Send(1, b"c\n")), Kind.FABRICATED),
        (but(REPEATED, Send(1, b"b\n"), Send(1, b"b")), Kind.FABRICATED),
        (but(REPEATED, Send(0, b"a\n"), Send(0, b"b\n")), Kind.MISORDERED),
        (but(REPEATED, Send(0, b"a\n"), Send(1, b"a\n")), Kind.MISORDERED),
        (but(REPEATED, Send(1, b"b\n")), Kind.WAITING),
        (but(but(REPEATED, Send(1, b"a\n")), ReadMore(), at=0.5), Kind.WAITING),
        (but(REPEATED, Asked(1001, b"b"), Asked(1001, b"a")), Kind.MISCREDITED),
        (but(REPEATED, Asked(1001, b"b")), Kind.MISCREDITED),
    ],
)
def test_tasks_that_go_wrong(told: Story, kind: Kind) -> None:
    assert kinds(told, FLAT)[0] is kind


def test_a_repeated_task_goes_before_new_ones() -> None:
    told = but(REPEATED, StdinChunk(b"a\nb\n"), StdinChunk(b"a\nb\nc\n"))
    wrong = but(told, Send(1, b"a\n"), Send(1, b"c\n"))
    assert kinds(wrong, FLAT)[0] is Kind.MISORDERED


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (but(REPEATED, CloseStdin(0), at=0.3), Kind.INPUT_OPEN),
        (but(REPEATED, CloseStdin(0), at=1.5), Kind.INPUT_OPEN),
        (but(REPEATED, AGAIN, AGAIN, CloseStdin(1)), Kind.INPUT_CLOSED),
        (but(REPEATED, RESTARTED, RESTARTED, CloseStdin(0)), Kind.INPUT_CLOSED),
        (but(REPEATED, CloseStdin(1), CloseStdin(1), CloseStdin(1)), Kind.INPUT_CLOSED),
        (but(REPEATED, StdinEnded(), StdinEnded(), KillNode(1, force=False)), Kind.KILLED),
        (but(REPEATED, CloseStdin(1), CloseStdin(1), KillNode(1, force=True)), Kind.KILLED),
        (but(REPEATED, StdinEnded(), StdinEnded(), StartNode(1)), Kind.RESTART),
        (but(REPEATED, NodeReaped(0), at=0.4), Kind.RESTART),
        ([Entry(min(time, 0.9), item) for time, item in REPEATED], Kind.RESTART),
        ([Entry(time + (time > 1), item) for time, item in REPEATED], Kind.RESTART),
    ],
)
def test_nodes_that_are_treated_badly(told: Story, kind: Kind) -> None:
    assert kinds(told, FLAT)[0] is kind


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (but(REPEATED, Exit(), Exit(status=1)), Kind.EXIT),
        (but(REPEATED, Exit(), Exit(signal=2)), Kind.EXIT),
        (but(REPEATED, NodeReaped(1)), Kind.EXIT),
        (but(REPEATED, AGAIN, AGAIN, Exit()), Kind.LOST),
        (but(REPEATED, OutputDrained(), DeadlinePassed(Deadline(Purpose.REAP))), Kind.LOST),
        (but(REPEATED, Exit(), Stuck("nothing happens")), Kind.ENDLESS),
        (but(REPEATED, Exit(), Crashed("KeyError: 1")), Kind.CRASHED),
        (but(REPEATED, Exit()), Kind.ENDLESS),
        (but(REPEATED, FATAL, FATAL, Report(b"Node n0 exited unexpectedly")), Kind.DIAGNOSTIC),
        (but(REPEATED, FATAL, FATAL, Report(b"all nodes failed")), Kind.DIAGNOSTIC),
    ],
)
def test_bad_ends_and_diagnostics(told: Story, kind: Kind) -> None:
    found = kinds(told, FLAT)
    assert kind in found
    assert found[0] in {kind, Kind.EXIT}


def test_restarts_need_an_option() -> None:
    settings = Settings(nodes=FLAT.nodes, show_task_id=True, print_eot=True, on_death=Reassign())
    assert kinds(REPEATED, settings) == [Kind.RESTART]


# One node, and what is left of it when all others are dead.

ONE = Settings(nodes=(b"n0",), on_death=Reassign())
ALL_DEAD = story(
    (0.0, RunStarted(), StartNode(0), ReadMore()),
    (0.0, NodeStarted(0, 1000)),
    (0.1, StdinChunk(b"a\n"), Send(0, b"a\n"), Asked(1000, b"a")),
    (0.2, NodeEnded(0), CloseStdin(0), Printed(b"fatal\n"), Report(b"all nodes failed")),
    (2.2, DeadlinePassed(Deadline(Purpose.TERMINATE)), KillNode(0, force=False)),
    (4.2, DeadlinePassed(Deadline(Purpose.KILL)), KillNode(0, force=True)),
    (4.3, NodeReaped(0), DrainOutput()),
    (4.4, OutputDrained(), Exit(status=1)),
)


def test_a_good_history_of_the_death_of_all_nodes() -> None:
    assert kinds(ALL_DEAD, ONE) == []


def test_a_dead_node_that_is_not_ended() -> None:
    assert Kind.LINGERING in kinds(but(ALL_DEAD, KillNode(0, force=False)), ONE)
    assert Kind.LINGERING in kinds(
        [Entry(time + 3 * (time > 4), item) for time, item in ALL_DEAD], ONE
    )


def test_all_nodes_are_dead_and_nobody_says_so() -> None:
    assert kinds(but(ALL_DEAD, Report(b"all nodes failed")), ONE)[0] is Kind.EXIT


def test_who_is_told_to_wait_does_not_give_up() -> None:
    waiting = Settings(nodes=(b"n0",), on_death=Reassign(restart_after=9.0, wait=True))
    assert Kind.DIAGNOSTIC in kinds(ALL_DEAD, waiting)


def test_a_node_that_is_not_started_is_dead() -> None:
    told = story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, NodeNotStarted(0, b"reason"), Report(b"paexec-trio: reason")),
        (0.1, StdinChunk(b"a\n"), Report(b"all nodes failed"), DrainOutput()),
        (0.2, OutputDrained(), Exit(status=1)),
    )
    assert kinds(told, ONE) == []
    assert kinds(but(told, Report(b"all nodes failed"), Send(0, b"a\n")), ONE)[0] is (
        Kind.SENT_TO_DEAD
    )


# Without -z.

FRAGILE = Settings(nodes=(b"n0",))
LOST_AT_WORK = story(
    (0.0, RunStarted(), StartNode(0), ReadMore()),
    (0.0, NodeStarted(0, 1000)),
    (0.1, StdinChunk(b"a\n"), Send(0, b"a\n"), Asked(1000, b"a")),
    (0.2, NodeEnded(0), CloseStdin(0), Report(b"Node n0 exited unexpectedly")),
    (0.3, NodeReaped(0), DrainOutput()),
    (0.4, OutputDrained(), Exit(status=1)),
)
LOST_IDLE = story(
    (0.0, RunStarted(), StartNode(0), ReadMore()),
    (0.0, NodeStarted(0, 1000)),
    (0.2, NodeEnded(0), CloseStdin(0)),
    (0.3, NodeReaped(0)),
    (0.4, StdinChunk(b"a\n"), Report(b"Node n0 exited unexpectedly"), DrainOutput()),
    (0.5, OutputDrained(), Exit(status=1)),
)
UNWRITABLE = b"paexec-trio: Sending task to the node failed: Broken pipe"


def test_good_histories_of_lost_nodes() -> None:
    assert kinds(LOST_AT_WORK, FRAGILE) == []
    assert kinds(LOST_IDLE, FRAGILE) == []
    told = but(LOST_AT_WORK, NodeEnded(0), NodeUnwritable(0, b"Broken pipe"))
    told = but(told, Report(b"Node n0 exited unexpectedly"), Report(UNWRITABLE))
    assert kinds(told, FRAGILE) == []


def test_a_loss_that_is_not_reported() -> None:
    assert Kind.DIAGNOSTIC in kinds(
        but(LOST_AT_WORK, Report(b"Node n0 exited unexpectedly")), FRAGILE
    )


def test_a_loss_that_does_not_matter_is_not_reported() -> None:
    told = but(LOST_IDLE, StdinChunk(b"a\n"), StdinEnded())
    assert Kind.DIAGNOSTIC in kinds(told, FRAGILE)


@pytest.mark.parametrize("outcome", [Exit(), Exit(status=0, signal=15)])
def test_a_loss_is_an_error(outcome: Exit) -> None:
    assert kinds(but(LOST_AT_WORK, Exit(status=1), outcome), FRAGILE) == [Kind.EXIT]


# Ends that come from outside.


def stopped(*items: Item) -> Story:
    return story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, NodeStarted(0, 1000)),
        (0.1, StdinChunk(b"a\n"), Send(0, b"a\n"), Asked(1000, b"a")),
        (0.2, *items),
        (0.3, NodeEnded(0)),
    )


def test_stops() -> None:
    told = stopped(StopRequested(15), CloseStdin(0))
    assert kinds([*told, *story((0.4, NodeReaped(0), Exit(signal=15)))], FRAGILE) == []
    assert kinds([*told, *story((0.4, NodeReaped(0), Exit(status=1)))], FRAGILE) == [Kind.EXIT]
    assert kinds(stopped(StopRequested(15)), FRAGILE)[0] is Kind.INPUT_OPEN
    assert Kind.EXIT in kinds(
        [*told, *story((0.4, DeadlinePassed(Deadline(Purpose.KILL)), Exit(signal=15)))], ONE
    )


def test_nothing_follows_on_the_exit() -> None:
    told = stopped(StopRequested(15), CloseStdin(0))
    told += story((0.4, NodeReaped(0), Exit(signal=15), ReadMore()))
    assert kinds(told, FRAGILE) == [Kind.EXIT]


@pytest.mark.parametrize(
    ("causes", "outcome"),
    [
        ((StopRequested(15), StopRequested(2)), Exit(signal=15)),
        ((StopRequested(15), OutputClosed()), Exit(signal=15)),
        ((OutputClosed(), StopRequested(2)), Exit(signal=13)),
        ((OutputFailed(b"full"), StopRequested(2)), Exit(signal=2)),
        ((OutputFailed(b"full"), OutputClosed()), Exit(status=1)),
    ],
)
def test_the_first_cause_decides_how_a_run_ends(causes: tuple[Item, Item], outcome: Exit) -> None:
    first, second = causes
    report = Report(b"paexec-trio: writing to standard output failed: full")
    reports = (report,) if isinstance(first, OutputFailed) else ()
    kill = (KillNode(0, force=True),) if isinstance(second, StopRequested) else ()
    told = stopped(first, *reports, CloseStdin(0), second, *kill)
    assert kinds([*told, *story((0.4, NodeReaped(0), outcome))], FRAGILE) == []
    other = Exit(signal=1)
    assert kinds([*told, *story((0.4, NodeReaped(0), other))], FRAGILE) == [Kind.EXIT]


def test_who_asks_twice_is_obeyed_at_once() -> None:
    told = stopped(StopRequested(15), CloseStdin(0), StopRequested(15))
    told += story((0.4, NodeReaped(0), Exit(signal=15)))
    assert kinds(told, FRAGILE) == [Kind.LINGERING]


def test_nothing_is_killed_that_is_gone() -> None:
    told = stopped(StopRequested(15), CloseStdin(0))
    told += story((0.4, NodeReaped(0), KillNode(0, force=True), Exit(signal=15)))
    assert kinds(told, FRAGILE) == [Kind.KILLED]


def test_output_is_drained_once() -> None:
    told = story((0.0, RunStarted(), ReadMore()), (0.1, StdinEnded(), DrainOutput()))
    settings = Settings(nodes=(), graph=GraphSettings())
    assert kinds([*told, *story((0.2, OutputDrained(), Exit()))], settings) == []
    told += story((0.2, DeadlinePassed(Deadline(Purpose.NOTICE)), DrainOutput()))
    assert kinds([*told, *story((0.2, OutputDrained(), Exit()))], settings) == [Kind.EXIT]


def test_a_signal_while_the_output_is_drained_ends_the_run() -> None:
    told = story((0.0, RunStarted(), ReadMore()), (0.1, StdinEnded(), DrainOutput()))
    settings = Settings(nodes=(), graph=GraphSettings())
    assert kinds([*told, *story((0.2, StopRequested(2), Exit(signal=2)))], settings) == []
    assert kinds([*told, *story((0.2, StopRequested(2), Exit()))], settings) == [Kind.EXIT]


def test_output_that_nobody_takes_is_given_up_after_a_signal() -> None:
    told = stopped(StopRequested(15), CloseStdin(0))
    told += story((0.4, NodeReaped(0), DrainOutput()))
    in_time = story((2.3, OutputDrained(), Exit(signal=15)))
    assert kinds([*told, *in_time], FRAGILE) == []
    late = story((2.5, OutputDrained(), Exit(signal=15)))
    assert kinds([*told, *late], FRAGILE) == [Kind.EXIT]
    assert judge(History([*told, *late]), FRAGILE, b"a\n", lateness=1.0).violations == []


def test_nothing_is_handed_to_an_output_that_is_broken() -> None:
    told = stopped(OutputClosed(), CloseStdin(0), Write(b"x\n"))
    told += story((0.4, NodeReaped(0), DrainOutput(), Exit(signal=13)))
    assert kinds(told, FRAGILE) == [Kind.FABRICATED, Kind.EXIT]


def test_output_that_breaks() -> None:
    told = stopped(OutputClosed(), CloseStdin(0))
    assert kinds([*told, *story((0.4, NodeReaped(0), Exit(signal=13)))], FRAGILE) == []
    assert kinds([*told, *story((0.4, NodeReaped(0), Exit()))], FRAGILE) == [Kind.EXIT]
    report = Report(b"paexec-trio: writing to standard output failed: full")
    told = stopped(OutputFailed(b"full"), report, CloseStdin(0))
    assert kinds([*told, *story((0.4, NodeReaped(0), Exit(status=1)))], FRAGILE) == []
    assert kinds(but(told, report), FRAGILE)[0] is Kind.DIAGNOSTIC


def test_input_that_fails() -> None:
    report = Report(b"paexec-trio: reading from standard input failed: reason")
    told = story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, NodeStarted(0, 1000)),
        (0.1, StdinChunk(b"a\nb"), Send(0, b"a\n"), Asked(1000, b"a")),
        (0.2, StdinFailed(b"reason"), report),
        (0.3, NodeOutput(0, b"x\n\n"), Printed(b"x\n"), CloseStdin(0)),
        (0.4, NodeEnded(0)),
        (0.5, NodeReaped(0), DrainOutput()),
        (0.6, OutputDrained(), Exit(status=1)),
    )
    assert kinds(told, FRAGILE) == []
    assert kinds(but(told, Exit(status=1), Exit()), FRAGILE) == [Kind.EXIT]


OUT_OF_STEP = Report(
    b"paexec-trio: node n0 wrote outside of a task: 'hello\\n'; its results can no longer be "
    b"matched to tasks (often a login shell prints a greeting)"
)


def test_a_node_out_of_step() -> None:
    """RES-030: the run fails, and what it wrote is not printed."""
    told = story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, NodeStarted(0, 1000)),
        (0.1, NodeOutput(0, b"hello\n"), OUT_OF_STEP, CloseStdin(0)),
        (0.4, NodeEnded(0)),
        (0.5, NodeReaped(0), DrainOutput()),
        (0.6, OutputDrained(), Exit(status=1)),
    )
    assert kinds(told, FRAGILE) == []
    assert kinds(but(told, Exit(status=1), Exit()), FRAGILE) == [Kind.EXIT]
    assert kinds(but(told, OUT_OF_STEP), FRAGILE) == [Kind.DIAGNOSTIC]
    printed = but(told, OUT_OF_STEP, OUT_OF_STEP, Printed(b"hello\n"))
    assert kinds(printed, FRAGILE)[0] is Kind.FABRICATED


def test_a_node_out_of_step_is_dead() -> None:
    """RES-031, RES-032: what it has answered may be wrong."""
    report = Report(OUT_OF_STEP.text.replace(b"hello\\n", b"x"))
    told = story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, NodeStarted(0, 1000)),
        (0.1, StdinChunk(b"a\n"), Send(0, b"a\n"), Asked(1000, b"a"), ReadMore()),
        (0.2, NodeOutput(0, b"r\n\nx"), Printed(b"r\n"), report, CloseStdin(0)),
        (0.3, StdinEnded()),
        (0.4, NodeEnded(0)),
        (0.5, NodeReaped(0), DrainOutput()),
        (0.6, OutputDrained(), Exit(status=1)),
    )
    assert kinds(told, ONE) == []
    assert kinds(but(told, Exit(status=1), Exit()), ONE) == [Kind.EXIT]
    assert kinds(but(told, CloseStdin(0)), ONE)[0] is Kind.INPUT_OPEN


@pytest.mark.parametrize(
    ("octets", "report", "outcome"),
    [
        (b"total\n", b"outside of a task; discarded: 'total\\n'", Exit()),
        (
            b"total\n\n",
            b"an extra end-of-task marker: 'total\\n\\n'; its results may "
            b"belong to other tasks (often a login shell prints a greeting)",
            Exit(status=1),
        ),
    ],
)
def test_octets_after_the_end_of_the_input(octets: bytes, report: bytes, outcome: Exit) -> None:
    """RES-033, RES-034: an EOT tells that results were shifted."""
    told = story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, NodeStarted(0, 1000)),
        (0.1, StdinChunk(b"a\n"), Send(0, b"a\n"), Asked(1000, b"a"), ReadMore()),
        (0.2, NodeOutput(0, b"\n")),
        (0.3, StdinEnded(), CloseStdin(0)),
        (0.4, NodeOutput(0, octets), Report(b"paexec-trio: node n0 wrote " + report)),
        (0.4, NodeEnded(0)),
        (0.5, NodeReaped(0), DrainOutput()),
        (0.6, OutputDrained(), outcome),
    )
    assert kinds(told, FRAGILE) == []
    other = Exit(status=1 - outcome.status)
    assert kinds(but(told, outcome, other), FRAGILE) == [Kind.EXIT]


# Graphs: a before b before c, and d alone; d is worth more than a.

GRAPH = Settings(nodes=(b"n0",), print_task=True, graph=GraphSettings())
ORDERED = story(
    (0.0, RunStarted(), ReadMore()),
    (0.0, StdinChunk(b"a b\nb c\na c\nd\nweight: d 2\n"), ReadMore()),
    (0.1, StdinEnded(), StartNode(0)),
    (0.1, NodeStarted(0, 1000), Printed(b"d\n"), Send(0, b"d\n"), Asked(1000, b"d")),
    (0.2, NodeOutput(0, b"success\n\n"), Printed(b"success\na\n")),
    (0.2, DeadlinePassed(Deadline(Purpose.REAP))),
)
D_DONE = Printed(b"success\na\n")


def graph_story(*steps: tuple[float, *tuple[Item, ...]]) -> Story:
    return [
        *but(but(ORDERED, D_DONE, D_DONE, Send(0, b"a\n"), Asked(1000, b"a")), ORDERED[-1].item),
        *story(*steps),
        *story((0.7, NodeEnded(0)), (0.8, NodeReaped(0), DrainOutput())),
    ]


ALL_SUCCEED = graph_story(
    (0.3, NodeOutput(0, b"success\n\n"), Printed(b"success\nb\n"), Send(0, b"b\n")),
    (0.3, Asked(1000, b"b")),
    (0.4, NodeOutput(0, b"failure\nsuccess\n"), Printed(b"failure\nsuccess\n")),
    (0.5, NodeOutput(0, b"\n"), Printed(b"c\n"), Send(0, b"c\n"), Asked(1000, b"c")),
    (0.6, NodeOutput(0, b"success\n\n"), Printed(b"success\n"), CloseStdin(0)),
)
A_FAILS = graph_story(
    (0.3, NodeOutput(0, b"failure\n\n"), Printed(b"failure\na c b\n"), CloseStdin(0)),
)
NO_STATUS = graph_story(
    (0.3, NodeOutput(0, b"x\n\n"), Printed(b"x\n?\n"), CloseStdin(0)),
)


def test_good_histories_of_graphs() -> None:
    end = story((0.9, OutputDrained(), Exit()))
    assert kinds([*ALL_SUCCEED, *end], GRAPH) == []
    assert kinds([*A_FAILS, *end], GRAPH) == []


def test_a_task_that_is_started_before_its_dependencies() -> None:
    told = but(ALL_SUCCEED, Send(0, b"b\n"), Send(0, b"c\n"))
    assert Kind.TOO_EARLY in kinds(told, GRAPH)
    told = but(A_FAILS, CloseStdin(0), Send(0, b"b\n"))
    assert Kind.TOO_EARLY in kinds(told, GRAPH)


def test_the_heaviest_task_goes_first() -> None:
    told = but(ALL_SUCCEED, Send(0, b"d\n"), Send(0, b"a\n"))
    assert Kind.MISORDERED in kinds(told, GRAPH)


def test_dependants_in_a_failure_line() -> None:
    told = but(A_FAILS, Printed(b"failure\na c b\n"), Printed(b"failure\na c\n"))
    assert kinds(told, GRAPH)[:2] == [Kind.FABRICATED, Kind.LOST]


def test_a_missing_status_is_reported_and_an_error() -> None:
    report = Report(b"paexec-trio: task 1 'a' ended without a status; dependants dropped: 2")
    told = but(NO_STATUS, CloseStdin(0), report, CloseStdin(0))
    end = story((0.9, OutputDrained(), Exit(status=1)))
    assert kinds([*told, *end], GRAPH) == []
    assert kinds([*NO_STATUS, *end], GRAPH) == [Kind.DIAGNOSTIC]
    assert kinds([*told, *story((0.9, OutputDrained(), Exit()))], GRAPH) == [Kind.EXIT]


# One command for each task.

EXEC = Settings(nodes=(b"n0",), graph=GraphSettings()), ExecMode(command=b'c "$1"')
PREAMBLE = Send(0, preamble(ExecMode(command=b"c"), NONCE))
COMMAND = story(
    (0.0, RunStarted(NONCE), ReadMore()),
    (0.0, StdinChunk(b"it's\n"), ReadMore()),
    (0.1, StdinEnded(), StartNode(0)),
    (0.1, NodeStarted(0, 1000), PREAMBLE, Send(0, call(b"it's", NONCE)), Asked(1000, b"it's")),
    (
        0.2,
        NodeOutput(0, b"\nx\n\n\nNONCE-failed 3\nNONCE\n"),
        Printed(b"\nx\nfailure\nit's\n"),
        CloseStdin(0),
    ),
    (0.3, NodeEnded(0)),
    (0.4, NodeReaped(0), DrainOutput()),
    (0.5, OutputDrained(), Exit()),
)


def test_a_good_history_of_a_command() -> None:
    assert kinds(COMMAND, *EXEC) == []


def test_a_shell_that_does_not_know_what_to_do() -> None:
    assert kinds(but(COMMAND, PREAMBLE), *EXEC) == [Kind.FABRICATED]


def test_a_task_that_is_quoted_badly() -> None:
    told = but(COMMAND, Send(0, call(b"it's", NONCE)), Send(0, b"_paexec_task it's\n"))
    assert kinds(told, *EXEC)[0] is Kind.FABRICATED


def test_blank_lines_that_are_lost() -> None:
    told = but(COMMAND, Printed(b"\nx\nfailure\nit's\n"), Printed(b"x\nfailure\nit's\n"))
    assert kinds(told, *EXEC) == [Kind.LOST]


# Starts, reads and signals


def test_nodes_start_one_after_the_other_in_order() -> None:
    told = but(REPEATED, ReadMore(), ReadMore(), StartNode(1), at=0.0)
    assert Kind.MISORDERED in kinds(told, FLAT)
    told = but(but(REPEATED, StartNode(1)), StartNode(0), StartNode(1), at=0.0)
    assert Kind.MISORDERED in kinds(told, FLAT)


def test_when_input_is_read() -> None:
    assert Kind.READING in kinds(but(REPEATED, ReadMore(), at=0.0), FLAT)
    assert Kind.READING in kinds(but(REPEATED, ReadMore(), ReadMore(), ReadMore(), at=0.0), FLAT)
    told = but(REPEATED, StdinEnded(), StdinEnded(), ReadMore())
    assert Kind.READING in kinds(told, FLAT)


def test_sigkill_without_sigterm() -> None:
    told = but(REPEATED, NodeReaped(0), KillNode(0, force=True), NodeReaped(0), at=0.4)
    assert kinds(told, FLAT) == [Kind.KILLED]
    warned = KillNode(0, force=False)
    told = but(REPEATED, NodeReaped(0), warned, KillNode(0, force=True), NodeReaped(0), at=0.4)
    assert kinds(told, FLAT) == []


def test_each_reason_of_a_failed_start_is_told_once() -> None:
    failed, report = NodeNotStarted(0, b"reason"), Report(b"paexec-trio: reason")
    told = story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, failed, report),
        (1.0, DeadlinePassed(Deadline(Purpose.RESTART)), StartNode(0)),
        (1.0, failed),
        (2.0, DeadlinePassed(Deadline(Purpose.RESTART)), StartNode(0)),
    )
    settings = Settings(nodes=(b"n0",), on_death=Reassign(restart_after=1.0, wait=True))
    assert kinds(told, settings) == [Kind.ENDLESS]  # the story breaks off
    assert kinds([*told, Entry(2.0, failed), Entry(2.0, report)], settings) == [Kind.DIAGNOSTIC]
    assert kinds(but(told, report), settings) == [Kind.DIAGNOSTIC]


def test_held_lines_that_fail() -> None:
    report = Report(b"paexec-trio: holding lines back failed: full")
    settings = Settings(nodes=(b"n0",), grouping=Grouping.GROUP)
    told = story(
        (0.0, RunStarted(), StartNode(0), ReadMore()),
        (0.0, NodeStarted(0, 1000)),
        (0.1, StdinChunk(b"a\n"), Send(0, b"a\n"), Asked(1000, b"a"), ReadMore()),
        (0.2, NodeOutput(0, b"x\n")),
        (0.3, HoldingFailed(b"full"), report, CloseStdin(0)),
        (0.4, NodeOutput(0, b"\n")),
        (0.5, NodeEnded(0)),
        (0.6, NodeReaped(0), DrainOutput()),
        (0.7, OutputDrained(), Exit(status=1)),
    )
    assert kinds(told, settings) == []
    assert kinds(but(told, report), settings) == [Kind.DIAGNOSTIC]
    assert kinds(but(told, Exit(status=1), Exit()), settings) == [Kind.EXIT]
    part = but(told, report, report, Printed(b"x\n"))
    assert kinds(part, settings) == [Kind.FABRICATED]
