"""The entrance of a run: through it a program gives tasks, between two steps of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.framing import NEWLINE

if TYPE_CHECKING:
    from paexec_trio.core.events import Event
    from paexec_trio.runtime.run import Run


@final
class Entrance:
    """Gives a run the tasks and wishes of the program that shares its process.

    Args:
        run: the run.

    Attributes:
        was_used: whether the program gave the run something since the loop set this to ``False``.
    """

    __slots__ = ("_run", "was_used")

    def __init__(self, run: Run) -> None:
        self._run = run
        self.was_used = False

    def add(self, task_id: int, task: bytes) -> bool | None:
        """Give the run a task on the fast path.

        Returns:
            Whether the run has room for another one; ``None`` if nothing was done, and the caller
            has to submit a ``TaskAdded``.
        """
        run = self._run
        engine = run.engine
        path = engine.object_path if engine else None
        if path is None:
            return None
        host = run.host
        if host.is_closing:
            return None
        problem = b""
        try:
            node = path.add(task_id, task, host.timers.now())
            if node is None:
                return None
            if node >= 0:
                self.was_used = True
                host.send(node, task + NEWLINE)
                if host.pending:
                    host.wake()  # the loop has something to do
        except (MemoryError, OSError) as error:
            problem = run.explain(error)
        if problem:
            run.give_up(problem)
        return path.has_room

    def submit(self, event: Event) -> None:
        """Let the run handle an event, and carry out the commands that follow, at once."""
        self.was_used = True
        self._run.submit(event)
