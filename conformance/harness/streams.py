"""The suite's own reading of the protocol's streams, which ``spec/protocol.abnf`` describes."""

from __future__ import annotations

import re
from typing import NamedTuple


class Results(NamedTuple):
    """The standard output of a calculator.

    Attributes:
        whole: the lines of each result, in order.
        broken: the whole lines after the last EOT.
        rest: the octets after the last newline.
    """

    whole: list[list[bytes]]
    broken: list[bytes]
    rest: bytes


class BadLineError(Exception):
    """A line of a graph that has too many words."""


def split_lines(octets: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines that end with a newline, and what is left."""
    *lines, rest = octets.split(b"\n")
    return lines, rest


def split_tasks(octets: bytes) -> list[bytes]:
    """Return the tasks of the distributor's input (FRM-001 to FRM-004)."""
    tasks, rest = split_lines(octets)
    return [*tasks, rest] if rest else tasks


def split_tasks_at_nul(octets: bytes) -> list[bytes]:
    """Return the tasks of the distributor's input with ``-0`` (FRM-005, FRM-006)."""
    *tasks, rest = octets.split(b"\0")
    return [*tasks, rest.removesuffix(b"\n")] if rest else tasks


def split_results(octets: bytes, eot: bytes = b"") -> Results:
    """Return the results that a calculator wrote (EOT-001, EOT-002, END-013, END-014)."""
    lines, rest = split_lines(octets)
    results: list[list[bytes]] = [[]]
    for line in lines:
        if line == eot:
            results.append([])
        else:
            results[-1].append(line)
    *whole, broken = results
    return Results(whole, broken, rest)


def split_graph_line(line: bytes, delimiter: bytes = b" ", word: bytes = b"weight:") -> list[bytes]:
    """Return the words of a line of a graph: a task, an edge, or a weight with its first word.

    Raises:
        BadLineError: it is none of these (GRA-010, WGT-011).
    """
    words = line.split(delimiter) if delimiter else [line]
    is_weight = len(words) == 3 and words[0] == word and re.fullmatch(rb"[-+]?[0-9]+", words[2])
    if len(words) > 2 and not is_weight:
        raise BadLineError(line)
    return words
