"""From the names of an application gateway, a pool and rules to the plan of a flip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from vipswap_rest.arm import network
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.gateway import get_application_gateway, query_backend_health_on_demand
from vipswap_rest.arm.ids import ResourceId, same_id
from vipswap_rest.arm.words import word_key
from vipswap_rest.methods.gateway_flip.method import (
    SETTINGS,
    GatewayFlip,
    findings,
    moves_to,
    part,
    references,
    rule_of,
    rules_of,
)
from vipswap_rest.switchover.findings import forbids, ordered
from vipswap_rest.switchover.flip import Planned, at_rest
from vipswap_rest.switchover.naming import child_meant, resource_meant
from vipswap_rest.switchover.one_write import Move, Reached, Shown, readable
from vipswap_rest.switchover.survey import SURVEY_S, Unknown, known

# The words of a server that serves: as recorded, and as the specification has them.
_UP = frozenset({"healthy", "up", "partial"})


@readable
def plan(
    client: ArmClient,
    group: str | None,
    name: str,
    to: str,
    to_settings: str | None,
    rules: Sequence[str],
    note: Callable[[str], None],
    *,
    asks: bool = True,
) -> Planned:
    """What a flip of a gateway's rules to a pool would do. Nothing is written. asks: for the pool's health, too, which
    takes ten seconds. Raises UsageError, NotFound."""
    kind = f"{network.NAMESPACE}/{network.APPLICATION_GATEWAY}"
    id = resource_meant(name, kind, "application gateway", client.subscription, group)
    pool = child_meant(to, id, "backendAddressPools", "backend pool", "application gateway")
    settings = None
    if to_settings is not None:
        settings = child_meant(
            to_settings, id, "backendHttpSettingsCollection", "backend HTTP settings", "application gateway"
        )
    gateway = at_rest(client, id, get_application_gateway, note)
    moves = moves_to(gateway, pool, settings, rules)
    line, back = _lines(id, moves, pool, settings)
    held = references(gateway.body)
    reached = tuple(_reached(client, gateway, [move.place for move in moves]))
    idle = next(_reached(client, gateway, [place for place in held if same_id(held[place], str(pool))]), None)
    method = GatewayFlip(id, moves, reached, line, back)
    found = list(findings(gateway, pool, settings, moves, None))
    # Asking is a POST, and takes its time, so it comes last.
    if asks and not forbids(found) and any(not same_id(move.before, move.after) for move in moves):
        health = known(lambda: _health(client, gateway, pool, settings, moves))
        found = list(findings(gateway, pool, settings, moves, health))
    return Planned(method, gateway, ordered(found), idle)


def _reached(client: ArmClient, gateway: Shown, places: Sequence[str]) -> Iterator[Reached]:
    """What callers reach by these places: of each frontend the first listener."""
    rules, seen = rules_of(gateway.body), set[str]()
    for place in (place for place in places if not place.endswith(SETTINGS)):
        reference = rules[rule_of(place)].get("httpListener") or {}
        listener = part(gateway.body, "httpListeners", str(reference.get("id")))
        front, port = (str((listener.get(key) or {}).get("id")) for key in ("frontendIPConfiguration", "frontendPort"))
        told = part(gateway.body, "frontendIPConfigurations", front)
        if told and front not in seen:
            seen.add(front)
            number = part(gateway.body, "frontendPorts", port).get("port")
            address = network.address_of(client, {"id": front, "properties": told})
            yield Reached(*address, int(number) if number else None, place)


def _health(
    client: ArmClient, gateway: Shown, pool: ResourceId, settings: ResourceId | None, moves: Sequence[Move]
) -> tuple[int, int] | Unknown | None:
    """How many servers of the pool are up and down, asked on demand with each settings that it is to be used with."""
    held, deadline = references(gateway.body), client.clock.monotonic() + 2 * SURVEY_S
    places = [move.place + SETTINGS for move in moves if not move.place.endswith(SETTINGS)]
    used = [str(settings)] if settings else [held[place] for place in places if place in held]
    up = down = 0
    for one in dict.fromkeys(used):
        started = query_backend_health_on_demand(client, gateway.id, _probe(gateway.body, pool, one), deadline=deadline)
        told = client.wait(started, deadline=deadline).body["backendHealthHttpSettings"]["servers"]
        good = sum(word_key(server["health"]) in _UP for server in told)
        up, down = up + good, down + len(told) - good
    return up, down


def _probe(body: Mapping[str, Any], pool: ResourceId, settings: str) -> dict[str, Any]:
    """What to ask of a pool with these settings: what their own probe asks."""
    own = part(body, "backendHttpSettingsCollection", settings)
    probe = part(body, "probes", str((own.get("probe") or {}).get("id")))
    names = ("protocol", "host", "path", "timeout", "match", "pickHostNameFromBackendHttpSettings")
    asked = {name: probe[name] for name in names if probe.get(name) is not None}
    basis = {"protocol": own.get("protocol") or "Http", "path": "/", "timeout": 30}
    return {"backendAddressPool": {"id": str(pool)}, "backendHttpSettings": {"id": settings}, **basis, **asked}


def _lines(
    id: ResourceId, moves: Sequence[Move], pool: ResourceId, settings: ResourceId | None
) -> tuple[str, tuple[str, ...]]:
    """The command line that states the goal, and those that go back: one for each old pool and settings."""
    whole = f"vipswap flip --subscription {id.subscription} --gateway {id}"
    held = {move.place: move.before.rpartition("/")[2] for move in moves}

    def line(to: str, with_settings: str | None, rules: Sequence[str]) -> str:
        more = [f"--to-settings {with_settings}"] if with_settings else []
        return " ".join([whole, f"--to {to}", *more, *(f"--rule {rule}" for rule in rules), "--yes"])

    back: dict[tuple[str, str | None], dict[str, None]] = {}
    for move in moves:
        if not move.place.endswith(SETTINGS) and not same_id(move.before, move.after):
            key = held[move.place], held.get(move.place + SETTINGS)
            back.setdefault(key, {})[rule_of(move.place)] = None
    names = list(dict.fromkeys(rule_of(move.place) for move in moves))
    goal = line(pool.name, settings.name if settings else None, names)
    return goal, tuple(line(*key, list(rules)) for key, rules in back.items())
