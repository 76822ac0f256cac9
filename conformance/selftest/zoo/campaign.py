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

from conformance.harness.programs import COMPANIONS, NONE
from conformance.harness.registry import load_requirements

ZOO = Path(__file__).resolve().parent
SUITE = ZOO.parent.parent

KILLED = "fail"

_COMPANIONS = {"ARG": "paargs", "RDR": "reorder"}
"""The companion that is mutated, by what the ids of its chapter begin with."""

Verdicts = dict[str, str]
"""What the suite says of each requirement that a mutant breaks."""


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


def judge(mutant: str, broken: list[str]) -> Verdicts:
    """Run the tests of the requirements that a mutant breaks.

    Args:
        mutant: its name; nothing: paexec-trio as it is.
        broken: the requirements.

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
                # Several have to fail, but of one requirement a single test is enough.
                *(["-x"] if len(broken) == 1 else []),
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
    return {name: run["requirements"][name]["status"] for name in broken}


def run_campaign(directory: Path, jobs: int, names: list[str]) -> None:
    """Judge these mutants, apart from those whose verdicts are there already."""
    mutants = list_mutants()

    def judge_one(name: str) -> None:
        path = directory / f"{name}.json"
        if path.exists() and json.loads(path.read_text()).keys() == set(mutants[name]):
            return
        verdicts = judge(name, mutants[name])
        path.write_text(json.dumps(verdicts) + "\n")
        found = " ".join(f"{key}: {verdict}" for key, verdict in verdicts.items())
        print(f"{'killed' if is_killed(verdicts) else 'SURVIVED'} {name} ({found})", flush=True)

    directory.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as executor:
        list(executor.map(judge_one, names or mutants))


def is_killed(verdicts: Verdicts) -> bool:
    """Whether the suite has found broken all that a mutant breaks."""
    return set(verdicts.values()) == {KILLED}


def make_matrix(directory: Path) -> str:
    """The page, in reStructuredText, of the verdicts that a campaign has left."""
    mutants = list_mutants()
    judged: dict[str, Verdicts] = {
        path.stem: json.loads(path.read_text())
        for path in sorted(directory.glob("*.json"))
        if path.stem in mutants
    }
    survivors = [name for name, verdicts in judged.items() if not is_killed(verdicts)]
    killers = {
        key
        for verdicts in judged.values()
        for key, verdict in verdicts.items()
        if verdict == KILLED
    }
    musts = {key for key, entry in load_requirements().items() if entry.level == "MUST"}
    lines = [
        f"Mutants: {len(mutants)}; judged: {len(judged)}; "
        f"killed by all that they break: {len(judged) - len(survivors)}.",
        f"MUSTs that kill a mutant: {len(musts & killers)} of {len(musts)}.",
        "",
        *_section("Survivors", survivors),
        *_section("Not judged", sorted(mutants.keys() - judged.keys())),
        *_section("MUSTs that kill no mutant", sorted(musts - killers)),
        *_heading("Mutants and the requirements that kill them"),
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - mutant",
        "     - killed by",
        "     - not by",
    ]
    for name in mutants:
        verdicts = judged.get(name, {})
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
    verdicts = [json.loads(path.read_text()) for path in arguments.directory.glob("*.json")]
    return 0 if all(map(is_killed, verdicts)) else 1


if __name__ == "__main__":
    sys.exit(main())
