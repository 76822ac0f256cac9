"""SIGCHLD for several listeners."""

from __future__ import annotations

import signal
import threading
from functools import partial

from paexec_trio.runtime.childsignal import listen, stop_listening


def test_all_listeners_are_told_and_the_handler_from_before() -> None:
    told: list[str] = []
    one, two = partial(told.append, "one"), partial(told.append, "two")
    before = signal.signal(signal.SIGCHLD, lambda *_: told.append("before"))
    try:
        assert listen(one)
        assert listen(two)
        signal.raise_signal(signal.SIGCHLD)
        assert told == ["one", "two", "before"]
        told.clear()
        stop_listening(one)  # in another order than they came
        signal.raise_signal(signal.SIGCHLD)
        assert told == ["two", "before"]
        told.clear()
        stop_listening(two)
        signal.raise_signal(signal.SIGCHLD)
        assert told == ["before"]
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_handler_that_was_set_meanwhile_stays() -> None:
    def listener() -> None:
        """Do nothing."""

    before = signal.getsignal(signal.SIGCHLD)
    assert listen(listener)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    stop_listening(listener)
    assert signal.signal(signal.SIGCHLD, before) is signal.SIG_IGN


def test_nobody_can_listen_to_a_signal_that_is_blocked() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    try:
        assert not listen(lambda: None)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])


def test_only_the_main_thread_can_listen() -> None:
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(listen(lambda: None)))
    thread.start()
    thread.join()
    assert answers == [False]


def test_only_the_main_thread_can_listen_while_it_does() -> None:
    # A run of another thread may outlast that of the main thread, and could not put back what was
    # there before.
    def listener() -> None:
        """Do nothing."""

    before = signal.getsignal(signal.SIGCHLD)
    assert listen(listener)
    try:
        test_only_the_main_thread_can_listen()
    finally:
        stop_listening(listener)
    assert signal.getsignal(signal.SIGCHLD) is before


def test_nobody_can_listen_after_another_handler_was_set() -> None:
    def listener() -> None:
        """Do nothing."""

    before = signal.getsignal(signal.SIGCHLD)
    assert listen(listener)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert not listen(lambda: None)
    finally:
        stop_listening(listener)
        signal.signal(signal.SIGCHLD, before)


def test_a_handler_that_was_put_back_by_another_does_not_call_itself() -> None:
    told: list[str] = []
    one = partial(told.append, "one")
    before = signal.signal(signal.SIGCHLD, lambda *_: told.append("before"))
    try:
        assert listen(one)
        ours = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        stop_listening(one)
        signal.signal(signal.SIGCHLD, ours)  # the caller does not know that the run is over
        assert listen(one)
        signal.raise_signal(signal.SIGCHLD)
        assert told == ["one", "before"]
        stop_listening(one)
        signal.raise_signal(signal.SIGCHLD)
        assert told == ["one", "before", "before"]
    finally:
        signal.signal(signal.SIGCHLD, before)
