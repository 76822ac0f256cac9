"""Layers of outlets: one that prints or delivers, and around it those that the settings ask for.

Each layer watches the calls that go through it. A run without an option that needs one has none, so
it costs nothing. Modules that few runs need are loaded only here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from paexec_trio.core.timelimits import TimeLimits

if TYPE_CHECKING:
    from paexec_trio.core.commands import Command
    from paexec_trio.core.facts import FactStream
    from paexec_trio.core.joblog import LogBuffer
    from paexec_trio.core.outlets import Outlet, OutletMaker
    from paexec_trio.core.recording import Recorder
    from paexec_trio.core.resuming import Past
    from paexec_trio.core.settings import Settings
    from paexec_trio.core.tasks import TaskSource


class Layers(NamedTuple):
    """The outlets of a run.

    Attributes:
        outlet: the outermost one.
        recorder: the layer that records attempts in the job log; ``None``: there is no log.
        time_limits: the layer that limits the time of attempts, whether or not it is in use.
    """

    outlet: Outlet
    recorder: Recorder | None
    time_limits: TimeLimits


def make_layers(
    settings: Settings,
    make_outlet: OutletMaker,
    tasks: TaskSource,
    commands: list[Command],
    past: Past | None,
    log_buffer: LogBuffer | None,
    facts: FactStream | None,
) -> Layers:
    """Return the outlets of a run; the arguments are those of the engine."""
    outlet = make_outlet(settings, commands, tasks)
    recorder = None
    if settings.accounting.log:
        # What makes hashes takes some milliseconds to load.
        from paexec_trio.core.recording import Recorder

        outlet = recorder = Recorder(settings, outlet, commands, past, log_buffer)
    if settings.keeps_stderr_apart:
        from paexec_trio.core import pertask

        outlet = pertask.make_layers(outlet, settings, commands)
    # Without a limit nothing is told of the tasks that begin and end.
    time_limits = TimeLimits(settings.accounting, outlet, commands)
    if settings.accounting.has_time_limit:
        outlet = time_limits
    if facts:
        from paexec_trio.core.witness import Witness

        outlet = Witness(settings, facts, outlet, past)
    return Layers(outlet, recorder, time_limits)
