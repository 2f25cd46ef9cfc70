"""Reading what there is: both load balancers, both addresses, and the float."""

from __future__ import annotations

from vipswap_rest.arm import ArmClient
from vipswap_rest.errors import NotFound
from vipswap_rest.ids import ResourceId
from vipswap_rest.network import get_load_balancer, get_public_ip
from vipswap_rest.swap.model import LoadBalancer, Observed, Pair, PublicIp, Side


def read_load_balancer(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> LoadBalancer:
    """A fresh GET of a load balancer."""
    return LoadBalancer.read(get_load_balancer(client, id.resource_group, id.name, deadline=deadline))


def read_public_ip(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> PublicIp:
    """A fresh GET of a public IP address."""
    return PublicIp.read(get_public_ip(client, id.resource_group, id.name, deadline=deadline))


def read_float(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> PublicIp | None:
    """The float, or None if there is none.

    A resource group that is not there holds no float either; it is the load balancers' own, whose absence is told
    when they are read.
    """
    try:
        return read_public_ip(client, id, deadline=deadline)
    except NotFound:
        return None


def observe(client: ArmClient, pair: Pair, *, deadline: float | None = None) -> Observed:
    """Everything next_step looks at, in five GETs. Raises ArmError, TransportError, ProtocolError."""
    return Observed(
        {side: read_load_balancer(client, pair.load_balancer(side), deadline=deadline) for side in Side},
        {side: read_public_ip(client, pair.originals[side], deadline=deadline) for side in Side},
        read_float(client, pair.float, deadline=deadline),
    )
