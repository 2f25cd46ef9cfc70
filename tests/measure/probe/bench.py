"""What the probe is worth and what it costs, as tables: `scripts/bench_probe --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.measure.probe.measured import KINDS, LENGTHS_S, Tally, measure
from tests.measure.probe.server import Change, Plan, served
from vipswap_rest.measure.probe.findings import round_trips
from vipswap_rest.measure.probe.prober import Prober
from vipswap_rest.measure.probe.samples import SampleOutcome, Samples
from vipswap_rest.measure.probe.target import parse_target

INTERVALS_S = (0.01, 0.05, 0.1)
LOADS = {"idle": 0, "one busy core": 1, "all cores busy": os.cpu_count() or 1}
# The goal for kinds that do not flap: beyond two intervals, a round trip and the latency of a failure.
ALLOWED_S = {"idle": 0.005, "one busy core": 0.005}
# How long the probers run at a stretch: some 1,700 outages.
ROUND_S, QUICK_ROUND_S = 60.0, 12.0
TEN_MINUTES_S = 600.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables. Returns 1 if anything that the probe said was not true."""
    parser = argparse.ArgumentParser(prog="scripts/bench_probe", description="Measure the probe on this machine.")
    parser.add_argument(
        "--outages", type=int, default=500, metavar="N", help="under each load (default: 500; 0: the cost only)"
    )
    parser.add_argument("--loads", default=",".join(LOADS), metavar="LIST", help=f"of: {', '.join(LOADS)}")
    parser.add_argument("--cost-seconds", type=float, default=60.0, metavar="S", help="for the cost (default: 60)")
    parser.add_argument("--quick", action="store_true", help="100 outages idle, cost over 10 s")
    parser.add_argument("--spend", nargs="+", help=argparse.SUPPRESS)
    parser.set_defaults(round_seconds=ROUND_S)
    arguments = parser.parse_args(argv)
    if arguments.spend:
        _spend(float(arguments.spend[0]), arguments.spend[1:])
        return 0
    if arguments.quick:
        arguments.outages, arguments.loads, arguments.cost_seconds = 100, "idle", 10.0
        arguments.round_seconds = QUICK_ROUND_S
    loads = [name.strip() for name in arguments.loads.split(",")]
    if unknown := set(loads) - set(LOADS):
        parser.error(f"no such load: {', '.join(sorted(unknown))}")
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f} before, "
        f"Python {platform.python_version()}. Addresses on loopback, {len(KINDS)} kinds at once at each of "
        f"{len(INTERVALS_S)} intervals, a prober process for each interval."
    )
    true = True
    for load in loads if arguments.outages else []:
        true = _containment(load, arguments.outages, arguments.round_seconds) and true
    _cost(arguments.cost_seconds)
    return 0 if true else 1


def _containment(load: str, outages: int, seconds: float) -> bool:
    tallies: dict[tuple[str, float], Tally] = {}
    number = 0
    while sum(tally.outages for tally in tallies.values()) < outages:
        for tally in measure(KINDS, INTERVALS_S, seconds, busy=LOADS[load], seed=f"bench {load} {number}"):
            key = (tally.kind.name, tally.interval_s)
            tallies[key] = tally if key not in tallies else tallies[key].plus(tally)
        number += 1
    print(f"\n{load}: {sum(tally.outages for tally in tallies.values())} outages of 0 to {max(LENGTHS_S):g} s")
    print("bounds beyond 2 intervals + round trip + latency of a failure, ms, of those reported alone:")
    print(f"{'':20}{'interval':>9}{'outages':>9}{'alone':>7}{'merged':>7}{'unseen':>7}{'untrue':>7}", end="")
    print(f"{'p50':>8}{'p99':>8}{'max':>8}{'skipped':>9}{'unknown':>9}")
    for tally in tallies.values():
        excess = sorted(tally.excess_s)
        widths = "".join(f"{_rank(excess, percent) * 1000:8.1f}" for percent in (50, 99, 100)) if excess else " " * 24
        print(
            f"{tally.kind.name:20}{tally.interval_s * 1000:6.0f} ms{tally.outages:9}{tally.alone:7}{tally.merged:7}"
            f"{tally.unseen:7}{len(tally.broken):7}{widths}{tally.skipped:9}{tally.unknown_s:7.2f} s"
        )
        for broken in tally.broken:
            print(f"  NOT TRUE: {broken}")
    steady = [tally for tally in tallies.values() if tally.kind.is_steady]
    if load in ALLOWED_S:
        print(f"within {ALLOWED_S[load] * 1000:.0f} ms, of those that neither flap nor answer late (goal: 99 %):")
        _share("all", [one for tally in steady for one in tally.excess_s], ALLOWED_S[load])
        _share("no unknown window", [one for tally in steady for one in tally.excess_known_s], ALLOWED_S[load])
    return not any(tally.broken for tally in tallies.values())


def _share(name: str, excess: Sequence[float], allowed: float) -> None:
    within = sum(one <= allowed for one in excess)
    print(f"  {name:20}{within} of {len(excess)}, {100 * within / max(1, len(excess)):.1f} %")


def _rank(ordered: Sequence[float], percent: int) -> float:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _cost(seconds: float) -> None:
    """Two processes that do the same, but for the probing; what one costs more is what probing costs."""
    with served(Plan([[Change(0.0)], [Change(0.0)]], seconds + 5)) as server:
        lines = [
            [sys.executable, "-m", "tests.measure.probe.bench", "--spend", str(seconds), *urls]
            for urls in ([], server.urls())
        ]
        children = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for line in lines]
        without, probing = (json.loads(child.communicate()[0]) for child in children)
    share = 100 * (probing["cpu_s"] - without["cpu_s"]) / seconds
    print(
        f"\ncost of two addresses every 10 ms, over {seconds:g} s of it ({probing['sent']} samples), beside a process"
    )
    print(f"that does not probe: {share:.1f} % of a core (goal: below 10)")
    print(f"round trips: p50 {probing['p50_s'] * 1000:.2f} ms, p99 {probing['p99_s'] * 1000:.2f}", end="")
    print(f", max {probing['max_s'] * 1000:.2f}")
    more = {name: (probing[name] - without[name]) / 2**20 for name in ("run_bytes", "peak_bytes")}
    filled = f" ({probing['filled']} of its samples filled in, not waited for)" if probing["filled"] else ""
    print(
        f"memory: {more['run_bytes']:.1f} MiB more when the probing ends; of ten minutes of it{filled} "
        f"{more['peak_bytes']:.1f} MiB more at most, while it makes sense of them (goal: below 15), "
        f"which takes {probing['sense_s']:.2f} s"
    )


def _spend(seconds: float, urls: Sequence[str]) -> None:
    """Probe for so long, or wait for so long; print what that took of this process."""
    told: dict[str, float] = {}
    if not urls:
        time.sleep(seconds)
        told["cpu_s"], told["run_bytes"] = time.process_time(), _peak()
    else:
        prober = Prober([parse_target(url) for url in urls], 0.01, duration_s=seconds).start()
        prober.wait()
        told["cpu_s"], told["run_bytes"] = time.process_time(), _peak()
        running = prober._started()
        told["sent"] = sum(len(asked.samples) for asked in running.asked)
        told |= _round_trips(running.asked[0].samples)
        told["filled"] = sum(_fill(asked.samples, running.began) for asked in running.asked)
        running.ended = max(running.ended or 0.0, running.began + TEN_MINUTES_S)
        begun = time.monotonic()
        prober.stop()
        told["sense_s"] = time.monotonic() - begun
    print(json.dumps(told | {"peak_bytes": _peak()}))


def _round_trips(samples: Samples) -> dict[str, float]:
    good, _, _ = samples.divided()
    trips = round_trips([done - sent for sent, done in zip(good.sent, good.done, strict=True)])
    assert trips is not None, "the server answered nothing"
    return {"p50_s": trips.p50, "p99_s": trips.p99, "max_s": trips.max}


def _fill(samples: Samples, began: float) -> int:
    """Fill up to ten minutes at 10 ms, with an outage of 1 s in each; how many samples that took."""
    first = len(samples)
    for at in range(first, int(TEN_MINUTES_S / 0.01)):
        sent = began + at * 0.01
        up = at % 6000 < 5900
        samples.add(
            sent, sent + 0.0004, SampleOutcome.OK if up else SampleOutcome.REFUSED, "vipswap1lb" if up else None
        )
    return len(samples) - first


def _peak() -> int:
    """Bytes of memory that this process ever had. (getrusage would count what its parent had when it forked.)"""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status)[1])  # type: ignore[index]


if __name__ == "__main__":
    sys.exit(main())
