"""What exists: resources and resource groups, found by their id without regard to case."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator

from ..messages import Json
from . import paths

GROUPS = "Microsoft.Resources/resourceGroups"


class Identifiers:
    """GUIDs and etags, the same ones in every run with the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible names, no secrets

    def guid(self) -> str:
        """A GUID that was not handed out before."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def number(self, below: int) -> int:
        """A whole number from 0 on."""
        return self._random.randrange(below)

    def etag(self) -> str:
        """A new etag, weak and quoted as ARM writes them: `W/"<guid>"`."""
        return f'W/"{self.guid()}"'

    def letters(self, count: int) -> str:
        """`count` characters that need no escaping in a URL."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        return "".join(self._random.choices(alphabet, k=count))


def properties(body: Json) -> Json:
    """The resource's `properties`, made if they are missing."""
    found = body.setdefault("properties", {})
    if not isinstance(found, dict):
        found = body["properties"] = {}
    return found


def properties_of(body: Json) -> Json:
    """The resource's or child's `properties` to read only: empty where there are none, or unreadable ones."""
    found = body.get("properties")
    return found if isinstance(found, dict) else {}


def listed(holder: Json, name: str) -> list[Json]:
    """The objects in the list that is in `holder` under this name: none where it is missing, null or no list.

    Seeded bodies are stored verbatim, so every reader meets such values.
    """
    found = holder.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def reference(holder: Json, name: str) -> str | None:
    """The id that the object under this name refers to; None where there is none."""
    found = holder.get(name)
    return found["id"] if isinstance(found, dict) and isinstance(found.get("id"), str) else None


def named(holder: Json, name: str) -> dict[str, Json]:
    """The members of such a list that have a name, by that name in lower case."""
    return {item["name"].lower(): item for item in listed(holder, name) if isinstance(item.get("name"), str)}


def provisioning_state(body: Json) -> str:
    """The resource's state; one that has none, or an empty one, is Succeeded, by ARM's own contract."""
    found = body.get("properties")
    state = found.get("provisioningState") if isinstance(found, dict) else None
    return (state.strip() if isinstance(state, str) else "") or "Succeeded"


def is_global(body: Json) -> bool:
    """Whether the SKU's tier is Global."""
    sku = body.get("sku")
    return isinstance(sku, dict) and str(sku.get("tier")).lower() == "global"


def sku_name(body: Json) -> str:
    """`Basic`, `Standard` or `Gateway`; Basic where nothing is said."""
    sku = body.get("sku")
    name = sku.get("name") if isinstance(sku, dict) else None
    return name if isinstance(name, str) else "Basic"


class State:
    """Bodies by lower-case id, each as ARM would show it, in the order in which they were made."""

    def __init__(self, identifiers: Identifiers) -> None:
        self.identifiers = identifiers
        self._bodies: dict[str, Json] = {}
        self._subscriptions: set[str] = set()
        self._deleted: set[str] = set()

    def get(self, resource: str) -> Json | None:
        """The body of the resource with this id, or None."""
        return self._bodies.get(resource.lower())

    def put(self, body: Json) -> None:
        """Add or replace the resource whose `id` the body bears; its subscription is known from now on."""
        key = body["id"].lower()
        self._bodies[key] = body
        self._deleted.discard(key)
        path = paths.parse_id(body["id"])
        if path is not None and path.subscription is not None:
            self.add_subscription(path.subscription)

    def remove(self, resource: str) -> None:
        """Take the resource away; it is remembered as one that was there."""
        if self._bodies.pop(resource.lower(), None) is not None:
            self._deleted.add(resource.lower())

    def was_deleted(self, resource: str) -> bool:
        """Whether there was a resource with this id that is gone."""
        return resource.lower() in self._deleted

    def all(self) -> list[Json]:
        """Every resource and resource group."""
        return list(self._bodies.values())

    def of_type(self, kind: str) -> Iterator[Json]:
        """The resources of the full type `kind`, such as `Microsoft.Network/loadBalancers`."""
        for body in self._bodies.values():
            path = paths.parse_id(body["id"])
            if path is not None and path.namespace is not None and path.type.lower() == kind.lower():
                yield body

    def add_subscription(self, subscription: str) -> None:
        """Make the subscription known."""
        self._subscriptions.add(subscription.lower())

    def has_subscription(self, subscription: str) -> bool:
        """Whether the subscription is known."""
        return subscription.lower() in self._subscriptions

    def group(self, subscription: str, group: str) -> Json | None:
        """The body of the resource group, or one made up for a group that only its seeded resources speak of."""
        key = f"/subscriptions/{subscription}/resourceGroups/{group}".lower()
        if key in self._bodies:
            return self._bodies[key]
        for known, body in self._bodies.items():
            if known.startswith(key + "/"):
                location = body.get("location", "westus")
                return group_body(body["id"].split("/providers/")[0], location)
        return None

    def groups(self, subscription: str) -> list[Json]:
        """The resource groups of the subscription, those included that only their resources speak of."""
        names: dict[str, str] = {}
        for body in self._bodies.values():
            path = paths.parse_id(body["id"])
            if path is not None and path.group and (path.subscription or "").lower() == subscription.lower():
                names.setdefault(path.group.lower(), path.group)
        found = (self.group(subscription, name) for name in names.values())
        return [body for body in found if body is not None]

    def touch(self, body: Json) -> None:
        """Give the resource a new etag, and its children with it: recorded, they always bear their parent's.

        A resource group has none.
        """
        if body.get("type") == GROUPS:
            return
        present = str(body.get("etag", ""))
        # Compute counts its etags, strong ones (recorded).
        counted = present.strip('"') if present.startswith('"') else ""
        etag = f'"{int(counted) + 1}"' if counted.isdigit() else self.identifiers.etag()
        body["etag"] = etag
        for child in children(body):
            if "etag" in child:
                child["etag"] = etag

    def settle(self, body: Json, state: str) -> None:
        """Set the provisioningState of the resource and of its children, which always follow."""
        properties(body)["provisioningState"] = state
        for child in children(body):
            found = child.get("properties")
            if isinstance(found, dict) and "provisioningState" in found:
                found["provisioningState"] = state


def children(body: Json) -> Iterator[Json]:
    """The resource's children: members of the lists in its properties that have a name and an id below its own.

    So are the members of a pool that were given by their address, and a path map's rules.
    """
    prefix = str(body.get("id", "")).lower() + "/"
    found = body.get("properties")
    for value in (found if isinstance(found, dict) else {}).values():
        for child in value if isinstance(value, list) else ():
            if isinstance(child, dict) and "name" in child and str(child.get("id", "")).lower().startswith(prefix):
                yield child
                for name in ("loadBalancerBackendAddresses", "pathRules"):
                    yield from listed(properties_of(child), name)


def group_body(identity: str, location: str, tags: Json | None = None) -> Json:
    """A resource group as ARM shows it."""
    body: Json = {
        "id": identity,
        "name": identity.rsplit("/", 1)[1],
        "type": GROUPS,
        "location": location,
    }
    if tags is not None:
        body["tags"] = tags
    body["properties"] = {"provisioningState": "Succeeded"}
    return body
