"""The files that a run writes, and the page about several runs."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.harness import pages
from conformance.harness.features import FEATURES
from conformance.harness.outcome import Outcome, Status
from conformance.harness.profile import NOT_EXPLAINED, Profile, load_profile, profile_of
from conformance.harness.registry import Requirement
from conformance.harness.results import Recorded, Results
from conformance.harness.scope import Scope
from conformance.harness.verdict import ExitStatus, Kind
from conformance.selftest.test_soundness import GREEN, RED, Copy, entry

REQUIREMENTS = {
    name: Requirement(name, "MUST", "A title", "chapter", f"``{name}`` MUST be <met>.")
    for name in ("AAA-001", "AAA-002", "AAA-003", "BBB-001")
}


def results(
    *outcomes: tuple[str, Status],
    reopened: Set[str] = frozenset(),
    scope: Scope | None = None,
    level: str = "MUST",
) -> Results:
    """The results of tests; each is called like the requirement that it shows, and a letter.

    ``scope`` is that of a run of these tests if there is none.
    """
    recorded = Recorded()
    for test, status in outcomes:
        recorded.add(Outcome(test, (test[:7],), status, f"why {status}", "<evidence>", "again"))
    chosen = {test: [test[:7]] for test, _ in outcomes}
    return Results(
        recorded.outcomes,
        scope or Scope(chosen),
        {name: replace(each, level=level) for name, each in REQUIREMENTS.items()},
        {"BBB-001": "nobody can see it"},
        reopened,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


ALL_PASS = [("AAA-001", Status.PASS), ("AAA-002", Status.PASS), ("AAA-003", Status.PASS)]


@pytest.mark.parametrize(
    ("others", "verdict", "status"),
    [
        ([], "conforms", 0),
        ([("AAA-001a", Status.SKIP)], "conforms", 0),
        ([("AAA-001a", Status.EXPECTED)], "fails as its profile says (1 of 3 MUSTs)", 0),
        ([("AAA-001a", Status.FAIL)], "does not conform", 1),
        ([("AAA-001a", Status.FAIL), ("AAA-002a", Status.ERROR)], "does not conform", 1),
        ([("AAA-001a", Status.UNEXPECTED)], "inconclusive", 1),
        (
            [("AAA-001a", Status.UNEXPECTED), ("AAA-002a", Status.EXPECTED)],
            "does not conform",
            1,
        ),
        ([("AAA-001a", Status.ERROR), ("AAA-002a", Status.INCONCLUSIVE)], "inconclusive", 3),
        ([("AAA-001a", Status.ERROR), ("AAA-002a", Status.EXPECTED)], "inconclusive", 3),
        ([("AAA-001a", Status.INCONCLUSIVE)], "inconclusive", 2),
    ],
)
def test_the_verdict(others: list[tuple[str, Status]], verdict: str, status: int) -> None:
    found = results(*ALL_PASS, *others)
    assert (found.verdict(), found.exit_status()) == (verdict, status)


@pytest.mark.parametrize(
    ("status", "kind", "exit_status"),
    [
        (Status.REMARK, Kind.CONFORMS, 0),
        (Status.EXPECTED, Kind.CONFORMS, 0),
        (Status.FAIL, Kind.INCONCLUSIVE, 1),
    ],
)
def test_what_is_below_must_is_not_needed(status: Status, kind: Kind, exit_status: int) -> None:
    """Nor is an expected failure of it; but that it fails otherwise than expected is red."""
    found = results(("AAA-001", Status.PASS), ("AAA-002", status), level="SHOULD")
    assert (found.kind, found.exit_status()) == (kind, exit_status)
    assert found.verdicts["AAA-002"] == "failed"


@pytest.mark.parametrize("outcomes", [[], [("AAA-001", Status.SKIP)]])
def test_without_any_check_there_is_no_verdict(outcomes: list[tuple[str, Status]]) -> None:
    found = results(*outcomes)
    assert found.verdict() == "inconclusive"
    assert found.exit_status() is ExitStatus.INCONCLUSIVE


@pytest.mark.parametrize(
    ("part", "judged"),
    [
        ({"left_out": {"AAA-001b": ["AAA-001"]}}, 2),
        ({"unread": {"test_other.py": ["AAA-001", "AAA-002"]}}, 1),
        ({"chosen": {test: [test[:7]] for test in ("AAA-001", "AAA-001b")}}, 2),
    ],
)
def test_a_part_of_the_suite_proves_only_what_is_tested_in_full(
    part: dict[str, Any], judged: int
) -> None:
    scope = Scope(**{"chosen": {test: [test] for test, _ in ALL_PASS}, **part})
    found = results(*ALL_PASS, scope=scope)
    assert found.verdict() == f"partial ({judged} of 4 requirements judged)"
    assert found.exit_status() is ExitStatus.AS_EXPECTED
    assert found.verdicts["AAA-001"] == "not judged"
    assert found.verdicts["AAA-003"] == "proven"
    assert len(found.causes()) == 1
    found = results(*ALL_PASS, ("AAA-001a", Status.FAIL), scope=scope)
    assert found.verdicts["AAA-001"] == "failed"
    assert found.verdict() == "does not conform"


def test_what_was_to_be_run_is_unknown() -> None:
    """Such as when all workers of pytest-xdist have crashed."""
    outcomes = [Outcome(test, (test,), status) for test, status in ALL_PASS]
    found = Results(outcomes, None, REQUIREMENTS, {}, set())
    assert found.verdict() == "partial (0 of 4 requirements judged)"


def test_companions_that_are_not_there_are_not_offered() -> None:
    scope = Scope({test: [test] for test, _ in ALL_PASS[:2]}, absent={"x": ["AAA-002", "AAA-003"]})
    found = results(*ALL_PASS[:2], scope=scope)
    assert found.verdict() == "conforms"
    assert found.verdicts["AAA-003"] == "not offered"
    assert found.verdicts["AAA-002"] == "proven"


def test_hosts_that_were_not_asked_for_are_a_note() -> None:
    """The requirements of their tests have others, so that the suite is whole."""
    found = results(
        *ALL_PASS,
        scope=Scope({test: [test] for test, _ in ALL_PASS}, networked={"x": ["AAA-002"]}),
    )
    assert found.verdict() == "conforms"
    assert found.verdicts["AAA-002"] == "proven"
    (cause,) = found.causes()
    assert cause == "1 tests on hosts in network namespaces are left out; --network runs them"


def test_the_worst_test_of_a_requirement_counts() -> None:
    found = results(
        ("AAA-001a", Status.PASS),
        ("AAA-001b", Status.EXPECTED),
        ("AAA-002a", Status.SKIP),
        ("AAA-002b", Status.PASS),
    )
    assert found.by_requirement() == {"AAA-001": Status.EXPECTED, "AAA-002": Status.PASS}
    assert found.lines()[:2] == [
        "         proven  failed  not offered  not judged",
        "chapter       1       1            0           2",
    ]


def test_the_worst_part_of_a_test_counts() -> None:
    found = results(("AAA-001", Status.PASS), ("AAA-001", Status.ERROR), ("AAA-001", Status.PASS))
    assert found.by_requirement() == {"AAA-001": Status.ERROR}


def test_what_passes_is_not_proven_by_tests_that_are_older_than_the_sentence() -> None:
    found = results(
        ("AAA-001", Status.PASS), ("AAA-002", Status.REMARK), reopened={"AAA-001", "AAA-002"}
    )
    assert found.by_requirement() == {"AAA-001": Status.REOPENED, "AAA-002": Status.REMARK}
    assert found.verdict() == "inconclusive"
    assert found.exit_status() is ExitStatus.INCONCLUSIVE
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
        "<code class=whole>AAA-001</code> MUST be &lt;met&gt;",
        'href="https://spec/chapter.html#AAA-001"',
        "Not tested: nobody can see it",
        "<tr><td>chapter<td class=number>1<td class=number>1<td class=number>0<td class=number>2",
        "<span class=whole>--group</span>, <span class=whole>no reorder</span>",
        '<meta name="viewport" content="width=device-width">',
        '<td class="short whole" id="AAA-002">',
        'data-status="not judged"',
    ):
        assert text in page
    assert "http" not in page.replace("https://spec/", ""), "the page needs something else"


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("It is :need:`AAA-002`.", 'It is <a class=whole href="#AAA-002">AAA-002</a>.'),
        ("Lines (:doc:`grouping`).", "Lines (chapter grouping)."),
        ("Print ``-x``.", "Print <code class=whole>-x</code>."),
        ("Print ``NAME: -c option is mandatory!``.", "<code>NAME: -c option is mandatory!</code>"),
    ],
)
def test_the_markup_of_sentences_is_shown(sentence: str, shown: str) -> None:
    run = about(results(("AAA-001a", Status.PASS)))
    run["requirements"]["AAA-001"]["sentence"] = sentence
    assert shown in pages.report(run, "")


def test_each_verdict_of_several_runs_says_whose_it_is() -> None:
    """Where the columns of a table have no room, beside each other."""
    runs = [about(results(("AAA-001a", status))) for status in (Status.PASS, Status.FAIL)]
    page = pages.matrix(runs, ["one", "<two>"])
    assert '<td data-name="one"><span class="status proven">' in page
    assert '<td data-name="&lt;two&gt;"><span class="status failed">' in page


@pytest.mark.parametrize(
    ("statuses", "share", "colour"),
    [
        ([Status.PASS] * 3, 100, "#2e7d32"),
        ([Status.PASS, Status.PASS, Status.SKIP], 100, "#2e7d32"),
        ([Status.PASS, Status.PASS, Status.EXPECTED], 66, "#c75b00"),
        ([Status.PASS, Status.FAIL, Status.EXPECTED], 33, "#c62828"),
        ([Status.FAIL] * 3, 0, "#c62828"),
        ([Status.SKIP] * 3, 0, "#c62828"),
    ],
)
def test_the_badge(statuses: list[Status], share: int, colour: str) -> None:
    """An expected failure is a failure, and what is not offered does not count."""
    found = results(*zip(["AAA-001", "AAA-002", "AAA-003"], statuses, strict=True))
    picture = pages.badge(about(found))
    text = "".join(ET.fromstring(picture).itertext())  # noqa: S314 (our own)
    assert text.strip() == f"paexec protocol 1{share} % of MUSTs proven"
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
    assert {entry["verdict"] for entry in run["requirements"].values()} == {"failed"}
    assert (run["verdict"], run["kind"], run["whole"]) == (*["does not conform"] * 2, True)
    assert run["musts"] == {"proven": 0, "offered": 1}
    none = {"proven": 0, "failed": 0, "not offered": 0, "not judged": 0}
    assert run["counts"] == {
        "all": none | {"failed": 2},
        "MUST": none | {"failed": 1},
        "SHOULD": none | {"failed": 1},
    }
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
    profile = tomllib.loads(written.read_text())
    assert (profile["name"], profile["version"]) == ("false", "unknown")
    assert set(profile["features"]) == set(FEATURES)
    assert [list(each["tests"]) for each in profile["deviation"]] == [["test_all.py::test_one"]]
    status, output = copy.judge(f"--profile={written}")
    assert status == ExitStatus.FAULT_OF_THE_SUITE
    assert (
        f"conformance: {written}: say why each expected failure happens: 1 of 1 have no" in output
    )
    written.write_text(written.read_text().replace("not explained yet", "it does nothing"))
    status, output = copy.judge(f"--profile={written}")
    assert status == GREEN, output
    assert "profile: false unknown (1 expected failures)" in output
    assert "verdict: fails as its profile says (1 of 1 MUSTs)" in output


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
    kept = tomllib.loads(written.read_text())["deviation"]
    assert kept == tomllib.loads(known)["deviation"]


@pytest.mark.parametrize("text", ["plain", 'a "b" \\ c', "\n\t\0\x1b\x7f", "é€😀"])
def test_any_message_can_be_written(text: str, tmp_path: Path) -> None:
    outcome = Outcome("test_all.py::test_one", ("AAA-001",), Status.FAIL, text)
    path = tmp_path / "profile.toml"
    written = profile_of([outcome], Profile("name", "1.0"), {"--group": True})
    path.write_text(written.replace(NOT_EXPLAINED, "it does nothing"))
    profile = load_profile(path)
    assert profile.features == {"--group": True}
    assert profile.expected[outcome.test].message == text


@pytest.mark.parametrize(
    ("message", "lasting"),
    [
        ("status 1, not 0", "status 1, not 0"),
        ("assert stdout b'<0a1b2c3d a>' == b''", "stdout b'<"),
        ("assert stdout b'x y...y z' == b''", "stdout b'x y"),
        ("assert [] == [b'1 <5d7964e...<5d7964e8 c>']", "[] == [b'1 <"),
        ("assert [] == [b'1 <c6...d7964e8 c>']", "[] == [b'1 <"),
        ("left running: 12345", "left running:"),
        ("no file /tmp/x/y", "no file"),
        ("0a1b2c3d is all", "0a1b2c3d is all"),
    ],
)
def test_what_differs_from_run_to_run_is_not_expected(message: str, lasting: str) -> None:
    outcome = Outcome("test_all.py::test_one", ("AAA-001",), Status.FAIL, message)
    written = tomllib.loads(profile_of([outcome], Profile("name", "1.0"), {}))
    assert [list(entry["tests"].values()) for entry in written["deviation"]] == [[lasting]]


def test_known_reasons_are_kept_and_what_passes_is_dropped(copy: Copy, tmp_path: Path) -> None:
    copy.implementation = "/bin/false"
    known = entry("test_all.py::test_one", "AAA-001", "status is not 0")
    copy.profile = known + entry("test_all.py::test_two[1]", "AAA-002", "another message")
    written = tmp_path / "written.toml"
    copy.judge(f"--print-profile={written}")
    kept = tomllib.loads(written.read_text())["deviation"]
    assert kept == tomllib.loads(known)["deviation"]


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
    assert copy.judge("-k", "nothing")[0] == ExitStatus.INCONCLUSIVE


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
    assert 'data-status="proven,failed"' in text


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": 0}'])
def test_what_holds_no_results_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    done = compare(path, "-o", tmp_path / "page.html")
    assert done.returncode == 1
    assert done.stderr.startswith(f"compare: {path}: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("factor", ["0", "-1", "nan", "inf", "x"])
def test_a_scale_of_times_is_more_than_0(copy: Copy, factor: str) -> None:
    status, output = copy.judge(f"--timeout-scale={factor}")
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "--timeout-scale" in output
    assert factor in output
