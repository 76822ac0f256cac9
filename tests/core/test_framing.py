"""Framing: every input whole, octet by octet, with trailing data, and cut anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paexec_trio.core.framing import LongLineError, ResultFramer, TaskFramer, long_line


def octet_by_octet(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut data into non-empty chunks at these places, as far as they are inside of it."""
    ends = sorted({0, len(data), *(place for place in places if place < len(data))})
    return [data[start:end] for start, end in pairwise(ends)]


cuts = st.lists(st.integers(min_value=0, max_value=200))


# One whole result


@given(
    data=st.lists(st.sampled_from([b"", b"a", b"e", b"\n", b"e\n", b"\ne\n"])).map(b"".join),
    eot=st.sampled_from([b"", b"e"]),
    held=st.sampled_from([b"", b"x"]),
)
def test_whole_is_what_feed_finds_whole(data: bytes, eot: bytes, held: bytes) -> None:
    framer, other = ResultFramer(eot), ResultFramer(eot)
    framer.feed(held)
    whole = framer.whole(data)
    line, lines, rest = other.feed(data)
    assert whole == (lines if rest == b"" and not held else None)
    assert line == b""
    # It took nothing in.
    other = ResultFramer(eot)
    other.feed(held)
    assert framer.feed(data) == other.feed(data)


@pytest.mark.parametrize(
    ("eot", "data", "lines"),
    [
        (b"", b"\n", b""),
        (b"", b"a\n\n", b"a\n"),
        (b"", b"a\nb\n\n", b"a\nb\n"),
        (b"", b"a\n\nb", None),
        (b"", b"\nb", None),
        (b"", b"a\n", None),
        (b"end", b"end\n", b""),
        (b"end", b"a\nend\n", b"a\n"),
        (b"end", b"\nend\n", b"\n"),
        (b"end", b"a\nend\nend\n", None),
        (b"end", b"the end\n", None),
    ],
)
def test_one_whole_result(eot: bytes, data: bytes, lines: bytes | None) -> None:
    """EOT-001, EOT-002: its lines, if there is nothing behind it."""
    assert ResultFramer(eot).whole(data) == lines


# Several results at once


@given(
    results=st.lists(
        st.lists(st.sampled_from([b"a", b"ab", b"e", b"ee", b"x ", b"\0"]), max_size=3), max_size=8
    ),
    eot=st.sampled_from([b"", b"e", b"ee", b"end"]),
    rest=st.sampled_from([b"", b"a", b"a\nb", b"e", b"a\n"]),
    most=st.integers(min_value=1, max_value=10),
)
@example(results=[[], [], []], eot=b"", rest=b"", most=2)
@example(results=[[b"a"], [], [b"a"]], eot=b"e", rest=b"e", most=9)
def test_cutting_results(results: list[list[bytes]], eot: bytes, rest: bytes, most: int) -> None:
    """PRE-020: the same as one after the other."""
    texts = [b"".join(line + b"\n" for line in result if line != eot) for result in results]
    whole = [text + eot + b"\n" for text in texts]
    data = b"".join(whole) + rest
    cut, left = ResultFramer(eot).cut(data, most)
    assert cut == texts[:most]
    assert left == b"".join(whole[most:]) + rest


# Tasks


def tasks_of(chunks: Iterable[bytes], terminator: bytes = b"\n") -> list[bytes]:
    framer = TaskFramer(terminator)
    blocks = [*map(framer.feed, chunks), framer.end()]
    assert all(block.endswith(terminator) for block in blocks if block)
    return b"".join(blocks).split(terminator)[:-1]


TASKS = [
    (b"\n", b"", []),
    (b"\n", b"a\n", [b"a"]),
    (b"\n", b"a", [b"a"]),
    (b"\n", b"a\nbb\nccc\n", [b"a", b"bb", b"ccc"]),
    (b"\n", b"a\nbb", [b"a", b"bb"]),
    (b"\n", b"\n", [b""]),
    (b"\n", b"\n\na\n\n", [b"", b"", b"a", b""]),
    (b"\n", b"a\r\n\0\x0b\x0c\x85\n", [b"a\r", b"\0\x0b\x0c\x85"]),
    (b"\0", b"", []),
    (b"\0", b"a\0", [b"a"]),
    (b"\0", b"a", [b"a"]),
    (b"\0", b"a\0b", [b"a", b"b"]),
    (b"\0", b"\0\0", [b"", b""]),
    (b"\0", b"a\nb\0c", [b"a\nb", b"c"]),
    (b"\0", b"a\0\n", [b"a", b""]),
    (b"\0", b"a\0b\n", [b"a", b"b"]),
    (b"\0", b"a\n", [b"a"]),
    (b"\0", b"a\n\n", [b"a\n"]),
    (b"\0", b"\n", [b""]),
]


@pytest.mark.parametrize(("terminator", "data", "tasks"), TASKS)
def test_tasks_of_an_input_that_comes_whole(
    terminator: bytes, data: bytes, tasks: list[bytes]
) -> None:
    """FRM-001 to FRM-006."""
    assert tasks_of([data], terminator) == tasks


@pytest.mark.parametrize(("terminator", "data", "tasks"), TASKS)
def test_tasks_of_an_input_that_comes_octet_by_octet(
    terminator: bytes, data: bytes, tasks: list[bytes]
) -> None:
    assert tasks_of(octet_by_octet(data), terminator) == tasks


@pytest.mark.parametrize("terminator", [b"\n", b"\0"])
def test_a_task_is_there_when_its_terminator_is(terminator: bytes) -> None:
    """DSP-020: and what follows does not wait for anything either."""
    framer = TaskFramer(terminator)
    assert framer.feed(b"one") == b""
    assert framer.feed(terminator + b"two" + terminator + b"thr") == b"".join(
        [b"one", terminator, b"two", terminator]
    )
    assert framer.feed(b"ee") == b""
    assert framer.end() == b"three" + terminator
    assert framer.end() == b""


def naive_tasks(data: bytes, terminator: bytes) -> list[bytes]:
    tasks = data.split(terminator)
    last = tasks.pop()
    if last:
        if terminator == b"\0" and last.endswith(b"\n"):
            last = last[:-1]
        tasks.append(last)
    return tasks


inputs = st.lists(
    st.one_of(st.sampled_from([b"\n", b"\0", b"\r", b"a", b"\n\n", b"\0\n"]), st.binary())
).map(b"".join)


@given(data=inputs, places=cuts, terminator=st.sampled_from([b"\n", b"\0"]))
def test_how_the_input_is_cut_never_changes_the_tasks(
    data: bytes, places: list[int], terminator: bytes
) -> None:
    expected = naive_tasks(data, terminator)
    assert tasks_of(cut(data, places), terminator) == expected
    assert tasks_of(octet_by_octet(data), terminator) == expected


# Results

EOT = object()
"""Stands for the end of a task among the lines of results."""

Parsed = list[object]


def parse(chunks: Iterable[bytes], eot: bytes) -> Parsed:
    """Return the lines, without their newlines, and EOTs that a framer finds."""
    framer = ResultFramer(eot)
    found: Parsed = []
    for chunk in chunks:
        rest: bytes | None = chunk
        while rest:
            line, lines, rest = framer.feed(rest)
            assert line == b"" or line.find(b"\n") == len(line) - 1
            assert lines == b"" or lines.endswith(b"\n")
            found += (bytes(line) + lines).split(b"\n")[:-1]
            if rest is not None:
                found.append(EOT)
    return found


def naive_lines(data: bytes, eot: bytes) -> Parsed:
    lines = data.split(b"\n")[:-1]  # what comes after the last newline is no line
    return [EOT if line == eot else line for line in lines]


MAGIC = b"HG>&OSO@#;"

RESULTS: list[tuple[bytes, bytes, Parsed]] = [
    (b"", b"\n", [EOT]),
    (b"", b"a\n\n", [b"a", EOT]),
    (b"", b"a\nbb\nccc\n\n", [b"a", b"bb", b"ccc", EOT]),
    (b"", b"a", []),
    (b"", b"a\n", [b"a"]),
    (b"", b" \n\n", [b" ", EOT]),
    (b"", b"\r\n\n", [b"\r", EOT]),
    (b"", b"\0\n\n", [b"\0", EOT]),
    (b"end", b"end\n", [EOT]),
    (b"end", b"a\nend\n", [b"a", EOT]),
    (b"end", b"\n\nend\n", [b"", b"", EOT]),
    (b"end", b"end", []),
    (b"end", b"the end\nend \nendend\nen\nend\n", [b"the end", b"end ", b"endend", b"en", EOT]),
    (b"aab", b"aaab\naab\n", [b"aaab", EOT]),
    (b"\0", b"a\0\n\0\n", [b"a\0", EOT]),
    (MAGIC, MAGIC + b"\n", [EOT]),
    (MAGIC, b"x" + MAGIC + b"\n" + MAGIC + b"\n", [b"x" + MAGIC, EOT]),
]


@pytest.mark.parametrize(("eot", "data", "found"), RESULTS)
def test_results_that_come_whole(eot: bytes, data: bytes, found: Parsed) -> None:
    """EOT-001, EOT-002, EOT-008, EOT-012."""
    assert parse([data], eot) == found


@pytest.mark.parametrize(("eot", "data", "found"), RESULTS)
def test_results_that_come_octet_by_octet(eot: bytes, data: bytes, found: Parsed) -> None:
    """RES-005."""
    assert parse(octet_by_octet(data), eot) == found


@pytest.mark.parametrize(("eot", "data", "found"), [r for r in RESULTS if r[2] and r[2][-1] is EOT])
@pytest.mark.parametrize("trailing", [b"x", b"\n", b"x\n", b"end\n", b"end\nend"])
def test_octets_after_the_eot_are_handed_back(
    eot: bytes, data: bytes, found: Parsed, trailing: bytes
) -> None:
    framer = ResultFramer(eot)
    line, lines, rest = framer.feed(data + trailing)
    assert (bytes(line) + lines).split(b"\n")[:-1] == found[:-1]
    assert rest == trailing
    # Nothing of them has stayed in the framer, which is ready for the next task.
    assert framer.feed(data) == (b"", data[: len(data) - len(eot) - 1], b"")


@pytest.mark.parametrize("eot", [b"", b"end"])
def test_trailing_octets_after_an_eot_that_came_in_pieces(eot: bytes) -> None:
    framer = ResultFramer(eot)
    assert framer.feed(b"li") == (b"", b"", None)
    line, lines, rest = framer.feed(b"ne\n" + eot + b"\ntrailing")
    assert (line, lines, rest) == (b"line\n", b"", b"trailing")
    for octet in octet_by_octet(eot):
        assert framer.feed(octet) == (b"", b"", None)
    assert framer.feed(b"\ntrailing") == (b"", b"", b"trailing")


def test_lines_are_given_as_soon_as_they_are_whole() -> None:
    """RES-004."""
    framer = ResultFramer(b"end")
    assert framer.feed(b"a\nb\nen") == (b"", b"a\nb\n", None)
    assert framer.feed(b"d") == (b"", b"", None)
    assert framer.feed(b"!\nc\n") == (b"end!\n", b"c\n", None)


def test_a_long_line_is_searched_once() -> None:
    """RES-007: the time for a line in many chunks must not grow with its square."""
    framer = ResultFramer(b"")
    chunk = b"x" * 65536
    for _ in range(256):
        assert framer.feed(chunk) == (b"", b"", None)
    line, lines, rest = framer.feed(b"\n\n")
    assert len(line) == 256 * 65536 + 1
    assert (lines, rest) == (b"", b"")


eots = st.one_of(
    st.sampled_from([b"", b"a", b"ab", b"aa", b"aab", b"\0", b"\r", b" "]),
    st.binary(max_size=8).map(lambda eot: eot.replace(b"\n", b"")),
)


@st.composite
def eots_and_outputs(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw an EOT and output that is full of it, of its parts and of newlines."""
    eot = draw(eots)
    pieces = st.one_of(
        st.sampled_from([b"\n", eot, eot + b"\n", b"\n" + eot + b"\n", eot[:-1], eot[1:], b"a"]),
        st.binary(max_size=10),
    )
    return eot, b"".join(draw(st.lists(pieces)))


@given(eot_and_output=eots_and_outputs(), places=cuts)
@example(eot_and_output=(b"", b"a\n\n\nb\n\n"), places=[2, 3])
@example(eot_and_output=(b"aa", b"aaa\naa\n"), places=[1, 2, 3, 4, 5, 6])
def test_how_results_are_cut_never_changes_the_lines(
    eot_and_output: tuple[bytes, bytes], places: list[int]
) -> None:
    """RES-005, EOT-002."""
    eot, output = eot_and_output
    expected = naive_lines(output, eot)
    assert parse([output], eot) == expected
    assert parse(cut(output, places), eot) == expected
    assert parse(octet_by_octet(output), eot) == expected


# Lines that are too long

some_lines = st.lists(st.sampled_from([b"a", b"\n", b"bcd", b"e" * 9])).map(b"".join)


@given(data=some_lines, limit=st.integers(1, 10))
def test_where_the_first_long_line_begins(data: bytes, limit: int) -> None:
    begin, expected = 0, -1
    for line in data.split(b"\n"):
        if len(line) > limit:
            expected = begin
            break
        begin += len(line) + 1
    assert long_line(data, b"\n", limit) == expected


@given(data=some_lines, limit=st.integers(1, 10), places=cuts)
def test_tasks_before_a_long_one(data: bytes, limit: int, places: list[int]) -> None:
    """LIM-014, LIM-015: however the input is cut, and whether the long task ends or not."""
    framer = TaskFramer(b"\n", limit)
    tasks = b"".join(map(framer.feed, cut(data, places))) + framer.end()
    begin = long_line(data, b"\n", limit)
    assert framer.found_long == (begin >= 0)
    whole = data if not data or data.endswith(b"\n") else data + b"\n"
    assert tasks == (data[:begin] if begin >= 0 else whole)


@given(data=some_lines, limit=st.integers(2, 10), places=cuts, eot=st.sampled_from([b"", b"e" * 9]))
def test_a_result_with_a_long_line(data: bytes, limit: int, places: list[int], eot: bytes) -> None:
    """LIM-012, LIM-015: lines are as without a limit, or one is too long; an EOT never is."""
    framer = ResultFramer(eot, limit)
    chunks = cut(data, places)
    end = (b"\n" + data).find(b"\n" + eot + b"\n")
    result = data[:end] if end >= 0 else data
    try:
        parse_with(framer, chunks)
    except LongLineError:
        assert long_line(result, b"\n", max(limit, len(eot))) >= 0
    else:
        assert long_line(result, b"\n", max(limit, len(eot))) < 0


def parse_with(framer: ResultFramer, chunks: list[bytes]) -> None:
    """Feed a framer up to the first EOT."""
    for chunk in chunks:
        if framer.feed(chunk)[2] is not None:
            return


def test_no_fast_path_misses_a_long_line() -> None:
    """LIM-012."""
    framer = ResultFramer(b"", 3)
    assert framer.whole(b"abc\n\n") is None
    assert framer.whole(b"a\n\n") == b"a\n"
    assert framer.cut(b"a\n\nabcd\n\nrest", 5) == ([], b"a\n\nabcd\n\nrest")
