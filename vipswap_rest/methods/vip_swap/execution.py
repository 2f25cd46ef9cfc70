"""The hands of a run: they carry out one step, keep what is known fresh, and keep the books.

Inside the outage nothing waits on us: what the next write needs is read while the one before it is polled, and
confirming reads come afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

from vipswap_rest.arm import OPERATION_TIMEOUT_S, ArmClient, Completed, Started, polite
from vipswap_rest.errors import (
    AnswerLost,
    ArmError,
    Forbidden,
    Interrupted,
    LockHeld,
    NotFound,
    OperationFailed,
    Redirected,
    Refused,
    VipswapError,
)
from vipswap_rest.ids import ResourceId, covers
from vipswap_rest.network import delete_public_ip, swap_public_ip_addresses, update_load_balancer, update_public_ip
from vipswap_rest.refusals import perhaps_done
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap import lock, rivals
from vipswap_rest.methods.vip_swap.float_tags import float_tag_hint
from vipswap_rest.methods.vip_swap.foresight import works_on
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, PublicIp, Side
from vipswap_rest.methods.vip_swap.observe import await_float, observe, read_float, read_load_balancer
from vipswap_rest.methods.vip_swap.outage import OutageLedger
from vipswap_rest.methods.vip_swap.reconcile import Attach, Opening, SwapNatively, attach_name, trial_name, wants_trial
from vipswap_rest.methods.vip_swap.report import Emit, Noted, StepAccepted, StepBegan, StepEnded, StepRecord
from vipswap_rest.transport import TRIES

log = logging.getLogger(__name__)

# What the next write needs is read again while an operation runs, when it is older than this.
PREFETCH_AGE_S = 5.0
PREFETCH_TIMEOUT_S = 5.0
# A token that would be due within so many seconds is replaced before an outage begins, so that none is due in it. Those
# that live too shortly for that are replaced in the pauses between polls, before a write would have to wait for it.
OUTAGE_AHEAD_S, PAUSE_AHEAD_S = OPERATION_TIMEOUT_S, 1.5
# Below this many reads left in ARM's bucket, which fills again at 25 a second, the outage is polled once a second.
READ_RESERVE = 50


class Guard(Protocol):
    """Says whether a signal ends the run. While `critical`, which the run sets, a first signal does not.

    The waits of the client's clock ask it, too: they raise Interrupted where `check` would.
    """

    critical: bool

    def check(self) -> None:
        """Raise Interrupted if a signal came that ends the run now; and again until `acknowledge` is called."""

    def acknowledge(self) -> None:
        """The run has ended for the signals that came so far: what is waited for now, only another one ends."""


class Execution:
    """One run's knowledge and deeds.

    `observed` is what is known now, partly predicted inside the outage; `written` are the sides whose load balancer
    was written by this run, or may have been. `before` is the journal that this run took over.
    With `polite`, ARM's Retry-After holds inside the outage, too. `float_tags` are the user's, for the float.
    """

    def __init__(
        self,
        client: ArmClient,
        journal: Journal,
        observed: Observed,
        *,
        emit: Emit,
        guard: Guard,
        before: Journal | None = None,
        operation_s: float = OPERATION_TIMEOUT_S,
        polite: bool = False,
        float_tags: Mapping[str, str] | None = None,
    ) -> None:
        self.client, self.clock = client, client.clock
        self.journal, self.pair, self.observed = journal, journal.pair, observed
        self.emit, self.guard = emit, guard
        self.ledger = OutageLedger()
        self.steps: list[StepRecord] = []
        self.written: set[Side] = set()
        # Whether any write to a load balancer was done, or may have been.
        self.attempted = False
        self._operation_s, self.polite = operation_s, polite
        self._float_tags = dict(float_tags or {})
        # Whether the float bears, or bore, this run's id.
        self._before, self.claimed, self._float_gone = before, before is not None, False
        # Whether this run has asked for the float, and whether overlapping swaps have yet to be looked for.
        self.created = self.rivalled = False
        # Whether there is a float, or may be one whose creation was never answered.
        self.float_perhaps = observed.float is not None
        # Until when (monotonic seconds) each request for the float that was never answered may still be done.
        self._lost_claims: list[float] = []
        self._at_first = {side: observed.held(self.pair, side) for side in Side}
        self._stale: set[Side] = set()
        self._attaching = False
        # Whether the float was waited for in vain.
        self._awaited = False
        # The sides whose load balancer was missing again and again.
        self._gone: set[Side] = set()
        self._read_at, self._read_on = self.clock.monotonic(), self.clock.now()

    @property
    def outdated(self) -> bool:
        """Whether what is known is older than a request may be under way.

        A process that was stopped meanwhile, or a machine that slept, may have been taken for dead: what it would send
        now is nothing that a recovery still waits for. The monotonic clock stands still while a machine sleeps.
        """
        ages = (self.clock.monotonic() - self._read_at, (self.clock.now() - self._read_on).total_seconds())
        return max(ages) > self.client.transport.read_timeout

    @property
    def claims_over_at(self) -> float:
        """The monotonic second from which on no request for the float that was not answered can be done any more."""
        return max(self._lost_claims, default=float("-inf"))

    @property
    def production_out(self) -> bool:
        """Whether production's address is on no frontend that works, as far as this run knows."""
        address = self.pair.originals[Side.PRODUCTION]
        return self.ledger.is_open(address) or self.observed.addresses[Side.PRODUCTION].holder is None

    @property
    def outage_s(self) -> float:
        """Seconds since production's address was taken off by this run; 0 while it is on."""
        since = self.ledger.open_since(self.pair.originals[Side.PRODUCTION])
        return 0.0 if since is None else self.clock.monotonic() - since

    # --- deeds --------------------------------------------------------------------------------------------------------

    def create_float(self, opening: Opening) -> None:
        """Create the float with the journal in it. Raises LockHeld if somebody was quicker."""
        side = Side.STAGING if opening is Opening.FLOAT_ON_STAGING else Side.PRODUCTION
        address = self.observed.addresses[side]
        # The observation may be as old as the user's answer to a question. And where a provider ignores If-None-Match,
        # the PUT would overwrite another run's journal: a read just before it leaves the smallest gap there can be.
        found = read_float(self.client, self.pair.float)
        if found is None:
            # Also where the answer is lost: whether it was created, and by whom, the next look tells.
            self.created = self.rivalled = True
            self._perform("create_float", self.pair.float, lambda tries: self._claim(address))
            self.claimed = True
        else:
            lock.check_ours(found, self.journal)
        self.look()

    def _claim(self, address: PublicIp) -> Started:
        perhaps, self.float_perhaps = self.float_perhaps, True
        try:
            return lock.claim(self.client, self.journal, address, self._float_tags)
        except AnswerLost:
            # We waited as long as a request may take; it may take as long again where that was not for want of time.
            self._lost_claims.append(self.clock.monotonic() + self.client.transport.read_timeout)
            raise
        except (ArmError, LockHeld, Redirected) as error:
            # Refused, and so not made; after a 5xx nobody knows.
            self.float_perhaps = perhaps or perhaps_done(error)
            error.hint += float_tag_hint(error.codes, str(error))
            raise

    def outrank_rivals(self) -> None:
        """See that no overlapping swap is at work, or give way to it; and look, because one may just have ended.

        Raises LockHeld; our float is gone then.
        """
        try:
            rivals.await_way(self.client, self.pair)
        except Forbidden as error:
            self.emit(
                Noted(f"Whether an overlapping swap runs cannot be seen; etags still guard both. ({error})", True)
            )
        except LockHeld:
            self.delete_float()
            raise
        self.look()
        self.rivalled = False

    def repair_float(self) -> None:
        """PUT the float again as it is."""
        float_ = self.observed.float
        if float_ is not None:
            id, body, etag = float_.id, dict(float_.body), float_.etag
            self._perform(
                "repair_float", id, lambda tries: update_public_ip(self.client, id, body, etag=etag, tries=tries)
            )
        self.look()

    def delete_float(self) -> None:
        """Delete the float; it bears our run id, as the look before this step showed."""
        id = self.pair.float
        # From here on it may be gone, and that is our own doing.
        self._float_gone = True
        self._perform("delete_float", id, lambda tries: delete_public_ip(self.client, id))
        self.forget_float()

    def keep_float(self) -> None:
        """Tag a float that cannot be deleted as done."""
        if self.observed.float is not None:
            try:
                lock.mark_done(self.client, self.observed.float, self.journal)
            except OperationFailed:
                # A float whose deletion failed stays Failed, whatever becomes of its tags.
                left = read_float(self.client, self.pair.float)
                if left is not None and not journals.says_done(left):
                    raise
        self.forget_float()

    def forget_float(self) -> None:
        """The float is none of this run's business any more."""
        self._float_gone, self.float_perhaps = True, False
        self.observed = replace(self.observed, float=None)

    def repair(self, side: Side) -> None:
        """PUT a side's load balancer again as it is."""
        self._write(side, f"repair_{side.value}", None)
        self.look()

    def attach(self, step: Attach) -> bool:
        """PUT a side's load balancer with another address on its frontend; False if it was only the trial of it."""
        if step.side.other not in self.written and wants_trial(step, self.observed, self.pair):
            self._write(step.side.other, trial_name(step), None)
            self.look()
            return False
        self._write(step.side, attach_name(step, self.pair), step.address)
        if not self.production_out:
            # Confirming reads come after the outage.
            self.look()
        return True

    def swap_natively(self, step: SwapNatively) -> None:
        """Ask ARM to exchange both addresses."""
        moves = dict(step.addresses)
        addresses = {self.pair.frontends[side]: address for side, address in moves.items()}
        location = str(self.observed.load_balancers[Side.PRODUCTION].body.get("location") or "")
        resource = self.pair.load_balancer(Side.PRODUCTION)
        self._perform(
            "native_swap",
            resource,
            lambda tries: swap_public_ip_addresses(self.client, location, addresses, tries=tries),
            moves,
        )
        self.look()

    def _write(self, side: Side, name: str, address: ResourceId | None) -> None:
        """PUT a side's load balancer, with another address if one is given, if it still is as it was read."""
        frontend, before = self.pair.frontends[side], self.observed.held(self.pair, side)
        load_balancer, kept = self._fresh(side), address or before
        if kept is None or load_balancer.frontend(frontend) is None:
            raise NotFound("NotFound", "The frontend lost its address.", status=404, resource=str(frontend))
        id, etag = load_balancer.id, load_balancer.etag
        body = dict(load_balancer.with_address(frontend, kept).body)
        self._perform(
            name,
            id,
            lambda tries: update_load_balancer(self.client, id, body, etag=etag, tries=tries),
            {side: kept} if kept != before else {},
            {side},
        )

    def _perform(
        self,
        name: str,
        resource: ResourceId,
        send: Callable[[int], Started],
        moves: Mapping[Side, ResourceId] | None = None,
        writes: set[Side] | None = None,
    ) -> None:
        """Send a write, wait for its operation, and keep the books of it: events, step, outages, prediction.

        `send` is given how often the transport may try: once while production is off, because then what to do about a
        refusal, and when, is for the engine to decide.
        """
        moves = moves or {}
        releases = [held for side in moves if (held := self.observed.held(self.pair, side))]
        opens = self.pair.originals[Side.PRODUCTION] in releases
        self.emit(StepBegan(name, resource, opens))
        if opens:
            self.client.transport.credential.renew_ahead(OUTAGE_AHEAD_S)
        began, began_at = self.clock.monotonic(), self.clock.now()
        tries = 1 if self.production_out else TRIES
        self.guard.critical = opens or self.production_out
        self._attaching = any(address in self.pair.originals.values() for address in moves.values())
        started: Started | None = None
        completed: Completed | None = None
        try:
            started = self._send(lambda: send(tries), releases, writes or set(moves))
            self.emit(StepAccepted(name, resource, started.response.request_id, opens))
            completed = self._wait(started)
            for side, address in moves.items():
                self.observed = self.observed.moved(self.pair, side, address)
                self.ledger.attached(address, completed.at)
        finally:
            record = StepRecord(
                name,
                resource,
                began_at,
                self.clock.monotonic() - began,
                completed.polls if completed else 0,
                started.response.request_id if started else None,
                completed is not None,
            )
            self.steps.append(record)
            self.emit(StepEnded(record))
            self.guard.critical = self.production_out

    def _send(self, send: Callable[[], Started], releases: list[ResourceId], sides: set[Side]) -> Started:
        sent = self.clock.monotonic()
        try:
            started = send()
        except VipswapError as error:
            if perhaps_done(error):
                # The next look tells.
                self._note_write(sides)
                for address in releases:
                    self.ledger.perhaps_released(address, sent)
            raise
        self._note_write(sides)
        for address in releases:
            self.ledger.released(address, started.response.sent)
        return started

    def _note_write(self, sides: set[Side]) -> None:
        self.written |= sides
        self.attempted = self.attempted or bool(sides)
        # The etag changes once more when the operation completes, so what was read before it is of no use.
        self._stale |= sides

    def _wait(self, started: Started) -> Completed:
        # Whatever is known is older than this operation, so it is read at the first pause, the float first of all.
        self._read_at = float("-inf")
        return self.client.wait(
            started,
            deadline=self.clock.monotonic() + self._operation_s,
            pace=self._pace,
            while_pending=self._prefetch,
            verify=False,
        )

    def _pace(self, waited: float, retry_after: float | None) -> float:
        """Seconds between polls. They are ours to choose, within the read budget, while production is unattached.

        And while staging's address is being attached: its outage is reported, too, and ends when Succeeded is read.
        """
        if self.polite or not (self.production_out or self._attaching):
            return polite(waited, retry_after)
        reads = self.client.transport.remaining_reads
        if reads is not None and reads < READ_RESERVE:
            return 1.0
        # A Retry-After of 0 is no invitation to ask as fast as answers come.
        return min(retry_after or 1.0, 1.0, max(0.1, 0.02 * waited))

    # --- knowledge ----------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Observe everything again. Raises LockHeld if the float is not ours any more."""
        self._read_at, self._read_on = self.clock.monotonic(), self.clock.now()
        self.observed = observe(self.client, self.pair, gone=self._gone)
        if self._float_missing() and not self.production_out and not self._awaited:
            self.observed = replace(self.observed, float=await_float(self.client, self.pair.float))
            self._awaited = self.observed.float is None
        read = self.clock.monotonic()
        if self.observed.float is not None and not self.claimed and self._lost_claims:
            # This is what became of the last of them.
            self._lost_claims.pop()
        self.float_perhaps = self.observed.float is not None or read < self.claims_over_at
        self._stale.clear()
        for side in Side:
            if self.attempted and self.observed.held(self.pair, side) != self._at_first[side]:
                self.written.add(side)
            address = self.pair.originals[side]
            attached = any(works_on(self.observed, self.pair, address, frontend) for frontend in Side)
            self.ledger.seen(address, attached=attached, read=read)
        self.guard.critical = self.production_out
        if self.observed.float is not None:
            self._check_ours(self.observed.float)
            self.claimed = True
        elif self._float_missing() and not self.production_out:
            # Inside the outage a float that cannot be seen is no reason to stop: whoever took over has written a load
            # balancer, and the etag tells.
            raise lock.held(self.journal, "is gone: another run finished in our place")

    def _float_missing(self) -> bool:
        """Whether there was a float that bore our run id, we did not delete it, and the last look did not see it."""
        return self.observed.float is None and self.claimed and not self._float_gone

    def missed(self, error: VipswapError) -> bool:
        """Whether an error says that a load balancer is not there; from now on that one is taken to be gone."""
        if not isinstance(error, NotFound):
            return False
        missing = urlsplit(str(error.resource)).path
        sides = {side for side in Side if covers(str(self.pair.load_balancer(side)), missing)}
        missed = sides - self._gone
        self._gone |= missed
        return bool(missed)

    def _prefetch(self) -> None:
        """While an operation runs inside the outage, keep what the next write needs fresh."""
        if not self.guard.critical:
            return
        self.client.transport.credential.renew_ahead(PAUSE_AHEAD_S)
        if self.clock.monotonic() - self._read_at < PREFETCH_AGE_S:
            return
        self._read_at = self.clock.monotonic()
        deadline = self._read_at + PREFETCH_TIMEOUT_S
        try:
            self.check_still_ours(deadline)
            for side in set(Side) - self._stale:
                fresh = read_load_balancer(self.client, self.pair.load_balancer(side), deadline=deadline)
                self.observed = self.observed.with_load_balancer(side, fresh)
        except (LockHeld, Refused, Interrupted):
            raise
        except VipswapError as error:
            # The operation goes on whatever this read says; the write itself is guarded by its etag.
            log.debug("reading ahead failed: %s", error)

    def check_still_ours(self, deadline: float) -> None:
        """Read the float. Raises LockHeld if another run took it over.

        One that cannot be seen is no reason to stop inside the outage: whoever took over has written a load balancer,
        and the etag tells.
        """
        float_ = read_float(self.client, self.pair.float, deadline=deadline)
        if float_ is not None:
            self._check_ours(float_)

    def _check_ours(self, float_: PublicIp) -> None:
        """Raise LockHeld if another run took the float over, Refused if its tags are damaged.

        A run that takes over writes whole tags, so damaged ones are no reason to leave production off.
        """
        try:
            lock.check_ours(float_, self.journal, self._before)
        except Refused:
            if not self.production_out:
                raise

    def _fresh(self, side: Side) -> LoadBalancer:
        """A side's load balancer with an etag that was read after our last write to it."""
        if side in self._stale:
            fresh = read_load_balancer(self.client, self.pair.load_balancer(side))
            self.observed = self.observed.with_load_balancer(side, fresh)
            self._stale.discard(side)
        return self.observed.load_balancers[side]
