"""The base of events and commands.

They are no dataclasses: to load that module and to make forty of them would take a third of the
program's start-up time.
"""

from __future__ import annotations

from paexec_trio.core.visible import MOST_OCTETS


class Record:
    """Base of events and commands: equal if class and fields are equal.

    Treat records as immutable. This is not enforced, because one is made per chunk, and enforcing
    it would make that three times slower.
    """

    __slots__: tuple[str, ...] = ()
    __match_args__: tuple[str, ...] = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)

    def __repr__(self) -> str:
        fields = (f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__name__}({', '.join(fields)})"

    def brief(self) -> str:
        """Return the text that ``-d`` shows: as ``repr``, with long octets cut (SEC-003)."""
        fields = (f"{name}={_brief(getattr(self, name))}" for name in self.__match_args__)
        return f"{type(self).__name__}({', '.join(fields)})"


def _brief(value: object) -> str:
    if isinstance(value, bytes | bytearray) and len(value) > MOST_OCTETS:
        return f"{bytes(value[:MOST_OCTETS])!r}...({len(value) - MOST_OCTETS} more octets)"
    return repr(value)
