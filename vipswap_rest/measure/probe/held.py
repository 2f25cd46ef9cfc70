"""Connections that are held open with traffic, as a client with a pool has them: when each broke, and how.

A new connection shows nothing about those that were open before: a load balancer that releases an address may reset its
established flows, or drop their packets silently.
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from vipswap_rest.measure.probe.answer import LARGEST_HEAD, NotHttp, read_answer, request
from vipswap_rest.measure.probe.poller import Poller, best_poller
from vipswap_rest.measure.probe.target import Endpoint

# Between two requests on one connection.
PAUSE_S = 0.1
# Without an answer for so long a connection is called silent; a retransmission or two fit in.
SILENCE_S = 3.0
CONNECT_S = 3.0
MOST = 500
_PENDING = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK}


class How(str, Enum):
    """How a held connection broke."""

    RESET = "reset"
    CLOSED = "closed"
    # No answer, and neither a reset nor a close.
    SILENCE = "silence"
    # The server closes after each answer, or sends one of unknown length: it cannot be held.
    NOT_KEPT = "not_kept"


@dataclass(frozen=True, slots=True)
class Break:
    """One break, in monotonic seconds.

    last_good: when the last request that was answered was sent, or connecting began; some time after that it was well.
    noticed: when it was reset or closed, or when the request was sent that was not answered. resumed: when the
    answer came after all; None if it never did.
    """

    connection: int
    how: How
    last_good: float
    noticed: float
    resumed: float | None = None


@dataclass(frozen=True, slots=True)
class HeldFindings:
    """The held connections of one address: how many were opened, how many not, how many were intact to the end, and the
    breaks in the order in which they were noticed. identities: who gave the last answer, by connections."""

    opened: int
    not_opened: int
    intact: int
    breaks: tuple[Break, ...]
    identities: dict[str | None, int]


class _Connection:
    """One held connection: opened, and sent one request after another until it breaks."""

    def __init__(self, number: int, endpoint: Endpoint, now: float, silence_s: float) -> None:
        self.number, self._silence = number, silence_s
        self._address = endpoint.address
        self._request = request(endpoint.target.authority, endpoint.target.path, keep=True)
        self._data = b""
        self._asked: float | None = None
        self._next = now + CONNECT_S
        self._silent = False
        self.opened = self.over = False
        self.last_good = now
        self.identity: str | None = None
        self.breaks: list[Break] = []
        self.sock = socket.socket(endpoint.family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.sock.connect_ex(self._address)

    def next_tick(self) -> float:
        """When it has something to do without input."""
        return float("inf") if self.over or self._silent else self._next

    def tick(self, now: float) -> None:
        """Ask, give up connecting, or call it silent."""
        if not self.opened:
            self.over = True
        elif self._asked is None:
            self._ask(now)
        else:
            self._silent = True
            self.breaks.append(Break(self.number, How.SILENCE, self.last_good, self._asked))

    def ready(self, now: float) -> None:
        """The connection is made, or there is something to read, or it has failed."""
        if not self.opened:
            code = self.sock.connect_ex(self._address)
            if code in _PENDING:
                return
            self.opened = code in (0, errno.EISCONN)
            self.over = not self.opened
            if self.opened:
                self._ask(now)
            return
        try:
            data = self.sock.recv(LARGEST_HEAD)
        except BlockingIOError:
            return
        except OSError:
            self._broken(How.RESET, now)
            return
        if data:
            self._read(data, now)
        else:
            self._broken(How.CLOSED, now)

    def _ask(self, now: float) -> None:
        self._asked, self._next, self._data = now, now + self._silence, b""
        try:
            self.sock.send(self._request)
        except BlockingIOError:
            # What was sent before is not acknowledged: that is a silence too.
            return
        except OSError:
            self._broken(How.RESET, now)

    def _read(self, data: bytes, now: float) -> None:
        self._data += data
        try:
            answer = read_answer(self._data)
        except NotHttp:
            self._broken(How.NOT_KEPT, now)
            return
        if answer is None or (answer.length is not None and len(self._data) < answer.length):
            if len(self._data) > 4 * LARGEST_HEAD:
                self._broken(How.NOT_KEPT, now)
            return
        if answer.length is None or answer.closes or self._asked is None:
            self._broken(How.NOT_KEPT, now)
            return
        if self._silent:
            last = self.breaks[-1]
            self.breaks[-1] = Break(last.connection, last.how, last.last_good, last.noticed, now)
            self._silent = False
        self.last_good, self.identity = self._asked, answer.identity
        self._asked, self._next = None, now + PAUSE_S

    def _broken(self, how: How, now: float) -> None:
        self.over = True
        # The silence before a reset is part of the same break.
        if not self._silent:
            self.breaks.append(Break(self.number, how, self.last_good, now))
        self._silent = False


class Holder:
    """Holds `count` connections to each endpoint, in a thread of its own, from start() to stop()."""

    def __init__(self, endpoints: Sequence[Endpoint], count: int, *, silence_s: float = SILENCE_S) -> None:
        now = time.monotonic()
        self._connections = [
            [_Connection(number, endpoint, now, silence_s) for number in range(count)] for endpoint in endpoints
        ]
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="vipswap-hold", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> list[HeldFindings]:
        """Stop, and return the findings, by endpoint."""
        self._stopping.set()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return [_findings(connections) for connections in self._connections]

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException as error:  # noqa: BLE001 - stop() raises it in the caller's thread
            self._error = error

    def _loop(self) -> None:
        poller = best_poller()
        watched = {one.sock.fileno(): one for connections in self._connections for one in connections}
        for fd in watched:
            poller.watch(fd, writing=True)
        try:
            while not self._stopping.is_set():
                upcoming = min((one.next_tick() for one in watched.values()), default=float("inf"))
                ready = poller.wait(min(max(0.0, upcoming - time.monotonic()), PAUSE_S))
                # What came in goes first, and then the time of before that counts: after a stall of ours, wherever it
                # was, nothing is called silent that has answered.
                now = time.monotonic()
                while ready:
                    self._serve(poller, watched, ready)
                    ready = poller.wait(0)
                for connection in list(watched.values()):
                    if connection.next_tick() <= now:
                        connection.tick(time.monotonic())
                _drop(poller, watched)
        finally:
            poller.close()
            for connection in watched.values():
                connection.sock.close()

    def _serve(self, poller: Poller, watched: dict[int, _Connection], ready: Sequence[int]) -> None:
        for fd in ready:
            connection = watched[fd]
            was_open = connection.opened
            connection.ready(time.monotonic())
            if connection.opened and not was_open:
                poller.only_read(fd)
        _drop(poller, watched)


def _drop(poller: Poller, watched: dict[int, _Connection]) -> None:
    """Close what is over."""
    for fd in [fd for fd, connection in watched.items() if connection.over]:
        poller.forget(fd)
        watched.pop(fd).sock.close()


def _findings(connections: Sequence[_Connection]) -> HeldFindings:
    opened = [one for one in connections if one.opened]
    identities: dict[str | None, int] = {}
    for one in opened:
        identities[one.identity] = identities.get(one.identity, 0) + 1
    breaks = sorted((one for connection in opened for one in connection.breaks), key=lambda one: one.noticed)
    return HeldFindings(
        len(opened),
        len(connections) - len(opened),
        sum(not one.breaks for one in opened),
        tuple(breaks),
        identities,
    )
