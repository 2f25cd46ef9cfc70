"""The data plane's loop: calls from other threads, one alarm, and sockets that are ready."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.emulator.wire import PATIENCE_S
from vipswap_rest.emulator.data_plane.reactor import Reactor


@contextlib.contextmanager
def running() -> Iterator[Reactor]:
    reactor = Reactor()
    reactor.start()
    try:
        yield reactor
    finally:
        reactor.stop()


def test_a_call_runs_in_the_loops_thread_and_is_over_when_it_returns() -> None:
    seen: list[str] = []
    with running() as reactor:
        reactor.call(lambda: seen.append(threading.current_thread().name))

        assert seen == ["vipswap-data-plane"]


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("no")])
def test_a_call_raises_what_its_work_raises_and_the_loop_goes_on(error: Exception) -> None:
    def fail() -> None:
        raise error

    with running() as reactor:
        with pytest.raises(type(error), match="no"):
            reactor.call(fail)
        reactor.call(lambda: None)


def test_calls_from_many_threads_are_all_done_one_after_the_other() -> None:
    done: list[int] = []
    with running() as reactor:
        threads = [
            threading.Thread(target=lambda n=n: [reactor.call(lambda: done.append(n)) for _ in range(50)])
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(done) == [0] * 50 + [1] * 50 + [2] * 50 + [3] * 50


def test_a_call_to_a_loop_that_has_ended_is_an_error() -> None:
    with running() as reactor:
        pass

    with pytest.raises(RuntimeError, match="has ended"):
        reactor.call(lambda: None)


def test_the_alarm_rings_once_and_not_before_its_time() -> None:
    rung: list[float] = []
    over = threading.Event()
    with running() as reactor:
        at = time.monotonic() + 0.05
        reactor.call(lambda: reactor.set_alarm(at, lambda: (rung.append(time.monotonic()), over.set())[0]))

        assert over.wait(PATIENCE_S)
        reactor.call(lambda: None)
    (t,) = rung
    assert t >= at


def test_an_alarm_is_replaced_by_the_next_one() -> None:
    rung: list[str] = []
    over = threading.Event()
    with running() as reactor:
        soon = time.monotonic() + 0.02

        def set_both() -> None:
            reactor.set_alarm(soon, lambda: rung.append("first"))
            reactor.set_alarm(soon + 0.02, over.set)

        reactor.call(set_both)
        assert over.wait(PATIENCE_S)

    assert rung == []


def test_a_socket_that_is_ready_is_told_until_it_is_forgotten() -> None:
    heard: list[bytes] = []
    over = threading.Event()
    one, other = socket.socketpair()
    with one, other, running() as reactor:

        def ready() -> None:
            heard.append(one.recv(10))
            reactor.forget(one)
            over.set()

        reactor.call(lambda: reactor.watch(one, ready))
        other.send(b"a")
        assert over.wait(PATIENCE_S)
        other.send(b"b")
        reactor.call(lambda: None)

    assert heard == [b"a"]
