"""The life of a write, for every resource type: it is read and checked, it begins, and its operation ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..messages import Json, Request
from . import errors, shapes
from .calls import Call, Reply, accepted
from .operations import NETWORK, Move, Operation, Style
from .paths import Path
from .placement import place
from .state import provisioning_state
from .world import World


def read_put(world: World, call: Call, shape: Json, kind: str) -> tuple[Json, Json | None, str]:
    """What a PUT of a resource of type `kind` says, the resource as it is (None: there is none), and its id.

    Raises ArmError: 400 for another location or form, 412 for what its conditions forbid, 415.
    """
    given, previous = call.content(), world.state.get(call.path.id)
    check_location(call.path, given, previous)
    shapes.check(given, shape)
    identity = previous["id"] if previous else world.identity(call.path, kind)
    check_conditions(world, call.request, previous, identity)
    return given, previous, identity


def check_location(path: Path, given: Json, previous: Json | None) -> None:
    """Refuse a PUT that says no location, or another one than the resource has."""
    wanted = given.get("location")
    if not isinstance(wanted, str) or not wanted:
        raise errors.location_required()
    present = (previous or {}).get("location")
    if isinstance(present, str) and place(present) != place(wanted):
        raise errors.location_changed(path.name, path.group or "", place(present), place(wanted))


def check_conditions(world: World, request: Request, previous: Json | None, identity: str) -> None:
    """Refuse what If-Match or If-None-Match forbid.

    Recorded: If-Match is compared without its W/ and quotes. On something that does not exist it fails, as HTTP
    says (RFC 9110, 13.1.1); not recorded.
    """
    match = request.headers.get("if-match")
    if match is not None and not (match.strip() == "*" and previous is not None):
        present = str((previous or {}).get("etag", ""))
        given = [_bare(one) for one in match.split(",")]
        if _bare(present) not in given or previous is None:
            raise errors.etag_mismatch(_bare(match), present, identity)
    created = request.headers.get("if-none-match", "").strip() == "*"
    if created and previous is not None and world.settings.if_none_match == "honour":
        raise errors.resource_exists(identity)


def _bare(etag: str) -> str:
    return etag.strip().removeprefix("W/").strip('"')


def check_free(world: World, identity: str, now: float) -> None:
    """Refuse a write of a resource whose operation it could not supersede.

    Raises ArmError: 409 while the resource is being deleted, 429 while a native swap has it. Neither was
    recorded for load balancers; both codes were for others.
    """
    running, body = world.operations.on(identity), world.state.get(identity)
    if running is None:
        if body is not None and provisioning_state(body) == "Deleting":
            raise errors.another_operation(world.identifiers.guid())
    elif running.kind.startswith("Delete"):
        raise errors.another_operation(running.id)
    elif len(running.resources) > 1:
        raise world.operations.busy(running, identity, now)


def begin_write(
    world: World,
    call: Call,
    kind: str,
    bodies: Sequence[Json],
    seconds: float,
    finish: Callable[[Json], None] = lambda body: None,
    *,
    working: bool = True,
    deleting: bool = False,
    not_before: float = 0.0,
    moves: Sequence[Move] = (),
    public_ip: str | None = None,
    short: bool = False,
    style: Style = NETWORK,
) -> Operation:
    """Begin a write that nothing refuses any more, and start its operation `kind`; every write begins here.

    bodies: the resources as the write leaves them. They are stored, Updating and with a new etag; public IPs follow the
    `moves` of frontends; the timeline notes the write; operations that still run on the resources are superseded. The
    operation succeeds `seconds` from now, but not before `not_before` (seconds of the clock): each resource that is
    still its own is Succeeded, has a new etag, and is handed to `finish`. A write that is not `working` ends at once
    and leaves the etag as it is; one that is `deleting` leaves nothing. public_ip: what the timeline names where
    nothing moves. short: see Operations.start.
    """
    superseded = {id(one): one for body in bodies if (one := world.operations.on(body["id"])) is not None}
    for body in bodies:
        world.state.settle(body, "Deleting" if deleting else "Updating" if working else "Succeeded")
        world.state.touch(body)
        world.state.put(body)

    def succeed(t: float, own: Sequence[str]) -> None:
        for present in filter(None, map(world.state.get, own)):
            if deleting:
                world.state.remove(present["id"])
            else:
                world.state.settle(present, "Succeeded")
            if working and not deleting:
                # Recorded of load balancers: the etag changes when an Updating PUT completes (183 of 183), never after
                # a Succeeded one (955 of 955).
                world.state.touch(present)
            finish(present)
        world.addresses.complete(operation, t)

    operation = world.operations.start(
        kind,
        [body["id"] for body in bodies],
        (call.path.subscription or "", str(bodies[0].get("location") or "westus")),
        max(call.now + seconds, not_before),
        succeed,
        api_version=call.api_version,
        ticks=call.ticks,
        short=short,
        style=style,
        now=call.now,
    )
    operation.fail = lambda t, own: _fail(world, operation, t, own)
    operation.moves, operation.public_ip = tuple(moves), public_ip
    world.addresses.accept(operation, call.now)
    for old in superseded.values():
        world.operations.supersede(old, operation)
        world.addresses.inherit(old, operation, call.now)
    if not working:
        world.operations.complete(operation, call.now)
    return operation


def begin_action(
    world: World,
    call: Call,
    kind: str,
    location: str,
    seconds: float,
    *,
    succeed: Callable[[float], None] = lambda t: None,
    fail: Callable[[float], None] = lambda t: None,
    style: Style = NETWORK,
    id: str | None = None,
) -> Operation:
    """Begin an action that is about no resource's model: it neither waits for another operation nor supersedes it.

    It ends `seconds` from now, and then `succeed` is called with the time, or `fail` where a fault lets it fail.
    """
    operation = world.operations.start(
        kind,
        [],
        (call.path.subscription or "", location),
        call.now + seconds,
        lambda t, own: succeed(t),
        api_version=call.api_version,
        ticks=call.ticks,
        style=style,
        now=call.now,
        id=id,
    )
    operation.fail = lambda t, own: fail(t)
    return operation


def begin_query(
    world: World, call: Call, kind: str, location: str, result: Json, seconds: float = 0.0, *, null: bool = False
) -> Reply:
    """Begin an action that changes nothing, and whose `result` Location has `seconds` from now. null: see Operation."""
    operation = begin_action(world, call, kind, location, seconds)
    operation.result, operation.null = result, null
    return replace(accepted(operation), status_url=False, null=null, notified=True if null else None)


def _fail(world: World, operation: Operation, t: float, own: Sequence[str]) -> None:
    """A fault ends the operation badly: what it wrote stays, or goes back, and is Failed or Canceled.

    A deletion that fails has deleted nothing.
    """
    assert operation.ending is not None
    before = operation.ending.before
    back = before is not None and world.addresses.may_return(operation)
    for identity in own:
        if back and before is not None:
            world.state.remove(identity)
            if identity.lower() in before:
                world.state.put(before[identity.lower()])
        present = world.state.get(identity)
        if present is not None:
            world.state.settle(present, operation.status)
            world.state.touch(present)
    world.addresses.fail(operation, t, back=back or operation.kind.startswith("Delete"))


def find_deletable(world: World, call: Call) -> Json | Reply:
    """The resource that a DELETE is about; or the answer: 204 if there is none, its deletion's own where that runs."""
    body = world.state.get(call.path.id)
    if body is None:
        return Reply(204)
    running = world.operations.on(body["id"])
    if running is not None and running.kind.startswith("Delete"):
        return accepted(running)
    check_conditions(world, call.request, body, body["id"])
    return body


def patch_tags(world: World, call: Call) -> Reply:
    """PATCH: replaces the tags, synchronously; recorded without any operation. Raises ArmError 404."""
    body = world.state.get(call.path.id)
    if body is None:
        raise world.missing(call.path)
    given = call.content()
    shapes.check(given, shapes.TAGS)
    check_conditions(world, call.request, body, body["id"])
    if provisioning_state(body) == "Deleting":
        check_free(world, body["id"], call.now)
    body["tags"] = given.get("tags", {})
    world.state.touch(body)
    # Recorded since 2021: notified of, though there is no operation (3 of 3).
    return Reply(200, body, notified=True)
