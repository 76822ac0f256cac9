"""An implementation that does nothing of the kind must not pass a single MUST."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.harness.profile import NOT_EXPLAINED
from conformance.harness.programs import COMPANIONS
from conformance.harness.verdict import ExitStatus
from conformance.selftest.running import judge, run_suite

NULLS = {
    "true": "exit 0",
    "false": "exit 1",
    "cat": "exec cat",
    "hangs": "exec sleep 1000",
    "not found": "exit 127",
    "crashes": "kill -SEGV $$",
    "echoes": 'while read -r task; do printf "1 %s\\n\\n" "$task"; done',
    "informs": (
        'case "$*" in *-V*) echo paexec 1.0;; *) echo " -n -t -c -C -0 -y -m -e -E -i -I -r -l -p'
        ' -d -h -V ";; esac'
    ),
}


# They differ from "true" by their statuses only.
SELDOM = {"false", "not found", "crashes"}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.long if n in SELDOM else ()) for n in NULLS]
)
def test_null_implementation_passes_no_must(name: str, tmp_path: Path) -> None:
    # All waits for what does nothing are in vain, however short.
    scale = 0.0005 if name == "hangs" else 0.0015
    options = options_of(name, tmp_path, scale)
    run = run_suite(tmp_path, *options, status=1)
    assert len(run["tests"]) > 300
    assert (run["verdict"], run["whole"]) == ("does not conform", True)
    assert run["musts"]["proven"] == run["counts"]["MUST"]["proven"] == 0
    musts = {name for name, entry in run["requirements"].items() if entry["level"] == "MUST"}
    passed = [
        test["test"]
        for test in run["tests"]
        if test["status"] == "pass" and musts & set(test["requirements"])
    ]
    assert passed == []
    # Nor may a broken implementation look like a broken suite.
    faults = [test["test"] for test in run["tests"] if test["status"] in {"error", "inconclusive"}]
    assert faults == []


def options_of(name: str, directory: Path, scale: float) -> list[str]:
    """The options to judge a null implementation."""
    program = directory / "null"
    program.write_text(f"#!/bin/sh\n{NULLS[name]}\n")
    program.chmod(0o755)
    return [
        f"--impl={program}",
        *(f"--{name}={program}" for name in COMPANIONS),
        *(f"--timeout-scale={scale}", "--tb=no", "--assert=plain"),
    ]


@pytest.mark.parametrize(
    ("name", "chapter"),
    [
        ("informs", "eot"),
        *(pytest.param(n, None, marks=pytest.mark.long) for n in ("true", "informs", "crashes")),
    ],
)
def test_its_own_profile_does_not_make_it_conform(
    name: str, chapter: str | None, tmp_path: Path
) -> None:
    profile = tmp_path / "profile.toml"
    options = options_of(name, tmp_path, 0.0015)
    chapters = [chapter] if chapter else []
    run_suite(tmp_path, *options, f"--print-profile={profile}", chapters=chapters, status=1)
    options.append(f"--profile={profile}")
    refused = judge(tmp_path / "refused", *options)
    assert refused.returncode == ExitStatus.FAULT_OF_THE_SUITE
    assert "say why each expected failure happens" in refused.stderr
    assert refused.stdout == ""
    profile.write_text(profile.read_text().replace(NOT_EXPLAINED, "it does nothing"))
    run = run_suite(tmp_path, *options, chapters=chapters)
    assert run["musts"]["proven"] == 0
    if chapter:
        judged = run["counts"]["all"]["failed"]
        assert judged >= 10
        total = len(run["requirements"])
        assert run["verdict"] == f"partial ({judged} of {total} requirements judged)"
    else:
        offered = run["musts"]["offered"]
        assert run["verdict"] == f"fails as its profile says ({offered} of {offered} MUSTs)"
