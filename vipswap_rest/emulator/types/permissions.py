"""What the one who calls may do: everything, unless permissions are seeded.

A seeded resource `{scope}/providers/Microsoft.Authorization/permissions/{any name}` stands for a role assignment:

    {"id": "...", "properties": {"actions": ["Microsoft.Network/*/read"], "notActions": []}}

As soon as there is one, only what the seeded ones grant is allowed: each on its scope and below, several of them
together, `*` for anything in an action. The status of an operation may always be read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..arm import errors, extensions
from ..arm.calls import Reply, World
from ..arm.extensions import Extension, covers
from ..messages import Json

_EVERYTHING: Json = {"actions": ["*"], "notActions": []}


class Permissions:
    """The type `Microsoft.Authorization/permissions`, which can only be listed."""

    def __init__(self, world: World) -> None:
        self._world = world

    def list(self, extension: Extension) -> Reply:
        """What is granted on a scope: an entry for each role assignment on it or above it."""
        return Reply(200, {"value": self._on(extension.scope)}, by_gateway=True)

    def check(self, action: str, scope: str) -> None:
        """Refuse an action that is not granted on the scope (403 AuthorizationFailed)."""
        if not self._granted(action, scope):
            raise errors.authorization_failed(action, scope)

    def check_linked(self, action: str, scope: str, linked_action: str, linked_scope: str) -> None:
        """Refuse an action that refers to something that may not be used so (403 LinkedAuthorizationFailed)."""
        if not self._granted(linked_action, linked_scope):
            raise errors.linked_authorization_failed(action, scope, linked_action, linked_scope)

    def _on(self, scope: str) -> Sequence[Json]:
        seeded = list(extensions.stored(self._world.state, "permissions"))
        if not seeded:
            return [_EVERYTHING]
        return [_entry(body) for at, body in seeded if covers(at, scope)]

    def _granted(self, action: str, scope: str) -> bool:
        return any(
            _any_matches(entry["actions"], action) and not _any_matches(entry["notActions"], action)
            for entry in self._on(scope)
        )


def _entry(body: Json) -> Json:
    found = body.get("properties") or {}
    return {"actions": list(found.get("actions") or ()), "notActions": list(found.get("notActions") or ())}


def _any_matches(patterns: list[str], action: str) -> bool:
    return any(re.fullmatch(re.escape(one).replace(r"\*", ".*"), action, re.IGNORECASE) for one in patterns)
