"""One swap from what the user named to the report: resolve, preflight, lock, engine, and the truth about the end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from vipswap_rest.arm import ArmClient
from vipswap_rest.clock import rfc3339
from vipswap_rest.errors import Interrupted, LockHeld, Refused, RunFailed, VipswapError
from vipswap_rest.ids import ResourceId
from vipswap_rest.refusals import perhaps_done
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap import lock, preflight, surveyor
from vipswap_rest.methods.vip_swap.command_lines import recover_command
from vipswap_rest.methods.vip_swap.engine import Engine, Limits
from vipswap_rest.methods.vip_swap.execution import Execution, Guard
from vipswap_rest.methods.vip_swap.foresight import foresee
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import Direction, Observed, Pair, Side
from vipswap_rest.methods.vip_swap.observe import observe_ruins, read_float
from vipswap_rest.methods.vip_swap.preflight import Finding
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.report import AddressReport, Emit, Outcome, Report
from vipswap_rest.methods.vip_swap.resolve import SETTLE_S, Resolved, Target, resolve, states
from vipswap_rest.methods.vip_swap.verification import Verification


@dataclass(frozen=True, slots=True)
class Options:
    """How to swap: the opening (order or native), and what is allowed. Times in seconds.

    `ignore` names the findings that shall not refuse it (see preflight.checked_codes). With `polite`, ARM's Retry-After
    holds between the polls of an outage, too. `float_tags`: what the user puts on the float besides the journal.
    """

    opening: Opening = Opening.FLOAT_ON_STAGING
    allow_address_change: bool = False
    ignore: frozenset[str] = frozenset()
    rollback: bool = True
    settle_s: float = SETTLE_S
    limits: Limits = field(default_factory=Limits)
    verification: Verification | None = None
    polite: bool = False
    float_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a swap would do: the findings, and the steps if none of them forbids it."""

    resolved: Resolved
    journal: Journal
    findings: list[Finding]
    steps: list[dict[str, Any]]


def plan(client: ArmClient, target: Target, options: Options, *, note: Callable[[str], None] = lambda _: None) -> Plan:
    """Resolve and inspect a target. Raises what `resolve` raises; errors among the findings are the caller's to
    refuse."""
    try:
        resolved = resolve(client, target, settle_s=options.settle_s, note=note)
    except Refused as error:
        raise preflight.insisted(error, options.ignore) from error
    resuming = resolved.journal if resolved.journal and not resolved.journal.done else None
    journal = resuming or Journal(resolved.pair, Direction.EXCHANGED, options.opening, "", "", 0)
    journal = replace(
        journal,
        run=str(uuid.uuid4()),
        started=resuming.started if resuming else rfc3339(client.clock.now()),
        request_timeout_s=round(client.transport.read_timeout),
    )
    findings = [] if resuming else _inspect(client, resolved, options)
    steps = []
    if not preflight.forbids(findings) and not resolved.reached:
        steps = foresee(resolved.observed, journal.pair, journal.direction, journal.opening)
    return Plan(resolved, journal, findings, steps)


def _inspect(client: ArmClient, resolved: Resolved, options: Options) -> list[Finding]:
    """The findings. Backends are asked for their health, which is a POST, only if nothing else refuses the swap."""
    observed, pair, ignore = resolved.observed, resolved.pair, options.ignore
    if resolved.reached:
        return preflight.inspect_reached(observed, pair, ignored=ignore)
    inspect = partial(
        preflight.inspect,
        observed,
        pair,
        opening=options.opening,
        allow_address_change=options.allow_address_change,
        ignored=ignore,
    )
    survey = surveyor.take(client, observed, pair, options.opening)
    findings = inspect(survey)
    if preflight.forbids(findings):
        return findings
    return inspect(surveyor.with_health(client, survey, observed.load_balancers[Side.STAGING], pair))


def swap(client: ArmClient, planned: Plan, options: Options, *, emit: Emit, guard: Guard) -> Report:
    """Carry out a plan and report how it ended; every error of the run is in the report, none is raised.

    Raises Refused if a finding forbids the swap, or staging does not answer.
    """
    preflight.refuse(planned.findings)
    resolved = planned.resolved
    if resolved.reached:
        report = nothing_to_do(resolved.pair, resolved.observed, strategy_name(options.opening))
        # The address of --vip is production's, here as after the swap that brought it to the other side.
        return replace(report, addresses={side: report.addresses[side.other] for side in Side})
    resuming = resolved.journal is not None and not resolved.journal.done
    if options.verification is not None and not resuming:
        options.verification.gate(resolved.observed, resolved.pair)
    return carry_out(client, planned.journal, resolved.observed, resolved.journal, options, emit=emit, guard=guard)


def nothing_to_do(pair: Pair, observed: Observed, strategy: str) -> Report:
    """The report of a run that found its goal reached."""
    return Report(Outcome.NOTHING_TO_DO, strategy, 0, _addresses(pair, observed, observed, None))


def carry_out(
    client: ArmClient,
    journal: Journal,
    before: Observed,
    found: Journal | None,
    options: Options,
    *,
    emit: Emit,
    guard: Guard,
) -> Report:
    """Reach a journal's goal from what was observed, over the journal that was `found` in the float, if one was.

    Every error of the run is in the report, none is raised.
    """
    began = client.clock.monotonic()
    execution: Execution | None = None
    error: VipswapError | None = None
    engine: Engine | None = None
    try:
        observed, dead_until = _adopt(client, before, found, journal, options.float_tags)
        execution = Execution(
            client,
            journal,
            observed,
            emit=emit,
            guard=guard,
            before=found,
            operation_s=options.limits.operation_s,
            polite=options.polite,
            float_tags=options.float_tags,
        )
        engine = Engine(
            execution,
            rollback=options.rollback,
            limits=options.limits,
            dead_until=dead_until,
            verification=options.verification,
        )
        engine.run()
        error = engine.cause
    except VipswapError as raised:
        error = raised
        if isinstance(error, Interrupted):
            guard.acknowledge()
    ended = execution.observed if execution else before
    if error and not (engine and engine.cause is error):
        ended = _last_look(execution) if execution else _not_adopted(client, before)
    outcome, exit_code, told = _judge(error, execution, ended, journal, engine)
    return Report(
        outcome,
        strategy_name(engine.opening if engine else journal.opening),
        exit_code,
        _addresses(journal.pair, before, ended, execution),
        tuple(execution.steps) if execution else (),
        client.clock.monotonic() - began,
        told,
        recover_command(journal.pair) if exit_code in (6, 130) else None,
    )


def strategy_name(opening: Opening) -> str:
    """The contract's word for the strategy: float or native."""
    return "native" if opening is Opening.NATIVE else "float"


def _adopt(
    client: ArmClient, before: Observed, found: Journal | None, journal: Journal, float_tags: Mapping[str, str]
) -> tuple[Observed, float | None]:
    """Write our journal over the one that lies in the float, if one does.

    Also says until when (monotonic seconds) a request of the run before us may still arrive: its client is taken for
    dead, and what a dead client sent is under way no longer than it would have waited for the answer.
    """
    if before.float is not None and found is None:
        lock.check_ours(before.float, journal)
    if before.float is None or found is None:
        return before, None
    if found.done and before.float.holder is not None:
        raise VipswapError(
            f"The float {before.float.id}, left by an earlier swap, is held by {before.float.holder} now.",
            hint="Take that address off there, or give it another one, and delete the float.",
        )
    lock.take_over(client, before.float, journal, float_tags)
    dead_until = None if found.done else client.clock.monotonic() + found.request_timeout_s
    return observe_ruins(client, journal.pair), dead_until


def _not_adopted(client: ArmClient, before: Observed) -> Observed:
    """What there is when the float could not be taken over: all as before, but for the float perhaps."""
    try:
        return replace(before, float=read_float(client, before.float.id)) if before.float else before
    except VipswapError:
        return before


def _last_look(execution: Execution) -> Observed:
    """What there is at the end, if it can be read; else what was known last."""
    try:
        execution.look()
    except VipswapError:
        # The error that ended the run is the one to tell; the state is told as it was known.
        return execution.observed
    return execution.observed


def _judge(
    error: VipswapError | None, execution: Execution | None, ended: Observed, journal: Journal, engine: Engine | None
) -> tuple[Outcome, int, VipswapError | None]:
    """The outcome, the contract's exit code, and the error to tell."""
    written = bool(execution and execution.written)
    if error is None and engine and engine.unverified:
        return Outcome.SWAPPED, 8, engine.unverified
    if error is None:
        back = journal.direction is Direction.ORIGINAL
        return Outcome.ROLLED_BACK if back else Outcome.SWAPPED, 0, None
    if engine and engine.cause is error and engine.direction is Direction.EXCHANGED:
        # There was no way back, and so the swap was finished; what refused it was told on the way.
        return Outcome.SWAPPED, 0, None
    if engine and engine.cause is error:
        # The engine turned round and arrived.
        return (Outcome.ROLLED_BACK, 5, error) if written else (Outcome.FAILED, 1, error)
    begun = written or bool(execution and execution.claimed)
    if isinstance(error, LockHeld) or (isinstance(error, Refused) and not begun):
        return Outcome.REFUSED, error.exit_code, error
    where = states(ended, journal.pair)
    again = recover_command(journal.pair)
    changed = written or _float_left(error, execution, ended)
    if isinstance(error, Interrupted):
        hint = f"Finish or undo it: {again}" if changed else "Nothing was changed."
        return Outcome.INTERRUPTED, 130, Interrupted(f"{error.message} {where}", hint=hint)
    cause = error.cause if isinstance(error, RunFailed) else error
    if not changed:
        return Outcome.FAILED, 1, RunFailed(str(cause), exit_code=1, cause=cause)
    if execution and execution.float_perhaps and ended.float is None:
        where += " Its creation was not answered, so it may exist all the same."
    by_hand = isinstance(cause, Refused) and cause.code in ("FloatDamaged", "FloatForeign")
    hint = journals.BY_HAND if by_hand else f"Finish or undo it: {again}"
    failed = RunFailed(f"{cause} The swap stopped half-way: {where}", exit_code=6, cause=cause, hint=hint)
    return Outcome.NEEDS_RECOVERY, 6, failed


def _float_left(error: VipswapError, execution: Execution | None, ended: Observed) -> bool:
    """Whether a float is left that has to be recovered, or may be; one that is done is not."""
    if ended.float is not None and not journals.says_done(ended.float):
        return True
    if execution is not None:
        return ended.float is None and execution.float_perhaps
    # It was to be taken over, and may yet be.
    return ended.float is not None and perhaps_done(error)


def _addresses(pair: Pair, before: Observed, after: Observed, execution: Execution | None) -> dict[Side, AddressReport]:
    reports = {}
    for side in Side:
        id = pair.originals[side]
        reports[side] = AddressReport(
            id,
            after.addresses[side].address,
            _frontend_of(pair, before, id),
            _frontend_of(pair, after, id),
            execution.ledger.span(id) if execution else None,
        )
    return reports


def _frontend_of(pair: Pair, observed: Observed, address: ResourceId) -> ResourceId | None:
    return next((pair.frontends[side] for side in Side if observed.held(pair, side) == address), None)
