"""The memory of a run does not grow with the number of its tasks."""

from __future__ import annotations

import pytest

from tests.runtime.test_run_in_a_program import run_program

PROGRAM = """
    import itertools, os, resource, sys, trio
    from paexec_trio import map_tasks, open_distributor
    COMMAND = ["awk", '{ print; print ""; fflush() }']
    OPTIONS = {"nodes": 2, "command": COMMAND, "prefetch": "auto"}
    way, count = sys.argv[1], int(sys.argv[2])

    def memory():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    async def send(channel):
        async with channel:
            for number in range(count):
                await channel.send(b"%d" % number)

    async def results():
        if way == "map":
            async with map_tasks(map(str, range(count)), keep_order=True, **OPTIONS) as some:
                async for result in some:
                    yield result
        else:
            async with open_distributor(**OPTIONS) as run, trio.open_nursery() as nursery:
                nursery.start_soon(send, run.tasks)
                async for result in run.results:
                    yield result
                assert run.statistics().done == count

    async def main():
        done, early = 0, 0
        async for result in results():
            done += 1
            if done == count // 10:
                early = memory()
        assert done == count, done
        print(memory() - early)

    trio.run(main)
    """

MOST = 1 << 20
"""Octets that it may grow by: 25 per task."""


@pytest.mark.parametrize("way", ["send", "map"])
@pytest.mark.parametrize("tasks", [45_000, pytest.param(200_000, marks=pytest.mark.long)])
def test_memory_does_not_grow_with_the_number_of_tasks(way: str, tasks: int) -> None:
    done = run_program(PROGRAM, way, f"{tasks}")
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST
