"""Chapter *Nodes*: how nodes are named and numbered."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from conformance.harness.usage import CALCULATOR, DIRECTORY, call, refuse

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement


def remote_names(stage: Stage, nodes: str | bytes, number: int) -> list[bytes]:
    """The names, sorted, with which a transport is run for this value of ``-n``."""
    stage.connect = True
    stage.reply_with_results()
    run = stage.start("-n", nodes, "-t", stage.transport(), "-c", stage.calculator())
    stage.next_calculators(number)
    run.feed(b"a\n" * 10)
    assert run.finish() == 0
    assert run.stdout == (stage.result(b"a") + b"\n") * 10
    return sorted(transport.words[0] for transport in stage.transports)


@requirement("NOD-001")
@pytest.mark.parametrize("number", [1, 2, 7])
def test_a_number_of_local_calculators(stage: Stage, number: int) -> None:
    """As many tasks as nodes are held at the same time."""
    run = stage.start("-n", f"+{number}", "-c", stage.calculator())
    calculators = stage.next_calculators(number)
    run.feed(b"a\n" * number)
    for calculator in calculators:
        assert calculator.next_task() == b"a"
    for calculator in calculators:
        calculator.answer()
    assert run.finish() == 0
    assert len(stage.calculators) == number


@requirement("NOD-001")
@pytest.mark.parametrize(("count", "number"), [("+02", 2), ("+0002", 2), ("+010", 10)])
def test_a_number_with_leading_zeros(stage: Stage, count: str, number: int) -> None:
    """It is decimal all the same."""
    stage.reply_with_results()
    run = stage.start("-n", count, "-c", stage.calculator())
    stage.next_calculators(number)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert len(stage.calculators) == number


@requirement("NOD-002")
@pytest.mark.parametrize("by_option", [True, False], ids=["option", "variable"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_a_count_drops_the_transport(stage: Stage, by_option: bool, first: bool) -> None:
    stage.reply_with_results()
    option = ("-t", stage.transport()) if by_option else ()
    count = ("-n", "+1")
    run = stage.run(
        *(option + count if first else count + option),
        "-c",
        stage.calculator(),
        environment={} if by_option else {"PAEXEC_TRANSPORT": stage.transport()},
        feed=b"a\n",
    )
    assert stage.transports == []
    assert run.stdout == stage.result(b"a") + b"\n"
    assert run.status == 0


@requirement("NOD-003", "LCH-020")
@pytest.mark.parametrize(
    ("nodes", "names"),
    [
        ("one", [b"one"]),
        ("a\tb\nc\rd\r\ne \t f g  h", [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"]),
        ("user@host h-1.example.org /chroot _x 127.0.0.1 9", None),
        (b"h\xff\xfe caf\xc3\xa9", None),
        ("localhost 127.0.0.1", None),
        ("a,b e:f g+h i#j k=l", None),
        ("a\vb\fc d", [b"a\vb\fc", b"d"]),
    ],
)
def test_a_list_of_names(stage: Stage, nodes: str | bytes, names: list[bytes] | None) -> None:
    names = names or os.fsencode(nodes).split()
    assert remote_names(stage, nodes, len(names)) == sorted(names)


@requirement("NOD-004")
@pytest.mark.parametrize(
    "nodes", ["a b ", "a b \n", "\t\r\n  a b \n"], ids=["blank after", "gap after", "gaps"]
)
def test_gaps_around_the_list(stage: Stage, nodes: str) -> None:
    assert remote_names(stage, nodes, 2) == [b"a", b"b"]


@requirement("NOD-005")
@pytest.mark.parametrize("text", ["one\n", "b\na", "h-1.example.org\nuser@h\n"])
def test_names_from_a_file(stage: Stage, text: str) -> None:
    path = stage.directory / "nodes"
    path.write_text(text)
    names = sorted(text.encode().split())
    assert remote_names(stage, f":{path}", len(names)) == names


@requirement("NOD-006")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a\n\nb\n", id="empty line"),
        pytest.param("# nodes\na\n#c\nb\n", id="comments"),
        pytest.param("a\n \t \nb\n", id="line of blanks"),
        pytest.param("a\n \t# c\nb\n", id="indented comment"),
        pytest.param("  a\n\tb  \n", id="blanks"),
        pytest.param("a\r\nb\r\n", id="carriage returns"),
        pytest.param("a\r\n\r\n#\r\n b \r", id="all of it"),
    ],
)
def test_blank_lines_and_comments_in_a_file(stage: Stage, text: str) -> None:
    path = stage.directory / "nodes"
    path.write_bytes(text.encode())
    assert remote_names(stage, f":{path}", 2) == [b"a", b"b"], "other names"


@requirement("NOD-005", "NOD-006")
@pytest.mark.parametrize(
    "name",
    ["a b", "a\tb", "a,b", "a#b", "a #b"],
    ids=["blank", "tab", "comma", "hash", "blank and hash"],
)
def test_a_line_of_a_file_is_one_name(stage: Stage, name: str) -> None:
    """Only its ends are trimmed, and only at its beginning is # a comment."""
    path = stage.directory / "nodes"
    path.write_text(f"c\n {name} \n")
    assert remote_names(stage, f":{path}", 2) == [name.encode(), b"c"], "other names"


@requirement("NOD-007")
def test_the_variable_names_the_nodes(stage: Stage) -> None:
    stage.reply_with_results()
    run = stage.start("-c", stage.calculator(), environment={"PAEXEC_NODES": "+3"})
    stage.next_calculators(3)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert len(stage.calculators) == 3


@requirement("NOD-007", "NOD-005")
def test_the_variable_names_a_file(stage: Stage) -> None:
    path = stage.directory / "nodes"
    path.write_text("a\nb\n")
    stage.connect = True
    stage.reply_with_results()
    run = stage.start(
        "-t",
        stage.transport(),
        "-c",
        stage.calculator(),
        environment={"PAEXEC_NODES": f":{path}"},
    )
    stage.next_calculators(2)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert sorted(transport.words[0] for transport in stage.transports) == [b"a", b"b"]


@requirement("NOD-007", "OPT-005")
def test_the_option_beats_the_variable(stage: Stage) -> None:
    stage.reply_with_results()
    run = stage.start("-n", "+2", "-c", stage.calculator(), environment={"PAEXEC_NODES": "+1"})
    stage.next_calculators(2)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert len(stage.calculators) == 2


GOOD = call("-n", "+1", "-c", CALCULATOR)

BAD_NODES = {
    "empty": "",
    "count of 0": "+0",
    "count of 00": "+00",
    "no number": "+",
    "letters": "+x",
    "number and letters": "+2x",
    "negative": "+-1",
    "signed": "++1",
    "blank in the number": "+ 1",
    "fraction": "+1.5",
    "comma": ",x",
    "dot": ".x",
    "blanks": "  ",
    "missing file": f":{DIRECTORY}/missing",
    "no file name": ":",
    "directory": f":{DIRECTORY}",
    "empty file": ":/dev/null",
}


@requirement("NOD-008", "OPT-020", "OPT-021")
@pytest.mark.parametrize("name", BAD_NODES)
def test_bad_nodes(stage: Stage, name: str) -> None:
    refuse(stage, call("-n", BAD_NODES[name], "-c", CALCULATOR), GOOD)


@requirement("NOD-008")
@pytest.mark.parametrize("value", ["+0", "+x", ",x", ""])
def test_bad_nodes_in_the_variable(stage: Stage, value: str) -> None:
    refuse(stage, call("-c", CALCULATOR, PAEXEC_NODES=value), GOOD)


@requirement("NOD-008")
@pytest.mark.parametrize("text", ["\n \n", "# only\n# comments\n"])
def test_a_file_without_nodes(stage: Stage, text: str) -> None:
    (stage.directory / "nodes").write_text(text)
    refuse(stage, call("-n", f":{DIRECTORY}/nodes", "-c", CALCULATOR), GOOD)


@requirement("NOD-009")
@pytest.mark.parametrize("nodes", ["-x", " -x", "a -x", "a -oProxyCommand=x b"])
def test_a_name_is_not_an_option(stage: Stage, nodes: str) -> None:
    refuse(stage, call("-n", nodes, "-c", CALCULATOR), call("-n", "a", "-c", CALCULATOR))


@requirement("NOD-009")
def test_a_name_in_the_variable_is_not_an_option(stage: Stage) -> None:
    refuse(
        stage, call("-c", CALCULATOR, PAEXEC_NODES="a -x"), call("-c", CALCULATOR, PAEXEC_NODES="a")
    )


@requirement("NOD-009")
@pytest.mark.parametrize("text", ["-x\n", "a\n-x\n", "a\n  -oProxyCommand=x\nb\n"])
def test_a_name_in_a_file_is_not_an_option(stage: Stage, text: str) -> None:
    (stage.directory / "good").write_text("a\n")
    (stage.directory / "bad").write_text(text)
    refuse(
        stage,
        call("-n", f":{DIRECTORY}/bad", "-c", CALCULATOR),
        call("-n", f":{DIRECTORY}/good", "-c", CALCULATOR),
    )


@requirement("NOD-010")
def test_one_name_several_nodes(stage: Stage) -> None:
    stage.connect = True
    run = stage.start("-n", "a b a a", "-t", stage.transport(), "-c", stage.calculator())
    calculators = stage.next_calculators(4)
    run.feed(b"1\n2\n3\n4\n")
    for calculator in calculators:
        calculator.next_task()
    for calculator in calculators:
        calculator.answer()
    assert run.finish() == 0
    assert sorted(t.words[0] for t in stage.transports) == [b"a", b"a", b"a", b"b"]
    assert sorted(stage.tasks) == [b"1", b"2", b"3", b"4"]


# Traps


def local_run(stage: Stage, number: int, *words: str, **variables: str) -> Distributor:
    """Run one task on so many local calculators; its result is the only output."""
    stage.reply_with_results()
    run = stage.start(*words, "-l", "-c", stage.calculator(), environment=variables)
    stage.next_calculators(number)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert run.stdout == b"1 " + stage.result(b"a") + b"\n"
    assert len(stage.calculators) == number
    assert stage.transports == []
    return run


def assert_told(run: Distributor, text: bytes) -> None:
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
    assert text in run.stderr


@requirement("NOD-011")
@pytest.mark.parametrize("variable", [False, True], ids=["option", "variable"])
def test_a_number_without_plus(stage: Stage, variable: bool) -> None:
    words, variables = ((), {"PAEXEC_NODES": "4"}) if variable else (("-n", "4"), {})
    assert_told(local_run(stage, 1, *words, **variables), b"+4")


@requirement("NOD-012")
@pytest.mark.parametrize("name", ["a,b", "host[1-3]", "node*", "1,2"])
def test_lists_in_other_notations(stage: Stage, name: str) -> None:
    assert_told(local_run(stage, 1, "-n", name), name.encode())


@requirement("NOD-012")
@pytest.mark.parametrize("name", ["a,b", "host[1-3]", "node*", "1,2"])
def test_lists_in_other_notations_in_a_file(stage: Stage, name: str) -> None:
    path = stage.directory / "nodes"
    path.write_text(f"1\n{name}\n")
    assert_told(local_run(stage, 2, "-n", f":{path}"), name.encode())


@requirement("NOD-013")
def test_names_without_a_transport_are_reported(stage: Stage) -> None:
    run = local_run(stage, 2, "-n", "alpha beta")
    assert run.stderr.count(b"\n") == 1, f"not one diagnostic: {run.stderr!r}"
    assert b"alpha" in run.stderr or b"beta" in run.stderr


@requirement("NOD-014")
def test_a_transport_without_names(stage: Stage) -> None:
    assert_told(local_run(stage, 1, "-n", "+1", "-t", stage.transport()), b"-t")


@requirement("NOD-015")
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2, ("-n", "+2")),
        (1, ("-n", "alpha")),
        (2, ("-n", "1 2")),
        (2, ("-n", "localhost localhost")),
    ],
    ids=["count", "name", "numbers", "localhost"],
)
def test_no_false_alarms(stage: Stage, number: int, words: tuple[str, ...]) -> None:
    assert local_run(stage, number, *words).stderr == b""


@requirement("NOD-015")
def test_no_false_alarms_with_a_transport(stage: Stage) -> None:
    stage.connect = True
    stage.reply_with_results()
    words = ("-n", "4,5 host[1-3] node*", "-t", stage.transport())
    run = stage.start(*words, "-c", stage.calculator())
    stage.next_calculators(3)
    run.feed(b"a\n")
    assert run.finish() == 0
    assert run.stderr == b""


@requirement("OPT-063")
@pytest.mark.parametrize(
    ("number", "nodes"), [(1, "4"), (1, "a,b"), (2, "alpha beta"), (1, "node*")]
)
def test_traps_of_nodes_change_nothing(stage: Stage, number: int, nodes: str) -> None:
    local_run(stage, number, "-n", nodes)
