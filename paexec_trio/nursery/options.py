"""The arguments of the API: checked where they are given, and turned into settings."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Required, TypedDict, final

from paexec_trio.core.accounting import Accounting, Halt
from paexec_trio.core.calculators import Calculator, CommandPerTask
from paexec_trio.core.framing import LINE_LIMIT, NEWLINE, NUL
from paexec_trio.core.launch import Launch
from paexec_trio.core.settings import AUTO, GRACES, Graces, GraphSettings, Reassign, Settings
from paexec_trio.core.silence import Silence
from paexec_trio.core.words import UnbalancedError, split_words
from paexec_trio.nursery.rules import (
    STDERR,
    JobLog,
    check_seconds,
    halt_of,
    log_of,
    number_of,
    optional_number,
    stderr_of,
    time_limit,
)
from paexec_trio.nursery.texts import Text, argument_of, name_of, octets_of

if TYPE_CHECKING:
    from paexec_trio.core.facts import FactStream
    from paexec_trio.nursery.session import SessionMaker


class Options(TypedDict, total=False):
    """The arguments of a run; all but ``nodes`` and ``command`` have defaults.

    They are checked before anything is started. A bad argument raises :exc:`TypeError` or
    :exc:`ValueError`, and the message names it.
    """

    nodes: Required[int | Iterable[Text]]
    """The number of nodes on this machine, or the names of the nodes.
    :func:`~paexec_trio.node_names` makes names of counts and nodesets."""

    command: Required[Text | Sequence[Text] | Calculator | CommandPerTask | SessionMaker]
    """The calculator. The shell runs a text. A path or a sequence of words is executed without a
    shell. A :class:`~paexec_trio.CommandPerTask` is run once per task, and a
    :class:`~paexec_trio.testing.FakeCalculator` is for tests."""

    transport: Text | Sequence[Text]
    """The program that reaches a node, or its words, as in ``["ssh", "-F", config]``. It is given
    the name of a node and a command line. By default calculators run on this machine."""

    transport_argv: Text | Sequence[Text]
    """The same, with ``%n`` where the name of the node stands (HST-031): ``"ssh -F cfg %n --"``. A
    text is split into words as a shell does. It cannot be given together with ``transport``."""

    node_env: bool
    """Whether calculators find the name of their node in ``PAEXEC_NODE``, and its number from 0 in
    ``PAEXEC_NODEID``. ``False`` by default."""

    shell: Text
    """The shell that runs the command on the node, ``/bin/sh`` by default."""

    eot: Text
    """The end-of-task marker, an empty line by default. If it is given, calculators find it in the
    environment variable ``PAEXEC_EOT``."""

    statuses: bool | tuple[Text, Text]
    """Whether the last line of each result is the status of the task. The line is ``success`` or
    ``failure``, or one of the two that are given. ``False`` by default."""

    prefetch: int | Literal["auto"]
    """How many tasks a node may hold (PRE-010), 1 by default; ``"auto"`` finds the number."""

    on_death: Reassign | None
    """How the run goes on when nodes die. By default the loss of a node ends the run."""

    retries: int
    """How many attempts are made of a task that fails (ACC-060), on different nodes if there are
    several. By default one."""

    crash_limit: int
    """How many nodes may die of a task until it fails (ACC-062). It needs ``on_death``. By default
    any number."""

    timeout: float | str
    """For how many seconds a calculator may work on a task (ACC-050). By default for ever. A task
    that takes longer fails, and its node is started again. ``"300%"`` stands for three times the
    median of the times of all tasks so far (ACC-051)."""

    halt: Halt | str | None
    """When the run begins no further attempt (ACC-070), as in ``"now,fail=1"``: ``now`` or
    ``soon``; ``fail``, ``success`` or ``done``; a number of tasks or a percentage. By default
    never. See :ref:`halts`."""

    limit: int
    """How many tasks are dispatched at most (ACC-081), by default all. See :ref:`halts`."""

    stuck: float | Literal["auto"]
    """For how many seconds a node that holds a task may write nothing (SIL-010). By default any
    time. A node that exceeds it is dead. ``"auto"`` finds the limit during the run."""

    heartbeat: float
    """How many seconds pass between two beats of a node (SIL-020). By default there are none. If a
    node misses three beats, it is dead, whatever its task takes."""

    greeting: bool
    """Whether a node is given no task before its calculator begins (SIL-040). ``heartbeat`` implies
    it."""

    delay: float
    """How many seconds pass at least between two attempts that begin (ACC-080), by default 0."""

    environment: Mapping[str, Text] | Mapping[bytes, Text] | None
    """The environment of transports and calculators, by default that of this process."""

    line_limit: int
    """How many octets a task, or a line of a result, may have (LIM-011), 1 GiB by default."""

    facts: bool
    """Whether :meth:`Distributor.follow <paexec_trio.Distributor.follow>` can be used; ``False`` by
    default. It doubles the processor time of a task. The run keeps all facts until it is used."""

    joblog: Text | JobLog | None
    """The file that has a line for each attempt that has ended, once its result was dealt with.
    With a :class:`~paexec_trio.JobLog` the run can skip the tasks that it has. See
    :ref:`job-logs`."""

    results: Text
    """The directory in which the output of each task is stored, in files of its own (PTK-050). By
    default none is."""

    stderr: int | Literal["mixed", "group", "tag"]
    """The descriptor that calculators and transports write diagnostics to, 2 by default, which is
    also that of ``"mixed"``. With ``"group"`` what they write for a task is in the ``stderr`` of
    its result. With ``"tag"`` each line is logged, behind its node and its task."""

    graces: Graces
    """How long calculators have to end before they are killed, if the run is cancelled."""


@final
class Plan(NamedTuple):
    """The parts of a run.

    Attributes:
        settings: how tasks are framed and dispatched.
        launch: how calculators are started; ``None`` with a session maker.
        maker: makes the session of a test; ``None`` for real processes.
        environment: the environment of transports and calculators.
        stderr: the descriptor of their standard error.
        facts: is told what happens; ``None``: nobody wants to know.
    """

    settings: Settings
    launch: Launch | None
    maker: SessionMaker | None
    environment: list[tuple[bytes, bytes]] | None
    stderr: int
    facts: FactStream | None


_KNOWN = frozenset(Options.__annotations__)


def plan_of(options: Options) -> Plan:
    """Check the arguments of a run.

    Raises:
        TypeError: an argument is missing, unknown, or of a type that cannot be used.
        ValueError: the value of an argument cannot be used.
    """
    for name in options:
        if name not in _KNOWN:
            raise TypeError(f"unexpected argument {name!r}")
    for name in ("nodes", "command"):
        if name not in options:
            raise TypeError(f"missing argument {name!r}")
    eot = octets_of("eot", options.get("eot", b""))
    if NEWLINE in eot:
        raise ValueError(f"eot: {eot!r} contains a newline")
    if NUL in eot:
        raise ValueError(f"eot: {eot!r} contains a NUL")
    stderr, stderr_mode = stderr_of(options.get("stderr", STDERR))
    settings = Settings(
        nodes=_nodes(options["nodes"]),
        eot=eot,
        prefetch=_prefetch(options.get("prefetch", 1)),
        line_limit=number_of("line_limit", options.get("line_limit", LINE_LIMIT)),
        graph=_graph(options.get("statuses", False), eot),
        on_death=_on_death(options.get("on_death")),
        graces=_graces(options.get("graces", GRACES)),
        accounting=_accounting(options),
        silence=_silence(options),
        stderr=stderr_mode,
        results=name_of("results", options["results"]) if "results" in options else b"",
    )
    command = options["command"]
    environment = _environment(options.get("environment"))
    inherited = os.environb if environment is None else dict(environment)
    maker = None if isinstance(command, _COMMANDS) else command
    if maker and (isinstance(maker, type) or not hasattr(maker, "make_session")):
        raise TypeError(f"command: expected a text or a sequence of texts, not {command!r}")
    return Plan(
        settings,
        None if maker else _launch(command, options, eot, inherited),  # type: ignore[arg-type]
        maker,
        environment,
        stderr,
        _facts(options.get("facts", False)),
    )


_COMMANDS = (str, bytes, os.PathLike, Sequence, Calculator, CommandPerTask)


def _arguments(name: str, values: Sequence[Text]) -> tuple[bytes, ...]:
    if not isinstance(values, Sequence):
        raise TypeError(f"{name}: expected a text or a sequence of texts, not {values!r}")
    if not values:
        raise ValueError(f"{name}: the sequence is empty")
    program, *arguments = values
    return (name_of(name, program), *[argument_of(name, value) for value in arguments])


def _facts(value: bool) -> FactStream | None:
    if not isinstance(value, bool):
        raise TypeError(f"facts: expected a bool, not {value!r}")
    if not value:
        return None
    from paexec_trio.core.facts import FactStream  # rarely needed

    return FactStream()


def _nodes(nodes: int | Iterable[Text]) -> tuple[bytes, ...]:
    if isinstance(nodes, int):
        return tuple([b"%d" % index for index in range(number_of("nodes", nodes))])
    if isinstance(nodes, str | bytes | os.PathLike) or not isinstance(nodes, Iterable):
        raise TypeError(f"nodes: expected a number or several names, not {nodes!r}")
    names = tuple([name_of("nodes", node) for node in nodes])
    if not names:
        raise ValueError("nodes: no node is named")
    return names


def _prefetch(prefetch: int | Literal["auto"]) -> int:
    return AUTO if prefetch == "auto" else number_of("prefetch", prefetch)


def _graph(statuses: bool | tuple[Text, Text], eot: bytes) -> GraphSettings | None:
    if isinstance(statuses, bool):
        if not statuses:
            return None
        default = GraphSettings()
        statuses = default.success, default.failure
    if not isinstance(statuses, tuple) or len(statuses) != 2:
        raise TypeError(f"statuses: expected a bool or a pair of lines, not {statuses!r}")
    success, failure = [octets_of("statuses", line) for line in statuses]
    if NEWLINE in success + failure or success == failure:
        raise ValueError(f"statuses: {statuses!r} are not two different lines")
    if eot in (success, failure):
        raise ValueError(f"statuses: the line {eot!r} is the end-of-task marker")
    return GraphSettings(success=success, failure=failure, every_line=True)


def _on_death(on_death: Reassign | None) -> Reassign | None:
    if on_death is None:
        return None
    if not isinstance(on_death, Reassign):
        raise TypeError(f"on_death: expected a Reassign, not {on_death!r}")
    check_seconds("on_death: restart_after", on_death.restart_after)
    if on_death.wait and not on_death.restart_after:
        raise ValueError("on_death: wait=True is useless without restart_after")
    return on_death


def _accounting(options: Options) -> Accounting:
    crash_limit = optional_number("crash_limit", options)
    if crash_limit and not options.get("on_death"):
        raise ValueError("crash_limit: useless without on_death")
    seconds, percent = time_limit(options.get("timeout", 0.0))
    delay = options.get("delay", 0.0)
    check_seconds("delay", delay)
    return Accounting(
        retries=optional_number("retries", options),
        crash_limit=crash_limit,
        timeout=seconds,
        timeout_percent=percent,
        halt=halt_of(options.get("halt")),
        delay=delay,
        limit=optional_number("limit", options),
        log=log_of(options.get("joblog")),
    )


def _silence(options: Options) -> Silence:
    stuck = options.get("stuck", 0.0)
    learns = stuck == "auto"
    if stuck != "auto":
        stuck = _seconds_of("stuck", stuck, is_given="stuck" in options)
    heartbeat = options.get("heartbeat", 0.0)
    heartbeat = _seconds_of("heartbeat", heartbeat, is_given="heartbeat" in options)
    # Fakes have no link that could be cut, and no login shell.
    is_real = isinstance(options["command"], _COMMANDS)
    return Silence(
        stuck=0.0 if stuck == "auto" else stuck,
        learns=learns,
        heartbeat=heartbeat if is_real else 0.0,
        greeting=is_real and bool(options.get("greeting", False)),
    )


def _seconds_of(name: str, value: float, *, is_given: bool) -> float:
    check_seconds(name, value)
    if is_given and not value:
        raise ValueError(f"{name}: 0 seconds are not possible")
    return float(value)


def _launch(
    command: Text | Sequence[Text] | Calculator | CommandPerTask,
    options: Options,
    eot: bytes,
    inherited: Collection[bytes],
) -> Launch:
    # An inherited one must not mean another marker to calculators than to us.
    tells_eot = "eot" in options or b"PAEXEC_EOT" in inherited
    transport, fills_in = _transport(options)
    return Launch(
        _calculator(command),
        transport=transport,
        fills_in=fills_in,
        tells_node=_flag("node_env", options.get("node_env", False)),
        shell=name_of("shell", options.get("shell", b"/bin/sh")),
        variables={b"PAEXEC_EOT": eot} if tells_eot else {},
    )


def _transport(options: Options) -> tuple[tuple[bytes, ...], bool]:
    """Return the words of the transport, and whether ``%n`` in them stands for the node."""
    name: Literal["transport", "transport_argv"] = "transport"
    if "transport_argv" in options:
        name = "transport_argv"
        if "transport" in options:
            raise ValueError("transport_argv: useless together with transport")
    fills_in = name == "transport_argv"
    transport = options.get(name, ())
    if isinstance(transport, str | bytes | os.PathLike):
        text = octets_of(name, transport)
        words = _split(text) if fills_in else text.split()
        if len(words) > 1 and not fills_in:
            raise ValueError(f"transport: {transport!r} is several words; give them as a list")
        transport = words
    arguments = _arguments(name, transport) if transport or fills_in else ()
    if fills_in and not any(b"%n" in word for word in arguments):
        raise ValueError(f"transport_argv: {options['transport_argv']!r} has no %n for the node")
    return arguments, fills_in


def _split(text: bytes) -> list[bytes]:
    try:
        return split_words(text)
    except UnbalancedError:
        raise ValueError(f"transport_argv: unbalanced quotes in {text!r}") from None


def _flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{name}: expected a bool, not {value!r}")
    return value


def _calculator(
    command: Text | Sequence[Text] | Calculator | CommandPerTask,
) -> Calculator | CommandPerTask:
    if isinstance(command, Calculator):
        command = command.command
    elif isinstance(command, CommandPerTask):
        return command._replace(command=name_of("command", command.command))
    if isinstance(command, str | bytes):
        return Calculator(name_of("command", command))
    if isinstance(command, os.PathLike):
        return Calculator((name_of("command", command),))
    return Calculator(_arguments("command", command))


def _graces(graces: Graces) -> Graces:
    if not isinstance(graces, Graces):
        raise TypeError(f"graces: expected a Graces, not {graces!r}")
    for name, seconds in graces._asdict().items():
        check_seconds(f"graces: {name}", seconds)
    return graces


def _environment(
    environment: Mapping[str, Text] | Mapping[bytes, Text] | None,
) -> list[tuple[bytes, bytes]] | None:
    if environment is None:
        return None
    if not isinstance(environment, Mapping):
        raise TypeError(f"environment: expected a mapping, not {environment!r}")
    entries = [
        (name_of("environment", name), octets_of("environment", value))
        for name, value in environment.items()
    ]
    for name, value in entries:
        if b"=" in name or NUL in value:
            raise ValueError(f"environment: {name!r} cannot be set to {value!r}")
    return entries
