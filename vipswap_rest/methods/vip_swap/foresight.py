"""What lies ahead if nothing goes wrong: next_step, run on predictions. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap.model import Observed, Pair, PublicIp
from vipswap_rest.methods.vip_swap.reconcile import (
    Attach,
    CreateFloat,
    DeleteFloat,
    Opening,
    Repair,
    RepairFloat,
    SwapNatively,
    attach_name,
    next_step,
    trial_name,
    wants_trial,
)
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.resource import SUCCEEDED
from vipswap_rest.switchover.steps import Claim, Direction, Done, Refuse, Release, Step, Wait

# More steps than any road has.
_LONGEST = 12


def ahead(
    observed: Observed, pair: Pair, direction: Direction, opening: Opening
) -> list[tuple[Step, Observed, Observed]]:
    """The steps to the goal, each with what is before and after it; the last may be a Wait or a Refuse."""
    steps: list[tuple[Step, Observed, Observed]] = []
    while len(steps) < _LONGEST:
        step = next_step(observed, pair, direction, opening)
        if isinstance(step, Done):
            break
        after = predict(step, observed, pair)
        steps.append((step, observed, after))
        if isinstance(step, (Wait, Refuse)):
            break
        observed = after
    return steps


def foresee(observed: Observed, pair: Pair, direction: Direction, opening: Opening) -> list[dict[str, Any]]:
    """The steps to the goal as `plan` prints them."""
    told: list[dict[str, Any]] = []
    for step, before, _ in ahead(observed, pair, direction, opening):
        if isinstance(step, Attach) and wants_trial(step, before, pair):
            told.append(_tell(trial_name(step), pair.load_balancer(step.side.other)))
        told.append(_named(step, pair))
    return told


def steps_until_production_stays(observed: Observed, pair: Pair, direction: Direction, opening: Opening) -> int:
    """How many steps it takes until production's address is where it works and stays; many if it never is."""
    steps = ahead(observed, pair, direction, opening)
    if steps and isinstance(steps[-1][0], (Wait, Refuse)):
        return _LONGEST
    # A native swap takes production off and puts it on again in one step.
    out = [
        number
        for number, (step, before, _) in enumerate(steps, 1)
        if isinstance(step, SwapNatively) or not production_works(before, pair)
    ]
    return max(out, default=0)


def production_works(observed: Observed, pair: Pair) -> bool:
    """Whether production's address is on a frontend whose load balancer has Succeeded."""
    address = pair.originals[Side.PRODUCTION]
    return any(works_on(observed, pair, address, side) for side in Side)


def works_on(observed: Observed, pair: Pair, address: ResourceId, side: Side) -> bool:
    """Held, in the sense that counts: frontend, address and a Succeeded load balancer all agree."""
    known = observed.public_ip(address)
    return (
        observed.held(pair, side) == address
        and observed.load_balancers[side].state == SUCCEEDED
        and known is not None
        and known.held_by(pair.frontends[side])
    )


def predict(step: Step, observed: Observed, pair: Pair) -> Observed:
    """What is observed after a step, if nothing goes wrong."""
    if isinstance(step, Claim):
        float_ = PublicIp(pair.float, "", SUCCEEDED, None, {"id": str(pair.float), "properties": {}})
        return replace(observed, float=float_)
    if isinstance(step, Attach):
        return observed.moved(pair, step.side, step.address)
    if isinstance(step, SwapNatively):
        for side, address in step.addresses:
            observed = observed.moved(pair, side, address)
        return observed
    if isinstance(step, Repair):
        mended = replace(observed.load_balancers[step.side], state=SUCCEEDED)
        return observed.with_load_balancer(step.side, mended)
    if isinstance(step, RepairFloat) and observed.float is not None:
        return replace(observed, float=replace(observed.float, state=SUCCEEDED))
    if isinstance(step, Release):
        return replace(observed, float=None)
    return observed


def _named(step: Step, pair: Pair) -> dict[str, Any]:
    if isinstance(step, Attach):
        return _tell(attach_name(step, pair), pair.load_balancer(step.side), step.address)
    if isinstance(step, SwapNatively):
        return _tell("native_swap", pair.load_balancer(Side.PRODUCTION))
    if isinstance(step, Repair):
        return _tell(f"repair_{step.side.value}", pair.load_balancer(step.side))
    names = {CreateFloat: "create_float", DeleteFloat: "delete_float", RepairFloat: "repair_float", Wait: "wait"}
    return _tell(names.get(type(step), "refuse"), pair.float)


def _tell(name: str, resource: ResourceId, address: ResourceId | None = None) -> dict[str, Any]:
    return {"name": name, "resource": str(resource), "public_ip": str(address) if address else None}
