"""Faults in the job log, in resuming, and in the file of results."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from paexec_trio.cli import dryrun, invocation, logoptions
from paexec_trio.core import joblog, resuming
from paexec_trio.core.accounting import Accounting, Resume
from paexec_trio.core.events import LogFailed
from paexec_trio.core.joblog import LogBuffer, LogEntry, PastAttempt
from paexec_trio.core.recording import OutputOrder
from paexec_trio.core.resuming import Past
from paexec_trio.core.tasks import GraphTasks, RefusedTaskError
from paexec_trio.runtime import logfiles
from paexec_trio.runtime.joblog import JobLog
from paexec_trio.runtime.output import Output
from paexec_trio.runtime.streams import StandardStreams
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, do_without_fast_path, instead, put

Add = Callable[..., None]

Done = Sequence[tuple[int, bool]]


def change_entries(change: Callable[[LogEntry], LogEntry | None]) -> None:
    """Change each entry of the log; those that become ``None`` are left out."""
    do_without_fast_path()

    @around(LogBuffer, "add")
    def add(right: Add, self: LogBuffer, entry: LogEntry, end: int) -> None:
        changed = change(entry)
        if changed is not None:
            right(self, changed, end)


def change_lines(change: Callable[[bytes], bytes]) -> None:
    """Change the octets of lines before they are written."""

    @around(LogBuffer, "take")
    def take(right: Callable[..., bytes], self: LogBuffer, written: int) -> bytes:
        return change(right(self, written))


def change_past(change: Callable[[list[PastAttempt]], Sequence[PastAttempt]]) -> None:
    """Change what is read from a log."""

    @instead(logfiles, "parse")
    def parse(right: Callable[[bytes], list[PastAttempt]], octets: bytes) -> list[PastAttempt]:
        return [*change(right(octets))]


# The log


@breaks("ACC-030")
def logs_without_a_header() -> None:
    put(logfiles, "HEADER", b"")


@breaks("ACC-030")
def logs_the_first_attempt_of_each_task_only() -> None:
    change_entries(lambda entry: entry if entry.attempt == 1 else None)


@breaks("ACC-030")
def appends_to_a_log_that_is_there() -> None:
    put(os, "ftruncate", lambda *_: None)


@breaks("ACC-031")
def counts_tasks_from_0_in_the_log() -> None:
    change_entries(lambda entry: entry._replace(task_id=entry.task_id - 1))


@breaks("ACC-031")
def logs_when_the_run_began() -> None:
    change_entries(lambda entry: entry._replace(began=entry.began - 60))


@breaks("ACC-031")
def logs_milliseconds() -> None:
    change_entries(lambda entry: entry._replace(seconds=entry.seconds * 1000))


@breaks("ACC-031")
def counts_the_eot_of_a_result_in_the_log() -> None:
    change_entries(lambda entry: entry._replace(received=entry.received + 1))


@breaks("ACC-031")
def logs_the_host_instead_of_the_node() -> None:
    change_entries(lambda entry: entry._replace(node=b"localhost"))


@breaks("ACC-032")
def logs_every_failure_with_1() -> None:
    change_entries(lambda entry: entry._replace(exitval=min(1, entry.exitval)))


@breaks("ACC-032")
def logs_no_signal() -> None:
    change_entries(lambda entry: entry._replace(signal=0))


@breaks("ACC-032")
def logs_a_node_that_ended_well_in_the_middle_of_a_task_with_0() -> None:
    def change(entry: LogEntry) -> LogEntry:
        is_lost = entry.status in {joblog.RETRIED, joblog.LOST} and not entry.signal
        return entry._replace(exitval=0) if is_lost and entry.exitval == 1 else entry

    change_entries(change)


@breaks("ACC-033")
def numbers_each_attempt_1() -> None:
    change_entries(lambda entry: entry._replace(attempt=1))


@breaks("ACC-033")
def logs_a_lost_attempt_as_a_failure() -> None:
    statuses = {joblog.LOST: joblog.FAILURE, joblog.RETRIED: joblog.FAILURE}
    change_entries(lambda entry: entry._replace(status=statuses.get(entry.status, entry.status)))


@breaks("ACC-033")
def logs_the_octets_of_the_result_as_the_end() -> None:
    do_without_fast_path()

    @around(LogBuffer, "add")
    def add(right: Add, self: LogBuffer, entry: LogEntry, _end: int) -> None:
        right(self, entry, entry.received)


@breaks("ACC-034")
def hashes_the_newline_of_a_task_too() -> None:
    do_without_fast_path()

    @instead(joblog, "hash_of")
    def hash_of(right: Callable[[bytes], bytes], task: bytes) -> bytes:
        return right(task + b"\n")


@breaks("ACC-035")
def logs_tabs_and_newlines_as_they_are() -> None:
    do_without_fast_path()
    put(joblog, "escaped", lambda text: text)


@breaks("ACC-035")
def escapes_backslashes_of_every_task() -> None:
    do_without_fast_path()

    @instead(joblog, "escaped")
    def escaped(right: Callable[[bytes], bytes], text: bytes) -> bytes:
        shown = right(text)
        return shown.replace(b"\\", b"\\\\") if shown == text else shown


@breaks("ACC-036")
def logs_a_result_before_it_is_written() -> None:
    @around(JobLog, "flush")
    def flush(right: Callable[..., None], self: JobLog, _written: int, *, at_once: bool) -> None:
        right(self, 1 << 60, at_once=at_once)


@breaks("ACC-036")
def logs_a_held_result_when_it_is_complete() -> None:
    @around(OutputOrder, "attach")
    def attach(_right: object, self: OutputOrder, _group: int, line: Any) -> None:
        self.add(line)


@breaks("ACC-036")
def logs_interrupted_attempts_as_successes() -> None:
    def change(entry: LogEntry) -> LogEntry:
        return entry._replace(status=joblog.SUCCESS) if entry.status == joblog.LOST else entry

    change_entries(change)


@breaks("ACC-037")
def logs_at_the_end_of_the_run() -> None:
    @around(JobLog, "flush")
    def flush(right: Callable[..., None], self: JobLog, written: int, *, at_once: bool) -> None:
        if at_once:
            right(self, written, at_once=at_once)

    put(JobLog, "due_at", lambda *_: None)


@breaks("ACC-037")
def logs_a_result_when_the_next_one_comes() -> None:
    held: list[tuple[LogEntry, int]] = []
    do_without_fast_path()

    @around(LogBuffer, "add")
    def add(right: Add, self: LogBuffer, entry: LogEntry, end: int) -> None:
        held.append((entry, end))
        if len(held) > 1:
            right(self, *held.pop(0))

    @around(JobLog, "finish")
    def finish(right: Callable[..., bytes], self: JobLog, written: int) -> bytes:
        for entry, end in held:
            LogBuffer.add.__wrapped__(self.buffer, entry, end)  # type: ignore[attr-defined]
        return right(self, written)


@breaks("ACC-038")
def forgets_the_last_lines_that_wait_for_the_disk() -> None:
    @around(JobLog, "flush")
    def flush(right: Callable[..., None], self: JobLog, written: int, *, at_once: bool) -> None:
        if self._syncs and self._due_at:
            self.buffer.take(written)
        right(self, written, at_once=at_once)


@breaks("ACC-039")
def lets_two_runs_write_the_same_log() -> None:
    put(fcntl, "lockf", lambda *_: None)


@breaks("ACC-027")
def writes_the_log_over_the_results() -> None:
    put(logfiles, "_refuse_streams", lambda *_: None)


@breaks("ACC-028")
def takes_an_empty_name_for_none() -> None:
    @instead(logoptions, "log_of")
    def log_of(right: Callable[..., object], values: Mapping[str, bytes]) -> object:
        files = {"--joblog", "--output"}
        return right({name: value for name, value in values.items() if value or name not in files})

    put(invocation, "log_of", logoptions.log_of)


@breaks("ACC-029")
def lets_two_runs_write_one_output() -> None:
    @instead(logfiles, "_lock")
    def lock(right: Callable[..., None], fd: int, refusal: bytes, name: bytes) -> None:
        if b"output" not in refusal:
            right(fd, refusal, name)


@breaks("ACC-056")
def writes_results_to_a_pipe_that_nobody_reads() -> None:
    put(logfiles, "_is_pipe", lambda _: False)


@breaks("ACC-057")
def logs_tasks_whose_files_are_missing() -> None:
    put(
        StandardStreams,
        "_log",
        lambda self, command: self._files.buffer.add(command.entry, command.end),
    )


@breaks("ACC-040")
def takes_any_file_for_a_log() -> None:
    put(logfiles, "BEGIN", b"")


@breaks("ACC-041")
def goes_on_without_a_log_that_cannot_be_opened() -> None:
    @instead(logfiles, "open_files")
    def open_files(right: Callable[..., Any], accounting: Accounting, *rest: Any) -> Any:
        try:
            return right(accounting, *rest)
        except OSError:
            return logfiles.LogFiles(LogBuffer(), os.open(os.devnull, os.O_RDWR))


@breaks("ACC-041")
def goes_on_when_the_log_is_full() -> None:
    put(JobLog, "_fail", lambda *_: None)


@breaks("ACC-041")
def stops_without_a_word_when_the_log_is_full() -> None:
    @around(LogFailed, "__init__")
    def init(right: Callable[..., None], self: LogFailed, _reason: bytes) -> None:
        right(self, b"cannot go on")


# Resuming


@breaks("ACC-042")
def runs_all_tasks_again() -> None:
    put(Past, "is_done", lambda *_: False)


@breaks("ACC-042")
def does_not_run_lost_tasks_again() -> None:
    done = {joblog.SUCCESS, joblog.FAILURE, joblog.TIMEOUT, joblog.LOST, joblog.RETRIED}
    put(resuming, "_DONE", {**resuming._DONE, Resume.UNFINISHED: done})  # noqa: SLF001


@breaks("ACC-042")
def believes_the_first_line_of_a_task() -> None:
    change_past(lambda attempts: attempts[::-1])


@breaks("ACC-042")
def forgets_what_an_earlier_run_logged() -> None:
    @around(Past, "__init__")
    def init(right: Callable[..., None], self: Past, *arguments: Any) -> None:
        right(self, *arguments)
        os.truncate(arguments[0], len(joblog.HEADER))


@breaks("ACC-042")
def runs_tasks_that_exceeded_a_limit_again() -> None:
    put(resuming, "_DONE", {**resuming._DONE, Resume.UNFINISHED: {b"success", b"failure"}})  # noqa: SLF001


@breaks("ACC-043")
def runs_failed_tasks_only_when_they_are_lost() -> None:
    done = resuming._DONE[Resume.UNFINISHED]  # noqa: SLF001
    put(resuming, "_DONE", {**resuming._DONE, Resume.UNSUCCESSFUL: done})  # noqa: SLF001


Tasks = list[tuple[int, bytes]]


def change_retried(change: Callable[[Tasks], Tasks]) -> None:
    """Change which tasks are taken from the log."""

    @instead(logfiles, "unsuccessful")
    def unsuccessful(right: Callable[..., Tasks], *arguments: Any) -> Tasks:
        return change(right(*arguments))


@breaks("ACC-044")
def retries_failed_tasks_with_new_numbers() -> None:
    change_retried(lambda tasks: [(new, task) for new, (_, task) in enumerate(tasks, 1)])


@breaks("ACC-044")
def retries_what_the_log_shows_of_a_task() -> None:
    @instead(resuming, "task_of")
    def task_of(right: Callable[[PastAttempt], bytes | None], past: PastAttempt) -> bytes | None:
        return right(past) and past.text


@breaks("ACC-044")
def reads_the_input_although_tasks_come_from_the_log() -> None:
    put(logfiles, "NumberedTasks", lambda _tasks: None)


@breaks("ACC-044")
def retries_one_task_less() -> None:
    change_retried(lambda tasks: tasks[1:])


@breaks("ACC-045")
def believes_the_number_of_a_task_alone() -> None:
    @around(Past, "is_done")
    def is_done(right: Callable[..., bool], self: Past, task_id: int, _task: bytes) -> bool:
        put(resuming, "hash_of", lambda _: self._hashes.get(task_id))
        return right(self, task_id, b"")


@breaks("ACC-045")
def accepts_an_input_that_is_shorter_than_the_log() -> None:
    put(Past, "check_end", lambda *_: None)


@breaks("ACC-045")
def runs_a_task_that_has_changed() -> None:
    @around(Past, "is_done")
    def is_done(right: Callable[..., bool], self: Past, task_id: int, task: bytes) -> bool:
        try:
            return right(self, task_id, task)
        except RefusedTaskError:
            return False


@breaks("ACC-046")
def lets_dependants_wait_for_tasks_done_before() -> None:
    @around(GraphTasks, "skip")
    def skip(
        right: Callable[..., None], self: GraphTasks, done: Sequence[tuple[int, bool]]
    ) -> None:
        right(self, [(task, False) for task, _ in done])


@breaks("ACC-046")
def runs_dependants_of_tasks_that_failed_before() -> None:
    @around(GraphTasks, "skip")
    def skip(
        right: Callable[..., None], self: GraphTasks, done: Sequence[tuple[int, bool]]
    ) -> None:
        right(self, [(task, True) for task, _ in done])


@breaks("ACC-047")
def refuses_a_log_whose_last_line_was_cut() -> None:
    put(logfiles, "whole_lines", lambda octets: octets)


@breaks("ACC-047")
def keeps_a_line_that_was_cut() -> None:
    put(os, "ftruncate", lambda *_: None)


@breaks("ACC-047")
def skips_lines_that_it_does_not_understand() -> None:
    @instead(logfiles, "parse")
    def parse(right: Callable[[bytes], list[PastAttempt]], octets: bytes) -> list[PastAttempt]:
        past: list[PastAttempt] = []
        for line in octets.splitlines(keepends=True)[1:]:
            try:
                past += right(joblog.HEADER + line)
            except joblog.BadLogError:
                continue
        return past


@breaks("ACC-048")
def resumes_without_a_log() -> None:
    @instead(logoptions, "log_of")
    def log_of(right: Callable[[dict[str, bytes]], Any], values: dict[str, bytes]) -> Any:
        return right(values) if "--joblog" in values else None

    from paexec_trio.cli import invocation

    put(invocation, "log_of", logoptions.log_of)


@breaks("ACC-048")
def retries_tasks_of_a_graph() -> None:
    from paexec_trio.cli import invocation

    put(invocation, "refuse_retries_of_graph", lambda _settings: None)


@breaks("ACC-048")
def needs_a_log_to_resume() -> None:
    @instead(logfiles, "_open")
    def open_file(right: Callable[[bytes], tuple[int, bool]], name: bytes) -> tuple[int, bool]:
        fd, is_new = right(name)
        if is_new:
            raise FileNotFoundError(2, "No such file or directory")
        return fd, is_new


# The file of results


@breaks("ACC-049")
def appends_to_a_file_of_results() -> None:
    put(logfiles, "_cut_output", lambda *_: None)


@breaks("ACC-049")
def begins_a_file_of_results_anew_when_it_resumes() -> None:
    @instead(logfiles, "_cut_output")
    def cut(right: Callable[..., None], fd: int, name: bytes, _end: int) -> None:
        right(fd, name, 0)


@breaks("ACC-049")
def fills_a_file_of_results_that_is_too_short() -> None:
    put(logfiles, "_check_output", lambda *_: None)


@breaks("ACC-049")
def mixes_results_in_a_file() -> None:
    from paexec_trio.cli import invocation
    from paexec_trio.core.grouping import Grouping

    put(invocation, "_grouping", lambda _options: Grouping.NONE)


@breaks("ACC-049")
def writes_results_to_both_the_file_and_standard_output() -> None:
    @around(Output, "release")
    def release(right: Callable[..., None], self: Output, group: int) -> None:
        before = self.queue.size
        right(self, group)
        os.write(1, bytes(self.queue.size - before))


# Dry runs


def change_command_lines(change: Callable[[bytes], bytes]) -> None:
    """Change the command lines of a dry run."""

    @instead(dryrun, "command_line")
    def command_line(right: Callable[..., bytes], *arguments: Any) -> bytes:
        return change(right(*arguments))


@breaks("ACC-082")
def shows_tasks_without_quotes() -> None:
    change_command_lines(lambda line: line.replace(b"'", b""))


@breaks("ACC-082")
def runs_what_a_dry_run_shows() -> None:
    def change(line: bytes) -> bytes:
        subprocess.run(["/bin/sh", "-c", line], check=False, capture_output=True)
        return line

    change_command_lines(change)


@breaks("ACC-082")
def shows_the_tasks_of_a_graph_in_the_order_of_the_input() -> None:
    @around(GraphTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: GraphTasks) -> tuple[int, bytes]:
        task_id, _ = right(self)
        return task_id, self.graph.names[self.count_taken()]


@breaks("ACC-082")
def shows_tasks_that_were_done_before() -> None:
    @instead(dryrun, "read_log")
    def read_log(_right: object, _settings: object) -> logfiles.LogFiles:
        return logfiles.LogFiles(LogBuffer())


@breaks("ACC-082")
def puts_a_blank_behind_the_node() -> None:
    @instead(dryrun, "write_all")
    def write_all(right: Callable[[int, bytes], None], fd: int, data: bytes) -> None:
        right(fd, data.replace(b"\t", b" "))
