"""Addresses whose outages are known: HTTP on loopback, up and down by a plan, in a process of its own.

`python -m tests.measure.probe.server` reads one JSON object from stdin (see `Plan`), prints the ports, serves the plan,
prints "asked" if its plan waits for that, and then what it did: for each address
[[began_min, began_max, ended_min, ended_max], ...] in monotonic seconds. It then goes on for a while as it is, for
those who ask a little longer.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
# Outside the range that clients' own ports come from (32768 on, by default), where one could connect to itself.
PORTS = (20000, 32000)
# A server that nobody kills ends this long after its plan.
AFTERWARDS_S = 30.0
LONGEST_WAIT_S = 60.0


@dataclass(frozen=True)
class Change:
    """At `at` (seconds from the start of the plan) go to `mode`: up, refuse (nobody listens), silent (accepts and says
    nothing) or drop (no answer to a SYN); or let `identity` answer from then on."""

    at: float
    mode: str | None = None
    identity: str | None = None


@dataclass(frozen=True)
class Plan:
    """What each address does. delay_s: how late it answers what it accepted. when_asked: the plan's clock begins when
    each address was asked, as however slow the machine is nothing is to be missed."""

    addresses: list[list[Change]]
    seconds: float
    delay_s: list[float] = field(default_factory=list)
    when_asked: bool = False


class Address:
    """One address: a listener, and what became of its connections."""

    def __init__(self, selector: selectors.BaseSelector, delay_s: float) -> None:
        self._selector, self.delay_s = selector, delay_s
        self.mode, self.identity = "up", "one"
        self.asked = False
        self.port = 0
        self._listener: socket.socket | None = None
        self._fillers: list[socket.socket] = []
        self._open: set[socket.socket] = set()
        self.due: list[tuple[float, socket.socket, bytes]] = []
        self.truth: list[list[float]] = []
        self._listen()

    def _listen(self) -> None:
        while self._listener is None:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((HOST, self.port or random.randint(*PORTS)))
                listener.listen(1024)
            except OSError:
                listener.close()
                if self.port:
                    raise
                continue
            listener.setblocking(False)
            self.port, self._listener = listener.getsockname()[1], listener
        self._selector.register(self._listener, selectors.EVENT_READ, self.accept)

    def go(self, change: Change) -> None:
        """Change, and write down when: some time between `before` and `after`."""
        if change.identity is not None:
            self.identity = change.identity
        if change.mode is None:
            return
        before = time.monotonic()
        if change.mode == "up":
            self._up()
        elif change.mode == "refuse":
            assert self._listener is not None
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None
            self._reset_unread()
        elif change.mode == "drop":
            self._drop()
        self.mode = change.mode
        after = time.monotonic()
        if change.mode == "up":
            self.truth[-1] += [before, after]
        else:
            self.truth.append([before, after])

    def _up(self) -> None:
        if self._listener is None:
            self._listen()
        if self.mode == "drop":
            assert self._listener is not None
            self._listener.listen(1024)
            self._selector.register(self._listener, selectors.EVENT_READ, self.accept)
            for filler in self._fillers:
                filler.close()
            self._fillers.clear()

    def _drop(self) -> None:
        """Accept nothing more, and fill the queue: a SYN that finds it full is dropped without a word."""
        assert self._listener is not None
        self._selector.unregister(self._listener)
        self._listener.listen(0)
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((HOST, self.port))
            self._fillers.append(filler)

    def _reset_unread(self) -> None:
        """Reset what was accepted and not read, as the end of a process does; what was read is still answered."""
        for connection in self._open - {connection for _, connection, _ in self.due}:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close(connection)

    def accept(self, listener: socket.socket) -> None:
        """Take what is there."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                connection, _ = listener.accept()
                self.asked = True
                connection.setblocking(False)
                self._open.add(connection)
                self._selector.register(connection, selectors.EVENT_READ, self.read)

    def read(self, connection: socket.socket) -> None:
        """Read a request; the state that its answer tells is that of now."""
        try:
            asked = connection.recv(4096)
        except ConnectionError:
            asked = b""
        if not asked:
            self.close(connection)
        elif self.mode == "up":
            body = self.identity.encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            keep = "" if b"keep-alive" in asked else "Connection: close\r\n"
            self.due.append((time.monotonic() + self.delay_s, connection, (head + keep + "\r\n").encode() + body))
            self.answer(time.monotonic())

    def answer(self, now: float) -> None:
        """Send the answers that are due."""
        while self.due and self.due[0][0] <= now:
            _, connection, data = self.due.pop(0)
            if connection in self._open:
                try:
                    connection.send(data)
                except ConnectionError:
                    self.close(connection)
                    continue
                if b"Connection: close" in data:
                    self.close(connection)

    def close(self, connection: socket.socket) -> None:
        """Forget a connection."""
        if connection in self._open:
            self._open.discard(connection)
            self._selector.unregister(connection)
        connection.close()


def serve(plan: Plan) -> None:
    """Carry out a plan."""
    selector = selectors.DefaultSelector()
    delays = plan.delay_s or [0.0] * len(plan.addresses)
    addresses = [Address(selector, delay) for delay in delays]
    started = time.monotonic()
    print(json.dumps({"ports": [address.port for address in addresses], "started": started}), flush=True)
    while not all(address.asked for address in addresses) and time.monotonic() < started + LONGEST_WAIT_S:
        if not plan.when_asked:
            break
        _serve_once(selector, addresses, time.monotonic() + 0.05)
    if plan.when_asked:
        started = time.monotonic()
        print(json.dumps("asked"), flush=True)
    changes = sorted(
        ((change.at, at, change) for at, listed in enumerate(plan.addresses) for change in listed),
        key=lambda item: item[:2],
    )
    told, end = started + plan.seconds, started + plan.seconds + AFTERWARDS_S
    while (now := time.monotonic()) < end:
        if now >= told:
            print(json.dumps([address.truth for address in addresses]), flush=True)
            told = end
        while changes and started + changes[0][0] <= now:
            _, at, change = changes.pop(0)
            addresses[at].go(change)
            now = time.monotonic()
        upcoming = min([told, *([started + changes[0][0]] if changes else [])])
        _serve_once(selector, addresses, upcoming)


def _serve_once(selector: selectors.BaseSelector, addresses: list[Address], until: float) -> None:
    due = [address.due[0][0] for address in addresses if address.due]
    for key, _ in selector.select(max(0.0, min([until, *due]) - time.monotonic())):
        key.data(key.fileobj)
    now = time.monotonic()
    for address in addresses:
        address.answer(now)


class Served:
    """A server in its process: its URLs, when its plan started, and at its end the truth."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        self.ports: list[int] = told["ports"]
        self.started: float = told["started"]

    def urls(self, scheme: str = "http") -> list[str]:
        return [f"{scheme}://{HOST}:{port}" for port in self.ports]

    def wait_until_asked(self) -> None:
        """Wait until each address was asked, for a plan that begins then."""
        assert self._process.stdout is not None
        assert json.loads(self._process.stdout.readline()) == "asked"

    def truth(self) -> list[list[list[float]]]:
        """Wait for the plan's end; the outages of each address."""
        assert self._process.stdout is not None
        found: list[list[list[float]]] = json.loads(self._process.stdout.readline())
        return found


@contextlib.contextmanager
def served(plan: Plan) -> Iterator[Served]:
    """A server that carries out a plan."""
    root = str(Path(__file__).resolve().parents[3])
    line = [sys.executable, "-m", "tests.measure.probe.server"]
    with subprocess.Popen(
        line, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(plan)) + "\n")
        process.stdin.flush()
        try:
            yield Served(process)
        finally:
            process.kill()


def _plan(told: dict[str, Any]) -> Plan:
    addresses = [[Change(**change) for change in listed] for listed in told["addresses"]]
    return Plan(addresses, told["seconds"], told["delay_s"], told["when_asked"])


if __name__ == "__main__":
    serve(_plan(json.loads(sys.stdin.readline())))
