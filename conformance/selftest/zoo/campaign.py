"""Judge mutants by the suite, and make a page of what came of it.

Usage: python -m conformance.selftest.zoo.campaign DIR [--jobs N] [NAME...]
       python -m conformance.selftest.zoo.campaign DIR --matrix PAGE

DIR keeps the verdict on each mutant, so a campaign that was stopped goes on where it was. The page
is made of what is there; it names mutants that were not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from conformance.harness.programs import COMPANIONS, NONE
from conformance.harness.registry import load_requirements

ZOO = Path(__file__).resolve().parent
SUITE = ZOO.parent.parent

KILLED = "fail"

_COMPANIONS = {"ARG": "paargs", "RDR": "reorder"}
"""The companion that is mutated, by what the ids of its chapter begin with."""

Verdicts = dict[str, str]
"""What the suite says of each requirement that a mutant breaks."""


class Judgement(NamedTuple):
    """What has come of a mutant.

    Attributes:
        verdicts: what the suite says of it.
        tests: the tests that have failed, without their parameters.
    """

    verdicts: Verdicts
    tests: list[str]

    @property
    def is_killed(self) -> bool:
        """Whether the suite has found broken all that the mutant breaks."""
        return set(self.verdicts.values()) == {KILLED}


def _load(path: Path) -> Judgement:
    return Judgement(**json.loads(path.read_text()))


def list_mutants() -> dict[str, list[str]]:
    """The requirements that each mutant breaks, by its name."""
    done = subprocess.run([sys.executable, ZOO], check=True, capture_output=True, text=True)
    return {name: ids for name, *ids in map(str.split, done.stdout.splitlines())}


def _files_about(requirements: list[str]) -> list[Path]:
    """The tests to be collected: to read all of the suite takes longer than most verdicts."""
    found = [
        path
        for path in sorted(SUITE.glob("test_*.py"))
        if any(f'"{name}"' in path.read_text() for name in requirements)
    ]
    # What is shown over ssh is shown elsewhere, and there it takes long.
    return [path for path in found if path.name != "test_ssh.py"]


class CampaignError(Exception):
    """The suite has not judged a mutant; the text is its output."""


def judge(mutant: str, broken: list[str], *, briefly: bool = False) -> Judgement:
    """Run the tests of the requirements that a mutant breaks.

    Args:
        mutant: its name; nothing: paexec-trio as it is.
        broken: the requirements.
        briefly: do not run all of the tests if one is enough to find all of it broken.

    Raises:
        CampaignError: they came to no verdict.
    """
    good = Path(sys.executable).with_name("paexec-trio")
    programs = {"impl": str(good), **dict.fromkeys(COMPANIONS, NONE)}
    if mutant:
        program = _COMPANIONS.get(broken[0][:3], "impl")
        programs[program] = shlex.join([sys.executable, str(ZOO), mutant])
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", *map(str, _files_about(broken))),
                *(f"--{name}={command}" for name, command in programs.items()),
                *(f"--requirement={name}" for name in broken),
                *("--timeout-scale=0.5", f"--report-dir={directory}/report", "-q", "--tb=no"),
                *(["-x"] if briefly and len(broken) == 1 else []),
                *("-p", "no:cacheprovider", "--assert=plain", f"--basetemp={directory}/base"),
            ],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTEST_ADDOPTS": ""},
        )
        report = Path(directory, "report", "results.json")
        if not report.exists():
            raise CampaignError(f"{mutant}: no verdict:\n{done.stdout}{done.stderr}")
        run = json.loads(report.read_text())
    verdicts = {name: run["requirements"][name]["status"] for name in broken}
    failed = {test["test"].partition("[")[0] for test in run["tests"] if test["status"] == KILLED}
    return Judgement(verdicts, sorted(failed))


def list_tests() -> set[str]:
    """The names of all tests that judge a distributor or a companion, without parameters."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(SUITE), "--collect-only", "-q", "--no-header"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
    )
    names = (line.partition("[")[0] for line in done.stdout.splitlines())
    return {name.rpartition("/")[2] for name in names if "::" in name}


def run_campaign(directory: Path, jobs: int, names: list[str]) -> None:
    """Judge these mutants, apart from those whose verdicts are there already."""
    mutants = list_mutants()

    def judge_one(name: str) -> None:
        path = directory / f"{name}.json"
        if path.exists() and _load(path).verdicts.keys() == set(mutants[name]):
            return
        judgement = judge(name, mutants[name])
        path.write_text(json.dumps(judgement._asdict()) + "\n")
        found = " ".join(f"{key}: {verdict}" for key, verdict in judgement.verdicts.items())
        print(f"{'killed' if judgement.is_killed else 'SURVIVED'} {name} ({found})", flush=True)

    directory.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as executor:
        list(executor.map(judge_one, names or mutants))


def make_matrix(directory: Path) -> str:
    """The page, in reStructuredText, of the verdicts that a campaign has left."""
    mutants = list_mutants()
    judged = {
        path.stem: _load(path) for path in sorted(directory.glob("*.json")) if path.stem in mutants
    }
    survivors = [name for name, judgement in judged.items() if not judgement.is_killed]
    killers = {
        key
        for judgement in judged.values()
        for key, verdict in judgement.verdicts.items()
        if verdict == KILLED
    }
    tests = list_tests()
    idle = sorted(tests.difference(*(judgement.tests for judgement in judged.values())))
    musts = {key for key, entry in load_requirements().items() if entry.level == "MUST"}
    lines = [
        f"Mutants: {len(mutants)}; judged: {len(judged)}; "
        f"killed by all that they break: {len(judged) - len(survivors)}.",
        f"MUSTs that kill a mutant: {len(musts & killers)} of {len(musts)}.",
        f"Tests that kill a mutant: {len(tests) - len(idle)} of {len(tests)}.",
        "",
        *_section("Survivors", survivors),
        *_section("Not judged", sorted(mutants.keys() - judged.keys())),
        *_section("MUSTs that kill no mutant", sorted(musts - killers)),
        *_section("Tests that kill no mutant", [f"``{name}``" for name in idle]),
        *_heading("Mutants and the requirements that kill them"),
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - mutant",
        "     - killed by",
        "     - not by",
    ]
    for name in mutants:
        verdicts = judged[name].verdicts if name in judged else {}
        killed_by = [key for key, verdict in verdicts.items() if verdict == KILLED]
        others = [f"{key} ({verdict})" for key, verdict in verdicts.items() if verdict != KILLED]
        lines += [
            f"   * - {name.replace('-', ' ')}",
            f"     - {', '.join(killed_by)}".rstrip(),
            f"     - {', '.join(others)}".rstrip(),
        ]
    return "\n".join(lines) + "\n"


def _heading(title: str) -> list[str]:
    return [title, "-" * len(title), ""]


def _section(title: str, names: list[str]) -> list[str]:
    return [*_heading(title), ", ".join(names) + "." if names else "None.", ""]


def main() -> int:
    """Run a campaign or write the page; return the exit status.

    0: all mutants that were judged are killed, 1: some survived, 2: the suite came to no verdict.
    """
    parser = argparse.ArgumentParser(
        prog="python -m conformance.selftest.zoo.campaign", description=__doc__
    )
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=1, metavar="N")
    parser.add_argument("--matrix", type=Path, metavar="PAGE")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_intermixed_args()
    if arguments.matrix:
        arguments.matrix.write_text(make_matrix(arguments.directory))
        return 0
    unknown = set(arguments.names) - set(list_mutants())
    if unknown:
        parser.error(f"no mutant {' '.join(sorted(unknown))}")
    try:
        run_campaign(arguments.directory, arguments.jobs, arguments.names)
    except CampaignError as error:
        print(f"campaign: {error}", file=sys.stderr)
        return 2
    return 0 if all(_load(path).is_killed for path in arguments.directory.glob("*.json")) else 1


if __name__ == "__main__":
    sys.exit(main())
