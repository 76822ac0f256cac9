"""Chapter *Death of nodes*, and what distributors and transports expect of each other."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

#: Both modes; a result of a graph's task ends with its status.
MODES = {"flat": (), "graph": ("-g",)}
modes = pytest.mark.parametrize("mode", MODES)

LOSSES = [
    "exit 0",
    "exit 1",
    "exit 127",
    "exit 255",
    "killed",
    "output closed",
    "both closed",
    "output held",
    "input held",
]
losses = pytest.mark.parametrize("how", LOSSES)
#: Those after which nothing is left that has to be ended by signals, which takes its time.
clean_losses = pytest.mark.parametrize("how", ["exit 0", "exit 255", "killed", "output closed"])


def lose(calculator: Calculator, how: str) -> None:
    """Let it end, or look as if it had ended."""
    if how == "killed":
        calculator.die()
    elif how == "output closed":
        calculator.close_stdout()
    elif how == "both closed":
        calculator.close_stdin()
        calculator.close_stdout()
    elif how == "output held":
        calculator.spawn(keep_output=True)
        calculator.exit(0)
    elif how == "input held":
        calculator.spawn(keep_input=True)
        calculator.exit(0)
    else:
        calculator.exit(int(how.removeprefix("exit ")))


def begin(stage: Stage, nodes: str, *options: str, flags: tuple[str, ...] = ()) -> Distributor:
    """Start a distributor whose nodes have names: the calculator is in the transport."""
    transport = stage.calculator(*flags)
    return stage.start("-n", nodes, "-t", transport, "-c", "exit 1", *options)


def node(calculator: Calculator) -> bytes:
    return calculator.words[0]


def answer(calculator: Calculator, mode: str, *lines: bytes) -> None:
    calculator.answer(*lines, *([b"success"] if mode == "graph" else []))


def answered(mode: str, *lines: bytes) -> bytes:
    """Return the distributor's output for such an answer."""
    return b"".join(line + b"\n" for line in (*lines, *([b"success"] if mode == "graph" else [])))


def holder_among(stage: Stage, calculators: list[Calculator], task: bytes) -> Calculator:
    """Wait until one of these has received the task; which one."""
    what = f"task {task!r} to reach a node that lives"
    stage.wait(what, lambda: any(task in fake.tasks for fake in calculators))
    return next(fake for fake in calculators if task in fake.tasks)


def others(calculators: list[Calculator], one: Calculator) -> list[Calculator]:
    return [calculator for calculator in calculators if calculator is not one]


# Death and reassignment


@requirement("DTH-001", "DTH-002", "DTH-010", "DTH-020", "DTH-024", "DSP-004", "END-013")
@modes
@losses
def test_a_node_dies_at_work(stage: Stage, how: str, mode: str) -> None:
    """The other one is idle, and the input has ended."""
    run = begin(stage, "alpha beta", "-z", *MODES[mode])
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(b"begun\n")
    lose(lost, how)
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    answer(other, mode, b"result")
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == b"begun\nfatal\n" + answered(mode, b"result")
    assert run.diagnostics == b""


@requirement("DTH-002", "DTH-001", "DTH-010")
@modes
@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV],
    ids=lambda number: number.name,
)
def test_a_node_is_ended_by_a_signal(stage: Stage, number: signal.Signals, mode: str) -> None:
    """Somebody interrupts it, and nobody the distributor."""
    run = begin(stage, "alpha beta", "-z", *MODES[mode])
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.signal(number)
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    answer(other, mode, b"result")
    assert run.wait() == 0
    assert run.stdout == b"fatal\n" + answered(mode, b"result")


@requirement("DTH-003", "DTH-010", "END-006")
def test_the_process_counts(stage: Stage) -> None:
    """A process in the background holds the output, while the input is still open."""
    run = begin(stage, "alpha beta", "-z", "-l")
    run.feed(b"a\n")
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(b"begun\n")
    lose(lost, "output held")
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    other.answer(b"result")
    assert run.finish() == 0
    assert run.stdout == b"1 begun\n1 fatal\n1 result\n"
    assert not stage.left_running(), "processes were left running"


@requirement("DTH-010", "EOT-012", "END-014")
@modes
@pytest.mark.parametrize(
    "written",
    [b"", b"half", b"whole\n", b"whole\nhalf", b"whole\nEN", b"whole\nEND"],
    ids=["nothing", "half a line", "a line", "line and half", "half an EOT", "unterminated EOT"],
)
def test_before_and_within_the_eot(stage: Stage, written: bytes, mode: str) -> None:
    run = begin(stage, "alpha beta", "-z", "-mt=END", *MODES[mode])
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(written)
    lost.exit(0)
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    other.write(answered(mode, b"result") + b"END\n")
    assert run.wait() == 0
    whole = b"whole\n" if b"\n" in written else b""
    assert run.stdout == whole + b"fatal\n" + answered(mode, b"result")


@requirement("DTH-013", "DTH-010")
@modes
@clean_losses
def test_right_after_the_eot(stage: Stage, how: str, mode: str) -> None:
    """The next task may or may not be sent to it; the one that it finished is done."""
    run = begin(stage, "alpha beta", "-z", "-l", *MODES[mode])
    run.feed(b"a\nb\nc\n" + (b"weight: a 2\nweight: b 2\n" if mode == "graph" else b""))
    run.close_stdin()
    stage.next_calculators(2)
    first, second = stage.holder(b"a"), stage.holder(b"b")
    answer(first, mode, b"of a")
    lose(first, how)
    if "closed" not in how:
        first.wait_gone()
    else:
        # It may be given c. If b were answered now, either could, whatever the program does.
        stage.happens(lambda: b"c" in first.tasks, stage.grace)
    answer(second, mode, b"of b")
    stage.wait("task c to reach the node that lives", lambda: b"c" in second.tasks)
    answer(second, mode, b"of c")
    assert run.wait(3 * stage.bound) == 0
    assert stage.tasks.count(b"a") == 1
    lines = run.stdout.splitlines()
    while b"3 fatal" in lines:
        lines.remove(b"3 fatal")
    assert sorted(lines) == sorted(
        b"%d %s" % (number, line)
        for number, task in enumerate((b"a", b"b", b"c"), 1)
        for line in answered(mode, b"of " + task).splitlines()
    )


@requirement("DTH-013", "DTH-032", "TRN-003")
@modes
@clean_losses
def test_the_last_node_dies_after_the_last_result(stage: Stage, how: str, mode: str) -> None:
    run = begin(stage, "alpha", "-z", *MODES[mode])
    run.feed(b"a\n")
    run.close_stdin()
    calculator = stage.next_calculator()
    calculator.next_task()
    answer(calculator, mode, b"result" * 5000)
    lose(calculator, how)
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == answered(mode, b"result" * 5000)
    assert run.diagnostics == b""


@requirement("DTH-001", "DTH-002", "DTH-010")
@modes
@pytest.mark.parametrize("status", [0, 1, 127, 255])
def test_a_node_dies_at_its_start(stage: Stage, status: int, mode: str) -> None:
    """One transport fails before it reads anything, another works."""
    picky = stage.script(
        "picky", f'case $1 in beta) exec {stage.calculator()} "$@";; esac; exit {status}'
    )
    stage.reply = lambda task: answered(mode, stage.result(task)) + b"\n"
    nodes = ("-n", "alpha beta gamma", "-t", picky, "-c", ":")
    run = stage.run("-z", "-l", "-mF=", *nodes, *MODES[mode], feed=b"a\nb\nc\n")
    assert sorted(run.stdout.splitlines()) == sorted(
        b"%d %s" % (number, line)
        for number, task in enumerate((b"a", b"b", b"c"), 1)
        for line in answered(mode, stage.result(task)).splitlines()
    )
    assert run.status == 0
    assert {node(fake) for fake in stage.calculators} == {b"beta"}


@requirement("DTH-015", "DTH-001")
@modes
@clean_losses
def test_idle_nodes_die_silently(stage: Stage, how: str, mode: str) -> None:
    run = begin(stage, "alpha beta gamma", "-z", *MODES[mode])
    run.feed(b"a\n")
    if mode == "graph":
        run.close_stdin()
    calculators = stage.next_calculators(3)
    busy = stage.holder(b"a")
    for idle in others(calculators, busy):
        lose(idle, how)
        if "closed" not in how:
            idle.wait_gone()
    answer(busy, mode, b"result")
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == answered(mode, b"result")
    assert run.diagnostics == b""


@requirement("DTH-016")
@clean_losses
def test_idle_deaths_are_noticed(stage: Stage, how: str) -> None:
    """The line that comes out shows that the distributor took in what had happened before."""
    run = begin(stage, "alpha beta gamma", "-z")
    run.feed(b"a\n")
    calculators = stage.next_calculators(3)
    busy = stage.holder(b"a")
    dying, living = others(calculators, busy)
    lose(dying, how)
    if "closed" in how:
        dying.obey()
    else:
        dying.wait_gone()
    for number in (b"1\n", b"1\n2\n"):
        busy.write(number[-2:])
        run.expect_output(number)
    run.feed(b"b\nc\n")
    assert living.next_task() == b"b"
    living.answer()
    assert living.next_task() == b"c"
    living.answer()
    busy.answer()
    assert run.finish() == 0
    assert run.stdout == b"1\n2\n"


@requirement("DTH-010", "DTH-001")
def test_no_task_is_lost_with_an_idle_node(stage: Stage) -> None:
    """Whether its death was noticed or not, the tasks that come then are done by the others."""
    run = begin(stage, "alpha beta gamma", "-z", "-l", "-mF=")
    calculators = stage.next_calculators(3)
    for dying in calculators[:2]:
        dying.die()
        dying.wait_gone()
    run.feed(b"a\nb\n")
    run.close_stdin()
    for _ in range(2):
        calculators[2].answer(b"of " + calculators[2].next_task())
    assert run.wait() == 0
    assert sorted(run.stdout.splitlines()) == [b"1 of a", b"2 of b"]


@requirement("DTH-001", "DTH-010", "DTH-020", "DTH-024")
@modes
def test_mass_death(stage: Stage, mode: str) -> None:
    names = b"abcde"
    run = begin(stage, "1 2 3 4 5", "-z", "-l", *MODES[mode])
    tasks = [b"%c" % name for name in names]
    run.feed(b"".join(task + b"\n" for task in tasks))
    run.close_stdin()
    stage.next_calculators(5)
    holders = [stage.holder(task) for task in tasks]
    for number, dying in enumerate(holders[:4], 1):
        dying.write(b"begun %d\n" % number)
        dying.die()
    living = holders[4]
    for _ in range(5):
        task = living.next_task()
        answer(living, mode, b"done " + task)
    assert run.wait() == 0
    lines = run.stdout.splitlines()
    for number, task in enumerate(tasks, 1):
        prefix = b"%d " % number
        own = [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]
        failed = [] if number == 5 else [b"begun %d" % number, b"fatal"]
        assert own == [*failed, *answered(mode, b"done " + task).splitlines()]


@requirement("DTH-010", "DTH-001")
@modes
def test_a_task_that_kills_all_nodes_but_one(stage: Stage, mode: str) -> None:
    """Each death follows from the reassignment of the one before."""
    run = begin(stage, "1 2 3 4", "-z", *MODES[mode])
    run.feed(b"a\n")
    run.close_stdin()
    calculators = stage.next_calculators(4)
    for _ in range(3):
        dying = holder_among(stage, calculators, b"a")
        dying.exit(3)
        calculators.remove(dying)
    (last,) = calculators
    assert last.next_task() == b"a"
    answer(last, mode, b"result")
    assert run.wait() == 0
    assert run.stdout == b"fatal\n" * 3 + answered(mode, b"result")


@requirement("DTH-011")
@pytest.mark.parametrize("order", ["flat", "graph", "weights"])
def test_reassigned_tasks_go_first(stage: Stage, order: str) -> None:
    """The graph's c, which is ready when b is done, and d do not go before a, which was lost.

    With weights c is heavier than all the others.
    """
    mode = "flat" if order == "flat" else "graph"
    run = begin(stage, "alpha beta", "-zE", *MODES[mode])
    run.feed(b"a\nb\nc\nd\n")
    if order != "flat":
        run.feed(b"b c\nweight: a 3\nweight: b 3\nweight: d 1\n")
        run.feed(b"weight: c %d\n" % (9 if order == "weights" else 2))
    run.close_stdin()
    stage.next_calculators(2)
    lost, other = stage.holder(b"a"), stage.holder(b"b")
    lost.die()
    run.expect_output(b"fatal\n\n")
    assert other.next_task() == b"b"
    for task in (b"a", b"c", b"d"):
        answer(other, mode)
        assert other.next_task() == task
    answer(other, mode)
    assert run.wait() == 0


@requirement("DTH-012")
def test_the_last_failure_goes_first(stage: Stage) -> None:
    run = begin(stage, "alpha beta gamma", "-z", "-lE")
    run.feed(b"a\nb\nc\nd\n")
    run.close_stdin()
    stage.next_calculators(3)
    first, second, living = (stage.holder(task) for task in (b"a", b"b", b"c"))
    first.die()
    run.expect_output(b"1 fatal\n1 \n")
    second.die()
    run.expect_output(b"1 fatal\n1 \n2 fatal\n2 \n")
    assert living.next_task() == b"c"
    for task in (b"b", b"a", b"d"):
        living.answer()
        assert living.next_task() == task
    living.answer()
    assert run.wait() == 0


@requirement("DTH-001", "DTH-010", "TRN-004")
def test_a_node_closes_its_input(stage: Stage) -> None:
    """It finishes what it has; what is sent to it then is reassigned."""
    run = begin(stage, "alpha beta", "-z", "-lE", flags=("linger",))
    run.feed(b"a\nb\n")
    both = stage.next_calculators(2)
    deaf, other = stage.holder(b"a"), stage.holder(b"b")
    deaf.close_stdin()
    deaf.write(b"begun\n")
    deaf.answer(b"of a")
    deaf.sync()
    run.feed(b"c\n")
    run.close_stdin()
    other.answer(b"of b")
    for task in (b"b", b"c"):
        assert other.next_task() == task
    other.answer(b"of c")
    for calculator in both:
        calculator.exit(0)
    assert run.wait(3 * stage.bound) == 0
    lines = run.stdout.splitlines()
    done = {1: [b"begun", b"of a", b""], 2: [b"of b", b""]}
    for number, expected in done.items():
        assert [line for line in lines if line.startswith(b"%d " % number)] == [
            b"%d %s" % (number, line) for line in expected
        ]
    third = [line for line in lines if line.startswith(b"3 ")]
    assert third in ([b"3 of c", b"3 "], [b"3 fatal", b"3 ", b"3 of c", b"3 "])


@requirement("DTH-001", "DTH-010", "LIM-002")
@pytest.mark.lasting(300)
def test_a_node_dies_while_a_long_task_is_sent(stage: Stage) -> None:
    """The task is longer than any pipe; the other node receives all of it."""
    task = (stage.nonce + b"0123456\t") * (1 << 17)
    run = begin(stage, "alpha beta", "-z", "-mF=", flags=("paused",))
    run.feed(task + b"\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    stage.wait("the beginning of a task", lambda: any(fake.input_waits for fake in both))
    dying = next(fake for fake in both if fake.input_waits)
    dying.die()
    (other,) = others(both, dying)
    other.resume()
    assert is_same(other.next_task(stage.volume_bound), task)
    other.answer(b"result")
    assert run.wait() == 0
    assert run.stdout == b"result\n"


@requirement("DTH-004")
@pytest.mark.parametrize("flags", [("linger",), ("linger", "stubborn")], ids=["deaf", "stubborn"])
def test_what_is_left_of_a_dead_node_is_ended(stage: Stage, flags: tuple[str, ...]) -> None:
    """It closed its output and does not end; the run goes on meanwhile."""
    run = begin(stage, "alpha beta", "-z", "-E", flags=flags)
    run.feed(b"a\n")
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.close_stdout()
    lost.wait_eof()
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    other.answer(b"of a")
    lost.wait_gone(3 * stage.bound)
    run.expect_output(b"fatal\n\nof a\n\n")
    run.feed(b"b\n")
    assert other.next_task() == b"b"
    other.answer(b"of b")
    run.close_stdin()
    other.wait_eof()
    other.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"fatal\n\nof a\n\nof b\n\n"


@requirement("END-004", "DTH-004")
def test_who_ends_in_order_has_its_time(stage: Stage) -> None:
    """One node has died; the other one, when its input ends, closes its output and works on."""
    run = begin(stage, "alpha beta", "-z", flags=("linger",))
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.die()
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    before_its_end = time.monotonic()
    other.answer(b"result")
    other.wait_eof()
    other.close_stdout()
    # Who is slow to do wrong passes: to be sure of all five seconds would take them.
    stage.happens(lambda: other.gone, 3.0)
    killed_late = other.gone_at - before_its_end > 4.9
    assert killed_late or not other.gone, "it was killed before 5 seconds"
    other.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"fatal\nresult\n"


# The status of a failed attempt


@requirement("DTH-014", "DTH-010", "GRA-025")
@pytest.mark.parametrize("first", [b"success", b"failure", b"neither"])
def test_the_last_line_of_a_failed_attempt_is_no_status(stage: Stage, first: bytes) -> None:
    run = begin(stage, "alpha beta", "-zg")
    run.feed(b"a b\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(first + b"\n")
    lost.die()
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    assert stage.tasks.count(b"b") == 0
    other.answer(b"success")
    assert other.next_task() == b"b"
    other.answer(b"success")
    assert run.wait() == 0
    assert run.stdout == first + b"\nfatal\nsuccess\nsuccess\n"


@requirement("DTH-014", "GRA-040", "GRA-042")
def test_a_failure_after_a_failed_attempt(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-zg")
    run.feed(b"a b\nb c\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(b"success\n")
    lost.die()
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    other.answer(b"failure")
    assert run.wait() == 0
    assert run.stdout == b"success\nfatal\nfailure\na b c\n"
    assert b"b" not in stage.tasks


@requirement("DTH-014", "GRA-050", "GRA-052")
def test_no_status_after_a_failed_attempt(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-zg")
    run.feed(b"a b\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(b"success\n")
    lost.die()
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    other.answer()
    assert run.wait() == 1
    assert run.stdout == b"success\nfatal\n?\n"
    assert b"b" not in stage.tasks


@requirement("DTH-010", "GRA-025", "GRA-026")
def test_deaths_along_a_chain(stage: Stage) -> None:
    """A node dies at each task but the last, a ladder of nodes and tasks."""
    run = begin(stage, "1 2 3 4", "-zgl")
    run.feed(b"a b\nb c\nc d\n")
    run.close_stdin()
    calculators = stage.next_calculators(4)
    expected = b""
    for number, task in enumerate((b"a", b"b", b"c", b"d"), 1):
        holder = holder_among(stage, calculators, task)
        if number < 4:
            holder.exit(1)
            calculators.remove(holder)
            expected += b"%d fatal\n" % number
            holder = holder_among(stage, calculators, task)
        holder.answer(b"success")
        expected += b"%d success\n" % number
    assert run.wait() == 0
    assert run.stdout == expected


# What is printed


@requirement("DTH-020", "DTH-021", "DTH-022", "DTH-023", "DTH-024", "DTH-025")
@pytest.mark.parametrize("word", [None, "lost it", ""], ids=["default", "other", "none"])
@pytest.mark.parametrize(
    ("mode", "option"),
    [*(("flat", option) for option in ("-e", "-E", "-i", "-I", "-l", "-r")), ("graph", "-rlei")],
)
def test_what_is_printed(stage: Stage, option: str, word: str | None, mode: str) -> None:
    words = () if word is None else (f"-mF={word}",)
    fatal = b"fatal" if word is None else word.encode()
    run = begin(stage, "alpha beta", "-z", option, *words, *MODES[mode])
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(b"begun\n")
    lost.die()
    (other,) = others(both, lost)
    assert other.next_task() == b"a"
    answer(other, mode, b"result")
    assert run.wait() == 0

    expected = b""
    for calculator, lines in (
        (lost, [b"begun", *([fatal] if fatal else [])]),
        (other, answered(mode, b"result").splitlines()),
    ):
        prefix = node(calculator) + b" " if "r" in option else b""
        prefix += b"1 " if "l" in option else b""
        task = [b"a"] if option.lower().endswith("i") else []
        eot = [b""] if "e" in option.lower() else []
        expected += b"".join(prefix + line + b"\n" for line in (*task, *lines, *eot))
    assert run.stdout == expected


@requirement("GRP-013", "DTH-010")
@modes
@pytest.mark.parametrize("dies", ["alpha", "beta"])
@pytest.mark.parametrize(
    "option",
    [
        pytest.param("--group", marks=pytest.mark.extension("--group")),
        pytest.param("--keep-order", marks=pytest.mark.extension("--keep-order")),
    ],
)
def test_nothing_of_a_failed_attempt_in_groups(
    stage: Stage, option: str, dies: str, mode: str
) -> None:
    """Whether other lines wait for those of its task, or the other way round."""
    run = begin(stage, "alpha beta", "-z", option, "-lie", *MODES[mode])
    run.feed(b"a\nb\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost, other = sorted(both, key=lambda calculator: node(calculator) != dies.encode())
    task = lost.next_task()
    lost.write(b"begun\n")
    lost.die()
    first = other.next_task()
    answer(other, mode, b"of " + first)
    assert other.next_task() == task
    answer(other, mode, b"of " + task)
    assert run.wait() == 0
    groups = {
        name: b"".join(
            b"%d %s\n" % (number, line)
            for line in (name, *answered(mode, b"of " + name).splitlines(), b"")
        )
        for number, name in enumerate((b"a", b"b"), 1)
    }
    in_order = [b"a", b"b"] if option == "--keep-order" else [first, task]
    assert run.stdout == b"".join(groups[name] for name in in_order)


@requirement("DTH-022", "EOT-011")
def test_the_eot_line_of_a_failed_attempt_is_the_eot(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-ze", "-mt=END")
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.die()
    (other,) = others(both, lost)
    other.next_task()
    other.write(b"result\nEND\n")
    assert run.wait() == 0
    assert run.stdout == b"fatal\nEND\nresult\nEND\n"


@requirement("DTH-023", "PFX-005")
def test_the_process_of_a_failed_attempt(stage: Stage) -> None:
    run = begin(stage, "alpha beta", "-zpei")
    run.feed(b"a\n")
    run.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(b"begun\n")
    lost.die()
    (other,) = others(both, lost)
    other.next_task()
    other.answer(b"result")
    assert run.wait() == 0
    lines = [line.split(b" ", 1) for line in run.stdout.splitlines()]
    assert [text for _, text in lines] == [b"a", b"begun", b"fatal", b"", b"a", b"result", b""]
    pids = [pid for pid, _ in lines]
    assert pids == [pids[0]] * 4 + [pids[4]] * 3, "one attempt has lines of several processes"
    assert pids[0] != pids[4]


@requirement("OPT-006", "DTH-021")
def test_the_word_for_fatal_alone_changes_nothing(stage: Stage) -> None:
    """Without ``-z`` a death is what it always was."""
    stage.reply_with_results()
    good = stage.run("-n", "+1", "-mF=gone", "-c", stage.calculator(), feed=b"a\n")
    assert good.stdout == stage.result(b"a") + b"\n"
    stage.reply = None
    run = stage.start("-n", "alpha", "-t", stage.calculator(), "-c", ":", "-mF=gone")
    calculator = stage.next_calculators(2)[1]
    run.feed(b"a\nb\n")
    calculator.next_task()
    calculator.exit(0)
    assert run.wait() == 1
    assert b"gone" not in run.stdout
    assert b"alpha" in run.stderr


# All nodes dead


@requirement("DTH-030", "DTH-031", "DTH-020", "DTH-022")
@modes
@pytest.mark.parametrize("nodes", [1, 3])
@pytest.mark.parametrize("how", ["exit 0", "exit 127", "killed", "output closed"])
def test_all_nodes_failed(stage: Stage, how: str, nodes: int, mode: str) -> None:
    """The input is still open in flat mode, and more of it waits."""
    run = begin(stage, " ".join("abc"[:nodes]), "-z", "-e", *MODES[mode])
    run.feed(b"1\n2\n3\n4\n")
    if mode == "graph":
        run.close_stdin()
    calculators = stage.next_calculators(nodes)
    for calculator in calculators:
        calculator.next_task()
    for calculator in calculators:
        lose(calculator, how)
    assert run.wait(3 * stage.bound) == 1
    assert run.stdout == b"fatal\n\n" * nodes
    assert run.diagnostics == b"all nodes failed\n"
    for calculator in calculators:
        calculator.wait_gone()


@requirement("DTH-030", "DTH-031")
@pytest.mark.parametrize("how", ["exit 0", "killed", "output closed", "input closed"])
def test_all_idle_nodes_died_when_a_task_comes(stage: Stage, how: str) -> None:
    run = begin(stage, "alpha beta", "-z")
    both = stage.next_calculators(2)
    for calculator in both:
        if how == "input closed":
            calculator.close_stdin()
            calculator.sync()
        else:
            lose(calculator, how)
        if "closed" not in how:
            calculator.wait_gone()
    run.feed(b"a\n")
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 1
    assert run.diagnostics == b"all nodes failed\n"
    assert run.stdout in (b"", b"fatal\n", b"fatal\nfatal\n")


@requirement("DTH-030")
def test_all_nodes_failed_at_their_start(stage: Stage) -> None:
    """With a transport that is not there, as with one that ends at once."""
    stage.reply_with_results()
    good = stage.run("-zn", "a b", "-t", stage.calculator(), "-c", ":", feed=b"a\n")
    assert good.stdout == stage.result(b"a") + b"\n"
    for transport in (f"{stage.directory}/missing", stage.script("broken", "exit 255")):
        run = stage.run("-zn", "a b", "-t", transport, "-c", ":", "-mF=", feed=b"a\n")
        assert run.status == 1
        assert run.stdout == b""
        assert run.diagnostics.splitlines()[-1] == b"all nodes failed"


@requirement("DTH-032", "DTH-015")
@modes
@pytest.mark.parametrize("how", ["exit 0", "exit 1", "killed", "output closed"])
def test_all_nodes_dead_but_not_needed(stage: Stage, how: str, mode: str) -> None:
    """They die between the last EOT and the end of the input, or when it has just come."""
    run = begin(stage, "alpha beta", "-z", *MODES[mode])
    run.feed(b"a\nb\n")
    if mode == "graph":
        run.close_stdin()
    both = stage.next_calculators(2)
    for calculator in both:
        calculator.next_task()
    for calculator in both:
        answer(calculator, mode, b"result")
        lose(calculator, how)
        if "closed" not in how:
            calculator.wait_gone()
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 0
    assert run.stdout == answered(mode, b"result") * 2
    assert run.diagnostics == b""


# What a transport can expect


@requirement("TRN-001")
@pytest.mark.parametrize("by_name", [True, False], ids=["transport", "local"])
def test_descriptors_of_other_nodes(stage: Stage, by_name: bool) -> None:
    if by_name:
        run = begin(stage, "a b c")
    else:
        run = stage.start("-n", "+3", "-c", f"exec {stage.calculator()}")
    calculators = stage.next_calculators(3)
    pipes = [calculator.pipes() for calculator in calculators]
    for own in pipes:
        others_have = {link for other in pipes if other is not own for link in other.values()}
        assert not {own[0], own[1]} & others_have, "a process holds a pipe of another node"
    assert run.finish() == 0


@requirement("TRN-002", "LCH-005")
def test_standard_error_does_not_matter(stage: Stage) -> None:
    """Lines that look like tasks and results on standard error, which is then closed."""
    run = begin(stage, "alpha", "-z")
    run.feed(b"a\nb\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.write_stderr(b"\nfatal\nfailure\n\n")
    calculator.answer(b"of a")
    assert calculator.next_task() == b"b"
    calculator.close_stderr()
    # A node that is ended for it would be gone: who is slow to do wrong passes.
    stage.happens(lambda: calculator.gone, stage.grace / 4)
    calculator.answer(b"of b")
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\n"
    assert run.stderr == b"\nfatal\nfailure\n\n"


@requirement("TRN-003")
@pytest.mark.parametrize("options", [(), ("-z",)], ids=["without -z", "with -z"])
def test_output_until_the_end(stage: Stage, options: tuple[str, ...]) -> None:
    """The whole result is in the pipe when its writer ends."""
    run = begin(stage, "alpha", *options)
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    result = (stage.nonce + b" line\n") * 4000
    calculator.write(result + b"\n")
    calculator.exit(9)
    assert run.finish() == 0
    assert is_same(run.stdout, result)


@requirement("TRN-003")
@pytest.mark.parametrize("options", [(), ("-z",)], ids=["without -z", "with -z"])
def test_output_and_end_at_once(stage: Stage, options: tuple[str, ...]) -> None:
    """The distributor sleeps until the transport has ended: it learns of both in one moment."""
    run = begin(stage, "alpha", *options)
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    run.signal(signal.SIGSTOP)
    result = (stage.nonce + b" line\n") * 250  # any pipe takes it
    calculator.write(result + b"\n")
    calculator.exit(9)
    calculator.wait_gone()
    run.signal(signal.SIGCONT)
    assert run.finish() == 0
    assert is_same(run.stdout, result)


@requirement("TRN-004")
def test_input_closed_after_the_task(stage: Stage) -> None:
    run = begin(stage, "alpha", flags=("linger",))
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    calculator.next_task()
    calculator.close_stdin()
    calculator.write(b"first\n")
    calculator.sync()
    calculator.answer(b"second")
    run.close_stdin()
    calculator.sync()
    calculator.exit(0)
    assert run.wait() == 0
    assert run.stdout == b"first\nsecond\n"


@requirement("END-051", "END-050")
@pytest.mark.parametrize("orphan", [False, True], ids=["child", "orphan"])
@pytest.mark.parametrize("options", [("-z",), ("-Z", "1")], ids=" ".join)
def test_what_a_dead_node_left_in_another_group(
    stage: Stage, options: tuple[str, ...], orphan: bool
) -> None:
    """It is ended while the run goes on, and what another node has started is not."""
    run = stage.start(*options, "-n", "+2", "-c", stage.calculator())
    calculators = stage.next_calculators(2)
    run.feed(b"a\nb\n")
    dying, other = stage.holder(b"a"), stage.holder(b"b")
    left = {fake: fake.spawn(leave="group", orphan=orphan) for fake in calculators}
    dying.die()
    last = other if options == ("-z",) else stage.next_calculator()
    stage.await_ends({left[dying]}, stage.bound)
    assert left[dying] not in stage.leftovers(), "it was left running"
    assert run.status is None
    # What is killed wrongly needs a moment to go: to be late with it passes.
    stage.await_ends({left[other]}, stage.grace)
    assert left[other] in stage.leftovers(), "what the other node has started was ended"
    other.answer(b"of b")
    stage.wait("the task of the dead node to reach another", lambda: b"a" in last.tasks)
    last.answer(b"of a")
    assert run.finish(3 * stage.bound) == 0
    assert not stage.left_running(), "processes were left running"
