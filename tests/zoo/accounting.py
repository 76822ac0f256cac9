"""Faults in what is told and decided about tasks that fail, hang or lose their nodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from paexec_trio.cli import accountingoptions, invocation
from paexec_trio.cli import main as program
from paexec_trio.cli.errors import UsageError
from paexec_trio.core import accounting
from paexec_trio.core.accounting import Accounting, Halt, Summing, Why
from paexec_trio.core.accounts import LOST, TASKS_LEFT, TIME_LIMIT, Accounts
from paexec_trio.core.commands import Command, Exit, KillNode, Report
from paexec_trio.core.deadlines import Deadlines
from paexec_trio.core.engine import Engine
from paexec_trio.core.events import Event
from paexec_trio.core.fleet import Fleet
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.reading import Reader
from paexec_trio.core.results import Results
from paexec_trio.core.retrying import Retries
from paexec_trio.core.starting import Starter
from paexec_trio.core.status import Status
from paexec_trio.core.tasks import GraphTasks
from paexec_trio.core.terminating import Terminator
from paexec_trio.core.throttling import Throttle
from paexec_trio.core.timelimits import TimeLimits, _Median
from paexec_trio.core.waiting import WaitingTasks
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, shows_as
from tests.zoo.planting import around, change_commands, instead, put


def change_rules(change: Callable[[Accounting], Accounting]) -> None:
    """Change the rules that a call sets."""

    @instead(accountingoptions, "accounting_of")
    def accounting_of(right: Callable[..., Accounting], *arguments: Any) -> Accounting:
        return change(right(*arguments))

    put(invocation, "accounting_of", accountingoptions.accounting_of)


def change_summary(change: Callable[[bytes], bytes]) -> None:
    """Change the line that sums up a run, if there is one."""

    @around(Accounts, "summary")
    def summary(right: Callable[..., bytes], self: Accounts, **words: bool) -> bytes:
        text = right(self, **words)
        return change(text) if text else text


def change_status(change: Callable[[Accounts, int], int]) -> None:
    """Change the exit status that says what became of the tasks."""

    @around(Accounts, "exit_status")
    def status(right: Callable[..., int], self: Accounts, plain: int, *, is_error: bool) -> int:
        told = right(self, plain, is_error=is_error)
        return change(self, told) if self._accounting.status_of_tasks and not is_error else told


def change_failures(change: Callable[[Accounts, Node, Attempt, bytes], bool | None]) -> None:
    """Change whether a failed attempt is followed by another one; ``None``: as it should be."""

    @around(Accounts, "fails")
    def fails(
        right: Callable[..., bool], self: Accounts, node: Node, attempt: Attempt, reason: bytes
    ) -> bool:
        changed = change(self, node, attempt, reason)
        return right(self, node, attempt, reason) if changed is None else changed


# Without the options


@breaks("ACC-002")
def lets_the_exit_status_say_always_what_became_of_the_tasks() -> None:
    change_rules(lambda rules: rules._replace(status_of_tasks=True))


@breaks("ACC-002")
def prints_the_summary_on_standard_output() -> None:
    def change(text: bytes) -> bytes:
        os.write(1, text + b"\n")
        return text

    change_summary(change)


# What becomes of a task


@breaks("ACC-003")
def says_nothing_of_a_failed_attempt_before_another_one() -> None:
    put(Printer, "given_up", lambda *_: None)


@breaks("ACC-003")
def names_the_dependants_of_a_task_that_is_tried_again() -> None:
    @around(Printer, "given_up")
    def given_up(right: Callable[..., None], self: Printer, attempt: Attempt) -> None:
        right(self, attempt)
        if self._has_graph and not self._groups:
            self.lines(attempt, attempt.task + b"\n")


@breaks("ACC-004")
def says_nothing_of_a_task_without_a_result() -> None:
    @around(Printer, "no_result")
    def no_result(right: Callable[..., None], self: Printer, *rest: Any) -> None:
        self._fatal_line = b""
        right(self, *rest)


@breaks("ACC-004")
def runs_dependants_of_a_task_without_a_result() -> None:
    @around(Fleet, "_fail")
    def fail(right: Callable[..., None], self: Fleet, *rest: Any) -> None:
        @around(GraphTasks, "done")
        def done(
            right: Callable[..., list[bytes]], self: GraphTasks, task_id: int, _status: Status
        ) -> list[bytes]:
            return right(self, task_id, Status.SUCCESS)

        right(self, *rest)


@breaks("ACC-004")
def does_not_name_the_dependants_of_a_task_without_a_result() -> None:
    @around(Printer, "no_result")
    def no_result(
        right: Callable[..., None], self: Printer, node: Node, attempt: Attempt, *rest: Any
    ) -> None:
        put(Printer, "failed", lambda *_: None)
        right(self, node, attempt, *rest)


@breaks("ACC-004")
@shows_as(Kind.LOST)
def prints_no_eot_line_of_a_task_without_a_result() -> None:
    @around(Printer, "no_result")
    def no_result(right: Callable[..., None], self: Printer, *rest: Any) -> None:
        line, self._eot_line = self._eot_line, b""
        right(self, *rest)
        self._eot_line = line


# Summary


@breaks("ACC-010")
def sums_nothing_up() -> None:
    change_rules(lambda rules: rules._replace(summing=Summing.NEVER))


@breaks("ACC-010")
def sums_up_before_other_diagnostics() -> None:
    def change(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        if commands and isinstance(commands[-1], Exit):
            commands.insert(-1, Report(b"paexec: bye"))
        return commands

    change_commands(change)


@breaks("ACC-010")
def does_not_say_how_many_tasks_there_are() -> None:
    def change(text: bytes) -> bytes:
        name, _, rest = text.split(b": ", 2)
        return name + b": " + rest

    change_summary(change)


@breaks("ACC-010")
def counts_dependants_of_failed_tasks_as_failed() -> None:
    @around(Accounts, "close")
    def close(right: Callable[..., None], self: Accounts) -> None:
        right(self)
        self.failed += self._tasks.count_dropped()
        self.never_ran -= self._tasks.count_dropped()


@breaks("ACC-010")
@shows_as(Kind.DIAGNOSTIC, Kind.EXIT)
def counts_attempts_and_not_tasks_that_failed() -> None:
    @around(Accounts, "fails")
    def fails(right: Callable[..., bool], self: Accounts, *rest: Any) -> bool:
        self.failed += 1
        follows = right(self, *rest)
        self.failed -= not follows
        return follows


@breaks("ACC-010")
@shows_as(Kind.DIAGNOSTIC)
def does_not_say_what_was_given_up() -> None:
    put(Accounts, "_give_up", lambda *_: None)


@breaks("ACC-011")
def names_the_last_ten() -> None:
    @around(Accounts, "_name")
    def name(right: Callable[..., None], self: Accounts, *rest: Any) -> None:
        if len(self._named) == 10:
            del self._named[0]
        right(self, *rest)


@breaks("ACC-011")
def names_tasks_as_they_failed() -> None:
    def change(text: bytes) -> bytes:
        head, mark, named = text.partition(b": 1 '")
        return head + b": " + b", ".join(reversed((b"1 '" + named).split(b", "))) if mark else text

    change_summary(change)


@breaks("ACC-011")
def gives_no_reasons() -> None:
    change_summary(lambda text: text.replace(b"(", b"[").replace(b")", b"]"))


@breaks("ACC-011")
def does_not_say_how_often_a_node_was_lost() -> None:
    change_summary(lambda text: text.replace(b" 2 times", b""))


@breaks("ACC-011")
def blames_the_task_before_and_not_the_one_that_failed() -> None:
    change_summary(lambda text: text.replace(b"4 'd' (depends on 2", b"4 'd' (depends on 3"))


@breaks("ACC-011")
def names_what_never_ran_first() -> None:
    @around(Accounts, "_name")
    def name(right: Callable[..., None], self: Accounts, end: Any, *rest: Any) -> None:
        right(self, -int(end), *rest)


@breaks("ACC-011")
def names_a_dependant_twice() -> None:
    change_summary(lambda text: text.replace(b"4 'd' (not", b"4 'd' (depends on 3), 4 'd' (not"))


@breaks("ACC-013")
def sums_nothing_up_if_all_is_well() -> None:
    change_rules(lambda rules: rules._replace(summing=Summing.FAILURES))


@breaks("ACC-013")
def sums_nothing_up_after_a_signal() -> None:
    @around(Accounts, "summary")
    def summary(right: Callable[..., bytes], self: Accounts, **words: bool) -> bytes:
        return b"" if words["by_signal"] else right(self, **words)


@breaks("ACC-013")
def does_not_say_how_many_succeeded() -> None:
    change_summary(lambda text: text.replace(b" succeeded", b" good"))


@breaks("ACC-016")
def takes_a_limit_for_the_end_of_the_input() -> None:
    @around(Reader, "stop")
    def stop(right: Callable[..., None], self: Reader) -> None:
        right(self)
        self.read_all = True


@breaks("ACC-016")
def says_always_that_the_input_was_not_read() -> None:
    change_summary(lambda text: text + b"; the input was not read to its end")


@breaks("ACC-017")
def says_nothing_of_results_that_are_lost() -> None:
    change_summary(lambda text: text.replace(b"; not all results were written", b""))


@breaks("ACC-017")
def says_always_that_results_are_lost() -> None:
    change_summary(lambda text: text + b"; not all results were written")


@breaks("ACC-014")
def does_not_say_what_a_node_died_of() -> None:
    put(Accounts, "explain_loss", lambda *_: None)


@breaks("ACC-015")
def does_not_say_how_many_tasks_are_left() -> None:
    @around(Accounts, "drop_waiting")
    def drop(right: Callable[..., None], self: Accounts, *, are_wanted: bool) -> None:
        before = self.never_ran
        right(self, are_wanted=are_wanted)
        self.never_ran = before


# Exit status


@breaks("ACC-020")
def does_not_look_at_the_variable() -> None:
    put(accountingoptions, "VARIABLE", b"PAEXEC_NO_SUCH_THING")


@breaks("ACC-020")
def prefers_the_variable_to_the_option() -> None:
    @instead(accountingoptions, "_status_of_tasks")
    def status(
        right: Callable[..., bool], values: Mapping[str, bytes], environment: Mapping[bytes, bytes]
    ) -> bool:
        if accountingoptions.VARIABLE in environment:
            values = {name: value for name, value in values.items() if name != "--exit-status"}
        return right(values, environment)


@breaks("ACC-021")
def counts_tasks_that_succeed_later() -> None:
    @around(Accounts, "fails")
    def fails(right: Callable[..., bool], self: Accounts, *rest: Any) -> bool:
        follows = right(self, *rest)
        self.failed += follows
        return follows


@breaks("ACC-021")
def thinks_that_a_run_without_tasks_failed() -> None:
    change_status(lambda self, status: status or not self._tasks.count_taken())


@breaks("ACC-022")
def says_only_whether_tasks_failed() -> None:
    change_status(lambda _, status: min(status, 1))


@breaks("ACC-022")
def lets_a_hundred_failures_be_too_many() -> None:
    change_status(lambda _, status: 101 if status == 100 else status)


@breaks("ACC-022")
def lets_the_number_of_failures_overflow() -> None:
    change_status(lambda self, status: self.failed % 256 if status == 101 else status)


@breaks("ACC-023")
def counts_failures_although_tasks_were_given_up() -> None:
    change_status(lambda self, status: self.failed if status == TASKS_LEFT else status)


@breaks("ACC-023", "ACC-022")
def takes_dependants_for_tasks_that_are_left() -> None:
    change_status(lambda self, status: TASKS_LEFT if self._tasks.count_dropped() else status)


@breaks("ACC-023", "ACC-070")
def takes_halted_tasks_for_tasks_that_are_left() -> None:
    change_status(lambda self, status: TASKS_LEFT if self._unwanted else status)


@breaks("ACC-024")
def ends_with_1_after_a_wrong_call() -> None:
    put(program, "ERROR", 1)


@breaks("ACC-024")
def takes_errors_for_failures() -> None:
    @around(Accounts, "exit_status")
    def status(right: Callable[..., int], self: Accounts, plain: int, *, is_error: bool) -> int:
        return right(self, plain, is_error=False) or int(is_error)


@breaks("ACC-025")
def implies_no_exit_status() -> None:
    put(accountingoptions, "IMPLYING", ())


@breaks("ACC-025")
def implies_the_exit_status_whatever_was_asked_for() -> None:
    change_rules(
        lambda rules: rules._replace(
            status_of_tasks=rules.status_of_tasks
            or bool(rules.halt or rules.retries or rules.timeout)
        )
    )


@breaks("ACC-026")
def takes_any_value_of_exit_status() -> None:
    @instead(accountingoptions, "_status_of_tasks")
    def status(right: Callable[..., bool], *arguments: Any) -> bool:
        try:
            return right(*arguments)
        except UsageError:
            return False


# Time limits


@breaks("ACC-050")
@shows_as(Kind.RESTART)
def does_not_restart_a_node_that_took_too_long() -> None:
    @around(Starter, "revive")
    def revive(_right: object, self: Starter, node: Node) -> None:
        self.reviving.discard(node.index)


@breaks("ACC-050")
@shows_as(Kind.LINGERING)
def closes_the_input_of_a_node_that_takes_too_long() -> None:
    @around(Terminator, "end_now")
    def end_now(_right: object, _self: Terminator, _node: Node) -> None:
        pass


@breaks("ACC-050")
def sends_no_sigkill_after_a_time_limit() -> None:
    def change(_engine: Engine, _event: Event, commands: list[Command]) -> list[Command]:
        return [c for c in commands if not (isinstance(c, KillNode) and c.force)]

    change_commands(change)


@breaks("ACC-050")
def sends_sigkill_at_once_at_a_time_limit() -> None:
    @around(Terminator, "end_now")
    def end_now(right: Callable[..., None], self: Terminator, node: Node) -> None:
        right(self, node)
        for command in self._commands:
            if isinstance(command, KillNode):
                command.force = True


@breaks("ACC-050")
def has_no_time_limit() -> None:
    change_rules(lambda rules: rules._replace(timeout=0.0, timeout_percent=0))


@breaks("ACC-050")
def ends_idle_nodes_at_the_time_limit() -> None:
    @around(Deadlines, "_exceed")
    def exceed(right: Callable[..., None], self: Deadlines, node: Node) -> None:
        if node.attempts:
            right(self, node)
        else:
            vars(self._fleet)["_commands"].append(KillNode(node.index, force=True))


@breaks("ACC-051")
def has_a_percentage_of_two() -> None:
    from paexec_trio.core import timelimits

    put(timelimits, "LEAST_FOR_MEDIAN", 2)


@breaks("ACC-051")
def has_no_limit_for_what_began_before() -> None:
    @around(TimeLimits, "_learn")
    def learn(_right: object, self: TimeLimits, seconds: float) -> None:
        self._median.add(seconds)


@breaks("ACC-051")
def takes_the_mean_for_the_median() -> None:
    def value(self: _Median) -> float:
        return (sum(self._upper) - sum(self._lower)) / len(self)

    put(_Median, "value", value)


@breaks("ACC-051")
def takes_the_least_for_the_median() -> None:
    def value(self: _Median) -> float:
        return min(*[-number for number in self._lower], *self._upper)

    put(_Median, "value", value)


@breaks("ACC-052")
def lets_the_time_of_queued_tasks_run() -> None:
    @around(TimeLimits, "_set_deadline")
    def set_deadline(
        right: Callable[..., None], self: TimeLimits, index: int, seconds: float
    ) -> None:
        if not getattr(self, "has_begun", False):
            right(self, index, seconds)
        self.has_begun = True  # type: ignore[attr-defined]


@breaks("ACC-052")
@shows_as(Kind.FABRICATED, Kind.DUPLICATED, Kind.MISORDERED)
def lets_queued_tasks_fail_at_a_time_limit() -> None:
    @around(Fleet, "exceed")
    def exceed(right: Callable[..., None], self: Fleet, node: Node) -> None:
        while len(node.attempts) > 1:
            self._fail(node, node.attempts.pop(), TIME_LIMIT)
        right(self, node)


# Retries


@breaks("ACC-060")
def tries_once_more_than_it_may() -> None:
    change_rules(lambda rules: rules._replace(retries=rules.retries and rules.retries + 1))


@breaks("ACC-060")
def tries_failed_tasks_once() -> None:
    change_rules(lambda rules: rules._replace(retries=min(rules.retries, 1)))


@breaks("ACC-060")
def tries_a_task_without_a_status_once() -> None:
    @around(Results, "_why_failed")
    def why(right: Callable[..., bytes], self: Results, node: Node, attempt: Attempt) -> bytes:
        reason = right(self, node, attempt)
        if reason == b"no status":
            self._accounts._tries.clear()  # noqa: SLF001
            put(Accounts, "_is_tried_again", lambda *_: False)
        return reason


@breaks("ACC-060")
def tries_for_ever_what_loses_its_nodes() -> None:
    @around(Accounts, "_is_tried_again")
    def again(right: Callable[..., bool], self: Accounts, tries: Any, reason: bytes) -> bool:
        return reason is LOST or right(self, tries, reason)


@breaks("ACC-060")
def prints_each_attempt_of_a_task() -> None:
    @instead(invocation, "_grouping")
    def grouping(right: Callable[..., Grouping], options: Iterable[str]) -> Grouping:
        return right([option for option in options if option != "--retries"])


@breaks("ACC-061")
@shows_as(Kind.MISORDERED)
def tries_again_on_the_same_node() -> None:
    put(Accounts, "nodes_that_failed", lambda *_: set())


@breaks("ACC-061")
@shows_as(Kind.MISORDERED)
def does_not_wait_for_another_node() -> None:
    @around(Retries, "_node_for")
    def node_for(
        right: Callable[..., Node | None], self: Retries, task_id: int, idle: Any, _living: int
    ) -> Node | None:
        return right(self, task_id, idle, 0)


@breaks("ACC-061")
@shows_as(Kind.MISORDERED, Kind.WAITING)
def waits_for_nodes_that_ended_while_they_were_idle() -> None:
    @around(Retries, "_node_for")
    def node_for(
        right: Callable[..., Node | None], self: Retries, task_id: int, idle: Any, _living: int
    ) -> Node | None:
        return right(self, task_id, idle, len(self._nodes))


@breaks("ACC-062")
def has_no_crash_limit() -> None:
    change_rules(lambda rules: rules._replace(crash_limit=0))


@breaks("ACC-062")
@shows_as(Kind.NO_FATAL, Kind.MISORDERED)
def counts_all_failures_as_crashes() -> None:
    @around(Accounts, "_is_tried_again")
    def again(right: Callable[..., bool], self: Accounts, tries: Any, reason: bytes) -> bool:
        limit = self._accounting.crash_limit
        return not limit and right(self, tries, reason)


@breaks("ACC-063")
def does_not_name_tasks_that_kill_their_nodes() -> None:
    put(Accounts, "is_poisonous", lambda *_: False)


@breaks("ACC-063")
def names_a_task_each_time_that_it_kills_a_node() -> None:
    put(Accounts, "is_poisonous", lambda *_: True)


@breaks("ACC-064")
@shows_as(Kind.FABRICATED, Kind.DUPLICATED)
def blames_queued_tasks_for_the_loss_of_their_node() -> None:
    @around(Fleet, "_take_attempts")
    def take(_right: object, _self: Fleet, node: Node) -> list[Attempt]:
        return list(node.attempts)


# Halting


@breaks("ACC-070")
def halts_never() -> None:
    change_rules(lambda rules: rules._replace(halt=None))


def change_halt(change: Callable[[Halt], Halt]) -> None:
    """Change when a run is halted."""
    change_rules(lambda rules: rules._replace(halt=rules.halt and change(rules.halt)))


@breaks("ACC-070")
def halts_one_task_too_late() -> None:
    change_halt(lambda halt: halt._replace(number=halt.number and halt.number + 1))


@breaks("ACC-070", "ACC-071")
def counts_each_end_for_a_halt() -> None:
    change_halt(lambda halt: halt._replace(why=Why.DONE))


@breaks("ACC-070")
def halts_at_once_always() -> None:
    change_halt(lambda halt: halt._replace(now=True))


@breaks("ACC-070")
def waits_for_all_attempts_always() -> None:
    change_halt(lambda halt: halt._replace(now=False))


@breaks("ACC-070")
def lets_failed_attempts_halt_a_run() -> None:
    @around(Accounts, "fails")
    def fails(right: Callable[..., bool], self: Accounts, *rest: Any) -> bool:
        follows = right(self, *rest)
        if follows:
            self._task_ended(Why.FAIL, self.failed + 1)
        return follows


@breaks("ACC-071")
@shows_as(Kind.INPUT_CLOSED, Kind.LOST)
def halts_at_the_first_of_a_percentage() -> None:
    from paexec_trio.core import accounts

    put(accounts, "LEAST_FOR_PERCENT", 1)


@breaks("ACC-071")
def wants_more_than_the_percentage() -> None:
    change_halt(lambda halt: halt._replace(percent=halt.percent and halt.percent + 1))


@breaks("ACC-072")
@shows_as(Kind.EXIT)
def takes_a_halt_for_success_for_a_failure() -> None:
    put(Accounts, "has_halted_well", property(lambda _: False))


@breaks("ACC-073")
def halts_at_the_first_failure_always() -> None:
    change_rules(lambda rules: rules._replace(halt=rules.halt or Halt(Why.FAIL, 1)))


# Pace


@breaks("ACC-080")
def does_not_delay() -> None:
    change_rules(lambda rules: rules._replace(delay=0.0))


@breaks("ACC-080")
@shows_as(Kind.TOO_EARLY)
def delays_the_first_two_only() -> None:
    @around(Throttle, "begun")
    def begun(right: Callable[..., None], self: Throttle) -> None:
        right(self)
        self.delays = False


@breaks("ACC-081")
def has_no_limit_of_tasks() -> None:
    change_rules(lambda rules: rules._replace(limit=0))


@breaks("ACC-081")
def dispatches_one_task_too_many() -> None:
    change_rules(lambda rules: rules._replace(limit=rules.limit and rules.limit + 1))


@breaks("ACC-081")
def reads_on_after_the_limit() -> None:
    @around(Reader, "stop")
    def stop(_right: object, self: Reader) -> None:
        self._accounts.drop_waiting(are_wanted=False)


@breaks("ACC-081")
@shows_as(Kind.WAITING, Kind.INPUT_CLOSED)
def counts_attempts_for_the_limit() -> None:
    @around(WaitingTasks, "reassign")
    def reassign(right: Callable[..., None], self: WaitingTasks, attempt: Attempt) -> None:
        right(self, attempt)
        self.left -= self.left > 0


# Values


@breaks("ACC-090")
def takes_0_for_a_number() -> None:
    @instead(accounting, "is_number")
    def is_number(right: Callable[[bytes], bool], value: bytes) -> bool:
        return right(value) or value == b"0"


@breaks("ACC-090")
def takes_any_number_of_digits() -> None:
    put(accounting, "MOST_DIGITS", 99)


@breaks("ACC-090")
def takes_signs_in_numbers() -> None:
    @instead(accounting, "is_number")
    def is_number(right: Callable[[bytes], bool], value: bytes) -> bool:
        return right(value.removeprefix(b"+"))


@breaks("ACC-090")
def takes_no_leading_zeros() -> None:
    @instead(accounting, "is_number")
    def is_number(right: Callable[[bytes], bool], value: bytes) -> bool:
        return right(value) and not value.startswith(b"0")


@breaks("ACC-090")
def takes_more_than_all_for_a_percentage() -> None:
    @instead(accountingoptions, "_halt")
    def halt(right: Callable[..., Halt | None], values: Mapping[str, bytes]) -> Halt | None:
        value = values.get("--halt", b"").replace(b"101%", b"100%")
        return right({**values, "--halt": value} if value else values)
