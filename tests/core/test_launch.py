"""Launching: argument vectors, environments, and command lines as a real shell understands them."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
