"""Whether an instance or a machine is down, by a tag of what it belongs to."""

from __future__ import annotations

from ..arm.world import World

DOWN_TAG = "emulator-down"


def is_down(world: World, identity: str, now: float) -> bool:
    """Whether what an ip configuration belongs to is being upgraded, or says that it is down.

    It says so by its tag: `all`, or the numbers of instances (`0,1`).
    """
    if world.instances.is_down(identity, now):
        return True
    for body in world.state.all():
        below = identity[len(body["id"]) :] if identity.lower().startswith(body["id"].lower() + "/") else ""
        tags = body.get("tags")
        tagged = str(tags.get(DOWN_TAG, "")) if isinstance(tags, dict) else ""
        if not below or not tagged:
            continue
        numbers = {number.strip() for number in tagged.split(",")}
        if tagged == "all" or any(segment in numbers for segment in below.split("/")):
            return True
    return False
