"""No program that does nothing of the kind conforms, whatever is selected and expected.

Half of these tests would pass with any program, as tests of a detail do. What they prove depends
on the others, which the options here leave out.
"""

from __future__ import annotations

import re
import shutil
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conformance.harness.profile import NOT_EXPLAINED
from conformance.selftest.test_soundness import RED, REFUSED, Copy, entry

TESTS = """
import pytest

@pytest.mark.requirement("AAA-001")
def test_work(stage):
    run = stage.run("task")
    assert run.stdout == stage.nonce, "no result"

@pytest.mark.requirement("AAA-001", "AAA-002")
@pytest.mark.parametrize("value", [1, 2])
def test_detail(stage, value):
    stage.run("task")
    assert value == 1 or stage.nonce == b"", "wrong detail"
"""

OTHER = """
import pytest

@pytest.mark.requirement("AAA-001")
def test_word(stage):
    assert stage.run("task")

@pytest.mark.requirement("AAA-003")
def test_other_word(stage):
    assert stage.run("task")
"""

PROGRAMS = {
    "nothing": "echo name 1.0",
    "echoes": 'while read -r task; do echo "$task"; echo; done',
    "crashes": "kill -SEGV $$",
}

ROUTES = {
    "all": ["conformance"],
    "all files": ["conformance/test_all.py", "conformance/test_other.py"],
    "workers": ["conformance", "-n", "2"],
    "a file": ["conformance/test_other.py"],
    "a function": ["conformance/test_all.py::test_detail"],
    "a case": ["conformance/test_all.py::test_detail[1]"],
    "a case and a file": ["conformance/test_all.py::test_detail[1]", "conformance/test_other.py"],
    "-k": ["conformance", "-k", "word"],
    "-k, workers": ["conformance", "-k", "word", "-n", "2"],
    "-m": ["conformance", "-m", "not long and not parametrize"],
    "--requirement": ["conformance", "--requirement=AAA-003"],
    "--deselect": [
        "conformance",
        "--deselect=conformance/test_all.py::test_work",
        "--deselect=conformance/test_all.py::test_detail[2]",
    ],
    "--ignore": ["conformance", "--ignore=conformance/test_all.py"],
    "--ignore-glob": ["conformance", "--ignore-glob=*all.py"],
    "python_files": ["conformance", "-o", "python_files=test_o*.py"],
    "python_functions": ["conformance", "-o", "python_functions=test_o*"],
    "--setup-only": ["conformance", "--setup-only"],
    "--collect-only": ["conformance", "--collect-only"],
    "-x": ["conformance", "-x"],
}

PARTIAL = {
    *("a file", "a case", "a case and a file", "-k", "-k, workers"),
    *("--requirement", "--deselect", "--ignore", "--ignore-glob", "python_files"),
    "python_functions",
}
"""The routes by which only tests are run that all of these programs pass."""


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    copy = Copy(tmp_path)
    copy.tests = TESTS
    copy.levels = {"AAA-001": "MUST", "AAA-002": "MUST", "AAA-003": "MUST"}
    (copy.suite / "test_other.py").write_text(OTHER)
    copy.implementation = program(tmp_path, "nothing")
    return copy


def program(directory: Path, name: str) -> str:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{PROGRAMS[name]}\n")
    path.chmod(0o755)
    return str(path)


def verdict_of(output: str) -> str:
    """The verdict in a summary; empty if there is none."""
    found = re.search("^verdict: (.*)$", output, re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize("route", ROUTES)
def test_nothing_conforms_by_any_route(copy: Copy, route: str) -> None:
    report = copy.directory / "report"
    report.mkdir()
    (report / "badge.svg").write_text("of another run")
    options = [*ROUTES[route], "--require-conformance", f"--report-dir={report}"]
    status, output = copy.run(*options)
    assert status == RED, output
    expected = "partial" if route in PARTIAL else "does not conform"
    if route.endswith("-only"):
        expected = ""
        assert verdict_of(output) == "", output
    assert verdict_of(output).startswith(expected), output
    badge = report / "badge.svg"
    if not expected:
        return
    if "all" in route or route == "workers":
        assert "0 % of MUSTs proven" not in badge.read_text()  # AAA-003 asks nothing
        assert "33 % of MUSTs proven" in badge.read_text()
    else:
        assert not badge.exists()


@pytest.mark.parametrize("name", PROGRAMS)
def test_nothing_conforms_with_its_own_profile(copy: Copy, tmp_path: Path, name: str) -> None:
    copy.implementation = program(tmp_path, name)
    profile = tmp_path / "profile.toml"
    status, output = copy.run("conformance", f"--print-profile={profile}")
    assert (status, verdict_of(output)) == (RED, "does not conform")

    status, output = copy.run("conformance", f"--profile={profile}")
    assert status == REFUSED
    assert verdict_of(output) == ""
    refusals = [line for line in output.splitlines() if str(profile) in line]
    assert refusals == [
        f"conformance: {profile}: say why each expected failure happens: 2 of 2 have no reason, "
        "such as test_all.py::test_detail[2]: 'not explained yet'"
    ]

    profile.write_text(profile.read_text().replace(NOT_EXPLAINED, "it does nothing"))
    for route in "all", "workers", "a file", "a case", "-k", "--requirement":
        report = tmp_path / "report"
        status, output = copy.run(*ROUTES[route], f"--profile={profile}", f"--report-dir={report}")
        assert status == 0, output
        if route in PARTIAL:
            assert verdict_of(output).startswith("partial ("), output
            assert not (report / "badge.svg").exists()
        else:
            assert verdict_of(output) == "fails as its profile says (2 of 3 MUSTs)", output
            assert "33 % of MUSTs proven" in (report / "badge.svg").read_text()
    status, output = copy.run("conformance", f"--profile={profile}", "--require-conformance")
    assert status == RED
    assert verdict_of(output) == "fails as its profile says (2 of 3 MUSTs)"


def test_tests_that_failed_last_are_a_part(copy: Copy) -> None:
    """``--lf`` drops tests before anybody can say so."""
    assert copy.run("conformance", cached=True)[0] == RED
    copy.tests = copy.tests.replace("stage.nonce, ", "b'name 1.0\\n', ").replace(" == 1 or", " or")
    for option in "--lf", "--sw":
        status, output = copy.run("conformance", option, cached=True)
        assert status == 0, output
        assert verdict_of(output).startswith("partial ("), output
        # All of them pass now, so that none is dropped any more.
        (copy.directory / ".pytest_cache/v/cache/lastfailed").write_text(
            '{"conformance/test_all.py::test_work": true}'
        )
        (copy.directory / ".pytest_cache/v/cache/stepwise").write_text(
            '{"last_failed": "conformance/test_all.py::test_detail[2]", "last_test_count": 5,'
            ' "last_cache_date_str": "2999-01-01T00:00:00"}'
        )


def test_all_pass(copy: Copy) -> None:
    """So that the tests above can fail."""
    copy.tests = copy.tests.replace("stage.nonce, ", "b'name 1.0\\n', ").replace(" == 1 or", " or")
    for route in "all", "all files", "workers":
        status, output = copy.run(*ROUTES[route], "--require-conformance")
        assert (status, verdict_of(output)) == (0, "conforms"), output


def test_a_file_that_is_gone_is_missed(copy: Copy) -> None:
    (copy.suite / "test_other.py").unlink()
    status, output = copy.run("conformance")
    assert status == REFUSED
    assert "AAA-003: a MUST without a test" in output


def test_an_unexpected_pass_is_no_failure_of_the_implementation(copy: Copy) -> None:
    copy.tests = copy.tests.replace("stage.nonce, ", "b'name 1.0\\n', ").replace(" == 1 or", " or")
    profile = copy.directory / "profile.toml"
    about = 'name = "name"\nversion = "1.0"\n'
    profile.write_text(about + entry("test_all.py::test_work", "AAA-001", "no result"))
    status, output = copy.run("conformance", f"--profile={profile}")
    assert (status, verdict_of(output)) == (RED, "inconclusive")
    assert "note: 1 tests: unexpected pass, such as test_all.py::test_work" in output


def test_assertions_are_needed(copy: Copy) -> None:
    status, output = copy.run("conformance", interpreter=["-O"])
    assert status == pytest.ExitCode.USAGE_ERROR
    assert "no -O, no PYTHONOPTIMIZE" in output


def test_a_companion_that_is_hidden(copy: Copy, tmp_path: Path) -> None:
    """An option that rules out a companion, beside one that is there, makes the run partial."""
    copy.implementation = shutil.copy(copy.implementation, str(tmp_path / "paexec"))
    copy.tests = '\nimport pytest\n\npytestmark = pytest.mark.companion("paargs")\n' + TESTS[16:]
    status, output = copy.run("conformance", "--paargs=none")
    assert (status, verdict_of(output)) == (0, "conforms"), output
    assert re.search(r"\ntotal +2 +0 +1 +0\n", output)
    shutil.copy(copy.implementation, tmp_path / "paargs")
    status, output = copy.run("conformance", "--paargs=none")
    assert (status, verdict_of(output)) == (0, "partial (1 of 3 requirements judged)"), output
    assert re.search(r"\ntotal +1 +0 +0 +2\n", output)


def test_junit_counts_expected_failures(copy: Copy, tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    about = 'name = "name"\nversion = "1.0"\n'
    profile.write_text(
        about
        + entry("test_all.py::test_work", "AAA-001", "no result")
        + entry("test_all.py::test_detail[2]", "AAA-001", "wrong detail")
    )
    for workers in [], ["-n", "2"]:
        file = tmp_path / "junit.xml"
        status, output = copy.run(
            "conformance", f"--profile={profile}", f"--junit-xml={file}", *workers
        )
        assert status == 0, output
        suite = ET.parse(file).getroot()[0]  # noqa: S314 (our own file)
        counts = {name: suite.get(name) for name in ("tests", "failures", "skipped", "errors")}
        assert counts == {"tests": "5", "failures": "2", "skipped": "0", "errors": "0"}
        failed = {case.get("name") for case in suite if case.find("failure") is not None}
        assert failed == {"test_work", "test_detail[2]"}


@pytest.mark.parametrize("reason", ["", " ", "-", "???", NOT_EXPLAINED, " Not explained yet."])
def test_each_expected_failure_has_a_reason(copy: Copy, tmp_path: Path, reason: str) -> None:
    profile = tmp_path / "profile.toml"
    expected = entry("test_all.py::test_work", "AAA-001", "no result").replace(
        "it is known", reason
    )
    profile.write_text(f'name = "name"\nversion = "1.0"\n{expected}')
    assert tomllib.loads(profile.read_text())["deviation"][0]["reason"] == reason
    status, output = copy.run("conformance/test_other.py", f"--profile={profile}")
    assert status == REFUSED
    assert f"have no reason, such as test_all.py::test_work: {reason!r}" in output
