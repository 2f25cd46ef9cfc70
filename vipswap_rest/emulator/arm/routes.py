"""Which address leads to which backend pool: what is programmed into the data plane, beside what the model shows.

The two differ: the model follows a write at once, the data plane follows its operation, and one that fails changes
nothing here. When an address stops and starts answering within an operation is not known of Azure (no documentation,
no recording of packets), so both are settings: `accept`, when the write is accepted, or `complete`. A rule that changes
its pool does so when its operation has completed; a pool that no rule used may be cold for a while (`cold_pool`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ..data_plane.desired import Member, Route, Service
from ..messages import Json
from ..settings import Settings
from . import paths
from .instances import Instances
from .operations import Operation
from .state import State, named, properties_of, provisioning_state, reference


@dataclass(frozen=True)
class Pool:
    """A backend pool that a rule leads to: its id, and what is answered there where no instance says it."""

    id: str
    text: str


@dataclass(frozen=True)
class Frontend:
    """A frontend with its public IP's id (None: it has none), and the pool behind each port that a rule serves."""

    id: str
    public_ip: str | None
    ports: Mapping[int, Pool]


@dataclass(frozen=True)
class Traffic:
    """How a resource type that has public frontends leads traffic: its frontends, by its body.

    established: what becomes of a connection whose rule changes its pool, as the settings have it; see Service.
    """

    frontends: Callable[[Json], Iterator[Frontend]]
    established: Callable[[Settings], str]


@dataclass
class Change:
    """What a running operation is changing: its load balancers' ids; frontends and public IPs in lower case."""

    operation: str
    resources: tuple[str, ...]
    frontends: set[str] = field(default_factory=set)
    public_ips: set[str] = field(default_factory=set)


class Routes:
    """The programmed frontends by what they belong to, and the changes under way."""

    def __init__(self, state: State, settings: Settings, traffic: Mapping[str, Traffic], instances: Instances) -> None:
        """traffic: of each resource type that has public frontends, by the type's name in lower case."""
        self._state = state
        self._settings = settings
        self._traffic = traffic
        self._instances = instances
        self._programmed: dict[str, list[Frontend]] = {}
        # Pools, by their ids in lower case, that answer only from then on.
        self._warm: dict[str, float] = {}
        # Pools that a frontend's port has left, whose connections are left alone until then.
        self._left: dict[tuple[str, int, str], float] = {}
        self._changes: dict[str, Change] = {}
        self._causes: dict[str, str | None] = {}

    def begin(self, operation: Operation) -> None:
        """A write was accepted, and the model shows what it wants."""
        change = Change(operation.id, tuple(one for one in operation.resources if self._leads(one)))
        for resource in change.resources:
            before = _addresses(self._programmed.get(resource.lower(), ()))
            after = _addresses(self._wanted(resource))
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

    def succeed(self, operation: Operation, t: float) -> None:
        """The operation succeeded at `t`: what the model shows of its resources is programmed."""
        change = self._changes.pop(operation.id, None)
        if change is not None:
            self._set_cause(change.public_ips, operation.id)
            for resource in change.resources:
                before = list(self._programmed.get(resource.lower(), ()))
                self._program(resource)
                self._turn(before, self._programmed[resource.lower()], operation.id, t)

    def fail(self, operation: Operation) -> None:
        """The operation failed or was canceled: everything is as it was before it."""
        change = self._changes.pop(operation.id, None)
        if change is not None:
            self._set_cause(change.public_ips, operation.id)

    def adopt(self, resource: str) -> None:
        """The resource was put there by no operation: it passes traffic if it is Succeeded."""
        if self._leads(resource):
            for change in self._changes.values():
                change.resources = tuple(one for one in change.resources if one.lower() != resource.lower())
                change.frontends = {one for one in change.frontends if not one.startswith(resource.lower() + "/")}
                change.public_ips = change.public_ips if change.resources else set()
            before = _addresses(self._programmed.get(resource.lower(), ()))
            self._program(resource)
            after = _addresses(self._programmed[resource.lower()])
            self._set_cause({*before.values(), *after.values()}, None)

    def causes(self) -> dict[str, str | None]:
        """The operation that last changed each public IP, by the public IP's id in lower case; None: no operation."""
        return dict(self._causes)

    def next_change(self, now: float) -> float | None:
        """When the next pool is warm, or left for good, in seconds of the clock; None: none will be."""
        return min((t for t in (*self._warm.values(), *self._left.values()) if t > now), default=None)

    def table(self, now: float) -> dict[str, Route]:
        """Every address that leads somewhere at this moment, by ipAddress."""
        found: dict[str, Route] = {}
        changing = {one for change in self._changes.values() for one in change.frontends}
        moving = {one for change in self._changes.values() for one in change.public_ips}
        for resource, frontends in self._programmed.items():
            for one in frontends:
                moves = one.id.lower() in changing or (one.public_ip or "").lower() in moving
                if not (moves and self._settings.data_plane_down == "accept"):
                    found |= self._route(resource, one, now)
        if self._settings.data_plane_up == "accept":
            for change in self._changes.values():
                for resource in change.resources:
                    for one in self._wanted(resource):
                        if one.id.lower() in change.frontends:
                            found |= self._route(resource, one, now)
        return found

    def _route(self, resource: str, frontend: Frontend, now: float) -> dict[str, Route]:
        """The route by its address; none without a rule, or if a resource is gone, or has no address."""
        owner, public_ip = self._state.get(resource), self._state.get(frontend.public_ip or "")
        address = properties_of(public_ip).get("ipAddress") if public_ip is not None else None
        if owner is None or public_ip is None or not isinstance(address, str) or not frontend.ports:
            return {}
        ports = {port: self._service(resource, frontend.id, port, pool, now) for port, pool in frontend.ports.items()}
        return {address: Route(public_ip["id"], address, frontend.id, owner["id"], ports)}

    def _service(self, resource: str, frontend: str, port: int, pool: Pool, now: float) -> Service:
        cold = self._warm.get(pool.id.lower(), now) > now
        members: tuple[Member, ...] | None = ()
        if not cold:
            members = self._instances.members(pool.id, pool.text, now)
        place = (frontend.lower(), port)
        drained = frozenset(key[2] for key, until in self._left.items() if key[:2] == place and until > now)
        return Service(
            pool.id,
            (Member(pool.id, pool.text),) if members is None else members,
            self._traffic[_type(resource)].established(self._settings),
            drained,
        )

    def _turn(self, before: list[Frontend], after: list[Frontend], operation: str, t: float) -> None:
        """Rules lead to other pools since `t`: those that no rule used are cold, those left are drained."""
        used = {pool.id.lower() for one in before for pool in one.ports.values()}
        ports = {one.id.lower(): one.ports for one in before}
        for one in after:
            for port, pool in one.ports.items():
                if pool.id.lower() not in used:
                    self._warm[pool.id.lower()] = t + self._settings.cold_pool_s
                old = ports.get(one.id.lower(), {}).get(port, pool)
                if old != pool:
                    self._left[one.id.lower(), port, old.id.lower()] = t + self._settings.drain_s
                    self._set_cause(set(_addresses([one]).values()), operation)

    def _program(self, resource: str) -> None:
        new = list(self._wanted(resource)) if self._passes(resource) else []
        taken = {one.public_ip.lower() for one in new if one.public_ip is not None}
        for key, frontends in self._programmed.items():
            # An address leads to one frontend: the last one that it was given to.
            self._programmed[key] = [one for one in frontends if (one.public_ip or "").lower() not in taken]
        self._programmed[resource.lower()] = new

    def _passes(self, resource: str) -> bool:
        body = self._state.get(resource)
        return body is not None and provisioning_state(body).lower() == "succeeded"

    def _wanted(self, resource: str) -> Iterator[Frontend]:
        """The frontends that the model shows."""
        body = self._state.get(resource)
        if body is not None and provisioning_state(body) != "Deleting":
            yield from self._traffic[_type(resource)].frontends(body)

    def _leads(self, resource: str) -> bool:
        return _type(resource) in self._traffic

    def _set_cause(self, public_ips: set[str], operation: str | None) -> None:
        self._causes.update((one.lower(), operation) for one in public_ips)


def frontends(balancer: Json) -> Iterator[tuple[str, str | None]]:
    """The load balancer's frontends: each one's id and the id of its public IP, or None."""
    for frontend in named(properties_of(balancer), "frontendIPConfigurations").values():
        identity = frontend.get("id") or f"{balancer['id']}/frontendIPConfigurations/{frontend['name']}"
        yield str(identity), reference(properties_of(frontend), "publicIPAddress")


def _addresses(frontends: Iterable[Frontend]) -> dict[str, str]:
    """The public frontends' ids with their public IPs', in lower case."""
    return {one.id.lower(): one.public_ip.lower() for one in frontends if one.public_ip is not None}


def _type(resource: str) -> str:
    """The resource's full type in lower case; empty for what is no resource of its own."""
    path = paths.parse_id(resource)
    return path.type.lower() if path is not None and path.namespace is not None else ""
