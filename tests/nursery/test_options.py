"""Arguments: what cannot be used is refused before anything is started, by its name."""

from __future__ import annotations

import math
import os
from pathlib import PurePath
from typing import Any

import pytest

import paexec_trio
from paexec_trio import (
    Calculator,
    CommandPerTask,
    GraphSettings,
    Halt,
    JobLog,
    Launch,
    Reassign,
    Why,
)
from paexec_trio.core.settings import AUTO, GRACES, Graces
from paexec_trio.nursery.hosts import node_names
from paexec_trio.nursery.options import plan_of
from paexec_trio.testing import FakeCalculator

NOTHING: Any = None
NODES, COMMAND = {"nodes": 1}, {"command": "cat"}


def plan(**options: Any) -> Any:
    return plan_of({**NODES, **COMMAND, **options})  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nodes": 0}, "nodes: 0 is less than 1"),
        ({"nodes": -1}, "nodes: -1 is less than 1"),
        ({"nodes": []}, "nodes: no node is named"),
        ({"nodes": iter(())}, "nodes: no node is named"),
        ({"nodes": ["a", ""]}, "nodes: a text is empty"),
        ({"nodes": ["a\0"]}, r"nodes: 'a\\x00' contains a NUL"),
        ({"command": ""}, "command: a text is empty"),
        ({"command": []}, "command: the sequence is empty"),
        ({"command": ["", "a"]}, "command: a text is empty"),
        ({"command": "a\0b"}, "command: .* contains a NUL"),
        ({"command": CommandPerTask(b"")}, "command: a text is empty"),
        ({"command": Calculator(b"")}, "command: a text is empty"),
        ({"command": "\ud800"}, "command: .* cannot be encoded"),
        ({"transport": "ssh -F cfg"}, "transport: 'ssh -F cfg' is several words; give them"),
        ({"transport": ["", "ssh"]}, "transport: a text is empty"),
        ({"shell": ""}, "shell: a text is empty"),
        ({"eot": "a\nb"}, r"eot: b'a\\nb' contains a newline"),
        ({"eot": "a\0b"}, r"eot: b'a\\x00b' contains a NUL"),
        ({"statuses": ("a", "a")}, "statuses: .* are not two different lines"),
        ({"statuses": ("a", "b\n")}, "statuses: .* are not two different lines"),
        ({"prefetch": 0}, "prefetch: 0 is less than 1"),
        ({"line_limit": 0}, "line_limit: 0 is less than 1"),
        ({"retries": 0}, "retries: 0 is less than 1"),
        ({"crash_limit": 1}, "crash_limit: useless without on_death"),
        ({"timeout": -1}, "timeout: -1 seconds are not possible"),
        ({"stuck": 0}, "stuck: 0 seconds are not possible"),
        ({"stuck": -1}, "stuck: -1 seconds are not possible"),
        ({"stuck": float("inf")}, "stuck: inf seconds are not possible"),
        ({"timeout": "50"}, "timeout: '50' is not possible; expected seconds or a percentage"),
        ({"timeout": "0%"}, "timeout: '0%' is not possible"),
        ({"halt": "now"}, "halt: 'now' is not possible; expected never, or soon or now, a comma"),
        ({"halt": "now,fail=0"}, "halt: 'now,fail=0' is not possible"),
        ({"halt": "soon,done=101%"}, "halt: 'soon,done=101%' .*; expected a percentage up to 100%"),
        ({"halt": Halt(Why.FAIL)}, "halt: expected either a number or a percentage, not Halt"),
        ({"halt": Halt(Why.FAIL, 1, 1)}, "halt: expected either a number or a percentage"),
        ({"halt": Halt(Why.FAIL, number=-1)}, "halt: -1 is less than 1"),
        ({"halt": Halt(Why.FAIL, percent=101)}, "halt: 101 percent are not possible"),
        ({"limit": 0}, "limit: 0 is less than 1"),
        ({"delay": math.nan}, "delay: nan seconds are not possible"),
        ({"statuses": ("", "b")}, "statuses: the line b'' is the end-of-task marker"),
        ({"statuses": True, "eot": "failure"}, "statuses: the line b'failure' is the end-of-task"),
        ({"on_death": Reassign(restart_after=-1)}, "on_death: restart_after: -1 seconds are not"),
        (
            {"on_death": Reassign(restart_after=math.nan)},
            "on_death: restart_after: nan seconds",
        ),
        ({"on_death": Reassign(wait=True)}, "on_death: wait=True is useless without"),
        ({"graces": Graces(stop=-1)}, "graces: stop: -1 seconds are not possible"),
        ({"stderr": "2"}, "stderr: '2' is not possible; expected mixed, group or tag"),
        ({"joblog": ""}, "joblog: a text is empty"),
        ({"joblog": JobLog("a\0")}, r"joblog: 'a\\x00' contains a NUL"),
        ({"joblog": JobLog("a", resume="x")}, "joblog: resume: 'x' is neither a bool nor 'failed'"),  # type: ignore[arg-type]
        ({"results": ""}, "results: a text is empty"),
        ({"stderr": -1}, "stderr: descriptor -1 is not open"),
        ({"stderr": 10**6}, "stderr: descriptor 1000000 is not open"),
        ({"stderr": 10**30}, "stderr: descriptor 1000000000000000000000000000000 is not open"),
        ({"environment": {"": "b"}}, "environment: a text is empty"),
        ({"environment": {"a=b": "c"}}, "environment: b'a=b' cannot be set to b'c'"),
        ({"environment": {"a": "b\0"}}, r"environment: b'a' cannot be set to b'b\\x00'"),
        ({"graces": Graces(term=math.inf)}, "graces: term: inf seconds are not possible"),
    ],
)
def test_a_value_that_cannot_be_used(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        plan(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nodes": "alpha"}, "nodes: expected a number or several names, not 'alpha'"),
        ({"nodes": b"alpha"}, "nodes: expected a number or several names"),
        ({"nodes": PurePath("a")}, "nodes: expected a number or several names"),
        ({"nodes": None}, "nodes: expected a number or several names, not None"),
        ({"nodes": True}, "nodes: expected a number, not True"),
        ({"nodes": 1.5}, "nodes: expected a number or several names, not 1.5"),
        ({"nodes": [1]}, "nodes: expected str, bytes or a path, not 1"),
        ({"command": None}, "command: expected"),
        ({"command": 3}, "command: expected"),
        ({"command": ["a", 3]}, "command: expected str, bytes or a path, not 3"),
        ({"transport": 3}, "transport: expected a text or a sequence of texts, not 3"),
        ({"shell": ["sh"]}, "shell: expected str, bytes or a path"),
        ({"eot": 3}, "eot: expected str, bytes or a path, not 3"),
        ({"statuses": "success"}, "statuses: expected a bool or a pair of lines"),
        ({"statuses": ("a", "b", "c")}, "statuses: expected a bool or a pair of lines"),
        ({"statuses": ("a", 3)}, "statuses: expected str, bytes or a path, not 3"),
        ({"prefetch": "many"}, "prefetch: expected a number, not 'many'"),
        ({"prefetch": True}, "prefetch: expected a number, not True"),
        ({"line_limit": "1"}, "line_limit: expected a number, not '1'"),
        ({"halt": 3}, "halt: expected a text or a Halt, not 3"),
        ({"halt": Halt("fail", 1)}, "halt: expected a text or a Halt, not Halt"),  # type: ignore[arg-type]
        ({"halt": Halt(Why.FAIL, 1.5)}, "halt: expected a number, not 1.5"),  # type: ignore[arg-type]
        ({"limit": "3"}, "limit: expected a number, not '3'"),
        ({"timeout": None}, "timeout: expected seconds, not None"),
        ({"on_death": 5}, "on_death: expected a Reassign, not 5"),
        ({"environment": ["a"]}, "environment: expected a mapping"),
        ({"environment": {"a": 3}}, "environment: expected str, bytes or a path, not 3"),
        ({"stderr": 2.5}, "stderr: expected a descriptor or a text, not 2.5"),
        ({"joblog": 3}, "joblog: expected str, bytes or a path, not 3"),
        ({"joblog": JobLog("a", resume=3)}, "joblog: resume: expected a bool or 'failed', not 3"),  # type: ignore[arg-type]
        ({"joblog": JobLog("a", sync="x")}, "joblog: sync: expected a bool, not 'x'"),  # type: ignore[arg-type]
        ({"results": None}, "results: expected str, bytes or a path, not None"),
        ({"graces": 3}, "graces: expected a Graces, not 3"),
        ({"graces": Graces(term=NOTHING)}, "graces: term: expected seconds, not None"),
        ({"on_death": Reassign(restart_after=True)}, "on_death: restart_after: expected seconds"),
        ({"command": FakeCalculator}, "command: expected a text or a sequence of texts, not <"),
        ({"node": 1}, "unexpected argument 'node'"),
    ],
)
def test_a_type_that_cannot_be_used(options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}"):
        plan(**options)


@pytest.mark.parametrize(("given", "missing"), [(NODES, "command"), (COMMAND, "nodes")])
def test_an_argument_that_is_missing(given: dict[str, Any], missing: str) -> None:
    with pytest.raises(TypeError, match=f"missing argument '{missing}'"):
        plan_of(given)  # type: ignore[arg-type]


def test_the_defaults_are_those_of_the_programs() -> None:
    settings = plan().settings
    assert (settings.nodes, settings.eot, settings.prefetch) == ((b"0",), b"", 1)
    assert (settings.graph, settings.on_death, settings.graces) == (None, None, GRACES)
    assert plan().launch == Launch(Calculator(b"cat"))
    assert (plan().environment, plan().stderr) == (None, 2)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("a b", Calculator(b"a b")),
        (b"a b", Calculator(b"a b")),
        (PurePath("a b"), Calculator((b"a b",))),
        (["a", b"b", PurePath("c")], Calculator((b"a", b"b", b"c"))),
        (["a", ""], Calculator((b"a", b""))),
        (Calculator(b"a b"), Calculator(b"a b")),
        (Calculator((b"a", b"b")), Calculator((b"a", b"b"))),
        (CommandPerTask(b"a b", discard_output=True), CommandPerTask(b"a b", discard_output=True)),
    ],
)
def test_kinds_of_commands(command: Any, expected: object) -> None:
    assert plan(command=command).launch.command == expected


def test_texts_become_octets() -> None:
    made = plan(
        nodes=["a", b"b", PurePath("c")],
        transport=["ssh", b"-F", PurePath("cfg")],
        shell=PurePath("/bin/dash"),
        eot="ä",
        environment={"A": "1", b"B": b"\xff"},
    )
    assert made.settings.nodes == (b"a", b"b", b"c")
    assert made.launch.transport == (b"ssh", b"-F", b"cfg")
    assert made.launch.shell == b"/bin/dash"
    assert made.launch.variables == {b"PAEXEC_EOT": "ä".encode()}
    assert made.environment == [(b"A", b"1"), (b"B", b"\xff")]
    assert plan(transport="ssh").launch.transport == (b"ssh",)
    assert plan(transport="").launch.transport == ()


def test_an_inherited_marker_is_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calculators must not be told another marker than the one that is expected."""
    assert plan().launch.variables == {}
    assert plan(eot="").launch.variables == {b"PAEXEC_EOT": b""}
    assert plan(environment={"PAEXEC_EOT": "x"}).launch.variables == {b"PAEXEC_EOT": b""}
    monkeypatch.setitem(os.environb, b"PAEXEC_EOT", b"x")
    assert plan().launch.variables == {b"PAEXEC_EOT": b""}
    assert plan(environment={}).launch.variables == {}


def test_what_says_how_a_run_goes_on() -> None:
    assert plan(prefetch="auto").settings.prefetch == AUTO
    assert plan(statuses=True).settings.graph == GraphSettings(every_line=True)
    graph = GraphSettings(success=b"ok", failure=b"no", every_line=True)
    assert plan(statuses=("ok", b"no")).settings.graph == graph
    assert plan(on_death=Reassign(restart_after=5)).settings.on_death == Reassign(restart_after=5)


def test_a_fake_needs_no_launch() -> None:
    async def answer(_node: bytes, task: bytes) -> bytes:
        return task

    fake = FakeCalculator(answer)
    made = plan(command=fake)
    assert made.launch is None
    assert made.maker is fake


def test_the_public_names_are_shown() -> None:
    """And no others, before and after they were used."""
    assert dir(paexec_trio) == sorted(paexec_trio.__all__)
    assert all(getattr(paexec_trio, name) is not None for name in dir(paexec_trio))
    assert {"open_distributor", "map_tasks", "run_tasks", "serve"} < set(dir(paexec_trio))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        paexec_trio.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_a_transport_with_a_place_for_the_node() -> None:
    """HST-031."""
    launch = plan(transport_argv="ssh -F 'my cfg' %n --").launch
    assert launch.argv(b"h")[:-1] == [b"ssh", b"-F", b"my cfg", b"h", b"--"]
    assert plan(transport_argv=["a", b"x%n"]).launch.argv(b"h")[:-1] == [b"a", b"xh"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transport_argv": "ssh"}, "transport_argv: 'ssh' has no %n"),
        ({"transport_argv": ""}, "transport_argv: the sequence is empty"),
        ({"transport_argv": "ssh '%n"}, "transport_argv: unbalanced quotes"),
        ({"transport_argv": "ssh %n", "transport": "ssh"}, "transport_argv: useless together"),
    ],
)
def test_bad_transports_with_a_place_for_the_node(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        plan(**options)


def test_calculators_may_be_told_their_node() -> None:
    """HST-040."""
    assert not plan().launch.tells_node
    assert plan(node_env=True).launch.tells_node
    with pytest.raises(TypeError, match="node_env: expected a bool"):
        plan(node_env=1)


def test_names_of_nodes() -> None:
    """HST-002, HST-003."""
    assert node_names("a*2 %b[1-2]\n+1") == (b"a", b"a", b"b1", b"b2", b"localhost")
    for text, message in (("", "no node"), ("a*0", "expected a count"), ("%", "empty")):
        with pytest.raises(ValueError, match=message):
            node_names(text)
