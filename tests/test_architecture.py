"""The rings: what may import what, and that facts written in several places agree."""

from __future__ import annotations

import ast
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import paexec_trio
from paexec_trio.cli.programs import PROGRAMS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "paexec_trio"

FORBIDDEN_IN_CORE = {
    "asyncio",
    "datetime",
    "fcntl",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "threading",
    "time",
    "trio",
}
"""I/O, clocks, randomness and whatever leads to them."""


def files(directory: str) -> list[Path]:
    found = sorted((ROOT / directory).rglob("*.py"))
    assert found, f"nothing to check in {directory}"
    return found


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted names of all that is imported, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            # The names may be modules themselves.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and callee_name(node) in {"__import__", "import_module"}:
            yield from (
                argument.value
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def callee_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def imports_of(path: Path) -> set[str]:
    return set(imports(ast.parse(path.read_bytes(), str(path))))


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


MODULES = {name_of(path): path for path in files("paexec_trio")}


def reachable_from(start: set[str]) -> set[str]:
    """Return the package's modules that those import, directly or not."""
    reached: set[str] = set()
    todo = set(start)
    while todo:
        name = todo.pop()
        reached.add(name)
        todo |= {other for other in imports_of(MODULES[name]) if other in MODULES} - reached
    return reached


CORE = {name for name in MODULES if name.startswith("paexec_trio.core")}


def test_the_core_imports_nothing_that_touches_the_world() -> None:
    for name in reachable_from(CORE):
        forbidden = roots(imports_of(MODULES[name])) & FORBIDDEN_IN_CORE
        assert not forbidden, f"{name} imports {forbidden}"


def test_the_core_stands_on_its_own() -> None:
    assert reachable_from(CORE) == CORE


def test_the_core_calls_nothing_that_opens_files() -> None:
    for name in CORE:
        tree = ast.parse(MODULES[name].read_bytes())
        calls = {callee_name(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not calls & {"open", "print", "input", "exec", "eval"}, name


def test_the_runtime_does_not_know_the_command_line() -> None:
    runtime = {name for name in MODULES if name.startswith("paexec_trio.runtime")}
    assert runtime
    assert not {name for name in reachable_from(runtime) if name.startswith("paexec_trio.cli")}


def test_only_three_modules_of_reordering_touch_the_world() -> None:
    names = ("filter", "keeping", "openresults")
    outside = {f"paexec_trio.reorder.{name}" for name in names}
    inside = {name for name in MODULES if name.startswith("paexec_trio.reorder")} - outside
    assert len(inside) > len(outside)
    for name in reachable_from(inside):
        assert not roots(imports_of(MODULES[name])) & FORBIDDEN_IN_CORE, name


NURSERY = {name for name in MODULES if name.startswith("paexec_trio.nursery")}
SERVICES = {name for name in MODULES if name.startswith("paexec_trio.services")}
HISTORY = {name for name in MODULES if name.startswith("paexec_trio.history")}
SHOWN = {"paexec_trio.core.facts", "paexec_trio.core.visible"}
"""The modules of the core that services may use."""
WAITING = NURSERY | SERVICES


def test_only_the_nursery_and_services_import_trio() -> None:
    assert SERVICES
    assert {name for name in MODULES if "trio" in roots(imports_of(MODULES[name]))} <= WAITING
    importing = {name for name in MODULES if WAITING & imports_of(MODULES[name])} - WAITING
    # The public names, and the program once its nodes have been started.
    assert importing == {"paexec_trio", "paexec_trio.cli.main", "paexec_trio.testing"}


def test_the_nursery_names_services_for_type_checkers_only() -> None:
    """The program that asks for a service loads it; a run knows nothing but the interface."""
    for name in NURSERY:
        tree = ast.parse(MODULES[name].read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        assert not set(imports(tree)) & SERVICES, name


def test_services_touch_no_engine() -> None:
    """They have the facts; of the nursery and the rest of the core they know types at most."""
    for name in SERVICES:
        tree = ast.parse(MODULES[name].read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                node.body = []
        others = set(imports(tree)) & MODULES.keys() - SERVICES - HISTORY - SHOWN
        assert not others, f"{name} imports {others}"


def test_nothing_but_the_nursery_and_services_waits() -> None:
    for name in MODULES.keys() - WAITING:
        tree = ast.parse(MODULES[name].read_bytes())
        waiting = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
        assert not any(isinstance(node, waiting) for node in ast.walk(tree)), name


def test_the_public_names_are_those_that_type_checkers_see() -> None:
    seen: dict[str, object] = {}
    for statement in ast.parse(MODULES["paexec_trio"].read_bytes()).body:
        if isinstance(statement, ast.If):
            for node in ast.walk(statement):
                if isinstance(node, ast.ImportFrom) and node.module != "importlib":
                    module = import_module(str(node.module))
                    seen |= {str(name.asname): getattr(module, name.name) for name in node.names}
    names = set(paexec_trio.__all__) - {"__version__"}
    assert seen == {name: getattr(paexec_trio, name) for name in names}


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'run'"):
        _ = paexec_trio.run  # type: ignore[attr-defined]


SHOWING_NAMES = """if True:
    import sys, paexec_trio
    print(*dir(paexec_trio))
    print("trio" in sys.modules, "paexec_trio.runtime.run" in sys.modules)
    """


def test_the_package_shows_its_public_names_before_they_are_used() -> None:
    """And loads nothing for that."""
    shown = subprocess.run(
        [sys.executable, "-Werror", "-c", SHOWING_NAMES], capture_output=True, text=True, check=True
    )
    names, loaded = shown.stdout.splitlines()
    assert names.split() == sorted(paexec_trio.__all__)
    assert {"Run", "serve", "__version__"} <= set(names.split())
    assert loaded == "False False"


LARGEST_CLASS, MOST_METHODS, MOST_ATTRIBUTES = 300, 25, 15


def lines(cls: ast.ClassDef) -> int:
    assert cls.end_lineno is not None
    return cls.end_lineno - cls.lineno + 1


def methods(cls: ast.ClassDef) -> list[str]:
    functions = ast.FunctionDef, ast.AsyncFunctionDef
    return [node.name for node in cls.body if isinstance(node, functions)]


def attributes(cls: ast.ClassDef) -> set[str]:
    """Return the names that are assigned to ``self`` anywhere in a class."""
    return {
        node.attr
        for node in ast.walk(cls)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


@pytest.mark.parametrize("name", MODULES)
def test_no_class_is_too_large(name: str) -> None:
    for tree in ast.walk(ast.parse(MODULES[name].read_bytes())):
        if isinstance(tree, ast.ClassDef):
            assert lines(tree) <= LARGEST_CLASS, tree.name
            assert len(methods(tree)) <= MOST_METHODS, tree.name
            assert len(attributes(tree)) <= MOST_ATTRIBUTES, tree.name


def test_the_size_of_a_class() -> None:
    """Otherwise a mistake above would let everything pass."""
    (cls,) = ast.parse(
        "class Big:\n"
        "    def one(self):\n"
        "        self.a = self._b = 1\n"
        "    async def two(self):\n"
        "        self.a, self.c = self.d\n"
    ).body
    assert isinstance(cls, ast.ClassDef)
    assert lines(cls) == 5
    assert methods(cls) == ["one", "two"]
    assert attributes(cls) == {"a", "_b", "c"}


ON_ANOTHER_SYSTEM = """if True:
    import os, pkgutil, select, sys, trio
    for name in ("epoll", "EPOLLIN", "EPOLLOUT", "EPOLLONESHOT"):
        delattr(select, name)
    for name in ("pidfd_open", "pipe2", "waitid", "waitid_result", "P_PID", "WNOWAIT"):
        delattr(os, name)
    import signal
    del signal.pidfd_send_signal
    import paexec_trio
    for module in pkgutil.walk_packages(paexec_trio.__path__, "paexec_trio."):
        if module.name not in ("paexec_trio.__main__", "paexec_trio.runtime.linux"):
            __import__(module.name)
    from paexec_trio.runtime.system import system
    print(system.__name__, "paexec_trio.runtime.linux" in sys.modules)
    """
"""Imports everything where what only Linux has is missing."""


def test_what_only_linux_has_is_used_in_one_module() -> None:
    imported = subprocess.run(
        [sys.executable, "-Werror", "-c", ON_ANOTHER_SYSTEM], capture_output=True, check=False
    )
    assert (imported.stdout, imported.stderr) == (b"paexec_trio.runtime.posix False\n", b"")


@pytest.mark.parametrize("path", files("conformance"), ids=name_of)
def test_the_suite_does_not_know_the_reference_implementation(path: Path) -> None:
    """It judges any build, by argv, pipes and exit statuses alone."""
    assert "paexec_trio" not in roots(imports_of(path))


def test_the_check_of_imports_finds_every_kind_of_import() -> None:
    text = """
import os.path
from time import sleep as s
def function():
    import socket, select as sel
    from random import *
    importlib.import_module("signal")
    __import__("trio")
if x:
    from paexec_trio import core
"""
    assert roots(set(imports(ast.parse(text)))) == {
        "os",
        "time",
        "socket",
        "select",
        "random",
        "signal",
        "trio",
        "paexec_trio",
    }


def options_of_specification(chapter: str) -> dict[str, str]:
    """The options in the tables of a chapter of the specification, each with its value."""
    lines = iter((ROOT / "spec" / chapter).read_text().splitlines())
    found: dict[str, str] = {}
    for line in lines:
        if re.match(r"option +value +meaning$", line):
            columns = slice(line.index("value"), line.index("meaning"))
            next(lines)  # the rule below the head; the next one ends the table
            rows = itertools.takewhile(lambda line: not line.startswith("=="), lines)
            found |= {row.split("`")[2]: row[columns].strip() for row in rows}
    return found


CHAPTERS = {
    "options.rst": "paexec-trio",
    "paargs.rst": "paargs-trio",
    "reorder.rst": "pareorder-trio",
}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_options_are_those_of_the_specification(chapter: str) -> None:
    """And they take values where it says so."""
    options = PROGRAMS[CHAPTERS[chapter]].options
    if chapter == "paargs.rst":
        options = tuple(option for option in options if option.letter)  # ARG-005: as paexec
    rows = options_of_specification(chapter)
    assert rows.keys() == {option.name for option in options}
    assert {name for name, value in rows.items() if value} == {
        option.name for option in options if option.value
    }


def test_requirements_that_tests_mention_exist() -> None:
    """An id in a docstring must not outlive its requirement; tests make up those of AAA."""
    known: set[str] = set()
    for chapter in (ROOT / "spec").glob("*.rst"):
        known |= set(re.findall(r"^   :id: (\S+)$", chapter.read_text(), re.MULTILINE))
    assert known
    for directory in ("tests", "paexec_trio"):
        for path in files(directory):
            mentioned = set(re.findall(r"\b(?!AAA)[A-Z]{3}-\d{3}\b", path.read_text()))
            assert mentioned <= known, path
