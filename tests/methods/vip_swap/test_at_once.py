"""Two runs of one pair at the same moment, in every kind of order of their requests: at most one of them swaps."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.methods.vip_swap.interleaving import Interleaving
from tests.methods.vip_swap.lab import TARGET, Lab, exchanged
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options

SWAPPED_ROUND = Target("vipswap2lb", "vipswap1lb", "vipswap")
SEEDS = 150 if os.environ.get("VIPSWAP_LONG") == "1" else 12


def attempt(lab: Lab, target: Target, opening: Opening) -> tuple[int, set[str]]:
    """The exit code of a swap, and the names of the steps that succeeded."""
    try:
        report = lab.swap(target, Options(opening=opening))
    except VipswapError as error:
        return error.exit_code, set()
    return report.exit_code, {step.name for step in report.steps if step.succeeded}


@pytest.mark.parametrize("opening", Opening)
@pytest.mark.parametrize("second", [TARGET, SWAPPED_ROUND], ids=["the same order", "the other order"])
@pytest.mark.parametrize("if_none_match", ["honour", "ignore"])
def test_of_two_runs_of_a_pair_at_once_at_most_one_swaps(if_none_match: str, second: Target, opening: Opening) -> None:
    seen: Counter[tuple[int, ...]] = Counter()
    for seed in range(SEEDS):
        lab = Lab(Settings(latency="standard", time_scale=0.1, seed=seed, if_none_match=if_none_match))
        original = lab.snapshot()
        ended: list[tuple[int, set[str]]] = []

        Interleaving(lab, seed).run(
            lambda lab=lab, ended=ended: ended.append(attempt(lab, TARGET, opening)),
            lambda lab=lab, ended=ended: ended.append(attempt(lab, second, opening)),
        )

        codes = tuple(sorted(code for code, _ in ended))
        told = f"seed {seed}: {ended}"
        left, now = lab.floats(), lab.snapshot()
        allowed = {(0, 7), (0, 0), (0, 1)} if if_none_match == "honour" else {(0, 7), (0, 0), (0, 1), (7, 7)}
        assert codes in allowed, told
        if codes == (7, 7):
            # One overwrote the other's journal, and both kept away: at most one had begun.
            assert lab.recover().exit_code == 0, told
            assert lab.snapshot() in (original, exchanged(original)), told
            assert lab.floats() == [], told
        else:
            assert left == [], told
            assert now == (original if codes == (0, 0) else exchanged(original)), told
        begun = [steps for code, steps in ended if code == 7 and steps - {"create_float", "delete_float"}]
        assert not begun, told
        seen[codes] += 1
    assert seen[(0, 7)] > SEEDS / 2, seen
