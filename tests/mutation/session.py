"""Runs cosmic-ray over one module, in a copy of the tree that nobody works in."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mutation import warm

ROOT = Path(__file__).parents[2]

COPIED = ("paexec_trio", "tests", "pyproject.toml")

LIMIT = 30
"""Seconds for the tests of one mutant; one that does not end is found by that."""

ENVIRONMENT = {
    # Two versions of a module that are equally long and made in the same second look the same to
    # the interpreter, if it keeps compiled ones.
    "PYTHONDONTWRITEBYTECODE": "1",
    # So that only what is needed here is loaded for each mutant.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


@dataclass(frozen=True)
class Target:
    """A module of the core, and the files of unit tests that are to find its mutants.

    Attributes:
        name: the module.
        tests: the files.
        function: the only function that is mutated, or nothing.
    """

    name: str
    tests: Sequence[str]
    function: str = ""


TARGETS = (
    Target("framing", ["test_framing.py"]),
    Target("graph", ["test_graph.py", "test_graphreader.py"]),
    Target("tasks", ["test_tasks.py"]),
    Target("weights", ["test_weights.py", "test_tasks.py"]),
    Target("windows", ["test_windows.py", "test_prefetch.py"]),
    Target("windowcontrol", ["test_windowcontrol.py", "test_windows.py", "test_prefetch.py"]),
    Target("dispatching", ["test_fast_path.py"], function="exchange"),
)


@dataclass(frozen=True)
class Mutant:
    """A module with one change.

    Attributes:
        module: its name.
        place: where the change is: the module and, after a dot, the function.
        before: the line that was changed, without indentation.
        after: what has become of it.
        killed: whether a test failed, or did not end.
        too_slow: whether that was because it did not end.
    """

    module: str
    place: str
    before: str
    after: str
    killed: bool
    too_slow: bool = False


def copy_of_tree(directory: Path) -> None:
    """Copy what the unit tests need."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, directory / name, ignore=ignored)
        else:
            shutil.copy(source, directory / name)


@contextmanager
def warm_pytest(tree: Path) -> Iterator[list[str]]:
    """Run a server of pytest in the tree; give the words that have it run pytest."""
    address = str(tree / "pytest.socket")
    words = [sys.executable, "-m", "tests.mutation.warm", "serve", address]
    environment = os.environ | ENVIRONMENT
    with subprocess.Popen(words, cwd=tree, env=environment, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            if not server.stdout.readline():
                raise RuntimeError("the server of pytest did not start")
            yield [sys.executable, "-ISE", str(Path(warm.__file__)), address]
        finally:
            server.kill()


def mutants_of(target: Target, tree: Path, pytest: Sequence[str], sessions: Path) -> list[Mutant]:
    """Make all mutants of a module, one after the other, and run its tests with each.

    Args:
        target: the module.
        tree: a copy of the project.
        pytest: the words that run pytest in it.
        sessions: where results are kept. Of a module that is the same as there, only mutants that
            have survived are tried again: further tests do not bring a mutant back to life.

    Raises:
        RuntimeError: the tests fail without any mutation, or cosmic-ray does.
    """
    command = [*pytest, "-x", "-q", "-p", "_hypothesis_pytestplugin", "-p", "no:cacheprovider"]
    command += ["--assert=plain", "--hypothesis-profile=mutation"]
    command += [f"tests/core/{file}" for file in target.tests]
    _checked(command, tree)
    module = f"paexec_trio/core/{target.name}.py"
    configuration = tree / f"{target.name}.toml"
    configuration.write_text(
        "[cosmic-ray]\n"
        f"module-path = {json.dumps(module)}\n"
        f"timeout = {LIMIT}.0\n"
        "excluded-modules = []\n"
        f"test-command = {json.dumps(shlex.join(command))}\n"
        "[cosmic-ray.distributor]\n"
        'name = "local"\n'
    )
    version = hashlib.sha256((tree / module).read_bytes()).hexdigest()[:12]
    session = sessions.absolute() / f"{target.name}-{version}.sqlite"
    cosmic_ray = str(Path(sys.executable).with_name("cosmic-ray"))
    if session.exists():
        forget_survivors(session)
    else:
        _checked([cosmic_ray, "init", configuration.name, str(session)], tree)
        source = (tree / module).read_text()
        drop_mutants(session, lambda span: is_within(span, annotations_of(source)))
        if target.function:
            inside = functions_of(source, target.function)
            drop_mutants(session, lambda span: not is_within(span, inside))
    _checked([cosmic_ray, "exec", configuration.name, str(session)], tree)
    # If the tests could not be run any more, all further mutants would seem to have been killed.
    _checked(command, tree)
    return read_dump(target.name, _checked([cosmic_ray, "dump", str(session)], tree).splitlines())


def forget_survivors(session: Path) -> None:
    """Have cosmic-ray try again what no test has found."""
    with closing(sqlite3.connect(session)) as database, database:
        database.execute("DELETE FROM work_results WHERE test_outcome != 'KILLED'")


Span = tuple[tuple[int, int], tuple[int, int]]
"""Lines, from 1, and columns, from 0, of the beginning and the end of a piece of source."""


def annotations_of(source: str) -> list[Span]:
    """Return where annotations are: nobody evaluates them, so they cannot be tested."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            found.append(node.returns)
        elif isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
    return [
        ((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0))
        for each in found
        if each is not None
    ]


def functions_of(source: str, name: str) -> list[Span]:
    """Return where the bodies of functions of this name are."""
    return [
        ((node.body[0].lineno, 0), (node.end_lineno or 0, node.end_col_offset or 0))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]


def is_within(span: Span, others: Iterable[Span]) -> bool:
    """Return whether one of the others holds the whole span."""
    begin, end = span
    return any(first <= begin and end <= last for first, last in others)


def drop_mutants(session: Path, is_dropped: Callable[[Span], bool]) -> None:
    """Take mutants out of a session of cosmic-ray, by where they are."""
    with closing(sqlite3.connect(session)) as database, database:
        rows = database.execute(
            "SELECT job_id, start_pos_row, start_pos_col, end_pos_row, end_pos_col"
            " FROM mutation_specs"
        ).fetchall()
        for job, *places in rows:
            if is_dropped(((places[0], places[1]), (places[2], places[3]))):
                for table in ("work_results", "mutation_specs", "work_items"):
                    database.execute(f"DELETE FROM {table} WHERE job_id = ?", (job,))  # noqa: S608


def _checked(words: Sequence[str], tree: Path) -> str:
    done = subprocess.run(
        words,
        cwd=tree,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{shlex.join(words)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def read_dump(module: str, lines: Iterable[str]) -> list[Mutant]:
    """Understand what ``cosmic-ray dump`` prints: a mutation and its outcome in each line.

    Raises:
        RuntimeError: a mutant was not tried, or could not be.
    """
    mutants = []
    for line in lines:
        item, result = json.loads(line)
        (mutation,) = item["mutations"]
        if result is None or result["worker_outcome"] != "normal":
            raise RuntimeError(f"a mutant of {module} was not tried: {line}")
        removed, added = (changed_lines(result["diff"], sign) for sign in "-+")
        killed = result["test_outcome"] == "killed"
        place = f"{module}.{mutation['definition_name'] or 'module'}"
        too_slow = result["output"] == "timeout"
        mutants.append(Mutant(module, place, removed, added, killed, too_slow))
    return mutants


def changed_lines(diff: str, sign: str) -> str:
    """Return the lines of a unified diff that are removed, ``-``, or added, ``+``."""
    lines = [line for line in diff.splitlines() if line[:1] == sign and line[:3] != 3 * sign]
    return "\n".join(line[1:].strip() for line in lines if line[1:].strip())
