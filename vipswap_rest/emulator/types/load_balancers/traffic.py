"""Which of a load balancer's ports lead to which of its backend pools."""

from __future__ import annotations

from collections.abc import Iterator

from ...arm import paths
from ...arm.routes import Frontend, Pool, frontends
from ...arm.state import listed, properties_of, reference
from ...messages import Json
from .parts import POOLS, RULES

_LAST_PORT = 65535


def lead(balancer: Json) -> Iterator[Frontend]:
    """The load balancer's frontends with the ports of their TCP rules."""
    for identity, public_ip in frontends(balancer):
        yield Frontend(identity, public_ip, _ports(balancer, identity))


def _ports(balancer: Json, frontend: str) -> dict[int, Pool]:
    """The frontend ports of the frontend's TCP rules, each with its backend pool.

    Not those of NAT, which lead to one machine each; nor port 0, the rule for all ports.
    """
    found: dict[int, Pool] = {}
    several = len(listed(properties_of(balancer), POOLS)) > 1
    for rule in map(properties_of, listed(properties_of(balancer), RULES)):
        port, mine = rule.get("frontendPort"), reference(rule, "frontendIPConfiguration") or ""
        if str(rule.get("protocol")).lower() not in ("tcp", "all") or mine.lower() != frontend.lower():
            continue
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= _LAST_PORT:
            continue
        pools = [reference({"pool": one}, "pool") for one in listed(rule, "backendAddressPools")]
        pool = reference(rule, "backendAddressPool") or next(iter(pools), None)
        path = paths.parse_id(pool) if pool is not None else None
        if path is not None and path.names:
            # One pool answers with its load balancer's name, several with their own.
            found.setdefault(port, Pool(path.id, path.name if several else path.names[0]))
    return found
