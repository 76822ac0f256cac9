"""Launching: argument vectors, environments, and command lines as real shells understand them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paexec_trio.core.calculators import Calculator, CommandPerTask
from paexec_trio.core.execshell import GIVE_BACK
from paexec_trio.core.launch import Launch
from paexec_trio.core.nodenames import LOCAL

INHERITED = [(b"HOME", b"/home/a"), (b"PAEXEC_EOT", b"theirs"), (b"X", b"1"), (b"X", b"2")]

EOT = {b"PAEXEC_EOT": b""}

LOGIN_SHELLS = {
    "bash": ["bash"],
    "busybox": ["busybox", "sh"],
    "dash": ["dash"],
    "fish": ["fish"],
    "mksh": ["mksh"],
    "tcsh": ["tcsh"],
    "zsh": ["zsh"],
}


def test_a_local_calculator_is_run_by_the_shell() -> None:
    """LCH-001."""
    assert Launch(Calculator(b"a | b")).argv(b"0") == [b"/bin/sh", b"-c", b"a | b"]
    launch = Launch(Calculator(b"a"), shell=b"/bin/ksh")  # noqa: S604 (the path of a shell)
    assert launch.argv(b"0") == [b"/bin/ksh", b"-c", b"a"]


def test_a_local_argument_vector_is_executed_as_it_is() -> None:
    """LCH-035: no shell, not even the one that the user prefers."""
    launch = Launch(Calculator((b"calc", b"a b", b"")), shell=b"/bin/ksh")  # noqa: S604
    assert launch.argv(b"0") == [b"calc", b"a b", b""]


def test_a_local_calculator_inherits_and_is_told_the_eot() -> None:
    """LCH-010, EOT-009: duplicates stay, but of what is set there is one."""
    launch = Launch(Calculator(b"a"), variables={b"PAEXEC_EOT": b"ours"})
    assert launch.environment(INHERITED) == [
        (b"HOME", b"/home/a"),
        (b"X", b"1"),
        (b"X", b"2"),
        (b"PAEXEC_EOT", b"ours"),
    ]


def test_a_transport_keeps_its_own_environment() -> None:
    """LCH-034."""
    launch = Launch(Calculator(b"a"), transport=(b"ssh",), variables={b"PAEXEC_EOT": b"ours"})
    assert launch.environment(INHERITED) == INHERITED


def test_a_transport_receives_its_words_the_node_and_one_command_line() -> None:
    """LCH-021: in upstream's form where it has one."""
    launch = Launch(
        Calculator(b"calc 'x y'"),
        transport=(b"ssh", b"-p", b"22"),
        variables={b"PAEXEC_EOT": b"", b"A": b"it's"},
    )
    assert launch.argv(b"host") == [
        b"ssh",
        b"-p",
        b"22",
        b"host",
        b"env PAEXEC_EOT='' A='it'\\''s' /bin/sh -c 'calc '\\''x y'\\'''",
    ]


def command_line(command: bytes | tuple[bytes, ...]) -> bytes:
    return Launch(Calculator(command), transport=(b"ssh",), variables=EOT).argv(b"node")[-1]


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ((b"calc", b"-v", b"a b"), b"env PAEXEC_EOT='' calc -v 'a b'"),
        # These would be an option and an assignment for env.
        ((b"-x", b"a"), b"env PAEXEC_EOT='' /bin/sh -c '\"$0\" \"$@\"' -x a"),
        ((b"a=b",), b"env PAEXEC_EOT='' /bin/sh -c '\"$0\" \"$@\"' a='b'"),
    ],
)
def test_the_command_line_is_readable(command: tuple[bytes, ...], line: bytes) -> None:
    assert command_line(command) == line


@pytest.mark.parametrize("node", [b"$(touch x)", b"a;b", b'"', b"a b"])
def test_the_name_of_a_node_stays_one_argument(node: bytes) -> None:
    """LCH-024."""
    argv = Launch(Calculator(b"a"), transport=(b"ssh",)).argv(node)
    assert argv[1] == node
    assert node not in argv[2]


def evaluate(line: bytes, shell: str, directory: Path, locale: str = "C.UTF-8") -> bytes:
    run = subprocess.run(
        [*LOGIN_SHELLS[shell], "-c", line],
        stdout=subprocess.PIPE,
        env={"PATH": os.defpath, "LC_ALL": locale, "HOME": str(directory)},
        timeout=60,
        check=True,
    )
    return run.stdout


#: What one shell or the other reads in a way of its own, more often than chance would have it.
octets = st.one_of(
    st.binary(max_size=20),
    st.text(alphabet="'\\!\n\"$`*~#%=a \u20ac\uf600", max_size=20).map(str.encode),
).map(lambda text: text.replace(b"\0", b""))


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
@settings(max_examples=30, deadline=None)
@given(
    value=octets,
    arguments=st.lists(octets, max_size=4),
    locale=st.sampled_from(["C", "C.UTF-8"]),
)
@example(value=bytes(range(1, 256)), arguments=[bytes(range(255, 0, -1))], locale="C")
@example(value=b"\n", arguments=[b"\\\\n", b"\n\n", b"", b"it's\\\n!"] * 8, locale="C")
def test_every_login_shell_hands_over_the_same(
    shell: str,
    value: bytes,
    arguments: list[bytes],
    locale: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """LCH-011, LCH-030: values, commands and arguments arrive octet for octet."""
    home = tmp_path_factory.getbasetemp()
    variables = {b"PAEXEC_EOT": value, b"a.b": value}
    text = b"printf '%s\\0' \"$PAEXEC_EOT\" '" + value.replace(b"'", b"'\\''") + b"'"
    remote = Launch(Calculator(text), transport=(b"ssh",), variables=variables)
    assert evaluate(remote.argv(b"node")[-1], shell, home, locale) == (value + b"\0") * 2
    program = "import os, sys; os.write(1, open('/proc/self/cmdline', 'rb').read());"
    program += "os.write(1, os.environb[b'a.b'])"
    vector = (os.fsencode(sys.executable), b"-ISc", program.encode(), *arguments)
    remote = Launch(Calculator(vector), transport=(b"ssh",), variables=variables)
    line = remote.argv(b"node")[-1]
    assert evaluate(line, shell, home, locale) == b"\0".join([*vector, value])


@pytest.mark.parametrize("shell", LOGIN_SHELLS)
@pytest.mark.parametrize("word", [b"x" * 100_000, b"it's \\x!\n" * 4000], ids=["plain", "special"])
def test_long_commands_arrive_whole(shell: str, word: bytes, tmp_path: Path) -> None:
    """LCH-004, LCH-030."""
    text = b"printf %s '" + word.replace(b"'", b"'\\''") + b"'"
    assert evaluate(command_line(text), shell, tmp_path) == word


@pytest.mark.parametrize("last", [b"end", b"\n"], ids=["plain", "newline"])
def test_many_arguments_take_no_time_each(last: bytes, tmp_path: Path) -> None:
    """LCH-004: each of a list that grows is not a process of its own."""
    words = [b"a"] * 30_000
    line = command_line((b"printf", b"%s,", *words, last))
    assert evaluate(line, "fish", tmp_path) == b"a," * len(words) + last + b","


def test_what_would_be_too_long_is_quoted_for_posix_shells(tmp_path: Path) -> None:
    """LCH-004: shorter, and as good as it can be."""
    text = b"printf %s '" + b"\n" * 60_000 + b"'"
    line = command_line(text)
    assert len(line) < 1 << 17
    assert evaluate(line, "dash", tmp_path) == b"\n" * 60_000


@pytest.mark.parametrize(
    "command",
    [b"'" * 8192, b"\\\n" * 4096, (b"x",) * 30 + (b"'" * 8000 + b"\n",), (b"'",) * 4000 + (b"\n",)],
    ids=["quotes", "backslashes", "long argument", "many arguments"],
)
def test_8_kib_are_for_every_shell(command: bytes | tuple[bytes, ...], tmp_path: Path) -> None:
    """LCH-030: the worst that they can hold does not make the command line too long for that."""
    line = command_line(command)
    assert evaluate(b"printf %s. " + line.partition(b" ")[2], "fish", tmp_path) == evaluate(
        b"printf %s. " + line.partition(b" ")[2], "tcsh", tmp_path
    )


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


def shell_environment(inherited: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return dict(Launch(CommandPerTask(b'true "$1"')).environment(inherited.items()))


def test_a_shell_for_commands_starts_without_variables_that_it_would_obey() -> None:
    """EXE-050."""
    changed = shell_environment({**dict(INHERITED), **OBEYED})
    assert changed.pop(b"ZDOTDIR") == b"/dev/null"
    assert not changed.keys() & OBEYED.keys()
    assert dict(INHERITED).items() <= changed.items()


def test_a_shell_for_commands_needs_nothing_more_as_a_rule() -> None:
    environment = shell_environment(dict(INHERITED))
    assert environment == {**dict(INHERITED), b"ZDOTDIR": b"/dev/null"}


def test_a_calculator_finds_these_variables_as_they_are() -> None:
    launch = Launch(Calculator(b"a"))
    inherited = [*INHERITED, *OBEYED.items()]
    assert launch.environment(inherited) == inherited


@pytest.mark.parametrize("node_shell", ["sh", "bash"])
@pytest.mark.parametrize("remote", [False, True])
def test_commands_find_these_variables(node_shell: str, remote: bool, tmp_path: Path) -> None:
    """EXE-051, EXE-057: whatever shell reads the command line that a transport carries."""
    launch = Launch(CommandPerTask(b'true "$1"'), transport=(b"ssh",) if remote else ())
    variables = {**OBEYED, b"PATH": os.environb[b"PATH"], b"SHELLOPTS": b"noglob"}
    argv: list[bytes] = launch.argv(b"n")
    if remote:
        (tmp_path / "sh").symlink_to(shutil.which(node_shell) or "")
        variables[b"PATH"] = os.fsencode(tmp_path) + b":" + variables[b"PATH"]
        argv = [b"/bin/sh", b"-c", argv[-1]]
    script = GIVE_BACK + b"env -0"
    done = subprocess.run(
        argv,
        input=script,
        env=dict(launch.environment(variables.items())),
        stdout=subprocess.PIPE,
        check=True,
    )
    found = dict(item.split(b"=", 1) for item in done.stdout.split(b"\0") if item)
    if remote and node_shell == "bash":  # which has no other values of these
        del variables[b"SHELLOPTS"], variables[b"BASHOPTS"]
    assert variables.items() <= found.items()
    assert not [name for name in found if name.startswith(b"_paexec")]


def test_a_place_for_the_node() -> None:
    """HST-031: each %n is the node, and nothing else is changed."""
    words = (b"t", b"%n", b"%%n", b"a%nb%n", b"%h")
    launch = Launch(Calculator(b"c"), transport=words, fills_in=True)
    assert launch.argv(b"%n;x")[:-1] == [b"t", b"%n;x", b"%%n;x", b"a%n;xb%n;x", b"%h"]


def test_a_node_on_this_machine_beside_a_transport() -> None:
    """HST-003: as without a transport."""
    launch = Launch(Calculator(b"c"), transport=(b"ssh",), variables=EOT)
    plain = launch._replace(transport=())
    assert launch.argv(LOCAL) == plain.argv(b"0")
    assert launch.environment(INHERITED, LOCAL) == plain.environment(INHERITED)
    assert launch.environment(INHERITED, bytes(LOCAL)) == INHERITED


def test_calculators_that_are_told_their_node() -> None:
    """HST-040."""
    launch = Launch(Calculator(b"c"), variables=EOT, tells_node=True)
    entries = launch.environment([*INHERITED, (b"PAEXEC_NODE", b"outer")], b"n", 3)
    assert entries[-3:] == [(b"PAEXEC_EOT", b""), (b"PAEXEC_NODE", b"n"), (b"PAEXEC_NODEID", b"3")]
    assert (b"PAEXEC_NODE", b"outer") not in entries
    line = launch._replace(transport=(b"ssh",)).argv(b"it's", 3)[-1]
    assert b" PAEXEC_NODE='it'\\''s' PAEXEC_NODEID='3' " in line
