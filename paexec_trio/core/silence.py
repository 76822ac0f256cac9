"""The settings of the chapter Silence of the spec: when a silent node counts as dead."""

from __future__ import annotations

from typing import NamedTuple, final


@final
class Silence(NamedTuple):
    """How long a node may be silent.

    Attributes:
        stuck: the seconds for which a node that holds a task may write nothing; 0: any time
            (SIL-010).
        learns: whether the run finds that time itself, in place of ``stuck`` (SIL-012).
    """

    stuck: float = 0.0
    learns: bool = False

    @property
    def is_watched(self) -> bool:
        """Whether anything has to be done about silent nodes."""
        return bool(self.stuck or self.learns)


NO_SILENCE = Silence()
"""The settings without any option of the chapter."""
