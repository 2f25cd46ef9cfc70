"""GET, PUT, PATCH and DELETE of scale sets, and the reads of their instances.

A write's answer says Updating (or Creating) even where it is done at once, as recorded 190 + 41 + 30 times.
"""

from __future__ import annotations

from dataclasses import replace

from ...arm import errors, reads, shapes
from ...arm.calls import Call, Reply, accepted
from ...arm.state import properties, properties_of
from ...arm.world import World
from ...arm.writes import begin_write, check_free, check_location
from ...messages import Json
from ..health import is_down
from . import model, upgrades
from .operations import COMPUTE

_SHAPE: Json = {
    "location": str,
    "tags": {},
    "sku": {"name": str, "tier": str, "capacity": int},
    "properties": {"upgradePolicy": {"mode": str}, "virtualMachineProfile": {"osProfile": {}, "networkProfile": {}}},
}


def get(world: World, call: Call) -> Reply:
    """The scale set, or 404; Compute sends no ETag header."""
    return replace(reads.get(world, call), etag=False)


def put(world: World, call: Call) -> Reply:
    """Create or replace the model: 201 or 200, always with Azure-AsyncOperation."""
    previous = world.state.get(call.path.id)
    given = call.content()
    check_location(call.path, given, previous)
    return _write(world, call, given, previous)


def patch(world: World, call: Call) -> Reply:
    """Change part of the model: 200."""
    return _write(world, call, call.content(), find(world, call))


def find(world: World, call: Call) -> Json:
    """The scale set that a call is about. Raises ArmError 404."""
    found = world.state.get(call.path.top().id)
    if found is None:
        raise world.missing(call.path.top())
    return found


def _write(world: World, call: Call, given: Json, previous: Json | None) -> Reply:
    shapes.check(given, _SHAPE)
    identity = previous["id"] if previous else world.identity(call.path, model.NAME)
    check_etag(call, previous)
    check_free(world, identity, call.now)
    before = model.reveal(world, previous) if previous is not None else None
    whole = model.complete(given, before, identity, world.identifiers.guid())
    body, latest = model.hide(world, whole), model.model_of(whole)
    changed = before is not None and latest != model.model_of(before)
    passes = upgrades.plan(world, body, latest, call.now) if changed else []
    seconds = max([world.latency.draw("scale_set_update"), *(one.end - call.now for one in passes)])

    def finish(present: Json) -> None:
        model.staff(world, present)

    kind = "VirtualMachineScaleSets.PUT"
    operation = begin_write(world, call, kind, [body], seconds, finish, style=COMPUTE)
    properties(body)["provisioningState"] = "Updating" if previous else "Creating"
    if changed:
        upgrades.begin(world, operation, body, passes, call.now)
    return Reply(200 if previous else 201, body, operation, pause=call.request.method == "PATCH" or previous is None)


def check_etag(call: Call, previous: Json | None) -> None:
    """Refuse what If-Match or If-None-Match forbid; the text as recorded."""
    match, none = (call.request.headers.get(name, "").strip() for name in ("if-match", "if-none-match"))
    present = str((previous or {}).get("etag", '""'))
    if match and match != "*" and match.strip('"') != present.strip('"'):
        message = (
            f'Etag provided in if-match header "{match.strip(chr(34))}" does not match etag {present} of resource.'
        )
        raise errors.compute(412, "PreconditionFailed", message)
    if none == "*" and previous is not None:
        raise errors.compute(412, "PreconditionFailed", "The resource already exists.")


def delete(world: World, call: Call) -> Reply:
    """202 and an operation, or 204 if there is none; its instances go with it."""
    body = world.state.get(call.path.id)
    if body is None:
        return Reply(204)
    check_etag(call, body)
    check_free(world, body["id"], call.now)
    seconds = world.latency.draw("scale_set_update")
    kind = "VirtualMachineScaleSets.DELETE"

    def finish(present: Json) -> None:
        model.leave(world, present["id"])
        world.forget(present["id"])

    return accepted(begin_write(world, call, kind, [body], seconds, finish, deleting=True, style=COMPUTE))


def get_view(world: World, call: Call) -> Reply:
    """How many instances are in which state."""
    body = find(world, call)
    down = sum(world.instances.is_down(one.id, call.now) for one in world.instances.of(body["id"]))
    states = {"ProvisioningState/succeeded": model.capacity(body) - down, "ProvisioningState/updating": down}
    summary = [{"code": code, "count": count} for code, count in states.items() if count]
    state = str(properties_of(body).get("provisioningState")).lower()
    return Reply(
        200,
        {
            "virtualMachine": {"statusesSummary": summary},
            "statuses": [{"code": f"ProvisioningState/{state}", "level": "Info", "displayStatus": state.capitalize()}],
        },
    )


def list_instances(world: World, call: Call) -> Reply:
    """The instances, each with whether it has the latest model."""
    body = find(world, call)
    return Reply(200, {"value": [_instance(world, body, one.id) for one in world.instances.of(body["id"])]})


def get_instance(world: World, call: Call) -> Reply:
    """One instance. Raises ArmError 400 and 404, as recorded."""
    return Reply(200, _instance(world, find(world, call), _identity(world, call)))


def get_instance_view(world: World, call: Call) -> Reply:
    """The state of one instance, and its health where the scale set has a probe."""
    body, identity = find(world, call), _identity(world, call)
    updating = world.instances.is_down(identity, call.now)
    well = not updating and not is_down(world, f"{identity}/networkInterfaces/nic", call.now)
    states = [("ProvisioningState/updating" if updating else "ProvisioningState/succeeded"), "PowerState/running"]
    view: Json = {"statuses": [{"code": one, "level": "Info", "displayStatus": one.split("/")[1]} for one in states]}
    if "healthProbe" in (properties_of(body).get("virtualMachineProfile") or {}).get("networkProfile", {}):
        code = f"HealthState/{'healthy' if well else 'unhealthy'}"
        view["vmHealth"] = {"status": {"code": code, "level": "Info", "displayStatus": code.split("/")[1]}}
    return Reply(200, view)


def _identity(world: World, call: Call) -> str:
    number = call.path.names[1]
    if not number.isdigit():
        message = "Virtual Machine Scale Set VM instanceId must be a number."
        raise errors.compute(400, "InvalidParameter", message, target="instanceId")
    identity = f"{find(world, call)['id']}/virtualMachines/{number}"
    if world.instances.get(identity) is None:
        raise errors.compute(404, "NotFound", "The entity was not found in this Azure location.")
    return identity


def _instance(world: World, body: Json, identity: str) -> Json:
    mine = world.instances.get(identity)
    assert mine is not None
    shown = dict(mine.body)
    latest = model.latest_of(world, body)
    profile = properties_of(body).get("virtualMachineProfile") or {}
    shown["properties"] = {
        **properties_of(shown),
        "latestModelApplied": mine.model.profile == latest.profile,
        "modelDefinitionApplied": "VirtualMachineScaleSet",
        **{key: profile[key] for key in ("storageProfile", "osProfile") if key in profile},
    }
    return shown
