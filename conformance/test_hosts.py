"""Chapter *Hosts*."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, DIRECTORY, Call, call, refuse

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.fakes import Calculator
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement

HOSTFILE = pytest.mark.extension("--hostfile")
TRANSPORT_ARGV = pytest.mark.extension("--transport-argv")
NODE_ENV = pytest.mark.extension("--node-env")


def names_of(stage: Stage, number: int, *words: str | bytes, **variables: str) -> list[bytes]:
    """Return the names, sorted, with which a transport is run; ``number`` calculators start."""
    stage.connect = True
    stage.reply_with_results()
    run = stage.start(
        *words, "-t", stage.transport(), "-c", stage.calculator(), environment=variables
    )
    stage.next_calculators(number)
    run.feed(b"a\n" * 20)
    assert run.finish() == 0
    assert run.stdout == (stage.result(b"a") + b"\n") * 20
    assert len(stage.calculators) == number, "too many calculators"
    return sorted(transport.words[0] for transport in stage.transports)


def hosts(stage: Stage, text: bytes) -> str:
    """Return the path of a hostfile."""
    path = stage.directory / "hosts"
    path.write_bytes(text)
    return str(path)


# Words for several nodes


@requirement("HST-002")
@HOSTFILE
@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ("host*4", [b"host"] * 4),
        ("a*1 b*2 c", [b"a", b"b", b"b", b"c"]),
        ("a*02", [b"a"] * 2),
        ("user@h-1.example*2", [b"user@h-1.example"] * 2),
        ("a*b*2", [b"a*b"] * 2),
        ("fe80::1*2", [b"fe80::1"] * 2),
        (b"h\xff*2", [b"h\xff"] * 2),
    ],
)
def test_counts(stage: Stage, nodes: str | bytes, names: list[bytes]) -> None:
    assert names_of(stage, len(names), "-n", nodes) == names


@requirement("HST-003", "HST-006")
@HOSTFILE
@pytest.mark.parametrize(
    ("nodes", "number", "names"),
    [
        ("server1 server2 +3", 5, [b"server1", b"server2"]),
        ("+2 server", 3, [b"server"]),
        ("a +1 b*2 +01", 5, [b"a", b"b", b"b"]),
    ],
)
def test_nodes_on_the_own_machine(
    stage: Stage, nodes: str, number: int, names: list[bytes]
) -> None:
    assert names_of(stage, number, "-n", nodes) == names


@requirement("HST-003")
@HOSTFILE
def test_the_name_of_nodes_on_the_own_machine(stage: Stage) -> None:
    stage.connect = True
    words = ("-r", "-n", "server +1", "-t", stage.transport(), "-c", stage.calculator())
    run = stage.start(*words)
    calculators = stage.next_calculators(2)
    run.feed(b"a\n" * 2)
    for calculator in calculators:
        calculator.next_task()
        calculator.answer(b"x")
    assert run.finish() == 0
    assert sorted(run.stdout.splitlines()) == [b"localhost x", b"server x"]


@requirement("HST-003", "LCH-010", "LCH-011")
@HOSTFILE
def test_the_environment_of_nodes_on_the_own_machine(stage: Stage) -> None:
    """It is inherited, as without a transport, and has the variables that are passed on."""
    stage.reply_with_results()
    run = stage.start(
        *("-n", "+2 server", "-t", "false", "-mt=END", "-c", stage.calculator()),
        environment={"PAEXEC_ENV": "unset", "own": "1"},
    )
    for calculator in stage.next_calculators(2):
        found = calculator.environment
        assert (found.get(b"own"), found.get(b"unset")) == (b"1", b""), "another environment"
        assert found.get(b"PAEXEC_EOT") == b"END", "another EOT"
    run.close()


@requirement("HST-004", "HST-006")
@HOSTFILE
@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ("[::1]", [b"::1"]),
        ("[fe80::1%eth0] user@[2001:db8::2]", [b"fe80::1%eth0", b"user@2001:db8::2"]),
        ("[::1]*2 a", [b"::1", b"::1", b"a"]),
        ("[::ffff:127.0.0.1] 2001:db8::1", [b"2001:db8::1", b"::ffff:127.0.0.1"]),
    ],
)
def test_addresses(stage: Stage, nodes: str, names: list[bytes]) -> None:
    assert names_of(stage, len(names), "-n", nodes) == sorted(names)


@requirement("HST-005", "HST-006", "HST-002")
@HOSTFILE
@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ("%node[1-3,5]", [b"node1", b"node2", b"node3", b"node5"]),
        ("a %n-[08-10]x,z", [b"a", b"n-08x", b"n-09x", b"n-10x", b"z"]),
        ("%n[1-2]*2 +1", [b"n1", b"n1", b"n2", b"n2"]),
        ("%n[1-4]!n[2-3]", [b"n1", b"n4"]),
    ],
)
def test_nodesets(stage: Stage, nodes: str, names: list[bytes]) -> None:
    """The nodes of the set, or a usage error if the library is missing."""
    probe = stage.run("-n", "%n1", "-c", stage.calculator())
    if probe.status:
        assert probe.status == 1, "this is no usage error"
        assert stage.started == 0
        run = stage.run("-n", nodes, "-c", stage.calculator())
        assert (run.status, stage.started) == (1, 0)
        return
    stage.next_calculator()
    number = len(names) + ("+1" in nodes)
    stage.connect = True
    stage.reply_with_results()
    before = len(stage.calculators)
    run = stage.start("-n", nodes, "-t", stage.transport(), "-c", stage.calculator())
    stage.next_calculators(number)
    run.feed(b"a\n" * 20)
    assert run.finish() == 0
    assert len(stage.calculators) == before + number
    assert sorted(transport.words[0] for transport in stage.transports) == names


GOOD = call("-n", "a", "-c", CALCULATOR)

BAD_WORDS = {
    "count of 0": "a*0",
    "count of 00": "b a*00",
    "count without a name": "a *4",
    "huge count": "a*999999999999999999999",
    "count of local nodes": "a +2*3",
    "local count of 0": "a +0",
    "huge local count": "a +99999999999999999999",
    "empty nodeset": "%",
    "nothing left of a nodeset": "%n1!n1",
    "open bracket": "%n[1-",
    "range": "%n[3-1]",
    "huge nodeset": "%n[1-999999999999]",
    "unknown group": "%@paexec-no-such-group",
    "unknown source": "%@paexec-no-such-source:group",
    "hyphen": "%-x[1-2]",
}


@requirement("HST-007")
@HOSTFILE
@pytest.mark.parametrize("name", BAD_WORDS)
def test_bad_words(stage: Stage, name: str) -> None:
    run = refuse(stage, call("-n", BAD_WORDS[name], "-c", CALCULATOR), GOOD)
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"


@requirement("HST-008")
@HOSTFILE
@pytest.mark.parametrize("word", ["node*", "a*x", "a*4x", "+x", "+", "host[1-3]", "[x]", "a%b"])
def test_names_that_look_alike(stage: Stage, word: str) -> None:
    names = [b"first", word.encode()]
    assert names_of(stage, 2, "-n", f"first {word}") == sorted(names)


@requirement("HST-009")
@HOSTFILE
def test_files_of_names(stage: Stage) -> None:
    names = [b"%n[1-2]", b"+2", b"[::1]", b"a*2"]
    path = hosts(stage, b"".join(name + b"\n" for name in names))
    assert names_of(stage, 4, "-n", f":{path}") == sorted(names)


# Hostfiles


@requirement("HST-020")
@HOSTFILE
@pytest.mark.parametrize(
    ("text", "number", "names"),
    [
        (b"a\nb\n", 2, [b"a", b"b"]),
        (b"# hosts\n\n a \t#b\n\tb*2 # twice\r\n#c\nd", 4, [b"a", b"b", b"b", b"d"]),
        (b"a b\nc\n", 3, [b"a", b"b", b"c"]),
        (b"+2\na\n", 3, [b"a"]),
        (b"[::1]\na#b\n", 2, [b"::1", b"a#b"]),
    ],
    ids=["names", "comments", "several in a line", "own machine", "address"],
)
def test_nodes_from_a_hostfile(stage: Stage, text: bytes, number: int, names: list[bytes]) -> None:
    assert names_of(stage, number, "--hostfile", hosts(stage, text)) == names


BAD_HOSTFILES = {
    "empty": b"",
    "comments": b"# only\n \t\n",
    "comma": b"a\n,b\n",
    "hyphen": b"a\n-oProxyCommand=x\n",
    "colon": b"a\n:file\n",
    "count of 0": b"a\nb*0\n",
    "NUL": b"a\nb\0c\n",
    "empty nodeset": b"a\n%\n",
}


@requirement("HST-021")
@HOSTFILE
@pytest.mark.parametrize("name", [*BAD_HOSTFILES, "missing", "directory"])
def test_bad_hostfiles(stage: Stage, name: str) -> None:
    path = {"missing": f"{DIRECTORY}/missing", "directory": DIRECTORY}.get(name)
    if path is None:
        (stage.directory / "bad").write_bytes(BAD_HOSTFILES[name])
        path = f"{DIRECTORY}/bad"
    run = refuse(stage, call("--hostfile", path, "-c", CALCULATOR), good_hostfile(stage))
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"


def good_hostfile(stage: Stage) -> Call:
    hosts(stage, b"a\n")
    return call("--hostfile", f"{DIRECTORY}/hosts", "-c", CALCULATOR)


@requirement("HST-022")
@HOSTFILE
def test_either_a_list_or_a_hostfile(stage: Stage) -> None:
    good = good_hostfile(stage)
    for option in (("-n", "+1"), ("-n", "a")):
        refuse(stage, Call((*option, *good.words)), good)


@requirement("HST-022")
@HOSTFILE
def test_a_hostfile_beats_the_variable(stage: Stage) -> None:
    path = hosts(stage, b"a\nb\n")
    assert names_of(stage, 2, "--hostfile", path, PAEXEC_NODES="+7") == [b"a", b"b"]


# Hostfiles that change


def start_on_hosts(stage: Stage, text: bytes, *options: str) -> Distributor:
    """Start a run on the nodes of a hostfile; each calculator finds its node in ``NODE``."""
    hosts(stage, text)
    stage.script("transport", 'NODE=$1; export NODE; shift; exec sh -c "$1"')
    words = ("--hostfile", "hosts", "-t", "./transport", *options, "-c", stage.calculator())
    return stage.start(*words)


def replace_hosts(stage: Stage, text: bytes) -> None:
    """Put another file in the place of the hostfile."""
    new = stage.directory / "hosts.new"
    new.write_bytes(text)
    new.replace(stage.directory / "hosts")


def node_of(calculator: Calculator) -> bytes:
    return calculator.environment[b"NODE"]


@requirement("HST-023")
@HOSTFILE
@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "written"])
def test_nodes_join(stage: Stage, replaced: bool) -> None:
    """They are given tasks that wait."""
    run = start_on_hosts(stage, b"a\n")
    first = stage.next_calculator()
    run.feed(b"1\n2\n3\n")
    assert first.next_task() == b"1"
    (replace_hosts if replaced else hosts)(stage, b"a\nb*2\n")
    joined = stage.next_calculators(2)
    assert [node_of(calculator) for calculator in joined] == [b"b", b"b"]
    assert sorted(calculator.next_task() for calculator in joined) == [b"2", b"3"]
    for calculator in (first, *joined):
        calculator.answer()
    assert run.finish() == 0
    assert len(stage.calculators) == 3


@requirement("HST-023")
@HOSTFILE
def test_an_idle_node_is_drained(stage: Stage) -> None:
    run = start_on_hosts(stage, b"a\nb\n")
    calculators = {node_of(each): each for each in stage.next_calculators(2)}
    replace_hosts(stage, b"a\n")
    calculators[b"b"].wait_eof()
    assert calculators[b"a"].eof_at is None, "the wrong node was drained, too"
    run.feed(b"1\n")
    assert calculators[b"a"].next_task() == b"1"
    calculators[b"a"].answer(b"x")
    assert run.finish() == 0
    assert run.stdout == b"x\n"


@requirement("HST-023")
@HOSTFILE
def test_a_drained_node_finishes_its_task(stage: Stage) -> None:
    """A node that joins gets the next one."""
    run = start_on_hosts(stage, b"a\n")
    old = stage.next_calculator()
    run.feed(b"1\n2\n")
    assert old.next_task() == b"1"
    replace_hosts(stage, b"b\n")
    new = stage.next_calculator()
    assert node_of(new) == b"b"
    assert new.next_task() == b"2"
    old.answer(b"of a")
    run.expect_output(b"of a\n")
    old.wait_eof()
    new.answer(b"of b")
    assert run.finish() == 0
    assert run.stdout == b"of a\nof b\n"
    assert old.tasks == [b"1"]


@requirement("HST-023")
@HOSTFILE
def test_a_drained_node_is_not_restarted(stage: Stage) -> None:
    """When it is named again, it is a new node."""
    run = start_on_hosts(stage, b"a\nb\n", "-Z", "0.1", "-w")
    calculators = {node_of(each): each for each in stage.next_calculators(2)}
    replace_hosts(stage, b"a\n")
    calculators[b"b"].wait_gone()
    assert not stage.happens(lambda: len(stage.calculators) > 2, stage.grace)
    replace_hosts(stage, b"a\nb\n")
    assert node_of(stage.next_calculator()) == b"b"
    assert run.finish() == 0


@requirement("HST-023")
@HOSTFILE
def test_one_of_several_nodes_of_a_name_is_drained(stage: Stage) -> None:
    run = start_on_hosts(stage, b"a*3\n")
    calculators = stage.next_calculators(3)
    replace_hosts(stage, b"a*2 # one less\n")
    stage.wait("the end of one input", lambda: any(each.eof_at for each in calculators))
    run.feed(b"1\n2\n3\n")
    for task in (b"1", b"2"):
        stage.holder(task)
    for calculator in calculators:
        if calculator.tasks:
            calculator.answer()
    stage.holder(b"3").answer()
    assert run.finish() == 0
    assert sorted(len(calculator.tasks) for calculator in calculators) == [0, 1, 2]


@requirement("HST-023")
@HOSTFILE
def test_other_words_for_the_same_nodes_change_nothing(stage: Stage) -> None:
    run = start_on_hosts(stage, b"a\na\n+1\n")
    calculators = stage.next_calculators(3)
    replace_hosts(stage, b"# sorted\n+1 a*2\n")
    assert not stage.happens(
        lambda: len(stage.calculators) > 3 or any(each.eof_at for each in calculators),
        stage.grace,
    )
    assert run.finish() == 0


@requirement("HST-025", "HST-040")
@HOSTFILE
@NODE_ENV
def test_the_index_of_a_node_that_is_added(stage: Stage) -> None:
    run = start_on_hosts(stage, b"a\nb\n", "--node-env")
    calculators = {node_of(each): each for each in stage.next_calculators(2)}
    replace_hosts(stage, b"a\n")
    calculators[b"b"].wait_gone()
    replace_hosts(stage, b"a\nb\nc\n")
    joined = [each.environment for each in stage.next_calculators(2)]
    told = sorted((each[b"PAEXEC_NODEID"], each[b"PAEXEC_NODE"]) for each in joined)
    assert told == [(b"2", b"b"), (b"3", b"c")]
    assert run.finish() == 0


@requirement("HST-026")
@HOSTFILE
@pytest.mark.parametrize("name", [*BAD_HOSTFILES, "missing"])
def test_a_hostfile_that_cannot_be_used_any_more(stage: Stage, name: str) -> None:
    """One line says so, and the next good state counts."""
    run = start_on_hosts(stage, b"a\nb\n")
    calculators = stage.next_calculators(2)
    if name == "missing":
        (stage.directory / "hosts").unlink()
    else:
        replace_hosts(stage, BAD_HOSTFILES[name])
    stage.wait("a diagnostic", lambda: b"\n" in run.stderr)
    stage.happens(lambda: run.stderr.count(b"\n") > 1, stage.grace)
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
    assert not any(each.eof_at for each in calculators), "a node was drained"
    replace_hosts(stage, b"a\nb\nc\n")
    assert node_of(stage.next_calculator()) == b"c"
    assert run.finish() == 0
    assert run.stderr.count(b"\n") == 1


# Transports with options


def transport_words(stage: Stage, number: int, *words: str | bytes) -> list[list[bytes]]:
    """Return the arguments, sorted, of the transports of a run that does a task."""
    stage.connect = True
    stage.reply_with_results()
    run = stage.start(*words, "-c", stage.calculator())
    stage.next_calculators(number)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert run.stdout == stage.result(b"a") + b"\n"
    return sorted(transport.words for transport in stage.transports)


@requirement("HST-030", "HST-031")
@TRANSPORT_ARGV
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-F 'a b' %n --", [b"-F", b"a b", b"host", b"--"]),
        ('%n "%n" x%ny%n', [b"host", b"host", b"xhostyhost"]),
        ("%h %% %%n \\$HOME `x` $(y) * ; ", [b"%h", b"%%", b"%host", b"$HOME", b"`x`", b"$(y)"]),
    ],
)
def test_the_words_of_a_transport(stage: Stage, words: str, expected: list[bytes]) -> None:
    value = f"{stage.transport()} {words}"
    (found,) = transport_words(stage, 1, "-n", "host", "--transport-argv", value)
    assert found[: len(expected)] == expected
    if "*" in words:
        assert found[len(expected) : -1] == [b"*", b";"]
    else:
        assert len(found) == len(expected) + 1, "not one argument at the end"
    assert stage.calculator().encode() in found[-1], "this is not the command line"


@requirement("HST-031", "LCH-024")
@TRANSPORT_ARGV
@pytest.mark.parametrize("name", [b"a;id", b"$HOME", b"a'b\"c", b"h\xff", b"%n", b"\\1&"])
def test_the_octets_of_the_node(stage: Stage, name: bytes) -> None:
    path = hosts(stage, name + b"\n")
    value = f"{stage.transport()} u@%n"
    (words,) = transport_words(stage, 1, "-n", f":{path}", "--transport-argv", value)
    assert words[0] == b"u@" + name


@requirement("HST-032", "LCH-027")
@TRANSPORT_ARGV
@pytest.mark.parametrize("value", ["ssh", "ssh n% --", "ssh % n", "", "ssh %n 'x"])
def test_bad_transports_with_options(stage: Stage, value: str) -> None:
    good = call("-n", "a", "-c", CALCULATOR)
    run = refuse(stage, call("-n", "a", "--transport-argv", value, "-c", CALCULATOR), good)
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"


@requirement("HST-033")
@TRANSPORT_ARGV
def test_the_last_transport_wins(stage: Stage) -> None:
    transport = stage.transport()
    plain, template = ("-t", f"{transport} plain"), ("--transport-argv", f"{transport} %n end")
    (words,) = transport_words(stage, 1, "-n", "h", *plain, *template)
    assert words[:2] == [b"h", b"end"]


@requirement("HST-033")
@TRANSPORT_ARGV
def test_the_plain_transport_wins_if_it_is_the_last(stage: Stage) -> None:
    transport = stage.transport()
    plain, template = ("-t", f"{transport} plain"), ("--transport-argv", f"{transport} %n end")
    (words,) = transport_words(stage, 1, "-n", "h", *template, *plain)
    assert words[:2] == [b"plain", b"h"]


@requirement("HST-033")
@TRANSPORT_ARGV
def test_a_transport_with_options_beats_the_variable(stage: Stage) -> None:
    stage.connect = True
    stage.reply_with_results()
    words = ("-n", "h", "--transport-argv", f"{stage.transport()} %n", "-c", stage.calculator())
    run = stage.run(*words, environment={"PAEXEC_TRANSPORT": "false"}, feed=b"a\n")
    assert (run.status, run.stdout) == (0, stage.result(b"a") + b"\n")


# Engines


#: The program of each engine, and its arguments before the command line; %n stands for the node.
ENGINES = {
    "slurm": (
        "srun",
        "--overlap --nodes=1 --ntasks=1 --nodelist=%n --unbuffered --kill-on-bad-exit=1 /bin/sh -c",
    ),
    "podman": ("podman", "exec -i %n /bin/sh -c"),
    "docker": ("docker", "exec -i %n /bin/sh -c"),
    "kubectl": ("kubectl", "exec -i %n -- /bin/sh -c"),
}


def stand_in(stage: Stage, program: str) -> dict[str, str]:
    """Put a program into the search path that tells its arguments and runs the last one."""
    stage.script(program, f'exec {stage.transport()} "$@"')
    return {"PATH": f"{stage.directory}:{os.environ['PATH']}"}


def engine_words(stage: Stage, *words: str, **variables: str) -> list[list[bytes]]:
    """Return the arguments, sorted, of the programs of a run that does a task."""
    stage.connect = True
    stage.reply_with_results()
    run = stage.run(*words, "-c", stage.calculator(), environment=variables, feed=b"a\n")
    assert run.status == 0
    assert run.stdout == stage.result(b"a") + b"\n"
    return sorted(transport.words for transport in stage.transports)


@requirement("HST-050")
@TRANSPORT_ARGV
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
@pytest.mark.parametrize("engine", ENGINES)
def test_names_of_engines(stage: Stage, engine: str, by_option: bool) -> None:
    program, arguments = ENGINES[engine]
    path = stand_in(stage, program)
    option = ("-t", engine) if by_option else ()
    variable = {} if by_option else {"PAEXEC_TRANSPORT": engine}
    found = engine_words(stage, "-n", "n1 n2", *option, **path, **variable)
    expected = [arguments.replace("%n", node).encode().split() for node in ("n1", "n2")]
    assert [words[:-1] for words in found] == expected
    assert all(stage.calculator().encode() in words[-1] for words in found)


@requirement("HST-051")
@TRANSPORT_ARGV
@pytest.mark.parametrize("form", ["./{}", "{}/{}", "{} x", "./{} x"])
@pytest.mark.parametrize("engine", ENGINES)
def test_programs_with_names_of_engines(stage: Stage, engine: str, form: str) -> None:
    path = stand_in(stage, engine)
    value = form.format(*([stage.directory] if form.startswith("{}/") else []), engine)
    (words,) = engine_words(stage, "-n", "host", "-t", value, **path)
    assert words[:-1] == ([b"x", b"host"] if " x" in form else [b"host"])


@requirement("HST-052")
@TRANSPORT_ARGV
def test_the_nodes_of_an_allocation(stage: Stage) -> None:
    path = stand_in(stage, "srun")
    stage.script("scontrol", 'test "$*" = "show hostnames n[1-2],x" && printf "n1\\nn2\\nx\\n"')
    found = engine_words(stage, "-t", "slurm", SLURM_JOB_NODELIST="n[1-2],x", **path)
    assert [words[3] for words in found] == [b"--nodelist=n1", b"--nodelist=n2", b"--nodelist=x"]


@requirement("HST-052")
@TRANSPORT_ARGV
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
def test_named_nodes_come_before_an_allocation(stage: Stage, by_option: bool) -> None:
    path = stand_in(stage, "srun")
    nodes = ("-n", "n7") if by_option else ()
    variable = {} if by_option else {"PAEXEC_NODES": "n7"}
    path |= variable | {"SLURM_JOB_NODELIST": "n[1-2]"}
    (words,) = engine_words(stage, *nodes, "-t", "slurm", **path)
    assert words[3] == b"--nodelist=n7"


GOOD_SLURM = call("-n", "a", "-c", CALCULATOR)


@requirement("HST-053")
@TRANSPORT_ARGV
@pytest.mark.parametrize(
    ("nodelist", "scontrol"),
    [(None, "echo n1"), ("", "echo n1"), ("n[", "exit 1"), ("n1", "exit 0")],
    ids=["not set", "empty", "bad", "no node"],
)
def test_no_allocation(stage: Stage, nodelist: str | None, scontrol: str) -> None:
    stage.script("scontrol", scontrol)
    variables = {} if nodelist is None else {"SLURM_JOB_NODELIST": nodelist}
    path = f"{stage.directory}:{os.environ['PATH']}"
    bad = call("-t", "slurm", "-c", CALCULATOR, PATH=path, **variables)
    run = refuse(stage, bad, GOOD_SLURM)
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"


def engines_file(stage: Stage, text: str) -> str:
    path = stage.directory / "engines"
    path.write_text(text)
    return str(path)


@requirement("HST-054")
@TRANSPORT_ARGV
@pytest.mark.parametrize("engine", ["mine", "podman"])
def test_other_engines(stage: Stage, engine: str) -> None:
    text = f"# engines\n\n  other false %n\n{engine} {stage.transport()} 'a b' x%n \n"
    path = engines_file(stage, text)
    (words,) = engine_words(stage, "-n", "h", "-t", engine, PAEXEC_ENGINES=path)
    assert words[:-1] == [b"a b", b"xh"]


@requirement("HST-054")
@TRANSPORT_ARGV
def test_a_program_beside_other_engines(stage: Stage) -> None:
    variables = stand_in(stage, "unknown")
    variables["PAEXEC_ENGINES"] = engines_file(stage, "mine false %n\n")
    (words,) = engine_words(stage, "-n", "h", "-t", "unknown", **variables)
    assert words[:-1] == [b"h"]


@requirement("HST-055")
@TRANSPORT_ARGV
@pytest.mark.parametrize(
    "text",
    [None, "mine x\n", "mine\n", "a/b x %n\n", "mine x '%n\n"],
    ids=["missing", "no place", "no words", "slash", "quotes"],
)
def test_bad_files_of_engines(stage: Stage, text: str | None) -> None:
    variables = stand_in(stage, "mine")  # which must not be run
    missing = str(stage.directory / "missing")
    variables["PAEXEC_ENGINES"] = missing if text is None else engines_file(stage, text)
    bad = call("-n", "a", "-t", "mine", "-c", CALCULATOR, **variables)
    run = refuse(stage, bad, GOOD_SLURM)
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"


# The node in the environment


def told(stage: Stage, number: int, *words: str | bytes) -> list[tuple[bytes, bytes]]:
    """Return the index and the name of each node, as its calculator was told."""
    stage.connect = True
    stage.reply_with_results()
    run = stage.start("--node-env", *words, "-c", stage.calculator())
    calculators = stage.next_calculators(number)
    found = [fake.environment for fake in calculators]
    assert run.finish() == 0
    return sorted((each[b"PAEXEC_NODEID"], each[b"PAEXEC_NODE"]) for each in found)


@requirement("HST-040")
@NODE_ENV
def test_local_calculators_know_their_node(stage: Stage) -> None:
    assert told(stage, 2, "-n", "+2") == [(b"0", b"0"), (b"1", b"1")]


@requirement("HST-040")
@NODE_ENV
def test_named_calculators_know_their_node(stage: Stage) -> None:
    assert told(stage, 2, "-n", b"b a\xff") == [(b"0", b"b"), (b"1", b"a\xff")]


@requirement("HST-040")
@NODE_ENV
@pytest.mark.parametrize("name", [b"host", b"it's", b"a\\!b", b'$HOME `x` "', b"h\xff"])
def test_remote_calculators_know_their_node(stage: Stage, name: bytes) -> None:
    path = hosts(stage, b"first\n" + name + b"\n")
    words = ("-n", f":{path}", "-t", stage.transport())
    assert told(stage, 2, *words) == [(b"0", b"first"), (b"1", name)]


@requirement("HST-040")
@NODE_ENV
@pytest.mark.parametrize("transport", [(), ("-t", "./transport")], ids=["local", "transport"])
def test_commands_know_their_node(stage: Stage, transport: tuple[str, ...]) -> None:
    stage.script("transport", 'shift; exec sh -c "$1"')
    words = ("--node-env", "-n", "host", *transport, "-x")
    run = stage.run(*words, "-c", 'echo "$PAEXEC_NODE" "$PAEXEC_NODEID"', feed=b"a\n")
    assert run.stdout == b"host 0 a\n"


@requirement("HST-040")
@NODE_ENV
def test_inherited_names_of_nodes_are_replaced(stage: Stage) -> None:
    """As if a calculator ran a distributor itself."""
    stage.reply_with_results()
    variables = {"PAEXEC_NODE": "outer", "PAEXEC_NODEID": "7"}
    words = ("--node-env", "-n", "inner", "-c", stage.calculator())
    run = stage.start(*words, environment=variables)
    found = stage.next_calculator().environment
    assert (found[b"PAEXEC_NODE"], found[b"PAEXEC_NODEID"]) == (b"inner", b"0")
    assert run.finish() == 0


@requirement("HST-041")
@NODE_ENV
def test_a_node_keeps_its_number(stage: Stage) -> None:
    words = ("--node-env", "-Z", "0.01", "-w", "-n", "a b", "-c", stage.calculator())
    run = stage.start(*words)
    for fake in stage.next_calculators(2):
        if fake.environment[b"PAEXEC_NODEID"] == b"1":
            fake.die()
    again = stage.next_calculator().environment
    assert (again[b"PAEXEC_NODE"], again[b"PAEXEC_NODEID"]) == (b"b", b"1")
    assert run.finish() == 0
