"""The phases of a run."""

from __future__ import annotations

from collections import deque

import pytest

from paexec_trio.core.accounts import Accounts
from paexec_trio.core.commands import Exit
from paexec_trio.core.ending import TURNS, Ending, Phase, Turn
from paexec_trio.core.events import OutputDrained
from paexec_trio.core.printing import Printer
from paexec_trio.core.reporting import Reporter
from paexec_trio.core.settings import Settings
from paexec_trio.core.states import IllegalStepError
from paexec_trio.core.tasks import FlatTasks


def ending() -> Ending:
    """Return the ending of a run whose nodes are all gone."""
    settings = Settings(nodes=())
    tasks = FlatTasks(b"\n", b"\n")
    printer, reporter = Printer(settings, [], tasks), Reporter(b"paexec-trio", [])
    return Ending(settings, [], Accounts(settings, tasks), printer, reporter, [])


def test_every_phase_can_be_reached_and_leads_to_the_end() -> None:
    reached = {Phase.RUNNING}
    pending = deque(reached)
    while pending:
        phase = pending.popleft()
        following = {after for (before, _), after in TURNS.items() if before is phase}
        assert bool(following) == (phase is not Phase.OVER)
        pending.extend(following - reached)
        reached |= following
    assert reached == set(Phase)


def test_no_turn_leads_back() -> None:
    assert all(after > before for (before, _), after in TURNS.items())


def test_every_turn_is_used() -> None:
    assert {turn for _, turn in TURNS} == set(Turn)


def test_a_run_exits_once() -> None:
    end = ending()
    end.finish()
    end.settle()
    end.output_drained(OutputDrained())
    with pytest.raises(IllegalStepError, match="EXIT in state OVER"):
        end.output_drained(OutputDrained())
    with pytest.raises(IllegalStepError, match="STOP in state OVER"):
        end.stop(Exit(status=1))


def test_a_run_finishes_once() -> None:
    end = ending()
    end.finish()
    with pytest.raises(IllegalStepError, match="FINISH in state FINISHING"):
        end.finish()


def test_the_deadline_for_readers_does_not_count_before_the_output_is_drained() -> None:
    end = ending()
    end.give_up_output()
    assert end.phase is Phase.RUNNING
