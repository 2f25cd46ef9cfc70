"""The fold: a state and an event give the next state. Bookkeeping only; what follows from it `decide` says. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vipswap_rest.arm import lro
from vipswap_rest.arm.errors import (
    AnswerLost,
    Forbidden,
    ForeignUrl,
    Interrupted,
    LockHeld,
    OperationError,
    ProtocolError,
    Redirected,
    Refused,
    VipswapError,
)
from vipswap_rest.arm.http import Response
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.arm.refusals import Kind, meaning, perhaps_done
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
    Sleep,
    Stop,
    Turn,
)
from vipswap_rest.switchover.events import Answered, Event, Failed, Heard, Polled, Seen, Sent, Signalled
from vipswap_rest.switchover.report import Noted, Notice, StepAccepted, StepBegan, StepEnded, StepRecord
from vipswap_rest.switchover.state import EarlyWrite, Hold, InFlight, JournalLife, Overlap, Patience, RunState, Trouble
from vipswap_rest.switchover.steps import Claim, Direction, Keep, Release, Step, TakeOver

Answers = tuple[Response | None, ...]


def after(state: RunState, event: Event) -> RunState:
    """The state after an event. Raises nothing: an event that fits nothing that was sent only ends what was sent."""
    if isinstance(event, Seen):
        return replace(state, seen=event.addresses)
    state = replace(state, when=event.when)
    if isinstance(event, Signalled):
        return replace(state, signals=(*state.signals, event.name))
    if isinstance(event, Sent):
        return _sent(state, event.action)
    action = state.pending
    state = replace(state, pending=None, last=action)
    if isinstance(event, (Answered, Polled)) and event.reads_left is not None:
        state = replace(state, reads_left=event.reads_left)
    if isinstance(event, Failed):
        return _failed(state, action, event.error, event.answers)
    try:
        if isinstance(event, Answered) and isinstance(action, Read) and len(event.answers) == len(action.requests):
            return _READ[action.purpose](state, event.answers)
        if isinstance(event, Answered) and isinstance(action, Perform) and event.answers and event.answers[0]:
            return _accepted(state, action, event.answers[0])
        if isinstance(event, Polled) and isinstance(action, Poll):
            return _polled(state, action, event)
        if isinstance(event, Heard) and isinstance(action, AskHealth):
            return _heard(state, event.silent)
    except VipswapError as error:
        return _failed(state, action, error, ())
    if isinstance(action, Sleep):
        return _woken(state)
    return state


def _woken(state: RunState) -> RunState:
    """A pause is over: what was asked before it is asked again."""
    overlap = state.overlap
    if overlap and overlap.journals is not None and not state.operations:
        overlap = replace(overlap, lists=None, journals=None, waited=True)
    return replace(state, overlap=overlap, silent=None)


# --- what is sent -----------------------------------------------------------------------------------------------------


def _sent(state: RunState, action: Action) -> RunState:
    if isinstance(action, Finish):
        return replace(state, finished=True)
    state = replace(state, pending=action, asked=state.when)
    if isinstance(action, Sleep):
        return _told(state, Noted(action.says, action.warning)) if action.says else state
    if isinstance(action, Read):
        return _reading(state, action)
    if isinstance(action, Perform):
        return _performing(state, action)
    if isinstance(action, Turn):
        return _turned(state, action)
    if isinstance(action, FallBack):
        return _told(replace(state, way=action.way, trouble=None), Noted(action.why, True))
    if isinstance(action, Accept):
        state = replace(state, verified=True, unverified=action.unverified)
        return _told(state, Noted(action.why, action.unverified is not None))
    if isinstance(action, Stop):
        for flight in state.operations:
            state = _closed(state, flight, succeeded=False)
        return replace(state, error=action.error, trouble=None)
    return state


def _reading(state: RunState, action: Read) -> RunState:
    patience = state.patience
    if action.again:
        patience = replace(patience, looks=patience.looks + 1)
    if action.purpose is Purpose.REFRESH:
        patience = replace(patience, refreshed=patience.refreshed + 1)
    if action.purpose in (Purpose.OBSERVE, Purpose.REFRESH):
        state = replace(state, trouble=None, look_due=False, looked_last=state.error is not None)
    if action.purpose is Purpose.AHEAD:
        aged = tuple(replace(one, ahead_at=state.when.at) for one in state.operations)
        state = replace(state, operations=aged)
    return replace(state, patience=patience, gone=state.gone | action.gone, vacant=False)


def _performing(state: RunState, action: Perform) -> RunState:
    if isinstance(action.step, TakeOver):
        state = replace(state, take_overs=state.take_overs + 1)
    if isinstance(action.step, Claim):
        hold = state.lock.hold if state.lock.hold is Hold.OURS else Hold.REQUESTED
        lock = replace(state.lock, hold=hold)
        state = replace(state, lock=lock, overlap=Overlap(state.when.at))
    if not action.quiet:
        state = _told(state, StepBegan(action.name, action.resource, action.opens))
    if isinstance(action.step, Keep):
        state = replace(state, kept=action)
    if action.then is not None:
        state = replace(state, leaving=action.then)
    running = tuple(one for one in state.operations if one.progress is not None)
    return replace(state, operations=(*running, InFlight(action, state.when)), trouble=None, vacant=False)


def _turned(state: RunState, action: Turn) -> RunState:
    direction = state.direction.other
    trouble = replace(state.trouble, turned=True) if action.in_turn and state.trouble else None
    state = replace(state, direction=direction, trouble=trouble, foreign=None)
    if action.in_turn:
        told = not state.both_ways
        cause = None if direction is state.goal else action.cause
        state = replace(state, cause=cause, both_ways=True)
        return _told(state, Noted(f"{action.why}, so both directions are tried in turn.", True)) if told else state
    state = replace(state, cause=action.cause, closed=state.closed | {direction.other}, verified=True)
    store = state.method.store
    if direction is Direction.EXCHANGED:
        what = "There is no way back, so the switch is finished."
    elif state.attempted:
        what = "Everything goes back to where it was."
    elif store and state.journal_perhaps:
        what = f"Nothing was switched; the {store.noun} is deleted again."
    else:
        what = "Nothing was changed."
    return _told(state, Noted(f"{what} ({action.cause})", True))


# --- writes and their operations --------------------------------------------------------------------------------------


def _flight_of(state: RunState, action: Action | None) -> InFlight | None:
    """The write in flight that was sent, or is polled, by an action: no two are on the same resource."""
    if not isinstance(action, (Perform, Poll)):
        return None
    return next((one for one in state.operations if one.action.resource == action.resource), None)


def _with(state: RunState, flight: InFlight, now: InFlight | None) -> RunState:
    """The same with a write in flight as it is now, or (None) without it."""
    flights = (now if one is flight else one for one in state.operations)
    return replace(state, operations=tuple(one for one in flights if one is not None))


def _accepted(state: RunState, action: Perform, response: Response) -> RunState:
    store, flight = state.method.store, _flight_of(state, action)
    if flight is None:
        return state
    if isinstance(action.step, Claim) and store:
        store.check_claimed(response)
        lock = replace(state.lock, hold=Hold.OURS)
        state = replace(state, lock=lock, observed=store.placed(state.observed, response))
    state = _wrote(state, action)
    state = _moved(state, action, response.sent)
    for endpoint in action.releases:
        state = replace(state, ledger=state.ledger.released(endpoint, response.sent))
    if not action.quiet:
        state = _told(state, StepAccepted(action.name, action.resource, response.request_id, action.opens))
    url = f"{state.policy.endpoint}{action.request.target}?api-version={state.policy.api_version}"
    step = lro.begin(action.request.method, url, response)
    at, limit = state.when.at, state.when.at + state.policy.limits.operation_s
    progress = step if isinstance(step, lro.Pending) else None
    running = replace(flight, accepted=response, progress=progress, since=at, due=at, limit=limit)
    state = _with(state, flight, running)
    if action.early:
        state = replace(state, early=EarlyWrite(taken=True))
    return state if progress else _completed(state, running, response.received)


def _moved(state: RunState, action: Perform, sent: float) -> RunState:
    """Note when the write was sent that moves endpoints."""
    ledger = state.ledger
    for endpoint in (*action.releases, *action.attaches):
        ledger = ledger.moved(endpoint, sent)
    return replace(state, ledger=ledger)


def _wrote(state: RunState, action: Perform) -> RunState:
    """Note that resources were written, or may have been: their etags change once more when the operation ends."""
    return replace(
        state,
        written=state.written | action.writes,
        stale=state.stale | action.writes,
        attempted=state.attempted or bool(action.writes),
    )


def _polled(state: RunState, action: Poll, event: Polled) -> RunState:
    flight = _flight_of(state, action)
    if flight is None:
        return state
    polled = replace(flight, polls=flight.polls + 1)
    if event.progress is None:
        return _completed(_with(state, flight, polled), polled, event.received)
    # The pause counts from asking, so that a slow answer does not make it longer.
    return _with(state, flight, replace(polled, progress=event.progress, due=state.asked.at))


def _completed(state: RunState, flight: InFlight, at: float) -> RunState:
    action, step = flight.action, flight.action.step
    state = _closed(state, flight, succeeded=True)
    state = replace(state, patience=Patience(state.when.at))
    if isinstance(step, Claim):
        return replace(state, look_due=True)
    if isinstance(step, TakeOver):
        return _taken(state)
    if isinstance(step, (Release, Keep)):
        return _released(state, action)
    if action.trial:
        return replace(state, look_due=True)
    state = replace(state, observed=state.method.predict(step, state.observed))
    for endpoint in action.attaches:
        state = replace(state, ledger=state.ledger.attached(endpoint, at))
    shows_within = state.method.shows_within_s(step)
    return replace(
        state,
        done={**state.done, step: state.done.get(step, 0) + 1},
        shown_by=state.when.at + shows_within if shows_within else state.shown_by,
        # Confirming reads come after the outage.
        look_due=not (action.attaches and state.production_out),
    )


def _closed(state: RunState, flight: InFlight, *, succeeded: bool) -> RunState:
    """A write is over: its record, for the report."""
    state = _with(state, flight, None)
    if flight.action.quiet:
        return state
    record = StepRecord(
        flight.action.name,
        flight.action.resource,
        flight.began.on,
        state.when.at - flight.began.at,
        flight.polls,
        flight.accepted.request_id if flight.accepted else None,
        succeeded,
    )
    return _told(replace(state, steps=(*state.steps, record)), StepEnded(record))


def _taken(state: RunState) -> RunState:
    """The earlier run's journal has our run id: from now on its requests are waited for."""
    store = state.method.store
    dead_for = store.dead_for_s if store else 0.0
    dead_until = state.when.at + dead_for if dead_for else None
    return replace(state, lock=JournalLife(Hold.OURS), dead_until=dead_until, trouble=None, look_due=True)


def _released(state: RunState, action: Perform) -> RunState:
    """The journal is none of this run's business any more."""
    store = state.method.store
    observed = store.placed(state.observed, None) if store else state.observed
    lock = replace(state.lock, hold=Hold.OVER)
    state = replace(state, lock=lock, observed=observed, trouble=None, error=action.then or state.error)
    return _told(state, Noted(action.why, True)) if isinstance(action.step, Keep) else state


# --- reads ------------------------------------------------------------------------------------------------------------


def _observed(state: RunState, answers: Answers) -> RunState:
    method = state.method
    state = replace(state, observed=method.observe(answers), read=state.asked, stale=frozenset())
    if state.dead_until is not None and state.read.at >= state.dead_until:
        state = replace(state, dead_until=None)
    if state.attempted:
        state = replace(state, written=state.written | method.touched(state.first, state.observed))
    for endpoint in method.endpoints:
        attached = method.works(state.observed, endpoint)
        state = replace(state, ledger=state.ledger.seen(endpoint, attached=attached, read=state.when.at))
    if state.foreign and (state.direction is Direction.ORIGINAL or not method.unopened(state.observed)):
        state = replace(state, foreign=None)
    return _journal_seen(state)


def _journal_seen(state: RunState) -> RunState:
    """What the last look says of the journal: whose it is, or that it is not shown."""
    store, lock = state.method.store, state.lock
    if store is None or (store.taken_over and lock.hold is Hold.NONE):
        return state
    if store.exists(state.observed):
        state = _checked(state, state.observed)
        if state.trouble:
            return state
        # One that was asked for and is seen is what became of the last unanswered request for it.
        unanswered = lock.unanswered[:-1] if lock.hold is Hold.REQUESTED else lock.unanswered
        hold = Hold.LEAVING if lock.hold is Hold.LEAVING else Hold.OURS
        return replace(state, lock=replace(lock, hold=hold, unanswered=unanswered))
    if lock.hold is Hold.LEAVING:
        # Its deletion was not answered, and was done.
        return replace(state, lock=replace(lock, hold=Hold.OVER), error=state.leaving or state.error)
    if lock.hold is Hold.OURS and not state.production_out:
        # Inside the outage a journal that cannot be seen is no reason to stop: whoever took over has written what is
        # switched, and its etag tells.
        return replace(state, lock=replace(lock, hold=Hold.MISSING, missing_since=state.when.at))
    return state


def _checked(state: RunState, observed: object) -> RunState:
    """See that the journal is ours. A run that takes over writes whole tags, so damaged ones are no reason to leave
    production off."""
    store = state.method.store
    if store is None:
        return state
    try:
        store.check_ours(observed)
    except LockHeld as error:
        return replace(state, trouble=Trouble(error, None, state.when.at))
    except Refused as error:
        if not state.production_out:
            return replace(state, trouble=Trouble(error, None, state.when.at))
    return state


def _read_ahead(state: RunState, answers: Answers) -> RunState:
    method, rest = state.method, answers
    if method.store:
        journal, rest = answers[0] if answers else None, answers[1:]
        if journal is not None:
            state = _checked(state, method.store.placed(state.observed, journal))
    for answer in rest:
        if answer is not None:
            state = replace(state, observed=method.refreshed(state.observed, answer))
    return state


def _freshened(state: RunState, answers: Answers) -> RunState:
    for answer in answers:
        if answer is not None:
            state = replace(state, observed=state.method.refreshed(state.observed, answer))
        fresh = ResourceId.parse(str(answer.body.get("id"))) if answer and isinstance(answer.body, dict) else None
        if fresh not in state.stale:
            raise ProtocolError(f"ARM showed another resource than was asked for: {fresh}.")
        state = replace(state, stale=state.stale - {fresh})
    return state


def _vacancy(state: RunState, answers: Answers) -> RunState:
    store = state.method.store
    if answers[0] is None or store is None:
        return replace(state, vacant=True)
    state = _checked(state, store.placed(state.observed, answers[0]))
    return replace(state, look_due=True)


def _awaited(state: RunState, answers: Answers) -> RunState:
    store = state.method.store
    if answers[0] is None or store is None:
        return state
    state = replace(state, observed=store.placed(state.observed, answers[0]))
    return _checked(replace(state, lock=replace(state.lock, hold=Hold.OURS)), state.observed)


def _owner(state: RunState, answers: Answers) -> RunState:
    """Whose the journal is after a write to it that went wrong."""
    store, trouble = state.method.store, state.trouble
    if store is None or trouble is None:
        return state
    state = replace(state, observed=store.placed(state.observed, answers[0]))
    if isinstance(trouble.step, Keep):
        # A journal whose deletion failed stays Failed, whatever becomes of its tags.
        done = not store.exists(state.observed) or store.is_done(state.observed)
        kept = state.kept
        return _released(state, kept) if done and kept else replace(state, trouble=replace(trouble, owner_read=True))
    if store.is_ours(state.observed):
        return _taken(state)
    if store.exists(state.observed) and store.is_earlier(state.observed):
        return replace(state, trouble=replace(trouble, owner_read=True))
    taken = store.lost("was just taken by another run")
    return replace(state, trouble=Trouble(taken, trouble.step, trouble.at))


def _overlap_lists(state: RunState, answers: Answers) -> RunState:
    store, overlap = state.method.store, state.overlap
    if store is None or overlap is None or not store.overlap_reads(answers):
        # Where it had to wait for another run, things may have moved.
        return replace(state, overlap=None, look_due=overlap is not None and overlap.waited)
    return replace(state, overlap=replace(overlap, lists=answers, journals=None))


def _overlap_journals(state: RunState, answers: Answers) -> RunState:
    store, overlap = state.method.store, state.overlap
    if store is None or overlap is None or not store.overlapping(answers):
        return replace(state, overlap=None, look_due=True)
    return replace(state, overlap=replace(overlap, journals=answers))


_READ: dict[Purpose, Callable[[RunState, Answers], RunState]] = {
    Purpose.OBSERVE: _observed,
    Purpose.REFRESH: _observed,
    Purpose.AHEAD: _read_ahead,
    Purpose.FRESH: _freshened,
    Purpose.VACANCY: _vacancy,
    Purpose.AWAIT: _awaited,
    Purpose.OWNER: _owner,
    Purpose.OVERLAPS: _overlap_lists,
    Purpose.OVERLAPPING: _overlap_journals,
}


def _heard(state: RunState, silent: str | None) -> RunState:
    until = state.verify_until
    if until is None:
        until = state.when.at + (state.policy.verify_s or 0.0)
    return replace(state, silent=silent or "", verify_until=until)


# --- what goes wrong --------------------------------------------------------------------------------------------------


def _failed(state: RunState, action: Action | None, error: VipswapError, answers: Answers) -> RunState:
    if isinstance(error, ForeignUrl):
        state = replace(state, foreign=error)
    if isinstance(action, Read):
        return _read_failed(state, action, error, answers)
    flight = _flight_of(state, action)
    if flight is None:
        return _troubled(state, error, None)
    perform, accepted, sent = flight.action, flight.accepted, flight.began.at
    if accepted is not None:
        # While ARM works nothing tries patience.
        patience = replace(state.patience, since=state.patience.since + state.when.at - flight.since)
        state = replace(state, patience=patience)
    done = perhaps_done(error) or isinstance(error, OperationError)
    if accepted is None and done and not isinstance(error, Redirected):
        state = _moved(_wrote(state, perform), perform, sent)
        for endpoint in perform.releases:
            state = replace(state, ledger=state.ledger.perhaps_released(endpoint, sent))
    if isinstance(perform.step, Claim) and accepted is None and state.method.store:
        error = error.advised(state.method.store.refusal_hint(error))
    if isinstance(perform.step, Claim) and accepted is None and perhaps_done(error):
        # We waited as long as a request may take; it may take as long again where that was not for want of time.
        late = state.policy.request_s if isinstance(error, (AnswerLost, Interrupted)) else 0.0
        over = state.when.at + late
        state = replace(state, lock=replace(state.lock, unanswered=(*state.lock.unanswered, over)))
    if isinstance(perform.step, Release) and (done or accepted is not None):
        state = replace(state, lock=replace(state.lock, hold=Hold.LEAVING))
    if isinstance(perform.step, Claim) and meaning(error) in (Kind.BUSY, Kind.THROTTLED):
        # It was not done, and will be sent again: that there was no journal is known already.
        state = replace(state, vacant=True)
    state = _closed(state, flight, succeeded=False)
    if perform.early and accepted is None:
        return _refused_early(state, error)
    return _troubled(state, error, perform.step)


def _refused_early(state: RunState, error: VipswapError) -> RunState:
    """It is sent again when the operation has succeeded that makes room for it, as if it had not been sent."""
    state = replace(state, early=EarlyWrite(taken=False, refused_by=error.as_json()["code"]))
    return _told(state, Noted(f"The early write was refused, and waits for the operation that runs. ({error})"))


def _read_failed(state: RunState, action: Read, error: VipswapError, answers: Answers) -> RunState:
    if action.purpose is Purpose.AHEAD:
        # The operation goes on whatever this read says; the write itself is guarded by its etag.
        return _read_ahead(state, answers)
    if action.purpose in (Purpose.OVERLAPS, Purpose.OVERLAPPING) and isinstance(error, Forbidden) and state.overlap:
        if not state.overlap.narrow:
            return replace(state, overlap=Overlap(state.overlap.since, narrow=True))
        unseen = f"Whether an overlapping run is at work cannot be seen; etags still guard both. ({error})"
        return _told(replace(state, overlap=None, look_due=True), Noted(unseen, True))
    if action.purpose is Purpose.OWNER and state.trouble:
        return _troubled(state, error, state.trouble.step)
    return _troubled(state, error, None)


def _troubled(state: RunState, error: VipswapError, step: Step | None) -> RunState:
    kind, patience = meaning(error), state.patience
    if kind in (Kind.BUSY, Kind.THROTTLED) and step is not None:
        patience = replace(patience, streak=patience.streak.after(kind, state.when.at))
        state = replace(state, patience=patience)
    else:
        state = replace(state, refused={**state.refused, step: state.refused.get(step, 0) + 1})
    return replace(state, trouble=Trouble(error, step, state.when.at))


def _told(state: RunState, notice: Notice) -> RunState:
    return replace(state, notices=(*state.notices, notice))
