"""The results of a distributor, as values that a failed assertion shows by their names."""

from __future__ import annotations


class ExitStatus(int):
    """An exit status, negative for the number of a signal."""

    def __repr__(self) -> str:
        return f"exit status {int(self)}"

    __str__ = int.__repr__


class Stdout(bytes):
    """Octets that came out of standard output."""

    def __repr__(self) -> str:
        return f"stdout {bytes(self)!r}"


class Stderr(bytes):
    """Octets that came out of standard error."""

    def __repr__(self) -> str:
        return f"stderr {bytes(self)!r}"
