"""The options of the sections Job log and Resuming: their table and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli.errors import UsageError
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
its result. A line is written when its result was. A log that is there is replaced, unless the run
resumes.
""",
    ),
    Option(
        "",
        "",
        ("with --joblog: write a line when its result is on the disk",),
        "joblog-sync",
        details="""\
When the machine is switched off, no task is in the log whose result is lost. All results and lines
are on the disk when the run ends.
""",
    ),
    Option(
        "",
        "",
        ("with --joblog: run only tasks that have no end in the log",),
        "resume",
        details="""\
The input has to be the same. A task of another text than that in the log is an error, and neither
it nor any later task is run. With ``-g`` a task that succeeded counts for its dependants.
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
        details="The tasks are taken from the log; nothing is read. Not with ``-g``.",
    ),
    Option(
        "",
        "file",
        ("write results to FILE, not to standard output",),
        "output",
        details="""\
Implies ``--group``, unless ``--keep-order`` is given. With ``--joblog`` it implies
``--joblog-sync``; a run that resumes first cuts off what FILE has of tasks that are not in the log.
So each result is in FILE exactly once, however often the run was interrupted.
""",
    ),
    Option(
        "",
        "",
        ("start nothing; print for each task a node and a command line",),
        "dry-run",
        details="""\
Between both stands a TAB. With ``-x`` the line runs the command with the task; without it, it
starts the calculator. The nodes take turns, as if each task took the same time. With ``--resume``
only tasks are shown that would be run; the log stays as it is.
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
        UsageError: an option needs another one (ACC-048).
    """
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
