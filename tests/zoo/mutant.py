"""Mutants, and the list of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from tests.simulation.violations import Kind


class Mutant(NamedTuple):
    """A fault, and who has to find it.

    Attributes:
        plant: puts it into the reference implementation.
        breaks: the requirements that the suite has to find broken; none: the suite is not asked.
        shows_as: the violations one of which the simulation has to find; none: it is not asked.
        raises: the exception by which the fault ends the program, if it is to do that.
    """

    plant: Callable[[], None]
    breaks: tuple[str, ...] = ()
    shows_as: frozenset[Kind] = frozenset()
    raises: type[Exception] | None = None


MUTANTS: dict[str, Mutant] = {}
"""All mutants by name."""

Plant = TypeVar("Plant", bound=Callable[[], None])


def _mutant(plant: Callable[[], None]) -> tuple[str, Mutant]:
    """Return a mutant's name, which is that of the function that plants it, and what is known."""
    name = plant.__name__.replace("_", "-")
    return name, MUTANTS.get(name, Mutant(plant))


def breaks(*requirements: str) -> Callable[[Plant], Plant]:
    """Add a mutant that the suite has to catch."""

    def add(plant: Plant) -> Plant:
        name, mutant = _mutant(plant)
        MUTANTS[name] = mutant._replace(breaks=requirements)
        return plant

    return add


def shows_as(*kinds: Kind) -> Callable[[Plant], Plant]:
    """Add a mutant of the core that the simulation has to catch."""

    def add(plant: Plant) -> Plant:
        name, mutant = _mutant(plant)
        MUTANTS[name] = mutant._replace(shows_as=frozenset(kinds))
        return plant

    return add


def raises(exception: type[Exception]) -> Callable[[Plant], Plant]:
    """Let a mutant end by an exception; otherwise that proves nothing but that it is not one."""

    def add(plant: Plant) -> Plant:
        name, mutant = _mutant(plant)
        MUTANTS[name] = mutant._replace(raises=exception)
        return plant

    return add
