"""What the core tells the data plane, and what the data plane reports back: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Member:
    """One that answers: its id, and the text of its answers. down: it has the traffic, and does not answer it.

    operation: the id of the operation behind its latest change, if there was one.
    """

    id: str
    text: str
    down: bool = False
    operation: str | None = None


@dataclass(frozen=True)
class Service:
    """Who answers new connections on one port: the members of a backend pool (an id), in turn.

    Without a member the port leads nowhere. established: what becomes of a connection that is open to another pool:
    it stays with it (`keep`), is reset (`reset`), never answered again (`silent`), or its next request is answered by
    the new pool (`follow`); drained: the pools whose connections are left alone for the time being.
    """

    pool: str
    members: tuple[Member, ...]
    established: str = "keep"
    drained: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Route:
    """Where the traffic of one address goes: ids of the public IP, its frontend and its load balancer.

    address: the public IP's ipAddress. ports: the TCP ports that rules serve.
    """

    public_ip: str
    address: str
    frontend: str
    resource: str
    ports: Mapping[int, Service]


@dataclass(frozen=True, eq=False)
class Outage:
    """From `start` (seconds of the monotonic clock) on, `public_ip` (an id) is off for `seconds`."""

    public_ip: str
    start: float
    seconds: float
    mode: str


@dataclass(frozen=True)
class Desired:
    """Which address leads where, which addresses there are, and which are to break when.

    causes: the operation behind each public IP's latest change, by the public IP's id in lower case.
    """

    routes: Mapping[str, Route] = field(default_factory=dict)
    addresses: frozenset[str] = frozenset()
    outages: tuple[Outage, ...] = ()
    causes: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """`data_plane_down` or `data_plane_up`. t: just before the listeners were closed, or just after they were opened.

    Between the two, nothing is answered; so measured bounds of an outage must contain what the two times say.
    port: where it is about one port alone. `data_plane_changed`: from t on another pool (`resource`) answers there.
    """

    t: float
    name: str
    route: Route
    operation: str | None
    port: int | None = None
    resource: str | None = None
