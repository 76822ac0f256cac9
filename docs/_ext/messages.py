"""A directive for messages of the programs and their causes; each message must be in the source."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import paexec_trio

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

SOURCE = Path(paexec_trio.__file__).parent

_logger = logging.getLogger(__name__)


@cache
def source() -> str:
    """Return the text of all modules, with a string that goes on in the next line in one piece."""
    text = "\n".join(path.read_text() for path in sorted(SOURCE.rglob("*.py")))
    return re.sub(r'"\s*\n\s*b?"', "", text)


def is_in_source(message: str) -> bool:
    """Return whether a string of the source is such a message: words in capitals stand for any."""
    parts = re.split(r"'?\b[A-Z]+\b'?", message)
    pattern = r"[^\"\n]{0,12}?".join(re.escape(part) for part in parts)
    return re.search(pattern, source()) is not None


class MessageTable(SphinxDirective):
    """A definition list, whose terms are messages."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the list, with the messages as literals."""
        made = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, made)
        for term in made.findall(nodes.term):
            message = term.astext()
            if not is_in_source(message):
                _logger.warning("no program says: %s", message, location=self.get_location())
            term.children = [nodes.literal(message, message)]
        return made.children


def setup(app: Sphinx) -> ExtensionMetadata:
    """Add the directive."""
    app.add_directive("message-table", MessageTable)
    return {"parallel_read_safe": True}
