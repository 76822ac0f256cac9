"""The service that says once a run why a calculator may seem to hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paexec_trio.core.overview import BusyNode
    from paexec_trio.services.interface import Facts

SILENCE = 10.0
"""Seconds after which a node is suspected."""

PERIOD = 2.5
"""Seconds between two looks."""

_CAUSES = (
    b"is an end-of-task marker (by default an empty line) printed after each result, and is the "
    b"output flushed? A command that does one task and ends needs -x"
)


def hint_for(nodes: Sequence[BusyNode]) -> bytes:
    """Return what to say about the first node that seems to hang; nothing if none does."""
    for node in nodes:
        times = node.times
        if times is None or node.runs_commands:
            continue
        name = b"hint: node %b has " % node.name
        if node.has_written and times.written >= SILENCE:
            text = b"written lines for task %d '%b', but for %d s nothing more: "
            return name + text % (node.task_id, node.task, times.written) + _CAUSES
        is_first = not node.done and not node.has_written and times.has_read_all
        if is_first and node.age is not None and node.age >= SILENCE:
            text = b"read its first task, '%b', %d s ago, and written nothing: "
            return name + text % (node.task, node.age) + _CAUSES
    return b""


async def stall_hint(
    facts: Facts, /, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Look at the busy nodes now and then; report one hint and return.

    Args:
        facts: the run.
        task_status: is told at once.
    """
    task_status.started()
    while True:
        with trio.move_on_after(PERIOD):
            await facts.wait_over()
            return
        if hint := hint_for(facts.busy()):
            facts.report(hint)
            return
