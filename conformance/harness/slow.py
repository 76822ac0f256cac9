"""A calculator whose tasks take much longer than their way to it and back.

Usage: slow.py WORD

It takes five times as long for each as it has ever waited for the next one or overslept, and at
least 30 ms: on a busy machine, too, no delay makes a task that is alone look as long as several.
Two seconds are the most that it takes, so that this has an end. The result of a task is the word,
which nobody can guess, and the number of tasks that it had received and not answered then: 1 if the
task was alone.
"""

from __future__ import annotations

import os
import select
import sys
import time

_LEAST = 0.03
_MOST = 2.0
_FACTOR = 5


def main() -> None:
    word = os.fsencode(sys.argv[1])
    tasks = 0
    longest = 0.0
    since: float | None = None
    while octets := os.read(0, 1 << 16):
        if since is not None:
            longest = max(longest, time.monotonic() - since)
        tasks += octets.count(b"\n")
        while tasks:
            seconds = min(_MOST, max(_LEAST, _FACTOR * longest))
            begin = time.monotonic()
            time.sleep(seconds)
            longest = max(longest, time.monotonic() - begin - seconds)
            if select.select([0], [], [], 0)[0]:
                tasks += os.read(0, 1 << 16).count(b"\n")
            since = time.monotonic()  # who reads the result may be quicker than this can go on
            os.write(1, b"%b %d\n\n" % (word, tasks))
            tasks -= 1


if __name__ == "__main__":
    main()
