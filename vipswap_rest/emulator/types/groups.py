"""Resource groups. They have no etag, and ARM itself answers for them."""

from __future__ import annotations

import base64
import uuid
from dataclasses import replace

from ..arm import errors, paths, shapes
from ..arm.calls import Call, Reply, accepted
from ..arm.operations import Operation, Style, status_body
from ..arm.resource_types import ResourceType
from ..arm.state import GROUPS, group_body
from ..arm.world import World
from ..arm.writes import begin_write
from ..messages import Json, decode, encode


def list_all(world: World, call: Call) -> Reply:
    """The groups of the subscription."""
    return Reply(200, {"value": world.state.groups(call.path.subscription or "")}, by_gateway=True)


def get(world: World, call: Call) -> Reply:
    """The group, or 404; HEAD answers 204."""
    return Reply(204 if call.request.method == "HEAD" else 200, _present(world, call), by_gateway=True)


def put(world: World, call: Call) -> Reply:
    """Create or update the group: 201 or 200, at once."""
    if not paths.is_group(call.path.group or ""):
        raise errors.name_invalid(call.path.group or "")
    given, previous = call.content(), _find(world, call)
    shapes.check(given, shapes.ANY)
    wanted = given.get("location")
    if not isinstance(wanted, str) or not wanted:
        raise errors.location_required()
    body = group_body(previous["id"] if previous else call.path.id, wanted, given.get("tags"))
    world.state.put(body)
    return Reply(200 if previous else 201, body, by_gateway=True)


def patch(world: World, call: Call) -> Reply:
    """Replace the group's tags: 200; 404 if there is none."""
    body, given = _present(world, call), call.content()
    shapes.check(given, shapes.TAGS)
    if "tags" in given:
        body = {**body, "tags": given["tags"]}
        world.state.put(body)
    return Reply(200, body, by_gateway=True)


def delete(world: World, call: Call) -> Reply:
    """Delete the group and all that is in it: 202 with Location alone; 404 if there is none."""
    body = _present(world, call)

    def finish(present: Json) -> None:
        prefix = present["id"].lower()
        for key in [key for key in world.deployments if key.startswith(f"{prefix}/")]:
            del world.deployments[key]
        for each in world.state.all():
            if (each["id"].lower() + "/").startswith(prefix + "/"):
                world.operations.detach(each["id"])
                world.forget(each["id"])
                world.state.remove(each["id"])

    seconds = world.latency.draw("group_delete")
    operation = begin_write(world, call, "ResourceGroupDeletionJob", [body], seconds, finish, deleting=True, style=JOB)
    # Recorded: 15 on every 202, where Network asks for 10.
    operation.retry_after = None if operation.retry_after is None else operation.retry_after * 1.5
    operation.growth = (1,)
    return replace(accepted(operation), status_url=False, by_gateway=True)


def get_job(world: World, call: Call) -> Reply:
    """How a job of ARM's own goes: 202 while it runs, then 200 and nothing, or the job's result.

    Recorded of a deletion that was blocked: 409, and the error's keys are in capitals.
    """
    operation = world.operations.find(_job_of(call.path.name), call.request.target.partition("?")[2])
    if operation.running:
        return replace(accepted(operation), status_url=False, polled=True, by_gateway=True)
    if operation.error is None:
        return Reply(200, operation.result, by_gateway=True)
    told = {"Code": operation.error["code"], "Target": None, "Message": operation.error["message"]}
    told |= {"Details": [], "AdditionalInfo": None}
    return Reply(409, {"Error": told})


def job_path(operation: Operation) -> str:
    """The path of a job's result: its name is base64 of JSON, as recorded."""
    named = operation.resources[0].rsplit("/", 1)[1] if operation.resources else ""
    job = f"{operation.kind}-{named}-{operation.id.replace('-', '')}".upper()
    told = encode({"jobId": job, "jobLocation": operation.location})
    name = base64.urlsafe_b64encode(told).decode().rstrip("=")
    return f"/subscriptions/{operation.subscription}/operationresults/{name}?{operation.query}"


def _job_of(name: str) -> str:
    """The operation's id in a job's name; the name itself where it is none."""
    try:
        told = decode(base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)))
        return str(uuid.UUID(str(told["jobId"]).rsplit("-", 1)[1]))
    except (ValueError, TypeError, KeyError, IndexError):
        return name


JOB = Style(job_path, job_path, status_body)


def _find(world: World, call: Call) -> Json | None:
    return world.state.group(call.path.subscription or "", call.path.group or "")


def _present(world: World, call: Call) -> Json:
    body = _find(world, call)
    if body is None:
        raise errors.group_not_found(call.path.group or "")
    return body


TYPE = ResourceType(
    GROUPS,
    {
        "/subscriptions/*/operationresults/*": {"GET": get_job},
        "/subscriptions/*/resourceGroups/*": {"GET": get, "HEAD": get, "PUT": put, "PATCH": patch, "DELETE": delete},
    },
    in_group=False,
)
