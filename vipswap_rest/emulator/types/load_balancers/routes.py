"""The route table of load balancers. Frontends, rules and probes change with the whole load balancer only."""

from __future__ import annotations

from ...arm import reads
from ...arm.resource_types import ResourceType
from ...arm.routes import Traffic
from ...arm.writes import patch_tags
from . import children, health, links, parts, resource, traffic

_CHILD = {"GET": reads.get, "PUT": children.put, "DELETE": children.delete}
TYPE = ResourceType(
    parts.NAME,
    {
        "loadBalancers/*": {"GET": reads.get, "PUT": resource.put, "PATCH": patch_tags, "DELETE": resource.delete},
        f"loadBalancers/*/{parts.POOLS}/*": _CHILD,
        f"loadBalancers/*/{parts.NAT_RULES}/*": _CHILD,
        f"loadBalancers/*/{parts.RULES}/*/health": {"POST": health.post},
    },
    links=links.of_balancer,
    traffic=Traffic(traffic.lead, lambda settings: settings.flip_established),
)
