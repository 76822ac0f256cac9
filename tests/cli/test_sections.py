"""The sections of the help: each option stands in one of them."""

from __future__ import annotations

import pytest

from paexec_trio.cli.programs import PROGRAMS
from paexec_trio.cli.sections import PAARGS_SECTIONS, SECTIONS
from paexec_trio.cli.syntax import Syntax


@pytest.mark.parametrize("syntax", PROGRAMS.values(), ids=PROGRAMS)
def test_each_option_stands_in_one_section(syntax: Syntax) -> None:
    shown = [option.name for _, options in syntax.by_section() for option in options]
    assert sorted(shown) == sorted(option.name for option in syntax.options)


def test_no_section_names_an_option_that_no_program_has() -> None:
    known = {option.name for syntax in PROGRAMS.values() for option in syntax.options}
    named = {name for section in (*SECTIONS, *PAARGS_SECTIONS) for name in section.names}
    assert named - {""} <= known
