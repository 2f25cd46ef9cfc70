"""The clock seam: everything that reads the time or waits does it through a Clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """What the client needs of time; tests pass a virtual one."""

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back; only differences mean anything."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait. Raises Interrupted if a signal ends the run."""

    def wait_for(self, act: Callable[[], T]) -> T:
        """What `act` returns or raises; it may block: a request, a process, a terminal.

        Raises Interrupted if a signal ends the run; `act` is left to itself then, and what comes of it is dropped.
        """


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC, which processes of one machine share."""
        return time.monotonic()

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; nothing if it is zero or less."""
        if seconds > 0:
            time.sleep(seconds)

    def wait_for(self, act: Callable[[], T]) -> T:
        """What `act` returns or raises."""
        return act()


def rfc3339(moment: datetime) -> str:
    """The moment as RFC 3339 in UTC with milliseconds: 2026-01-31T08:15:30.123Z."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
