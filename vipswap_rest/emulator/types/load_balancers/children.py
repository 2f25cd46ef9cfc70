"""PUT and DELETE of the two children of a load balancer that have them: backend pools and inbound NAT rules.

https://learn.microsoft.com/rest/api/load-balancer/load-balancer-backend-address-pools and .../inbound-nat-rules.
Either is a write of the whole load balancer with that one child changed: inferred, since the child bears its parent's
etag and state; in recordings a frontend, a rule or a probe never had a PUT of its own.
"""

from __future__ import annotations

import copy
from dataclasses import replace

from ...arm.calls import Call, Reply, World
from ...arm.paths import Path
from ...arm.state import listed, named, properties
from ...messages import Json, encode
from . import parts as load_balancer
from .resource import LoadBalancers

OWN = {load_balancer.POOLS.lower(): load_balancer.POOLS, load_balancer.NAT_RULES.lower(): load_balancer.NAT_RULES}


class LoadBalancerChildren:
    """The resource types `loadBalancers/backendAddressPools` and `loadBalancers/inboundNatRules`."""

    def __init__(self, world: World, parents: LoadBalancers) -> None:
        self._world, self._parents = world, parents

    def serves(self, path: Path) -> bool:
        """Whether a path is about such a child."""
        return len(path.types) == 2 and not path.is_list and path.types[1].lower() in OWN

    def put(self, call: Call) -> Reply:
        """Create or replace the child: 201 or 200, with the operation on its load balancer."""
        kind, name = OWN[call.path.types[1].lower()], call.path.name
        parent = self._parent(call)
        old = named(properties(parent), kind).get(name.lower())
        given = {**call.content(), "name": old["name"] if old else name}
        reply = self._write(call, parent, kind, given)
        child = named(properties(reply.body or {}), kind)[name.lower()]
        return replace(reply, status=200 if old else 201, body=child)

    def delete(self, call: Call) -> Reply:
        """202 and the operation on its load balancer, or 204 if there is none; 400 where something refers to it.

        Recorded: without its load balancer it is that one's 404.
        """
        kind = OWN[call.path.types[1].lower()]
        parent = self._parent(call)
        if call.path.name.lower() not in named(properties(parent), kind):
            return Reply(204)
        reply = self._write(call, parent, kind, None)
        return replace(reply, status=202, body=None, result_url=True, pause=True)

    def _parent(self, call: Call) -> Json:
        found = self._world.state.get(call.path.parent().id)
        if found is None:
            raise self._world.missing(call.path.parent())
        return found

    def _write(self, call: Call, parent: Json, kind: str, child: Json | None) -> Reply:
        body = copy.deepcopy(parent)
        made = properties(body)
        siblings = listed(made, kind)
        place = next(
            (index for index, one in enumerate(siblings) if str(one.get("name")).lower() == call.path.name.lower()),
            len(siblings),
        )
        siblings[place : place + 1] = [] if child is None else [child]
        made[kind] = siblings
        for frontend in listed(made, load_balancer.FRONTENDS):
            # Zones of a public frontend are its address's; sent back they are refused.
            if "publicIPAddress" in properties(frontend):
                frontend.pop("zones", None)
        request = replace(call.request, body=encode(body))
        parents = replace(call, request=request, path=call.path.parent())
        return self._parents.put(parents, pool=kind == load_balancer.POOLS and child is not None)
