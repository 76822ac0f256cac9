"""What this process inherited from its parent, where Python has changed it since."""

from __future__ import annotations

_ignored_at_start: frozenset[int] = frozenset()


def started_with(*, ignored: frozenset[int]) -> None:
    """Note which signals were ignored when the program was started."""
    global _ignored_at_start  # noqa: PLW0603 (a fact about the process)
    _ignored_at_start = ignored
