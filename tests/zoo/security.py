"""Faults in what tasks, nodes and diagnostics can do to a shell or a terminal."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

from paexec_trio.core import visible
from paexec_trio.runtime import diagnostics, output
from tests.zoo.mutant import breaks
from tests.zoo.planting import change_tasks, put

# What diagnostics show


def show_as(shown: Callable[[bytes], bytes]) -> None:
    """Change how foreign octets stand in diagnostics."""
    for module in (visible, diagnostics, output):
        put(module, "visible", shown)


@breaks("SEC-002")
def shows_octets_as_they_are() -> None:
    show_as(lambda octets: octets)


@breaks("SEC-002")
def shows_octets_as_they_are_but_for_newlines() -> None:
    show_as(lambda octets: octets.replace(b"\n", b"\\n"))


@breaks("SEC-002")
def shows_control_characters_of_c1() -> None:
    show_as(lambda octets: re.sub(rb"[\0-\x1f\x7f]", b"?", octets))


@breaks("SEC-002")
def shows_control_characters_of_c1_in_utf_8() -> None:
    def shown(octets: bytes) -> bytes:
        text = re.sub("[\0-\x1f\x7f]", "?", octets.decode("utf-8", "replace"))
        return text.encode()

    show_as(shown)


@breaks("SEC-003")
def shows_texts_of_any_length() -> None:
    put(visible, "MOST_OCTETS", 1 << 40)


def let_run(argv: Callable[[bytes], list[bytes]]) -> None:
    """Let a program make what is sent to calculators."""
    change_tasks(lambda task: subprocess.run(argv(task), capture_output=True, check=False).stdout)


@breaks("SEC-001")
def lets_a_shell_evaluate_tasks() -> None:
    let_run(lambda task: [b"/bin/sh", b"-c", b'printf %%s "%b"' % task])


@breaks("SEC-001")
def puts_tasks_between_single_quotes() -> None:
    let_run(lambda task: [b"/bin/sh", b"-c", b"printf %%s '%b'" % task])


@breaks("SEC-001")
def takes_tasks_for_formats() -> None:
    let_run(lambda task: [b"/usr/bin/printf", task])
