"""Inherited signals and variables, as far as the interpreter leaves them to be found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from paexec_trio.runtime import inheritance

PROGRAM = "from paexec_trio.runtime.inheritance import environment; print(environment())"


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"LANG": "C"},
        {"LC_CTYPE": "C"},
        {"LC_CTYPE": "C.UTF-8"},
        {"LC_ALL": "POSIX"},
        {"a.b": "1", "BASH_FUNC_f%%": "() { :; }", "PYTHONHASHSEED": "1", "EMPTY": ""},
    ],
)
def test_it_is_what_the_program_was_started_with(variables: dict[str, str]) -> None:
    """LCH-031: the interpreter's own idea of it has LC_CTYPE in some of these cases."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=variables, stdout=subprocess.PIPE, check=True
    )
    expected = [(name.encode(), value.encode()) for name, value in variables.items()]
    assert done.stdout.decode().strip() == repr(expected)


def test_duplicates_stay_and_what_is_no_variable_goes() -> None:
    block = b"A=1\0B\0A=2\0=C=3\0D=4=5\0E=\0"
    expected = [(b"A", b"1"), (b"A", b"2"), (b"D", b"4=5"), (b"E", b"")]
    assert inheritance.parse_block(block) == expected


def test_it_is_guessed_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setenv("LC_CTYPE", "de_DE")
    assert inheritance.environment() == list(os.environb.items())


@pytest.mark.parametrize(
    ("variables", "in_utf8_mode", "is_coerced"),
    [
        ({b"LC_CTYPE": b"C.UTF-8"}, True, True),
        ({b"LC_CTYPE": b"C.UTF-8", b"LANG": b"C"}, True, True),
        ({b"LC_CTYPE": b"C.utf8", b"LANG": b"", b"LC_ALL": b""}, True, True),
        ({b"LC_CTYPE": b"C.UTF-8"}, False, False),
        ({b"LC_CTYPE": b"C.UTF-8", b"LANG": b"de_DE.UTF-8"}, True, False),
        ({b"LC_CTYPE": b"C.UTF-8", b"LC_ALL": b"C"}, True, False),
        ({b"LC_CTYPE": b"de_DE.UTF-8"}, True, False),
        ({}, True, False),
    ],
)
def test_what_coercion_adds(
    variables: dict[bytes, bytes], in_utf8_mode: bool, is_coerced: bool
) -> None:
    found = inheritance.without_coercion(variables.items(), in_utf8_mode=in_utf8_mode)
    expected = [entry for entry in variables.items() if not is_coerced or entry[0] != b"LC_CTYPE"]
    assert found == expected


@pytest.fixture
def nothing_noted() -> Iterator[None]:
    yield
    inheritance.started_with(ignored=())


@pytest.mark.usefixtures("nothing_noted")
def test_signals_to_reset() -> None:
    """LCH-033."""
    usual = {signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ}
    assert set(inheritance.signals_to_reset()) == usual
    inheritance.started_with(ignored={signal.SIGPIPE, signal.SIGCHLD, signal.SIGHUP})
    assert set(inheritance.signals_to_reset()) == usual - {signal.SIGPIPE}
    inheritance.started_with(ignored={signal.SIGXFSZ})
    assert set(inheritance.signals_to_reset()) == usual - {signal.SIGXFSZ}
