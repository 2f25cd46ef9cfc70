"""A pair of frontends, and what ARM shows of every way the addresses may lie on them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap.journal import float_id
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp
from vipswap_rest.switchover.report import Side

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"


def network_id(kind: str, name: str, group: str = "rg") -> ResourceId:
    return ResourceId.network(SUBSCRIPTION, group, kind, name)


LOAD_BALANCERS = {
    Side.PRODUCTION: network_id("loadBalancers", "blue"),
    Side.STAGING: network_id("loadBalancers", "green"),
}
FRONTENDS = {side: id.child("frontendIPConfigurations", "front") for side, id in LOAD_BALANCERS.items()}
ADDRESSES = {side: network_id("publicIPAddresses", f"{side.value}-ip") for side in Side}
FLOAT = float_id((LOAD_BALANCERS[Side.PRODUCTION], LOAD_BALANCERS[Side.STAGING]))
FOREIGN = network_id("publicIPAddresses", "foreign-ip")
PAIR = Pair(FRONTENDS, ADDRESSES, FLOAT)


def load_balancer_body(side: Side, address: ResourceId | None, state: str = "Succeeded") -> dict[str, object]:
    reference = {"publicIPAddress": {"id": str(address)}} if address else {"subnet": {"id": "/some/subnet"}}
    return {
        "id": str(LOAD_BALANCERS[side]),
        "name": LOAD_BALANCERS[side].name,
        "etag": f'W/"{side.value}"',
        "location": "westus",
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": {
            "provisioningState": state,
            "frontendIPConfigurations": [
                {"id": str(FRONTENDS[side]), "name": "front", "properties": {"provisioningState": state, **reference}}
            ],
        },
    }


def public_ip_body(id: ResourceId, holder: ResourceId | str | None, state: str = "Succeeded") -> dict[str, object]:
    held = {"ipConfiguration": {"id": str(holder)}} if holder else {}
    return {
        "id": str(id),
        "name": id.name,
        "etag": 'W/"ip"',
        "location": "westus",
        "sku": {"name": "Standard", "tier": "Regional"},
        "properties": {
            "provisioningState": state,
            "ipAddress": "203.0.113.9",
            "publicIPAllocationMethod": "Static",
            "publicIPAddressVersion": "IPv4",
            **held,
        },
    }


@dataclass(frozen=True)
class Arrangement:
    """Which address each frontend refers to, whether the float exists, and the states of all of it."""

    production: ResourceId | None
    staging: ResourceId | None
    float_exists: bool
    load_balancer_states: tuple[str, str] = ("Succeeded", "Succeeded")
    address_states: tuple[str, str] = ("Succeeded", "Succeeded")
    float_state: str = "Succeeded"

    def observed(self) -> Observed:
        """What five GETs would show."""
        on = {Side.PRODUCTION: self.production, Side.STAGING: self.staging}

        def holder(id: ResourceId) -> ResourceId | None:
            return next((FRONTENDS[side] for side in Side if on[side] == id), None)

        return Observed(
            {
                side: LoadBalancer.read(load_balancer_body(side, on[side], state))
                for side, state in zip(Side, self.load_balancer_states, strict=True)
            },
            {
                side: PublicIp.read(public_ip_body(ADDRESSES[side], holder(ADDRESSES[side]), state))
                for side, state in zip(Side, self.address_states, strict=True)
            },
            PublicIp.read(public_ip_body(FLOAT, holder(FLOAT), self.float_state)) if self.float_exists else None,
        )


START = Arrangement(ADDRESSES[Side.PRODUCTION], ADDRESSES[Side.STAGING], False)


@pytest.fixture
def start() -> Observed:
    """The state before a swap: each address on its own side, no float."""
    return START.observed()
