"""Chapter *Reordering results*."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.harness import processes
from conformance.harness.octets import is_same

if TYPE_CHECKING:
    from conformance.harness.distributor import Distributor
    from conformance.harness.stage import Stage

requirement = pytest.mark.requirement
pytestmark = pytest.mark.companion("reorder")

MAGIC_EOT = b"HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5"
MIB = 1 << 20

#: The methods that print a result when it ends.
AT_THE_END_OF_A_RESULT = ["-Mm", "-Mf"]
METHODS = [*AT_THE_END_OF_A_RESULT, "-Ms"]

#: The methods that do not keep everything in memory, and input of more than they may keep there.
IN_FILES = ["-Mf", "-Ms"]
LONG = b"2 %0999d\n1 a\n" % 0 * 45_000

#: Commands of a shell that forbid processes to have more than 100 MiB of data.
LITTLE_MEMORY = "ulimit -d 102400"

#: Three results that begin and end in different orders.
MIXED = b"2 b1\n1 a1\n2 b2\n11 c1\n11 c2\n2 \n1 a2\n11 \n1 a3\n1 \n"


def words(value: object) -> str | None:
    """How a list is named in the name of a test."""
    if isinstance(value, list):
        return " ".join(word.decode() if isinstance(word, bytes) else word for word in value)
    return None


def reorder(
    stage: Stage, *options: str | bytes, feed: bytes, environment: dict[str, str] | None = None
) -> bytes:
    """Return the output of a successful run for this input."""
    run = stage.run(*options, feed=feed, environment=environment)
    assert run.status == 0, f"exit status {run.status}, not 0"
    return run.stdout


def results(lines: dict[bytes, list[bytes]], eot: bytes = b"") -> bytes:
    """Results one after the other, by tasks, with their EOT lines."""
    return b"".join(
        b"%b %b\n" % (task, text) for task, texts in lines.items() for text in [*texts, eot]
    )


def make_long_input(stage: Stage, tasks: int = 1) -> list[bytes]:
    """A file of 200 MB with the lines of so many unfinished results, and the text of each line."""
    texts = [b"%0997d\n" % 0 for _ in range(tasks)]
    lines = [b"%d %b" % (task, text) for task, text in enumerate(texts, 1)]
    (stage.directory / "input").write_bytes(b"".join(lines) * (200_000 // tasks))
    return texts


# Order


@requirement("RDR-014", "RDR-013", "RDR-010", "RDR-005", "RDR-040")
@pytest.mark.parametrize("options", [[], ["-Mm"], ["-Mf"]], ids=words)
def test_results_in_the_order_of_their_ends(stage: Stage, options: list[str]) -> None:
    output = reorder(stage, *options, feed=MIXED)
    assert output == b"b1\nb2\nc1\nc2\na1\na2\na3\n", "another order"


@requirement("RDR-017", "RDR-013", "RDR-010", "RDR-005", "RDR-040")
def test_results_in_the_order_of_tasks(stage: Stage) -> None:
    assert reorder(stage, "-Ms", feed=MIXED) == b"a1\na2\na3\nb1\nb2\nc1\nc2\n"


@requirement("RDR-015", "RDR-017")
@pytest.mark.parametrize("method", METHODS)
def test_results_that_do_not_end(stage: Stage, method: str) -> None:
    """The numbers are compared as numbers; the last task of all is the largest."""
    feed = b"10 d\n2 b\n1 a1\n9 c\n1 a2\n100 e\n"
    assert reorder(stage, method, feed=feed) == b"a1\na2\nb\nc\nd\ne\n"


@requirement("RDR-015", "RDR-040")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_results_that_do_not_end_after_those_that_do(stage: Stage, method: str) -> None:
    feed = b"3 c\n2 b1\n2 \n1 a\n4 d\n4 \n2 b2\n3 c2\n"
    assert reorder(stage, method, feed=feed) == b"b1\nd\na\nb2\nc\nc2\n"


@requirement("RDR-014", "RDR-017")
@pytest.mark.parametrize("method", METHODS)
def test_several_results_of_a_task(stage: Stage, method: str) -> None:
    """Without -g, those that a dead node left are results like others."""
    feed = b"2 part\n2 fatal\n2 \n1 a\n1 \n2 whole\n2 \n"
    expected = {"-Ms": b"a\npart\nfatal\nwhole\n"}
    assert reorder(stage, method, feed=feed) == expected.get(method, b"part\nfatal\na\nwhole\n")


@requirement("RDR-005", "RDR-014", "RDR-017")
@pytest.mark.parametrize("method", METHODS)
def test_results_without_lines(stage: Stage, method: str) -> None:
    assert reorder(stage, method, "-l", feed=b"2 \n1 a\n1 \n1 \n3 \n2 b\n2 \n") == b"1 a\n2 b\n"


@requirement("RDR-013", "RDR-014", "RDR-017", "RDR-003")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("nodes", [1, 3, 50])
def test_many_results(stage: Stage, method: str, nodes: int) -> None:
    """Some 1,000 lines of 100 tasks that this many nodes work on, one random line at a time."""
    chance = random.Random(nodes)  # noqa: S311 (no secret)
    lines = {
        b"%d" % task: [
            b"%d %s" % (chance.randrange(1000), stage.nonce) for _ in range(chance.randrange(20))
        ]
        for task in range(1, 101)
    }
    waiting = list(lines)
    held: dict[bytes, list[bytes]] = {}
    feed, ended = [], []
    while waiting or held:
        while waiting and len(held) < nodes:
            task = waiting.pop(0)
            held[task] = [*lines[task], b""]
        task = chance.choice(list(held))
        feed.append(b"%b %b\n" % (task, held[task].pop(0)))
        if not held[task]:
            del held[task]
            ended.append(task)
    order = list(lines) if method == "-Ms" else ended
    expected = b"".join(b"%b\n" % text for task in order for text in lines[task])
    run = stage.start(method)
    run.feed(b"".join(feed))
    assert run.finish(stage.volume_bound) == 0
    assert is_same(run.stdout, expected), "other results"


# Lines


@requirement("RDR-010", "RDR-011", "RDR-012")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], b" one\n  two\nnone\n3  three\n 3 four\n\t tab\n \n"),
        (["-S"], b"one\n two\nnone\n3  three\n3 four\n\t tab\n\n"),
        (["-l"], b"3  one\n3   two\n3 none\n3 3  three\n3  3 four\n3 \t tab\n3  \n"),
        (["-lS"], b"3 one\n3  two\n3 none\n3 3  three\n3 3 four\n3 \t tab\n3 \n"),
    ],
    ids=["", "-S", "-l", "-lS"],
)
def test_prefixes_and_blanks(
    stage: Stage, method: str, options: list[str], expected: bytes
) -> None:
    feed = b"3  one\n3   two\n3 none\n3 3  three\n3  3 four\n3 \t tab\n3  \n3 \n"
    assert reorder(stage, method, *options, feed=feed) == expected


@requirement("RDR-003", "RDR-005")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(bytes(octet for octet in range(256) if octet != 0x0A), id="all octets"),
        b"\0",
        b"a\0b",
        b"carriage return\r",
        b"\r",
        b"\xff\xfe",
        b"\\n\\\\ %s %d \\0",
        b"'\"`$(echo)$1;|&*?",
        b" ",
        b"\t",
        b"END",
        b" EOT",
        b"EOT ",
        b"EOTEOT",
        b"EOT\r",
        b"1 EOT",
        b"",
    ],
    ids=words,
)
def test_octets_of_texts(stage: Stage, method: str, text: bytes) -> None:
    feed = results({b"1": [b"before", text, b"after"], b"2": [text]}, b"EOT")
    assert reorder(stage, method, "-mt=EOT", feed=feed) == b"before\n%b\nafter\n%b\n" % (text, text)


@requirement("RDR-003")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", METHODS)
def test_long_lines(stage: Stage, method: str) -> None:
    line = (stage.nonce + b"0123456\t") * (10 * MIB // 16)
    feed = b"1 %b\n2 b\n2 \n1 end\n1 \n" % line
    expected = [b"b\n", line + b"\nend\n"]
    if method == "-Ms":
        expected.reverse()
    run = stage.start(method)
    run.feed(feed)
    assert run.finish(stage.volume_bound) == 0
    assert is_same(run.stdout, b"".join(expected))


# The EOT


@requirement("RDR-004", "RDR-005")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("options", "variable", "eot"),
    [
        ([], None, b""),
        (["-y"], None, MAGIC_EOT),
        (["-x"], None, MAGIC_EOT),
        (["-mt=a b"], None, b"a b"),
        (["-m", "t=(.*"], None, b"(.*"),
        (["-mt= "], None, b" "),
        (["-mt=1 "], None, b"1 "),
        (["-mt=x", "-y"], None, MAGIC_EOT),
        (["-y", "-mt=x"], None, b"x"),
        (["-mt=x", "-mt=z"], None, b"z"),
        ([], "E", b"E"),
        (["-y"], "E", MAGIC_EOT),
        (["-mt=x"], "E", b"x"),
        (["-mt="], "E", b""),
    ],
    ids=words,
)
def test_eot(
    stage: Stage, method: str, options: list[str], variable: str | None, eot: bytes
) -> None:
    """Texts of other EOTs are lines of results."""
    texts = [text for text in (b"", MAGIC_EOT, b"a b", b"x", b"z", b"E", b"1") if text != eot]
    feed = results({b"2": texts, b"1": [b"a"]}, eot)
    environment = {} if variable is None else {"PAEXEC_EOT": variable}
    expected = [b"".join(b"%b\n" % text for text in texts), b"a\n"]
    if method == "-Ms":
        expected.reverse()
    output = reorder(stage, method, *options, feed=feed, environment=environment)
    assert output == b"".join(expected)


# Files


@requirement("RDR-001", "RDR-002", "RDR-047")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["one"], b"1 one"),
        (["one", "two"], b"1 one, 1 two, 2 two"),
        (["two", "one"], b"1 two, 2 two, 1 one"),
        (["one", "-", "two"], b"1 one, 1 in, 1 two, 2 two"),
        (["-"], b"1 in"),
        (["--", "-l"], b"1 minus l"),
        (["one", "-l"], b"1 one, 1 minus l"),
        ([], b"1 in"),
    ],
    ids=words,
)
def test_files(stage: Stage, method: str, files: list[str], expected: bytes) -> None:
    """They end in unterminated EOT lines."""
    contents = {"one": b"1 one\n1 ", "two": b"1 two\n1 \n2 two\n2 ", "-l": b"1 minus l\n1 "}
    for name, octets in contents.items():
        (stage.directory / name).write_bytes(octets)
    lines = expected.split(b", ")
    if method == "-Ms":
        lines.sort(key=lambda line: line[0])
    output = reorder(stage, "-l", method, *files, feed=b"1 in\n1 ")
    assert output == b"".join(line + b"\n" for line in lines)


@requirement("RDR-002", "RDR-015")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("feed", "expected"),
    [(b"1 a\n1 b", b"a\nb\n"), (b"1 a\n1 ", b"a\n"), (b"1 a\n1 \n2 b", b"a\nb\n")],
    ids=["line", "EOT line", "other task"],
)
def test_unterminated_lines(stage: Stage, method: str, feed: bytes, expected: bytes) -> None:
    assert reorder(stage, method, feed=feed) == expected


# While the input goes on


@requirement("RDR-016")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_a_result_is_printed_when_it_ends(stage: Stage, method: str) -> None:
    run = stage.start(method)
    run.feed(b"1 a1\n2 b1\n1 a2\n1 \n")
    run.expect_output(b"a1\na2\n")
    run.feed(b"2 b2\n2 ")
    run.feed(b"\n3 c")
    run.expect_output(b"a1\na2\nb1\nb2\n")
    run.feed(b"\n3 \n")
    assert run.finish() == 0
    assert run.stdout == b"a1\na2\nb1\nb2\nc\n"


@requirement("RDR-016", "RDR-014")
def test_in_a_pipeline(stage: Stage) -> None:
    """Two calculators whose results are mixed, while the distributor runs."""
    read_end, write_end = os.pipe()
    command = ("-n", "+2", "-le", "-c", stage.calculator())
    paexec = stage.start(*command, stdout=write_end, paexec=True)
    os.close(write_end)
    run = stage.start("-l", stdin=read_end)
    os.close(read_end)
    paexec.feed(b"a\nb\nc\n")
    first, second = stage.holder(b"a"), stage.holder(b"b")
    first.write(b"a1\n")
    first.sync()
    second.write(b"b1\n")
    second.sync()
    second.write(b"b2\n\n")
    third = stage.holder(b"c")
    first.write(b"a2\n\n")
    run.expect_output(b"2 b1\n2 b2\n1 a1\n1 a2\n")
    third.write(b"c1\n\n")
    assert paexec.finish() == 0
    assert run.wait() == 0
    assert run.stdout == b"2 b1\n2 b2\n1 a1\n1 a2\n3 c1\n"


@requirement("RDR-014", "RDR-017", "RDR-033")
@pytest.mark.parametrize("method", METHODS)
def test_of_a_graph(stage: Stage, method: str) -> None:
    """The input is a graph's output with a failure, and with a task called fatal."""

    def reply(task: bytes) -> bytes:
        return stage.result(task) + (b"\nfailure\n\n" if task == b"fatal" else b"\nsuccess\n\n")

    stage.reply = reply
    graph = stage.start("-gle", "-n", "+2", "-c", stage.calculator(), paexec=True)
    graph.feed(b"a b\nfatal\n")
    assert graph.finish() == 0
    assert graph.stdout.count(b"\n") == 10
    output = reorder(stage, "-gl", method, feed=graph.stdout)
    ended = [b"1", b"2", b"3"]
    if method != "-Ms":
        ended = [line[:1] for line in graph.stdout.splitlines() if line.endswith(b" ")]
    lines = {
        b"1": b"1 %b\n1 success\n" % stage.result(b"a"),
        b"2": b"2 %b\n2 success\n" % stage.result(b"b"),
        b"3": b"3 %b\n3 failure\n3 fatal\n" % stage.result(b"fatal"),
    }
    assert output == b"".join(lines[task] for task in ended), "other results"


# Dead nodes

DEATH = b"1 part\n1 fatal\n1 \n2 b\n2 success\n2 \n1 whole\n1 success\n1 \n"


@requirement("RDR-030")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_what_dead_nodes_printed(stage: Stage, method: str) -> None:
    assert reorder(stage, "-g", method, feed=DEATH) == b"b\nsuccess\nwhole\nsuccess\n"


@requirement("RDR-030")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_what_paexec_prints_of_a_dead_node(stage: Stage, method: str) -> None:
    command = ("-glez", "-n", "+2", "-c", stage.calculator())
    paexec = stage.start(*command, paexec=True)
    paexec.feed(b"a\n")
    paexec.close_stdin()
    both = stage.next_calculators(2)
    lost = stage.holder(b"a")
    lost.write(b"part\n")
    lost.exit(0)
    (other,) = (calculator for calculator in both if calculator is not lost)
    assert other.next_task() == b"a"
    other.answer(b"whole", b"success")
    assert paexec.wait() == 0
    assert b"part" in paexec.stdout
    assert reorder(stage, "-g", method, feed=paexec.stdout) == b"whole\nsuccess\n"


@requirement("RDR-030")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
@pytest.mark.parametrize(
    ("texts", "cut"),
    [
        ([b"fatal"], True),
        ([b"fatal", b"fatal"], True),
        ([b"success", b"fatal"], True),
        ([b"xfailure", b"fatal"], True),
        ([b"failure", b"x", b"fatal"], True),
        ([b"failure", b"fatal"], False),
        ([b"a", b"failure", b"fatal"], False),
        ([b"failure", b"fatal a"], False),
        ([b"fatal", b"failure", b"a"], False),
        ([b"fatal", b"success"], False),
    ],
    ids=words,
)
def test_which_results_are_cut_off(
    stage: Stage, method: str, texts: list[bytes], cut: bool
) -> None:
    feed = results({b"1": texts, b"2": [b"b", b"success"]})
    expected = b"" if cut else b"".join(b"%b\n" % text for text in texts)
    output = reorder(stage, "-g", method, feed=feed)
    assert output == expected + b"b\nsuccess\n", "other results"


@requirement("RDR-030")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_a_fatal_result_at_the_end_of_the_input(stage: Stage, method: str) -> None:
    feed = b"2 part\n1 success\n2 fatal\n3 c\n3 success\n"
    output = reorder(stage, "-g", method, feed=feed)
    assert output == b"success\nc\nsuccess\n", "other results"


@requirement("RDR-030", "RDR-018")
@pytest.mark.lasting(300)
def test_a_long_fatal_result(stage: Stage) -> None:
    """Not only what is kept in memory is cut off."""
    line = b"1 %0999d\n" % 0
    run = stage.start("-g", "-Mf")
    run.feed(line * 70_000 + b"1 fatal\n1 \n1 whole\n1 success\n1 \n")
    assert run.finish(stage.volume_bound) == 0
    assert is_same(run.stdout, b"whole\nsuccess\n")


@requirement("RDR-031", "RDR-030")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_other_words(stage: Stage, method: str) -> None:
    options = ("-ms=done", "-mf=bad", "-mF=was dead", "-mF=dead")
    feed = results(
        {
            b"1": [b"part", b"dead"],
            b"2": [b"bad", b"dead"],
            b"3": [b"fatal", b"done"],
            b"4": [b"failure", b"dead"],
        }
    )
    assert reorder(stage, "-g", method, *options, feed=feed) == b"bad\ndead\nfatal\ndone\n"


@requirement("RDR-032")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_no_word(stage: Stage, method: str) -> None:
    feed = results({b"1": [b"a", b""], b"2": [b"b", b"success"]}, b"EOT")
    output = reorder(stage, "-g", method, "-mF=", "-mt=EOT", feed=feed)
    assert output == b"a\n\nb\nsuccess\n"


@requirement("RDR-032")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_without_a_word_the_default_means_nothing(stage: Stage, method: str) -> None:
    expected = b"part\nfatal\nb\nsuccess\nwhole\nsuccess\n"
    assert reorder(stage, "-g", method, "-mF=", feed=DEATH) == expected


@requirement("RDR-033")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_without_graphs_nothing_is_cut_off(stage: Stage, method: str) -> None:
    expected = b"part\nfatal\nb\nsuccess\nwhole\nsuccess\n"
    assert reorder(stage, method, feed=DEATH) == expected


@requirement("RDR-033")
@pytest.mark.parametrize("options", [["-Ms"], ["-g", "-Ms"]], ids=words)
def test_method_s_cuts_nothing_off(stage: Stage, options: list[str]) -> None:
    expected = b"part\nfatal\nwhole\nsuccess\nb\nsuccess\n"
    assert reorder(stage, *options, feed=DEATH) == expected


@requirement("RDR-033")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("text", [b"?", b"", b"other", b" fatal", b"fatal ", b"fatal\r", b"Fatal"])
def test_results_without_a_status(stage: Stage, method: str, text: bytes) -> None:
    feed = results({b"1": [b"a", text], b"2": [b"success"]}, b"EOT")
    output = reorder(stage, "-g", method, "-mt=EOT", feed=feed)
    assert output == b"a\n%b\nsuccess\n" % text


# Errors

SIMPLE = b"2 b\n2 \n1 a\n1 \n"


def assert_works(stage: Stage, method: str) -> None:
    """Check that a good call works, so that a failure has the cause that the test gives it."""
    expected = b"a\nb\n" if method == "-Ms" else b"b\na\n"
    assert reorder(stage, method, feed=SIMPLE) == expected


def assert_failed(run: Distributor, mentioned: bytes = b"") -> None:
    assert run.status == 1, f"exit status {run.status}, not 1"
    assert run.stderr, "no diagnostic"
    assert mentioned in run.messages, f"{mentioned!r} is not in the diagnostic {run.stderr!r}"


@requirement("RDR-041")
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"x",
        b"1",
        b"1\t",
        b" 1 x",
        b"x 1",
        b"1x x",
        b"-1 x",
        b"+1 x",
        b"1.0 x",
        b"\0",
        b"\xd9\xa1 x",
    ],
    ids=words,
)
@pytest.mark.parametrize("unterminated", [False, True], ids=["", "unterminated"])
def test_bad_lines(stage: Stage, method: str, line: bytes, unterminated: bool) -> None:
    if unterminated and not line:
        line = b"x"  # an unterminated empty line is none
    good = b"1 a\n2 b\n2 \n" + b"3 c\n" * 1730
    assert reorder(stage, "-l", method, feed=good).startswith(b"2 b\n1 a\n3 c\n")
    tail = b"" if unterminated else b"\n4 d\n4 \n"
    run = stage.run("-l", method, feed=good + line + tail)
    assert_failed(run, b"1734")
    assert run.stdout == b"2 b\n"


@requirement("RDR-041")
def test_bad_lines_of_method_s(stage: Stage) -> None:
    assert reorder(stage, "-Ms", feed=b"1 a\n") == b"a\n"
    run = stage.run("-Ms", feed=b"1 a\n" * 1733 + b"x\n1 a\n")
    assert_failed(run, b"1734")


@requirement("RDR-042", "RDR-041")
def test_the_file_of_a_bad_line(stage: Stage) -> None:
    (stage.directory / "good").write_bytes(b"1 a\n1 \n" * 1000)
    (stage.directory / "bad file").write_bytes(b"2 b\n2 \n" * 1000 + b"x\n")
    run = stage.run("good", "bad file", "good")
    assert_failed(run, b"2001")
    assert b"bad file" in run.stderr
    assert run.stdout == b"a\n" * 1000 + b"b\n" * 1000


@requirement("RDR-043")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["missing", "/"])
def test_files_that_cannot_be_read(stage: Stage, method: str, name: str) -> None:
    (stage.directory / "good").write_bytes(b"1 a\n1 \n")
    assert reorder(stage, method, "good", feed=b"") == b"a\n"
    assert_failed(stage.run(method, "good", name, "good"), name.encode())


@requirement("RDR-044")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_output_errors(stage: Stage, method: str, redirection: str) -> None:
    assert_works(stage, method)
    within = ("/bin/sh", "-c", f'exec "$@" {redirection}', "sh")
    assert_failed(stage.run(method, feed=SIMPLE, within=within))


@requirement("RDR-044", "RDR-020")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", IN_FILES)
def test_a_directory_that_is_missing(stage: Stage, method: str) -> None:
    """Neither is there room in memory, nor can the input, a pipe, be read again."""
    make_long_input(stage)
    run = stage.start(
        method,
        environment={"TMPDIR": str(stage.directory / "missing")},
        within=("/bin/sh", "-c", f'{LITTLE_MEMORY}; cat input 2>/dev/null | "$@"', "sh"),
    )
    run.wait(stage.volume_bound)
    assert_failed(run)


@requirement("RDR-044")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", IN_FILES)
def test_temporary_files_that_cannot_grow(stage: Stage, method: str) -> None:
    """Either everything is printed, without large files, or there is an error."""
    within = ("/bin/sh", "-c", "trap '' XFSZ; ulimit -f 1024 && exec \"$@\"", "sh")
    run = stage.start(method, environment={"TMPDIR": str(stage.directory)}, within=within)
    run.feed(LONG)
    if run.finish(stage.volume_bound) == 0:
        assert is_same(run.stdout, b"a\n" * 45_000 + b"%0999d\n" % 0 * 45_000)
    else:
        assert_failed(run)


@requirement("RDR-045")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", METHODS)
def test_the_reader_goes_away(stage: Stage, method: str) -> None:
    assert_works(stage, method)
    run = stage.start(method)
    run.feed(b"1 a\n1 \n")
    run.close_output()
    run.feed(b"2 b\n2 \n" * 100_000)
    assert run.finish(stage.volume_bound) == -signal.SIGPIPE, (
        f"ended with status {run.status}, not by SIGPIPE"
    )
    assert run.stderr == b"", "there is a diagnostic"


@requirement("RDR-046", "RDR-020")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals(stage: Stage, method: str, number: signal.Signals) -> None:
    """Results wait for their EOT line, in files if there are any; no file is left."""
    directory = stage.directory / "temporary"
    directory.mkdir()
    run = stage.start(method, environment={"TMPDIR": str(directory)})
    feed = LONG if method in IN_FILES else LONG[: MIB - MIB % 1006]
    run.feed(feed)
    stage.wait("the input to be read", lambda: run.accepted == len(feed), stage.volume_bound)
    run.signal(number)
    assert run.wait() == -number, f"ended with status {run.status}, not by {number.name}"
    assert run.stdout == b""
    stage.happens(lambda: not list(directory.iterdir()), stage.moment)
    assert not list(directory.iterdir()), "a temporary file was left"


def open_files(stage: Stage) -> set[Path]:
    """The files that processes of the test have open, deleted ones too, under their last names."""
    found = set()
    for pid in stage.leftovers():
        with suppress(OSError):  # it has ended in the meantime
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(FileNotFoundError):  # closed in the meantime
                    found.add(link.readlink())
    return found


def holds(path: Path, octets: bytes) -> bool:
    """Whether a file, or one in a directory, has these octets near its beginning."""
    with suppress(OSError):  # somebody else's, or gone
        for file in [path, *path.rglob("*")]:
            if file.is_file():
                with file.open("rb") as opened:
                    if octets in opened.read(1 << 16):
                        return True
    return False


def remove(path: Path) -> None:
    """Remove a file or a directory, if it is still there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@requirement("RDR-020")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", IN_FILES)
@pytest.mark.parametrize("named", [True, False], ids=["named", "default"])
def test_where_temporary_files_are(stage: Stage, method: str, named: bool) -> None:
    """There is no room in memory. By default the files are beside those of other programs."""
    directory = stage.directory / "temporary" if named else Path("/tmp")
    directory.mkdir(exist_ok=True)
    before = {*directory.iterdir()}
    prepare = f"{LITTLE_MEMORY}; " + ("" if named else "unset TMPDIR; ")
    run = stage.start(
        method,
        environment={"TMPDIR": str(directory)},
        within=("/bin/sh", "-c", prepare + 'exec "$@"', "sh"),
    )
    feed = b"1 %s%0989d\n" % (stage.nonce, 0) * 120_000
    run.feed(feed)
    stage.wait("the input to be read", lambda: run.accepted == len(feed), stage.volume_bound)

    def is_used() -> bool:
        files = {path for path in open_files(stage) if path.is_relative_to(directory)}
        if not named:
            files = {path for path in files if not path.is_relative_to(stage.directory)}
        return bool(files) or any(
            holds(path, stage.nonce) for path in {*directory.iterdir()} - before
        )

    assert stage.happens(is_used, stage.bound), f"no temporary file in {directory}"
    run.signal(signal.SIGTERM)
    run.wait()
    processes.kill(stage.leftovers(), stage.bound)
    for path in {*directory.iterdir()} - before:  # what it left, or was killed with
        if holds(path, stage.nonce):
            remove(path)


@requirement("RDR-020")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", IN_FILES)
def test_no_file_is_left(stage: Stage, method: str) -> None:
    directory = stage.directory / "temporary"
    directory.mkdir()
    run = stage.start(method, environment={"TMPDIR": str(directory)})
    run.feed(LONG)
    assert run.finish(stage.volume_bound) == 0
    assert is_same(run.stdout, b"a\n" * 45_000 + b"%0999d\n" % 0 * 45_000)
    assert not list(directory.iterdir()), "a temporary file was left"


# Size


def resident_memory(pid: int) -> int:
    """Return the octets of memory that a process has; nothing if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGESIZE")


@requirement("RDR-018")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", IN_FILES)
@pytest.mark.parametrize("tasks", [1, 40])
def test_the_memory_of_long_results(stage: Stage, method: str, tasks: int) -> None:
    """200 MB of unfinished results, while no process may have more than 100 MiB of data."""
    texts = make_long_input(stage, tasks)
    output = stage.directory / "output"
    with output.open("wb") as stdout:
        run = stage.start(
            *(method, "input"),
            environment={"TMPDIR": str(stage.directory)},
            within=("/bin/sh", "-c", f'{LITTLE_MEMORY} && exec "$@"', "sh"),
            stdout=stdout.fileno(),
        )
    assert run.wait(stage.volume_bound) == 0
    expected = b"".join(text * (200_000 // tasks) for text in texts)
    assert is_same(output.read_bytes(), expected), "other results"


@requirement("RDR-060")
@pytest.mark.lasting(300)
@pytest.mark.parametrize("method", IN_FILES)
@pytest.mark.parametrize(
    ("tasks", "width"), [(250_000, 6), (200, 700_000)], ids=["many", "long-ids"]
)
def test_the_memory_of_open_results(stage: Stage, method: str, tasks: int, width: int) -> None:
    """None has ended, while no process may have more than 100 MiB of data."""
    with (stage.directory / "input").open("wb") as input_file:
        for task in reversed(range(tasks)):
            input_file.write(b"%0*d x%d\n" % (width, task, task))
    output = stage.directory / "output"
    with output.open("wb") as stdout:
        run = stage.start(
            *(method, "input"),
            environment={"TMPDIR": str(stage.directory)},
            within=("/bin/sh", "-c", f'{LITTLE_MEMORY} && exec "$@"', "sh"),
            stdout=stdout.fileno(),
        )
    assert run.wait(stage.volume_bound) == 0
    expected = b"".join(b"x%d\n" % task for task in range(tasks))
    assert is_same(output.read_bytes(), expected), "other results"


@pytest.mark.extension("--line-limit")
@requirement("RDR-061")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("octets", [101, 10 * MIB])
def test_lines_beyond_the_limit(stage: Stage, method: str, octets: int) -> None:
    """The number of the task does not count; the end of the line need not come."""
    good = b"12345 " + b"x" * 100 + b"\n"
    assert reorder(stage, method, "--line-limit", "100", feed=good * 3) == good[6:] * 3
    run = stage.start(method, "--line-limit", "100")
    run.feed(good * 2 + b"1 " + b"y" * octets)
    if octets < MIB:
        run.feed(b"\n" + good)
    assert run.wait() == 1
    assert re.search(rb"\b3\b", run.stderr), "the line is not named"
    assert b"y" not in run.stdout


@requirement("RDR-019")
@pytest.mark.lasting(600)
@pytest.mark.parametrize("method", AT_THE_END_OF_A_RESULT)
def test_the_memory_of_many_results(stage: Stage, method: str) -> None:
    """Between 20,000 and 120,000 tasks the memory may grow by 16 octets for each."""
    run = stage.start(method)

    def measure(begin: int, end: int) -> int:
        feed = b"".join(b"%d x\n%d \n" % (task, task) for task in range(begin, end))
        accepted = run.accepted + len(feed)
        run.feed(feed)
        stage.wait(
            "the input to be read",
            lambda: run.accepted == accepted,
            stage.volume_bound,
            lambda: 1 - (accepted - run.accepted) / len(feed),
        )
        return sum(map(resident_memory, stage.leftovers()))

    before = measure(1, 20_001)
    after = measure(20_001, 120_001)
    assert run.finish() == 0
    assert is_same(run.stdout, b"x\n" * 120_000), "other results"
    assert after - before < 1_600_000


@requirement("RDR-021")
@pytest.mark.lasting(60)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("end", [b"", b"x"], ids=["ends", "no ends"])
def test_many_tasks(stage: Stage, method: str, end: bytes) -> None:
    """100,000 tasks in the time in which a machine starts some 10,000 processes."""
    tasks = range(1, 100_001)
    run = stage.start(method)
    run.feed(b"".join(b"%d %d\n%d %b\n" % (task, task, task, end) for task in tasks))
    assert run.finish(3 * stage.bound) == 0  # the bound is what this is about
    texts = b"%d\nx\n" if end else b"%d\n"
    assert is_same(run.stdout, b"".join(texts % task for task in tasks))


# Calls


@requirement("RDR-047")
@pytest.mark.parametrize(
    "call",
    [
        ["-l", "-S", "-M", "s", "file"],
        ["-lSMs", "file"],
        ["-S", "-Mf", "-Ms", "-l", "--", "file"],
        ["-Ms", "-mt=", "-Sl", "file"],
    ],
    ids=words,
)
def test_syntax(stage: Stage, call: list[str]) -> None:
    (stage.directory / "file").write_bytes(b"2 b\n2 \n1  a\n1 \n")
    assert reorder(stage, *call, feed=b"") == b"1 a\n2 b\n"


@requirement("RDR-048")
@pytest.mark.parametrize(
    ("bad", "good", "mentioned"),
    [
        (["-q"], [], b"q"),
        (["-Mq"], ["-Mm"], b"q"),
        (["-M", ""], ["-M", "m"], b""),
        (["-Mmf"], ["-Mf"], b"mf"),
        (["-M"], ["-Mm"], b"M"),
        (["-m"], ["-mt="], b"m"),
        (["-mx=a"], ["-ms=a"], b"m"),
        (["-mt"], ["-mt="], b"m"),
        (["-m", ""], ["-mt="], b"m"),
        (["-mt=a\nb"], ["-ms=a"], b""),
    ],
    ids=words,
)
def test_usage_errors(stage: Stage, bad: list[str], good: list[str], mentioned: bytes) -> None:
    assert reorder(stage, *good, feed=b"1 a\n1 \n") == b"a\n"
    run = stage.run(*bad, feed=b"1 a\n1 \n")
    assert_failed(run, mentioned)
    assert run.stdout == b""


@requirement("RDR-062")
@pytest.mark.parametrize("key", ["s", "f", "F"])
def test_no_newline_in_words(stage: Stage, key: str) -> None:
    assert reorder(stage, f"-m{key}=ab", feed=b"1 a\n1 \n") == b"a\n"
    run = stage.run(f"-m{key}=a\nb", feed=b"1 a\n1 \n")
    assert_failed(run)
    assert run.stdout == b""


@requirement("RDR-048")
def test_a_bad_variable(stage: Stage) -> None:
    assert reorder(stage, feed=b"1 a\n1 E\n", environment={"PAEXEC_EOT": "E"}) == b"a\n"
    run = stage.run(feed=b"1 a\n1 E\n", environment={"PAEXEC_EOT": "E\nE"})
    assert_failed(run)
    assert run.stdout == b""


@requirement("RDR-049")
@pytest.mark.parametrize("others", [[], ["-l", "missing"]], ids=words)
def test_help(stage: Stage, others: list[str]) -> None:
    """Standard input stays open."""
    run = stage.start("-h", *others)
    assert run.wait() == 0
    text = run.stdout + run.stderr
    for letter in b"glSxyh":
        assert re.search(rb"-%c(?!\w)" % letter, text), f"the help lacks -{letter:c}"
    for letter in b"Mm":
        assert b"-%c" % letter in text, f"the help lacks -{letter:c}"


@requirement("RDR-050")
def test_version(stage: Stage) -> None:
    """Standard input stays open."""
    run = stage.start("-V")
    assert run.wait() == 0
    assert len(run.stdout.split()) >= 2
    assert run.stdout.count(b"\n") == 1
