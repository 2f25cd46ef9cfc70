"""Everything that the emulator has no rules for: stored as it is PUT, and served back.

Virtual machine scale sets, network interfaces, whatever else a template holds; a type of its own may begin as these
handlers and replace what it has rules for.
"""

from __future__ import annotations

from typing import Any

from ..arm import reads, shapes
from ..arm.calls import Call, Reply, accepted
from ..arm.resource_types import ResourceType
from ..arm.state import properties
from ..arm.world import World
from ..arm.writes import begin_write, check_conditions, check_free, check_location, find_deletable
from ..messages import Json


def put(world: World, call: Call) -> Reply:
    """Store the body: 201 or 200, Succeeded at once, without an operation."""
    path = call.path
    given, previous = call.content(), world.state.get(path.id)
    shapes.check(given, shapes.ANY)
    if len(path.types) == 1:
        check_location(path, given, previous)
    elif world.state.get(path.parent().id) is None:
        raise world.missing(path.parent())
    identity = previous["id"] if previous else path.id
    check_conditions(world, call.request, previous, identity)
    body: Json = {"name": path.name, "id": identity, "etag": "", "type": path.type}
    body.update({key: value for key, value in given.items() if key not in body})
    body["properties"] = {**body.get("properties", {}), "provisioningState": "Succeeded"}
    world.state.touch(body)
    world.state.put(body)
    return Reply(200 if previous else 201, body)


def patch(world: World, call: Call) -> Reply:
    """Merge the body into the resource's: 200."""
    body = world.state.get(call.path.id)
    if body is None:
        raise world.missing(call.path)
    given = call.content()
    shapes.check(given, shapes.ANY)
    check_conditions(world, call.request, body, body["id"])
    for key in ("tags", "properties"):
        if key in given:
            body[key] = _merged(body.get(key), given[key])
    properties(body)["provisioningState"] = "Succeeded"
    world.state.touch(body)
    return Reply(200, body)


def delete(world: World, call: Call) -> Reply:
    """202 and an operation that takes no time, or 204 if there is none."""
    body = find_deletable(world, call)
    if isinstance(body, Reply):
        return body
    check_free(world, body["id"], call.now)
    return accepted(begin_write(world, call, "DeleteResourceOperation", [body], 0.0, deleting=True))


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
    return new


METHODS = {"GET": reads.get, "PUT": put, "PATCH": patch, "DELETE": delete}
# Whatever no other type serves, of any provider.
TYPE = ResourceType("*", {}, unrouted=METHODS)
