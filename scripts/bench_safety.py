"""What the safety costs: production's outage with the take-over check and the event log, and without, side by side.

Both runs of a pair meet the same emulator settings and seed, so their operations last equally long. The outage is the
emulator's own account of it: from the acceptance of the write that takes production's address off to the success of
the one that attaches it. The times are the emulator's, scaled; what the safety costs is not scaled, so a smaller scale
makes its share larger than it is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import requests

from vipswap_rest.arm.auth import ReadyToken
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.http import Response, Transport
from vipswap_rest.cli.audit import AuditTrail
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options, plan, swap
from vipswap_rest.switchover import driver
from vipswap_rest.switchover.actions import Request


@contextlib.contextmanager
def emulator(seed: int, time_scale: float) -> Iterator[dict[str, Any]]:
    """An emulator in a process of its own; gives its first line."""
    command = [sys.executable, "-m", "vipswap_rest", "emulator", "--latency", "standard"]
    command += ["--seed", str(seed), "--time-scale", str(time_scale)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def without_looking(float_: str) -> contextlib.AbstractContextManager[Any]:
    """A driver that takes the float, while an operation is polled, to be as it was read last."""
    ask, known = driver.ask, dict[str, Response | None]()

    def answered(client: ArmClient, request: Request, deadline: float | None) -> Response | None:
        if deadline is not None and request.target == float_:
            return known[float_]
        answer = ask(client, request, deadline)
        if request.method != "DELETE":
            known[request.target] = answer
        return answer

    return mock.patch.object(driver, "ask", answered)


def outage_s(seed: int, time_scale: float, opening: Opening, events: Path | None) -> float:
    """Production's outage of one swap, with all the safety if there is an events file, else without, in seconds."""
    with contextlib.ExitStack() as stack:
        clock = stack.enter_context(SignalGuard())
        facts = stack.enter_context(emulator(seed, time_scale))
        client = ArmClient(Transport(facts["endpoint"], ReadyToken("any"), clock=clock), facts["subscription"])
        stack.callback(client.transport.close)
        target = Target(*facts["load_balancers"], facts["resource_group"])
        planned = plan(client, target, Options(opening=opening))
        trail = stack.enter_context(AuditTrail(str(events) if events else None, clock))
        if events is None:
            stack.enter_context(without_looking(str(planned.float)))
        report = swap(client, planned, guard=clock, record=trail)
        assert report.exit_code == 0, report.error
        address = str(planned.addresses[0]).lower()
        told = requests.get(f"{facts['endpoint']}/emulator/timeline", timeout=10).json()["events"]
    mine = [event for event in told if (event["public_ip"] or "").lower() == address]
    off = next(event["t"] for event in mine if event["event"] == "request_accepted")
    on = next(event["t"] for event in mine if event["event"] == "address_attached" and event["t"] > off)
    return float(on - off)


def main() -> int:
    """Print the table; exit 1 if the median cost is above the bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swaps", type=int, default=10, help="pairs of swaps for each order (10)")
    parser.add_argument("--time-scale", type=float, default=1.0, help="the emulator's (1)")
    parser.add_argument("--bound", type=float, default=2.0, help="the most that the median may cost, in per cent (2)")
    arguments = parser.parse_args()
    print(
        f"Emulated: --latency standard --time-scale {arguments.time_scale}; {os.cpu_count()} cores, "
        f"Python {sys.version.split()[0]}; outages in seconds; the order of the two runs alternates."
    )
    costs = []
    print(f"{'order':<22}{'seed':>5}{'without':>10}{'with':>10}{'cost':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for opening in (Opening.FLOAT_ON_STAGING, Opening.FLOAT_ON_PRODUCTION):
            for seed in range(arguments.swaps):
                ways = [None, Path(folder, f"{opening.value}-{seed}.jsonl")]
                if seed % 2:
                    ways.reverse()
                took = {way: outage_s(seed, arguments.time_scale, opening, way) for way in ways}
                bare = took.pop(None)
                (full,) = took.values()
                costs.append(100 * (full / bare - 1))
                print(f"{opening.name.lower():<22}{seed:>5}{bare:>10.3f}{full:>10.3f}{costs[-1]:>+8.2f}%", flush=True)
    median = statistics.median(costs)
    print(f"median {median:+.2f} %, from {min(costs):+.2f} % to {max(costs):+.2f} %; allowed {arguments.bound} %")
    return 0 if median <= arguments.bound else 1


if __name__ == "__main__":
    sys.exit(main())
