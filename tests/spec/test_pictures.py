"""Each picture shows the table that it is drawn from, and no more; the tables fit together."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from conformance.harness.registry import load_requirements
from paexec_trio.core.ending import TURNS, Phase
from paexec_trio.core.states import TRANSITIONS, NodeState

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "spec" / "_ext"))
machines: Any = importlib.import_module("machines")
pictures: Any = importlib.import_module("pictures")

TABLES = machines.load_tables()
MACHINES = {
    **{
        name: (machine["states"], [tuple(row[:3]) for row in machine["steps"]])
        for name, machine in TABLES["machine"].items()
    },
    "engine": (
        [state.name for state in NodeState],
        [(before.name, step.name, after.name) for (before, step), after in TRANSITIONS.items()],
    ),
    "run": (
        [phase.name for phase in Phase],
        [(before.name, turn.name, after.name) for (before, turn), after in TURNS.items()],
    ),
}
SVG = "{http://www.w3.org/2000/svg}"


def draw(name: str) -> ET.Element:
    states, steps = MACHINES[name]
    text = pictures.draw_machine(name, states, [pictures.Step(*step) for step in steps])
    return ET.fromstring(text)  # noqa: S314 (our own)


def groups(picture: ET.Element, kind: str) -> list[ET.Element]:
    return [group for group in picture.iter(f"{SVG}g") if group.get("class") == kind]


def text_of(element: ET.Element) -> list[str]:
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def boxes(picture: ET.Element) -> dict[str, tuple[float, float, float, float]]:
    """The left, right, upper and lower edges of the boxes, by what stands in them first."""
    found = {}
    for group in groups(picture, "state"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        x, y, width, height = (float(rect.get(key, "")) for key in ("x", "y", "width", "height"))
        found[text_of(group)[0]] = (x, x + width, y, y + height)
    return found


def ends(path: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a path of straight lines begins and ends."""
    x = y = 0.0
    points = []
    for what, numbers in re.findall(r"([MHV])([-\d. ]+)", path):
        values = [float(number) for number in numbers.split()]
        if what == "M":
            x, y = values
        elif what == "H":
            (x,) = values
        else:
            (y,) = values
        points.append((x, y))
    return points[0], points[-1]


def state_at(picture: ET.Element, x: float, y: float) -> str:
    """The state on the edge of whose box a point lies."""
    for name, (left, right, top, bottom) in boxes(picture).items():
        on_side = x in {left, right} and top <= y <= bottom
        if on_side or (y in {top, bottom} and left <= x <= right):
            return name
    raise AssertionError(f"no box has {x}, {y} on its edge")


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_shows_its_states_and_steps(name: str) -> None:
    """Seen are arrows from box to box with the names of their steps, and lines in boxes."""
    picture = draw(name)
    states, steps = MACHINES[name]
    assert list(boxes(picture)) == states
    seen = []
    for group in groups(picture, "step"):
        (text,) = text_of(group)
        path = group.find(f"{SVG}path")
        if path is None:
            source = target = str(group.get("data-source"))
            box = next(box for box in groups(picture, "state") if text_of(box)[0] == source)
            assert group in list(box)
            text = text.removeprefix("↻ ")
        else:
            source, target = (state_at(picture, *end) for end in ends(path.get("d", "")))
        seen += [(source, step, target) for step in text.split(" / ")]
    assert sorted(seen) == sorted(steps)


@pytest.mark.parametrize("name", MACHINES)
def test_arrows_of_a_machine_do_not_share_their_ends(name: str) -> None:
    picture = draw(name)
    points = [
        end
        for group in groups(picture, "step")
        if (path := group.find(f"{SVG}path")) is not None
        for end in ends(path.get("d", ""))
    ]
    assert len(points) == len(set(points))


@pytest.mark.parametrize("name", MACHINES)
def test_arrows_of_a_machine_do_not_run_on_each_other(name: str) -> None:
    taken: dict[float, list[tuple[float, float]]] = {}
    for group in groups(draw(name), "step"):
        path = group.find(f"{SVG}path")
        bent = path is not None and re.fullmatch(r"M\S+ (\S+)H(\S+)V(\S+)H\S+", path.get("d", ""))
        if bent:
            start, x, end = map(float, bent.groups())
            low, high = sorted((start, end))
            assert all(high < other[0] or other[1] < low for other in taken.get(x, ()))
            taken.setdefault(x, []).append((low, high))
    assert taken


@pytest.mark.parametrize("name", MACHINES)
def test_no_arrow_of_a_machine_crosses_the_name_of_another(name: str) -> None:
    """Names stand upright to the left of their arrows."""
    names: list[tuple[ET.Element, float, float, float]] = []
    lines: list[tuple[ET.Element, float, float, float]] = []
    for group in groups(draw(name), "step"):
        path = group.find(f"{SVG}path")
        bent = path is not None and re.fullmatch(r"M(\S+) (\S+)H(\S+)V(\S+)H\S+", path.get("d", ""))
        if bent:
            edge, start, x, end = map(float, bent.groups())
            lines += [(group, min(edge, x), max(edge, x), y) for y in (start, end)]
            (text,) = group.iter(f"{SVG}text")
            at = re.match(r"translate\((\S+) (\S+)\)", text.get("transform", ""))
            assert at
            half = pictures.CHARACTER * len(text.text or "") / 2
            names.append((group, float(at[1]), float(at[2]) - half, float(at[2]) + half))
    assert names
    for group, x, top, bottom in names:
        for other, left, right, y in lines:
            crosses = left < x < right and top < y < bottom
            assert other is group or not crosses, (text_of(group), text_of(other))


def test_steps_between_the_same_states_share_an_arrow() -> None:
    steps = [pictures.Step("a", name, "b") for name in ("one", "two")]
    picture = ET.fromstring(pictures.draw_machine("x", ["a", "b"], steps))  # noqa: S314 (our own)
    assert [text_of(group) for group in groups(picture, "step")] == [["one / two"]]


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_fits_into_its_picture(name: str) -> None:
    picture = draw(name)
    _, _, width, height = map(float, picture.get("viewBox", "").split())
    assert width <= 350  # what a phone has
    for path in picture.iter(f"{SVG}path"):
        for x, y in ends(path.get("d", "")):
            assert 0 <= x <= width
            assert 0 <= y <= height


@pytest.mark.parametrize("name", TABLES["sequence"])
def test_a_sequence_shows_its_messages_in_order(name: str) -> None:
    sequence = TABLES["sequence"][name]
    picture = ET.fromstring(machines.sequence_svg(name, sequence))  # noqa: S314 (our own)
    lines = {}
    for group in groups(picture, "actor"):
        path = group.find(f"{SVG}path")
        assert path is not None
        lines[ends(path.get("d", ""))[0][0]] = text_of(group)[0]
    assert [lines[x] for x in sorted(lines)] == sequence["actors"]
    seen = []
    for group in groups(picture, "message"):
        path = group.find(f"{SVG}path")
        assert path is not None
        d = path.get("d", "")
        if "l" in d:  # a cross on the line of the actor that it happens to
            x = float(d[1:].split()[0]) + 5
            seen.append((0.0, lines[x], lines[x], text_of(group)[0]))
        else:
            (start, y), (end, _) = ends(d)
            seen.append((y, lines[start], lines[end], text_of(group)[0]))
    heights = [y for y, *_ in seen if y]
    assert heights == sorted(set(heights))
    assert [list(rest) for _, *rest in seen] == sequence["messages"]


def test_the_requirements_of_the_tables_exist() -> None:
    named = {row[4] for machine in TABLES["machine"].values() for row in machine["steps"]}
    assert named <= load_requirements().keys()


@pytest.mark.parametrize("name", TABLES["machine"])
def test_every_state_can_be_reached_and_every_row_is_whole(name: str) -> None:
    states, steps = MACHINES[name]
    reached = {states[0]}
    while new := {to for at, _, to in steps if at in reached} - reached:
        reached |= new
    assert reached == set(states)
    assert all(len(row) == 5 for row in TABLES["machine"][name]["steps"])


# Which states of the specification's node the engine's states stand for.
MEANING = {
    NodeState.NEW: {"new"},
    NodeState.STARTING: {"new", "dead"},
    NodeState.CONNECTING: {"new", "idle"},
    NodeState.IDLE: {"idle"},
    NodeState.BUSY: {"busy"},
    NodeState.DRAINING: {"busy"},
    NodeState.HALF_CLOSED: {"busy"},
    NodeState.CLOSING: {"closed"},
    NodeState.ENDED: {"dead", "ended"},
    NodeState.REAPED: {"dead", "ended"},
}


def test_the_engine_does_what_the_specification_shows_of_a_node() -> None:
    """Each step of one is a step of the other, or no step at all for the specification."""
    states, steps = MACHINES["node"]
    shown = {(source, target) for source, _, target in steps}
    assert set().union(*MEANING.values()) == set(states)
    done = {
        (source, target)
        for (before, _), after in TRANSITIONS.items()
        for source in MEANING[before]
        for target in MEANING[after]
    }
    assert shown <= done
    for (before, step), after in TRANSITIONS.items():
        stays = MEANING[before] & MEANING[after]
        moves = {(a, b) for a in MEANING[before] for b in MEANING[after]} & shown
        assert stays or moves, f"{step.name} in {before.name}"
