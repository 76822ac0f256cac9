"""Words that stand for several nodes (the chapter Hosts of the specification)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.core.nodenames import LOCAL, MAX_NODES, LocalNode, NodeWordError
from paexec_trio.core.nodewords import begins_list, expand, parse_hosts, split_gaps


def no_set(text: bytes) -> list[bytes]:
    raise AssertionError(f"{text!r} is no nodeset")


def letters(text: bytes) -> list[bytes]:
    """Return a node per letter."""
    return [bytes([octet]) for octet in text]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (b"a b", [b"a", b"b"]),
        (b"a*2 b", [b"a", b"a", b"b"]),
        (b"a*0003", [b"a"] * 3),
        (b"a* a*x a*1x +x + a+1", [b"a*", b"a*x", b"a*1x", b"+x", b"+", b"a+1"]),
        (b"[::1]*2 u@[fe80::1%e]", [b"::1", b"::1", b"u@fe80::1%e"]),
        (b"[x] [1-3] h[1:2] [::1 [::1]x", [b"[x]", b"[1-3]", b"h[1:2]", b"[::1", b"[::1]x"]),
        (b"*", [b"*"]),
    ],
)
def test_names(words: bytes, names: list[bytes]) -> None:
    assert expand(words.split(b" "), no_set) == names


def test_nodes_on_this_machine_are_told_from_hosts_of_that_name() -> None:
    """HST-003."""
    names = expand([b"localhost", b"+2"], no_set)
    assert names == [b"localhost", LOCAL, LOCAL]
    assert [isinstance(name, LocalNode) for name in names] == [False, True, True]


def test_nodesets() -> None:
    """HST-005: a count repeats each node."""
    assert expand([b"%ab*2", b"%c"], letters) == [b"a", b"a", b"b", b"b", b"c"]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (b"a*0", b"'a*0': expected a count from 1 to 4194304"),
        (b"+0", b"'+0': expected a count"),
        (b"a*4194305", b"expected a count"),
        (b"a*" + b"9" * 5000, b"expected a count"),
        (b"*3", b"'*3': expected the name of a node before the *"),
        (b"+1*3", b"'+1*3': expected the name"),
        (b"%", b"'%': the nodeset is empty"),
        (b"%*2", b"'%': the nodeset is empty"),
        (b"%ab*4194304", b"'%ab*4194304' means more than 4194304 nodes"),
        (b"-x", b"node '-x' begins with a hyphen"),
        (b"-x*2", b"node '-x' begins with a hyphen"),
        (b"%-", b"node '-' begins with a hyphen"),
        (b"a\0", b"node 'a\\000' contains a NUL"),
    ],
)
def test_bad_words(word: bytes, reason: bytes) -> None:
    """HST-007."""
    with pytest.raises(NodeWordError) as caught:
        expand([word], letters)
    assert reason in caught.value.reason


def test_an_empty_group_may_be_an_unknown_one() -> None:
    with pytest.raises(NodeWordError, match="is the group known"):
        expand([b"%@x"], lambda _text: [])


def test_too_many_nodes_in_all() -> None:
    """HST-007: nothing is made of the words that follow."""
    with pytest.raises(NodeWordError, match="more than"):
        expand([b"a*%d" % MAX_NODES, b"b*%d" % MAX_NODES, b"%c"], no_set)


@pytest.mark.parametrize(
    ("word", "begins"),
    [
        *[(word, True) for word in (b"%x", b"+3", b"[::1]", b"[::1]*2", b"u@[::1]")],
        *[(word, False) for word in (b"+x", b"+", b"[x]", b"[1-3]", b",x", b"*2")],
    ],
)
def test_beginnings_of_lists(word: bytes, begins: bool) -> None:
    """HST-006."""
    assert begins_list(word) == begins


def test_a_hostfile() -> None:
    """HST-020."""
    text = b"# c\n\n a*2 b#b \t# x\r\n+1 %de\n#"
    assert parse_hosts(text, letters) == [b"a", b"a", b"b#b", LOCAL, b"d", b"e"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", b"there is no node in it"),
        (b"#a\n \n", b"there is no node in it"),
        (b"a\n\n,b\n", b"line 3: ',b' is no name of a node"),
        (b"a -b\n", b"line 1: '-b' is no name of a node"),
        (b"a\nb*0", b"line 2: 'b*0': expected a count from 1 to 4194304"),
    ],
)
def test_bad_hostfiles(text: bytes, reason: bytes) -> None:
    """HST-021."""
    with pytest.raises(NodeWordError) as caught:
        parse_hosts(text, letters)
    assert caught.value.reason == reason


def test_too_many_nodes_in_a_hostfile() -> None:
    with pytest.raises(NodeWordError, match="more than"):
        parse_hosts(b"a*%d\nb*%d" % (MAX_NODES, MAX_NODES), no_set)


@given(st.lists(st.binary(min_size=1).filter(lambda word: not {*word} & {*b" \t\r\n"})))
def test_gaps(words: list[bytes]) -> None:
    assert split_gaps(b" \t\r\n".join(words)) == words
