"""Chapter *Launching calculators*: what is executed, and what it inherits."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from conformance.harness import prepared

if TYPE_CHECKING:
    from collections.abc import Collection

    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

#: The places where something is started, of which each inherits.
PLACES = ("text", "arguments", "transport")

#: Names that no shell can use, and values that are no text.
ODD_VARIABLES = {
    b"a.b": b"dot",
    b"BASH_FUNC_f%%": b"() {  echo exported\n}",
    b"a-b": b"",
    b"1": b"\xff\xfe\n",
    b"LANGUAGE": b"\xc3\x28",
}

#: Variables that shells set for the commands that they run.
SHELLS_OWN = {b"PWD", b"OLDPWD", b"SHLVL", b"_"}

#: With these in its environment, a shell adds no name, whatever the suite was started in.
STARTED_BY_A_SHELL = dict.fromkeys(SHELLS_OWN, b"1")

#: Locales that most machines have, and one with another encoding that few have.
LOCALES = ("C", "POSIX", "C.UTF-8", "de_DE.ISO-8859-1")


def start_shell(place: str, text: str) -> tuple[str, ...]:
    """The arguments that run text without quotes as a calculator, or as a transport."""
    assert "'" not in text
    return {
        "text": ("-n", "+1", "-c", text),
        "arguments": ("-n", "+1", "-C", "/bin/sh", "-c", text),
        "transport": ("-n", "host", "-t", f"/bin/sh -c '{text}'", "-c", "exit 1"),
    }[place]


def prepare(
    ignored: Collection[int] = (), blocked: Collection[int] = (), descriptors: Collection[int] = ()
) -> list[str]:
    """Return the words that start a distributor in this state, see ``prepared.py``."""
    lists = (",".join(map(str, numbers)) for numbers in (ignored, blocked, descriptors))
    return [sys.executable, "-IS", prepared.__file__, *lists]


# Descriptors


@requirement("LCH-032", "LCH-039")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("inherited", [(), (7,), (3, 4, 5, 9, 23)], ids=["none", "one", "many"])
def test_descriptors(stage: Stage, place: str, inherited: tuple[int, ...]) -> None:
    text = "while read -r task; do ls /proc/$$/fd; echo; done"
    within = prepare(descriptors=inherited)
    run = stage.run(*start_shell(place, text), feed=b"a\n", within=within)
    assert run.status == 0
    found = set(map(int, run.stdout.split()))
    assert found >= {0, 1, 2, *inherited}, "not inherited"
    assert found <= {0, 1, 2, *inherited}, "others are open"


@requirement("LCH-032")
@pytest.mark.parametrize("place", PLACES)
def test_a_descriptor_is_the_same(stage: Stage, place: str) -> None:
    text = 'while read -r task; do echo "of $task" >&7; echo; done'
    arguments = start_shell(place, text)
    run = stage.run(*arguments, feed=b"a\nb\n", within=prepare(descriptors=[7]))
    assert run.status == 0
    assert (stage.directory / "inherited").read_bytes() == b"of a\nof b\n"


@requirement("LCH-032")
@pytest.mark.parametrize(
    "command",
    ["echo line >&%d", "{ echo line >&%d; } & wait"],
    ids=["foreground", "background"],
)
@pytest.mark.parametrize("inherited", [(3, 4), (7, 8, 9), (3, 4, 5, 6, 7)], ids=str)
def test_descriptors_of_commands(stage: Stage, command: str, inherited: tuple[int, ...]) -> None:
    """With -x, whatever it is that makes a result of what the command writes."""
    text = "; ".join(command.replace("%d", str(number)) for number in inherited)
    within = prepare(descriptors=inherited)
    run = stage.run("-x", "-n", "+1", "-c", f"{text}; :", feed=b"a\n", within=within)
    assert run.status == 0
    assert (stage.directory / "inherited").read_bytes().count(b"\n") == len(inherited)


# Signals


def numbers_of(mask: bytes) -> set[int]:
    """The signals of a hexadecimal set as /proc shows it, without those of the C library."""
    bits = int(mask, 16)
    return {number for number in signal.valid_signals() if bits >> (number - 1) & 1}


IGNORED: dict[str, set[int]] = {
    "none": set(),
    "broken pipe": {signal.SIGPIPE},
    "file size": {signal.SIGXFSZ},
    "both": {signal.SIGPIPE, signal.SIGXFSZ},
    "others": {signal.SIGUSR1, signal.SIGHUP, signal.SIGINT, signal.SIGTSTP, 40},
    "children": {signal.SIGCHLD, signal.SIGQUIT},
}


@requirement("LCH-033")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", IGNORED)
def test_ignored_signals(stage: Stage, place: str, kind: str) -> None:
    text = "while read -r task; do grep SigIgn /proc/$$/status; echo; done"
    within = prepare(ignored=IGNORED[kind])
    run = stage.run(*start_shell(place, text), feed=b"a\n", within=within)
    assert run.status == 0
    found = numbers_of(run.stdout.split()[1])
    assert found == IGNORED[kind] - {signal.SIGCHLD}, "ignored signals differ"


BLOCKED: dict[str, set[int]] = {
    "none": set(),
    "ends": {signal.SIGINT, signal.SIGTERM, signal.SIGQUIT},
    "others": {signal.SIGUSR2, signal.SIGPIPE, signal.SIGCHLD, 45},
}


@requirement("LCH-033")
@pytest.mark.parametrize("place", ["arguments", "transport"])
@pytest.mark.parametrize("kind", BLOCKED)
def test_blocked_signals(stage: Stage, place: str, kind: str) -> None:
    """There is no shell in between: some unblock all signals."""
    words = stage.bare_calculator()
    transport = ("-n", "host", "-t", shlex.join(words), "-c", "exit 1")
    arguments = transport if place == "transport" else ("-n", "+1", "-C", *words)
    stage.reply_with_results()
    run = stage.run(*arguments, feed=b"a\n", within=prepare(blocked=BLOCKED[kind]))
    assert run.stdout == stage.result(b"a") + b"\n"
    assert numbers_of(stage.next_calculator().blocked) == BLOCKED[kind], "blocked signals differ"


# The environment

#: Each sets a locale, or none. The words are those of ``env``.
ENVIRONMENTS = {
    "no locale": (),
    "plain": ("LANG=C",),
    "plain characters": ("LC_CTYPE=C",),
    "all plain": ("LC_ALL=POSIX",),
    "users own": ("LC_CTYPE=C.UTF-8",),
    "both": ("LANG=C", "LC_CTYPE=C.UTF-8"),
}


@requirement("LCH-031", "LCH-010")
@pytest.mark.parametrize("place", ["text", "arguments"])
@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_nothing_is_added_for_calculators(stage: Stage, place: str, kind: str) -> None:
    stage.reply_with_results()
    words = stage.bare_calculator()
    command = ("-c", f"exec {shlex.join(words)}") if place == "text" else ("-C", *words)
    run = stage.run(
        *("-n", "+1", *command),
        feed=b"a\n",
        environment=STARTED_BY_A_SHELL,
        within=without_locale(kind),
    )
    assert run.stdout == stage.result(b"a") + b"\n"
    found = stage.next_calculator().environment
    expected = with_locale(run.environment, kind)
    shells = SHELLS_OWN if place == "text" else set()
    assert found.keys() - shells == (expected.keys() | {b"PAEXEC_EOT"}) - shells
    assert {k: v for k, v in found.items() if k.startswith(b"L")} == {
        k: v for k, v in expected.items() if k.startswith(b"L")
    }


@requirement("LCH-031")
@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_nothing_is_added_for_transports(stage: Stage, kind: str) -> None:
    run = start_transport(stage, STARTED_BY_A_SHELL, kind)
    found = stage.transports[0].environment.keys() - {b"PAEXEC_EOT"}
    assert found == with_locale(run.environment, kind).keys()


@requirement("LCH-034")
@pytest.mark.parametrize("kind", ["no locale", "plain"])
def test_transports_inherit(stage: Stage, kind: str) -> None:
    values = {**ODD_VARIABLES, b"PAEXEC_ENV": b"a.b", b"PAEXEC_NODES": b"+1"}
    run = start_transport(stage, values, kind)
    expected = with_locale(run.environment, kind)
    found = stage.transports[0].environment
    assert {name: found.get(name) for name in expected} == expected, "other variables"


def start_transport(stage: Stage, values: dict[bytes, bytes], kind: str) -> Distributor:
    """Let a transport be started that no shell has started."""
    stage.connect = True
    stage.reply_with_results()
    transport = shlex.join(stage.bare_transport())
    run = stage.run(
        *("-n", "host", "-t", transport, "-c", stage.calculator()),
        feed=b"a\n",
        environment=values,
        within=without_locale(kind),
    )
    assert run.stdout == stage.result(b"a") + b"\n"
    return run


_LOCALE = ("LANG", "LC_ALL", "LC_CTYPE")


def without_locale(kind: str) -> list[str]:
    """Return the words that give a distributor the variables of a kind and no other locale."""
    unset = [word for name in _LOCALE for word in ("-u", name)]
    return ["/usr/bin/env", *unset, *ENVIRONMENTS[kind]]


def with_locale(environment: dict[bytes, bytes], kind: str) -> dict[bytes, bytes]:
    """The environment that it finds then."""
    others = {k: v for k, v in environment.items() if k.decode("latin-1") not in _LOCALE}
    settings = (setting.encode().partition(b"=") for setting in ENVIRONMENTS[kind])
    return others | {name: value for name, _, value in settings}


# No shell


@requirement("LCH-035")
def test_variables_of_any_name(stage: Stage) -> None:
    stage.reply_with_results()
    words = stage.bare_calculator()
    run = stage.run("-n", "+1", "-C", *words, environment=ODD_VARIABLES, feed=b"a\n")
    assert run.stdout == stage.result(b"a") + b"\n"
    found = stage.next_calculator().environment
    assert {name: found.get(name) for name in ODD_VARIABLES} == ODD_VARIABLES, "other variables"
    assert found == {**run.environment, b"PAEXEC_EOT": b""}


@requirement("LCH-035", "LCH-004", "LCH-002")
@pytest.mark.parametrize("kind", ["many", "long"])
def test_all_arguments_that_the_system_takes(stage: Stage, kind: str) -> None:
    arguments = {
        "many": [str(number) for number in range(30_000)],
        "long": ["x" * ((1 << 17) - 1), "end"],  # Linux takes no longer ones
    }[kind]
    stage.reply_with_results()
    run = stage.run("-n", "+1", "-C", *stage.bare_calculator(), *arguments, feed=b"a\n")
    assert run.stdout == stage.result(b"a") + b"\n", "the arguments did not arrive"
    assert stage.next_calculator().words == [word.encode() for word in arguments]


@requirement("LCH-011")
def test_variables_of_any_name_are_passed(stage: Stage) -> None:
    stage.reply_with_results()
    run = stage.start(
        *("-n", "host", "-t", stage.transport(), "-C", *stage.bare_calculator()),
        environment={b"PAEXEC_ENV": b",".join(ODD_VARIABLES), **ODD_VARIABLES},
    )
    stage.next_transport().run({b"PATH": b"/usr/bin:/bin"})
    found = stage.next_calculator().environment
    assert {name: found.get(name) for name in ODD_VARIABLES} == ODD_VARIABLES, "other variables"
    assert run.finish() == 0


# The program


def program_in(stage: Stage, directory: str, text: str, mode: int) -> None:
    """Make a file that is called ``program`` in a directory of that name."""
    path = stage.directory / directory / "program"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(mode)


@requirement("LCH-036")
@pytest.mark.parametrize("role", ["calculator", "transport"])
@pytest.mark.parametrize("kind", ["searched", "path"])
def test_which_program(stage: Stage, role: str, kind: str) -> None:
    """Other files, and programs later in PATH, are passed over; one without ``#!`` is a script."""
    words = stage.bare_calculator()
    program_in(stage, "first", "", 0o644)
    program_in(stage, "second", f'exec {shlex.join(words)} "$@"\n', 0o755)
    program_in(stage, "third", "#!/bin/sh\nexit 1\n", 0o755)
    (stage.directory / "zeroth" / "program").mkdir(parents=True)
    directories = ["missing", "first/program", "zeroth", "first", "second", "third"]
    paths = [str(stage.directory / directory) for directory in directories]
    program = "program" if kind == "searched" else "second/program"
    stage.reply_with_results()
    run = stage.run(
        *("-n", "host"),
        *(("-t", program, "-c", "x") if role == "transport" else ("-C", program, "a b", "")),
        environment={"PATH": ":".join([*paths, os.environ.get("PATH", os.defpath)])},
        feed=b"a\n",
    )
    assert run.stdout == stage.result(b"a") + b"\n"
    found = stage.next_calculator().words
    assert found[:1] == [b"host"] if role == "transport" else found == [b"a b", b""]


@requirement("LCH-037")
@pytest.mark.parametrize(
    "kind", ["missing", "missing path", "not executable", "directory", "empty"]
)
def test_a_program_that_cannot_be_run(stage: Stage, kind: str) -> None:
    (stage.directory / "plain").write_text("")
    program = {
        "missing": f"no-such-program-{stage.nonce.decode()}",
        "missing path": "./missing",
        "not executable": "./plain",
        "directory": str(stage.directory),
        "empty": "",
    }[kind]
    stage.reply_with_results()
    good = stage.run("-n", "+1", "-C", stage.calculator(), feed=b"a\n")
    assert good.stdout == stage.result(b"a") + b"\n"
    bad = stage.run("-n", "+1", "-C", program, feed=b"a\n")
    assert bad.status == 1
    assert bad.stderr, "no diagnostic"
    assert bad.stdout == b""


# Locales


@requirement("LCH-038")
@pytest.mark.parametrize("locale", [*LOCALES, ""])
def test_octets_do_not_depend_on_the_locale(stage: Stage, locale: str) -> None:
    words = [bytes(range(1, 256)), b"\xc3\xa4 \xe4 \x80\x5c \xed\xa0\x80 \xf4\x90\x80\x80 \xff"]
    node, eot, value = b"n\xe4\xc3\xa4\x80", b"\xff\xc3 \xa4", b"\x81\xe4\xc3\xa4"
    stage.connect = True
    stage.reply_with_results(eot)
    arguments: list[str | bytes] = ["-r", "-n", node, "-t", stage.transport(), b"-mt=" + eot]
    run = stage.run(
        *(*arguments, "-C", *stage.bare_calculator(), *words),
        environment={b"LC_ALL": locale.encode(), b"PAEXEC_ENV": b"VALUE", b"VALUE": value},
        feed=b"a\n",
    )
    assert stage.transports[0].words[:1] == [node]
    calculator = stage.next_calculator()
    assert calculator.words == words
    assert calculator.environment.get(b"PAEXEC_EOT") == eot
    assert calculator.environment.get(b"VALUE") == value
    assert run.stdout == node + b" " + stage.result(b"a") + b"\n"
