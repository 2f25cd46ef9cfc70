"""Somebody writes a load balancer through ARM while a swap, in a process of its own, has an operation running.

Time stands still in the emulator until he has. tests/methods/vip_swap/test_outsiders.py enumerates every request.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from tests.cli.conftest import PAIR, PRODUCTION_LB, STAGING_LB
from tests.cli.test_crash_matrix import WAYS, command
from tests.cli.test_recover_alive import LATENCY, POINTS
from tests.clocks import HeldClock
from tests.methods.vip_swap.socket_lab import SocketLab
from tests.methods.vip_swap.test_outsiders import DEEDS, add_rule
from vipswap_rest.emulator.settings import Settings

FLOAT_WAYS = ("staging first", "production first")
# Whose operation runs then.
RUNNING = {"while the first operation runs": STAGING_LB, "inside the outage": PRODUCTION_LB}


def play(home: Path, way: str, point: str, deed: str, id: str) -> None:
    clock = HeldClock()
    with SocketLab(Settings(latency=str(home / "latency.json")), clock) as lab:
        swap = command(lab.server.endpoint, home, "swap", *PAIR, *WAYS[way], "--yes", "-o", "json")
        POINTS[point](lab.server, clock)

        assert DEEDS[deed](lab, id)
        clock.release()
        out, err = swap.communicate(timeout=60)

        told = f"{way}, {deed} of {id} {point}: {swap.returncode} {out} {err}"
        assert swap.returncode == 0, told
        assert json.loads(out)["outcome"] == "swapped", told
        lab.rest()
        assert lab.snapshot() == peaceful(home, deed, id), told
        canceled = [event["resource"] for event in lab.timeline() if event["event"] == "operation_canceled"]
        assert canceled == ([id] if DEEDS[deed] is add_rule and RUNNING[point] == id else []), told


def peaceful(home: Path, deed: str, id: str) -> dict[str, object]:
    """What there is when the deed is done after a swap."""
    with SocketLab(Settings(latency=str(home / "latency.json"))) as lab:
        lab.timeout_s = 30.0
        assert lab.swap(options=lab.undisturbed).exit_code == 0
        assert DEEDS[deed](lab, id)
        lab.rest()
        return lab.snapshot()


def test_an_outsiders_change_during_an_operation_and_the_goal_are_both_there(tmp_path: Path) -> None:
    (tmp_path / "latency.json").write_text(json.dumps(LATENCY))
    cases = product(FLOAT_WAYS, POINTS, DEEDS, (PRODUCTION_LB, STAGING_LB))
    with ThreadPoolExecutor(3) as pool:
        for played in [pool.submit(play, tmp_path, *case) for case in cases]:
            played.result()
