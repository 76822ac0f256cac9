"""In which order results are printed, and where they are kept until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from paexec_trio.reorder.blocks import LineBlock
    from paexec_trio.reorder.fatal import FatalResults
    from paexec_trio.reorder.printing import Printer


def number(task: bytes) -> tuple[int, bytes]:
    """Return what sorts task ids as numbers, of any length."""
    digits = task.lstrip(b"0")
    return len(digits), digits


def joined(blocks: Iterable[LineBlock]) -> Iterator[LineBlock]:
    """Yield as few blocks as possible: the lines of each result together.

    Runs that end with an EOT line keep their order, the others come last.
    """
    begun: dict[bytes, list[bytes]] = {}
    for task, lines, eot in blocks:
        pieces = begun.get(task)
        if eot:
            if pieces:
                pieces.append(lines)
                yield task, b"".join(pieces), eot
                del begun[task]
            else:
                yield task, lines, eot
        elif pieces:
            pieces.append(lines)
        else:
            begun[task] = [lines]
    for task, pieces in begun.items():
        yield task, b"".join(pieces), b""


class Method(Protocol):
    """A way of reordering, chosen by the options ``-M`` and ``-g``."""

    def take(self, blocks: Iterable[LineBlock]) -> Iterator[bytes]:
        """Take the next lines of the input; yield what is to be printed now."""

    def end(self) -> Iterator[bytes]:
        """Yield what is to be printed at the end of the input."""

    def close(self) -> None:
        """Let go of temporary files."""


class Holder(Protocol):
    """Keeps what is to be printed of each task until its result ends."""

    def hold(self, task: bytes, octets: bytes) -> object:
        """Add octets to what is kept of a task."""

    def release(self, task: bytes) -> Iterable[bytes]:
        """Return what is kept of a task, and forget it; take all of it before anything is held."""

    def in_order(self, key: Callable[[bytes], Any]) -> Iterable[bytes]:
        """Return the tasks of which something is kept, in the order of the key; some repeatedly."""

    def close(self) -> None:
        """Let go of temporary files."""


class Sorter(Protocol):
    """Sorts what is printed by tasks."""

    def add(self, task: bytes, octets: bytes) -> None:
        """Add octets, which come after those of the same task."""

    def drain(self) -> Iterator[bytes]:
        """Yield all octets, in the numerical order of their tasks."""

    def close(self) -> None:
        """Let go of temporary files."""


@final
class ByEnd:
    """Results are printed when they end (RDR-014), the others in the order of their tasks.

    Args:
        printer: prints a block.
        holder: keeps it until the result ends.
        fatal: knows which results are not printed; ``None``: all are.
    """

    def __init__(self, printer: Printer, holder: Holder, fatal: FatalResults | None) -> None:
        self._print = printer
        self._holder = holder
        self._fatal = fatal

    def take(self, blocks: Iterable[LineBlock]) -> Iterator[bytes]:
        """Take the next lines of the input; yield the results that they end (RDR-016)."""
        for task, lines, eot in joined(blocks):
            if lines:
                if self._fatal:
                    self._fatal.see(task, lines)
                self._holder.hold(task, self._print(task, lines))
            if eot:
                yield from self._finish(task)

    def end(self) -> Iterator[bytes]:
        """Yield the results without an EOT line (RDR-015)."""
        for task in self._holder.in_order(number):
            yield from self._finish(task)

    def close(self) -> None:
        """Let go of temporary files."""
        self._holder.close()

    def _finish(self, task: bytes) -> Iterator[bytes]:
        octets = self._holder.release(task)
        if not (self._fatal and self._fatal.pop(task)):
            yield from octets


@final
class ByTask:
    """All results are printed in the order of their tasks (RDR-017), at the end.

    Args:
        printer: prints a block.
        sorter: keeps it and puts it in order.
    """

    def __init__(self, printer: Printer, sorter: Sorter) -> None:
        self._print = printer
        self._sorter = sorter

    def take(self, blocks: Iterable[LineBlock]) -> Iterator[bytes]:
        """Take the next lines of the input; nothing is to be printed yet."""
        for task, lines, _ in joined(blocks):
            if lines:
                self._sorter.add(task, self._print(task, lines))
        return iter(())

    def end(self) -> Iterator[bytes]:
        """Yield all results."""
        return self._sorter.drain()

    def close(self) -> None:
        """Let go of temporary files."""
        self._sorter.close()
