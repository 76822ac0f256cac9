"""Chapter *Accounting*, but for the job log."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from conformance.harness.distributor import SUMMARY
from conformance.harness.usage import CALCULATOR, call, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
summary = pytest.mark.extension("--summary")
exit_status = pytest.mark.extension("--exit-status")
retries = pytest.mark.extension("--retries")
crash_limit = pytest.mark.extension("--crash-limit")
timeout = pytest.mark.extension("--timeout")
halt = pytest.mark.extension("--halt")
delay = pytest.mark.extension("--delay")
limit = pytest.mark.extension("--limit")
prefetch = pytest.mark.extension("--prefetch")

TASKS = "--exit-status=tasks"

#: A time limit that is soon over. The calculators that are to exceed it never answer.
SHORT = "0.3"
#: One that no test reaches.
LONG = "100000"

#: Commands whose exit status is a number in the task, if there is any.
COMMAND = "echo out; exit $(printf %s @@ | tr -cd 0-9)"


class Summary(NamedTuple):
    """The parts of the line that the specification prescribes."""

    octets: bytes
    counts: dict[bytes, int]
    reasons: list[tuple[int, bytes]]

    def has_number(self, number: int) -> bool:
        """Whether a number is there that does not count what became of the tasks."""
        counts, _, _ = self.octets.partition(b"(")
        rest = SUMMARY.sub(b"", counts)
        return re.search(rb"(?<![\d.])%d\b" % number, rest) is not None

    def names(self, *expected: tuple[int, bytes]) -> bool:
        """Return whether these tasks are named with these reasons, on which words may follow."""
        return len(self.reasons) == len(expected) and all(
            told_id == task_id and re.match(rb"%b(?!\w| \d)" % re.escape(reason), told)
            for (told_id, told), (task_id, reason) in zip(self.reasons, expected, strict=True)
        )


def summaries_of(run: Distributor) -> list[Summary]:
    """Return the lines that sum up a run. The tasks in them must have no digits."""
    found = []
    for line in run.stderr.splitlines():
        if SUMMARY.search(line):
            counts = re.findall(rb"(?<![\d.])(\d+) (failed|given up|never ran|succeeded)\b", line)
            # The counts come without parentheses, and then ids with a reason for each.
            named = re.findall(rb"(?<!\d)(\d+)[^\d()]*\(([^()]*)\)", line)
            found.append(
                Summary(
                    line,
                    {word: int(number) for number, word in counts},
                    [(int(task_id), reason) for task_id, reason in named],
                )
            )
    return found


def summary_of(run: Distributor) -> Summary:
    """Return the line that sums up a run that has ended; check that it is the last of all."""
    lines = summaries_of(run)
    assert lines, f"no summary: {run.stderr!r}"
    assert len(lines) == 1, f"several summaries: {run.stderr!r}"
    assert run.stderr.endswith(lines[0].octets + b"\n"), f"not the last line: {run.stderr!r}"
    return lines[0]


def replies(**of: bytes) -> Callable[[bytes], bytes]:
    """Replies of a status: success, unless another is given for the task."""
    return lambda task: of.get(task.decode("latin-1"), b"success\n") + b"\n"


def begin(stage: Stage, nodes: str, *options: str) -> Distributor:
    """Start a distributor whose nodes have names: the calculator is in the transport."""
    return stage.start("-n", nodes, "-t", stage.calculator(), "-c", "exit 1", *options)


def node(fake: Calculator) -> bytes:
    """The name of the node of a fake."""
    return fake.words[0]


def feed_graph(run: Distributor, octets: bytes) -> None:
    run.feed(octets)
    run.close_stdin()


def exec_run(stage: Stage, *options: str, feed: bytes, nodes: int = 1) -> Distributor:
    """Run ``COMMAND`` once for each task."""
    return stage.run(*options, "-J", "@@", "-n", f"+{nodes}", "-c", COMMAND, feed=feed)


# Without the options


@requirement("ACC-002")
@exit_status
def test_nothing_without_the_options(stage: Stage) -> None:
    assert exec_run(stage, TASKS, feed=b"3\n").status == 1
    for options in ((), ("-g",)):
        run = exec_run(stage, *options, feed=b"3\n")
        assert run.status == 0
        assert run.stdout == b"out\n" + (b"failure\n3\n" if options else b"")
    stage.reply = replies(a=b"failure\n")
    run = stage.run("-g", "-n", "+1", "-c", stage.calculator(), feed=b"a b\nc\n")
    assert run.status == 0
    assert run.stdout == b"failure\na b\nsuccess\n"


# Summary


@requirement("ACC-010", "ACC-011")
@summary
def test_failed_tasks(stage: Stage) -> None:
    stage.reply = replies(b=b"failure\n", c=b"")
    run = stage.run("-g", "-n", "+1", "-c", stage.calculator(), feed=b"a\nb\nc\nd\n")
    line = summary_of(run)
    assert line.has_number(4), f"not the number of tasks: {line.octets!r}"
    assert line.counts == {b"failed": 2}
    assert line.names((2, b"status failure"), (3, b"no status")), f"{line.octets!r}"


@requirement("ACC-010", "ACC-011")
@summary
@pytest.mark.parametrize("graph", [False, True], ids=["flat", "graph"])
def test_failed_commands(stage: Stage, graph: bool) -> None:
    command = "case @@ in a) exit 3;; c) sh -c 'kill -9 $$';; esac"
    options = ["-g"] if graph else []
    run = stage.run(*options, "-n", "+1", "-J", "@@", "-c", command, feed=b"a\nb\nc\n")
    line = summary_of(run)
    assert line.has_number(3), f"not the number of tasks: {line.octets!r}"
    assert line.counts == {b"failed": 2}
    # Shells show a signal as a status.
    assert line.names((1, b"exit status 3"), (3, b"exit status 137")), f"{line.octets!r}"


@requirement("ACC-010", "ACC-011")
@summary
def test_dependants_of_failed_tasks(stage: Stage) -> None:
    stage.reply = replies(b=b"failure\n")
    feed = b"a\nb c\nc d\ne\n"
    run = stage.run("-g", "-n", "+1", "-c", stage.calculator(), feed=feed)
    line = summary_of(run)
    assert line.has_number(5), f"not the number of tasks: {line.octets!r}"
    assert line.counts == {b"failed": 1, b"never ran": 2}
    assert line.names((2, b"status failure"), (3, b"depends on 2"), (4, b"depends on 2")), (
        f"{line.octets!r}"
    )


@requirement("ACC-010", "ACC-011")
@summary
def test_a_lost_node_ends_the_run(stage: Stage) -> None:
    """Without -z; b waits, and c depends on a."""
    run = stage.start("-g", "-n", "+1", "-c", stage.calculator())
    feed_graph(run, b"a c\nb\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.die()
    assert run.wait(3 * stage.bound) == 1
    line = summary_of(run)
    assert line.has_number(3), f"not the number of tasks: {line.octets!r}"
    assert line.counts == {b"given up": 1, b"never ran": 2}
    waiting = (2, b"not started"), (3, b"not started")
    assert line.names((1, b"node lost"), *waiting), f"{line.octets!r}"


@requirement("ACC-010", "ACC-011", "ACC-015")
@summary
def test_all_nodes_are_lost(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-g", "-z")
    feed_graph(run, b"a\nb c\nd\n")
    both = stage.next_calculators(2)
    stage.holder(b"a").answer(b"success")
    stage.holder(b"d")
    first = stage.holder(b"b")
    (second,) = (fake for fake in both if fake is not first)
    second.answer(b"success")
    run.expect_output(b"success\n" * 2)
    first.die()
    second.wait("task b", lambda: second.tasks[-1:] == [b"b"])
    second.die()
    assert run.wait(3 * stage.bound) == 1
    line = summary_of(run)
    assert line.has_number(4), f"not the number of tasks: {line.octets!r}"
    assert line.counts == {b"given up": 1, b"never ran": 1}
    assert line.names((2, b"node lost 2 times"), (3, b"not started")), f"{line.octets!r}"


@requirement("ACC-011")
@summary
def test_a_node_that_is_lost_once(stage: Stage) -> None:
    run = begin(stage, "alpha", "-z")
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.die()
    assert run.wait(3 * stage.bound) == 1
    line = summary_of(run)
    assert line.counts == {b"given up": 1}
    assert line.names((1, b"node lost")), f"{line.octets!r}"


@requirement("ACC-010", "ACC-011")
@summary
def test_the_first_ten_in_order(stage: Stage) -> None:
    """The first one fails last."""
    tasks = [b"%c" % letter for letter in b"abcdefghijkl"]
    run = stage.start("-g", "-n", "+2", "-c", stage.calculator())
    feed_graph(run, b"".join(task + b"\n" for task in tasks))
    first = stage.holder(b"a")
    for task in tasks[1:]:
        stage.holder(task).answer(b"failure")
    run.expect_output(b"".join(b"failure\n%b\n" % task for task in tasks[1:]))
    first.answer(b"failure")
    assert run.wait() == 0
    line = summary_of(run)
    assert line.has_number(12), f"not the number of tasks: {line.octets!r}"
    assert line.counts == {b"failed": 12}
    named = [(number, b"status failure") for number in range(1, 11)]
    assert line.names(*named), f"{line.octets!r}"


@requirement("ACC-011")
@summary
def test_failed_ones_come_before_the_others(stage: Stage) -> None:
    """A is given up; c failed, and d depends on it; b waits for a."""
    run = stage.start("-g", "-n", "+2", "-c", stage.calculator())
    feed_graph(run, b"a b\nc d\n")
    holder = stage.holder(b"a")
    stage.holder(b"c").answer(b"failure")
    run.expect_output(b"failure\nc d\n")
    holder.die()
    assert run.wait(3 * stage.bound) == 1
    line = summary_of(run)
    assert line.counts == {b"failed": 1, b"given up": 1, b"never ran": 2}
    failed, given_up = (3, b"status failure"), (1, b"node lost")
    others = (2, b"not started"), (4, b"depends on 3")
    assert line.names(failed, given_up, *others), f"{line.octets!r}"


@requirement("ACC-013", "ACC-002")
@summary
@pytest.mark.parametrize("number", [0, 1, 3])
@pytest.mark.parametrize("options", [(), ("-g",)], ids=["flat", "graph"])
def test_all_tasks_succeed(stage: Stage, options: tuple[str, ...], number: int) -> None:
    stage.reply = replies()
    feed = b"a\nb\nc\n"[: 2 * number]
    calculator = stage.calculator()
    run = stage.run("--summary", *options, "-n", "+1", "-c", calculator, feed=feed)
    assert run.status == 0
    assert run.stdout == b"success\n" * number
    if number:
        assert summary_of(run).counts == {b"succeeded": number}
    else:
        assert b"0" in run.messages, "no line without tasks"


@requirement("ACC-010")
@summary
@pytest.mark.extension("--limit")
@pytest.mark.parametrize("options", [(), ("--limit", "2")], ids=["all tasks", "a limit"])
def test_no_line_if_nothing_is_amiss(stage: Stage, options: tuple[str, ...]) -> None:
    stage.reply = replies()
    words = (*options, "-n", "+1", "-c", stage.calculator())
    run = stage.run(*words, feed=b"a\nb\nc\n")
    assert run.status == 0
    assert summaries_of(run) == []


@requirement("ACC-013", "ACC-012", "ACC-011")
@summary
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "closed output"])
def test_a_summary_of_a_run_that_is_ended(stage: Stage, how: str) -> None:
    """B is held, and c waits: whether it was read already is for the distributor to say."""
    run = stage.start("--summary", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\nc\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.answer(b"of a")
    run.expect_output(b"of a\n")
    assert calculator.next_task() == b"b"
    if how == "closed output":
        run.close_output()
        calculator.write(b"of b\n")  # printing shows it, if nothing else does
        assert run.wait(3 * stage.bound) == -signal.SIGPIPE
    else:
        run.signal(signal.Signals[how])
        assert run.wait(3 * stage.bound) == -signal.Signals[how]
    line = summary_of(run)
    assert line.counts[b"succeeded"] == 1
    assert line.counts[b"given up"] == 1
    assert line.reasons[0] == (2, b"not finished")
    assert line.counts.get(b"never ran", 0) in (0, 1)


NOT_READ = b"not read to its end"


@requirement("ACC-016")
@summary
@pytest.mark.extension("--limit", "--halt")
@pytest.mark.parametrize(
    "options", [("--limit", "2"), ("--halt", "soon,done=2")], ids=["limit", "halt"]
)
def test_an_input_that_is_not_read_to_its_end(stage: Stage, options: tuple[str, ...]) -> None:
    """It stays open; nobody knows which tasks would have followed."""
    stage.reply = replies()
    run = stage.start("--summary", *options, "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    assert run.wait(3 * stage.bound) == 0
    line = summary_of(run)
    assert NOT_READ in line.octets, f"{line.octets!r}"
    assert line.counts == {b"succeeded": 2}


@requirement("ACC-016")
@summary
@pytest.mark.parametrize("options", [(), ("-g",)], ids=["flat", "graph"])
def test_an_input_that_is_read_to_its_end(stage: Stage, options: tuple[str, ...]) -> None:
    stage.reply = replies(b=b"failure\n")
    words = ("--summary", *options, "-n", "+1", "-c", stage.calculator())
    run = stage.run(*words, feed=b"a\nb\n")
    assert NOT_READ not in summary_of(run).octets


@requirement("ACC-017")
@summary
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110
def test_results_that_cannot_be_written(stage: Stage) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        words = ("--summary", "-n", "+1", "-c", stage.calculator())
        run = stage.start(*words, stdout=full)
        run.feed(b"a\n")
        stage.holder(b"a").answer(b"of a")
        assert run.wait(3 * stage.bound) not in (0, None)
    finally:
        os.close(full)
    assert b"not all results were written" in summary_of(run).octets


@requirement("ACC-017")
@summary
def test_results_that_were_written(stage: Stage) -> None:
    stage.reply = replies()
    run = stage.run("--summary", "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert b"written" not in summary_of(run).octets


@requirement("ACC-014")
@summary
@pytest.mark.parametrize("how", ["exit status 7", "signal 9"])
def test_what_a_node_died_of(stage: Stage, how: str) -> None:
    stage.reply = replies()
    run = begin(stage, "alpha")
    tasks = b"".join(b"%c\n" % letter for letter in b"abcdefghij")
    run.feed(tasks)
    calculator = stage.next_calculator()
    run.expect_output(b"success\n" * 10)
    stage.reply = None
    run.feed(b"x\n")
    calculator.wait("task x", lambda: calculator.tasks[-1] == b"x")
    if how == "signal 9":
        calculator.die()
    else:
        calculator.exit(7)
    assert run.wait(3 * stage.bound) == 1
    assert b"alpha" in run.stderr, "the node is not named"
    assert how.encode() in run.stderr, f"not what it died of: {run.stderr!r}"
    assert re.search(rb"\b11\b", run.stderr), f"not the id of its task: {run.stderr!r}"


# Exit status


@requirement("ACC-020", "ACC-022")
@exit_status
def test_the_option_and_the_variable(stage: Stage) -> None:
    variable = {"PAEXEC_EXIT_STATUS": "tasks"}
    other = {"PAEXEC_EXIT_STATUS": "run"}
    for options, variables, expected in (
        ((TASKS,), {}, 1),
        ((TASKS,), other, 1),
        ((), variable, 1),
        (("--exit-status=run",), {}, 0),
        (("--exit-status=run",), variable, 0),
        ((), other, 0),
        ((), {}, 0),
    ):
        run = stage.run(
            *options, "-n", "+1", "-x", "-c", "exit 5", feed=b"a\n", environment=variables
        )
        assert run.status == expected, f"{options}, {variables}"


@requirement("ACC-021")
@exit_status
@pytest.mark.parametrize("number", [0, 3])
@pytest.mark.parametrize("options", [(), ("-g",), ("-z",)], ids=["flat", "graph", "resistant"])
def test_status_if_all_succeed(stage: Stage, options: tuple[str, ...], number: int) -> None:
    stage.reply = replies()
    feed = b"a\nb\nc\n"[: 2 * number]
    run = stage.run(TASKS, *options, "-n", "+2", "-c", stage.calculator(), feed=feed)
    assert run.status == 0
    assert run.stdout == b"success\n" * number


@requirement("ACC-021")
@exit_status
def test_status_if_a_lost_task_succeeds_later(stage: Stage) -> None:
    run = begin(stage, "alpha beta", TASKS, "-z")
    both = stage.next_calculators(2)
    feed_graph(run, b"a\n")
    lost = stage.holder(b"a")
    lost.die()
    (other,) = (fake for fake in both if fake is not lost)
    assert other.next_task() == b"a"
    other.answer(b"of a")
    assert run.wait() == 0
    assert run.stdout == b"fatal\nof a\n"


@requirement("ACC-022")
@exit_status
@pytest.mark.parametrize(("number", "expected"), [(1, 1), (99, 99), (100, 100), (101, 101)])
@pytest.mark.parametrize("graph", [False, True], ids=["flat", "graph"])
def test_the_number_of_failures(stage: Stage, graph: bool, number: int, expected: int) -> None:
    options = ["-g"] if graph else []
    feed = b"".join(b"x%d\n" % count for count in range(number)) + b"good\n"
    command = "case @@ in good) ;; *) exit 9;; esac"
    run = stage.run(TASKS, *options, "-n", "+2", "-J", "@@", "-c", command, feed=feed)
    assert run.status == expected


@requirement("ACC-022")
@exit_status
def test_many_failures(stage: Stage) -> None:
    run = stage.run(TASKS, "-n", "+2", "-x", "-c", "false", feed=b"x\n" * 300)
    assert run.status == 101


@requirement("ACC-022", "ACC-023")
@exit_status
def test_status_if_dependants_do_not_run(stage: Stage) -> None:
    """A task without a status counts as failed, too."""
    stage.reply = replies(a=b"failure\n", c=b"")
    run = stage.run(TASKS, "-g", "-n", "+1", "-c", stage.calculator(), feed=b"a b\nc d\nd e\n")
    assert run.status == 2


@requirement("ACC-023")
@exit_status
@pytest.mark.parametrize("options", [(), ("-z",)], ids=["loss", "all nodes dead"])
@pytest.mark.parametrize("waits", [False, True], ids=["given up", "never run"])
def test_status_if_tasks_have_no_end(stage: Stage, options: tuple[str, ...], waits: bool) -> None:
    """One task has failed before."""
    run = begin(stage, "alpha", TASKS, "-g", *options)
    feed_graph(run, b"a\nb\nc\n" if waits else b"a\nb\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.answer(b"failure")
    assert calculator.next_task() == b"b"
    calculator.die()
    assert run.wait(3 * stage.bound) == 111


@requirement("ACC-024")
@exit_status
def test_status_of_a_wrong_call(stage: Stage) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    for wrong in (("--no-such-option",), ("-w",), ("-n",)):
        refuse(stage, call(TASKS, *words, *wrong), call(TASKS, *words), 255)
    variable = {"PAEXEC_EXIT_STATUS": "tasks"}
    refuse(stage, call(*words, "-w", **variable), call(*words, **variable), 255)


@requirement("ACC-024")
@exit_status
def test_status_of_a_graph_that_cannot_be_used(stage: Stage) -> None:
    stage.reply = replies()
    words = (TASKS, "-g", "-n", "+1", "-c", stage.calculator())
    assert stage.run(*words, feed=b"a b\n").status == 0
    for wrong in (b"a b\nb a\n", b"a b c\n"):
        run = stage.run(*words, feed=wrong)
        assert run.status == 255
        assert run.stdout == b""


@requirement("ACC-024")
@exit_status
def test_status_if_results_cannot_be_written(stage: Stage) -> None:
    """A task has failed, too."""
    run = stage.start(
        *(TASKS, "-n", "+1", "-J", "@@", "-c", "echo @@; test @@ = a"),
        within=["/bin/sh", "-c", 'exec "$@" >/dev/full', "sh"],
    )
    run.feed(b"b\na\n")
    assert run.finish(3 * stage.bound) == 255


@requirement("ACC-024", "END-030")
@exit_status
def test_a_signal_is_no_status(stage: Stage) -> None:
    run = stage.start(TASKS, "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\n")
    stage.holder(b"a")
    run.signal(signal.SIGTERM)
    assert run.wait(3 * stage.bound) == -signal.SIGTERM


IMPLYING = [
    pytest.param(words, marks=pytest.mark.extension(words[0]), id=words[0].strip("-"))
    for words in (("--halt", "soon,fail=50"), ("--retries", "1"), ("--timeout", LONG))
]


@requirement("ACC-025")
@exit_status
@pytest.mark.parametrize("implying", IMPLYING)
def test_options_that_imply_it(stage: Stage, implying: tuple[str, ...]) -> None:
    feed = b"a3\nb0\nc4\n"
    assert exec_run(stage, *implying, feed=feed).status == 2
    for words in (("--exit-status=run", *implying), (*implying, "--exit-status=run")):
        assert exec_run(stage, *words, feed=feed).status == 0


@requirement("ACC-026")
@exit_status
@pytest.mark.parametrize("value", ["", "task", "tasks ", "TASKS", "0", "yes"])
def test_other_values_of_exit_status(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(f"--exit-status={value}", *words), call("--exit-status=run", *words))
    variable = {"PAEXEC_EXIT_STATUS": value}
    refuse(stage, call(*words, **variable), call(*words, PAEXEC_EXIT_STATUS="run"))


# Time limits


@requirement("ACC-050", "ACC-004", "ACC-003", "ACC-011")
@timeout
@pytest.mark.parametrize("resistant", [False, True], ids=["without z", "with z"])
@pytest.mark.parametrize("graph", [False, True], ids=["flat", "graph"])
def test_a_task_takes_too_long(stage: Stage, graph: bool, resistant: bool) -> None:
    """Its calculator never answers. The node is started again, and does the next task."""
    options = ["-g"] * graph + ["-z"] * resistant
    run = stage.start("--timeout", SHORT, *options, "-e", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a b\nc\n" if graph else b"a\nc\n")
    if graph:
        run.close_stdin()
    first = stage.next_calculator()
    assert first.next_task() == b"a"
    first.write(b"begun\nhalf")
    first.wait_gone(3 * stage.bound)
    second = stage.next_calculator()
    assert second.next_task() == b"c"
    second.answer(b"success")
    assert run.finish() == 1
    rest = b"a b\n" if graph else b""
    assert run.stdout == b"begun\nfatal\n" + rest + b"\nsuccess\n\n"
    line = summary_of(run)
    assert line.counts == ({b"failed": 1, b"never ran": 1} if graph else {b"failed": 1})
    dependants = [(2, b"depends on 1")] * graph
    assert line.names((1, b"time limit"), *dependants), f"{line.octets!r}"


@requirement("ACC-050")
@timeout
def test_sigkill_follows_on_sigterm(stage: Stage) -> None:
    """The calculator does not end by SIGTERM, and has a child in its process group."""
    run = stage.start(
        "--timeout", SHORT, "-n", "+1", "-c", f"exec {stage.calculator('stubborn', 'linger')}"
    )
    run.feed(b"a\n")
    first = stage.next_calculator()
    child = first.spawn(keep_output=True)
    assert first.next_task() == b"a"
    first.wait("SIGTERM", lambda: bool(first.signals), 3 * stage.bound)
    assert first.signals[0][0] == signal.SIGTERM
    first.wait_gone(3 * stage.bound)
    second = stage.next_calculator()
    stage.wait("the end of its child", lambda: child not in stage.leftovers())
    run.close_stdin()
    second.wait_eof()
    second.exit(0)
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b"fatal\n"


@requirement("ACC-050")
@timeout
def test_the_time_without_a_task_does_not_count(stage: Stage) -> None:
    run = stage.start("--timeout", "1", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    for task in (b"a", b"b"):
        # A distributor that ends a node later than this passes.
        assert not stage.happens(lambda: calculator.gone, 1.2), "an idle node was ended"
        stage.reply_with_results()
        run.feed(task + b"\n")
        calculator.wait("its task", lambda task=task: task in calculator.tasks)  # type: ignore[misc]
    assert not stage.happens(lambda: calculator.gone, 1.2), "an idle node was ended"
    assert run.finish() == 0
    assert run.stdout == stage.result(b"a") + b"\n" + stage.result(b"b") + b"\n"


@requirement("ACC-004", "ACC-003")
@timeout
@pytest.mark.parametrize("options", [("-mF=lost",), ("-mF=",)], ids=["other", "none"])
def test_the_word_for_a_task_without_a_result(stage: Stage, options: tuple[str, ...]) -> None:
    run = stage.start("--timeout", SHORT, *options, "-le", "-n", "+1", "-c", stage.calculator())
    feed_graph(run, b"a\n")
    stage.next_calculator().write(b"begun\n")
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b"1 begun\n" + (b"1 lost\n" if options == ("-mF=lost",) else b"") + b"1 \n"


@requirement("ACC-004")
@timeout
@pytest.mark.parametrize(
    "option",
    [
        pytest.param(option, marks=pytest.mark.extension(option))
        for option in ("--group", "--keep-order")
    ],
)
def test_groups_without_a_result(stage: Stage, option: str) -> None:
    run = stage.start(option, "--timeout", SHORT, "-g", "-ei", "-n", "+2", "-c", stage.calculator())
    feed_graph(run, b"a c\nb\n")
    hung = stage.holder(b"a")
    hung.write(b"begun\n")
    stage.holder(b"b").answer(b"success")
    hung.wait_gone(3 * stage.bound)
    assert run.wait(3 * stage.bound) == 1
    assert sorted(run.stdout.splitlines()) == sorted([b"a c", b"", b"b", b"success", b""])


@requirement("ACC-051")
@timeout
def test_a_percentage(stage: Stage) -> None:
    """The task that hangs began before there was a limit."""
    run = stage.start("--timeout", "1000%", "-n", "+2", "-c", stage.calculator())
    run.feed(b"hang\n")
    hung = stage.holder(b"hang")
    stage.reply_with_results()
    run.feed(b"a\nb\nc\n")
    hung.wait_gone(3 * stage.bound)
    stage.next_calculators(3)
    assert run.finish() == 1
    assert summary_of(run).names((1, b"time limit")), f"{run.stderr!r}"


@requirement("ACC-051")
@timeout
def test_no_percentage_of_two(stage: Stage) -> None:
    run = stage.start("--timeout", "100%", "-n", "+2", "-c", stage.calculator())
    run.feed(b"hang\n")
    hung = stage.holder(b"hang")
    for task in (b"a", b"b"):
        run.feed(task + b"\n")
        stage.holder(task).answer(b"of " + task)
    run.expect_output(b"of a\nof b\n")
    # A distributor that ends it later passes.
    assert not stage.happens(lambda: hung.gone, stage.grace), "there was a limit"
    hung.answer(b"of hang")
    run.expect_output(b"of a\nof b\nof hang\n")
    assert run.finish() == 0


@requirement("ACC-051")
@timeout
@pytest.mark.parametrize("slow", [1, 3], ids=["less than the mean", "more than the least"])
def test_the_median_counts(stage: Stage, slow: int) -> None:
    """Of five tasks this number takes much longer than the others."""
    percent = "10000%" if slow == 1 else "300%"
    run = stage.start("--timeout", percent, "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    tasks = (b"a", b"b", b"c", b"d", b"e")
    for number, task in enumerate(tasks):
        run.feed(task + b"\n")
        calculator.wait("its task", lambda task=task: task in calculator.tasks)  # type: ignore[misc]
        # The slow ones come before there is a limit.
        if number < slow:
            stage.happens(lambda: False, 1.5)
        calculator.answer(b"of " + task)
        run.expect_output(b"".join(b"of " + each + b"\n" for each in tasks[: number + 1]))
    run.feed(b"last\n")
    calculator.wait("the last task", lambda: b"last" in calculator.tasks)
    if slow == 1:
        calculator.wait_gone(stage.bound)  # the mean would be thirty seconds
        assert run.finish() == 1
    else:
        assert not stage.happens(lambda: calculator.gone, 0.5), "the limit is too short"
        calculator.answer(b"of last")
        assert run.finish() == 0


@requirement("ACC-052")
@timeout
@prefetch
def test_queued_tasks_wait_without_a_limit(stage: Stage) -> None:
    """The last one is done long after it was sent."""
    run = stage.start("--timeout", "3", "--prefetch", "4", "-n", "+1", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\n")
    calculator = stage.next_calculator()
    calculator.wait("four tasks", lambda: len(calculator.tasks) == 4)
    for task in (b"a", b"b", b"c", b"d"):
        assert not stage.happens(lambda: calculator.gone, 1.1), "the time began too early"
        calculator.answer(b"of " + task)
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\nof c\nof d\n"


@requirement("ACC-052")
@timeout
@prefetch
@pytest.mark.parametrize("options", [(), ("--retries=1",), ("-z", "--crash-limit=1")])
def test_queued_tasks_of_a_node_that_takes_too_long(stage: Stage, options: tuple[str, ...]) -> None:
    words = ("--timeout", SHORT, "--prefetch", "3", *options)
    run = stage.start(*words, "-n", "+1", "-c", stage.calculator())
    feed_graph(run, b"a\nb\nc\n")
    first = stage.next_calculator()
    first.wait("three tasks", lambda: len(first.tasks) == 3)
    stage.reply_with_results()
    first.wait_gone(3 * stage.bound)
    assert run.wait(3 * stage.bound) == 1
    fatal = b"" if "--retries=1" in options else b"fatal\n"
    assert run.stdout == fatal + stage.result(b"b") + b"\n" + stage.result(b"c") + b"\n"
    assert summary_of(run).names((1, b"time limit")), f"{run.stderr!r}"


@requirement("ACC-052")
@timeout
@prefetch
def test_queued_tasks_when_others_are_done(stage: Stage) -> None:
    """The input has ended, and nothing else is left for the other node."""
    words = ("--timeout", "1", "--prefetch", "3")
    run = stage.start(*words, "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\nc\nd\ne\nf\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    stage.wait("six tasks", lambda: len(stage.tasks) == 6)
    first = stage.holder(b"a")
    (second,) = (fake for fake in both if fake is not first)
    stage.reply_with_results()
    for _ in range(3):
        second.answer(stage.result(second.next_task()))
    second.unanswered.clear()
    first.wait_gone(3 * stage.bound)
    assert run.wait(3 * stage.bound) == 1
    lines = [b"fatal", *(stage.result(task) for task in (b"b", b"c", b"d", b"e", b"f"))]
    assert sorted(run.stdout.splitlines()) == sorted(lines)


# Retries


@requirement("ACC-060")
@retries
@pytest.mark.parametrize("number", [1, 2, 4])
def test_so_many_attempts(stage: Stage, number: int) -> None:
    stage.reply = replies(a=b"failure\n")
    words = ("--retries", str(number), "-g", "-n", "+1", "-c", stage.calculator())
    run = stage.run(*words, feed=b"a b\nc\n")
    assert run.status == 1
    assert sorted(stage.tasks) == [b"a"] * number + [b"c"]
    assert run.stdout in (b"failure\na b\nsuccess\n", b"success\nfailure\na b\n")
    assert summary_of(run).names((1, b"status failure"), (2, b"depends on 1")), f"{run.stderr!r}"


@requirement("ACC-060", "ACC-021")
@retries
@pytest.mark.parametrize("status", [b"failure\n", b""], ids=["failure", "no status"])
def test_until_an_attempt_succeeds(stage: Stage, status: bytes) -> None:
    run = stage.start("--retries", "9", "-g", "-le", "-n", "+1", "-c", stage.calculator())
    feed_graph(run, b"a b\n")
    calculator = stage.next_calculator()
    for _ in range(2):
        assert calculator.next_task() == b"a"
        calculator.write(b"begun\n" + status + b"\n")
    assert calculator.next_task() == b"a"
    calculator.answer(b"success")
    assert calculator.next_task() == b"b"
    calculator.answer(b"success")
    assert run.wait() == 0
    assert run.stdout == b"1 success\n1 \n2 success\n2 \n"
    assert summaries_of(run) == []


@requirement("ACC-060")
@retries
@pytest.mark.parametrize("options", [(), ("-g",)], ids=["flat", "graph"])
def test_commands_are_run_again(stage: Stage, options: tuple[str, ...]) -> None:
    """A fails always, b the first time, and c never."""
    command = "echo x >>@@; case @@ in a) exit 1;; b) test $(wc -l <b) = 2;; esac"
    words = ("--retries", "3", *options, "-n", "+1", "-J", "@@", "-c", command)
    run = stage.run(*words, feed=b"a\nb\nc\n")
    assert run.status == 1
    seen = {name: (stage.directory / name).read_text() for name in "abc"}
    assert seen == {"a": "x\n" * 3, "b": "x\n" * 2, "c": "x\n"}


@requirement("ACC-060", "ACC-004", "ACC-011")
@retries
@pytest.mark.parametrize("graph", [False, True], ids=["flat", "graph"])
def test_lost_nodes_count_as_attempts(stage: Stage, graph: bool) -> None:
    options = ["-g"] if graph else []
    run = begin(stage, "alpha beta gamma", "-z", "--retries", "2", *options)
    feed_graph(run, b"a\n")
    calculators = stage.next_calculators(3)
    holder = stage.holder(b"a")
    holder.die()
    others = [fake for fake in calculators if fake is not holder]
    stage.wait("another attempt", lambda: any(fake.tasks for fake in others))
    (second,) = (fake for fake in others if fake.tasks)
    second.die()
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == (b"a\n" if graph else b"")
    line = summary_of(run)
    assert line.counts == {b"failed": 1}
    assert line.names((1, b"node lost 2 times")), f"{line.octets!r}"


@requirement("ACC-060", "ACC-050")
@retries
@timeout
def test_time_limits_count_as_attempts(stage: Stage) -> None:
    words = ("--retries", "2", "--timeout", SHORT)
    run = stage.start(*words, "-n", "+1", "-c", stage.calculator())
    feed_graph(run, b"a\n")
    for _ in range(2):
        calculator = stage.next_calculator()
        assert calculator.next_task() == b"a"
        calculator.wait_gone(3 * stage.bound)
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b""
    assert stage.tasks == [b"a"] * 2


@requirement("ACC-060")
@retries
@pytest.mark.parametrize(
    "options",
    [
        (),
        pytest.param(("--group",), marks=pytest.mark.extension("--group")),
        pytest.param(("--keep-order",), marks=pytest.mark.extension("--keep-order")),
    ],
    ids=["alone", "group", "keep order"],
)
def test_groups_of_attempts(stage: Stage, options: tuple[str, ...]) -> None:
    """Nothing of an attempt is printed that another one follows."""
    run = stage.start("--retries", "2", *options, "-gei", "-n", "+1", "-c", stage.calculator())
    feed_graph(run, b"a\n")
    calculator = stage.next_calculator()
    assert calculator.next_task() == b"a"
    calculator.answer(b"first", b"failure")
    assert calculator.next_task() == b"a"
    calculator.answer(b"second", b"success")
    assert run.wait() == 0
    assert run.stdout == b"a\nsecond\nsuccess\n\n"


@requirement("ACC-060")
@retries
@pytest.mark.extension("--keep-order")
def test_retries_do_not_disturb_the_order(stage: Stage) -> None:
    stage.reply = replies(b=b"failure\n")
    words = ("--retries", "3", "--keep-order", "-gl", "-n", "+1", "-c", stage.calculator())
    run = stage.run(*words, feed=b"a\nb\nc\n")
    assert run.status == 1
    assert run.stdout == b"1 success\n2 failure\n2 b\n3 success\n"


@requirement("ACC-060")
@retries
def test_retries_imply_groups(stage: Stage) -> None:
    run = stage.start("--retries", "2", "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    first, second = stage.holder(b"a"), stage.holder(b"b")
    first.write(b"begun\n")
    first.sync()
    second.answer(b"of b")
    run.expect_output(b"of b\n")
    first.answer(b"ended")
    assert run.finish() == 0
    assert run.stdout == b"of b\nbegun\nended\n"


@requirement("ACC-061")
@retries
def test_each_attempt_goes_to_another_node(stage: Stage) -> None:
    run = begin(stage, "alpha beta gamma", "-g", "--retries", "4")
    feed_graph(run, b"a\n")
    calculators = stage.next_calculators(3)
    tried: list[bytes] = []
    for _ in range(3):
        stage.wait("an attempt", lambda: sum(len(f.tasks) for f in calculators) == len(tried) + 1)
        (holder,) = (f for f in calculators if f.tasks and node(f) not in tried)
        tried.append(node(holder))
        holder.answer(b"failure")
    stage.wait("the last attempt", lambda: sum(len(f.tasks) for f in calculators) == 4)
    (last,) = (f for f in calculators if len(f.tasks) == 2)
    last.answer(b"success")
    assert run.wait() == 0
    assert sorted(tried) == [b"alpha", b"beta", b"gamma"]


@requirement("ACC-061")
@retries
def test_a_retry_waits_for_another_node(stage: Stage) -> None:
    """The node that failed is idle, and does another task; the other one is busy."""
    run = begin(stage, "alpha beta", "-g", "--retries", "2")
    feed_graph(run, b"a\nb\nc\n")
    both = stage.next_calculators(2)
    first = stage.holder(b"a")
    (second,) = (fake for fake in both if fake is not first)
    second.wait("task b", lambda: second.tasks == [b"b"])
    first.answer(b"failure")
    first.wait("task c", lambda: first.tasks == [b"a", b"c"])
    first.answer(b"success")
    # A distributor that gives it the task later passes.
    assert not stage.happens(lambda: len(first.tasks) > 2, stage.grace / 4), "the same node"
    second.answer(b"success")
    second.wait("task a", lambda: second.tasks == [b"b", b"a"])
    second.answer(b"success")
    assert run.wait() == 0
    assert run.stdout == b"success\n" * 3


@requirement("ACC-061", "ACC-060")
@retries
def test_no_other_node_lives(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-z", "-g", "--retries", "2")
    feed_graph(run, b"a\n")
    both = stage.next_calculators(2)
    first = stage.holder(b"a")
    (second,) = (fake for fake in both if fake is not first)
    second.exit(0)
    second.wait_gone()
    first.answer(b"failure")
    first.wait("another attempt", lambda: first.tasks == [b"a", b"a"])
    first.answer(b"success")
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"success\n"


@requirement("ACC-061", "ACC-060", "END-007")
@retries
def test_the_other_node_has_ended_idle(stage: Stage) -> None:
    """Without -z that is no loss, since it is given no task."""
    run = begin(stage, "alpha beta", "-g", "--retries", "2")
    feed_graph(run, b"a\n")
    both = stage.next_calculators(2)
    first = stage.holder(b"a")
    (second,) = (fake for fake in both if fake is not first)
    second.exit(0)
    second.wait_gone()
    # The distributor may see that later: it then waits no longer for that node.
    stage.happens(lambda: run.has_ended, stage.grace / 4)
    first.answer(b"failure")
    first.wait("another attempt", lambda: first.tasks == [b"a", b"a"])
    first.answer(b"success")
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"success\n"


@requirement("ACC-062", "ACC-004", "ACC-003")
@crash_limit
@pytest.mark.parametrize("graph", [False, True], ids=["flat", "graph"])
def test_a_task_that_loses_its_nodes(stage: Stage, graph: bool) -> None:
    options = ["-g"] if graph else []
    run = begin(stage, "alpha beta gamma", "-z", "--crash-limit", "2", *options)
    run.feed(b"a d\n" if graph else b"a\n")
    if graph:
        run.close_stdin()
    calculators = stage.next_calculators(3)
    dead: list[Calculator] = []
    for _ in range(2):
        stage.wait("an attempt", lambda: any(f.tasks for f in calculators if f not in dead))
        (holder,) = (fake for fake in calculators if fake.tasks and fake not in dead)
        holder.die()
        dead.append(holder)
    expected = b"fatal\nfatal\n" + (b"a d\n" if graph else b"")
    run.expect_output(expected)
    (last,) = (fake for fake in calculators if fake not in dead)
    if not graph:
        run.feed(b"b\n")
        assert last.next_task() == b"b"
        last.answer(b"of b")
        expected += b"of b\n"
    assert run.finish(3 * stage.bound) == 0
    assert run.stdout == expected
    line = summary_of(run)
    assert line.counts == ({b"failed": 1, b"never ran": 1} if graph else {b"failed": 1})
    dependants = [(2, b"depends on 1")] * graph
    assert line.names((1, b"node lost 2 times"), *dependants), f"{line.octets!r}"


@requirement("ACC-062")
@crash_limit
def test_other_failures_lose_no_node(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-z", "-g", "--crash-limit", "2")
    feed_graph(run, b"a\n")
    both = stage.next_calculators(2)
    first = stage.holder(b"a")
    first.die()
    (second,) = (fake for fake in both if fake is not first)
    assert second.next_task() == b"a"
    second.answer(b"failure")
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"fatal\nfailure\na\n"
    assert summary_of(run).names((1, b"status failure")), f"{run.stderr!r}"


@requirement("ACC-063", "DTH-031")
@summary
def test_a_task_that_lost_five_nodes(stage: Stage) -> None:
    """Others go on, and it is named once."""
    names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"]
    run = begin(stage, " ".join(names), "-z")
    calculators = stage.next_calculators(7)
    stage.reply_with_results()
    run.feed(b"x\n" * 40)
    results = (stage.result(b"x") + b"\n") * 40
    run.expect_output(results)
    stage.reply = None
    run.feed(b"a\n")
    dead: list[Calculator] = []

    def told() -> list[bytes]:
        return [line for line in run.diagnostics.splitlines() if re.search(rb"\b41\b", line)]

    for number in range(6):
        stage.wait(
            "an attempt",
            lambda: any(b"a" in fake.tasks for fake in calculators if fake not in dead),
        )
        (holder,) = (f for f in calculators if b"a" in f.tasks and f not in dead)
        assert number >= 5 or not told(), f"named after {number} nodes"
        if number == 5:
            assert stage.happens(lambda: bool(told()), stage.bound), "not named"
        holder.die()
        dead.append(holder)
    (last,) = (fake for fake in calculators if fake not in dead)
    last.wait("task a", lambda: last.tasks[-1:] == [b"a"])
    last.answer(b"of a")
    assert run.finish(3 * stage.bound) == 0
    assert run.stdout == results + b"fatal\n" * 6 + b"of a\n"
    assert len(told()) == 1


@requirement("ACC-064")
@prefetch
@pytest.mark.parametrize(
    "option",
    [
        pytest.param(option, marks=pytest.mark.extension(option))
        for option in ("--retries", "--crash-limit")
    ],
)
def test_queued_tasks_of_a_lost_node(stage: Stage, option: str) -> None:
    run = begin(stage, "alpha beta", "-z", option, "1", "--prefetch", "3")
    both = stage.next_calculators(2)
    run.feed(b"a\nb\nc\nd\ne\nf\n")
    stage.wait("six tasks", lambda: len(stage.tasks) == 6)
    first = stage.holder(b"a")
    (second,) = (fake for fake in both if fake is not first)
    first.die()
    for _ in range(5):
        second.answer(stage.result(second.next_task()))
    assert run.finish(3 * stage.bound) == (1 if option == "--retries" else 0)
    lines = [stage.result(task) for task in (b"b", b"c", b"d", b"e", b"f")]
    fatal = [b"fatal"] * (option != "--retries")
    assert sorted(run.stdout.splitlines()) == sorted([*lines, *fatal])
    assert summary_of(run).names((1, b"node lost")), f"{run.stderr!r}"


# Halting


def halted_graph(stage: Stage, when: str) -> tuple[Distributor, Calculator]:
    """Let a fail while b is being worked on and c waits; the holder of b."""
    run = stage.start("--halt", when, "-g", "-n", "+2", "-c", stage.calculator())
    feed_graph(run, b"a\nb\nc\n")
    stage.next_calculators(2)
    holder = stage.holder(b"b")
    stage.holder(b"a").answer(b"failure")
    return run, holder


@requirement("ACC-070", "ACC-022", "ACC-023")
@halt
def test_halt_soon(stage: Stage) -> None:
    run, holder = halted_graph(stage, "soon,fail=1")
    run.expect_output(b"failure\na\n")
    # A distributor that goes on later than this is found by what it has sent in the end.
    stage.happens(lambda: b"c" in stage.tasks or run.has_ended, stage.grace / 4)
    holder.answer(b"success")
    assert run.wait() == 1
    assert run.stdout == b"failure\na\nsuccess\n"
    assert sorted(stage.tasks) == [b"a", b"b"]
    line = summary_of(run)
    assert line.counts == {b"failed": 1, b"never ran": 1}
    assert line.names((1, b"status failure"), (3, b"not started")), f"{line.octets!r}"


@requirement("ACC-070", "ACC-022", "ACC-023")
@halt
def test_halt_now(stage: Stage) -> None:
    """The other calculator never answers."""
    run, holder = halted_graph(stage, "now,fail=1")
    holder.wait_gone(3 * stage.bound)
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b"failure\na\n"
    assert sorted(stage.tasks) == [b"a", b"b"]
    assert summary_of(run).counts == {b"failed": 1, b"given up": 1, b"never ran": 1}


@requirement("ACC-070", "ACC-072")
@halt
@pytest.mark.parametrize("why", ["success", "done"])
def test_halt_while_the_input_is_open(stage: Stage, why: str) -> None:
    run = stage.start("--halt", f"soon,{why}=2", "-n", "+1", "-c", stage.calculator())
    calculator = stage.next_calculator()
    run.feed(b"a\nb\nc\n")
    for task in (b"a", b"b"):
        assert calculator.next_task() == task
        calculator.answer(b"of " + task)
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"of a\nof b\n"
    assert stage.tasks == [b"a", b"b"]


#: Statuses of tasks, one after the other, and how many of them halt a run.
WAYS = [
    ("fail=2", "sfsfs", 4),
    ("success=2", "fsfsf", 4),
    ("done=3", "sfsfs", 3),
    ("fail=5", "sfsfs", 5),
    ("fail=1", "fsss", 1),
]

PERCENT = [
    ("fail=50%", "ffsfs", 4),
    ("fail=50%", "fffss", 3),
    ("fail=50%", "sssffffs", 6),
    ("fail=60%", "sssfffffs", 8),
    ("fail=1%", "fsssssfsssfs", 11),
    ("success=70%", "fssssss", 4),
    ("done=1%", "sssss", 3),
    ("fail=100%", "ffsffff", 7),
]


@requirement("ACC-070")
@halt
@pytest.mark.parametrize(("why", "statuses", "number"), WAYS)
@pytest.mark.parametrize("when", ["soon", "now"])
def test_the_number_that_halts(
    stage: Stage, when: str, why: str, statuses: str, number: int
) -> None:
    halt_at(stage, when, why, statuses, number)


@requirement("ACC-071")
@halt
@pytest.mark.parametrize(("why", "statuses", "number"), PERCENT)
def test_the_percentage_that_halts(stage: Stage, why: str, statuses: str, number: int) -> None:
    halt_at(stage, "soon", why, statuses, number)


def halt_at(stage: Stage, when: str, why: str, statuses: str, number: int) -> None:
    tasks = [b"%c" % letter for letter in b"abcdefghijklmnop"[: len(statuses)]]
    words = {"s": b"success\n\n", "f": b"failure\n\n"}
    answers = dict(zip(tasks, statuses, strict=True))
    stage.reply = lambda task: words[answers[task]]
    run = stage.run(
        *("--halt", f"{when},{why}", "-g", "-n", "+1", "-c", stage.calculator()),
        feed=b"".join(task + b"\n" for task in tasks),
    )
    assert stage.tasks == tasks[:number]
    assert run.status == (0 if why.startswith("success") else statuses[:number].count("f"))


@requirement("ACC-070", "ACC-060")
@halt
@retries
def test_retries_and_halts(stage: Stage) -> None:
    """An attempt that another one follows is no end; after a halt none follows."""
    words = ("--halt", "soon,fail=1", "--retries", "2", "-g")
    run = begin(stage, "alpha beta", *words)
    feed_graph(run, b"a\nb\nc\n")
    both = stage.next_calculators(2)
    first = stage.holder(b"a")
    (second,) = (fake for fake in both if fake is not first)
    first.answer(b"failure")
    first.wait("task c", lambda: first.tasks[-1:] == [b"c"])
    second.answer(b"success")
    second.wait("task a", lambda: second.tasks[-1:] == [b"a"])
    second.answer(b"failure")
    run.expect_output(b"success\nfailure\na\n")
    first.answer(b"failure")
    assert run.wait() == 2
    assert run.stdout == b"success\nfailure\na\nfailure\nc\n"
    assert summary_of(run).counts == {b"failed": 2}


@requirement("ACC-072")
@halt
@pytest.mark.parametrize("when", ["soon", "now"])
def test_status_of_a_halt_for_success(stage: Stage, when: str) -> None:
    """One task failed, one is being worked on, and one waits."""
    run = stage.start("--halt", f"{when},success=1", "-g", "-n", "+2", "-c", stage.calculator())
    feed_graph(run, b"a\nb\nc\nd\n")
    stage.next_calculators(2)
    other = stage.holder(b"b")
    stage.holder(b"a").answer(b"failure")
    stage.holder(b"c").answer(b"success")
    run.expect_output(b"failure\na\nsuccess\n")
    if when == "soon":
        other.answer(b"failure")
    assert run.wait(3 * stage.bound) == 0
    assert sorted(stage.tasks) == [b"a", b"b", b"c"]


@requirement("ACC-073")
@halt
def test_halt_never(stage: Stage) -> None:
    stage.reply = replies(a=b"failure\n")
    run = stage.run("--halt", "never", "-g", "-n", "+1", "-c", stage.calculator(), feed=b"a\nb\n")
    assert run.status == 1
    assert run.stdout == b"failure\na\nsuccess\n"


# Pace


@requirement("ACC-080")
@delay
@pytest.mark.parametrize(
    "options",
    [(), ("-g",), pytest.param(("--prefetch=8",), marks=prefetch)],
    ids=["flat", "graph", "prefetch"],
)
def test_time_between_attempts(stage: Stage, options: tuple[str, ...]) -> None:
    stage.reply = replies()
    run = stage.start("--delay", "0.3", *options, "-n", "+3", "-c", stage.calculator())
    stage.next_calculators(3) if not options else None
    began = time.monotonic()
    feed_graph(run, b"a\nb\nc\nd\ne\n")
    stage.wait("five tasks", lambda: len(stage.tasks) == 5)
    seconds = time.monotonic() - began
    assert seconds >= 4 * 0.3, f"five attempts within {seconds} s"
    assert run.wait() == 0
    assert run.stdout == b"success\n" * 5


@requirement("ACC-080")
@delay
@retries
def test_time_before_another_attempt(stage: Stage) -> None:
    stage.reply = replies(a=b"failure\n")
    words = ("--delay", "0.4", "--retries", "4", "-g", "-n", "+1", "-c", stage.calculator())
    began = time.monotonic()
    run = stage.run(*words, feed=b"a\n")
    assert time.monotonic() - began >= 3 * 0.4
    assert stage.tasks == [b"a"] * 4
    assert run.status == 1


@requirement("ACC-081")
@limit
@pytest.mark.parametrize("options", [(), pytest.param(("--prefetch=8",), marks=prefetch)])
def test_so_many_tasks(stage: Stage, options: tuple[str, ...]) -> None:
    """The input stays open."""
    stage.reply_with_results()
    run = stage.start("--limit", "3", *options, "-n", "+2", "-c", stage.calculator())
    run.feed(b"a\n" * 5)
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == (stage.result(b"a") + b"\n") * 3
    assert stage.tasks == [b"a"] * 3


@requirement("ACC-081")
@limit
def test_a_limit_waits_for_the_last_task(stage: Stage) -> None:
    run = stage.start("--limit", "1", "-n", "+2", "-c", stage.calculator())
    stage.next_calculators(2)
    run.feed(b"a\nb\n")
    holder = stage.holder(b"a")
    stage.happens(lambda: run.has_ended or b"b" in stage.tasks, stage.grace / 4)
    holder.answer(b"of a")
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"of a\n"
    assert stage.tasks == [b"a"]


@requirement("ACC-081", "ACC-023")
@limit
@exit_status
@pytest.mark.parametrize("status", [b"success\n", b"failure\n"], ids=["success", "failure"])
def test_a_limit_in_a_graph(stage: Stage, status: bytes) -> None:
    stage.reply = replies(a=status)
    words = ("--limit", "2", TASKS, "-g", "-n", "+1", "-c", stage.calculator())
    run = stage.run(*words, feed=b"a b\nb c\nd e\nf\n")
    succeeds = status == b"success\n"
    assert stage.tasks == ([b"a", b"b"] if succeeds else [b"a", b"d"])
    assert run.status == (0 if succeeds else 1)
    if succeeds:
        return
    line = summary_of(run)
    assert line.counts == {b"failed": 1, b"never ran": 4}
    dependants = (2, b"depends on 1"), (3, b"depends on 1")
    others = (5, b"not started"), (6, b"not started")
    assert line.names((1, b"status failure"), *dependants, *others), f"{line.octets!r}"


@requirement("ACC-081", "ACC-011")
@limit
@summary
@pytest.mark.parametrize("status", [b"success", b"failure"])
def test_a_limit_while_tasks_are_worked_on(stage: Stage, status: bytes) -> None:
    """Nothing is dispatched any more when c fails, on which d depends."""
    run = stage.start("--limit", "2", "--summary", "-g", "-n", "+2", "-c", stage.calculator())
    feed_graph(run, b"a b\nc d\ne\n")
    last = stage.holder(b"c")
    stage.holder(b"a").answer(b"success")
    run.expect_output(b"success\n")
    last.answer(status)
    assert run.wait(3 * stage.bound) == 0
    assert sorted(stage.tasks) == [b"a", b"c"]
    line = summary_of(run)
    assert line.has_number(5), f"not the number of tasks: {line.octets!r}"
    b, e = (2, b"not started"), (5, b"not started")
    if status == b"success":
        assert line.counts == {b"succeeded": 2, b"never ran": 3}
        assert line.names(b, (4, b"not started"), e), f"{line.octets!r}"
    else:
        assert line.counts == {b"succeeded": 1, b"failed": 1, b"never ran": 3}
        assert line.names((3, b"status failure"), b, (4, b"not started"), e), f"{line.octets!r}"


@requirement("ACC-081")
@limit
@retries
def test_attempts_are_no_tasks(stage: Stage) -> None:
    stage.reply = replies(a=b"failure\n")
    words = ("--limit", "2", "--retries", "3", "-g", "-n", "+1", "-c", stage.calculator())
    run = stage.run(*words, feed=b"a\nb\nc\n")
    assert sorted(stage.tasks) == [b"a"] * 3 + [b"b"]
    assert run.status == 1


# Values


NUMBERS = ("1", "007", "999999999")
BAD_NUMBERS = ("", "0", "-1", "+1", "x", "1x", " 1", "1 ", "1.5", "1000000000", "0x1", "1%", "\xb2")


def options_of(*names: str) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.extension(name), id=name[2:]) for name in names]


@requirement("ACC-090")
@pytest.mark.parametrize("option", options_of("--retries", "--crash-limit", "--limit"))
@pytest.mark.parametrize("value", NUMBERS)
def test_good_numbers(stage: Stage, option: str, value: str) -> None:
    stage.reply_with_results()
    run = stage.run("-z", option, value, "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("ACC-090")
@pytest.mark.parametrize("option", options_of("--retries", "--crash-limit", "--limit"))
@pytest.mark.parametrize("value", BAD_NUMBERS)
def test_bad_numbers(stage: Stage, option: str, value: str) -> None:
    words = ("-z", "-n", "+1", "-c", CALCULATOR)
    status = 255 if option == "--retries" else 1
    refuse(stage, call(f"{option}={value}", *words), call(f"{option}=1", *words), status)


GOOD_TIMES = ("1.5", "100", ".5", "9.", "9" * 30)
BAD_TIMES = ("", "x", "-1", "+1", "1s", "1,5", ".", "1.2.3", "1e3", "nan", "inf", " 1", "\xb2")


@requirement("ACC-090", "ACC-080")
@delay
@pytest.mark.parametrize("value", [*GOOD_TIMES, "0", "0.0"])
def test_good_delays(stage: Stage, value: str) -> None:
    stage.reply_with_results()
    run = stage.run("--delay", value, "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("ACC-090")
@delay
@pytest.mark.parametrize("value", [*BAD_TIMES, "1%"])
def test_bad_delays(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(f"--delay={value}", *words), call("--delay=1", *words))


@requirement("ACC-090")
@timeout
@pytest.mark.parametrize("value", ["100", "99.5", "90.", "9" * 30, "1%", "999999999%"])
def test_good_time_limits(stage: Stage, value: str) -> None:
    stage.reply_with_results()
    run = stage.run("--timeout", value, "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("ACC-090", "ACC-024")
@timeout
@pytest.mark.parametrize(
    "value", [*BAD_TIMES, "0", "0.00", "0%", "%", "1.5%", "1000000000%", "-1%", "1%%"]
)
def test_bad_time_limits(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(f"--timeout={value}", *words), call(f"--timeout={LONG}", *words), 255)


@requirement("ACC-090")
@halt
@pytest.mark.parametrize(
    "value",
    ["soon,fail=999999999", "now,success=9", "soon,done=007", "now,fail=100%", "soon,done=9%"],
)
def test_good_halts(stage: Stage, value: str) -> None:
    stage.reply_with_results()
    run = stage.run("--halt", value, "-n", "+1", "-c", stage.calculator(), feed=b"a\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("ACC-090", "ACC-024")
@halt
@pytest.mark.parametrize(
    "value",
    [
        *("", "soon", "now", "fail=1", "soon,fail", "soon,fail=", "later,fail=1", "soon,failed=1"),
        *("never,fail=1", "soon,fail=0", "soon,fail=-1", "soon,fail=x", "soon,fail=1.5"),
        *("soon,fail=0%", "soon,fail=101%", "soon,fail=%", "soon, fail=1", "soon,fail=1 "),
        *("soon,fail=1000000000", "soon,fail=1,done=2", "Never"),
    ],
)
def test_bad_halts(stage: Stage, value: str) -> None:
    words = ("-n", "+1", "-c", CALCULATOR)
    refuse(stage, call(f"--halt={value}", *words), call("--halt=never", *words), 255)
