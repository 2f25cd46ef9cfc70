"""Reading what there is: both load balancers, both addresses, and the float."""

from __future__ import annotations

from collections.abc import Collection

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import NotFound
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.arm.network import get_load_balancer, get_public_ip
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp, asked_for
from vipswap_rest.switchover.report import Side

# A 404 may be a read that is late; so long after it, the second one is believed (seconds).
BEFORE_IT_IS_GONE_S = 0.5


def read_load_balancer(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> LoadBalancer:
    """A fresh GET of a load balancer. Raises ProtocolError if ARM shows another resource, or none that can be read."""
    return asked_for(id, LoadBalancer.read(get_load_balancer(client, id, deadline=deadline)))


def read_public_ip(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> PublicIp:
    """A fresh GET of a public IP address. Raises as read_load_balancer does."""
    return asked_for(id, PublicIp.read(get_public_ip(client, id, deadline=deadline)))


def read_float(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> PublicIp | None:
    """The float, or None if there is none.

    A resource group that is not there holds no float either; it is the load balancers' own, whose absence is told
    when they are read.
    """
    try:
        return read_public_ip(client, id, deadline=deadline)
    except NotFound:
        return None


def observe(client: ArmClient, pair: Pair, *, deadline: float | None = None, gone: Collection[Side] = ()) -> Observed:
    """Everything next_step looks at, in five GETs. Raises ArmError, TransportError, ProtocolError.

    A load balancer of the sides in `gone` may be missing.
    """

    def read(side: Side) -> LoadBalancer:
        id = pair.load_balancer(side)
        try:
            return read_load_balancer(client, id, deadline=deadline)
        except NotFound:
            if side not in gone:
                raise
            return LoadBalancer.gone(id)

    return Observed(
        {side: read(side) for side in Side},
        {side: read_public_ip(client, pair.originals[side], deadline=deadline) for side in Side},
        read_float(client, pair.float, deadline=deadline),
    )


def observe_ruins(client: ArmClient, pair: Pair) -> Observed:
    """The same of a swap that was left half-way: a load balancer that is missing twice is taken to be gone."""
    try:
        return observe(client, pair)
    except NotFound:
        client.clock.sleep(BEFORE_IT_IS_GONE_S)
        return observe(client, pair, gone=tuple(Side))
