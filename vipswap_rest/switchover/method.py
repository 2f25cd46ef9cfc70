"""What a method of switching tells the engine. All of it is pure: values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from vipswap_rest.arm.errors import LockHeld, VipswapError
from vipswap_rest.arm.http import Response
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.switchover.actions import Perform, Request
from vipswap_rest.switchover.outage import Ledger
from vipswap_rest.switchover.report import AddressReport, Side
from vipswap_rest.switchover.steps import Direction, Step

# What a method observed, and which way of its own it takes: values of the method's. The engine hands them back and
# never looks into them.
Observed: TypeAlias = Any
Way: TypeAlias = Any


class JournalStore(Protocol):
    """A journal that is the lock, too. It is part of what is observed.

    `noun` is what it is called in messages; `dead_for_s` how many seconds a request of the earlier run, whose journal
    this run takes over, may still be under way after its death (0: none can be).
    """

    @property
    def id(self) -> ResourceId: ...
    @property
    def noun(self) -> str: ...
    @property
    def taken_over(self) -> bool:
        """Whether this run continues an earlier one's journal."""

    @property
    def dead_for_s(self) -> float: ...
    def exists(self, observed: Observed) -> bool:
        """Whether the journal was seen."""

    def holder(self, observed: Observed) -> str | None:
        """What holds the journal's resource, outside this switch, if anything does."""

    def placed(self, observed: Observed, answer: Response | None) -> Observed:
        """The observation with the journal as it was just read. Raises ProtocolError."""

    def read(self) -> Request:
        """The read of the journal; it may be missing."""

    def claim(self, observed: Observed, way: Way) -> Request:
        """The write that creates it where there is none."""

    def check_claimed(self, answer: Response) -> None:
        """Raise LockHeld if the answer to the claim says that another run's journal was there."""

    def refusal_hint(self, error: VipswapError) -> str:
        """What to add to the hint of a refusal of the claim."""

    def release(self) -> Request:
        """The write that deletes it."""

    def keep(self, observed: Observed) -> Request:
        """The write that marks it as done."""

    def take_over(self, observed: Observed) -> Request:
        """The write of our run id into an earlier run's journal. Raises LockHeld, Refused, VipswapError."""

    def check_ours(self, observed: Observed) -> None:
        """Raise LockHeld if it has another run's id, Refused if it is damaged."""

    def is_ours(self, observed: Observed) -> bool:
        """Whether it certainly has our run id."""

    def is_earlier(self, observed: Observed) -> bool:
        """Whether it still is the one that this run is to take over."""

    def is_done(self, observed: Observed) -> bool:
        """Whether it says that its switch is over."""

    def lost(self, what: str) -> LockHeld:
        """The error of a run that finds its journal in other hands."""

    def overlap_lists(self, *, narrow: bool) -> tuple[Request, ...]:
        """The lists that show other runs' journals: of the subscription or, `narrow`, of the groups concerned."""

    def overlap_reads(self, lists: tuple[Response | None, ...]) -> tuple[Request, ...]:
        """The reads of those journals in the lists that may be of a run that overlaps this one."""

    def must_yield(self, journals: tuple[Response | None, ...], *, late: bool) -> LockHeld | None:
        """The error of a run that gives way to one of these; `late`: it has waited for them long enough."""

    def overlapping(self, journals: tuple[Response | None, ...]) -> bool:
        """Whether any of them is an open switch of a resource of this one."""


class Method(Protocol):
    """A way to switch. `endpoints` are what callers reach, production's first."""

    @property
    def store(self) -> JournalStore | None: ...
    @property
    def endpoints(self) -> tuple[ResourceId, ...]: ...
    @property
    def resources(self) -> tuple[ResourceId, ...]:
        """The resources that are written."""

    def strategy(self, way: Way) -> str:
        """The contract's word for the strategy."""

    def sends_early(self, way: Way) -> bool:
        """Whether the write that puts production on is sent as soon as the one that takes it off is accepted."""

    def reads(self, gone: frozenset[ResourceId]) -> tuple[Request, ...]:
        """The reads of everything; those in `gone` may be missing."""

    def observe(self, answers: tuple[Response | None, ...]) -> Observed:
        """What the answers to `reads` show. Raises ProtocolError."""

    def refreshed(self, observed: Observed, answer: Response) -> Observed:
        """The observation with one resource as it was just read. Raises ProtocolError."""

    def next_step(self, observed: Observed, direction: Direction, way: Way) -> Step:
        """The one thing to do now."""

    def subject(self, step: Step) -> ResourceId:
        """The resource that a step is about."""

    def perform(self, step: Step, observed: Observed) -> Perform:
        """The write of a step. Raises NotFound if there is nothing to write it on."""

    def trial(self, step: Step, observed: Observed, written: frozenset[ResourceId]) -> Perform | None:
        """The write that is tried before this step opens an outage, if one is needed."""

    def predict(self, step: Step, observed: Observed) -> Observed:
        """The observation after a step that succeeded."""

    def works(self, observed: Observed, endpoint: ResourceId) -> bool:
        """Whether an endpoint is held where it works."""

    def detached(self, observed: Observed, endpoint: ResourceId) -> bool:
        """Whether nothing holds an endpoint."""

    def shows_within_s(self, step: Step) -> float:
        """Seconds that reads may be too late to show a step which no etag guards; 0 if one does."""

    def touched(self, first: Observed, observed: Observed) -> frozenset[ResourceId]:
        """The resources that are not as they were at first."""

    def fall_back(self, step: Step, observed: Observed, way: Way) -> Way | None:
        """Another way, where this step is not supported and nothing was changed; None if there is none."""

    def arrived(self, observed: Observed, direction: Direction) -> bool:
        """Whether production is where this direction wants it."""

    def unopened(self, observed: Observed) -> bool:
        """Whether production is where it was at first."""

    def missing(self, error: VipswapError) -> frozenset[ResourceId]:
        """The written resources that an error says are not there."""

    def health(self, observed: Observed) -> tuple[str, int]:
        """The address and port to ask whether production answers. Raises Refused."""

    def where(self, observed: Observed) -> str:
        """One sentence on what holds what."""

    @property
    def recover_command(self) -> str:
        """The command line that finishes or undoes this switch."""

    def repair_hint(self, error: VipswapError) -> str | None:
        """What to do where no recovery can help, or None."""

    def further(self, first: Observed, last: Observed) -> Mapping[str, Any]:
        """What else the report says of the switch, as JSON."""

    def addresses(self, first: Observed, last: Observed, ledger: Ledger) -> Mapping[Side, AddressReport]:
        """What became of each endpoint."""
