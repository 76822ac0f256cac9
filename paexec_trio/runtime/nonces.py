"""Texts that nobody can guess."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from paexec_trio.runtime.descriptors import spare_descriptors

if TYPE_CHECKING:
    from paexec_trio.core.launch import Launch
    from paexec_trio.core.silence import Silence


def make_nonce() -> bytes:
    """Return letters and digits that nobody can guess."""
    return os.urandom(16).hex().encode()


def wrapped(launch: Launch, rules: Silence) -> tuple[Launch, bytes]:
    """Let nodes greet and beat; return also the token by which they do.

    Args:
        launch: how calculators are started.
        rules: whether they greet and beat.
    """
    if not rules.is_wrapped:
        return launch, b""
    from paexec_trio.core.wrapper import Wrapper  # rarely needed

    token = b"paexec-" + make_nonce()
    wrapper = Wrapper(token, rules.heartbeat, spare_descriptors()[0])
    return launch._replace(wrapper=wrapper), token
