"""What the writes of load balancers refer to: addresses that they put on frontends, and whatever else they change.

That a lock on an address that comes or goes refuses the write is inferred, not recorded. An unreadable body refers to
nothing here: its handler refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...arm.calls import Call
from ...arm.resource_types import Links
from ...arm.state import listed, properties_of, reference
from ...arm.world import World
from ...messages import Json, decode
from .parts import FRONTENDS
from .resource import addresses


def of_balancer(world: World, call: Call) -> Links:
    """The addresses that a PUT puts on frontends; those that come or go are changed."""
    if call.path.shape != "loadbalancers/*" or call.request.method != "PUT":
        return Links()
    used = _addresses(properties_of(_json(call)))
    before = addresses(world.state.get(call.path.id) or {})
    return Links(used, [*_without(used, before), *_without(before, used)])


def of_location(world: World, call: Call) -> Links:
    """The addresses of a native swap, which changes them and its load balancers."""
    if not call.path.is_a("locations/setLoadBalancerFrontendPublicIpAddresses"):
        return Links()
    given = _json(call)
    used = _addresses(given)
    owners = [str(item["id"]).split(f"/{FRONTENDS}/", 1)[0] for item in listed(given, FRONTENDS) if "id" in item]
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


def _addresses(holder: Json) -> list[str]:
    """The ids of the public IPs in a body's frontendIPConfigurations, whatever else is in it."""
    found = (reference(properties_of(item), "publicIPAddress") for item in listed(holder, FRONTENDS))
    return [one for one in found if one is not None]
