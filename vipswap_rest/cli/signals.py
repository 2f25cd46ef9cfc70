"""Signals: the first one ends the run where that is harmless, and waits for the end of an outage where it is not.

A handler only counts the signal and wakes the main thread by a byte through a pair of sockets, so nothing is ever
interrupted between two bytecodes. The main thread sleeps in one place, `SignalGuard._await`. What blocks (a request, a
look-up, az, a terminal) is done by a thread of its own while the main thread sleeps there, and is left to itself when a
signal ends the run. So it makes no difference what blocks and on which system: nothing has to be interruptible.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, TypeVar

from vipswap_rest.arm.clock import SystemClock
from vipswap_rest.arm.errors import Interrupted
from vipswap_rest.cli.output import tell

T = TypeVar("T")


class SignalGuard(SystemClock):
    """The machine's clock, whose waits raise Interrupted when SIGINT or SIGTERM ends the run.

    While `critical` (production is on no load balancer) the first signal ends nothing: the shortest way out of the
    outage is taken first. The second one always ends the run. While one swap of several is `running`, a signal before
    these two only makes `stopping` true: no other swap is begun. A context manager, for the main thread; on any other
    thread, and before it is entered, its waits are the machine's own.
    """

    def __init__(self, *, last: bool = False) -> None:
        """`last`: the process ends with the run, so from its end on no signal changes how."""
        self._last = last
        self.critical = False
        # How many signals came, how many of them have ended what they should, and what the last one is called.
        self._came, self._acknowledged, self._name = 0, 0, ""
        self.running = self.stopping = False
        # Whether it was told that a signal has to wait: for the end of an outage, for that of the swap that runs.
        self._told_deferred = self._told_stopping = False
        self._before: dict[signal.Signals, Any] = {}
        self._woken: socket.socket | None = None

    def __enter__(self) -> SignalGuard:
        if threading.current_thread() is not threading.main_thread():
            return self
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        # On Windows this alone ends a wait at once: there the handler runs when the wait is over.
        self._wakeup = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._woken is None:
            return
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if self._last else handler)
        signal.set_wakeup_fd(self._wakeup)
        self._woken.close()
        self._waker.close()
        self._woken = None

    def check(self) -> None:
        """Raise Interrupted if a signal came that ends the run now; and again until `acknowledge` is called.

        That one has to wait, for the end of an outage or of a swap, is told on stderr, once.
        """
        if self.stopping and not self._told_stopping:
            self._told_stopping = True
            tell(
                "Interrupted: the running swap is finished and kept, then the experiment stops. "
                "Again to stop the swap, too."
            )
        if self._came == self._acknowledged:
            return
        if not self.critical or self._came > 1:
            raise Interrupted(f"Interrupted by {self._name}.")
        if not self._told_deferred:
            self._told_deferred = True
            tell(
                f"{self._name}: production is on no load balancer right now; stopping as soon as it is on one. "
                "Again to stop at once."
            )

    def names(self) -> tuple[str, ...]:
        """The signals that came and are not acknowledged."""
        return (self._name,) * (self._came - self._acknowledged)

    def acknowledge(self) -> None:
        """The run has ended for the signals that came so far: what is waited for now, only another one ends."""
        self._acknowledged = self._came

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`. Raises Interrupted if a signal ends the run."""
        if not self._waits_here():
            super().sleep(seconds)
            return
        until = self.monotonic() + seconds
        self.check()
        while (left := until - self.monotonic()) > 0:
            self._await(left)
            self.check()

    def wait_for(self, act: Callable[[], T]) -> T:
        """What `act` returns or raises; it may block. Raises Interrupted if a signal ends the run, and leaves `act` to
        itself then: its thread ends with it, or with the process."""
        if not self._waits_here():
            return act()
        self.check()
        future: Future[T] = Future()
        threading.Thread(target=self._carry_out, args=(act, future), name="vipswap-wait", daemon=True).start()
        while not future.done():
            self._await(None)
            if not future.done():
                self.check()
        return future.result()

    def _carry_out(self, act: Callable[[], T], future: Future[T]) -> None:
        try:
            future.set_result(act())
        except BaseException as error:  # noqa: BLE001 - result() raises it in the main thread
            future.set_exception(error)
        self._wake()

    def _waits_here(self) -> bool:
        return self._woken is not None and threading.current_thread() is threading.main_thread()

    def _await(self, seconds: float | None) -> None:
        """Sleep until woken, for `seconds` at most: the one place where the main thread does."""
        assert self._woken is not None
        self._woken.settimeout(seconds)
        with suppress(TimeoutError, BlockingIOError):
            self._woken.recv(4096)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.running and not self.stopping:
            self.stopping = True
        else:
            self._came += 1
        self._name = signal.Signals(number).name
        self._wake()

    def _wake(self) -> None:
        # Where there is no room for another byte there are enough to wake it; and once it is closed nobody sleeps.
        with suppress(OSError):
            self._waker.send(b"\0")


def confirmed(guard: SignalGuard, question: str) -> bool:
    """Ask on the terminal; whether the answer is yes. Raises Interrupted if a signal comes instead of an answer."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    # Not by sys.stdin: a thread that nobody waits for would keep its buffer locked, and Python could not end.
    number = sys.stdin.fileno()
    try:
        answer = guard.wait_for(lambda: os.read(number, 1024))
    except Interrupted:
        tell("")
        raise
    except OSError:
        # The terminal is gone.
        return False
    return answer.decode(errors="replace").strip().lower() in ("y", "yes")
