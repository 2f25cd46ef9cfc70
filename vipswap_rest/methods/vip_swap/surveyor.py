"""Takes the survey: a handful of reads, none of which makes a swap fail.

What is refused, late or cannot be read is Unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from vipswap_rest.arm.authorization import list_locks, list_permissions
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.ids import ResourceId, covers, id_key, subscription_scope
from vipswap_rest.arm.network import list_public_ips, list_usages, rule_health
from vipswap_rest.arm.resources import get_resource_group
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp
from vipswap_rest.methods.vip_swap.permissions import Grant, Need, granted, group_of, needs
from vipswap_rest.methods.vip_swap.placement import VERSION
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.rules import Rule, RuleKind, rules_of
from vipswap_rest.methods.vip_swap.survey import Health, Lock, Owner, Survey, Usage
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.survey import SURVEY_S, Unknown, known

# How many rules are asked about at most.
RULES_ASKED = 4


def take(client: ArmClient, observed: Observed, pair: Pair, opening: Opening) -> Survey:
    """Read all but the health: four reads for a pair in one resource group, by a login that may do everything there
    and read the subscription's locks; some more for each group and resource where that is not so, and where there are
    other public frontends."""
    deadline = client.clock.monotonic() + SURVEY_S
    ids = [pair.float, *(pair.load_balancer(side) for side in Side), *pair.originals.values()]
    groups = list({id_key(id.group): id.group for id in ids}.values())
    location = str(observed.load_balancers[Side.PRODUCTION].body.get("location") or "")
    read: Sequence[Any] = client.together(
        [
            partial(_locks, client, ids, deadline),
            partial(_grants, client, list(needs(pair, opening)), deadline),
            partial(known, lambda: tuple(map(_usage, list_usages(client, location, deadline=deadline)))),
            partial(_versions, client, observed, pair, deadline),
            *(partial(_owner, client, scope, deadline) for scope in groups),
        ]
    )
    locks, grants, usages, versions, *owners = read
    return Survey(
        locks=locks,
        grants=grants,
        owners=dict(zip(groups, owners, strict=True)),
        usages=usages,
        versions=versions,
        remaining_writes=client.transport.remaining_writes,
    )


def with_health(client: ArmClient, survey: Survey, staging: LoadBalancer, pair: Pair) -> Survey:
    """The survey with the health of what stands behind staging's rules.

    Asking is a POST, and ARM may take its time over it, so it comes last, and once for all the rules that share their
    pools and their probe.
    """
    deadline = client.clock.monotonic() + SURVEY_S
    asked: dict[object, Rule] = {}
    for rule in rules_of(staging.body, str(pair.frontends[Side.STAGING])):
        if rule.kind is RuleKind.BALANCING:
            asked.setdefault((rule.pools, rule.probe), rule)
    rules = list(asked.values())[:RULES_ASKED]
    health = client.together([partial(_health, client, staging, rule.name, deadline) for rule in rules])
    return replace(survey, health=tuple(health), remaining_writes=client.transport.remaining_writes)


def _locks(client: ArmClient, ids: list[ResourceId], deadline: float) -> tuple[Lock | Unknown, ...]:
    """The locks on what the swap touches, and many others: a list holds those of the scope and of all below it.

    A subscription's list has them all. A login that may not read it is asked for each group's instead, which has
    the subscription's own locks too
    (https://learn.microsoft.com/powershell/module/az.resources/get-azresourcelock, -AtScope).
    """
    locks: dict[Lock | Unknown, None] = {}
    for subscription in {id_key(id.subscription): subscription_scope(id.subscription) for id in ids}.values():
        found = known(partial(_locks_of, client, subscription, deadline))
        if not isinstance(found, Unknown):
            locks |= dict.fromkeys(found)
            continue
        for scope in {id_key(id.group): id.group for id in ids if covers(subscription, str(id))}.values():
            below = known(partial(_locks_of, client, scope, deadline))
            locks |= dict.fromkeys((below,) if isinstance(below, Unknown) else below)
    return tuple(locks)


def _versions(client: ArmClient, observed: Observed, pair: Pair, deadline: float) -> dict[ResourceId, str]:
    """The IP versions of the other public frontends' addresses: a public frontend itself does not say its own."""
    wanted = {
        frontend.public_ip
        for side in Side
        for frontend in observed.load_balancers[side].frontends
        if frontend.public_ip is not None and frontend.id != pair.frontends[side]
    }
    found: dict[ResourceId, str] = {}
    for scope in sorted({id_key(id.group) for id in wanted}):
        listed = known(partial(_versions_in, client, scope, deadline))
        found |= {} if isinstance(listed, Unknown) else listed
    return {id: version for id, version in found.items() if id in wanted}


def _versions_in(client: ArmClient, scope: str, deadline: float) -> dict[ResourceId, str]:
    addresses = map(PublicIp.read, list_public_ips(client, scope, deadline=deadline))
    return {address.id: str(VERSION.of(address.body)) for address in addresses}


def _locks_of(client: ArmClient, scope: str, deadline: float) -> tuple[Lock, ...]:
    return tuple(map(_lock, list_locks(client, scope, deadline=deadline)))


def _lock(item: Mapping[str, Any]) -> Lock:
    id = str(item["id"])
    scope = id[: id_key(id).rindex("/providers/microsoft.authorization/locks/")]
    return Lock(id.rsplit("/", 1)[1], str(item["properties"]["level"]), scope)


def _grants(client: ArmClient, needed: list[Need], deadline: float) -> dict[str, tuple[Grant, ...] | Unknown]:
    """What is granted, by scope: on the groups first, because what is granted there is granted on all that is in them;
    on a resource only where that is not enough."""
    found: dict[str, tuple[Grant, ...] | Unknown] = {}
    for scopes in (lambda need: group_of(need.scope)), (lambda need: need.scope):
        enough = {scope: grants for scope, grants in found.items() if not isinstance(grants, Unknown)}
        for scope in dict.fromkeys(id_key(scopes(need)) for need in needed if not granted(need, enough)):
            if scope not in found:
                found[scope] = known(partial(_grants_of, client, scope, deadline))
    return found


def _grants_of(client: ArmClient, scope: str, deadline: float) -> tuple[Grant, ...]:
    return tuple(map(_grant, list_permissions(client, scope, deadline=deadline)))


def _grant(item: Mapping[str, Any]) -> Grant:
    return Grant(tuple(map(str, item.get("actions") or ())), tuple(map(str, item.get("notActions") or ())))


def _owner(client: ArmClient, scope: str, deadline: float) -> Owner | Unknown:
    def read() -> Owner:
        body = get_resource_group(client, scope, deadline=deadline)
        return Owner(str(body.get("managedBy") or ""), dict(body.get("tags") or {}))

    return known(read)


def _usage(item: Mapping[str, Any]) -> Usage:
    return Usage(str(item["name"]["value"]), int(item["currentValue"]), int(item["limit"]))


def _health(client: ArmClient, load_balancer: LoadBalancer, rule: str, deadline: float) -> Health | Unknown:
    def read() -> Health:
        id = load_balancer.id.child("loadBalancingRules", rule)
        return Health(rule, *rule_health(client, id, deadline=deadline))

    return known(read)
