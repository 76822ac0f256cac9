"""Recording what other programs do while a run is measured."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from tests.benchmarks.busyness import Busyness, seconds_of_machine, seconds_of_ours


def watched(*runs: tuple[float, float, float]) -> Busyness:
    """Return the record of runs: the seconds that each took, of the machine, and of ours."""

    def sums(column: int) -> Sequence[float]:
        total, values = 0.0, []
        for run in runs:
            values += [total, total + run[column]]
            total += run[column]
        return values

    clock, machine, ours = (iter(sums(column)) for column in range(3))
    busyness = Busyness(lambda: next(machine), lambda: next(ours), lambda: next(clock))
    for _ in runs:
        with busyness.watch():
            pass
    return busyness


def test_others_are_what_the_machine_did_without_us() -> None:
    summary = watched((2, 4, 3), (1, 2, 0), (1, 1.25, 1)).summary()
    assert "0.50 processors (median of all runs; 0.25 to 2.00)" in summary


def test_coarse_clocks_make_nobody_use_less_than_nothing() -> None:
    assert "0.00 processors" in watched((1, 1, 1.01)).summary()


def test_nothing_was_run() -> None:
    assert Busyness().summary() == "Nothing was run."


def test_our_ended_children_are_ours_and_their_time_is_the_machine_s() -> None:
    machine, ours = seconds_of_machine(), seconds_of_ours()
    loop = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done"
    subprocess.run(["/bin/sh", "-c", loop], check=True)
    used = seconds_of_ours() - ours
    assert used > 0.05
    assert seconds_of_machine() - machine > used / 2


def test_a_child_that_has_not_ended_counts_as_another_program() -> None:
    ours = seconds_of_ours()
    loop = "i=0; while [ $i -lt 300000 ]; do i=$((i + 1)); done; echo; read end"
    with subprocess.Popen(
        ["/bin/sh", "-c", loop], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        assert child.stdout.readline() == b"\n"
        before = seconds_of_ours() - ours
        child.communicate(b"\n")
    assert seconds_of_ours() - ours - before > before
