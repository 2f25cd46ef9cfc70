"""Addresses that ARM fills into a load balancer's body: of its internal frontends, and of its members that have one.

A frontend in a subnet has a `privateIPAddress` as soon as its PUT is accepted (recorded 63 of 63), and a member that
names another load balancer's frontend has that one's public address.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ...arm.state import State, listed, named, properties_of, reference
from ...messages import Json
from ..body_table import MEMBERS
from . import parts as lb

# Azure keeps a subnet's first four addresses and its last one:
# https://learn.microsoft.com/azure/virtual-network/virtual-networks-faq
_KEPT = 4
# The prefix of a subnet that does not exist here.
_UNKNOWN = "10.0.0.0/24"
_MOST = 4096


def fill(state: State, body: Json, previous: Json | None) -> None:
    """Give the load balancer's frontends and members the addresses that its PUT does not say."""
    before = named(properties_of(previous or {}), lb.FRONTENDS)
    for frontend in listed(properties_of(body), lb.FRONTENDS):
        found, old = properties_of(frontend), properties_of(before.get(str(frontend.get("name")).lower(), {}))
        subnet = reference(found, "subnet") or ""
        if not subnet or "privateIPAddress" in found:
            continue
        if "privateIPAddress" in old and (reference(old, "subnet") or "").lower() == subnet.lower():
            found["privateIPAddress"] = old["privateIPAddress"]
        elif str(found.get("privateIPAddressVersion", "IPv4")).lower() == "ipv4":
            found["privateIPAddress"] = _free(state, body, subnet)
    for pool in listed(properties_of(body), lb.POOLS):
        for member in listed(properties_of(pool), MEMBERS):
            made = properties_of(member)
            address = _address_of(state, (reference(made, "loadBalancerFrontendIPConfiguration") or ""))
            if address is not None:
                made.setdefault("ipAddress", address)


def _free(state: State, body: Json, subnet: str) -> str:
    """The lowest address of the subnet that no frontend has; recorded of an empty one: 10.0.0.4."""
    balancers = [one for one in state.of_type(lb.NAME) if one["id"].lower() != str(body["id"]).lower()]
    taken = {
        properties_of(frontend).get("privateIPAddress")
        for balancer in (*balancers, body)
        for frontend in listed(properties_of(balancer), lb.FRONTENDS)
        if (reference(properties_of(frontend), "subnet") or "").lower() == subnet.lower()
    }
    network = _prefix(state, subnet)
    free = (str(network[number]) for number in range(_KEPT, min(network.num_addresses - 1, _MOST)))
    return next((one for one in free if one not in taken), str(network[-1]))


def _prefix(state: State, subnet: str) -> ipaddress.IPv4Network:
    network = state.get(subnet.rpartition("/subnets/")[0]) or {}
    found = named(properties_of(network), "subnets").get(subnet.rpartition("/")[2].lower(), {})
    for prefix in _prefixes(properties_of(found)):
        try:
            return ipaddress.IPv4Network(prefix, strict=False)
        except ValueError:
            continue
    return ipaddress.IPv4Network(_UNKNOWN)


def _prefixes(subnet: Json) -> Iterator[str]:
    more = subnet.get("addressPrefixes")
    yield from (one for one in (subnet.get("addressPrefix"), *(more if isinstance(more, list) else ())) if one)


def _address_of(state: State, frontend: str) -> str | None:
    """The public address of a load balancer's frontend."""
    parent, _, name = frontend.rpartition(f"/{lb.FRONTENDS}/")
    found = named(properties_of(state.get(parent) or {}), lb.FRONTENDS).get(name.lower(), {})
    address = properties_of(state.get(reference(properties_of(found), "publicIPAddress") or "") or {}).get("ipAddress")
    return address if isinstance(address, str) else None
