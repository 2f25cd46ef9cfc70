"""A server on loopback that plays one script: what is done with each request, in the order in which they come."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

# What is done with a connection on which a request has arrived; True keeps it open for the next one.
Act = Callable[[socket.socket], bool]


@dataclass(frozen=True)
class Request:
    """One request as it stood on the wire."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]


@dataclass
class Server:
    """What a running server saw."""

    port: int
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def answer(status: int = 200, body: bytes = b"{}", *headers: str, keep: bool = True) -> Act:
    """Answer, and keep the connection or close it."""

    def act(peer: socket.socket) -> bool:
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
        peer.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return keep

    return act


def raw(data: bytes) -> Act:
    """Send these bytes and close."""

    def act(peer: socket.socket) -> bool:
        peer.sendall(data)
        return False

    return act


def close(peer: socket.socket) -> bool:
    """Close without an answer."""
    return False


def reset(peer: socket.socket) -> bool:
    """Cut the connection with a RST."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hang(peer: socket.socket) -> bool:
    """Say nothing until the client goes away."""
    with suppress(OSError):
        peer.recv(1)
    return False


@contextmanager
def serve(*script: Act, tls: ssl.SSLContext | None = None, greeting: bytes = b"") -> Iterator[Server]:
    """Run the script; a request after its end is answered 599. With a greeting that is all a client gets."""
    acts = list(script)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])
        thread = threading.Thread(target=_run, args=(listener, server, acts, tls, greeting), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _run(listener: socket.socket, server: Server, acts: list[Act], tls: ssl.SSLContext | None, greeting: bytes) -> None:
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        server.connections += 1
        server.closed.clear()
        # A client that goes away in the middle ends its connection and nothing else.
        with suppress(OSError), peer:
            peer.settimeout(10)
            if greeting:
                peer.sendall(greeting)
            elif tls is None:
                _talk(peer, server, acts)
            else:
                with tls.wrap_socket(peer, server_side=True) as wrapped:
                    _talk(wrapped, server, acts)
        server.closed.set()


def read_request(stream: BinaryIO, connection: int) -> Request | None:
    """The next request on a connection; None if the client has no more."""
    line = stream.readline().decode("latin-1").rstrip("\r\n")
    if not line:
        return None
    headers = {}
    while text := stream.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = text.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, stream.read(int(headers.get("content-length", 0))), connection)


def _talk(peer: socket.socket, server: Server, acts: list[Act]) -> None:
    with peer.makefile("rb") as stream:
        while request := read_request(stream, server.connections):
            server.requests.append(request)
            act = acts.pop(0) if acts else answer(599)
            if not act(peer):
                break
