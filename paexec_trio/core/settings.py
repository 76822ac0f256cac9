"""The settings of a run."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, final

from paexec_trio.core.accounting import FATAL, NO_ACCOUNTING, Accounting
from paexec_trio.core.framing import LINE_LIMIT, NEWLINE
from paexec_trio.core.grouping import Grouping
from paexec_trio.core.silence import NO_SILENCE, Silence
from paexec_trio.core.weights import Weighting

AUTO = 0
"""The ``Settings.prefetch`` with which the engine finds the window of each node."""

READ_AHEAD = 1 << 18
"""Octets of waiting tasks up to which more input is read, with ``AUTO``."""

MAGIC_EOT = b"HG>&OSO@#;L8N;!&.U4ZC_9X:0AF,2Y>SRXAD_7U&QZ5S>N^?Y,I=W?@5"
"""The EOT of ``-y`` (EOT-006)."""


@final
class Graces(NamedTuple):
    """How long a run waits for calculators and readers, in seconds.

    Attributes:
        finish_notice: when all tasks are done: until calculators that have not ended are named
            (END-040).
        stop: when a run is stopped: from the end of the calculators' input to SIGTERM.
        term: from SIGTERM to SIGKILL. For a dead node also from its death to SIGTERM, and from
            SIGKILL until processes that survived it are given up.
        kill: when a run ends: from SIGKILL until a process that survived it is given up (END-047).
        drain: after a signal: until printing is abandoned, if nobody reads the output.
    """

    finish_notice: float = 10.0
    stop: float = 0.2
    term: float = 2.0
    kill: float = 1.0
    drain: float = 2.0


GRACES = Graces()
"""The grace periods of the programs."""


@final
class GraphSettings(NamedTuple):
    """How a graph of tasks is read and dispatched.

    Attributes:
        delimiter: the octet between the tasks of an edge; empty: each line is a task (GRA-003).
        weight_word: the first word of a line that gives a weight.
        success: the line that says that a task succeeded.
        failure: the line that says that a task failed.
        weighting: which weight decides about the order of ready tasks.
        every_line: each line is a task of its own, even a duplicate, and no task waits for another
            or for the end of the input (ARG-020, ARG-022). Only the status is as in a graph.
    """

    delimiter: bytes = b" "
    weight_word: bytes = b"weight:"
    success: bytes = b"success"
    failure: bytes = b"failure"
    weighting: Weighting = Weighting.OWN
    every_line: bool = False


@final
class Reassign(NamedTuple):
    """How a run goes on when nodes die (the chapters Death and Restart of the spec).

    Attributes:
        fatal: the line that is printed after a failed attempt; empty: none (DTH-021).
        restart_after: the seconds after which dead nodes are restarted; 0: never (RST-003).
        wait: wait for restarts while all nodes are dead (RST-020).
    """

    fatal: bytes = FATAL
    restart_after: float = 0.0
    wait: bool = False


class StderrMode(Enum):
    """The ways to print the octets that calculators write on their standard error."""

    MIXED = b"mixed"
    """They are printed as they come. Calculators write to the standard error of the program."""
    GROUP = b"group"
    """Those of a task are printed together, after its result."""
    TAG = b"tag"
    """Each line is printed at once, behind its node and its task."""


@final
class Settings(NamedTuple):
    """How tasks are framed and results are rendered; the defaults are those of the options.

    Attributes:
        nodes: the names of the nodes, or their indices in decimal.
        program: the name in front of diagnostics.
        eot: the end-of-task marker, without newline.
        terminator: the octet that ends a task on standard input.
        show_node: prefix lines with the node (PFX-004).
        show_task_id: prefix lines with the task id (PFX-002).
        show_pid: prefix lines with the process id (PFX-005).
        print_eot: print the EOT line (EOT-011).
        print_task: print the task line (PFX-008).
        grouping: how lines of different tasks are kept apart.
        prefetch: how many tasks a node may hold, the one that it works on included (PRE-010), or
            :data:`~paexec_trio.core.settings.AUTO`.
        line_limit: how many octets a line of a result, or a task of the input, may have (LIM-011).
        graph: how a graph of tasks is read and dispatched; ``None`` in flat mode.
        on_death: how the run goes on when nodes die; ``None``: each loss ends it (END-010).
        describe_weights: report the weights of a graph's tasks (WGT-008).
        finish_timeout: the time in seconds after which calculators that do not end by themselves
            at the normal end are ended by signals; 0: they are waited for (END-041).
        graces: how long a run waits for calculators and readers.
        accounting: the rules for tasks that fail, hang or lose their nodes.
        tag: the text before each printed line, in which ``{}`` stands for the task (PTK-011);
            ``None``: no tags.
        stderr: how the octets are printed that calculators write on their standard error.
        whole_errors: whether what calculators write on their standard error is printed in whole
            lines, since something else is painted there; only with ``StderrMode.MIXED``.
        results: the directory in which the output of each task is stored (PTK-050); empty: none.
        silence: how long nodes may be silent.
    """

    nodes: tuple[bytes, ...]
    program: bytes = b"paexec-trio"
    eot: bytes = b""
    terminator: bytes = NEWLINE
    show_node: bool = False
    show_task_id: bool = False
    show_pid: bool = False
    print_eot: bool = False
    print_task: bool = False
    grouping: Grouping = Grouping.NONE
    prefetch: int = 1
    line_limit: int = LINE_LIMIT
    graph: GraphSettings | None = None
    on_death: Reassign | None = None
    describe_weights: bool = False
    finish_timeout: float = 0.0
    graces: Graces = GRACES
    accounting: Accounting = NO_ACCOUNTING
    tag: bytes | None = None
    stderr: StderrMode = StderrMode.MIXED
    results: bytes = b""
    silence: Silence = NO_SILENCE
    whole_errors: bool = False

    @property
    def reads_stderr(self) -> bool:
        """Whether the run reads the standard error of calculators, and does not pass on its own."""
        return self.keeps_stderr_apart or bool(self.silence.heartbeat)

    @property
    def keeps_stderr_apart(self) -> bool:
        """Whether the standard error of calculators belongs to tasks."""
        return self.stderr is not StderrMode.MIXED or bool(self.results) or self.whole_errors

    @property
    def has_records(self) -> bool:
        """Whether the run of a program keeps more than results (see ``runtime.records``)."""
        return self.reads_stderr or self.accounting.log is not None
