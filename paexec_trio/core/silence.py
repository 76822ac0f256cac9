"""The settings of the chapter Silence of the spec: when a silent node counts as dead."""

from __future__ import annotations

from typing import NamedTuple, final

MISSED = 3
"""How many beats in a row are missed before a node is dead (SIL-020)."""


@final
class Silence(NamedTuple):
    """How long a node may be silent.

    Attributes:
        stuck: the seconds for which a node that holds a task may write nothing; 0: any time
            (SIL-010).
        learns: whether the run finds that time itself, in place of ``stuck`` (SIL-012).
        heartbeat: the seconds between two beats of a node; 0: there are none (SIL-020).
        greeting: whether a node tells when its calculator begins (SIL-040).
    """

    stuck: float = 0.0
    learns: bool = False
    heartbeat: float = 0.0
    greeting: bool = False

    @property
    def looks_for_stuck(self) -> bool:
        """Whether a node that holds a task may write nothing for some time only."""
        return bool(self.stuck or self.learns)

    @property
    def is_wrapped(self) -> bool:
        """Whether a wrapper starts calculators, which greets."""
        return bool(self.heartbeat or self.greeting)

    @property
    def is_watched(self) -> bool:
        """Whether anything has to be done about silent nodes."""
        return self.looks_for_stuck or self.is_wrapped


NO_SILENCE = Silence()
"""The settings without any option of the chapter."""
