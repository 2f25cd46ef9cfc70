"""The actions that a swap takes, on what, and whether a login's permissions grant them. Pure.

https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from vipswap_rest.arm.ids import covers, subscription_scope
from vipswap_rest.methods.vip_swap.model import Pair
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.switchover.report import Side


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role assignment allows: its actions less its own notActions, both with `*` for anything."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]

    def allows(self, action: str) -> bool:
        """Whether this assignment alone grants the action; another's notActions take nothing away from it."""
        return _any_matches(self.actions, action) and not _any_matches(self.not_actions, action)


@dataclass(frozen=True, slots=True)
class Need:
    """One action that the swap takes on one scope (a resource, a resource group or a subscription, by id)."""

    scope: str
    action: str


def needs(pair: Pair, opening: Opening) -> Iterator[Need]:
    """What a swap does, and no more: write both load balancers, join the addresses, make and delete the float.

    The native strategy takes its own action besides: it needs the float as its journal, and where ARM does not serve
    it, or half of it is to be finished, the load balancers are written after all.
    """
    group = pair.float.group
    for side in Side:
        load_balancer = str(pair.load_balancer(side))
        yield Need(load_balancer, "Microsoft.Network/loadBalancers/read")
        yield Need(load_balancer, "Microsoft.Network/loadBalancers/write")
    for side in Side:
        address = str(pair.originals[side])
        yield Need(address, "Microsoft.Network/publicIPAddresses/read")
        yield Need(address, "Microsoft.Network/publicIPAddresses/join/action")
    for action in ("read", "write", "delete", "join/action"):
        yield Need(group, f"Microsoft.Network/publicIPAddresses/{action}")
    if opening is Opening.NATIVE:
        action = "Microsoft.Network/locations/setLoadBalancerFrontendPublicIpAddresses/action"
        yield Need(subscription_scope(pair.float.subscription), action)


def granted(need: Need, grants: Mapping[str, tuple[Grant, ...]]) -> bool:
    """Whether the grants, by the scope that they were read at, cover the need: those of a scope above count too."""
    return any(
        grant.allows(need.action) for scope, found in grants.items() if covers(scope, need.scope) for grant in found
    )


def group_of(id: str) -> str:
    """The scope of a resource's group, such as `/subscriptions/S/resourceGroups/G`."""
    return "/".join(id.split("/")[:5])


def _any_matches(patterns: Iterable[str], action: str) -> bool:
    return any(_matches(pattern, action) for pattern in patterns)


def _matches(pattern: str, action: str) -> bool:
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return re.fullmatch(expression, action, re.IGNORECASE) is not None
