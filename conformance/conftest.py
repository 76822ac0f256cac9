"""pytest's door to the suite: options, the marker, the fixture ``stage`` and the verdicts."""

from __future__ import annotations

import argparse
import json
import random
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.harness import pages
from conformance.harness.again import command_line
from conformance.harness.judge import NOT_OFFERED, Judge, UnsoundError, ids_of
from conformance.harness.outcome import InconclusiveError, Outcome, Status
from conformance.harness.profile import ProfileError, profile_of
from conformance.harness.programs import COMPANIONS, NONE, whole
from conformance.harness.recording import keep_recordings, replay_command
from conformance.harness.results import ExitStatus, Results
from conformance.harness.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_HERE = Path(__file__).resolve().parent
_SELFTEST = _HERE / "selftest"

_DESCRIPTION = "conformance"
"""The name of an attribute of reports."""

_judge_key = pytest.StashKey[Judge]()
_stage_key = pytest.StashKey[Stage]()
_narrowed_key = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption(
        "--impl",
        default="paexec-trio",
        metavar="'CMD ARGS'",
        help="the implementation under test (default: %(default)s)",
    )
    for name in COMPANIONS:
        group.addoption(
            f"--{name}",
            metavar="'CMD ARGS'",
            help=f"its companion program {name} (default: the one beside it); "
            f"{NONE}: there is none, leave out the tests of it",
        )
    group.addoption(
        "--profile",
        type=Path,
        metavar="FILE",
        help="what it lacks, and its expected failures (default: the one in conformance/profiles "
        "with the name and version that CMD -V prints)",
    )
    group.addoption(
        "--timeout-scale",
        type=_factor,
        default=1.0,
        metavar="FACTOR",
        help="multiply all time limits, for slow machines (default: %(default)s)",
    )
    group.addoption(
        "--requirement",
        action="append",
        metavar="ID",
        help="run the tests of this requirement only; can be given several times",
    )
    group.addoption(
        "--seed",
        type=int,
        metavar="N",
        help="what the octets in results follow from that nobody can guess (default: any)",
    )
    group.addoption(
        "--report-dir",
        type=Path,
        metavar="DIR",
        help="write results.json, junit.xml, report.html and badge.svg there",
    )
    group.addoption(
        "--spec-url",
        default="",
        metavar="URL",
        help="where the built specification is, for the links in report.html",
    )
    group.addoption(
        "--print-profile",
        type=Path,
        metavar="FILE",
        help="write a profile: features, and what has failed, known reasons included",
    )


def _factor(text: str) -> float:
    """A number that times are multiplied by."""
    factor = float(text)
    if not factor > 0:
        raise argparse.ArgumentTypeError(f"must be more than 0, not {text}")
    return factor


@pytest.hookimpl(tryfirst=True)  # before junit.xml is opened
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "requirement(*ids): the requirements of the specification that a test shows"
    )
    config.addinivalue_line(
        "markers", "companion(name): the stage starts this companion program instead of paexec"
    )
    config.addinivalue_line(
        "markers",
        "extension(*options): left out unless the help of the implementation names these options",
    )
    if _is_worker(config):
        return
    if config.option.seed is None:
        config.option.seed = secrets.randbits(32)
    directory = config.option.report_dir
    if directory:
        directory.mkdir(parents=True, exist_ok=True)
        config.option.xmlpath = config.option.xmlpath or str(directory / "junit.xml")
    config.pluginmanager.register(_Recorder(config))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give the seed to a worker of pytest-xdist."""
    node.workerinput["conformance_seed"] = node.config.option.seed


def _is_worker(config: pytest.Config) -> bool:
    """Whether this is a worker of pytest-xdist, which reports to another process."""
    return hasattr(config, "workerinput")


def _seed(config: pytest.Config) -> int:
    workerinput = getattr(config, "workerinput", {})
    seed: int = workerinput.get("conformance_seed", config.option.seed)
    return seed


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the suite's tests of itself alone unless they are asked for."""
    if collection_path != _SELFTEST:
        return None
    asked = [Path(arg.split("::")[0]).resolve() for arg in config.args]
    return None if any(path.is_relative_to(_SELFTEST) for path in asked) else True


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        items[0].config.stash[_narrowed_key] = True


def _companion(item: pytest.Item) -> str | None:
    """The companion program that a test is about."""
    mark = item.get_closest_marker("companion")
    return mark.args[0] if mark else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of companions that are said not to exist, and those not asked for."""
    absent = _judge(config).absent_companions() if _is_to_judge(config) else set()
    wanted = config.getoption("--requirement")
    left_out = [
        item
        for item in items
        if _companion(item) in absent or (wanted and not set(wanted) & set(ids_of(item)))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _judged(item: pytest.Item) -> bool:
    return item.path.is_relative_to(_HERE) and not item.path.is_relative_to(_SELFTEST)


def _name(item: pytest.Item) -> str:
    """The name of a test in profiles: file, ``::``, function and parameters."""
    return f"{item.path.name}::{item.name}"


def _is_whole(config: pytest.Config) -> bool:
    """Whether the run is about the whole suite, so that what is missing can be missed."""
    paths = [Path(arg).resolve() for arg in config.args if "::" not in arg]
    return not config.stash.get(_narrowed_key, False) and any(
        _HERE.is_relative_to(path) for path in paths
    )


def _judge(config: pytest.Config) -> Judge:
    """The judge of this run, made when it is first needed."""
    if _judge_key not in config.stash:
        try:
            config.stash[_judge_key] = Judge(
                config.getoption("--impl"),
                {name: config.getoption(f"--{name}") for name in COMPANIONS},
                config.getoption("--profile"),
                config.getoption("--timeout-scale"),
            )
        except InconclusiveError as error:
            pytest.exit(str(error), ExitStatus.COULD_NOT_TELL)
        except ProfileError as error:
            pytest.exit(str(error), ExitStatus.FAULT_OF_THE_SUITE)
    return config.stash[_judge_key]


def _is_to_judge(config: pytest.Config) -> bool:
    """Whether the arguments ask for tests of an implementation."""
    paths = [Path(arg.split("::")[0]).resolve() for arg in config.args]
    return any(
        _HERE.is_relative_to(path)
        or (path.is_relative_to(_HERE) and not path.is_relative_to(_SELFTEST))
        for path in paths
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Fail at once if there is nothing to judge, not in each worker."""
    if not _is_worker(session.config) and _is_to_judge(session.config):
        _judge(session.config)


@pytest.hookimpl(tryfirst=True)  # before a worker tells which tests it has
def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to judge with a suite, a registry and a profile that do not fit together."""
    names = {item.nodeid: _name(item) for item in session.items if _judged(item)}
    if not names:
        return
    items = [item for item in session.items if item.nodeid in names]
    try:
        _judge(session.config).check_items(items, names, _is_whole(session.config))
    except UnsoundError as error:
        if not _is_worker(session.config):
            pytest.exit(str(error), ExitStatus.FAULT_OF_THE_SUITE)
        session.config.workeroutput["unsound"] = str(error)  # type: ignore[attr-defined]
        session.items.clear()


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """The stage of one test."""
    judge = _judge(request.config)
    there = judge.offered_against_profile(request.node)
    if there:
        pytest.fail(f"the profile says that there is no {' '.join(there)}, but the help names it")
    missing = judge.not_offered(request.node)
    if missing:
        pytest.skip(f"{NOT_OFFERED}: {' '.join(missing)}")
    program = judge.program(_companion(request.node))
    name = _name(request.node)
    dice = random.Random(f"{_seed(request.config)} {name}")  # noqa: S311 (nobody attacks)
    stage = Stage(
        program, judge.implementation, judge.profile.features, tmp_path, judge.bounds(name), dice
    )
    request.node.stash[_stage_key] = stage
    yield stage
    stage.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not _judged(item):
        return report
    ids = ids_of(item)
    report.user_properties.append(("requirements", ids))
    if call.when != "call" and not call.excinfo:
        return report
    judge = _judge(item.config)
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, pytest.skip.Exception):
        outcome = Outcome(_name(item), tuple(ids), Status.SKIP, str(error))
    else:
        outcome = judge.judge(_name(item), ids, error)
    _show(outcome, report)
    if report.failed:
        report.sections.append(("requirements", judge.sentences(ids)))
        expectation = judge.expectation(outcome.test)
        report.sections.append(("verdict", f"{outcome.status}: {outcome.message}\n({expectation})"))
    evidence = recording = ""
    again = _again(item)
    stage = item.stash.get(_stage_key, None)
    if error and stage:
        evidence, recording = stage.evidence(), stage.recording(_about(item, outcome))
        if report.failed:
            report.sections.append(("transcript", evidence))
            report.sections.append(("again", "\n".join([again, *_replayed(item, recording)])))
    described = outcome.with_evidence(
        evidence, again, recording, stage.patience_used if stage else 0.0
    ).as_dict()
    report.__dict__[_DESCRIPTION] = described  # which passes through pytest-xdist
    return report


def _show(outcome: Outcome, report: pytest.TestReport) -> None:
    """Let pytest show a test as the verdict on it says."""
    if outcome.status in {Status.EXPECTED, Status.REMARK}:
        report.outcome = "skipped"
        report.wasxfail = outcome.message
    elif outcome.status is Status.FAIL and report.passed:
        report.outcome = "failed"
        report.longrepr = outcome.message


def _again(item: pytest.Item) -> str:
    """The command that runs one test alone."""
    option = item.config.option
    words = [_name(item)]
    words += [f"--{name}={value}" for name, value in _programs(item.config).items()]
    if option.profile is not None:
        path = option.profile if str(option.profile) == NONE else option.profile.absolute()
        words.append(f"--profile={path}")
    if option.timeout_scale != 1:
        words.append(f"--timeout-scale={option.timeout_scale:g}")
    return command_line(*words, f"--seed={_seed(item.config)}")


def _about(item: pytest.Item, outcome: Outcome) -> dict[str, Any]:
    """What the reader of a recording wants to know."""
    return {
        "test": outcome.test,
        "companion": _companion(item),
        "sentences": _judge(item.config).sentences(outcome.requirements),
        "message": outcome.message,
    }


def _replayed(item: pytest.Item, recording: str) -> Iterator[str]:
    """Keep a recording among the files of its test; the command that replays it."""
    if recording:
        path = item.stash[_stage_key].directory / "recording"
        path.write_text(recording, errors="surrogateescape")
        yield replay_command(str(path), _programs(item.config))


def _programs(config: pytest.Config) -> dict[str, str]:
    """The programs that were named, by option, with their whole paths."""
    named = {name: config.getoption(f"--{name}") for name in ("impl", *COMPANIONS)}
    return {name: whole(command) for name, command in named.items() if command is not None}


class _Recorder:
    """Collects what the tests of a run come to, wherever they run, and reports it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results: Results | None = None
        self._unsound = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        described = report.__dict__.get(_DESCRIPTION)
        if described:
            if self._results is None:
                judge = _judge(self._config)
                self._results = Results(judge.requirements, judge.untested, judge.reopened)
            self._results.add(Outcome.from_dict(described))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker says that could not start."""
        self._unsound = getattr(node, "workeroutput", {}).get("unsound", self._unsound)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Decide about the exit status, and write what was asked for."""
        if self._unsound:
            session.exitstatus = ExitStatus.FAULT_OF_THE_SUITE
        elif self._results is None:
            if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and _is_to_judge(self._config):
                session.exitstatus = ExitStatus.COULD_NOT_TELL
        elif exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            # Other tests than those of the suite may have failed beside them.
            session.exitstatus = self._results.exit_status() or exitstatus
        if self._results is not None:
            self._write(self._results)

    def _write(self, results: Results) -> None:
        judge = _judge(self._config)
        option = self._config.option
        if option.print_profile:
            text = profile_of(results.outcomes, judge.profile, judge.features())
            option.print_profile.write_text(text)
        if option.report_dir:
            run = results.as_dict(judge.about() | {"seed": option.seed})
            keep_recordings(run["tests"], option.report_dir, _programs(self._config))
            for name, text in {
                "results.json": json.dumps(run, indent=1) + "\n",
                "report.html": pages.report(run, option.spec_url),
                "badge.svg": pages.badge(run),
            }.items():
                (option.report_dir / name).write_text(text)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._unsound:
            terminalreporter.line(self._unsound)
        if self._results is None:
            return
        terminalreporter.section("conformance")
        for line in (
            *_judge(self._config).introduction(),
            f"seed: {self._config.option.seed}",
            *self._results.lines(),
        ):
            terminalreporter.line(line)
