"""A simulated run as the text of a test with a playbook."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum

from paexec_trio.core.commands import Command, Release, Write
from paexec_trio.core.events import Event
from paexec_trio.core.record import Record
from tests.simulation.history import Printed, Step
from tests.simulation.run import Run

HEAD = """\
from paexec_trio.core import commands as do, events as on
from paexec_trio.core.accounting import Accounting, Halt, Summing, Why
from paexec_trio.core.commands import Deadline, Purpose
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.execmode import ExecMode
from paexec_trio.core.settings import Graces, GraphSettings, Reassign, Settings, StderrMode
from paexec_trio.core.silence import Silence
from paexec_trio.core.weights import Weighting
from tests.core.playbook import Playbook


def test_as_in_the_simulation() -> None:
    assert (
"""


def as_playbook(run: Run) -> str:
    """Return a run as a test: its events, what the engine did, and what is wrong with that.

    The test passes with the engine as it is. Comments tell what else happened.
    """
    arguments = expression(run.scenario.settings)
    if run.scenario.exec_mode:
        arguments += f", exec_mode={expression(run.scenario.exec_mode)}"
    lines = [f"Playbook({arguments})"]
    for step in run.history.steps():
        lines += _step(step)
    lines += [
        f"# wrong: {violation.kind.value}: {violation.text}" for violation in run.verdict.violations
    ]
    return HEAD + "".join(f"        {line}\n" for line in lines) + "    )\n"


def _step(step: Step) -> Iterator[str]:
    yield f">> {expression(step.event)}"
    # What the fast path does is no command, except for the task that it sends.
    is_fast = not any(isinstance(item, Write | Release) for item in step.rest)
    for item in step.rest:
        if isinstance(item, Command):
            yield f"<< {expression(item)}"
        elif is_fast and isinstance(item, Printed):
            yield f"<< {expression(Write(item.data))}"
        elif not isinstance(item, Printed):
            yield f"# {item!r}"


def expression(value: object) -> str:
    """Return an expression of the same value, without the arguments that are defaults."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    name = type(value).__name__
    if isinstance(value, Record):
        module = "on" if isinstance(value, Event) else "do"
        return f"{module}.{name}({', '.join(_arguments(value, value.__match_args__))})"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{name}({', '.join(_arguments(value, value._fields))})"
    return repr(value)


def _arguments(value: object, names: tuple[str, ...]) -> Iterator[str]:
    parameters = inspect.signature(type(value)).parameters
    for name in names:
        argument, default = getattr(value, name), parameters[name].default
        if default is inspect.Parameter.empty:
            yield expression(argument)
        elif argument != default:
            yield f"{name}={expression(argument)}"
