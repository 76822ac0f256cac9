"""Usage errors carry octets: values need not be text in any character set."""

import sys

import pytest

from paexec_trio.cli import launch
from paexec_trio.cli.errors import UsageError


def test_the_message_is_kept_octet_for_octet() -> None:
    assert UsageError(b"bad: '\xff'").message == b"bad: '\xff'"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("_x.so: failed to map segment from shared object", "out of memory"),
        ("_x.so: cannot allocate memory in static TLS block", "out of memory"),
        ("No module named '_x'", "internal error: ImportError: No module named '_x'"),
    ],
)
def test_an_error_while_modules_load(
    words: str,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """LIM-016: a lack of memory is named as such, though it has no exception of its own."""

    def fail(_: str) -> None:
        raise ImportError(words)

    monkeypatch.setattr(launch, "import_module", fail)
    monkeypatch.setattr(sys, "argv", ["paexec-trio"])
    assert launch.launch("paexec-trio") == 1
    diagnostic = capfdbinary.readouterr().err.decode()
    assert diagnostic.startswith(f"paexec-trio: {problem}")
    assert diagnostic.count("\n") == 1
