"""Commands are plain values, and the union names all of them."""

from paexec_trio.core import commands
from paexec_trio.core.commands import Command, Exit, KillNode
from paexec_trio.core.record import Record


def test_the_union_names_every_command() -> None:
    classes = {
        item
        for item in vars(commands).values()
        if isinstance(item, type)
        and item.__module__ == commands.__name__
        and issubclass(item, Record)
    }
    assert classes == set(Command.__args__)


def test_commands_are_compared_by_value() -> None:
    assert KillNode(0, force=True) == KillNode(0, force=True)
    assert KillNode(0, force=True) != KillNode(0, force=False)


def test_a_run_ends_well_unless_something_else_is_said() -> None:
    assert Exit() == Exit(status=0, signal=0)
