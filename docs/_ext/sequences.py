"""A directive for pictures of what the parts of the distributor tell each other in a real run."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive
from pictures import Message, draw_sequence
from walks import Step, Walk, record

from paexec_trio import Reassign, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

WALKS = {
    "task": Walk(
        title="A task from standard input to a result on standard output",
        lanes=(
            "stdin",
            "runtime.host",
            "core.engine",
            "core.tasks",
            "calculator",
            "runtime.writequeue",
            "stdout",
        ),
        settings=Settings(nodes=(b"0",)),
        steps=(Step(after="NodeStarted 0", tasks=b"apple\n", answers={0: b"APPLE"}),),
        first=r"'apple\n'",
        last=r"'APPLE\n'",
    ),
    "fast-path": Walk(
        title="The fast path: a result comes in while tasks wait",
        lanes=(
            "calculator",
            "runtime.host",
            "core.exchange",
            "core.tasks",
            "runtime.writequeue",
            "stdout",
        ),
        settings=Settings(nodes=(b"0",)),
        steps=(
            Step(
                after="NodeStarted 0",
                tasks=b"apple\nbanana\ncherry\n",
                answers={0: b"APPLE\nBANANA\nCHERRY"},
            ),
        ),
        first=r"'APPLE\n\n'",
        last=r"'APPLE\n'",
    ),
    "death": Walk(
        title="Node 0 dies; node 1 does its task",
        lanes=(
            "calculator",
            "runtime.host",
            "core.engine",
            "core.tasks",
            "runtime.writequeue",
            "stdout",
        ),
        settings=Settings(nodes=(b"0", b"1"), on_death=Reassign()),
        steps=(
            Step(after="NodeStarted 1", tasks=b"apple\n", answers={0: b"die"}),
            Step(after="NodeReaped 0", answers={1: b"APPLE"}),
        ),
        first="end of file",
        last=r"'APPLE\n'",
    ),
}


@cache
def messages_of(name: str) -> Sequence[Message]:
    """Return the messages of a walk; lanes have the last part of their modules' names."""
    return [
        Message(_short(message.source), _short(message.target), message.text)
        for message in record(WALKS[name])
    ]


def draw_walk(name: str) -> str:
    """Return the picture of a walk."""
    walk = WALKS[name]
    return draw_sequence(walk.title, [_short(lane) for lane in walk.lanes], messages_of(name))


def _short(lane: str) -> str:
    return lane.rpartition(".")[2]


class WalkDirective(Directive):
    """The walk that the argument names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the picture, which scrolls where it is too wide, and its messages as text."""
        (name,) = self.arguments
        if name not in WALKS:
            raise self.error(f"there is no walk {name}")
        picture = f'<div style="overflow-x: auto">{draw_walk(name)}</div>'
        lines = [f"{source} -> {target}: {text}" for source, target, text in messages_of(name)]
        text = "\n".join(lines)
        return [
            nodes.raw("", picture, format="html"),
            nodes.raw("", "<details><summary>as text</summary>", format="html"),
            nodes.literal_block(text, text, language="text"),
            nodes.raw("", "</details>", format="html"),
        ]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directive."""
    app.add_directive("walk", WalkDirective)
    return {"parallel_read_safe": True}
