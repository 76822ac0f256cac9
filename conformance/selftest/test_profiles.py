"""The committed profiles: what they say about the C programs, and how."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from conformance.harness.profile import ProfileError, load_deviations, load_profile
from conformance.harness.shown import ExitStatus, Stderr, Stdout

SUITE = Path(__file__).resolve().parent.parent
PROFILES = sorted((SUITE / "profiles").glob("*.toml"))
SHARED = sorted((SUITE / "profiles" / "shared").glob("*.toml"))

EMPTY = {
    *("assert", "at", "diff", "for", "in", "index", "is", "not", "out"),
    *("the", "timed", "waiting"),
}
"""Words that messages of all kinds of failures have."""


def is_telling(message: str) -> bool:
    """Whether a part of a message names the behaviour, so that few other failures match it."""
    if re.search(r"std(out|err) b'", message):
        return True
    words = set(re.findall(r"[a-z]{2,}", message.casefold())) - EMPTY
    return bool(words) and len(words) + len(re.findall(r"\d+", message)) > 1


@pytest.mark.parametrize(
    ("message", "telling"),
    [
        ("", False),
        ("timed out", False),
        ("timed out waiting for: ", False),
        ("assert 0 == 1", False),
        ("assert b'", False),
        ("At index 0 diff", False),
        ("exit status 0 == 1", True),
        ("timed out waiting for: the end of the distributor", True),
        ("other names", True),
        ("stdout b'<", True),
    ],
)
def test_a_message_that_any_failure_would_match(message: str, telling: bool) -> None:
    assert is_telling(message) == telling


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_profile_says_what_was_seen(path: Path) -> None:
    expected = load_profile(path).expected
    assert len(expected) > 100
    assert [entry for entry in expected.values() if not is_telling(entry.message)] == []


def test_a_reason_is_written_once() -> None:
    shared = [each for path in SHARED for each in load_deviations(path)]
    own = [e for path in PROFILES for e in load_profile(path).deviations if e not in shared]
    counts = Counter(each.reason for each in (*shared, *own))
    assert [reason for reason, count in counts.items() if count > 1] == []


def test_what_is_included_is_part_of_the_profile(tmp_path: Path) -> None:
    deviation = "[[deviation]]\nreason = '%s does it'\nrequirements = ['AAA-001']\n"
    tests = "[deviation.tests]\n'test_all.py::%s' = 'no result'\n"
    (tmp_path / "shared").mkdir()
    included = tmp_path / "shared" / "all.toml"
    included.write_text(deviation % "everybody" + tests % "test_one")
    profile = tmp_path / "one.toml"
    about = "name = 'name'\nversion = '1'\ninclude = 'shared/all.toml'\n"
    profile.write_text(about + deviation % "one" + tests % "test_two")
    expected = load_profile(profile).expected
    assert {test: entry.deviation.reason for test, entry in expected.items()} == {
        "test_all.py::test_one": "everybody does it",
        "test_all.py::test_two": "one does it",
    }
    profile.write_text(about + deviation % "one" + tests % "test_one")
    with pytest.raises(ProfileError, match=r"one\.toml: test_all\.py::test_one is listed 2 times"):
        load_profile(profile)
    included.write_text("name = 'name'\n")
    with pytest.raises(ProfileError, match=r"all\.toml: unknown key 'name'"):
        load_profile(profile)


def test_a_failed_assertion_names_what_it_shows() -> None:
    assert (ExitStatus(-11), Stdout(b"a\n"), Stderr(b"x")) == (-11, b"a\n", b"x")
    assert [repr(ExitStatus(1)), f"{ExitStatus(-11)}"] == ["exit status 1", "-11"]
    assert [repr(Stdout(b"a\n")), repr(Stderr(b""))] == [r"stdout b'a\n'", "stderr b''"]
