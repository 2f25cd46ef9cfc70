"""A flip of routing rules to another backend pool: what changes, and what speaks against it. Pure.

https://learn.microsoft.com/azure/application-gateway/configuration-request-routing-rules
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.arm.ids import ResourceId, id_key, same_id
from vipswap_rest.arm.words import same_word, word_key
from vipswap_rest.switchover.findings import Finding, error, warning
from vipswap_rest.switchover.flip import health_findings
from vipswap_rest.switchover.naming import one_of
from vipswap_rest.switchover.one_write import Move, OneWrite, Shown
from vipswap_rest.switchover.survey import Unknown

STRUCTURAL = {"SettingsUnknown": "the HTTP settings do not exist"}
WARNINGS = {
    "PathMapShared": "a rule that was not chosen has the same path map, and goes over too",
    "GatewayV1": "the gateway is of the first generation, whose updates take minutes",
}
SETTINGS = ":settings"
_DEFAULT = "(default)"


@dataclass(frozen=True, slots=True)
class GatewayFlip(OneWrite):
    """The flip of one application gateway's rules. A place is a rule, or `RULE/PATH` of one by paths, for the pool; for
    the HTTP settings it ends with `:settings`."""

    NAME, STRATEGY = "gateway_flip", "gateway"

    def refers(self, body: Mapping[str, Any]) -> Mapping[str, str]:
        """The pool and the settings of each rule and path."""
        return references(body)

    def referring(self, body: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
        """The gateway with these pools and settings. A certificate that is named without its data keeps it, as
        recorded, so everything goes back as GET gave it."""
        changed = copy.deepcopy(dict(body))
        for place, holder, key in _places(changed):
            if place in ids and not same_id(_id(holder, key), ids[place]):
                holder[key] = {"id": ids[place]}
        return changed

    def further(self, first: Shown, last: Shown) -> Mapping[str, Any]:
        """The pools of the rules, and apart from them their settings."""
        told = OneWrite.further(self, first, last)
        pools = [one for one in told["rules"] if not one["rule"].endswith(SETTINGS)]
        settings = [{**one, "rule": one["rule"].removesuffix(SETTINGS)} for one in told["rules"] if one not in pools]
        return {**told, "rules": pools, **({"settings": settings} if settings else {})}


def references(body: Mapping[str, Any]) -> dict[str, str]:
    """The id that each place refers to, where it refers to one."""
    return {place: id for place, holder, key in _places(body) if (id := _id(holder, key))}


def part(body: Mapping[str, Any], kind: str, id: str) -> Mapping[str, Any]:
    """The properties of a gateway's part by its list and its id; empty where there is none."""
    found = (one for one in body["properties"].get(kind) or [] if same_id(str(one["id"]), id))
    return next((one.get("properties") or {} for one in found), {})


def rules_of(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The properties of the routing rules, by their names."""
    rules = body["properties"].get("requestRoutingRules") or []
    return {str(one["name"]): one.get("properties") or {} for one in rules}


def rule_of(place: str) -> str:
    """The rule that a place is of."""
    return place.partition(":")[0].partition("/")[0]


def moves_to(gateway: Shown, pool: ResourceId, settings: ResourceId | None, named: Sequence[str]) -> tuple[Move, ...]:
    """What changes so that the rules, the named ones or those that share the one pool in use, lead to the pool, with
    the settings if some are given. Of a rule by paths its default goes over, and each path that leads to the same pool.

    Raises UsageError, NotFound.
    """
    rules, held = rules_of(gateway.body), references(gateway.body)
    pools = {place: id for place, id in held.items() if not place.endswith(SETTINGS)}
    in_use = sorted({id_key(id).rpartition("/")[2] for id in pools.values()})
    if not named and len(in_use) > 1:
        raise UsageError(f"The rules lead to several pools: {', '.join(in_use)}.", hint="Choose rules with --rule.")
    chosen = [one_of(name, rules, "rule", gateway.id) for name in named] or [rule_of(place) for place in pools]
    moves: dict[str, Move] = {}
    for name in dict.fromkeys(chosen):
        own = [place for place in pools if rule_of(place) == name]
        old = pools.get(f"{name}/{_DEFAULT}") or next((pools[place] for place in own), "")
        moves |= {place: Move(place, old, str(pool)) for place in own if same_id(pools[place], old)} or {
            name: Move(name, old, str(pool))
        }
        for place in own if settings else ():
            if place in moves or same_id(pools[place], str(pool)):
                at = place + SETTINGS
                moves[at] = Move(at, held.get(at, ""), str(settings))
    return tuple(moves.values())


def findings(
    gateway: Shown,
    pool: ResourceId,
    settings: ResourceId | None,
    moves: Sequence[Move],
    health: tuple[int, int] | Unknown | None,
) -> Iterator[Finding]:
    """What speaks against a flip. `health`: by the gateway's on-demand health; None: nothing is to change."""
    properties, name = gateway.body["properties"], gateway.id.name
    for kind, wanted, code, what in (
        ("backendAddressPools", pool, "PoolUnknown", "pool"),
        ("backendHttpSettingsCollection", settings, "SettingsUnknown", "HTTP settings"),
    ):
        known = [str(one["name"]) for one in properties.get(kind) or []]
        if wanted is not None and not any(same_word(one, wanted.name) for one in known):
            told = f"There is no {what} {wanted.name}; {name} has: {', '.join(known) or 'none'}."
            yield error(code, told, "Name one of them.")
    members = part(gateway.body, "backendAddressPools", str(pool))
    if members and not (members.get("backendIPConfigurations") or members.get("backendAddresses")):
        yield error("PoolEmpty", f"The pool {pool.name} has no member.", "Put what is to serve into it first.")
    elif members and health is not None:
        yield from health_findings(pool.name, health)
    if not moves:
        yield error("NoRule", f"{name} has no rule that leads to a pool.", "Give it a rule first.")
    for move in moves:
        if not move.before:
            told = f"The rule {rule_of(move.place)} leads to no pool of its own."
            yield error("SeveralPools", told, "Flip rules that lead to a pool, with HTTP settings.")
    yield from _surroundings(gateway, moves)


def _surroundings(gateway: Shown, moves: Sequence[Move]) -> Iterator[Finding]:
    flipped, rules = {rule_of(move.place) for move in moves}, rules_of(gateway.body)
    maps = {id_key(_id(rules[name], "urlPathMap")) for name in flipped if name in rules} - {""}
    others = [name for name, rule in rules.items() if id_key(_id(rule, "urlPathMap")) in maps and name not in flipped]
    if others:
        told = f"These rules have the same path map, and so go over too: {', '.join(others)}."
        yield warning("PathMapShared", told, "Give them a path map of their own first, if they should stay.")
    tier = (gateway.body["properties"].get("sku") or {}).get("tier")
    if not word_key(tier).endswith("_v2"):
        told = f"The gateway is of the first generation ({tier}), whose updates take 4 to 19 minutes."
        yield warning("GatewayV1", told, "Move to Standard_v2 or WAF_v2; the first generation is retired.")


def _places(body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every place, with the properties that hold it and its key there."""
    for name, rule in rules_of(body).items():
        yield from _both(name, rule, "backendAddressPool", "backendHttpSettings")
        paths = part(body, "urlPathMaps", _id(rule, "urlPathMap"))
        if paths:
            yield from _both(f"{name}/{_DEFAULT}", paths, "defaultBackendAddressPool", "defaultBackendHttpSettings")
        for one in paths.get("pathRules") or []:
            yield from _both(f"{name}/{one['name']}", one["properties"], "backendAddressPool", "backendHttpSettings")


def _both(place: str, holder: Any, pool: str, settings: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    yield place, holder, pool
    yield place + SETTINGS, holder, settings


def _id(holder: Mapping[str, Any], key: str) -> str:
    return str((holder.get(key) or {}).get("id") or "")
