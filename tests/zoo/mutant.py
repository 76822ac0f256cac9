"""What a mutant is, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar


class Mutant(NamedTuple):
    """A fault.

    Attributes:
        plant: puts it into the reference implementation, for the rest of the process.
        breaks: the requirements that the suite has to find broken.
    """

    plant: Callable[[], None]
    breaks: tuple[str, ...]


MUTANTS: dict[str, Mutant] = {}
"""All mutants by name."""

Plant = TypeVar("Plant", bound=Callable[[], None])


def breaks(*requirements: str) -> Callable[[Plant], Plant]:
    """Add a mutant, which is called like the function that plants it."""

    def add(plant: Plant) -> Plant:
        MUTANTS[plant.__name__.replace("_", "-")] = Mutant(plant, requirements)
        return plant

    return add
