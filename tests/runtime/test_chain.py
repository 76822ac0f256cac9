"""The queue to which another can be appended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paexec_trio.runtime.chain import Chain


def items_of(chain: Chain[int]) -> list[int]:
    items = []
    while chain:
        items.append(chain.take())
    return items


def test_an_empty_chain_has_nothing_to_take() -> None:
    chain: Chain[int] = Chain()
    assert not chain
    with pytest.raises(IndexError):
        chain.take()


def test_a_chain_that_was_moved_is_empty_and_can_be_used_again() -> None:
    one: Chain[int] = Chain()
    other: Chain[int] = Chain()
    one.append(1)
    other.append(2)
    one.move_from(other)
    assert not other
    other.append(3)
    assert items_of(one) == [1, 2]
    assert items_of(other) == [3]


def test_a_long_chain_is_deleted_without_recursion() -> None:
    chain: Chain[int] = Chain()
    for number in range(300_000):
        chain.append(number)
    del chain


@given(
    script=st.lists(
        st.tuples(
            st.sampled_from(["append", "put back", "take", "move"]),
            st.integers(min_value=0, max_value=2),
            st.integers(min_value=0, max_value=2),
        ),
        max_size=40,
    )
)
def test_items_come_out_as_they_went_in(script: list[tuple[str, int, int]]) -> None:
    chains: list[Chain[int]] = [Chain() for _ in range(3)]
    model: list[list[int]] = [[], [], []]
    for number, (action, one, other) in enumerate(script):
        if action == "append":
            chains[one].append(number)
            model[one].append(number)
        elif action == "put back":
            chains[one].put_back(number)
            model[one].insert(0, number)
        elif action == "take":
            if model[one]:
                assert chains[one].take() == model[one].pop(0)
        elif one != other:
            chains[one].move_from(chains[other])
            model[one] += model[other]
            model[other] = []
        assert [bool(chain) for chain in chains] == [bool(items) for items in model]
    assert [items_of(chain) for chain in chains] == model
