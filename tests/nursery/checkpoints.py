"""Cancels a program at a checkpoint of its own or of the run that it uses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Any, NamedTuple, final

import trio


class How(Enum):
    """How a program is cancelled."""

    CANCEL = "cancel"
    DEADLINE = "deadline"


@final
class Outcome(NamedTuple):
    """How a program went.

    Attributes:
        steps: how many steps its tasks took.
        place: the function that waited when the program was cancelled; empty: it was not.
        error: what it raised; the cancellation itself does not count.
        was_caught: whether the cancellation has ended it.
        has_finished: whether it came to its own end.
    """

    steps: int
    place: str
    error: BaseException | None
    was_caught: bool
    has_finished: bool


@final
class _Stepper(trio.abc.Instrument):
    """Counts the steps between two checkpoints, and cancels before one of them."""

    def __init__(self, scope: trio.CancelScope, cancel_at: int, how: How) -> None:
        self._scope = scope
        self._cancel_at = cancel_at
        self._how = how
        self._nursery: trio.Nursery | None = None
        self.steps = 0
        self.place = ""

    def begin(self) -> None:
        """Count steps from now on."""
        self._nursery = trio.lowlevel.current_task().parent_nursery

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count a step of the program."""
        if self._nursery is None:
            return
        self.steps += 1
        if self.steps == self._cancel_at:
            self.place = _place_of(task)
            if self._how is How.CANCEL:
                self._scope.cancel()
            else:
                self._scope.deadline = trio.current_time()


def _place_of(task: trio.lowlevel.Task) -> str:
    """Return the innermost function of ours in which a task waits."""
    place = "the program"
    coroutine: Any = task.coro
    while coroutine is not None:
        code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "ag_code", None)
        if code and "/paexec_trio/" in code.co_filename:
            place = code.co_qualname
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None)
    return place


async def cancelled_at(
    step: int, program: Callable[[], Awaitable[object]], how: How = How.CANCEL
) -> Outcome:
    """Run a program, and cancel it before one of its steps.

    Args:
        step: the step, from 1; if there are fewer, the program is not cancelled.
        program: the program.
        how: in what way.
    """
    scope = trio.CancelScope()
    stepper = _Stepper(scope, step, how)
    error: BaseException | None = None
    has_finished = False
    trio.lowlevel.add_instrument(stepper)
    try:
        with scope:
            stepper.begin()
            await program()
            has_finished = True
    except Exception as raised:  # noqa: BLE001 (it is looked at by the caller)
        error = raised
    finally:
        trio.lowlevel.remove_instrument(stepper)
    return Outcome(stepper.steps, stepper.place, error, scope.cancelled_caught, has_finished)
