"""requests on connections of our own: the target is asked for byte for byte, and how far a request came is known."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from vipswap_rest.errors import CredentialError
from vipswap_rest.transport.urls import redact


class Bearer(requests.auth.AuthBase):
    """Puts the token on the request; being an `auth`, it also keeps a ~/.netrc from replacing it."""

    def __init__(self, token: str) -> None:
        # What requests would say of an unfit header holds the header.
        if not re.fullmatch(r"[\x21-\x7e]+", token):
            raise CredentialError("The credential gave a token that cannot stand in a header.")
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(slots=True)
class Flight:
    """One request on the wire: the target to ask for, byte for byte, and how far it came."""

    target: str
    connecting: bool = False
    sent: bool = False


FLIGHT: ContextVar[Flight | None] = ContextVar("flight", default=None)


class _Connection(HTTPConnection):
    """A connection that asks for the flight's own target, where urllib3 rewrites encodings, and says how far it is."""

    def connect(self) -> None:
        if flight := FLIGHT.get():
            flight.connecting = True
        super().connect()

    def request(self, method: str, url: str, *args: Any, **options: Any) -> None:
        flight = FLIGHT.get()
        if flight:
            if self.sock is None:
                self.connect()
            url, flight.sent = flight.target, True
        super().request(method, url, *args, **options)


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


def new_session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter())
    return session
