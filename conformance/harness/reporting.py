"""The part of pytest's plugin that sees the whole run: it collects outcomes and reports them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.harness import pages
from conformance.harness.junit import count_expected_failures
from conformance.harness.outcome import Outcome
from conformance.harness.profile import profile_of
from conformance.harness.progress import Progress
from conformance.harness.recording import keep_recordings
from conformance.harness.results import Recorded, Results
from conformance.harness.scope import Scope
from conformance.harness.verdict import ExitStatus, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from conformance.harness.judge import Judge

OUTCOME = "conformance"
"""The name of the attribute of pytest's reports that holds the outcome of a test."""

SCOPE = "conformance_scope"
UNSOUND = "unsound"
"""Keys of the data that a worker of pytest-xdist hands over when it ends."""


class Reporter:
    """Collects what the tests of a run come to, wherever they run, and reports it.

    Args:
        config: that of the run.
        judge: the judge of the run, made when it is first needed.
        programs: the programs that the user has named, by option.
        is_to_judge: whether the run is about an implementation at all.
    """

    def __init__(
        self,
        config: pytest.Config,
        judge: Callable[[], Judge],
        programs: Mapping[str, str],
        is_to_judge: bool,
    ) -> None:
        self._config = config
        self._judge = judge
        self._programs = programs
        self._is_to_judge = is_to_judge
        self._recorded = Recorded()
        self._unsound = ""
        self._progress = Progress(self._tell)
        #: What of the suite the run is about, once that is known.
        self.scope: Scope | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        described = report.__dict__.get(OUTCOME)
        if described:
            outcome = Outcome.from_dict(described)
            self._recorded.add(outcome)
            self._progress.note(outcome.test, outcome.status)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._progress.total = len(session.items) or None  # the controller of workers has none

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._progress.total = len(ids)

    def _tell(self, line: str) -> None:
        """Write a line between the signs by which pytest shows single tests."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal:
            if self._config.get_terminal_writer().width_of_current_line:
                terminal.write("\n")
            terminal.write_line(line)
            terminal.flush()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker knows: its scope, and why it could not start."""
        output = getattr(node, "workeroutput", {})
        self._unsound = output.get(UNSOUND, self._unsound)
        if SCOPE in output:
            self.scope = Scope(**output[SCOPE])

    def _results(self) -> Results | None:
        """Return the result of the outcomes, if there are any."""
        if not self._recorded.outcomes:
            return None
        judge = self._judge()
        return Results(
            self._recorded.outcomes, self.scope, judge.requirements, judge.untested, judge.reopened
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, None, None]:
        """Decide about the exit status, and write what was asked for."""
        results = self._results()
        if self._unsound:
            session.exitstatus = ExitStatus.FAULT_OF_THE_SUITE
        elif results is None:
            if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and self._is_to_judge:
                session.exitstatus = ExitStatus.INCONCLUSIVE
        elif exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            # Other tests than those of the suite may have failed beside them.
            session.exitstatus = results.exit_status() or exitstatus
        conforms = results is not None and results.kind is Kind.CONFORMS
        if self._config.option.require_conformance and self._is_to_judge and not conforms:
            session.exitstatus = ExitStatus.NOT_AS_EXPECTED
        if results is not None:
            self._write(results)
        yield
        path = self._config.option.xmlpath
        if results is not None and path:
            count_expected_failures(Path(path))

    def _write(self, results: Results) -> None:
        judge = self._judge()
        option = self._config.option
        if option.print_profile:
            text = profile_of(results.outcomes, judge.profile, judge.features())
            option.print_profile.write_text(text)
        if option.report_dir:
            run = results.as_dict(judge.about() | {"seed": option.seed})
            keep_recordings(run["tests"], option.report_dir, self._programs)
            texts = {
                "results.json": json.dumps(run, indent=1) + "\n",
                "report.html": pages.report(run, option.spec_url),
            }
            if run["whole"]:
                texts["badge.svg"] = pages.badge(run)
            else:  # nor may that of another run look like one of this
                (option.report_dir / "badge.svg").unlink(missing_ok=True)
            for name, text in texts.items():
                (option.report_dir / name).write_text(text)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._unsound:
            terminalreporter.line(self._unsound)
        results = self._results()
        if results is None:
            return
        terminalreporter.section("conformance")
        for line in (
            *self._judge().introduction(),
            f"seed: {self._config.option.seed}",
            *results.lines(),
        ):
            terminalreporter.line(line)
