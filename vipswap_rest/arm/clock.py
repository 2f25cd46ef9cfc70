"""The clock seam: everything that reads the time or waits does it through a Clock."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from datetime import datetime, timezone
from typing import Protocol, TypeVar

T = TypeVar("T")

# Requests that are under way at once, each on a connection of its own: a look at a pair of load balancers has five.
AT_ONCE = 5


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

    def together(self, acts: Sequence[Callable[[], T]]) -> list[T]:
        """What each of these returns; they do not depend on each other and may be done side by side.

        Raises what the first of them raises, when all are over; and Interrupted, as `wait_for` does.
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

    def together(self, acts: Sequence[Callable[[], T]]) -> list[T]:
        """What each of these returns, a few of them at a time; a single one is done on this thread.

        So a signal that ends the wait for a single request, as every write is, also calls that request off.
        """
        if len(acts) == 1:
            return [acts[0]()]
        return self.wait_for(lambda: _side_by_side(acts))


def _side_by_side(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Daemon threads do it, because the process must not wait for them when a signal ends it."""
    tasks: list[tuple[Callable[[], T], Future[T]]] = [(act, Future()) for act in acts]
    waiting = deque(tasks)

    def work() -> None:
        while waiting:
            try:
                act, future = waiting.popleft()
            except IndexError:
                return  # another thread has just taken the last one
            try:
                future.set_result(act())
            except BaseException as error:  # noqa: BLE001 - result() raises it where it is asked for
                future.set_exception(error)

    for _ in tasks[:AT_ONCE]:
        threading.Thread(target=work, name="vipswap-together", daemon=True).start()
    futures = [future for _, future in tasks]
    wait(futures)
    return [future.result() for future in futures]


def rfc3339(moment: datetime) -> str:
    """The moment as RFC 3339 in UTC with milliseconds: 2026-01-31T08:15:30.123Z."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
