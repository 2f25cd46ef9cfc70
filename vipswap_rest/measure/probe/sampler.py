"""The loop that samples all addresses: one thread, one poller, no callbacks."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from vipswap_rest.measure.probe.open_sample import EndpointRequest, OpenSample
from vipswap_rest.measure.probe.poller import Poller, best_poller
from vipswap_rest.measure.probe.samples import MOST, SampleOutcome, Samples
from vipswap_rest.measure.probe.schedule import Schedule
from vipswap_rest.measure.probe.target import Endpoint, ProbeTarget

# Below 1 s, when the kernel sends a SYN again: one SYN a sample, so that an outcome speaks of one instant.
TIMEOUT_S = 0.9
# When the loop returns this much later than planned, this machine stalled, not the network.
STALL_S = 0.050
# A timeout that consists of our own stall for more than this part is unknown.
_STALLED_PART = 0.25
# Short enough to coincide with any failure that matters, long enough to cost nothing.
_CONTROL_INTERVAL_S = 0.1


@dataclass(frozen=True, slots=True)
class Live:
    """The state of an address now: whether it answers (None: not known yet), who answers, and since when, in monotonic
    seconds."""

    url: str
    answers: bool | None = None
    identity: str | None = None
    outcome: SampleOutcome | None = None
    since: float | None = None


class Asked:
    """An endpoint with its schedule, its samples and its state now."""

    def __init__(self, endpoint: Endpoint, schedule: Schedule, most: int) -> None:
        self.endpoint, self.schedule = endpoint, schedule
        self.request, self.samples = EndpointRequest(endpoint), Samples(most)
        self.live = Live(endpoint.target.url)
        # Why the last prober error was one, as errno names it.
        self.trouble: str | None = None
        self._newest = float("-inf")

    def add(self, sent: float, done: float, outcome: SampleOutcome, identity: str | None = None) -> None:
        """Keep a sample while there is room."""
        if not self.samples.full:
            self.samples.add(sent, done, outcome, identity)

    def ended(self, sample: OpenSample, done: float) -> None:
        """Keep a sample that has ended, and update the state from it."""
        outcome, identity = sample.outcome, sample.identity
        assert outcome is not None
        self.add(sample.sent, done, outcome, identity)
        self.trouble = sample.error or self.trouble
        # A timeout ends after samples that were sent later; those show the state now.
        if not outcome.known or sample.sent < self._newest:
            return
        self._newest = sample.sent
        live, answers = self.live, outcome is SampleOutcome.OK
        if (live.answers, live.identity) != (answers, identity):
            self.live = Live(live.url, answers, identity, outcome, sample.sent)


class Sampler:
    """Samples endpoints until `stop` is called, `until` (monotonic seconds) has come, or there is no room for more.

    It also samples a listener of its own on loopback, which distinguishes failures of this machine from theirs.
    run() is the loop, for a thread of its own; `began` and `ended` are its first and last moment of sending.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        *,
        interval_s: float,
        timeout_s: float = TIMEOUT_S,
        most: int = MOST,
        poller: Poller | None = None,
    ) -> None:
        self._timeout = timeout_s
        self._poller = poller or best_poller()
        self._wake, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._poller.watch(self._wake.fileno(), writing=False)
        self._listener = _listener()
        self._open: dict[int, tuple[Asked, OpenSample]] = {}
        self._queue: deque[tuple[Asked, OpenSample]] = deque()
        self._stalled = 0.0
        # When the clock was last looked at, and whether we have stalled and not yet read what came in meanwhile.
        self._seen, self._behind = 0.0, False
        self._stopping = False
        self.until = float("inf")
        self.longest_stall_s = 0.0
        self.began = time.monotonic()
        self.ended: float | None = None
        # Evenly apart in time, so that they do not disturb each other.
        self.asked = [
            Asked(endpoint, Schedule(self.began, interval_s, at * interval_s / len(endpoints)), most)
            for at, endpoint in enumerate(endpoints)
        ]
        self.control: Asked | None = None
        if self._listener is not None:
            self._poller.watch(self._listener.fileno(), writing=False)
            control_interval = max(interval_s, _CONTROL_INTERVAL_S)
            schedule = Schedule(self.began, control_interval, control_interval / 3)
            self.control = Asked(_endpoint_of(self._listener), schedule, most)
        self._all = [*self.asked, *([self.control] if self.control else [])]

    def stop(self) -> None:
        """Send nothing more; run() returns when all samples in flight have ended, within the timeout. Any thread."""
        self._stopping = True
        with contextlib.suppress(OSError):
            # It may be closed, if the loop has ended by itself.
            self._waker.send(b"x")

    def waits_since(self, moment: float) -> bool:
        """Whether a sample that was sent by then has not ended. Any thread."""
        return any(sample.sent <= moment for _, sample in list(self._open.values()))

    def run(self) -> None:
        """The loop."""
        try:
            self._seen = time.monotonic()
            while self._goes_on(self._seen):
                self._round()
        finally:
            self._close()

    def _goes_on(self, now: float) -> bool:
        if self.ended is None:
            if not (self._stopping or now >= self.until or any(asked.samples.full for asked in self._all)):
                return True
            self.ended = now
        return bool(self._queue)

    def _round(self) -> None:
        """Wait for the next thing to do, and do all that is there."""
        wait = max(0.0, self._next() - self._seen)
        ready = self._poller.wait(wait)
        self._look(wait)
        self._serve(ready)
        self._look()
        while self._behind:
            # What came in meanwhile is read before anything is called late.
            self._behind = False
            while ready := self._poller.wait(0):
                self._serve(ready)
            self._look()
        now = self._seen
        self._expire(now)
        if self.ended is None:
            for asked in self._all:
                now = self._take_turn(asked, now)
        self._look()

    def _look(self, expected: float = 0.0) -> None:
        """Look at the clock. If more time has passed since the last look than was meant to, we have stalled.

        There is a look on both sides of all that the loop does: the system may stop it anywhere.
        """
        now = time.monotonic()
        stall = now - self._seen - expected
        if stall > STALL_S:
            self._stalled += stall
            self.longest_stall_s = max(self.longest_stall_s, stall)
            self._behind = True
        self._seen = now

    def _next(self) -> float:
        """When there is something to do, if no socket becomes ready."""
        while self._queue and self._queue[0][1].outcome is not None:
            self._queue.popleft()
        moment = self._deadline(self._queue[0][1]) if self._queue else float("inf")
        if self.ended is None:
            moment = min(moment, self.until, *(asked.schedule.next_due for asked in self._all))
        # With nothing in flight and nothing due run() ends; this is for its last round.
        return moment if moment < float("inf") else 0.0

    def _deadline(self, sample: OpenSample) -> float:
        """Our own stalls do not count: what was sent before one gets its whole time."""
        return sample.sent + self._timeout + self._stalled - sample.stalled

    def _serve(self, ready: Sequence[int]) -> None:
        for fd in ready:
            found = self._open.get(fd)
            if found is not None:
                asked, sample = found
                if sample.advance():
                    self._poller.only_read(fd)
                if sample.outcome is not None:
                    self._end(asked, sample)
            elif fd == self._wake.fileno():
                self._wake.recv(100)
            elif self._listener is not None and fd == self._listener.fileno():
                with contextlib.suppress(OSError):
                    self._listener.accept()[0].close()

    def _expire(self, now: float) -> None:
        """End what has waited too long. The queue is in the order of the deadlines."""
        while self._queue:
            asked, sample = self._queue[0]
            if sample.outcome is None:
                if self._deadline(sample) > now:
                    return
                sample.expire(ours=self._stalled - sample.stalled > _STALLED_PART * self._timeout)
                self._end(asked, sample)
            self._queue.popleft()

    def _take_turn(self, asked: Asked, now: float) -> float:
        turn = asked.schedule.turn(now)
        if turn.due is None:
            return now
        asked.samples.skipped += turn.skipped
        if turn.late:
            asked.add(turn.due, now, SampleOutcome.LATE)
        elif turn.send:
            # Taken once more, as late as can be: the instant that is read lies after it.
            sample = OpenSample(asked.request, time.monotonic(), self._stalled)
            sample.begin()
            if sample.outcome is None:
                self._open[sample.fd] = (asked, sample)
                self._queue.append((asked, sample))
                self._poller.watch(sample.fd, writing=True)
            else:
                self._end(asked, sample)
        return time.monotonic()

    def _end(self, asked: Asked, sample: OpenSample) -> None:
        done = time.monotonic()
        if self._open.pop(sample.fd, None) is not None:
            self._poller.forget(sample.fd)
        sample.close()
        asked.ended(sample, done)

    def _close(self) -> None:
        for _, sample in self._open.values():
            sample.close()
        self._poller.close()
        if self._listener is not None:
            self._listener.close()
        self._wake.close()
        self._waker.close()


def _listener() -> socket.socket | None:
    """The control endpoint's listener on loopback; None where there is no loopback."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            listener = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            continue
        try:
            listener.bind((host, 0))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        listener.setblocking(False)
        return listener
    return None


def _endpoint_of(listener: socket.socket) -> Endpoint:
    host, port = listener.getsockname()[:2]
    return Endpoint(ProbeTarget("control", "tcp", host, port), listener.family, listener.getsockname())
