"""Time as the emulator sees it: the only way it learns that an operation is due."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """Two readings of time. Tests give the emulator one that stands still until it is told to move."""

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back: the timeline's `t`."""
        ...

    def now(self) -> datetime:
        """The time of day, with its zone: the Date header."""
        ...


class SystemClock:
    """The machine's own clocks; `monotonic` is the one any other process of this machine reads too."""

    def monotonic(self) -> float:
        """Seconds of the system's monotonic clock."""
        return time.monotonic()

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(timezone.utc)
