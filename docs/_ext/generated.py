"""Directives for what the program itself knows: its help text, its limits, a node's life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive
from pictures import Step as PictureStep
from pictures import draw_machine

from paexec_trio.cli.programs import PROGRAMS
from paexec_trio.core.settings import GRACES
from paexec_trio.core.states import TRANSITIONS, NodeState
from paexec_trio.runtime.holding import MEMORY_LIMIT

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata


class HelpText(Directive):
    """The text of ``-h`` of the program that the argument names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return it as a literal block."""
        program = self.arguments[0]
        text = PROGRAMS[program].help_text(program)
        return [nodes.literal_block(text, text, language="text")]


class NodeLife(Directive):
    """The states of a node, what each means is in the API; the steps from each to the next."""

    def run(self) -> list[nodes.Node]:
        """Return the table of transitions as a picture and as text, a state to a paragraph."""
        steps = [
            PictureStep(before.name, step.name.replace("_", " "), after.name)
            for (before, step), after in TRANSITIONS.items()
        ]
        states = [state.name for state in NodeState]
        picture = draw_machine("The states of a node in the engine", states, steps)
        lines = []
        for state in NodeState:
            lines.append(state.name)
            lines += [
                f"    {step.name:<12} -> {after.name}"
                for (before, step), after in TRANSITIONS.items()
                if before is state
            ]
        text = "\n".join(lines)
        return [
            nodes.raw("", picture, format="html"),
            nodes.literal_block(text, text, language="text"),
        ]


SUBSTITUTIONS = {
    "drain_grace": f"{GRACES.drain:g} seconds",
    "finish_notice": f"{GRACES.finish_notice:g} seconds",
    "kill_grace": f"{GRACES.kill:g} seconds",
    "stop_grace": f"{GRACES.stop:g} seconds",
    "term_grace": f"{GRACES.term:g} seconds",
    "memory_limit": f"{MEMORY_LIMIT >> 20} MiB",
}


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives, and the limits as substitutions."""
    app.add_directive("help-text", HelpText)
    app.add_directive("node-life", NodeLife)
    app.config.rst_epilog = "\n".join(  # type: ignore[attr-defined]  # any value may be set
        f".. |{name}| replace:: {text}" for name, text in SUBSTITUTIONS.items()
    )
    return {"parallel_read_safe": True}
