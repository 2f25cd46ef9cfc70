"""What the deletion of a load balancer and of a public IP address have in common."""

from __future__ import annotations

from collections.abc import Sequence

from ..messages import Json
from .calls import Call, Reply, World
from .operations import Move, Operation


def deletable(world: World, call: Call) -> Json | Reply:
    """The resource that a DELETE is about; or the answer: 204 if there is none, its deletion's own where that runs."""
    body = world.state.get(call.path.id)
    if body is None:
        return Reply(204)
    running = world.operations.on(body["id"])
    if running is not None and running.kind.startswith("Delete"):
        return _deleting(running)
    world.check_conditions(call.request, body, body["id"])
    return body


def delete(
    world: World,
    call: Call,
    body: Json,
    kind: str,
    seconds: float,
    superseded: Operation | None,
    *,
    moves: Sequence[Move] = (),
    public_ip: str | None = None,
) -> Reply:
    """Begin to delete a resource: it is gone when the operation succeeds, `seconds` from now."""
    identity = body["id"]

    def succeed(t: float, own: Sequence[str]) -> None:
        if own:
            world.state.remove(identity)
        world.addresses.complete(operation, t)

    operation = world.start(call, kind, [body], call.now + seconds, succeed)
    operation.moves, operation.public_ip = tuple(moves), public_ip
    world.state.settle(body, "Deleting")
    world.state.touch(body)
    if moves:
        world.addresses.follow(moves)
    world.addresses.accept(operation, moves, call.now)
    world.take_over(superseded, operation, call.now)
    return _deleting(operation)


def _deleting(operation: Operation) -> Reply:
    """The answer to a DELETE: recorded, an empty 202 with both URLs and Retry-After."""
    return Reply(202, None, operation, result_url=True, pause=True)
