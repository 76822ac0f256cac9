"""The options of the sections Job log and Resuming: their table and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli.errors import UsageError, invalid
from paexec_trio.cli.syntax import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from paexec_trio.core.accounting import LogSettings
    from paexec_trio.core.settings import Settings

OPTIONS: tuple[Option, ...] = (
    Option(
        "",
        "file",
        ("write a line to FILE for each attempt that has ended",),
        "joblog",
        details="""\
The first nine fields are those of GNU parallel: the number of the task, its node, when it began,
for how many seconds it ran, the octets of the task and of its result, the exit status, the signal,
and the task. Those that follow are the number of the attempt; ``success``, ``failure``,
``timeout``, ``lost`` or ``retried``; a hash of the task; and the octets of output up to the end of
its result. A line is written after its result. An existing log is replaced, unless the run resumes.
""",
    ),
    Option(
        "",
        "",
        ("with --joblog: write a line when its result is on the disk",),
        "joblog-sync",
        details="""\
So after a power failure each result that the log has is there. When the run ends, all results and
lines are on the disk.
""",
    ),
    Option(
        "",
        "",
        ("with --joblog: run only tasks that have not ended in the log",),
        "resume",
        details="""\
The input has to be the same. A task that differs from the log is an error, and neither it nor any
later task is run. With ``-g`` the dependants of a task that succeeded can start.
""",
    ),
    Option(
        "",
        "",
        ("the same, and run again those that failed",),
        "resume-failed",
    ),
    Option(
        "",
        "",
        ("run again the tasks of the log that did not succeed, and no", "others"),
        "retry-failed",
        details="The tasks are taken from the log, and the input is not read. Not with ``-g``.",
    ),
    Option(
        "",
        "file",
        ("write results to FILE, not to standard output",),
        "output",
        details="""\
Implies ``--group``, unless ``--keep-order`` is given. With ``--joblog`` it implies
``--joblog-sync``. A run that resumes first cuts off results in FILE that the log does not have. So
each result is in FILE exactly once, however often the run was interrupted.
""",
    ),
    Option(
        "",
        "",
        ("start nothing; print for each task a node and a command line",),
        "dry-run",
        details="""\
A tab separates them. With ``-x`` the command line runs the command with the task; without it, it
starts the calculator. The nodes take turns, as if each task took the same time. With ``--resume``
only the tasks that would be run are shown; the log stays as it is.
""",
    ),
)

_RESUMING = ("--retry-failed", "--resume-failed", "--resume")
"""Options that resume a run; the first of them that is given counts."""


def log_of(values: Mapping[str, bytes]) -> LogSettings | None:
    """Return how attempts are logged, ``None`` if they are not.

    Args:
        values: the values of options, by their names.

    Raises:
        UsageError: an option needs another one (ACC-048), or a name is empty.
    """
    for option in ("--joblog", "--output"):
        if values.get(option) == b"":
            raise invalid(option, b"", b"the name of a file")  # ACC-028
    resuming = next((option for option in _RESUMING if option in values), "")
    if "--joblog" not in values:
        option = resuming or ("--joblog-sync" if "--joblog-sync" in values else "")
        if option:
            raise UsageError(b"%b needs --joblog", option.encode())
        return None
    from paexec_trio.core.accounting import LogSettings, Resume

    return LogSettings(
        values["--joblog"],
        sync="--joblog-sync" in values or "--output" in values,
        resume=Resume(resuming) if resuming else Resume.NOTHING,
    )


def refuse_retries_of_graph(settings: Settings) -> None:
    """Raise ``UsageError`` if only tasks of the log are to be run, and they form a graph (ACC-048).

    Args:
        settings: those of the run.
    """
    log, graph = settings.accounting.log, settings.graph
    if log and log.resume.value == "--retry-failed" and graph and not graph.every_line:
        raise UsageError(b"--retry-failed cannot be used with a graph; use --resume-failed")
