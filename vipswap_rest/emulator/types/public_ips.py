"""PUT, PATCH and DELETE of public IPs."""

from __future__ import annotations

from collections.abc import Sequence

from ..arm import errors, shapes
from ..arm.calls import Call, Reply, World
from ..arm.deletion import deletable, delete
from ..arm.operations import Operation
from ..arm.state import properties, provisioning_state
from ..messages import Json
from . import public_ip
from .load_balancers.resource import give_address
from .usages import Usages


class PublicIps:
    """The resource type `Microsoft.Network/publicIPAddresses`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, call: Call) -> Reply:
        """Create or replace a public IP: 201 or 200 with Azure-AsyncOperation.

        Recorded: a creation is always Updating; an update is Succeeded exactly if it changes nothing (7 of 7), and
        Updating if it does (16 of 16).
        """
        world, state = self._world, self._world.state
        given, previous = call.content(), state.get(call.path.id)
        world.check_location(call.path, given, previous)
        shapes.check(given, shapes.PUBLIC_IP)
        identity = previous["id"] if previous else world.identity(call.path, public_ip.TYPE)
        world.check_conditions(call.request, previous, identity)
        given = public_ip.spread(given, previous, identity, call.api_version)
        body = public_ip.complete(given, previous, identity, world.identifiers.guid)
        superseded = world.check_free(identity, call.now)
        if previous is None:
            Usages(world).check(call.path.subscription or "", body)
            world.addresses.check_room(body["properties"]["publicIPAddressVersion"])
        self._check_prefix(body)
        public_ip.check(body, previous, state.of_type(public_ip.TYPE), self._owner(identity))
        settled = previous is not None and provisioning_state(previous).lower() == "succeeded"
        working = world.operations.is_struck or not (settled and previous and public_ip.unchanged(body, previous))
        body["properties"]["provisioningState"] = "Updating" if working else "Succeeded"
        state.touch(body)
        state.put(body)
        operation = self._start(call, body, superseded, working)
        return Reply(200 if previous else 201, body, operation, pause=working)

    def _start(self, call: Call, body: Json, superseded: Operation | None, working: bool) -> Operation:
        world, identity = self._world, body["id"]
        # The profiles count creations only; an update of an address is taken to last as long.
        seconds = world.latency.draw("public_ip_create") if working else 0.0

        def succeed(t: float, own: Sequence[str]) -> None:
            present = world.state.get(identity)
            if own and present is not None and working:
                made = properties(present)
                made["provisioningState"] = "Succeeded"
                if made.get("publicIPAllocationMethod") == "Static" and "ipAddress" not in made:
                    give_address(world, made)
                world.state.touch(present)
            world.addresses.complete(operation, t)

        operation = world.start(call, "PutPublicIpAddressOperation", [body], call.now + seconds, succeed, short=True)
        operation.public_ip = identity
        world.addresses.accept(operation, (), call.now)
        world.take_over(superseded, operation, call.now)
        if not working:
            world.operations.complete(operation, call.now)
        return operation

    def patch(self, call: Call) -> Reply:
        """Replace the tags."""
        return self._world.patch_tags(call, self._world.state.get(call.path.id))

    def delete(self, call: Call) -> Reply:
        """202 and an operation, 204 if there is none, 400 while it is allocated to something."""
        world = self._world
        body = deletable(world, call)
        if isinstance(body, Reply):
            return body
        identity = body["id"]
        owner = self._owner(identity)
        if owner is not None:
            raise errors.address_cannot_be_deleted(identity, owner)
        running, seconds = world.operations.on(identity), world.latency.draw("public_ip_delete")
        return delete(world, call, body, "DeletePublicIpAddressOperation", seconds, running, public_ip=identity)

    def _check_prefix(self, body: Json) -> None:
        """Refuse an address from a prefix that is not there: recorded, with the prefix's 404 (6 of 6)."""
        prefix = (properties(body).get("publicIPPrefix") or {}).get("id")
        if prefix and self._world.state.get(prefix) is None:
            raise errors.not_found(prefix)

    def _owner(self, identity: str) -> str | None:
        """What the address is allocated to: in the model, or still, while an operation takes it off."""
        hold = self._world.addresses.holder(identity)
        return hold.frontend if hold is not None else self._world.addresses.owner(identity)
