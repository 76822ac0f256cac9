"""Processes that are not the test's children: who they are, and their end."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.harness.effort import Work

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")

#: Seconds after which a program that does not start is not waited for.
_START = 10.0


_seen: dict[int, int] = {}
"""The inodes of processes that a look for a variable has found without it, by process id."""


def with_variable(name: str, value: str) -> set[int]:
    """Find the processes that were started with this environment variable and run now: no zombies.

    The value is one that no process has had before. A process without it never comes to have it, so
    the next look, for this value or a newer one, does not read its environment again.
    """
    entry = f"{name}={value}".encode()
    found = set()
    inodes = {int(each.name): each.inode() for each in os.scandir(_PROC) if each.name.isdigit()}
    for pid, inode in inodes.items():
        # A process id that is used again has another inode.
        if _seen.get(pid) == inode:
            continue
        try:
            environment = _environment_of(pid)
        except OSError:  # it is gone, or somebody else's
            continue
        if entry in environment.split(b"\0"):
            found.add(pid)
        else:
            _seen[pid] = inode
    for pid in _seen.keys() - inodes.keys():
        del _seen[pid]
    return found


def _environment_of(pid: int) -> bytes:
    """Return the environment that a process was started with.

    While it starts a program (``execve``) the system shows nothing: that is waited for, so that
    nobody is overlooked.
    """
    deadline = 0.0
    while not (environment := _read(f"{_PROC}/{pid}/environ")):
        fields = _read(f"{_PROC}/{pid}/stat").rpartition(b")")[2].split()
        memory, code, begin, end = (int(fields[index]) for index in (20, 23, 47, 48))
        # A zombie and a thread of the kernel have no memory. The place of the program's code is
        # filled in after the environment's, which seems to be of no length before.
        if not memory or (code and begin == end):
            break
        now = time.monotonic()
        deadline = deadline or now + _START
        if now > deadline:
            break
        os.sched_yield()
    return environment


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (a Path takes longer than the reading)
        return file.readall()


def parent_of(pid: int) -> int:
    """The parent of a process; 0 if either is gone."""
    try:
        status = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return 0
    return int(status.rpartition(b")")[2].split()[1])  # the name may hold blanks and parentheses


def state_of(pid: int) -> str:
    """The letter for the state of a process, such as T if it is stopped; empty if it is gone."""
    try:
        status = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return ""
    return status.rpartition(b")")[2].split()[0].decode()


def await_state(pids: Iterable[int], state: str, patience: float) -> bool:
    """Whether all processes come to be in a state; no event tells that, so it is looked again."""
    deadline = time.monotonic() + patience
    left = set(pids)
    while left := {pid for pid in left if state_of(pid) != state}:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def between(pid: int, ancestor: int) -> set[int]:
    """A process and its ancestors below that one, such as the shells around a calculator.

    Only the process itself if it does not descend from that one.
    """
    line = [pid]
    while (parent := parent_of(line[-1])) not in {0, ancestor}:
        line.append(parent)
    return set(line if parent else line[:1])


def processor_time_of(pid: int) -> float:
    """The seconds that a process, without its children, has used so far, to a hundredth."""
    fields = (_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def work_of(pid: int) -> Work:
    """Return the state and processor time of a process, the time of reaped children included."""
    try:
        status = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return Work(is_done=False, seconds=0.0)
    fields = status.rpartition(b")")[2].split()
    # What waits for a disk would go on, too, if the machine were not busy.
    ticks = sum(map(int, fields[11:15]))
    return Work(fields[0] in {b"R", b"D"}, ticks / os.sysconf("SC_CLK_TCK"))


def name_of(pid: int) -> str:
    """The name of the program that a process runs, cut to 15 octets; empty if it is gone."""
    try:
        return (_PROC / str(pid) / "comm").read_text(errors="replace").rstrip("\n")
    except OSError:
        return ""


def descendants_of(pid: int) -> set[int]:
    """The children of a process, their children and so on."""
    children: dict[int, list[int]] = {}
    for other in all_of_them():
        children.setdefault(parent_of(other), []).append(other)
    found: set[int] = set()
    unseen = [pid]
    while unseen:
        offspring = children.get(unseen.pop(), [])
        found.update(offspring)
        unseen += offspring
    return found


def kill(pids: Iterable[int], patience: float) -> set[int]:
    """Kill processes and wait for their end; those that still live after ``patience`` seconds."""
    ending = _opened(pids)
    for fd in ending:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    return _wait(ending, patience)


def await_ends(pids: Iterable[int], patience: float) -> bool:
    """Whether all these processes end within ``patience`` seconds."""
    return not _wait(_opened(pids), patience)


def _opened(pids: Iterable[int]) -> dict[int, int]:
    """Those processes that are still there, by new descriptors that stand for them."""
    found = {}
    for pid in pids:
        with suppress(ProcessLookupError):
            found[os.pidfd_open(pid)] = pid
    return found


def _wait(ending: dict[int, int], patience: float) -> set[int]:
    """Close all descriptors after the ends of their processes; those that still live."""
    deadline = time.monotonic() + patience
    waiting = select.poll()
    for fd in ending:
        waiting.register(fd, select.POLLIN)
    living = ending.copy()
    while living and (left := deadline - time.monotonic()) > 0:
        for fd, _ in waiting.poll(left * 1000):
            waiting.unregister(fd)
            del living[fd]
    for fd in ending:
        os.close(fd)
    return set(living.values())


def children_of(pid: int) -> set[int]:
    """The children of a process that was started by its main thread."""
    try:
        listed = (_PROC / str(pid) / "task" / str(pid) / "children").read_text()
    except OSError:
        return set()
    return set(map(int, listed.split()))


def all_of_them() -> list[int]:
    """The processes of this machine."""
    return [int(name) for name in os.listdir(_PROC) if name.isdigit()]  # noqa: PTH208 (names only)
