"""PUT and DELETE of load balancers."""

from __future__ import annotations

from ...arm.calls import Call, Reply, accepted
from ...arm.operations import Move
from ...arm.routes import frontends
from ...arm.state import listed, properties, properties_of, reference
from ...arm.world import World
from ...arm.writes import begin_write, check_free, find_deletable, read_put
from ...messages import Json
from .. import public_ips
from . import body as bodies
from . import parts, private_addresses, refusals


def put(world: World, call: Call, *, pool: bool = False, nat_rule: bool = False) -> Reply:
    """Create or replace a load balancer: 201 or 200, always with Azure-AsyncOperation (1138 of 1138).

    pool: what was PUT is a backend pool of it: recorded, that is Updating (104 of 106). nat_rule: it is a NAT rule.
    """
    given, previous, identity = read_put(world, call, parts.SHAPE, parts.NAME)
    refusals.check_names(given)
    body = bodies.complete(given, previous, identity, world.identifiers.guid, world.spelled)
    private_addresses.fill(world.state, body, previous)
    _fill_members(world, body)
    check_free(world, identity, call.now)
    moves, ready = _check(world, given, body, previous)
    show_zones(world, body)
    if pool:
        world.pooled.add(identity.lower())
    # Recorded: after a pool of it was written by itself, every write of the whole is Updating, members or not (6 of 6).
    pooled = identity.lower() in world.pooled and not nat_rule
    working = pooled or ready > call.now or refusals.has_work(body, previous) or world.operations.is_faulted

    def finish(present: Json) -> None:
        bodies.open_tunnels(present)
        if working:
            public_ips.give_dynamic_addresses(world, addresses(present))

    flips = pool or (not moves and parts.rule_pools(previous) != parts.rule_pools(body))
    seconds = world.latency.draw("pool_update" if flips else "load_balancer_update") if working else 0.0
    kind = "PutLoadBalancerOperation"
    operation = begin_write(world, call, kind, [body], seconds, finish, working=working, not_before=ready, moves=moves)
    return Reply(200 if previous else 201, body, operation, pause=working)


def _check(world: World, given: Json, body: Json, previous: Json | None) -> tuple[list[Move], float]:
    """The moves that the body makes, and when the addresses that it waits for are there. Raises ArmError."""
    refusals.check_same_sku(body, previous)
    refusals.check_frontends(given, body)
    refusals.check_numbers(body)
    refusals.check_references(body)
    refusals.check_collisions(body)
    moves = list(refusals.moves(previous, body))
    for move in moves:
        refusals.check_address(world, move, body)
    accepting, held = world.settings.accepts_provisioning, addresses(body)
    ready = refusals.check_provisioned(held, body["id"], world.state, world.operations, accepting=accepting)
    if world.settings.overlap_ends == "both":
        ready = max([ready, *(world.addresses.leaving_until(move.on) for move in moves if move.on)])
    return moves, ready


def _fill_members(world: World, balancer: Json) -> None:
    """Give pool members that are other load balancers' frontends the addresses of those, as recorded of Global ones."""
    for pool in listed(properties_of(balancer), parts.POOLS):
        for member in listed(properties_of(pool), "loadBalancerBackendAddresses"):
            frontend = reference(properties_of(member), "loadBalancerFrontendIPConfiguration")
            owner = world.state.get((frontend or "").split(f"/{parts.FRONTENDS}/")[0])
            if frontend is None or owner is None:
                continue
            address = {one.lower(): public_ip for one, public_ip in frontends(owner)}.get(frontend.lower())
            found = properties_of(world.state.get(address or "") or {}).get("ipAddress")
            if found is not None:
                properties(member)["ipAddress"] = found


def delete(world: World, call: Call) -> Reply:
    """202 and an operation, or 204 if there is none; a deletion that runs already is answered with itself.

    How long deleting a load balancer takes was not counted: as long as an update.
    """
    body = find_deletable(world, call)
    if isinstance(body, Reply):
        return body
    if world.operations.on(body["id"]) is not None:
        check_free(world, body["id"], call.now)
    seconds = world.latency.draw("load_balancer_update") if parts.has_members(body) else 0.0
    moves = [Move(body["id"], frontend, address, None) for frontend, address in frontends(body) if address]
    kind, finish = "DeleteLoadBalancerOperation", lambda present: world.forget(present["id"])
    return accepted(begin_write(world, call, kind, [body], seconds, finish, deleting=True, moves=moves))


def addresses(body: Json) -> list[str]:
    """The ids of the public IPs on a load balancer's frontends."""
    return [address for _, address in frontends(body) if address]


def show_zones(world: World, balancer: Json) -> None:
    """Let public frontends show the zones of their addresses: they have none of their own."""
    for frontend in listed(properties(balancer), parts.FRONTENDS):
        address = world.state.get(reference(properties_of(frontend), "publicIPAddress") or "")
        if address is None:
            continue
        frontend.pop("zones", None)
        if address.get("zones"):
            frontend["zones"] = list(address["zones"])
