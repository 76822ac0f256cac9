"""Record the verdicts on the implementations that the specification shows beside its requirements.

Usage: python -m conformance.record [NAME=RESULTS.json...] [OPTION...]

Without results it judges each implementation of the table ``IMPLEMENTATIONS`` by the whole suite
that has a command first, with these OPTIONs of pytest, such as ``-n 2``. Results of a part of the
suite are refused.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.harness.again import SUITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.harness.registry import Requirement

IMPLEMENTATIONS = {
    "paexec-trio": "paexec-trio",
    "paexec-1.1.1": "/usr/bin/paexec",
    "paexec-1.1.6": None,
}
"""The names of the files in ``recorded``, each with the command that ``--impl`` is given.

No package has those without a command: they are recorded from the results of a build of one's own.
"""

RECORDED = SUITE / "recorded"

VERDICTS = ("proven", "failed", "not offered", "not judged")

_BY_STATUS = {
    "pass": "proven",
    "untested": "not judged",
    "reopened": "not judged",
    "inconclusive": "not judged",
    "error": "not judged",
}
"""Meanings of tests' statuses for a requirement; any other is a failure of some kind."""


class PartialError(Exception):
    """Results are not about the whole suite."""


@dataclass(frozen=True)
class Record:
    """The recorded verdicts on one implementation.

    Attributes:
        name: how to call it, with its version.
        verdicts: by id, each a verdict, a blank and the hash of the sentence that was judged.
    """

    name: str
    verdicts: Mapping[str, str]

    def verdict(self, requirement: Requirement) -> str:
        """Return one of ``VERDICTS``; what was judged by an older sentence is not judged."""
        verdict, _, judged = self.verdicts.get(requirement.id, "").rpartition(" ")
        return verdict if judged == requirement.hash else "not judged"


def verdict_of(entry: Mapping[str, Any]) -> str:
    """Return what ``results.json`` says about a requirement, as one of ``VERDICTS``."""
    for word in (entry.get("verdict"), entry["status"]):
        if word in VERDICTS:
            return str(word)
    return _BY_STATUS.get(entry["status"], "failed")


def record_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of ``results.json``.

    Raises:
        PartialError: the run left out requirements that have tests.
    """
    verdicts = {name: verdict_of(entry) for name, entry in run["requirements"].items()}
    missing = [
        name
        for name, entry in run["requirements"].items()
        if verdicts[name] == "not judged" and not (entry["reason"] or entry.get("reopened"))
    ]
    if missing:
        raise PartialError(f"{len(missing)} requirements are not judged, such as {missing[0]}")
    return {
        "version": run["version"],
        "specification": run["specification"],
        "verdict": run["verdict"],
        "requirements": {
            name: f"{verdict} {run['requirements'][name]['hash']}"
            for name, verdict in verdicts.items()
        },
    }


def load_records(directory: Path = RECORDED) -> list[Record]:
    """Return what is recorded, in the order of ``IMPLEMENTATIONS``."""
    records = []
    for name in IMPLEMENTATIONS:
        path = directory / f"{name}.json"
        if path.exists():
            kept = json.loads(path.read_text())
            records.append(Record(_title(name, kept["version"]), kept["requirements"]))
    return records


def _title(name: str, version: str) -> str:
    """The first two words that the implementation says about itself, or the file's name."""
    return " ".join(version.split()[:2]) or name


def main() -> int:
    """Judge if no results are given, then write the records; return the exit status."""
    words = sys.argv[1:]
    if {"-h", "--help"} & {*words}:  # pytest would print its own help, and judge nothing
        print(__doc__.strip() if __doc__ else "")
        return 0
    results = dict(word.split("=", 1) for word in words if word.split("=")[0] in IMPLEMENTATIONS)
    with tempfile.TemporaryDirectory() as place:
        for name, path in (results or _judge_all(Path(place), words)).items():
            try:
                kept = record_of(json.loads(Path(path).read_text()))
            except (OSError, ValueError, KeyError, PartialError) as error:
                print(f"record: {path}: {error}", file=sys.stderr)
                return 1
            RECORDED.mkdir(exist_ok=True)
            (RECORDED / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")
    return 0


def _judge_all(place: Path, options: list[str]) -> dict[str, str]:
    """Run the whole suite on each implementation; return the paths of the results."""
    found = {}
    for name, command in IMPLEMENTATIONS.items():
        if command is None:
            continue
        words = [sys.executable, str(SUITE), f"--impl={command}", f"--report-dir={place / name}"]
        subprocess.run([*words, *options], check=False)  # its status is part of the results
        found[name] = str(place / name / "results.json")
    return found


if __name__ == "__main__":
    sys.exit(main())
