"""Faults in how calculators end: who is waited for, who is found, who is left alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.core.commands import Exit
from paexec_trio.core.engine import Engine, Phase
from paexec_trio.core.nodes import Node
from paexec_trio.runtime import relatives
from paexec_trio.runtime import run as run_module
from paexec_trio.runtime.ends import Ends
from paexec_trio.runtime.host import Host
from paexec_trio.runtime.process import NodeProcess
from paexec_trio.runtime.relatives import Census, Relative, descendants
from tests.zoo.mutant import around, breaks, put


@breaks("END-040")
def kills_calculators_after_ten_seconds() -> None:
    """As versions before this one did, with status 0."""

    @around(Engine, "_name_those_waited_for")
    def name(_right: Callable[..., None], self: Engine) -> None:
        self._terminate()
        self._outcome = Exit()


@breaks("END-048")
def waits_without_a_word() -> None:
    put(Engine, "_name_those_waited_for", lambda _self: None)


@breaks("END-041")
def ends_with_status_0_after_the_finish_timeout() -> None:
    @around(Engine, "_report_timeout")
    def report(right: Callable[..., None], self: Engine, node: Node) -> None:
        right(self, node)
        self._outcome = Exit()


@breaks("END-041")
def ignores_the_finish_timeout() -> None:
    @around(Engine, "_terminate")
    def terminate(right: Callable[..., None], self: Engine) -> None:
        if self._phase is not Phase.FINISHING:
            right(self)


@breaks("END-042")
def takes_the_finish_timeout_0() -> None:
    put(invocation, "_finish_timeout", lambda values: float(values.get("--finish-timeout") or 0))


@breaks("END-043")
def kills_daemons() -> None:
    @around(Ends, "_members")
    def members(
        _right: Callable[..., object],
        _self: Ends,
        census: Census,
        of: Collection[NodeProcess],
        _living: Collection[NodeProcess],
    ) -> list[Relative]:
        own = {process.pid for process in of}
        return [r for r in descendants(census, [os.getpid()]) if r.pid not in own]


@breaks("END-044")
def stops_alone() -> None:
    def stopped(_self: Ends, _living: object) -> AbstractContextManager[None]:
        return nullcontext()

    put(Ends, "stopped", stopped)


@breaks("END-044")
def does_not_continue_calculators() -> None:
    @around(NodeProcess, "signal_group")
    def send(right: Callable[..., bool], self: NodeProcess, signum: signal.Signals) -> bool:
        return True if signum is signal.SIGCONT else right(self, signum)


@breaks("END-045")
def counts_the_time_of_a_stop() -> None:
    @around(Host, "_suspend")
    def suspend(right: Callable[..., None], self: Host) -> None:
        deadlines = dict(self._deadlines)
        right(self)
        self._deadlines.update(deadlines)


@breaks("END-046")
def minds_a_stop_that_was_ignored() -> None:
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)


@breaks("END-049")
def waits_for_a_reader_of_diagnostics() -> None:
    @around(Host, "_say_if_drained")
    def say(right: Callable[..., None], self: Host) -> None:
        if not self._diagnostics.size:
            right(self)


@breaks("END-050", "END-051")
def overlooks_other_process_groups() -> None:
    put(Ends, "_members", lambda *_: [])


@breaks("END-050")
def overlooks_orphans() -> None:
    put(run_module, "adopt_orphans", lambda: True)


@breaks("END-051")
def ends_what_dead_nodes_left_with_the_run() -> None:
    @around(Ends, "bury")
    def bury(right: Callable[..., None], self: Ends, *arguments: Any) -> None:
        right(self, *arguments)
        self._ended += self._died.values()
        self._died.clear()


@breaks("END-051")
def ends_what_all_nodes_have_started_with_one() -> None:
    @around(Ends, "_members")
    def members(
        right: Callable[..., list[Relative]],
        self: Ends,
        census: Census,
        of: Collection[NodeProcess],
        living: Collection[NodeProcess],
    ) -> list[Relative]:
        found = right(self, census, [*of, *living], living)
        return [r for r in found if r.group not in {process.pid for process in living}]


@breaks("END-052")
def takes_the_children_of_a_shell_for_its_own() -> None:
    put(relatives, "has_children", lambda: False)
