"""Results that end with the line by which the distributor reports the death of a node."""

from __future__ import annotations

from typing import final


@final
class FatalResults:
    """Remembers how the results of tasks end so far.

    Args:
        failure: the text that means failure.
        fatal: the text that means fatal; nothing: no result is fatal (RDR-032).
    """

    def __init__(self, failure: bytes, fatal: bytes) -> None:
        self._failure = failure
        self._fatal = fatal
        self._length = len(b"\n \n \n") + len(failure) + len(fatal)
        self._ends: dict[bytes, bytes] = {}
        """For each task the last octets of its result, after a newline."""

    def see(self, task: bytes, lines: bytes) -> None:
        """Take lines of a task into account, which begin with its id and a space."""
        end = self._ends.get(task, b"\n") + lines
        self._ends[task] = end[-self._length - 2 * len(task) :]

    def take(self, task: bytes) -> bytes:
        """Return what is remembered of a task, and forget it."""
        return self._ends.pop(task, b"")

    def remember(self, task: bytes, end: bytes) -> bool:
        """Put an end that was taken before the end that is known; return whether it is enough.

        Until it is, the end that was taken before this one is needed, too.
        """
        self._ends[task] = known = end + self._ends.get(task, b"\n")[1:]
        return len(known) >= self._length + 2 * len(task)

    def pop(self, task: bytes) -> bool:
        """Return whether to drop the result of a task (RDR-030), and forget it."""
        end = self._ends.pop(task, b"\n")
        fatal = b"\n%b %b\n" % (task, self._fatal)
        failure_line = b"\n%b %b%b" % (task, self._failure, fatal)
        return bool(self._fatal) and end.endswith(fatal) and not end.endswith(failure_line)
