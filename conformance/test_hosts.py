"""Chapter *Hosts*."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, DIRECTORY, Call, call, refuse

if TYPE_CHECKING:
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
