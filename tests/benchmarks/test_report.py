"""Tables and plots say what was measured, failures included."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import docutils.core  # type: ignore[import-untyped]
import docutils.nodes  # type: ignore[import-untyped]
import pytest

from tests.benchmarks.__main__ import main, write_documentation
from tests.benchmarks.comparison import Row, Unit
from tests.benchmarks.figures import Measured, load
from tests.benchmarks.plot import ratio_plot
from tests.benchmarks.programs import OURS, PREFETCH, THEIRS, XARGS
from tests.benchmarks.report import how_it_was_made, table, tables
from tests.benchmarks.running import Failed
from tests.benchmarks.sections import SECTIONS

RATE = Unit("tasks/s", greater_is_better=True)
ROWS = [
    Row("1 node", RATE, {OURS: [2000.0, 3000.0, 2000.0], THEIRS: [1000.0, 1000.0, 2000.0]}),
    Row("once", RATE, {OURS: [1.0], PREFETCH: [8.0], THEIRS: [4.0], XARGS: [0.4]}),
    Row("<2 nodes>", RATE, {OURS: [2.0], THEIRS: [Failed("1 of 3 results are missing")]}),
    Row("dead", RATE, {OURS: [2.0], THEIRS: [Failed("SIGABRT: *** bit_ out of `range |0")]}),
]


def test_the_table_has_medians_ratios_and_failures() -> None:
    lines = table(ROWS).splitlines()
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]
    assert cells[1] == [
        "measured",
        OURS,
        THEIRS,
        PREFETCH,
        XARGS,
        "ratio",
        f"ratio {PREFETCH}",
    ]
    assert cells[3] == [
        "1 node",
        "2,000 tasks/s",
        "1,000 tasks/s",
        *"--",
        "2.00 (1.00 to 3.00)",
        "-",
    ]
    assert cells[4] == ["once", *(f"{n} tasks/s" for n in "1480"), "0.25", "2.00"]
    assert cells[5] == ["<2 nodes>", "2 tasks/s", "1 of 3 results are missing", *"----"]


def test_the_page_is_restructured_text() -> None:
    busyness = "Meanwhile nobody used a processor."
    made = how_it_was_made("python -m tests.benchmarks tasks", "paexec 1.1.1", 8, busyness)
    text = tables({section.name: Measured(made, ROWS) for section in SECTIONS[:2]})
    document = docutils.core.publish_doctree(text, settings_overrides={"halt_level": 2})
    found = list(document.findall(docutils.nodes.table))
    assert len(found) == 2
    assert "*** bit_ out of `range |0" in found[0].astext()
    assert len(list(found[0].findall(docutils.nodes.row))) == 1 + len(ROWS)
    assert text.count("in 8 seconds, with paexec 1.1.1, Python 3.") == 2
    assert text.count("Meanwhile nobody used a processor.") == 2


def test_figures_of_one_section_take_the_place_of_older_ones(tmp_path: Path) -> None:
    first, second = (section.name for section in SECTIONS[:2])
    write_documentation(tmp_path, {second: Measured("long ago", ROWS)})
    assert load(tmp_path / "figures.json") == {second: Measured("long ago", ROWS)}
    write_documentation(tmp_path, {first: Measured("then", ROWS[:1])})
    write_documentation(tmp_path, {second: Measured("today", ROWS[1:])})
    assert load(tmp_path / "figures.json") == {
        first: Measured("then", ROWS[:1]),
        second: Measured("today", ROWS[1:]),
    }
    text = (tmp_path / "results.inc").read_text()
    assert text.index("then") < text.index("today")
    assert "long ago" not in text
    assert "once" in (tmp_path / "ratios.svg").read_text()


def test_the_plot_has_a_mark_for_each_ratio() -> None:
    plot = ET.fromstring(ratio_plot([("Tasks & results", ROWS), ("no ratios", ROWS[2:])]))  # noqa: S314
    space = "{http://www.w3.org/2000/svg}"
    texts = [text.text for text in plot.iter(f"{space}text")]
    assert "Tasks & results" in texts
    assert "1 node" in texts
    assert "<2 nodes>" not in texts, "there is nothing to compare it with"
    assert "no ratios" not in texts
    dots = [dot.get("cx") for dot in plot.iter(f"{space}circle")]
    legend = 2
    assert len(dots) == legend + 3
    assert float(dots[2] or 0) == float(dots[4] or 0), "both are twice as good"
    assert float(dots[3] or 0) < float(dots[2] or 0)


def test_what_is_not_measured_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sundials"])
    assert "there is nothing called 'sundials'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--paexec", "/no/paexec", "start"])
    assert "there is no program /no/paexec" in capsys.readouterr().err
