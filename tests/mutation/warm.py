"""Runs pytest again and again without loading it again, which takes longer than most tests here.

A server loads pytest and hypothesis; for each run it makes a child, in which what is tested is
loaded anew. The client is what cosmic-ray starts for each mutant::

    python -m tests.mutation.warm serve SOCKET
    python -ISE tests/mutation/warm.py SOCKET ARGUMENT...

"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module


def serve(address: str) -> None:
    """Run pytest for each client, one after the other, until killed."""
    pytest = import_module("pytest")
    import_module("hypothesis.strategies")
    import_module("_hypothesis_pytestplugin")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            client, _ = listening.accept()
            with client:
                arguments = client.recv(1 << 16).decode().split("\0")
                child = os.fork()
                if not child:
                    try:
                        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                        os._exit(int(pytest.main(arguments)))
                    finally:
                        os._exit(int(pytest.ExitCode.INTERNAL_ERROR))
                status = wait_for(child, client)
                with suppress(OSError):  # it has gone away
                    client.sendall(b"%d" % status)


def wait_for(child: int, client: socket.socket) -> int:
    """Return the exit status of a child, which is killed if the client goes away before."""
    ended = os.pidfd_open(child)
    try:
        if ended not in select.select([ended, client.fileno()], [], [])[0]:
            os.kill(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF
    finally:
        os.close(ended)


def ask(address: str, arguments: Sequence[str]) -> int:
    """Have the server run pytest, and return its exit status."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        server.sendall("\0".join(arguments).encode())
        return int(server.recv(16) or b"1")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        sys.exit(ask(sys.argv[1], sys.argv[2:]))
