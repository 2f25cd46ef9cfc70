"""Everything that the emulator has no rules for: stored as it is PUT, and served back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arm import errors, shapes
from ..arm.calls import Call, Reply, World
from ..arm.deletion import deletable, delete
from ..arm.state import group_body, properties
from ..messages import Json


class Stored:
    """Any resource type: virtual machine scale sets, network interfaces, whatever else a template holds."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, call: Call) -> Reply:
        """Store the body: 201 or 200, Succeeded at once, without an operation."""
        world, path = self._world, call.path
        given, previous = call.content(), world.state.get(path.id)
        shapes.check(given, shapes.ANY)
        if len(path.types) == 1:
            world.check_location(path, given, previous)
        elif world.state.get(path.parent().id) is None:
            raise world.missing(path.parent())
        identity = previous["id"] if previous else path.id
        world.check_conditions(call.request, previous, identity)
        body: Json = {"name": path.name, "id": identity, "etag": "", "type": path.type}
        body.update({key: value for key, value in given.items() if key not in body})
        body["properties"] = {**body.get("properties", {}), "provisioningState": "Succeeded"}
        world.state.touch(body)
        world.state.put(body)
        return Reply(200 if previous else 201, body)

    def patch(self, call: Call) -> Reply:
        """Merge the body into the resource's: 200."""
        world = self._world
        body = world.state.get(call.path.id)
        if body is None:
            raise world.missing(call.path)
        given = call.content()
        shapes.check(given, shapes.ANY)
        world.check_conditions(call.request, body, body["id"])
        for key in ("tags", "properties"):
            if key in given:
                body[key] = _merged(body.get(key), given[key])
        properties(body)["provisioningState"] = "Succeeded"
        world.state.touch(body)
        return Reply(200, body)

    def delete(self, call: Call) -> Reply:
        """202 and an operation that takes no time, or 204 if there is none."""
        body = deletable(self._world, call)
        if isinstance(body, Reply):
            return body
        superseded = self._world.check_free(body["id"], call.now)
        return delete(self._world, call, body, "DeleteResourceOperation", 0.0, superseded)


class Groups:
    """Resource groups."""

    def __init__(self, world: World) -> None:
        self._world = world

    def get(self, call: Call) -> Reply:
        """The group, or 404; HEAD answers 204."""
        body = self._group(call)
        if body is None:
            raise errors.group_not_found(call.path.group or "")
        return Reply(204 if call.request.method == "HEAD" else 200, body, by_gateway=True)

    def put(self, call: Call) -> Reply:
        """Create or update the group: 201 or 200, at once."""
        given, previous = call.content(), self._group(call)
        shapes.check(given, shapes.ANY)
        wanted = given.get("location")
        if not isinstance(wanted, str) or not wanted:
            raise errors.location_required()
        identity = previous["id"] if previous else call.path.id
        body = group_body(identity, wanted, given.get("tags"))
        self._world.state.put(body)
        return Reply(200 if previous else 201, body, by_gateway=True)

    def patch(self, call: Call) -> Reply:
        """Replace the group's tags: 200; 404 if there is none."""
        body = self._group(call)
        if body is None:
            raise errors.group_not_found(call.path.group or "")
        given = call.content()
        shapes.check(given, shapes.TAGS)
        if "tags" in given:
            body = {**body, "tags": given["tags"]}
            self._world.state.put(body)
        return Reply(200, body, by_gateway=True)

    def delete(self, call: Call) -> Reply:
        """Delete the group and all that is in it; 404 if there is none. Takes no time here."""
        body = self._group(call)
        if body is None:
            raise errors.group_not_found(call.path.group or "")
        world, prefix = self._world, body["id"].lower()
        self._world.state.put(body)

        def succeed(t: float, own: Sequence[str]) -> None:
            for each in world.state.all():
                if (each["id"].lower() + "/").startswith(prefix + "/"):
                    world.operations.detach(each["id"])
                    world.state.remove(each["id"])

        operation = world.start(call, "DeleteResourceGroupOperation", [body], call.now, succeed)
        operation.by_gateway = True
        return Reply(202, None, operation, status_url=False, result_url=True, pause=True, by_gateway=True)

    def _group(self, call: Call) -> Json | None:
        return self._world.state.group(call.path.subscription or "", call.path.group or "")


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
    return new
