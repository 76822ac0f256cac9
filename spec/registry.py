"""Make ``conformance/requirements.json`` from the specification, or check that it is current.

The conformance suite needs nothing but pytest, so it cannot build the specification itself; it
reads this extract, which is committed beside it. Beside it, too, are

``reviewed.json``
    the hash of the sentence beside which the tests of each requirement were last read, and
``requirements-VERSION.json``
    the extract of each version that was frozen.

Usage: python spec/registry.py [--check | --reviewed ID... | --freeze]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conformance.harness.registry import (
    find_reopened,
    load_requirements,
    load_reviewed,
    load_version,
)
from conformance.harness.versions import Version, VersionError, find_faults

SPEC = Path(__file__).resolve().parent
SUITE = SPEC.parent / "conformance"
REGISTRY = SUITE / "requirements.json"
REVIEWED = SUITE / "reviewed.json"


def build() -> str:
    """Build the specification and return the text of the registry.

    Raises ``subprocess.CalledProcessError`` if Sphinx finds anything to complain about.
    """
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "-b", "needs", str(SPEC), out],
            check=True,
        )
        needs = json.loads(Path(out, "needs.json").read_text())
    version = needs["current_version"]
    requirements = {
        need_id: {
            "level": need["level"],
            "title": need["title"],
            "sentence": " ".join(need["content"].split()),
            "chapter": need["docname"],
        }
        for need_id, need in sorted(needs["versions"][version]["needs"].items())
    }
    return json.dumps({"spec": version, "requirements": requirements}, indent=1) + "\n"


def faults() -> list[str]:
    """What is wrong with the registry that is there, besides that it may be out of date."""
    requirements, reviewed = load_requirements(REGISTRY), load_reviewed(REVIEWED)
    found = [
        f"{name}: its tests were not reviewed since its sentence was changed: read them "
        f"(pytest conformance --requirement={name} --collect-only -q), "
        f"then run python spec/registry.py --reviewed {name}"
        for name in sorted(find_reopened(requirements, reviewed))
    ]
    found += [f"{REVIEWED.name}: no requirement {name}" for name in reviewed.keys() - requirements]
    frozen = {
        Version.of(path.stem.partition("-")[2]): load_requirements(path)
        for path in SUITE.glob("requirements-*.json")
    }
    try:
        found += find_faults(Version.of(load_version(REGISTRY)), requirements, frozen)
    except VersionError as error:
        found.append(f"spec/conf.py: {error}")
    return found


def record_review(names: list[str]) -> None:
    """Note that the tests of these requirements were read beside the sentences of today.

    Raises:
        SystemExit: there is no such requirement.
    """
    requirements, reviewed = load_requirements(REGISTRY), load_reviewed(REVIEWED)
    for name in names:
        if name not in requirements:
            raise SystemExit(f"registry: --reviewed: no requirement {name}")
        print(f"{name} ({requirements[name].level}): {requirements[name].sentence}")
        reviewed[name] = requirements[name].hash
    kept = {name: reviewed[name] for name in sorted(reviewed.keys() & requirements.keys())}
    REVIEWED.write_text(json.dumps(kept, indent=1) + "\n")


def freeze() -> None:
    """Keep the registry for ever, as that of the version that the specification has now.

    Raises:
        SystemExit: the version is no final one, is frozen already, or has tests to be reviewed.
    """
    version = Version.of(load_version(REGISTRY))
    path = SUITE / f"requirements-{version}.json"
    if not version.final or path.exists():
        raise SystemExit(f"registry: --freeze: {version} is a draft, or frozen already")
    path.write_text(REGISTRY.read_text())
    wrong = faults()
    if wrong:
        path.unlink()
        raise SystemExit("\n".join(wrong))


def main() -> int:
    """Write the registry, or with ``--check`` say whether it is current: 0 if so, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--check", action="store_true", help="write nothing; fail if anything is amiss"
    )
    what.add_argument(
        "--reviewed",
        nargs="+",
        metavar="ID",
        default=[],
        help="the tests of these requirements were read beside their present sentences",
    )
    what.add_argument(
        "--freeze", action="store_true", help="freeze the version that spec/conf.py names"
    )
    arguments = parser.parse_args()
    text = build()
    if arguments.check and (not REGISTRY.exists() or REGISTRY.read_text() != text):
        print(f"{REGISTRY.name} is out of date: run python spec/registry.py", file=sys.stderr)
        return 1
    REGISTRY.write_text(text)
    if arguments.reviewed:
        record_review(arguments.reviewed)
    if arguments.freeze:
        freeze()
    wrong = faults()
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
