"""The pictures of how runs end are true: each story is played with real processes."""

from __future__ import annotations

import importlib
import os
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import trio

import paexec_trio
from paexec_trio.core.settings import Graces
from paexec_trio.nursery.texts import Text

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "spec" / "_ext"), str(ROOT / "docs" / "_ext")]
stories: Any = importlib.import_module("stories")

CALLER, BLOCK, NODES = stories.CALLER, stories.BLOCK, stories.NODES
SVG = "{http://www.w3.org/2000/svg}"
LIMIT = 60

CALCULATOR = """\
exec 9>"$LOG"
trap 'echo SIGTERM >&9; exit' TERM
echo "pid $$" >&9
while read -r task; do
    echo "$task" >&9
    case $MODE in
    die) echo dies >&9; exit 3 ;;
    hang) cat; echo 'end of input' >&9; sleep 1000 & wait ;;
    *) echo 'its result'; echo ;;
    esac
done
echo 'end of input' >&9
"""


class Stage:
    """Where a story is played; calculators write what they see to a pipe.

    Args:
        pipe: the path of the pipe, which is made.
    """

    def __init__(self, pipe: Path) -> None:
        os.mkfifo(pipe)
        self._pipe = pipe
        self._fd = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        self._lines: list[str] = []
        self._seen: defaultdict[str, list[str]] = defaultdict(list)

    def close(self) -> None:
        os.close(self._fd)

    def open(
        self, mode: str = "", nodes: int = 1, stop: float = LIMIT
    ) -> AbstractAsyncContextManager[paexec_trio.Distributor]:
        """Return the block of a run.

        Args:
            mode: what calculators do with a task.
            nodes: the number of nodes.
            stop: the seconds between the end of the input and SIGTERM.
        """
        environment: dict[str, Text] = dict(os.environ.items())
        environment |= {"LOG": self._pipe, "MODE": mode}
        return paexec_trio.open_distributor(
            nodes=nodes,
            command=CALCULATOR,
            environment=environment,
            graces=Graces(stop=stop),
        )

    def note(self, actor: str, text: str) -> None:
        """Note what the block or its caller sees."""
        self._seen[actor].append(text)

    async def until(self, line: str, times: int = 1) -> None:
        """Wait until calculators have written lines that begin like this one."""
        while sum(other.startswith(line) for other in self._lines) < times:
            await trio.lowlevel.wait_readable(self._fd)
            self._read()

    def _read(self) -> None:
        # Each line was written at once, and is shorter than a pipe splits.
        try:
            self._lines += os.read(self._fd, 1 << 16).decode().splitlines()
        except BlockingIOError:
            return

    def seen_by(self, actor: str) -> list[str]:
        """Return what an actor saw, in order."""
        self._read()
        if actor == NODES:
            return [line for line in self._lines if not line.startswith("pid ")]
        return self._seen[actor]

    def living(self) -> list[str]:
        """Return the ids of calculators that have not ended."""
        self._read()
        pids = [line.removeprefix("pid ") for line in self._lines if line.startswith("pid ")]
        assert pids
        return [pid for pid in pids if Path("/proc", pid).exists()]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with closing(Stage(tmp_path / "pipe")) as stage:
        yield stage


async def play_end(stage: Stage) -> None:
    async with stage.open() as run:
        await run.tasks.send("a task")
        stage.note(BLOCK, (await run.results.receive()).lines[0].decode())
        await run.tasks.aclose()
        with pytest.raises(trio.EndOfChannel):
            await run.results.receive()
        stage.note(BLOCK, "EndOfChannel")
    stage.note(CALLER, "leaves")


async def play_raise(stage: Stage) -> None:
    try:
        async with stage.open():
            await stage.until("pid ")
            stage.note(BLOCK, "raises")
            raise_error()
    except KeyError:
        stage.note(CALLER, "KeyError")


def raise_error() -> None:
    raise KeyError


async def play_cancel(stage: Stage) -> None:
    with trio.CancelScope() as scope:
        try:
            async with stage.open("hang", stop=1) as run:
                await run.tasks.send("a task")
                await stage.until("a task")
                scope.cancel()
                try:
                    await run.results.receive()
                except trio.Cancelled:
                    stage.note(BLOCK, "Cancelled")
                    raise
        except trio.Cancelled:
            stage.note(CALLER, "Cancelled")
            raise


async def play_death(stage: Stage) -> None:
    try:
        async with stage.open("die", nodes=2) as run:
            await stage.until("pid ", 2)
            await run.tasks.send("a task")
            try:
                await run.results.receive()
            except paexec_trio.NodesLostError:
                stage.note(BLOCK, "NodesLostError")
                raise
    except paexec_trio.NodesLostError:
        stage.note(CALLER, "NodesLostError")


PLAYS: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "end": play_end,
    "raise": play_raise,
    "cancel": play_cancel,
    "death": play_death,
}


def test_each_story_is_played() -> None:
    assert PLAYS.keys() == stories.STORIES.keys()


@pytest.mark.parametrize("name", PLAYS)
def test_each_actor_sees_what_the_picture_shows(name: str, stage: Stage) -> None:
    async def play() -> None:
        with trio.fail_after(LIMIT):
            await PLAYS[name](stage)

    trio.run(play)
    for actor in (CALLER, BLOCK, NODES):
        messages = stories.STORIES[name].messages
        assert stage.seen_by(actor) == [text for _, target, text in messages if target == actor]
    assert not stage.living()


def test_the_arrows_of_the_nursery_lead_from_box_to_box() -> None:
    picture = ET.fromstring(stories.draw_nursery())  # noqa: S314 (our own)
    titles = {
        "".join(text.itertext())
        for text in picture.iter(f"{SVG}text")
        if text.get("font-weight") == "bold"
    }
    ends = [line.partition(":")[0].split(" -> ") for line in stories.told()]
    assert {title for pair in ends for title in pair} == titles
    assert not [pair for pair in ends if pair[0] == pair[1]]
