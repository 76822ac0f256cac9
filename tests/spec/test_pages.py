"""The pages of the specification: each requirement with its level, its tests and its verdicts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from bs4 import BeautifulSoup, Tag

from conformance.harness.registry import load_requirements, load_untested
from conformance.record import load_records

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]


class Pages:
    """A directory of pages, each of which is read once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._read: dict[Path, BeautifulSoup] = {}

    def page(self, path: Path) -> BeautifulSoup:
        if path not in self._read:
            self._read[path] = BeautifulSoup(path.read_text(), "html.parser")
        return self._read[path]

    def chapter(self, name: str) -> BeautifulSoup:
        return self.page(self.directory / f"{name}.html")

    def leads_somewhere(self, page: str, link: Tag) -> bool:
        """Whether a link of a page leads to an element that exists."""
        target, _, anchor = str(link["href"]).partition("#")
        path = (self.directory / page).with_name(target) if "/" not in target else None
        path = path or (self.directory / page).parent / target
        return bool(self.page(path).find(id=anchor))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    out = tmp_path_factory.mktemp("pages")
    sphinx = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going"]
    subprocess.run([*sphinx, ROOT / "spec", out], check=True)
    return Pages(out)


@pytest.fixture(scope="module")
def proofs() -> dict[str, list[str]]:
    """The index of tests by requirement, made without pytest, which checks markers."""
    text = """if True:
        import json
        from conformance.harness.index import find_proofs
        found = {name: [[p.file, p.name] for p in proofs] for name, proofs in find_proofs().items()}
        print(json.dumps(found))
    """
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, check=True)
    found = json.loads(done.stdout)
    return {name: ["::".join(proof) for proof in proofs] for name, proofs in found.items()}


def words(tag: Tag | None) -> str:
    assert tag is not None
    return " ".join(tag.get_text(" ").split())


def blocks(pages: Pages) -> Iterator[tuple[str, Tag]]:
    """Yield the block of each requirement."""
    for name, requirement in load_requirements().items():
        block = pages.chapter(requirement.chapter).find(id=name)
        assert isinstance(block, Tag), name
        yield name, block


def test_each_requirement_shows_its_level_in_words_and_in_colour(pages: Pages) -> None:
    for name, block in blocks(pages):
        requirement = load_requirements()[name]
        head = block.find(class_="requirement-head")
        assert words(head if isinstance(head, Tag) else None) == (
            f"{requirement.level} {name} {words(BeautifulSoup(requirement.title, 'html.parser'))}"
        )
        assert requirement.level.lower() in block["class"]
        assert not block.find("table"), name


def test_each_requirement_leads_to_its_tests(pages: Pages, proofs: dict[str, list[str]]) -> None:
    for name, block in blocks(pages):
        links = block.select(".requirement-tests a")
        assert [words(link) for link in links] == proofs.get(name, []), name
        assert links or load_untested()[name] in words(block).replace(" .", ".")
        page = f"{load_requirements()[name].chapter}.html"
        assert all(pages.leads_somewhere(page, link) for link in links), name


def test_a_link_to_a_test_leads_to_its_first_line(pages: Pages) -> None:
    page = pages.page(pages.directory / "tests" / "test_eot.html")
    line = page.find(id="test_only_the_eot_ends_a_task")
    assert isinstance(line, Tag)
    assert "requirement" in line.get_text()


def test_each_requirement_shows_the_recorded_verdicts(pages: Pages) -> None:
    records = load_records()
    assert [record.name.split()[0] for record in records] == ["paexec-trio", "paexec", "paexec"]
    for name, block in blocks(pages):
        found = [words(tag) for tag in block.select(".verdict")]
        requirement = load_requirements()[name]
        assert found == [f"{record.name}: {record.verdict(requirement)}" for record in records]


def test_the_page_of_all_requirements(pages: Pages) -> None:
    records = load_records()
    page = pages.chapter("requirements")
    head, *rows = page.select("table.requirements tr")
    names = [record.name for record in records]
    assert [words(cell) for cell in head.select("th")] == [
        "Id", "Level", "Requirement", "Chapter", *names,
    ]  # fmt: skip
    assert len(rows) == len(load_requirements())
    for row, requirement in zip(rows, load_requirements().values(), strict=True):
        cells = row.select("td")
        assert words(cells[0]) == requirement.id
        assert words(cells[1]) == requirement.level
        block = pages.chapter(requirement.chapter).find(id=requirement.id)
        assert isinstance(block, Tag)
        sentence = [words(tag) for tag in block.find_all(["p"], recursive=False)[1:]]
        assert words(cells[2]).endswith(" ".join(sentence))
        assert all(
            pages.leads_somewhere("requirements.html", link) for link in cells[0].select("a")
        )
        assert words(cells[3]) == words(pages.chapter(requirement.chapter).find("h1")).rstrip("¶# ")
        pills = [words(tag) for cell in cells[4:] for tag in cell.select(".pill")]
        assert pills == [record.verdict(requirement) for record in records]


def test_no_page_needs_a_network(pages: Pages) -> None:
    for path in pages.directory.glob("*.html"):
        for tag in pages.page(path).find_all(["script", "img", "link"]):
            assert isinstance(tag, Tag)
            address = str(tag.get("src") or tag.get("href") or "")
            assert "//" not in address, f"{path.name}: {address}"


def test_the_index_of_tests_is_what_pytest_collects(proofs: dict[str, list[str]]) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", ROOT / "conformance", "--impl=true", "-q"),
            *("--collect-only", "-p", "tests.spec.listing", "-p", "no:cacheprovider", "-s"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("shown by: "))
    collected = json.loads(line.removeprefix("shown by: "))
    assert collected == {name: sorted(tests) for name, tests in proofs.items()}
