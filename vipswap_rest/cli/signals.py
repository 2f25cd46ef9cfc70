"""Signals: the first one ends the run where that is harmless, and waits for the end of an outage where it is not."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Any

from vipswap_rest.errors import Interrupted


class SignalGuard:
    """Turns SIGINT and SIGTERM into Interrupted.

    While `critical` (production is on no load balancer), the first signal only sets `requested`: the shortest road
    out of the outage is taken first. The second one always ends the run.
    """

    def __init__(self) -> None:
        self.critical = False
        self.requested = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> SignalGuard:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self.critical and not self.requested:
            self.requested = True
            sys.stderr.write(
                f"{name}: production is on no load balancer right now; stopping as soon as it is on one. "
                "Again to stop at once.\n"
            )
            return
        self.requested = True
        raise Interrupted(f"Interrupted by {name}.")
