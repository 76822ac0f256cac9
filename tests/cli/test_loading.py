"""Events while trio is loaded, which is when the nodes run already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest

from paexec_trio.cli.loading import meanwhile
from tests.cli.harness import LIMIT
from tests.runtime.harness import Witness

PROGRAM = """if True:
    import os, signal, sys, time

    class Finder:
        def find_spec(self, name, path, target=None):
            if name == "trio":
                sys.meta_path.remove(self)
                assert open(os.environ["STARTED"]).readline()
                exec(os.environ["MEANWHILE"])
                return None

    sys.meta_path.insert(0, Finder())
    sys.argv[0] = "paexec-trio"
    from paexec_trio.cli.launch import launch
    sys.exit(launch("paexec-trio"))
    """
"""The program, for which something happens in the middle of loading trio.

That is when the calculator has been started, and has told its process id."""

CALCULATOR = 'echo $$ >&2; echo >"$STARTED"; while read -r x; do echo "of $x"; echo; done'


def start(meanwhile: str, directory: Path, calculator: str = CALCULATOR) -> subprocess.Popen[bytes]:
    """Start the program with one node."""
    os.mkfifo(directory / "started")
    environment = {
        **os.environ,
        "STARTED": str(directory / "started"),
        "MEANWHILE": meanwhile,
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "-n", "+1", "-c", calculator],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )


def end(process: subprocess.Popen[bytes]) -> tuple[bytes, list[bytes], int]:
    """Wait for the end of the program, and check that the calculator has ended by then.

    Returns:
        Its output, its diagnostics and its status.
    """
    output, diagnostics = process.communicate(b"a\nb\n", timeout=LIMIT)
    pid, *lines = diagnostics.splitlines()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
    return output, lines, process.returncode


def test_nothing_is_lost_meanwhile(tmp_path: Path) -> None:
    output, diagnostics, status = end(start("pass", tmp_path))
    assert (output, diagnostics, status) == (b"of a\nof b\n", [], 0)


def test_the_calculator_works_meanwhile(tmp_path: Path) -> None:
    """It has its first task, and has done it."""
    os.mkfifo(tmp_path / "done")
    calculator = CALCULATOR.replace('echo "of', f"echo >'{tmp_path}/done'; echo \"of", 1)
    with start(f"open('{tmp_path}/done').readline()", tmp_path, calculator) as process:
        assert process.stdin
        process.stdin.write(b"a\n")
        process.stdin.close()
        process.stdin = None
        assert process.stdout
        assert process.stdout.readline() == b"of a\n"
        assert process.wait(LIMIT) == 0
        assert process.stderr
        process.stderr.close()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_program(signum: signal.Signals, tmp_path: Path) -> None:
    """END-030."""
    process = start(f"os.kill(os.getpid(), {signum})", tmp_path)
    _, diagnostics, status = end(process)
    assert (diagnostics, status) == ([], -signum)


def test_a_stop(tmp_path: Path) -> None:
    """END-044: the calculator stops, too, and both go on."""
    with start("os.kill(os.getpid(), signal.SIGTSTP)", tmp_path) as process:
        while state_of(process.pid) != "T":
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGCONT)
        output, diagnostics, status = end(process)
    assert (output, diagnostics, status) == (b"of a\nof b\n", [], 0)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(
    ("meanwhile", "line"),
    [
        ("raise MemoryError", b"paexec-trio: out of memory"),
        ("raise OSError(24, 'Too many open files')", b"paexec-trio: Too many open files"),
        (
            "raise ImportError('x.so: failed to map segment from shared object')",
            b"paexec-trio: out of memory",
        ),
        ("raise ImportError('it is broken')", b"paexec-trio: internal error: ImportError: it is b"),
        ("raise RuntimeError('odd')", b"paexec-trio: internal error: RuntimeError: odd"),
    ],
)
def test_an_error(meanwhile: str, line: bytes, tmp_path: Path) -> None:
    _, diagnostics, status = end(start(meanwhile, tmp_path))
    assert status == 1
    assert len(diagnostics) == 1
    assert diagnostics[0].startswith(line)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("KeyError", b"paexec-trio: internal error: TrioInternalError"),
        ("MemoryError", b"paexec-trio: out of memory"),
    ],
)
def test_an_error_of_the_loop_itself(error: str, line: bytes, tmp_path: Path) -> None:
    """Processes that trio cannot end are ended all the same."""
    meanwhile = f"""if True:
        from trio._core._io_epoll import EpollIOManager
        def fail(*_):
            raise {error}
        EpollIOManager.process_events = fail"""
    lingering = CALCULATOR + "; exec sleep 1000"
    _, diagnostics, status = end(start(meanwhile, tmp_path, lingering))
    assert status == 1
    assert len(diagnostics) == 1
    assert diagnostics[0].startswith(line)


def test_a_signal_and_an_error(tmp_path: Path) -> None:
    """A calculator that ignores the end of its input is ended."""
    calculator = "trap '' TERM; " + CALCULATOR + "; exec sleep 1000"
    meanwhile = "os.kill(os.getpid(), signal.SIGTERM); raise ImportError('broken')"
    _, diagnostics, status = end(start(meanwhile, tmp_path, calculator))
    assert status == 1
    assert len(diagnostics) == 1


def test_a_killed_program(tmp_path: Path) -> None:
    """END-032: the calculator sees the end of its input."""
    process = start("os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    assert process.stderr
    with closing(Witness(process.stderr.readline())) as calculator:
        calculator.wait()
    process.communicate(timeout=LIMIT)
    assert process.returncode == -signal.SIGKILL


def test_modules_that_are_not_needed_any_more_are_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module that is just being loaded gives up, even if it handles exceptions."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outer_module.py").write_text(
        "try:\n    import inner_module\nexcept Exception:\n    pass\n"
    )
    (tmp_path / "inner_module.py").write_text("")
    looks: list[None] = []
    with meanwhile(lambda: looks.append(None), lambda: len(looks) == 2):
        import_module("outer_module")
        raise AssertionError("it was loaded")
    assert not {"outer_module", "inner_module"} & sys.modules.keys()
    with meanwhile(lambda: looks.append(None), lambda: False):
        import_module("outer_module")
    assert {"outer_module", "inner_module"} <= sys.modules.keys()
    del sys.modules["outer_module"], sys.modules["inner_module"]


def test_the_action_can_use_what_is_being_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each module of the standard library is whole or not loaded when the action is called."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "outer_module.py").write_text("import inner_module, netrc\nimport another_module\n")
    (tmp_path / "inner_module.py").write_text("")
    (tmp_path / "another_module.py").write_text("")
    for name in ("netrc", "shlex"):  # the first imports the second
        monkeypatch.delitem(sys.modules, name, raising=False)
    was_loaded: list[bool] = []

    def use() -> None:
        was_loaded.append("netrc" in sys.modules)
        if was_loaded[-1]:
            assert sys.modules["netrc"].netrc

    with meanwhile(use, lambda: False):
        import_module("outer_module")
    assert was_loaded == [False, False, True]
    for name in ("outer_module", "inner_module", "another_module"):
        del sys.modules[name]
