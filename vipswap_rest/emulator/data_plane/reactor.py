"""A thread with a loop of its own: sockets that are ready, one alarm, and calls from other threads.

Its own thread, so that ARM's work does not delay an answer; one loop, so that whatever runs in a call is one step to
everybody outside: nothing is answered in the middle of it.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, wait

_LONGEST_WAIT_S = 3600.0
# How often a caller looks whether the loop is still there.
_LOOK_S = 1.0


class Reactor:
    """The loop. Everything but `start`, `call` and `stop` belongs to its own thread."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._calls: deque[tuple[Callable[[], None], Future[None]]] = deque()
        self._woken, self._wake = socket.socketpair()
        self._stopping = False
        self._alarm: tuple[float, Callable[[], None]] | None = None
        self._thread = threading.Thread(target=self._run, name="vipswap-data-plane", daemon=True)
        for end in (self._woken, self._wake):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, self._drain)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def call(self, work: Callable[[], None]) -> None:
        """Let the loop do `work` between two batches of events, and wait until it is done; raises what it raises.

        Raises RuntimeError if the loop has ended.
        """
        done: Future[None] = Future()
        self._calls.append((work, done))
        self._rouse()
        while not done.done():
            wait({done}, timeout=_LOOK_S)
            if not self._thread.is_alive() and not done.done():
                raise RuntimeError("the emulator's data plane has ended")
        done.result()

    def stop(self) -> None:
        """End the thread, and wait for it; its sockets are the caller's to close, by a last call."""
        self._stopping = True
        self._rouse()
        self._thread.join()

    def watch(self, sock: socket.socket, ready: Callable[[], None]) -> None:
        """Call `ready` whenever there is something to read, or to accept."""
        self._selector.register(sock, selectors.EVENT_READ, ready)

    def forget(self, sock: socket.socket) -> None:
        """Watch the socket no longer; to be called before it is closed."""
        self._selector.unregister(sock)

    def set_alarm(self, at: float | None, ring: Callable[[], None]) -> None:
        """Call `ring` at that time of the monotonic clock, instead of the alarm before; None: no alarm."""
        self._alarm = None if at is None else (at, ring)

    def _rouse(self) -> None:
        # A full pipe wakes the loop as well as one byte does; a closed one is a loop's that has ended.
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)

    def _run(self) -> None:
        try:
            while not self._stopping:
                for key, _ in self._selector.select(self._patience()):
                    key.data()
                self._ring()
                while self._calls:
                    self._do(*self._calls.popleft())
        finally:
            self._selector.close()
            self._woken.close()
            self._wake.close()

    def _patience(self) -> float:
        if self._alarm is None:
            return _LONGEST_WAIT_S
        return min(max(0.0, self._alarm[0] - time.monotonic()), _LONGEST_WAIT_S)

    def _ring(self) -> None:
        if self._alarm is not None and self._alarm[0] <= time.monotonic():
            ring, self._alarm = self._alarm[1], None
            ring()

    def _do(self, work: Callable[[], None], done: Future[None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in call()
            done.set_exception(error)
        else:
            done.set_result(None)
