"""Deployments: validate, whatIf, PUT, GET, operations, cancel, DELETE, and the status of one.

https://learn.microsoft.com/rest/api/resources/deployments
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...arm import errors
from ...arm.calls import Call, Reply, accepted
from ...arm.operations import Operation, Style
from ...arm.resource_types import ResourceType
from ...arm.state import properties_of
from ...arm.world import World
from ...arm.writes import begin_action
from ...messages import Json
from ..groups import JOB
from .run import Deployment, Step, describe
from .template import Template, Wanted, loads, read

NAME = "Microsoft.Resources/deployments"


def validate(world: World, call: Call) -> Reply:
    """200 with what would be made, at once; 400 InvalidTemplate."""
    given, template = _read(world, call)
    body = describe(_identity(world, call), _mode(given), template, "Succeeded", world.identifiers.guid())
    body["properties"]["validatedResources"] = [{"id": one.id} for one in template.resources]
    return Reply(200, body, by_gateway=True)


def put(world: World, call: Call) -> Reply:
    """Begin a deployment: 201, or 200 where the name is taken; Azure-AsyncOperation, and no Retry-After."""
    given, template = _read(world, call)
    identity = _identity(world, call)
    previous = world.deployments.get(identity.lower())
    if isinstance(previous, Deployment) and previous.operation.running:
        message = f"Unable to edit or replace deployment '{call.path.name}': previous deployment is still active."
        raise errors.gateway(409, "DeploymentActive", message)
    seconds = world.latency.draw("deployment")
    location = str(_group(world, call).get("location"))
    digits = f"{world.identifiers.number(10**19):020}"
    # It has no end of its own: its resources' are.
    operation = begin_action(world, call, identity, location, float("inf"), style=STATUS, id=digits)
    # It is Accepted for a while before its first resource begins.
    share = seconds / (len(template.resources) + 1)
    steps = [
        Step(
            one,
            call.now + share * (1 + template.order.index(one.id)),
            share,
            world.identifiers.guid().replace("-", "").upper()[:16],
            world.identifiers.guid(),
        )
        for one in template.resources
    ]
    made = Deployment(identity, _mode(given), template, world.identifiers.guid(), operation, call.now, steps)
    world.deployments[identity.lower()] = made
    return Reply(201 if previous is None else 200, made.body(call.now), operation, notified=False, by_gateway=True)


def get(world: World, call: Call) -> Reply:
    """The deployment. One that runs asks for a pause of 5 s where Network asks for 10, as recorded."""
    found = _find(world, call)
    running = found.operation.running
    reply = Reply(204 if call.request.method == "HEAD" else 200, found.body(call.now), by_gateway=True)
    pause = found.operation.retry_after
    if not running or pause is None:
        return reply
    operation = replace(found.operation, retry_after=pause / 2)
    return replace(reply, operation=operation, status_url=False, pause=True, notified=False)


def list_all(world: World, call: Call) -> Reply:
    """The deployments of the group, the newest first."""
    prefix = f"{_group(world, call)['id']}/".lower()
    found = [one for key, one in world.deployments.items() if key.startswith(prefix) and isinstance(one, Deployment)]
    return Reply(200, {"value": [one.body(call.now) for one in reversed(found)]}, by_gateway=True)


def list_operations(world: World, call: Call) -> Reply:
    """What it does, one entry a resource."""
    return Reply(200, {"value": list(_find(world, call, call.path.parent().id).operations(call.now))}, by_gateway=True)


def export(world: World, call: Call) -> Reply:
    """200 with the template."""
    source = copy.deepcopy(_find(world, call, call.path.parent().id).template.source)
    for kind in ("parameters", "outputs"):
        for about in (source.get(kind) or {}).values():
            # Recorded: `string` is shown as `String`.
            about["type"] = str(about.get("type"))[:1].upper() + str(about.get("type"))[1:]
    return Reply(200, {"template": source}, by_gateway=True)


def cancel(world: World, call: Call) -> Reply:
    """204: no further resource begins, what was made stays. Raises ArmError 409 where it is over."""
    found = _find(world, call, call.path.parent().id)
    if not found.operation.running:
        message = f"The deployment '{found.id.rsplit('/', 1)[1]}' cannot be cancelled because it is not running."
        raise errors.gateway(409, "DeploymentCannotBeCancelled", message)
    world.operations.cancel(found.operation, call.now)
    return Reply(204, by_gateway=True)


def delete(world: World, call: Call) -> Reply:
    """202 with Location, then 204: of what it made nothing goes."""
    found = _find(world, call)
    del world.deployments[found.id.lower()]
    job = begin_action(world, call, "DeploymentDeletionJob", "westus", 0.0, style=JOB)
    return replace(accepted(job), status_url=False, by_gateway=True)


def what_if(world: World, call: Call) -> Reply:
    """202 with Location alone, whose result has what would change."""
    _, template = _read(world, call)
    changes = []
    for one in template.resources:
        before = world.state.get(one.id)
        after = {"apiVersion": one.version, "id": one.id, "name": one.name, "type": one.type, **one.body}
        change: Json = {"resourceId": one.id, "changeType": "Create", "after": after}
        if before is not None:
            change = _change(one, before)
        changes.append(change)
    location = str(_group(world, call).get("location"))
    operation = begin_action(world, call, "DeploymentWhatIfJob", location, world.latency.draw("what_if"), style=JOB)
    operation.result = {
        "status": "Succeeded",
        "properties": {"correlationId": world.identifiers.guid(), "changes": changes},
    }
    return replace(accepted(operation), status_url=False, by_gateway=True)


def _change(wanted: Wanted, before: Json) -> Json:
    """What a PUT of what is there would change, its properties apart."""
    body = {key: value for key, value in wanted.body.items() if key != "properties"}
    delta = [
        {"path": path, "propertyChangeType": "Modify", "before": old, "after": new}
        for path, old, new in _differences(before, body)
    ]
    shown: Json = {"apiVersion": wanted.version, **{key: value for key, value in before.items() if key != "etag"}}
    shown["properties"] = {key: value for key, value in properties_of(before).items() if key != "provisioningState"}
    told: Json = {"resourceId": wanted.id, "changeType": "Modify" if delta else "NoChange", "before": shown}
    told["after"] = {**shown, **body}
    return {**told, "delta": delta} if delta else told


def _differences(old: Any, new: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where `new` says something else than `old`: the way to it, and both values."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in new.items():
            yield from _differences(old.get(key), value, f"{path}.{key}".lstrip("."))
    elif old != new:
        yield path, old, new


def get_status(world: World, call: Call) -> Reply:
    """The status of a deployment's operation, always 200, without Retry-After."""
    operation = world.operations.find(call.path.name, call.request.target.partition("?")[2])
    found = world.deployments.get(operation.kind.lower())
    state = found.state if isinstance(found, Deployment) and found.operation is operation else operation.status
    return Reply(200, {**operation.body(), "status": state}, by_gateway=True)


def _status(operation: Operation) -> str:
    return f"{operation.kind}/operationStatuses/{operation.id}?{operation.query}"


STATUS = Style(
    _status,
    _status,
    lambda one: {"status": one.status, **({} if one.error is None else {"error": one.error})},
    signed=False,
)


def _group(world: World, call: Call) -> Json:
    found = world.state.group(call.path.subscription or "", call.path.group or "")
    assert found is not None
    return found


def _identity(world: World, call: Call) -> str:
    return f"{_group(world, call)['id']}/providers/{NAME}/{call.path.names[0]}"


def _read(world: World, call: Call) -> tuple[Json, Template]:
    given = loads(call.request.body)["properties"]
    return given, read(_group(world, call), given)


def _mode(given: Json) -> str:
    return str(given.get("mode", "Incremental"))


def _find(world: World, call: Call, identity: str | None = None) -> Deployment:
    found: Any = world.deployments.get((identity or call.path.id).lower())
    if not isinstance(found, Deployment):
        raise errors.gateway(404, "DeploymentNotFound", f"Deployment '{call.path.names[0]}' could not be found.")
    return found


_ONE = "deployments/*"
TYPE = ResourceType(
    NAME,
    {
        "deployments": {"GET": list_all},
        _ONE: {"GET": get, "HEAD": get, "PUT": put, "DELETE": delete},
        f"{_ONE}/validate": {"POST": validate},
        f"{_ONE}/whatIf": {"POST": what_if},
        f"{_ONE}/cancel": {"POST": cancel},
        f"{_ONE}/exportTemplate": {"POST": export},
        f"{_ONE}/operations": {"GET": list_operations},
        f"{_ONE}/operationStatuses/*": {"GET": get_status},
    },
    unrouted={},
)
