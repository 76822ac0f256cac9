"""The files in ``docs/share/``: whether they are current, can be read, and are installed."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from docs.tools.share import ROOT, SHARE, completion_files, is_current, rendered
from paexec_trio.cli.programs import PROGRAMS

PAGES = [SHARE / "man/man1" / f"{program}.1" for program in PROGRAMS]
FILES = sorted(path for path in SHARE.rglob("*") if path.is_file())


def name_of(path: Path) -> str:
    return str(path.relative_to(SHARE))


def test_every_program_has_its_files() -> None:
    assert sorted([*PAGES, *completion_files()]) == FILES


@pytest.mark.parametrize("path", completion_files(), ids=name_of)
def test_completions_are_current(path: Path) -> None:
    assert path.read_text() == completion_files()[path], "run python -m docs.tools.share"


@pytest.mark.parametrize("path", completion_files(), ids=name_of)
def test_shells_can_read_the_completions(path: Path) -> None:
    shell = path.relative_to(SHARE).parts[0].partition("-")[0]
    done = subprocess.run([shell, "-n", path], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_manual_page_reads_without_warnings_and_names_everything(program: str) -> None:
    """Whether it is current in every word is a check of its own, which needs Sphinx."""
    text = " ".join(rendered(SHARE / "man/man1" / f"{program}.1").split())
    syntax = PROGRAMS[program]
    assert f"{program} - {syntax.summary}" in text
    for words in syntax.usage:
        assert f"{program} {words}" in text, "run python -m docs.tools.share"
    for option in syntax.options:
        help_text = " ".join(option.help)
        value = f" <{option.value}>" if option.value else ""
        names = ", ".join(name + value for name in option.spellings)
        sentence = f"{names} {help_text[0].upper()}{help_text[1:]}."
        assert sentence in text, "run python -m docs.tools.share"
    for names, _ in syntax.variables:
        assert names in text


def test_a_page_is_current_if_it_reads_the_same(tmp_path: Path) -> None:
    page = tmp_path / "page.1"
    text = '.TH "PAGE" "1"\n.SH NAME\npage \\- words\n'
    assert not is_current(page, text)
    page.write_text(text)
    assert is_current(page, '.\\" written otherwise\n.TH PAGE 1\n.SH "NAME"\npage \\- words\n')
    assert not is_current(page, text.replace("words", "other words"))


def test_a_page_with_warnings_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.1"
    page.write_text('.TH "PAGE" "1"\n.SH NAME\n\\*[nothing]\n')
    with pytest.raises(ValueError, match="nothing"):
        rendered(page)


def test_all_files_are_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    table = project["tool"]["setuptools"]["data-files"]
    installed = {
        Path(place, path.name)
        for place, patterns in table.items()
        for pattern in patterns
        for path in ROOT.glob(pattern)
    }
    assert installed == {path.relative_to(SHARE.parent) for path in FILES}
