"""Whether a resource's body has the shape that the rest of the swap takes for granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What is looked into, of a load balancer or a public IP address: objects, lists, and lists of objects.
_OBJECTS = ("sku", "tags", "extendedLocation", "properties.dnsSettings", "properties.ddosSettings")
_LISTS = ("zones",)
_LISTS_OF_OBJECTS = ("properties.ipTags",)
# Lists of child resources, each with properties of its own.
_CHILDREN = ("frontendIPConfigurations", "loadBalancingRules", "inboundNatRules", "inboundNatPools", "outboundRules")


def check_shape(body: Mapping[str, Any]) -> None:
    """Raise TypeError if a part of the body is not of its kind; parts that are missing or null are fine."""
    properties = body["properties"]
    _check(properties, Mapping, "properties")
    for path in _OBJECTS:
        _check(_at(body, path), Mapping, path)
    for path in _LISTS:
        _check(_at(body, path), list, path)
    for path in _LISTS_OF_OBJECTS:
        _check_all(_at(body, path), path)
    for name in _CHILDREN:
        _check_all(properties.get(name), name)
        for child in properties.get(name) or []:
            _check(child.get("properties"), Mapping, f"a property bag of {name}")


def _at(body: Mapping[str, Any], path: str) -> Any:
    outer, _, inner = path.rpartition(".")
    return (body[outer] if outer else body).get(inner)


def _check(value: Any, kind: type, name: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} is no {'list' if kind is list else 'object'}")


def _check_all(value: Any, name: str) -> None:
    _check(value, list, name)
    for item in value or []:
        if not isinstance(item, Mapping):
            raise TypeError(f"{name} has an entry that is not an object")
