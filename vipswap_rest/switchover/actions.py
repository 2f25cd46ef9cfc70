"""What a run does: the values that `decide` returns and a driver carries out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from vipswap_rest.arm import lro
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.switchover.steps import Step


@dataclass(frozen=True, slots=True)
class Request:
    """One ARM call as a value.

    `target` is an ARM path. With `may_be_missing` a 404 is an answer (None); with `listing` all pages are read, and the
    body is `{"value": [...]}`.
    """

    method: str
    target: str
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    may_be_missing: bool = False
    listing: bool = False

    @classmethod
    def get(cls, id: ResourceId, *, may_be_missing: bool = False) -> Request:
        """Read a resource, at its own subscription, group, type and name."""
        return cls("GET", str(id), may_be_missing=may_be_missing)

    @classmethod
    def put(cls, id: ResourceId, body: Mapping[str, Any], *, etag: str) -> Request:
        """Replace a resource if it still is as it was read."""
        return cls("PUT", str(id), body, {"If-Match": etag})


class Purpose(str, Enum):
    """What a read is for.

    OBSERVE: everything, to decide the next step; REFRESH: the same, because what is known is old. AHEAD: what the next
    write needs, while an operation is polled.
    FRESH: what the next write needs, now. VACANCY: whether there is no journal before one is created. OVERLAPS and
    OVERLAPPING: the journals of runs that share a resource with this one, by a list, then each by its name.
    AWAIT: a journal that should be there and is not shown. OWNER: whose a journal is after an unanswered write to it.
    """

    OBSERVE = "observe"
    REFRESH = "refresh"
    AHEAD = "ahead"
    FRESH = "fresh"
    VACANCY = "vacancy"
    OVERLAPS = "overlaps"
    OVERLAPPING = "overlapping"
    AWAIT = "await"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Read:
    """Read resources, all within so many seconds. `again`: nothing has moved since the last look. `gone`: resources
    that may be missing."""

    why: str
    purpose: Purpose
    requests: tuple[Request, ...]
    again: bool = False
    gone: frozenset[ResourceId] = frozenset()
    within_s: float | None = None


@dataclass(frozen=True, slots=True)
class Perform:
    """Send the write of a step. `releases` and `attaches` are the endpoints that it takes off and puts on; `writes`
    the resources whose etag it changes; `opens` whether it takes production off.

    A `trial` writes a resource as it is, so that a refusal comes before the outage. An `early` one is sent while the
    operation runs that makes room for it. A `quiet` one is no step of the report. `then`: the error that the run ends
    with once this is done.
    """

    why: str
    step: Step
    name: str
    resource: ResourceId
    request: Request
    releases: tuple[ResourceId, ...] = ()
    attaches: tuple[ResourceId, ...] = ()
    writes: frozenset[ResourceId] = frozenset()
    opens: bool = False
    trial: bool = False
    early: bool = False
    quiet: bool = False
    then: VipswapError | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """Read the state of the operation on a resource, within so many seconds."""

    why: str
    resource: ResourceId
    operation: lro.Operation
    within_s: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing until a moment (monotonic seconds). `says` is told to the user; inside the outage the token is kept
    fresh meanwhile (`renew`)."""

    why: str
    until: float
    says: str | None = None
    warning: bool = False
    renew: bool = False


@dataclass(frozen=True, slots=True)
class AskHealth:
    """Ask an address whether it answers on a port."""

    why: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Go the other way, because of an error. `in_turn`: this way is not closed, both are tried by turns."""

    why: str
    cause: VipswapError
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class FallBack:
    """Go on by another way of the method's."""

    why: str
    way: Any


@dataclass(frozen=True, slots=True)
class Accept:
    """Go on without something that could not be had: the check of the health, or of overlapping runs."""

    why: str
    unverified: VipswapError | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run with an error, after a last look."""

    why: str
    error: VipswapError


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over."""

    why: str


Action = Read | Perform | Poll | Sleep | AskHealth | Turn | FallBack | Accept | Stop | Finish
