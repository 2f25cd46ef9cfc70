"""A proxy that leads Microsoft's login host, and no other, to the emulator: adal takes no other name for a login."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import threading
from collections.abc import Iterator

LOGIN = "login.microsoftonline.com:443"
_QUIET_S = 30.0


class _Tunnel(socketserver.StreamRequestHandler):
    """One CONNECT (RFC 9110, 9.3.6): afterwards bytes go through both ways, unread."""

    target: tuple[str, int]
    asked: list[str]

    def handle(self) -> None:
        words = self.rfile.readline().decode("latin-1").split()
        while self.rfile.readline().strip():
            pass
        place = words[1] if len(words) > 1 else ""
        self.asked.append(place)
        if words[:1] != ["CONNECT"] or place != LOGIN:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(self.target, timeout=_QUIET_S) as other:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _join(self.connection, other)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes on until either side closes, or nothing came for a while."""
    ends = {one: other, other: one}
    while ready := select.select(list(ends), [], [], _QUIET_S)[0]:
        for end in ready:
            data = end.recv(65536)
            if not data:
                return
            ends[end].sendall(data)


@contextlib.contextmanager
def login_proxy(endpoint: str) -> Iterator[tuple[str, list[str]]]:
    """The proxy's URL, and the places it was asked for as they come."""
    host, port = endpoint.rpartition("/")[2].split(":")
    asked: list[str] = []
    handler = type("Tunnel", (_Tunnel,), {"target": (host, int(port)), "asked": asked})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="login-proxy")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()
