"""Every fault at every request of a swap: the exit code is the truth, and where it says 6, recovery succeeds.

The suite leaves out what is alike; VIPSWAP_LONG=1 leaves out nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.methods.vip_swap.fault_table import EFFECTS, TIMES, check, run
from tests.methods.vip_swap.lab import Lab
from tests.methods.vip_swap.moments import LONG, moments
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.state import Limits

LATENCY = Settings(latency="standard", time_scale=0.03, seed=3, release="accept")
# Of looking again without progress, where a fault never ends: what it does in a minute it does for ever.
PATIENCE_S = {10**6: 60.0}


def turns(opening: Opening, turn: int) -> list[int]:
    """The requests to strike at; in the suite from the first write on."""
    lab = Lab(LATENCY)
    lab.swap(options=Options(opening=opening))
    methods = [method for method, _, _ in lab.wire.sent]
    return moments(methods, turn, first=methods.index("PUT") + 1)


def cells() -> Iterator[Any]:
    """Opening, effect and its number, how often: all of them with VIPSWAP_LONG=1; else what strikes more than once
    strikes one way to swap, another one each time."""
    for turn, (name, effect) in enumerate(EFFECTS.items()):
        for number, (often, times) in enumerate(TIMES.items()):
            for opening in Opening if LONG or times == 1 else [list(Opening)[(turn + number) % len(Opening)]]:
                yield pytest.param(opening, turn, effect, times, id=f"{opening.value}-{name}-{often}")


@pytest.mark.parametrize(("opening", "turn", "effect", "times"), list(cells()))
def test_the_exit_code_is_true_whatever_fails(opening: Opening, turn: int, effect: dict[str, Any], times: int) -> None:
    for number in turns(opening, turn + times):
        lab = Lab(LATENCY)
        original = lab.snapshot()
        lab.strike({"match": {"nth": number}, "effect": effect, "times": times})

        code, said = run(lab, opening, Limits(patience_s=PATIENCE_S.get(times, 300.0)))

        check(
            lab,
            original,
            code,
            f"at request {number} {lab.wire.sent[min(number, len(lab.wire.sent)) - 1][:2]}: {code} {said}",
        )
