"""Interrupted swaps: finding them by their floats, and finishing or undoing one from any machine."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import NotFound, Refused, UsageError
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId, group_scope, subscription_scope
from vipswap_rest.arm.network import list_public_ips
from vipswap_rest.methods.vip_swap import journal as journals
from vipswap_rest.methods.vip_swap.command_lines import recover_command
from vipswap_rest.methods.vip_swap.foresight import production_works, steps_until_production_stays
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.method import strategy_name
from vipswap_rest.methods.vip_swap.model import Observed, PublicIp
from vipswap_rest.methods.vip_swap.naming import load_balancer_id
from vipswap_rest.methods.vip_swap.observe import observe_ruins, read_float
from vipswap_rest.methods.vip_swap.resolve import at_rest
from vipswap_rest.methods.vip_swap.run import Options, carry_out, nothing_to_do
from vipswap_rest.methods.vip_swap.verification import production_answers
from vipswap_rest.switchover.driver import Guard, Record
from vipswap_rest.switchover.health import Check
from vipswap_rest.switchover.report import Emit, Outcome, Report, Side
from vipswap_rest.switchover.settling import Settling
from vipswap_rest.switchover.steps import Direction


class Recovery(Enum):
    """Which way a recovery goes: on to the exchange, back to the original, or whichever attaches production sooner."""

    RESUME = "resume"
    ROLLBACK = "rollback"
    SOONER = "sooner"


@dataclass(frozen=True, slots=True)
class InterruptedSwap:
    """An interrupted swap: its journal, what is observed, or `damage` where the tags cannot be read or an address is
    no more."""

    float: ResourceId
    journal: Journal | None
    observed: Observed | None
    damage: Refused | NotFound | None = None

    @property
    def production_works(self) -> bool:
        """Whether production's address is known to be where it works."""
        if self.journal is None or self.observed is None:
            return False
        return production_works(self.observed, self.journal.pair)

    def as_json(self, check: Check) -> dict[str, Any]:
        """One item of status's `swaps`; production's address is asked by `check` whether it answers."""
        told: dict[str, Any] = {"float": str(self.float), "damage": self.damage.message if self.damage else None}
        if self.journal is None or self.observed is None:
            return told
        journal, observed, pair = self.journal, self.observed, self.journal.pair
        told |= {
            "run": journal.run,
            "started_at": journal.started,
            "strategy": strategy_name(journal.opening),
            "goal": journal.direction.value,
            "production_attached": production_works(observed, pair),
            "production_answers": production_answers(check, observed, pair),
            "recover": recover_command(pair),
        }
        for side in Side:
            held, address, load_balancer = (
                observed.held(pair, side),
                observed.addresses[side],
                observed.load_balancers[side],
            )
            told[side.value] = {
                "load_balancer": str(pair.load_balancer(side)),
                "provisioning_state": load_balancer.state.capitalize() if load_balancer.exists else "NotFound",
                "frontend": pair.frontends[side].name,
                "holds": str(held) if held else None,
                "public_ip": str(address.id),
                "address": address.address,
                "held_by": address.holder,
            }
        return told


def find(client: ArmClient, resource_group: str | None) -> list[InterruptedSwap]:
    """The interrupted swaps whose floats a list of the resource group shows, or of the subscription without one.

    A list may be stale: it finds swaps, it never proves that there is none. Raises UsageError for what is no group.
    """
    try:
        group = resource_group
        scope = group_scope(client.subscription, group) if group else subscription_scope(client.subscription)
    except InvalidResourceId as error:
        raise UsageError(str(error)) from error
    found = []
    for body in list_public_ips(client, scope):
        if journals.is_float_name(str(body.get("name"))):
            one = _look(client, PublicIp.read(body).id)
            if one is not None:
                found.append(one)
    return found


def find_pair(client: ArmClient, resource_group: str | None, load_balancers: tuple[str, str]) -> list[InterruptedSwap]:
    """The interrupted swap of two load balancers (names or ids, in any order), read by its float's name."""
    first, second = (load_balancer_id(text, client.subscription, resource_group) for text in load_balancers)
    one = _look(client, journals.float_id((first, second)))
    return [one] if one is not None else []


def _look(client: ArmClient, float_: ResourceId) -> InterruptedSwap | None:
    """The swap behind a float; None if there is no float, or one that is done."""
    public_ip = read_float(client, float_)
    if public_ip is None:
        return None
    try:
        journal = journals.read(public_ip)
    except Refused as damage:
        return InterruptedSwap(float_, None, None, damage)
    if journal.done:
        return None
    try:
        return InterruptedSwap(float_, journal, observe_ruins(client, journal.pair))
    except NotFound as missing:
        return InterruptedSwap(float_, journal, None, _maimed(journal, missing))


def _maimed(journal: Journal, missing: NotFound) -> NotFound:
    """The error of a swap one of whose addresses is no more."""
    names = " and ".join(journal.pair.load_balancer(side).name for side in Side)
    told = NotFound(
        missing.code,
        f"The swap of {names}, begun at {journal.started}, can be neither finished nor undone: {missing.message}",
        status=404,
        method=missing.method,
        resource=missing.resource,
    )
    told.hint = journals.BY_HAND
    return told


def choose(found: list[InterruptedSwap]) -> InterruptedSwap | None:
    """The only candidate. Raises UsageError if there are several, Refused if its tags are damaged."""
    if len(found) > 1:
        names = "; ".join(recover_command(one.journal.pair) if one.journal else str(one.float) for one in found)
        raise UsageError(f"There are {len(found)} interrupted swaps.", hint=f"Choose one: {names}")
    for one in found:
        if one.damage is not None:
            raise one.damage
    return found[0] if found else None


def recover(
    client: ArmClient,
    found: InterruptedSwap,
    way: Recovery,
    options: Options,
    *,
    emit: Emit,
    guard: Guard,
    note: Callable[[str], None] = lambda _: None,
    record: Record = lambda event: None,
) -> Report:
    """Take an interrupted swap over, and finish or undo it. Every error of the run is in the report.

    Production is put right at once; the float is deleted after a second look, when no request of the dead run can
    arrive any more. Raises Refused (the float's tags are damaged).
    """
    settling = Settling(client.clock, options.settle_s, note, client.clock.monotonic())
    public_ip = at_rest(settling, partial(read_float, client), found.float)
    journal = journals.read(public_ip) if public_ip else found.journal
    if journal is None:
        raise found.damage or Refused("FloatDamaged", f"The float {found.float} cannot be read.")
    observed = observe_ruins(client, journal.pair)
    if observed.float is None or journal.done:
        return nothing_to_do(journal.pair, observed, strategy_name(journal.opening))
    direction = choose_direction(observed, journal, way)
    note(f"recovering the swap begun at {journal.started}: {_goal(direction)}")
    ours = replace(
        journal,
        direction=direction,
        run=str(uuid.uuid4()),
        request_timeout_s=max(journal.request_timeout_s, round(client.transport.read_timeout)),
    )
    return carry_out(client, ours, observed, journal, options, emit=emit, guard=guard, record=record)


def choose_direction(observed: Observed, journal: Journal, way: Recovery) -> Direction:
    """The goal of a recovery. Of two ways equally short for production, the journal's own."""
    if way is not Recovery.SOONER:
        return Direction.EXCHANGED if way is Recovery.RESUME else Direction.ORIGINAL
    return min(
        (journal.direction, journal.direction.other),
        key=lambda direction: steps_until_production_stays(observed, journal.pair, direction, journal.opening),
    )


def _goal(direction: Direction) -> str:
    return "finishing it" if direction is Direction.EXCHANGED else "putting everything back"


def nothing_found() -> Report:
    """The report of a recovery that found no interrupted swap."""
    return Report(Outcome.NOTHING_TO_DO, "float", 0)
