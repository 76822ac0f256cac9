"""The one table of the options of ``paexec-trio``: parser and help text are made from it."""

from __future__ import annotations

from paexec_trio.cli.syntax import HELP, VERSION, Option, Syntax

OPTIONS: tuple[Option, ...] = (
    HELP,
    VERSION,
    Option(
        "n",
        "nodes",
        (
            "+NUMBER: run NUMBER calculators on this machine;",
            ":FILE: the nodes are the lines of FILE;",
            "anything else: a list of nodes separated by blanks",
        ),
    ),
    Option("t", "transport", ("program that reaches a node, such as ssh",)),
    Option("c", "command", ("the calculator, a command line for the shell",)),
    Option("C", "", ("the free arguments are the calculator and its arguments",)),
    Option("x", "", ("run the command once for each task, its last argument",)),
    Option("X", "", ("-x, and discard what the command prints",)),
    Option(
        "J",
        "XX",
        ("-x, and XX (two octets) in the command, or an argument XX,", "stands for the task"),
    ),
    Option("0", "", ("tasks on standard input end with NUL instead of newline",)),
    Option("y", "", ("use a magic line as end-of-task marker",)),
    Option(
        "m",
        "key=text",
        (
            "t=EOT: set the end-of-task marker, by default empty;",
            "with -g: s=, f=: set the lines 'success' and 'failure';",
            "d=: set the octet between tasks, or none; w=: set 'weight:';",
            "F=: accepted, without effect yet",
        ),
    ),
    Option(
        "g",
        "",
        (
            "standard input is a graph: lines of one task, or of two, of",
            "which the first has to succeed before the second is started",
        ),
    ),
    Option("s", "", ("the same as -g",)),
    Option(
        "W",
        "number",
        (
            "-g, and heavier tasks first, by 0: their own weight; 1: the",
            "sum of their and their dependants' weights; 2: the largest",
        ),
    ),
    Option("r", "", ("prefix each line with its node, or its number from 0",)),
    Option("l", "", ("prefix each line with its task's number, from 1",)),
    Option("p", "", ("prefix each line with the id of the node's process",)),
    Option("e", "", ("print the end-of-task marker after each result",)),
    Option("E", "", ("the same as -e",)),
    Option("i", "", ("print each task when it is dispatched",)),
    Option("I", "", ("the same as -i",)),
    Option("d", "", ("debug: write every event and command to standard error",)),
)

SYNTAX = Syntax(
    summary="distributes tasks over CPUs or machines in a network",
    usage=(
        "[OPTIONS] -n nodes -c command < tasks",
        "[OPTIONS] -n nodes -C command [argument...] < tasks",
    ),
    options=OPTIONS,
    notes=(
        "ENVIRONMENT:",
        "  PAEXEC_NODES, PAEXEC_TRANSPORT, PAEXEC_EOT: for want of -n, -t, -mt= or -y",
        "  PAEXEC_ENV: variables to pass to calculators, between blanks or commas",
        "  PAEXEC_SH: the shell that runs the command on the node, by default /bin/sh",
        "  PAEXEC_BUFSIZE: accepted and ignored",
    ),
    planned="zZw",
)
