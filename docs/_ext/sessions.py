r"""A directive for shell sessions, which are run when the pages are built and compared with them.

::

   .. session:: toupper
      :unordered:
      :like: node[0-9] ==> NODE

      $ printf 'apple\norange\n' | paexec-trio -lr -n +2 -c ./toupper
      NODE 1   APPLE
      NODE 2   ORANGE

The sessions of a page that have the same name share a directory. It begins as a copy of the example
of that name, if there is one. Standard error is shown where it comes, as on a terminal. A session
that prints something else than the page shows is a warning, which ends the build. ``unordered``
allows another order of lines. ``like`` has a regular expression and its replacement in what the
session prints. ``picture`` draws a terminal.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

DOCS = Path(__file__).resolve().parents[1]
EXAMPLES = DOCS / "examples"
LIMIT = 60
"""Seconds after which a session hangs."""

PROMPT, CONTINUATION = "$ ", "> "

_logger = logging.getLogger(__name__)


class Command(NamedTuple):
    """A command of a session.

    Attributes:
        lines: the command, with its continuations.
        shown: the lines that the page shows below it.
    """

    lines: list[str]
    shown: list[str]


def parse(lines: Sequence[str]) -> list[Command]:
    """Return the commands of a session.

    Raises:
        ValueError: it does not begin with a command.
    """
    commands: list[Command] = []
    for line in lines:
        if line.startswith(PROMPT):
            commands.append(Command([line.removeprefix(PROMPT)], []))
        elif not commands:
            raise ValueError(f"a session begins with '$ ', not with {line!r}")
        elif line.startswith(CONTINUATION) and not commands[-1].shown:
            commands[-1].lines.append(line.removeprefix(CONTINUATION))
        else:
            commands[-1].shown.append(line)
    return commands


def run(commands: Sequence[Command], directory: Path) -> list[list[str]]:
    """Run the commands of a session in one shell; return the lines that each one printed.

    Raises:
        RuntimeError: it hangs, or the shell ended early.
    """
    end = f"end {os.urandom(8).hex()}"
    # Between commands the exit status is kept, for a command that prints it.
    between = f"sessions_status=$?; printf '\\n%s\\n' '{end}'; (exit $sessions_status)"
    script = "\n".join(line for c in commands for line in (*c.lines, between))
    environment = {
        "HOME": str(directory),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "TMPDIR": str(directory),
    }
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"it still ran after {LIMIT} s") from error
    *outputs, rest = done.stdout.decode(errors="backslashreplace").split(f"\n{end}\n")
    if len(outputs) != len(commands):
        raise RuntimeError(f"its shell ended early, and printed {rest!r}")
    return [output.splitlines() for output in outputs]


def without_tabs(shown: list[str], printed: list[str]) -> tuple[list[str], list[str]]:
    """Return both with one blank for each tab, for which a page has some blanks."""
    tabbed = {" ".join(line.split()) for line in printed if "\t" in line}
    joined = (" ".join(line.split()) for line in shown)
    return (
        [text if text in tabbed else line for line, text in zip(shown, joined, strict=True)],
        [" ".join(line.split()) if "\t" in line else line for line in printed],
    )


def differences(shown: list[str], printed: list[str], *, ordered: bool) -> Iterator[str]:
    """Yield the lines of a difference between the page and the run."""
    yield from unified_diff(
        shown if ordered else sorted(shown),
        printed if ordered else sorted(printed),
        "the page",
        "the run",
        lineterm="",
        n=1,
    )


class Session(SphinxDirective):
    """A session in a shell."""

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012 (docutils declares it so)
        "like": directives.unchanged_required,
        "picture": directives.flag,
        "unordered": directives.flag,
    }

    def run(self) -> list[nodes.Node]:
        """Run the session, and show it."""
        text = "\n".join(self.content)
        self._check()
        block = nodes.literal_block(text, text, language="console")
        if "picture" in self.options:
            block["classes"] += ["terminal"]
        return [block]

    def _check(self) -> None:
        """Warn where the run prints something else than the page shows."""
        try:
            commands = parse(self.content)
            outputs = run(commands, self._directory())
        except (RuntimeError, ValueError) as error:
            _logger.warning("a session failed: %s", error, location=self.get_location())
            return
        ordered = "unordered" not in self.options
        # Empty lines at the end of a directive are none of its content.
        while outputs[-1] and not outputs[-1][-1]:
            outputs[-1].pop()
        for command, output in zip(commands, outputs, strict=True):
            printed = [self._likened(line) for line in output]
            lines = [*differences(*without_tabs(command.shown, printed), ordered=ordered)]
            if lines:
                said = "\n".join([*command.lines, *lines])
                _logger.warning(
                    "a session prints something else:\n%s", said, location=self.get_location()
                )

    def _likened(self, line: str) -> str:
        """Return a line with the replacement of ``like``."""
        if "like" not in self.options:
            return line
        pattern, _, replacement = self.options["like"].partition(" ==> ")
        return re.sub(pattern, replacement, line)

    def _directory(self) -> Path:
        """Return the directory of the sessions of this name, which it makes for the first one."""
        places = self.env.temp_data.setdefault("sessions", TemporaryDirectory())
        name = self.arguments[0]
        directory = Path(places.name) / name
        if not directory.exists():
            source = EXAMPLES / name
            if source.exists():
                shutil.copytree(source, directory)
            else:
                directory.mkdir()
        for path in sorted((EXAMPLES / name).glob("*")):
            self.env.note_dependency(str(path))
        return directory


def _forget_directories(app: Sphinx, _doctree: nodes.document) -> None:
    """Remove the directories of the page that was read."""
    if places := app.env.temp_data.pop("sessions", None):
        places.cleanup()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("session", Session)
    app.connect("doctree-read", _forget_directories)
    return {"parallel_read_safe": True}
