"""Resource groups. They have no etag, and ARM itself answers for them."""

from __future__ import annotations

from dataclasses import replace

from ..arm import errors, paths, shapes
from ..arm.calls import Call, Reply, accepted
from ..arm.resource_types import ResourceType
from ..arm.state import GROUPS, group_body
from ..arm.world import World
from ..arm.writes import begin_write
from ..messages import Json


def list_all(world: World, call: Call) -> Reply:
    """The groups of the subscription."""
    return Reply(200, {"value": world.state.groups(call.path.subscription or "")}, by_gateway=True)


def get(world: World, call: Call) -> Reply:
    """The group, or 404; HEAD answers 204."""
    return Reply(204 if call.request.method == "HEAD" else 200, _present(world, call), by_gateway=True)


def put(world: World, call: Call) -> Reply:
    """Create or update the group: 201 or 200, at once."""
    if not paths.is_group(call.path.group or ""):
        raise errors.name_invalid(call.path.group or "")
    given, previous = call.content(), _find(world, call)
    shapes.check(given, shapes.ANY)
    wanted = given.get("location")
    if not isinstance(wanted, str) or not wanted:
        raise errors.location_required()
    body = group_body(previous["id"] if previous else call.path.id, wanted, given.get("tags"))
    world.state.put(body)
    return Reply(200 if previous else 201, body, by_gateway=True)


def patch(world: World, call: Call) -> Reply:
    """Replace the group's tags: 200; 404 if there is none."""
    body, given = _present(world, call), call.content()
    shapes.check(given, shapes.TAGS)
    if "tags" in given:
        body = {**body, "tags": given["tags"]}
        world.state.put(body)
    return Reply(200, body, by_gateway=True)


def delete(world: World, call: Call) -> Reply:
    """Delete the group and all that is in it; 404 if there is none. Takes no time here."""
    body = _present(world, call)

    def finish(present: Json) -> None:
        prefix = present["id"].lower()
        for each in world.state.all():
            if (each["id"].lower() + "/").startswith(prefix + "/"):
                world.operations.detach(each["id"])
                world.state.remove(each["id"])

    operation = begin_write(world, call, "DeleteResourceGroupOperation", [body], 0.0, finish, deleting=True)
    operation.by_gateway = True
    return replace(accepted(operation), status_url=False, by_gateway=True)


def _find(world: World, call: Call) -> Json | None:
    return world.state.group(call.path.subscription or "", call.path.group or "")


def _present(world: World, call: Call) -> Json:
    body = _find(world, call)
    if body is None:
        raise errors.group_not_found(call.path.group or "")
    return body


TYPE = ResourceType(
    GROUPS,
    {
        "/subscriptions/*/resourceGroups/*": {"GET": get, "HEAD": get, "PUT": put, "PATCH": patch, "DELETE": delete},
    },
    in_group=False,
)
