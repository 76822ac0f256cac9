"""Ask each shell for its completions, with a program that has every kind of option."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.tools import completions
from paexec_trio.cli.syntax import HELP, VERSION, Option, Syntax
from tests.tools.terminal import Terminal

PROGRAM = "try-it"

SYNTAX = Syntax(
    summary="does this",
    usage=("[OPTIONS] command",),
    options=(
        HELP,
        VERSION,
        Option("l", "", ("it's [a] letter: without a value",)),
        Option("n", "nodes", ("nodes",)),
        Option("t", "transport", ("a command",)),
        Option("m", "key=text", ("choices to be continued",), choices=("one=", "two=")),
        Option("W", "number", ("choices",), "weights", choices=("under", "over")),
        Option("", "file", ("a file",), "joblog"),
        Option("s", "size", ("just text",), "size"),
    ),
    variables=(),
    free="command",
)

FILES = SYNTAX._replace(usage=("[OPTIONS] [file...]",), free="file")
NOTHING = SYNTAX._replace(usage=("[OPTIONS]",), free="")

#: What is typed, with a tab, and the arguments that it becomes.
TYPED = [
    ("--vers\t", ["--version"]),
    ("-l --joblog log-f\t x", ["-l", "--joblog", "log-file", "x"]),
    ("--joblog=log-f\t", ["--joblog=log-file"]),
    ("-n :log-f\t x", ["-n", ":log-file", "x"]),
    ("-ln :log-f\t x", ["-ln", ":log-file", "x"]),
    ("-m t\tx y", ["-m", "two=x", "y"]),
    ("-W u\t", ["-W", "under"]),
    ("-n + -W u\t", ["-n", "+", "-W", "under"]),
    ("--weights=o\t", ["--weights=over"]),
    ("-s 1 -W u\t", ["-s", "1", "-W", "under"]),
    ("-t our-tr\t x", ["-t", "our-transport", "x"]),
    ("-l our-tr\t x", ["-l", "our-transport", "x"]),
    ("-l -- our-tr\t x", ["-l", "--", "our-transport", "x"]),
    ("-l cat log-f\t", ["-l", "cat", "log-file"]),
]

TYPED_FILES = [
    ("-l log-f\t", ["-l", "log-file"]),
    ("-l -- log-f\t", ["-l", "--", "log-file"]),
    ("--vers\t", ["--version"]),
]

SHELLS = ["bash", "bash-completion", "zsh"]


class Typist(Terminal):
    """A shell that has learnt the completion of ``PROGRAM``, which prints its arguments."""

    def __init__(self, shell: str, directory: Path, syntax: Syntax) -> None:
        (directory / "log-file").touch()
        transport = directory / "our-transport"
        transport.write_text("#!/bin/sh\n")
        transport.chmod(0o755)
        script = directory / f"_{PROGRAM}"
        if shell == "zsh":
            script.write_text(completions.zsh(PROGRAM, syntax))
            super().__init__(["zsh", "-f", "-i"], directory)
            self.type(f"fpath=({shlex.quote(str(directory))} $fpath)\n")
            self.type("autoload -Uz compinit; compinit -D -u\n")
        else:
            script.write_text(completions.bash(PROGRAM, syntax))
            super().__init__(["bash", "--norc", "--noprofile", "-i"], directory)
            if shell == "bash-completion":
                self.type("source /usr/share/bash-completion/bash_completion\n")
            self.type(f"source {shlex.quote(str(script))}\n")
        # In two pieces, so that the typed line itself does not look like the end of the output.
        self.type(f"""{PROGRAM}() {{ printf '<%s>' "$@"; echo '<''end>'; }}\n""")
        self.arguments("")

    def arguments(self, typed: str) -> list[str]:
        """Type arguments of the program, with tabs; return those that it was called with."""
        self.type(f"{PROGRAM} {typed}\n")
        output = self.wait_for("<end>").splitlines()[-1]
        return output.removeprefix("<").removesuffix(">").split("><")


@pytest.fixture(scope="module", params=SHELLS)
def typist(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Typist]:
    with Typist(request.param, tmp_path_factory.mktemp(request.param), SYNTAX) as typist:
        yield typist


@pytest.fixture(scope="module", params=SHELLS)
def typist_of_files(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Typist]:
    with Typist(request.param, tmp_path_factory.mktemp(request.param), FILES) as typist:
        yield typist


@pytest.mark.parametrize(("typed", "arguments"), TYPED)
def test_bash_and_zsh(typist: Typist, typed: str, arguments: list[str]) -> None:
    assert typist.arguments(typed) == arguments


@pytest.mark.parametrize(("typed", "arguments"), TYPED_FILES)
def test_bash_and_zsh_with_files(typist_of_files: Typist, typed: str, arguments: list[str]) -> None:
    assert typist_of_files.arguments(typed) == arguments


@pytest.mark.parametrize("shell", ["bash-completion", "zsh"])
def test_the_words_of_a_command(tmp_path: Path, shell: str) -> None:
    """A shell that knows the command completes its options and not those of the program."""
    with Typist(shell, tmp_path, SYNTAX) as typist:
        assert typist.arguments("-l cat --vers\t") == ["-l", "cat", "--version"]
        assert typist.arguments("-l cat --jobl\t") == ["-l", "cat", "--jobl"]


def test_a_value_that_looks_like_an_option(tmp_path: Path) -> None:
    with Typist("bash", tmp_path, SYNTAX) as typist:
        assert typist.arguments("-s -W u\t") == ["-s", "-W", "u"]


def test_values_in_bash_if_colons_do_not_cut_words(tmp_path: Path) -> None:
    with Typist("bash", tmp_path, SYNTAX) as typist:
        typist.type("COMP_WORDBREAKS=' '\n")
        assert typist.arguments("-n :log-f\t x") == ["-n", ":log-file", "x"]
        assert typist.arguments("--joblog=log-f\t") == ["--joblog=log-file"]


def ask_fish(syntax: Syntax, directory: Path, line: str) -> dict[str, str]:
    """Ask fish for the completions of a line, each with its description."""
    script = directory / "try-it.fish"
    script.write_text(completions.fish(PROGRAM, syntax))
    (directory / "log-file").touch()
    done = subprocess.run(
        ["fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"', script, line],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    rows = (row.partition("\t") for row in done.stdout.splitlines())
    return {word: description for word, _, description in rows}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("try-it --vers", {"--version": "show version"}),
        ("try-it -n +", None),
        ("try-it --joblog log-f", {"log-file": ""}),
        ("try-it -m t", {"two=": "choices to be continued"}),
        ("try-it --weights=o", {"--weights=over": "choices"}),
        ("try-it -W ", {"under": "choices", "over": "choices"}),
        ("try-it -s log-f", {}),
        ("try-it -", {"-l": "it's [a] letter"}),
        ("try-it -l cat log-f", {"log-file": ""}),
    ],
)
def test_fish(tmp_path: Path, line: str, words: dict[str, str] | None) -> None:
    found = ask_fish(SYNTAX, tmp_path, line)
    if words is None:
        assert [word for word in found if word[1:].isdigit()], found
    elif line.endswith("-"):
        assert words.items() <= found.items()
    else:
        assert found == words


@pytest.mark.parametrize(("syntax", "words"), [(FILES, ["log-file"]), (NOTHING, [])])
def test_free_arguments_in_fish(tmp_path: Path, syntax: Syntax, words: list[str]) -> None:
    assert list(ask_fish(syntax, tmp_path, "try-it -l log-f")) == words


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_no_free_arguments(tmp_path: Path, shell: str) -> None:
    with Typist(shell, tmp_path, NOTHING) as typist:
        assert typist.arguments("-l log-f\t") == ["-l", "log-f"]
        assert typist.arguments("-l -- log-f\t") == ["-l", "--", "log-f"]
        assert typist.arguments("-l --vers\t") == ["-l", "--version"]
