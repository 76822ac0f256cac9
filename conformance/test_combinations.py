"""Options together: every pair of them, with and without each, in as few runs as that takes."""

from __future__ import annotations

import random
import re
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

MAGIC_EOT = b"HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5"

#: What can be chosen in a call, and how; the first choice is to leave it out.
CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "node": ((), ("-r",)),
    "task id": ((), ("-l",)),
    "pid": ((), ("-p",)),
    "EOT line": ((), ("-e",), ("-E",)),
    "task line": ((), ("-i",), ("-I",)),
    "terminator": ((), ("-0",)),
    "graph": ((), ("-g",), ("-s",), ("-W1",)),
    "EOT": ((), ("-y",), ("-mt=END",)),
    "exec": ((), ("-x",), ("-X",), ("-J@@", "-x")),
    "words": ((), ("-ms=good", "-mf=bad"), ("-md=:", "-mw=w:", "-mF=lost")),
    "death": ((), ("-z",), ("-Z1",), ("-Z2", "-w")),
    "place": ((), ("-n", "host", "-t", "./transport")),
    "command": ((), ("-C",)),
}

#: The same for options that a distributor may lack.
EXTENSIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "grouping": ((), ("--group",), ("--keep-order",)),
    "prefetch": ((), ("--prefetch=3",)),
}

Call = dict[str, tuple[str, ...]]
Pair = frozenset[tuple[str, tuple[str, ...]]]

TASKS = [b"a", b"", b"it's"]


@cache
def covering_calls() -> list[Call]:
    """So many calls that each two choices are together in one of them.

    Those with an extension come after all others, which cover everything else by themselves.
    """
    covered: set[Pair] = set()
    calls = list(_calls_that_cover(CHOICES, covered))
    calls += _calls_that_cover(CHOICES | EXTENSIONS, covered)
    return calls


def _calls_that_cover(
    choices: dict[str, tuple[tuple[str, ...], ...]], covered: set[Pair]
) -> Iterator[Call]:
    wanted = {
        frozenset({(one, a), (other, b)})
        for one, other in combinations(choices, 2)
        for a, b in product(choices[one], choices[other])
        # To leave out an extension was covered without the extensions.
        if not any(name in EXTENSIONS and not way for name, way in ((one, a), (other, b)))
    } - covered
    # Always the same calls: the order of the tries does not matter, only that it is fixed.
    tries = random.Random(0)  # noqa: S311 (no secret)
    while wanted:
        calls = [{name: tries.choice(ways) for name, ways in choices.items()} for _ in range(200)]
        best = max(calls, key=lambda call: len(wanted & _pairs(call)))
        if wanted & _pairs(best):
            wanted -= _pairs(best)
            covered |= _pairs(best)
            yield best


def _pairs(call: Call) -> set[Pair]:
    return {frozenset(pair) for pair in combinations(call.items(), 2)}


def words_of(call: Call) -> list[str]:
    """Return the arguments; the options come in the order in which the last one decides."""
    words = [
        word for name, ways in call.items() if name not in {"place", "command"} for word in ways
    ]
    words += call["place"] or ("-n", "+1")
    status = "good" if "-ms=good" in call["words"] else "success"
    if call["exec"]:
        task = ["@@"] if call["exec"] == ("-J@@", "-x") else []
        program = ["printf", f"<%s>\\n{status}\\n"]
        command = (
            [*program, *task]
            if call["command"]
            else [f"printf '<%s>\\n{status}\\n'" + ' "@@"' * bool(task)]
        )
    else:
        loop = f'while IFS= read -r t; do printf "<%s>\\n{status}\\n%s\\n" "$t" "$PAEXEC_EOT"; done'
        command = ["sh", "-c", loop] if call["command"] else [loop]
    return [*words, "-C" if call["command"] else "-c", *command]


def output_of(call: Call) -> bytes:
    """Return the output that the specification asks for, as a pattern because of process ids."""
    eot = {(): b"", ("-y",): MAGIC_EOT, ("-mt=END",): b"END"}[call["EOT"]]
    if call["exec"]:
        eot = MAGIC_EOT
    status = b"good" if "-ms=good" in call["words"] else b"success"
    lines = []
    for task_id, task in enumerate(TASKS, 1):
        texts = [task] * bool(call["task line"])
        if call["exec"] != ("-X",):
            texts += [b"<" + task + b">", status]
        if call["exec"] and call["graph"]:
            texts.append(status)
        texts += [eot] * bool(call["EOT line"])
        prefix = (b"host " if call["place"] else b"0 ") if call["node"] else b""
        prefix += b"%d " % task_id if call["task id"] else b""
        pid = rb"[0-9]+ " if call["pid"] else b""
        lines += [re.escape(prefix) + pid + re.escape(text) + b"\n" for text in texts]
    return b"".join(lines)


def _cases() -> Iterator[object]:
    """Each call with the extensions that it needs."""
    for call in covering_calls():
        words = [word for name in EXTENSIONS for word in call.get(name, ())]
        options = [word.partition("=")[0] for word in words]
        marks = [pytest.mark.extension(*options)] if options else []
        yield pytest.param(call, marks=marks, id=" ".join(words_of(call)[:-1]))


@requirement("OPT-009")
@pytest.mark.parametrize("call", list(_cases()))
def test_options_together(stage: Stage, call: Call) -> None:
    stage.script("transport", 'shift; exec sh -c "$1"')
    terminator = b"\0" if call["terminator"] else b"\n"
    run = stage.run(*words_of(call), feed=b"".join(task + terminator for task in TASKS))
    assert re.fullmatch(output_of(call), run.stdout), f"{run.stdout!r} is not {output_of(call)!r}"
    assert run.status == 0
