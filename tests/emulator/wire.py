"""Bytes on a socket, and the emulator as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.emulator.stage import VERSION

# Far longer than anything here takes: for what must come, not for what must not.
PATIENCE_S = 30.0


class Connection:
    """One connection, read answer by answer."""

    def __init__(self, endpoint: str, ca_file: str | None = None) -> None:
        host, port = endpoint.rpartition("/")[2].split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        if ca_file:
            context = ssl.create_default_context(cafile=ca_file)
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        """Send a request and wait for nothing."""
        self.send(head(method, path, len(body), **headers) + body)

    def answer(self, *, bodiless: bool = False) -> tuple[int, dict[str, str], bytes]:
        """The next answer: status, headers by lower-case name, body. Raises ConnectionError if the server cut it."""
        line = self._file.readline()
        if not line:
            raise ConnectionError("no answer")
        headers = {}
        while (field := self._file.readline().decode("latin-1").strip()) != "":
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if bodiless else int(headers.get("content-length", 0))
        return int(line.split()[1]), headers, self._file.read(length)

    def rest(self) -> bytes:
        """Everything until the server closes the connection."""
        return self._file.read()


def head(method: str, path: str, length: int = 0, **headers: str) -> bytes:
    target = path if "?" in path or path.startswith("/emulator") else f"{path}?api-version={VERSION}"
    fields = {"Host": "arm.test", "Authorization": "Bearer any", "Content-Length": str(length)}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def once(endpoint: str, method: str, path: str, body: Any = None, ca_file: str | None = None) -> tuple[int, Any]:
    """One request on a connection of its own: status and JSON."""
    with Connection(endpoint, ca_file) as connection:
        connection.ask(method, path, b"" if body is None else json.dumps(body).encode())
        status, _, content = connection.answer()
    return status, json.loads(content) if content else None


def wait_for_request(endpoint: str, path: str, ca_file: str | None = None) -> dict[str, Any]:
    """The listed request on a path, as soon as it has arrived."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for entry in once(endpoint, "GET", "/emulator/requests", ca_file=ca_file)[1]:
            if entry["path"] == path:
                return dict(entry)
        time.sleep(0.01)
    raise AssertionError(f"{path} was never asked")


@dataclass
class Process:
    """`vipswap emulator` and what it said first."""

    popen: subprocess.Popen[str]
    line: str
    said: dict[str, Any]

    @property
    def endpoint(self) -> str:
        return str(self.said["endpoint"])

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float, str, str]:
        """Send the signal: exit code, seconds until the end, and the rest of stdout and stderr."""
        start = time.monotonic()
        self.popen.send_signal(number)
        code = self.popen.wait(PATIENCE_S)
        seconds = time.monotonic() - start
        return code, seconds, *self.popen.communicate()


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "vipswap_rest", "emulator", *options]


@contextlib.contextmanager
def process(*options: str) -> Iterator[Process]:
    """The emulator as a process on a free port, ended at the end."""
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    popen = subprocess.Popen(
        command("--port", "0", *options),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert popen.stdout is not None
    try:
        line = popen.stdout.readline()
        assert line, popen.communicate()[1]
        yield Process(popen, line, json.loads(line))
    finally:
        popen.kill()
        popen.communicate()


def check_end(busy: Callable[[Process], AbstractContextManager[Any]], number: signal.Signals, *options: str) -> None:
    """An emulator that is `busy` ends well, silently and within a second of the signal."""
    seconds: list[float] = []
    # Once in three is enough: a machine may be busy with something else.
    while len(seconds) < 3 and min(seconds, default=2) > 1:
        with process(*options) as emulator, busy(emulator):
            code, took, out, err = emulator.end(number)
        assert (code, out, err) == (0, "", "")
        seconds.append(took)

    assert min(seconds) <= 1
