"""The public IPs from outside: one question, a loop that asks without end, and the timeline to compare with."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.emulator.stage import Json
from tests.emulator.wire import PATIENCE_S, Connection, once
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.server import EmulatorServer

PORT = 9000
QUESTION = b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n"


def plane(**settings: Any) -> EmulatorServer:
    """An emulator with a data plane."""
    return EmulatorServer(Settings(data_plane=True, **settings))


def address_of(endpoint: str, public_ip: str) -> str:
    """The public IP's ipAddress, as ARM shows it."""
    return str(once(endpoint, "GET", public_ip)[1]["properties"]["ipAddress"])


def events(endpoint: str, public_ip: str | None = None) -> list[Json]:
    """What the timeline says of the data plane."""
    found = once(endpoint, "GET", "/emulator/timeline")[1]["events"]
    return [
        event
        for event in found
        if event["event"].startswith("data_plane_") and (public_ip is None or event["public_ip"] == public_ip)
    ]


def names(found: Sequence[Json]) -> list[str]:
    return [event["event"].removeprefix("data_plane_") for event in found]


def wait_for(endpoint: str, count: int) -> list[Json]:
    """The data plane's events, once there are so many."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if len(found := events(endpoint)) >= count:
            return found
    raise AssertionError("they never came")


@dataclass(frozen=True)
class Sample:
    """One question. Times are of the monotonic clock; `who` answered, or None and `why` nobody did."""

    sent: float
    done: float
    who: str | None
    why: str = ""


def ask(address: str, port: int = PORT, patience: float = PATIENCE_S) -> Sample:
    """One question on a connection of its own."""
    sent = time.monotonic()
    try:
        with Vip(address, port, patience) as vip:
            who, why = vip.ask(), ""
    except OSError as error:
        who, why = None, type(error).__name__
    return Sample(sent, time.monotonic(), who, why)


class Vip(Connection):
    """A connection to a public IP."""

    def __init__(self, address: str, port: int = PORT, patience: float = PATIENCE_S) -> None:
        super().__init__(f"http://{address}:{port}")
        self._socket.settimeout(patience)

    def ask(self) -> str:
        """Who answers. Raises OSError."""
        self.send(QUESTION)
        status, headers, body = self.answer()
        assert (status, headers["content-type"].split(";")[0]) == (200, "text/plain")
        return body.decode()

    def has_heard(self) -> bool:
        """Whether anything has come that was not read."""
        self._socket.setblocking(False)
        try:
            return self._socket.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return False
        finally:
            self._socket.settimeout(PATIENCE_S)


@contextlib.contextmanager
def sampling(*addresses: str, patience: float = PATIENCE_S) -> Iterator[dict[str, list[Sample]]]:
    """Ask every address again and again for the length of the block."""
    samples: dict[str, list[Sample]] = {address: [] for address in addresses}
    over = threading.Event()

    def run(address: str) -> None:
        while not over.wait(0.002):
            samples[address].append(ask(address, patience=patience))

    threads = [threading.Thread(target=run, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    try:
        yield samples
    finally:
        over.set()
        for thread in threads:
            thread.join()


@dataclass(frozen=True)
class Spell:
    """A time in which an address answered with one name."""

    start: float
    end: float
    who: str


def spells(found: Sequence[Json], first: str | None) -> list[Spell]:
    """When the address answered, and as whom: from its events, and who answered before them (None: nobody)."""
    made: list[Spell] = []
    since, who = float("-inf"), first
    for event in found:
        if event["event"] == "data_plane_down":
            assert who == event["resource"].rsplit("/", 1)[1]
            made.append(Spell(since, event["t"], who))
            who = None
        else:
            assert who is None
            since, who = event["t"], event["resource"].rsplit("/", 1)[1]
    return made if who is None else [*made, Spell(since, float("inf"), who)]


def check(samples: Sequence[Sample], truth: Sequence[Spell]) -> None:
    """Whether no sample contradicts the truth, whatever the machine was doing meanwhile.

    Who answered did so at some moment between question and answer; who refused, likewise.
    """
    for sample in samples:
        if sample.who is not None:
            assert any(
                one.who == sample.who and one.start <= sample.done and sample.sent <= one.end for one in truth
            ), (sample, truth)
        else:
            assert not any(one.start <= sample.sent and sample.done <= one.end for one in truth), (sample, truth)


def bounds(samples: Sequence[Sample]) -> tuple[float, float]:
    """The least and the most that the one outage in the samples may have lasted, in seconds."""
    failed = [one for one in samples if one.who is None]
    last, first = max(one.sent for one in failed), min(one.done for one in failed)
    before = max(one.sent for one in samples if one.who is not None and one.done <= last)
    after = min(one.done for one in samples if one.who is not None and one.sent >= first)
    return max(0.0, last - first), after - before


def wait_until(endpoint: str, operation: str) -> None:
    """Poll the operation of a PUT until it has succeeded, and not a word more."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with Connection(endpoint) as connection:
            connection.ask("GET", operation)
            if b"InProgress" not in connection.answer()[2]:
                return
    raise AssertionError("it never ended")


def write(endpoint: str, method: str, path: str, body: Json | None = None) -> str:
    """A write that must be accepted: the path of its operation."""
    with Connection(endpoint) as connection:
        host = endpoint.removeprefix("http://")
        connection.ask(method, path, b"" if body is None else json.dumps(body).encode(), Host=host)
        status, headers, content = connection.answer()
    assert status in (200, 201, 202), content
    return headers["azure-asyncoperation"].removeprefix(endpoint)


def put_address(endpoint: str, load_balancer: str, public_ip: str) -> str:
    """PUT the load balancer with another address; the path of its operation."""
    body = once(endpoint, "GET", load_balancer)[1]
    body["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] = {"id": public_ip}
    return write(endpoint, "PUT", load_balancer, body)
