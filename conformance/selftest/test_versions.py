"""Permitted changes of the specification after a version is frozen, and reviews of tests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.harness.registry import Requirement, find_reopened
from conformance.harness.versions import Version, VersionError, find_faults

ROOT = Path(__file__).resolve().parents[2]

ONE = Requirement("AAA-001", "MUST", "One", "chapter", "It MUST.")
TWO = Requirement("AAA-002", "SHOULD", "Two", "chapter", "It SHOULD.")
BOTH = {ONE.id: ONE, TWO.id: TWO}


def faults(version: str, *requirements: Requirement, frozen: str = "1.0") -> list[str]:
    """Return the faults of a version that has these requirements, if another one had both."""
    present = {requirement.id: requirement for requirement in requirements}
    return list(find_faults(Version.of(version), present, {Version.of(frozen): BOTH}))


def test_versions_have_an_order() -> None:
    texts = ["0.9", "1.0.dev", "1.0", "1.2.dev", "1.10.dev", "1.10", "2.0.dev"]
    versions = [Version.of(text) for text in texts]
    assert sorted(versions) == versions
    assert [str(version) for version in versions] == texts


@pytest.mark.parametrize("text", ["", "1", "1.0.1", "1.0-dev", "v1.0", "1.٢"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(VersionError, match="is not of the form"):
        Version.of(text)


@pytest.mark.parametrize("version", ["1.0", "1.1.dev", "2.0.dev"])
def test_a_frozen_version_may_stay_as_it_is(version: str) -> None:
    assert faults(version, ONE, TWO) == []
    assert faults(version, ONE, replace(TWO, title="Another", chapter="another")) == []


def test_a_final_version_is_frozen() -> None:
    assert faults("1.1", ONE, TWO) == ["version 1.1 is not frozen: call it 1.1.dev, or freeze it"]


@pytest.mark.parametrize("version", ["0.9.dev", "1.0.dev"])
def test_versions_do_not_go_back(version: str) -> None:
    assert faults(version, ONE, TWO) == [
        f"version {version} comes before 1.0, which is frozen",
    ]


@pytest.mark.parametrize("version", ["1.0", "1.1.dev", "2.0.dev"])
def test_no_id_is_removed(version: str) -> None:
    assert faults(version, ONE) == ["AAA-002: version 1.0 has it: no id is ever removed or reused"]


def test_levels_change_with_the_major_version_only() -> None:
    stricter = replace(TWO, level="MUST")
    fault = "AAA-002: SHOULD in version 1.0, now MUST: levels change with the major version only"
    assert faults("1.0", ONE, stricter) == [fault]
    assert faults("1.1.dev", ONE, stricter) == [fault]
    assert faults("2.0.dev", ONE, stricter) == []


def test_sentences_and_additions_need_a_new_version() -> None:
    edited = replace(ONE, sentence="It MUST indeed.")
    added = replace(ONE, id="AAA-003")
    assert faults("1.0", edited, TWO, added) == [
        "AAA-001: version 1.0 is frozen: call what differs 1.1.dev",
        "AAA-003: not in version 1.0, which is frozen: call this 1.1.dev",
    ]
    assert faults("1.1.dev", edited, TWO, added) == []


def test_an_edited_sentence_or_level_is_reopened() -> None:
    reviewed = {name: requirement.hash for name, requirement in BOTH.items()}
    assert find_reopened(BOTH, reviewed) == set()
    assert find_reopened(BOTH | {ONE.id: replace(ONE, sentence="It may.")}, reviewed) == {ONE.id}
    assert find_reopened(BOTH | {TWO.id: replace(TWO, level="MUST")}, reviewed) == {TWO.id}
    assert find_reopened(BOTH, {ONE.id: ONE.hash}) == {TWO.id}


class Specification:
    """A specification of one requirement, with what the suite keeps beside it."""

    def __init__(self, directory: Path) -> None:
        self.suite = directory / "conformance"
        self._spec = directory / "spec"
        shutil.copytree(
            ROOT / "conformance" / "harness",
            self.suite / "harness",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (self.suite / "__init__.py").touch()
        (self.suite / "reviewed.json").write_text('{"AAA-009": "000000000000"}')
        (self._spec / "_static").mkdir(parents=True)
        shutil.copy(ROOT / "spec" / "registry.py", self._spec)
        (self._spec / "_ext").mkdir()
        shutil.copy(ROOT / "spec" / "_ext" / "requirement_settings.py", self._spec / "_ext")
        self.sentence = "It MUST."
        self.version = "1.0.dev"

    def registry(self, *options: str) -> tuple[int, str]:
        """Run ``registry.py``; the exit status and what it says."""
        configuration = (ROOT / "spec" / "conf.py").read_text()
        changed = {
            "version = ": f'version = release = "{self.version}"',
            # The others draw pages, from files that are not here.
            "extensions = ": 'extensions = ["sphinx_needs"]',
        }
        lines = [
            next((new for old, new in changed.items() if line.startswith(old)), line)
            for line in configuration.splitlines()
        ]
        (self._spec / "conf.py").write_text("\n".join(lines))
        (self._spec / "index.rst").write_text(
            "Title\n=====\n\n.. requirement:: One\n   :id: AAA-001\n   :level: MUST\n\n"
            f"   {self.sentence}\n"
        )
        done = subprocess.run(
            [sys.executable, self._spec / "registry.py", *options],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


def test_from_a_draft_to_a_frozen_version_and_on(tmp_path: Path) -> None:
    specification = Specification(tmp_path)
    assert specification.registry()[0] == 0
    status, output = specification.registry("--check")
    assert status == 1
    assert "AAA-001: its tests were not reviewed" in output
    assert "reviewed.json: no requirement AAA-009" in output

    status, output = specification.registry("--reviewed", "AAA-001")
    assert (status, output) == (0, "AAA-001 (MUST): It MUST.\n")
    assert list(json.loads((specification.suite / "reviewed.json").read_text())) == ["AAA-001"]
    assert specification.registry("--check") == (0, "")

    status, output = specification.registry("--freeze")
    assert (status, output) == (1, "registry: --freeze: 1.0.dev is a draft, or frozen already\n")
    specification.version = "1.0"
    assert specification.registry("--freeze") == (0, "")
    assert specification.registry("--check") == (0, "")

    specification.sentence = "It MUST indeed."
    assert specification.registry("--check")[1] == (
        "requirements.json is out of date: run python spec/registry.py\n"
    )
    specification.registry()
    status, output = specification.registry("--check")
    assert status == 1
    assert "AAA-001: its tests were not reviewed" in output
    assert "AAA-001: version 1.0 is frozen: call what differs 1.1.dev" in output


def test_only_what_is_reviewed_is_frozen(tmp_path: Path) -> None:
    specification = Specification(tmp_path)
    specification.version = "1.0"
    status, output = specification.registry("--freeze")
    assert status == 1
    assert "AAA-001: its tests were not reviewed" in output
    assert not list(specification.suite.glob("requirements-*"))


def test_a_review_of_what_is_no_requirement(tmp_path: Path) -> None:
    status, output = Specification(tmp_path).registry("--reviewed", "AAA-002")
    assert (status, output) == (1, "registry: --reviewed: no requirement AAA-002\n")
