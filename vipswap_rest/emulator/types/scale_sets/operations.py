"""How Microsoft.Compute tells of its operations. As recorded: a status with its times, and Location the same URL."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ...arm.calls import Call, Reply
from ...arm.operations import TICKS, Operation, Style
from ...arm.resource_types import ResourceType
from ...arm.world import World
from ...messages import Json

_EPOCH = datetime(1, 1, 1, tzinfo=timezone.utc)


def get(world: World, call: Call) -> Reply:
    """An operation's status, always 200; with `monitor=true` its Location: 202 while it runs, then 200 and nothing.

    Polls ask for no pause, as recorded of nearly all.
    """
    operation = world.operations.find(call.path.name, call.request.target.partition("?")[2])
    if "monitor" not in call.request.query:
        return Reply(200, operation.body(), operation, status_url=False)
    return Reply(202 if operation.running else 200, None, operation, status_url=False, result_url=operation.running)


def _path(operation: Operation, monitor: str = "") -> str:
    provider = f"/subscriptions/{operation.subscription}/providers/Microsoft.Compute"
    place = f"{provider}/locations/{operation.location}/operations/{operation.id}"
    return f"{place}?p={operation.request_id}&{monitor}{operation.query}"


def _body(operation: Operation) -> Json:
    told: Json = {"startTime": _time(operation.ticks), "status": operation.status, "name": operation.id}
    if operation.ended_ticks is not None:
        told["endTime"] = _time(operation.ended_ticks)
    if operation.error is not None:
        told["error"] = operation.error
    return told


def _time(ticks: int) -> str:
    return (_EPOCH + timedelta(microseconds=ticks / (TICKS / 1_000_000))).isoformat()


COMPUTE = Style(_path, lambda one: _path(one, "monitor=true&"), _body)
TYPE = ResourceType(
    "Microsoft.Compute/locations",
    {"locations/*/operations/*": {"GET": get}},
    unrouted={},
    in_group=False,
)
