"""What a run knows: a value that is folded from its events, and never changed in place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from vipswap_rest.arm import lro
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.arm.http import Response
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.switchover.actions import Action, Perform
from vipswap_rest.switchover.events import Moment
from vipswap_rest.switchover.method import Method, Observed, Way
from vipswap_rest.switchover.outage import Ledger
from vipswap_rest.switchover.report import Notice, Observation, Side, StepRecord
from vipswap_rest.switchover.steps import Direction, Step
from vipswap_rest.switchover.streak import Streak

# How long an operation may take: three times the slowest update on record (289 s).
OPERATION_S = 900.0
VERIFY_S = 30.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds: one operation; all the looking again without any progress; and, if that
    is limited, production's outage before a run turns back, which it does between operations only."""

    operation_s: float = OPERATION_S
    patience_s: float = 300.0
    max_outage_s: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a run may do.

    `verify_s`: how long production's address may take to answer after the switch (None: it is not asked).
    `request_s`: how long a request may be under way. With `polite` ARM's Retry-After holds inside the outage, too.
    """

    endpoint: str
    api_version: str
    request_s: float
    limits: Limits = field(default_factory=Limits)
    rollback: bool = True
    verify_s: float | None = None
    polite: bool = False


class Hold(str, Enum):
    """The life of a journal, as far as its run knows: not asked for; asked for; with our run id in it; ours, and not
    shown by reads; deleted, but for an answer that says so; deleted, or marked as done."""

    NONE = "none"
    REQUESTED = "requested"
    OURS = "ours"
    MISSING = "missing"
    LEAVING = "leaving"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class JournalLife:
    """The journal's life, since when it is missing, and until when each unanswered request for it may still be done
    (monotonic seconds)."""

    hold: Hold = Hold.NONE
    missing_since: float = 0.0
    unanswered: tuple[float, ...] = ()

    @property
    def settled_at(self) -> float:
        """When no unanswered request for it can be done any more."""
        return max(self.unanswered, default=float("-inf"))


@dataclass(frozen=True, slots=True)
class InFlight:
    """A write in flight: what was sent, when, and where its operation stands.

    `due`: when it is polled next; `limit`: when our time for it is up; `ahead_at`: when the next write's needs were
    read last (all monotonic seconds).
    """

    action: Perform
    began: Moment
    limit: float = float("inf")
    accepted: Response | None = None
    progress: lro.Pending | None = None
    polls: int = 0
    since: float = 0.0
    due: float = 0.0
    ahead_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class EarlyWrite:
    """What became of the write that was sent early: taken, or the code that it was refused with."""

    taken: bool
    refused_by: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error that has not been decided upon: of which step (None: of reading), and when.

    `owner_read`: the journal was read since. `turned`: because of it the other direction is tried next.
    """

    error: VipswapError
    step: Step | None
    at: float
    owner_read: bool = False
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Patience:
    """What was tried since something last moved (`since`, monotonic seconds).

    `looks` and `refreshed` count looks at everything; `streak` the refusals that pass, one after another.
    """

    since: float
    looks: int = 0
    refreshed: int = 0
    streak: Streak = field(default_factory=Streak)


@dataclass(frozen=True, slots=True)
class Overlap:
    """The search for runs that share a resource with this one: since when, the lists read, and the journals in them.

    `narrow`: only the groups concerned are listed, because the subscription may not be. `waited`: another run was seen.
    """

    since: float
    narrow: bool = False
    lists: tuple[Response | None, ...] | None = None
    journals: tuple[Response | None, ...] | None = None
    waited: bool = False


@dataclass(frozen=True, slots=True)
class RunState:
    """A run at one moment. Everything in it follows from what was planned and the events since.

    `asked` is when the last action was begun, `read` when the last look at everything was: what it showed is as old as
    that, however late the answer came.
    """

    method: Method
    policy: Policy
    goal: Direction
    direction: Direction
    way: Way
    began: Moment
    when: Moment
    # What is known of the world.
    first: Observed
    observed: Observed
    read: Moment
    lock: JournalLife
    asked: Moment
    ledger: Ledger = field(default_factory=Ledger)
    stale: frozenset[ResourceId] = frozenset()
    gone: frozenset[ResourceId] = frozenset()
    # What this run did.
    written: frozenset[ResourceId] = frozenset()
    attempted: bool = False
    pending: Action | None = None
    last: Action | None = None
    # The writes in flight: one, or two while an early one runs beside the one that makes room for it.
    operations: tuple[InFlight, ...] = ()
    early: EarlyWrite | None = None
    kept: Perform | None = None
    leaving: VipswapError | None = None
    done: Mapping[Step, int] = field(default_factory=dict)
    refused: Mapping[Step | None, int] = field(default_factory=dict)
    steps: tuple[StepRecord, ...] = ()
    notices: tuple[Notice, ...] = ()
    # What has yet to be decided upon.
    look_due: bool = False
    trouble: Trouble | None = None
    patience: Patience = field(default_factory=lambda: Patience(0.0))
    shown_by: float = float("-inf")
    take_overs: int = 0
    reads_left: int | None = None
    dead_until: float | None = None
    vacant: bool = False
    overlap: Overlap | None = None
    verified: bool = False
    verify_until: float | None = None
    silent: str | None = None
    foreign: VipswapError | None = None
    signals: tuple[str, ...] = ()
    # How it goes to its end.
    cause: VipswapError | None = None
    # The directions that are refused permanently; and whether both are tried in turn.
    closed: frozenset[Direction] = frozenset()
    both_ways: bool = False
    unverified: VipswapError | None = None
    error: VipswapError | None = None
    finished: bool = False
    looked_last: bool = False
    seen: Mapping[Side, Observation] = field(default_factory=dict)

    @property
    def production_out(self) -> bool:
        """Whether production's endpoint is nowhere where it works, as far as this run knows."""
        endpoint = self.method.endpoints[0]
        return self.ledger.is_open(endpoint) or self.method.detached(self.observed, endpoint)

    @property
    def critical(self) -> bool:
        """Whether production is off, or a write is under way that takes it off."""
        return self.production_out or any(one.action.opens for one in self.operations)

    def outage_s(self, now: float) -> float:
        """Seconds since production's endpoint was taken off by this run; 0 while it is on."""
        since = self.ledger.open_since(self.method.endpoints[0])
        return 0.0 if since is None else now - since

    @property
    def journal_exists(self) -> bool:
        """Whether the journal was seen when everything was last read."""
        store = self.method.store
        return store is not None and store.exists(self.observed)

    @property
    def journal_perhaps(self) -> bool:
        """Whether there is a journal, or may be one whose creation was never answered."""
        return self.journal_exists or self.lock.settled_at > self.read.at


def begin(method: Method, observed: Observed, policy: Policy, goal: Direction, way: Way, now: Moment) -> RunState:
    """The state of a run that begins now."""
    return RunState(
        method,
        policy,
        goal=goal,
        direction=goal,
        way=way,
        began=now,
        when=now,
        first=observed,
        observed=observed,
        read=now,
        asked=now,
        lock=JournalLife(),
        patience=Patience(now.at),
    )
