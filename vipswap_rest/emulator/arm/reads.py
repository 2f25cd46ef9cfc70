"""GET of a resource, of a child in its parent's body, and of a list of either."""

from __future__ import annotations

from typing import Any

from ..messages import Json
from .calls import Call, Reply
from .paths import Path
from .state import properties
from .world import World


def get(world: World, call: Call) -> Reply:
    """The resource or the child, or 404."""
    body = find(world, call.path)
    if len(call.path.types) == 1:
        body = world.stale.read(call.path.id, body, call.now)
    if body is None:
        raise world.missing(call.path)
    return Reply(200, body, etag=True)


def list_all(world: World, call: Call) -> Reply:
    """The resources of a type in a group or a subscription, or the children of a resource."""
    path, state = call.path, world.state
    if len(path.types) > 1:
        if find(world, path.parent()) is None:
            raise world.missing(path.parent())
        stored = [body for body in state.of_type(path.type) if body["id"].lower().startswith(path.key + "/")]
        return Reply(200, {"value": _children(world, path) + stored})
    scope = Path(path.subscription, path.group).key
    found = [body for body in state.of_type(path.type) if body["id"].lower().startswith(scope + "/")]
    if path.group is not None:
        found = world.stale.listed(found, path.key, call.now)
    return Reply(200, {"value": found})


def find(world: World, path: Path) -> Json | None:
    """The resource that a path names; of a child, the member of the list in its parent that its type names."""
    body = world.state.get(path.id)
    if body is not None or len(path.types) == 1:
        return body
    body = world.state.get(path.top().id)
    for kind, name in zip(path.types[1:], path.names[1:], strict=False):
        body = member(_list(body, kind), name) if body is not None else None
    return body


def member(listed: Any, name: str) -> Json | None:
    """The object of that name in a list, or None."""
    for child in listed if isinstance(listed, list) else ():
        if isinstance(child, dict) and str(child.get("name")).lower() == name.lower():
            return child
    return None


def _children(world: World, path: Path) -> list[Json]:
    parent = find(world, path.parent())
    found = _list(parent, path.types[-1]) if parent is not None else None
    return [child for child in found if isinstance(child, dict)] if isinstance(found, list) else []


def _list(body: Json, kind: str) -> Any:
    return next((value for key, value in properties(body).items() if key.lower() == kind.lower()), None)
