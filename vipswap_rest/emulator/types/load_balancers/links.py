"""What the writes of load balancers refer to: addresses that they put on frontends, and whatever else they change.

That a lock on what else changes refuses the write is inferred; nobody recorded it. A body that cannot be read refers to
nothing here: its handler refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...arm.calls import Call
from ...arm.resource_types import Links
from ...arm.state import listed
from ...arm.world import World
from ...messages import Json, decode
from .parts import FRONTENDS
from .resource import addresses


def of_balancer(world: World, call: Call) -> Links:
    """The addresses that a PUT puts on frontends; those that come or go are changed."""
    if call.path.shape != "loadbalancers/*" or call.request.method != "PUT":
        return Links()
    used = list(_addresses(_json(call).get("properties")))
    before = addresses(world.state.get(call.path.id) or {})
    return Links(used, [*_without(used, before), *_without(before, used)])


def of_location(world: World, call: Call) -> Links:
    """The addresses of a native swap, which changes them and its load balancers."""
    if not call.path.is_a("locations/setLoadBalancerFrontendPublicIpAddresses"):
        return Links()
    given = _json(call)
    used = list(_addresses(given))
    owners = [str(item["id"]).split(f"/{FRONTENDS}/", 1)[0] for item in _frontends(given) if "id" in item]
    return Links(used, used + owners)


def _without(some: Sequence[str], others: Sequence[str]) -> list[str]:
    known = {one.lower() for one in others}
    return [one for one in some if one.lower() not in known]


def _json(call: Call) -> Json:
    try:
        found = decode(call.request.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _addresses(holder: Any) -> Iterator[str]:
    """The ids of the public IPs in a body's frontendIPConfigurations, whatever else is in it."""
    for item in _frontends(holder):
        found = item.get("properties")
        address = found.get("publicIPAddress") if isinstance(found, dict) else None
        if isinstance(address, dict) and isinstance(address.get("id"), str):
            yield address["id"]


def _frontends(holder: Any) -> list[Json]:
    return listed(holder, FRONTENDS) if isinstance(holder, dict) else []
