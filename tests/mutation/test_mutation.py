"""What mutation testing makes of the outcomes of mutants."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.mutation import explained, report
from tests.mutation.explained import Explanation, judge
from tests.mutation.report import Figures, figures_of
from tests.mutation.session import (
    TARGETS,
    Mutant,
    annotations_of,
    drop_mutants,
    forget_survivors,
    functions_of,
    is_within,
    read_dump,
)

DIFF = """--- a/paexec_trio/core/graph.py
+++ b/paexec_trio/core/graph.py
@@ -1,3 +1,3 @@
 def f():
-    return a + b
+    return a - b
 # the end"""


def line(test_outcome: str = "killed", output: str = "", function: str | None = "f") -> str:
    result = {
        "worker_outcome": "normal",
        "test_outcome": test_outcome,
        "output": output,
        "diff": DIFF,
    }
    return json.dumps([{"mutations": [{"definition_name": function}]}, result])


KILLED = Mutant("graph", "graph.f", "return a + b", "return a - b", killed=True)
SURVIVOR = Mutant("graph", "graph.f", "return a + b", "return a - b", killed=False)


def test_outcomes_are_understood() -> None:
    assert read_dump("graph", [line(), line("survived")]) == [KILLED, SURVIVOR]
    (slow,) = read_dump("graph", [line(output="timeout", function=None)])
    assert (slow.place, slow.killed, slow.too_slow) == ("graph.module", True, True)


@pytest.mark.parametrize("result", [None, {"worker_outcome": "exception"}])
def test_a_mutant_that_was_not_tried_is_no_outcome(result: Mapping[str, str] | None) -> None:
    text = json.dumps([{"mutations": [{"definition_name": "f"}]}, result])
    with pytest.raises(RuntimeError, match="not tried"):
        read_dump("graph", [text])


def test_survivors_need_an_explanation() -> None:
    """And an explanation a survivor, if its module was tried."""
    entry = Explanation(["graph.f"], "return a + b", ["return a - b"], "reason")
    other = Explanation(["tasks.f"], "return a + b", ["return a - b"], "reason")
    assert judge([SURVIVOR], []).unexplained == [SURVIVOR]
    assert judge([SURVIVOR], [entry, other]) == explained.Verdict([], [])
    assert judge([SURVIVOR], [other]).unexplained == [SURVIVOR]
    assert judge([KILLED], [entry]).stale == [("graph.f", "return a + b", "return a - b")]


def test_figures() -> None:
    figures = figures_of([KILLED, KILLED, SURVIVOR, KILLED])
    assert figures == {"graph": Figures(mutants=4, killed=3)}
    assert figures["graph"].share == 75
    assert "graph" in report.table(figures)
    assert "75.0 %" in report.table(figures)


def test_only_survivors_are_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "session"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE work_results (job_id, test_outcome)")
        rows = [(1, "KILLED"), (2, "SURVIVED"), (3, "INCOMPETENT")]
        database.executemany("INSERT INTO work_results VALUES (?, ?)", rows)
    database.close()
    forget_survivors(file)
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT job_id FROM work_results").fetchall() == [(1,)]
    database.close()


def test_annotations_are_no_code() -> None:
    source = "def f(a: int | str, b=1 | 2) -> int | None:\n    c: int | str = a | b\n    return c\n"
    lines = source.splitlines()
    found = {lines[row - 1][first:last] for (row, first), (_, last) in annotations_of(source)}
    assert found == {"int | str", "int | None"}


def test_the_body_of_a_function_is_found() -> None:
    """Its arguments and its defaults are none of it."""
    source = "class C:\n    def f(self, a=1):\n        b = 2\n        return a\n\n    g = 3\n"
    inside = functions_of(source, "f")
    assert inside == [((3, 0), (4, 16))]
    assert is_within(((3, 12), (3, 13)), inside)
    assert not is_within(((2, 18), (2, 19)), inside)
    assert not is_within(((6, 8), (6, 9)), inside)


def test_mutants_of_annotations_are_dropped(tmp_path: Path) -> None:
    file = tmp_path / "session"
    with sqlite3.connect(file) as database:
        columns = "job_id, start_pos_row, start_pos_col, end_pos_row, end_pos_col"
        for table in ("work_results", "mutation_specs", "work_items"):
            database.execute(f"CREATE TABLE {table} ({columns})")
            places = [("annotation", 1, 7, 1, 8), ("code", 1, 17, 1, 18)]
            database.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", places)  # noqa: S608
    database.close()
    drop_mutants(file, lambda span: is_within(span, annotations_of("a: int | str = 1 | 2\n")))
    with sqlite3.connect(file) as database:
        for table in ("work_results", "mutation_specs", "work_items"):
            rows = database.execute(f"SELECT job_id FROM {table}").fetchall()  # noqa: S608
            assert rows == [("code",)]
    database.close()


def test_what_is_explained_is_there() -> None:
    """A line that was changed since makes its explanation void."""
    core = Path(__file__).parents[2] / "paexec_trio" / "core"
    assert {target.name for target in TARGETS} <= {file.stem for file in core.glob("*.py")}
    for entry in explained.load():
        for place in entry.places:
            source = (core / f"{place.partition('.')[0]}.py").read_text()
            assert entry.before in source, entry
