"""One swap from what the user named to the report: resolve, preflight, lock, engine, and the truth about the end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import rfc3339
from vipswap_rest.arm.errors import Refused
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap import preflight, surveyor
from vipswap_rest.methods.vip_swap.begun import METHOD, begin, begun_line
from vipswap_rest.methods.vip_swap.command_lines import recover_command
from vipswap_rest.methods.vip_swap.float_store import FloatStore
from vipswap_rest.methods.vip_swap.foresight import foresee
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.method import VipSwap, strategy_name
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.preflight import Finding
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.resolve import Resolved, Target, resolve
from vipswap_rest.methods.vip_swap.verification import Verification
from vipswap_rest.switchover import run
from vipswap_rest.switchover.budget import Budget
from vipswap_rest.switchover.driver import Guard, Record, Unguarded
from vipswap_rest.switchover.outage import Ledger
from vipswap_rest.switchover.report import Emit, Outcome, Report, Side
from vipswap_rest.switchover.settling import SETTLE_S
from vipswap_rest.switchover.state import Limits
from vipswap_rest.switchover.steps import Direction


@dataclass(frozen=True, slots=True)
class Options:
    """How to swap: the opening (order or native), and what is allowed. Times in seconds.

    `ignore` names the findings that must not refuse it (see preflight.checked_codes). With `polite`, ARM's Retry-After
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
    """What a swap would do: the findings, and the steps if none of them forbids it.

    `frontends` and `addresses` are ids, production's first; `float` is the address that the swap creates, and
    `float_body` what it is created with: the journal, by which `vipswap recover` finishes what was begun.
    """

    resolved: Resolved
    journal: Journal
    findings: list[Finding]
    steps: list[dict[str, Any]]
    options: Options

    @property
    def frontends(self) -> tuple[ResourceId, ResourceId]:
        """Production's frontend IP configuration, and staging's."""
        return self.resolved.pair.frontends[Side.PRODUCTION], self.resolved.pair.frontends[Side.STAGING]

    @property
    def addresses(self) -> tuple[ResourceId, ResourceId]:
        """The public IP address that production's frontend holds, and the one that staging's does."""
        return self.resolved.pair.originals[Side.PRODUCTION], self.resolved.pair.originals[Side.STAGING]

    @property
    def float(self) -> ResourceId:
        """The float."""
        return self.resolved.pair.float

    @property
    def float_body(self) -> dict[str, Any]:
        """The float's body, as PUT takes it."""
        store = FloatStore(self.journal, self.resolved.journal, self.options.float_tags)
        observed = self.resolved.observed
        request = store.take_over(observed) if store.taken_over else store.claim(observed, self.journal.opening)
        body: dict[str, Any] = request.body
        return body

    @property
    def float_etag(self) -> str | None:
        """The etag of a float that an earlier swap left, tagged done, and this one adopts; None where there is none."""
        found = self.resolved.observed.float
        return found.etag if found is not None and self.resolved.journal is not None else None

    @property
    def recover_command(self) -> str:
        """The command line that finishes or undoes the swap, wherever it stopped."""
        return recover_command(self.resolved.pair)

    def check(self) -> None:
        """Raise Refused if a finding forbids the swap."""
        preflight.refuse(self.findings)


def plan(
    client: ArmClient, target: Target, options: Options | None = None, *, note: Callable[[str], None] = lambda _: None
) -> Plan:
    """Look at two load balancers: what a swap of their addresses would do, and what speaks against it.

    Nothing is written. `note` is told what is waited for, in a sentence.

    Raises UsageError (what is no name; several public frontends, none chosen), NotFound, Refused (what forbids to look
    any further), LockHeld (an earlier swap is not finished).
    """
    options = options or Options()
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
    return Plan(resolved, journal, findings, steps, options)


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


def swap(
    client: ArmClient,
    planned: Plan,
    *,
    emit: Emit = lambda notice: None,
    guard: Guard | None = None,
    record: Record = lambda event: None,
    budget: Budget | None = None,
) -> Report:
    """Swap the addresses as planned and report how it ended; every error of the run is in the report, none is raised.

    `emit` is told of each step as it begins, is accepted and ends; `record` of every event (`--events`); `guard` says
    which signals came (none, unless given: then a signal ends the process where it is); `budget` is what it shares
    with runs beside it.

    Raises Refused if a finding forbids the swap, or staging does not answer.
    """
    planned.check()
    resolved, options = planned.resolved, planned.options
    guard = guard or Unguarded()
    if resolved.reached:
        report = nothing_to_do(resolved.pair, resolved.observed, strategy_name(options.opening))
        # The address of --vip is production's, here as after the swap that brought it to the other side.
        return replace(report, addresses={side: report.addresses[side.other] for side in Side})
    resuming = resolved.journal is not None and not resolved.journal.done
    if options.verification is not None and not resuming:
        options.verification.gate(resolved.observed, resolved.pair)
    journal, found = planned.journal, resolved.journal
    return carry_out(
        client, journal, resolved.observed, found, options, emit=emit, guard=guard, record=record, budget=budget
    )


def nothing_to_do(pair: Pair, observed: Observed, strategy: str) -> Report:
    """The report of a run that found its goal reached."""
    method = VipSwap(pair, FloatStore(Journal(pair, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING, "", "", 0)))
    return Report(Outcome.NOTHING_TO_DO, strategy, 0, method.addresses(observed, observed, Ledger()))


def carry_out(
    client: ArmClient,
    journal: Journal,
    before: Observed,
    found: Journal | None,
    options: Options,
    *,
    emit: Emit,
    guard: Guard,
    record: Record = lambda event: None,
    budget: Budget | None = None,
) -> Report:
    """Reach a journal's goal from what was observed, over the journal that was `found` in the float, if one was.

    Every error of the run is in the report, none is raised.
    """
    tags, verification = options.float_tags, options.verification
    policy = run.policy(
        client,
        limits=options.limits,
        rollback=options.rollback,
        verify_s=verification.timeout_s if verification else None,
        polite=options.polite,
    )
    return run.carry_out(
        client,
        METHOD,
        begun_line(journal, before, found, policy, tags),
        partial(begin, journal, before, found, policy, tags),
        check=verification.check if verification else None,
        emit=emit,
        guard=guard,
        record=record,
        budget=budget,
    )
