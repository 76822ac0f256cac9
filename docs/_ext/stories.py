"""Directives for pictures of a run in a nursery: the owner of each part, and the ends of runs.

The stories are written by hand. ``tests/tools/test_stories.py`` plays each one with real processes
and compares what its actors saw.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from drawn import drawn
from pictures import Message, draw_sequence
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

CALLER, BLOCK, RUN, NODES = LANES = ("caller", "block", "run", "nodes")
"""The code around the block, the block, the run beside it, the calculators of its nodes."""


_APART = 72
"""Pixels between lanes, at least: the pictures fit a phone."""


class Story(NamedTuple):
    """The end of a run."""

    title: str
    messages: tuple[Message, ...]


STORIES = {
    "end": Story(
        "The block closes the tasks and receives all results",
        (
            Message(BLOCK, RUN, "a task"),
            Message(RUN, NODES, "a task"),
            Message(NODES, RUN, "its result"),
            Message(RUN, BLOCK, "its result"),
            Message(BLOCK, RUN, "aclose()"),
            Message(RUN, NODES, "end of input"),
            Message(NODES, RUN, "exit"),
            Message(RUN, BLOCK, "EndOfChannel"),
            Message(BLOCK, CALLER, "leaves"),
        ),
    ),
    "raise": Story(
        "The block raises while the calculators wait for tasks",
        (
            Message(BLOCK, BLOCK, "raises"),
            Message(BLOCK, RUN, "cancels"),
            Message(RUN, NODES, "end of input"),
            Message(NODES, RUN, "exit"),
            Message(BLOCK, CALLER, "KeyError"),
        ),
    ),
    "cancel": Story(
        "The caller cancels the block while a calculator works and does not end",
        (
            Message(BLOCK, RUN, "a task"),
            Message(RUN, NODES, "a task"),
            Message(CALLER, BLOCK, "Cancelled"),
            Message(CALLER, RUN, "Cancelled"),
            Message(RUN, NODES, "end of input"),
            Message(RUN, NODES, "SIGTERM"),
            Message(NODES, RUN, "exit"),
            Message(BLOCK, CALLER, "Cancelled"),
        ),
    ),
    "death": Story(
        "A node dies; the other one waits for tasks",
        (
            Message(BLOCK, RUN, "a task"),
            Message(RUN, NODES, "a task"),
            Message(NODES, NODES, "dies"),
            Message(RUN, NODES, "end of input"),
            Message(NODES, RUN, "exit"),
            Message(RUN, BLOCK, "NodesLostError"),
            Message(BLOCK, CALLER, "NodesLostError"),
        ),
    ),
}


class StoryDirective(SphinxDirective):
    """The story that the argument names."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Return the picture, and its messages as text."""
        (name,) = self.arguments
        if name not in STORIES:
            raise self.error(f"there is no story {name}")
        self.env.note_dependency(__file__)
        story = STORIES[name]
        lines = [f"{source} -> {target}: {text}" for source, target, text in story.messages]
        return drawn(draw_sequence(story.title, LANES, story.messages, _APART), "\n".join(lines))


class _Box(NamedTuple):
    """A box of the nursery's picture."""

    title: str
    below: str
    x: int
    y: int
    width: int
    height: int


class _Arrow(NamedTuple):
    """An arrow of the nursery's picture, horizontal or vertical, and its name."""

    x: int
    y: int
    to_x: int
    to_y: int
    text: str
    is_trouble: bool = False
    """Whether it is dashed: it is taken only if something goes wrong."""
    is_named_left: bool = False


_WIDTH, _HEIGHT = 344, 330
_BOXES = (
    _Box("the caller", "", 112, 2, 120, 28),
    _Box("async with open_distributor(…)", "a nursery", 2, 78, 340, 156),
    _Box("your block", "", 14, 126, 96, 96),
    _Box("the run", "a task", 234, 126, 96, 96),
    _Box("calculators", "processes", 234, 286, 96, 42),
)
_ARROWS = (
    _Arrow(142, 30, 142, 78, "cancellation", is_trouble=True, is_named_left=True),
    _Arrow(202, 78, 202, 30, "exceptions", is_trouble=True),
    _Arrow(110, 144, 234, 144, "tasks"),
    _Arrow(234, 166, 110, 166, "results"),
    _Arrow(234, 188, 110, 188, "DistributorError", is_trouble=True),
    _Arrow(110, 210, 234, 210, "cancellation", is_trouble=True),
    _Arrow(262, 222, 262, 286, "stdin", is_named_left=True),
    _Arrow(296, 286, 296, 222, "stdout"),
)
_TIPS = {(1, 0): "-8 -4v8", (-1, 0): "8 -4v8", (0, 1): "-4 -8h8", (0, -1): "-4 8h8"}


class NurseryDirective(SphinxDirective):
    """The picture of a run in its nursery."""

    def run(self) -> list[Node]:
        """Return the picture, and the same as text."""
        self.env.note_dependency(__file__)
        return drawn(draw_nursery(), "\n".join(told()))


def draw_nursery() -> str:
    """Return the picture."""
    parts = [_drawn_box(box) for box in _BOXES] + [_drawn_arrow(arrow) for arrow in _ARROWS]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img" '
        'aria-label="A run in its nursery" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="none" stroke="currentColor">'
        f"{''.join(parts)}</svg>"
    )


def told() -> list[str]:
    """Return the arrows as lines of text."""
    return [
        f"{_at(arrow.x, arrow.y)} -> {_at(arrow.to_x, arrow.to_y)}: {arrow.text}"
        for arrow in _ARROWS
    ]


def _at(x: int, y: int) -> str:
    """Return the title of the innermost box at whose edge an arrow ends."""
    touched = [
        box
        for box in _BOXES
        if box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height
    ]
    return min(touched, key=lambda box: box.width * box.height).title


def _drawn_box(box: _Box) -> str:
    lines = [
        f'<text x="{box.x + box.width / 2:g}" y="{box.y + 18 + 15 * number}" '
        f'fill="currentColor" stroke="none" text-anchor="middle"{weight}>{escape(text)}</text>'
        for number, (text, weight) in enumerate(
            ((box.title, ' font-weight="bold"'), (box.below, ""))
        )
    ]
    return (
        f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="6"/>'
        f"{''.join(lines)}"
    )


def _drawn_arrow(arrow: _Arrow) -> str:
    direction = _sign(arrow.to_x - arrow.x), _sign(arrow.to_y - arrow.y)
    dashes = ' stroke-dasharray="5 3"' if arrow.is_trouble else ""
    x, y = (arrow.x + arrow.to_x) / 2, (arrow.y + arrow.to_y) / 2
    if direction[0]:
        y, anchor = y - 4, "middle"
    elif arrow.is_named_left:
        x, y, anchor = x - 6, y + 4, "end"
    else:
        x, y, anchor = x + 6, y + 4, "start"
    return (
        f'<path d="M{arrow.x} {arrow.y}L{arrow.to_x} {arrow.to_y}"{dashes}/>'
        f'<path fill="currentColor" d="M{arrow.to_x} {arrow.to_y}l{_TIPS[direction]}z"/>'
        f'<text x="{x:g}" y="{y:g}" fill="currentColor" stroke="none" text-anchor="{anchor}">'
        f"{escape(arrow.text)}</text>"
    )


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive("story", StoryDirective)
    app.add_directive("nursery-picture", NurseryDirective)
    return {"parallel_read_safe": True}
