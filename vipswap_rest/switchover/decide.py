"""What a run does next: every rule is a function with a name, and they are asked in the order of two lists. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vipswap_rest.arm.errors import (
    ArmError,
    CredentialError,
    Interrupted,
    LockHeld,
    OperationError,
    OperationFailed,
    OperationTimedOut,
    PreconditionFailed,
    Refused,
    RunFailed,
    TransportError,
    VipswapError,
)
from vipswap_rest.arm.lro import LONGEST_PAUSE_S, SHORTEST_PAUSE_S
from vipswap_rest.arm.refusals import Kind, asked_wait, meaning, perhaps_done
from vipswap_rest.switchover.actions import (
    Accept,
    Action,
    AskHealth,
    FallBack,
    Finish,
    Perform,
    Poll,
    Purpose,
    Read,
    Request,
    Sleep,
    Stop,
    Turn,
)
from vipswap_rest.switchover.events import Moment
from vipswap_rest.switchover.pace import pause_between_polls
from vipswap_rest.switchover.state import Hold, InFlight, RunState, Trouble
from vipswap_rest.switchover.steps import (
    Claim,
    Direction,
    Done,
    Keep,
    Refuse,
    Release,
    Step,
    TakeOver,
    Wait,
    Write,
)

# A final refusal is taken for one when it repeats, where something has been changed or a read may be late.
REFUSALS = 2
# What somebody else undid so often is not done again.
UNDONE = 2
REFRESHED_AT_MOST = 3
PAUSE_AFTER_REFUSAL_S = 0.5
# What the next write needs is read again while an operation runs, when it is older than this; and the read's limit.
AHEAD_AGE_S, AHEAD_LIMIT_S = 5.0, 5.0
# Only a journal that is not shown for so long is gone; how often it is looked for.
LATE_READ_S, BETWEEN_READS_S = 10.0, 0.5
TAKE_OVER_TRIES, BETWEEN_TAKE_OVERS_S = 3, 0.5
# How long the run that comes first waits for another one, begun at the same moment, to give way: the deletion of a
# journal takes up to that.
GIVE_WAY_S, BETWEEN_OVERLAPS_S = 60.0, 0.5
BETWEEN_HEALTH_S = 0.5
# A write that ARM refuses without a known reason, or for want of a token, while nothing is written.
REFUSALS_AT_FIRST = 6


def decide(state: RunState, now: Moment) -> Action:
    """The one thing to do now. Total: there always is one."""
    try:
        for guard in GUARDS:
            action = guard(state, now)
            if action is not None:
                return action
        step = state.method.next_step(state.observed, state.direction, state.way)
        for rule in RULES:
            action = rule(state, step, now)
            if action is not None:
                return action
        return _take(state, step, now)
    except VipswapError as error:
        return Stop("a step cannot be made", error)


# --- before a step is chosen ------------------------------------------------------------------------------------------


def _ended(state: RunState, now: Moment) -> Action | None:
    """An error ended the run: what is left is looked at once, and then it is over."""
    if state.error is None:
        return None
    if state.looked_last:
        return Finish("an error ended the run")
    return Read("see how things were left", Purpose.OBSERVE, state.method.reads(state.gone))


def _interrupted(state: RunState, now: Moment) -> Action | None:
    """The first signal ends the run where production is on, the second one anywhere."""
    if not state.signals or (state.critical and len(state.signals) < 2):
        return None
    return Stop("a signal came", Interrupted(f"Interrupted by {state.signals[0]}."))


def _journal_lost(state: RunState, now: Moment) -> Action | None:
    """Another run has the journal, or it is damaged: this run changes nothing more."""
    error = state.trouble.error if state.trouble else None
    return Stop("the journal is not ours", error) if isinstance(error, (Interrupted, LockHeld, Refused)) else None


def _early(state: RunState, now: Moment) -> Action | None:
    """The operation that takes production off was accepted: the next write is sent at once, if the way says so.

    It is sent once. Refused, it changes nothing, and is the next step when that operation has succeeded. Its etag was
    read before production was taken off, and guards it; so does the journal, which that write proved to be ours.
    """
    flights = _flights(state)
    wanted = len(flights) == 1 and state.early is None and flights[0].action.opens and _may_send_early(state)
    return _next_write(state, flights[0].action) if wanted else None


def _in_flight(state: RunState, now: Moment) -> Action | None:
    """An operation runs: poll it, and read ahead what the next write needs while production is off."""
    flights, store = _flights(state), state.method.store
    if not flights:
        return None
    over = next((one for one in flights if now.at >= one.limit), None)
    if over is not None:
        return Stop(f"{over.action.name} takes too long", _failed(_timed_out(over)))
    # Of two, the early one's end is the outage's.
    due, flight = min(((_due(state, one), one) for one in reversed(flights)), key=lambda one: one[0])
    aged = state.critical and len(flights) == 1 and now.at - flight.ahead_at >= AHEAD_AGE_S
    if flight.polls and aged and not isinstance(state.last, Sleep):
        known = tuple(Request.get(id) for id in state.method.resources if id not in state.stale)
        journal = (store.read(),) if store else ()
        return Read("what the next write needs", Purpose.AHEAD, (*journal, *known), within_s=AHEAD_LIMIT_S)
    name, progress = flight.action.name, flight.progress
    if now.at < due or progress is None:
        return Sleep(f"{name} runs", min(due, flight.limit), renew=state.critical)
    return Poll(f"{name} runs", flight.action.resource, progress.operation, flight.limit - now.at)


def _journal_missing(state: RunState, now: Moment) -> Action | None:
    """Our journal is not shown: a read may be late; else another run deleted it."""
    store, lock = state.method.store, state.lock
    if store is None or lock.hold is not Hold.MISSING:
        return None
    if now.at >= lock.missing_since + LATE_READ_S:
        return Stop("the journal is gone", store.lost("is gone: another run finished in our place"))
    if now.at < state.when.at + BETWEEN_READS_S and not isinstance(state.last, Sleep):
        return Sleep("the journal is not shown", now.at + BETWEEN_READS_S)
    return Read("the journal is not shown", Purpose.AWAIT, (store.read(),))


def _troubled(state: RunState, now: Moment) -> Action | None:
    """Something went wrong: look again, try again, take another way, turn back, or stop."""
    trouble = state.trouble
    if trouble is None:
        return None
    error, step = trouble.error, trouble.step
    if isinstance(step, TakeOver):
        return _take_over_failed(state, trouble, now)
    if isinstance(step, Keep):
        store = state.method.store
        if store and isinstance(error, OperationFailed) and not trouble.owner_read:
            return Read("whether the journal is marked", Purpose.OWNER, (store.read(),))
        return Stop("the journal cannot be marked as done", error)
    if isinstance(error, OperationTimedOut):
        return Stop("an operation takes too long", _failed(error))
    kind = meaning(error)
    if kind is Kind.UNSUPPORTED and step is not None:
        way = state.method.fall_back(step, state.observed, state.way)
        if way is not None:
            return FallBack(f"This is not supported here, so the {state.method.strategy(way)} does it. ({error})", way)
    if kind in (Kind.BUSY, Kind.THROTTLED) and step is not None:
        return _refused_for_now(state, trouble, kind, now)
    pause, allowed = _pause(state), _refusals(state, trouble, kind)
    if allowed is not None:
        if state.refused.get(step, 0) >= allowed:
            missing = state.method.missing(error) - state.gone if step is None else frozenset()
            if not missing:
                return _turn_back(state, step, error)
            requests = state.method.reads(state.gone | missing)
            return Read(f"{error} Taken to be gone.", Purpose.OBSERVE, requests, again=True, gone=missing)
        pause = max(pause, PAUSE_AFTER_REFUSAL_S)
    elif isinstance(error, PreconditionFailed) and state.patience.looks < 3:
        # Somebody else wrote in between: the fresh etag is all that is missing.
        pause = 0.0
    return _look_again(state, now, f"{error} Looking again.", trouble.at + pause, error)


def _adopt(state: RunState, now: Moment) -> Action | None:
    """An earlier run's journal is taken over before anything else."""
    store = state.method.store
    if store is None or not store.taken_over or state.lock.hold is not Hold.NONE:
        return None
    request = store.take_over(state.observed)
    return Perform("an earlier run left its journal", TakeOver(), "take_over", store.id, request, quiet=True)


def _look(state: RunState, now: Moment) -> Action | None:
    """A step is done: see what came of it."""
    if not state.look_due:
        return None
    return Read("see what came of it", Purpose.OBSERVE, state.method.reads(state.gone))


def _distrusted(state: RunState, now: Moment) -> Action | None:
    """Whoever rewrites ARM's answers is not trusted with an outage."""
    if state.foreign is None or state.direction is Direction.ORIGINAL or state.cause is not None:
        return None
    return _turn_back(state, None, state.foreign)


GUARDS: tuple[Callable[[RunState, Moment], Action | None], ...] = (
    _ended,
    _interrupted,
    _journal_lost,
    _early,
    _in_flight,
    _journal_missing,
    _troubled,
    _adopt,
    _look,
    _distrusted,
)


# --- when the next step is known --------------------------------------------------------------------------------------


def _unverified(state: RunState, step: Step, now: Moment) -> Action | None:
    """Before the journal goes, or the run ends that has none, production's address must answer from its new side, or
    everything goes back."""
    wanted = state.policy.verify_s is not None and state.direction is Direction.EXCHANGED and state.cause is None
    last = isinstance(step, Release) or (isinstance(step, Done) and state.method.store is None)
    if not last or not wanted or state.verified:
        return None
    if state.silent is None:
        return AskHealth("does production answer from its new side?", *state.method.health(state.observed))
    if not state.silent:
        return Accept("Production's address answers from its new side.")
    if state.verify_until is not None and now.at < state.verify_until:
        return Sleep("production does not answer yet", now.at + BETWEEN_HEALTH_S)
    failed = VipswapError(f"Production's address does not answer from its new side: {state.silent}.")
    if state.policy.rollback:
        return Turn("production does not answer from its new side", failed)
    return Accept(f"{failed} It is kept there, as --no-rollback says.", failed)


def _late_requests(state: RunState, step: Step, now: Moment) -> Action | None:
    """An unanswered request may still create or change something: wait until it cannot, and look once more."""
    if not isinstance(step, (Release, Done)) or not _may_be_made_again(state, now):
        return None
    until = max(state.dead_until or 0.0, state.lock.settled_at)
    if now.at >= until:
        return Read("the last unanswered request is over", Purpose.OBSERVE, state.method.reads(state.gone))
    says = f"All is in place; looking again in {until - now.at:.0f} s, when the last unanswered request is over"
    return Sleep("an unanswered request may still be done", until, says)


def _reached(state: RunState, step: Step, now: Moment) -> Action | None:
    """The goal is reached, and no journal is left."""
    return Finish("the goal is reached") if isinstance(step, Done) else None


def _outdated(state: RunState, step: Step, now: Moment) -> Action | None:
    """What is known is older than a request may be under way: a recovery may have taken this run for dead.

    Inside the outage the etag is guard enough; and not for ever, where reads themselves take that long. A process that
    was stopped, or a machine that slept, shows on one of the two clocks: the monotonic one stands still in sleep.
    """
    if not isinstance(step, Write) or state.production_out or state.patience.refreshed >= REFRESHED_AT_MOST:
        return None
    age = max(now.at - state.read.at, (now.on - state.read.on).total_seconds())
    if age <= state.policy.request_s:
        return None
    return Read("what is known is old", Purpose.REFRESH, state.method.reads(state.gone))


def _overlapped(state: RunState, step: Step, now: Moment) -> Action | None:
    """No other run that shares a resource with this one may be at work, or one of the two gives way."""
    store, overlap = state.method.store, state.overlap
    if store is None or overlap is None or not isinstance(step, Write):
        return None
    if overlap.lists is None:
        return Read("is an overlapping run at work?", Purpose.OVERLAPS, store.overlap_lists(narrow=overlap.narrow))
    if overlap.journals is None:
        return Read("is an overlapping run at work?", Purpose.OVERLAPPING, store.overlap_reads(overlap.lists))
    late = now.at >= overlap.since + GIVE_WAY_S
    error = store.must_yield(overlap.journals, late=late)
    if error is None:
        return Sleep("an overlapping run gives way", now.at + BETWEEN_OVERLAPS_S)
    return _release(state, "an overlapping run comes first", then=error)


def _overdue(state: RunState, step: Step, now: Moment) -> Action | None:
    """--max-outage is over, and turning back is allowed."""
    limit = state.policy.limits.max_outage_s
    forward = state.policy.rollback and state.cause is None and state.direction is Direction.EXCHANGED
    forward = forward and not state.both_ways
    if not isinstance(step, Write) or limit is None or not forward or state.outage_s(now.at) <= limit:
        return None
    too_long = VipswapError(
        f"Production was off for {state.outage_s(now.at):.1f} s, longer than --max-outage allows.",
        hint="Swap again with a longer --max-outage, or without.",
    )
    return Turn("production is off for too long", too_long)


RULES: tuple[Callable[[RunState, Step, Moment], Action | None], ...] = (
    _unverified,
    _late_requests,
    _reached,
    _outdated,
    _overlapped,
    _overdue,
)


def _take(state: RunState, step: Step, now: Moment) -> Action:
    """The step itself."""
    store = state.method.store
    if isinstance(step, Refuse):
        return _give_up(state, step)
    if isinstance(step, Wait):
        why = f"{step.resource.name}: {step.reason}; waiting"
        return _look_again(state, now, why, state.read.at + _pause(state))
    if isinstance(step, Claim) and store:
        if not state.vacant:
            # What is known may be as old as the user's answer to a question; and where a provider ignores
            # If-None-Match, the PUT would overwrite another run's journal.
            return Read("is there a journal by now?", Purpose.VACANCY, (store.read(),))
        request = store.claim(state.observed, state.way)
        return Perform("there is no journal", step, f"create_{store.noun}", store.id, request)
    if isinstance(step, Release) and store:
        holder = store.holder(state.observed)
        if holder is not None:
            # It will not be given back by waiting for it: nothing of this switch holds it.
            return _turn_back(state, step, VipswapError(f"It is held by {holder}, outside this swap."))
        return _release(state, "the goal is reached", step)
    if isinstance(step, Write):
        return _write(state, step, now)
    return Finish("nothing is left to do")


def _write(state: RunState, step: Write, now: Moment) -> Action:
    if now.at < state.shown_by and state.method.shows_within_s(step):
        # No etag keeps it from being done twice.
        return _look_again(
            state, now, "The reads do not show the last write yet; waiting", state.read.at + _pause(state)
        )
    perform = state.method.trial(step, state.observed, state.written) or state.method.perform(step, state.observed)
    if perform.attaches and state.done.get(step, 0) >= UNDONE:
        subject = state.method.subject(step)
        undone = VipswapError(
            f"Somebody else undid the change of {subject} {UNDONE} times.",
            hint="Stop what writes to that resource.",
        )
        return Stop("somebody else undoes it", _failed(undone))
    early = _next_write(state, perform) if perform.opens and _may_send_early(state) else None
    stale = (perform.writes | (early.writes if early else frozenset())) & state.stale
    if stale:
        # The etag has changed since our last write to it.
        return Read("the etag has changed", Purpose.FRESH, tuple(map(Request.get, sorted(stale, key=str))))
    return perform


# --- the pieces they share --------------------------------------------------------------------------------------------


def _flights(state: RunState) -> tuple[InFlight, ...]:
    """The operations that run."""
    return tuple(one for one in state.operations if one.progress is not None)


def _due(state: RunState, flight: InFlight) -> float:
    """When it is polled next, in monotonic seconds: at first at once."""
    if not flight.polls or flight.progress is None:
        return flight.due
    return flight.due + pause_between_polls(state, flight, flight.progress.retry_after)


def _may_send_early(state: RunState) -> bool:
    return state.method.sends_early(state.way) and state.direction is Direction.EXCHANGED and not state.both_ways


def _next_write(state: RunState, opening: Perform) -> Perform | None:
    """The write that puts production on, as it follows from the one that takes it off, if it can be sent early."""
    predicted = state.method.predict(opening.step, state.observed)
    step = state.method.next_step(predicted, state.direction, state.way)
    if not isinstance(step, Write):
        return None
    perform = state.method.perform(step, predicted)
    attaches = state.method.endpoints[0] in perform.attaches and not perform.writes & opening.writes
    return replace(perform, early=True) if attaches else None


def _pause(state: RunState) -> float:
    longest = 0.5 if state.production_out else 5.0
    return float(min(longest, 0.1 * 2.0 ** min(state.patience.looks, 10)))


def _look_again(state: RunState, now: Moment, why: str, at: float, cause: VipswapError | None = None) -> Action:
    """Pause and observe; the run ends when patience is at its end."""
    waited = now.at - state.patience.since
    if waited >= state.policy.limits.patience_s:
        return Stop(
            "patience is at its end", _failed(cause or VipswapError(f"Nothing moved for {waited:.0f} s: {why}."))
        )
    if now.at < at:
        return Sleep(why, at, why if state.patience.looks == 0 else None)
    return Read(why, Purpose.OBSERVE, state.method.reads(state.gone), again=True)


def _refused_for_now(state: RunState, trouble: Trouble, kind: Kind, now: Moment) -> Action | None:
    """A write was refused, was not done, and will be taken later: send it again, after a pause.

    While production is off that is soon, because only the next write puts it on. A resource that is busy may be Failed,
    and stay so until it is PUT again: so everything is looked at now and then, and after a while the other direction
    is tried.
    """
    error, streak, polite = trouble.error, state.patience.streak, state.policy.polite
    if now.at - state.patience.since >= state.policy.limits.patience_s:
        return Stop("patience is at its end", _failed(error))
    asked = asked_wait(error)
    if not state.production_out:
        # A Retry-After of 0 is no invitation to ask as fast as answers come.
        number = min(streak.busy + streak.throttled - 1, 10)
        pause = min(max(2.0**number if asked is None else asked, SHORTEST_PAUSE_S * 2.0**number), LONGEST_PAUSE_S)
        says = f"{error} Trying again."
    else:
        pause = streak.pause_s(kind, asked, polite=polite)
        says = f"{error} Trying again until it is taken, because production is off."
        other_open = state.direction.other not in state.closed
        if state.policy.rollback and other_open and streak.wants_both_ways(now.at) and not trouble.turned:
            return Turn("It has been busy for long", error, in_turn=True)
        if streak.wants_look(kind):
            return _look_again(state, now, f"{error} Looking again.", trouble.at + pause, error)
    if now.at < trouble.at + pause:
        return Sleep("refused for now", trouble.at + pause, says if streak.begins else None, warning=True)
    return None


def _refusals(state: RunState, trouble: Trouble, kind: Kind) -> int | None:
    """How often a step may be refused like that before it is believed; None where only patience counts."""
    error = trouble.error
    # Of a write alone: what a read that is refused left unseen is looked at.
    first = not state.attempted and trouble.step is not None and isinstance(error, ArmError) and not perhaps_done(error)
    if kind in (Kind.FINAL, Kind.UNSUPPORTED):
        return 1 if first else REFUSALS
    if kind is Kind.MISSING:
        return REFUSALS
    # A code that is not in the table, or no token: while nothing is written nothing is lost by giving up.
    unknown = first and error.status in (401, 409) and kind in (Kind.LOGIN, Kind.CHANGED)
    no_token = not state.attempted and isinstance(error, CredentialError)
    return REFUSALS_AT_FIRST if unknown or no_token else None


def _take_over_failed(state: RunState, trouble: Trouble, now: Moment) -> Action | None:
    """A lost answer, or another writer's tag, undid nothing: the run id in the journal tells."""
    store, error = state.method.store, trouble.error
    passes = not isinstance(error, ArmError) or meaning(error) in (
        Kind.BUSY,
        Kind.THROTTLED,
        Kind.CHANGED,
        Kind.UNKNOWN,
    )
    if store is None or not passes or not isinstance(error, (ArmError, OperationError, TransportError)):
        return Stop("the journal cannot be taken over", error)
    if not trouble.owner_read:
        return Read("whose is the journal?", Purpose.OWNER, (store.read(),))
    if state.take_overs >= TAKE_OVER_TRIES:
        lost = isinstance(error, PreconditionFailed)
        return Stop("the journal cannot be taken over", store.lost("was just taken by another run") if lost else error)
    if now.at < trouble.at + BETWEEN_TAKE_OVERS_S:
        return Sleep("the journal is taken over again", trouble.at + BETWEEN_TAKE_OVERS_S)
    return None


def _turn_back(state: RunState, step: Step | None, error: VipswapError) -> Action:
    """A step is rejected permanently: undo what was done, unless that would be worse."""
    if isinstance(step, Release):
        return _keep(state, error, state.leaving)
    kept = bool(state.written) and (not state.policy.rollback or state.method.arrived(state.observed, state.direction))
    reading = step is None and state.foreign is not error
    tried = state.cause is not None and not (state.both_ways and state.direction.other not in state.closed)
    if tried or kept or reading:
        return Stop("there is no other way", _failed(error))
    return Turn("rejected permanently", error)


def _give_up(state: RunState, step: Refuse) -> Action:
    """There is no legal step. A journal that this run made, and nothing came of, is not left behind."""
    store = state.method.store
    made = store is not None and not store.taken_over and state.lock.hold in (Hold.REQUESTED, Hold.OURS, Hold.LEAVING)
    cause = VipswapError(f"{step.resource}: {step.reason}")
    if store and made and not state.attempted and state.journal_exists:
        why, then = "there is no legal step", _failed(cause)
        unheld = store.holder(state.observed) is None
        return _release(state, why, then=then) if unheld else _keep(state, cause, then)
    return Stop("there is no legal step", _failed(cause))


def _release(state: RunState, why: str, step: Release | None = None, then: VipswapError | None = None) -> Action:
    store = state.method.store
    if store is None:
        return Finish(why)
    return Perform(why, step or Release(), f"delete_{store.noun}", store.id, store.release(), then=then)


def _keep(state: RunState, error: VipswapError, then: VipswapError | None = None) -> Action:
    store = state.method.store
    if store is None or not state.journal_exists:
        return Stop("there is no journal to mark", _failed(error))
    why = f"The {store.noun} {store.id} stays, tagged done: it could not be deleted. ({error})"
    return Perform(why, Keep(), "keep", store.id, store.keep(state.observed), quiet=True, then=then)


def _may_be_made_again(state: RunState, now: Moment) -> bool:
    """Whether a request for the journal, or a dead run's last one, may yet be done, or nobody has looked since."""
    return (state.dead_until is not None and state.journal_exists) or now.at < state.lock.settled_at


def _timed_out(flight: InFlight) -> OperationTimedOut:
    url = flight.progress.operation.url if flight.progress else ""
    return OperationTimedOut(
        "The operation was still running when our time for it ran out; it may yet succeed or fail.",
        code="OperationTimedOut",
        resource=str(flight.action.resource),
        operation_url=url,
        hint="Look at the resource's provisioning state; when it is Succeeded, run the same line again.",
    )


def _failed(cause: VipswapError) -> RunFailed:
    return RunFailed(cause.message, exit_code=1, cause=cause)
