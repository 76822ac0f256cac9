"""A queue to which another queue can be appended in constant time."""

from __future__ import annotations

from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
class _Link(Generic[T]):
    __slots__ = ("item", "next")

    def __init__(self, item: T) -> None:
        self.item = item
        self.next: _Link[T] | None = None


@final
class Chain(Generic[T]):
    """A queue as a linked list: appending, taking, and appending another queue take constant time.

    The queues of the standard library need linear time to append another queue.
    """

    __slots__ = ("_first", "_last")

    def __init__(self) -> None:
        self._first: _Link[T] | None = None
        self._last: _Link[T] | None = None

    def __bool__(self) -> bool:
        """Return whether there is anything in it."""
        return self._first is not None

    def append(self, item: T) -> None:
        """Add an item at the end."""
        link = _Link(item)
        if self._last is None:
            self._first = link
        else:
            self._last.next = link
        self._last = link

    def put_back(self, item: T) -> None:
        """Add an item at the beginning."""
        link = _Link(item)
        link.next = self._first
        self._first = link
        if self._last is None:
            self._last = link

    def take(self) -> T:
        """Take the first item.

        Raises:
            IndexError: there is none.
        """
        link = self._first
        if link is None:
            raise IndexError("the chain is empty")
        self._first = link.next
        if link.next is None:
            self._last = None
        return link.item

    def move_from(self, other: Chain[T]) -> None:
        """Append all items of another chain, which is empty afterwards."""
        if other._first is None:
            return
        if self._last is None:
            self._first = other._first
        else:
            self._last.next = other._first
        self._last = other._last
        other._first = other._last = None
