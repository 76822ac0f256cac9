"""Versions of the specification: what may still change after one of them was frozen.

A version is frozen by a copy of its requirements, ``conformance/requirements-VERSION.json``. What
it says is what implementations claim to conform to, so it never changes again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from conformance.harness.registry import Requirement


class VersionError(Exception):
    """Not the version of a specification."""


class Version(NamedTuple):
    """``1.0``, or ``1.0.dev`` for a draft of it, which comes before it."""

    major: int
    minor: int
    final: bool

    @classmethod
    def of(cls, text: str) -> Version:
        """The version that is written like this; raises ``VersionError`` if none is."""
        found = re.fullmatch(r"(\d+)\.(\d+)(\.dev)?", text, re.ASCII)
        if not found:
            raise VersionError(f"version {text!r} is not of the form 1.0 or 1.0.dev")
        return cls(int(found[1]), int(found[2]), not found[3])

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}" + ("" if self.final else ".dev")


def find_faults(
    version: Version,
    requirements: Mapping[str, Requirement],
    frozen: Mapping[Version, Mapping[str, Requirement]],
) -> Iterator[str]:
    """Return the conflicts of the specification with its frozen versions.

    Args:
        version: what it calls itself.
        requirements: what it says.
        frozen: what its frozen versions say.
    """
    following = Version(version.major, version.minor + 1, final=False)
    if version.final and version not in frozen:
        yield f"version {version} is not frozen: call it {version}.dev, or freeze it"
    for older, former in sorted(frozen.items()):
        if older > version:
            yield f"version {version} comes before {older}, which is frozen"
        for name, requirement in former.items():
            present = requirements.get(name)
            if present is None:
                yield f"{name}: version {older} has it: no id is ever removed or reused"
            elif present.level != requirement.level and older.major == version.major:
                yield (
                    f"{name}: {requirement.level} in version {older}, now {present.level}: "
                    "levels change with the major version only"
                )
            elif present.hash != requirement.hash and older == version:
                yield f"{name}: version {older} is frozen: call what differs {following}"
        if older == version:
            for name in requirements.keys() - former.keys():
                yield f"{name}: not in version {older}, which is frozen: call this {following}"
