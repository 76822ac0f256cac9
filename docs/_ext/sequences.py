"""A directive for pictures of what the parts of the distributor tell each other in a real run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from drawn import drawn
from pictures import Message, draw_sequence
from sphinx.util.docutils import SphinxDirective
from walks import Step, Walk, record

from paexec_trio import Reassign, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

_ONE_ANSWER = (Step(after="NodeStarted 0", answers={0: b"APPLE"}),)
_ONE_TASK = (Step(after="NodeStarted 0", tasks=b"apple\n", answers={0: b"APPLE"}),)

WALKS = {
    "task": Walk(
        title="A task, from standard input to a calculator",
        lanes=(
            "stdin",
            "runtime.input",
            "core.engine",
            "core.reading",
            "core.dispatching",
            "runtime.host",
            "runtime.children",
            "calculator",
        ),
        settings=Settings(nodes=(b"0",)),
        steps=_ONE_TASK,
        first=r"'apple\n'",
        last=r"'apple\n'",
    ),
    "result": Walk(
        title="A result, from the calculator to standard output",
        lanes=(
            "calculator",
            "runtime.host",
            "core.engine",
            "core.results",
            "core.dispatching",
            "core.printing",
            "runtime.output",
            "stdout",
        ),
        settings=Settings(nodes=(b"0",)),
        steps=_ONE_TASK,
        first=r"'APPLE\n\n'",
        last=r"'APPLE\n'",
    ),
    "fast-path": Walk(
        title="The fast path: a result comes in whole while tasks wait",
        lanes=(
            "calculator",
            "runtime.host",
            "core.dispatching",
            "core.tasks",
            "runtime.output",
            "stdout",
        ),
        settings=Settings(nodes=(b"0",)),
        steps=(
            Step(
                after="NodeStarted 0",
                tasks=b"apple\nbanana\ncherry\n",
                answers={0: b"APPLE"},
            ),
            # Not before: results that come close after each other are written together.
            Step(after=r"'APPLE\n'", answers={0: b"BANANA\nCHERRY"}),
        ),
        first=r"'APPLE\n\n'",
        last=r"'APPLE\n'",
    ),
    "send": Walk(
        title="A task, from the channel to a calculator",
        lanes=(
            "nursery.channels",
            "nursery.intake",
            "runtime.entrance",
            "core.objectpath",
            "runtime.host",
            "runtime.children",
            "calculator",
        ),
        settings=Settings(nodes=(b"0",)),
        steps=_ONE_ANSWER,
        first="has_room()",
        last=r"'apple\n'",
        has_channels=True,
    ),
    "receive": Walk(
        title="A result, from the calculator to the channel",
        lanes=(
            "calculator",
            "runtime.host",
            "core.objectpath",
            "core.collecting",
            "core.dispatching",
            "nursery.distributor",
            "nursery.channels",
        ),
        settings=Settings(nodes=(b"0",)),
        steps=_ONE_ANSWER,
        first=r"'APPLE\n\n'",
        last="put()",
        has_channels=True,
    ),
    "death": Walk(
        title="Node 0 dies while it holds a task; node 1 is given the task",
        lanes=(
            "calculator",
            "runtime.host",
            "core.engine",
            "core.fleet",
            "core.terminating",
            "core.dispatching",
            "core.printing",
        ),
        settings=Settings(nodes=(b"0", b"1"), on_death=Reassign()),
        steps=(
            Step(after="NodeStarted 1", tasks=b"apple\n", answers={0: b"die"}),
            Step(after="NodeReaped 0", answers={1: b"APPLE"}),
        ),
        first="end of file",
        last=r"'apple\n'",
    ),
}

QUESTIONS = frozenset({"begun()", "has_waiting()", "wants_tasks()"})
"""Calls that are not shown: on the ways that are drawn they change nothing."""

_APART = 84
"""Pixels between lanes, at least: eight of them fit beside the list of pages."""


@cache
def messages_of(name: str) -> Sequence[Message]:
    """Return the messages of a walk; lanes have the last part of their modules' names."""
    return [
        Message(_short(message.source), _short(message.target), message.text)
        for message in record(WALKS[name])
        if message.text not in QUESTIONS
    ]


def draw_walk(name: str) -> str:
    """Return the picture of a walk."""
    walk = WALKS[name]
    lanes = [_short(lane) for lane in walk.lanes]
    return draw_sequence(walk.title, lanes, messages_of(name), _APART)


def _short(lane: str) -> str:
    return lane.rpartition(".")[2]


class WalkDirective(SphinxDirective):
    """The walk that the argument names."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Return the picture, and its messages as text."""
        (name,) = self.arguments
        if name not in WALKS:
            raise self.error(f"there is no walk {name}")
        lines = [f"{source} -> {target}: {text}" for source, target, text in messages_of(name)]
        # The recording depends on the whole package, so no file tells that it is out of date.
        self.env.note_reread()
        return drawn(draw_walk(name), "\n".join(lines))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("walk", WalkDirective)
    return {"parallel_read_safe": True}
