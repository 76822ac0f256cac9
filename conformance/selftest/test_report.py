"""What a run writes into files, and the page about several runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest

from conformance.harness import pages
from conformance.harness.features import FEATURES
from conformance.harness.outcome import Outcome, Status
from conformance.harness.profile import Profile, load_profile, profile_of
from conformance.harness.registry import Requirement
from conformance.harness.results import ExitStatus, Results
from conformance.selftest.test_soundness import GREEN, RED, Copy, entry

REQUIREMENTS = {
    name: Requirement(name, "MUST", "A title", "chapter", f"``{name}`` MUST be <met>.")
    for name in ("AAA-001", "AAA-002", "AAA-003", "BBB-001")
}


def results(*outcomes: tuple[str, Status], reopened: Set[str] = frozenset()) -> Results:
    """The results of tests; each is called like the requirement that it shows, and a letter."""
    found = Results(REQUIREMENTS, {"BBB-001": "nobody can see it"}, reopened)
    for test, status in outcomes:
        found.add(Outcome(test, (test[:7],), status, f"why {status}", "<evidence>", "again"))
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([Status.PASS, Status.EXPECTED, Status.REMARK, Status.SKIP], ExitStatus.CONFORMS),
        ([Status.PASS, Status.FAIL, Status.ERROR], ExitStatus.DOES_NOT_CONFORM),
        ([Status.PASS, Status.ERROR, Status.INCONCLUSIVE], ExitStatus.FAULT_OF_THE_SUITE),
        ([Status.PASS, Status.INCONCLUSIVE], ExitStatus.COULD_NOT_TELL),
        ([Status.SKIP], ExitStatus.COULD_NOT_TELL),
        ([], ExitStatus.COULD_NOT_TELL),
    ],
)
def test_the_exit_status(statuses: list[Status], expected: ExitStatus) -> None:
    found = results(*((f"AAA-001{number}", status) for number, status in enumerate(statuses)))
    assert found.exit_status() is expected


def test_the_worst_test_of_a_requirement_counts() -> None:
    found = results(
        ("AAA-001a", Status.PASS),
        ("AAA-001b", Status.EXPECTED),
        ("AAA-002a", Status.SKIP),
        ("AAA-002b", Status.PASS),
    )
    assert found.by_requirement() == {"AAA-001": Status.EXPECTED, "AAA-002": Status.PASS}
    assert found.lines()[0] == "chapter    1 of   2 proven, expected failure 1"


def test_the_worst_part_of_a_test_counts() -> None:
    found = results(("AAA-001", Status.PASS), ("AAA-001", Status.ERROR), ("AAA-001", Status.PASS))
    assert found.by_requirement() == {"AAA-001": Status.ERROR}


def test_what_passes_is_not_proven_by_tests_that_are_older_than_the_sentence() -> None:
    found = results(
        ("AAA-001", Status.PASS), ("AAA-002", Status.REMARK), reopened={"AAA-001", "AAA-002"}
    )
    assert found.by_requirement() == {"AAA-001": Status.REOPENED, "AAA-002": Status.REMARK}
    assert found.exit_status() is ExitStatus.COULD_NOT_TELL
    run = about(found)
    assert [name for name, entry in run["requirements"].items() if entry["reopened"]] == [
        "AAA-001",
        "AAA-002",
    ]
    assert pages.report(run, "").count("not reviewed since this sentence was changed") == 2


def about(found: Results) -> dict[str, Any]:
    description = {
        "specification": "1",
        "implementation": ["x y"],
        "version": "x 1",
        "profile": "p 1",
        "features": {"--group": True, "reorder": False},
    }
    return found.as_dict(description)


def test_the_page_shows_everything() -> None:
    page = pages.report(
        about(results(("AAA-001a", Status.FAIL), ("AAA-002a", Status.PASS))), "https://spec/"
    )
    for text in (
        "does not conform",
        "&#x27;x y&#x27;",
        "why fail",
        "&lt;evidence&gt;",
        "<code>AAA-001</code> MUST be &lt;met&gt;",
        'href="https://spec/chapter.html#AAA-001"',
        "Not tested: nobody can see it",
        "1 of 4",
        "--group, no reorder",
        'data-status="untested"',
    ):
        assert text in page
    assert "http" not in page.replace("https://spec/", ""), "the page needs something else"


@pytest.mark.parametrize(("status", "colour"), [(Status.FAIL, "#c62828"), (Status.SKIP, "#2e7d32")])
def test_the_badge(status: Status, colour: str) -> None:
    found = results(("AAA-001a", Status.PASS), ("AAA-002a", status))
    picture = pages.badge(about(found))
    tested = 1 if status is Status.SKIP else 2
    assert f"1 of {tested}" in "".join(ET.fromstring(picture).itertext())  # noqa: S314 (our own)
    assert colour in picture


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_run_writes_its_report(copy: Copy, tmp_path: Path, workers: tuple[str, ...]) -> None:
    copy.implementation = "/bin/false"
    directory = tmp_path / "new" / "report"
    status, output = copy.judge(f"--report-dir={directory}", "--seed=5", *workers)
    assert status == RED
    assert "seed: 5" in output
    assert {path.name for path in directory.iterdir()} == {
        "badge.svg",
        "junit.xml",
        "recordings",
        "report.html",
        "results.json",
    }
    run = json.loads((directory / "results.json").read_text())
    assert (run["exit_status"], run["seed"], run["implementation"]) == (1, 5, ["/bin/false"])
    statuses = {name: entry["status"] for name, entry in run["requirements"].items()}
    assert statuses == {"AAA-001": "fail", "AAA-002": "remark"}
    failed = next(test for test in run["tests"] if test["status"] == "fail")
    assert failed["message"].startswith("status is not 0")
    assert 0 < failed["patience_used"] < 1
    assert "/bin/false one" in failed["evidence"]
    assert failed["evidence"] in _text_of(directory / "report.html")
    again = subprocess.run(
        shlex.split(failed["again"]),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == RED
    assert "1 failed" in again.stdout
    cases = list(ET.parse(directory / "junit.xml").iter("testcase"))  # noqa: S314 (our own file)
    assert len(cases) == 3


def _text_of(page: Path) -> str:
    from html import unescape

    return unescape(page.read_text())


def test_a_seed_makes_the_same_octets(copy: Copy) -> None:
    copy.tests = copy.tests.replace('"status is not 0"', "stage.nonce.decode()")
    copy.implementation = "/bin/false"

    def nonce(*options: str) -> str:
        output = copy.judge(*options)[1]
        found = re.search("AssertionError: ([0-9a-f]{8})", output)
        assert found, output
        return found[1]

    assert nonce("--seed=1") == nonce("--seed=1", "-n", "2") != nonce("--seed=2")


def test_a_profile_is_written(copy: Copy, tmp_path: Path) -> None:
    copy.implementation = "/bin/false"
    written = tmp_path / "written.toml"
    assert copy.judge(f"--print-profile={written}")[0] == RED
    profile = load_profile(written)
    assert (profile.name, profile.version) == ("false", "unknown")
    assert set(profile.features) == set(FEATURES)
    assert profile.find("test_all.py::test_one")
    status, output = copy.judge(f"--profile={written}")
    assert status == GREEN, output
    assert "profile: false unknown (1 expected failures)" in output


def test_a_profile_has_the_version_and_the_features(copy: Copy, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\ncase $1 in -V) echo name 1.0;; -h) echo --group;; esac\n")
    program.chmod(0o755)
    copy.implementation = str(program)
    written = tmp_path / "written.toml"
    assert copy.judge(f"--print-profile={written}", "--paargs=none")[0] == GREEN
    absent = dict.fromkeys(FEATURES, False)
    assert tomllib.loads(written.read_text()) == {
        "name": "name",
        "version": "1.0",
        "features": absent | {"--group": True, "reorder": True},
    }


def test_what_was_not_tried_stays_in_the_profile(copy: Copy, tmp_path: Path) -> None:
    copy.implementation = "/bin/false"
    known = entry("test_all.py::test_one", "AAA-001", "status is not 0")
    copy.profile = known
    written = tmp_path / "written.toml"
    copy.judge(f"--print-profile={written}", "-k", "two")
    kept = tomllib.loads(written.read_text())["expected_failure"]
    assert kept == tomllib.loads(known)["expected_failure"]


@pytest.mark.parametrize("text", ["plain", 'a "b" \\ c', "\n\t\0\x1b\x7f", "é€😀"])
def test_any_message_can_be_written(text: str, tmp_path: Path) -> None:
    outcome = Outcome("test_all.py::test_one", ("AAA-001",), Status.FAIL, text)
    path = tmp_path / "profile.toml"
    path.write_text(profile_of([outcome], Profile("name", "1.0"), {"--group": True}))
    profile = load_profile(path)
    assert profile.features == {"--group": True}
    assert profile.expected[outcome.test].message == text


@pytest.mark.parametrize(
    ("message", "lasting"),
    [
        ("status 1, not 0", "status 1, not 0"),
        ("assert b'<0a1b2c3d a>' == b''", "assert b'<"),
        ("left running: 12345", "left running:"),
        ("no file /tmp/x/y", "no file"),
        ("0a1b2c3d is all", "0a1b2c3d is all"),
    ],
)
def test_what_differs_from_run_to_run_is_not_expected(message: str, lasting: str) -> None:
    outcome = Outcome("test_all.py::test_one", ("AAA-001",), Status.FAIL, message)
    written = tomllib.loads(profile_of([outcome], Profile("name", "1.0"), {}))
    assert [entry["message"] for entry in written["expected_failure"]] == [lasting]


def test_known_reasons_are_kept_and_what_passes_is_dropped(copy: Copy, tmp_path: Path) -> None:
    copy.implementation = "/bin/false"
    known = entry("test_all.py::test_one", "AAA-001", "status is not 0")
    copy.profile = known + entry("test_all.py::test_two[1]", "AAA-002", "x")
    written = tmp_path / "written.toml"
    copy.judge(f"--print-profile={written}")
    kept = tomllib.loads(written.read_text())["expected_failure"]
    assert kept == tomllib.loads(known)["expected_failure"]


def test_an_exception_in_the_harness_is_the_suites_own_fault(copy: Copy) -> None:
    copy.tests = copy.tests.replace("assert value == 1", "stage.start(5)")
    status, output = copy.judge()
    assert status == ExitStatus.FAULT_OF_THE_SUITE
    assert "error: 1  AAA-002" in output


def test_an_exception_in_a_test_is_about_the_implementation(copy: Copy) -> None:
    copy.tests = copy.tests.replace('stage.run("one")', 'int(stage.run("one").stdout)')
    status, output = copy.judge()
    assert status == RED
    assert "fail: 1  AAA-001" in output
    assert "ValueError: invalid literal" in output


def test_nothing_judged_is_nothing_known(copy: Copy) -> None:
    assert copy.judge("-k", "nothing")[0] == ExitStatus.COULD_NOT_TELL


def compare(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.compare", *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_page_about_several_runs(tmp_path: Path) -> None:
    for name, status in (("good", Status.PASS), ("bad", Status.FAIL)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(about(results(("AAA-001a", status)))))
    page = tmp_path / "page.html"
    words = (f"first={tmp_path / 'good.json'}", tmp_path / "bad.json", "-o", page)
    assert compare(*words).returncode == 0
    text = page.read_text()
    assert "<th>first" in text
    assert "<th>x 1" in text
    assert 'data-status="pass,fail"' in text


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": 0}'])
def test_what_holds_no_results_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    done = compare(path, "-o", tmp_path / "page.html")
    assert done.returncode == 1
    assert done.stderr.startswith(f"compare: {path}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("factor", ["0", "-1", "nan", "x"])
def test_a_scale_of_times_is_more_than_0(copy: Copy, factor: str) -> None:
    status, output = copy.judge(f"--timeout-scale={factor}")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "--timeout-scale" in output
    assert factor in output
