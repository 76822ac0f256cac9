"""Lines that tell a status."""

import pytest

from paexec_trio.core.status import Status, StatusWords


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"success\n", Status.SUCCESS),
        (b"failure\n", Status.FAILURE),
        (b"result\nsuccess\n", Status.SUCCESS),
        (b"success\nfailure\n", Status.FAILURE),
        (b"success\nresult\n", Status.MISSING),
        (b"successful\n", Status.MISSING),
        (b"no success\n", Status.MISSING),
        (b"success \n", Status.MISSING),
        (b" success\n", Status.MISSING),
        (b"success\r\n", Status.MISSING),
        (b"SUCCESS\n", Status.MISSING),
        (b"fatal\n", Status.MISSING),
        (b"\n", Status.MISSING),
        (bytearray(b"success\n"), Status.SUCCESS),
    ],
)
def test_the_last_line_exactly(lines: bytes, status: Status) -> None:
    """GRA-030."""
    assert StatusWords(b"success", b"failure").status_of(lines) is status


def test_other_words() -> None:
    """GRA-031."""
    words = StatusWords(b"ok", b"")
    assert words.status_of(b"ok\n") is Status.SUCCESS
    assert words.status_of(b"ok\n\n") is Status.FAILURE
    assert words.status_of(b"success\n") is Status.MISSING
