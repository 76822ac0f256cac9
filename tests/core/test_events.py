"""Events are plain values, and the union names all of them."""

from paexec_trio.core import events
from paexec_trio.core.events import Event, NodeOutput, StdinChunk


def test_the_union_names_every_event() -> None:
    classes = {
        item
        for item in vars(events).values()
        if isinstance(item, type) and item.__module__ == events.__name__
    }
    assert classes == set(Event.__args__)


def test_events_are_compared_by_value_and_kind() -> None:
    assert NodeOutput(0, b"a") == NodeOutput(0, b"a")
    assert NodeOutput(0, b"a") != NodeOutput(1, b"a")
    assert StdinChunk(b"a") != StdinChunk(b"b")
