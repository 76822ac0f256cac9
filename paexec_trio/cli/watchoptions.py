"""The options that write the history of a run to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from paexec_trio.cli.errors import invalid
from paexec_trio.cli.syntax import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTIONS = (
    Option(
        "",
        "file",
        ("write a trace for Perfetto or Chrome: each node is a row, each", "attempt a slice"),
        "trace",
        details="""\
The format is Chrome's trace event format, which https://ui.perfetto.dev opens. The file grows while
the run goes on, and can be opened before its end. Deaths and restarts of nodes are marked. If the
file cannot be opened, nothing is started. If it cannot be written later, the run goes on; a message
says so at the end, and the exit status is not 0.
""",
    ),
    Option(
        "",
        "file",
        ("write a page about the run when it is over: timeline,", "failures, longest tasks"),
        "report",
        details="""\
The page is one file of HTML, which needs nothing else. With ``-g`` it also shows the critical path:
the chain of tasks that no number of nodes can make shorter.
""",
    ),
)


class HistoryOptions(NamedTuple):
    """The files for the history of a run; an empty name means none.

    Attributes:
        trace: the file for the trace.
        report: the file for the page.
    """

    trace: bytes = b""
    report: bytes = b""

    def __bool__(self) -> bool:
        """Return whether there is to be a file."""
        return bool(self.trace or self.report)


def history_of(values: Mapping[str, bytes]) -> HistoryOptions:
    """Return the files for the history of a run.

    Args:
        values: the values of the options, by their names.

    Raises:
        UsageError: an option has an empty value.
    """
    for name in ("--trace", "--report"):
        if values.get(name) == b"":
            raise invalid(name, b"", b"the name of a file")
    return HistoryOptions(values.get("--trace", b""), values.get("--report", b""))
