"""Chapter *Security considerations*."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


FORMS = [
    "$(touch %s)",
    "`touch %s`",
    "; touch %s;",
    "' ; touch %s '",
    '"; touch %s; "',
    "| touch %s",
    "$(touch\t%s)",
    "%%s\\n; touch %s",
]


@requirement("SEC-001")
@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
def test_tasks_are_not_evaluated(stage: Stage, remote: bool) -> None:
    place = ("-n", "host", "-t", stage.transport()) if remote else ("-n", "+1")
    evidence = stage.directory / "evaluated"
    tasks = [(form % evidence).encode() for form in FORMS]
    stage.connect = True
    stage.reply_with_results()
    run = stage.run(*place, "-i", "-c", stage.calculator(), feed=b"\n".join(tasks))
    assert stage.next_calculator().tasks == tasks
    assert run.stdout == b"".join(task + b"\n" + stage.result(task) + b"\n" for task in tasks)
    assert run.status == 0
    assert not evidence.exists(), "a task was evaluated"
