"""The layers around an outlet that keep the output of tasks apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paexec_trio.core.errorlines import ErrorLines
from paexec_trio.core.settings import StderrMode
from paexec_trio.core.storing import Storing
from paexec_trio.core.wholelines import WholeLines

if TYPE_CHECKING:
    from paexec_trio.core.commands import Command
    from paexec_trio.core.outlets import Outlet
    from paexec_trio.core.settings import Settings


def make_layers(outlet: Outlet, settings: Settings, commands: list[Command]) -> Outlet:
    """Return the outlet within the layers that the settings ask for, by default none.

    Args:
        outlet: what comes of results.
        settings: those of the run.
        commands: the list that all parts of the engine share.
    """
    if settings.stderr is not StderrMode.MIXED and not outlet.keeps_errors:
        groups_results = outlet.holds_output
        outlet = ErrorLines(outlet, commands, settings.stderr, groups_results=groups_results)
    elif settings.whole_errors and not settings.results:
        outlet = WholeLines(outlet, commands)
    if settings.results:
        outlet = Storing(outlet, commands)
    return outlet
