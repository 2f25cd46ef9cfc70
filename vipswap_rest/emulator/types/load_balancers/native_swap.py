"""POST .../setLoadBalancerFrontendPublicIpAddresses: both load balancers' addresses in one operation.

https://learn.microsoft.com/rest/api/load-balancer/load-balancers/swap-public-ip-addresses

The body states the goal, so the same body again, once it is true, succeeds and changes nothing. Whether ordinary load
balancers are served at all is not known; the setting `native` says it. What it refuses is modelled on the PUTs.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from ...arm import errors, shapes
from ...arm.calls import Call, Reply, accepted
from ...arm.errors import ArmError
from ...arm.operations import Move
from ...arm.paths import parse_id
from ...arm.placement import place
from ...arm.routes import frontends
from ...arm.shapes import REFERENCE
from ...arm.state import listed, properties_of, provisioning_state
from ...arm.world import World
from ...arm.writes import begin_write
from ...messages import Json
from .. import public_ips
from . import parts, refusals
from .resource import addresses, show_zones

_SHAPE: Json = {"frontendIPConfigurations": [{"id": str, "properties": {"publicIPAddress": REFERENCE}}]}


def post(world: World, call: Call) -> Reply:
    """202 with both Location and Azure-AsyncOperation, or a 4xx that changes nothing."""
    given = call.content()
    shapes.check(given, _SHAPE)
    if world.settings.native == "reject":
        # No refusal of Azure's is recorded; code and text are the emulator's.
        message = "SetLoadBalancerFrontendPublicIpAddresses is not supported for these load balancers."
        raise ArmError(400, "OperationNotSupported", message)
    goal = _goal(world, given)
    balancers = _balancers(world, call, goal)
    wanted = [_wanted(body, goal) for body in balancers]
    moves = [move for before, body in zip(balancers, wanted, strict=True) for move in refusals.moves(before, body)]
    _check(world, moves, balancers)
    for body in wanted:
        show_zones(world, body)

    def finish(present: Json) -> None:
        public_ips.give_dynamic_addresses(world, addresses(present))

    kind, seconds = "SetLoadBalancerFrontendPublicIpAddressesOperation", world.latency.draw("native_swap")
    return accepted(begin_write(world, call, kind, wanted, seconds, finish, moves=moves))


def _goal(world: World, given: Json) -> dict[str, str]:
    """The wanted public IP's id by the frontend's id in lower case."""
    goal: dict[str, str] = {}
    for entry in given.get("frontendIPConfigurations", ()):
        frontend = entry.get("id")
        address = entry.get("properties", {}).get("publicIPAddress", {}).get("id")
        if not frontend or not address:
            raise errors.format_invalid("Every frontend IP configuration needs an id and a publicIPAddress id.")
        if frontend.lower() in goal:
            raise errors.format_invalid(f"Frontend IP configuration {frontend} is named twice.")
        goal[frontend.lower()] = world.spelled(address)
    if len(goal) < 2:
        raise errors.format_invalid("At least two frontend IP configurations are needed.")
    return goal


def _balancers(world: World, call: Call, goal: dict[str, str]) -> list[Json]:
    found: dict[str, Json] = {}
    for frontend in goal:
        path = parse_id(frontend)
        if path is None or not path.is_a("loadBalancers/frontendIPConfigurations"):
            raise errors.not_found(frontend)
        body = world.state.get(path.parent().id)
        if body is None or frontend not in {identity.lower() for identity, _ in frontends(body)}:
            raise errors.not_found(frontend)
        if place(str(body.get("location"))) != place(call.path.names[0]):
            raise errors.resource_reference_not_found(frontend, call.path.id)
        _check_idle(world, call, body)
        found[body["id"].lower()] = body
    return list(found.values())


def _check_idle(world: World, call: Call, body: Json) -> None:
    """Nothing else may be changing the load balancers meanwhile (documentation)."""
    running = world.operations.on(body["id"])
    if running is not None:
        raise world.operations.busy(running, body["id"], call.now)
    found = provisioning_state(body)
    if found.lower() != "succeeded":
        raise errors.not_provisioned(body["id"], call.path.id, found, "PutLoadBalancerOperation")


def _wanted(body: Json, goal: dict[str, str]) -> Json:
    """The load balancer as the goal has it."""
    wanted = copy.deepcopy(body)
    for frontend in listed(properties_of(wanted), parts.FRONTENDS):
        address = goal.get(str(frontend.get("id")).lower())
        if address is None:
            continue
        if "publicIPAddress" not in properties_of(frontend):
            message = f"Frontend IP Configuration {frontend['id']} has no public IP address to exchange."
            raise ArmError(400, "OperationNotSupported", message)
        frontend["properties"]["publicIPAddress"] = {"id": address}
    return wanted


def _check(world: World, moves: Sequence[Move], balancers: Sequence[Json]) -> None:
    given_up = {(move.off or "").lower() for move in moves}
    taken: set[str] = set()
    by_id = {body["id"].lower(): body for body in balancers}
    for move in moves:
        balancer, address = by_id[move.resource.lower()], world.state.get(move.on or "")
        if address is None:
            raise errors.resource_reference_not_found(move.on or "", balancer["id"])
        if address["id"].lower() in taken:
            message = (
                f"Public ip address {address['id']} is referenced by multiple ipconfigs in resource {balancer['id']}."
            )
            raise ArmError(400, "PublicIPReferencedByMultipleIPConfigs", message)
        taken.add(address["id"].lower())
        if address["id"].lower() in given_up:
            # The other side gives it up in the same operation: only its fitness is left to look at.
            refusals.check_place(move, balancer, address)
            refusals.check_sku(balancer, address)
        else:
            refusals.check_address(world, move, balancer)
    for body in balancers:
        taken_up = [move.on for move in moves if move.on and move.resource == body["id"]]
        # Nothing else may be changing meanwhile (documentation), so nothing is waited for.
        refusals.check_provisioned(
            [*addresses(body), *taken_up], body["id"], world.state, world.operations, accepting=False
        )
