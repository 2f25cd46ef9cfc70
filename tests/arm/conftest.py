"""A clock that moves only when somebody waits, and clients of an ARM that `responses` plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TypeVar

import pytest
import responses

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.http import Transport

T = TypeVar("T")
ARM = "https://management.azure.com"
SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
LB = f"{GROUP}/providers/Microsoft.Network/loadBalancers/lb"
TOKEN = "eyJhbGciOiJub25lIn0.bm90LWEtcmVhbC10b2tlbg.c2lnbmF0dXJl"


class VirtualClock:
    """Sleeping is what moves it; `slept` lists the waits."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.time)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += max(0.0, seconds)

    def together(self, acts: Sequence[Callable[[], T]]) -> list[T]:
        """In turn, so that a run is the same each time."""
        return [act() for act in acts]

    def wait_for(self, act: Callable[[], T]) -> T:
        return act()


@dataclass
class Tokens:
    """A credential with tokens in store; the last one cannot be renewed."""

    texts: list[str] = field(default_factory=lambda: [TOKEN])
    description: str = "a credential of the tests"

    def token(self) -> str:
        return self.texts[0]

    def renew(self) -> bool:
        if len(self.texts) == 1:
            return False
        self.texts.pop(0)
        return True

    def renew_ahead(self, seconds: float) -> None:
        pass

    @property
    def expires(self) -> datetime | None:
        return None


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def arm() -> Iterator[responses.RequestsMock]:
    """What ARM answers; a request that nobody expected fails, and so does an answer that nobody asked for."""
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def transport(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    transport = Transport(ARM, Tokens(), clock=clock)
    yield transport
    transport.close()


@pytest.fixture
def client(transport: Transport) -> ArmClient:
    return ArmClient(transport, SUBSCRIPTION)
