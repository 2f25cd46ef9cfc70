"""Where a resource is: what a reference may not cross. The emulator's own list, by ARM's rules.

A resource refers to others of its own region only, and one in an edge zone to others of that zone only; the
extendedLocation of a resource never changes
(https://github.com/cloud-and-ai-microsoft/resource-provider-contract/blob/master/v1.0/resource-api-reference.md).
"""

from __future__ import annotations

from ..messages import Json


def place(location: str) -> str:
    """A location as it is compared: `West US` is `westus`."""
    return "".join(location.split()).lower()


def edge_zone(body: Json) -> str:
    """The edge zone that a resource is in, as it is compared; empty where it is in the region itself."""
    found = body.get("extendedLocation")
    name = found.get("name") if isinstance(found, dict) else None
    return name.strip().lower() if isinstance(name, str) else ""


def same_region(one: Json, other: Json) -> bool:
    """Whether two resources are in one region; one that does not say (it was seeded so) is in any."""
    mine, its = one.get("location"), other.get("location")
    return not isinstance(mine, str) or not isinstance(its, str) or place(mine) == place(its)


def same_zone(one: Json, other: Json) -> bool:
    """Whether two resources are in one edge zone, or both in none."""
    return edge_zone(one) == edge_zone(other)
