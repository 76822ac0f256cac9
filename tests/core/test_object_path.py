"""A world that uses the fast paths of objects sees what one without them sees."""

from __future__ import annotations

from copy import copy
from random import Random

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting
from paexec_trio.core.addedtasks import AddedTasks
from paexec_trio.core.collecting import Collector
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.printing import Printer
from paexec_trio.core.settings import GraphSettings, Reassign, Settings
from tests.core.playbook import names

NODES = 3


class World:
    """Takes down what an engine wants, the input of each node and the results apart.

    Args:
        settings: those of the engine.
        asks: whether it uses the fast paths.

    Attributes:
        added: how many tasks took their fast path.
        taken: how many results took theirs.
        has_room: whether a task was asked for and has not come.
    """

    def __init__(self, settings: Settings, *, asks: bool) -> None:
        tasks = AddedTasks(has_status=settings.graph is not None)
        self.engine = Engine(settings, Collector, tasks)
        self.path = self.engine.object_path if asks else None
        self.added = self.taken = 0
        self.results: list[do.Deliver] = []
        self.sent = [b""] * NODES
        self.others: list[do.Command] = []
        self.has_room = False

    def happens(self, event: on.Event) -> None:
        if not self._is_fast(event):
            if isinstance(event, on.TaskAdded):
                self.has_room = False
            for command in self.engine.handle(event):
                if isinstance(command, do.Deliver):
                    self.results.append(command)
                elif isinstance(command, do.Send):
                    self.sent[command.node] += command.data
                elif isinstance(command, do.ReadMore):
                    self.has_room = True
                else:
                    self.others.append(command)

    def _is_fast(self, event: on.Event) -> bool:
        """Offer an event to its fast path; return whether that took it."""
        if self.path and isinstance(event, on.TaskAdded) and not event.after:
            node = self.path.add(event.task_id, event.task, self.engine.now)
            if node is not None:
                self.added += 1
                self.has_room = self.path.has_room
                if node >= 0:
                    self.sent[node] += event.task + b"\n"
                return True
        if self.path and isinstance(event, on.NodeOutput):
            done = self.path.take(event.node, event.data)
            if done:
                self.taken += 1
                self.results.append(done[0])
                self.sent[event.node] += done[1]
                assert not (self.has_room and self.path.made_room)
                self.has_room |= self.path.made_room
                self.path.made_room = False
                return True
        return False

    @property
    def state(self) -> object:
        """Everything that can be seen from outside."""
        now, fault = self.engine.snapshot(), self.engine.fault
        return now, fault, self.has_room, self.results, self.sent, self.others


class Comparison:
    """Lets the same things happen in two worlds, and compares what can be seen of them.

    Args:
        dice: chooses what happens.

    Attributes:
        asking: the world that uses the fast paths.
    """

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._eot = dice.choice([b"", b"e"])
        on_death = dice.choice([None, Reassign(), Reassign(restart_after=1)])
        settings = Settings(nodes=names(NODES), eot=self._eot, on_death=on_death)
        self.asking, self._other = World(settings, asks=True), World(settings, asks=False)
        self._living = set(range(NODES))
        self._tasks, self._now = 0, 0.0

    def happens(self, event: on.Event) -> None:
        for world in (self.asking, self._other):
            world.happens(copy(event))
        assert self.asking.state == self._other.state

    @property
    def is_over(self) -> bool:
        return any(isinstance(command, do.Exit) for command in self._other.others)

    def run(self, steps: int) -> None:
        """Let many things happen; then let the nodes do what is left."""
        self.happens(on.RunStarted())
        for node in range(NODES):
            self.happens(on.NodeStarted(node, 1000 + node))
        weights = {"output": 9, "add": 9, "time": 2, "death": 1, "seldom": 0.3}
        for step in self._dice.choices(list(weights), list(weights.values()), k=steps):
            if not self.is_over:
                getattr(self, f"_{step}")()
        if not self.is_over:
            self.happens(on.StdinEnded())
        for _ in range(self._tasks):
            for node in self._living:
                if not self.is_over and self._other.engine.snapshot().nodes[node].in_flight:
                    self._time()
                    self.happens(on.NodeOutput(node, b"last\n" + self._eot + b"\n"))

    def _output(self) -> None:
        end = self._eot + b"\n"
        outputs = [b"of it\nand more\n" + end] * 3
        outputs += [end, b"be", b"gun\n", b"once\n" + end + b"twice\n" + end]
        snapshots = self._other.engine.snapshot().nodes
        busy = [node for node in self._living if snapshots[node].in_flight]
        is_stray = self._dice.random() < 0.04
        if nodes := sorted(self._living) if is_stray else busy:
            self.happens(on.NodeOutput(self._dice.choice(nodes), self._dice.choice(outputs)))

    def _add(self) -> None:
        done = {result.task_id for result in self._other.results}
        after: tuple[int, ...] = ()
        if self._tasks and self._dice.random() < 0.2:
            after = tuple({self._dice.randint(max(1, self._tasks - 3), self._tasks)} - done)
        elif not self._other.has_room:
            return
        self._tasks += 1
        self.happens(on.TaskAdded(self._tasks, b"task %d" % self._tasks, after))

    def _time(self) -> None:
        self._now += 1.0
        self.happens(on.TimePassed(self._now))

    def _death(self) -> None:
        if not self._living:
            return
        node = self._dice.choice(sorted(self._living))
        if self._dice.random() < 0.3 and self._other.engine.snapshot().nodes[node].in_flight:
            self.happens(on.NodeUnwritable(node, b"Broken pipe", 1))
        elif len(self._living) > 1:
            self._living.remove(node)
            self.happens(on.NodeEnded(node))

    def _seldom(self) -> None:
        node = self._dice.randrange(NODES)
        events: list[on.Event] = [on.DrainRequested(node), on.StdinEnded(), on.StopRequested(15)]
        self.happens(self._dice.choice(events))


@pytest.mark.parametrize("seed", range(5))
def test_they_make_no_difference(seed: int) -> None:
    dice = Random(seed)  # noqa: S311
    added = taken = 0
    for _ in range(200):
        comparison = Comparison(dice)
        comparison.run(dice.randrange(80))
        added += comparison.asking.added
        taken += comparison.asking.taken
    assert min(added, taken) > 100


def started(nodes: int = 1, **options: object) -> World:
    """Return a world whose nodes run."""
    world = World(Settings(nodes=names(nodes), **options), asks=True)  # type: ignore[arg-type]
    world.happens(on.RunStarted())
    for index in range(nodes):
        world.happens(on.NodeStarted(index, 1000 + index))
    return world


def test_a_task_for_an_idle_node_and_its_result_take_them() -> None:
    world = started()
    for task_id in (1, 2):
        world.happens(on.TaskAdded(task_id, b"%d" % task_id))
        world.happens(on.NodeOutput(0, b"result\n\n"))
        assert (world.added, world.taken) == (task_id, task_id)
    assert world.sent[0] == b"1\n2\n"
    assert world.results == [do.Deliver(n, b"%d" % n, b"result\n", 0) for n in (1, 2)]


def test_a_result_is_exchanged_for_a_task_that_waits() -> None:
    world = started(2)
    for task_id in (1, 2, 3):
        world.happens(on.TaskAdded(task_id, b"%d" % task_id))
    assert world.added == 3
    world.happens(on.NodeOutput(1, b"result\n\n"))
    assert world.taken == 1
    assert world.sent[:2] == [b"1\n", b"2\n3\n"]


def test_a_result_that_is_exchanged_makes_room() -> None:
    world = started()
    for task_id in (1, 2):
        world.happens(on.TaskAdded(task_id, b"%d" % task_id))
    assert not world.has_room
    world.happens(on.NodeOutput(0, b"result\n\n"))
    assert world.has_room
    assert world.taken == 1
    world.happens(on.TaskAdded(3, b"3"))
    assert world.added == 3


def test_the_last_results_are_events() -> None:
    """The end of the run follows from them."""
    world = started()
    for task_id in (1, 2):
        world.happens(on.TaskAdded(task_id, b"%d" % task_id))
    world.happens(on.StdinEnded())
    for _ in range(2):
        world.happens(on.NodeOutput(0, b"result\n\n"))
    assert world.taken == 0
    assert world.others[-2:-1] == [do.CloseStdin(0)]


def test_they_tell_the_seconds() -> None:
    world = started()
    assert world.path
    world.happens(on.TimePassed(1.0))
    assert world.path.add(1, b"a", 3.0) == 0
    world.happens(on.TimePassed(10.0))
    world.happens(on.NodeOutput(0, b"\n"))
    assert world.taken == 1
    assert world.results[0].seconds == 7.0


@pytest.mark.parametrize(
    "settings",
    [
        Settings(nodes=names(NODES), graph=GraphSettings()),
        Settings(nodes=names(NODES), prefetch=2),
        Settings(nodes=names(NODES), accounting=Accounting(delay=1.0)),
        Settings(nodes=names(NODES), accounting=Accounting(timeout=1.0)),
    ],
)
def test_they_are_not_offered_where_more_follows(settings: Settings) -> None:
    engine = World(settings, asks=True).engine
    assert engine.object_path is None
    assert engine.fast_path is None


def test_they_are_not_offered_to_other_runs() -> None:
    settings, tasks = Settings(nodes=names(NODES)), AddedTasks(has_status=False)
    assert Engine(settings, Collector, tasks).object_path is not None
    assert Engine(settings, Collector).object_path is None
    assert Engine(settings, Printer, tasks).object_path is None
    exec_mode = ExecMode(b'true "$1"')
    assert Engine(settings, Collector, tasks, exec_mode=exec_mode).object_path is None
