"""Every method against a model that is obviously right, with memory that is always too small."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.reorder.blocks import BlockReader, LineBlock
from paexec_trio.reorder.fatal import FatalResults
from paexec_trio.reorder.keeping import ExternalSort, InFile, InMemory
from paexec_trio.reorder.methods import ByEnd, ByTask, Holder, Method, joined, number
from paexec_trio.reorder.printing import printer
from tests.reorder import model
from tests.reorder.model import Line, Options, reordered
from tests.reorder.strategies import LINES, chunks_of

OPTIONS = st.builds(
    Options,
    method=st.sampled_from("mfs"),
    eot=st.sampled_from([b"", b"end"]),
    keep_ids=st.booleans(),
    remove_blanks=st.booleans(),
    cut_fatal=st.booleans(),
    failure=st.sampled_from([b"failure", b"end", b""]),
    fatal=st.sampled_from([b"fatal", b"success", b""]),
)

LIMITS = st.sampled_from([0, 300, 1000, 1 << 20])
"""Octets that may be in memory."""


def make(options: Options, memory_limit: int, directory: bytes) -> Method:
    printed = printer(keep_ids=options.keep_ids, remove_blanks=options.remove_blanks)
    if options.method == "s":
        return ByTask(printed, ExternalSort(directory, memory_limit))
    fatal = FatalResults(options.failure, options.fatal) if options.cut_fatal else None
    holder: Holder = InMemory()
    if options.method == "f":
        holder = InFile(directory, memory_limit, fatal)
    return ByEnd(printed, holder, fatal)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return bytes(tmp_path_factory.mktemp("spill"))


def test_an_end_that_went_to_the_file_in_parts_is_known(directory: bytes) -> None:
    """RDR-030: the line of the failure and the fatal one after it were moved one by one."""
    options = Options(method="f", cut_fatal=True)
    lines = [(b"1", text) for text in (b"w", b"x", b"failure", b"fatal")]
    for begin in range(1, 4):
        method = make(options, 0, directory)
        reader = BlockReader(options.eot)
        for line in lines[begin:]:
            assert not b"".join(method.take(reader.read(model.joined([line]))))
        assert b"".join(method.end()) == reordered(lines[begin:], options)
        method.close()


@given(LINES, OPTIONS, LIMITS, st.data())
def test_methods_do_what_the_model_does(
    directory: bytes, lines: list[Line], options: Options, limit: int, data: st.DataObject
) -> None:
    """RDR-010 to RDR-017, RDR-030 to RDR-033; all octets, all ways to cut the input."""
    method = make(options, limit, directory)
    reader = BlockReader(options.eot)
    output = b""
    for chunk in data.draw(chunks_of(model.joined(lines))):
        output += b"".join(method.take(reader.read(chunk)))
    output += b"".join(method.take(reader.end()))
    reader.check()
    output += b"".join(method.end())
    method.close()
    assert output == reordered(lines, options)


@given(LINES, OPTIONS.filter(lambda options: options.method != "s"), LIMITS)
def test_results_are_printed_when_they_end(
    directory: bytes, lines: list[Line], options: Options, limit: int
) -> None:
    """RDR-016: after each line, what is printed is what the model prints for the input so far.

    But for results without an EOT line, which the model prints as if the input ended there: here
    each of them gets one.
    """
    method = make(options, limit, directory)
    reader = BlockReader(options.eot)
    output = b""
    seen: list[Line] = []
    for line in lines:
        output += b"".join(method.take(reader.read(model.joined([line]))))
        seen.append(line)
        complete = [
            (task, text)
            for index, (task, text) in enumerate(seen)
            if (task, options.eot) in seen[index:]
        ]
        assert output == reordered(complete, options)
    method.close()


def test_large_results_go_through_the_file(directory: bytes) -> None:
    """RDR-018."""
    lines = [(b"%d" % (i % 7 + 1), b"%d" % i * 1000) for i in range(500)]
    for name in "fs":
        method = make(Options(method=name), 100_000, directory)
        reader = BlockReader(b"")
        output = b""
        for line in lines:
            output += b"".join(method.take(reader.read(model.joined([line]))))
        assert output == b""
        output = b"".join(method.end())
        method.close()
        assert output == reordered(lines, Options(method=name))


def test_a_long_result_is_never_in_memory_twice(directory: bytes) -> None:
    """RDR-018: neither when it moves to the file nor when it is printed."""
    limit = 8 << 20
    sort = ExternalSort(directory, limit)
    tracemalloc.start()
    pieces = (b"%d" % index * (1 << 15) for index in range(300))
    for piece in pieces:
        sort.add(b"1", piece)
    printed = sum(map(len, sort.drain()))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sort.close()
    assert printed == (10 + 2 * 90 + 3 * 200) << 15
    assert most < 1.6 * limit


def test_blocks_of_one_chunk_are_joined() -> None:
    blocks: list[LineBlock] = [
        (b"1", b"1 a\n", b""),
        (b"2", b"2 b\n", b""),
        (b"1", b"1 c\n", b"1 \n"),
        (b"2", b"2 d\n", b""),
        (b"3", b"", b"3 \n"),
        (b"1", b"1 e\n", b""),
    ]
    assert list(joined(blocks)) == [
        (b"1", b"1 a\n1 c\n", b"1 \n"),
        (b"3", b"", b"3 \n"),
        (b"2", b"2 b\n2 d\n", b""),
        (b"1", b"1 e\n", b""),
    ]


def test_the_order_of_numbers_is_that_of_any_length() -> None:
    tasks = [b"1" + b"0" * 5000, b"9" * 5000, b"100", b"0011", b"10", b"2", b"1", b"0"]
    assert sorted(tasks, key=number) == tasks[::-1]
