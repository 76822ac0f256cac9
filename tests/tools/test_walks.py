"""The pictures of the architecture show what a run did; none outlives a module that it names."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from paexec_trio.core.commands import Command, Send, Write
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "spec" / "_ext"), str(ROOT / "docs" / "_ext")]
sequences: Any = importlib.import_module("sequences")
walks: Any = importlib.import_module("walks")

SVG = "{http://www.w3.org/2000/svg}"


def brief(item: Event | Command) -> str:
    """Return what a picture calls an event, or a command to a node."""
    name = type(item).__name__
    return f"{name} {item.node}" if hasattr(item, "node") else name


def shown(name: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return the lanes and the messages of a picture that is drawn anew."""
    sequences.messages_of.cache_clear()
    picture = ET.fromstring(sequences.draw_walk(name))  # noqa: S314 (our own)
    groups = list(picture.iter(f"{SVG}g"))
    lanes = [str(group.get("data-actor")) for group in groups if group.get("class") == "actor"]
    keys = ("data-source", "data-target", "data-text")
    messages = [
        (str(group.get(keys[0])), str(group.get(keys[1])), str(group.get(keys[2])))
        for group in groups
        if group.get("class") == "message"
    ]
    return lanes, messages


@pytest.mark.parametrize("name", ["task", "result", "death"])
def test_a_picture_shows_each_event_and_what_came_of_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen at the engine's only method, independently of what is recorded."""
    handled: list[tuple[str, list[str]]] = []
    handle = Engine.handle

    def watched(engine: Engine, event: Event) -> list[Command]:
        commands = handle(engine, event)
        results = [brief(command) for command in commands if type(command) in {Send, Write}]
        handled.append((brief(event), results))
        return commands

    monkeypatch.setattr(Engine, "handle", watched)
    _, messages = shown(name)
    names = {event for event, _ in handled}
    seen: list[tuple[str, list[str]]] = []
    for _, target, text in messages:
        if text in names:
            assert target == "engine"
            seen.append((text, []))
        elif text.split()[0] in {"Send", "Write"}:
            seen[-1][1].append(text)
    assert seen
    start = handled.index(seen[0])
    assert handled[start : start + len(seen)] == seen


def test_the_engine_handles_nothing_on_the_fast_path() -> None:
    walk = sequences.WALKS["fast-path"]
    messages = walks.record(walk._replace(lanes=(*walk.lanes, "core.engine")))
    assert (messages[0].source, messages[0].text) == ("calculator", r"'APPLE\n\n'")
    assert messages[-1][1:] == ("stdout", r"'APPLE\n'")
    assert r"'banana\n'" in [text for _, target, text in messages if target == "calculator"]
    assert "core.engine" not in {lane for message in messages for lane in message[:2]}


@pytest.mark.parametrize("name", ["send", "receive"])
def test_tasks_and_results_of_the_channels_take_fast_paths(name: str) -> None:
    walk = sequences.WALKS[name]
    messages = walks.record(walk._replace(lanes=(*walk.lanes, "core.engine")))
    lanes = {lane for message in messages for lane in message[:2]}
    assert {"core.objectpath"} == lanes & {"core.engine", "core.objectpath"}


def test_a_death_gives_the_task_to_the_other_node() -> None:
    texts = [text for _, _, text in shown("death")[1]]
    assert texts[-1] == r"'apple\n'"
    assert texts.index("NodeEnded 0") < texts.index("Send 1")


def test_each_question_is_asked_on_one_of_the_ways() -> None:
    asked = {
        message.text for walk in sequences.WALKS.values() for message in walks.record(walk)
    } & sequences.QUESTIONS
    assert asked == sequences.QUESTIONS


@pytest.mark.parametrize("name", sequences.WALKS)
def test_a_walk_is_the_same_each_time_and_visits_each_of_its_lanes(name: str) -> None:
    lanes, messages = shown(name)
    assert shown(name) == (lanes, messages)
    assert {lane for source, target, _ in messages for lane in (source, target)} == set(lanes)
    assert len(messages) <= 30, "more than a reader can follow"


def test_a_module_that_is_gone_is_noticed() -> None:
    walk = sequences.WALKS["task"]
    with pytest.raises(walks.UnknownLaneError, match=r"no module paexec_trio\.core\.gone"):
        walks.record(walk._replace(lanes=(*walk.lanes, "core.gone")))


def test_a_run_that_takes_another_way_is_ended() -> None:
    with pytest.raises(walks.UnfinishedWalkError):
        walks.record(sequences.WALKS["task"], patience=0)
