"""Virtual networks and their subnets: as recorded where a subnet's PUT superseded its network's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arm import shapes
from ..arm.calls import Call, Reply, World
from ..arm.paths import Path
from ..arm.state import properties
from ..messages import Json
from .stored import Stored

TYPE = "Microsoft.Network/virtualNetworks"
_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"


class VirtualNetworks(Stored):
    """The resource type `Microsoft.Network/virtualNetworks`. An operation takes as long as a public IP's creation:

    no profile speaks of it, and recorded is 3 s for both.
    """

    def put(self, call: Call) -> Reply:
        """Create or replace a network: Updating, with Azure-AsyncOperation."""
        world = self._world
        given, previous = call.content(), world.state.get(call.path.id)
        world.check_location(call.path, given, previous)
        shapes.check(given, shapes.ANY)
        identity = previous["id"] if previous else world.identity(call.path, TYPE)
        world.check_conditions(call.request, previous, identity)
        body: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": "", "type": TYPE}
        body.update({key: value for key, value in given.items() if key not in body and key != "properties"})
        before = properties(previous) if previous else {}
        asked = dict(given.get("properties", {}))
        # Recorded: sent as false, it does not come back.
        if asked.get("enableVmProtection") is False:
            del asked["enableVmProtection"]
        made = {"subnets": [], "virtualNetworkPeerings": [], "enableDdosProtection": False, **asked}
        made["resourceGuid"] = before.get("resourceGuid") or world.identifiers.guid()
        subnets = made["subnets"] if isinstance(made["subnets"], list) else []
        made["subnets"] = [
            _subnet(one, f"{identity}/subnets/{one['name']}", body.get("location"))
            for one in subnets
            if isinstance(one, dict) and isinstance(one.get("name"), str)
        ]
        body["properties"] = {"provisioningState": "Updating", **made}
        return self._start(call, body, body, "PutVirtualNetworkOperation", 200 if previous else 201)

    def put_subnet(self, call: Call) -> Reply:
        """Create or replace a subnet; recorded: it supersedes the network's own PUT while that still runs."""
        world, parent = self._world, call.path.parent()
        body = world.state.get(parent.id)
        if body is None:
            raise world.missing(parent)
        given = call.content()
        shapes.check(given, shapes.SUBNET)
        subnets = properties(body).setdefault("subnets", [])
        old = find(subnets, call.path.name)
        identity = old["id"] if old else f"{body['id']}/subnets/{call.path.name}"
        world.check_conditions(call.request, old, identity)
        world.check_free(body["id"], call.now)
        subnet = _subnet(given, identity, body.get("location"))
        subnets[:] = [one for one in subnets if one is not old] + [subnet]
        return self._start(call, body, subnet, "PutSubnetOperation", 200 if old else 201)

    def _start(self, call: Call, body: Json, shown: Json, kind: str, status: int) -> Reply:
        world, identity = self._world, body["id"]
        superseded = world.check_free(identity, call.now)
        self._set(body, "Updating")
        world.state.put(body)

        def succeed(t: float, own: Sequence[str]) -> None:
            present = world.state.get(identity)
            if own and present is not None:
                self._set(present, "Succeeded")
            world.addresses.complete(operation, t)

        due = call.now + world.latency.draw("public_ip_create")
        operation = world.start(call, kind, [body], due, succeed, short=True)
        world.addresses.accept(operation, (), call.now)
        world.take_over(superseded, operation, call.now)
        return Reply(status, shown, operation, pause=True, notified=shown is body)

    def _set(self, body: Json, state: str) -> None:
        self._world.state.settle(body, state)
        self._world.state.touch(body)
        for subnet in properties(body).get("subnets", ()):
            found = subnet.get("properties", {})
            for endpoint in found.get("serviceEndpoints", ()):
                endpoint["provisioningState"] = state
            for delegation in found.get("delegations", ()):
                delegation["etag"] = body["etag"]


def find(listed: Any, name: str) -> Json | None:
    """The child of that name, or None."""
    for child in listed if isinstance(listed, list) else ():
        if isinstance(child, dict) and str(child.get("name")).lower() == name.lower():
            return child
    return None


def find_child(world: World, path: Path) -> Json | None:
    """The child resource that a path names: a member of the list in its parent's properties that its type names."""
    body: Json | None = world.state.get(Path(path.subscription, path.group, path.namespace, *_top(path)).id)
    for kind, name in zip(path.types[1:], path.names[1:], strict=False):
        if body is None:
            return None
        listed = next((value for key, value in properties(body).items() if key.lower() == kind.lower()), None)
        body = find(listed, name)
    return body


def find_children(world: World, path: Path) -> list[Json] | None:
    """The list of children that a path names, or None if there is no such list."""
    parent = path.parent()
    body = world.state.get(parent.id) if len(parent.types) == 1 else find_child(world, parent)
    if body is None:
        return None
    for key, value in properties(body).items():
        if key.lower() == path.types[-1].lower() and isinstance(value, list):
            return [child for child in value if isinstance(child, dict)]
    return None


def _top(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return path.types[:1], path.names[:1]


def _subnet(given: Json, identity: str, location: Any) -> Json:
    asked = dict(given.get("properties", {})) if isinstance(given.get("properties"), dict) else {}
    for key in ("serviceEndpoints", "delegations"):
        if isinstance(asked.get(key), list):
            asked[key] = [dict(one) for one in asked[key] if isinstance(one, dict)]
    for endpoint in asked.get("serviceEndpoints", ()):
        endpoint.setdefault("locations", [location])
        endpoint["provisioningState"] = "Updating"
    for delegation in asked.get("delegations", ()):
        delegation["id"] = f"{identity}/delegations/{delegation.get('name')}"
        delegation["etag"] = ""
        named = delegation.get("properties", {}) if isinstance(delegation.get("properties"), dict) else {}
        delegation["properties"] = {"provisioningState": "Succeeded", **named, "actions": [_JOIN]}
        delegation["type"] = f"{TYPE}/subnets/delegations"
    made = {"privateEndpointNetworkPolicies": "Enabled", "privateLinkServiceNetworkPolicies": "Enabled", **asked}
    return {
        "name": identity.rsplit("/", 1)[1],
        "id": identity,
        "etag": "",
        "properties": {**made, "provisioningState": "Updating"},
        "type": f"{TYPE}/subnets",
    }
