"""The float public IP as journal and lock: its name, its body, and the tags that hold the whole plan.

A tag's value holds 256 characters
(https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources), so an id is kept in parts. Keys
compare without regard to case, and tags that are not ours (a policy may add some) are ignored.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm.errors import Refused
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId
from vipswap_rest.arm.network import LOAD_BALANCER, PUBLIC_IP
from vipswap_rest.arm.words import word_key
from vipswap_rest.methods.vip_swap import placement
from vipswap_rest.methods.vip_swap.model import Pair, PublicIp
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.steps import Direction

PREFIX = "vipswap-"
FLOAT_PREFIX = "vipswap-float-"
# A journal bears the lowest version that reads it: 2 where an address is in another subscription than the float.
VERSION, ELSEWHERE_VERSION = "1", "2"
_CHECKSUM = "checksum"
# How many tags hold a journal.
JOURNAL_TAGS = 18
BY_HAND = (
    "Check what both load balancers hold, attach the addresses manually, and delete the float; vipswap does not guess."
)


def float_id(load_balancers: tuple[ResourceId, ResourceId]) -> ResourceId:
    """The float of a pair of load balancers: any order of the two, in any case, finds the same one.

    It lives in the resource group of the first of them by its lower-case id.
    """
    first, second = sorted(load_balancers, key=lambda item: item.key)
    digest = hashlib.sha256(f"{first.key}\n{second.key}".encode()).hexdigest()
    return ResourceId.network(first.subscription, first.resource_group, PUBLIC_IP, f"{FLOAT_PREFIX}{digest[:16]}")


def is_float_name(name: str) -> bool:
    """Whether a public IP of that name may be a float."""
    return word_key(name).startswith(FLOAT_PREFIX)


@dataclass(frozen=True, slots=True)
class Journal:
    """What the float's tags say: the plan, whose run it is, and whether it is over.

    `started` is RFC 3339; `request_timeout_s` is how long a request of that run may be under way after its death.
    """

    pair: Pair
    direction: Direction
    opening: Opening
    run: str
    started: str
    request_timeout_s: int
    done: bool = False

    def tags(self) -> dict[str, str]:
        """The tags that hold this journal, checksum included."""
        values = {
            "version": VERSION,
            "run": self.run,
            "started": self.started,
            "state": "done" if self.done else "open",
            "strategy": word_key(self.opening.name).replace("_", "-"),
            "goal": self.direction.value,
            "request-timeout": str(self.request_timeout_s),
        }
        for side in Side:
            load_balancer, address = self.pair.load_balancer(side), self.pair.originals[side]
            if word_key(address.subscription) != word_key(self.pair.float.subscription):
                values |= {f"{side.value}-address-subscription": address.subscription, "version": ELSEWHERE_VERSION}
            values |= {
                f"{side.value}-group": load_balancer.resource_group,
                f"{side.value}-load-balancer": load_balancer.name,
                f"{side.value}-frontend": self.pair.frontends[side].name,
                f"{side.value}-address-group": address.resource_group,
                f"{side.value}-address": address.name,
            }
        values[_CHECKSUM] = _checksum(values)
        return {PREFIX + key: value for key, value in values.items()}


def _is_ours(key: str) -> bool:
    return word_key(key).startswith(PREFIX)


def says_done(public_ip: PublicIp) -> bool:
    """Whether the tags, which may be damaged, say that the swap is over."""
    try:
        return read(public_ip).done
    except Refused:
        return False


def read(public_ip: PublicIp) -> Journal:
    """The journal in a float's tags.

    Raises Refused: FloatForeign if no tag of ours is on it, FloatDamaged if the plan cannot be trusted.
    """
    values = {word_key(key).removeprefix(PREFIX): value for key, value in public_ip.tags.items() if _is_ours(key)}
    if not values:
        raise Refused(
            "FloatForeign",
            f"{public_ip.id} has the name of this pair's float and none of its tags: it is somebody else's.",
            hint="Rename or delete that address, or find out who made it; vipswap leaves it alone.",
        )
    damage = _damage(values)
    if damage:
        raise _damaged(public_ip, damage)
    try:
        return _plan(public_ip.id, values)
    except (KeyError, ValueError) as error:
        raise _damaged(public_ip, f"they do not make a plan ({type(error).__name__}: {error})") from error


def _damage(values: Mapping[str, str]) -> str | None:
    if _CHECKSUM not in values:
        return "the checksum is missing"
    if values[_CHECKSUM] != _checksum({key: value for key, value in values.items() if key != _CHECKSUM}):
        return "the checksum does not fit them"
    if values.get("version") not in (VERSION, ELSEWHERE_VERSION):
        known = f"versions {VERSION!r} and {ELSEWHERE_VERSION!r}"
        return f"they are of version {values.get('version')!r}, and this vipswap reads {known}"
    return None


def _damaged(public_ip: PublicIp, why: str) -> Refused:
    return Refused(
        "FloatDamaged",
        f"The tags of the float {public_ip.id} are damaged: {why}.",
        hint=BY_HAND,
    )


def _plan(float_: ResourceId, values: Mapping[str, str]) -> Journal:
    subscription = float_.subscription
    frontends, addresses = {}, {}
    for side in Side:
        group, name = values[f"{side.value}-group"], values[f"{side.value}-load-balancer"]
        load_balancer = ResourceId.network(subscription, group, LOAD_BALANCER, name)
        frontends[side] = load_balancer.child("frontendIPConfigurations", values[f"{side.value}-frontend"])
        address_group, address = values[f"{side.value}-address-group"], values[f"{side.value}-address"]
        elsewhere = values.get(f"{side.value}-address-subscription", subscription)
        addresses[side] = ResourceId.network(elsewhere, address_group, PUBLIC_IP, address)
    pair = Pair(frontends, addresses, float_)
    if float_id((pair.load_balancer(Side.PRODUCTION), pair.load_balancer(Side.STAGING))) != float_:
        raise InvalidResourceId("the plan is of another pair of load balancers")
    return Journal(
        pair,
        Direction(values["goal"]),
        Opening[values["strategy"].upper().replace("-", "_")],
        values["run"],
        values["started"],
        int(values["request-timeout"]),
        {"done": True, "open": False}[values["state"]],
    )


def _checksum(values: Mapping[str, str]) -> str:
    text = "\n".join(f"{key}={values[key]}" for key in sorted(values))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def float_body(stands_in_for: PublicIp, tags: Mapping[str, str]) -> dict[str, Any]:
    """The body that creates a float, placed exactly where the address is that it stands in for.

    Nothing else is copied: not the DNS label, not the DDoS plan, not the prefix, not the tags. Standard addresses are
    Static only.
    """
    body = placement.in_place_of(stands_in_for.body)
    return {**body, "tags": dict(tags), "properties": {**body["properties"], "publicIPAllocationMethod": "Static"}}


def with_tags(public_ip: PublicIp, tags: Mapping[str, str]) -> dict[str, Any]:
    """The body of a float with our tags replaced and the foreign ones kept."""
    foreign = {key: value for key, value in public_ip.tags.items() if not _is_ours(key)}
    return {**public_ip.body, "tags": {**foreign, **tags}}
