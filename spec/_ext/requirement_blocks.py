"""Shows requirements: a compact block for each, the page of all of them, the tests that prove them.

sphinx-needs reads the directive ``requirement`` and resolves its roles; this extension puts its own
nodes in the place of that package's tables. The tests come from the markers of the conformance
suite, the verdicts from ``conformance/recorded``.
"""

from __future__ import annotations

import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective
from sphinx_needs.api import get_needs_view
from sphinx_needs.nodes import Need
from sphinx_needs.utils import add_doc

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from conformance.harness.again import SUITE
from conformance.harness.index import Proof, find_proofs
from conformance.harness.registry import Requirement, load_untested
from conformance.record import load_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sphinx.application import Sphinx
    from sphinx.util.typing import ExtensionMetadata

_SHORT = 20
"""The length of a word of code that is never broken."""

PAGES = "tests"
"""The directory of the pages that show the source of the tests."""


class Table(nodes.General, nodes.Element):
    """Where the table of all requirements belongs."""


class TableDirective(SphinxDirective):
    """The table of all requirements."""

    def run(self) -> list[nodes.Node]:
        """Leave it to the transform, which knows all pages."""
        add_doc(self.env, self.env.docname)  # sphinx-needs is to resolve references on this page
        return [Table()]


class Shown(SphinxPostTransform):
    """Puts blocks and the table in, before references in them are resolved."""

    default_priority = 5

    def run(self, **_: Any) -> None:
        """Replace the nodes of sphinx-needs, and that of the table."""
        for need in list(self.document.findall(Need)):
            need.replace_self(self._block(need))
        for table in list(self.document.findall(Table)):
            table.replace_self(self._table())
        for literal in self.document.findall(nodes.literal):
            if len(literal.astext()) <= _SHORT:
                literal["classes"].append("short")

    @cached_property
    def _requirements(self) -> dict[str, Requirement]:
        return {
            name: Requirement(
                name,
                need["level"],
                need["title"],
                need["docname"],
                " ".join(need["content"].split()),
            )
            for name, need in sorted(get_needs_view(self.app).items())
        }

    def _block(self, need: Need) -> nodes.Node:
        requirement = self._requirements[need["ids"][0]]
        block = nodes.container(ids=need["ids"], classes=["requirement", requirement.level.lower()])
        block["classes"].append("avoid-page-break")
        head = nodes.paragraph(classes=["requirement-head"])
        head += [_pill(requirement.level, "level"), nodes.Text(" ")]
        head += [self._link(requirement), nodes.Text(" ")]
        head += nodes.strong("", requirement.title)
        foot = nodes.container("", *self._proof(requirement), classes=["requirement-foot"])
        block += [head, *need.children, foot]
        return block

    def _link(self, requirement: Requirement) -> nodes.Node:
        page = self.app.builder.get_relative_uri(self.env.docname, requirement.chapter)
        uri = f"#{requirement.id}" if page in {"", "#"} else f"{page}#{requirement.id}"
        return nodes.reference(
            "", requirement.id, internal=True, refuri=uri, classes=["requirement-id"]
        )

    def _proof(self, requirement: Requirement) -> Iterator[nodes.Node]:
        """Yield the verdicts, then the tests."""
        verdicts = nodes.paragraph(classes=["requirement-verdicts"])
        for record in _RECORDS:
            verdict = record.verdict(requirement)
            one = nodes.inline(classes=["verdict"])
            one += [nodes.Text(f"{record.name}: "), _pill(verdict)]
            verdicts += [one, nodes.Text(" ")]
        proofs = _PROOFS.get(requirement.id, [])
        if requirement.id in _UNTESTED:
            verdicts += nodes.inline("", f"No test: {_UNTESTED[requirement.id]}")
        yield verdicts
        if proofs:
            listed = nodes.bullet_list(classes=["requirement-tests"])
            listed += [self._test(proof) for proof in proofs]
            count = f"{len(proofs)} test{'s' if len(proofs) > 1 else ''}"
            yield nodes.raw("", f"<details><summary>{count}</summary>", format="html")
            yield listed
            yield nodes.raw("", "</details>", format="html")

    def _test(self, proof: Proof) -> nodes.Node:
        text = nodes.literal("", f"{proof.file}::{proof.name}")
        if self.app.builder.format != "html":
            return nodes.list_item("", nodes.paragraph("", "", text))
        page = f"{PAGES}/{Path(proof.file).stem}"
        uri = self.app.builder.get_relative_uri(self.env.docname, page)
        link = nodes.reference("", "", text, internal=True, refuri=f"{uri}#{proof.name}")
        return nodes.list_item("", nodes.paragraph("", "", link))

    def _table(self) -> nodes.Node:
        names = [record.name for record in _RECORDS]
        table = nodes.table(classes=["requirements"])
        columns = ["Id", "Level", "Requirement", "Chapter", *names]
        group = nodes.tgroup(cols=len(columns))
        group += [nodes.colspec(colwidth=width) for width in (9, 8, 50, 13, *(10 for _ in names))]
        group += nodes.thead("", _row([[nodes.paragraph("", column)] for column in columns]))
        body = nodes.tbody()
        for requirement in self._requirements.values():
            body += self._table_row(requirement)
        group += body
        table += group
        return table

    def _table_row(self, requirement: Requirement) -> nodes.row:
        page = self.app.builder.get_relative_uri(self.env.docname, requirement.chapter)
        title = self.env.titles[requirement.chapter].astext()
        chapter = nodes.reference("", title, internal=True, refuri=page)
        what = [nodes.paragraph("", "", nodes.strong("", requirement.title))]
        what += [child.deepcopy() for child in self._contents[requirement.id]]
        cells: list[list[nodes.Node]] = [
            [nodes.paragraph("", "", self._link(requirement))],
            [nodes.paragraph("", "", _pill(requirement.level, "level"))],
            what,
            [nodes.paragraph("", "", chapter)],
        ]
        for record in _RECORDS:
            label = nodes.inline("", f"{record.name}: ", classes=["only-narrow"])
            cells.append([nodes.paragraph("", "", label, _pill(record.verdict(requirement)))])
        return _row(cells)

    @cached_property
    def _contents(self) -> dict[str, list[nodes.Node]]:
        """What stands in each requirement, by id."""
        chapters = {requirement.chapter for requirement in self._requirements.values()}
        return {
            need["ids"][0]: need.children
            for chapter in chapters
            for need in self.env.get_doctree(chapter).findall(Need)
        }


def _row(cells: list[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *content) for content in cells))


def _pill(word: str, kind: str = "status") -> nodes.inline:
    """A word on a colour."""
    return nodes.inline("", word, classes=["pill", kind, word.lower().replace(" ", "-")])


def sources(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield a page for each file of tests, with an anchor for each test that proves something."""
    formatter: HtmlFormatter[str] = HtmlFormatter(linespans="line", cssclass="highlight")
    lines: dict[str, dict[int, str]] = {}
    for proofs in _PROOFS.values():
        for proof in proofs:
            lines.setdefault(proof.file, {})[proof.line] = proof.name
    if app.builder.format == "html":
        for file, tests in sorted(lines.items()):
            text = highlight((SUITE / file).read_text(), PythonLexer(stripnl=False), formatter)
            for line, name in tests.items():
                text = text.replace(f'id="line-{line}"', f'id="{name}"')
            title = f"conformance/{file}"
            body = f"<h1>{title}</h1>{text}"
            yield f"{PAGES}/{Path(file).stem}", {"title": title, "body": body}, "page.html"


_PROOFS = find_proofs()
_RECORDS = load_records()
_UNTESTED = load_untested()


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register what is above."""
    app.add_node(Table)
    app.add_directive("requirement-table", TableDirective)
    app.add_post_transform(Shown)
    app.connect("html-collect-pages", sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
