"""POST .../loadBalancingRules/{rule}/health: a rule's backends, and whether each is up.

https://learn.microsoft.com/azure/load-balancer/load-balancer-manage-health-status

Every backend is up, unless what it belongs to (its scale set, its network interface) bears the tag `emulator-down`:
`all`, or the numbers of the instances that are down, such as `0,1`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...arm import errors
from ...arm.calls import Call, Reply
from ...arm.state import listed, named, properties_of
from ...arm.world import World
from ...arm.writes import begin_query
from ...messages import Json
from ..health import is_down
from .parts import POOLS, RULES, references


def post(world: World, call: Call) -> Reply:
    """202 with Location, whose result is the rule's health (as in the OpenAPI specification; not recorded)."""
    path = call.path
    balancer = world.state.get(path.top().id)
    if balancer is None:
        raise world.missing(path.top())
    rule = named(properties_of(balancer), RULES).get(path.names[1].lower())
    if rule is None:
        raise errors.not_found(path.parent().id)
    location = str(balancer.get("location"))
    return begin_query(
        world, call, "LoadBalancerRuleHealthOperation", location, _health(world, balancer, rule, call.now)
    )


def _health(world: World, balancer: Json, rule: Json, now: float) -> Json:
    pools = {identity.lower() for key, identity in references(rule) if key.startswith("backendAddressPool")}
    found = [
        backend
        for pool in listed(properties_of(balancer), POOLS)
        if str(pool.get("id")).lower() in pools
        for backend in _backends(world, pool, now)
    ]
    up = sum(backend["state"] == "Up" for backend in found)
    return {"up": up, "down": len(found) - up, "loadBalancerBackendAddresses": found}


def _backends(world: World, pool: Json, now: float) -> Iterator[Json]:
    for reference in listed(properties_of(pool), "backendIPConfigurations"):
        identity = str(reference.get("id"))
        yield {"networkInterfaceIPConfigurationId": identity, **_state(not is_down(world, identity, now))}
    for address in listed(properties_of(pool), "loadBalancerBackendAddresses"):
        found = properties_of(address)
        up = str(found.get("adminState")).lower() != "down"
        yield {"ipAddress": found.get("ipAddress"), **_state(up)}


def _state(up: bool) -> Json:
    # The reason of an instance that is up is documented; that of one that is down is the emulator's.
    return {"state": "Up", "reason": "Up_Probe_Success"} if up else {"state": "Down", "reason": "Down_Probe_Failure"}
