"""Directives for the program's own tables: its help text, its limits, its state machines."""

from __future__ import annotations

import ast
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from docutils import nodes
from docutils.parsers.rst import Directive
from drawn import drawn
from pictures import Step, draw_machine
from sphinx.util.docutils import SphinxDirective

import paexec_trio
from paexec_trio.cli.programs import PROGRAMS
from paexec_trio.core.ending import TURNS, Phase
from paexec_trio.core.settings import GRACES
from paexec_trio.core.states import TRANSITIONS, NodeState
from paexec_trio.runtime.holding import MEMORY_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import ExtensionMetadata

SOURCE = Path(paexec_trio.__file__).parent


class HelpText(Directive):
    """The text of ``-h`` of the program that the argument names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return it as a literal block."""
        program = self.arguments[0]
        text = PROGRAMS[program].help_text(program)
        return [nodes.literal_block(text, text, language="text")]


class Machine(NamedTuple):
    """A state machine of the core."""

    label: str
    states: type[IntEnum]
    transitions: Mapping[tuple[IntEnum, IntEnum], IntEnum]

    def steps(self) -> list[Step]:
        """Return the steps of its table."""
        return [
            Step(before.name, step.name.replace("_", " "), after.name)
            for (before, step), after in self.transitions.items()
        ]


MACHINES = {
    "node": Machine("The states of a node in the engine", NodeState, TRANSITIONS),
    "run": Machine("The phases of a run", Phase, TURNS),
}


class MachineDirective(Directive):
    """The state machine that the argument names."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return its table as a picture and as text."""
        (name,) = self.arguments
        if name not in MACHINES:
            raise self.error(f"there is no state machine {name}")
        machine = MACHINES[name]
        steps = machine.steps()
        picture = draw_machine(machine.label, [state.name for state in machine.states], steps)
        lines = []
        for state in machine.states:
            lines.append(state.name)
            lines += [
                f"    {step.name:<12} -> {step.target}"
                for step in steps
                if step.source == state.name
            ]
        return drawn(picture, "\n".join(lines))


class Modules(SphinxDirective):
    """The modules of the package that the argument names, each with the first line about it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a table."""
        (package,) = self.arguments
        directory = SOURCE / package
        if not directory.is_dir():
            raise self.error(f"paexec_trio has no package {package}")
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 25 75", ""]
        lines += [f"   * - {package}", "     -"]
        for module in sorted(directory.glob("[!_]*.py")):
            lines += [f"   * - ``{module.name}``", f"     - {first_line_of(module)}"]
        return self.parse_text_to_nodes("\n".join(lines))


def first_line_of(module: Path) -> str:
    """Return the first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(module.read_bytes())) or "").partition("\n")[0]


SUBSTITUTIONS = {
    "drain_grace": f"{GRACES.drain:g} seconds",
    "finish_notice": f"{GRACES.finish_notice:g} seconds",
    "kill_grace": f"{GRACES.kill:g} seconds",
    "stop_grace": f"{GRACES.stop:g} seconds",
    "term_grace": f"{GRACES.term:g} seconds",
    "memory_limit": f"{MEMORY_LIMIT >> 20} MiB",
}


def _read_anew(
    app: Sphinx, env: BuildEnvironment, _added: set[str], _changed: set[str], _removed: set[str]
) -> Sequence[str]:
    """Return all pages if the program is newer than what was read: any page may show it."""
    pickled = app.doctreedir / "environment.pickle"
    if not pickled.exists():
        return []
    newest = max(path.stat().st_mtime for path in SOURCE.rglob("*.py"))
    return [*env.all_docs] if newest > pickled.stat().st_mtime else []


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives, and the limits as substitutions."""
    app.connect("env-get-outdated", _read_anew)
    app.add_directive("help-text", HelpText)
    app.add_directive("modules", Modules)
    app.add_directive("state-machine", MachineDirective)
    app.config.rst_epilog = "\n".join(  # type: ignore[attr-defined]  # any value may be set
        f".. |{name}| replace:: {text}" for name, text in SUBSTITUTIONS.items()
    )
    return {"parallel_read_safe": True}
