"""Virtual networks and their subnets: as recorded where a subnet's PUT superseded its network's.

An operation takes as long as a public IP's creation: no profile speaks of it, and recorded is 3 s for both.
"""

from __future__ import annotations

from typing import Any

from ..arm import reads, shapes
from ..arm.calls import Call, Reply
from ..arm.reads import member
from ..arm.resource_types import ResourceType
from ..arm.state import listed, properties, properties_of
from ..arm.world import World
from ..arm.writes import begin_write, check_conditions, check_free, read_put
from ..messages import Json
from . import stored

NAME = "Microsoft.Network/virtualNetworks"
_SUBNET: Json = {"properties": {"serviceEndpoints": [{}], "delegations": [{"name": str, "properties": {}}]}}
_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"


def put(world: World, call: Call) -> Reply:
    """Create or replace a network: Updating, with Azure-AsyncOperation."""
    given, previous, identity = read_put(world, call, shapes.ANY, NAME)
    body: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": "", "type": NAME}
    body.update({key: value for key, value in given.items() if key not in body and key != "properties"})
    before = properties(previous) if previous else {}
    asked = dict(given.get("properties", {}))
    # Recorded: sent as false, it does not come back.
    if asked.get("enableVmProtection") is False:
        del asked["enableVmProtection"]
    made = {"subnets": [], "virtualNetworkPeerings": [], "enableDdosProtection": False, **asked}
    made["resourceGuid"] = before.get("resourceGuid") or world.identifiers.guid()
    made["subnets"] = [
        _subnet(one, f"{identity}/subnets/{one['name']}", body.get("location"))
        for one in listed(made, "subnets")
        if isinstance(one.get("name"), str)
    ]
    body["properties"] = {"provisioningState": "Updating", **made}
    check_free(world, identity, call.now)
    return _write(world, call, body, body, "PutVirtualNetworkOperation", 200 if previous else 201)


def put_subnet(world: World, call: Call) -> Reply:
    """Create or replace a subnet; recorded: it supersedes the network's own PUT while that still runs."""
    parent = call.path.parent()
    body = world.state.get(parent.id)
    if body is None:
        raise world.missing(parent)
    given = call.content()
    shapes.check(given, _SUBNET)
    subnets = properties(body).setdefault("subnets", [])
    old = member(subnets, call.path.name)
    identity = old["id"] if old else f"{body['id']}/subnets/{call.path.name}"
    check_conditions(world, call.request, old, identity)
    check_free(world, body["id"], call.now)
    subnet = _subnet(given, identity, body.get("location"))
    subnets[:] = [one for one in subnets if one is not old] + [subnet]
    return _write(world, call, body, subnet, "PutSubnetOperation", 200 if old else 201)


def _write(world: World, call: Call, body: Json, shown: Json, kind: str, status: int) -> Reply:
    seconds = world.latency.draw("public_ip_create")
    operation = begin_write(world, call, kind, [body], seconds, _settle_parts, short=True)
    _settle_parts(body)
    return Reply(status, shown, operation, pause=True, notified=shown is body)


def _settle_parts(body: Json) -> None:
    """Let what is in the subnets have the network's state and etag."""
    for subnet in properties(body).get("subnets", ()):
        found = subnet.get("properties", {})
        for endpoint in found.get("serviceEndpoints", ()):
            endpoint["provisioningState"] = properties(body)["provisioningState"]
        for delegation in found.get("delegations", ()):
            delegation["etag"] = body["etag"]


def _subnet(given: Json, identity: str, location: Any) -> Json:
    asked = dict(properties_of(given))
    for key in ("serviceEndpoints", "delegations"):
        if isinstance(asked.get(key), list):
            asked[key] = [dict(one) for one in listed(asked, key)]
    for endpoint in asked.get("serviceEndpoints", ()):
        endpoint.setdefault("locations", [location])
        endpoint["provisioningState"] = "Updating"
    for delegation in asked.get("delegations", ()):
        delegation["id"] = f"{identity}/delegations/{delegation.get('name')}"
        delegation["etag"] = ""
        made = {"provisioningState": "Succeeded", **properties_of(delegation), "actions": [_JOIN]}
        delegation["properties"] = made
        delegation["type"] = f"{NAME}/subnets/delegations"
    made = {"privateEndpointNetworkPolicies": "Enabled", "privateLinkServiceNetworkPolicies": "Enabled", **asked}
    return {
        "name": identity.rsplit("/", 1)[1],
        "id": identity,
        "etag": "",
        "properties": {**made, "provisioningState": "Updating"},
        "type": f"{NAME}/subnets",
    }


TYPE = ResourceType(
    NAME,
    {
        "virtualNetworks/*": {**stored.METHODS, "PUT": put},
        "virtualNetworks/*/subnets/*": {"GET": reads.get, "PUT": put_subnet},
    },
)
