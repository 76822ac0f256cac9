"""Parse and check a call: its argument vector and its environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from paexec_trio.cli.accountingoptions import accounting_of, seconds_of
from paexec_trio.cli.errors import UsageError, invalid, refuse_newline
from paexec_trio.cli.hostoptions import Transport, allocated_nodes, nodes_of, transport_of
from paexec_trio.cli.logoptions import log_of, refuse_retries_of_graph
from paexec_trio.cli.observingoptions import wants_progress
from paexec_trio.cli.options import SYNTAX
from paexec_trio.cli.pertask import error_mode, results_directory, tag_of
from paexec_trio.cli.silenceoptions import is_ssh, silence_of
from paexec_trio.cli.traps import of_command, of_nodes
from paexec_trio.cli.watchoptions import HistoryOptions, history_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from paexec_trio.core.calculators import CommandPerTask
    from paexec_trio.core.grouping import Grouping
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.settings import GraphSettings, Reassign, Settings
    from paexec_trio.runtime.hostfile import Hostfile


SIZE_DIGITS = 15
"""How many digits a size has at most, leading zeros apart (LIM-011)."""

PREFETCH_DIGITS = 9
"""How many digits the value of ``--prefetch`` has at most, leading zeros apart (PRE-002)."""

REPLACED_LENGTH = 2
"""How many octets the value of ``-J`` has (EXE-044)."""


class Invocation(NamedTuple):
    """A call that can be carried out.

    Attributes:
        settings: those of the run.
        launch: how calculators are started.
        debug: whether to write each event and command to standard error.
        progress: whether to write how far the run is to standard error.
        history: the files for the history of the run.
        dry_run: whether to show what would be run, and to start nothing.
        ssh_defaults: whether ssh is given options that the user has not set.
        warnings: diagnostics for a call that does not mean what it seems to mean.
        hostfile: the file that names the nodes, to be followed while the run goes on.
    """

    settings: Settings
    launch: Launch
    debug: bool
    progress: bool = False
    history: HistoryOptions = HistoryOptions()
    dry_run: bool = False
    ssh_defaults: bool = False
    warnings: tuple[bytes, ...] = ()
    hostfile: Hostfile | None = None


class OptionNames(NamedTuple):
    """The names of options in diagnostics, where programs differ."""

    nodes: bytes = b"-n"
    replaced: bytes = b"-J"


def parse(program: str, arguments: Sequence[str], environment: Mapping[bytes, bytes]) -> Invocation:
    """Understand a call.

    Args:
        program: the name that the program was called by.
        arguments: the argument vector after the name, as ``sys.argv`` has it.
        environment: as ``os.environb`` has it.

    Raises:
        UsageError: the chapter Options and usage errors of the spec says when.
        HelpRequested: something is to be printed and nothing to be run.
    """
    invocation = interpret(program, *SYNTAX.split(arguments), environment)
    refuse_retries_of_graph(invocation.settings)
    return invocation


def interpret(
    program: str,
    options: Sequence[tuple[str, bytes]],
    free: Sequence[bytes],
    environment: Mapping[bytes, bytes],
    names: OptionNames = OptionNames(),  # noqa: B008 (a constant)
) -> Invocation:
    """Understand a call that was split, as ``parse`` does.

    Args:
        program: the name that the program was called by.
        options: the options in their order, by their names in the table of paexec-trio.
        free: the free arguments.
        environment: as ``os.environb`` has it.
        names: what the program's users call its options.

    Raises:
        UsageError: see ``parse``.
    """
    name = os.fsencode(program)
    letters = {letter for letter, _ in options}
    # The last one wins (OPT-004).
    values = dict(options)

    words = _message_words(options)
    eot = words.get(b"t", environment.get(b"PAEXEC_EOT", b""))
    if b"\n" in eot:
        raise UsageError(b"the end-of-task marker must not contain a newline: '%b'", eot)

    graph = _graph_settings(values, words)
    calculator = _calculator(options, free, name)
    on_death = _reassign(values, words)
    nodes = nodes_of(values, environment, names.nodes)
    transport = Transport(())
    if nodes is None or not nodes.counted:
        transport = transport_of(options, environment)
    nodes = nodes or allocated_nodes(transport, environment)
    if nodes is None:
        raise UsageError(names.nodes + b" option is mandatory!")
    if calculator is None:
        raise UsageError(b"-c option is mandatory!")
    per_task = _command_per_task(options, calculator, names)
    variables = _passed_variables(environment)
    if per_task is None:
        variables[b"PAEXEC_EOT"] = eot
    elif b"PAEXEC_EOT" in environment:
        # A command is no calculator: it finds what we were given (EOT-020).
        variables[b"PAEXEC_EOT"] = environment[b"PAEXEC_EOT"]

    from paexec_trio.core.calculators import Calculator
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.settings import Settings

    return Invocation(
        Settings(
            program=name,
            nodes=nodes.names,
            eot=eot,
            terminator=b"\0" if "-0" in letters else b"\n",
            show_node="-r" in letters,
            show_task_id="-l" in letters,
            show_pid="-p" in letters,
            print_eot=bool({"-e", "-E"} & letters),
            print_task=bool({"-i", "-I"} & letters),
            grouping=_grouping(letters),
            line_limit=line_limit(values),
            prefetch=_prefetch(values.get("--prefetch", b"1")),
            graph=graph,
            on_death=on_death,
            describe_weights="-d" in letters,
            finish_timeout=_finish_timeout(values),
            tag=tag_of(values),
            stderr=error_mode(values),
            results=results_directory(values),
            silence=silence_of(values, transport.words),
            accounting=accounting_of(values, environment, words)._replace(
                log=log_of(values),
                output=values.get("--output", b""),
            ),
        ),
        Launch(
            command=per_task or Calculator(_command(calculator)),
            transport=transport.words,
            shell=environment.get(b"PAEXEC_SH") or b"/bin/sh",
            variables=variables,
            fills_in=transport.fills_in,
            tells_node="--node-env" in letters,
        ),
        debug="-d" in letters,
        progress=wants_progress(letters, environment),
        history=history_of(values),
        dry_run="--dry-run" in letters,
        ssh_defaults=is_ssh(transport.words) and "--no-ssh-defaults" not in letters,
        hostfile=nodes.hostfile,
        warnings=(
            *of_nodes(
                nodes,
                _source(values, names),
                transport=bool(values.get("-t", b"").strip() if nodes.counted else transport.words),
            ),
            *(of_command(calculator, values.get("-J", b""), names.replaced) if per_task else ()),
        ),
    )


def _source(values: Mapping[str, bytes], names: OptionNames) -> bytes:
    """Return the option or the variable that the nodes come from."""
    if "--hostfile" in values:
        return b"--hostfile"
    return names.nodes if "-n" in values else b"PAEXEC_NODES"


def _message_words(options: Sequence[tuple[str, bytes]]) -> dict[bytes, bytes]:
    """Return the texts that options set, by the keys of ``-m`` (OPT-029, EOT-007, EXE-027)."""
    words: dict[bytes, bytes] = {}
    for letter, value in options:
        if letter in {"-y", "-x", "-X", "-J"}:
            from paexec_trio.core.settings import MAGIC_EOT

            words[b"t"] = MAGIC_EOT
        elif letter == "-m":
            key, text = _message_word(value)
            words[key] = text
    return words


def _message_word(value: bytes) -> tuple[bytes, bytes]:
    """Check a value of ``-m`` and return its key and its text."""
    key, equals, text = value.partition(b"=")
    if not equals or key not in {b"s", b"f", b"F", b"t", b"d", b"w"}:
        raise UsageError(b"bad argument for -m: '%b'", value)
    if key == b"d" and len(text) > 1:
        raise UsageError(b"bad argument for -md=. At most one character is allowed: '%b'", text)
    if key in {b"s", b"f", b"F"} and (b"'" in text or b'"' in text):
        raise UsageError(b"symbols ' and \" are not allowed in -m argument: %b", value)
    refuse_newline(key, text)
    return key, text


def _graph_settings(
    values: Mapping[str, bytes], words: Mapping[bytes, bytes]
) -> GraphSettings | None:
    """Return how the graph is read, ``None`` if tasks are independent."""
    if not {"-g", "-s", "-W"} & values.keys():
        return None
    weighting = values.get("-W", b"0")
    if weighting not in {b"0", b"1", b"2"}:
        raise UsageError(b"Only -W0, -W1 and -W2 are supported!: '%b'", weighting)
    from paexec_trio.core.settings import GraphSettings
    from paexec_trio.core.weights import Weighting

    return GraphSettings(
        delimiter=words.get(b"d", b" "),
        weight_word=words.get(b"w", b"weight:"),
        success=words.get(b"s", b"success"),
        failure=words.get(b"f", b"failure"),
        weighting=Weighting(int(weighting)),
    )


def _grouping(options: Collection[str]) -> Grouping:
    """Return how lines of different tasks are kept apart.

    Order implies groups (GRP-021), and so do retries (ACC-060).
    """
    from paexec_trio.core.grouping import Grouping

    if "--keep-order" in options:
        return Grouping.KEEP_ORDER
    implying = {"--group", "--retries", "--output"}
    return Grouping.GROUP if implying & {*options} else Grouping.NONE


def _prefetch(value: bytes) -> int:
    """Read the value of ``--prefetch`` (PRE-002)."""
    if value == b"auto":
        from paexec_trio.core.settings import AUTO

        return AUTO
    digits = value.lstrip(b"0")
    if not value.isdigit() or not 1 <= len(digits) <= PREFETCH_DIGITS:
        raise invalid("--prefetch", value, b"a number from 1, or auto")
    return int(digits)


def line_limit(values: Mapping[str, bytes]) -> int:
    """Read the value of ``--line-limit`` (LIM-011).

    Raises:
        UsageError: it is no size.
    """
    value = values.get("--line-limit", b"1G")
    number, power = value, 0
    if value[-1:] in {b"k", b"K", b"m", b"M", b"g", b"G"}:
        number, power = value[:-1], b"kmg".index(value[-1:].lower()) + 1
    digits = number.lstrip(b"0")
    if not number.isdigit() or not 1 <= len(digits) <= SIZE_DIGITS:
        raise invalid("--line-limit", value, b"a size such as 500, 64k, 10M or 1G")
    return int(digits) << 10 * power


def _reassign(values: Mapping[str, bytes], words: Mapping[bytes, bytes]) -> Reassign | None:
    """Return how the run goes on when nodes die, ``None`` if it does not."""
    seconds = seconds_of("-Z", values.get("-Z", b"0"))
    if "-w" in values and not seconds:
        raise UsageError(b"-w is useless without -Z")
    if not {"-z", "-Z"} & values.keys():
        return None
    from paexec_trio.core.settings import Reassign

    return Reassign(fatal=words.get(b"F", b"fatal"), restart_after=seconds, wait="-w" in values)


def _finish_timeout(values: Mapping[str, bytes]) -> float:
    """Return the value of ``--finish-timeout`` (END-042), 0 if it is not given."""
    option = "--finish-timeout"
    if option not in values:
        return 0.0
    seconds = seconds_of(option, values[option])
    if not seconds:
        raise invalid(option, values[option], b"a number of seconds greater than 0")
    return seconds


def _calculator(
    options: Sequence[tuple[str, bytes]], free: Sequence[bytes], program: bytes
) -> bytes | Sequence[bytes] | None:
    """Return the value of ``-c``, or the free arguments, or ``None`` (LCH-002, LCH-003)."""
    command: bytes | None = None
    from_free_arguments = False
    for letter, value in options:
        if letter == "-c":
            command = value
            from_free_arguments = False
        elif letter == "-C":
            from_free_arguments = True
    if not from_free_arguments:
        if free:
            raise UsageError(b"extra arguments. Run %b -h for details: '%b'", program, free[0])
        return command
    if not free:
        raise UsageError(b"missing arguments. Run %b -h for details", program)
    return free


def _command(calculator: bytes | Sequence[bytes]) -> bytes | tuple[bytes, ...]:
    return calculator if isinstance(calculator, bytes) else tuple(calculator)


def _command_per_task(
    options: Sequence[tuple[str, bytes]], calculator: bytes | Sequence[bytes], names: OptionNames
) -> CommandPerTask | None:
    """Return the command that is run per task, ``None`` if it is a calculator."""
    values = dict(options)
    replaced = values.get("-J", b"")
    if "-J" in values and len(replaced) != REPLACED_LENGTH:
        raise UsageError(
            b"%breplstr argument must have 2-characters length: '%b'",
            names.replaced,
            replaced,
            status=2,
        )
    modes = [letter for letter, _ in options if letter in {"-x", "-X"}]
    if not modes and not replaced:
        return None
    from paexec_trio.core.calculators import CommandPerTask
    from paexec_trio.core.execmode import arguments_with_task, command_with_task

    if isinstance(calculator, bytes) and not replaced:
        calculator = _text_for_task(calculator, names)
    return CommandPerTask(
        command=command_with_task(calculator, replaced)
        if isinstance(calculator, bytes)
        else arguments_with_task(calculator, replaced),
        discard_output=modes[-1:] == ["-X"],
    )


def _text_for_task(text: bytes, names: OptionNames) -> bytes:
    """Return the value of ``-c`` as the task is to be added to it (EXE-005, EXE-053)."""
    from paexec_trio.core.tasktext import why_no_argument, without_end

    text = without_end(text)
    reason = why_no_argument(text)
    if reason:
        raise UsageError(
            b"the value of -c %b, so the task would not be its argument; place it by %b: '%b'",
            reason,
            names.replaced,
            text.rpartition(b"\n")[2],
        )
    return text


def _passed_variables(environment: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the variables that ``PAEXEC_ENV`` names, with their values (LCH-011 to LCH-014)."""
    names = environment.get(b"PAEXEC_ENV", b"").replace(b",", b" ").split(b" ")
    for name in names:
        if name.startswith(b"-") or b"=" in name:
            raise UsageError(b"invalid name of a variable in PAEXEC_ENV: '%b'", name)
    return {name: environment.get(name, b"") for name in names if name}
