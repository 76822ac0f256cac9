"""The playbook itself: a helper that cannot fail would make every test of the engine worthless."""

import pytest

from paexec_trio.core.commands import Exit, ReadMore, Send, StartNode, Write
from paexec_trio.core.events import NodeOutput, RunStarted, StdinChunk, StdinEnded
from paexec_trio.core.settings import Settings
from tests.core.playbook import Playbook, ended, finishing, reaped, started


def test_a_playbook_that_fits_is_true() -> None:
    assert started() >> StdinChunk(b"a\n") << Send(0, b"a\n")


def test_a_missing_command_is_shown_in_the_diff() -> None:
    playbook = started() >> StdinChunk(b"a\n") << Send(0, b"a\n") << Exit()
    with pytest.raises(AssertionError, match=r"(?m)^- << Exit\(status=0, signal=0\)$"):
        bool(playbook)


def test_an_unexpected_command_is_shown_in_the_diff() -> None:
    playbook = started() >> StdinChunk(b"a\n")
    with pytest.raises(AssertionError, match=r"(?m)^\+ << Send\(node=0, data=b'a\\n'\)$"):
        bool(playbook)


def test_the_order_of_commands_matters() -> None:
    playbook = Playbook(Settings(nodes=(b"a",))) >> RunStarted() << ReadMore() << StartNode(0)
    with pytest.raises(AssertionError, match="deviates"):
        bool(playbook)


def test_a_command_after_the_wrong_event_is_no_match() -> None:
    playbook = started() >> StdinChunk(b"a\n") >> NodeOutput(0, b"r\n") << Send(0, b"a\n")
    with pytest.raises(AssertionError, match="deviates"):
        bool(playbook)


def test_how_output_is_cut_into_writes_does_not_matter() -> None:
    playbook = started() >> StdinChunk(b"a\n") << Send(0, b"a\n")
    assert playbook >> NodeOutput(0, b"1\n2\n") << Write(b"1\n") << Write(b"2\n")
    assert playbook >> NodeOutput(0, b"3\n4\n") << Write(b"3\n4\n")


def test_what_is_written_matters() -> None:
    playbook = started() >> StdinChunk(b"a\n") << Send(0, b"a\n")
    playbook >> NodeOutput(0, b"1\n2\n") << Write(b"1\n") << Write(b"3\n")
    with pytest.raises(AssertionError, match="deviates"):
        bool(playbook)


def test_an_idiom_stands_for_several_items() -> None:
    assert started(2) >> StdinEnded() << finishing(0, 1) >> reaped(0) >> reaped(1) << ended()


def test_what_an_idiom_says_matters() -> None:
    playbook = started(2) >> StdinEnded() << finishing(0)
    with pytest.raises(AssertionError, match=r"(?m)^\+ << CloseStdin\(node=1\)$"):
        bool(playbook)
    playbook = started() >> StdinEnded() << finishing(0) >> reaped(0) << ended(status=1)
    with pytest.raises(AssertionError, match=r"(?m)^- << Exit\(status=1, signal=0\)$"):
        bool(playbook)


def test_a_script_begins_with_an_event() -> None:
    with pytest.raises(ValueError, match="begins with an event"):
        Playbook(Settings(nodes=(b"a",))) << ReadMore()


def test_a_script_that_was_never_asserted_is_remembered() -> None:
    playbook = started()
    assert Playbook.unchecked == [playbook]
    assert playbook
    assert Playbook.unchecked == []


def test_a_script_continued_after_its_assertion_has_to_be_asserted_again() -> None:
    playbook = started()
    assert playbook
    playbook >> StdinChunk(b"a\n") << Send(0, b"a\n")
    assert Playbook.unchecked == [playbook]
    assert playbook
