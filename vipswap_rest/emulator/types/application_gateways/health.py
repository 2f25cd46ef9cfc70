"""POST .../backendhealth and .../getBackendHealthOnDemand: a pool's servers, and whether each is healthy.

https://learn.microsoft.com/rest/api/application-gateway/application-gateways/backend-health
.../backend-health-on-demand
As recorded: Location alone, and a body of `null` until the result is there; `Healthy` or `Unhealthy`.

Every server is healthy, unless what it belongs to (its scale set, its network interface) bears the tag `emulator-down`,
or the gateway bears it with the names of pools, or addresses, that are down: `green,10.0.1.5`.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...arm import errors
from ...arm.calls import Call, Reply
from ...arm.state import listed, properties_of, reference
from ...arm.world import World
from ...arm.writes import begin_query
from ...messages import Json
from ..health import DOWN_TAG, is_down
from . import body as bodies

_UNREACHABLE = (
    "Cannot connect to server. Check whether any NSG/UDR/Firewall is blocking access to server. "
    "Check if application is running on correct port."
)


def post(world: World, call: Call) -> Reply:
    """202 with Location: every pool that a rule uses, with the settings that it is used with."""
    gateway = _gateway(world, call)
    found: dict[str, list[str]] = {}
    for pool, settings in _uses(gateway):
        told = found.setdefault(pool.lower(), [])
        told += [settings] if settings not in told else []
    pools = {str(one.get("id")).lower(): one for one in listed(properties_of(gateway), bodies.POOLS)}
    result = [
        {
            "backendAddressPool": {"id": pools[pool]["id"]},
            "backendHttpSettingsCollection": [
                {"backendHttpSettings": {"id": one}, "servers": list(_servers(world, gateway, pools[pool], call.now))}
                for one in settings
            ],
        }
        for pool, settings in found.items()
        if pool in pools
    ]
    return _begin(world, call, gateway, {"backendAddressPools": result})


def post_on_demand(world: World, call: Call) -> Reply:
    """202 with Location: one pool with one set of settings, whether a rule uses them or not."""
    gateway, given = _gateway(world, call), call.content()
    known = {child["id"].lower(): child for _, child in bodies.walk(gateway)}
    pool, settings = (reference(given, key) or "" for key in ("backendAddressPool", "backendHttpSettings"))
    for identity in (pool, settings):
        if identity.lower() not in known:
            raise errors.reference_not_found(identity, gateway["id"])
    health = {
        "backendHttpSettings": {"id": known[settings.lower()]["id"]},
        "servers": list(_servers(world, gateway, known[pool.lower()], call.now)),
    }
    told = {"backendAddressPool": {"id": known[pool.lower()]["id"]}, "backendHealthHttpSettings": health}
    return _begin(world, call, gateway, told)


def _gateway(world: World, call: Call) -> Json:
    found = world.state.get(call.path.top().id)
    if found is None:
        raise world.missing(call.path.top())
    return found


def _begin(world: World, call: Call, gateway: Json, result: Json) -> Reply:
    kind, seconds = "ApplicationGatewayBackendHealthOperation", world.latency.draw("backend_health")
    return begin_query(world, call, kind, str(gateway.get("location")), result, seconds, null=True)


def _uses(gateway: Json) -> Iterator[tuple[str, str]]:
    """Each pool with settings that a rule, a path map or a path of one uses it with: ids."""
    for _, child in bodies.walk(gateway):
        found = properties_of(child)
        for prefix in ("backend", "defaultBackend"):
            pool, settings = (reference(found, f"{prefix}{what}") for what in ("AddressPool", "HttpSettings"))
            if pool is not None and settings is not None:
                yield pool, settings


def _servers(world: World, gateway: Json, pool: Json, now: float) -> Iterator[Json]:
    found, tags = properties_of(pool), gateway.get("tags")
    down = {one.strip() for one in str(tags.get(DOWN_TAG, "")).split(",")} if isinstance(tags, dict) else set()
    for one in listed(found, "backendAddresses"):
        address = one.get("ipAddress") or one.get("fqdn")
        yield {"address": address, **_state(not {str(address), str(pool.get("name"))} & down)}
    for one in listed(found, "backendIPConfigurations"):
        identity = str(one.get("id"))
        up = not is_down(world, identity, now) and str(pool.get("name")) not in down
        yield {"address": "10.0.0.4", "ipConfiguration": {"id": identity}, **_state(up)}


def _state(up: bool) -> Json:
    # The log of a healthy server was not recorded.
    return (
        {"health": "Healthy", "healthProbeLog": ""} if up else {"health": "Unhealthy", "healthProbeLog": _UNREACHABLE}
    )
