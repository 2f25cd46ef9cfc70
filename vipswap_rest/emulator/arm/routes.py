"""Which address leads to which load balancer: what is programmed into the data plane, beside what the model shows.

The two differ: the model follows a write at once, the data plane follows its operation, and one that fails changes
nothing here. When an address stops and starts answering within an operation is not known of Azure (no documentation,
no recording of packets), so both are settings: `accept`, when the write is accepted, or `complete`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..data_plane.desired import Route
from ..messages import Json
from . import paths
from .operations import Operation
from .state import State, listed, named, properties_of, provisioning_state, reference

_LAST_PORT = 65535


@dataclass(frozen=True)
class Frontend:
    """A frontend as programmed: its id, its public IP's, and its rules' ports as in Route."""

    id: str
    public_ip: str
    ports: Mapping[int, str]


@dataclass
class Change:
    """What a running operation is changing: its load balancers' ids; frontends and public IPs in lower case."""

    operation: str
    resources: tuple[str, ...]
    frontends: set[str] = field(default_factory=set)
    public_ips: set[str] = field(default_factory=set)


class Routes:
    """The programmed frontends by load balancer, and the changes under way."""

    def __init__(self, state: State, down: str, up: str) -> None:
        """down, up: `accept` or `complete`; see Settings."""
        self._state = state
        self._down, self._up = down, up
        self._programmed: dict[str, list[Frontend]] = {}
        self._changes: dict[str, Change] = {}
        self._causes: dict[str, str | None] = {}

    def begin(self, operation: Operation) -> None:
        """A write was accepted, and the model shows what it wants."""
        change = Change(operation.id, tuple(one for one in operation.resources if _is_balancer(one)))
        for resource in change.resources:
            before = {one.id.lower(): one.public_ip.lower() for one in self._programmed.get(resource.lower(), ())}
            after = {one.id.lower(): one.public_ip.lower() for one in self._wanted(resource)}
            for frontend in before.keys() | after.keys():
                if before.get(frontend) != after.get(frontend):
                    change.frontends.add(frontend)
                    change.public_ips |= {one[frontend] for one in (before, after) if frontend in one}
        self._changes[operation.id] = change
        self._set_cause(change.public_ips, operation.id)

    def inherit(self, old: Operation, new: Operation) -> None:
        """`new` has superseded `old`: what `old` was changing stays under way until `new` ends."""
        before, change = self._changes.pop(old.id, None), self._changes.get(new.id)
        if before is not None and change is not None:
            change.frontends |= before.frontends
            change.public_ips |= before.public_ips

    def succeed(self, operation: Operation) -> None:
        """The operation succeeded: what the model shows of its load balancers is programmed."""
        change = self._changes.pop(operation.id, None)
        if change is not None:
            self._set_cause(change.public_ips, operation.id)
            for resource in change.resources:
                self._program(resource)

    def fail(self, operation: Operation) -> None:
        """The operation failed or was canceled: everything is as it was before it."""
        change = self._changes.pop(operation.id, None)
        if change is not None:
            self._set_cause(change.public_ips, operation.id)

    def adopt(self, resource: str) -> None:
        """The resource was put there by no operation: a load balancer passes traffic if it is Succeeded."""
        if _is_balancer(resource):
            for change in self._changes.values():
                change.resources = tuple(one for one in change.resources if one.lower() != resource.lower())
                change.frontends = {one for one in change.frontends if not one.startswith(resource.lower() + "/")}
                change.public_ips = change.public_ips if change.resources else set()
            self._set_cause({one.public_ip for one in self._programmed.get(resource.lower(), ())}, None)
            self._program(resource)
            self._set_cause({one.public_ip for one in self._programmed.get(resource.lower(), ())}, None)

    def causes(self) -> dict[str, str | None]:
        """The operation that last changed each public IP, by the public IP's id in lower case; None: no operation."""
        return dict(self._causes)

    def table(self) -> dict[str, Route]:
        """Every address that leads somewhere at this moment, by ipAddress."""
        found: dict[str, Route] = {}
        changing = {one for change in self._changes.values() for one in change.frontends}
        moving = {one for change in self._changes.values() for one in change.public_ips}
        for resource, frontends in self._programmed.items():
            for one in frontends:
                if self._down == "accept" and (one.id.lower() in changing or one.public_ip.lower() in moving):
                    continue
                found |= self._route(resource, one)
        if self._up == "accept":
            for change in self._changes.values():
                for resource in change.resources:
                    for one in self._wanted(resource):
                        if one.id.lower() in change.frontends:
                            found |= self._route(resource, one)
        return found

    def _route(self, resource: str, frontend: Frontend) -> dict[str, Route]:
        """The route by its address; none without a rule, or if a resource is gone, or has no address."""
        balancer, public_ip = self._state.get(resource), self._state.get(frontend.public_ip)
        address = properties_of(public_ip).get("ipAddress") if public_ip is not None else None
        if balancer is None or public_ip is None or not isinstance(address, str) or not frontend.ports:
            return {}
        return {address: Route(public_ip["id"], address, frontend.id, balancer["id"], frontend.ports)}

    def _program(self, resource: str) -> None:
        new = list(self._wanted(resource)) if self._passes(resource) else []
        taken = {one.public_ip.lower() for one in new}
        for key, frontends in self._programmed.items():
            # An address leads to one frontend: the last one that it was given to.
            self._programmed[key] = [one for one in frontends if one.public_ip.lower() not in taken]
        self._programmed[resource.lower()] = new

    def _passes(self, resource: str) -> bool:
        body = self._state.get(resource)
        return body is not None and provisioning_state(body).lower() == "succeeded"

    def _wanted(self, resource: str) -> Iterator[Frontend]:
        """The public frontends that the model shows."""
        body = self._state.get(resource)
        if body is None or provisioning_state(body) == "Deleting":
            return
        for identity, public_ip in frontends(body):
            if public_ip is not None:
                yield Frontend(identity, public_ip, _ports(body, identity))

    def _set_cause(self, public_ips: set[str], operation: str | None) -> None:
        self._causes.update((one.lower(), operation) for one in public_ips)


def frontends(balancer: Json) -> Iterator[tuple[str, str | None]]:
    """The load balancer's frontends: each one's id and the id of its public IP, or None."""
    for frontend in named(properties_of(balancer), "frontendIPConfigurations").values():
        identity = frontend.get("id") or f"{balancer['id']}/frontendIPConfigurations/{frontend['name']}"
        yield str(identity), reference(properties_of(frontend), "publicIPAddress")


def _ports(balancer: Json, frontend: str) -> dict[int, str]:
    """The frontend ports of the frontend's TCP rules, each with the name of its backend pool's load balancer.

    Not those of NAT, which lead to one machine each; nor port 0, the rule for all ports.
    """
    found: dict[int, str] = {}
    for rule in map(properties_of, listed(properties_of(balancer), "loadBalancingRules")):
        port, mine = rule.get("frontendPort"), reference(rule, "frontendIPConfiguration") or ""
        if str(rule.get("protocol")).lower() not in ("tcp", "all") or mine.lower() != frontend.lower():
            continue
        if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= _LAST_PORT:
            continue
        pools = [reference({"pool": one}, "pool") for one in listed(rule, "backendAddressPools")]
        pool = reference(rule, "backendAddressPool") or next(iter(pools), None)
        path = paths.parse_id(pool) if pool is not None else None
        if path is not None and path.names:
            found.setdefault(port, path.names[0])
    return found


def _is_balancer(resource: str) -> bool:
    path = paths.parse_id(resource)
    return path is not None and path.is_a("loadBalancers")
