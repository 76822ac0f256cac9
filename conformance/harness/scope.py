"""The scope of a run: the tests that it runs, and those that it leaves out.

A requirement is proven by *all* tests that name it. So the run has to know which tests there are,
whatever its arguments select. pytest makes the tests of a file before any option drops some of
them; of a file that it does not read, the suite's source tells.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

Tests = dict[str, list[str]]
"""The requirements that each test names, by the name that the test has in profiles."""

_ID = re.compile(r"\b[A-Z]{3}-\d{3}\b")


@dataclass(frozen=True)
class Scope:
    """The scope of a run.

    Attributes:
        chosen: the tests that it runs.
        left_out: tests that it leaves out although the implementation may be judged by them.
        absent: tests of companion programs that do not exist.
        networked: tests that need hosts, which were not asked for. Their requirements have other
            tests, so that without them the suite is whole.
        unread: the ids of requirements in each file of which not all tests are known.
    """

    chosen: Tests = field(default_factory=dict)
    left_out: Tests = field(default_factory=dict)
    absent: Tests = field(default_factory=dict)
    networked: Tests = field(default_factory=dict)
    unread: Tests = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether the run is about the whole suite."""
        return not self.left_out and not self.unread

    @property
    def incomplete(self) -> frozenset[str]:
        """The requirements of which a test is left out, or may be."""
        return _ids_of(self.left_out) | _ids_of(self.unread)

    @property
    def not_offered(self) -> frozenset[str]:
        """The requirements of companions that do not exist."""
        return _ids_of(self.absent) - _ids_of(self.chosen) - self.incomplete

    def lines(self) -> list[str]:
        """Describe the tests that are left out, for the summary."""
        lines = []
        if self.left_out:
            lines.append(f"{len(self.left_out)} tests are left out")
        if self.unread:
            first = min(self.unread)
            lines.append(f"{len(self.unread)} files are left out in whole or in part: {first}, ...")
        if self.networked:
            lines.append(
                f"{len(self.networked)} tests on hosts in network namespaces are left out; "
                "--network runs them"
            )
        return lines

    def as_dict(self) -> dict[str, Any]:
        """The same, of types that pass from a worker to its controller."""
        return dict(vars(self))


def _ids_of(tests: Mapping[str, Iterable[str]]) -> frozenset[str]:
    return frozenset(name for ids in tests.values() for name in ids)


def functions_of(path: Path) -> set[str]:
    """The names of the test functions in a file of the suite."""
    return {
        node.name
        for node in ast.parse(path.read_bytes()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def find_unread(suite: Path, known: Collection[str]) -> Tests:
    """The files of which not all test functions are known, with the ids of requirements in them.

    Args:
        suite: the directory of the suite's tests.
        known: the names of the tests that pytest has made.
    """
    functions = {name.partition("[")[0] for name in known}
    return {
        path.name: sorted(set(_ID.findall(path.read_text())))
        for path in sorted(suite.glob("test_*.py"))
        if not functions >= {f"{path.name}::{name}" for name in functions_of(path)}
    }
