"""When to sample: an open loop, whose moments follow from the plan and never from the last answer. Pure; seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

# A sample that is sent later than this after it was due measures this machine rather than the address.
LATE_S = 0.050


@dataclass(frozen=True, slots=True)
class Slot:
    """What to do about the slots that are due: `send` one now, or note one as unknown (`late`), and count those that
    were `skipped`. `due`: when that slot was due; None if no slot is due."""

    due: float | None
    send: bool = False
    late: bool = False
    skipped: int = 0


class Schedule:
    """Slot k is due at start + phase + k * interval.

    A slot that is late by more than 50 ms is unknown. One that was due more than one interval ago is skipped and
    counted. So after a stall at most one sample is sent at once, never a burst.
    """

    def __init__(self, start: float, interval_s: float, phase_s: float = 0.0) -> None:
        self._first, self._interval = start + phase_s, interval_s
        self._slot = 0

    @property
    def next_due(self) -> float:
        """When the next slot is due."""
        return self._due(self._slot)

    def turn(self, now: float) -> Slot:
        """Take the slots that are due by `now`."""
        if now < self.next_due:
            return Slot(None)
        # The last slot that is due; the one before it was due more than an interval ago, or just that long.
        last = max(self._slot, math.floor((now - self._first) / self._interval))
        while self._due(last) > now:
            last -= 1
        while self._due(last + 1) <= now:
            last += 1
        skipped, self._slot = last - self._slot, last + 1
        late = now - self._due(last) > LATE_S
        return Slot(self._due(last), send=not late, late=late, skipped=skipped)

    def _due(self, slot: int) -> float:
        return self._first + slot * self._interval
