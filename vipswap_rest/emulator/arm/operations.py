"""Long-running operations: started by a write, completed by the clock, superseded by the next write.

An operation never runs: it has a time at which it is due, and `settle` completes what is due whenever a call comes in.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote

from ..messages import Json
from ..settings.latency import LONG_GROWTH, SHORT_GROWTH, Latency
from .effects import Effect
from .errors import ArmError, busy, operation_not_found, operation_refused
from .state import Identifiers

# Of the time of day, in a second.
TICKS = 10_000_000


@dataclass(frozen=True)
class Move:
    """One frontend's change of address, by ids; None where it had no public address before, or has none after."""

    resource: str
    frontend: str
    off: str | None
    on: str | None


@dataclass(frozen=True)
class Ending:
    """How a fault lets an operation end: its status and error, and the resources as they were if they go back."""

    status: str
    error: Json
    before: dict[str, Json] | None


@dataclass(frozen=True)
class Style:
    """How a provider tells of its operations.

    status, result: the paths, with their query, of Azure-AsyncOperation and of Location; body: what a poll shows;
    signed: whether the query is.
    """

    status: Callable[[Operation], str]
    result: Callable[[Operation], str]
    body: Callable[[Operation], Json]
    signed: bool = True


def _network(operation: Operation, kind: str) -> str:
    provider = f"/subscriptions/{operation.subscription}/providers/Microsoft.Network"
    return f"{provider}/locations/{quote(operation.location, safe='')}/{kind}/{operation.id}?{operation.query}"


def status_body(operation: Operation) -> Json:
    """An operation's status and its error: recorded of Network, neither id, name nor percentComplete."""
    return (
        {"status": operation.status}
        if operation.error is None
        else {"status": operation.status, "error": operation.error}
    )


NETWORK = Style(lambda one: _network(one, "operations"), lambda one: _network(one, "operationResults"), status_body)


@dataclass(eq=False)
class Operation:
    """One operation. `query` is the signed query of its URLs, `due` when it ends, in seconds of the clock.

    `succeed` is called once, with the time and the ids of those of its resources that are still its own. `public_ip`
    is what the timeline names where there are no moves: the address of its own creation or deletion.
    """

    id: str
    kind: str
    subscription: str
    location: str
    resources: tuple[str, ...]
    due: float
    retry_after: float | None
    growth: Sequence[int]
    query: str
    request_id: str
    succeed: Callable[[float, Sequence[str]], None]
    fail: Callable[[float, Sequence[str]], None] = lambda t, own: None
    moves: tuple[Move, ...] = ()
    public_ip: str | None = None
    status: str = "InProgress"
    error: Json | None = None
    superseded_by: Operation | None = None
    ending: Ending | None = None
    dropped: bool = False
    # How many polls have been answered.
    polls: int = 0
    # What operationResults shows once it has ended, of an action that has a result.
    result: Json | None = None
    # Whether its result is `null` while it runs, instead of empty.
    null: bool = False
    # How its provider tells of it.
    style: Style = NETWORK
    # When it began and ended, as the time of day in 100 ns.
    ticks: int = 0
    ended_ticks: int | None = None
    # When it began, in seconds of the clock.
    begun: float = 0.0

    @property
    def running(self) -> bool:
        """Whether the operation has not ended."""
        return self.status == "InProgress"

    def next_pause(self) -> float | None:
        """The Retry-After of one more poll, in seconds: it grows from poll to poll. None: no header is sent."""
        factor = self.growth[min(self.polls, len(self.growth) - 1)]
        self.polls += 1
        return None if self.retry_after is None else self.retry_after * factor

    @property
    def path(self) -> str:
        """The path of its status, with the query that has to come back verbatim."""
        return self.style.status(self)

    @property
    def result_path(self) -> str:
        """The path of its result: what Location names."""
        return self.style.result(self)

    def body(self) -> Json:
        """Its status as a poll shows it."""
        return self.style.body(self)


@dataclass
class Operations:
    """All operations, by id; which of them has which resource; and the end of each at its time."""

    identifiers: Identifiers
    latency: Latency
    # Whether Retry-After grows from poll to poll.
    grows: bool = True
    _by_id: dict[str, Operation] = field(default_factory=dict)
    _running: list[Operation] = field(default_factory=list)
    _by_resource: dict[str, Operation] = field(default_factory=dict)
    # What a fault does to the operation that the present request starts.
    _effect: Effect = field(default_factory=Effect)
    _before: dict[str, Json] | None = None

    @property
    def is_faulted(self) -> bool:
        """Whether a fault changes the operation that the present request starts."""
        return self._effect.changes_operation

    @contextlib.contextmanager
    def under_effect(self, effect: Effect, present: Sequence[Json]) -> Iterator[None]:
        """Give `effect` to the operations that start within the block; `present` are the resources as they are."""
        self._effect = effect
        self._before = {body["id"].lower(): copy.deepcopy(body) for body in present} if effect.restores else None
        try:
            yield
        finally:
            self._effect, self._before = Effect(), None

    def _ending(self) -> Ending | None:
        if self._effect.on("cancel_operation"):
            error = {"code": "Canceled", "message": "Operation was canceled."}
            return Ending("Canceled", error, self._before)
        failure = self._effect.failure
        return Ending("Failed", failure, self._before) if failure else None

    def start(
        self,
        kind: str,
        resources: Sequence[str],
        place: tuple[str, str],
        due: float,
        succeed: Callable[[float, Sequence[str]], None],
        *,
        api_version: str,
        ticks: int,
        short: bool = False,
        style: Style = NETWORK,
        now: float = 0.0,
        id: str | None = None,
    ) -> Operation:
        """Start an operation on `resources` (ids), which are its own from now on. `place`: subscription, location.

        `short` is a public IP's PUT: recorded, it asks for 1 s (64 of 64) where everything else asks for 10. Scaled
        down it still asks for one whole second where everything else does, because Microsoft's SDK reads no decimals.
        """
        retry_after = self.latency.retry_after()
        if short and retry_after is not None:
            retry_after = min(retry_after, max(self.latency.scaled(1.0), 1.0))
        operation = Operation(
            id=id or self.identifiers.guid(),
            kind=kind,
            subscription=place[0],
            location=place[1].replace(" ", "").lower(),
            resources=tuple(resources),
            due=due + self._effect.seconds("delay_operation_s"),
            retry_after=retry_after,
            growth=(SHORT_GROWTH if short else LONG_GROWTH) if self.grows else (1,),
            query=self._sign(api_version, ticks) if style.signed else f"api-version={quote(api_version, safe='')}",
            request_id=self.identifiers.guid(),
            succeed=succeed,
            ending=self._ending(),
            style=style,
            ticks=ticks,
            begun=now,
        )
        self._by_id[operation.id] = operation
        self._running.append(operation)
        for resource in resources:
            self._by_resource[resource.lower()] = operation
        return operation

    def _sign(self, api_version: str, ticks: int) -> str:
        """The query of a signed URL: since late 2023 several hundred characters, c a certificate, s and h over it."""
        letters = self.identifiers.letters
        version = quote(api_version, safe="")
        return f"api-version={version}&t={ticks}&c={letters(560)}&s={letters(342)}&h={letters(43)}"

    def settle(self, now: float) -> None:
        """Complete every operation that is due, in the order in which they are due, each at its own time."""
        due = [operation for operation in self._running if operation.due <= now]
        for operation in sorted(due, key=lambda operation: operation.due):
            self.complete(operation, operation.due)

    def next_due(self) -> float | None:
        """When the next operation ends, in seconds of the clock; None if none runs."""
        return min((one.due for one in self._running if one.due < math.inf), default=None)

    def complete(self, operation: Operation, t: float) -> None:
        """End the operation at `t`: with success, unless a fault ends it otherwise."""
        if operation.ending is None:
            operation.succeed(t, self._end(operation, "Succeeded", t))
        else:
            operation.error = operation.ending.error
            operation.fail(t, self._end(operation, operation.ending.status, t))

    def supersede(self, old: Operation, new: Operation) -> None:
        """End `old` as Canceled, because `new` has taken its resource."""
        detail = f"Operation {old.kind} ({old.id}) was canceled and superseded by operation {new.kind} ({new.id})."
        code = "CanceledAndSupersededDueToAnotherOperation"
        details = [{"code": code, "message": detail}]
        old.error = {"code": "Canceled", "message": "Operation was canceled.", "details": details}
        old.superseded_by = new
        self._end(old, "Canceled", new.begun)

    def fail(self, operation: Operation, error: Json, t: float) -> None:
        """End the operation as Failed."""
        operation.error = error
        operation.fail(t, self._end(operation, "Failed", t))

    def cancel(self, operation: Operation, t: float) -> None:
        """End the operation as Canceled, because it was asked for."""
        operation.error = {"code": "Canceled", "message": "Operation was canceled."}
        self._end(operation, "Canceled", t)

    def _end(self, operation: Operation, status: str, t: float) -> list[str]:
        operation.status = status
        operation.ended_ticks = operation.ticks + int((t - operation.begun) * TICKS)
        self._running.remove(operation)
        own = [one for one in operation.resources if self._by_resource.get(one.lower()) is operation]
        for resource in own:
            del self._by_resource[resource.lower()]
        return own

    def on(self, resource: str) -> Operation | None:
        """The operation that has the resource at present, or None."""
        return self._by_resource.get(resource.lower())

    def detach(self, resource: str) -> None:
        """Leave the resource alone from now on, even when its operation ends: it was seeded anew."""
        self._by_resource.pop(resource.lower(), None)

    def find(self, identity: str, query: str) -> Operation:
        """The operation with this id, whose URL must have come back as it was handed out.

        Raises ArmError: 404 where there is none, 403 where a signed value is missing or altered.
        """
        operation = self._by_id.get(identity.lower())
        if operation is None or operation.dropped:
            raise operation_not_found(identity)
        if _signature(query) != _signature(operation.query):
            raise operation_refused()
        return operation

    def busy(self, operation: Operation, resource: str, now: float) -> ArmError:
        """The refusal of a call on a resource that `operation` has."""
        return busy(operation.kind, operation.id, resource, max(1, round(operation.due - now)))


def _signature(query: str) -> dict[str, str]:
    return {name: value for name, value in parse_qsl(query) if name in ("t", "c", "s", "h")}
