"""All that the resource types' handlers work on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from ..messages import Json
from ..settings import Settings
from ..settings.latency import Latency
from . import errors
from .addresses import POOLS, Addresses
from .errors import ArmError
from .instances import Instances
from .operations import Operation, Operations
from .paths import Path
from .routes import Routes, Traffic
from .stale import StaleReads
from .state import Identifiers, State
from .timeline import Timeline

# Begins the PUT of a resource: its id, the api-version, the body, and the time in seconds of the clock; returns the
# operation, None where it was done at once. Raises ArmError.
Submit = Callable[[str, str, Json, float], Operation | None]


class Pending(Protocol):
    """Something that goes on by itself, step by step."""

    def advance(self, world: World, now: float) -> bool:
        """Do what is due; returns whether anything was done, so that more may be."""
        ...

    def next_change(self, now: float) -> float | None:
        """When there is something to do next, in seconds of the clock; None: never."""
        ...


def _unanswered(identity: str, version: str, body: Json, now: float) -> Operation | None:
    raise NotImplementedError("nothing answers requests here")


class World:
    """What exists, what runs, and what happened; empty at first."""

    def __init__(
        self,
        settings: Settings,
        identifiers: Identifiers,
        loopback: str | None,
        provided: Mapping[str, Sequence[str]],
        traffic: Mapping[str, Traffic],
    ) -> None:
        """identifiers: they go on from where they were, so that no id is ever used twice.

        loopback: the network of the data plane's addresses, or None. provided: the api-versions of each resource type
        that has rules of its own. traffic: see Routes.
        """
        self.settings, self.identifiers, self.provided = settings, identifiers, provided
        self.state, self.timeline, self.stale = State(identifiers), Timeline(), StaleReads()
        self.latency = Latency(settings.profile, settings.time_scale, settings.seed)
        self.operations = Operations(identifiers, self.latency, settings.retry_after == "grows")
        self.instances = Instances()
        # What is written of a resource and never shown, and the latest rolling upgrade, by an id in lower case.
        self.secrets: dict[str, Json] = {}
        self.rolling: dict[str, Operation] = {}
        # Load balancers, by their ids in lower case, of which a pool was written by itself.
        self.pooled: set[str] = set()
        # Deployments by their id in lower case, and how one of them PUTs a resource: see Submit.
        self.deployments: dict[str, Pending] = {}
        self.submit: Submit = _unanswered
        self.routes = Routes(self.state, settings, traffic, self.instances)
        pools = POOLS if loopback is None else {**POOLS, "IPv4": (loopback,)}
        self.addresses = Addresses(self.state, self.timeline, settings.release, self.routes, pools)

    def forget(self, identity: str) -> None:
        """Forget what is kept beside the state of a resource that goes, its instances with it."""
        for one in self.instances.of(identity):
            self.instances.remove(one.id)
        key = identity.lower()
        self.secrets.pop(key, None)
        self.rolling.pop(key, None)
        self.pooled.discard(key)

    def settle(self, now: float) -> None:
        """Complete what is due: operations, the upgrades of instances, and the steps of deployments."""
        more = True
        while more:
            self.operations.settle(now)
            self.instances.settle(now)
            # Each of them, whatever the one before it did.
            more = sum(one.advance(self, now) for one in list(self.deployments.values())) > 0

    def next_change(self, now: float) -> float | None:
        """When anything changes by itself next, in seconds of the clock; None: nothing will."""
        times = [self.operations.next_due(), self.routes.next_change(now), self.instances.next_change(now)]
        times += [one.next_change(now) for one in self.deployments.values()]
        return min((t for t in times if t is not None), default=None)

    def identity(self, path: Path, kind: str) -> str:
        """The id under which a new resource of `kind` is made: ARM's spelling of all but the name."""
        group = self.state.group(path.subscription or "", path.group or "")
        base = group["id"] if group else f"/subscriptions/{path.subscription}/resourceGroups/{path.group}"
        return f"{base}/providers/{kind}/{path.name}"

    def spelled(self, identity: str) -> str:
        """An id as its resource was first created; an unknown one stays as given."""
        body = self.state.get(identity)
        return str(body["id"]) if body is not None else identity

    def missing(self, path: Path) -> ArmError:
        """The 404 for a resource that is not there.

        Recorded: the gateway answers for what it never heard of, and for load balancers and addresses that are gone
        (14 of 14); for what else is just gone, or is no child of a parent that exists, it lets the provider answer.
        """
        if self.state.was_deleted(path.id) and not path.is_a("loadBalancers", "publicIPAddresses"):
            return errors.not_found(path.id)
        if len(path.types) > 1:
            if self.state.get(path.top().id) is not None:
                return errors.not_found(path.id)
            return errors.resource_not_found(path.top().type, path.names[0], path.group or "")
        return errors.resource_not_found(path.type, path.name, path.group or "")
