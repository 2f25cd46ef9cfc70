"""Refusals of the write that would end an outage, one after another: when it is tried again, and what else is tried.

Busy passes within seconds, or never: ReferencedResourceNotProvisioned also stands for a resource that is Failed until
it is written again. Throttled passes when the bucket fills, which it does within seconds. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from vipswap_rest.arm.refusals import Kind

# After so many busy refusals everything is read again, and what is Failed is written again.
LOOK_AFTER = 5
# After so long (seconds) the other direction is tried, then both in turn.
BOTH_WAYS_AFTER_S = 30.0
SHORTEST_S, BUSY_S = 0.25, 1.0
# Throttled: so often after a second, then as ARM asks, but no later than this (seconds).
AFTER_A_SECOND, THROTTLED_S = 3, 5.0
# What a polite run waits at most, whatever ARM asks for (seconds).
POLITE_S = 60.0


@dataclass(frozen=True, slots=True)
class Streak:
    """How often in a row a write was refused as busy and as throttled; since when it is busy, in monotonic seconds."""

    busy: int = 0
    throttled: int = 0
    busy_since: float | None = None

    def after(self, kind: Kind, now: float) -> Streak:
        """The streak with one more refusal: BUSY or THROTTLED."""
        if kind is Kind.BUSY:
            return replace(self, busy=self.busy + 1, busy_since=now if self.busy_since is None else self.busy_since)
        return replace(self, throttled=self.throttled + 1)

    @property
    def begins(self) -> bool:
        """Whether this is the first refusal of them: the one to tell."""
        return self.busy + self.throttled == 1

    def pause_s(self, kind: Kind, asked_s: float | None, *, polite: bool) -> float:
        """Seconds until the next try. `asked_s` is what ARM asks for, which only a polite run keeps to."""
        if polite and asked_s is not None:
            return min(POLITE_S, max(SHORTEST_S, asked_s))
        if kind is Kind.BUSY:
            return min(BUSY_S, SHORTEST_S * 2.0 ** min(self.busy - 1, 10))
        if self.throttled <= AFTER_A_SECOND:
            return 1.0
        return min(THROTTLED_S, max(SHORTEST_S, THROTTLED_S if asked_s is None else asked_s))

    def wants_look(self, kind: Kind) -> bool:
        """Whether to read everything again before the next try."""
        return kind is Kind.BUSY and self.busy % LOOK_AFTER == 0

    def wants_both_ways(self, now: float) -> bool:
        """Whether it has been busy for so long that the other direction is worth a try."""
        return self.busy_since is not None and now - self.busy_since >= BOTH_WAYS_AFTER_S
