"""Directives for manual pages, made from a program's table of options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sphinx.util.docutils import SphinxDirective

from paexec_trio.cli.programs import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docutils.nodes import Node
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

    from paexec_trio.cli.syntax import Option, Syntax


class Section(SphinxDirective):
    """A section of the manual page of the program that the argument names."""

    required_arguments = 1

    def run(self) -> list[Node]:
        """Return the section, which is written in reStructuredText."""
        program = self.arguments[0]
        text = "\n".join(self.lines(program, PROGRAMS[program]))
        return self.parse_text_to_nodes(text)

    def lines(self, program: str, syntax: Syntax) -> Iterator[str]:
        """Yield the lines of the section."""
        raise NotImplementedError


class Synopsis(Section):
    """The ways to call the program."""

    def lines(self, program: str, syntax: Syntax) -> Iterator[str]:
        """Yield them as a block of lines."""
        for words in syntax.usage:
            yield f"| **{program}** {_escape(words)}"


class ProgramOptions(Section):
    """The options, each with its help and its details."""

    def lines(self, program: str, syntax: Syntax) -> Iterator[str]:
        """Yield descriptions of options."""
        yield f".. program:: {program}"
        yield ""
        for title, options in syntax.by_section():
            if syntax.sections:
                yield f".. rubric:: {title}"
                yield ""
            for option in options:
                value = f" <{option.value}>" if option.value else ""
                yield f".. option:: {', '.join(name + value for name in option.spellings)}"
                yield ""
                for line in (_help(option), "", *option.details.splitlines(), ""):
                    yield f"   {line}"


class Signals(Section):
    """The signals that ask something of a run."""

    def lines(self, program: str, syntax: Syntax) -> Iterator[str]:  # noqa: ARG002
        """Yield a definition per signal."""
        for name, effect in syntax.signals:
            yield f"{name}\n    {effect[0].upper()}{effect[1:]}.\n"


class Variables(Section):
    """The variables of the environment."""

    def lines(self, program: str, syntax: Syntax) -> Iterator[str]:  # noqa: ARG002
        """Yield a list of definitions."""
        for names, purpose in syntax.variables:
            yield _escape(names)
            yield f"   {_escape(_sentence(purpose))}"
            yield ""


def _help(option: Option) -> str:
    return _escape(_sentence(" ".join(option.help)))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _escape(text: str) -> str:
    """Return reStructuredText for plain text."""
    return re.sub(r"([\\*`_|<>])", r"\\\1", text)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive("synopsis", Synopsis)
    app.add_directive("program-options", ProgramOptions)
    app.add_directive("variables", Variables)
    app.add_directive("program-signals", Signals)
    return {"parallel_read_safe": True}
