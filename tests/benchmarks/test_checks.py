"""Incomplete and wrong results are noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.checks import (
    Tally,
    each_number_once,
    each_task_under_its_number,
    failure_of_root,
    grouped_by_task,
    something,
    tallied,
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"2\n3\n1\n", ""),
        (b"", "3 of 3 results are missing, 1 is the first"),
        (b"1\n3\n", "1 of 3 results are missing, 2 is the first"),
        (b"1\n3\n3\n2\n", "3 came twice"),
        (b"1\n2\n3\n4\n", r"unexpected line b'4\n'"),
        (b"0\n1\n2\n3\n", r"unexpected line b'0\n'"),
        (b"1\n2\n3", "unexpected line b'3'"),
        (b"1\n2\n\n3\n", r"unexpected line b'\n'"),
        (b"1\n2\nx\n", r"unexpected line b'x\n'"),
        (b"1\n2 \n3\n", r"unexpected line b'2 \n'"),
    ],
)
def test_each_number_comes_once(results: Path, text: bytes, fault: str) -> None:
    results.write_bytes(text)
    assert each_number_once(3)(results) == fault


def test_what_follows_each_number_counts(results: Path) -> None:
    results.write_bytes(b"1 success\n2 success\n")
    assert each_number_once(2, b" success")(results) == ""
    results.write_bytes(b"1 success\n2 failure\n")
    assert each_number_once(2, b" success")(results) == r"unexpected line b'2 failure\n'"


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        (b"1 failure\n1 a b c\n", True),
        (b"1 failure\n1 a c b\n", True),
        (b"1 failure\n1 b a c\n", False),
        (b"1 failure\n1 a b\n", False),
        (b"1 failure\n1 a b b\n", False),
        (b"1 failure\n1 a b c c\n", False),
        (b"1 failure\n1 a b c\n2 success\n", False),
        (b"1 success\n2 success\n3 success\n", False),
        (b"1 failure\n1 a b c", False),
    ],
)
def test_all_dependants_are_named_once(results: Path, text: bytes, is_good: bool) -> None:
    results.write_bytes(text)
    fault = failure_of_root(b"a", frozenset([b"a", b"b", b"c"]))(results)
    assert (fault == "") is is_good


def test_results_that_are_only_counted() -> None:
    check = tallied(lines=2, octets=10, most_more=3)
    assert check(Tally(octets=10, lines=2)) == ""
    assert check(Tally(octets=13, lines=2)) == ""
    assert check(Tally(octets=9, lines=2)) == "9 octets instead of 10"
    assert check(Tally(octets=14, lines=2)) == "14 octets instead of 10"
    assert check(Tally(octets=10, lines=1)) == "1 lines instead of 2"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"2 a\n2 b\n1 a\n1 b\n", ""),
        (b"2 a\n2 b\n", "1 of 2 tasks are missing"),
        (b"1 a\n2 a\n1 b\n2 b\n", "the lines of task 1 are not together"),
        (b"1 b\n1 a\n2 a\n2 b\n", "the lines of task 1 are not together"),
        (b"1 a\n1 b\n2 a\n", "the lines of task 2 are not together"),
        (b"1 a\n1 b\n1 a\n1 b\n", r"unexpected line b'1 a\n'"),
        (b"1 a\n1 b\n2 a\n2 b\n3 a\n", r"unexpected line b'3 a\n'"),
        (b"a\nb\na\nb\n", r"unexpected line b'a\n'"),
    ],
)
def test_lines_of_a_task_are_together(results: Path, text: bytes, fault: str) -> None:
    results.write_bytes(text)
    assert grouped_by_task(2, [b"a", b"b"])(results) == fault


def test_something_is_not_nothing(results: Path) -> None:
    results.write_bytes(b"")
    assert something(results)
    results.write_bytes(b"version\n")
    assert not something(results)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"0 2 2\n1 1 1\n", ""),
        (b"0 2 2\n", "1 of 2 results are missing"),
        (b"0 2 1\n1 1 2\n", "unexpected line b'0 2 1\\n'"),
        (b"0 1 1\n1 1 1\n", "unexpected line b'1 1 1\\n'"),
        (b"0 3 3\n", "unexpected line b'0 3 3\\n'"),
        (b"1 1\n", "unexpected line b'1 1\\n'"),
        (b"0 x x\n", "unexpected line b'0 x x\\n'"),
    ],
)
def test_each_task_has_its_own_number(results: Path, text: bytes, fault: str) -> None:
    results.write_bytes(text)
    assert each_task_under_its_number(2)(results) == fault
