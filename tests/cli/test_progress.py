"""The option ``--progress``, and that nothing of it is loaded without the option."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paexec_trio.cli import invocation
from paexec_trio.cli.paargs import parse as parse_paargs
from tests.cli.harness import ECHO, LIMIT, PROGRAM, call

SCRIPT = """if True:
    import contextlib, os, sys
    import paexec_trio.cli.main as main

    main.meanwhile = lambda *_: contextlib.nullcontext()
    reader, writer = os.pipe()
    os.dup2(reader, 0)

    def feed():
        os.write(writer, b"a\\nb\\n")
        os.close(writer)

    class Finder:
        def find_spec(self, name, path, target=None):
            if name == os.environ["AT"]:
                sys.meta_path.remove(self)
                exec(os.environ["MEANWHILE"])
                return None

    sys.meta_path.insert(0, Finder())
    sys.argv[0] = "paexec-trio"
    from paexec_trio.cli.launch import launch
    status = launch("paexec-trio")
    print(*sorted(sys.modules))
    sys.exit(status)
    """
"""The program, for which something happens while a module is loaded. It calls ``feed``.

It takes no steps meanwhile, so that it is not over before trio is loaded.
"""


def run(*arguments: str, at: str, meanwhile: str = "feed()") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, "-n", "+1", "-c", ECHO, *arguments],
        env={**os.environ, "AT": at, "MEANWHILE": meanwhile},
        capture_output=True,
        timeout=LIMIT,
        text=True,
        check=False,
    )


def ours(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the modules that the program has loaded, last line of its output."""
    modules = done.stdout.splitlines()[-1].split()
    assert "trio" in modules
    return {name for name in modules if name.startswith("paexec_trio.")}


def test_what_is_not_asked_for_is_not_loaded() -> None:
    """And not started, therefore; the run is one that trio goes on with."""
    without = run(at="paexec_trio.nursery.program")
    assert (without.returncode, without.stderr) == (0, "")
    assert without.stdout.startswith("a\nb\n")
    assert not {name for name in ours(without) if "services" in name or "beside" in name}
    with_it = run("--progress", at="paexec_trio.services.progressservice")
    assert with_it.returncode == 0
    assert with_it.stderr.startswith("paexec-trio: total: 2 done, ")
    assert with_it.stderr.count("\n") == 1
    # The last one is loaded by the first line, which a quick run does not come to.
    assert ours(with_it) - ours(without) - {"paexec_trio.core.overview"} == {
        "paexec_trio.core.visible",
        "paexec_trio.nursery.beside",
        "paexec_trio.nursery.following",
        "paexec_trio.nursery.looking",
        "paexec_trio.nursery.results",
        "paexec_trio.services",
        "paexec_trio.services.progressline",
        "paexec_trio.services.progressservice",
        "paexec_trio.services.stallhint",
        "paexec_trio.services.statusline",
        "paexec_trio.runtime.screen",
    } - ours(without)


def test_the_names_of_services_are_loaded_when_they_are_used() -> None:
    program = (
        "import sys; from paexec_trio import services\n"
        "print(*dir(services), 'trio' in sys.modules)\n"
        "print(services.progress.__name__, services.progress is services.progress)\n"
        "import paexec_trio.services.progressservice\n"
        "print(callable(services.progress))\n"
    )
    done = subprocess.run(
        [sys.executable, "-Werror", "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "Facts HostfileService Service progress False\nprogress True\nTrue\n"


def test_a_service_that_has_no_such_name() -> None:
    from paexec_trio import services

    with pytest.raises(AttributeError, match="has no attribute 'odd'"):
        _ = services.odd  # type: ignore[attr-defined]


@pytest.mark.parametrize("function", ["progress_line", "last_line"])
def test_progress_that_cannot_be_told_costs_no_result(function: str) -> None:
    meanwhile = f"""if True:
        import paexec_trio.services.progressline as lines
        def fail(*_, **__):
            if "{function}" == "progress_line":
                feed()
            raise RuntimeError("odd")
        lines.{function} = fail
        if "{function}" == "last_line":
            feed()
        """
    done = run("--progress", at="paexec_trio.nursery.program", meanwhile=meanwhile)
    assert done.returncode == 0
    assert done.stdout.startswith("a\nb\n")
    reason = "the service 'progress' failed, the run goes on without it: RuntimeError: odd"
    assert done.stderr == f"paexec-trio: {reason}\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("OSError(24, 'Too many open files')", "Too many open files"),
        ("MemoryError", "out of memory"),
    ],
)
def test_the_totals_come_although_trio_cannot_be_loaded(error: str, line: str) -> None:
    done = run("--progress", at="trio", meanwhile=f"feed(); raise {error}")
    assert done.returncode == 1
    first, last = done.stderr.splitlines()
    assert first == f"paexec-trio: {line}"
    assert last.startswith("paexec-trio: total: 0 done, ")


def test_the_totals_come_although_trio_fails() -> None:
    """Once, and the line says that they are the totals."""
    meanwhile = """if True:
        from trio._core._io_epoll import EpollIOManager
        def fail(*_):
            raise MemoryError
        EpollIOManager.process_events = fail
        feed()"""
    done = run("--progress", at="paexec_trio.services.progressservice", meanwhile=meanwhile)
    assert done.returncode == 1
    first, last = done.stderr.splitlines()
    assert first == "paexec-trio: out of memory"
    assert last.startswith("paexec-trio: total: ")


def test_a_run_that_is_over_before_it_has_begun() -> None:
    """Nothing was started, but the option was given."""
    done = call("--progress", "-g", "-n", "+1", "-c", ECHO, stdin=b"a b\nb a\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(b"paexec-trio: total: 0 done, 0 failed, ")


def test_the_option() -> None:
    words = ["-n", "+1", "-c", "x"]
    assert not invocation.parse("p", words, {}).progress
    assert invocation.parse("p", ["--progress", *words], {}).progress
    assert parse_paargs("p", ["--progress", "-P", "+1", "-c", "x"], {}).progress
    message = call("--progress=1", *words).stderr
    assert message == b"paexec-trio: option '--progress' doesn't allow an argument\n"


def test_no_line_is_torn(tmp_path: Path) -> None:
    """Each is one write: a datagram has the whole of it."""
    import socket

    path = str(tmp_path / "stderr")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(path)
            command = (*PROGRAM, "--progress", "-n", "+1", "-c", ECHO)
            subprocess.run(command, input=b"a\n", stderr=sender.fileno(), check=True, timeout=LIMIT)
        line = receiver.recv(1000, socket.MSG_DONTWAIT)
        assert line.startswith(b"paexec-trio: total: 1 done, ")
        assert line.endswith(b" s\n")
        with pytest.raises(BlockingIOError):
            receiver.recv(1000, socket.MSG_DONTWAIT)


@pytest.mark.parametrize("name", ["--progress", "--bar", "--eta"])
def test_the_names_of_the_option(name: str) -> None:
    assert invocation.parse("p", [name, "-n", "+1", "-c", "x"], {}).progress


def test_the_variable() -> None:
    done = call("-n", "+1", "-c", ECHO, environment={"PAEXEC_PROGRESS": "always"})
    message = b"paexec-trio: invalid value of PAEXEC_PROGRESS: 'always'; expected auto\n"
    assert (done.returncode, done.stderr) == (1, message)
    done = call("-n", "+1", "-c", ECHO, stdin=b"a\n", environment={"PAEXEC_PROGRESS": "auto"})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"a\n", b"")
