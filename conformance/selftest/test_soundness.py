"""The suite refuses to judge when tests, registry and profile do not fit together."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness.profile import ProfileError, load_profile
from conformance.harness.registry import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

SUITE = Path(__file__).resolve().parent.parent

TESTS = """
import pytest

@pytest.mark.requirement("AAA-001")
def test_one(stage):
    run = stage.run("one")
    assert run.status == 0, "status is not 0"

@pytest.mark.requirement("AAA-002")
@pytest.mark.parametrize("value", [1, 2])
def test_two(stage, value):
    assert value == 1, "value is not 1"
"""

ENTRY = """
[[deviation]]
reason = "it is known"
requirements = ["{requirement}"]
[deviation.tests]
"{test}" = "{message}"
"""


class Copy:
    """A copy of the suite with its own tests, requirements and profile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.suite = directory / "conformance"
        shutil.copytree(SUITE, self.suite, ignore=shutil.ignore_patterns("test_*", "__pycache__"))
        self.levels = {"AAA-001": "MUST", "AAA-002": "SHOULD"}
        self.tests = TESTS
        self.untested = ""
        self.unreviewed: set[str] = set()
        self.profile: str | None = None
        self.features = ""
        self.implementation = "/bin/true"

    def judge(self, *options: str) -> tuple[int, str]:
        """Run all of the copy; the exit status of pytest and its output."""
        if self.profile is not None:
            path = self.directory / "profile.toml"
            name = Path(self.implementation).name
            path.write_text(
                f'name = "{name}"\nversion = "unknown"\n[features]\n{self.features}\n{self.profile}'
            )
            options = (*options, f"--profile={path}")
        return self.run(str(self.suite), *options)

    def run(
        self, *words: str, cached: bool = False, interpreter: Iterable[str] = ()
    ) -> tuple[int, str]:
        """Run the copy with these words; the exit status of pytest and its output.

        Args:
            words: files and options for pytest.
            cached: whether pytest remembers what failed.
            interpreter: options of Python.
        """
        entries = {
            key: {"level": level, "title": "t", "sentence": "s", "chapter": "c"}
            for key, level in self.levels.items()
        }
        registry = json.dumps({"spec": "0", "requirements": entries})
        (self.suite / "requirements.json").write_text(registry)
        hashes = {
            name: "another" if name in self.unreviewed else Requirement(name, **each).hash
            for name, each in entries.items()
        }
        (self.suite / "reviewed.json").write_text(json.dumps(hashes))
        (self.suite / "untested.toml").write_text(self.untested)
        (self.suite / "test_all.py").write_text(self.tests)
        command = [sys.executable, *interpreter, "-m", "pytest", *words]
        if not cached:
            command += ["-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--impl={self.implementation}"],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTEST_ADDOPTS": ""},
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


GREEN, RED, UNKNOWN, REFUSED = 0, 1, 2, 3


def test_green(copy: Copy) -> None:
    status, output = copy.judge()
    assert status == GREEN, output
    assert re.search(r"\ntotal +1 +1 +0 +0\n", output)
    assert "remark: 1  AAA-002" in output
    assert "\nverdict: conforms\n" in output


def test_a_failed_must_is_red_and_shows_evidence(copy: Copy) -> None:
    copy.implementation = "/bin/false"
    status, output = copy.judge()
    assert status == RED
    assert "AAA-001 (MUST): s" in output
    assert "/bin/false one" in output
    assert "distributor ended" in output
    assert "fail: 1  AAA-001" in output


def test_an_unknown_id_is_refused(copy: Copy) -> None:
    copy.tests = TESTS.replace("AAA-002", "AAA-003")
    for options in ["--collect-only"], ["-n", "2"]:
        status, output = copy.judge(*options)
        assert status == REFUSED, output
        assert "unknown requirement AAA-003" in output


def test_a_test_without_an_id_is_refused(copy: Copy) -> None:
    copy.tests = TESTS + "\ndef test_nothing():\n    pass\n"
    status, output = copy.judge()
    assert status == REFUSED
    assert "test_all.py::test_nothing: names no requirement" in output


@pytest.mark.parametrize("level", ["MUST", "SHOULD", "MAY"])
def test_a_requirement_without_a_test_is_refused(copy: Copy, level: str) -> None:
    copy.levels["AAA-004"] = level
    status, output = copy.judge("--collect-only")
    assert status == REFUSED
    assert f"AAA-004: a {level} without a test" in output
    status, output = copy.judge("-k", "test_one")
    assert status == GREEN, output


def test_a_requirement_that_nobody_can_test_has_a_reason(copy: Copy) -> None:
    copy.levels["AAA-004"] = "MUST"
    copy.untested = 'AAA-004 = "it cannot be seen"'
    assert copy.judge()[0] == GREEN
    copy.untested = 'AAA-001 = "it has a test"\nAAA-004 = "it cannot be seen"'
    status, output = copy.judge()
    assert status == REFUSED
    assert "untested.toml: AAA-001 has a test" in output


def test_tests_older_than_their_sentence_prove_nothing(copy: Copy) -> None:
    copy.unreviewed = {"AAA-001", "AAA-002"}
    status, output = copy.judge()
    assert status == UNKNOWN
    assert "reopened: 1  AAA-001" in output
    assert "remark: 1  AAA-002" in output
    assert re.search(r"\ntotal +0 +1 +0 +1\n", output)
    copy.implementation = "/bin/false"
    status, output = copy.judge()
    assert status == RED
    assert "fail: 1  AAA-001" in output


def test_an_implementation_that_cannot_be_run_is_refused(copy: Copy) -> None:
    copy.implementation = "/no/such/program"
    for options in [], ["-n", "2"]:
        status, output = copy.judge(*options)
        assert status == UNKNOWN, output
        assert "cannot run '/no/such/program'" in output


class Companions:
    """A directory with programs, and tests of which one is about the companion paargs."""

    def __init__(self, copy: Copy) -> None:
        self._directory = copy.directory / "bin"
        self._directory.mkdir()
        copy.implementation = self.add("my-paexec")
        copy.levels = {"AAA-001": "MUST", "AAA-002": "MUST"}
        copy.tests = TESTS.partition("@pytest.mark.parametrize")[0] + (
            '@pytest.mark.companion("paargs")\n'
            "def test_two(stage):\n"
            '    assert stage.run("two").status == 0, "status is not 0"\n'
        )

    def add(self, name: str, command: str = "exit 0") -> str:
        path = self._directory / name
        path.write_text(f"#!/bin/sh\n{command}\n")
        path.chmod(0o755)
        return str(path)


@pytest.fixture
def companions(copy: Copy) -> Companions:
    return Companions(copy)


def test_a_companion_beside_the_implementation(copy: Copy, companions: Companions) -> None:
    companions.add("my-paargs")
    status, output = copy.judge()
    assert status == GREEN, output
    assert re.search(r"\ntotal +2 ", output)
    companions.add("my-paargs", "exit 1")
    status, output = copy.judge()
    assert status == RED
    assert "my-paargs two" in output
    assert "fail: 1  AAA-002" in output


def test_a_companion_by_its_option(copy: Copy, companions: Companions) -> None:
    companions.add("my-paargs", "exit 1")
    other = companions.add("other", 'test "$*" = "x two"')
    status, output = copy.judge(f"--paargs={other} x")
    assert status == GREEN, output
    status, output = copy.judge("--paargs=/no/such/program")
    assert status == UNKNOWN
    assert "inconclusive: 1  AAA-002" in output
    assert "--paargs: cannot run '/no/such/program'" in output


def test_a_missing_companion_is_no_silent_skip(copy: Copy, companions: Companions) -> None:
    status, output = copy.judge()
    assert status == UNKNOWN
    assert f"no paargs beside {copy.implementation}" in output
    assert re.search(r"\ntotal +1 ", output)
    copy.implementation = companions.add("paargs")  # is not its own companion
    status, output = copy.judge()
    assert status == UNKNOWN
    assert f"no paargs beside {copy.implementation}" in output


def test_a_companion_that_does_not_exist(copy: Copy, companions: Companions) -> None:
    companions.add("my-paargs", "exit 1")
    status, output = copy.judge("--paargs=none")
    assert status == GREEN, output
    assert "1 passed, 1 deselected" in output


EXTENSION = """
@pytest.mark.requirement("AAA-003")
@pytest.mark.extension("--group")
def test_three(stage):
    assert stage.run("--group").status == 0, "status is not 0"
"""


@pytest.mark.parametrize("output", [">&1", ">&2"])
def test_a_test_of_an_extension_that_the_help_names(copy: Copy, output: str) -> None:
    program = copy.directory / "program"
    program.write_text(
        f'#!/bin/sh\ncase $1 in -h) echo "[-x|--group]" {output};; --group) exit 1;; esac\n'
    )
    program.chmod(0o755)
    copy.implementation = str(program)
    copy.levels["AAA-003"] = "MUST"
    copy.tests = TESTS + EXTENSION
    status, text = copy.judge()
    assert status == RED
    assert "fail: 1  AAA-003" in text


def test_a_test_of_an_extension_that_the_help_does_not_name(copy: Copy) -> None:
    program = copy.directory / "program"
    program.write_text('#!/bin/sh\necho "--group-by -group --gro"\n')
    program.chmod(0o755)
    copy.implementation = str(program)
    copy.levels["AAA-003"] = "MUST"
    copy.tests = TESTS + EXTENSION
    status, text = copy.judge("-rs")
    assert status == GREEN, text
    assert "not offered: 1  AAA-003" in text
    assert "not offered: --group" in text
    assert re.search(r"\ntotal +1 ", text)


def test_an_extension_of_which_nobody_knows(copy: Copy) -> None:
    copy.levels["AAA-003"] = "MUST"
    copy.tests = TESTS + EXTENSION.replace("--group", "--extra")
    status, output = copy.judge()
    assert status == REFUSED
    assert "test_all.py::test_three: unknown option --extra of an extension" in output


def test_features_that_the_profile_declares(copy: Copy, tmp_path: Path) -> None:
    """A feature that is declared absent is left out, unless the help names it."""
    copy.levels["AAA-003"] = "MUST"
    copy.tests = TESTS + EXTENSION
    copy.profile = ""
    copy.features = '"--group" = false'
    status, output = copy.judge()
    assert status == GREEN, output
    assert "not offered: 1  AAA-003" in output
    copy.features = '"--group" = true'
    status, output = copy.judge()
    assert status == GREEN, output
    assert re.search(r"\ntotal +2 ", output)

    program = tmp_path / "program"
    program.write_text("#!/bin/sh\ntest $1 != -h || echo --group\n")
    program.chmod(0o755)
    copy.implementation = str(program)
    copy.features = '"--group" = false'
    status, output = copy.judge()
    assert status == RED
    assert "the profile says that there is no --group, but the help names it" in output


def test_a_failure_of_what_is_left_out_cannot_be_expected(copy: Copy) -> None:
    copy.levels["AAA-003"] = "MUST"
    copy.tests = TESTS + EXTENSION
    copy.features = '"--group" = false'
    copy.profile = entry("test_all.py::test_three", "AAA-003", "status is not 0")
    status, output = copy.judge()
    assert status == REFUSED
    assert "test_all.py::test_three is left out" in output


def test_a_companion_that_the_profile_declares_absent(copy: Copy, companions: Companions) -> None:
    copy.profile = ""
    copy.features = "paargs = false"
    status, output = copy.judge()
    assert status == GREEN, output
    assert "1 passed, 1 deselected" in output
    there = companions.add("my-paargs", "exit 1")
    for options in [], [f"--paargs={there}"]:
        status, output = copy.judge(*options)
        assert status == REFUSED
        assert f"says that there is no paargs: {there}" in output
    assert copy.judge("--paargs=none")[0] == GREEN


@pytest.mark.parametrize("profiled", ["false unknown", "true 1.0"])
def test_a_profile_of_another_implementation_is_refused(
    copy: Copy, tmp_path: Path, profiled: str
) -> None:
    name, version = profiled.split()
    path = tmp_path / "other.toml"
    path.write_text(f'name = "{name}"\nversion = "{version}"\n')
    status, output = copy.judge(f"--profile={path}")
    assert status == REFUSED
    assert f"is about {profiled}, but the implementation is true unknown" in output


def entry(test: str, requirement: str, message: str) -> str:
    return ENTRY.format(test=test, requirement=requirement, message=message)


def test_an_expected_failure_is_green(copy: Copy) -> None:
    copy.implementation = "/bin/false"
    copy.profile = entry("test_all.py::test_one", "AAA-001", "status is not 0")
    status, output = copy.judge()
    assert status == GREEN, output
    assert "expected failure: 1  AAA-001" in output


def test_an_expected_failure_that_passes_is_red(copy: Copy) -> None:
    copy.profile = entry("test_all.py::test_one", "AAA-001", "status is not 0")
    status, output = copy.judge()
    assert status == RED
    assert "unexpected pass" in output


def test_an_entry_without_parameters_covers_all_of_them(copy: Copy) -> None:
    copy.profile = entry("test_all.py::test_two", "AAA-002", "value is not 1")
    status, output = copy.judge()
    assert status == RED
    assert "unexpected pass" in output
    copy.profile = entry("test_all.py::test_two[2]", "AAA-002", "value is not 1")
    assert copy.judge()[0] == GREEN


def test_an_expected_failure_with_another_message_is_red(copy: Copy) -> None:
    copy.implementation = "/bin/false"
    copy.profile = entry("test_all.py::test_one", "AAA-001", "no output")
    status, output = copy.judge()
    assert status == RED
    assert "the profile expects 'no output' in the message" in output


def test_an_entry_for_no_test_is_refused(copy: Copy) -> None:
    copy.profile = entry("test_all.py::test_gone", "AAA-001", "another message")
    status, output = copy.judge()
    assert status == REFUSED
    assert "no test test_all.py::test_gone" in output


def test_an_entry_for_another_requirement_is_refused(copy: Copy) -> None:
    copy.profile = entry("test_all.py::test_one", "AAA-002", "another message")
    status, output = copy.judge()
    assert status == REFUSED
    assert "test_all.py::test_one does not test AAA-002" in output


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "",
        "name = 'x'",
        "name = 'x'\nversion = 1",
        "name = 'x y'\nversion = '1'",
        "name = 'x'\nversion = '1'\nx = 1",
        "name = 'x'\nversion = '1'\n[[deviation]]\nreason = 'x'",
        "name = 'x'\nversion = '1'\nfeatures = 1",
        "name = 'x'\nversion = '1'\ndeviation = [1]",
        "name = 'x'\nversion = '1'\ninclude = 'no such file'",
        "name = 'x'\nversion = '1'\n[features]\n--extra = true",
        "name = 'x'\nversion = '1'\n[features]\npaargs = 'no'",
    ],
)
def test_a_malformed_profile_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(text)
    with pytest.raises(ProfileError, match=r"profile\.toml: "):
        load_profile(path)


def test_a_profile_that_cannot_be_read_is_refused(copy: Copy) -> None:
    status, output = copy.judge("--profile=/no/such/profile")
    assert status == REFUSED
    assert "/no/such/profile" in output


def test_the_profile_is_found_by_the_version(copy: Copy) -> None:
    program = copy.directory / "versioned"
    program.write_text('#!/bin/sh\ncase "$1" in -V) echo name 1.0 and so on;; *) exit 1;; esac\n')
    program.chmod(0o755)
    copy.implementation = str(program)
    profile = entry("test_all.py::test_one", "AAA-001", "status is not 0")
    for version in "1.0", "1.1":
        path = copy.suite / "profiles" / f"any-{version}.toml"
        path.write_text(f'name = "name"\nversion = "{version}"\n{profile}')
    status, output = copy.judge()
    assert status == GREEN, output
    assert "profile: name 1.0 (1 expected failures)" in output
