"""Descriptors that are left for the shell's own use."""

from __future__ import annotations

import os

import pytest

from paexec_trio.runtime.descriptors import spare_descriptors


@pytest.fixture
def inherited(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The descriptors that are inherited; of the others, the odd ones are open."""
    numbers: set[int] = set()

    def get_inheritable(fd: int) -> bool:
        if fd % 2 or fd in numbers:
            return fd in numbers
        raise OSError

    monkeypatch.setattr(os, "get_inheritable", get_inheritable)
    return numbers


@pytest.mark.parametrize(
    ("taken", "spare"),
    [
        (set(), (9, 8)),
        ({3, 4}, (9, 8)),
        ({8, 9}, (7, 6)),
        ({4, 6, 8, 9}, (7, 5)),
        # A shell has no more: one that a command inherits is closed for it.
        ({3, 4, 5, 6, 7, 8}, (9, 8)),
        ({4, 5, 6, 7, 8, 9}, (3, 9)),
        ({3, 4, 5, 6, 7, 8, 9}, (9, 8)),
    ],
)
def test_those_that_nobody_inherits(
    inherited: set[int], taken: set[int], spare: tuple[int, int]
) -> None:
    inherited |= taken
    assert spare_descriptors() == spare
