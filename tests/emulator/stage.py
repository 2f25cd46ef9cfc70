"""The emulator in process, on a clock that stands still until a test moves it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from vipswap_rest.emulator import Answer, Emulator, Request, Settings
from vipswap_rest.emulator.settings import SUBSCRIPTION

Json = dict[str, Any]

VERSION = "2026-03-01"
HOST = "arm.test"
SUB = f"/subscriptions/{SUBSCRIPTION}"
GROUP = f"{SUB}/resourceGroups/vipswap"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
LB1, LB2 = (f"{NETWORK}/loadBalancers/vipswap{number}lb" for number in (1, 2))
IP1, IP2 = (f"{NETWORK}/publicIPAddresses/vipswap{number}pip" for number in (1, 2))
FRONTEND1, FRONTEND2 = (f"{lb}/frontendIPConfigurations/LoadBalancerFrontEnd" for lb in (LB1, LB2))
FLOAT = f"{NETWORK}/publicIPAddresses/float"
NATIVE = f"{SUB}/providers/Microsoft.Network/locations/westus/setLoadBalancerFrontendPublicIpAddresses"


class StillClock:
    """Both readings of time, moved by hand."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        return self.time

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=self.time)

    def advance(self, seconds: float) -> None:
        self.time += seconds


class Stage:
    """One emulator, its clock, and short ways to call it."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.clock = StillClock()
        self.emulator = Emulator(settings or Settings(latency="blog"), self.clock)

    def send(self, method: str, target: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """A request as it is: `target` with its query, `body` bytes or JSON."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"host": HOST, "authorization": "Bearer any", **(headers or {})}
        return self.emulator.handle(Request(method, target, {k: v for k, v in sent.items() if v}, content))

    def call(self, method: str, path: str, body: Any = None, version: str = VERSION, **headers: str) -> Answer:
        """A call to ARM; header names with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, f"{path}?api-version={version}", body, named)

    def get(self, path: str, version: str = VERSION) -> Json:
        """The resource, which must be there; a copy to change at will."""
        answer = self.call("GET", path, version=version)
        assert answer.status == 200, answer.body
        body: Json = answer.json()
        return body

    def put(self, path: str, body: Json, **headers: str) -> Answer:
        return self.call("PUT", path, body, **headers)

    def follow(self, answer: Answer, header: str = "Azure-AsyncOperation") -> Answer:
        """GET what a header of the answer names, verbatim."""
        return self.send("GET", answer.headers[header].removeprefix(f"http://{HOST}"))

    def status(self, answer: Answer) -> str:
        """What the operation of an answer says now."""
        return str(self.follow(answer).json()["status"])

    def put_address(self, load_balancer: str, public_ip: str | None, **headers: str) -> Answer:
        """PUT the load balancer with another address on its first frontend; None takes the address away."""
        return self.put(load_balancer, self.with_address(load_balancer, public_ip), **headers)

    def with_address(self, load_balancer: str, public_ip: str | None) -> Json:
        body = self.get(load_balancer)
        frontend = body["properties"]["frontendIPConfigurations"][0]["properties"]
        del frontend["publicIPAddress"]
        if public_ip is not None:
            frontend["publicIPAddress"] = {"id": public_ip}
        return body

    def make_address(self, path: str = FLOAT, /, **changes: Any) -> str:
        """Create a Standard address and wait until it is there."""
        answer = self.put(path, address(**changes))
        assert answer.status == 201, answer.body
        self.settle()
        return path

    def settle(self) -> None:
        """Long enough for every operation of any profile."""
        self.clock.advance(1000)

    def seed(self, *bodies: Json) -> None:
        answer = self.send("PUT", "/emulator/state", {"resources": list(bodies)})
        assert answer.status == 200, answer.body

    def state(self) -> dict[str, Json]:
        """Every resource by its id."""
        return {body["id"]: body for body in self.admin("state")["resources"]}

    def events(self, name: str | None = None) -> list[Json]:
        found = self.admin("timeline")["events"]
        return [event for event in found if name is None or event["event"] == name]

    def admin(self, path: str, method: str = "GET", body: Any = None) -> Any:
        return self.send(method, f"/emulator/{path}", body, {"authorization": ""}).json()

    def fault(self, effect: Json, method: str = ".*", path: str = ".*", **more: Any) -> None:
        answer = self.send(
            "POST", "/emulator/faults", {"match": {"method": method, "path": path}, "effect": effect, **more}
        )
        assert answer.status == 200, answer.body


def address(**changes: Any) -> Json:
    """What a Standard public IP is created with; changes are of its properties, but for sku, zones and tags."""
    body: Json = {
        "location": "westus",
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": {"publicIPAllocationMethod": "Static"},
    }
    for name, value in changes.items():
        (body if name in ("sku", "zones", "tags", "location") else body["properties"])[name] = value
    return body


def settings_of(folder: Path, latency: Any, **more: Any) -> Settings:
    """Settings with a latency file that says this."""
    file = folder / "latency.json"
    file.write_text(latency if isinstance(latency, str) else json.dumps(latency), encoding="utf-8")
    return Settings(latency=str(file), **more)


def error(answer: Answer) -> tuple[int, str]:
    """Status and code of an ARM error."""
    return answer.status, answer.json()["error"]["code"]


def said(answer: Answer) -> str:
    """An ARM error's message."""
    return str(answer.json()["error"]["message"])


def without_etags(body: Any) -> Any:
    """A copy without etags and states, which change by themselves."""
    if isinstance(body, dict):
        return {name: without_etags(value) for name, value in body.items() if name not in ("etag", "provisioningState")}
    return [without_etags(item) for item in body] if isinstance(body, list) else copy.deepcopy(body)


def key_paths(value: Any, path: str = "") -> Iterator[str]:
    """Every key of a JSON value with the way to it, such as `properties.rules[0].name`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}".lstrip(".")
            yield from key_paths(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from key_paths(inner, f"{path}[{index}]")
