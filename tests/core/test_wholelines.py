"""Standard error of calculators in whole lines."""

from __future__ import annotations

from paexec_trio.core import events as on
from paexec_trio.core import wholelines
from paexec_trio.core.commands import PrintErrors
from paexec_trio.core.engine import Engine
from paexec_trio.core.settings import Settings
from tests.core.playbook import names


def printed(engine: Engine, event: on.Event) -> list[bytes]:
    commands = engine.handle(event)
    return [bytes(command.data) for command in commands if isinstance(command, PrintErrors)]  # type: ignore[arg-type]


def made() -> Engine:
    engine = Engine(Settings(names(2), whole_errors=True))
    engine.handle(on.RunStarted())
    for node in range(2):
        engine.handle(on.NodeStarted(node, 100 + node))
    return engine


def test_lines_of_nodes_are_not_mixed() -> None:
    engine = made()
    assert printed(engine, on.NodeErrors(0, b"a")) == []
    assert printed(engine, on.NodeErrors(1, b"b\nc")) == [b"b\n"]
    assert printed(engine, on.NodeErrors(0, b"d\n")) == [b"ad\n"]
    engine.handle(on.StdinEnded())
    engine.handle(on.NodeEnded(1, exited=True))
    assert printed(engine, on.NodeReaped(1, status=0)) == [b"c\n"]
    engine.handle(on.NodeEnded(0, exited=True))
    assert printed(engine, on.NodeReaped(0, status=0)) == []


def test_a_line_without_end_is_printed_in_parts() -> None:
    engine = made()
    part = b"x" * (wholelines.LONGEST_PART + 1)
    assert printed(engine, on.NodeErrors(0, part)) == [part + b"\n"]


def test_the_fast_path_stays() -> None:
    engine = made()
    engine.handle(on.StdinChunk(b"a\nb\nc\nd\n"))
    assert engine.fast_path
    assert engine.fast_path(0, b"x\n\n") == (b"x\n", b"c\n")
