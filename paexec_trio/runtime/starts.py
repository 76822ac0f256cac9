"""Starts: the argument vector and the environment of each node."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from paexec_trio.core.calculators import CommandPerTask
from paexec_trio.runtime.spawning import Environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from paexec_trio.core.launch import Launch


@final
class Starts:
    """The argument vectors and environments of the nodes.

    Args:
        launch: how calculators are started.
        nodes: the names of the nodes.
        inherited: the names and values that calculators and transports inherit.
    """

    def __init__(
        self, launch: Launch, nodes: Iterable[bytes], inherited: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self._launch = launch
        self._nodes = list(nodes)
        self._inherited = list(inherited)
        self._environments: dict[bool, Environment] = {}

    @property
    def is_per_task(self) -> bool:
        """Whether a command is run per task."""
        return isinstance(self._launch.command, CommandPerTask)

    def add(self, node: bytes) -> int:
        """Remember one more node; return how many there are."""
        self._nodes.append(node)
        return len(self._nodes)

    def argv(self, index: int) -> list[bytes]:
        """Return the argument vector that is started for a node."""
        return self._launch.argv(self._nodes[index], index)

    def environment(self, index: int) -> Environment:
        """Return the environment of a node's process; most nodes share one."""
        launch, node = self._launch, self._nodes[index]
        is_local = launch.is_local(node)
        made = self._environments.get(is_local)
        if made is None:
            made = Environment(launch.environment(self._inherited, node, index))
            if not (is_local and launch.tells_node):
                self._environments[is_local] = made
        return made
