"""Programs that are cancelled at any checkpoint: nothing is left, and nothing is swallowed."""

from __future__ import annotations

import pytest
import trio

from tests.nursery import cancellations
from tests.nursery.checkpoints import How, Outcome, cancelled_at
from tests.nursery.kits import Kit, nothing_left
from tests.nursery.programs import PROGRAMS, Enough


def check(outcome: Outcome) -> None:
    """Fail if the program ended otherwise than by its end, by its error or by the cancellation."""
    assert outcome.error is None or type(outcome.error) is Enough, repr(outcome)
    assert [outcome.has_finished, outcome.error is not None, outcome.was_caught].count(True) == 1


@pytest.mark.trio
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("how", How)
async def test_fakes_are_cancelled_at_each_checkpoint(fakes: Kit, name: str, how: How) -> None:
    program, step = PROGRAMS[name], 0
    while True:
        step += 1
        with trio.fail_after(60):
            outcome = await cancelled_at(step, lambda: program(fakes, 2), how)
        check(outcome)
        if not outcome.place:
            break
    assert outcome.has_finished or outcome.error
    assert step > 20


@pytest.mark.trio
@pytest.mark.parametrize("name", PROGRAMS)
async def test_processes_are_cancelled_at_some_checkpoints(processes: Kit, name: str) -> None:
    """At those of the start one by one; ``tests.nursery.cancellations`` tries all others."""
    program = PROGRAMS[name]
    for step in (1, 2, 3, 5, 8, 13, 21):
        with nothing_left(processes), trio.fail_after(60):
            outcome = await cancelled_at(step, lambda: program(processes, 2))
        check(outcome)


def test_random_cancellations_leave_nothing() -> None:
    records = cancellations.cancel_many(30, 1)
    assert len(records) == 30
    assert not [record for record in records if not record.is_clean], records


@pytest.mark.long
def test_a_thousand_random_cancellations_leave_nothing() -> None:
    records = cancellations.cancel_many(1000, 2)
    assert not [record for record in records if not record.is_clean]


def test_the_table_has_a_row_for_each_program_and_shows_what_is_left() -> None:
    clean = cancellations.Record("call", 2, "TaskChannel.send", 0, 0, "cancelled")
    bad = cancellations.Record("call", 4, "work_in_company", 1, 2, "KeyError()")
    table = cancellations.table([clean, clean, bad], 7)
    assert "3 cancellations, seed 7" in table
    row = table[table.index("* - call") :]
    assert "     - 3\n" in row
    assert "     - 2, 4\n" in row
    assert "     - 1\n     - 2\n" in row
    assert "cancelled 2, KeyError() 1" in row
    assert "TaskChannel.send 2, work_in_company 1" in row
    assert clean.is_clean
    assert not bad.is_clean
