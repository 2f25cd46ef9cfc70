"""How instances come to have the scale set's model: at once, by hand, or batch by batch.

https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-upgrade-policy
https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-set-rolling-upgrades
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from ...arm import errors
from ...arm.calls import Call, Reply, accepted
from ...arm.instances import Instance, Model, Upgrade
from ...arm.operations import TICKS, Operation
from ...arm.state import properties_of
from ...arm.world import World
from ...arm.writes import begin_action
from ...messages import Json
from . import model
from .operations import COMPUTE

_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)
# Recorded: a rolling upgrade shows these of its policy, the scale set does not.
_POLICY = {"maxSurge": False, "rollbackFailedInstancesOnPolicyBreach": False}
_PAUSE = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


def plan(world: World, body: Json, latest: Model, now: float) -> list[Upgrade]:
    """What a new model brings by itself: nothing with the policy Manual, all instances at once with Automatic."""
    mode = properties_of(body)["upgradePolicy"]["mode"]
    present = [one for one in world.instances.of(body["id"]) if one.model.profile != latest.profile]
    if mode == "Automatic":
        return _batch(world, present, latest, now)
    return _batches(world, body, present, latest, now) if mode == "Rolling" else []


def _batches(world: World, body: Json, some: Sequence[Instance], latest: Model, now: float) -> list[Upgrade]:
    """The upgrades of a rolling upgrade: batch after batch, with the policy's pause between them."""
    policy = properties_of(body)["upgradePolicy"].get("rollingUpgradePolicy", {})
    size = max(1, math.ceil(model.capacity(body) * policy.get("maxBatchInstancePercent", 20) / 100))
    pause, t = world.latency.scaled(_seconds(str(policy.get("pauseTimeBetweenBatches")))), now
    made: list[Upgrade] = []
    for first in range(0, len(some), size):
        batch = _batch(world, some[first : first + size], latest, t)
        t = max(one.end for one in batch) + pause
        made += batch
    return made


def _batch(world: World, some: Sequence[Instance], latest: Model, t: float, *, custom: bool = False) -> list[Upgrade]:
    """These instances at once. custom: whether they read their custom data anew."""
    return [
        Upgrade(
            one.id.lower(),
            t,
            t + world.latency.draw("instance_upgrade"),
            latest if custom else replace(latest, custom_data=one.model.custom_data),
            "",
        )
        for one in some
    ]


def _seconds(text: str) -> float:
    found = _PAUSE.fullmatch(text)
    hours, minutes, seconds = (float(one or 0) for one in found.groups()) if found else (0.0, 0.0, 0.0)
    return hours * 3600 + minutes * 60 + seconds


def begin(world: World, operation: Operation, body: Json, passes: Sequence[Upgrade], now: float) -> None:
    """Let the upgrades of an operation happen; a rolling one is the scale set's latest."""
    if operation.ending is not None:
        return
    world.instances.begin([replace(one, operation=operation.id) for one in passes])
    if properties_of(body)["upgradePolicy"]["mode"] == "Rolling":
        world.rolling[body["id"].lower()] = operation


def upgrade(world: World, call: Call) -> Reply:
    """POST manualupgrade: 202; the named instances, or all (`*`), have the model at its end."""
    return _post(world, call, "VirtualMachineScaleSets.manualupgrade", custom=False)


def reimage(world: World, call: Call) -> Reply:
    """POST reimage: 202; without a list, all instances."""
    return _post(world, call, "VirtualMachineScaleSets.reimage", custom=True)


def _post(world: World, call: Call, kind: str, *, custom: bool) -> Reply:
    body, given = _find(world, call), call.content() if call.request.body else {}
    present = {one.number: one for one in world.instances.of(body["id"])}
    wanted = given.get("instanceIds", ["*"] if custom else [])
    chosen = [str(one) for one in wanted] if isinstance(wanted, list) else []
    numbers = list(present) if "*" in chosen else chosen
    for one in numbers or ["none"]:
        if one not in present and (numbers or not custom):
            message = f"The provided instanceId {one} is not an active Virtual Machine Scale Set VM instanceId."
            raise errors.compute(400, "InvalidParameter", message, target="upgradePolicies.instanceIds")
    latest = model.latest_of(world, body)
    stale = [one for one in map(present.__getitem__, numbers) if custom or one.model.profile != latest.profile]
    passes = _batch(world, stale, latest, call.now, custom=custom)
    return _act(world, call, kind, body, passes, rolling=False)


def roll(world: World, call: Call) -> Reply:
    """POST osRollingUpgrade and extensionRollingUpgrade: 202; every instance, batch by batch."""
    body = _find(world, call)
    running = world.rolling.get(body["id"].lower())
    if running is not None and running.running:
        raise errors.compute(409, "OperationNotAllowed", "A Rolling Upgrade is already ongoing.")
    latest = model.latest_of(world, body)
    passes = _batches(world, body, world.instances.of(body["id"]), latest, call.now)
    return _act(world, call, "VirtualMachineScaleSetRollingUpgrades.osRollingUpgrade", body, passes, rolling=True)


def _act(world: World, call: Call, kind: str, body: Json, passes: Sequence[Upgrade], *, rolling: bool) -> Reply:
    """Recorded: an empty 202 with both URLs, and no Retry-After."""
    seconds = max([0.0, *(one.end - call.now for one in passes)])
    operation = begin_action(
        world,
        call,
        kind,
        str(body.get("location")),
        seconds,
        fail=lambda t: world.instances.fail(operation.id),
        style=COMPUTE,
    )
    world.instances.begin([replace(one, operation=operation.id) for one in passes])
    if rolling:
        world.rolling[body["id"].lower()] = operation
    return replace(accepted(operation), pause=False)


def latest(world: World, call: Call) -> Reply:
    """GET rollingUpgrades/latest. Raises ArmError 404 where there was none."""
    body = _find(world, call)
    operation = world.rolling.get(body["id"].lower())
    if operation is None or call.path.name.lower() != "latest":
        raise errors.not_found(call.path.id)
    done, under_way, coming = world.instances.progress(operation.id, call.now)
    codes = {"InProgress": "RollingForward", "Succeeded": "Completed", "Canceled": "Cancelled", "Failed": "Faulted"}
    policy = {**_POLICY, **properties_of(body)["upgradePolicy"].get("rollingUpgradePolicy", {})}
    began = (_EPOCH + timedelta(microseconds=operation.ticks / (TICKS / 1_000_000))).isoformat()
    action = "Cancel" if operation.status == "Canceled" else "Start"
    status = {"code": codes[operation.status], "startTime": began, "lastAction": action, "lastActionTime": began}
    counts = {"successful": done, "failed": 0, "inProgress": under_way, "pending": coming}
    told: Json = {
        "policy": policy,
        "runningStatus": status,
        "progress": {f"{name}InstanceCount": count for name, count in counts.items()},
    }
    if operation.error is not None:
        told["error"] = operation.error
    kind = f"{model.NAME}/rollingUpgrades"
    return Reply(200, {"type": kind, "location": body.get("location"), "properties": told})


def cancel(world: World, call: Call) -> Reply:
    """POST rollingUpgrades/cancel: no further batch begins. Raises ArmError 409 where none runs, as recorded.

    That one is found was not recorded; in the specification it is 202.
    """
    body = _find(world, call)
    if call.path.name.lower() != "cancel":
        raise errors.unknown_path(call.request.path)
    operation = world.rolling.get(body["id"].lower())
    if operation is None or not operation.running:
        raise errors.compute(409, "OperationNotAllowed", "There is no ongoing Rolling Upgrade to cancel.")
    world.instances.cancel(operation.id, call.now)
    world.operations.cancel(operation, call.now)
    present = world.state.get(body["id"])
    if present is not None:
        world.state.settle(present, "Succeeded")
    kind = "VirtualMachineScaleSetRollingUpgrades.cancel"
    return replace(
        accepted(begin_action(world, call, kind, str(body.get("location")), 0.0, style=COMPUTE)), pause=False
    )


def _find(world: World, call: Call) -> Json:
    found = world.state.get(call.path.top().id)
    if found is None:
        raise world.missing(call.path.top())
    return found
