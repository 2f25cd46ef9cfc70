"""Management locks, at any scope; gate.py enforces them."""

from __future__ import annotations

from ..arm import errors, extensions
from ..arm.calls import ExtensionCall, Reply
from ..arm.extensions import covers
from ..arm.paths import parse_id
from ..arm.world import World
from ..messages import Json

_LEVELS = {"readonly": "ReadOnly", "cannotdelete": "CanNotDelete"}


def list_all(world: World, call: ExtensionCall) -> Reply:
    """The locks at a scope, above it and below it."""
    found, at = extensions.stored(world.state, call.extension.kind), call.extension.scope
    shown = [body for scope, body in found if covers(scope, at) or covers(at, scope)]
    return Reply(200, {"value": shown}, by_gateway=True)


def get(world: World, call: ExtensionCall) -> Reply:
    """One lock, or 404."""
    body = world.state.get(call.extension.id)
    if body is None:
        raise errors.lock_not_found(call.extension.name or "")
    return Reply(200, body, by_gateway=True)


def put(world: World, call: ExtensionCall) -> Reply:
    """Create or replace a lock: 201 or 200, at once."""
    given, state, extension = call.content(), world.state, call.extension
    wanted = given.get("properties")
    level = _LEVELS.get(str(wanted.get("level")).lower()) if isinstance(wanted, dict) else None
    if level is None:
        raise errors.format_invalid("A lock's properties.level must be ReadOnly or CanNotDelete.")
    path = parse_id(extension.scope)
    if path is not None and path.namespace is not None and state.get(path.id) is None:
        raise world.missing(path)
    previous = state.get(extension.id)
    body: Json = {
        "properties": {**(wanted or {}), "level": level},
        "id": previous["id"] if previous else extension.id,
        "type": extension.type,
        "name": extension.name,
    }
    state.put(body)
    return Reply(200 if previous else 201, body, by_gateway=True)


def delete(world: World, call: ExtensionCall) -> Reply:
    """200, or 204 if there is none; a lock does not protect itself."""
    present = world.state.get(call.extension.id) is not None
    world.state.remove(call.extension.id)
    return Reply(200 if present else 204, by_gateway=True)


COLLECTION = {"GET": list_all}
ITEM = {"GET": get, "PUT": put, "DELETE": delete}
