"""A calculator that takes its time, tells when it begins a task, and says which task it did.

Usage: calculator.py SOCKET SECONDS

It sends the name of its host and the task to SOCKET, which is a file.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time


def main() -> None:
    events = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    events.setblocking(False)
    host = os.uname().nodename.encode()
    for line in sys.stdin.buffer:
        task = line.rstrip(b"\n")
        with contextlib.suppress(OSError):  # nobody listens any more
            events.sendto(host + b" " + task, sys.argv[1])
        time.sleep(float(sys.argv[2]))
        sys.stdout.buffer.write(b"result of " + task + b"\n\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
