"""Load balancers of many kinds, and the addresses for them."""

from __future__ import annotations

from typing import Any

from tests.emulator.stage import NETWORK, Json, Stage, address

OTHER = f"{NETWORK}/loadBalancers/other"
BASIC = {"name": "Basic"}


def child(name: str, **properties: Any) -> Json:
    return {"name": name, "properties": properties}


def part(kind: str, name: str, of: str = OTHER) -> Json:
    """A reference to a child of a load balancer."""
    return {"id": f"{of}/{kind}/{name}"}


def balancer(public_ip: str, *, sku: Json | None = None, **properties: Any) -> Json:
    """A load balancer with the frontend `front` on that address; properties replace or add collections."""
    made = {
        "frontendIPConfigurations": [child("front", publicIPAddress={"id": public_ip})],
        "backendAddressPools": [{"name": "pool"}],
        **properties,
    }
    return {"location": "westus", "sku": sku or {"name": "Standard"}, "properties": made}


def rule(name: str, port: int, of: str = OTHER, **more: Any) -> Json:
    asked = {
        "frontendIPConfiguration": part("frontendIPConfigurations", "front", of),
        "backendAddressPool": part("backendAddressPools", "pool", of),
        "probe": part("probes", "alive", of),
        "protocol": "Tcp",
        "frontendPort": port,
        "backendPort": port,
    }
    return child(name, **{**asked, **more})


PROBES = [child("alive", protocol="Http", port=80, requestPath="/")]


def nat_pool(name: str, first: int, last: int, backend: int, of: str = OTHER) -> Json:
    return child(
        name,
        frontendIPConfiguration=part("frontendIPConfigurations", "front", of),
        protocol="Tcp",
        frontendPortRangeStart=first,
        frontendPortRangeEnd=last,
        backendPort=backend,
    )


def outbound(name: str, of: str = OTHER) -> Json:
    return child(
        name,
        frontendIPConfigurations=[part("frontendIPConfigurations", "front", of)],
        backendAddressPool=part("backendAddressPools", "pool", of),
        protocol="All",
    )


def basic_address(**changes: Any) -> Json:
    return address(**{"sku": BASIC, "publicIPAllocationMethod": "Dynamic", **changes})


def make(stage: Stage, body: Json, id: str = OTHER) -> str:
    """Create the load balancer and wait until it is there."""
    answer = stage.put(id, body)
    assert answer.status == 201, answer.body
    stage.settle()
    return id


def with_members(stage: Stage, id: str = OTHER) -> str:
    """Put a network interface behind the load balancer's pools: from outside, as its own writes never do."""
    body = stage.get(id)
    nic = f"{NETWORK}/networkInterfaces/nic/ipConfigurations/one"
    for pool in body["properties"]["backendAddressPools"]:
        pool["properties"]["backendIPConfigurations"] = [{"id": nic}]
    stage.seed(body)
    return id
