"""The input of simulated calculators, and their answers."""

from __future__ import annotations

import re
from typing import Protocol, final

from paexec_trio.core.framing import NEWLINE
from tests.simulation.dice import Dice
from tests.simulation.scenario import Scenario

NONCE = b"NONCE"

TOKEN = b"TOKEN"
"""The line by which processes greet and beat."""
"""The nonce of simulated runs."""

CALL = re.compile(rb"^_paexec_task ((?:'[^']*'|\\')+)\n_paexec_end %b \.\n" % NONCE, re.MULTILINE)


class Calculator(Protocol):
    """The far end of a transport."""

    def read(self, octets: bytes) -> list[bytes]:
        """Take in octets; return the tasks that are whole now."""

    def answer(self, task: bytes, *, again: bool) -> tuple[bytes, bytes]:
        """Return a result and the EOT, as octets.

        Args:
            task: what is to be done.
            again: whether it is repeated; then there may be nothing left to be done.
        """


@final
class LineCalculator:
    """A calculator as the protocol has it."""

    def __init__(self, scenario: Scenario, dice: Dice, pid: int) -> None:
        self._scenario = scenario
        self._dice = dice
        self._pid = pid
        self._rest = b""
        self._eot_line = scenario.settings.eot + NEWLINE

    def read(self, octets: bytes) -> list[bytes]:
        """Take in octets; return the tasks that are whole now."""
        *tasks, self._rest = (self._rest + octets).split(NEWLINE)
        return tasks

    def answer(self, task: bytes, *, again: bool) -> tuple[bytes, bytes]:
        """Return a result and the EOT, as octets."""
        settings = self._scenario.settings
        if again and self._dice.happens(self._scenario.idle_repetition):
            return b"", self._eot_line
        lines = result_lines(self._scenario, self._dice, self._pid, task)
        if settings.graph:
            # Both words may stand in a result; only the last line counts.
            lines += [settings.graph.success] * (self._dice.happens(0.05))
            lines += [settings.graph.failure] * (self._dice.happens(0.05))
            if self._dice.happens(self._scenario.failure):
                lines.append(settings.graph.failure)
            elif self._dice.happens(self._scenario.missing):
                lines = [*lines, b"neither"] if self._dice.happens(0.5) else []
            else:
                lines.append(settings.graph.success)
        result = b"".join(line + NEWLINE for line in lines if line != settings.eot)
        return result, self._eot_line


@final
class Shell:
    """The calculator of ``-x``: a shell that was told what to do with its tasks."""

    def __init__(self, scenario: Scenario, dice: Dice, pid: int) -> None:
        self._scenario = scenario
        self._dice = dice
        self._pid = pid
        self._unread = b""
        self._prepared = False

    def read(self, octets: bytes) -> list[bytes]:
        """Take in octets; return the tasks that are whole now."""
        self._unread += octets
        tasks = []
        while call := CALL.search(self._unread):
            self._prepared |= b"_paexec_task() {\n" in self._unread[: call.start()]
            self._unread = self._unread[call.end() :]
            if self._prepared:
                tasks.append(unquoted(call[1]))
        return tasks

    def answer(self, task: bytes, *, again: bool) -> tuple[bytes, bytes]:
        """Return a result and the EOT, as octets."""
        scenario, dice = self._scenario, self._dice
        if again and dice.happens(scenario.idle_repetition):
            return b"", NEWLINE + NONCE + NEWLINE
        assert scenario.exec_mode
        output = b""
        if not scenario.exec_mode.discard_output:
            lines = result_lines(scenario, dice, self._pid, task)
            output = NEWLINE.join(lines) + NEWLINE * dice.below(4)
        if dice.happens(scenario.failure):
            output += NEWLINE + NONCE + b"-failed 3"
        return output, NEWLINE + NONCE + NEWLINE


def unquoted(word: bytes) -> bytes:
    """Return what a shell makes of a task in single quotes."""
    return b"".join(
        piece[1:-1] if piece.startswith(b"'") else b"'"
        for piece in re.findall(rb"'[^']*'|\\'", word)
    )


def result_lines(scenario: Scenario, dice: Dice, pid: int, task: bytes) -> list[bytes]:
    """Return lines for a result: some that could be taken for something else, all in all few."""
    eot = scenario.settings.eot
    odd = (b"", b"fatal", b"?", b"1 ", eot + b" ", b" " + eot, b"x" + eot, b"\0\r", task, eot * 2)
    count = dice.below(4)
    return [
        dice.pick(odd) if dice.happens(0.2) else b"%d:%d of %b" % (pid, line, task)
        for line in range(count)
        if not (NEWLINE in task and line > 2)
    ]
