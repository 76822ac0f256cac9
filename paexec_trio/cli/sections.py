"""Sections of the help and of the manual pages: which options stand together, and in which order.

The first section has the options that everybody needs. An option is named as ``Option.name`` does
it. ``tests/cli/test_sections.py`` fails if a program has an option that no section names.
"""

from __future__ import annotations

from typing import NamedTuple


class Section(NamedTuple):
    """A section of the help.

    Attributes:
        title: its heading.
        names: its options, of which a program may lack some.
    """

    title: str
    names: tuple[str, ...]


SECTIONS = (
    Section("Most runs need only these", ("-n", "-c", "-C", "-x", "-t", "--keep-order")),
    Section("Tasks", ("-0", "-J", "-X", "--prefetch", "--limit", "--delay", "--dry-run")),
    Section("Graphs of tasks", ("-g", "-s", "-W")),
    Section(
        "Output",
        (
            *("-l", "-r", "-p", "-e", "-E", "-i", "-I", "--group", "--tag", "--tagstring"),
            *("--stderr", "--results", "--output"),
        ),
    ),
    Section("Nodes", ("--hostfile", "--transport-argv", "--node-env")),
    Section(
        "Nodes that die",
        (
            *("-z", "-Z", "-w", "--crash-limit"),
            *("--stuck", "--heartbeat", "--greeting", "--no-ssh-defaults"),
        ),
    ),
    Section(
        "Tasks that fail",
        ("--exit-status", "--summary", "--retries", "--timeout", "--halt", "--finish-timeout"),
    ),
    Section(
        "Log of all attempts",
        ("--joblog", "--joblog-sync", "--resume", "--resume-failed", "--retry-failed"),
    ),
    Section("Watching a run", ("--progress", "--bar", "--eta", "--trace", "--report", "-d")),
    Section("Words of the protocol", ("-y", "-m", "--line-limit")),
    Section("This text", ("-h", "-V")),
)
"""The sections of ``paexec-trio``."""

_OF_PAARGS = {"-n": "-P", "-J": "-I", "-E": "-f", "-I": ""}

PAARGS_SECTIONS = tuple(
    Section(title, tuple(_OF_PAARGS.get(name, name) for name in names)) for title, names in SECTIONS
)
"""The same for ``paargs-trio``, which has other letters for some."""
