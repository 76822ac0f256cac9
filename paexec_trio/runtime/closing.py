"""The end of a host, however its run ended: no process is left, and the output is written.

Nothing here waits. Each generator yields the seconds for which its caller is to wait for the
poller, and then goes on. So the policy is the same under trio and without it.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from paexec_trio.runtime.poller import silently
from paexec_trio.runtime.system import system

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from paexec_trio.core.settings import Graces
    from paexec_trio.runtime.ends import Ends
    from paexec_trio.runtime.poller import Poller
    from paexec_trio.runtime.process import NodeProcess


def end_processes(
    processes: Sequence[NodeProcess],
    ends: Ends,
    poller: Poller,
    graces: Graces,
    survived: Callable[[int, bytes], None],
) -> Generator[float, None, None]:
    """End processes that the engine does not end any more.

    Args:
        processes: the nodes' processes.
        ends: signals and reaps them.
        poller: tells their ends.
        graces: how long each step may take.
        survived: is told the id of what does not end, and the reason.
    """
    keys = [process.end_key for process in processes]
    for process in processes:
        process.close_stdin()
    yield from poller.until_ended(keys, graces.stop)
    for signum, grace in ((signal.SIGTERM, graces.term), (signal.SIGKILL, graces.kill)):
        for process in processes:
            ends.signal(process, signum)
        ends.catch_up(processes)
        yield from poller.until_ended(keys, grace)
    for process in processes:
        if not process.has_exited():
            survived(process.pid, b"does not end")
        ends.reap(process)


def end_leftovers(
    ends: Ends, poller: Poller, graces: Graces, survived: Callable[[int, bytes], None]
) -> Generator[float, None, bool]:
    """End what nodes have left; the arguments are those of ``end_processes``.

    Returns:
        Whether the run has not failed by what does not end.
    """
    keys: list[int] = []
    for relative in ends.sweep():
        try:
            key = poller.watch_end(relative.pid, silently(lambda: None))
        except OSError:  # it has ended
            continue
        keys.append(key)
        if not system.is_there(relative):  # its id may be another's by now
            poller.unwatch_end(key)
    yield from poller.until_ended(keys, graces.kill)
    ends.reap_orphans(())
    good = True
    for pid, reason, failed in ends.survivors():
        survived(pid, reason)
        good &= not failed
    return good
