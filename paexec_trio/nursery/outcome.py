"""The outcome of a run: its error, and whether a task was told of it."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, final

import trio

from paexec_trio.core.commands import Exit
from paexec_trio.nursery.errors import DistributorError, error_of

if TYPE_CHECKING:
    from paexec_trio.core.faults import Fault
    from paexec_trio.nursery.session import Session

_LOGGER = logging.getLogger("paexec_trio")


@final
class Outcome:
    """The outcome of a run.

    Args:
        program: the name that begins diagnostics of the run.

    Attributes:
        is_decided: whether the run is over and all its processes have ended.
        was_cut: whether a cancellation or a crash ended the run. Trio is about to tell that to the
            tasks within its block.
    """

    def __init__(self, program: bytes) -> None:
        self.is_decided = self.was_cut = False
        self._prefix = program + b": "
        self._last_report = ""
        self._fault: Fault | None = None
        self._reason = ""
        self._was_raised = False

    def report(self, text: bytes) -> None:
        """Log a diagnostic of the run."""
        self._last_report = self._without_program(text)
        _LOGGER.warning("%s", self._last_report)

    def log(self, text: bytes) -> None:
        """Log what is no diagnostic."""
        _LOGGER.info("%s", os.fsdecode(text))

    def decide(self, session: Session, *, was_cut: bool) -> None:
        """Record that a run is over.

        Args:
            session: the run.
            was_cut: whether it was ended before it had come to its end.
        """
        self.is_decided = True
        engine = session.engine
        if session.problem:
            self._reason = os.fsdecode(session.problem)
        elif engine and engine.fault:
            self._fault = engine.fault
            self._reason = self._without_program(engine.fault.reason)
        elif was_cut:
            self.was_cut = True
        elif session.result != Exit() and not (engine and engine.was_halted):
            self._reason = self._last_report or "the run failed"

    def raise_error(self) -> None:
        """Raise the error of the run, if there is one.

        Raises:
            DistributorError: the run could not go on.
            trio.BrokenResourceError: it was cancelled.
        """
        if self.was_cut:
            raise trio.BrokenResourceError("the run was cancelled")
        if self._reason:
            self._was_raised = True
            raise self._error()

    def error_for_nobody(self) -> DistributorError | None:
        """Return the error of the run if it was never raised."""
        return self._error() if self._reason and not self._was_raised else None

    def _error(self) -> DistributorError:
        fault = self._fault
        return error_of(fault, self._reason) if fault else DistributorError(self._reason)

    def _without_program(self, text: bytes) -> str:
        return os.fsdecode(text.removeprefix(self._prefix))
