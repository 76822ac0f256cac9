"""Judge mutants by the suite, and make a page of what came of it.

Usage: python -m tests.zoo.campaign DIR [--jobs N] [NAME...]
       python -m tests.zoo.campaign DIR --idle [--jobs N] [NAME...]
       python -m tests.zoo.campaign DIR --matrix PAGE

DIR keeps the verdict on each mutant, so a campaign that was stopped goes on where it was. A mutant
is judged by the tests of what it says that it breaks; with --idle the tests that have killed none
by that are tried on the mutants that were judged, each until it has killed one. The page is made of
what is in DIR; it names mutants that were not judged.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.harness.programs import COMPANIONS, NONE
from conformance.harness.registry import load_requirements
from conformance.selftest import running as suite
from tests.zoo.__main__ import CRASHES

if TYPE_CHECKING:
    from collections.abc import Iterable

ZOO = Path(__file__).resolve().parent
GOOD = Path(sys.executable).with_name("paexec-trio")

PAGE = ZOO.parents[1] / "docs" / "zoo" / "matrix.inc"
"""Where the last page that was made is kept."""

KILLED = {"fail", "remark"}
"""The suite's words for something that a mutant breaks: the second if it SHOULD be met."""

_COMPANIONS = {"ARG": "paargs", "RDR": "reorder"}
"""The companion that is mutated, by what the ids of its chapter begin with."""

Verdicts = dict[str, str]
"""The suite's verdict on each requirement that a mutant breaks."""


class Judgement(NamedTuple):
    """The result of a mutant.

    Attributes:
        verdicts: what the suite says of it.
        tests: the tests that have failed, without their parameters, with those of requirements
            that it was not said to break.
    """

    verdicts: Verdicts
    tests: list[str]

    @property
    def is_killed(self) -> bool:
        """Whether the suite has found broken all that the mutant breaks."""
        return bool(self.verdicts) and set(self.verdicts.values()) <= KILLED


def _program(requirement: str) -> str:
    """The option of the program that a requirement is about."""
    return _COMPANIONS.get(requirement.partition("-")[0], "impl")


def _program_of(test: str) -> str:
    """The option of the program that a test is about."""
    name = test.removeprefix("test_").partition(".py")[0]
    return name if name in COMPANIONS else "impl"


def _load(path: Path) -> Judgement:
    return Judgement(**json.loads(path.read_text()))


def save(directory: Path, name: str, judgement: Judgement) -> None:
    """Keep what has come of a mutant."""
    (directory / f"{name}.json").write_text(json.dumps(judgement._asdict()) + "\n")


def _load_all(directory: Path, mutants: Iterable[str]) -> dict[str, Judgement]:
    paths = {name: directory / f"{name}.json" for name in mutants}
    return {name: _load(path) for name, path in sorted(paths.items()) if path.exists()}


def list_mutants() -> dict[str, list[str]]:
    """The requirements that each mutant breaks, by its name."""
    done = subprocess.run([sys.executable, ZOO], check=True, capture_output=True, text=True)
    return {name: ids for name, *ids in map(str.split, done.stdout.splitlines())}


def _files_about(requirements: list[str]) -> list[Path]:
    """The tests to be collected: to read all of the suite takes longer than most verdicts."""
    found = [
        path
        for path in sorted(suite.SUITE.glob("test_*.py"))
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
    options = [f"--requirement={name}" for name in broken]
    if briefly and len(broken) == 1:
        options.append("-x")
    run = _run_suite(mutant, broken[0], *options, files=_files_about(broken))
    return Judgement({name: run["requirements"][name]["status"] for name in broken}, _failed(run))


def _run_suite(mutant: str, broken: str, *options: str, files: Iterable[Path]) -> dict[str, Any]:
    """Return the suite's report on a mutant; one thing that it breaks tells the program."""
    programs = {"impl": str(GOOD), **dict.fromkeys(COMPANIONS, NONE)}
    if mutant:
        programs[_program(broken)] = shlex.join([sys.executable, str(ZOO), mutant])
    elif _program(broken) in COMPANIONS:
        del programs[_program(broken)]  # it is found beside the other
    with tempfile.TemporaryDirectory() as directory:
        report, crashes = Path(directory, "report"), Path(directory, "crashes")
        done = suite.judge(
            report,
            *(f"--{name}={command}" for name, command in programs.items()),
            *("--timeout-scale=0.5", "--tb=no", "--assert=plain"),
            *(f"--basetemp={directory}/base", *options),
            files=files,
            plugins=False,
            variables={CRASHES: str(crashes)},
        )
        if crashes.exists():
            raise CampaignError(f"{mutant} is no mutant: {crashes.read_text()}")
        results = report / "results.json"
        if not results.exists():
            raise CampaignError(f"{mutant}: no verdict:\n{done.stdout}{done.stderr}")
        run: dict[str, Any] = json.loads(results.read_text())
        return run


def _failed(run: dict[str, Any]) -> list[str]:
    failed = (test["test"] for test in run["tests"] if test["status"] in KILLED)
    return sorted({name.partition("[")[0] for name in failed})


def list_tests() -> set[str]:
    """The names of all tests that judge a distributor or a companion, without parameters."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(suite.SUITE), f"--impl={GOOD}"),
            *("--collect-only", "-q", "--no-header"),
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
    )
    names = (line.partition("[")[0] for line in done.stdout.splitlines())
    return {name.rpartition("/")[2] for name in names if "::" in name}


def run_campaign(directory: Path, jobs: int, names: list[str]) -> None:
    """Judge these mutants, apart from those whose verdicts are there already.

    Raises:
        CampaignError: some of them crash; the others were judged.
    """
    mutants = list_mutants()
    problems: list[str] = []

    def judge_one(name: str) -> None:
        path = directory / f"{name}.json"
        if path.exists() and _load(path).verdicts.keys() == set(mutants[name]):
            return
        try:
            judgement = judge(name, mutants[name])
        except CampaignError as error:
            problems.append(str(error))
            return
        save(directory, name, judgement)
        found = " ".join(f"{key}: {verdict}" for key, verdict in judgement.verdicts.items())
        print(f"{'killed' if judgement.is_killed else 'SURVIVED'} {name} ({found})", flush=True)

    directory.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs) as executor:
        list(executor.map(judge_one, names or mutants))
    if problems:
        raise CampaignError("; ".join(problems))


def try_idle_tests(directory: Path, jobs: int, names: list[str]) -> set[str]:
    """Try the tests that have killed none on these mutants, each until it has killed one.

    It has if it fails twice, and the reference implementation passes it in between: a test that
    fails by chance, as on a busy machine, kills nothing.

    Args:
        directory: where the verdicts are.
        jobs: how many mutants are run at a time.
        names: some mutants that were judged; all of those if there are none.

    Returns:
        The tests that have killed none of them either.
    """
    mutants = list_mutants()
    judged = _load_all(directory, mutants)
    idle = list_tests().difference(*(judgement.tests for judgement in judged.values()))
    lock = threading.Lock()
    for name in names:
        if name not in judged:
            raise CampaignError(f"{name} was not judged yet")

    def try_one(name: str) -> None:
        broken = mutants[name][0]
        with lock:
            tests = [test for test in sorted(idle) if _program_of(test) == _program(broken)]
        if not tests:
            return
        failed: list[str] = []
        for mutant in (name, "", name):
            found = _failed(
                _run_suite(mutant, broken, files=[suite.SUITE / test for test in tests])
            )
            tests = failed = [test for test in tests if (test in found) == bool(mutant)]
            if not tests:
                break
        with lock:
            judgement = judged[name]
            judgement = judgement._replace(tests=sorted({*judgement.tests, *failed}))
            save(directory, name, judgement)
            idle.difference_update(failed)
            print(f"{len(failed)} kill {name}, {len(idle)} are left", flush=True)

    with ThreadPoolExecutor(jobs) as executor:
        list(executor.map(try_one, names or judged))
    return idle


def make_matrix(directory: Path) -> str:
    """The page, in reStructuredText, of the verdicts that a campaign has left."""
    mutants = list_mutants()
    judged = _load_all(directory, mutants)
    survivors = [name for name, judgement in judged.items() if not judgement.is_killed]
    killers = {
        key
        for judgement in judged.values()
        for key, verdict in judgement.verdicts.items()
        if verdict in KILLED
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
        killed_by = [key for key, verdict in verdicts.items() if verdict in KILLED]
        others = [
            f"{key} ({verdict})" for key, verdict in verdicts.items() if verdict not in KILLED
        ]
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

    0: all mutants that were judged are killed, and with ``--idle`` all tests kill one; 1: it is not
    so; 2: the suite came to no verdict.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.zoo.campaign", description=__doc__)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--idle", action="store_true")
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
        if arguments.idle:
            idle = try_idle_tests(arguments.directory, arguments.jobs, arguments.names)
        else:
            run_campaign(arguments.directory, arguments.jobs, arguments.names)
            idle = set()
    except CampaignError as error:
        print(f"campaign: {error}", file=sys.stderr)
        return 2
    judged = _load_all(arguments.directory, list_mutants()).values()
    return int(bool(idle) or not all(judgement.is_killed for judgement in judged))


if __name__ == "__main__":
    sys.exit(main())
