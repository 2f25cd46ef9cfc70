"""What belongs to a region of a subscription: operations, their results, quotas and the native swap."""

from __future__ import annotations

from ..arm.calls import Call, Reply
from ..arm.operations import Operation
from ..arm.resource_types import ResourceType
from ..arm.world import World
from . import usages
from .load_balancers import links, native_swap


def get_operation(world: World, call: Call) -> Reply:
    """An operation's status, always 200."""
    operation = _find(world, call)
    return Reply(200, operation.body(), operation, status_url=False, pause=operation.running, polled=True)


def get_result(world: World, call: Call) -> Reply:
    """An operation's result: 202 while it runs, then 204, as recorded, or a body."""
    operation = _find(world, call)
    running = operation.running
    result = None if running else operation.result
    status = 202 if running else 204 if result is None else 200
    return Reply(
        status,
        result,
        operation,
        status_url=operation.result is None,
        result_url=True,
        pause=running,
        polled=True,
        notified=True,
        null=running and operation.null,
    )


def _find(world: World, call: Call) -> Operation:
    return world.operations.find(call.path.name, call.request.target.partition("?")[2])


TYPE = ResourceType(
    "Microsoft.Network/locations",
    {
        "locations/*/operations/*": {"GET": get_operation},
        "locations/*/operationResults/*": {"GET": get_result},
        "locations/*/usages": {"GET": usages.list_all},
        "locations/*/setLoadBalancerFrontendPublicIpAddresses": {"POST": native_swap.post},
    },
    unrouted={},
    in_group=False,
    links=links.of_location,
)
