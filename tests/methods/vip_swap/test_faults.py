"""Every fault at every request of a swap: the exit code is the truth, and where it says 6, recovery succeeds.

The suite leaves out what is alike; VIPSWAP_LONG=1 leaves out nothing.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.methods.vip_swap.fault_table import EFFECTS, TIMES, check, run
from tests.methods.vip_swap.lab import Lab
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.state import Limits

LATENCY = Settings(latency="standard", time_scale=0.1, seed=3)
# Of looking again without progress, where a fault never ends: what it does in a minute it does for ever.
PATIENCE_S = {10**6: 60.0}
LONG = os.environ.get("VIPSWAP_LONG") == "1"


def turns(opening: Opening, times: int) -> list[int]:
    """The requests to strike at: every one with VIPSWAP_LONG=1, or for a fault that strikes once from the first write
    on; else the writes and one read of each phase between them."""
    lab = Lab(LATENCY)
    lab.swap(options=Options(opening=opening))
    methods = [method for method, path, _ in lab.wire.sent]
    claim = next(number for number, method in enumerate(methods, 1) if method == "PUT")
    every = range(1 if LONG else claim, len(methods) + 1)
    if LONG or times == 1:
        return list(every)
    return [number for number in every if methods[number - 1] != "GET" or methods[number - 2] != "GET"]


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES.keys())
@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS.keys())
@pytest.mark.parametrize("opening", Opening)
def test_the_exit_code_is_true_whatever_fails(opening: Opening, effect: dict[str, Any], times: int) -> None:
    for number in turns(opening, times):
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
