"""The engine: take the next step, and so on until the goal is reached or nothing more can be done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import NoReturn

from vipswap_rest.arm import OPERATION_TIMEOUT_S
from vipswap_rest.errors import (
    ArmError,
    CredentialError,
    ForeignUrl,
    Interrupted,
    LockHeld,
    OperationTimedOut,
    PreconditionFailed,
    Refused,
    RunFailed,
    VipswapError,
)
from vipswap_rest.ids import ResourceId
from vipswap_rest.refusals import Kind, asked_wait, meaning, perhaps_done
from vipswap_rest.methods.vip_swap.execution import Execution
from vipswap_rest.methods.vip_swap.foresight import works_on
from vipswap_rest.methods.vip_swap.model import Direction, Pair, Side
from vipswap_rest.methods.vip_swap.observe import LATE_READ_S
from vipswap_rest.methods.vip_swap.reconcile import (
    Attach,
    CreateFloat,
    DeleteFloat,
    Done,
    Opening,
    Refuse,
    Repair,
    RepairFloat,
    Step,
    SwapNatively,
    Wait,
    next_step,
)
from vipswap_rest.methods.vip_swap.report import Decided, Noted
from vipswap_rest.methods.vip_swap.streak import Streak
from vipswap_rest.methods.vip_swap.verification import Verification
from vipswap_rest.transport import LONGEST_PAUSE_S

# How often a final refusal is met before it is believed: once while nothing is written, and a 401 or 409 whose code
# says nothing some more times then. What somebody else undid twice is not done again.
REFUSALS_FOR_GOOD = 2
REFUSALS_AT_FIRST = 6
UNDONE_FOR_GOOD = 2
REFRESHED_AT_MOST = 3
PAUSE_AFTER_REFUSAL_S = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """How long things may take, in seconds: one operation; all the looking again without any progress; and, if that
    is limited, production's outage before a run turns back, which it does between operations and between tries."""

    operation_s: float = OPERATION_TIMEOUT_S
    patience_s: float = 300.0
    max_outage_s: float | None = None


class Engine:
    """One run: `run` returns when the goal is reached, or, with `cause` set, when all is back as it was."""

    def __init__(
        self,
        execution: Execution,
        *,
        rollback: bool = True,
        limits: Limits | None = None,
        dead_until: float | None = None,
        verification: Verification | None = None,
    ) -> None:
        self.execution, self.pair = execution, execution.pair
        self.direction, self.opening = execution.journal.direction, execution.journal.opening
        self.cause: VipswapError | None = None
        self._rollback, self._limits = rollback, limits or Limits()
        self._clock, self._emit = execution.clock, execution.emit
        self._progress_at, self._looks, self._refreshed = self._clock.monotonic(), 0, 0
        self._refusals: Counter[Step] = Counter()
        self._done: Counter[Step] = Counter()
        # Refusals in a row of the write that would end the outage; once that takes too long, both directions are tried.
        self._streak, self._both_ways = Streak(), False
        # The directions in which a step was refused for good.
        self._closed: set[Direction] = set()
        # Until then (monotonic seconds) a request of the dead run whose float this was may still arrive.
        self._dead_until = dead_until
        self._verification = verification
        # What the verification said, where it failed and the swap was kept.
        self.unverified: VipswapError | None = None
        self._decided: Step | None = None
        # Until then (monotonic seconds) reads may be too late to show a native swap that was done.
        self._shown_by = float("-inf")

    def run(self) -> None:
        """Reach the goal, or the original state if the way forward is refused for good.

        Raises LockHeld, Refused (the float's tags are damaged), Interrupted, or RunFailed with the error that ended
        it as `cause`; its exit code is for the caller to decide, who knows what state things were left in.
        """
        while True:
            self.execution.guard.check()
            step = next_step(self.execution.observed, self.pair, self.direction, self.opening)
            if isinstance(step, Done) and not self._may_be_made_again():
                return
            self._tell(step)
            try:
                if isinstance(step, DeleteFloat) and self._verification is not None:
                    self._verify(self._verification)
                elif isinstance(step, (DeleteFloat, Done)) and self._may_be_made_again():
                    self._outlive()
                elif isinstance(step, (Attach, Repair, SwapNatively)) and self._outdated():
                    self._refreshed += 1
                    self.execution.look()
                elif isinstance(step, (Attach, Repair, SwapNatively)) and self.execution.rivalled:
                    self.execution.outrank_rivals()
                elif isinstance(step, (Attach, Repair)) and self._overdue():
                    self._turn_round(self._too_long())
                else:
                    self._take(step)
            except (LockHeld, Interrupted, Refused, RunFailed):
                raise
            except VipswapError as error:
                self._after_error(step, error)

    def _take(self, step: Step) -> None:
        if isinstance(step, Refuse):
            self._give_up(step)
        if isinstance(step, Wait):
            self._look_again(f"{step.resource.name}: {step.reason}; waiting", self._pause())
            return
        if isinstance(step, CreateFloat):
            self.execution.create_float(self.opening)
        elif isinstance(step, RepairFloat):
            self.execution.repair_float()
        elif isinstance(step, DeleteFloat):
            self._delete_float(step)
        elif isinstance(step, SwapNatively):
            if self._clock.monotonic() < self._shown_by:
                # No etag keeps it from being done twice.
                self._look_again("The reads do not show the native swap yet; waiting", self._pause())
                return
            self._insist(step)
            self.execution.swap_natively(step)
            self._done[step] += 1
            self._shown_by = self._clock.monotonic() + LATE_READ_S
        elif isinstance(step, Repair):
            self.execution.repair(step.side)
        elif isinstance(step, Attach):
            self._insist(step)
            self._done[step] += self.execution.attach(step)
        self._progress_at, self._looks, self._refreshed = self._clock.monotonic(), 0, 0
        self._streak = Streak()

    def _delete_float(self, step: DeleteFloat) -> None:
        float_ = self.execution.observed.float
        if float_ is not None and float_.holder is not None:
            # It will not be given back by waiting for it: neither frontend of this swap is meant.
            self._turn_back(step, VipswapError(f"It is held by {float_.holder}, outside this swap."))
        else:
            self.execution.delete_float()

    def _insist(self, step: Step) -> None:
        """Raise RunFailed if somebody undid this step each time it was done."""
        if self._done[step] >= UNDONE_FOR_GOOD:
            undone = VipswapError(
                f"Somebody else undid the change of {_subject(step, self.pair)} {UNDONE_FOR_GOOD} times.",
                hint="Stop what writes to that load balancer.",
            )
            raise RunFailed(undone.message, exit_code=1, cause=undone)

    def _give_up(self, step: Refuse) -> NoReturn:
        """There is no legal step. A float that this run made, and nothing came of, is not left behind."""
        execution, cause = self.execution, VipswapError(f"{step.resource}: {step.reason}")
        float_ = execution.observed.float
        if execution.created and not execution.attempted and float_ is not None:
            if float_.holder is None:
                execution.delete_float()
            else:
                execution.keep_float()
        raise RunFailed(cause.message, exit_code=1, cause=cause)

    def _tell(self, step: Step) -> None:
        if step != self._decided:
            self._decided = step
            self._emit(Decided(type(step).__name__, str(_subject(step, self.pair)), self.direction.value))

    def _outdated(self) -> bool:
        """Whether to look once more before writing; but not for ever, where reads themselves take that long.

        Inside the outage the etag is guard enough.
        """
        return self.execution.outdated and not self.execution.production_out and self._refreshed < REFRESHED_AT_MOST

    def _overdue(self) -> bool:
        limit = self._limits.max_outage_s
        forward = self._rollback and self.cause is None and self.direction is Direction.EXCHANGED
        return limit is not None and forward and not self._both_ways and self.execution.outage_s > limit

    def _too_long(self) -> VipswapError:
        return VipswapError(
            f"Production was off for {self.execution.outage_s:.1f} s, longer than --max-outage allows.",
            hint="Swap again with a longer --max-outage, or without.",
        )

    def _verify(self, verification: Verification) -> None:
        """Production's address must answer from its new side, or everything goes back."""
        self._verification = None
        if self.direction is not Direction.EXCHANGED or self.cause is not None:
            return
        silent = verification.await_answer(self.execution.observed, self.pair, self._clock)
        if silent is None:
            self._emit(Noted("Production's address answers from its new side."))
            return
        failed = VipswapError(f"Production's address does not answer from its new side: {silent}.")
        if self._rollback:
            self._turn_round(failed)
        else:
            self.unverified = failed
            self._emit(Noted(f"{failed} It is kept there, as --no-rollback says.", True))

    def _turn_round(self, cause: VipswapError) -> None:
        self.cause, self.direction = cause, _other(self.direction)
        if self.direction is Direction.EXCHANGED:
            what = "There is no way back, so the swap is finished."
        elif self.execution.attempted:
            what = "Everything goes back to where it was."
        elif self.execution.float_perhaps:
            what = "No load balancer was changed; the float is deleted again."
        else:
            what = "Nothing was changed."
        self._emit(Noted(f"{what} ({cause})", True))

    def _may_be_made_again(self) -> bool:
        """Whether a request for the float, or the dead run's last one, may yet be done, or nobody has looked since."""
        dead = self._dead_until is not None and self.execution.observed.float is not None
        return dead or self._clock.monotonic() < self.execution.claims_over_at

    def _outlive(self) -> None:
        """Look once more when nothing that was not answered can be done any more; only then may the float go."""
        left = max(self._dead_until or 0.0, self.execution.claims_over_at) - self._clock.monotonic()
        self._dead_until = None
        if left > 0:
            self._emit(
                Noted(f"All is in place; looking again in {left:.0f} s, when the last unanswered request is over")
            )
            self._clock.sleep(left)
        self.execution.look()

    def _pause(self) -> float:
        longest = 0.5 if self.execution.production_out else 5.0
        return min(longest, 0.1 * 2.0 ** min(self._looks, 10))

    def _look_again(self, why: str, pause: float, cause: VipswapError | None = None) -> None:
        """Pause and observe. Raises RunFailed when patience is at its end."""
        self._check_patience(why, cause)
        if self._looks == 0:
            self._emit(Noted(why))
        self._clock.sleep(pause)
        self._looks += 1
        self.execution.look()

    def _check_patience(self, why: str, cause: VipswapError | None) -> None:
        waited = self._clock.monotonic() - self._progress_at
        if waited >= self._limits.patience_s:
            cause = cause or VipswapError(f"Nothing moved for {waited:.0f} s: {why}.")
            raise RunFailed(cause.message, exit_code=1, cause=cause)

    def _after_error(self, step: Step, error: VipswapError) -> None:
        """Look at what an error left behind; the next step follows from that."""
        kind = meaning(error)
        if (
            isinstance(step, SwapNatively)
            and kind is Kind.UNSUPPORTED
            and _is_refused_write(error)
            and self._untouched()
        ):
            self._emit(Noted(f"The native swap is not supported here, so the float does it. ({error})", True))
            self.opening = Opening.FLOAT_ON_STAGING
            return
        pause = self._pause_after(error, kind)
        if kind in (Kind.BUSY, Kind.THROTTLED) and self.execution.production_out and isinstance(error, ArmError):
            pause = self._insist_on_it(error, kind)
            if not self._streak.wants_look(kind):
                self._clock.sleep(pause)
                return
        while True:
            if isinstance(error, OperationTimedOut):
                raise RunFailed(error.message, exit_code=1, cause=error) from error
            allowed = self._refusals_allowed(step, error)
            if allowed is not None:
                self._refusals[step] += 1
                unread = isinstance(step, Wait) and self._refusals[step] >= allowed
                if self._refusals[step] >= allowed and not (unread and self.execution.missed(error)):
                    self._turn_back(step, error)
                    return
                pause = max(pause, PAUSE_AFTER_REFUSAL_S)
            try:
                self._look_again(f"{error} Looking again.", pause, error)
            except (LockHeld, Interrupted, Refused, RunFailed):
                raise
            except VipswapError as again:
                error, step, pause = again, Wait(self.pair.float, "it cannot be read"), self._pause()
            else:
                if isinstance(error, ForeignUrl) and self._unopened():
                    # Whoever rewrites ARM's answers shall not be trusted with an outage.
                    self._turn_back(step, error)
                return

    def _pause_after(self, error: VipswapError, kind: Kind) -> float:
        """Seconds until the next look."""
        if isinstance(error, PreconditionFailed) and self._looks < 3:
            # Somebody else wrote in between: the fresh etag is all that is missing.
            return 0.0
        asked = asked_wait(error) if kind in (Kind.BUSY, Kind.THROTTLED) else None
        return self._pause() if asked is None else min(LONGEST_PAUSE_S, max(asked, self._pause()))

    def _refusals_allowed(self, step: Step, error: VipswapError) -> int | None:
        """How often this step may be refused like that before it is believed; None where only patience counts."""
        kind = meaning(error)
        # Of a write alone: what a read that is refused left unseen is looked at.
        first = not self.execution.attempted and _is_refused_write(error)
        if kind in (Kind.FINAL, Kind.UNSUPPORTED):
            return 1 if first else REFUSALS_FOR_GOOD
        if kind is Kind.MISSING:
            return REFUSALS_FOR_GOOD
        # A code that is not in the table, or no token: while nothing is written there is nothing to lose by giving up.
        unknown = first and error.status in (401, 409) and kind in (Kind.LOGIN, Kind.CHANGED)
        no_token = not self.execution.attempted and isinstance(error, CredentialError)
        return REFUSALS_AT_FIRST if unknown or no_token else None

    def _insist_on_it(self, error: ArmError, kind: Kind) -> float:
        """Count a refusal of the write that would end the outage; the seconds until the next try.

        Where it has been busy for long, the next try goes the other way, if that is open.
        """
        now = self._clock.monotonic()
        self._check_patience(str(error), error)
        self._streak = self._streak.after(kind, now)
        if self._streak.begins:
            self._emit(Noted(f"{error} Trying again until it is taken, because production is off.", True))
        if self._rollback and self._streak.wants_both_ways(now) and _other(self.direction) not in self._closed:
            if not self._both_ways:
                self._emit(Noted("It has been busy for long, so both directions are tried in turn.", True))
            self._both_ways, self.direction = True, _other(self.direction)
            self.cause = None if self.direction is self.execution.journal.direction else error
        return self._streak.pause_s(kind, asked_wait(error), polite=self.execution.polite)

    def _unopened(self) -> bool:
        """Whether this is the way forward, and production's address still is where it was."""
        production = self.pair.originals[Side.PRODUCTION]
        forward = self.direction is Direction.EXCHANGED and self.cause is None
        return forward and self.execution.observed.held(self.pair, Side.PRODUCTION) == production

    def _untouched(self) -> bool:
        """Whether both load balancers hold what they held at first, and have Succeeded."""
        observed = self.execution.observed
        return all(works_on(observed, self.pair, self.pair.originals[side], side) for side in Side)

    def _turn_back(self, step: Step, error: VipswapError) -> None:
        """A step is refused for good: undo what was done, unless that would be worse."""
        execution = self.execution
        if isinstance(step, DeleteFloat):
            execution.keep_float()
            self._emit(
                Noted(f"The float {self.pair.float} stays, tagged done: it could not be deleted. ({error})", True)
            )
            return
        self._closed.add(self.direction)
        production = self.pair.originals[Side.PRODUCTION]
        goal = self.pair.goal(self.direction)
        arrived = any(goal[side] == production == execution.observed.held(self.pair, side) for side in Side)
        kept = bool(execution.written) and (not self._rollback or arrived)
        tried = self.cause is not None and not (self._both_ways and _other(self.direction) not in self._closed)
        if tried or kept or isinstance(step, Wait):
            raise RunFailed(error.message, exit_code=1, cause=error) from error
        self._turn_round(error)


def _other(direction: Direction) -> Direction:
    return Direction.ORIGINAL if direction is Direction.EXCHANGED else Direction.EXCHANGED


def _is_refused_write(error: VipswapError) -> bool:
    """Whether ARM refused a write, which therefore certainly was not done."""
    return isinstance(error, ArmError) and error.method != "GET" and not perhaps_done(error)


def _subject(step: Step, pair: Pair) -> ResourceId:
    """The resource that a step is about."""
    if isinstance(step, (Attach, Repair)):
        return pair.load_balancer(step.side)
    return step.resource if isinstance(step, (Wait, Refuse)) else pair.float
