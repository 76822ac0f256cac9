"""No class of the core grows into one that does everything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import paexec_trio.core

MAX_LINES, MAX_METHODS, MAX_ATTRIBUTES = 300, 25, 15


def classes() -> Iterator[ast.ClassDef]:
    (directory,) = paexec_trio.core.__path__
    for path in sorted(Path(directory).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ClassDef):
                yield node


def lines_of(cls: ast.ClassDef) -> int:
    assert cls.end_lineno is not None
    return cls.end_lineno - cls.lineno + 1


def methods_of(cls: ast.ClassDef) -> list[str]:
    return [node.name for node in cls.body if isinstance(node, ast.FunctionDef)]


def attributes_of(cls: ast.ClassDef) -> set[str]:
    """Return the names of all that is stored in ``self``."""
    return {
        node.attr
        for node in ast.walk(cls)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


@pytest.mark.parametrize("cls", list(classes()), ids=lambda cls: cls.name)
def test_a_class_is_small(cls: ast.ClassDef) -> None:
    assert lines_of(cls) <= MAX_LINES
    assert len(methods_of(cls)) <= MAX_METHODS
    assert len(attributes_of(cls)) <= MAX_ATTRIBUTES


def test_what_is_counted() -> None:
    """Otherwise a mistake above would let everything pass."""
    (cls,) = ast.parse(
        "class Big:\n"
        "    def one(self):\n"
        "        self.a = self._b = 1\n"
        "    def two(self):\n"
        "        self.a, self.c = self.d\n"
    ).body
    assert isinstance(cls, ast.ClassDef)
    assert lines_of(cls) == 5
    assert methods_of(cls) == ["one", "two"]
    assert attributes_of(cls) == {"a", "_b", "c"}
