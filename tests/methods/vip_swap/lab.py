"""A swap and its emulator in a laboratory; here in one process, on a clock that moves only when somebody waits."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from tests.switchover.replaying import check_replays
from vipswap_rest.arm.auth import ReadyToken
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.http import Transport
from vipswap_rest.emulator import Answer, Emulator, Request, Settings
from vipswap_rest.emulator.control.faults import Faults
from vipswap_rest.emulator.exchange import Exchange
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.methods.vip_swap.recovery import Recovery, choose, find, nothing_found, recover
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options, Plan, plan, swap
from vipswap_rest.switchover.driver import Record, Unguarded
from vipswap_rest.switchover.events import Event
from vipswap_rest.switchover.report import Notice, Report

ENDPOINT = "http://127.0.0.1:9"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/vipswap"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
PRODUCTION_LB, STAGING_LB = (f"{NETWORK}/loadBalancers/vipswap{number}lb" for number in (1, 2))
PRODUCTION_IP, STAGING_IP = (f"{NETWORK}/publicIPAddresses/vipswap{number}pip" for number in (1, 2))
T = TypeVar("T")
TARGET = Target("vipswap1lb", "vipswap2lb", "vipswap")
ROUND_TRIP_S = 0.01


class VirtualClock:
    """Both sides' clock: sleeping is what moves it, and every request a little.

    With a `pace` above 1 every pause takes that many times as long, so that whoever waits in vain gives up sooner.
    """

    def __init__(self) -> None:
        self.time, self.pace = 1000.0, 1.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.time)

    def sleep(self, seconds: float) -> None:
        self.time += max(0.0, seconds) * self.pace

    def together(self, acts: Sequence[Callable[[], T]]) -> list[T]:
        """In turn, so that a run is the same each time."""
        return [act() for act in acts]

    def wait_for(self, act: Callable[[], T]) -> T:
        return act()


class Wire(BaseAdapter):
    """Where a client's requests go. `before` sees each first, and may change the world, raise or answer."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[requests.PreparedRequest], Answer | None] = lambda request: None
        self.sent: list[tuple[str, str, Any]] = []
        self.count = 0
        # The client dies at the request of that number: before it is done, or after it is done and before the answer.
        self.dies_before = self.dies_after = 0
        # The request that it died with before it was done; and those that land late, at the request of a number.
        self.lost: Request | None = None
        self.late: list[tuple[int, Request]] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self.count += 1
        for late in [one for one in self.late if one[0] <= self.count]:
            self.late.remove(late)
            self.land(late[1])
        instead = self.before(request)
        arriving = arriving_request(request)
        self.sent.append((arriving.method, arriving.path, arriving.body))
        if self.dies_before == self.count:
            self.lost = arriving
            raise Crash
        response = self.exchange(request, arriving, instead, **kwargs)
        if self.dies_after == self.count:
            raise Crash
        return response

    def land(self, late: Request) -> None:
        """Let a request arrive whose client is dead."""
        raise NotImplementedError

    def exchange(
        self, request: requests.PreparedRequest, arriving: Request, instead: Answer | None, **kwargs: Any
    ) -> requests.Response:
        """Have it answered, or answer it with `instead`; raises what requests would."""
        raise NotImplementedError

    def close(self) -> None:
        pass


def arriving_request(request: requests.PreparedRequest) -> Request:
    """A prepared request as the emulator gets it."""
    parts = urlsplit(request.url or "")
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    headers = {name.lower(): str(value) for name, value in request.headers.items()} | {"host": parts.netloc}
    return Request(request.method or "", parts.path + (f"?{parts.query}" if parts.query else ""), headers, body)


class InProcess(Wire):
    """Hands each request to the emulator's core, on the virtual clock."""

    def __init__(self, core: Emulator, clock: VirtualClock) -> None:
        super().__init__()
        self.core, self.clock = core, clock

    def land(self, late: Request) -> None:
        self.core.handle(late)

    def exchange(
        self, request: requests.PreparedRequest, arriving: Request, instead: Answer | None, **kwargs: Any
    ) -> requests.Response:
        self.clock.time += ROUND_TRIP_S / 2
        answer = instead or self._exchange(self.core.open(arriving), kwargs["timeout"][1])
        self.clock.time += ROUND_TRIP_S / 2
        return response_of(request, answer)

    def _exchange(self, exchange: Exchange, timeout: float) -> Answer:
        """What the emulator's server does, on the virtual clock, and what the client sees of it."""
        if exchange.reset:
            raise requests.ConnectionError("the connection was reset")
        if exchange.before_s > timeout:
            self.clock.time += timeout
            if exchange.zombie:
                exchange.do()
            raise requests.ReadTimeout("no answer")
        self.clock.time += exchange.before_s
        answer = exchange.do()
        if exchange.after_s > timeout:
            self.clock.time += timeout
            raise requests.ReadTimeout("no answer")
        self.clock.time += exchange.after_s
        if exchange.lost:
            raise requests.ConnectionError("the connection broke off")
        return answer


def response_of(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    """The emulator's answer as requests would give it."""
    response = requests.Response()
    response.status_code, response.url, response.request = answer.status, request.url or "", request
    response.raw = HTTPResponse(
        body=io.BytesIO(answer.body), headers=dict(answer.headers), status=answer.status, preload_content=False
    )
    response.headers.update(answer.headers)
    return response


class Crash(BaseException):
    """The client dies: nothing of it runs any more."""


class Laboratory:
    """An emulator, a client of it, and what happened: what the lab in one process and the one on sockets share."""

    clock: Clock
    wire: Wire
    # The events of the last run.
    recorded: list[Event]
    events: list[Notice]
    # How a recovery is run that nothing disturbs any more.
    undisturbed = Options()

    def client(self) -> ArmClient:
        """A client that knows nothing of those before it."""
        raise NotImplementedError

    def resources(self) -> Iterator[dict[str, Any]]:
        """Everything there is now, as ARM would show it."""
        raise NotImplementedError

    def strike(self, *faults: dict[str, Any]) -> None:
        """Add faults, in the form of POST /emulator/faults."""
        raise NotImplementedError

    def no_faults(self) -> None:
        """Take all faults away."""
        raise NotImplementedError

    def outsider(self, method: str, path: str, body: Any, **headers: str) -> int:
        """A request of somebody else's, at once; gives its status."""
        raise NotImplementedError

    def rest(self) -> None:
        """Wait until whatever is on its way has arrived, and no operation runs."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop what runs in the background."""

    def plan(self, target: Target = TARGET, options: Options | None = None) -> Plan:
        return plan(self.client(), target, options or Options())

    def swap(self, target: Target = TARGET, options: Options | None = None) -> Report:
        options, client = options or Options(), self.client()
        planned = plan(client, target, options)
        return self.replaying(
            lambda record: swap(client, planned, emit=self.events.append, guard=Unguarded(), record=record)
        )

    def replaying(self, run: Callable[[Record], Report]) -> Report:
        """Run, and see that the events of the run, also of one that crashed, replay to the same."""
        events = self.recorded = []
        report: Report | None = None
        try:
            report = run(events.append)
            return report
        finally:
            check_replays(events, report)

    def recover(self, way: Recovery = Recovery.SOONER, options: Options | None = None) -> Report:
        """What `vipswap recover -g vipswap` does."""
        client = self.client()
        one = choose(find(client, "vipswap"))
        if one is None:
            return nothing_found()
        options = options or self.undisturbed
        return self.replaying(
            lambda record: recover(client, one, way, options, emit=self.events.append, guard=Unguarded(), record=record)
        )

    def crash_at(self, number: int, *, done: bool) -> None:
        """Let the client die at its next `number`th request (from 1): before it is done, or after, unanswered."""
        if done:
            self.wire.dies_after = self.wire.count + number
        else:
            self.wire.dies_before = self.wire.count + number

    def heal(self) -> None:
        """No more crashes, and no more faults."""
        self.wire.dies_before = self.wire.dies_after = 0
        self.wire.before = lambda request: None
        self.no_faults()

    def get(self, id: str) -> dict[str, Any]:
        body = self.find(id)
        assert body is not None, id
        return body

    def find(self, id: str) -> dict[str, Any] | None:
        return next((body for body in self.resources() if same(body["id"], id)), None)

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Everything there is, without what the server sets anew at every write."""
        return {body["id"]: without_server_set(body) for body in self.resources()}

    def unsettled(self) -> list[str]:
        """What is not Succeeded."""
        states = {body["id"]: body.get("properties", {}).get("provisioningState") for body in self.resources()}
        return [f"{id}: {state}" for id, state in states.items() if state not in ("Succeeded", None)]

    def holds(self, load_balancer: str) -> str:
        return str(
            self.get(load_balancer)["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"]["id"]
        )

    def floats(self) -> list[str]:
        return [body["id"] for body in self.resources() if "vipswap-float-" in body["id"]]

    def writes(self) -> list[tuple[str, str]]:
        """All that may change something: asking for a rule's health is a POST too, and changes nothing."""
        return [(method, path) for method, path, _ in self.wire.sent if method != "GET" and "/health" not in path]


@dataclass
class Lab(Laboratory):
    """One emulator and what happened on it, in one process, on a virtual clock."""

    settings: Settings = field(default_factory=lambda: Settings(latency="blog"))
    events: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock: VirtualClock = VirtualClock()
        self.core = Emulator(self.settings, self.clock)
        self.wire = InProcess(self.core, self.clock)

    def client(self) -> ArmClient:
        session = requests.Session()
        session.mount("http://", self.wire)
        transport = Transport(ENDPOINT, ReadyToken("any"), clock=self.clock, session=session)
        return ArmClient(transport, SUBSCRIPTION)

    def strike(self, *faults: dict[str, Any]) -> None:
        self.core.faults.add(list(faults))

    def no_faults(self) -> None:
        self.core.faults.clear()

    def outsider(self, method: str, path: str, body: Any, **headers: str) -> int:
        headers = {"authorization": "Bearer outsider", "host": "127.0.0.1:9", **headers}
        request = Request(method, f"{path}?api-version=2024-05-01", headers, json.dumps(body).encode())
        # Somebody else's requests are no turn of a fault's.
        faults, self.core.faults = self.core.faults, Faults()
        try:
            return self.core.handle(request).status
        finally:
            self.core.faults = faults

    def rest(self) -> None:
        self.clock.sleep(300)

    def find(self, id: str) -> dict[str, Any] | None:
        return self.core.world.state.get(id)

    def put(self, *bodies: dict[str, Any]) -> None:
        for body in bodies:
            self.core.world.state.put(copy.deepcopy({"etag": self.core.world.identifiers.etag(), **body}))

    def resources(self) -> Iterator[dict[str, Any]]:
        self.core.world.operations.settle(self.clock.time)
        return iter(copy.deepcopy(self.core.world.state.all()))

    def timeline(self) -> list[dict[str, Any]]:
        self.core.world.operations.settle(self.clock.time)
        return list(self.core.world.timeline.events)

    def true_outage(self, address: str) -> float:
        """From the releasing write's acceptance to the attaching operation's success, by the timeline."""
        events = self.timeline()
        released = next(e["t"] for e in events if e["event"] == "request_accepted" and same(e["public_ip"], address))
        attached = next(e["t"] for e in events if e["event"] == "operation_succeeded" and same(e["public_ip"], address))
        return float(attached - released)


def same(one: str | None, other: str) -> bool:
    return (one or "").lower() == other.lower()


def without_server_set(body: Any) -> Any:
    """The body without etags and provisioning states."""
    if isinstance(body, dict):
        return {
            key: without_server_set(value) for key, value in body.items() if key not in ("etag", "provisioningState")
        }
    if isinstance(body, list):
        return [without_server_set(item) for item in body]
    return body


def exchanged(snapshot: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a swap shall make of a snapshot of the article's environment: two ids exchanged on either side."""
    expected = copy.deepcopy(snapshot)
    for load_balancer, address in ((PRODUCTION_LB, STAGING_IP), (STAGING_LB, PRODUCTION_IP)):
        frontend = expected[load_balancer]["properties"]["frontendIPConfigurations"][0]
        frontend["properties"]["publicIPAddress"]["id"] = address
        expected[address]["properties"]["ipConfiguration"]["id"] = frontend["id"]
    return expected
