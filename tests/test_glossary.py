"""Words that must not come back: in names, in docstrings and in comments; see glossary.toml."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = tomllib.loads((ROOT / "tests" / "glossary.toml").read_text())
PLACES = ("paexec_trio", "paexec_conformance", "conformance", "tests", "docs")


def words_of(name: str) -> str:
    """Return the words of a name, in small letters and between blanks."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)
    return f" {' '.join(words).lower()} "


def bad_prose_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a module with prose that the glossary rejects, and what is better."""
    docstrings = list(docstrings_in(text))
    for line, prose in (*docstrings, *comments_in(text)):
        yield from found(line, prose, GLOSSARY["phrases"])
    for line, prose in docstrings:
        yield from found(line, prose, GLOSSARY["beginnings"])


def found(line: int, prose: str, table: dict[str, str]) -> Iterator[tuple[int, str]]:
    for pattern, better in table.items():
        if match := re.search(pattern, prose, re.IGNORECASE):
            start = max(0, match.start() - 30)
            yield line, f"{prose[start : match.end() + 30]!r}: rather {better}"


def bad_names_in(module: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines in which a module defines a name that the glossary rejects."""
    yield from ((1, finding) for finding in rejections_of(module.stem))
    for node in ast.walk(ast.parse(module.read_bytes())):
        for name in names_defined_by(node):
            yield from ((getattr(node, "lineno", 1), finding) for finding in rejections_of(name))


def rejections_of(name: str) -> list[str]:
    table = GLOSSARY["names"].items()
    return [f"{name}: rather {better}" for bad, better in table if f" {bad} " in words_of(name)]


def names_defined_by(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.arg():
            return [node.arg]
        case ast.Name(ctx=ast.Store()):
            return [node.id]
        case ast.Attribute(ctx=ast.Store()):
            return [node.attr]
        case ast.alias(asname=str()):
            return [str(node.asname)]
    return []


def docstrings_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield each string that stands for itself, on one line: docstrings, also of attributes."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose = node.value.value
            if isinstance(prose, str):
                yield node.lineno, " ".join(prose.split())


def comments_in(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments, those on lines that follow each other as one."""
    begun, last, words = 0, 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            if line != last + 1:
                if words:
                    yield begun, " ".join(words)
                begun, words = line, []
            last = line
            words += token.string.lstrip("#: ").split()
    if words:
        yield begun, " ".join(words)


def modules_of(place: str) -> list[Path]:
    modules = sorted((ROOT / place).rglob("*.py"))
    assert modules, f"{place} has no modules"
    return modules


@pytest.mark.parametrize("place", PLACES)
def test_no_word_of_the_glossary_comes_back(place: str) -> None:
    findings = [
        f"{path.relative_to(ROOT)}:{line}: {finding}"
        for path in modules_of(place)
        for line, finding in bad_prose_in(path.read_text())
    ]
    assert not findings, "\n".join(findings)


def test_the_package_has_no_name_that_was_given_up() -> None:
    findings = [
        f"{path.relative_to(ROOT)}:{line}: {finding}"
        for path in modules_of("paexec_trio")
        for line, finding in bad_names_in(path)
    ]
    assert not findings, "\n".join(findings)


def test_the_search_finds_every_kind_of_word(tmp_path: Path) -> None:
    module = tmp_path / "amongothers.py"
    module.write_text(
        '''
"""What is left of a node."""
class WaitAmongOthers:
    DEAF: int = 1
    """Say whether it is."""
    def bury_nodes(self, depths):  # an octet could
        self.roomy = 1  # else be lost
'''
    )
    names = {finding.split(":")[0] for _, finding in bad_names_in(module)}
    assert names == {"amongothers", "WaitAmongOthers", "DEAF", "bury_nodes", "depths", "roomy"}
    assert [line for line, _ in bad_prose_in(module.read_text())] == [5, 6, 2]


@pytest.mark.parametrize("text", ["anything else", "or else: if x else y", "as long as so many as"])
def test_ordinary_english_passes(text: str) -> None:
    assert not list(bad_prose_in(f"# {text}\n"))
