"""List the tests of each requirement from their markers, without running pytest."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, ModuleType
from typing import Any

from conformance.harness.again import SUITE


@dataclass(frozen=True, order=True)
class Proof:
    """A test function: the name of its file and its own, and its first line, from 1."""

    file: str
    name: str
    line: int


def find_proofs() -> dict[str, list[Proof]]:
    """Return the tests of each requirement that has any, in the order of the files."""
    found: dict[str, set[Proof]] = {}
    for path in sorted(SUITE.glob("test_*.py")):
        module = importlib.import_module(f"conformance.{path.stem}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_"):
                proof = Proof(path.name, name, function.__code__.co_firstlineno)
                for requirement in _requirements(module, function):
                    found.setdefault(requirement, set()).add(proof)
    return {
        name: sorted(proofs, key=lambda proof: (proof.file, proof.line))
        for name, proofs in sorted(found.items())
    }


def _requirements(module: ModuleType, function: FunctionType) -> Iterator[str]:
    """The ids in the markers of a test, of its parameters and of its file."""
    of_module = getattr(module, "pytestmark", [])
    marks = [*(of_module if isinstance(of_module, list) else [of_module])]
    marks += getattr(function, "pytestmark", [])
    for mark in marks:
        yield from _ids(mark)
        if mark.name == "parametrize":
            for parameter in mark.args[1]:
                for inner in getattr(parameter, "marks", ()):
                    yield from _ids(inner)


def _ids(mark: Any) -> tuple[str, ...]:
    ids: tuple[str, ...] = mark.args if mark.name == "requirement" else ()
    return ids
