"""pytest's door to the suite: options, the marker, the fixture ``stage`` and the verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness.judge import NOT_OFFERED, REQUIREMENTS, Judge, Tally, ids_of
from conformance.harness.profile import ProfileError
from conformance.harness.programs import COMPANIONS, NONE
from conformance.harness.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_HERE = Path(__file__).resolve().parent
_SELFTEST = _HERE / "selftest"

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
        help="its expected failures (default: by the output of CMD -V, from conformance/profiles)",
    )
    group.addoption(
        "--timeout-scale",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="multiply all time limits, for slow machines (default: %(default)s)",
    )


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
    """Leave out the tests of companions that are said not to exist."""
    absent = {name for name in COMPANIONS if config.getoption(f"--{name}") == NONE}
    left_out = [item for item in items if _companion(item) in absent]
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
        except ProfileError as error:
            raise pytest.UsageError(str(error)) from error
    return config.stash[_judge_key]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to judge with a suite, a registry and a profile that do not fit together."""
    names = {item.nodeid: _name(item) for item in session.items if _judged(item)}
    if names:
        items = [item for item in session.items if item.nodeid in names]
        _judge(session.config).check_items(items, names, _is_whole(session.config))


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """The stage of one test."""
    judge = _judge(request.config)
    missing = judge.not_offered(request.node)
    if missing:
        pytest.skip(f"{NOT_OFFERED}: {' '.join(missing)}")
    program = judge.program(_companion(request.node))
    stage = Stage(program, judge.implementation, tmp_path, judge.bound(_name(request.node)))
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
    judge = _judge(item.config)
    ids = ids_of(item)
    if call.when == "call":
        judge.judge(_name(item), ids, report, call.excinfo.value if call.excinfo else None)
    if report.failed:
        sentences = "\n".join(
            f"{i} ({judge.requirements[i].level}): {judge.requirements[i].sentence}" for i in ids
        )
        report.sections.append(("requirements", sentences))
        if _stage_key in item.stash:
            report.sections.append(("transcript", item.stash[_stage_key].evidence()))
    report.user_properties.append((REQUIREMENTS, ids))
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    tally = Tally()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                tally.add(report)
    if not tally.is_empty:
        terminalreporter.section("conformance")
        for line in (*_judge(config).introduction(), *tally.lines()):
            terminalreporter.line(line)
