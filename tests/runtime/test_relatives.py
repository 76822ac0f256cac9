"""The descent of processes."""

from __future__ import annotations

import os
import signal

import pytest

from paexec_trio.runtime import posix
from paexec_trio.runtime.relatives import descendants
from paexec_trio.runtime.system import Relative
from tests.runtime.processes import sleeper


def relative(pid: int, parent: int, *, has_ended: bool = False) -> Relative:
    return Relative(pid, parent, group=pid, session=1, start=0, has_ended=has_ended)


FAMILY = {
    r.pid: r
    for r in (
        relative(1, 0),
        relative(2, 1),
        relative(3, 2),
        relative(4, 3),
        relative(5, 2, has_ended=True),
        relative(6, 1),
        relative(7, 6),
    )
}


def pids(found: list[Relative]) -> list[int]:
    return sorted(r.pid for r in found)


def test_descendants_are_those_of_any_degree_that_live() -> None:
    assert pids(descendants(FAMILY, [2])) == [3, 4]
    assert pids(descendants(FAMILY, [1])) == [2, 3, 4, 6, 7]
    assert pids(descendants(FAMILY, [4, 5])) == []


def test_the_spared_are_left_out_with_their_descendants() -> None:
    assert pids(descendants(FAMILY, [1], spared=[3])) == [2, 6, 7]


def test_a_process_that_is_reaped_while_ps_looks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with sleeper() as pid:
        sleeping = posix.take_census()[pid]
        assert posix.is_there(sleeping)

        def ps(*_: str) -> bytes:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return b""

        monkeypatch.setattr(posix, "_ps", ps)
        assert not posix.is_there(sleeping)
