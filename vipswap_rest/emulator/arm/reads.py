"""GET of a resource, of a child in its parent's body, and of a list of either."""

from __future__ import annotations

from collections.abc import Iterable

from ..messages import Json
from .calls import Call, Reply
from .paths import Path
from .state import listed, properties_of
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
        parent = find(world, path.parent())
        if parent is None:
            raise world.missing(path.parent())
        stored = [body for body in state.of_type(path.type) if body["id"].lower().startswith(path.key + "/")]
        return Reply(200, {"value": _children(parent, path.types[-1]) + stored})
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
        body = member(_children(body, kind), name)
    return body


def member(children: Iterable[Json], name: str) -> Json | None:
    """The object of that name, or None."""
    return next((child for child in children if str(child.get("name")).lower() == name.lower()), None)


def _children(body: Json | None, kind: str) -> list[Json]:
    """The members of the list in a body's properties that the type names."""
    found = properties_of(body or {})
    return next((listed(found, key) for key in found if key.lower() == kind.lower()), [])
