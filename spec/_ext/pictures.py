"""Draws state machines and sequences as SVG: narrow enough for a phone, in the colours of the page.

States stand in a column. A step to the next state is a straight arrow; other steps down run on the
right, steps up on the left, each in a lane of its own; a step from a state to itself is in its box.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BOX = 120
"""The width of a state's box; this and what follows are pixels."""
LANE = 16
PORT = 14
LINE = 15
GAP = 50
CHARACTER = 6.6
"""About the width of a character."""

_HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img" aria-label="{label}" '
    'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
    'font-family="sans-serif" font-size="12" fill="none" stroke="currentColor">'
)
_PLAIN = 'fill="currentColor" stroke="none"'
_TEXT = f'{_PLAIN} text-anchor="middle"'


class Step(NamedTuple):
    """A step of a machine, or an arrow of its picture."""

    source: str
    name: str
    target: str


class Message(NamedTuple):
    """What one actor of a sequence sends to another one, or what happens to it."""

    source: str
    target: str
    text: str


@dataclass
class _Box:
    """The box of a state: what it says, and which arrows end at its sides, from above."""

    name: str
    loops: list[Step] = field(default_factory=list)
    ports: dict[str, list[tuple[Step, bool]]] = field(
        default_factory=lambda: {"left": [], "right": []}
    )
    top: float = 0

    @property
    def height(self) -> float:
        """Enough for the lines of text, and for the arrows of each side."""
        most = max(len(arrows) for arrows in self.ports.values())
        return max(20 + LINE * len(self.loops) + 10, PORT * (most + 1))

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def port(self, side: str, step: Step, leaves: bool) -> float:
        """Where an arrow ends at a side, from the top of the picture."""
        place = self.ports[side].index((step, leaves)) + 1
        return self.top + self.height * place / (len(self.ports[side]) + 1)


def draw_machine(label: str, states: Sequence[str], steps: Iterable[Step]) -> str:
    """Return a picture of the machine; steps between the same states share an arrow.

    Args:
        label: what a reader is told who does not see it.
        states: from above.
        steps: in any order.
    """
    index = {state: place for place, state in enumerate(states)}
    boxes = {state: _Box(state) for state in states}
    straight, sides = [], {"left": list[Step](), "right": list[Step]()}
    for step in _joined(steps):
        distance = index[step.target] - index[step.source]
        if not distance:
            boxes[step.source].loops.append(step)
        elif distance == 1:
            straight.append(step)
        else:
            sides["right" if distance > 0 else "left"].append(step)
    lanes = {side: _lanes(arrows, index) for side, arrows in sides.items()}
    for side, arrows in sides.items():
        _set_ports(side, arrows, boxes, index, lanes[side])
    y = 2.0
    for box in boxes.values():
        box.top, y = y, y + box.height + GAP
    margin: float = 18 + LANE * max(lanes["left"].values(), default=0)
    width = margin + BOX + 12 + LANE * max(lanes["right"].values(), default=0)
    center = margin + BOX / 2
    width = max(width, center + max((_width(step.name) + 10 for step in straight), default=0))
    drawn = [_box(box, margin, center) for box in boxes.values()]
    for step in straight:
        start, end = boxes[step.source].bottom, boxes[step.target].top
        path = f"M{center:g} {start:g}V{end:g}"
        text = f'<text x="{center + 6:g}" y="{(start + end) / 2 + 4:g}" {_PLAIN}>'
        drawn.append(_arrow(step, path, f"{text}{escape(step.name)}</text>", (center, end, "down")))
    for side, arrows in sides.items():
        edge, sign = (margin, -1) if side == "left" else (margin + BOX, 1)
        heights = {
            step: (
                boxes[step.source].port(side, step, leaves=True),
                boxes[step.target].port(side, step, leaves=False),
            )
            for step in arrows
        }
        for step, (start, end) in heights.items():
            lane = lanes[side][step]
            x = edge + sign * LANE * lane
            path = f"M{edge:g} {start:g}H{x:g}V{end:g}H{edge:g}"
            crossing = [y for other in arrows if lanes[side][other] > lane for y in heights[other]]
            middle = _clear(min(start, end), max(start, end), crossing, _width(step.name))
            at = f"translate({x - 4:g} {middle:g}) rotate(-90)"
            text = f'<text transform="{at}" {_TEXT}>{escape(step.name)}</text>'
            tip = (edge, end, "right" if side == "left" else "left")
            drawn.append(_arrow(step, path, text, tip))
    head = _HEAD.format(label=escape(label), width=width, height=y - GAP + 2)
    return f"{head}{''.join(drawn)}</svg>"


def _clear(low: float, high: float, crossing: Iterable[float], length: float) -> float:
    """Return where the middle of a text goes beside a line, so that nothing crosses the text.

    Args:
        low: where the line begins.
        high: where it ends.
        crossing: where other lines may cross it.
        length: of the text.
    """
    cuts = [low, *sorted(y for y in crossing if low < y < high), high]
    pieces = list(pairwise(cuts))
    long_enough = [(a, b) for a, b in pieces if b - a > length + 4]
    middle = (low + high) / 2
    if not long_enough:
        a, b = max(pieces, key=lambda piece: piece[1] - piece[0])
        return (a + b) / 2
    half = length / 2 + 2
    return min(
        (min(max(middle, a + half), b - half) for a, b in long_enough),
        key=lambda y: abs(y - middle),
    )


def _joined(steps: Iterable[Step]) -> list[Step]:
    """The same with one step between two states, named by all of them."""
    names: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        names.setdefault((step.source, step.target), []).append(step.name)
    return [Step(source, " / ".join(some), target) for (source, target), some in names.items()]


def _lanes(arrows: Sequence[Step], index: dict[str, int]) -> dict[Step, int]:
    """The lane of each arrow of one side, from 1: the shortest are the nearest."""
    taken: dict[int, list[tuple[int, int]]] = {}
    lanes = {}
    for step in sorted(arrows, key=lambda step: abs(index[step.target] - index[step.source])):
        low, high = sorted((index[step.source], index[step.target]))
        lane = 1
        while any(low <= other[1] and other[0] <= high for other in taken.get(lane, ())):
            lane += 1
        taken.setdefault(lane, []).append((low, high))
        lanes[step] = lane
    return lanes


def _set_ports(
    side: str,
    arrows: Sequence[Step],
    boxes: dict[str, _Box],
    index: dict[str, int],
    lanes: dict[Step, int],
) -> None:
    """Give each end of each arrow its place, so that few arrows cross."""
    ends: dict[str, list[tuple[Step, bool]]] = {}
    for step in arrows:
        ends.setdefault(step.source, []).append((step, True))
        ends.setdefault(step.target, []).append((step, False))
    for state, some in ends.items():

        def place(end: tuple[Step, bool], here: int = index[state]) -> tuple[bool, int]:
            step, leaves = end
            down = index[step.target if leaves else step.source] > here
            # Of those that go down the innermost is the lowest; of those that go up, the highest.
            return down, -lanes[step] if down else lanes[step]

        boxes[state].ports[side] = sorted(some, key=place)


def _box(box: _Box, left: float, center: float) -> str:
    lines = [
        f'<text x="{center:g}" y="{box.top + 19:g}" font-weight="bold" {_TEXT}>'
        f"{escape(box.name)}</text>"
    ]
    for number, step in enumerate(box.loops, 1):
        y = box.top + 19 + LINE * number
        text = f'<text x="{center:g}" y="{y:g}" {_TEXT}>↻ {escape(step.name)}</text>'
        lines.append(_group(step, text))
    return (
        f'<g class="state" data-state="{escape(box.name)}"><rect x="{left:g}" y="{box.top:g}" '
        f'width="{BOX}" height="{box.height:g}" rx="6"/>{"".join(lines)}</g>'
    )


def _group(step: Step, content: str) -> str:
    data = "".join(f' data-{key}="{escape(value)}"' for key, value in step._asdict().items())
    return f'<g class="step"{data}>{content}</g>'


_TIPS = {"down": "-4 -8h8", "up": "-4 8h8", "left": "8 -4v8", "right": "-8 -4v8"}


def _arrow(step: Step, path: str, text: str, tip: tuple[float, float, str]) -> str:
    return _group(step, f'<path d="{path}"/>{_tip(*tip)}{text}')


def _tip(x: float, y: float, direction: str) -> str:
    return f'<path class="tip" fill="currentColor" d="M{x:g} {y:g}l{_TIPS[direction]}z"/>'


def _width(text: str) -> float:
    return CHARACTER * len(text)


def draw_sequence(
    label: str, actors: Sequence[str], messages: Sequence[Message], apart: int = 110
) -> str:
    """Return a picture of the sequence; time runs down.

    Args:
        label: what a reader is told who does not see it.
        actors: from the left.
        messages: in order.
        apart: the least distance between actors.
    """
    gaps = _gaps(actors, messages, apart)
    half = min(44, apart // 2 - 2)
    x = {actor: half + 8 + sum(gaps[:place]) for place, actor in enumerate(actors)}
    width, height = sum(gaps) + 2 * half + 16, 46 + 28 * len(messages)
    drawn = []
    for actor, at in x.items():
        drawn.append(
            f'<g class="actor" data-actor="{escape(actor)}"><rect x="{at - half}" y="2" '
            f'width="{2 * half}" height="24" rx="6"/>'
            f'<text x="{at}" y="18" font-weight="bold" {_TEXT}>{escape(actor)}</text>'
            f'<path d="M{at} 26V{height - 2}" stroke-dasharray="2 3"/></g>'
        )
    for number, message in enumerate(messages):
        start, end, y = x[message.source], x[message.target], 56 + 28 * number
        data = "".join(f' data-{key}="{escape(value)}"' for key, value in message._asdict().items())
        text = f'y="{y - 4}" {_TEXT}>{escape(message.text)}</text>'
        if start == end:
            content = f'<path d="M{start - 5} {y - 13}l10 10m0 -10l-10 10"/>'
            content += f'<text x="{start + 24}" {text}'
        else:
            beside = x[actors[_beside(message, actors)]]
            middle = (beside + end) / 2  # a long arrow is named beside its tip
            content = f'<path d="M{start} {y}H{end}"/>'
            content += _tip(end, y, "left" if end < start else "right")
            content += f'<text x="{middle:g}" {text}'
        drawn.append(f'<g class="message"{data}>{content}</g>')
    head = _HEAD.format(label=escape(label), width=width, height=height)
    return f"{head}{''.join(drawn)}</svg>"


def _beside(message: Message, actors: Sequence[str]) -> int:
    """Return the place of the target's neighbour towards the source."""
    target = actors.index(message.target)
    return target + (1 if actors.index(message.source) > target else -1)


def _gaps(actors: Sequence[str], messages: Iterable[Message], apart: int) -> list[int]:
    """Return the distances between neighbours, wide enough for the texts between them."""
    gaps = [apart] * (len(actors) - 1)
    for message in messages:
        if message.source != message.target:
            gap = min(actors.index(message.target), _beside(message, actors))
            gaps[gap] = max(gaps[gap], ceil(_width(message.text)) + 14)
    return gaps
