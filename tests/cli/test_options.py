"""The table of options, and what is made from it."""

from pathlib import Path

import pytest

from paexec_trio.cli.options import (
    OPTIONS,
    help_text,
    is_planned,
    long_options,
    short_options,
    takes_value,
)


def test_no_letter_is_used_twice() -> None:
    letters = [option.letter for option in OPTIONS]
    assert len(set(letters)) == len(letters)


def test_the_notation_of_getopt_has_every_option() -> None:
    notation = short_options()
    for option in OPTIONS:
        assert (option.letter + ":" in notation) == bool(option.value)
        assert option.letter in notation
    assert len(notation) == sum(2 if option.value else 1 for option in OPTIONS)


@pytest.mark.parametrize("letter", "ntcm")
def test_options_with_a_value(letter: str) -> None:
    assert takes_value(letter)


@pytest.mark.parametrize("letter", "hVC0yrlpeEiIdxq")
def test_options_without_a_value(letter: str) -> None:
    assert not takes_value(letter)


def test_long_options_stand_for_short_ones() -> None:
    assert long_options() == {"--help": "-h", "--version": "-V"}


def test_options_that_are_still_missing() -> None:
    for letter in "xXJzZw":
        assert is_planned(letter)
    for option in OPTIONS:
        assert not is_planned(option.letter)
    assert not is_planned("q")


def test_the_help_names_every_option_with_its_value() -> None:
    """OPT-010."""
    text = help_text("NAME")
    for option in OPTIONS:
        line = next(line for line in text.splitlines() if line.startswith(f"  -{option.letter}"))
        assert (f"<{option.value}>" in line) == bool(option.value)
        assert (f"--{option.long}" in line) == bool(option.long)
        for words in option.help:
            assert words in text


def test_the_help_names_the_program_and_every_variable() -> None:
    text = help_text("NAME")
    assert text.startswith("NAME ")
    spec = Path(__file__).parents[2] / "spec"
    for name in ("NODES", "TRANSPORT", "EOT", "ENV", "SH", "BUFSIZE"):
        assert f"PAEXEC_{name}" in text
        assert any(f"PAEXEC_{name}" in path.read_text() for path in spec.glob("*.rst"))


def test_the_help_fits_a_terminal() -> None:
    assert all(len(line) < 80 for line in help_text("paexec-trio").splitlines())
    assert help_text("paexec-trio").endswith("\n")
