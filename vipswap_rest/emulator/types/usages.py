"""The network quotas of a region: how many public IP addresses there are, and may be.

A limit is 1000, as Azure's default for Standard addresses, unless a resource is seeded that sets it:

    {"id": "/subscriptions/S/providers/Microsoft.Network/locations/westus/usages/PublicIPAddresses",
     "properties": {"limit": 2}}
"""

from __future__ import annotations

from collections.abc import Iterator

from ..arm import errors
from ..arm.addresses import PUBLIC_IPS
from ..arm.calls import Call, Reply
from ..arm.paths import parse_id
from ..arm.placement import place
from ..arm.state import sku_name
from ..arm.world import World
from ..messages import Json

_LIMIT = 1000
# The quota's name, what it is called, and the SKU that it counts (None: all).
_QUOTAS = (
    ("PublicIPAddresses", "Public IP Addresses", None),
    ("StandardSkuPublicIpAddresses", "Public IP Addresses - Standard", "standard"),
)


def is_usage(identity: str) -> bool:
    """Whether an id is that of a quota, which may be seeded."""
    path = parse_id(identity)
    return path is not None and path.group is None and path.is_a("locations/usages")


def list_all(world: World, call: Call) -> Reply:
    """Every quota of the region with its present use."""
    found = _of(world, call.path.subscription or "", call.path.names[0])
    return Reply(200, {"value": [usage for usage, _ in found]})


def check_room(world: World, subscription: str, body: Json) -> None:
    """Refuse a new address that exceeds a quota (code and text from users' reports)."""
    for usage, sku in _of(world, subscription, str(body.get("location"))):
        counted = sku is None or sku == sku_name(body).lower()
        if counted and usage["currentValue"] >= usage["limit"]:
            raise errors.too_many_addresses(usage["limit"])


def _of(world: World, subscription: str, location: str) -> Iterator[tuple[Json, str | None]]:
    prefix = f"/subscriptions/{subscription}/"
    present = [
        sku_name(body).lower()
        for body in world.state.of_type(PUBLIC_IPS)
        if body["id"].lower().startswith(prefix.lower()) and place(str(body.get("location"))) == place(location)
    ]
    for name, text, sku in _QUOTAS:
        identity = f"{prefix}providers/Microsoft.Network/locations/{place(location)}/usages/{name}"
        seeded = world.state.get(identity) or {}
        usage: Json = {
            "id": identity,
            "unit": "Count",
            "currentValue": len(present) if sku is None else present.count(sku),
            "limit": (seeded.get("properties") or {}).get("limit", _LIMIT),
            "name": {"value": name, "localizedValue": text},
        }
        yield usage, sku
