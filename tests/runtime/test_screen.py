"""A line at the bottom of a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import termios
from collections.abc import Iterator

import pytest

from paexec_trio.runtime.nonblocking import NonblockingWriter
from paexec_trio.runtime.screen import Screen, can_repaint

LIMIT = 10
"""Seconds after which nothing more comes."""


class Tty:
    """A terminal with a screen, and writers to it."""

    def __init__(self) -> None:
        self.master, self.theirs = pty.openpty()
        attributes = termios.tcgetattr(self.theirs)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(self.theirs, termios.TCSANOW, attributes)
        self.resize(80)
        self.screen = Screen(self.theirs)
        self.stdout, self.stderr = (NonblockingWriter(self.theirs) for _ in range(2))
        self.screen.attach(self.stdout, self.stderr)

    def resize(self, columns: int) -> None:
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)

    def expect(self, octets: bytes) -> None:
        """Read as much as is expected, and compare."""
        came = b""
        # The system passes octets on when it has time for that, so one read may get a part.
        while len(came) < len(octets) and select.select([self.master], [], [], LIMIT)[0]:
            came += os.read(self.master, 1 << 16)
        assert came == octets

    def close(self) -> None:
        self.stdout.close()
        self.stderr.close()
        os.close(self.master)
        os.close(self.theirs)


@pytest.fixture
def tty() -> Iterator[Tty]:
    made = Tty()
    yield made
    made.close()


def test_the_line_is_erased_before_anything_else(tty: Tty) -> None:
    tty.screen.paint(b"line", 4)
    tty.expect(b"\rline")
    tty.screen.paint(b"other", 5)
    tty.expect(b"\r\033[Jother")
    tty.stdout.write(b"result\n")
    tty.expect(b"\r\033[Jresult\n")
    tty.stderr.write(b"message\n")
    tty.expect(b"message\n")


def test_nothing_is_painted_behind_a_line_that_is_not_whole(tty: Tty) -> None:
    tty.stdout.write(b"half")
    tty.screen.paint(b"line", 4)
    tty.stdout.write(b" a line\n")
    tty.screen.paint(b"line", 4)
    tty.expect(b"half a line\n\rline")
    tty.screen.erase()
    tty.screen.erase()
    tty.expect(b"\r\033[J")


def test_a_terminal_that_has_become_narrower(tty: Tty) -> None:
    tty.screen.paint(b"x" * 70, 70)
    tty.resize(30)
    assert tty.screen.columns() == 30
    tty.screen.paint(b"y", 1)
    tty.expect(b"\r" + b"x" * 70 + b"\r\033[2A\033[Jy")


def test_an_output_elsewhere_is_left_alone(tty: Tty) -> None:
    read, write = os.pipe()
    try:
        writer = NonblockingWriter(write)
        screen = Screen(tty.theirs)
        screen.attach(writer, tty.stderr)
        screen.paint(b"line", 4)
        writer.write(b"half")
        screen.paint(b"line", 4)
        tty.expect(b"\rline\r\033[Jline")
        writer.close()
    finally:
        os.close(read)
        os.close(write)


def test_a_closed_standard_error_is_not_painted_on(tty: Tty) -> None:
    screen = Screen(tty.theirs)
    screen.attach(tty.stdout, None)
    screen.paint(b"line", 4)
    tty.stdout.write(b"x")
    tty.expect(b"x")


def test_where_a_line_can_be_repainted(tty: Tty) -> None:
    assert can_repaint(tty.theirs, {b"TERM": b"xterm"})
    assert not can_repaint(tty.theirs, {b"TERM": b"dumb"})
    assert not can_repaint(tty.theirs, {})
    read, write = os.pipe()
    assert not can_repaint(write, {b"TERM": b"xterm"})
    os.close(read)
    os.close(write)
    assert Screen(-1).columns() == 80
