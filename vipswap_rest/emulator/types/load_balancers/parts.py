"""A load balancer's parts, and what its body says of itself."""

from __future__ import annotations

from collections.abc import Iterator

from ...arm.shapes import COMMON, REFERENCE
from ...arm.state import is_global, listed, named, properties_of
from ...messages import Json

NAME = "Microsoft.Network/loadBalancers"

FRONTENDS = "frontendIPConfigurations"
POOLS = "backendAddressPools"
RULES = "loadBalancingRules"
PROBES = "probes"
NAT_RULES = "inboundNatRules"
NAT_POOLS = "inboundNatPools"
OUTBOUND = "outboundRules"
# In the order in which ARM lists them.
COLLECTIONS = (FRONTENDS, POOLS, RULES, PROBES, NAT_RULES, OUTBOUND, NAT_POOLS)

# Properties that refer to one resource, and those that refer to several.
REFERENCES = (
    *("publicIPAddress", "publicIPPrefix", "subnet", "gatewayLoadBalancer"),
    *("frontendIPConfiguration", "backendAddressPool", "probe"),
)
REFERENCE_LISTS = ("frontendIPConfigurations", "backendAddressPools")

# The form of a body: what ARM can parse.
_INTEGERS = dict.fromkeys(
    (
        *("frontendPort", "backendPort", "frontendPortRangeStart", "frontendPortRangeEnd", "idleTimeoutInMinutes"),
        *("port", "intervalInSeconds", "numberOfProbes", "probeThreshold", "allocatedOutboundPorts"),
    ),
    int,
)
_REFERENCES = dict.fromkeys(
    ("frontendIPConfiguration", "backendAddressPool", "probe", "publicIPAddress", "subnet", "publicIPPrefix"),
    REFERENCE,
)
_RULE = {**_INTEGERS, **_REFERENCES, "protocol": str, "requestPath": str, "backendAddressPools": [REFERENCE]}
_CHILD = {
    "name": str,
    "zones": [str],
    "properties": {**_RULE, "frontendIPConfigurations": [REFERENCE], "loadBalancerBackendAddresses": [{"name": str}]},
}
SHAPE: Json = {
    **COMMON,
    "properties": {kind: [_CHILD] for kind in COLLECTIONS},
}


def references(child: Json) -> Iterator[tuple[str, str]]:
    """What a child refers to: property name and id."""
    found = properties_of(child)
    for key in REFERENCES:
        value = found.get(key)
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            yield key, value["id"]
    for key in REFERENCE_LISTS:
        for value in listed(found, key):
            if isinstance(value.get("id"), str):
                yield key, value["id"]


def rule_pools(body: Json | None) -> dict[str, list[str]]:
    """The ids of each rule's pools, in lower case, by the rule's name."""
    rules = named(properties_of(body or {}), RULES)
    return {
        name: [one.lower() for key, one in references(rule) if key.startswith("backendAddressPool")]
        for name, rule in rules.items()
    }


def has_members(body: Json | None) -> bool:
    """Whether the load balancer has backends: only then does ARM have work to do.

    Recorded: with members 57 of 59 updates were `Updating`; without, none of 816 Basic ones and 21 of 156 Standard
    ones. Global ones were `Updating` 4 times of 4, their pools empty or not.
    """
    if body is None:
        return False
    pools, rules = (
        [properties_of(child) for child in listed(properties_of(body), kind)] for kind in (POOLS, NAT_RULES)
    )
    return (
        any(pool.get("backendIPConfigurations") or pool.get("loadBalancerBackendAddresses") for pool in pools)
        or any(rule.get("backendIPConfiguration") for rule in rules)
        or is_global(body)
    )
