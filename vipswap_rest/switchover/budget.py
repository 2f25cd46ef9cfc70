"""What several runs may ask of one subscription together, so that none of them is refused inside its outage."""

from __future__ import annotations

import threading
from collections import deque

from vipswap_rest.arm.clock import Clock

# The network provider's own limits, which no header tells:
# https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
WINDOW_S, WRITES, READS = 300.0, 1000, 10_000
# Of an outage: the write that ends it, and the one that turns back.
OUTAGE_WRITES = 2


class Budget:
    """The writes and reads of the last five minutes, counted over all runs; safe to use from many threads."""

    def __init__(self, clock: Clock, *, writes: int = WRITES, reads: int = READS) -> None:
        self._clock, self._limit, self._reads_limit = clock, writes, reads
        self._writes, self._reads = deque[float](), deque[float]()
        self._reserved = self._runs = 0
        self._lock = threading.Lock()

    def run(self) -> RunBudget:
        """The share of a run that begins now."""
        with self._lock:
            self._runs += 1
        return RunBudget(self)

    def _leave(self, held: int) -> None:
        with self._lock:
            self._runs -= 1
            self._reserved -= held

    def _take(self, wanted: int) -> float:
        """Take one write now and reserve the others that are `wanted`; else seconds until that may be possible."""
        with self._lock:
            now = self._clock.monotonic()
            _forget(self._writes, now)
            missing = wanted - (self._limit - len(self._writes) - self._reserved)
            if missing > 0:
                last = min(missing, len(self._writes)) - 1
                return max(0.1, self._writes[last] + WINDOW_S - now) if last >= 0 else 1.0
            self._writes.append(now)
            self._reserved += wanted - 1
            return 0.0

    def _take_reserved(self, reserved: int) -> None:
        with self._lock:
            self._writes.append(self._clock.monotonic())
            self._reserved -= reserved

    def _give_back(self, held: int) -> None:
        with self._lock:
            self._reserved -= held

    def _count_reads(self, count: int) -> int:
        """Count reads; how many of those that are left are one run's share."""
        with self._lock:
            now = self._clock.monotonic()
            self._reads.extend([now] * count)
            _forget(self._reads, now)
            return max(0, self._reads_limit - len(self._reads)) // max(1, self._runs)


class RunBudget:
    """One run's share: its outage begins only when the writes that end it are reserved."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._held = budget, 0

    def admit(self, *, opens: bool, urgent: bool = False) -> float:
        """Take a write: 0 if it may be sent now, else the seconds to wait before asking again.

        An `urgent` one, inside an outage, never waits, also where more are needed than were reserved: whether there is
        room for it is for ARM to say.
        """
        if self._held or urgent:
            reserved = min(1, self._held)
            self._held -= reserved
            self._budget._take_reserved(reserved)
            return 0.0
        wait_s = self._budget._take(1 + OUTAGE_WRITES if opens else 1)
        if not wait_s and opens:
            self._held = OUTAGE_WRITES
        return wait_s

    def settled(self) -> None:
        """Production is on: what was reserved for its outage is free again."""
        self._budget._give_back(self._held)
        self._held = 0

    def reads(self, count: int, told: int | None) -> int | None:
        """Count reads that were made. How many are left for this run, by ARM's word and by our count."""
        share = self._budget._count_reads(count)
        return share if told is None else min(told, share)

    def close(self) -> None:
        """The run is over."""
        self._budget._leave(self._held)
        self._held = 0


def _forget(times: deque[float], now: float) -> None:
    while times and times[0] <= now - WINDOW_S:
        times.popleft()
