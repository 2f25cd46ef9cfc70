"""requests on connections of our own: the target is asked for byte for byte, how far a request came is known, and an
answer has an end: in time, and in bytes."""

from __future__ import annotations

import http.client
import io
import math
import platform
import re
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from vipswap_rest import arm
from vipswap_rest.arm.clock import SystemClock
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.arm.http.urls import redact

# RFC 9110 section 10.1.5.
USER_AGENT = f"vipswap_rest/{arm.__version__} Python/{platform.python_version()}"
# Of a whole answer as it comes over the wire, and of a body unpacked: many times the largest that ARM sends.
LARGEST_ANSWER_B = 16 * 2**20

# Sockets wait on the machine's clock, whatever the client's own is.
_MACHINE = SystemClock()


class AnswerTooLong(OSError):
    """An answer that goes on beyond all reason."""


class Bearer(requests.auth.AuthBase):
    """Puts the token on the request; being an `auth`, it also keeps a ~/.netrc from replacing it."""

    def __init__(self, token: str) -> None:
        # What requests would say of an unfit header holds the header.
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise CredentialError("The credential returned a token that a header cannot hold.")
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(slots=True)
class Flight:
    """One request on the wire: the target to ask for, byte for byte, when its time is up, and how far it came."""

    target: str
    limit: float = math.inf
    connecting: bool = False
    sent: bool = False

    @classmethod
    def within(cls, seconds: float, target: str) -> Flight:
        """A flight that may last so many seconds from now, its answer's last byte included."""
        return cls(target, _MACHINE.monotonic() + seconds)

    def left(self) -> float:
        """The seconds that are left, for a socket's timeout. Raises TimeoutError if there are none."""
        left = self.limit - _MACHINE.monotonic()
        if left <= 0:
            raise TimeoutError("the time limit of this request has passed")
        return left

    def call_off(self) -> None:
        """Send nothing more of it, and read nothing more: whoever carries it out is stopped at its next look."""
        self.limit = -math.inf


FLIGHT: ContextVar[Flight | None] = ContextVar("flight", default=None)


class _Received(io.RawIOBase):
    """What comes from a socket while its flight lasts: a socket's own timeout begins anew with every byte."""

    def __init__(self, raw: io.RawIOBase, peer: socket.socket, flight: Flight) -> None:
        self._raw, self._peer, self._flight, self._room = raw, peer, flight, LARGEST_ANSWER_B

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._peer.settimeout(self._flight.left())
        count: int | None = self._raw.readinto(buffer)
        self._room -= count or 0
        if self._room < 0:
            raise AnswerTooLong(f"more than {LARGEST_ANSWER_B} bytes")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer read through the above, its status line and headers too."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        if flight := FLIGHT.get():
            self.fp = io.BufferedReader(_Received(self.fp.detach(), sock, flight))


class _Connection(HTTPConnection):
    """A connection that asks for the flight's own target, where urllib3 rewrites encodings, and says how far it is."""

    response_class = _Response

    def connect(self) -> None:
        if flight := FLIGHT.get():
            flight.connecting = True
        super().connect()

    def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
        flight = FLIGHT.get()
        if flight:
            if self.sock is None:
                self.connect()
            flight.left()
            url, flight.sent = flight.target, True
        super().request(method, url, *args, **options)

    def send(self, data: Any) -> None:
        if (flight := FLIGHT.get()) and self.sock:
            self.sock.settimeout(flight.left())
        super().send(data)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Adapter(requests.adapters.HTTPAdapter):
    """requests on the connections above. All that urllib3 gets to see, to log and to put into errors is redacted."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager

    def close(self) -> None:
        # urllib3 leaves the connections themselves to the garbage collector.
        for key in list(self.poolmanager.pools.keys()):
            self.poolmanager.pools[key].close()
        super().close()

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        return redact(request.url or "/")


class _Session(requests.Session):
    """A session that says who asks, and looks for no redirect: requests reads the whole body of one even if it does not
    follow it."""

    def __init__(self) -> None:
        super().__init__()
        self.headers["User-Agent"] = USER_AGENT

    def get_redirect_target(self, answer: requests.Response) -> None:
        return None


def new_session() -> requests.Session:
    """A session for requests that have a flight."""
    session = _Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter())
    return session


class BoundedSession(_Session):
    """A session whose every answer ends within some seconds and 16 MiB, and that follows no redirect."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        for scheme in ("https://", "http://"):
            self.mount(scheme, Adapter())

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """As requests does it. Raises what requests raises."""
        reset = FLIGHT.set(Flight.within(self._seconds, request.path_url))
        try:
            return super().send(request, **options)
        finally:
            FLIGHT.reset(reset)
