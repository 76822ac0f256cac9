"""The options of the chapter Accounting: their table and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.cli.errors import UsageError, invalid
from paexec_trio.cli.syntax import Option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from paexec_trio.core.accounting import Accounting, Halt

ERROR = 255
"""The exit status of a wrong call, with ``--exit-status=tasks`` (ACC-024)."""

VARIABLE = b"PAEXEC_EXIT_STATUS"
"""The variable that stands for ``--exit-status`` (ACC-020)."""

IMPLYING = ("--halt", "--retries", "--timeout")
"""Options that imply ``--exit-status=tasks`` (ACC-025)."""

OPTIONS: tuple[Option, ...] = (
    Option(
        "",
        "",
        (
            "say on standard error at the end of every run how many tasks",
            "succeeded, failed, were given up and never ran",
        ),
        "summary",
        details="""\
Without it the line is printed only if tasks failed, were given up or never ran, and not if a signal
ends the run. The line names the first ten of them, each with the reason::

   paexec-trio: 50 tasks: 2 failed, 1 never ran: 7 'x' (exit status 3), 12 'y' (time limit), \
13 'z' (depends on 12)
""",
    ),
    Option(
        "",
        "what",
        (
            "tasks: the exit status is the number of failed tasks; run: it",
            "does not count them; default run, or PAEXEC_EXIT_STATUS",
        ),
        "exit-status",
        details="""\
With ``tasks`` it is 0 if all tasks succeeded; the number of those that failed, or 101 if more than
100 did; 111 if tasks were given up with their nodes or never ran; 255 after an error of another
kind. Tasks that depend on a failed one, or that ``--halt`` or ``--limit`` kept from being run, do
not count. ``--halt``, ``--retries`` and ``--timeout`` imply ``tasks``. With ``-x`` a command whose
exit status is not 0 has failed, also without ``-g``.
""",
        choices=("tasks", "run"),
    ),
    Option(
        "",
        "number",
        ("try a task that fails up to NUMBER times, on other nodes if", "there are any"),
        "retries",
        details="""\
A task fails by its status, the exit status of its command or a time limit, and with ``-z`` by the
loss of its node. The option implies ``--group``: only the last attempt of a task is printed.
""",
    ),
    Option(
        "",
        "number",
        ("with -z: let a task fail when NUMBER nodes have died of it",),
        "crash-limit",
        details="""\
Without it, and without ``--retries``, a task that ends its calculator is tried for ever. After five
nodes a message names it. Only the task that a calculator was working on counts.
""",
    ),
    Option(
        "",
        "limit",
        (
            "let a task fail that takes longer than LIMIT: seconds, or",
            "N%: N percent of the median time of all tasks so far",
        ),
        "timeout",
        details="""\
The processes of its node receive SIGTERM and, 2 seconds later, SIGKILL. The node is started again.
Fractions of seconds are allowed. A percentage has no effect until three tasks have ended, and
stands for a tenth of a second at least.
""",
    ),
    Option(
        "",
        "when,why=N",
        (
            "start no more tasks when N of them, or N%, have ended in the",
            "way WHY: fail, success or done; WHEN is soon or now",
        ),
        "halt",
        details="""\
With ``soon`` the run waits for the tasks that have begun; with ``now`` it ends them. ``N%`` is a
share of the tasks that have ended; at least three have to end in that way. After a halt because of
``success`` the exit status is 0. ``never`` is the default.
""",
        choices=(
            "never",
            "soon,fail=",
            "soon,success=",
            "soon,done=",
            "now,fail=",
            "now,success=",
            "now,done=",
        ),
    ),
    Option(
        "",
        "seconds",
        ("wait at least this long between the starts of two tasks",),
        "delay",
        details="Fractions are allowed. With it no calculator holds more than one task.",
    ),
    Option(
        "",
        "number",
        ("dispatch at most NUMBER tasks",),
        "limit",
        details="The run ends when these have ended; the rest of the input is not needed.",
    ),
)


def accounting_of(
    values: Mapping[str, bytes], environment: Mapping[bytes, bytes], words: Mapping[bytes, bytes]
) -> Accounting:
    """Return the rules that a call sets.

    Args:
        values: the values of options, by their names.
        environment: as ``os.environb`` has it.
        words: the values of ``-m``, by their keys.

    Raises:
        UsageError: a value is impossible.
    """
    from paexec_trio.core.accounting import FATAL, Accounting, Summing

    if "--crash-limit" in values and not {"-z", "-Z"} & values.keys():
        raise UsageError(b"--crash-limit is useless without -z")
    seconds, percent = _timeout(values)
    return Accounting(
        retries=_number(values, "--retries"),
        crash_limit=_number(values, "--crash-limit"),
        timeout=seconds,
        timeout_percent=percent,
        halt=_halt(values),
        delay=seconds_of("--delay", values.get("--delay", b"0")),
        limit=_number(values, "--limit"),
        status_of_tasks=_status_of_tasks(values, environment),
        summing=Summing.ALWAYS if "--summary" in values else Summing.FAILURES,
        fatal=words.get(b"F", FATAL),
    )


def wants_status_of_tasks(arguments: Sequence[str], environment: Mapping[bytes, bytes]) -> bool:
    """Return whether the exit status says what became of the tasks, if the call is wrong."""
    value = environment.get(VARIABLE)
    is_implied = False
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        name, equals, given = argument.partition("=")
        if name == "--exit-status":
            value = (given if equals else "".join(arguments[place + 1 : place + 2])).encode()
        is_implied |= name in IMPLYING
    return is_implied if value is None else value == b"tasks"


def seconds_of(option: str, value: bytes) -> float:
    """Read the value of an option that is a time (RST-002, END-042, ACC-090).

    Raises:
        UsageError: it is none.
    """
    whole, _, fraction = value.partition(b".")
    if not (whole + fraction).isdigit():
        raise invalid(option, value, b"a number of seconds")
    return float(value)


def _number(values: Mapping[str, bytes], option: str) -> int:
    """Return the value of an option that is a number, 0 if it is not given."""
    from paexec_trio.core.accounting import is_number

    value = values.get(option)
    if value is None:
        return 0
    if not is_number(value):
        raise invalid(option, value, b"a number from 1")
    return int(value)


def _timeout(values: Mapping[str, bytes]) -> tuple[float, int]:
    """Return the value of ``--timeout`` in seconds, or in percent (ACC-050, ACC-051)."""
    from paexec_trio.core.accounting import is_number

    option = "--timeout"
    value = values.get(option)
    if value is None:
        return 0.0, 0
    if value.endswith(b"%"):
        if not is_number(value[:-1]):
            raise invalid(option, value, b"a number from 1 before the %")
        return 0.0, int(value[:-1])
    seconds = seconds_of(option, value)
    if not seconds:
        raise invalid(option, value, b"a number of seconds greater than 0, or a percentage")
    return seconds, 0


def _halt(values: Mapping[str, bytes]) -> Halt | None:
    """Return the value of ``--halt`` (ACC-070, ACC-071)."""
    from paexec_trio.core.accounting import parse_halt

    option = "--halt"
    value = values.get(option, b"never")
    try:
        return parse_halt(value)
    except ValueError as error:
        raise invalid(option, value, str(error).encode()) from None


def _status_of_tasks(values: Mapping[str, bytes], environment: Mapping[bytes, bytes]) -> bool:
    """Return whether the exit status says what became of the tasks (ACC-020, ACC-025)."""
    option = "--exit-status"
    value = values.get(option)
    name = option.encode()
    if value is None:
        value, name = environment.get(VARIABLE), VARIABLE
    if value is None:
        return any(implying in values for implying in IMPLYING)
    if value not in {b"tasks", b"run"}:
        raise UsageError(b"invalid value of %b: '%b'; expected tasks or run", name, value)
    return value == b"tasks"
