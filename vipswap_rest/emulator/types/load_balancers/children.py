"""PUT and DELETE of the two children of a load balancer that have them: backend pools and inbound NAT rules.

https://learn.microsoft.com/rest/api/load-balancer/load-balancer-backend-address-pools and .../inbound-nat-rules.
Either is a write of the whole load balancer with that one child changed: inferred, since the child bears its parent's
etag and state; in recordings a frontend, a rule or a probe never had a PUT of its own.
"""

from __future__ import annotations

import copy
from dataclasses import replace

from ...arm.calls import Call, Reply
from ...arm.state import listed, named, properties
from ...arm.world import World
from ...messages import Json, encode
from . import parts, resource


def put(world: World, call: Call) -> Reply:
    """Create or replace the child: 201 or 200, with the operation on its load balancer."""
    parent, kind, name = _parent(world, call), _kind(call), call.path.name
    old = named(properties(parent), kind).get(name.lower())
    reply = _write(world, call, parent, {**call.content(), "name": old["name"] if old else name})
    child = named(properties(reply.body or {}), kind)[name.lower()]
    return replace(reply, status=200 if old else 201, body=child)


def delete(world: World, call: Call) -> Reply:
    """202 and the operation on its load balancer, or 204 if there is none; 400 where something refers to it.

    Recorded: without its load balancer it is that one's 404.
    """
    parent = _parent(world, call)
    if call.path.name.lower() not in named(properties(parent), _kind(call)):
        return Reply(204)
    return replace(_write(world, call, parent, None), status=202, body=None, result_url=True, pause=True)


def _kind(call: Call) -> str:
    """The collection that the child is in, as ARM spells it."""
    return next(kind for kind in (parts.POOLS, parts.NAT_RULES) if kind.lower() == call.path.types[1].lower())


def _parent(world: World, call: Call) -> Json:
    found = world.state.get(call.path.parent().id)
    if found is None:
        raise world.missing(call.path.parent())
    return found


def _write(world: World, call: Call, parent: Json, child: Json | None) -> Reply:
    body, kind = copy.deepcopy(parent), _kind(call)
    made = properties(body)
    siblings = {**named(made, kind), call.path.name.lower(): child}
    made[kind] = [one for one in siblings.values() if one is not None]
    for frontend in listed(made, parts.FRONTENDS):
        # Zones of a public frontend are its address's; sent back they are refused.
        if "publicIPAddress" in properties(frontend):
            frontend.pop("zones", None)
    whole = replace(call, request=replace(call.request, body=encode(body)), path=call.path.parent())
    pool = kind == parts.POOLS and child is not None
    return resource.put(world, whole, pool=pool, nat_rule=kind == parts.NAT_RULES)
