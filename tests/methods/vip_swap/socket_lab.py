"""The laboratory on real sockets: an emulator's server in a thread, and requests over loopback.

Unless another is given, both sides' clock runs 200 times as fast as the machine's, so that what takes a minute takes
0.3 s. Where something must happen before a
run gives up, it begins calm, and hurries from then on: else a slow machine would take it for a fault.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any

import requests

from tests.clocks import FastClock
from tests.methods.vip_swap.lab import Laboratory, Wire, response_of
from vipswap_rest.arm.auth import ReadyToken
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.http import Transport
from vipswap_rest.arm.http.connection import FLIGHT, Adapter
from vipswap_rest.emulator import Answer, Emulator, Request, Settings
from vipswap_rest.emulator.control.faults import Faults
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Notice
from vipswap_rest.switchover.state import Limits

RATE, CALM_RATE = 200.0, 10.0
# Really: how long a client waits for an answer while there are faults, before there are any, and where none is expected
# to be missing.
HURRIED_S, CALM_S, PATIENT_S = 0.2, 1.0, 30.0
_RUNNING = ("Updating", "Deleting")


class Sockets(Wire):
    """Sends each request over a connection, as the transport's own adapter does.

    What the client gives a request is in its own clock's seconds, what a socket waits in the machine's.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._adapter, self._clock = Adapter(), clock

    def land(self, late: Request) -> None:
        connection = http.client.HTTPConnection(late.headers["host"], timeout=PATIENT_S)
        try:
            connection.request(late.method, late.target, late.body, dict(late.headers))
            connection.getresponse().read()
        except (http.client.HTTPException, OSError):
            # A fault may strike it, too; there is nobody left to whom it matters.
            pass
        finally:
            connection.close()

    def exchange(
        self, request: requests.PreparedRequest, arriving: Request, instead: Answer | None, **kwargs: Any
    ) -> requests.Response:
        if instead:
            return response_of(request, instead)
        really = max(HURRIED_S, kwargs.pop("timeout")[1] / rate_of(self._clock))
        if flight := FLIGHT.get():
            flight.limit = time.monotonic() + really
        response = self._adapter.send(request, timeout=(really, really), **kwargs)
        # Read it here, as the session would do next: a client that dies now has given the connection back.
        _ = response.content
        return response

    def disconnect(self) -> None:
        """Close the connections that are kept."""
        self._adapter.close()


def rate_of(clock: Clock) -> float:
    """How fast a clock runs, beside the machine's."""
    return clock.rate if isinstance(clock, FastClock) else 1.0


class SocketLab(Laboratory):
    """One emulator on a port of its own, and what happened on it; to be closed."""

    # However slow the machine is, a recovery that nothing disturbs has time.
    undisturbed = Options(limits=Limits(operation_s=1e6, patience_s=1e6))

    def __init__(self, settings: Settings, clock: Clock | None = None, *, calm: bool = False) -> None:
        self.events: list[Notice] = []
        self.clock: Clock = clock or FastClock(CALM_RATE if calm else RATE)
        self.server = EmulatorServer(settings)
        self.server.core = Emulator(settings, self.clock)
        self.server.__enter__()
        self.wire: Sockets = Sockets(self.clock)
        self.timeout_s = CALM_S if calm else HURRIED_S
        self._transport: Transport | None = None
        self._admin = requests.Session()
        self._admin.trust_env = False
        # How long reads may be stale after the last fault.
        self._stale_s = 0.0

    def close(self) -> None:
        self._admin.close()
        self.wire.disconnect()
        self.server.__exit__(None, None, None)

    def __enter__(self) -> SocketLab:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def client(self) -> ArmClient:
        session = requests.Session()
        session.mount("http://", self.wire)
        self._transport = Transport(
            self.server.endpoint,
            ReadyToken("any"),
            clock=self.clock,
            session=session,
            read_timeout=self.timeout_s * rate_of(self.clock),
        )
        return ArmClient(self._transport, SUBSCRIPTION)

    def hurry(self) -> None:
        """End what was calm, for a client that is at work, too."""
        self.timeout_s = HURRIED_S
        if isinstance(self.clock, FastClock):
            self.clock.run(RATE)
        if self._transport is not None:
            self._transport.read_timeout = HURRIED_S * rate_of(self.clock)

    def resources(self) -> Iterator[dict[str, Any]]:
        return iter(self._ask("GET", "state")["resources"])

    def requests(self) -> list[dict[str, Any]]:
        """What arrived, and how it was answered."""
        found: list[dict[str, Any]] = self._ask("GET", "requests")
        return found

    def timeline(self) -> list[dict[str, Any]]:
        """The emulator's own account of what happened."""
        found: list[dict[str, Any]] = self._ask("GET", "timeline")["events"]
        return found

    def strike(self, *faults: dict[str, Any]) -> None:
        self._stale_s = max([self._stale_s, *(fault["effect"].get("stale_reads_s", 0.0) for fault in faults)])
        self._ask("POST", "faults", json=list(faults))

    def struck(self) -> int:
        """How often the faults that are there have struck."""
        return sum(fault["struck"] for fault in self._ask("GET", "faults")["faults"])

    def no_faults(self) -> None:
        self._ask("DELETE", "faults")

    def heal(self) -> None:
        super().heal()
        self.timeout_s = PATIENT_S

    def outsider(self, method: str, path: str, body: Any, **headers: str) -> int:
        # Somebody else's requests are no turn of a fault's.
        core = self.server.core
        faults, core.faults = core.faults, Faults()
        try:
            answer = self._admin.request(
                method,
                self.server.endpoint + path,
                params={"api-version": "2024-05-01"},
                json=body,
                headers={"Authorization": "Bearer outsider", **headers},
                timeout=PATIENT_S,
            )
        finally:
            core.faults = faults
        return answer.status_code

    def rest(self) -> None:
        """Wait for the end of stale reads, of what hung, and of every operation."""
        # What hung goes on, or is dropped, within a hundredth of a second once its fault or its client is gone.
        time.sleep(0.05)
        self.clock.sleep(self._stale_s)
        while any(body.get("properties", {}).get("provisioningState") in _RUNNING for body in self.resources()):
            time.sleep(0.02)

    def _ask(self, method: str, what: str, **options: Any) -> Any:
        answer = self._admin.request(method, f"{self.server.endpoint}/emulator/{what}", timeout=PATIENT_S, **options)
        answer.raise_for_status()
        return answer.json()
