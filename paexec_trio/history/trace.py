"""Traces in Chrome's trace event format, which https://ui.perfetto.dev and chrome://tracing show.

Each node is a row, each attempt a slice in it. What happens at one moment, such as a death, is an
instant event. The file is an array whose end may be missing, so that the trace of a run that was
killed can be shown as well.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, final

from paexec_trio.core.visible import excerpt
from paexec_trio.history.slices import Moment, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from paexec_trio.history.slices import Slice

_COLOURS = {
    Outcome.FAILED: "terrible",
    Outcome.RETRIED: "bad",
    Outcome.GIVEN_UP: "grey",
}
"""Names that the viewers know; a success has the colour that they give it."""

_PROCESS = 1
_RUN_ROW = 0
"""The row of what concerns the whole run; that of a node is its index and 1."""


def shown(octets: bytes) -> str:
    """Return text for people: octets that cannot be shown are made visible."""
    return excerpt(octets).decode(errors="backslashreplace")


@final
class TraceWriter:
    """Turns the history of a run into the lines of a trace.

    Args:
        program: the name of the process in the viewer.
    """

    def __init__(self, program: bytes) -> None:
        self._program = program
        self._named: set[int] = set()
        self._is_first = True

    def lines(self, nodes: Sequence[bytes], pieces: Iterable[Slice | Moment]) -> bytes:
        """Return the next lines of the file.

        Args:
            nodes: the names of all nodes, by their indices.
            pieces: what has happened since the last call.
        """
        events = []
        for piece in pieces:
            if piece.node not in self._named:
                self._named.add(piece.node)
                name = nodes[piece.node] if piece.node >= 0 else b"the run"
                events += self._names(piece.node, name)
            events.append(_moment(piece) if isinstance(piece, Moment) else _slice(piece))
        text = b"".join([b",\n" + json.dumps(event).encode() for event in events])
        if self._is_first and text:
            self._is_first = False
            return b"[\n" + text[2:]
        return text

    def end(self) -> bytes:
        """Return the end of the file."""
        return b"[]\n" if self._is_first else b"\n]\n"

    def _names(self, node: int, name: bytes) -> list[dict[str, object]]:
        row = {"pid": _PROCESS, "tid": node + 1, "ph": "M"}
        return [
            {"name": "process_name", "args": {"name": shown(self._program)}, **row},
            {"name": "thread_name", "args": {"name": shown(name)}, **row},
            {"name": "thread_sort_index", "args": {"sort_index": node + 1}, **row},
        ]


def _slice(piece: Slice) -> dict[str, object]:
    event: dict[str, object] = {
        "name": shown(piece.task) or "(empty)",
        "cat": "attempt",
        "ph": "X",
        "ts": round(piece.began * 1e6),
        "dur": round(piece.seconds * 1e6),
        "pid": _PROCESS,
        "tid": piece.node + 1,
        "args": {
            "task": piece.task_id,
            "attempt": piece.attempt,
            "outcome": piece.outcome.name.lower().replace("_", " "),
            **({"reason": shown(piece.reason)} if piece.reason else {}),
        },
    }
    if piece.outcome in _COLOURS:
        event["cname"] = _COLOURS[piece.outcome]
    return event


def _moment(piece: Moment) -> dict[str, object]:
    return {
        "name": shown(piece.text),
        "cat": "node" if piece.node >= 0 else "run",
        "ph": "i",
        "s": "t" if piece.node >= 0 else "p",
        "ts": round(piece.at * 1e6),
        "pid": _PROCESS,
        "tid": piece.node + 1 if piece.node >= 0 else _RUN_ROW,
    }
