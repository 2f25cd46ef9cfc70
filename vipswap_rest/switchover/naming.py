"""From the names and ids on the command line to whole ids, whatever the resource is. Pure."""

from __future__ import annotations

from collections.abc import Collection

from vipswap_rest.arm.errors import NotFound, UsageError
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId, check_group
from vipswap_rest.arm.words import same_word


def resource_meant(text: str, kind: str, what: str, subscription: str, resource_group: str | None) -> ResourceId:
    """The network resource of the full type `kind` that a name or an id stands for; an id is taken whole. `what` it is
    called. Raises UsageError."""
    try:
        if text.startswith("/"):
            id = ResourceId.parse(text)
            if not id.is_a(kind):
                raise UsageError(f"{text} is the id of a {id.type}, not of a {what}.")
            return id
        if resource_group is None:
            raise UsageError(f"{text!r} is a name, so its resource group is needed.", hint="Add -g GROUP.")
        return ResourceId.network(subscription, check_group(resource_group), kind.partition("/")[2], text)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error


def child_meant(text: str, parent: ResourceId, kind: str, what: str, parents: str) -> ResourceId:
    """The child of `parent`, in its list `kind`, that a name or an id stands for. `what` it and its parent (`parents`)
    are called. Raises UsageError for what is none of this parent's."""
    try:
        id = ResourceId.parse(text) if text.startswith("/") else parent.child(kind, text)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error
    if id.parent != parent or not id.is_a(f"{parent.type}/{kind}"):
        raise UsageError(f"{text} is not a {what} of the {parents} {parent}.")
    return id


def one_of(name: str, known: Collection[str], what: str, resource: ResourceId) -> str:
    """The part of a resource, of those `known`, that has this name, as it is spelled there; any case will do. Raises
    NotFound."""
    found = next((one for one in known if same_word(one, name)), None)
    if found is None:
        told = f"There is no {what} {name!r}; it has: {', '.join(known) or 'none'}."
        raise NotFound(f"{what.capitalize()}NotFound", told, status=404, method="GET", resource=str(resource))
    return found
