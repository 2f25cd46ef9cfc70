"""POST .../setLoadBalancerFrontendPublicIpAddresses: both load balancers' addresses in one operation.

https://learn.microsoft.com/rest/api/load-balancer/load-balancers/swap-public-ip-addresses

The body states the goal, so the same body again, once it is true, succeeds and changes nothing. Whether ordinary load
balancers are served at all is not known; the setting `native` says it. What it refuses is modelled on the PUTs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from ...arm import errors, shapes
from ...arm.addresses import frontends
from ...arm.calls import Call, Reply, World
from ...arm.errors import ArmError
from ...arm.operations import Move
from ...arm.paths import parse_id
from ...arm.placement import place
from ...arm.state import listed, properties_of, provisioning_state
from ...messages import Json
from . import parts as load_balancer
from . import refusals as rules
from .resource import give_dynamic_addresses, show_zones, spelling


class NativeSwap:
    """The action on a location."""

    def __init__(self, world: World) -> None:
        self._world = world

    def post(self, call: Call) -> Reply:
        """202 with both Location and Azure-AsyncOperation, or a 4xx that changes nothing."""
        world = self._world
        given = call.content()
        shapes.check(given, shapes.SWAP)
        if world.settings.native == "reject":
            # Nobody has seen Azure refuse it; code and text are the emulator's.
            message = "SetLoadBalancerFrontendPublicIpAddresses is not supported for these load balancers."
            raise ArmError(400, "OperationNotSupported", message)
        goal = self._goal(given)
        balancers = self._balancers(call, goal)
        moves = [move for body in balancers for move in self._moves(body, goal)]
        self._check(moves, balancers)
        return self._start(call, balancers, moves)

    def _goal(self, given: Json) -> dict[str, str]:
        """The wanted public IP's id by the frontend's id in lower case."""
        goal: dict[str, str] = {}
        for entry in given.get("frontendIPConfigurations", ()):
            frontend = entry.get("id")
            address = entry.get("properties", {}).get("publicIPAddress", {}).get("id")
            if not frontend or not address:
                raise errors.format_invalid("Every frontend IP configuration needs an id and a publicIPAddress id.")
            if frontend.lower() in goal:
                raise errors.format_invalid(f"Frontend IP configuration {frontend} is named twice.")
            goal[frontend.lower()] = spelling(self._world)(address)
        if len(goal) < 2:
            raise errors.format_invalid("At least two frontend IP configurations are needed.")
        return goal

    def _balancers(self, call: Call, goal: dict[str, str]) -> list[Json]:
        found: dict[str, Json] = {}
        for frontend in goal:
            path = parse_id(frontend)
            if path is None or not path.is_a("loadBalancers/frontendIPConfigurations"):
                raise errors.not_found(frontend)
            body = self._world.state.get(path.parent().id)
            if body is None or frontend not in {identity.lower() for identity, _ in frontends(body)}:
                raise errors.not_found(frontend)
            if place(str(body.get("location"))) != place(call.path.names[0]):
                raise errors.resource_reference_not_found(frontend, call.path.id)
            self._check_idle(call, body)
            found[body["id"].lower()] = body
        return list(found.values())

    def _check_idle(self, call: Call, body: Json) -> None:
        """Nothing else may be changing the load balancers meanwhile (documentation)."""
        running = self._world.operations.on(body["id"])
        if running is not None:
            raise self._world.operations.busy(running, body["id"], call.now)
        found = provisioning_state(body)
        if found.lower() != "succeeded":
            raise errors.not_provisioned(body["id"], call.path.id, found, "PutLoadBalancerOperation")

    def _moves(self, body: Json, goal: dict[str, str]) -> list[Move]:
        wanted = copy.deepcopy(body)
        for frontend in listed(properties_of(wanted), load_balancer.FRONTENDS):
            address = goal.get(str(frontend.get("id")).lower())
            if address is None:
                continue
            if "publicIPAddress" not in properties_of(frontend):
                message = f"Frontend IP Configuration {frontend['id']} has no public IP address to exchange."
                raise ArmError(400, "OperationNotSupported", message)
            frontend["properties"]["publicIPAddress"] = {"id": address}
        return list(rules.moves(body, wanted))

    def _check(self, moves: Sequence[Move], balancers: Sequence[Json]) -> None:
        world, given_up = self._world, {(move.off or "").lower() for move in moves}
        taken: set[str] = set()
        by_id = {body["id"].lower(): body for body in balancers}
        for move in moves:
            balancer, address = by_id[move.resource.lower()], world.state.get(move.on or "")
            if address is None:
                raise errors.resource_reference_not_found(move.on or "", balancer["id"])
            if address["id"].lower() in taken:
                message = (
                    f"Public ip address {address['id']} is referenced by multiple ipconfigs "
                    f"in resource {balancer['id']}."
                )
                raise ArmError(400, "PublicIPReferencedByMultipleIPConfigs", message)
            taken.add(address["id"].lower())
            if address["id"].lower() in given_up:
                # The other side gives it up in the same operation: only its fitness is left to look at.
                rules.check_place(move, balancer, address)
                rules.check_sku(balancer, address)
            else:
                rules.check_address(move, balancer, world.state, world.addresses)
        for body in balancers:
            held = [address for _, address in frontends(body) if address]
            taken_up = [move.on for move in moves if move.on and move.resource == body["id"]]
            # Nothing else may be changing meanwhile (documentation), so nothing is waited for.
            rules.check_provisioned([*held, *taken_up], body["id"], world.state, world.operations, accepting=False)

    def _start(self, call: Call, balancers: Sequence[Json], moves: Sequence[Move]) -> Reply:
        world = self._world
        goal = {move.frontend.lower(): move.on for move in moves}
        for body in balancers:
            for frontend in listed(properties_of(body), load_balancer.FRONTENDS):
                key = str(frontend.get("id")).lower()
                if key in goal:
                    frontend["properties"]["publicIPAddress"] = {"id": goal[key]}
            show_zones(world, body)
            world.state.settle(body, "Updating")
            world.state.touch(body)

        def succeed(t: float, own: Sequence[str]) -> None:
            for identity in own:
                present = world.state.get(identity)
                if present is not None:
                    world.state.settle(present, "Succeeded")
                    world.state.touch(present)
                    give_dynamic_addresses(world, present)
            world.addresses.complete(operation, t)

        kind = "SetLoadBalancerFrontendPublicIpAddressesOperation"
        due = call.now + world.latency.draw("native_swap")
        operation = world.start(call, kind, balancers, due, succeed)
        operation.moves = tuple(moves)
        world.addresses.follow(moves)
        world.addresses.accept(operation, moves, call.now)
        return Reply(202, None, operation, result_url=True, pause=True)
