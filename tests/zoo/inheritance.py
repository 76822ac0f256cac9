"""Faults in what is executed for a node, in what it inherits, and in how login shells read it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from paexec_trio.cli.syntax import Syntax
from paexec_trio.core import launch
from paexec_trio.core.launch import Launch
from paexec_trio.core.words import quote
from paexec_trio.runtime import process, spawning
from paexec_trio.runtime.host import Host
from tests.zoo.launch import change_free_arguments
from tests.zoo.mutant import breaks
from tests.zoo.planting import around, instead, put

Entries = Iterable[tuple[bytes, bytes]]


# Login shells


@breaks("LCH-030")
def takes_every_login_shell_for_a_posix_shell() -> None:
    put(launch, "_SPECIAL_IN_QUOTES", re.compile(rb"'"))


@breaks("LCH-030")
def knows_fish_but_not_tcsh() -> None:
    put(launch, "_SPECIAL_IN_QUOTES", re.compile(rb"['\\]+"))


@breaks("LCH-030")
def leaves_newlines_between_quotes() -> None:
    put(launch, "_without_newlines", lambda words: words)


@breaks("LCH-030")
def loses_newlines_at_the_end_of_a_word() -> None:
    decoder = b'for w do w=$(printf %b "$w"); shift; set -- "$@" "$w"; done; exec "$@"'
    put(launch, "_DECODER", decoder)


# What is executed


@breaks("LCH-035")
def lets_a_shell_run_free_arguments() -> None:
    change_free_arguments(lambda arguments: b" ".join(map(quote, arguments)))


@breaks("LCH-036")
def takes_the_first_file_of_that_name_for_the_program() -> None:
    put(spawning, "_LOOK_FURTHER", frozenset())


@breaks("LCH-036")
def cannot_run_scripts_that_name_no_interpreter() -> None:
    put(spawning, "_SHELL", b"/nonexistent")


@breaks("LCH-037")
def answers_itself_if_a_program_cannot_be_run() -> None:
    @instead(process, "spawn")
    def spawn(
        right: Callable[..., int], argv: list[bytes], *rest: object, **options: object
    ) -> int:
        try:
            return right(argv, *rest, **options)
        except OSError:
            loop = b"while read -r task; do echo; done"
            return right([b"/bin/sh", b"-c", loop], *rest, **options)


# What it inherits


@breaks("LCH-031")
def passes_on_what_the_interpreter_adds() -> None:
    @around(Launch, "environment")
    def environment(
        right: Callable[..., Entries], self: Launch, inherited: Entries, *node: object
    ) -> Entries:
        added = (b"LC_CTYPE", b"C.UTF-8")
        return [added, *(entry for entry in right(self, inherited, *node) if entry[0] != added[0])]


@breaks("LCH-034")
def gives_transports_variables_of_shells_only() -> None:
    @around(Launch, "environment")
    def environment(
        right: Callable[..., Entries], self: Launch, inherited: Entries, *node: object
    ) -> Entries:
        entries = right(self, inherited, *node)
        if not self.transport:
            return entries
        return [entry for entry in entries if re.fullmatch(rb"[A-Za-z_][A-Za-z_0-9]*", entry[0])]


def before_starts(act: Callable[[], None]) -> None:
    """Do something whenever a process is about to be started."""

    @instead(process, "spawn")
    def spawn(right: Callable[..., int], *words: object, **options: object) -> int:
        act()
        return right(*words, **options)


@breaks("LCH-032")
def keeps_inherited_descriptors_to_itself() -> None:
    def close_on_exec() -> None:
        for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
            if int(name) > 2:
                try:
                    os.set_inheritable(int(name), False)
                except OSError:  # that of the listing itself
                    continue

    before_starts(close_on_exec)


@breaks("LCH-039")
def leaves_a_descriptor_of_its_own_open() -> None:
    @around(Host, "__init__")
    def init(right: Callable[..., None], self: Host, *words: object, **options: object) -> None:
        right(self, *words, **options)
        os.set_inheritable(self.fileno(), True)


@breaks("LCH-033")
def leaves_the_signals_as_the_interpreter_has_set_them() -> None:
    put(spawning, "signals_to_reset", list)


@breaks("LCH-033")
def unblocks_all_signals() -> None:
    @instead(process, "spawn")
    def spawn(
        right: Callable[..., int], argv: list[bytes], *rest: object, **options: object
    ) -> int:
        return right([b"/bin/dash", b"-c", b'"$@"', b"sh", *argv], *rest, **options)


@breaks("LCH-038")
def takes_arguments_for_text() -> None:
    @around(Syntax, "split")
    def split(right: Callable[..., object], self: Syntax, arguments: Iterable[str]) -> object:
        texts = (os.fsencode(argument).decode(errors="replace") for argument in arguments)
        return right(self, list(texts))
