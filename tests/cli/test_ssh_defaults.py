"""Options that ssh is given: what the user has set, as ``ssh -G`` shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from paexec_trio.cli.sshdefaults import node_words
from paexec_trio.core.calculators import Calculator
from paexec_trio.core.launch import Launch

KEEPALIVES = (b"-o", b"ServerAliveInterval=5", b"-o", b"ServerAliveCountMax=3")
TIMEOUT = (b"-o", b"ConnectTimeout=15")


def launch_of(directory: Path, text: str, *words: bytes, fills_in: bool = False) -> Launch:
    """Return a launch whose transport is a script."""
    path = directory / "ssh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Launch(Calculator(b"c"), (bytes(path), *words), fills_in=fills_in)


def shows(*lines: str) -> str:
    return "\n".join(f"echo '{line}'" for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (shows("serveraliveinterval 0", "connecttimeout none"), (*KEEPALIVES, *TIMEOUT)),
        (shows("ServerAliveInterval 7", "connecttimeout none"), TIMEOUT),
        (shows("serveraliveinterval 0", "connecttimeout 60"), KEEPALIVES),
        (shows("serveraliveinterval 300", "connecttimeout 60"), ()),
        (shows("batchmode yes", "serveraliveinterval 300", "connecttimeout 60"), KEEPALIVES),
        ("exit 255", ()),
        ("echo Welcome", ()),
    ],
    ids=["nothing", "keepalives", "timeout", "both", "as Debian has it", "no answer", "no ssh"],
)
def test_what_is_added(tmp_path: Path, text: str, expected: tuple[bytes, ...]) -> None:
    """SIL-050."""
    assert node_words(launch_of(tmp_path, text), [b"a"], 0.0) == {b"a": expected}


def test_the_interval_is_that_of_the_heartbeat(tmp_path: Path) -> None:
    text = shows("serveraliveinterval 0", "connecttimeout none")
    words = node_words(launch_of(tmp_path, text), [b"a"], 1.5)[b"a"]
    assert words[1::2] == (b"ServerAliveInterval=2", b"ServerAliveCountMax=3", b"ConnectTimeout=6")


def test_each_node_is_asked_about_once(tmp_path: Path) -> None:
    text = f'echo "$@" >>{tmp_path}/asked; {shows("connecttimeout 9")}'
    nodes = [b"a", b"b", b"a", *[b"%d" % number for number in range(30)]]
    assert node_words(launch_of(tmp_path, text, b"-v"), nodes, 0.0).keys() == {*nodes}
    asked = (tmp_path / "asked").read_text().splitlines()
    assert sorted(asked) == sorted(f"-G -v {node.decode()}" for node in {*nodes})


def test_the_place_of_the_node(tmp_path: Path) -> None:
    """HST-020: behind ``--`` there is no room for options."""
    text = f'echo "$@" >>{tmp_path}/asked; {shows("serveraliveinterval 3", "connecttimeout none")}'
    launch = launch_of(tmp_path, text, b"-F", b"cfg", b"%n", b"--", fills_in=True)
    words = node_words(launch, [b"a"], 0.0)
    assert (tmp_path / "asked").read_text() == "-G -F cfg a --\n"
    argv = launch._replace(node_words=words).argv(b"a")
    assert argv[1:-1] == [*TIMEOUT, b"-F", b"cfg", b"a", b"--"]


def test_a_program_that_is_not_there() -> None:
    """The run tells why it cannot start."""
    launch = Launch(Calculator(b"c"), (b"/no/such/ssh",))
    assert node_words(launch, [b"a", b"b"], 0.0) == {b"a": (), b"b": ()}
