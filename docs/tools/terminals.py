"""Pictures of terminals, as SVG, from what programs wrote: colours and styles are kept."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

# Fonts that a page would fetch from another host.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", "monospace"
)


def terminal_svg(lines: Sequence[str], *, width: int = 64) -> str:
    """Return a picture of a terminal with these lines.

    Args:
        lines: text with escape sequences of ANSI for colours and styles.
        width: of the terminal, in characters.
    """
    console = Console(record=True, width=width, file=io.StringIO(), color_system="truecolor")
    for line in lines:
        console.print(Text.from_ansi(line), highlight=False)
    svg = console.export_svg(title="", code_format=_FORMAT, unique_id="terminal")
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"
