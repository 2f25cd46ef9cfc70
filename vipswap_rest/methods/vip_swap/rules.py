"""What a frontend serves, read from the load balancer's body: its rules, inbound NAT rules and NAT pools. Pure.

https://learn.microsoft.com/azure/load-balancer/components
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vipswap_rest.arm.ids import id_key, same_id
from vipswap_rest.arm.words import word_key

LAST_PORT = 65535


class RuleKind(str, Enum):
    """What a frontend can be referred to by, named as the load balancer's body names them."""

    BALANCING = "loadBalancingRules"
    NAT_RULE = "inboundNatRules"
    NAT_POOL = "inboundNatPools"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a frontend: its protocols ("tcp", "udp"), its ports (both ends count), and what stands behind it.

    `floating`: floating IP (direct server return) is on. `snat`: outbound connections of the pool leave from here.
    """

    kind: RuleKind
    name: str
    protocols: tuple[str, ...]
    first: int
    last: int
    pools: tuple[str, ...] = ()
    probe: str | None = None
    floating: bool = False
    snat: bool = False


def rules_of(body: Mapping[str, Any], frontend: str) -> Iterator[Rule]:
    """The rules of a load balancer that refer to the frontend of that id."""
    for kind in RuleKind:
        for item in body["properties"].get(kind.value) or []:
            properties = item.get("properties") or {}
            if same_id(_id(properties.get("frontendIPConfiguration")), frontend):
                yield _rule(kind, str(item.get("name")), properties)


def machines_of(body: Mapping[str, Any]) -> Iterator[str]:
    """The scale sets, or the network interfaces, that are behind a load balancer: their ids."""
    for pool in body["properties"].get("backendAddressPools") or []:
        for member in (pool.get("properties") or {}).get("backendIPConfigurations") or []:
            id = str(_id(member) or "")
            if id:
                yield id.partition("/virtualMachines/")[0].partition("/ipConfigurations/")[0]


def has_outbound_rule(body: Mapping[str, Any], frontend: str) -> bool:
    """Whether an outbound rule of the load balancer lets its pool's connections leave from the frontend."""
    return any(
        same_id(_id(reference), frontend)
        for item in body["properties"].get("outboundRules") or []
        for reference in (item.get("properties") or {}).get("frontendIPConfigurations") or []
    )


def missing_ports(rule: Rule, others: list[Rule]) -> list[tuple[str, int, int]]:
    """What of a rule's protocols and ports none of the others serves: protocol, first and last port of each gap."""
    gaps = []
    for protocol in rule.protocols:
        start = rule.first
        for other in sorted((item for item in others if protocol in item.protocols), key=lambda item: item.first):
            if other.first > start:
                gaps.append((protocol, start, min(other.first - 1, rule.last)))
            start = max(start, other.last + 1)
            if start > rule.last:
                break
        if start <= rule.last:
            gaps.append((protocol, start, rule.last))
    return [gap for gap in gaps if gap[1] <= gap[2]]


def first_tcp_port(body: Mapping[str, Any], frontend: str) -> int | None:
    """The port of the first TCP rule of a frontend (its id); None if there is none with a port of its own."""
    for rule in rules_of(body, frontend):
        if rule.kind is RuleKind.BALANCING and "tcp" in rule.protocols and rule.first == rule.last:
            return rule.first
    return None


def _rule(kind: RuleKind, name: str, properties: Mapping[str, Any]) -> Rule:
    first, last = _ports(properties)
    protocol = word_key(properties.get("protocol")) or "tcp"
    pools = [properties.get("backendAddressPool"), *(properties.get("backendAddressPools") or [])]
    return Rule(
        kind,
        name,
        ("tcp", "udp") if protocol == "all" else (protocol,),
        first,
        last,
        tuple(sorted({id for pool in pools if (id := _id(pool))})),
        _id(properties.get("probe")),
        floating=bool(properties.get("enableFloatingIP")),
        snat=kind is RuleKind.BALANCING and not properties.get("disableOutboundSnat"),
    )


def _ports(properties: Mapping[str, Any]) -> tuple[int, int]:
    """A rule has one port, 0 standing for all of them (high availability ports); NAT pools and the newer NAT rules
    have a range."""
    port = properties.get("frontendPort")
    if properties.get("frontendPortRangeStart") is not None and not port:
        first = int(properties["frontendPortRangeStart"])
        return first, int(properties.get("frontendPortRangeEnd") or first)
    return (int(port), int(port)) if port else (1, LAST_PORT)


def _id(reference: Any) -> str | None:
    """The id that a reference holds, in lower case, so that those of two rules compare."""
    return id_key(str(reference["id"])) if isinstance(reference, Mapping) and reference.get("id") else None
