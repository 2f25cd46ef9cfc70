"""What a load balancer's body says of its rules and backend pools. Pure.

https://learn.microsoft.com/azure/load-balancer/components
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vipswap_rest.arm.ids import id_key, same_id
from vipswap_rest.arm.words import word_key

Json = Mapping[str, Any]


def rules_of(load_balancer: Json) -> dict[str, Json]:
    """The properties of the load-balancing rules, by their names."""
    rules = load_balancer["properties"].get("loadBalancingRules") or []
    return {str(rule["name"]): rule.get("properties") or {} for rule in rules}


def pools_of_rule(rule: Json) -> list[str]:
    """The ids of the backend pools that a rule, by its properties, leads to; each once, though both fields name it."""
    references = [rule.get("backendAddressPool"), *(rule.get("backendAddressPools") or [])]
    found = {id_key(str(one["id"])): str(one["id"]) for one in references if one and one.get("id")}
    return list(found.values())


def pool_of_rule(rule: Json) -> str:
    """The id of the one pool of a rule; empty where it has none, or several."""
    pools = pools_of_rule(rule)
    return pools[0] if len(pools) == 1 else ""


def probing_rule(load_balancer: Json, pool: str) -> str | None:
    """The name of a rule that probes a pool (its id), if one does: a probe counts only where a rule uses it."""
    rules = rules_of(load_balancer).items()
    return next((name for name, rule in rules if rule.get("probe") and same_id(pool_of_rule(rule), pool)), None)


def collide(one: Json, other: Json) -> bool:
    """Whether two rules may not share a pool: 400 RulesUseSameBackendPortProtocolAndPool, except with floating IP
    (https://learn.microsoft.com/azure/load-balancer/load-balancer-multivip-overview)."""
    protocols = {word_key(rule.get("protocol")) for rule in (one, other)}
    floating = one.get("enableFloatingIP") or other.get("enableFloatingIP")
    alike = len(protocols) == 1 or "all" in protocols
    return alike and one.get("backendPort") == other.get("backendPort") and not floating


def frontend_of(rule: Json) -> str:
    """The id of the frontend IP configuration of a rule; empty where it has none."""
    return str((rule.get("frontendIPConfiguration") or {}).get("id") or "")


def tcp_port(rule: Json) -> int | None:
    """The frontend port that a TCP connection reaches a rule by; None of UDP, and of one for all ports."""
    return None if word_key(rule.get("protocol")) == "udp" else int(rule.get("frontendPort") or 0) or None
