"""The page about a run: complete, safe, and not larger than it must be."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from paexec_trio.history.page import page, time_text
from paexec_trio.history.slices import Moment, Outcome, Slice
from paexec_trio.history.story import Link, Story


def story_of(count: int, nodes: int = 2, **changes: bytes) -> Story:
    story = Story([b"node %d" % index for index in range(nodes)])
    for number in range(count):
        piece = Slice(number % nodes, number + 1, b"task", 1, number * 0.5, 0.5, Outcome.SUCCEEDED)
        story.add([piece._replace(**changes)])  # type: ignore[arg-type]
    story.end()
    return story


def test_it_shows_what_happened() -> None:
    story = story_of(3)
    story.add([Slice(0, 4, b"bad", 1, 2.0, 1.0, Outcome.FAILED, b"exit status 3")])
    story.add([Moment(2.5, 1, b"lost")])
    story.end()
    text = BeautifulSoup(page("my run", story), "html.parser")
    assert text.title is not None
    assert text.title.string == "my run"
    tiles = {tile.text for tile in text.select(".tiles div")}
    assert {"3succeeded", "1failed", "1deaths of nodes", "3.0 swall time"} <= tiles
    assert "failed: exit status 3" in text.text
    assert len(text.select("svg.timeline rect")) == 4
    assert [mark.text for mark in text.select("svg.timeline .moment title")] == ["2.5 s: lost"]


def test_it_needs_nothing_else() -> None:
    text = page("run", story_of(3))
    assert not re.search(r"(src|href)=|url\(|@import|<script|<link", text)


@pytest.mark.parametrize("octets", [b"<script>alert(1)</script>", b"\x1b[31m", b"\xff\xfe", b'"&'])
def test_octets_of_others_are_text(octets: bytes) -> None:
    story = story_of(1, task=octets, reason=octets)
    story.nodes = [octets, octets]
    text = page("run", story, [Link(1, octets, 1.0)], is_graph=True)
    assert "<script" not in text
    assert text.isprintable() or "\x1b" not in text
    text.encode()


def test_its_size_depends_on_the_nodes_and_not_on_the_tasks() -> None:
    few, many = (len(page("run", story_of(count, nodes=4))) for count in (10_000, 50_000))
    assert many < 1.1 * few


def test_many_nodes_share_rows() -> None:
    text = BeautifulSoup(page("run", story_of(2_000, nodes=2_000)), "html.parser")
    labels = text.select(".plot li")
    assert len(labels) == 200
    assert labels[0].text == "node 0 and 9 more"


def test_a_run_without_attempts_has_a_page() -> None:
    story = Story([b"a"])
    story.end()
    assert "No attempt has ended" in page("run", story)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0123, "12 ms"),
        (1.26, "1.3 s"),
        (119.94, "119.9 s"),
        (125, "2 min 05 s"),
        (7380, "2 h 03 min"),
    ],
)
def test_times(seconds: float, text: str) -> None:
    assert time_text(seconds) == text
