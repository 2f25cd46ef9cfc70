"""How a run ended, from its state alone: the outcome, the contract's exit code, the error to tell, and the report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vipswap_rest.arm.errors import Interrupted, LockHeld, Refused, RunFailed, VipswapError
from vipswap_rest.arm.refusals import perhaps_done
from vipswap_rest.switchover.report import Outcome, Report
from vipswap_rest.switchover.state import EarlyWrite, Hold, RunState
from vipswap_rest.switchover.steps import Direction


def report(state: RunState) -> Report:
    """The report of a run that is over; of one cut short, how things stood."""
    outcome, exit_code, error = outcome_of(state)
    method = state.method
    told = method.addresses(state.first, state.observed, state.ledger)
    addresses = {side: replace(one, observed=state.seen.get(side, one.observed)) for side, one in told.items()}
    return Report(
        outcome,
        method.strategy(state.way),
        exit_code,
        addresses,
        state.steps,
        state.when.at - state.began.at,
        error,
        method.recover_command if exit_code in (6, 130) else None,
        {**method.further(state.first, state.observed), **_early(state)},
    )


def _early(state: RunState) -> dict[str, Any]:
    """What became of the early write, where the strategy has one."""
    if not state.method.sends_early(state.way):
        return {}
    early = state.early or EarlyWrite(taken=False)
    return {"overlap": {"taken": early.taken, "refused_by": early.refused_by}}


def outcome_of(state: RunState) -> tuple[Outcome, int, VipswapError | None]:
    """The outcome, the exit code, and the error to tell. Total."""
    if state.error is not None:
        return _stopped(state, state.error)
    if not state.finished:
        return _stopped(state, VipswapError("The events end before the run does."))
    if state.unverified is not None:
        return Outcome.SWAPPED, 8, state.unverified
    if state.cause is None and state.method.store is None and not state.attempted:
        return Outcome.NOTHING_TO_DO, 0, None
    if state.cause is None:
        return (Outcome.ROLLED_BACK if state.goal is Direction.ORIGINAL else Outcome.SWAPPED), 0, None
    if state.direction is Direction.EXCHANGED:
        # There was no way back, and so the switch was finished; what refused it was told on the way.
        return Outcome.SWAPPED, 0, None
    return (Outcome.ROLLED_BACK, 5, state.cause) if state.written else (Outcome.FAILED, 1, state.cause)


def _stopped(state: RunState, error: VipswapError) -> tuple[Outcome, int, VipswapError]:
    begun = bool(state.written) or state.lock.hold not in (Hold.NONE, Hold.REQUESTED)
    if isinstance(error, LockHeld) or (isinstance(error, Refused) and not begun):
        return Outcome.REFUSED, error.exit_code, error
    where, again = state.method.where(state.observed), state.method.recover_command
    changed = bool(state.written) or _journal_left(state, error)
    if isinstance(error, Interrupted):
        hint = f"Finish or undo it: {again}" if changed else "Nothing was changed."
        return Outcome.INTERRUPTED, 130, Interrupted(f"{error.message} {where}", hint=hint)
    cause = error.cause if isinstance(error, RunFailed) else error
    if not changed:
        return Outcome.FAILED, 1, RunFailed(str(cause), exit_code=1, cause=cause)
    if state.journal_perhaps and not state.journal_exists:
        where += " Its creation was not answered, so it may exist all the same."
    hint = state.method.repair_hint(cause) or f"Finish or undo it: {again}"
    failed = RunFailed(f"{cause} The switch stopped half-way: {where}", exit_code=6, cause=cause, hint=hint)
    return Outcome.NEEDS_RECOVERY, 6, failed


def _journal_left(state: RunState, error: VipswapError) -> bool:
    """Whether a journal is left that has to be recovered, or may be; one that is done is not."""
    store = state.method.store
    if store is None:
        return False
    if state.journal_exists and not store.is_done(state.observed):
        return True
    if state.lock.hold is Hold.NONE and store.taken_over:
        # It was to be taken over, and may yet be.
        return state.journal_exists and perhaps_done(error)
    return not state.journal_exists and state.journal_perhaps
