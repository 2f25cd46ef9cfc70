"""All that the resource types' handlers work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..settings import Settings
from ..settings.latency import Latency
from . import errors
from .addresses import POOLS, Addresses
from .errors import ArmError
from .operations import Operations
from .paths import Path
from .routes import Routes
from .stale import StaleReads
from .state import Identifiers, State
from .timeline import Timeline


@dataclass
class World:
    """What exists, what runs, and what happened. `provided`: the api-versions of each type that has rules here."""

    settings: Settings
    identifiers: Identifiers
    latency: Latency
    state: State
    operations: Operations
    timeline: Timeline
    addresses: Addresses
    routes: Routes
    provided: dict[str, Sequence[str]]
    stale: StaleReads = field(default_factory=StaleReads)

    @classmethod
    def create(
        cls, settings: Settings, identifiers: Identifiers, loopback: str | None, provided: dict[str, Sequence[str]]
    ) -> World:
        """An empty world; the identifiers go on from where they were, so that no id is ever used twice.

        loopback: the network of the data plane's addresses, or None.
        """
        state, timeline = State(identifiers), Timeline()
        latency = Latency(settings.profile, settings.time_scale, settings.seed)
        routes = Routes(state, settings.data_plane_down, settings.data_plane_up)
        pools = POOLS if loopback is None else {**POOLS, "IPv4": (loopback,)}
        return cls(
            settings=settings,
            identifiers=identifiers,
            latency=latency,
            state=state,
            operations=Operations(identifiers, latency, settings.retry_after == "grows"),
            timeline=timeline,
            addresses=Addresses(state, timeline, settings.release, routes, pools),
            routes=routes,
            provided=provided,
        )

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
