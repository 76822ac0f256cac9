"""The programs of this package, each with its command line; loaded by none of them."""

from __future__ import annotations

from paexec_trio.cli import options, paargs, pareorder, patop
from paexec_trio.cli.syntax import Syntax

PROGRAMS: dict[str, Syntax] = {
    "paexec-trio": options.SYNTAX,
    "paargs-trio": paargs.SYNTAX,
    "pareorder-trio": pareorder.SYNTAX,
    "patop-trio": patop.SYNTAX,
}
