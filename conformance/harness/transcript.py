"""The traffic of every pipe and channel of a test, with direction and time."""

from __future__ import annotations

import time

_SHOWN = 160


def shown(octets: bytes) -> str:
    """Octets as a reader of a failure wants to see them: escaped, cut, with their number."""
    if len(octets) <= _SHOWN:
        return repr(octets)
    return f"{octets[:_SHOWN]!r}... ({len(octets)} octets)"


class Transcript:
    """A list of what happened, kept while the test runs and rendered only if it fails."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._entries: list[tuple[float, str, str]] = []

    def note(self, where: str, what: str | bytes) -> None:
        """Add one entry; ``where`` names the channel and shows the direction by an arrow."""
        text = shown(what) if isinstance(what, bytes) else what
        self._entries.append((time.monotonic() - self._start, where, text))

    def render(self, limit: int = 200) -> str:
        """The entries as text, one per line; of a long list the beginning and the end."""
        lines = [f"{at:9.4f}  {where:<22} {what}" for at, where, what in self._entries]
        if len(lines) > limit:
            half = limit // 2
            lines[half:-half] = [f"          ... {len(lines) - 2 * half} entries left out ..."]
        return "\n".join(lines)
