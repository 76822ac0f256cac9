"""The options that the suite adds to those of pytest."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness.programs import COMPANIONS, NONE

if TYPE_CHECKING:
    import pytest


def add_options(parser: pytest.Parser) -> None:
    """Add the options of the suite, unless an earlier plugin of this run has added them."""
    group = parser.getgroup("conformance")
    if group.options:
        return
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
        f"with the name and version that CMD -V prints); {NONE}: expect no failure",
    )
    group.addoption(
        "--require-conformance",
        action="store_true",
        help="exit with status 1 unless the verdict is that the implementation conforms",
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
        "--network",
        action="store_true",
        help="run the tests that need hosts in network namespaces, too",
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
    if not 0 < factor < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number more than 0, not {text}")
    return factor
