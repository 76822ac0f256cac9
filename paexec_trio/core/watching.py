"""Watching: what follows from the silence of nodes (the chapter Silence of the spec)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from paexec_trio.core import events as on
from paexec_trio.core.commands import Command, PrintErrors, Purpose
from paexec_trio.core.ending import Ending, Phase
from paexec_trio.core.greetings import Greetings
from paexec_trio.core.heartbeats import Heartbeats
from paexec_trio.core.states import NodeState
from paexec_trio.core.stuck import StuckWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paexec_trio.core.fleet import Fleet
    from paexec_trio.core.nodes import Node
    from paexec_trio.core.reporting import Reporter
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.terminating import Terminator

Handlers = dict[type[on.Event], "Callable[[Any], bool]"]
"""The method that handles each class of events."""


@final
class Watching:
    """Stands before the handlers of events that tell whether a node lives.

    Args:
        settings: those of the run.
        nodes: all nodes, by their indices.
        fleet: is told which nodes greet, and which are dead.
        terminator: ends dead nodes.
        ending: knows how far the run is.
        reporter: reports silent nodes.
        commands: the list that all parts of the engine share.
        handlers: the handlers of the engine.
    """

    def __init__(
        self,
        settings: Settings,
        nodes: Sequence[Node],
        fleet: Fleet,
        terminator: Terminator,
        ending: Ending,
        reporter: Reporter,
        commands: list[Command],
        handlers: Handlers,
    ) -> None:
        rules = settings.silence
        self._nodes = nodes
        self._settings = settings
        self._fleet = fleet
        self._terminator = terminator
        self._ending = ending
        self._reporter = reporter
        self._commands = commands
        self._stuck = StuckWatch(rules, nodes, commands) if rules.looks_for_stuck else None
        self._beats = Heartbeats(rules.heartbeat, nodes, commands) if rules.heartbeat else None
        self._greetings = Greetings(reporter) if rules.is_wrapped else None
        self._handlers = handlers.copy()
        handlers |= {
            on.RunStarted: self._begin,
            on.NodeStarted: self._started,
            on.NodeOutput: self._output,
            on.NodeErrors: self._errors,
            on.NodeUnread: self._unread,
            on.NodeReaped: self._reaped,
            on.DeadlinePassed: self._deadline_passed,
        }

    def _begin(self, event: on.RunStarted) -> bool:
        if self._stuck:
            self._stuck.arrange()
        if self._beats:
            self._beats.begin(event.token)
        if self._greetings:
            self._greetings.begin(event.token)
        return self._handlers[on.RunStarted](event)

    def _started(self, event: on.NodeStarted) -> bool:
        if self._beats:
            self._beats.started(event.node)
        if self._greetings:
            self._greetings.started(self._nodes[event.node])
        return self._handlers[on.NodeStarted](event)

    # What nodes write

    def _output(self, event: on.NodeOutput) -> bool:
        node = self._nodes[event.node]
        if self._stuck:
            self._stuck.heard(event.node)
        is_over = node.state is NodeState.ENDED
        if is_over or not (self._greetings and self._greetings.expects(node)):
            return self._handlers[on.NodeOutput](event)
        after = self._greetings.output(node, event.data)
        if after is None:
            return False
        self._fleet.greeted(node)
        if after:
            self._handlers[on.NodeOutput](on.NodeOutput(event.node, after))
        return True

    def _errors(self, event: on.NodeErrors) -> bool:
        data = self._beats.errors(event.node, event.data) if self._beats else event.data
        self._pass_on(event.node, data)
        return False

    def _pass_on(self, index: int, data: bytes) -> None:
        """Print what a node wrote on its standard error, or find its task (PTK-030)."""
        if data and self._settings.keeps_stderr_apart:
            self._handlers[on.NodeErrors](on.NodeErrors(index, data))
        elif data:
            self._commands.append(PrintErrors(data))

    def _unread(self, event: on.NodeUnread) -> bool:
        """Record that a node is not silent, but not read (SIL-011, SIL-022)."""
        if self._stuck:
            self._stuck.heard(event.node)
        if self._beats:
            self._beats.heard(event.node)
        return False

    def _reaped(self, event: on.NodeReaped) -> bool:
        if self._beats:
            self._pass_on(event.node, self._beats.ended(event.node))
        if self._greetings:
            self._greetings.ended(self._nodes[event.node])
        return self._handlers[on.NodeReaped](event)

    # Silence

    def _deadline_passed(self, event: on.DeadlinePassed) -> bool:
        if event.deadline.purpose is Purpose.LOOK and self._stuck:
            self._look_for_stuck(self._stuck)
        elif event.deadline.purpose is Purpose.LISTEN and self._beats:
            self._listen(self._beats)
        else:
            return self._handlers[on.DeadlinePassed](event)
        return True

    def _look_for_stuck(self, stuck: StuckWatch) -> None:
        if self._ending.phase is not Phase.RUNNING:
            return
        for node, seconds in stuck.look():
            attempt = node.attempts[0]
            self._end(
                node,
                b"node %b has written nothing for %g seconds while it worked on task %d '%b' "
                b"(--stuck); killed",
                *(node.name, seconds, attempt.task_id, attempt.task),
            )
            if self._ending.phase is not Phase.RUNNING:
                break

    def _end(self, node: Node, template: bytes, *foreign: bytes | float) -> None:
        """End a node that is silent and whose processes may live, as any dead one (SIL-002).

        Args:
            node: the node.
            template: the diagnostic, as ``Reporter.report`` takes it.
            foreign: the texts and numbers in it.
        """
        if self._settings.on_death or not node.attempts:
            self._reporter.report(template, *foreign)
        self._fleet.end(node, self._reporter.text(template, *foreign))
        if self._ending.phase is not Phase.STOPPING:  # otherwise it is ended with all others
            node.died = True
            self._terminator.end_now(node)

    def _listen(self, beats: Heartbeats) -> None:
        if self._ending.phase not in (Phase.RUNNING, Phase.FINISHING):
            return
        for node in beats.look():
            text = b"node %b has sent no heartbeat for %g seconds; killed"
            if node.state is NodeState.CONNECTING:
                text = b"node %b has sent no heartbeat within %g seconds of its start; killed"
            self._end(node, text, node.name, beats.patience)
            if self._ending.phase not in (Phase.RUNNING, Phase.FINISHING):
                break
