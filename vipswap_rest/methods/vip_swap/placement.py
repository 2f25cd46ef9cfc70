"""What places a public IP address or a load balancer: the one list that the float is made by and preflight compares by.

A frontend takes only an address of its own place; an address never leaves it
(https://learn.microsoft.com/azure/virtual-network/ip-services/public-ip-addresses).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vipswap_rest.arm.words import region_key, same_word, word_key


@dataclass(frozen=True, slots=True)
class Part:
    """One of the properties that place a resource: where it is in a body, what ARM takes if it is missing or null, and
    what two of its values are compared by."""

    path: tuple[str, ...]
    default: Any
    key: Callable[[Any], Any]

    def of(self, body: Mapping[str, Any]) -> Any:
        """The value in a body, or the default."""
        value: Any = body
        for name in self.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return self.default if value is None else value

    def same(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
        """Whether two bodies agree about it."""
        return bool(self.key(self.of(one)) == self.key(self.of(other)))


def _zone_name(value: Any) -> str:
    return word_key(value.get("name")) if isinstance(value, Mapping) else ""


def _zones(value: Any) -> tuple[str, ...]:
    return tuple(sorted({word_key(zone) for zone in value}))


def _tags(value: Any) -> frozenset[tuple[str, str]]:
    return frozenset((word_key(tag.get("ipTagType")), word_key(tag.get("tag"))) for tag in value)


LOCATION = Part(("location",), "", region_key)
EDGE_ZONE = Part(("extendedLocation",), None, _zone_name)
ZONES = Part(("zones",), (), _zones)
SKU = Part(("sku", "name"), "Basic", word_key)
TIER = Part(("sku", "tier"), "Regional", word_key)
VERSION = Part(("properties", "publicIPAddressVersion"), "IPv4", word_key)
IP_TAGS = Part(("properties", "ipTags"), (), _tags)
PARTS = (LOCATION, EDGE_ZONE, ZONES, SKU, TIER, VERSION, IP_TAGS)


def in_place_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a new address's body that place it exactly where the address with this body is.

    In an edge zone there are no zones, and a PUT that names some is refused
    (https://github.com/kubernetes-sigs/cloud-provider-azure/pull/702).
    """
    made: dict[str, Any] = {"properties": {}}
    for part in PARTS:
        value = part.of(body)
        if not value or (part is ZONES and EDGE_ZONE.of(body)):
            continue
        holder = made
        for name in part.path[:-1]:
            holder = holder.setdefault(name, {})
        holder[part.path[-1]] = _sent(value)
    return made


def _sent(value: Any) -> Any:
    """A value as it is sent: a copy, without the nulls in it."""
    if isinstance(value, Mapping):
        return {key: _sent(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_sent(item) for item in value]
    return copy.copy(value)


def same_place(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two bodies are of one region and one edge zone, or of none; a location that is missing tells nothing."""
    told = LOCATION.of(one) and LOCATION.of(other)
    return (not told or LOCATION.same(one, other)) and EDGE_ZONE.same(one, other)


def place_name(body: Mapping[str, Any]) -> str:
    """The region, and the edge zone if there is one, for people."""
    zone = EDGE_ZONE.of(body)
    name = zone.get("name") if isinstance(zone, Mapping) else None
    return f"{LOCATION.of(body) or 'no region'}, edge zone {name}" if name else str(LOCATION.of(body) or "no region")


def same_kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two bodies are of one SKU and tier."""
    return SKU.same(one, other) and TIER.same(one, other)


def kind_name(body: Mapping[str, Any]) -> str:
    """The SKU and tier, for people."""
    return f"{SKU.of(body)} {TIER.of(body)}"


def ip_tags(body: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The routing preference of an address (empty where it has none), and its other IP tags as `type=tag`, sorted."""
    tags = [tag for tag in IP_TAGS.of(body) if tag.get("ipTagType")]
    routing = [str(tag.get("tag")) for tag in tags if same_word(tag["ipTagType"], "RoutingPreference")]
    others = [f"{tag['ipTagType']}={tag.get('tag')}" for tag in tags]
    return ", ".join(routing), sorted(text for text in others if not word_key(text).startswith("routingpreference="))
