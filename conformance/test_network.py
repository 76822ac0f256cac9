"""Requirements of several chapters once more, on hosts of which each has its own network.

The hosts are network namespaces of this machine, each with its own sshd. Their links, servers and
calculators fail in the ways in which those of real hosts do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from conformance.harness.network.hosts import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.network.host import Host
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
pytestmark = pytest.mark.network

#: A time that no test waits for.
NEVER = "100000"


@pytest.fixture
def network(stage: Stage) -> Iterator[Network]:
    """Two hosts, and fakes that report from them."""
    # Steps on these hosts cannot be repeated without them.
    stage.recorder.give_up()
    with Network(["alpha", "beta"]) as network:
        stage.reach_hosts(network)
        yield network


def start(stage: Stage, network: Network, *options: str) -> Distributor:
    """Start a distributor with a calculator on each host."""
    command = f"exec {stage.calculator_on_hosts()}"
    return stage.start("-n", network.nodes, "-t", network.ssh, *options, "-c", command)


def host_of(network: Network, calculator: Calculator) -> Host:
    """The host on which a calculator runs, by the address that its connection came to."""
    address = calculator.environment[b"SSH_CONNECTION"].split()[2].decode()
    (host,) = (host for host in network.hosts if host.link.address == address)
    return host


def assert_nothing_is_left(stage: Stage, network: Network) -> None:
    """Neither clients here nor calculators there, of which bad links tell late."""
    assert not stage.left_running(), "something is left on this side"
    for host in network.hosts:
        left = host.commands()
        assert stage.await_ends(left, stage.bound), f"something is left on {host.name}"


# Deaths that the head is told of


def reset(host: Host, calculator: Calculator) -> None:
    """Reset the connection, over which nothing goes by itself."""
    host.link.reset()
    calculator.write(b"lost\n")


def kill_session(host: Host, _calculator: Calculator) -> None:
    host.kill_sessions()


def kill_calculator(host: Host, _calculator: Calculator) -> None:
    host.kill_commands()


def crash(host: Host, _calculator: Calculator) -> None:
    host.crash()


TOLD = [reset, kill_session, kill_calculator, crash]

told = pytest.mark.parametrize("fault", TOLD, ids=lambda fault: fault.__name__)
resistant = pytest.mark.parametrize(
    "options", [("-z",), ("-Z", NEVER), ("-Z", NEVER, "-w")], ids=" ".join
)


@requirement("DTH-001", "DTH-002", "DTH-003", "DTH-010", "DTH-020", "DTH-022", "DTH-023")
@told
@resistant
def test_one_host_is_lost(
    stage: Stage,
    network: Network,
    fault: Callable[[Host, Calculator], None],
    options: tuple[str, ...],
) -> None:
    """Its task is done by the other one."""
    run = start(stage, network, "-r", "-E", *options)
    run.feed(b"a\nb\n")
    lost, living = stage.holder(b"a"), stage.holder(b"b")
    node = os.fsencode(host_of(network, lost).name)
    other = os.fsencode(host_of(network, living).name)
    assert {node, other} == {b"alpha", b"beta"}
    fault(host_of(network, lost), lost)
    run.expect_output(node + b" fatal\n" + node + b" \n")
    living.next_task()
    living.answer(b"of b")
    assert living.next_task() == b"a"
    living.answer(b"of a")
    assert run.finish() == 0
    rest = b"".join(other + b" " + text + b"\n" for text in (b"of b", b"", b"of a", b""))
    assert run.stdout == node + b" fatal\n" + node + b" \n" + rest
    assert_nothing_is_left(stage, network)


@requirement("END-010", "END-011", "END-012")
@told
def test_without_z_the_loss_of_a_host_ends_the_run(
    stage: Stage, network: Network, fault: Callable[[Host, Calculator], None]
) -> None:
    run = start(stage, network)
    run.feed(b"a\nb\n")
    lost, living = stage.holder(b"a"), stage.holder(b"b")
    host = host_of(network, lost)
    fault(host, lost)
    assert run.wait() == 1
    assert b"exited unexpectedly" in run.stderr
    assert run.stdout == b""
    living.wait_gone()
    assert_nothing_is_left(stage, network)


@requirement("DTH-030")
@told
def test_all_hosts_are_lost(
    stage: Stage, network: Network, fault: Callable[[Host, Calculator], None]
) -> None:
    run = start(stage, network, "-z", "-e")
    run.feed(b"a\nb\n")
    both = [stage.holder(b"a"), stage.holder(b"b")]
    for calculator in both:
        fault(host_of(network, calculator), calculator)
    assert run.wait() == 1
    assert run.stdout == b"fatal\n\n" * 2
    assert b"all nodes failed" in run.stderr
    assert_nothing_is_left(stage, network)


@requirement("RST-004", "RST-010", "RST-020")
@told
def test_hosts_come_back(
    stage: Stage, network: Network, fault: Callable[[Host, Calculator], None]
) -> None:
    """Both are lost at work and refuse connections for a while, which are attempts of no task."""
    run = start(stage, network, "-Z1", "-w", "-mF=")
    run.feed(b"a\nb\n")
    run.close_stdin()
    both = [stage.holder(b"a"), stage.holder(b"b")]
    for host in network.hosts:
        host.refuse()
    for calculator in both:
        fault(host_of(network, calculator), calculator)
    for calculator in both:
        calculator.wait_gone()
    for host in network.hosts:
        if fault is crash:
            host.come_back()
        else:
            host.link.heal()
            host.accept()
    stage.next_calculators(4)
    for task in (b"a", b"b"):
        stage.wait(
            f"task {task!r} to reach another calculator",
            lambda task=task: any(task in fake.tasks for fake in stage.calculators[2:]),  # type: ignore[misc]
        )
    for calculator in stage.calculators[2:]:
        for task in calculator.unanswered:
            calculator.answer(b"of " + task)
    assert run.wait() == 0
    assert sorted(run.stdout.splitlines()) == [b"of a", b"of b"]
    assert_nothing_is_left(stage, network)


# Hosts that cannot be reached


def refuse(host: Host) -> None:
    host.refuse()


def change_key(host: Host) -> None:
    host.change_key()


@requirement("DTH-001", "DTH-010")
@pytest.mark.parametrize("fault", [refuse, change_key], ids=["refused", "wrong key"])
def test_a_host_that_cannot_be_reached(
    stage: Stage, network: Network, fault: Callable[[Host], None]
) -> None:
    fault(network.hosts[0])
    stage.reply_with_results()
    run = start(stage, network, "-z", "-mF=")
    run.feed(b"a\nb\nc\n")
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == sorted(map(stage.result, (b"a", b"b", b"c")))
    assert {host_of(network, fake).name for fake in stage.calculators} == {"beta"}
    assert_nothing_is_left(stage, network)


@requirement("DTH-030")
@pytest.mark.parametrize("fault", [refuse, change_key], ids=["refused", "wrong key"])
def test_no_host_can_be_reached(
    stage: Stage, network: Network, fault: Callable[[Host], None]
) -> None:
    for host in network.hosts:
        fault(host)
    run = start(stage, network, "-z", "-mF=")
    run.feed(b"a\n")
    assert run.finish() == 1
    assert run.stdout == b""
    assert b"all nodes failed" in run.stderr
    assert not stage.calculators
    assert_nothing_is_left(stage, network)


# The fourth example of the author's slides

BUILDER = """#!/usr/bin/awk -f

{
    "hostname -s" | getline hostname
    print "build " $0 " on " hostname

    if (hostname == "syn-proc7" && $0 == "textproc/gsed")
        exit 0 # Damn it, I'm dying...
    else
        print "success" # Yes! :-)

    print ""          # end-of-task marker
    fflush()         # we must flush stdout
}
"""

PACKAGES = b"""audio/cd-discid audio/abcde
textproc/gsed audio/abcde
audio/cdparanoia audio/abcde
audio/id3v2 audio/abcde
audio/id3 audio/abcde
misc/mkcue audio/abcde
shells/bash audio/abcde
devel/libtool-base audio/cdparanoia
devel/gmake audio/cdparanoia
devel/libtool-base audio/id3lib
devel/gmake audio/id3v2
audio/id3lib audio/id3v2
devel/m4 devel/bison
lang/f2c devel/libtool-base
devel/gmake misc/mkcue
devel/bison shells/bash
"""


@requirement("DTH-010", "DTH-020", "GRA-040", "RST-001", "RDR-013", "RDR-015")
@pytest.mark.companion("reorder")
def test_resistance_to_network_failures(stage: Stage) -> None:
    """The command line of the example, word for word."""
    with Network(["syn-proc5", "syn-proc7"]) as network:
        for host in network.hosts:
            place = host.home / "bin" / "pkg_builder"
            place.parent.mkdir()
            place.write_text(BUILDER)
            place.chmod(0o755)
        path = f"{network.programs}:{os.environ['PATH']}"
        words = ["-gl", "-Z300", "-t", "ssh", "-c", "~/bin/pkg_builder", "-n"]
        run = stage.start(*words, "syn-proc5 syn-proc7", environment={"PATH": path}, paexec=True)
        run.feed(PACKAGES)
        assert run.finish() == 0
        assert_nothing_is_left(stage, network)
    result = stage.run(feed=run.stdout)
    assert result.status == 0
    lines = result.stdout.decode().splitlines()
    died = "build textproc/gsed on syn-proc7"
    if died in lines:  # otherwise the other host was quicker to do it
        index = lines.index(died)
        assert lines[index : index + 2] == [died, "fatal"]
        del lines[index : index + 2]
    assert "fatal" not in lines
    builds, ends = lines[::2], lines[1::2]
    assert set(ends) == {"success"}
    packages = sorted(set(PACKAGES.decode().split()))
    assert sorted(line.split(" on ")[0] for line in builds) == [f"build {p}" for p in packages]
    assert {line.split(" on ")[1] for line in builds} <= {"syn-proc5", "syn-proc7"}
    assert "build textproc/gsed on syn-proc5" in builds


# Bad links, which are no deaths


def lose_some(host: Host) -> None:
    host.link.lose(0.1)


def delay(host: Host) -> None:
    host.link.delay(0.1)


def slow_down(host: Host) -> None:
    host.link.slow_down(20_000)


@requirement("RES-006", "DTH-013", "DSP-001")
@pytest.mark.parametrize("fault", [lose_some, delay, slow_down], ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("option", ["-r", "-z"])
def test_a_bad_link_changes_nothing(
    stage: Stage, network: Network, fault: Callable[[Host], None], option: str
) -> None:
    """All results arrive, each once, whether or not nodes may die."""
    for host in network.hosts:
        fault(host)
    stage.reply_with_results()
    tasks = [b"%d" % number for number in range(20)]
    run = start(stage, network, option)
    run.feed(b"".join(task + b"\n" for task in tasks))
    assert run.finish(3 * stage.bound) == 0
    results = [
        line.split(b" ", 1)[1] if option == "-r" else line for line in run.stdout.splitlines()
    ]
    assert sorted(results) == sorted(map(stage.result, tasks))
    assert_nothing_is_left(stage, network)


@requirement("DTH-013", "DTH-020")
def test_a_link_that_heals_in_time_is_no_death(stage: Stage, network: Network) -> None:
    """A result is lost on its way and sent again by the host."""
    run = start(stage, network, "-z", "-E")
    run.feed(b"a\nb\n")
    run.close_stdin()
    cut_off, other = stage.holder(b"a"), stage.holder(b"b")
    link = host_of(network, cut_off).link
    link.drop()
    cut_off.answer(b"of a")
    link.wait_count("lost", 1)
    other.answer(b"of b")
    run.expect_output(b"of b\n\n")
    link.heal()
    assert run.wait() == 0
    assert run.stdout == b"of b\n\nof a\n\n"
    assert_nothing_is_left(stage, network)
