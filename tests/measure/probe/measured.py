"""`vipswap probe` against addresses whose outages are known, and what of it is true."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from tests.measure.probe.server import LONGEST_WAIT_S, Change, Plan, served

TIMEOUT_S = 0.9
# Moments in the JSON are rounded to a microsecond.
ROUNDING_S = 2e-6
# Time for a few samples before the first outage, and for the last ones to end in.
BEFORE_S, AFTER_S = 0.5, 1.0
LENGTHS_S = (0.0, 0.02, 0.05, 0.2, 1.0, 5.0)


@dataclass(frozen=True)
class Kind:
    """A kind of outage: how the address is asked, how it fails, how late it answers, and for how long it is up in
    between (seconds, at least and at most)."""

    name: str
    scheme: str
    mode: str
    delay_s: float
    up_s: tuple[float, float]

    @property
    def failure_s(self) -> float:
        """How long a sample takes to fail."""
        return 0.0 if self.mode == "refuse" else TIMEOUT_S

    @property
    def is_steady(self) -> bool:
        """Whether it neither flaps nor answers late."""
        return self.up_s[0] > 0.2 and not self.delay_s


KINDS = (
    Kind("refused", "http", "refuse", 0.0, (0.4, 0.8)),
    Kind("refused, tcp", "tcp", "refuse", 0.0, (0.4, 0.8)),
    Kind("answered late", "http", "refuse", 0.1, (0.4, 0.8)),
    Kind("silent", "http", "silent", 0.0, (1.2, 2.4)),
    Kind("dropped, tcp", "tcp", "drop", 0.0, (1.2, 2.4)),
    Kind("flapping, refused", "http", "refuse", 0.0, (0.01, 0.15)),
    Kind("flapping, silent", "http", "silent", 0.0, (0.01, 0.15)),
)


def changes(kind: Kind, seconds: float, seed: str, lengths_s: Sequence[float] = LENGTHS_S) -> list[Change]:
    """Outages of all lengths between BEFORE_S after the beginning and AFTER_S before the end."""
    draw = random.Random(seed)
    at, found, lengths = BEFORE_S, [], list(lengths_s)
    draw.shuffle(lengths)
    while True:
        length = lengths[len(found) // 2 % len(lengths)] * draw.uniform(0.9, 1.1)
        if at + length > seconds - AFTER_S:
            return found
        found += [Change(at, kind.mode), Change(at + length, "up")]
        at += length + draw.uniform(*kind.up_s)


@dataclass
class Tally:
    """What became of the outages of one kind at one interval.

    alone: reported each by itself. merged: several in one reported outage. unseen: in none. broken: what is not true.
    excess_s: how much wider than two intervals, a round trip and the latency of a failure the bounds of the first are.
    """

    kind: Kind
    interval_s: float
    alone: int = 0
    merged: int = 0
    unseen: int = 0
    broken: list[str] = field(default_factory=list)
    excess_s: list[float] = field(default_factory=list)
    excess_known_s: list[float] = field(default_factory=list)
    skipped: int = 0
    unknown_s: float = 0.0

    @property
    def outages(self) -> int:
        return self.alone + self.merged + self.unseen

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            self.kind,
            self.interval_s,
            self.alone + other.alone,
            self.merged + other.merged,
            self.unseen + other.unseen,
            self.broken + other.broken,
            self.excess_s + other.excess_s,
            self.excess_known_s + other.excess_known_s,
            self.skipped + other.skipped,
            self.unknown_s + other.unknown_s,
        )


def judge(tally: Tally, told: dict[str, Any], began: float, ended: float, truth: Sequence[Sequence[float]]) -> None:
    """Compare one address of the JSON with its true outages, [began_min, began_max, ended_min, ended_max] each.

    An outage that was there before the probing began, or after it ended, counts as far as it was probed.
    """
    truth = [true for true in truth if true[0] < ended and true[-1] > began]
    tally.skipped += told["skipped"]
    tally.unknown_s += sum(window["to_s"] - window["from_s"] for window in told["unknown"])
    held: list[list[Sequence[float]]] = [[] for _ in told["observed_outages"]]
    for true in truth:
        at = next((at for at, one in enumerate(told["observed_outages"]) if _encloses(one, began, true)), None)
        if at is not None:
            held[at].append(true)
            continue
        tally.unseen += 1
        probed = min(true[2], ended) - max(true[1], began)
        if probed > told["undetected_upper_s"]:
            tally.broken.append(f"an outage of {probed} s is in none; {told['undetected_upper_s']}")
    for reported, trues in zip(told["observed_outages"], held, strict=True):
        if not trues:
            tally.broken.append(f"there was no outage in {reported}")
            continue
        shortest, longest = trues[-1][2] - trues[0][1], trues[-1][3] - trues[0][0]
        if reported["lower_s"] > longest or (reported["upper_s"] is not None and reported["upper_s"] < shortest):
            tally.broken.append(f"{shortest} to {longest} s is not in {reported}")
        if len(trues) > 1:
            tally.merged += len(trues)
            continue
        tally.alone += 1
        if reported["upper_s"] is not None:
            trip = told["round_trip_s"]["p50"]
            width = reported["upper_s"] - reported["lower_s"]
            excess = width - 2 * tally.interval_s - trip - tally.kind.failure_s
            tally.excess_s.append(excess)
            if not any(
                window["from_s"] < reported["before_s"] and reported["after_s"] < window["to_s"]
                for window in told["unknown"]
            ):
                tally.excess_known_s.append(excess)


def _encloses(reported: dict[str, Any], began: float, true: Sequence[float]) -> bool:
    after, before = reported["after_s"], reported["before_s"]
    return (after is None or began + after - ROUNDING_S <= true[1]) and (
        before is None or true[2] <= began + before + ROUNDING_S
    )


def measure(
    kinds: Sequence[Kind],
    intervals_s: Sequence[float],
    seconds: float,
    *,
    busy: int,
    seed: str,
    lengths_s: Sequence[float] = LENGTHS_S,
) -> list[Tally]:
    """Probe all kinds at all intervals at once for `seconds`, a process for each interval, beside `busy` busy ones."""
    grid = [(kind, interval) for interval in intervals_s for kind in kinds]
    plan = Plan(
        [changes(kind, seconds, f"{seed} {kind.name} {interval}", lengths_s) for kind, interval in grid],
        seconds,
        [kind.delay_s for kind, _ in grid],
        when_asked=True,
    )
    tallies = [Tally(kind, interval) for kind, interval in grid]
    with ExitStack() as stack:
        # Each ends by itself even if nobody is there to end it.
        spin = f"import time\nend = time.monotonic() + {seconds + LONGEST_WAIT_S}\nwhile time.monotonic() < end: pass"
        for _ in range(busy):
            stack.callback(stack.enter_context(subprocess.Popen([sys.executable, "-c", spin])).kill)
        server = stack.enter_context(served(plan))
        urls = [server.urls(kind.scheme)[at] for at, (kind, _) in enumerate(grid)]
        probes = []
        for first, interval in zip(accumulate([0] + [len(kinds)] * (len(intervals_s) - 1)), intervals_s, strict=True):
            options = ["--interval", f"{interval}s", "--duration", f"{seconds + LONGEST_WAIT_S}s", "-o", "json"]
            line = [sys.executable, "-m", "vipswap_rest", "probe", *urls[first : first + len(kinds)], *options]
            probes.append(stack.enter_context(subprocess.Popen(line, stdout=subprocess.PIPE, text=True)))
        server.wait_until_asked()
        truth = server.truth()
        for number, probe in enumerate(probes):
            # It reports what it has when it is told to stop.
            probe.send_signal(signal.SIGINT)
            found = json.loads(probe.communicate(timeout=30)[0])
            for at, address in enumerate(found["addresses"], start=number * len(kinds)):
                began = found["began_monotonic_s"]
                judge(tallies[at], address, began, began + found["seconds"], truth[at])
    return tallies
