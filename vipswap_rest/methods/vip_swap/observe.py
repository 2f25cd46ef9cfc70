"""Reading what there is: both load balancers, both addresses, and the float."""

from __future__ import annotations

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import NotFound, ProtocolError
from vipswap_rest.arm.http import Response
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.arm.network import get_load_balancer, get_public_ip
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp, asked_for
from vipswap_rest.switchover.actions import Request
from vipswap_rest.switchover.asking import ask, ask_all
from vipswap_rest.switchover.report import Side

# A 404 may be a read that is late; so long after it, the second one is believed (seconds).
BEFORE_IT_IS_GONE_S = 0.5


def reads(pair: Pair, gone: frozenset[ResourceId] = frozenset()) -> tuple[Request, ...]:
    """The five reads that show everything: both load balancers (those in `gone` may be missing), both addresses, and
    the float, which may be missing. A resource group that is not there holds no float either."""
    balancers = map(pair.load_balancer, Side)
    return (
        *(Request.get(id, may_be_missing=id in gone) for id in balancers),
        *(Request.get(pair.originals[side]) for side in Side),
        Request.get(pair.float, may_be_missing=True),
    )


def shown(pair: Pair, answers: tuple[Response | None, ...]) -> Observed:
    """What the answers to `reads` show. Raises ProtocolError if ARM shows another resource, or none that is one."""
    if len(answers) != 5 or answers[2] is None or answers[3] is None:
        raise ProtocolError("ARM did not show everything that was asked for.")
    balancers = {
        side: balancer_shown(id, answer) if answer else LoadBalancer.gone(id)
        for side, id, answer in zip(Side, map(pair.load_balancer, Side), answers[:2], strict=True)
    }
    addresses = {
        Side.PRODUCTION: address_shown(pair.originals[Side.PRODUCTION], answers[2]),
        Side.STAGING: address_shown(pair.originals[Side.STAGING], answers[3]),
    }
    float_ = address_shown(pair.float, answers[4]) if answers[4] else None
    return Observed(balancers, addresses, float_)


def balancer_shown(id: ResourceId, answer: Response) -> LoadBalancer:
    """The load balancer that was asked for. Raises ProtocolError."""
    return asked_for(id, LoadBalancer.read(answer.body))


def address_shown(id: ResourceId, answer: Response) -> PublicIp:
    """The public IP address that was asked for. Raises ProtocolError."""
    return asked_for(id, PublicIp.read(answer.body))


def read_load_balancer(client: ArmClient, id: ResourceId) -> LoadBalancer:
    """A fresh GET of a load balancer. Raises ArmError, TransportError, ProtocolError."""
    return asked_for(id, LoadBalancer.read(get_load_balancer(client, id)))


def read_public_ip(client: ArmClient, id: ResourceId) -> PublicIp:
    """A fresh GET of a public IP address. Raises as read_load_balancer does."""
    return asked_for(id, PublicIp.read(get_public_ip(client, id)))


def read_float(client: ArmClient, id: ResourceId) -> PublicIp | None:
    """The float, or None if there is none. Raises as read_load_balancer does."""
    answer = ask(client, Request.get(id, may_be_missing=True))
    return address_shown(id, answer) if answer else None


def observe(client: ArmClient, pair: Pair, gone: frozenset[ResourceId] = frozenset()) -> Observed:
    """Everything next_step looks at. Raises as read_load_balancer does."""
    return shown(pair, ask_all(client, reads(pair, gone)))


def observe_ruins(client: ArmClient, pair: Pair) -> Observed:
    """The same of a swap that was left half-way: a load balancer that is missing twice is taken to be gone."""
    try:
        return observe(client, pair)
    except NotFound:
        client.clock.sleep(BEFORE_IT_IS_GONE_S)
        return observe(client, pair, frozenset(map(pair.load_balancer, Side)))
