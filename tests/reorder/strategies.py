"""Input for reordering, as Hypothesis makes it up."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.reorder.model import Line

TASKS = st.sampled_from([b"1", b"2", b"3", b"9", b"10", b"11", b"100"])
TEXTS = st.one_of(
    st.sampled_from(
        [
            b"",
            b"end",
            b" ",
            b"  x",
            b"1 a",
            b" 1 a",
            b"fatal",
            b"failure",
            b"success",
            b"\r",
            b"\0",
            b"long " * 500,
        ]
    ),
    st.binary(max_size=8).filter(lambda text: b"\n" not in text),
)
LINES: st.SearchStrategy[list[Line]] = st.lists(st.tuples(TASKS, TEXTS), max_size=40)


@st.composite
def chunks_of(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The data cut into chunks anywhere, none of them empty."""
    cuts = sorted(draw(st.sets(st.integers(1, len(data) - 1), max_size=8))) if len(data) > 1 else []
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]
