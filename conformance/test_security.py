"""Chapter *Security considerations*."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


@requirement("SEC-001")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
@pytest.mark.parametrize(
    "form",
    ["$(touch %s)", "`touch %s`", "; touch %s;", "' ; touch %s '", '"; touch %s; "', "| touch %s"],
)
def test_tasks_are_not_evaluated(stage: Stage, form: str, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    evidence = stage.directory / "evaluated"
    task = (form % evidence).encode()
    stage.connect = True
    stage.reply_with_results()
    run = stage.run(*place, "-i", "-c", stage.calculator(), feed=task + b"\n")
    assert stage.next_calculator().tasks == [task]
    assert run.stdout == task + b"\n" + stage.result(task) + b"\n"
    assert run.status == 0
    assert not evidence.exists(), "the task was evaluated"
