"""The table of options of ``paexec-trio``."""

from pathlib import Path

from paexec_trio.cli.options import OPTIONS, SYNTAX


def test_no_option_is_there_twice() -> None:
    names = [option.letter for option in OPTIONS if option.letter]
    names += [option.long for option in OPTIONS if option.long]
    assert len(set(names)) == len(names)


def test_the_help_names_every_variable() -> None:
    text = SYNTAX.help_text("NAME")
    spec = Path(__file__).parents[2] / "spec"
    for name in ("NODES", "TRANSPORT", "EOT", "ENV", "SH", "BUFSIZE"):
        assert f"PAEXEC_{name}" in text
        assert any(f"PAEXEC_{name}" in path.read_text() for path in spec.glob("*.rst"))


def test_the_help_fits_a_terminal() -> None:
    assert all(len(line) < 80 for line in SYNTAX.help_text("paexec-trio").splitlines())
