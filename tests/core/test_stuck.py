"""Stuck nodes in the engine: looks, and the nodes that they find silent."""

from __future__ import annotations

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.settings import Reassign, Settings
from paexec_trio.core.silence import Silence
from paexec_trio.core.states import Step
from paexec_trio.core.stuck import StuckWatch
from tests.core.playbook import Item, Playbook, burial, passed, reaped, stopping

TWO = Silence(stuck=2.0)
AUTO = Silence(learns=True)

REPORT = (
    b"paexec-trio: node 0 has written nothing for 2 seconds while it worked on task 1 'a' "
    b"(--stuck); killed"
)


def look(seconds: float = 0.5) -> list[Item]:
    """Return a look that finds nothing."""
    return [passed(do.Purpose.LOOK), do.SetDeadline(do.Deadline(do.Purpose.LOOK), seconds)]


def begun(rules: Silence) -> Playbook:
    """Return a playbook with one node, which has started."""
    return (
        Playbook(Settings(nodes=(b"0",), silence=rules, on_death=Reassign()))
        >> on.RunStarted()
        << do.SetDeadline(do.Deadline(do.Purpose.LOOK), 0.5)
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 1000)
    )


def test_a_stuck_node_is_dead() -> None:
    """SIL-010, SIL-002: after the first look with its task, four find the same."""
    assert (
        begun(TWO)
        >> look()
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> look() * 4
        >> look()
        << do.Report(REPORT)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << [burial(0), do.KillNode(0, force=False), burial(0)]
        << do.Report(b"all nodes failed")
        << stopping()
        >> reaped(0)
        << do.DrainOutput()
    )


def test_octets_and_unread_octets_are_signs_of_life() -> None:
    """SIL-010, SIL-011."""
    assert (
        begun(TWO)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> look() * 4
        >> on.NodeOutput(0, b"half")
        >> look() * 4
        >> on.NodeUnread(0)
        >> look() * 4
        >> on.NodeOutput(0, b" a line\n\n")
        << do.Write(b"half a line\n")
        << do.ReadMore()
        >> look() * 9
    )


class Watched:
    """A watch that learns its limit, and its nodes, each with a task of its own or with none."""

    def __init__(self, nodes: int) -> None:
        self.nodes = [Node(index, b"%d" % index, None) for index in range(nodes)]  # type: ignore[arg-type]
        for node in self.nodes:
            node.step(Step.START)
            node.begin_life(1000 + node.index)
        self.watch = StuckWatch(AUTO, self.nodes, [])
        self.last_task = 0

    def give(self, index: int) -> None:
        """Let a node end its task, if it has one, and begin the next."""
        self.last_task += 1
        self.nodes[index].attempts.clear()
        self.nodes[index].attempts.append(Attempt(self.last_task, b"", b""))

    def looks(self, number: int) -> list[tuple[int, float]]:
        """Return which nodes are found in this number of looks, and their limits."""
        found = [stuck for _ in range(number) for stuck in self.watch.look()]
        return [(stuck.node.index, stuck.seconds) for stuck in found]


def test_no_limit_before_three_tasks_have_ended() -> None:
    """SIL-012."""
    watched = Watched(2)
    for _ in range(3):
        watched.give(0)
        watched.give(1)
        assert watched.looks(1) == []
        watched.nodes[0].attempts.clear()
    watched = Watched(2)
    watched.give(0)
    for _ in range(3):  # two of these have ended
        watched.give(1)
        assert watched.looks(1) == []
    assert watched.looks(1000) == []


def test_a_limit_of_thirty_seconds() -> None:
    """SIL-012: the silences so far were shorter than three seconds."""
    watched = Watched(2)
    watched.give(0)
    for _ in range(4):
        watched.give(1)
        assert watched.looks(2) == []
    watched.nodes[1].attempts.clear()
    assert watched.looks(30 - 8) == []
    assert watched.looks(1) == [(0, 30.0)]


def test_ten_times_the_longest_silence() -> None:
    watched = Watched(2)
    watched.give(0)
    for _ in range(4):
        watched.give(1)
        assert watched.looks(7) == []
    watched.nodes[1].attempts.clear()
    assert watched.looks(70 - 28) == []
    assert watched.looks(1) == [(0, 70.0)]


def test_the_limit_grows_with_each_node_that_exceeds_it() -> None:
    """Otherwise a task that takes long would be tried again and again."""
    watched = Watched(2)
    watched.give(0)
    for _ in range(4):
        watched.give(1)
        assert watched.looks(1) == []
    assert watched.looks(40) == [(0, 30.0)]
    watched = Watched(1)
    for _ in range(5):
        watched.give(0)
        watched.looks(1)
    assert watched.looks(30) == [(0, 30.0)]
    watched.give(0)
    assert watched.looks(60) == []
    assert watched.looks(1) == [(0, 60.0)]


def test_the_end_of_a_node_teaches_nothing() -> None:
    """Its task has not ended."""
    watched = Watched(2)
    for pid in range(5):
        watched.give(1)
        watched.looks(50)
        watched.nodes[1].pid = pid
    watched.give(0)
    assert watched.looks(1000) == []
