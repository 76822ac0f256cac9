"""The one table of the options of ``paexec-trio``: parser and help text are made from it."""

from __future__ import annotations

from paexec_trio.cli import (
    accountingoptions,
    hostoptions,
    logoptions,
    observingoptions,
    silenceoptions,
    watchoptions,
)
from paexec_trio.cli.sections import SECTIONS
from paexec_trio.cli.syntax import HELP, VERSION, Option, Syntax

LINE_LIMIT = Option(
    "",
    "size",
    (
        "longest line accepted, in octets; k, M and G mean",
        "1024 and its powers; default 1G",
    ),
    "line-limit",
    details="""\
A line that never ends would fill the memory. A calculator that writes a longer line has failed:
without ``-z`` the run ends, with ``-z`` the node is dead and its task goes to another. A task that
makes every node fail is tried until all are dead, and with ``-Z`` for ever. After a longer task no
further task is read, and the exit status is 1; with ``-g`` nothing is started. Lines no longer than
the end-of-task marker always pass.
""",
)

OPTIONS: tuple[Option, ...] = (
    HELP,
    VERSION,
    Option(
        "n",
        "nodes",
        (
            "the nodes: +NUMBER: that many, all on this machine;",
            ":FILE: the lines of FILE;",
            "anything else: a list of names, separated by blanks, in",
            "which host*4, %nodeset and +NUMBER stand for several nodes",
        ),
        details="""\
``+NUMBER`` also means that there is no transport. A list begins with a letter, a digit, ``_`` or
``/``, or with one of these words:

``host*4``
   four nodes of this name
``+2``
   two nodes on this machine, beside those that the transport reaches; their name is ``localhost``
``%node[1-20,22-30]``, ``%@group``
   a nodeset, as the Python package ClusterShell knows them; ``%node[1-3]*2`` has each node twice
``[fe80::1%eth0]``, ``user@[::1]``
   an IPv6 address, which the transport is given without the brackets

In a file, each line is one name as it is; empty lines and lines that begin with ``#`` are left out.
""",
    ),
    Option(
        "t",
        "transport",
        (
            "program that reaches a node, such as ssh;",
            "slurm, podman, docker or kubectl: by srun or exec",
        ),
        details="""\
A command line that is split into words by the quoting rules of the shell; nothing in it is
expanded. For each node it is started once, with two more arguments: the node, and a command line
for a shell there. Without a transport all nodes are this machine.

Four words alone are names of engines, not programs; ``./slurm`` and ``slurm x`` are programs.
``podman``, ``docker`` and ``kubectl`` run the command in a container or pod by ``exec -i``.
``slurm`` runs it by ``srun``; without ``-n``, the nodes are those of the allocation. The file that
``PAEXEC_ENGINES`` names has further engines: a name and the words of ``--transport-argv`` per line.
""",
    ),
    Option(
        "c",
        "command",
        ("the calculator, a command line for the shell",),
        details="""\
Without ``-x`` it is started once for each node. It reads a task from its standard input, writes the
lines of the result and then the end-of-task marker, flushes its output, and reads the next task.
""",
    ),
    Option(
        "C",
        "",
        ("the free arguments are the calculator and its arguments",),
        details="""\
No shell sees them. Without ``-x`` the first must be a program, not a shell builtin. If both ``-c``
and ``-C`` are given, the last one wins.
""",
    ),
    Option(
        "x",
        "",
        ("run the command once per task, with the task as its last", "argument"),
        details="""\
Instead of a calculator any command will do. What it prints is the result; a result without a line
is one empty line. Its standard input is empty. What ``-c`` runs in the background, by ``&``, is
waited for as long as it can write to the result. With ``-g`` the command says by its exit status
how the task ended: a status other than 0 means failure. The value of ``-c`` must end where an
argument can follow, or with the word ``#``, which leaves the task out.
""",
    ),
    Option("X", "", ("-x, and discard what the command prints",)),
    Option(
        "J",
        "XX",
        ("-x, and XX (two octets) in the command, or an argument XX,", "stands for the task"),
        details="""\
The task is not added to the command then. With ``-c`` each XX becomes ``$1``, which the shell
expands, but not between single quotes: ``-J %% -c 'cp "%%" "%%.bak"'``. With ``-C`` only an
argument that is XX and nothing else is replaced.
""",
        choices=("{}", "%%"),
    ),
    Option(
        "0",
        "",
        ("tasks on standard input end with NUL instead of newline",),
        details="A newline at the very end of the input does not belong to the last task.",
    ),
    Option(
        "y",
        "",
        ("use a magic line as end-of-task marker",),
        details="""\
The magic line, which no result is expected to contain::

   HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5

``PAEXEC_EOT`` holds the marker for calculators, but not for commands of ``-x``.
""",
    ),
    Option(
        "m",
        "key=text",
        (
            "words of the protocol:",
            "t=EOT: set the end-of-task marker, by default empty;",
            "with -g: s=, f=: set the lines 'success' and 'failure';",
            "d=: set the octet between tasks, or none; w=: set 'weight:';",
            "with -z: F=: set the line 'fatal', or none",
        ),
        details="Can be given several times, for several keys.",
        choices=("t=", "s=", "f=", "F=", "d=", "w="),
    ),
    Option(
        "g",
        "",
        (
            "standard input is a graph: lines of one task, or of two, of",
            "which the first has to succeed before the second is started",
        ),
        details="""\
It is read whole, and checked for cycles, before anything is started. The last line of a result
says how the task ended: ``success`` or ``failure``. A failed task is followed by a line that names
it and all tasks that depend on it; those are not started. A line ``weight: TASK NUMBER`` says how
heavy a task is; without one its weight is 1. The heaviest task that can be started is the next.
""",
    ),
    Option("s", "", ("the same as -g",)),
    Option(
        "W",
        "number",
        (
            "imply -g and start the heaviest ready task first; 0: by its",
            "own weight; 1: by the sum of its and its dependants'",
            "weights; 2: by the largest of these",
        ),
        choices=("0", "1", "2"),
    ),
    Option(
        "z",
        "",
        (
            "go on without nodes that die; their tasks are given to others,",
            "after a line 'fatal'",
        ),
        details="""\
A node dies when its process cannot be started or ends, when its output ends, or when it does not
accept input any more. What it printed of its task until then is followed by a line ``fatal`` and,
with ``-e``, the end-of-task marker; then the whole task is given to another node, before those that
were not started yet. When all nodes are dead, the run ends with ``all nodes failed``.
""",
    ),
    Option(
        "Z",
        "seconds",
        ("-z, and restart dead nodes every SECONDS",),
        details="Fractions are allowed; 0 is the same as ``-z``.",
    ),
    Option(
        "w",
        "",
        ("with -Z: wait for restarts while all nodes are dead",),
        details="Without it the run ends at once, although dead nodes would be restarted later.",
    ),
    Option("r", "", ("prefix each line with its node, or its number from 0",)),
    Option("l", "", ("prefix each line with its task's number, from 1",)),
    Option("p", "", ("prefix each line with the id of the node's process",)),
    Option(
        "e",
        "",
        ("print the end-of-task marker after each result",),
        details="It has the prefixes of the result's lines, and so tells which result is complete.",
    ),
    Option("E", "", ("the same as -e",)),
    Option("i", "", ("print each task when it is dispatched",)),
    Option("I", "", ("the same as -i",)),
    Option(
        "",
        "",
        ("print the lines of a task together, when it is done",),
        "group",
        details="""\
Without it, lines of different tasks come mixed, each when it is ready. Of a task that is not done,
because its node was lost or the run was ended, nothing at all is printed.
""",
    ),
    Option(
        "",
        "",
        ("print results in the order of the tasks, each in one piece",),
        "keep-order",
        details="""\
A task that is done waits for all earlier ones; those of a graph that are not run because of a
failure are not waited for. If the run fails or is ended by a signal, what is done is printed.
""",
    ),
    Option(
        "",
        "number",
        (
            "keep up to NUMBER tasks in the input of each calculator,",
            "which need not wait for the next; auto: as many as needed",
        ),
        "prefetch",
        details="""\
By default, and with 1, a calculator receives a task when it has answered the one before, and waits
for it as long as the link needs. With more it can begin at once. It must not write anything outside
of its results, and must not drop what is left in its buffer when it has read a task. If a node
dies, only the task that it was working on counts as tried. ``-i`` prints a task when its calculator
comes to it.

With ``auto`` the number is found out for each node by measuring: it grows while a calculator waits
for the link, and stays 1 where tasks take long.
""",
        choices=("auto",),
    ),
    Option(
        "",
        "seconds",
        (
            "at the end of the run, wait at most this long for",
            "calculators to end; then end them, with status 1",
        ),
        "finish-timeout",
        details="""\
By default the run waits for a calculator that still works after its last task, for example writes
an index; after 10 seconds a message names its node. The time starts when the inputs of all
calculators are closed. Fractions are allowed. A calculator that exceeds it receives SIGTERM and, 2
seconds later, SIGKILL; the exit status is 1.
""",
    ),
    LINE_LIMIT,
    *hostoptions.OPTIONS,
    *accountingoptions.OPTIONS,
    *logoptions.OPTIONS,
    *silenceoptions.OPTIONS,
    *observingoptions.OPTIONS,
    Option(
        "",
        "",
        ("begin each output line with the task and a tab",),
        "tag",
        details="""\
The tag comes after the prefixes of ``-r``, ``-l`` and ``-p``. The lines of ``-i`` and ``-e`` have
it, too. So ``pareorder-trio`` cannot sort tagged lines, but ``--keep-order`` can. The octets of the
task are printed as they are.
""",
    ),
    Option(
        "",
        "text",
        ("the same with this text, in which {} stands for the task",),
        "tagstring",
        details="Each ``{}`` is replaced. The text must not contain a newline.",
    ),
    Option(
        "",
        "how",
        (
            "what commands print on standard error: mixed: at once, as is;",
            "group: together, after the result of the task;",
            "tag: each line at once, after its node and its task",
        ),
        "stderr",
        details="""\
The default is ``mixed``: calculators and commands have the standard error of the program. With
``group`` and ``tag`` the program reads what they print and prints it line by line, so lines of
different tasks are not mixed. Whatever a node prints while it works on a task belongs to that task.
This is not exact with ``--prefetch``, over a transport, and for processes in the background. Lines
that come while a node holds no task are printed at once, with ``tag`` behind the node.
""",
        choices=("mixed", "group", "tag"),
    ),
    Option(
        "",
        "dir",
        (
            "keep the output of each task in files: stdout, stderr, seq",
            "(its number) and task, in the directory DIR/0000/0000001",
        ),
        "results",
        details="""\
The output is printed as well. The last part of the path is the number of the task, and the part
before it the same without the last three digits. A task has its directory when it is done, and
then the files are complete. A directory of an earlier run is replaced. ``stdout`` has the lines of
the result only: no prefixes, no end-of-task marker, and with ``-x`` no line for the status.
``stderr`` has what calculators and commands print on standard error; the tasks are found as with
``--stderr``. A task that exceeds ``--timeout``, or whose nodes died, has a directory, too: with
what its last attempt printed, and a file ``reason``. DIR is made if it is not there. If it cannot
be used, nothing is started. If a file cannot be written later, the run ends with a message and
status 1.
""",
    ),
    *watchoptions.OPTIONS,
    Option("d", "", ("write every event and command to standard error",)),
)

SYNTAX = Syntax(
    summary="distributes tasks over CPUs or machines in a network",
    usage=(
        "[OPTIONS] -n nodes -c command < tasks",
        "[OPTIONS] -n nodes -C command [argument...] < tasks",
    ),
    options=OPTIONS,
    variables=(
        ("PAEXEC_NODES, PAEXEC_TRANSPORT, PAEXEC_EOT", "defaults for -n, -t, -mt= and -y"),
        ("PAEXEC_EXIT_STATUS", "default for --exit-status"),
        ("PAEXEC_ENGINES", "a file of further engines for -t"),
        ("PAEXEC_PROGRESS", "auto: --progress if standard error is a terminal"),
        ("PAEXEC_ENV", "variables to pass to calculators, between blanks or commas"),
        ("PAEXEC_SH", "the shell that runs the command on the node, by default /bin/sh"),
        ("PAEXEC_BUFSIZE", "accepted and ignored"),
        ("TMPDIR", "spill directory of --group and --keep-order, by default /tmp"),
    ),
    signals=observingoptions.SIGNALS,
    sections=SECTIONS,
    free="command",
)
