"""How many tasks a node should hold with ``--prefetch auto`` (the chapter Prefetch of the spec).

A task that is sent to an idle node is answered after the round trip and its service time. With more
tasks in the pipe that stays so as long as the node waits for the link; as soon as tasks wait for
each other at the node, the time from sending to answer grows with their number. So the number is
multiplied while tasks are answered in hardly more time than a single one, and reduced when they
take longer: by Little's law there are then more of them in the pipe than the node needs.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import final

MOST = 1024
"""Tasks that a node holds at most."""

MOST_OCTETS = 1 << 16
"""A node that holds so many octets of tasks is given no further one; a pipe holds no more."""

HARMLESS = 0.002
"""Seconds of work that may wait at a node whatever the round trip is, for fewer system calls."""

LONG = 1.0
"""A single task that takes so many seconds is long; what the link adds to it does not matter."""

_TOLERANCE = 1.5
"""By what factor tasks may take longer than a single one; half of a round trip waits then."""

_ALMOST_NOTHING = 1.1
"""The factor up to which nothing is to be seen of tasks that wait for each other."""

_FEWEST_ANSWERS = 2
"""Answers after which is decided, at least."""

_MOST_PATIENCE = 64


@final
class Pace:
    """Measures one process of a node.

    Attributes:
        depth: how many tasks it should hold.
        octets: of the tasks that it was sent and has not answered, those included that it has
            answered if others of the same ``Send`` are left.
    """

    __slots__ = (
        "_answers",
        "_epoch",
        "_fastest",
        "_grew",
        "_patience",
        "_sent",
        "_single",
        "_time",
        "_to_wait",
        "_was_full",
        "depth",
        "octets",
    )

    def __init__(self) -> None:
        self.depth = 1
        self.octets = 0
        # What was sent at once: when, how many tasks are not answered, octets, at which epoch.
        self._sent: deque[list[float]] = deque()
        # A change of the depth begins an epoch; tasks that were sent before it do not count.
        self._epoch = 0
        self._answers = 0
        self._time = 0.0
        self._was_full = False
        # Seconds in which the fastest of the last tasks that were alone in the pipe was answered.
        # The fastest: where few tasks are long, the others have to tell the round trip.
        self._single = 0.0
        self._fastest = inf
        # Decisions to wait before growing once more, and how many it will be after a failure.
        self._to_wait = 0
        self._patience = 1
        self._grew = False

    def sent(self, count: int, octets: int, held: int, now: float) -> None:
        """Take in that so many tasks were sent at once.

        Args:
            count: the number of tasks.
            octets: how many octets they have.
            held: how many tasks the node holds now.
            now: the time.
        """
        self._sent.append([now, count, octets, self._epoch])
        self.octets += octets
        self._was_full |= held >= self.depth

    def answered(self, count: int, now: float) -> None:
        """Take in that so many tasks were answered, the oldest ones."""
        sent = self._sent
        while count:
            first = sent[0]
            answers = int(min(count, first[1]))
            count -= answers
            if first[3] == self._epoch:
                self._answers += answers
                self._time += answers * (now - first[0])
                self._fastest = min(self._fastest, now - first[0])
            first[1] -= answers
            if not first[1]:
                self.octets -= int(first[2])
                sent.popleft()
        if self._answers >= max(_FEWEST_ANSWERS, self.depth):
            self._decide(self._time / self._answers)

    def _decide(self, seconds: float) -> None:
        """Choose the depth; at the present one tasks are answered after so many seconds."""
        was_full, self._was_full = self._was_full, False
        grew, self._grew = self._grew, False
        self._answers = 0
        self._time = 0.0
        if self.depth == 1:
            self._single = self._fastest
        self._fastest = inf
        limit = max(HARMLESS, self._single * _TOLERANCE)
        if seconds > limit:
            if self.depth > 1:
                self._patience = min(_MOST_PATIENCE, self._patience * 2)
                self._to_wait = self._patience
                self._change(max(1, int(self.depth * limit / seconds)))
            return
        if grew:
            self._patience = 1
        if was_full and self._single < LONG and self.depth < MOST:
            if self._to_wait:
                self._to_wait -= 1
            else:
                self._grew = True
                is_link_alone = seconds <= self._single * _ALMOST_NOTHING
                self._change(min(MOST, self.depth * (4 if is_link_alone else 2)))

    def _change(self, depth: int) -> None:
        self.depth = depth
        self._epoch += 1
