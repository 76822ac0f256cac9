"""Usage errors carry octets: values need not be text in any character set."""

from paexec_trio.cli.errors import UsageError


def test_the_message_is_kept_octet_for_octet() -> None:
    assert UsageError(b"bad: '\xff'").message == b"bad: '\xff'"
