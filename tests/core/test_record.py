"""Records are plain values."""

from __future__ import annotations

from unittest.mock import ANY

import pytest

from paexec_trio.core.commands import ReadMore, Send
from paexec_trio.core.events import OutputFailed, StdinEnded, StdinFailed


def test_records_of_two_kinds_differ_though_they_hold_the_same() -> None:
    assert StdinFailed(b"why") == StdinFailed(b"why")
    assert StdinFailed(b"why") != OutputFailed(b"why")
    assert ReadMore() != StdinEnded()


def test_each_field_counts() -> None:
    assert Send(1, b"x") != Send(2, b"x")
    assert Send(1, b"x") != Send(1, b"y")


def test_others_may_say_that_they_are_equal() -> None:
    assert Send(1, b"x") == ANY


def test_what_a_failure_shows() -> None:
    assert repr(Send(1, b"x")) == "Send(node=1, data=b'x')"
    assert repr(ReadMore()) == "ReadMore()"


def test_nothing_else_can_be_put_into_a_record() -> None:
    with pytest.raises(AttributeError):
        Send(1, b"x").other = 1  # type: ignore[attr-defined]


def test_what_a_trace_shows() -> None:
    """SEC-003: of long octets only the beginning."""
    assert Send(1, b"x").brief() == repr(Send(1, b"x"))
    assert Send(1, b"x" * 200).brief() == repr(Send(1, b"x" * 200))
    shown = Send(1, b"\x1b" + b"x" * 100_000).brief()
    assert shown == f"Send(node=1, data=b'\\x1b{'x' * 199}'...(99801 more octets))"
