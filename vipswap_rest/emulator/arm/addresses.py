"""The owner of each public IP: its ipConfiguration follows the frontends, and a released address may be held back."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from .errors import too_many_addresses
from .operations import Move, Operation
from .routes import Routes, frontends
from .state import State, properties, properties_of, provisioning_state, reference
from .timeline import Timeline

LOAD_BALANCERS = "Microsoft.Network/loadBalancers"
PUBLIC_IPS = "Microsoft.Network/publicIPAddresses"
# The networks for documentation (RFC 5737, RFC 3849): no real host has an emulated address. With a data plane, IPv4
# addresses are the loopback addresses that it listens on.
POOLS: Mapping[str, Sequence[str]] = {"IPv4": ("203.0.113.0/24", "198.51.100.0/24"), "IPv6": ("2001:db8::/64",)}


# Of one network, as many addresses as there are pairs to need them; an IPv6 network has no end.
_MOST = 65536


@dataclass(frozen=True)
class Hold:
    """An address that a running operation is taking off `frontend` of `resource`, and that no other may take yet."""

    operation: Operation
    public_ip: str
    resource: str
    frontend: str


class Addresses:
    """The public IPs' side of every write of a load balancer, and its share of the timeline.

    The model follows at once: recorded, a GET of the public IP right after the PUT was accepted shows the new owner
    (26 of 26). When *another* load balancer may take a released address is not known: `release` says it.
    """

    def __init__(
        self, state: State, timeline: Timeline, release: str, routes: Routes, pools: Mapping[str, Sequence[str]]
    ) -> None:
        """release: see Settings. pools: the networks that addresses are taken from, by IP version."""
        self._state = state
        self._timeline = timeline
        self._release = release
        self._routes = routes
        self._pools = pools
        self._holds: dict[str, Hold] = {}
        # What released an address when it was accepted.
        self._leaving: dict[str, Operation] = {}
        self._last: dict[str, int] = {}

    def owner(self, public_ip: str) -> str | None:
        """The id of what the public IP is allocated to in the model, or None."""
        for balancer in self._state.of_type(LOAD_BALANCERS):
            if provisioning_state(balancer) == "Deleting":
                continue  # its addresses were released when the deletion was accepted, or are held until it completes
            for frontend, address in frontends(balancer):
                if address is not None and address.lower() == public_ip.lower():
                    return frontend
        found = properties(self._state.get(public_ip) or {})
        for key in ("ipConfiguration", "natGateway"):
            if (user := reference(found, key)) is not None:
                return user
        return None

    def holder(self, public_ip: str) -> Hold | None:
        """The hold of a running operation on the address, or None."""
        return self._holds.get(public_ip.lower())

    def leaving_until(self, public_ip: str) -> float:
        """When the operation ends that still takes off an address which was released already (seconds of the clock);
        0 where none runs."""
        operation = self._leaving.get(public_ip.lower())
        return operation.due if operation is not None and operation.running else 0.0

    def _follow(self, moves: Sequence[Move]) -> None:
        """Let the public IPs show their owners after these moves."""
        for move in moves:
            if move.off is not None:
                self._leave(move.off, move.frontend)
        for move in moves:
            if move.on is not None:
                self._join(move.on, move.frontend)

    def _leave(self, public_ip: str, frontend: str) -> None:
        body = self._state.get(public_ip)
        if body is None:
            return
        found = properties(body)
        if (reference(found, "ipConfiguration") or "").lower() == frontend.lower():
            del found["ipConfiguration"]
            if str(found.get("publicIPAllocationMethod")).lower() == "dynamic":
                # Dynamic allocation: the address goes with the association, only the DNS label stays.
                found.pop("ipAddress", None)
            self._state.touch(body)

    def _join(self, public_ip: str, frontend: str) -> None:
        body = self._state.get(public_ip)
        if body is not None and properties(body).get("ipConfiguration") != {"id": frontend}:
            properties(body)["ipConfiguration"] = {"id": frontend}
            self._state.touch(body)

    def accept(self, operation: Operation, t: float) -> None:
        """A write was accepted: its public IPs follow, and the addresses that it takes off are released or held."""
        moves = operation.moves
        self._follow(moves)
        self._note_all(t, "request_accepted", operation, before=True)
        for move in moves:
            if move.on is not None:
                # Taken back by the load balancer that was giving it up: nothing is released any more.
                self._holds.pop(move.on.lower(), None)
        kept = {move.on.lower() for move in moves if move.on is not None}
        for move in moves:
            if move.off is not None and move.off.lower() not in kept:
                self._holds[move.off.lower()] = Hold(operation, move.off, move.resource, move.frontend)
        self._routes.begin(operation)
        if self._release == "accept":
            self._leaving |= dict.fromkeys(self._held_by(operation), operation)
            self._release_held(operation, t)

    def inherit(self, old: Operation, new: Operation, t: float) -> None:
        """`new` has superseded `old`: what `old` was taking off and putting on is now done, or undone, by `new`."""
        self._note_all(t, "operation_canceled", old)
        self._routes.inherit(old, new)
        for key, hold in self._held_by(old).items():
            self._holds[key] = replace(hold, operation=new)
        moved = {move.frontend.lower() for move in new.moves}
        left = [Move(move.resource, move.frontend, None, move.on) for move in old.moves]
        new.moves += tuple(move for move in left if move.frontend.lower() not in moved)

    def complete(self, operation: Operation, t: float) -> None:
        """The operation succeeded: what it held is free, what it put on is attached."""
        self._release_held(operation, t)
        for move in operation.moves:
            if move.on is not None:
                self._note(t, "address_attached", operation, move, move.on)
        self._note_all(t, "operation_succeeded", operation)
        self._routes.succeed(operation, t)

    def may_return(self, operation: Operation) -> bool:
        """Whether no other resource has taken the addresses that the operation releases."""
        offs = [(move.off, move.frontend) for move in operation.moves if move.off is not None]
        mine = {move.frontend.lower() for move in operation.moves}
        owners = [self.owner(off) for off, _ in offs]
        return all(owner is None or owner.lower() in mine for owner in owners)

    def fail(self, operation: Operation, t: float, *, back: bool) -> None:
        """The operation failed or was canceled: its moves stay, or go back."""
        if back:
            for key in self._held_by(operation):
                del self._holds[key]
            self._follow([Move(move.resource, move.frontend, move.on, move.off) for move in operation.moves])
        else:
            self._release_held(operation, t)
        self._note_all(t, f"operation_{operation.status.lower()}", operation)
        self._routes.fail(operation)

    def _note_all(self, t: float, event: str, operation: Operation, *, before: bool = False) -> None:
        """Note the event for each move, with the address that the frontend has, or had `before`."""
        for move in operation.moves:
            self._note(t, event, operation, move, move.off if before else move.on)
        if not operation.moves:
            self._timeline.add(t, event, operation.resources[0], operation.public_ip, None, operation.id)

    def _note(self, t: float, event: str, operation: Operation, at: Move | Hold, public_ip: str | None) -> None:
        self._timeline.add(t, event, at.resource, public_ip, at.frontend, operation.id)

    def _release_held(self, operation: Operation, t: float) -> None:
        for key, hold in self._held_by(operation).items():
            del self._holds[key]
            self._note(t, "address_released", operation, hold, hold.public_ip)

    def _held_by(self, operation: Operation) -> dict[str, Hold]:
        return {key: hold for key, hold in self._holds.items() if hold.operation is operation}

    def check_room(self, version: str) -> None:
        """Refuse one more public IP if all addresses are taken, or promised. Raises ArmError 400."""
        hosts, present = self._of(version), self._state.of_type(PUBLIC_IPS)
        mine = [one for one in map(properties_of, present) if one.get("publicIPAddressVersion", "IPv4") == version]
        if sum(one.get("ipAddress") in (None, *hosts) for one in mine) >= len(hosts):
            raise too_many_addresses(len(hosts))

    def allocate(self, version: str) -> str | None:
        """An address that no public IP has, counted upwards so that one given back is not handed out at once.

        None if there is none, which `check_room` prevents unless public IPs without an address are seeded.
        """
        hosts, start = self._of(version), self._last.get(version, -1) + 1
        taken = {str(properties_of(body).get("ipAddress")) for body in self._state.of_type(PUBLIC_IPS)}
        for offset in range(len(hosts)):
            number = (start + offset) % len(hosts)
            if hosts[number] not in taken:
                self._last[version] = number
                return hosts[number]
        return None

    def _of(self, version: str) -> list[str]:
        return _hosts(tuple(self._pools.get(version, self._pools["IPv4"])))


@cache
def _hosts(pools: tuple[str, ...]) -> list[str]:
    """All addresses that there are to give, no network's and no broadcast address among them."""
    networks = [ipaddress.ip_network(pool) for pool in pools]
    return [str(net[index + 1]) for net in networks for index in range(min(net.num_addresses - 2, _MOST))]
