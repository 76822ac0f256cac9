"""Fixtures of the tests of the command line."""

import signal
from collections.abc import Iterator

import pytest

from conformance.harness.sshd import Sshd


@pytest.fixture(autouse=True)
def signals_as_in_a_terminal() -> Iterator[None]:
    """Undo what a shell does for background jobs, or nohup: programs inherit what is ignored."""
    ignored = [
        number
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
        if signal.getsignal(number) == signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server for one module; its directory, in the transport's words, needs quotes."""
    server = Sshd(tmp_path_factory.mktemp("it's an ssh "))
    yield server
    server.close()
