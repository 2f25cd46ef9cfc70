"""What the caller may do on a scope; gate.py enforces it. Permissions can only be listed, or seeded."""

from __future__ import annotations

from ..arm.calls import ExtensionCall, Reply
from ..arm.gate import granted_on
from ..arm.world import World


def list_all(world: World, call: ExtensionCall) -> Reply:
    """What is granted on a scope: an entry for each role assignment on it or above it."""
    return Reply(200, {"value": granted_on(world.state, call.extension.scope)}, by_gateway=True)


COLLECTION = {"GET": list_all}
