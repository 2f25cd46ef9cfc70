"""Clocks for tests on real sockets: one that runs faster than the machine's, and one that can be held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import TypeVar

T = TypeVar("T")


class FastClock:
    """Runs `rate` times as fast as the machine's own clock; who waits on it waits really, and shorter.

    Its methods may be called from any thread.
    """

    def __init__(self, rate: float) -> None:
        # The machine's time since when it runs so, its own time then, and how fast it runs: changed together.
        self._pace = (time.monotonic(), 0.0, rate)
        self._began_at = datetime.now(timezone.utc)

    def run(self, rate: float) -> None:
        """Run faster or slower from now on."""
        self._pace = (time.monotonic(), self.monotonic(), rate)

    @property
    def rate(self) -> float:
        """How many times as fast as the machine's clock it runs now."""
        return self._pace[2]

    def monotonic(self) -> float:
        since, then, rate = self._pace
        return then + (time.monotonic() - since) * rate

    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=self.monotonic())

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds / self.rate)

    def together(self, acts: Sequence[Callable[[], T]]) -> list[T]:
        """In turn, so that a run is the same each time."""
        return [act() for act in acts]

    def wait_for(self, act: Callable[[], T]) -> T:
        return act()


class HeldClock:
    """A clock that is held at first: an emulator on it ends no operation until it is told to.

    Its methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._time = time.monotonic()
        self._released: float | None = None

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        with self._lock:
            self._time += seconds

    def release(self) -> None:
        """Let time pass from now on, ten times as fast as the machine's."""
        with self._lock:
            self._released = self._released or time.monotonic()

    def monotonic(self) -> float:
        with self._lock:
            return self._time + (0.0 if self._released is None else 10 * (time.monotonic() - self._released))

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def together(self, acts: Sequence[Callable[[], T]]) -> list[T]:
        """In turn, so that a run is the same each time."""
        return [act() for act in acts]

    def wait_for(self, act: Callable[[], T]) -> T:
        return act()
