"""How a usage error is shown: beside the same call without the fault, which works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

#: In the words and variables of a call: the path of a fake calculator, the directory of the test.
CALCULATOR = "CALCULATOR"
DIRECTORY = "DIRECTORY"


def _filled(stage: Stage, text: str) -> str:
    return text.replace(CALCULATOR, stage.calculator()).replace(DIRECTORY, str(stage.directory))


@dataclass(frozen=True)
class Call:
    """Arguments and variables of one call of a distributor."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, stage: Stage) -> Distributor:
        """Make the call with one task, ``t``, as its input."""
        return stage.run(
            *(_filled(stage, word) for word in self.words),
            environment={k: _filled(stage, v) for k, v in self.variables.items()},
            feed=b"t\n",
        )


def call(*words: str, **variables: str) -> Call:
    """Short for a call with these arguments and these environment variables."""
    return Call(words, variables)


#: The calls that were seen to work in this run.
_proven: set[str] = set()


def assert_works(stage: Stage, good: Call, tag: bytes = b"") -> None:
    """The call starts a calculator, hands it the task, prints its result and ends well.

    ``tag`` stands before the result. Many bad calls have the same good one beside them, which is
    made only once.
    """
    if repr(good) in _proven:
        return
    stage.reply_with_results()
    before = len(stage.calculators)
    run = good.run(stage)
    assert len(stage.calculators) > before, f"{good} started no calculator"
    assert run.stdout == tag + stage.result(b"t") + b"\n"
    assert run.status == 0
    _proven.add(repr(good))


def refuse(stage: Stage, bad: Call, good: Call, status: int = 1) -> Distributor:
    """Show that ``bad`` is a usage error while ``good``, which lacks its fault, is none."""
    assert_works(stage, good)
    stage.reply_with_results()
    before = stage.started
    run = bad.run(stage)
    told = f"exit status {run.status}, not {status}, after a usage error: {bad}"
    assert run.status == status, told
    assert stage.started == before, f"something was started in spite of a usage error: {bad}"
    assert run.stdout == b"", f"output {run.stdout!r} in spite of a usage error: {bad}"
    return run
