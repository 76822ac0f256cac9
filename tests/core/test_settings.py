"""Settings: the defaults, and the constants that the specification binds."""

from pathlib import Path

from paexec_trio.core.settings import GRACES, MAGIC_EOT, Settings

SPEC = Path(__file__).parents[2] / "spec"


def test_defaults_are_those_of_a_call_without_options() -> None:
    """EOT-003, FRM-001, PFX-001, EOT-010."""
    settings = Settings(nodes=(b"n",))
    assert settings.eot == b""
    assert settings.terminator == b"\n"
    assert not settings.show_node
    assert not settings.show_task_id
    assert not settings.show_pid
    assert settings.tag is None
    assert not settings.print_eot
    assert not settings.print_task


def test_the_magic_eot_is_the_one_of_the_specification() -> None:
    """EOT-006."""
    assert b"``" + MAGIC_EOT + b"``" in (SPEC / "eot.rst").read_bytes()


def test_calculators_get_the_time_that_the_specification_asks_for() -> None:
    """END-004."""
    assert GRACES.finish_notice >= 5
    assert 0 < GRACES.stop < GRACES.term
