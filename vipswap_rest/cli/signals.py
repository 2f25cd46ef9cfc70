"""Signals: the first one ends the run where that is harmless, and waits for the end of an outage where it is not."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType
from typing import Any

from vipswap_rest.errors import Interrupted

# Where the main thread may be interrupted: in a call that waits. An exception between any other two bytecodes may leave
# a lock taken for ever (that of urllib3's pool, say), and the process hangs.
_WAITING = {
    ("clock.py", "sleep"),
    ("connection.py", "create_connection"),
    ("selectors.py", "select"),
    ("socket.py", "create_connection"),
    ("socket.py", "getaddrinfo"),
    ("socket.py", "readinto"),
    ("ssl.py", "do_handshake"),
    ("ssl.py", "read"),
    ("subprocess.py", "_try_wait"),
    ("swap.py", "_confirmed"),
}
# How soon it is looked at again whether the main thread waits (seconds).
_AGAIN_S = 0.005


class SignalGuard:
    """Turns SIGINT and SIGTERM into Interrupted, raised where the main thread waits.

    While `critical` (production is on no load balancer), the first signal only sets `requested`: the shortest road
    out of the outage is taken first. The second one always ends the run.
    """

    def __init__(self, *, last: bool = False) -> None:
        """`last`: the process ends with the run, so once a signal has ended that, no further one changes how."""
        self._last = last
        self.critical = False
        self.requested = False
        self._at_once, self._name = False, ""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> SignalGuard:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self._last and self.requested else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._at_once, self.requested, self._name = self.requested, True, signal.Signals(number).name
        self._stop(number, frame)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Raise Interrupted if that is right now and the main thread waits; else look again very soon, or leave it to
        the run, which looks at `requested` between its steps."""
        if self.critical and not self._at_once:
            # Not by sys.stderr, which may be in use at this very moment.
            os.write(
                2,
                f"{self._name}: production is on no load balancer right now; stopping as soon as it is on one. "
                "Again to stop at once.\n".encode(),
            )
        elif waits(frame):
            raise Interrupted(f"Interrupted by {self._name}.")
        else:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)


def waits(frame: FrameType | None) -> bool:
    """Whether a frame is in one of the calls that wait, and hold no lock meanwhile."""
    return frame is not None and (os.path.basename(frame.f_code.co_filename), frame.f_code.co_name) in _WAITING
