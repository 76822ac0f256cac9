"""Waits in vain, side by side: what makes a program that hangs quick to judge.

A program that hangs makes a test wait until its bound is over. That bound must be long, since on a
busy machine a program that conforms takes long, too. So no wait is ever shortened. Instead, once a
test of this process has failed, which a program that hangs soon does, each test runs in a process
of its own, made by ``fork``. As soon as nothing happens there any more and no program of the test
works, the next test begins, while that one waits on. Tests that only wait take no processor time,
so they do not change what the others find. The next test also begins when a wait has taken half of
the usual bound: few programs work so long in vain, and they take no more from it than a busy
machine does.

A test that has the mark ``lasting`` runs like this from the start: a fork is little beside it.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import signal
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from _pytest.runner import runtestprotocol

from conformance.harness.order import duration_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    import pytest

MOST = 32
"""How many tests of a run wait side by side: each keeps some processes in memory."""

_IDLE = b"i"
"""The message of a child, sent once, when its test only waits. Its reports follow, marshalled."""


@dataclass
class _Child:
    """A process that runs one test.

    Attributes:
        pid: its process id.
        item: the test.
        said: what it has said so far.
        is_idle: whether its test only waits.
    """

    pid: int
    item: pytest.Item
    said: bytearray = field(default_factory=bytearray)

    @property
    def is_idle(self) -> bool:
        return self.said.startswith(_IDLE)


class Overlap:
    """Runs tests in processes of their own, the next one while others wait.

    Args:
        config: that of the run.
        limit: the most tests that run or wait at a time.
        is_allowed: whether tests may run like this at all.
    """

    def __init__(self, config: pytest.Config, limit: int, *, is_allowed: bool) -> None:
        self._config = config
        self._limit = max(1, limit)
        self._children: dict[int, _Child] = {}
        self._to_parent: int | None = None
        self._has_told = False
        self._is_allowed = is_allowed
        self._is_on = False

    def begin(self) -> None:
        """Run all further tests like this; before the first failure that gains nothing."""
        self._is_on = True

    def takes(self, item: pytest.Item) -> bool:
        """Return whether this test is to be run in a process of its own."""
        return self._is_allowed and (self._is_on or duration_of(item) > 0)

    def run(self, item: pytest.Item) -> None:
        """Begin a test; return when it has ended or only waits."""
        self.report()
        while len(self._children) >= self._limit:
            self._collect()
        # A child must not tear down what this process has set up and still uses.
        item.session._setupstate.teardown_exact(None)  # noqa: SLF001 (as pytest's own plugins do)
        # The first process that asks for this directory empties it.
        self._config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # noqa: SLF001
        reader, writer = os.pipe()
        with warnings.catch_warnings():  # of threads: the child does not need those of xdist
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            self._live(item, writer)
        os.close(writer)
        child = self._children[reader] = _Child(pid, item)
        while reader in self._children and not child.is_idle:
            self._collect()

    def report(self) -> None:
        """Report the tests that have ended."""
        if self._children:
            self._collect(0)

    def finish(self) -> None:
        """Wait for the ends of all tests, and report them."""
        while self._children:
            self._collect()

    def stop(self) -> None:
        """End all tests, without a report."""
        for child in self._children.values():
            os.kill(child.pid, signal.SIGTERM)
        for reader, child in self._children.items():
            os.close(reader)
            os.waitpid(child.pid, 0)
        self._children.clear()

    def tell_idle(self) -> None:
        """Say, in the process of a test, that it only waits."""
        if self._to_parent is not None and not self._has_told:
            self._has_told = True
            os.write(self._to_parent, _IDLE)

    # The process of a test

    def _live(self, item: pytest.Item, writer: int) -> NoReturn:
        """Run a test, tell what came of it, and end."""
        status = 1
        try:
            for reader in self._children:
                os.close(reader)
            self._children.clear()
            self._to_parent = writer
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            reports = runtestprotocol(item, log=False, nextitem=None)
            described = [
                self._config.hook.pytest_report_to_serializable(config=self._config, report=each)
                for each in reports
            ]
            with os.fdopen(writer, "wb") as file:
                file.write(marshal.dumps(described))
            status = 0
        except KeyboardInterrupt:
            item.session._setupstate.teardown_exact(None)  # noqa: SLF001
        finally:
            os._exit(status)

    # Its parent

    def _collect(self, seconds: float | None = None) -> None:
        """Take in what children say, for some time at most, and report the tests that ended."""
        waiting = select.poll()
        for reader in self._children:
            waiting.register(reader, select.POLLIN)
        ready = waiting.poll(None if seconds is None else seconds * 1000)
        for reader, _ in ready:
            octets = os.read(reader, 1 << 16)
            self._children[reader].said += octets
            if not octets:
                os.close(reader)
                child = self._children.pop(reader)
                os.waitpid(child.pid, 0)
                self._report(child)

    def _report(self, child: _Child) -> None:
        octets = bytes(child.said).removeprefix(_IDLE)
        if not octets:  # it has crashed, which is to be seen where pytest looks for it
            with _as_current(child.item):
                runtestprotocol(child.item, nextitem=None)
            return
        item, hook = child.item, child.item.ihook
        with _as_current(item):
            hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
            for each in marshal.loads(octets):  # noqa: S302 (our own child)
                report = self._config.hook.pytest_report_from_serializable(
                    config=self._config, data=each
                )
                if report.failed:
                    self.begin()
                hook.pytest_runtest_logreport(report=report)
            hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


@contextlib.contextmanager
def _as_current(item: pytest.Item) -> Iterator[None]:
    """Let a worker of pytest-xdist, which runs another test, pass on reports of this one."""
    for plugin in item.config.pluginmanager.get_plugins():
        if isinstance(running := getattr(plugin, "item_index", None), int):
            plugin.item_index = item.session.items.index(item)
            try:
                yield
            finally:
                plugin.item_index = running
            return
    yield
