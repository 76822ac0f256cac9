"""Chapter *Launching calculators*: the command line in the hands of other login shells."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from conformance.harness.outcome import InconclusiveError

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

#: The words of each shell, and the Debian package that has it.
SHELLS = {
    "bash": (["bash"], "bash"),
    "busybox": (["busybox", "sh"], "busybox"),
    "dash": (["dash"], "dash"),
    "fish": (["fish"], "fish"),
    "mksh": (["mksh"], "mksh"),
    "tcsh": (["tcsh"], "tcsh"),
    "zsh": (["zsh"], "zsh"),
}

#: What at least one of the shells reads in a way of its own.
TEXTS: dict[str, bytes] = {
    "plain": b"two  words = #1",
    "quotes": b"it's \"quoted\" '' \"'\"",
    "backslashes": b"\\ \\\\ a\\nb \\' \\\" \\\\\\",
    "expansions": b"$HOME ${HOME} $(echo x) `echo x` * ? [a] ~ {a,b} %1 =ls ^a^b @ #",
    "history": b"! !! !a a! \\! '!' \"!\" !-1 !?a?",
    "newlines": b"\n\na\n b\\\n'\n!\n\\n\n\n",
    "octets": bytes(range(1, 256)),
    "characters": "ä€😀\ue000\uf600\uf6ff\ufdd0".encode() + b"\xc3 \x80\\",
}

#: More of it, as scripts have it.
LONG_TEXTS: dict[str, bytes] = {
    "pairs": b"".join(bytes([92, octet, 33, octet, 39, octet]) for octet in range(1, 128)),
    "script": b"it's \\x! \\\\ $a\n" * 100,
}


def login_shell(name: str) -> list[bytes]:
    """The words of a login shell, the first with its path."""
    words, package = SHELLS[name]
    path = shutil.which(words[0])
    if path is None:
        raise InconclusiveError(f"{words[0]} is missing: install the Debian package {package}")
    return [path.encode(), *(word.encode() for word in words[1:])]


@requirement("LCH-030")
@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("shell", SHELLS)
def test_octets_arrive(stage: Stage, shell: str, kind: str) -> None:
    assert_handed_over(stage, shell, TEXTS[kind])


@requirement("LCH-030", "LCH-004")
@pytest.mark.parametrize("kind", LONG_TEXTS)
@pytest.mark.parametrize("shell", SHELLS)
def test_many_octets_arrive(stage: Stage, shell: str, kind: str) -> None:
    assert_handed_over(stage, shell, LONG_TEXTS[kind])


def assert_handed_over(stage: Stage, shell: str, octets: bytes) -> None:
    """In the command and in arguments, in a variable, and in the EOT, which has no newlines."""
    words = [octets, b"", b"end"]
    quoted = b" ".join(b"'" + word.replace(b"'", b"'\\''") + b"'" for word in words)
    calculator = stage.calculator().encode()
    assert_started(stage, shell, octets, [b"-c", calculator + b" " + quoted], words)
    assert_started(stage, shell, octets, [b"-C", calculator, *words], words)


def assert_started(
    stage: Stage, shell: str, octets: bytes, command: list[bytes], words: list[bytes]
) -> None:
    evaluating = login_shell(shell)
    eot = octets.replace(b"\n", b"")
    stage.reply_with_results(eot)
    run = stage.start(
        *("-n", "host", "-t", stage.transport()),
        *(b"-mt=" + eot, *command),
        environment={b"PAEXEC_ENV": b"VALUE", b"VALUE": octets},
    )
    run.feed(b"a\n")
    number = len(stage.distributors)
    stage.wait("the start of a transport", lambda: len(stage.transports) == number)
    home = os.fsencode(stage.directory)
    stage.transports[-1].run({b"PATH": b"/usr/bin:/bin", b"HOME": home}, evaluating)
    fake = stage.next_calculator()
    assert fake.words == words, "other words"
    assert fake.environment.get(b"VALUE") == octets, "another value"
    assert fake.environment.get(b"PAEXEC_EOT") == eot, "another EOT"
    assert run.finish() == 0
    assert run.stdout == stage.result(b"a") + b"\n"


@requirement("HST-040", "LCH-030")
@pytest.mark.extension("--node-env")
@pytest.mark.parametrize("shell", SHELLS)
def test_names_of_nodes_arrive(stage: Stage, shell: str) -> None:
    """In ``PAEXEC_NODE``; a line of a file holds any name."""
    evaluating = login_shell(shell)
    name = b"h" + b"".join(
        TEXTS[kind].replace(b"\n", b"")
        for kind in ("quotes", "backslashes", "expansions", "history")
    )
    (stage.directory / "nodes").write_bytes(name + b"\n")
    stage.reply_with_results()
    run = stage.start(
        *("--node-env", "-n", ":nodes", "-t", stage.transport(), "-c", stage.calculator())
    )
    run.feed(b"a\n")
    home = os.fsencode(stage.directory)
    stage.next_transport().run({b"PATH": b"/usr/bin:/bin", b"HOME": home}, evaluating)
    fake = stage.next_calculator()
    assert fake.environment.get(b"PAEXEC_NODE") == name, "another name"
    assert fake.environment.get(b"PAEXEC_NODEID") == b"0", "another number"
    assert run.finish() == 0
