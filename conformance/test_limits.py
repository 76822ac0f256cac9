"""Chapter *Limits*."""

from __future__ import annotations

import os
import resource
from typing import TYPE_CHECKING

import pytest

from conformance.harness.octets import is_same
from conformance.test_exec import MAGIC_EOT

if TYPE_CHECKING:
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

MIB = 1 << 20


def with_descriptors(number: int) -> list[str]:
    """A command line that executes its arguments with this limit on descriptors."""
    return ["/bin/sh", "-c", f'ulimit -n {number} && exec "$@"', "sh"]


@requirement("LIM-001")
def test_many_nodes(stage: Stage) -> None:
    """All 600 calculators, cheap ones, hold a task at the same time."""
    nodes, descriptors = 600, 4096
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert hard >= descriptors, f"this machine does not allow {descriptors} descriptors"
    gate = stage.directory / "gate"
    os.mkfifo(gate)
    nonce = stage.nonce.decode()
    opener = os.open(gate, os.O_RDWR)
    calculator = stage.script(
        "cheap",
        f"while read -r x; do echo got >&2; read -r y < {gate}; echo {nonce} $x; echo; done",
    )
    run = stage.start(
        "-n", f"+{nodes}", "-l", "-c", f"exec {calculator}", within=with_descriptors(descriptors)
    )
    tasks = [b"%d" % number for number in range(1, nodes + 1)]
    run.feed(b"".join(task + b"\n" for task in tasks))
    stage.wait(
        f"{nodes} calculators to hold a task",
        lambda: run.stderr.count(b"got\n") == nodes,
        stage.volume_bound,
    )
    os.write(opener, b"\n" * nodes)
    assert run.finish(stage.volume_bound) == 0
    os.close(opener)
    results = [b"%s %s %s" % (task, stage.nonce, task) for task in tasks]
    assert sorted(run.stdout.splitlines()) == sorted(results)


@requirement("LIM-002", "FRM-011")
def test_long_tasks(stage: Stage) -> None:
    task = (stage.nonce + b"0123456\t") * (10 * MIB // 16)
    run = stage.start("-n", "+1", "-c", stage.calculator())
    run.feed(task + b"\nnext\n")
    calculator = stage.next_calculator()
    assert is_same(calculator.next_task(stage.volume_bound), task)
    calculator.answer(b"long")
    assert calculator.next_task() == b"next"
    calculator.answer(b"short")
    assert run.finish() == 0
    assert run.stdout == b"long\nshort\n"


@requirement("LIM-003", "RES-007")
def test_long_result_lines(stage: Stage) -> None:
    line = (stage.nonce + b"0123456\t") * (10 * MIB // 16)
    stage.reply = lambda _: line + b"\nend\n\n"
    run = stage.start("-n", "+1", "-l", "-c", stage.calculator())
    run.feed(b"a\nb\n")
    assert run.finish(stage.volume_bound) == 0
    expected = b"".join(b"%s %s\n%s end\n" % (n, line, n) for n in (b"1", b"2"))
    assert is_same(run.stdout, expected)


@requirement("LIM-004")
def test_many_tasks(stage: Stage) -> None:
    """Between 20,000 and 120,000 tasks the memory may grow by 4 octets for each."""
    echo = stage.script("echo", 'while read -r x; do printf "%s\\n\\n" "$x"; done')
    run = stage.start("-n", "+1", "-E", "-c", f"exec {echo}")

    def do_some() -> None:
        """No more at a time than has its results in the pipe, or they may wait elsewhere."""
        printed = run.printed + 30_000
        run.feed(b"t\n" * 10_000)
        stage.wait(
            "the results of 10,000 tasks", lambda: run.printed >= printed, stage.volume_bound
        )

    for _ in range(2):
        do_some()
    before = run.memory("VmRSS")
    for _ in range(10):
        do_some()
    after = run.memory("VmRSS")
    assert run.finish() == 0
    assert after - before < 400_000


@requirement("LIM-005", "END-006")
def test_descriptors_run_out(stage: Stage) -> None:
    """The control is a run on the same limit with fewer nodes."""
    stage.reply_with_results()
    command = ("-c", stage.calculator("linger"))
    within = with_descriptors(256)
    good = stage.start("-n", "+1", *command, within=within)
    stage.next_calculator().exit(0)
    assert good.finish() == 0
    run = stage.start("-n", "+400", *command, within=within)
    run.feed(b"a\n")
    run.close_stdin()
    assert run.wait(3 * stage.bound) == 1
    assert run.stderr, "no diagnostic"
    assert not stage.left_running(), "processes were left running"


@requirement("LIM-006")
@pytest.mark.parametrize("place", [(), ("-t", "./transport")], ids=["local", "transport"])
@pytest.mark.parametrize("exec_mode", [False, True], ids=["calculator", "-x"])
def test_large_results(stage: Stage, place: tuple[str, ...], exec_mode: bool) -> None:
    """A result of 100 MiB takes no more than 16 MiB, such as for buffers."""
    stage.script("transport", 'shift; exec sh -c "$1"')
    options = ("-n", "host", *place, "-E")
    if exec_mode:
        command = stage.calculator("linger", "paused")
        run = stage.start(*options, "-x", "-c", command)
    else:
        run = stage.start(*options, "-c", stage.calculator())
    run.feed(b"a\n")
    calculator = stage.next_calculator()
    if not exec_mode:
        calculator.next_task()
    before = run.memory("VmHWM")
    line, size = stage.nonce + b"0123456\n", 100 * MIB
    assert calculator.flood(line, size, patience=3 * stage.bound) == size
    calculator.answer()
    calculator.exit(0)
    stage.wait("the whole result", lambda: run.printed > size, stage.volume_bound)
    grown = run.memory("VmHWM") - before
    assert run.finish() == 0
    end = MAGIC_EOT if exec_mode else b""
    assert is_same(run.stdout, line * (size // len(line)) + end + b"\n")
    assert grown < 16 * MIB
