"""The requirements of the specification, as the suite's tests refer to them."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Requirement:
    """One requirement: its id, its level (MUST, SHOULD or MAY) and the sentence that binds."""

    id: str
    level: str
    title: str
    chapter: str
    sentence: str

    @property
    def hash(self) -> str:
        """Changes whenever the sentence or its level does."""
        return hashlib.sha256(f"{self.level}\n{self.sentence}".encode()).hexdigest()[:12]


def load_requirements(path: Path = _HERE / "requirements.json") -> dict[str, Requirement]:
    """All requirements by id, from the extract that is made from the specification."""
    entries = json.loads(path.read_text())["requirements"]
    return {key: Requirement(key, **entry) for key, entry in entries.items()}


def load_version(path: Path = _HERE / "requirements.json") -> str:
    """The version of the specification."""
    return str(json.loads(path.read_text())["spec"])


def load_reviewed(path: Path = _HERE / "reviewed.json") -> dict[str, str]:
    """The hash that each requirement had when somebody last read its tests beside it."""
    hashes: dict[str, str] = json.loads(path.read_text())
    return hashes


def find_reopened(
    requirements: Mapping[str, Requirement], reviewed: Mapping[str, str]
) -> frozenset[str]:
    """The requirements whose tests show nothing before they were read beside today's sentence."""
    return frozenset(
        name for name, entry in requirements.items() if reviewed.get(name) != entry.hash
    )


def load_untested(path: Path = _HERE / "untested.toml") -> dict[str, str]:
    """The requirements that no test can show, by id, with the reason."""
    entries: dict[str, str] = tomllib.loads(path.read_text())
    return entries
