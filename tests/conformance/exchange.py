"""What must be so once another client has exchanged the two addresses on the emulator, and only that."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.cli.conftest import PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm
from tests.emulator.stage import NATIVE, without_etags
from tests.emulator.wire import process

# Short operations, but as Azure's they take time, and ask for a pause that is a whole number: clients read it as one.
LATENCY = {
    "load_balancer_update": 0.3,
    "public_ip_create": 0.2,
    "public_ip_delete": 0.2,
    "native_swap": 0.4,
    "retry_after": 1,
}
ADDRESSES = "/publicIPAddresses/"


@dataclass
class Emulated:
    """`vipswap emulator --tls` as a process: its line, and the truth about it. `before`: its resources at the start."""

    said: dict[str, Any]
    arm: Arm
    before: dict[str, dict[str, Any]]

    def note(self) -> None:
        """Take what is there now for the start."""
        self.before = self.arm.state()

    def native_body(self) -> dict[str, Any]:
        """What the native swap is asked with, so that the two addresses are exchanged."""
        frontends = [frontend_of(self.before[one]) for one in (PRODUCTION_LB, STAGING_LB)]
        held = [one["properties"]["publicIPAddress"]["id"] for one in frontends]
        wanted = zip(frontends, reversed(held), strict=True)
        return {
            "frontendIPConfigurations": [
                {"id": one["id"], "properties": {"publicIPAddress": {"id": address}}} for one, address in wanted
            ]
        }


@contextlib.contextmanager
def emulated(folder: Path, *options: str) -> Iterator[Emulated]:
    """The emulator over TLS, which accepts its own token service's tokens only."""
    latency = folder / "latency.json"
    latency.write_text(json.dumps(LATENCY), encoding="utf-8")
    with process("--tls", "--require-token", "--latency", str(latency), *options) as running:
        arm = Arm(running.endpoint, running.said["ca_file"])
        yield Emulated(running.said, arm, arm.state())


def frontend_of(balancer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = balancer["properties"]["frontendIPConfigurations"][0]
    return found


def check(emulator: Emulated, native: bool, user_agent: str) -> None:
    """The addresses are exchanged and nothing else is changed; who asked was let in, and nothing was refused.

    user_agent: a regular expression for the client's own name, which every request to ARM must bear.
    """
    check_state(emulator)
    check_answers(emulator)
    check_timeline(emulator, native)
    check_requests(emulator, native, user_agent)


def check_state(emulator: Emulated) -> None:
    """Every resource is as before but for who holds which address; the float is gone.

    A Dynamic address is given back when nothing holds it, so it is another one afterwards.
    """
    wanted, found = copy.deepcopy(emulator.before), emulator.arm.state()
    for state in (wanted, found):
        for body in state.values():
            if body["properties"].get("publicIPAllocationMethod") == "Dynamic":
                assert body["properties"].pop("ipAddress")
    one, other = (frontend_of(wanted[balancer])["properties"] for balancer in (PRODUCTION_LB, STAGING_LB))
    one["publicIPAddress"], other["publicIPAddress"] = other["publicIPAddress"], one["publicIPAddress"]
    one, other = (wanted[address]["properties"] for address in (PRODUCTION_IP, STAGING_IP))
    one["ipConfiguration"], other["ipConfiguration"] = other["ipConfiguration"], one["ipConfiguration"]

    assert set(found) == set(wanted)
    changed = differences(without_etags(wanted), without_etags(found))
    assert not changed, "\n".join(changed)
    assert {re.sub(r"\s", "", state) for state in states(found)} == {"Succeeded"}


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two values differ, and how: what a failure has to say of two states that fill pages."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(set(one) | set(other))
        inner = [differences(one.get(key, "absent"), other.get(key, "absent"), f"{where}.{key}") for key in keys]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        inner = [differences(*pair, f"{where}[{index}]") for index, pair in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [f"{where}: {one!r} -> {other!r}"]
    return [line for lines in inner for line in lines]


def states(value: Any) -> Iterator[str]:
    """Every provisioningState in it."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if key == "provisioningState":
            yield str(inner)
        elif isinstance(inner, (dict, list)):
            yield from states(inner)


def check_answers(emulator: Emulated) -> None:
    """Behind each address the other deployment answers now, if addresses answer on this machine at all."""
    held = {PRODUCTION_IP: "vipswap2lb", STAGING_IP: "vipswap1lb"}
    state = emulator.arm.state()
    for address, name in held.items():
        ip = state[address]["properties"]["ipAddress"]
        if ip.startswith("127."):
            assert requests.get(f"http://{ip}:9000", timeout=10).text.strip() == name


def check_timeline(emulator: Emulated, native: bool) -> None:
    """Addresses were attached in the order of the swap, and every operation succeeded."""
    events = emulator.arm.timeline()
    attached = [(event["public_ip"], event["resource"]) for event in events if event["event"] == "address_attached"]
    wanted = [(STAGING_IP, PRODUCTION_LB), (PRODUCTION_IP, STAGING_LB)]

    assert not [event for event in events if event["event"] in ("operation_failed", "operation_canceled")]
    if native:
        assert sorted(attached) == sorted(wanted)
    else:
        assert attached[0][1] == STAGING_LB
        assert attached[1:] == wanted


def check_requests(emulator: Emulated, native: bool, user_agent: str) -> None:
    """Nothing was written but what the swap needs, and every request was this client's and was served."""
    asked = emulator.arm.requests()
    writes = [(entry["method"], kind(entry["path"])) for entry in asked if entry["method"] not in ("GET", "HEAD")]
    lb1, lb2 = kind(PRODUCTION_LB), kind(STAGING_LB)
    by_float = [("PUT", "float"), ("PUT", lb2), ("PUT", lb1), ("PUT", lb2), ("DELETE", "float")]

    assert writes == ([("POST", kind(NATIVE))] if native else by_float)
    assert [entry for entry in asked if not entry["authorized"] or entry["status"] >= 400] == []
    assert {entry["user_agent"] for entry in asked if not re.search(user_agent, entry["user_agent"] or "")} == set()


def kind(path: str) -> str:
    """What a write was about, whatever name the client gave its float."""
    return "float" if ADDRESSES.lower() in path.lower() else path.rpartition("/")[2].lower()
