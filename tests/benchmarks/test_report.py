"""Tables and plots say what was measured, failures included."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import docutils.core  # type: ignore[import-untyped]
import docutils.nodes  # type: ignore[import-untyped]
import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.comparison import Row, Unit
from tests.benchmarks.plot import ratio_plot
from tests.benchmarks.programs import OURS, PREFETCH, THEIRS, XARGS
from tests.benchmarks.report import Machine, about, table, tables
from tests.benchmarks.running import Failed
from tests.benchmarks.sections import SECTIONS

RATE = Unit("tasks/s", greater_is_better=True)
ROWS = [
    Row("1 node", RATE, {OURS: [2000.0, 3000.0, 2000.0], THEIRS: [1000.0, 1000.0, 2000.0]}),
    Row("once", RATE, {OURS: [1.0], PREFETCH: [8.0], THEIRS: [4.0], XARGS: [0.4]}),
    Row("<2 nodes>", RATE, {OURS: [2.0], THEIRS: [Failed("1 of 3 results are missing")]}),
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
    machine = Machine(cores=2, python="3.11.7", system="Linux 6.1", load=0.25)
    text = about("python -m tests.benchmarks", 8, "paexec 1.1.1", machine)
    text += tables([(SECTIONS[0], ROWS), (SECTIONS[1], ROWS)])
    document = docutils.core.publish_doctree(text, settings_overrides={"halt_level": 2})
    found = list(document.findall(docutils.nodes.table))
    assert len(found) == 2
    assert len(list(found[0].findall(docutils.nodes.row))) == 1 + len(ROWS)
    assert "paexec 1.1.1, Python 3.11.7 and Linux 6.1 on 2 cores" in text


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
        main(["--write", "docs", "tasks"])
    assert "takes no names" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--paexec", "/no/paexec", "start"])
    assert "there is no program /no/paexec" in capsys.readouterr().err
