"""Directives for the machines and sequences of ``machines.toml``: a picture and a table of each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from pictures import Message, Step, draw_machine, draw_sequence
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

TABLES = Path(__file__).resolve().parent.parent / "machines.toml"


def load_tables() -> dict[str, Any]:
    """Return the tables: ``machine`` and ``sequence``, each by name."""
    return tomllib.loads(TABLES.read_text())


def machine_svg(name: str, machine: dict[str, Any]) -> str:
    """Return the picture of a machine of the tables."""
    steps = [Step(*row[:3]) for row in machine["steps"]]
    return draw_machine(f"The states of a {name}", machine["states"], steps)


def sequence_svg(name: str, sequence: dict[str, Any]) -> str:
    """Return the picture of a sequence of the tables."""
    messages = [Message(*row) for row in sequence["messages"]]
    return draw_sequence(f"A sequence: {name}", sequence["actors"], messages)


class _Drawn(SphinxDirective):
    """What the argument names of one of the tables."""

    required_arguments = 1
    kind = ""

    def run(self) -> list[nodes.Node]:
        """Return the picture and the table."""
        self.env.note_dependency(str(TABLES))
        name = self.arguments[0]
        try:
            entry = load_tables()[self.kind][name]
        except KeyError as error:
            raise self.error(f"machines.toml has no {self.kind} {name}") from error
        return [nodes.raw("", self.draw(name, entry), format="html"), *self.table(entry)]

    def draw(self, name: str, entry: dict[str, Any]) -> str:
        raise NotImplementedError

    def table(self, entry: dict[str, Any]) -> list[nodes.Node]:
        raise NotImplementedError

    def listed(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[nodes.Node]:
        """Return a table of cells in reStructuredText."""
        lines = [".. list-table::", "   :header-rows: 1", "   :class: steps", ""]
        for row in (head, *rows):
            lines += [f"   {'-' if number else '* -'} {cell}" for number, cell in enumerate(row)]
        text = "\n".join(line.replace("   - ", "     - ") for line in lines)
        return self.parse_text_to_nodes(text)


class MachineDirective(_Drawn):
    """A machine."""

    kind = "machine"

    def draw(self, name: str, entry: dict[str, Any]) -> str:
        """Return its picture."""
        return machine_svg(name, entry)

    def table(self, entry: dict[str, Any]) -> list[nodes.Node]:
        """Return its steps."""
        rows = [
            (source, step, target, what, f":need:`{requirement}`")
            for source, step, target, what, requirement in entry["steps"]
        ]
        return self.listed(("from", "step", "to", "what happens", "requirement"), rows)


class SequenceDirective(_Drawn):
    """A sequence."""

    kind = "sequence"

    def draw(self, name: str, entry: dict[str, Any]) -> str:
        """Return its picture."""
        return sequence_svg(name, entry)

    def table(self, entry: dict[str, Any]) -> list[nodes.Node]:
        """Return its messages as text, folded away where the picture can be seen."""
        lines = [
            f"{source}: {text}" if source == target else f"{source} -> {target}: {text}"
            for source, target, text in entry["messages"]
        ]
        text = "\n".join(lines)
        return [
            nodes.raw("", "<details><summary>as text</summary>", format="html"),
            nodes.literal_block(text, text, language="text"),
            nodes.raw("", "</details>", format="html"),
        ]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive("machine", MachineDirective)
    app.add_directive("sequence", SequenceDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
