"""The arguments of the API: checked where they are given, and turned into settings."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Required, TypedDict, final

from paexec_trio.core.accounting import Accounting
from paexec_trio.core.calculators import Calculator, CommandPerTask
from paexec_trio.core.framing import LINE_LIMIT, NEWLINE, NUL
from paexec_trio.core.launch import Launch
from paexec_trio.core.settings import AUTO, GRACES, Graces, GraphSettings, Reassign, Settings
from paexec_trio.core.silence import NO_SILENCE, Silence

if TYPE_CHECKING:
    from paexec_trio.nursery.session import SessionMaker

Text = str | bytes | os.PathLike[str] | os.PathLike[bytes]
"""The types that stand for octets. A ``str`` or a path is encoded by :func:`os.fsencode`."""


class Options(TypedDict, total=False):
    """The arguments of a run; all but ``nodes`` and ``command`` have defaults.

    They are checked before anything is started. A bad argument raises :exc:`TypeError` or
    :exc:`ValueError`, and the message names it.
    """

    nodes: Required[int | Iterable[Text]]
    """The number of nodes on this machine, or the names of the nodes."""

    command: Required[Text | Sequence[Text] | Calculator | CommandPerTask | SessionMaker]
    """The calculator. The shell runs a text. A path or a sequence of words is executed without a
    shell. A :class:`~paexec_trio.CommandPerTask` is run once per task, and a
    :class:`~paexec_trio.testing.FakeCalculator` is for tests."""

    transport: Text | Sequence[Text]
    """The program that reaches a node, or its words, as in ``["ssh", "-F", config]``. It is given
    the name of a node and a command line. By default calculators run on this machine."""

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

    timeout: float
    """For how many seconds a calculator may work on a task (ACC-050). By default for ever. A task
    that takes longer fails, and its node is started again."""

    stuck: float | Literal["auto"]
    """For how many seconds a node that holds a task may write nothing (SIL-010). By default any
    time. A node that exceeds it is dead. ``"auto"`` finds the limit during the run."""

    delay: float
    """How many seconds pass at least between two attempts that begin (ACC-080), by default 0."""

    environment: Mapping[str, Text] | Mapping[bytes, Text] | None
    """The environment of transports and calculators, by default that of this process."""

    line_limit: int
    """How many octets a task, or a line of a result, may have (LIM-011), 1 GiB by default."""

    stderr: int
    """The descriptor that calculators and transports write diagnostics to, 2 by default."""

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
    """

    settings: Settings
    launch: Launch | None
    maker: SessionMaker | None
    environment: list[tuple[bytes, bytes]] | None
    stderr: int


_STDERR = 2

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
    settings = Settings(
        nodes=_nodes(options["nodes"]),
        eot=eot,
        prefetch=_prefetch(options.get("prefetch", 1)),
        line_limit=_positive("line_limit", options.get("line_limit", LINE_LIMIT)),
        graph=_graph(options.get("statuses", False), eot),
        on_death=_on_death(options.get("on_death")),
        graces=_graces(options.get("graces", GRACES)),
        accounting=_accounting(options),
        silence=_silence(options),
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
        _descriptor(options.get("stderr", _STDERR)),
    )


_COMMANDS = (str, bytes, os.PathLike, Sequence, Calculator, CommandPerTask)


def octets_of(name: str, value: Text) -> bytes:
    """Return the octets of a text.

    Args:
        name: the name of the argument, for the error.
        value: the text.

    Raises:
        TypeError: the value is neither ``str`` nor ``bytes`` nor a path.
        ValueError: the value cannot be encoded.
    """
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name}: expected str, bytes or a path, not {value!r}")
    try:
        return os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError(f"{name}: {value!r} cannot be encoded") from None


def _argument(name: str, value: Text) -> bytes:
    """Return the octets of an argument of a program; refuse a NUL."""
    octets = octets_of(name, value)
    if NUL in octets:
        raise ValueError(f"{name}: {value!r} contains a NUL")
    return octets


def _name(name: str, value: Text) -> bytes:
    """Return the octets of an argument that cannot be empty."""
    octets = _argument(name, value)
    if not octets:
        raise ValueError(f"{name}: a text is empty")
    return octets


def _arguments(name: str, values: Sequence[Text]) -> tuple[bytes, ...]:
    if not isinstance(values, Sequence):
        raise TypeError(f"{name}: expected a text or a sequence of texts, not {values!r}")
    if not values:
        raise ValueError(f"{name}: the sequence is empty")
    program, *arguments = values
    return (_name(name, program), *[_argument(name, value) for value in arguments])


def _positive(name: str, value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number, not {value!r}")
    if value < 1:
        raise ValueError(f"{name}: {value} is less than 1")
    return value


def _descriptor(value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"stderr: expected a descriptor, not {value!r}")
    if value != _STDERR:  # a daemon may have closed that one: its calculators do without
        try:
            os.fstat(value)
        except (OSError, OverflowError):
            raise ValueError(f"stderr: descriptor {value} is not open") from None
    return value


def _check_seconds(name: str, value: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name}: expected seconds, not {value!r}")
    if not 0 <= value < math.inf:  # as NaN is not
        raise ValueError(f"{name}: {value} seconds are not possible")


def _nodes(nodes: int | Iterable[Text]) -> tuple[bytes, ...]:
    if isinstance(nodes, int):
        return tuple([b"%d" % index for index in range(_positive("nodes", nodes))])
    if isinstance(nodes, str | bytes | os.PathLike) or not isinstance(nodes, Iterable):
        raise TypeError(f"nodes: expected a number or several names, not {nodes!r}")
    names = tuple([_name("nodes", node) for node in nodes])
    if not names:
        raise ValueError("nodes: no node is named")
    return names


def _prefetch(prefetch: int | Literal["auto"]) -> int:
    return AUTO if prefetch == "auto" else _positive("prefetch", prefetch)


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
    _check_seconds("on_death: restart_after", on_death.restart_after)
    if on_death.wait and not on_death.restart_after:
        raise ValueError("on_death: wait=True is useless without restart_after")
    return on_death


def _accounting(options: Options) -> Accounting:
    retries = _positive("retries", options.get("retries", 1))
    crash_limit = 0
    if "crash_limit" in options:
        crash_limit = _positive("crash_limit", options["crash_limit"])
        if not options.get("on_death"):
            raise ValueError("crash_limit: useless without on_death")
    timeout, delay = options.get("timeout", 0.0), options.get("delay", 0.0)
    _check_seconds("timeout", timeout)
    _check_seconds("delay", delay)
    return Accounting(
        retries=retries if "retries" in options else 0,
        crash_limit=crash_limit,
        timeout=timeout,
        delay=delay,
    )


def _silence(options: Options) -> Silence:
    stuck = options.get("stuck", 0.0)
    if stuck == "auto":
        return NO_SILENCE._replace(learns=True)
    _check_seconds("stuck", stuck)
    if "stuck" in options and not stuck:
        raise ValueError("stuck: 0 seconds are not possible")
    return NO_SILENCE._replace(stuck=float(stuck))


def _launch(
    command: Text | Sequence[Text] | Calculator | CommandPerTask,
    options: Options,
    eot: bytes,
    inherited: Collection[bytes],
) -> Launch:
    # An inherited one must not mean another marker to calculators than to us.
    tells_eot = "eot" in options or b"PAEXEC_EOT" in inherited
    transport = options.get("transport", ())
    if isinstance(transport, str | bytes | os.PathLike):
        words = octets_of("transport", transport).split()
        if len(words) > 1:
            raise ValueError(f"transport: {transport!r} is several words; give them as a list")
        transport = words
    return Launch(
        _calculator(command),
        transport=_arguments("transport", transport) if transport else (),
        shell=_name("shell", options.get("shell", b"/bin/sh")),
        variables={b"PAEXEC_EOT": eot} if tells_eot else {},
    )


def _calculator(
    command: Text | Sequence[Text] | Calculator | CommandPerTask,
) -> Calculator | CommandPerTask:
    if isinstance(command, Calculator):
        command = command.command
    elif isinstance(command, CommandPerTask):
        return command._replace(command=_name("command", command.command))
    if isinstance(command, str | bytes):
        return Calculator(_name("command", command))
    if isinstance(command, os.PathLike):
        return Calculator((_name("command", command),))
    return Calculator(_arguments("command", command))


def _graces(graces: Graces) -> Graces:
    if not isinstance(graces, Graces):
        raise TypeError(f"graces: expected a Graces, not {graces!r}")
    for name, seconds in graces._asdict().items():
        _check_seconds(f"graces: {name}", seconds)
    return graces


def _environment(
    environment: Mapping[str, Text] | Mapping[bytes, Text] | None,
) -> list[tuple[bytes, bytes]] | None:
    if environment is None:
        return None
    if not isinstance(environment, Mapping):
        raise TypeError(f"environment: expected a mapping, not {environment!r}")
    entries = [
        (_name("environment", name), octets_of("environment", value))
        for name, value in environment.items()
    ]
    for name, value in entries:
        if b"=" in name or NUL in value:
            raise ValueError(f"environment: {name!r} cannot be set to {value!r}")
    return entries
