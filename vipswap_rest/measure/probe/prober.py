"""The probe as the rest of the project uses it: start, live state, stop, findings."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType

from vipswap_rest.arm.errors import UsageError
from vipswap_rest.measure.probe.findings import AddressFindings, address_findings
from vipswap_rest.measure.probe.held import MOST as MOST_HELD
from vipswap_rest.measure.probe.held import HeldFindings, Holder
from vipswap_rest.measure.probe.sampler import TIMEOUT_S, Live, Sampler
from vipswap_rest.measure.probe.samples import MOST
from vipswap_rest.measure.probe.target import Endpoint, ProbeTarget, resolve

SHORTEST_INTERVAL_S = 0.010
LONGEST_INTERVAL_S = 60.0
# What the rest of a process has open; a guess on the safe side.
_OTHER_FILES = 50
# CLOCK_MONOTONIC stands still while the machine is suspended, CLOCK_BOOTTIME does not; only Linux has the second.
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


@dataclass(frozen=True, slots=True)
class Findings:
    """A run: from `began` to `ended` (monotonic seconds) each address was asked every `interval_s`.

    full: it ended because there was no room for more samples. longest_stall_s: how late our own loop ever was.
    suspended_s: how long the machine was suspended; no figure contains that time.
    """

    addresses: tuple[AddressFindings, ...]
    interval_s: float
    began: float
    ended: float
    full: bool
    longest_stall_s: float
    suspended_s: float


class Prober:
    """Samples targets from start() to stop(), or for `duration_s`, or until an address has `most` samples; and holds
    `hold` connections open to each.

    Each host is looked up once, here. Raises UsageError for what cannot be done, VipswapError for a host without
    an address. All times are seconds of time.monotonic().
    """

    def __init__(
        self,
        targets: Sequence[ProbeTarget],
        interval_s: float = 0.1,
        *,
        duration_s: float | None = None,
        timeout_s: float = TIMEOUT_S,
        most: int = MOST,
        hold: int = 0,
    ) -> None:
        check_interval(interval_s)
        _check_duration(interval_s, duration_s, most)
        _check_hold(targets, hold)
        _check_files(len(targets), interval_s, timeout_s, hold)
        self._hold = hold
        self._interval, self._duration, self._timeout, self._most = interval_s, duration_s, timeout_s, most
        self.endpoints: tuple[Endpoint, ...] = tuple(resolve(target) for target in targets)
        self._sampler: Sampler | None = None
        self._holder: Holder | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._slept = 0.0
        self._findings: Findings | None = None

    def start(self) -> Prober:
        """Begin; at most once."""
        if self._sampler is not None:
            raise RuntimeError("a Prober starts once")
        self._slept = _suspended()
        self._sampler = Sampler(self.endpoints, interval_s=self._interval, timeout_s=self._timeout, most=self._most)
        if self._duration is not None:
            self._sampler.until = self._sampler.began + self._duration
        self._thread = threading.Thread(target=self._run, name="vipswap-probe", daemon=True)
        if self._hold:
            self._holder = Holder(self.endpoints, self._hold)
            self._holder.start()
        self._thread.start()
        return self

    def live(self) -> tuple[Live, ...]:
        """The state of each address now, in the order of the targets."""
        return tuple(asked.live for asked in self._started().asked)

    def answered_since(self, moment: float, count: int = 1) -> tuple[bool, ...]:
        """Whether each address has answered the last `count` samples of known outcome, all sent after `moment`
        (monotonic seconds)."""
        return tuple(asked.samples.good_in_a_row(moment, count) >= count for asked in self._started().asked)

    def waits_since(self, moment: float) -> bool:
        """Whether a sample that was sent by a moment of the monotonic clock has not ended."""
        return self._started().waits_since(moment)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it ends by itself, at most `seconds`; whether it has ended."""
        self._started()
        return self._over.wait(seconds)

    def stop(self) -> Findings:
        """Stop, wait for the samples in flight (at most their timeout), and return the findings; a second call
        returns the same."""
        sampler = self._started()
        sampler.stop()
        self.wait()
        held = self._holder.stop() if self._holder is not None else [None] * len(self.endpoints)
        if self._error is not None:
            raise self._error
        if self._findings is None:
            self._findings = self._find(sampler, held)
        return self._findings

    def __enter__(self) -> Prober:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sampler is not None:
            self._sampler.stop()
            self.wait()
            if self._holder is not None:
                self._holder.stop()

    def _started(self) -> Sampler:
        if self._sampler is None:
            raise RuntimeError("the Prober has not been started")
        return self._sampler

    def _run(self) -> None:
        try:
            self._started().run()
        except BaseException as error:  # noqa: BLE001 - stop() raises it in the caller's thread
            self._error = error
        finally:
            self._over.set()

    def _find(self, sampler: Sampler, held: Sequence[HeldFindings | None]) -> Findings:
        assert sampler.ended is not None
        doubtful = sampler.control.samples.failed() if sampler.control else []
        addresses = tuple(
            address_findings(
                asked.endpoint,
                asked.samples,
                interval_s=self._interval,
                begin=sampler.began,
                end=sampler.ended,
                doubtful=doubtful,
                trouble=asked.trouble,
                held=connections,
            )
            for asked, connections in zip(sampler.asked, held, strict=True)
        )
        return Findings(
            addresses,
            self._interval,
            sampler.began,
            sampler.ended,
            any(asked.samples.full for asked in sampler.asked),
            sampler.longest_stall_s,
            max(0.0, _suspended() - self._slept),
        )


def check_interval(interval_s: float) -> None:
    """Raise UsageError for an interval that no prober keeps, seconds."""
    if not SHORTEST_INTERVAL_S <= interval_s <= LONGEST_INTERVAL_S:
        raise UsageError(f"The interval is {interval_s:g} s; it must be from 10 ms to 60 s.")


def _check_duration(interval_s: float, duration_s: float | None, most: int) -> None:
    if duration_s is not None and not 0 < duration_s <= interval_s * most:
        raise UsageError(
            f"The duration is {duration_s:g} s; it must be above 0, and at most {interval_s * most:g} s at this "
            f"interval, for {most:,} samples of each address."
        )


def _check_hold(targets: Sequence[ProbeTarget], hold: int) -> None:
    if not 0 <= hold <= MOST_HELD:
        raise UsageError(f"{hold} connections cannot be held: the number must be from 0 to {MOST_HELD}.")
    for target in targets:
        if hold and target.scheme != "http":
            raise UsageError(f"{target.url} cannot be held: connections are held by http only.")


def _check_files(targets: int, interval_s: float, timeout_s: float, hold: int) -> None:
    # What does not answer is held open until its timeout.
    needed = targets * (int(timeout_s / interval_s + 1) + hold) + _OTHER_FILES
    try:
        import resource
    except ImportError:
        # Windows limits no process in that way.
        return
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and needed > allowed:
        raise UsageError(
            f"This may need {needed} open files at once, and this process may have {allowed}.",
            hint="Choose a longer interval, fewer addresses or fewer held connections, or raise the limit (ulimit -n).",
        )


def _suspended() -> float:
    """How long the machine has been suspended since it started, seconds; 0 where the system does not report it."""
    return 0.0 if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK) - time.monotonic()
