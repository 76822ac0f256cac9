"""Starts a program as a shell with job control starts a job.

It gets a process group of its own, whose parent, this program, is of the same session: in a group
without such a parent the system ignores SIGTSTP. This program ends as it does.

Usage: jobcontrol.py FILE PROGRAM [ARGUMENT...]

FILE receives the id of the program's process before it starts.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        with open(sys.argv[1], "w") as file:  # noqa: PTH123 (pathlib is slow to load)
            file.write(str(os.getpid()))
        os.execvp(sys.argv[2], sys.argv[2:])
    status = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
    if status >= 0:
        sys.exit(status)
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


if __name__ == "__main__":
    main()
