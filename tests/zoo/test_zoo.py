"""Whether the suite catches each broken program of the zoo, by what it breaks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness.registry import load_requirements
from tests.zoo import campaign
from tests.zoo.catalogue import CHAPTERS

if TYPE_CHECKING:
    from collections.abc import Iterable

MUTANTS = campaign.list_mutants()


def test_there_are_many() -> None:
    assert len(MUTANTS) >= 580
    assert set(MUTANTS) >= SAMPLE
    assert {name for broken in MUTANTS.values() for name in broken} <= set(load_requirements())


PLANT_ALL = """
from tests.zoo.catalogue import load
from tests.zoo.planting import planted
for mutant in load().values():
    with planted(mutant.plant):
        pass
"""


def test_each_can_be_planted() -> None:
    """The place of a mutant may be gone: that should not show in an hour only."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PLANT_ALL], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_each_stands_in_the_file_of_its_chapter() -> None:
    requirements = load_requirements()
    for chapter in CHAPTERS:
        text = Path(campaign.ZOO, f"{chapter}.py").read_text()
        first = re.findall(r"^@breaks\(\"(\S+?)\"", text, re.MULTILINE)
        assert first, chapter
        # As in the suite, some chapters have a second file.
        chapters = {{"inheritance": "launch", "joblog": "accounting"}.get(chapter, chapter)}
        assert {requirements[name].chapter for name in first} == chapters
    assert {*CHAPTERS} >= {entry.chapter for entry in requirements.values()}


@pytest.mark.xfail(reason="the page is older than some mutants: make it anew, an hour")
def test_the_committed_matrix_shows_the_zoo_as_it_is() -> None:
    """``docs/zoo.rst`` has the commands that make it."""
    page = campaign.PAGE.read_text()
    rows = re.findall(r"^   \* - (.+)\n     - (.*)\n     -(.*)$", page, re.MULTILINE)
    assert rows.pop(0) == ("mutant", "killed by", " not by")
    assert [name.replace(" ", "-") for name, *_ in rows] == list(MUTANTS)
    for name, killed_by, not_by in rows:
        assert {*killed_by.split(", ")} <= {*MUTANTS[name.replace(" ", "-")], ""}, name
        assert not not_by, name


# All of them take some minutes.
SAMPLE = {
    "trims-blanks",
    "takes-blanks-for-the-eot",
    "sends-two-tasks-to-a-node",
    "puts-the-task-id-first",
    "starts-a-task-after-the-first-of-several",
    "prints-fatal-twice",
    "exchanges-a-result-for-a-task-that-stays-in-the-queue",
    "reorder-drops-an-unterminated-last-line",
}


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(name, marks=() if name in SAMPLE else pytest.mark.long) for name in MUTANTS],
)
def test_a_mutant_is_caught(mutant: str) -> None:
    judgement = campaign.judge(mutant, MUTANTS[mutant], briefly=True)
    assert judgement.is_killed, judgement


@pytest.mark.parametrize("requirement", ["FRM-001", "RDR-005"])
def test_a_program_without_fault_survives(requirement: str) -> None:
    assert campaign.judge("", [requirement]) == ({requirement: "pass"}, [])


def test_a_campaign_goes_on_where_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"tame": ["AAA-001"], "wild": ["AAA-001", "AAA-002"], "new": ["AAA-002"]}
    verdicts = {"tame": ["pass"], "wild": ["fail", "fail"], "new": ["fail"]}
    judged = []

    def judge(mutant: str, broken: list[str]) -> campaign.Judgement:
        judged.append(mutant)
        failed = ["test_death.py::test_a_node_closes_its_input"] if mutant == "wild" else []
        return campaign.Judgement(dict(zip(broken, verdicts[mutant], strict=True)), failed)

    monkeypatch.setattr(campaign, "list_mutants", lambda: known)
    monkeypatch.setattr(campaign, "judge", judge)
    campaign.run_campaign(tmp_path, 1, ["tame", "wild"])
    page = campaign.make_matrix(tmp_path)
    assert "Mutants: 3; judged: 2; killed by all that they break: 1." in page
    idle = page.partition("Tests that kill no mutant\n")[2]
    assert "``test_death.py::test_mass_death``" in idle
    assert "``test_death.py::test_a_node_closes_its_input``" not in idle
    assert "Survivors\n---------\n\ntame.\n" in page
    assert "Not judged\n----------\n\nnew.\n" in page
    assert "   * - wild\n     - AAA-001, AAA-002\n     -\n" in page
    assert "   * - tame\n     -\n     - AAA-001 (pass)\n" in page
    assert "SURVIVED tame (AAA-001: pass)" in capsys.readouterr().out
    campaign.run_campaign(tmp_path, 1, [])
    assert judged == ["tame", "wild", "new"]


def test_idle_tests_are_tried_until_they_have_killed_a_mutant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"wild": ["AAA-001"], "paargs": ["ARG-001"], "odd": ["AAA-001"], "new": ["AAA-001"]}
    tests = {
        "test_a.py::test_b",
        "test_c.py::test_d",
        "test_c.py::test_e",
        "test_paargs.py::test_f",
    }
    fails = {"wild": ["test_a.py::test_b"], "paargs": ["test_paargs.py::test_f"]}
    run: list[tuple[str, list[str]]] = []
    moody = ["test_c.py::test_d"]

    def run_suite(mutant: str, _broken: str, files: Iterable[Path]) -> dict[str, object]:
        run.append((mutant, [path.name for path in files]))
        failed = fails.get(mutant, []) + (moody if run.count(run[-1]) == 1 else [])
        return {"tests": [{"test": name, "status": "remark"} for name in failed]}

    monkeypatch.setattr(campaign, "list_mutants", lambda: known)
    monkeypatch.setattr(campaign, "list_tests", lambda: tests)
    monkeypatch.setattr(campaign, "_run_suite", run_suite)
    killed = campaign.Judgement({"AAA-001": "fail"}, ["test_c.py::test_e"])
    for name in ("wild", "paargs", "odd"):
        campaign.save(tmp_path, name, killed)
    assert campaign.try_idle_tests(tmp_path, 1, []) == {"test_c.py::test_d"}
    assert run == [
        ("odd", ["test_a.py::test_b", "test_c.py::test_d"]),
        ("", ["test_c.py::test_d"]),
        *[(name, ["test_paargs.py::test_f"]) for name in ("paargs", "", "paargs")],
        ("wild", ["test_a.py::test_b", "test_c.py::test_d"]),
        ("", ["test_a.py::test_b", "test_c.py::test_d"]),
        ("wild", ["test_a.py::test_b"]),
    ]
    assert "Tests that kill a mutant: 3 of 4." in campaign.make_matrix(tmp_path)
