"""Waiting, before a run begins, until nobody else's operation runs on what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from vipswap_rest.arm.clock import Clock
from vipswap_rest.switchover.resource import in_motion

# How long a preflight waits for somebody else's operation to end (seconds).
SETTLE_S = 30.0

_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Settling:
    """Reads once nobody else's operation runs, or as things are `seconds` after `since` (monotonic)."""

    clock: Clock
    seconds: float
    note: Callable[[str], None]
    since: float

    def settled(self, read: Callable[[], _Found], subject: Callable[[_Found], tuple[str, str] | None]) -> _Found:
        """What `read` gives as soon as its `subject`, the name and the state of what may be in motion, is at rest."""
        noted, pause = False, 0.1
        while True:
            found = read()
            moving = subject(found)
            if moving is None or not in_motion(moving[1]) or self.clock.monotonic() >= self.since + self.seconds:
                return found
            if not noted:
                self.note(f"{moving[0]} is {moving[1].capitalize()}; waiting up to {self.seconds:.0f} s for it")
                noted = True
            self.clock.sleep(pause)
            pause = min(1.0, 2 * pause)
