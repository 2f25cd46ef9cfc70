"""Management locks, at any scope, and what they refuse.

https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
"""

from __future__ import annotations

from ..arm import errors, extensions
from ..arm.calls import Call, Reply, World
from ..arm.extensions import Extension, covers
from ..arm.paths import parse_id
from ..messages import Json

_LEVELS = {"readonly": "ReadOnly", "cannotdelete": "CanNotDelete"}


class Locks:
    """The type `Microsoft.Authorization/locks`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list(self, extension: Extension) -> Reply:
        """The locks at a scope, above it and below it."""
        found = extensions.stored(self._world.state, extension.kind)
        shown = [body for scope, body in found if covers(scope, extension.scope) or covers(extension.scope, scope)]
        return Reply(200, {"value": shown}, by_gateway=True)

    def get(self, extension: Extension) -> Reply:
        """One lock, or 404."""
        body = self._world.state.get(extension.id)
        if body is None:
            raise errors.lock_not_found(extension.name or "")
        return Reply(200, body, by_gateway=True)

    def put(self, call: Call, extension: Extension) -> Reply:
        """Create or replace a lock: 201 or 200, at once."""
        given, state = call.content(), self._world.state
        wanted = given.get("properties")
        level = _LEVELS.get(str(wanted.get("level")).lower()) if isinstance(wanted, dict) else None
        if level is None:
            raise errors.format_invalid("A lock's properties.level must be ReadOnly or CanNotDelete.")
        path = parse_id(extension.scope)
        if path is not None and path.namespace is not None and state.get(path.id) is None:
            raise self._world.missing(path)
        previous = state.get(extension.id)
        body: Json = {
            "properties": {**(wanted or {}), "level": level},
            "id": previous["id"] if previous else extension.id,
            "type": extension.type,
            "name": extension.name,
        }
        state.put(body)
        return Reply(200 if previous else 201, body, by_gateway=True)

    def delete(self, extension: Extension) -> Reply:
        """200, or 204 if there is none; a lock never keeps anybody from deleting it."""
        present = self._world.state.get(extension.id) is not None
        self._world.state.remove(extension.id)
        return Reply(200 if present else 204, by_gateway=True)

    def check(self, method: str, scope: str) -> None:
        """Refuse a write of a scope that a lock forbids (409 ScopeLocked).

        ReadOnly refuses every PUT, PATCH, POST and DELETE at its scope and below; CanNotDelete only DELETE. Recorded:
        a resource group is not deleted while a lock is on anything in it.
        """
        deleting = method == "DELETE"
        locked = []
        for at, body in extensions.stored(self._world.state, "locks"):
            level = str((body.get("properties") or {}).get("level")).lower()
            if not deleting and level != "readonly":
                continue
            if covers(at, scope) or (deleting and covers(scope, at)):
                locked.append(at)
        if locked:
            raise errors.scope_locked(scope, "delete" if deleting else "write", locked)
