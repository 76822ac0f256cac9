"""The engine with ``--results`` (the chapter Output per task of the spec)."""

from __future__ import annotations

import pytest

from paexec_trio.core import commands as do
from paexec_trio.core import events as on
from paexec_trio.core.accounting import Accounting
from paexec_trio.core.engine import Engine
from paexec_trio.core.execmode import ExecMode, call, preamble
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.settings import MAGIC_EOT, GraphSettings, Reassign, Settings, StderrMode
from tests.core.playbook import Playbook, burial, ended, finishing, names, reaped, started, stopping

DIRECTORY = b"results"


def test_nothing_is_stored_by_default() -> None:
    settings = Settings(nodes=names(1))
    assert settings.results == b""
    storing = settings._replace(results=DIRECTORY)
    assert storing.reads_stderr
    assert Engine(storing).fast_path is None


def test_a_result() -> None:
    """PTK-051, PTK-053, PTK-057: no prefix, task line or EOT line is stored."""
    playbook = started(1, results=DIRECTORY, show_task_id=True, print_task=True, print_eot=True)
    assert (
        playbook
        >> on.StdinChunk(b"a\n")
        << do.Write(b"1 a\n")
        << do.Send(0, b"a\n")
        >> on.NodeErrors(0, b"x")
        << do.StoreErrors(1, b"x")
        << do.PrintErrors(b"x")
        >> on.NodeOutput(0, b"of\n a")
        << do.StoreOutput(1, b"of\n")
        << do.Write(b"1 of\n")
        >> on.NodeOutput(0, b"\n\n")
        << do.StoreOutput(1, bytearray(b" a\n"))
        << do.Write(b"1  a\n")
        << do.StoreResult(1, b"a")
        << do.Write(b"1 \n")
        << do.ReadMore()
        >> on.NodeErrors(0, b"of no task")
        << do.PrintErrors(b"of no task")
    )


def test_a_failed_attempt() -> None:
    """PTK-055."""
    assert (
        started(2, results=DIRECTORY, on_death=Reassign())
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"x\n")
        << do.StoreOutput(1, b"x\n")
        << do.Write(b"x\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.Write(b"fatal\n")
        << do.DropStored(1)
        << burial(0)
        << do.Send(1, b"a\n")
        >> on.NodeOutput(1, b"\n")
        << do.StoreResult(1, b"a")
    )


def test_a_task_without_a_result() -> None:
    """PTK-061."""
    rules = Accounting(crash_limit=1)
    assert (
        started(2, results=DIRECTORY, on_death=Reassign(), accounting=rules)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.NodeOutput(0, b"x\n")
        << do.StoreOutput(1, b"x\n")
        << do.Write(b"x\n")
        >> on.NodeEnded(0)
        << do.CloseStdin(0)
        << do.StoreResult(1, b"a", reason=b"node lost")
        << do.Write(b"fatal\n")
        << burial(0)
    )


@pytest.mark.parametrize("grouping", [Grouping.GROUP, Grouping.KEEP_ORDER])
def test_all_options_that_keep_tasks_apart(grouping: Grouping) -> None:
    options = {"results": DIRECTORY, "stderr": StderrMode.GROUP, "tag": b"{}"}
    playbook = started(1, grouping=grouping, **options)  # type: ignore[arg-type]
    assert (
        playbook
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        >> on.NodeErrors(0, b"x")
        << do.StoreErrors(1, b"x")
        >> on.NodeOutput(0, b"of a\n\n")
        << do.StoreOutput(1, b"of a\n")
        << do.Hold(1, b"a\tof a\n")
        << do.StoreResult(1, b"a")
        << do.HoldErrors(1, b"x\n")
        << do.Release(1)
        << do.ReleaseErrors(1)
        << do.ReadMore()
    )


def test_lines_that_the_distributor_adds_to_those_of_a_command() -> None:
    """PTK-051: the blank line for no output, and the status."""
    mode = ExecMode(b"c")
    settings = Settings(
        nodes=names(1), eot=MAGIC_EOT, results=DIRECTORY, graph=GraphSettings(every_line=True)
    )
    marker = b"4711"
    assert (
        Playbook(settings, exec_mode=mode)
        >> on.RunStarted(marker)
        << do.StartNode(0)
        << do.ReadMore()
        >> on.NodeStarted(0, 1)
        >> on.StdinChunk(b"a\nb\n")
        << do.Send(0, preamble(mode, marker))
        << do.Send(0, call(b"a", marker))
        >> on.NodeOutput(0, b"\n4711\n")
        << do.StoreOutput(1, b"\nsuccess\n")
        << do.Write(b"\nsuccess\n")
        << do.StoreResult(1, b"a", len(b"\nsuccess\n"))
        << do.Send(0, call(b"b", marker))
        >> on.NodeOutput(0, b"\n\n\nx\n\n4711-failed 1\n4711\n")
        << do.StoreOutput(2, b"\n\n\nx\nfailure\n")
        << do.Write(b"\n\n\nx\nfailure\nb\n")
        << do.StoreResult(2, b"b", len(b"failure\n"))
        << do.ReadMore()
    )


def failure() -> do.Report:
    return do.Report(b"paexec-trio: storing results failed: full")


def test_files_that_cannot_be_written() -> None:
    """PTK-060."""
    assert (
        started(2, results=DIRECTORY)
        >> on.StdinChunk(b"a\n")
        << do.Send(0, b"a\n")
        << do.ReadMore()
        >> on.StoringFailed(b"full")
        << failure()
        << stopping(0, 1)
        >> on.NodeEnded(0)
        >> on.NodeReaped(0)
        >> reaped(1)
        << ended(1)
    )


def test_files_that_cannot_be_written_at_the_end() -> None:
    """PTK-060: the output is written all the same."""
    playbook = started(1, results=DIRECTORY) >> on.StdinEnded() << finishing(0) >> reaped(0)
    assert (
        playbook
        << do.DrainOutput()
        >> on.StoringFailed(b"full")
        << failure()
        >> on.OutputDrained()
        << do.Exit(1)
    )
