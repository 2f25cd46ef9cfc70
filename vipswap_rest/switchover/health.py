"""Whether an address answers: a TCP connection, or an HTTP GET. The only packets that go to the swapped addresses."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Protocol

import requests

from vipswap_rest.arm.http import BoundedSession

# A healthy backend answers in less; one that is slower is not what production should be put on.
ANSWER_S = 2.0
# How long production may take to answer after a switch, unless somebody says otherwise (seconds).
VERIFY_TIMEOUT_S = 30.0


class Check(Protocol):
    """Asks an address and port once."""

    def answers(self, address: str, port: int) -> str | None:
        """None if it answers as it should, else why it does not, in a few words."""


@dataclass(frozen=True, slots=True)
class TcpCheck:
    """Healthy is what accepts a TCP connection."""

    timeout_s: float = ANSWER_S

    def answers(self, address: str, port: int) -> str | None:
        """None if a connection could be made."""
        try:
            socket.create_connection((address, port), self.timeout_s).close()
        except OSError as error:
            return f"no TCP connection to {address}:{port}: {error}"
        return None


@dataclass(frozen=True, slots=True)
class HttpCheck:
    """Healthy is what answers a GET of the path with a status below 400. No proxy, no token, no redirect."""

    path: str
    timeout_s: float = ANSWER_S

    def answers(self, address: str, port: int) -> str | None:
        """None if the answer was good."""
        host = f"[{address}]" if ":" in address else address
        url = f"http://{host}:{port}/{self.path.lstrip('/')}"
        with BoundedSession(self.timeout_s) as session:
            session.trust_env = False
            try:
                answer = session.get(url, timeout=self.timeout_s, allow_redirects=False, stream=True)
            except requests.RequestException as error:
                return f"GET {url}: {type(error).__name__}"
        return None if answer.status_code < 400 else f"GET {url}: {answer.status_code}"


def check_of(text: str) -> Check:
    """The check that `--health` names: `tcp`, or a path."""
    return TcpCheck() if text.lower() == "tcp" else HttpCheck(text)
