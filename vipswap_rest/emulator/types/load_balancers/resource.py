"""PUT, PATCH and DELETE of load balancers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...arm import shapes
from ...arm.addresses import frontends
from ...arm.calls import Call, Reply, World
from ...arm.deletion import deletable, delete
from ...arm.operations import Move, Operation
from ...arm.state import listed, properties, properties_of
from ...messages import Json
from . import body as load_balancer_body
from . import parts as load_balancer
from . import private_addresses
from . import refusals as rules


class LoadBalancers:
    """The resource type `Microsoft.Network/loadBalancers`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, call: Call, *, pool: bool = False) -> Reply:
        """Create or replace a load balancer: 201 or 200, always with Azure-AsyncOperation (1138 of 1138).

        pool: what was PUT is a backend pool of it: recorded, that is Updating (104 of 106).
        """
        world, state = self._world, self._world.state
        given, previous = call.content(), state.get(call.path.id)
        world.check_location(call.path, given, previous)
        shapes.check(given, shapes.LOAD_BALANCER)
        identity = previous["id"] if previous else world.identity(call.path, load_balancer.TYPE)
        world.check_conditions(call.request, previous, identity)
        rules.check_names(given)
        body = load_balancer_body.complete(given, previous, identity, world.identifiers.guid, self._spelled)
        private_addresses.fill(state, body, previous)
        superseded = world.check_free(identity, call.now)
        moves, ready = self._check(given, body, previous)
        show_zones(world, body)
        working = pool or ready > call.now or rules.has_work(body, previous) or world.operations.is_struck
        if working:
            state.settle(body, "Updating")
        state.touch(body)
        state.put(body)
        operation = self._start(call, body, moves, superseded, working, ready)
        return Reply(200 if previous else 201, body, operation, pause=working)

    def _check(self, given: Json, body: Json, previous: Json | None) -> tuple[list[Move], float]:
        """The moves that the body makes, and when the addresses that it waits for are there. Raises ArmError."""
        world = self._world
        rules.check_same_sku(body, previous)
        rules.check_frontends(given, body)
        rules.check_numbers(body)
        rules.check_references(body)
        rules.check_collisions(body)
        moves = list(rules.moves(previous, body))
        for move in moves:
            rules.check_address(move, body, world.state, world.addresses)
        held = [address for _, address in frontends(body) if address]
        accepting = world.settings.accepts_provisioning
        return moves, rules.check_provisioned(held, body["id"], world.state, world.operations, accepting=accepting)

    def _start(
        self,
        call: Call,
        body: Json,
        moves: Sequence[Move],
        superseded: Operation | None,
        working: bool,
        ready: float,
    ) -> Operation:
        world = self._world
        seconds = world.latency.draw("load_balancer_update") if working else 0.0
        identity = body["id"]

        def succeed(t: float, own: Sequence[str]) -> None:
            present = world.state.get(identity)
            if own and present is not None:
                world.state.settle(present, "Succeeded")
                load_balancer_body.open_tunnels(present)
                if working:
                    # Recorded: the etag changes when an Updating PUT completes (183 of 183), never after a
                    # Succeeded one (955 of 955).
                    world.state.touch(present)
                    give_dynamic_addresses(world, present)
            world.addresses.complete(operation, t)

        due = max(call.now + seconds, ready)
        operation = world.start(call, "PutLoadBalancerOperation", [body], due, succeed)
        operation.moves = tuple(moves)
        world.addresses.follow(moves)
        world.addresses.accept(operation, moves, call.now)
        world.take_over(superseded, operation, call.now)
        if not working:
            world.operations.complete(operation, call.now)
        return operation

    def patch(self, call: Call) -> Reply:
        """Replace the tags."""
        return self._world.patch_tags(call, self._world.state.get(call.path.id))

    def delete(self, call: Call) -> Reply:
        """202 and an operation, or 204 if there is none; a deletion that runs already is answered with itself.

        How long deleting a load balancer takes was not counted: as long as an update.
        """
        world = self._world
        body = deletable(world, call)
        if isinstance(body, Reply):
            return body
        running = world.operations.on(body["id"])
        superseded = world.check_free(body["id"], call.now) if running else None
        seconds = world.latency.draw("load_balancer_update") if load_balancer.has_members(body) else 0.0
        moves = [Move(body["id"], frontend, address, None) for frontend, address in frontends(body) if address]
        return delete(world, call, body, "DeleteLoadBalancerOperation", seconds, superseded, moves=moves)

    def _spelled(self, identity: str) -> str:
        return spelling(self._world)(identity)


def show_zones(world: World, balancer: Json) -> None:
    """Let public frontends show the zones of their addresses: they have none of their own."""
    for frontend in listed(properties(balancer), load_balancer.FRONTENDS):
        reference = properties_of(frontend).get("publicIPAddress")
        address = world.state.get(str(reference.get("id"))) if isinstance(reference, dict) else None
        if address is None:
            continue
        frontend.pop("zones", None)
        if address.get("zones"):
            frontend["zones"] = list(address["zones"])


def spelling(world: World) -> Callable[[str], str]:
    """A function that spells an id as its resource was first created; unknown ones stay as given."""

    def spelled(identity: str) -> str:
        body = world.state.get(identity)
        return str(body["id"]) if body is not None else identity

    return spelled


def give_dynamic_addresses(world: World, balancer: Json) -> None:
    """Let the Dynamic public IPs of a load balancer have an address.

    Recorded: one on a load balancer without members had none yet; one in use had.
    """
    for _, identity in frontends(balancer):
        body = world.state.get(identity) if identity else None
        if body is not None and "ipAddress" not in properties(body):
            give_address(world, properties(body))
            world.state.touch(body)


def give_address(world: World, made: Json) -> None:
    """Give a public IP with these properties an address, if there is one left."""
    found = world.addresses.allocate(str(made.get("publicIPAddressVersion", "IPv4")))
    if found is not None:
        made["ipAddress"] = found
