"""PUT and DELETE of application gateways. Codes as users reported them; texts are the emulator's."""

from __future__ import annotations

from ...arm import errors, shapes
from ...arm.calls import Call, Reply, accepted
from ...arm.errors import ArmError
from ...arm.operations import Move
from ...arm.routes import frontends
from ...arm.state import listed, properties_of, reference
from ...arm.world import World
from ...arm.writes import begin_write, check_free, find_deletable, read_put
from ...messages import Json
from ..load_balancers.refusals import moves
from . import body as bodies

# From this api-version on a v2 gateway's rule needs a priority.
_PRIORITY_SINCE = "2021-08-01"
_DESTINATIONS = ("backendAddressPool", "urlPathMap", "redirectConfiguration", "loadDistributionPolicy")


def put(world: World, call: Call) -> Reply:
    """Create or replace the whole gateway: 201 or 200, Updating, always with Azure-AsyncOperation."""
    given, previous, identity = read_put(world, call, shapes.ANY, bodies.NAME)
    body = bodies.complete(given, previous, identity, world.identifiers.guid)
    check_free(world, identity, call.now)
    _check(world, call, given, body, previous)
    changed = list(moves(previous, body))
    for move in changed:
        _check_address(world, move, body)
    seconds = world.latency.draw("gateway_update")
    operation = begin_write(
        world, call, "PutApplicationGatewayOperation", [body], seconds, bodies.finish, moves=changed
    )
    return Reply(200 if previous else 201, body, operation, pause=True)


def delete(world: World, call: Call) -> Reply:
    """202 and an operation, or 204 if there is none."""
    body = find_deletable(world, call)
    if isinstance(body, Reply):
        return body
    left = [Move(body["id"], frontend, address, None) for frontend, address in frontends(body) if address]
    seconds = world.latency.draw("gateway_update")
    kind = "DeleteApplicationGatewayOperation"
    return accepted(begin_write(world, call, kind, [body], seconds, deleting=True, moves=left))


def _check(world: World, call: Call, given: Json, body: Json, previous: Json | None) -> None:
    own = {child["id"].lower() for _, child in bodies.walk(body)}
    prefix = f"{body['id']}/".lower()
    for _, child in bodies.walk(body):
        for identity in bodies.references(child):
            if identity.lower().startswith(prefix) and identity.lower() not in own:
                raise errors.reference_not_found(identity, child["id"])
    for rule in listed(properties_of(body), bodies.RULES):
        found = properties_of(rule)
        if sum(key in found for key in _DESTINATIONS) != 1:
            message = f"Request routing rule {rule['id']} must have exactly one of {', '.join(_DESTINATIONS)}."
            raise ArmError(400, "ApplicationGatewayRequestRoutingRuleInvalid", message)
        if bodies.is_v2(body) and call.api_version >= _PRIORITY_SINCE and "priority" not in found:
            message = f"The priority of request routing rule {rule['id']} cannot be empty."
            raise ArmError(400, "ApplicationGatewayRequestRoutingRulePriorityCannotBeEmpty", message)
    known = {one.get("name", "").lower() for one in listed(properties_of(previous or {}), bodies.CERTIFICATES)}
    for one in listed(properties_of(given), bodies.CERTIFICATES):
        # A certificate that is named without its data stays as it is (recorded: 17 of 17 accepted).
        new = str(one.get("name")).lower() not in known
        if new and not {"data", "keyVaultSecretId"} & properties_of(one).keys():
            message = f"Data must be specified for certificate {one.get('name')}."
            raise ArmError(400, "ApplicationGatewaySslCertificateDataMustBeSpecified", message)


def _check_address(world: World, move: Move, body: Json) -> None:
    """Refuse to put on a frontend an address that is missing, or in use elsewhere."""
    if move.on is None:
        return
    address = world.state.get(move.on)
    if address is None:
        raise errors.resource_reference_not_found(move.on, body["id"])
    owner = world.addresses.owner(address["id"]) or reference(properties_of(address), "ipConfiguration")
    if owner is not None and not owner.lower().startswith(f"{body['id']}/".lower()):
        raise errors.address_in_use(move.frontend, address["id"], owner)
