"""Children that do nothing."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.runtime.harness import LIMIT


@contextmanager
def sleeper() -> Iterator[int]:
    """Start a child that does not end by itself."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def wait_for_end(pid: int) -> None:
    pidfd = os.pidfd_open(pid)
    assert select.select([pidfd], [], [], LIMIT)[0]
    os.close(pidfd)
