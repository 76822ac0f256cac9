"""pytest's door to the suite: options, the marker, the fixture ``stage`` and the verdicts."""

from __future__ import annotations

import os
import random
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance.harness.again import command_line
from conformance.harness.asking import Answer
from conformance.harness.judge import BOUND, NOT_OFFERED, Judge, UnsoundError, ids_of
from conformance.harness.junit import STATUS
from conformance.harness.network.hosts import why_not
from conformance.harness.options import add_options
from conformance.harness.order import dealt
from conformance.harness.outcome import InconclusiveError, Outcome, Status
from conformance.harness.overlap import MOST, Overlap
from conformance.harness.profile import ProfileError
from conformance.harness.programs import COMPANIONS, NONE, whole
from conformance.harness.recording import replay_command
from conformance.harness.registry import load_requirements
from conformance.harness.reporting import OUTCOME, SCOPE, UNSOUND, Reporter
from conformance.harness.scope import Scope, find_unread
from conformance.harness.stage import Stage
from conformance.harness.verdict import ExitStatus
from conformance.harness.watch import QUIET

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_HERE = Path(__file__).resolve().parent
_SELFTEST = _HERE / "selftest"

_judge_key = pytest.StashKey[Judge]()
_stage_key = pytest.StashKey[Stage]()
_made_key = pytest.StashKey[dict[str, pytest.Item]]()
_reporter_key = pytest.StashKey[Reporter]()
_overlap_key = pytest.StashKey[Overlap]()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


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
    config.addinivalue_line(
        "markers", "lasting(seconds): how long it takes at most to see that a program fails a test"
    )
    config.addinivalue_line(
        "markers", "network: needs hosts in network namespaces; left out without --network"
    )
    # A debugger needs the test in its process. Short waits are over before they are seen to be any.
    is_allowed = not config.option.usepdb and BOUND * config.option.timeout_scale > QUIET
    config.stash[_overlap_key] = Overlap(config, MOST // _workers(config), is_allowed=is_allowed)
    if _is_worker(config):
        return
    _check_options(config)
    if config.option.seed is None:
        config.option.seed = secrets.randbits(32)
    directory = config.option.report_dir
    if directory:
        config.option.xmlpath = config.option.xmlpath or str(directory / "junit.xml")
    reporter = Reporter(config, lambda: _judge(config), _programs(config), _is_to_judge(config))
    config.stash[_reporter_key] = reporter
    config.pluginmanager.register(reporter)


def _check_options(config: pytest.Config) -> None:
    """Refuse what would come to light after the run, or never."""
    option = config.option
    if sys.flags.optimize and _is_to_judge(config):
        raise pytest.UsageError("the suite needs its assertions: no -O, no PYTHONOPTIMIZE")
    unknown = set(option.requirement or ()) - set(load_requirements())
    if unknown:
        raise pytest.UsageError(f"--requirement: no requirement {' '.join(sorted(unknown))}")
    if option.report_dir:
        try:
            option.report_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise pytest.UsageError(
                f"--report-dir: {option.report_dir}: {error.strerror}"
            ) from error
    if option.print_profile:
        _check_file_of_profile(option.print_profile)


def _check_file_of_profile(file: Path) -> None:
    """Refuse a file that the profile cannot, or should not, be written to."""
    if file.suffix == ".py" or "::" in file.name:  # a test, if FILE was left out
        fault = f"{file} is a test; name the file to write, such as profile.toml"
    elif file.is_dir():
        fault = f"{file} is a directory; name a file in it, such as {file / 'profile.toml'}"
    elif not os.access(file.parent, os.W_OK):
        fault = f"cannot write {file}"
    else:
        return
    raise pytest.UsageError(f"--print-profile: {fault}")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of pytest-xdist the seed, and what the implementation says about itself."""
    config = node.config
    node.workerinput["conformance_seed"] = config.option.seed
    if _is_to_judge(config):
        answers = {option: tuple(answer) for option, answer in _judge(config).answers.items()}
        node.workerinput["conformance_answers"] = answers


def _workers(config: pytest.Config) -> int:
    """Return how many processes the tests of this run are shared among."""
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    return workers


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


@pytest.hookimpl(wrapper=True, trylast=True)  # before any option or plugin drops tests
def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class,
) -> Generator[None, object, object]:
    """Note which tests there are."""
    made = yield
    if isinstance(made, list):
        tests = collector.config.stash.setdefault(_made_key, {})
        tests.update((_name(item), item) for item in made if _judged(item))
    return made


def _companion(item: pytest.Item) -> str | None:
    """The companion program that a test is about."""
    mark = item.get_closest_marker("companion")
    return mark.args[0] if mark else None


def _is_networked(item: pytest.Item) -> bool:
    """Whether a test needs hosts in network namespaces."""
    return item.get_closest_marker("network") is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of companions that are said not to exist, and those not asked for.

    Bring the rest into the order in which they are to begin.
    """
    absent = _judge(config).absent_companions() if _is_to_judge(config) else set()
    wanted = config.getoption("--requirement")
    has_hosts = config.getoption("--network")
    left_out = [
        item
        for item in items
        if _companion(item) in absent
        or (not has_hosts and _is_networked(item))
        or (wanted and not set(wanted) & set(ids_of(item)))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items[:] = dealt(items, _workers(config))


def _judged(item: pytest.Item) -> bool:
    return item.path.is_relative_to(_HERE) and not item.path.is_relative_to(_SELFTEST)


def _name(item: pytest.Item) -> str:
    """The name of a test in profiles: file, ``::``, function and parameters."""
    return f"{item.path.name}::{item.name}"


def _scope(config: pytest.Config, chosen: list[pytest.Item]) -> Scope:
    """Return the part of the suite that a run of these tests covers."""
    judge = _judge(config)
    made = config.stash.get(_made_key, {})
    names = {_name(item) for item in chosen}
    absent = judge.absent_companions() - judge.hidden_companions()
    others = {name: item for name, item in made.items() if name not in names}
    networked = {
        name
        for name, item in others.items()
        if _is_networked(item) and not config.getoption("--network")
    }
    others = {name: item for name, item in others.items() if name not in networked}
    left_out = {name for name, item in others.items() if _companion(item) not in absent}
    return Scope(
        chosen={_name(item): ids_of(item) for item in chosen},
        left_out={name: ids_of(item) for name, item in others.items() if name in left_out},
        absent={name: ids_of(item) for name, item in others.items() if name not in left_out},
        networked={name: ids_of(made[name]) for name in networked},
        unread=find_unread(_HERE, made),
    )


def _judge(config: pytest.Config) -> Judge:
    """The judge of this run; a worker makes its own when it is first needed."""
    if _judge_key not in config.stash:
        config.stash[_judge_key] = _make_judge(config)
    return config.stash[_judge_key]


def _make_judge(config: pytest.Config) -> Judge:
    return Judge(
        config.getoption("--impl"),
        {name: config.getoption(f"--{name}") for name in COMPANIONS},
        config.getoption("--profile"),
        config.getoption("--timeout-scale"),
        _answers(config),
        _tell,
    )


def _tell(line: str) -> None:
    print(f"conformance: {line}", file=sys.stderr)


def _answers(config: pytest.Config) -> dict[str, Answer]:
    """Return the implementation's answers, as the controller of a worker got them."""
    answers = getattr(config, "workerinput", {}).get("conformance_answers", {})
    return {option: Answer(*answer) for option, answer in answers.items()}


def _is_to_judge(config: pytest.Config) -> bool:
    """Whether the arguments ask for tests of an implementation."""
    paths = [Path(arg.split("::")[0]).resolve() for arg in config.args]
    return any(
        _HERE.is_relative_to(path)
        or (path.is_relative_to(_HERE) and not path.is_relative_to(_SELFTEST))
        for path in paths
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """Say in one line why nothing can be judged, before pytest says anything."""
    option = config.option
    if option.help or option.version or _is_worker(config) or not _is_to_judge(config):
        return None
    if getattr(option, "numprocesses", None) and option.dist == "no":
        # The longest tests are those of a few files: otherwise one worker is left with all of them.
        option.dist = "worksteal"
    try:
        config.stash[_judge_key] = _make_judge(config)
    except InconclusiveError as error:
        status = ExitStatus.INCONCLUSIVE
        line = str(error)
    except ProfileError as error:
        status = ExitStatus.FAULT_OF_THE_SUITE
        line = str(error)
    else:
        reason = why_not() if option.network else ""
        if not reason:
            return None
        status = ExitStatus.INCONCLUSIVE
        line = f"--network: {reason}"
    _tell(line)
    return ExitStatus.NOT_AS_EXPECTED if option.require_conformance else status


@pytest.hookimpl(tryfirst=True)  # before a worker tells which tests it has
def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to judge with a suite, a registry and a profile that do not fit together."""
    names = {item.nodeid: _name(item) for item in session.items if _judged(item)}
    if not names:
        return
    config = session.config
    items = [item for item in session.items if item.nodeid in names]
    scope = _scope(config, items)
    if _is_worker(config):
        config.workeroutput[SCOPE] = scope.as_dict()  # type: ignore[attr-defined]
    else:
        config.stash[_reporter_key].scope = scope
    try:
        _judge(config).check_items(items, names, scope)
    except UnsoundError as error:
        if not _is_worker(config):
            required = config.option.require_conformance
            pytest.exit(
                str(error),
                ExitStatus.NOT_AS_EXPECTED if required else ExitStatus.FAULT_OF_THE_SUITE,
            )
        config.workeroutput[UNSOUND] = str(error)  # type: ignore[attr-defined]
        session.items.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Wait for the tests that others did not wait for."""
    overlap = session.config.stash[_overlap_key]
    try:
        done = yield
        if not session.shouldfail and not session.shouldstop:
            overlap.finish()
        return done
    finally:
        overlap.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> bool | None:
    """Run a test in a process of its own if it lasts long, or once one has failed."""
    overlap = item.config.stash[_overlap_key]
    if not _judged(item) or not overlap.takes(item):
        overlap.report()
        return None
    overlap.run(item)
    return True


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
        program,
        judge.implementation,
        judge.profile.features,
        tmp_path,
        judge.bounds(name),
        dice,
        request.config.stash[_overlap_key].tell_idle,
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
    for told in (item, report):  # pytest writes down what the last report of a test says
        told.user_properties.append((STATUS, str(outcome.status)))
    _show(outcome, report)
    if report.failed:
        report.sections.append(("requirements", judge.sentences(ids)))
        expectation = judge.expectation(outcome.test)
        report.sections.append(("verdict", f"{outcome.status}: {outcome.message}\n({expectation})"))
    evidence = recording = ""
    again = _again(item)
    stage = item.stash.get(_stage_key, None)
    if stage and (stage.has_hung or outcome.status is Status.FAIL):
        item.config.stash[_overlap_key].begin()
    if error and stage:
        evidence, recording = stage.evidence(), stage.recording(_about(item, outcome))
        if report.failed:
            report.sections.append(("transcript", evidence))
            report.sections.append(("again", "\n".join([again, *_replayed(item, recording)])))
    described = outcome.with_evidence(
        evidence, again, recording, stage.patience_used if stage else 0.0
    ).as_dict()
    report.__dict__[OUTCOME] = described  # which passes through pytest-xdist
    return report


def _show(outcome: Outcome, report: pytest.TestReport) -> None:
    """Let pytest show a test as the verdict on it says."""
    if outcome.status in {Status.EXPECTED, Status.REMARK}:
        report.outcome = "skipped"
        report.wasxfail = outcome.message
    elif outcome.status in {Status.FAIL, Status.UNEXPECTED} and report.passed:
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
    """Describe the recording for its reader."""
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
