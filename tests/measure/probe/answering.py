"""A small server for one address: what it sends back to a connection is the test's to say."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nConnection: close\r\n\r\none\n"


def say(data: bytes, *, after_s: float = 0.0) -> Callable[[socket.socket], None]:
    """Read a request and answer it."""

    def act(connection: socket.socket) -> None:
        connection.recv(4096)
        time.sleep(after_s)
        connection.sendall(data)

    return act


def reset(connection: socket.socket) -> None:
    """Read a request and reset the connection."""
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang_up(connection: socket.socket) -> None:
    """Read a request and close politely."""
    connection.recv(4096)


def silent(connection: socket.socket) -> None:
    """Say nothing until the other end goes."""
    connection.recv(4096)
    connection.recv(4096)


class Answering:
    """Listens on loopback and does `act` with each connection, in a thread each."""

    def __init__(
        self,
        act: Callable[[socket.socket], None] | None = None,
        *,
        delay_s: float = 0.0,
        host: str = "127.0.0.1",
    ) -> None:
        self._act = act or say(PLAIN, after_s=delay_s)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family, backlog=1000)
        self.host, self.port = host, self._listener.getsockname()[1]
        self.answered = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    def __enter__(self) -> Answering:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # accept() in the other thread returns only if the listener is shut down first.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(5.0)
            self._act(connection)
            self.answered += 1
