"""Launching: argument vectors, environments, and command lines as a real shell understands them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paexec_trio.core.execshell import GIVE_BACK
from paexec_trio.core.launch import Launch
from paexec_trio.core.words import quote

INHERITED = {b"HOME": b"/home/a", b"PAEXEC_EOT": b"theirs"}


def test_a_local_calculator_is_run_by_the_shell() -> None:
    """LCH-001."""
    assert Launch(command=b"a | b").argv(b"0") == [b"/bin/sh", b"-c", b"a | b"]
    launch = Launch(command=b"a", shell=b"/bin/ksh")  # noqa: S604 (the path of a shell)
    assert launch.argv(b"0") == [b"/bin/ksh", b"-c", b"a"]


def test_a_local_calculator_inherits_and_is_told_the_eot() -> None:
    """LCH-010, EOT-009."""
    launch = Launch(command=b"a", variables={b"PAEXEC_EOT": b"ours"})
    assert launch.environment(INHERITED) == {b"HOME": b"/home/a", b"PAEXEC_EOT": b"ours"}


def test_a_transport_receives_its_words_the_node_and_one_command_line() -> None:
    """LCH-021."""
    launch = Launch(
        command=b"calc 'x y'",
        transport=(b"ssh", b"-p", b"22"),
        variables={b"PAEXEC_EOT": b"", b"A": b"it's"},
    )
    assert launch.argv(b"host") == [
        b"ssh",
        b"-p",
        b"22",
        b"host",
        b"env 'PAEXEC_EOT=' 'A=it'\\''s' '/bin/sh' -c 'calc '\\''x y'\\'''",
    ]


def test_a_transport_keeps_its_own_environment() -> None:
    launch = Launch(command=b"a", transport=(b"ssh",), variables={b"PAEXEC_EOT": b"ours"})
    assert launch.environment(INHERITED) == INHERITED


def test_the_inherited_environment_is_not_changed() -> None:
    inherited = dict(INHERITED)
    for transport in ((), (b"ssh",)):
        launch = Launch(command=b"a", transport=transport, variables={b"B": b"b"})
        launch.environment(inherited)[b"C"] = b"c"
    assert inherited == INHERITED


@pytest.mark.parametrize("node", [b"$(touch x)", b"a;b", b'"', b"a b"])
def test_the_name_of_a_node_stays_one_argument(node: bytes) -> None:
    """LCH-024."""
    argv = Launch(command=b"a", transport=(b"ssh",)).argv(node)
    assert argv[1] == node
    assert node not in argv[2]


texts = st.binary(max_size=20).map(lambda text: text.replace(b"\0", b""))


@settings(max_examples=30)
@given(value=texts, argument=texts)
def test_the_command_line_means_the_same_to_the_shell_of_the_node(
    value: bytes, argument: bytes
) -> None:
    """LCH-011, LCH-021: values and commands arrive octet for octet."""
    command = b"printf '%s\\0' \"$VALUE\" " + quote(argument)
    launch = Launch(command=command, transport=(b"ssh",), variables={b"VALUE": value})
    command_line = launch.argv(b"node")[-1]
    run = subprocess.run(
        ["/bin/sh", "-c", command_line],
        stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        timeout=60,
        check=True,
    )
    assert run.stdout == value + b"\0" + argument + b"\0"


# The shell of -x

OBEYED = {
    b"SHELLOPTS": b"errexit",
    b"BASHOPTS": b"nullglob",
    b"BASH_COMPAT": b"4.2",
    b"POSIXLY_CORRECT": b"y",
    b"BASH_ENV": b"it's",
    b"ENV": b"/e n v",
    b"ZDOTDIR": b"/z",
}


def test_a_shell_for_commands_starts_without_variables_that_it_would_obey() -> None:
    """EXE-050."""
    changed = Launch(command=None).environment({**INHERITED, **OBEYED})
    assert changed.pop(b"ZDOTDIR") == b"/dev/null"
    assert not changed.keys() & OBEYED.keys()
    assert INHERITED.items() <= changed.items()


def test_a_shell_for_commands_needs_nothing_more_as_a_rule() -> None:
    environment = Launch(command=None).environment(INHERITED)
    assert environment == {**INHERITED, b"ZDOTDIR": b"/dev/null"}


def test_a_calculator_finds_these_variables_as_they_are() -> None:
    launch = Launch(command=b"a")
    assert launch.environment({**INHERITED, **OBEYED}) == {**INHERITED, **OBEYED}


@pytest.mark.parametrize("node_shell", ["sh", "bash"])
@pytest.mark.parametrize("remote", [False, True])
def test_commands_find_these_variables(node_shell: str, remote: bool, tmp_path: Path) -> None:
    """EXE-051, EXE-057: whatever shell reads the command line that a transport carries."""
    launch = Launch(command=None, transport=(b"ssh",) if remote else ())
    variables = {**OBEYED, b"PATH": os.environb[b"PATH"], b"SHELLOPTS": b"noglob"}
    argv: list[bytes] = launch.argv(b"n")
    if remote:
        (tmp_path / "sh").symlink_to(shutil.which(node_shell) or "")
        variables[b"PATH"] = os.fsencode(tmp_path) + b":" + variables[b"PATH"]
        argv = [b"/bin/sh", b"-c", argv[-1]]
    script = GIVE_BACK + b"env -0"
    done = subprocess.run(
        argv, input=script, env=launch.environment(variables), stdout=subprocess.PIPE, check=True
    )
    found = dict(item.split(b"=", 1) for item in done.stdout.split(b"\0") if item)
    if remote and node_shell == "bash":  # which has no other values of these
        del variables[b"SHELLOPTS"], variables[b"BASHOPTS"]
    assert variables.items() <= found.items()
    assert not [name for name in found if name.startswith(b"_paexec")]
