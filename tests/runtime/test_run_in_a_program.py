"""Runs in programs of their own, because of what they do to the process or need of it."""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.runtime.harness import LIMIT


def run_program(
    text: str, *arguments: str | Path, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a Python program with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-Werror", "-c", textwrap.dedent(text), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=LIMIT,
        check=False,
    )


ONE_RUN = """
    import sys, trio
    from paexec_trio import Calculator, Launch, Run, Settings, serve
    nodes = tuple(b"%d" % index for index in range(int(sys.argv[1])))
    command = b"while read -r task; do echo \\"$task\\"; echo; done"
    outcome = trio.run(serve, Run(Settings(nodes=nodes), Launch(Calculator(command))))
    print(outcome.status, outcome.signal, file=sys.stderr)
    """


def one_run(command: str) -> str:
    """The program :data:`ONE_RUN` with another calculator."""
    lines = textwrap.dedent(ONE_RUN).splitlines()
    return "\n".join(
        f"command = {command.encode()!r}" if line.startswith("command") else line for line in lines
    )


def test_a_run_as_a_program_of_its_own() -> None:
    program = run_program(ONE_RUN, "2", stdin=b"a\nb\n")
    assert sorted(program.stdout.splitlines()) == [b"a", b"b"]
    assert program.stderr == b"0 0\n"
    assert program.returncode == 0


def test_one_socket_as_input_and_output() -> None:
    ours, theirs = socket.socketpair()
    text = textwrap.dedent(ONE_RUN).replace("(command))))", "(command)), stdout=0))")
    with ours, theirs:
        ours.sendall(b"a\nb\n")
        ours.shutdown(socket.SHUT_WR)
        program = subprocess.run(
            [sys.executable, "-c", text, "1"],
            stdin=theirs.fileno(),
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            check=False,
        )
        assert program.stderr == b"0 0\n"
        assert ours.recv(100) == b"a\nb\n"


def limit_descriptors(soft: int, hard: int) -> str:
    return f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))\n"


MANY = 60
"""Nodes, that need three descriptors each."""


def test_the_limit_on_descriptors_is_raised_for_many_nodes() -> None:
    """LIM-001."""
    program = run_program(
        limit_descriptors(100, 400) + textwrap.dedent(ONE_RUN), str(MANY), stdin=b"a\n"
    )
    assert program.stdout == b"a\n"
    assert program.stderr == b"0 0\n"


def test_a_run_that_cannot_have_enough_descriptors() -> None:
    """LIM-005: others hold some that were counted on; the nodes that run already are ended."""
    text = one_run("echo $$ >&2; exec cat")
    held = "import os\nheld = [os.dup(0) for _ in range(90)]\n"
    with subprocess.Popen(
        [sys.executable, "-c", limit_descriptors(210, 210) + held + text, str(MANY)],
        stdin=subprocess.PIPE,  # stays open, so that the nodes stay, too
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stderr
        *lines, outcome = program.stderr.read().splitlines()
    assert outcome == b"1 0"
    pids = [int(line) for line in lines if line.isdigit()]
    assert 0 < len(pids) < MANY
    reason = os.fsencode(os.strerror(errno.EMFILE))
    assert [line for line in lines if not line.isdigit()] == [
        b"paexec-trio: cannot run /bin/sh: " + reason
    ]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_run_for_which_the_limit_is_too_low() -> None:
    """LIM-005: said before anything is started."""
    text = limit_descriptors(100, 100) + one_run("echo started >&2; exec cat")
    program = run_program(text, str(MANY))
    assert program.stderr.splitlines() == [
        b"paexec-trio: the limit on open descriptors is too low for 60 nodes",
        b"1 0",
    ]


def test_a_run_that_does_with_fewer_nodes() -> None:
    """DTH-001: with -z those for which no descriptors are left are dead."""
    text = limit_descriptors(100, 100) + textwrap.dedent(ONE_RUN).replace(
        "nodes=nodes", "nodes=nodes, on_death=Reassign()"
    ).replace("import Calculator,", "import Calculator, Reassign,")
    program = run_program(text, str(MANY), stdin=b"a\nb\n")
    assert sorted(program.stdout.splitlines()) == [b"a", b"b"]
    assert program.stderr.splitlines()[-1] == b"0 0"


BEGINNING = """
    import os
    from paexec_trio import Calculator, Launch, Reassign, Run, Settings
    nodes = tuple(b"%d" % index for index in range(60))
    settings = Settings(nodes=nodes, on_death=Reassign())
    silent, _ = os.pipe()
    this = Run(settings, Launch(Calculator(b"exec cat")), stdin=silent)
    this.begin()
    held = [os.dup(0) for _ in range(4)]
    this.end_alone()
    """


@pytest.mark.parametrize("limit", range(100, 103))
def test_nodes_leave_descriptors_for_trio(limit: int) -> None:
    """DTH-001: the loop of the run, which is loaded after the nodes have started, needs some."""
    program = run_program(limit_descriptors(limit, limit) + textwrap.dedent(BEGINNING))
    reason = os.fsencode(os.strerror(errno.EMFILE))
    assert program.stderr == b"paexec-trio: cannot run /bin/sh: " + reason + b"\n"


LIMITS = """
    import sys
    from resource import RLIMIT_NOFILE, getrlimit
    from paexec_trio.runtime.descriptors import make_room_for
    room = make_room_for(int(sys.argv[1]), reads_stderr=len(sys.argv) > 2)
    print(int(room), *getrlimit(RLIMIT_NOFILE))
    """


@pytest.mark.parametrize(
    ("nodes", "soft", "hard", "expected"),
    [
        pytest.param("10", 200, 1000, (1, 200, 1000), id="enough"),
        pytest.param("100", 200, 1000, (1, 324, 1000), id="raised as far as needed"),
        pytest.param("100 stderr", 200, 1000, (1, 424, 1000), id="with standard error"),
        pytest.param("400", 200, 1000, (0, 1000, 1000), id="raised as far as it goes"),
    ],
)
def test_making_room(nodes: str, soft: int, hard: int, expected: tuple[int, int, int]) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= hard
    program = run_program(limit_descriptors(soft, hard) + textwrap.dedent(LIMITS), *nodes.split())
    assert program.stderr == b""
    assert tuple(map(int, program.stdout.split())) == expected


INTERRUPTED = '''
    import os, signal, trio
    from paexec_trio import Calculator, Launch, Run, Settings, serve
    from paexec_trio.core.settings import GRACES
    calculator = b"""
        trap 'kill -INT $PPID' TERM
        echo $$ >&2
        kill -INT $PPID
        while :; do sleep 1000 & wait; done
        """
    graces = GRACES._replace(stop=0.01, term=0.5)
    silent, _ = os.pipe()
    settings = Settings(nodes=(b"0",), graces=graces)
    # A job in the background inherits that interrupts are ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        trio.run(serve, Run(settings, Launch(Calculator(calculator)), stdin=silent))
    except KeyboardInterrupt:
        print("interrupted")
    '''


def test_interrupts_leave_nobody_behind() -> None:
    """The second one comes while the first one ends the calculator."""
    program = run_program(INTERRUPTED)
    assert (program.stdout, program.returncode) == (b"interrupted\n", 0)
    with pytest.raises(ProcessLookupError):
        os.kill(int(program.stderr), 0)


def test_calculators_see_the_end_of_their_input_when_the_program_is_killed(tmp_path: Path) -> None:
    """END-032."""
    seen = tmp_path / "seen"
    os.mkfifo(seen)
    text = one_run(f"read -r task; echo here; read -r task; echo eof >'{seen}'")
    with subprocess.Popen(
        [sys.executable, "-c", text, "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdin
        assert program.stdout
        program.stdin.write(b"task\n")
        program.stdin.flush()
        assert program.stdout.readline() == b"here\n"
        program.kill()
        assert seen.read_bytes() == b"eof\n"


EXEC_RUN = """
    import sys, trio
    from paexec_trio import CommandPerTask, Launch, Run, Settings, serve
    launch = Launch(CommandPerTask(b'printf "<%s>" "$1"'))
    outcome = trio.run(serve, Run(Settings(nodes=(b"0",)), launch))
    print(outcome.status, outcome.signal, file=sys.stderr)
    """


def test_one_command_for_each_task() -> None:
    program = run_program(EXEC_RUN, stdin=b"a b\n\n$x")
    assert program.stdout == b"<a b>\n<>\n<$x>\n"
    assert program.stderr == b"0 0\n"


def test_calculators_inherit_what_the_program_made_of_its_environment() -> None:
    """Of the program's process this is the owner's wish, see ``runtime/inheritance.py``."""
    text = one_run('while read -r task; do echo "$ADDED"; echo; done')
    text = "import os; os.environ['ADDED'] = 'by the program'\n" + text
    program = run_program(text, "1", stdin=b"a\n")
    assert program.stdout == b"by the program\n"


def test_a_program_can_choose_the_environment() -> None:
    text = """
        import trio
        from paexec_trio import Calculator, Launch, Run, Settings, serve
        command = (b"sh", b"-c", b"read -r task; cat /proc/$$/environ; echo; echo")
        environment = [(b"A", b"1"), (b"B", b""), (b"A", b"2")]
        launch = Launch(Calculator(command))
        trio.run(serve, Run(Settings(nodes=(b"0",)), launch, environment=environment))
        """
    program = run_program(text, stdin=b"a\n")
    assert program.stdout == b"A=1\0B=\0A=2\0\n", program.stderr


def test_standard_descriptors_may_be_closed() -> None:
    """The pipes of a calculator get their numbers, and have to give them up again."""
    text = """
        import os, sys, trio
        from paexec_trio import Calculator, Launch, Run, Settings, serve
        streams = {name: os.dup(fd) for fd, name in enumerate(("stdin", "stdout", "stderr"))}
        for fd in map(int, sys.argv[1:]):
            os.close(fd)
        command = b'while read -r task; do echo $task; echo of $task >&2; echo; done'
        run = Run(Settings(nodes=(b"0", b"1")), Launch(Calculator(command)), **streams)
        trio.run(serve, run)
        os._exit(0)
        """
    for closed in ("0", "1", "2", "01", "02", "12", "012"):
        program = run_program(text, *closed, stdin=b"a\n")
        assert (program.stdout, program.stderr) == (b"a\n", b"of a\n"), closed
