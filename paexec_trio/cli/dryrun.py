"""``--dry-run``: which task would go to which node, by which command line (ACC-082)."""

from __future__ import annotations

import os
import sys
from itertools import cycle
from typing import TYPE_CHECKING

from paexec_trio.core.accounts import ERROR
from paexec_trio.core.calculators import Calculator, CommandPerTask
from paexec_trio.core.commands import Exit
from paexec_trio.core.ending import SIGPIPE
from paexec_trio.core.engine import forbidden_octet, task_source
from paexec_trio.core.launch import Launch, one_line
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import GraphTasks, InputError, RefusedTaskError
from paexec_trio.runtime.diagnostics import reason_of, write_diagnostic
from paexec_trio.runtime.logfiles import LogError, LogFiles, read_log, write_all
from paexec_trio.runtime.poller import CHUNK

if TYPE_CHECKING:
    from collections.abc import Callable

    from paexec_trio.cli.invocation import Invocation
    from paexec_trio.core.tasks import TaskSource


def show(invocation: Invocation) -> Exit:
    """Write a line for each task, and start nothing; return how the program ends."""
    settings = invocation.settings
    try:
        log = settings.accounting.log
        files = read_log(log) if log else None
        _show_tasks(invocation, files)
    except BrokenPipeError:
        return Exit(signal=SIGPIPE)  # END-020
    except (LogError, RefusedTaskError, InputError) as error:
        for text in _texts_of(error):
            write_diagnostic(2, settings.program + b": " + text)
        return Exit(ERROR if settings.accounting.status_of_tasks else 1)
    return Exit()


def _texts_of(error: LogError | RefusedTaskError | InputError) -> list[bytes]:
    if isinstance(error, InputError):
        return error.diagnostics
    if isinstance(error, RefusedTaskError):
        return [error.reason]
    return [reason_of(error)]


def _show_tasks(invocation: Invocation, files: LogFiles | None) -> None:
    settings, launch = invocation.settings, invocation.launch
    past = files.past if files else None
    nodes = cycle(enumerate(settings.nodes))
    left = settings.accounting.limit or sys.maxsize

    def show_ready() -> None:
        nonlocal left
        lines = []
        try:
            while tasks.ready and left:
                task_id, task = tasks.take()
                index, node = next(nodes)
                line = command_line(launch, node, task, index)
                lines.append(node + b"\t" + line + b"\n")
                tasks.done(task_id, Status.SUCCESS)
                left -= 1
        finally:
            _write(b"".join(lines))

    tasks: TaskSource
    per_task = isinstance(launch.command, CommandPerTask)
    if files and files.tasks:
        files.tasks.forbidden = forbidden_octet(per_task=per_task)
        tasks = files.tasks
        show_ready()
        return
    tasks = task_source(settings, past, per_task=per_task)
    while left and (chunk := _read()):
        _feed(lambda chunk=chunk: tasks.feed(chunk), show_ready)  # type: ignore[misc]
    if left:
        _feed(tasks.end, lambda: None if isinstance(tasks, GraphTasks) else show_ready())
    if isinstance(tasks, GraphTasks):
        if past:
            from paexec_trio.core.resuming import skip_done

            skip_done(tasks, past)
        show_ready()


def _read() -> bytes:
    try:
        return os.read(0, CHUNK)
    except OSError as error:
        raise LogError(b"reading from standard input failed: %b", reason_of(error)) from None


def _write(lines: bytes) -> None:
    try:
        write_all(1, lines)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise LogError(b"writing to standard output failed: %b", reason_of(error)) from None


def _feed(feed: Callable[[], None], show_ready: Callable[[], None]) -> None:
    """Add octets of the input; show the tasks that come before one that is refused."""
    try:
        feed()
    finally:
        show_ready()


def command_line(launch: Launch, node: bytes, task: bytes, index: int = 0) -> bytes:
    """Return the line for a shell that starts a calculator, or runs the command with a task.

    Args:
        launch: how calculators are started.
        node: the name of the node.
        task: the octets of the task.
        index: the index of the node.
    """
    command = launch.command
    if isinstance(command, CommandPerTask):
        text = os.fsencode(command.command)
        launch = launch._replace(command=Calculator((launch.shell, b"-c", text, b"sh", task)))
    added = launch.variables_of(node, index) if launch.is_local(node) else {}
    variables = [b"=".join(pair) for pair in added.items()]
    return one_line([*([b"env", *variables] if variables else []), *launch.argv(node, index)])
