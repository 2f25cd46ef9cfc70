"""From the names and ids on the command line to whole ids. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from vipswap_rest.arm.errors import Refused, UsageError
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId, check_group
from vipswap_rest.arm.network import FRONTEND, LOAD_BALANCER, NAMESPACE, PUBLIC_IP
from vipswap_rest.arm.words import same_word
from vipswap_rest.switchover.report import Side

_FRONTENDS = FRONTEND.rpartition("/")[2]


def load_balancer_id(text: str, subscription: str, resource_group: str | None) -> ResourceId:
    """The load balancer that a name or id on the command line stands for.

    Raises UsageError, Refused (another subscription: no swap has its load balancers, or its float, in two).
    """
    id = _meant(text, LOAD_BALANCER, subscription, resource_group)
    if not same_word(id.subscription, subscription):
        raise Refused(
            "OtherSubscription",
            f"{id} is in another subscription than {subscription}: both load balancers must be in one.",
            hint="Name load balancers of one subscription, and that one with --subscription.",
        )
    return id


def address_id(text: str, subscription: str, resource_group: str | None) -> ResourceId:
    """The public IP address that a name or id stands for by itself. Raises UsageError."""
    return _meant(text, PUBLIC_IP, subscription, resource_group)


def _meant(text: str, kind: str, subscription: str, resource_group: str | None) -> ResourceId:
    """The id that a name or id stands for; an id is taken whole. Raises UsageError."""
    what = "load balancer" if kind == LOAD_BALANCER else "public IP address"
    try:
        if text.startswith("/"):
            id = ResourceId.parse(text)
            if not id.is_a(f"{NAMESPACE}/{kind}"):
                raise UsageError(f"{text} is the id of a {id.type}, not of a {what}.")
            return id
        if resource_group is None:
            raise UsageError(f"{text!r} is a name, so its resource group is needed.", hint="Add -g GROUP.")
        return ResourceId.network(subscription, check_group(resource_group), kind, text)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error


def address_meant(text: str | None, held: Mapping[Side, ResourceId], named: ResourceId | None) -> ResourceId | None:
    """The address that --vip means: of a bare name, the one address of the two with that name, wherever it is.

    `named` is what the text says by itself. Of two namesakes it is the one in the resource group of -g.
    """
    if text is None or text.startswith("/") or named in held.values():
        return named
    same = [address for address in held.values() if same_word(address.name, text)]
    if len(same) > 1:
        raise UsageError(f"Both addresses are named {text!r}.", hint=f"Give --vip an id: {same[0]} or {same[1]}.")
    return same[0] if same else named


def frontend_id(text: str, load_balancer: ResourceId) -> ResourceId:
    """The frontend that a name or id stands for. Raises UsageError for what is none of this load balancer."""
    try:
        id = ResourceId.parse(text) if text.startswith("/") else load_balancer.child(_FRONTENDS, text)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error
    if id.parent != load_balancer or not id.is_a(f"{NAMESPACE}/{FRONTEND}"):
        raise UsageError(f"{text} is not a frontend of the load balancer {load_balancer}.")
    return id
