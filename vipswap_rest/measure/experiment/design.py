"""Which swap comes when: randomised blocks, fixed before the first measurement. Pure.

A block has every strategy twice, once there and once back; in which order the strategies come is drawn for the swaps
there and for those back, and there and back take turns, as they must. So a drift over the hours, and a difference
between the two ways, affects all strategies equally, and pairs of one block and one way compare them. Strategies that
switch different things, two addresses or a rule's pool, take their turns there and back apart, in an order that is
drawn.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from vipswap_rest.arm.errors import UsageError

TRIALS, FEWEST_TRIALS, MOST_TRIALS = 20, 10, 1000


class Way(str, Enum):
    """THERE: production's address goes to the second load balancer. BACK: it goes home."""

    THERE = "there"
    BACK = "back"

    @property
    def other(self) -> Way:
        """The opposite way."""
        return Way.BACK if self is Way.THERE else Way.THERE


# The strategies that switch the same two addresses; every other one has something of its own to switch.
VIP, _ADDRESSES = "vip", ("float", "overlap", "native")


def family_of(strategy: str) -> str:
    """What a strategy switches: strategies of one family take turns, there and back."""
    return VIP if strategy in _ADDRESSES else strategy


class Role(str, Enum):
    """What a swap is for. Only a trial is measured; the others are kept, and are in no figure."""

    TRIAL = "trial"
    # The first swaps of a run: connections, tokens and caches are cold.
    WARM_UP = "warm-up"
    # Brings the addresses to where the next trial begins, or home at the end.
    POSITIONING = "positioning"


@dataclass(frozen=True, slots=True)
class Cell:
    """One swap of the plan."""

    block: int
    strategy: str
    way: Way


@dataclass(frozen=True, slots=True)
class Attempt:
    """A cell that was tried, and whether it gave a valid measurement."""

    cell: Cell
    valid: bool


@dataclass(frozen=True, slots=True)
class Design:
    """What is measured: `trials` valid swaps by each strategy, in an order that `seed` draws."""

    strategies: tuple[str, ...]
    trials: int
    seed: int

    def cells(self) -> tuple[Cell, ...]:
        """All of the plan, in order; blocks are counted from 1."""
        return _cells(self)

    @property
    def families(self) -> tuple[str, ...]:
        """What is switched, each once, in the order of the strategies."""
        return tuple(dict.fromkeys(map(family_of, self.strategies)))

    def of(self, family: str) -> tuple[str, ...]:
        """The strategies of a family."""
        return tuple(one for one in self.strategies if family_of(one) == family)

    def upcoming(self, attempts: Sequence[Attempt], positions: Mapping[str, Way]) -> Cell | None:
        """The cell to try next, or None if each has been measured: the plan first, then what was invalid, beginning
        with what can be done as things lie (`positions`: the way that the next switch of each family goes)."""
        tried = {attempt.cell for attempt in attempts}
        valid = {attempt.cell for attempt in attempts if attempt.valid}
        plan = self.cells()
        fresh = next((cell for cell in plan if cell not in tried), None)
        if fresh is not None:
            return fresh
        again = [cell for cell in plan if cell not in valid]
        ready = (cell for cell in again if cell.way is positions[family_of(cell.strategy)])
        return next(ready, again[0] if again else None)


@lru_cache(maxsize=8)
def _cells(design: Design) -> tuple[Cell, ...]:
    draw = random.Random(design.seed)  # noqa: S311 - it shuffles, and must be repeatable
    plan = []
    for block in range(1, design.trials // 2 + 1):
        turns = []
        for family in design.families:
            there, back = list(design.of(family)), list(design.of(family))
            draw.shuffle(there)
            draw.shuffle(back)
            turns += [
                (Cell(block, out, Way.THERE), Cell(block, home, Way.BACK))
                for out, home in zip(there, back, strict=True)
            ]
        if len(design.families) > 1:
            draw.shuffle(turns)
        plan += [cell for turn in turns for cell in turn]
    return tuple(plan)


def design_of(strategies: str, trials: int, seed: int, *, known: Sequence[str], allow_few: bool = False) -> Design:
    """The design that a command line asks for. Raises UsageError for an invalid one, or one that is too small.

    strategies: names with commas between them, each one of `known`. trials: swaps by each strategy, half there and half
    back.
    """
    names = tuple(name.strip() for name in strategies.split(","))
    for name in names:
        if name not in known:
            raise UsageError(f"{name!r} is not a strategy.", hint=f"--strategies takes {', '.join(known)}.")
    if len(set(names)) != len(names):
        raise UsageError(f"--strategies names one twice: {strategies}.")
    if trials % 2 or not 2 <= trials <= MOST_TRIALS:
        raise UsageError(
            f"--trials {trials}: it must be an even number from 2 to {MOST_TRIALS}; half of the swaps go there and "
            "half go back."
        )
    if trials < FEWEST_TRIALS and not allow_few:
        raise UsageError(
            f"{trials} trials by each strategy are too few: at least {FEWEST_TRIALS} are needed.",
            hint="--allow-few measures all the same, to try things out; every figure shows how little it covers.",
        )
    if seed < 0:
        raise UsageError("--seed must be a whole number, 0 or above.")
    return Design(names, trials, seed)
