"""The definition of a legal variant."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar


class Variant(NamedTuple):
    """Behaviour that the specification allows.

    Attributes:
        plant: puts it into the reference implementation, for the rest of the process.
        chapters: the files of the suite that could mind, ``test_CHAPTER.py``.
    """

    plant: Callable[[], None]
    chapters: tuple[str, ...]


VARIANTS: dict[str, Variant] = {}
"""All variants by name."""

Plant = TypeVar("Plant", bound=Callable[[], None])


def touches(*chapters: str) -> Callable[[Plant], Plant]:
    """Add a variant, which is called like the function that plants it."""

    def add(plant: Plant) -> Plant:
        VARIANTS[plant.__name__.replace("_", "-")] = Variant(plant, chapters)
        return plant

    return add
