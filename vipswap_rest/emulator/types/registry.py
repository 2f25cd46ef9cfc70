"""Every resource type that has rules of its own: one line each."""

from __future__ import annotations

from collections.abc import Iterable

from ..arm.paths import Path
from ..arm.resource_types import ResourceType
from . import groups, locations, locks, permissions, public_ips, stored, virtual_networks
from .application_gateways import routes as application_gateways
from .deployments import routes as deployments
from .load_balancers import routes as load_balancers
from .scale_sets import operations as compute
from .scale_sets import routes as scale_sets

TYPES: tuple[ResourceType, ...] = (
    application_gateways.TYPE,
    deployments.TYPE,
    groups.TYPE,
    load_balancers.TYPE,
    locations.TYPE,
    public_ips.TYPE,
    scale_sets.TYPE,
    compute.TYPE,
    virtual_networks.TYPE,
)
# Extensions of other resources: the handlers of a collection, and of one item.
EXTENSIONS = {
    "locks": (locks.COLLECTION, locks.ITEM),
    "permissions": (permissions.COLLECTION, permissions.COLLECTION),
}


def find(types: Iterable[ResourceType], path: Path) -> ResourceType | None:
    """The type that serves a path: in a group every one is served, stored where there are no rules for it."""
    top = groups.TYPE.name if path.namespace is None else path.top().type
    in_group = path.group is not None and path.namespace is not None
    for one in types:
        if one.in_group == in_group and one.name.lower() == top.lower():
            return one
    return stored.TYPE if in_group or (path.is_list and len(path.types) == 1) else None
