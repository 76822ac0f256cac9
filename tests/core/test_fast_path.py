"""A world that uses the fast path sees what one without it sees."""

from __future__ import annotations

from copy import copy

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounts import Accounts
from paexec_trio.core.dispatching import Dispatcher
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.framing import NEWLINE, ResultFramer
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from paexec_trio.core.states import NodeState
from paexec_trio.core.tasks import FlatTasks
from paexec_trio.core.throttling import Throttle
from paexec_trio.core.waiting import WaitingTasks
from paexec_trio.core.wire import Wire

NODES = (b"alpha", b"beta", b"gamma")


class World:
    """Takes down what an engine wants, output and input of each node apart."""

    def __init__(self, settings: Settings, *, asks: bool) -> None:
        self.engine = Engine(settings)
        self.asks = asks
        self.exchanged = 0
        self.output = b""
        self.sent = [b""] * len(NODES)
        self.others: list[do.Command] = []

    def happens(self, event: on.Event) -> None:
        if isinstance(event, on.NodeOutput) and self.asks and self.engine.fast_path:
            exchanged = self.engine.fast_path(event.node, event.data)
            if exchanged:
                self.exchanged += 1
                self.output += exchanged[0]
                self.sent[event.node] += exchanged[1]
                return
        for command in self.engine.handle(event):
            if isinstance(command, do.Write):
                self.output += command.data
            elif isinstance(command, do.Send):
                self.sent[command.node] += command.data
            else:
                self.others.append(command)


SETTINGS = st.builds(
    lambda **some: Settings(nodes=NODES, **some),
    eot=st.sampled_from([b"", b"e"]),
    show_node=st.booleans(),
    show_task_id=st.booleans(),
    show_pid=st.booleans(),
    tag=st.sampled_from([None, b"{}", b"of {}, {}"]),
    print_eot=st.booleans(),
    on_death=st.sampled_from([None, Reassign(fatal=b"fatal")]),
)

OUTPUTS = ["lines", "nothing", "half", "line", "end", "twice"]


@given(
    settings=SETTINGS,
    tasks=st.integers(min_value=2, max_value=12),
    steps=st.lists(
        st.tuples(
            st.sampled_from([*OUTPUTS * 3, "more", "dies", "refuses", "over", "stop"]),
            st.integers(min_value=0, max_value=2),
        ),
        max_size=30,
    ),
)
def test_it_makes_no_difference(
    settings: Settings, tasks: int, steps: list[tuple[str, int]]
) -> None:
    eot = settings.eot + b"\n"
    outputs = {
        "lines": b"of it\nand more\n" + eot,
        "nothing": eot,
        "half": b"be",
        "line": b"gun\n",
        "end": eot,
        "twice": b"once\n" + eot + b"twice\n" + eot,
    }
    worlds = [World(settings, asks=True), World(settings, asks=False)]
    living = set(range(len(NODES)))
    number = 0

    def happens(event: on.Event) -> None:
        for world in worlds:
            world.happens(copy(event))
        asking, other = worlds
        assert asking.output == other.output
        assert asking.sent == other.sent
        assert asking.others == other.others

    happens(on.RunStarted())
    for index in living:
        happens(on.NodeStarted(index, 1000 + index))
    is_over = False
    for step, node in [("more", 0)] * tasks + steps:
        if step == "more" and not is_over:
            number += 1
            happens(on.StdinChunk(b"task %d\n" % number * 2))
        elif step == "over" and not is_over:
            is_over = True
            happens(on.StdinEnded())
        elif step == "stop":
            is_over = True
            happens(on.StopRequested(15))
        elif node in living and step in outputs:
            happens(on.NodeOutput(node, outputs[step]))
        elif node in living and step == "dies":
            living.remove(node)
            happens(on.NodeEnded(node))
            happens(on.NodeReaped(node))
        elif node in living and step == "refuses" and worlds[0].sent[node]:
            happens(on.NodeUnwritable(node, b"Broken pipe", 1))
        if any(isinstance(command, do.Exit) for command in worlds[0].others):
            break
    event(f"exchanged: {min(worlds[0].exchanged, 5)}")


@pytest.mark.parametrize(
    "settings",
    [
        Settings(nodes=NODES, graph=GraphSettings()),
        Settings(nodes=NODES, grouping=Grouping.GROUP),
        Settings(nodes=NODES, grouping=Grouping.KEEP_ORDER),
        Settings(nodes=NODES, prefetch=2),
        Settings(nodes=NODES, print_task=True),
        Settings(nodes=NODES, terminator=b"\0"),
    ],
)
def test_it_is_not_offered_where_more_follows(settings: Settings) -> None:
    assert Engine(settings).fast_path is None


def test_it_is_not_offered_if_a_command_is_run_per_task() -> None:
    settings = Settings(nodes=NODES)
    assert Engine(settings, exec_mode=ExecMode(b'true "$1"')).fast_path is None
    assert Engine(settings).fast_path is not None


def test_it_is_used_while_tasks_wait() -> None:
    world = World(Settings(nodes=NODES[:1]), asks=True)
    world.happens(on.RunStarted())
    world.happens(on.NodeStarted(0, 1000))
    world.happens(on.StdinChunk(b"a\nb\nc\nd\n"))
    for count in [1, 2, 2]:  # the last task is the engine's
        world.happens(on.NodeOutput(0, b"result\n\n"))
        assert world.exchanged == count
    assert world.sent[0] == b"a\nb\nc\nd\n"
    assert world.output == b"result\n" * 3


def test_a_task_that_was_exchanged_is_reassigned_before_others() -> None:
    settings = Settings(nodes=NODES[:2], show_task_id=True, on_death=Reassign())
    world = World(settings, asks=True)
    world.happens(on.RunStarted())
    world.happens(on.NodeStarted(0, 1000))
    world.happens(on.NodeStarted(1, 1001))
    world.happens(on.StdinChunk(b"a\nb\nc\nd\ne\nf\ng\n"))
    world.happens(on.NodeOutput(0, b"of a\n\n"))
    assert world.exchanged == 1
    world.happens(on.NodeEnded(0))
    world.happens(on.NodeOutput(1, b"of b\n\n"))
    world.happens(on.NodeOutput(1, b"of c\n\n"))
    assert world.exchanged == 2
    assert world.sent == [b"a\nc\n", b"b\nc\nd\n", b""]
    assert world.output == b"1 of a\n3 fatal\n2 of b\n3 of c\n"


def asked(node: Node) -> tuple[bytes, bytes] | None:
    """Ask for an exchange of a whole result while two tasks wait."""
    tasks = FlatTasks(NEWLINE, NEWLINE)
    tasks.feed(b"next\nlast\n")
    settings = Settings(nodes=(b"alpha",), show_task_id=True)
    printer, wire = Printer(settings, [], tasks), Wire(settings, [])
    waiting = WaitingTasks(settings, [node], tasks, Accounts(settings, tasks))
    dispatcher = Dispatcher(settings, [node], tasks, waiting, Throttle(0, []), printer, wire)
    return dispatcher.exchange(0, b"done\n\n")


@pytest.mark.parametrize("state", NodeState)
def test_only_a_busy_node_is_given_a_task(state: NodeState) -> None:
    """A half-closed one would not read it, and the others work on none."""
    node = Node(0, b"alpha", ResultFramer(b""))
    node.attempts.append(Attempt(7, b"task", b"7 "))
    node.state = state
    is_busy = state is NodeState.BUSY
    assert asked(node) == ((b"7 done\n", b"next\n") if is_busy else None)
    assert node.answered == is_busy


def test_a_result_is_that_of_the_head() -> None:
    """Of the oldest attempt, as everywhere, though a node holds no other one without prefetch."""
    node = Node(0, b"alpha", ResultFramer(b""))
    node.attempts += [Attempt(7, b"task", b"7 "), Attempt(8, b"queued", b"8 ")]
    node.state = NodeState.BUSY
    assert asked(node) == (b"7 done\n", b"next\n")
