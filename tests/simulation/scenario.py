"""Decisions before a simulated run begins, all of them drawn from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TypeVar

from paexec_trio.core.events import (
    Event,
    OutputClosed,
    OutputFailed,
    StdinFailed,
    StopRequested,
)
from paexec_trio.core.framing import NEWLINE, NUL
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import (
    AUTO,
    MAGIC_EOT,
    ExecSettings,
    GraphSettings,
    Reassign,
    Settings,
)
from paexec_trio.core.weights import Weighting

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """The run and its world. Times are in virtual seconds, chances between 0 and 1.

    Attributes:
        seed: everything follows from it.
        settings: those of the engine.
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
        greeting: chance that a process writes something after its start, until all is healed.
        breaks: chance that something befalls a process.
        tasks_before_break: the number of tasks after which it does, at most.
        refusal: chance that a process cannot be started.
        loss: chance that what is on its way when a process ends is lost.
        stubborn: chance that a process does not care for the end of its input, or for SIGTERM.
        untouchable: chance that a process may not be signalled.
        reader_pause: time that the reader of standard output sleeps, at most; 0: it never does.
        heal_at: when everything is healed.
        disturbances: events that come from outside, and when.
        input_failure: standard input fails instead of ending.
    """

    seed: int
    settings: Settings
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
    greeting: float
    breaks: float
    tasks_before_break: int
    refusal: float
    loss: float
    stubborn: float
    untouchable: float
    reader_pause: float
    heal_at: float
    disturbances: tuple[tuple[float, Event], ...]
    input_failure: StdinFailed | None


def draw(dice: Random, seed: int) -> Scenario:
    """Draw a scenario.

    Args:
        dice: seeded with the seed; the run goes on with them.
        seed: for the record.
    """
    exec_mode = None
    if dice.random() < 0.15:
        exec_mode = ExecSettings(command=b'command "$1"', discard_output=dice.random() < 0.3)
    terminator = NUL if dice.random() < 0.15 else NEWLINE
    graph = _graph_settings(dice) if dice.random() < 0.4 else None
    on_death = _resistance(dice)
    settings = Settings(
        nodes=_node_names(dice),
        eot=MAGIC_EOT if exec_mode else _pick(dice, (b"", b"", b"EOT", b"e", b"\r", MAGIC_EOT)),
        terminator=terminator,
        show_node=dice.random() < 0.4,
        show_task_id=dice.random() < 0.5,
        show_pid=dice.random() < 0.3,
        print_eot=dice.random() < 0.5,
        print_task=dice.random() < 0.4,
        grouping=_pick(
            dice, (Grouping.NONE, Grouping.NONE, Grouping.NONE, Grouping.GROUP, Grouping.KEEP_ORDER)
        ),
        prefetch=_pick(dice, (1, 1, 1, 2, 3, 10, AUTO, AUTO)),
        graph=graph,
        on_death=on_death,
        exec_mode=exec_mode,
        finish_timeout=(6.0, 0.0, 20.0, 6.0)[seed % 4],
    )
    names = _task_names(dice, settings)
    stormy = dice.random() < (0.9 if on_death else 0.4)
    # Without restarts the nodes have to last longer.
    restarts = on_death is not None and on_death.restart_after > 0
    disturbed = dice.random() < 0.15
    return Scenario(
        seed=seed,
        settings=settings,
        input=_input(dice, settings, names),
        input_chunk=_pick(dice, (1, 7, 60) if len(names) < 60 else (60, 500, 1 << 12)),
        input_pause=_pick(dice, (0.0, 0.01, 0.5)),
        transit=_pick(dice, (0.0, 0.001, 0.05)),
        work=_pick(dice, (0.0, 0.01, 0.1, 0.5)),
        cuts=_pick(dice, (0.0, 0.1, 0.1, 0.6)),
        missing=_pick(dice, (0.0, 0.0, 0.02, 0.3)),
        failure=_pick(dice, (0.0, 0.01, 0.01, 0.1)),
        idle_repetition=_pick(dice, (0.0, 0.5)),
        # What is written after an EOT belongs to the next task that the node holds (PRE-020).
        stray=_pick(dice, (0.0, 0.0, 0.0, 0.02)) if settings.prefetch == 1 else 0.0,
        greeting=_pick(dice, (0.0, 0.0, 0.0, 0.0, 0.1 if on_death else 0.03)),
        breaks=_pick(dice, (0.5, 0.8, 1.0) if restarts else (0.3, 0.6)) if stormy else 0.0,
        tasks_before_break=_pick(dice, (3, 10, 30) if restarts else (10, 50, 100)),
        refusal=_pick(dice, (0.0, 0.1, 0.3) if on_death else (0.0, 0.05)) if stormy else 0.0,
        loss=_pick(dice, (0.0, 0.5)),
        # Without a timeout those that do not end by themselves are waited for.
        stubborn=_pick(dice, (0.0, 0.0, 0.1, 0.5)) * bool(settings.finish_timeout),
        untouchable=_pick(dice, (0.0, 0.0, 0.0, 0.3)),
        reader_pause=_pick(dice, (0.0, 0.0, 0.05, 1.0)),
        heal_at=_pick(dice, (1.0, 10.0, 30.0)),
        disturbances=_disturbances(dice) if disturbed else (),
        input_failure=StdinFailed(b"reason") if disturbed and dice.random() < 0.2 else None,
    )


def _pick(dice: Random, values: tuple[T, ...]) -> T:
    return values[dice.randrange(len(values))]


def _node_names(dice: Random) -> tuple[bytes, ...]:
    count = _pick(dice, (1, 2, 2, 3, 4, 5, 8))
    forms = (b"%d", b"host%d", b"\xff host %d", b"1 %d")
    form = _pick(dice, forms)
    return tuple(form % index for index in range(count))


def _resistance(dice: Random) -> Reassign | None:
    if dice.random() < 0.2:
        return None
    seconds = _pick(dice, (0.0, 0.01, 0.05, 0.5, 3.0))
    return Reassign(
        fatal=_pick(dice, (b"fatal", b"fatal", b"", b"it died")),
        restart_after=seconds,
        wait=seconds > 0 and dice.random() < 0.7,
    )


def _graph_settings(dice: Random) -> GraphSettings:
    success, failure = _pick(dice, ((b"success", b"failure"), (b"ok", b"not ok")))
    return GraphSettings(
        delimiter=_pick(dice, (b" ", b" ", b" ", b",", b"")),
        success=success,
        failure=failure,
        weighting=_pick(dice, tuple(Weighting)),
    )


def _task_names(dice: Random, settings: Settings) -> list[bytes]:
    """Draw distinct tasks."""
    size = dice.random()
    if size < 0.05:
        count = dice.randrange(4)
    elif size < 0.25:
        count = dice.randrange(4, 60)
    elif size < 0.7 or settings.graph:
        count = dice.randrange(60, 300)
    else:
        count = dice.randrange(300, 800)
    delimiter = settings.graph.delimiter if settings.graph else b""
    decorations = [b"", b"task", b"\xff", b"\t", b"'", b"\\", b"$", settings.eot, b"fatal", b"\r"]
    if not delimiter:
        decorations.append(b" ")
    if settings.exec_mode and settings.terminator == NUL:
        decorations.append(b"\n")
    if not settings.exec_mode and settings.terminator == NEWLINE:
        decorations.append(b"\0")
    usable = [d for d in decorations if not delimiter or delimiter not in d]
    names = [b"%b%d" % (usable[dice.randrange(len(usable))], index) for index in range(count)]
    if names and dice.random() < 0.2:
        names[-1] = b""
    forbidden = NUL if settings.exec_mode else NEWLINE
    if names and forbidden != settings.terminator and dice.random() < 0.2:
        names[dice.randrange(len(names))] += forbidden + b"refused"
    return names


def _input(dice: Random, settings: Settings, names: list[bytes]) -> bytes:
    terminator = settings.terminator
    lines = _graph_lines(dice, settings.graph, names) if settings.graph else names
    octets = b"".join(line + terminator for line in lines)
    # An unterminated last task counts too, unless it is empty (FRM-004).
    if lines and lines[-1] and not lines[-1].endswith(NEWLINE) and dice.random() < 0.2:
        octets = octets.removesuffix(terminator)
    return octets


def _graph_lines(dice: Random, graph: GraphSettings, names: list[bytes]) -> list[bytes]:
    lines = list(names)
    delimiter = graph.delimiter
    if not delimiter:
        return lines
    # Edges lead from lower to higher numbers; the lines, and with them the ids, are shuffled.
    shape = _pick(dice, ("chain", "sparse", "dense", "tree"))
    for after in range(1, len(names)):
        if shape == "chain":
            sources = [after - 1]
        elif shape == "tree":
            sources = [after // 2]
        else:
            count = dice.randrange(2 if shape == "sparse" else 5)
            sources = [dice.randrange(after) for _ in range(count)]
        lines += [names[before] + delimiter + names[after] for before in sources]
    for name in names:
        if dice.random() < 0.1:
            weight = b"%d" % dice.randrange(-3, 20)
            lines.append(delimiter.join([graph.weight_word, name, weight]))
    if dice.random() < 0.8:
        dice.shuffle(lines)
    return lines


def _disturbances(dice: Random) -> tuple[tuple[float, Event], ...]:
    events: tuple[Event, ...] = (
        StopRequested(2),
        StopRequested(15),
        OutputClosed(),
        OutputFailed(b"reason"),
    )
    event = _pick(dice, events)
    first = dice.random() * _pick(dice, (0.02, 1.0, 10.0))
    if dice.random() < 0.5:
        return (first, event), (first + _pick(dice, (0.0, 0.1, 3.0)), StopRequested(2))
    return ((first, event),)
