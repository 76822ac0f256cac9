"""Comparing many octets."""

from __future__ import annotations


def is_same(actual: object, expected: object) -> bool:
    """Return whether megabytes of octets, or very many tasks, are as expected.

    For a bare ``==`` pytest makes a diff if it fails, in full where the variable ``CI`` is set, and
    needs hours for that.
    """
    return actual == expected
