"""The one idea: a swap makes the observed state equal the goal, by the one next step that is legal now.

Swap, resume, roll back and the other order are all this function. It is pure, and total: every arrangement of the two
addresses and the float reaches the goal in at most five writes, or is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.resource import BROKEN, in_motion
from vipswap_rest.switchover.steps import Claim, Direction, Done, Refuse, Release, Step, Wait, Write


@dataclass(frozen=True, slots=True)
class Repair(Write):
    """PUT a side's load balancer again as it is: it is Failed or Canceled."""

    side: Side


@dataclass(frozen=True, slots=True)
class RepairFloat(Write):
    """PUT the float again as it is: it is Failed or Canceled."""


@dataclass(frozen=True, slots=True)
class Attach(Write):
    """PUT a side's load balancer with this address on its frontend."""

    side: Side
    address: ResourceId


@dataclass(frozen=True, slots=True)
class SwapNatively(Write):
    """Ask ARM to exchange both addresses in one operation."""

    addresses: tuple[tuple[Side, ResourceId], ...]


@dataclass(frozen=True, slots=True)
class CreateFloat(Claim):
    """Create the float: the journal, and the address that makes room."""


@dataclass(frozen=True, slots=True)
class DeleteFloat(Release):
    """Both frontends hold their goal: the float is not needed any more."""


class Opening(Enum):
    """How room is made when neither address is free: which side goes to the float first, or the native swap.

    OVERLAP is staging first, and production's address is attached while the operation still runs that releases it.
    """

    FLOAT_ON_STAGING = "staging"
    FLOAT_ON_PRODUCTION = "production"
    NATIVE = "native"
    OVERLAP = "overlap"

    @property
    def first(self) -> Side:
        """The side that goes to the float first."""
        return Side.PRODUCTION if self is Opening.FLOAT_ON_PRODUCTION else Side.STAGING


def next_step(observed: Observed, pair: Pair, direction: Direction, opening: Opening) -> Step:
    """The one thing to do now."""
    goal = pair.goal(direction)
    unsettled = _unsettled(observed, pair)
    if isinstance(unsettled, Refuse):
        return _rescue(observed, pair) or unsettled
    if unsettled:
        return unsettled
    if all(observed.held(pair, side) == goal[side] for side in Side):
        return DeleteFloat() if observed.float else Done()
    # Production's address first: while it is free, production is out.
    for address in (pair.originals[Side.PRODUCTION], pair.originals[Side.STAGING]):
        for side in Side:
            if goal[side] == address and observed.held(pair, side) != address and _free(observed, address):
                return Attach(side, address)
    return _make_room(observed, pair, goal, opening)


def wants_trial(step: Attach, observed: Observed, pair: Pair) -> bool:
    """Whether the other load balancer is to be written first, unchanged, before this step.

    Production-first order opens the outage with its first write. A refusal of the other load balancer's (403, a policy,
    a lock) would come in the middle of it, so that one is tried beforehand.
    """
    opens = observed.held(pair, step.side) == pair.originals[Side.PRODUCTION]
    return opens and step.address == pair.float


def attach_name(step: Attach, pair: Pair) -> str:
    """The step's name: `staging_to_float`, `production_to_staging_address`, ..."""
    for side in Side:
        if step.address == pair.originals[side]:
            return f"{step.side.value}_to_{side.value}_address"
    return f"{step.side.value}_to_float"


def trial_name(step: Attach) -> str:
    """The name of the trial write before the step."""
    return f"trial_{step.side.other.value}"


def _make_room(observed: Observed, pair: Pair, goal: dict[Side, ResourceId], opening: Opening) -> Step:
    crossed = {observed.held(pair, side) for side in Side} == set(pair.originals.values())
    if not crossed:
        stuck = [address for address in goal.values() if not _free(observed, address)]
        address = stuck[0] if stuck else pair.originals[Side.PRODUCTION]
        known = observed.public_ip(address)
        return Refuse(address, f"It is held by {known.holder if known else 'an unknown resource'}, outside this swap.")
    if observed.float is None:
        return CreateFloat()
    if opening is Opening.NATIVE:
        return SwapNatively(tuple(goal.items()))
    if observed.float.holder:
        return Refuse(observed.float.id, f"The float is held by {observed.float.holder}, outside this swap.")
    return Attach(opening.first, observed.float.id)


def _rescue(observed: Observed, pair: Pair) -> Attach | None:
    """Where one frontend is gone permanently while production's address is free, the other one takes it, wherever it
    was meant to go: a swap cannot be finished or undone any more, and production can be on."""
    address, ours = pair.originals[Side.PRODUCTION], {*pair.originals.values(), pair.float}
    left = [side for side in Side if observed.load_balancers[side].frontend(pair.frontends[side]) is not None]
    if len(left) == 1 and observed.held(pair, left[0]) in ours and _free(observed, address):
        return Attach(left[0], address)
    return None


def _free(observed: Observed, address: ResourceId) -> bool:
    known = observed.public_ip(address)
    return known is not None and known.holder is None


def _unsettled(observed: Observed, pair: Pair) -> Step | None:
    """What must be waited for, repaired or refused before anything else is looked at."""
    states = {item.id: item.state for item in observed.load_balancers.values()}
    states |= {item.id: item.state for item in observed.public_ips}
    for resource, state in states.items():
        if in_motion(state):
            # Never supersede an operation in flight.
            return Wait(resource, f"it is {state}")
    # What will be refused in the end is refused before anything is repaired.
    refused = _not_ours(observed, pair)
    if refused:
        return refused
    if apart := _apart(observed, pair):
        return apart
    for side in Side:
        if observed.load_balancers[side].state in BROKEN:
            return Repair(side)
    for public_ip in observed.addresses.values():
        if public_ip.state in BROKEN:
            return Refuse(public_ip.id, f"The address is {public_ip.state}, and this swap must not write it.")
    if observed.float and observed.float.state in BROKEN:
        return RepairFloat()
    return _disagreement(observed, pair)


def _apart(observed: Observed, pair: Pair) -> Attach | None:
    """Both frontends name production's address, because one of two overlapping operations failed and went back: only
    forward can it not come to rest on neither."""
    address, other = pair.originals[Side.PRODUCTION], pair.originals[Side.STAGING]
    named_by_both = all(observed.held(pair, side) == address for side in Side)
    return Attach(Side.PRODUCTION, other) if named_by_both and _free(observed, other) else None


def _not_ours(observed: Observed, pair: Pair) -> Refuse | None:
    """Why a frontend is none that this swap may write, if one is."""
    for side in Side:
        frontend, held = pair.frontends[side], observed.held(pair, side)
        if observed.load_balancers[side].frontend(frontend) is None:
            return Refuse(frontend, "The frontend IP configuration is gone.")
        if held is None:
            return Refuse(frontend, "The frontend has no public IP address.")
        if held not in (*pair.originals.values(), pair.float):
            return Refuse(frontend, f"The frontend holds {held}, which is not an address of this swap.")
    return None


def _disagreement(observed: Observed, pair: Pair) -> Wait | Refuse | None:
    """What two reads do not agree about: for a while, but where a third party is named."""
    for side in Side:
        frontend, held = pair.frontends[side], observed.held(pair, side)
        if held is None or (held == pair.float and observed.float is None):
            continue  # The frontend refers to it, so it exists: a late read must not keep production waiting.
        known = observed.public_ip(held)
        if known and known.holder and not any(known.held_by(frontend) for frontend in pair.frontends.values()):
            return Refuse(held, f"It shows that {known.holder} holds it, outside this swap.")
        if known is None or not known.held_by(frontend):
            return Wait(held, "the frontend refers to it and it does not show that yet")
    for public_ip in observed.public_ips:
        for side in Side:
            if public_ip.held_by(pair.frontends[side]) and observed.held(pair, side) != public_ip.id:
                return Wait(public_ip.id, "it shows a frontend that does not refer to it any more")
    return None
