"""From what the user named to what a swap needs: load balancers, frontends, addresses, and an open journal if any."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import Forbidden, LockHeld, NotFound, Refused, UsageError
from vipswap_rest.arm.ids import ResourceId, id_key, subscription_scope
from vipswap_rest.arm.network import list_public_ips
from vipswap_rest.methods.vip_swap import conflicts
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.command_lines import recover_command
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp
from vipswap_rest.methods.vip_swap.naming import address_id, address_meant, frontend_id, load_balancer_id
from vipswap_rest.methods.vip_swap.observe import observe, read_float, read_load_balancer, read_public_ip
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.settling import SETTLE_S, Settling


@dataclass(frozen=True, slots=True)
class Target:
    """What the user asks for: two load balancers (production's first) by name or id, their frontends if they have
    several, and with `vip` the goal instead of the exchange: this address on the second load balancer."""

    production: str
    staging: str
    resource_group: str | None = None
    frontends: tuple[str | None, str | None] = (None, None)
    vip: str | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """A target found: the pair, what was observed, and the journal that lies open or done in the float.

    `reached` says that the goal of a `vip` is already there.
    """

    pair: Pair
    observed: Observed
    journal: Journal | None
    reached: bool = False


def resolve(
    client: ArmClient, target: Target, *, settle_s: float = SETTLE_S, note: Callable[[str], None] = lambda _: None
) -> Resolved:
    """Find everything that a target names. Nothing is written.

    Raises UsageError (what is no name; several public frontends, none chosen), NotFound, Refused, LockHeld (this
    pair's journal lies open, or that of a pair that has a load balancer in common with it).
    """
    ids = {
        side: load_balancer_id(text, client.subscription, target.resource_group)
        for side, text in zip(Side, (target.production, target.staging), strict=True)
    }
    if ids[Side.PRODUCTION] == ids[Side.STAGING]:
        raise Refused(
            "SameLoadBalancer",
            f"Production and staging are the same load balancer: {ids[Side.PRODUCTION]}.",
            hint="Name two load balancers with --lb1 and --lb2.",
        )
    vip = address_id(target.vip, client.subscription, target.resource_group) if target.vip else None
    wanted = {
        side: frontend_id(text, ids[side]) if text is not None else None
        for side, text in zip(Side, target.frontends, strict=True)
    }
    settling = Settling(client.clock, settle_s, note, client.clock.monotonic())
    float_id = journals.float_id((ids[Side.PRODUCTION], ids[Side.STAGING]))
    found: Sequence[Any] = client.together(
        [
            *(partial(at_rest, settling, partial(read_load_balancer, client), id) for id in ids.values()),
            partial(at_rest, settling, partial(read_float, client), float_id),
            partial(_other_floats, client, float_id, ids),
        ]
    )
    load_balancers: dict[Side, LoadBalancer] = dict(zip(Side, found[:2], strict=True))
    float_: PublicIp | None = found[2]
    journal = journals.read(float_) if float_ else None
    if float_ and journal and not journal.done:
        return _open_journal(client, journal, ids, address_meant(target.vip, journal.pair.originals, vip))
    chosen = {side: _choose(load_balancers[side], wanted[side], side) for side in Side}
    pair = Pair(
        {side: chosen[side][0] for side in Side},
        {side: chosen[side][1] for side in Side},
        float_id,
    )
    vip = address_meant(target.vip, pair.originals, vip)
    addresses: Sequence[Any] = client.together(
        [partial(at_rest, settling, partial(read_public_ip, client), pair.originals[side]) for side in Side]
        + [partial(_no_rival, client, pair, found[3])]
    )
    observed = Observed(load_balancers, dict(zip(Side, addresses[:2], strict=True)), float_)
    _two_addresses(pair)
    if vip is None or vip == pair.originals[Side.PRODUCTION]:
        return Resolved(pair, observed, journal)
    if vip == pair.originals[Side.STAGING]:
        return Resolved(pair, observed, journal, reached=True)
    raise Refused(
        "VipElsewhere",
        f"The address {vip} is on neither load balancer: "
        f"production's frontend holds {pair.originals[Side.PRODUCTION]}, staging's {pair.originals[Side.STAGING]}.",
        hint="Name the address that one of the two frontends holds.",
    )


def goal_begun(client: ArmClient, target: Target) -> ResourceId | None:
    """The address that an open journal of these two load balancers brings to the second one; None without a journal.

    Raises UsageError, and Refused where the journal is damaged.
    """
    first, second = (
        load_balancer_id(text, client.subscription, target.resource_group)
        for text in (target.production, target.staging)
    )
    public_ip = read_float(client, journals.float_id((first, second)))
    journal = journals.read(public_ip) if public_ip else None
    if journal is None or journal.done:
        return None
    goal = journal.pair.goal(journal.direction)
    return next((goal[side] for side in Side if journal.pair.load_balancer(side) == second), None)


def _two_addresses(pair: Pair) -> None:
    """Raise Refused if both frontends refer to one address, as two reads of a swap under way may show it."""
    production, staging = (pair.originals[side] for side in Side)
    if production == staging:
        raise Refused(
            "SameAddress",
            f"Both frontends refer to one address, {production}, so there is nothing to exchange.",
            hint="Look again in a minute; if it stays so, PUT the load balancer that does not hold it again.",
        )


def _other_floats(client: ArmClient, float_id: ResourceId, ids: Mapping[Side, ResourceId]) -> list[ResourceId]:
    """The floats there are but this pair's, by a list of the subscription or, to a login that may not list it, lists of
    the load balancers' groups.

    Who may list neither may swap all the same: the run looks once more, and tells.
    """
    try:
        listed = list(list_public_ips(client, subscription_scope(float_id.subscription)))
    except Forbidden:
        groups = {id_key(id.group): id.group for id in ids.values()}
        try:
            listed = [body for group in groups.values() for body in list_public_ips(client, group)]
        except Forbidden:
            return []
    return conflicts.other_floats(listed, float_id)


def _no_rival(client: ArmClient, pair: Pair, others: list[ResourceId]) -> None:
    """Raise LockHeld if one of the other floats is the journal of an overlapping swap, under way or left behind."""
    floats = client.together([partial(read_float, client, id) for id in others])
    for rival, _ in conflicts.overlapping([public_ip for public_ip in floats if public_ip], pair):
        raise conflicts.overlapped(rival)


def _open_journal(client: ArmClient, journal: Journal, ids: dict[Side, ResourceId], vip: ResourceId | None) -> Resolved:
    """A swap of this pair is under way or was left behind: finish it if the goal is the same, else refuse."""
    pair = journal.pair
    if vip is not None:
        goal = pair.goal(journal.direction)
        if any(goal[side] == vip for side in Side if pair.load_balancer(side) == ids[Side.STAGING]):
            return Resolved(pair, observe(client, pair), journal)
    production = pair.load_balancer(Side.PRODUCTION)
    raise LockHeld(
        f"A swap of {production.name} and {pair.load_balancer(Side.STAGING).name}, begun at {journal.started} "
        f"(run {journal.run}), is under way or was left behind: the float {pair.float} is its journal.",
        hint="If that run is dead, finish or undo what it began: " + recover_command(pair),
    )


_Resource = TypeVar("_Resource", LoadBalancer, PublicIp | None)


def at_rest(settling: Settling, read: Callable[[ResourceId], _Resource], id: ResourceId) -> _Resource:
    """What `read` gives as soon as it is not in motion; None is at rest."""
    return settling.settled(lambda: read(id), lambda found: (found.id.name, found.state) if found else None)


def _choose(load_balancer: LoadBalancer, wanted: ResourceId | None, side: Side) -> tuple[ResourceId, ResourceId]:
    """The frontend to swap and its address: the one named, or the only public one."""
    flag = "--frontend1" if side is Side.PRODUCTION else "--frontend2"
    frontends = load_balancer.frontends
    if wanted is not None:
        frontends = tuple(item for item in frontends if item.id == wanted)
        if not frontends:
            known = ", ".join(item.id.name for item in load_balancer.frontends) or "none"
            raise NotFound(
                "FrontendNotFound",
                f"There is no frontend {wanted.name!r}; it has: {known}.",
                status=404,
                method="GET",
                resource=str(load_balancer.id),
            )
    public = [(item.id, item.public_ip) for item in frontends if item.public_ip is not None]
    if len(public) > 1:
        raise UsageError(
            f"{load_balancer.id.name} has several public frontends: {', '.join(id.name for id, _ in public)}.",
            hint=f"Choose one with {flag}.",
        )
    if public:
        id, address = public[0]
        return id, address
    if any(item.has_prefix for item in frontends):
        raise Refused(
            "PublicIpPrefix",
            f"The load balancer {load_balancer.id} has a frontend with a whole public IP prefix, not with one address; "
            "such a frontend serves outbound connections only, and there is no address to swap.",
            hint=f"Name a load balancer, or with {flag} a frontend, that has a public IP address.",
        )
    if frontends:
        raise Refused(
            "InternalFrontend",
            f"The load balancer {load_balancer.id} has an internal frontend and no public IP address to swap.",
            hint=f"Name a load balancer, or with {flag} a frontend, that has a public IP address.",
        )
    raise Refused(
        "NoPublicIp",
        f"The load balancer {load_balancer.id} has no frontend with a public IP address.",
        hint="Give it a frontend with a public IP address first.",
    )
