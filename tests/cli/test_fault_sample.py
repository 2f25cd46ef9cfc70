"""A sample of the fault matrix over real sockets: the exit code is the truth, and where it says 6, recovery succeeds.

Every effect at the requests that a swap turns on. Most swaps run in this process, on a fast clock, with the transport
that the command has; some as commands in processes of their own. VIPSWAP_LONG=1 plays every way to swap and every
number of times; the suite takes one of them for each effect and request, in turn.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import PAIR
from tests.cli.test_crash_matrix import WAYS, command
from tests.clocks import FastClock
from tests.methods.vip_swap.fault_table import EFFECTS, TIMES, check, run
from tests.methods.vip_swap.socket_lab import SocketLab
from vipswap_rest.emulator.settings import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery
from vipswap_rest.switchover.state import Limits

LONG = os.environ.get("VIPSWAP_LONG") == "1"
LATENCY = Settings(latency="standard", time_scale=0.1, seed=3)
# A fault that never ends is looked at for half a minute, of the fast clock.
LIMITS = Limits(operation_s=30.0, patience_s=30.0)


def opens(method: str, path: str) -> bool:
    """Whether a request takes production's address off its load balancer."""
    return (method == "PUT" and path.endswith("vipswap1lb")) or path.endswith(
        "setLoadBalancerFrontendPublicIpAddresses"
    )


# Which request is struck: given whether the outage has been opened, its method and its path.
Moment = Callable[[bool, str, str], bool]
MOMENTS: dict[str, Moment] = {
    "the claim": lambda opened, method, path: method == "PUT" and "vipswap-float-" in path,
    "the write that opens the outage": lambda opened, method, path: opens(method, path),
    "a poll inside the outage": lambda opened, method, path: opened and "/operations/" in path,
    # The native swap attaches it with the write that opens the outage; what follows there is asking for the result.
    "the write that attaches production's address": lambda opened, method, path: (
        opened and ((method == "PUT" and path.endswith("vipswap2lb")) or "/operationResults/" in path)
    ),
    "the float's deletion": lambda opened, method, path: method == "DELETE",
}


def strike_at(lab: SocketLab, moment: Moment, fault: dict[str, Any]) -> None:
    """Let a fault strike from the first request on that the moment names."""
    opened = struck = False

    def before(request: requests.PreparedRequest) -> None:
        nonlocal opened, struck
        method, path = request.method or "", (request.url or "").partition("?")[0]
        if not struck and moment(opened, method, path):
            struck = True
            lab.strike(fault)
            lab.hurry()
        opened = opened or opens(method, path)

    lab.wire.before = before


def samples() -> Iterator[Any]:
    """Each effect at each moment: with every way to swap and number of times, or with one of each, in turn."""
    ways = list(product(Opening, TIMES.items()))
    for number, (effect, moment) in enumerate(product(EFFECTS, MOMENTS)):
        # 9 ways and 5 moments have no common factor, so that each moment meets each way.
        for opening, (often, times) in ways if LONG else [ways[number % len(ways)]]:
            name = f"{effect} at {moment}, {often}, {opening.value}"
            yield pytest.param(opening, MOMENTS[moment], EFFECTS[effect], times, id=name)


@pytest.mark.parametrize(("opening", "moment", "effect", "times"), list(samples()))
def test_the_exit_code_is_true_over_sockets(
    opening: Opening, moment: Moment, effect: dict[str, Any], times: int
) -> None:
    with SocketLab(LATENCY, calm=True) as lab:
        original = lab.snapshot()
        strike_at(lab, moment, {"match": {}, "effect": effect, "times": times})

        code, said = run(lab, opening, LIMITS)

        assert lab.struck() > 0
        check(lab, original, code, f"{code} {said}")


class ProcessLab(SocketLab):
    """The same emulator in real time; its swaps and recoveries are commands in processes of their own."""

    def __init__(self, home: Path) -> None:
        super().__init__(Settings(latency="standard", time_scale=0.02, seed=3), FastClock(1.0))
        self._home = home

    def run(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command, and what it said."""
        process = command(self.server.endpoint, self._home, *arguments, "-o", "json")
        out, err = process.communicate(timeout=100)
        return process.returncode, f"{json.loads(out)['outcome']}: {err}"

    def recover(self, way: Recovery = Recovery.SOONER, options: Any = None) -> Any:
        code, said = self.run("recover", "-g", "vipswap", *([] if way is Recovery.SOONER else [f"--{way.value}"]))
        return Ended(code, said)


@dataclass(frozen=True)
class Ended:
    """How a command ended: what `check` asks a report for."""

    exit_code: int
    outcome: str
    error: None = None


OPENS, ATTACHES = {"method": "PUT", "path": "vipswap1lb$"}, {"method": "PUT", "path": "vipswap2lb$", "nth": 2}
FLOAT, POLL = "vipswap-float-", {"method": "GET", "path": "/operations/", "nth": 4}
# In processes of their own: which way, which requests, what happens to them, how often; and the exit code.
COMMANDS: list[tuple[str, dict[str, Any], str | dict[str, Any], int, set[int]]] = [
    ("staging first", OPENS, "a lost answer", 1, {0}),
    ("staging first", OPENS, "403", 10**6, {5}),
    ("staging first", ATTACHES, "a zombie", 1, {0}),
    ("staging first", ATTACHES, "403", 2, {5}),
    ("staging first", POLL, "a hang", 1, {0}),
    ("staging first", {"method": "PUT", "path": FLOAT}, "a reset", 1, {0}),
    ("staging first", {"method": "PUT", "path": FLOAT}, {"stale_reads_s": 1.0}, 1, {0, 6, 7}),
    ("staging first", {"method": "DELETE", "path": FLOAT}, "400", 10**6, {0}),
    ("staging first", {"method": "PUT", "path": "lb$", "nth": 2}, "403", 10**6, {6}),
    ("production first", OPENS, "a canceled operation", 1, {0}),
    ("native", {"method": "POST", "path": "setLoadBalancer"}, "a hang before", 1, {0}),
    ("native", {"method": "POST", "path": "setLoadBalancer"}, "a lost answer", 1, {0}),
]


def test_the_exit_code_of_a_process_is_true(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        for ended in [pool.submit(partial(strike_a_command, tmp_path, *one)) for one in COMMANDS]:
            ended.result()


def strike_a_command(
    home: Path, way: str, match: dict[str, Any], effect: str | dict[str, Any], times: int, codes: set[int]
) -> None:
    """Play one of the COMMANDS."""
    with ProcessLab(home) as lab:
        original = lab.snapshot()
        lab.strike({"match": match, "effect": EFFECTS[effect] if isinstance(effect, str) else effect, "times": times})

        code, said = lab.run("swap", *PAIR, *WAYS[way], "--yes")

        told = f"{way}, {effect} at {match}: {code} {said}"
        assert lab.struck() > 0, told
        assert code in codes, told
        check(lab, original, code, told)
