"""Hostile and odd servers on loopback: each request is answered by a rule, whatever came before it.

The rule gets the request and says what is done with the connection; `tests/arm/server.py` has the simple deeds.
"""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.arm.server import Act, Request, answer, read_request

PIECE = b"x" * 65536


@dataclass(frozen=True)
class Call:
    """A request, how many of its method and path came (this one included), and where this and another server are."""

    request: Request
    count: int
    own: str
    other: str

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.target.partition("?")[0]


Rule = Callable[[Call], Act]


@dataclass
class Hostile:
    """A running server, and what it saw and sent."""

    url: str
    other: str
    rule: Rule
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def asked(self, method: str, path: str = "") -> int:
        """How many requests of that method came, to paths that end so."""
        return sum(one.method == method and one.target.partition("?")[0].endswith(path) for one in self.requests)


@contextmanager
def playing(rule: Rule, other: str = "", tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Serve by the rule, each connection in a thread of its own, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Hostile(f"http{'s' if tls else ''}://127.0.0.1:{listener.getsockname()[1]}", other, rule)
        threading.Thread(target=_accept, args=(listener, server, tls), daemon=True).start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: Hostile, tls: ssl.SSLContext | None) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        server.connections += 1
        threading.Thread(target=_talk, args=(peer, server, tls), daemon=True).start()


def _talk(plain: socket.socket, server: Hostile, tls: ssl.SSLContext | None) -> None:
    # A client that goes away ends its connection and nothing else.
    with suppress(OSError), plain, ExitStack() as stack:
        plain.settimeout(20)
        peer = stack.enter_context(tls.wrap_socket(plain, server_side=True)) if tls else plain
        stream = stack.enter_context(peer.makefile("rb"))
        while request := read_request(stream, server.connections):
            server.requests.append(request)
            key = f"{request.method} {request.target.partition('?')[0]}"
            server.counts[key] += 1
            if not server.rule(Call(request, server.counts[key], server.url, server.other))(peer):
                break


def told(status: int = 200, body: Any = None, **headers: str) -> Act:
    """An answer in JSON; `Retry_After` is the header Retry-After."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return answer(status, b"" if body is None else json.dumps(body).encode(), *lines)


def refused(status: int, code: str, message: str = "No.", **headers: str) -> Act:
    """An ARM error."""
    return told(status, {"error": {"code": code, "message": message}}, **headers)


def dripping(head: bytes, drops: bytes, pause: Callable[[], object]) -> Act:
    """The head at once, and then the drops over and over, a byte at a time, until the client goes."""

    def act(peer: socket.socket) -> bool:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(head)
        while True:
            for byte in drops:
                peer.sendall(bytes([byte]))
                pause()

    return act


def endless(head: bytes, piece: bytes, sent: list[int] | None = None) -> Act:
    """The head, and then the same piece as fast as it goes, until the client goes."""

    def act(peer: socket.socket) -> bool:
        peer.sendall(head)
        while True:
            peer.sendall(piece)
            if sent is not None:
                sent.append(len(piece))

    return act


def bomb(mebibytes: int, layers: int = 1, status: int = 200, *headers: str) -> Act:
    """A body of that size, packed a thousandfold (and packed again)."""
    body = b" " * (mebibytes * 2**20)
    for _ in range(layers):
        body = gzip.compress(body, 9)
    return answer(status, body, "Content-Encoding: " + ", ".join(["gzip"] * layers), *headers)
