"""Decisions before a simulated run begins, all of them drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass

from paexec_trio.core.accounting import NO_ACCOUNTING, Accounting, Halt, Summing, Why
from paexec_trio.core.events import (
    Event,
    FinishRequested,
    HoldingFailed,
    NodeAdded,
    OutputClosed,
    OutputFailed,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.framing import NEWLINE, NUL
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    AUTO,
    GRACES,
    MAGIC_EOT,
    Graces,
    GraphSettings,
    Reassign,
    Settings,
    StderrMode,
)
from paexec_trio.core.silence import NO_SILENCE, Silence
from paexec_trio.core.weights import Weighting
from tests.simulation.dice import Dice

HASTY = Graces(stop=0.01, term=0.02, kill=0.01, drain=0.02)
"""So short that deadlines pass before what they wait for happens."""


_TAGS = (None, None, None, None, b"", b"{}", b"<{}> {}")
"""The tags of scenarios. No dice draw them, so the run of a seed stays the same in all else."""


_SILENCES = {
    2: Silence(stuck=1.0),
    3: Silence(stuck=2.0),
    4: Silence(stuck=1.5, heartbeat=1.0),
    5: Silence(greeting=True),
    6: Silence(heartbeat=0.5),
}
"""How long nodes may be silent, so long that those that work are not stuck."""

_MODES = {0: StderrMode.GROUP, 1: StderrMode.TAG}
"""How standard error is printed, by the number of tasks; for the same reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """The run and its world. Times are in virtual seconds, chances between 0 and 1.

    Attributes:
        settings: those of the engine.
        exec_mode: that of the engine.
        input: the octets on standard input; its tasks are distinct.
        input_chunk: octets that are read at once, at most.
        input_pause: time between two chunks of input, at most.
        transit: time that octets take from one side of a transport to the other, at most.
        work: time that a calculator takes for a task, at most.
        cuts: chance that octets on their way are cut into pieces.
        missing: chance that a task ends without a status.
        failure: chance that a task fails.
        idle_repetition: chance that a task that is repeated has an empty result.
        stray: chance that a calculator writes something after its EOT, until all is healed.
        last_words: chance that it writes something when its input has ended.
        greeting: chance that a process writes something after its start, until all is healed.
        breaks: chance that something befalls a process.
        tasks_before_break: the number of tasks after which it does, at most.
        refusal: chance that a process cannot be started.
        absent: whether no process can be started, and no other attempt will change that.
        loss: chance that what is on its way when a process ends is lost.
        stubborn: chance that a process does not care for the end of its input, or for SIGTERM.
        untouchable: chance that a process may not be signalled.
        reader_pause: time that the reader of standard output sleeps, at most; 0: it never does.
        heal_at: when everything is healed.
        disturbances: events that come from outside, and when.
        input_failure: standard input fails, at the latest instead of ending.
        fast_path: whether the world offers what calculators write to the fast path first.
        lateness: time by which a deadline is late, at most, as on a machine that has much to do.
    """

    settings: Settings
    exec_mode: ExecMode | None
    input: bytes
    input_chunk: int
    input_pause: float
    transit: float
    work: float
    cuts: float
    missing: float
    failure: float
    idle_repetition: float
    stray: float
    last_words: float
    greeting: float
    breaks: float
    tasks_before_break: int
    refusal: float
    absent: bool
    loss: float
    stubborn: float
    untouchable: float
    reader_pause: float
    heal_at: float
    disturbances: tuple[tuple[float, Event], ...]
    input_failure: StdinFailed | None
    fast_path: bool
    lateness: float


def draw(dice: Dice, most_tasks: int) -> Scenario:
    """Draw a scenario.

    Args:
        dice: the run goes on with them.
        most_tasks: how many tasks there are at most.
    """
    exec_mode = None
    if dice.happens(0.15):
        exec_mode = ExecMode(command=b'command "$1"', discard_output=dice.happens(0.3))
    terminator = NUL if dice.happens(0.15) else NEWLINE
    graph = _graph_settings(dice) if dice.happens(0.4) else None
    on_death = _resistance(dice)
    settings = Settings(
        nodes=_node_names(dice),
        eot=MAGIC_EOT if exec_mode else dice.pick((b"", b"", b"EOT", b"e", b"\r", MAGIC_EOT)),
        terminator=terminator,
        show_node=dice.happens(0.4),
        show_task_id=dice.happens(0.5),
        show_pid=dice.happens(0.3),
        print_eot=dice.happens(0.5),
        print_task=dice.happens(0.4),
        grouping=dice.pick(
            (Grouping.NONE, Grouping.NONE, Grouping.NONE, Grouping.GROUP, Grouping.KEEP_ORDER)
        ),
        prefetch=dice.pick((1, 1, 1, 2, 3, 10, AUTO, AUTO)),
        graph=graph,
        on_death=on_death,
        finish_timeout=dice.pick((0.0, 6.0, 6.0, 20.0)),
        graces=dice.pick((GRACES, GRACES, GRACES, HASTY)),
        accounting=_accounting(dice, on_death),
    )
    names = _task_names(dice, settings, exec_mode, most_tasks)
    settings = settings._replace(
        tag=_TAGS[len(names) % len(_TAGS)],
        stderr=_MODES.get(len(names) % 8, StderrMode.MIXED),
        results=b"results" if len(names) % 8 in {1, 2} else b"",
        silence=_SILENCES.get(len(names) % 8, NO_SILENCE),
    )
    stormy = dice.happens(0.9 if on_death else 0.4)
    # Without restarts the nodes have to last longer.
    restarts = on_death is not None and on_death.restart_after > 0
    disturbed = dice.happens(0.25)
    requested: tuple[tuple[float, Event], ...] = ()
    if len(names) % 7 == 3:  # not by the dice, which other runs would throw otherwise, too
        requested = ((len(names) / 500, FinishRequested()),)
    return Scenario(
        settings=settings,
        exec_mode=exec_mode,
        input=_input(dice, settings, names),
        input_chunk=dice.pick((60, 7, 1) if len(names) < 60 else (1 << 12, 500, 60)),
        input_pause=dice.pick((0.0, 0.01, 0.5)),
        transit=dice.pick((0.0, 0.001, 0.05)),
        work=dice.pick((0.0, 0.01, 0.1, 0.5)),
        cuts=dice.pick((0.0, 0.1, 0.1, 0.6)),
        missing=dice.pick((0.0, 0.0, 0.02, 0.3)),
        failure=dice.pick((0.0, 0.01, 0.01, 0.1)),
        idle_repetition=dice.pick((0.0, 0.5)),
        # What is written after an EOT belongs to the next task that the node holds (PRE-020).
        stray=dice.pick((0.0, 0.0, 0.0, 0.02)) if settings.prefetch == 1 else 0.0,
        last_words=dice.pick((0.0, 0.0, 0.3)),
        greeting=dice.pick((0.0, 0.0, 0.0, 0.0, 0.1 if on_death else 0.03)),
        breaks=dice.pick((0.5, 0.8, 1.0) if restarts else (0.3, 0.6)) if stormy else 0.0,
        tasks_before_break=dice.pick((3, 10, 30) if restarts else (10, 50, 100)),
        refusal=dice.pick((0.0, 0.1, 0.3) if on_death else (0.0, 0.05)) if stormy else 0.0,
        absent=dice.happens(0.03),
        loss=dice.pick((0.0, 0.5)),
        # Without a timeout those that do not end by themselves are waited for.
        stubborn=dice.pick((0.0, 0.0, 0.1, 0.5)) * bool(settings.finish_timeout),
        untouchable=dice.pick((0.0, 0.0, 0.0, 0.3)),
        reader_pause=dice.pick((0.0, 0.0, 0.05, 1.0)),
        heal_at=dice.pick((1.0, 10.0, 30.0)),
        disturbances=(
            requested + (_disturbances(dice, settings) if disturbed else ()) + _joins(len(names))
        ),
        input_failure=StdinFailed(b"reason") if disturbed and dice.happens(0.4) else None,
        fast_path=dice.happens(0.5),
        # Otherwise many tasks take hours.
        lateness=dice.pick((0.0, 0.0, 0.0, 0.3, 3.0)) * (not settings.accounting.delay),
    )


def _node_names(dice: Dice) -> tuple[bytes, ...]:
    count = dice.pick((1, 2, 2, 3, 4, 5, 8))
    forms = (b"%d", b"host%d", b"\xff host %d", b"1 %d")
    form = dice.pick(forms)
    return tuple(form % index for index in range(count))


def _resistance(dice: Dice) -> Reassign | None:
    if not dice.happens(0.8):
        return None
    seconds = dice.pick((0.0, 0.01, 0.05, 0.5, 3.0))
    return Reassign(
        fatal=dice.pick((b"fatal", b"fatal", b"", b"it died")),
        restart_after=seconds,
        wait=seconds > 0 and dice.happens(0.7),
    )


def _accounting(dice: Dice, on_death: Reassign | None) -> Accounting:
    """Draw rules for tasks that fail; only a part of the runs has any."""
    if not dice.happens(0.35):
        return NO_ACCOUNTING
    why = dice.pick(tuple(Why))
    percent = dice.pick((0, 0, 1, 30, 100))
    halt = Halt(
        why,
        number=0 if percent else dice.pick((1, 2, 5, 40)),
        percent=percent,
        now=dice.happens(0.5),
    )
    timeout_percent = dice.pick((0, 0, 0, 0, 0, 100, 300, 1000))
    return Accounting(
        retries=dice.pick((0, 0, 1, 2, 3, 9)),
        crash_limit=dice.pick((0, 0, 1, 2, 4)) if on_death else 0,
        timeout=dice.pick((0.0, 0.0, 0.0, 0.3, 2.0)) * (not timeout_percent),
        timeout_percent=timeout_percent,
        halt=halt if dice.happens(0.3) else None,
        delay=dice.pick((0.0, 0.0, 0.0, 0.0, 0.01, 0.2)),
        limit=dice.pick((0, 0, 0, 0, 1, 5, 40)),
        status_of_tasks=dice.happens(0.6),
        summing=dice.pick((Summing.NEVER, Summing.FAILURES, Summing.ALWAYS)),
        fatal=dice.pick((b"fatal", b"", b"given up")),
    )


def _graph_settings(dice: Dice) -> GraphSettings:
    success, failure = dice.pick(((b"success", b"failure"), (b"ok", b"not ok")))
    return GraphSettings(
        delimiter=dice.pick((b" ", b" ", b" ", b",", b"")),
        success=success,
        failure=failure,
        weighting=dice.pick(tuple(Weighting)),
    )


def _task_names(
    dice: Dice, settings: Settings, exec_mode: ExecMode | None, most: int
) -> list[bytes]:
    """Draw distinct tasks."""
    size = dice.share()
    if size < 0.05:
        count = dice.below(4)
    elif size < 0.25:
        count = 4 + dice.below(56)
    elif size < 0.7 or settings.graph:
        count = 60 + dice.below(240)
    else:
        count = 300 + dice.below(500)
    delimiter = settings.graph.delimiter if settings.graph else b""
    decorations = [b"", b"task", b"\xff", b"\t", b"'", b"\\", b"$", settings.eot, b"fatal", b"\r"]
    if not delimiter:
        decorations.append(b" ")
    if exec_mode and settings.terminator == NUL:
        decorations.append(b"\n")
    if not exec_mode and settings.terminator == NEWLINE:
        decorations.append(b"\0")
    usable = [d for d in decorations if not delimiter or delimiter not in d]
    if not dice.happens(0.8):  # no draw for each: so Hypothesis can take some away
        usable = [b""]
    names = [
        b"%b%d" % (dice.pick(usable) if len(usable) > 1 else b"", index)
        for index in range(min(count, most))
    ]
    if dice.happens(0.2) and names:
        names[-1] = b""
    forbidden = NUL if exec_mode else NEWLINE
    if dice.happens(0.2) and names and forbidden != settings.terminator:
        names[dice.below(len(names))] += forbidden + b"refused"
    return names


def _input(dice: Dice, settings: Settings, names: list[bytes]) -> bytes:
    terminator = settings.terminator
    lines = _graph_lines(dice, settings.graph, names) if settings.graph else names
    octets = b"".join(line + terminator for line in lines)
    # An unterminated last task counts too, unless it is empty (FRM-004).
    if lines and lines[-1] and not lines[-1].endswith(NEWLINE) and dice.happens(0.2):
        octets = octets.removesuffix(terminator)
    return octets


def _graph_lines(dice: Dice, graph: GraphSettings, names: list[bytes]) -> list[bytes]:
    lines = list(names)
    delimiter = graph.delimiter
    if not delimiter:
        return lines
    # Edges lead from lower to higher numbers; the lines, and with them the ids, are shuffled.
    shape = dice.pick(("sparse", "tree", "chain", "dense"))
    for after in range(1, len(names)):
        if shape == "chain":
            sources = [after - 1]
        elif shape == "tree":
            sources = [after // 2]
        else:
            count = dice.below(2 if shape == "sparse" else 5)
            sources = [dice.below(after) for _ in range(count)]
        lines += [names[before] + delimiter + names[after] for before in sources]
    for name in names:
        if dice.happens(0.1):
            weight = b"%d" % (dice.below(23) - 3)
            lines.append(delimiter.join([graph.weight_word, name, weight]))
    if dice.happens(0.8):
        dice.shuffle(lines)
    return lines


def _joins(tasks: int) -> tuple[tuple[float, Event], ...]:
    """Return that nodes join, in a part of the runs. No dice choose them: seeds keep their runs."""
    if tasks % 8 not in {3, 5}:
        return ()
    times = (0.0, 0.01, 0.2, 1.5)[: 1 + tasks % 4]
    return tuple((time, NodeAdded(b"new %d" % index)) for index, time in enumerate(times))


def _disturbances(dice: Dice, settings: Settings) -> tuple[tuple[float, Event], ...]:
    events: tuple[Event, ...] = (
        StopRequested(2),
        StopRequested(15),
        OutputClosed(),
        OutputFailed(b"reason"),
    )
    if settings.grouping is not Grouping.NONE:
        events += (HoldingFailed(b"reason"), HoldingFailed(b"reason"))
    time = dice.share() * dice.pick((0.02, 0.2, 1.0, 10.0))
    disturbances = [(time, dice.pick(events))]
    while len(disturbances) < 3 and dice.happens(0.5):  # a run that ends may be disturbed too
        time += dice.pick((0.0, 0.0, 0.01, 0.1, 3.0))
        disturbances.append((time, dice.pick((*events, StopRequested(2), StopRequested(2)))))
    return tuple(disturbances)
