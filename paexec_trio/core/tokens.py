"""Tokens: lines that no calculator can know, among octets that others have written."""

from __future__ import annotations

from typing import final

from paexec_trio.core.framing import NEWLINE


@final
class TokenFilter:
    """Takes tokens out of a stream of octets, wherever they stand.

    A token may come in the middle of a line of somebody else. Then it is taken out of there, and
    the octets around it stay as they are. A token may come in several pieces. So what may be the
    beginning of one is kept back until the next octets come.

    Args:
        token: the line, without its newline.
    """

    __slots__ = ("_kept", "_line")

    def __init__(self, token: bytes) -> None:
        self._line = token + NEWLINE
        self._kept = b""

    def take(self, data: bytes) -> tuple[bytes, int]:
        """Take the next octets; return those that are no token, and how many tokens there were."""
        parts = (self._kept + data).split(self._line)
        self._keep_back(parts)
        return b"".join(parts), len(parts) - 1

    def first(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Take the next octets; return those before the first token, and those after it.

        The second are ``None`` if no token has come yet.
        """
        before, token, after = (self._kept + data).partition(self._line)
        if token:
            self._kept = b""
            return before, after
        parts = [before]
        self._keep_back(parts)
        return parts[0], None

    def rest(self) -> bytes:
        """Return the octets that were kept back: no others come."""
        kept, self._kept = self._kept, b""
        return kept

    def _keep_back(self, parts: list[bytes]) -> None:
        """Keep the end of the last part, if a token may begin there."""
        last = parts[-1]
        line = self._line
        size = next(
            n for n in range(min(len(line) - 1, len(last)), -1, -1) if last.endswith(line[:n])
        )
        self._kept = line[:size]
        parts[-1] = last[: len(last) - size]
