"""Faults in graphs: their input, their order, the status of their tasks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from heapq import heappush
from typing import Any

from paexec_trio.cli import invocation
from paexec_trio.core.ending import Ending
from paexec_trio.core.events import StdinChunk, StdinEnded
from paexec_trio.core.framing import NEWLINE
from paexec_trio.core.graph import TaskGraph
from paexec_trio.core.graphreader import GraphReader
from paexec_trio.core.nodes import Attempt, Node
from paexec_trio.core.printing import Printer
from paexec_trio.core.reading import Reader
from paexec_trio.core.rendering import PrefixMaker
from paexec_trio.core.results import Results
from paexec_trio.core.settings import GraphSettings
from paexec_trio.core.status import Status, StatusWords
from paexec_trio.core.tasks import GraphTasks, InputError
from tests.simulation.violations import Kind
from tests.zoo.mutant import breaks, raises, shows_as
from tests.zoo.planting import around, change_rendering, instead, put, without_prefix
from tests.zoo.prefixes import Make


@breaks("GRA-005", "DTH-010")
def counts_dispatches() -> None:
    numbers = itertools.count(1)

    @around(PrefixMaker, "make")
    def make(right: Make, self: PrefixMaker, node: bytes, _task_id: int, *rest: object) -> bytes:
        return right(self, node, next(numbers), *rest)


@breaks("GRA-032")
def prints_lines_about_status_without_prefix() -> None:
    def render(right: Callable[[bytes, bytes], bytes], prefix: bytes, lines: bytes) -> bytes:
        rendered = right(prefix, lines)
        for word in (b"success\n", b"failure\n"):
            rendered = rendered.replace(prefix + word, word)
        return rendered

    change_rendering(render)


Done = Callable[..., list[bytes]]


@breaks("GRA-002")
def ignores_edges() -> None:
    @around(GraphReader, "graph")
    def graph(right: Callable[..., TaskGraph], self: GraphReader) -> TaskGraph:
        self._precedes_dependant = bytearray(len(self._precedes_dependant))
        return right(self)


@breaks("GRA-002")
def starts_dependants_with_the_task() -> None:
    @around(GraphTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: GraphTasks) -> tuple[int, bytes]:
        task_id, task = right(self)
        own_done(self, task_id, Status.SUCCESS)
        return task_id, task

    own_done = GraphTasks.done

    @around(GraphTasks, "done")
    def done(right: Done, self: GraphTasks, task_id: int, status: Status) -> list[bytes]:
        return [] if status is Status.SUCCESS else right(self, task_id, status)


@shows_as(Kind.TOO_EARLY)
@breaks("GRA-002")
def starts_a_task_after_the_first_of_several() -> None:
    @around(GraphTasks, "done")
    def done(right: Done, self: GraphTasks, task_id: int, status: Status) -> list[bytes]:
        if status is Status.SUCCESS:
            for dependant in self.graph.dependants(task_id):
                self._waiting_for[dependant] = min(1, self._waiting_for[dependant])
        return right(self, task_id, status)


@breaks("GRA-040", "GRA-042")
def fails_direct_dependants_only() -> None:
    @around(TaskGraph, "all_dependants")
    def all_dependants(_right: object, self: TaskGraph, task: int) -> list[int]:
        return list(dict.fromkeys(self.dependants(task)))


@breaks("GRA-041")
def fails_everything_with_a_task() -> None:
    @around(GraphTasks, "done")
    def done(right: Done, self: GraphTasks, task_id: int, status: Status) -> list[bytes]:
        if status is Status.FAILURE:
            self.abandon()
        return right(self, task_id, status)


@breaks("GRA-025")
def runs_the_end_of_a_diamond_twice() -> None:
    @around(GraphTasks, "done")
    def done(right: Done, self: GraphTasks, task_id: int, status: Status) -> list[bytes]:
        if status is Status.SUCCESS:
            for dependant in self.graph.dependants(task_id):
                if self.graph.predecessors[dependant] > 1 and self._waiting_for[dependant] == 1:
                    heappush(self.ready, self._rank[dependant])
        return right(self, task_id, status)


@breaks("GRA-026")
def works_in_generations() -> None:
    """A task that becomes ready waits until no other task is being worked on."""
    next_generation: list[int] = []
    working: set[int] = set()

    @around(GraphTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: GraphTasks) -> tuple[int, bytes]:
        task_id, task = right(self)
        working.add(task_id)
        return task_id, task

    @around(GraphTasks, "done")
    def done(right: Done, self: GraphTasks, task_id: int, status: Status) -> list[bytes]:
        generation, self.ready = self.ready, []
        dropped = right(self, task_id, status)
        next_generation.extend(self.ready)
        self.ready = generation
        working.remove(task_id)
        if not working:
            self.ready = sorted(generation + next_generation)
            next_generation.clear()
        return dropped


@breaks("GRA-006")
def counts_an_edge_as_often_as_it_is_given() -> None:
    @around(TaskGraph, "dependants")
    def dependants(right: Callable[..., list[int]], self: TaskGraph, task: int) -> list[int]:
        return list(dict.fromkeys(right(self, task)))


@breaks("GRA-020", "GRA-021")
def does_not_see_cycles() -> None:
    @around(TaskGraph, "topological_order")
    def order(_right: object, self: TaskGraph) -> range:
        return range(1, len(self.names))


@breaks("GRA-001")
def drops_tasks_without_edges() -> None:
    @around(GraphTasks, "end")
    def end(right: Callable[..., None], self: GraphTasks) -> None:
        right(self)
        graph = self.graph
        self.ready = [rank for rank in self.ready if len(graph.dependants(self._by_rank[rank])) > 0]
        self._undispatched = len(self.ready) + sum(1 for n in graph.predecessors if n)


@breaks("GRA-004")
def skips_empty_lines() -> None:
    @around(GraphReader, "add")
    def add(right: Callable[..., None], self: GraphReader, lines: bytes) -> None:
        right(self, b"".join(line for line in lines.splitlines(keepends=True) if line != NEWLINE))


@breaks("GRA-004")
def takes_a_blank_at_the_end_of_a_line_for_nothing() -> None:
    @around(GraphReader, "add")
    def add(right: Callable[..., None], self: GraphReader, lines: bytes) -> None:
        right(self, lines.replace(b" " + NEWLINE, NEWLINE))


@breaks("GRA-004")
def overlooks_the_weight_of_an_empty_name() -> None:
    @around(GraphReader, "_add_weight")
    def add(right: Callable[..., bytes], self: GraphReader, name: bytes, number: bytes) -> bytes:
        return right(self, name, number) if name else b""


@breaks("GRA-011")
def takes_a_pause_for_the_end_of_the_graph() -> None:
    @around(Reader, "chunk")
    def chunk(right: Callable[..., bool], self: Reader, event: StdinChunk) -> bool:
        right(self, event)
        return self.ended(StdinEnded())


@breaks("GRA-012")
def takes_an_empty_graph_for_an_error() -> None:
    @around(GraphTasks, "end")
    def end(right: Callable[..., None], self: GraphTasks) -> None:
        right(self)
        if not len(self.graph):
            raise InputError([b"no tasks"])


@breaks("GRA-030")
def finds_the_status_anywhere() -> None:
    @around(StatusWords, "status_of")
    def status_of(right: Callable[..., Status], self: StatusWords, lines: bytes) -> Status:
        for status, line, _ in self._words:
            if line in lines:
                return status
        return right(self, lines)


@breaks("GRA-030")
def takes_what_begins_with_the_status_for_it() -> None:
    @around(StatusWords, "status_of")
    def status_of(_right: object, self: StatusWords, lines: bytes) -> Status:
        last = bytes(lines).splitlines()[-1]
        for status, line, _ in self._words:
            if last.startswith(line[:-1]):
                return status
        return Status.MISSING


@breaks("GRA-033")
def inherits_the_status_of_the_task_before() -> None:
    last: dict[Node, Status] = {}

    @around(Results, "done")
    def done(right: Callable[..., None], self: Results, node: Node) -> None:
        attempt = node.attempts[0]
        if attempt.status is Status.MISSING:
            attempt.status = last.get(node, Status.MISSING)
        last[node] = attempt.status
        right(self, node)


@shows_as(Kind.TOO_EARLY, Kind.LOST, Kind.FABRICATED)
@breaks("GRA-050", "GRA-051", "GRA-052")
def takes_no_status_for_success() -> None:
    @around(Attempt, "__init__")
    def init(right: Callable[..., None], self: Attempt, *arguments: object) -> None:
        right(self, *arguments)
        self.status = Status.SUCCESS

    @around(StatusWords, "status_of")
    def status_of(right: Callable[..., Status], self: StatusWords, lines: bytes) -> Status:
        status = right(self, lines)
        return Status.SUCCESS if status is Status.MISSING else status


@breaks("GRA-030")
def takes_fatal_for_a_failure() -> None:
    @around(StatusWords, "status_of")
    def status_of(right: Callable[..., Status], self: StatusWords, lines: bytes) -> Status:
        return Status.FAILURE if lines.endswith(b"fatal\n") else right(self, lines)


@breaks("GRA-032")
def swallows_the_status_line() -> None:
    @around(Printer, "write")
    def write(right: Callable[..., None], self: Printer, attempt: Attempt, data: bytes) -> None:
        right(self, attempt, data.removesuffix(attempt.prefix + b"success\n"))


@breaks("GRA-046")
def exits_with_status_1_after_a_failure() -> None:
    @around(Results, "failed")
    def failed(right: Callable[..., None], self: Results, *arguments: object) -> None:
        right(self, *arguments)
        self._ending.note_failure()


@breaks("GRA-042", "GRA-045")
def names_a_dependant_in_one_failure_line_only() -> None:
    named: set[bytes] = set()

    @around(GraphTasks, "done")
    def done(right: Done, self: GraphTasks, task_id: int, status: Status) -> list[bytes]:
        dropped = [name for name in right(self, task_id, status) if name not in named]
        named.update(dropped)
        return dropped


@breaks("GRA-043")
def prints_the_failure_line_after_the_eot() -> None:
    late: list[tuple[object, ...]] = []
    failed = Printer.failed
    put(Printer, "failed", lambda _self, *arguments: late.append(arguments))

    @around(Printer, "done")
    def done(right: Callable[..., None], self: Printer, *arguments: object) -> None:
        right(self, *arguments)
        while late:
            failed(self, *late.pop())  # type: ignore[arg-type]


@breaks("GRA-043")
def prints_the_failure_line_without_prefix() -> None:
    @around(Printer, "failed")
    def failed(
        right: Callable[..., None], self: Printer, attempt: Attempt, dropped: Sequence[bytes]
    ) -> None:
        right(self, without_prefix(attempt), dropped)


@breaks("GRA-010", "GRA-021")
def skips_bad_lines() -> None:
    @around(GraphTasks, "_read")
    def read(right: Callable[..., None], self: GraphTasks, lines: bytes) -> None:
        for line in lines.splitlines(keepends=True):
            try:
                right(self, line)
            except InputError:
                continue


@breaks("GRA-063")
def counts_lines_from_the_last_read() -> None:
    @around(GraphReader, "add")
    def add(right: Callable[..., None], self: GraphReader, lines: bytes) -> None:
        self.lines_read = 0
        right(self, lines)


@breaks("GRA-063")
def counts_lines_from_0() -> None:
    @around(GraphReader, "__init__")
    def init(right: Callable[..., None], self: GraphReader, *arguments: bytes) -> None:
        right(self, *arguments)
        self.lines_read = -1


@breaks("GRA-021")
def starts_before_the_graph_has_ended() -> None:
    GraphTasks.needs_whole_input = False


def order_recursively(step: int) -> None:
    """Order tasks by a recursion that begins with the first task, or by step -1 with the last."""

    @around(TaskGraph, "topological_order")
    def topological_order(right: Callable[..., object], self: TaskGraph) -> list[int]:
        right(self)  # which sees cycles
        order: dict[int, None] = {}

        def visit(task: int) -> None:
            for dependant in self.dependants(task):
                if dependant not in order:
                    visit(dependant)
            order[task] = None

        for task in range(1, len(self.names))[::step]:
            if task not in order:
                visit(task)
        return list(order)[::-1]


@raises(RecursionError)
@breaks("GRA-060")
def orders_tasks_recursively() -> None:
    order_recursively(1)


@raises(RecursionError)
@breaks("GRA-060")
def orders_tasks_recursively_from_the_last_one() -> None:
    order_recursively(-1)


@raises(RecursionError)
@breaks("GRA-042")
def finds_dependants_recursively() -> None:
    @around(TaskGraph, "all_dependants")
    def all_dependants(_right: object, self: TaskGraph, task: int) -> list[int]:
        found: dict[int, None] = {}

        def visit(task: int) -> None:
            for dependant in self.dependants(task):
                if dependant not in found:
                    found[dependant] = None
                    visit(dependant)

        visit(task)
        return list(found)


@breaks("GRA-061")
def walks_every_path_after_a_failure() -> None:
    @around(TaskGraph, "all_dependants")
    def all_dependants(_right: object, self: TaskGraph, task: int) -> list[int]:
        found: dict[int, None] = {}

        def visit(task: int) -> None:
            for dependant in self.dependants(task):
                found[dependant] = None
                visit(dependant)

        visit(task)
        return list(found)


@breaks("GRA-044")
def sorts_the_failure_line() -> None:
    @around(TaskGraph, "all_dependants")
    def dependants(right: Callable[..., list[int]], self: TaskGraph, task: int) -> list[int]:
        return sorted(right(self, task))


@breaks("GRA-062")
def looks_at_all_tasks_to_choose_one() -> None:
    @around(GraphTasks, "take")
    def take(right: Callable[..., tuple[int, bytes]], self: GraphTasks) -> tuple[int, bytes]:
        self.graph.names.count(b"")
        return right(self)


def change_graph(**fields: Any) -> None:
    """Change how a graph is read."""

    @instead(invocation, "_graph_settings")
    def settings(right: Callable[..., GraphSettings | None], *arguments: object) -> object:
        graph = right(*arguments)
        return graph._replace(**fields) if graph else None


@breaks("GRA-003")
def knows_the_default_delimiter_only() -> None:
    change_graph(delimiter=b" ")


@breaks("GRA-031")
def knows_the_default_status_words_only() -> None:
    change_graph(success=b"success", failure=b"failure")


@shows_as(Kind.TOO_EARLY, Kind.LOST, Kind.FABRICATED)
@breaks("GRA-040")
def takes_a_failure_for_a_success() -> None:
    @around(GraphTasks, "done")
    def done(right: Done, self: GraphTasks, task_id: int, _status: Status) -> list[bytes]:
        return right(self, task_id, Status.SUCCESS)


@shows_as(Kind.EXIT)
@breaks("GRA-051")
def forgets_that_a_status_was_missing() -> None:
    put(Ending, "note_failure", lambda _self: None)
