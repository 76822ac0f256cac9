"""The program ``paexec-trio``."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from paexec_trio.cli.accountingoptions import ERROR, wants_status_of_tasks
from paexec_trio.cli.errors import UsageError, is_lack_of_memory
from paexec_trio.cli.invocation import Invocation, parse
from paexec_trio.cli.loading import meanwhile
from paexec_trio.cli.options import SYNTAX
from paexec_trio.cli.startup import (
    STOP_SIGNALS,
    prepare_signals,
    prepare_standard_descriptors,
    print_help_or_version,
    program_name,
    say_nothing_of_ignored_errors,
)
from paexec_trio.cli.syntax import HelpRequested
from paexec_trio.core.calculators import CommandPerTask
from paexec_trio.core.visible import diagnostic
from paexec_trio.runtime import inheritance
from paexec_trio.runtime.diagnostics import write_diagnostic
from paexec_trio.runtime.requests import FINISH, OVERVIEW, note

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from paexec_trio.cli.syntax import Syntax
    from paexec_trio.core.commands import Exit
    from paexec_trio.runtime.run import Run
    from paexec_trio.runtime.screen import Screen
    from paexec_trio.services.historyfiles import HistoryFiles
    from paexec_trio.services.interface import Service


def main() -> int:
    """Run the program and return its exit status; it may also end by a signal (END-030)."""
    return distribute("paexec-trio", SYNTAX, parse)


def distribute(
    usual_name: str,
    syntax: Syntax,
    parse: Callable[[str, Sequence[str], Mapping[bytes, bytes]], Invocation],
) -> int:
    """Be a distributor, or tell about it, and return the exit status.

    Args:
        usual_name: what the program is called where nobody gave it another name.
        syntax: its command line, for the help.
        parse: understands a call; arguments and errors as those of ``invocation.parse``.
    """
    prepare_signals()
    note(OVERVIEW | FINISH)
    prepare_standard_descriptors()
    program = program_name(usual_name)
    environment = inheritance.environment()
    try:
        # Of duplicates the first one counts, as for getenv.
        invocation = parse(program, sys.argv[1:], dict(reversed(environment)))
    except HelpRequested as wanted:
        return print_help_or_version(program, syntax, wanted.option)
    except UsageError as error:
        write_diagnostic(2, os.fsencode(program) + b": " + error.message)
        if wants_status_of_tasks(sys.argv[1:], dict(reversed(environment))):
            return ERROR
        return error.status
    for text in invocation.warnings:
        write_diagnostic(2, os.fsencode(program) + b": " + text)
    return _run(invocation, environment)


def _run(invocation: Invocation, environment: inheritance.Variables) -> int:
    if invocation.dry_run:
        from paexec_trio.cli.dryrun import show

        return _end(show(invocation))
    if invocation.ssh_defaults:
        invocation = _with_ssh_defaults(invocation)
    try:
        history = _open_history(invocation)
    except OSError as error:
        return _end(_failed(invocation, error))
    import gc

    # Loading makes many objects and no garbage: collecting in between costs a tenth of it.
    gc.disable()
    from paexec_trio.runtime.run import Run

    screen = _screen_of(invocation)
    if screen:
        settings = invocation.settings._replace(whole_errors=True)
        invocation = invocation._replace(settings=settings)
    # Now, because later there may be no memory or descriptor left for that.
    report_totals = _load_totals() if invocation.progress else None
    say_nothing_of_ignored_errors()
    run = Run(
        invocation.settings,
        invocation.launch,
        environment=environment,
        stop_signals=[
            number for number in STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN
        ],
        takes_requests=True,
        suspends=signal.getsignal(signal.SIGTSTP) != signal.SIG_IGN,
        owns_process=True,
        debug=invocation.debug,
        facts=history.facts if history else None,
        screen=screen,
    )
    problem = b""
    was_served = False
    try:
        # Loading trio takes as long as all that was done so far. The run goes on meanwhile.
        run.begin()
        # A short run is over before trio is loaded, and does without.
        if not run.is_over:
            with meanwhile(run.advance, lambda: run.is_over):
                from paexec_trio.nursery.program import finish_alone

                services = _load_services(invocation, screen)
                if history:
                    services.append(history)
        if not run.is_over:
            gc.enable()
            finish_alone(run, services)
            was_served = True
    except (MemoryError, OSError) as error:  # of trio itself; the run explains its own
        problem = run.explain(error)
    except ImportError as error:
        if not is_lack_of_memory(error):
            raise
        problem = run.explain(MemoryError())
    finally:
        if problem:
            run.give_up(problem)
        if report_totals and not was_served:
            with suppress(MemoryError):
                report_totals(run)
        run.end_alone()  # whatever trio has not ended
    outcome = run.result
    if history:
        history.finish(run.engine.graph if run.engine else None)
        if history.error:
            failure = _failed(invocation, history.error)
            outcome = outcome if outcome.status or outcome.signal else failure
    # The interpreter would look through everything again before it ends, for garbage.
    gc.freeze()
    return _end(outcome)


def _open_history(invocation: Invocation) -> HistoryFiles | None:
    """Open the files for the history of the run, if there are to be some.

    Raises:
        HistoryFileError: one cannot be opened.
    """
    if not invocation.history:
        return None
    from paexec_trio.services.historyfiles import HistoryFiles

    trace, report = invocation.history
    words = [os.fsencode(word) for word in sys.argv[1:]]
    return HistoryFiles(invocation.settings.program, words, trace=trace, report=report)


def _failed(invocation: Invocation, error: OSError) -> Exit:
    """Report that a file of the history cannot be written; return how the program has to end."""
    from paexec_trio.core.commands import Exit  # only for an error

    path, reason = error.args
    settings = invocation.settings
    text = diagnostic(b"writing '%b' failed: %b", path, reason)
    write_diagnostic(2, settings.program + b": " + text)
    return Exit(status=ERROR if settings.accounting.status_of_tasks else 1)


def _end(outcome: Exit) -> int:
    """End by a signal, or return the exit status."""
    if outcome.signal:
        signal.signal(outcome.signal, signal.SIG_DFL)
        os.kill(os.getpid(), outcome.signal)
        # Still here: the signal is blocked, or this is the first process of a container.
        return 128 + outcome.signal
    return outcome.status


def _with_ssh_defaults(invocation: Invocation) -> Invocation:
    """Let ssh notice that a link is cut (SIL-050); with ``-d`` tell by which options."""
    from paexec_trio.cli.sshdefaults import node_words

    settings, launch = invocation.settings, invocation.launch
    words = node_words(launch, settings.nodes, settings.silence.heartbeat)
    if invocation.debug:
        for node, added in words.items():
            text = b"%b: added for ssh to node '%b': %b"
            write_diagnostic(2, diagnostic(text, settings.program, node, b" ".join(added)))
    return invocation._replace(launch=launch._replace(node_words=words))


def _screen_of(invocation: Invocation) -> Screen | None:
    """Return the terminal on which the progress is painted; ``None``: it is not painted."""
    if not invocation.progress or invocation.debug:
        return None
    from paexec_trio.runtime.screen import Screen, can_repaint

    return Screen(2) if can_repaint(2, os.environb) else None


def _load_services(invocation: Invocation, screen: Screen | None) -> list[Service]:
    """Return the services that were asked for; no other one is loaded."""
    services: list[Service] = []
    if screen:
        from paexec_trio.services.paintedprogress import PaintedProgress

        services.append(PaintedProgress(screen))
    elif invocation.progress:
        from paexec_trio.services.progressservice import progress

        services.append(progress)
    if invocation.hostfile:
        from paexec_trio.services.hostfileservice import HostfileService

        services.append(HostfileService(invocation.hostfile))
    runs_commands = isinstance(invocation.launch.command, CommandPerTask)
    if not runs_commands and (invocation.progress or os.isatty(2)):
        from paexec_trio.services.stallhint import stall_hint

        services.append(stall_hint)
    return services


def _load_totals() -> Callable[[Run], None]:
    """Return what reports the totals of a run without services: trio was not loaded, or failed."""
    from paexec_trio.services.progressline import last_line

    def report(run: Run) -> None:
        has_statuses = run.settings.graph is not None
        run.report(last_line(run.snapshot(), run.seconds, has_statuses=has_statuses))

    return report
