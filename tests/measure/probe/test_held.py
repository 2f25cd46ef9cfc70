"""Connections that are held with traffic: when each broke, and how."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable

import pytest

from tests.measure.probe.answering import PLAIN, Answering, silent
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.cli.main import main
from vipswap_rest.measure.probe.held import HeldFindings, Holder, How
from vipswap_rest.measure.probe.prober import Prober
from vipswap_rest.measure.probe.target import parse_target, resolve

KEPT = PLAIN.replace(b"Connection: close\r\n", b"")


class Keeping:
    """Answers on a kept connection until `change` is set; then does `then` with it, once. `at` is when."""

    def __init__(self, then: Callable[[socket.socket], None]) -> None:
        self._then = then
        self.change = threading.Event()
        self.answered = 0
        self.at: list[tuple[float, float]] = []

    def __call__(self, connection: socket.socket) -> None:
        changed = False
        while connection.recv(4096):
            if self.change.is_set() and not changed:
                changed = True
                before = time.monotonic()
                self._then(connection)
                self.at.append((before, time.monotonic()))
                if connection.fileno() < 0:
                    return
            connection.sendall(KEPT)
            self.answered += 1


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def held(server: Answering, keeping: Keeping, ended: Callable[[Holder], bool], count: int = 3) -> HeldFindings:
    """Hold connections until each has been answered, change the server's mind, and wait for what comes of it."""
    holder = Holder([resolve(parse_target(server.url))], count, silence_s=0.3)
    holder.start()
    until(lambda: keeping.answered >= 2 * count)
    keeping.change.set()
    until(lambda: ended(holder))
    (found,) = holder.stop()
    return found


def all_broken(holder: Holder) -> bool:
    return all(one.breaks for connections in holder._connections for one in connections)


def test_connections_that_are_served_stay_well() -> None:
    keeping = Keeping(lambda connection: None)
    with Answering(keeping) as server:
        found = held(server, keeping, lambda holder: keeping.answered >= 20)

    assert (found.opened, found.not_opened, found.intact, found.breaks) == (3, 0, 3, ())
    assert found.identities == {"one": 3}


@pytest.mark.parametrize(
    ("then", "how"), [(reset, How.RESET), (lambda connection: connection.close(), How.CLOSED)], ids=["reset", "closed"]
)
def test_a_connection_that_ends_broke_after_its_last_answer_and_before_that_was_noticed(
    then: Callable[[socket.socket], None], how: How
) -> None:
    keeping = Keeping(then)
    with Answering(keeping) as server:
        found = held(server, keeping, all_broken)

    assert found.intact == 0
    assert [one.how for one in found.breaks] == [how] * 3
    for one in found.breaks:
        assert any(one.last_good <= before and before <= one.noticed for before, _ in keeping.at)


def test_a_connection_without_an_answer_is_silent_since_the_request_that_got_none() -> None:
    released = threading.Event()

    def wait(connection: socket.socket) -> None:
        released.wait(20)

    keeping = Keeping(wait)
    with Answering(keeping) as server:
        found = held(server, keeping, all_broken)
        released.set()

    assert [one.how for one in found.breaks] == [How.SILENCE] * 3
    assert [one.resumed for one in found.breaks] == [None] * 3
    assert all(one.last_good < one.noticed for one in found.breaks)


def test_an_answer_that_comes_after_all_ends_the_silence() -> None:
    keeping = Keeping(lambda connection: time.sleep(0.6))

    def resumed(holder: Holder) -> bool:
        return all(one.breaks and one.breaks[-1].resumed for every in holder._connections for one in every)

    with Answering(keeping) as server:
        found = held(server, keeping, resumed)

    for one in found.breaks:
        assert one.how is How.SILENCE
        assert one.resumed is not None
        assert any(before >= one.noticed and after <= one.resumed for before, after in keeping.at)


def test_a_server_that_closes_after_each_answer_is_told_from_a_break() -> None:
    with Answering() as server:
        holder = Holder([resolve(parse_target(server.url))], 1)
        holder.start()
        until(lambda: all_broken(holder))
        (found,) = holder.stop()

    assert [one.how for one in found.breaks] == [How.NOT_KEPT]


def test_where_nobody_listens_none_is_opened() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        holder = Holder([resolve(parse_target(f"http://127.0.0.1:{taken.getsockname()[1]}"))], 2)
        holder.start()
        until(lambda: all(one.over for every in holder._connections for one in every))
        (found,) = holder.stop()

    assert (found.opened, found.not_opened, found.breaks) == (0, 2, ())


def test_the_verb_holds_connections_beside_its_samples(capsys: pytest.CaptureFixture[str]) -> None:
    keeping = Keeping(lambda connection: None)
    with Answering(keeping) as server:
        code = main(["probe", server.url, "--duration", "0.5", "--hold", "2", "-o", "json"])
        told = json.loads(capsys.readouterr().out)["addresses"][0]["held"]
        main(["probe", server.url, "--duration", "0.2", "--hold", "2"])
        table = capsys.readouterr().out

    assert code == 0
    assert (told["opened"], told["intact"], told["breaks"]) == (2, 2, [])
    assert "2 of 2 connections intact to the end" in table


@pytest.mark.parametrize(
    ("url", "hold"), [("tcp://127.0.0.1:9", 1), ("http://127.0.0.1", -1), ("http://127.0.0.1", 9999)]
)
def test_what_cannot_be_held_is_refused(url: str, hold: int) -> None:
    with pytest.raises(UsageError, match="held"):
        Prober([parse_target(url)], hold=hold)


def test_a_held_connection_to_a_server_that_never_says_a_word_is_silent_from_the_first_request() -> None:
    with Answering(silent) as server:
        holder = Holder([resolve(parse_target(server.url))], 1, silence_s=0.2)
        holder.start()
        until(lambda: all_broken(holder))
        (found,) = holder.stop()

    assert (found.opened, [one.how for one in found.breaks]) == (1, [How.SILENCE])
