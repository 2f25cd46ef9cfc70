"""Two runs of one pair at the same moment, in processes of their own: one of them wins, the other changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.conftest import PAIR
from tests.cli.test_crash_matrix import command, snapshot
from tests.methods.vip_swap.lab import exchanged
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import Settings

SWAPPED_ROUND = ("-g", "vipswap", "--lb1", "vipswap2lb", "--lb2", "vipswap1lb")


@pytest.mark.parametrize("second", [PAIR, SWAPPED_ROUND], ids=["the same order", "the other order"])
@pytest.mark.parametrize("if_none_match", ["honour", "ignore"])
def test_of_two_runs_at_once_at_most_one_swaps(if_none_match: str, second: tuple[str, ...], tmp_path: Path) -> None:
    codes: Counter[int] = Counter()
    for seed in range(2):
        settings = Settings(latency="blog", time_scale=0.02, if_none_match=if_none_match, seed=seed)
        with EmulatorServer(settings) as server:
            original = snapshot(server)
            runs = [command(server.endpoint, tmp_path, "swap", *line, "--yes", "-o", "json") for line in (PAIR, second)]
            told = [json.loads(run.communicate(timeout=60)[0]) for run in runs]
            ended = sorted(run.returncode for run in runs)
            codes.update(ended)
            now = snapshot(server)
            swaps = [one for one in told if one["outcome"] == "swapped"]
            # A run that came when the other was over is the next swap, and swaps back.
            goal = exchanged(original) if len(swaps) == 1 else original
            left = {id for id in now if id not in original}
            assert {id: body for id, body in now.items() if id not in left} == goal, told
            if if_none_match == "honour":
                assert ended in ([0, 7], [0, 0]), told
                assert not left
            else:
                assert set(ended) <= {0, 7}, told
            for one in told:
                if one["outcome"] == "refused":
                    assert {step["name"] for step in one["steps"]} <= {"create_float"}
    assert codes[7] >= 1
