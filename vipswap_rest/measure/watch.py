"""The probe beside one switch: which addresses answer, from before it until they answer again after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from vipswap_rest.arm.clock import Clock, rfc3339
from vipswap_rest.arm.errors import Interrupted, VipswapError
from vipswap_rest.measure.probe.prober import Prober
from vipswap_rest.measure.probe.sampler import Live
from vipswap_rest.measure.probe.target import ProbeTarget
from vipswap_rest.measure.recording import Probed, Recording, SideName, TimedWrite

T = TypeVar("T")

INTERVAL_S = 0.1
# How long an address may take to show that it answers before the switch, and that it answers again after it (seconds).
BEFORE_S, AFTER_S = 1.0, 10.0
# How long somebody else may take to answer after a switch, seconds, and how many samples are waited for then, so that
# also answers of those before are seen that come between.
ANOTHER_S, MORE_SAMPLES = 3.0, 10
ANSWER_HINT = (
    "Check that both deployments serve the probed port from here (vipswap probe), or name another one with --probe-url."
)
_PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be probed, and what to ask of it; the first target that answers is used."""

    side: SideName
    address: str
    targets: tuple[ProbeTarget, ...]


def first_answering(candidates: Sequence[Candidate], clock: Clock) -> dict[SideName, ProbeTarget]:
    """The sides whose address answers within a second, each with the first of its targets that does."""
    asked = [(one.side, target) for one in candidates for target in one.targets]
    if not asked:
        return {}
    with Prober([target for _, target in asked], INTERVAL_S, duration_s=BEFORE_S) as prober:
        while not prober.wait(0) and any(live.answers is None for live in prober.live()):
            clock.sleep(_PAUSE_S)
        answers = [live.answers for live in prober.live()]
    chosen: dict[SideName, ProbeTarget] = {}
    for (side, target), answered in zip(asked, answers, strict=True):
        if answered:
            chosen.setdefault(side, target)
    return chosen


class Watch:
    """Probes addresses from before a switch until after it.

    As a context manager it starts and ends the probing; inside, `run` carries the switch out and returns what was seen.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        *,
        clock: Clock,
        interval_s: float = INTERVAL_S,
        emulated: bool = False,
        clean: int = 1,
        settle_s: float = AFTER_S,
    ) -> None:
        """Finds out which addresses answer.

        interval_s: between two samples of an address, seconds. clean: how many samples in a row each address must
        answer before the switch and again after it; above 1 the switch does not begin without them. settle_s: how long
        that may take after the switch (above 1: before it, too), seconds.

        Raises UsageError for an interval that cannot be kept; VipswapError for a host without an address.
        """
        self._addresses = {one.side: one.address for one in candidates}
        self._targets = first_answering(candidates, clock)
        self._clock, self._emulated = clock, emulated
        targets = list(self._targets.values())
        # It looks names up.
        self._prober = clock.wait_for(lambda: Prober(targets, interval_s)) if targets else None
        self._interval_s, self._clean, self._settle_s = interval_s, clean, settle_s

    @property
    def probed(self) -> tuple[SideName, ...]:
        """The sides whose address answered at first, and so is probed."""
        return tuple(self._targets)

    def live(self) -> tuple[Live, ...]:
        """How each probed address is now."""
        return self._prober.live() if self._prober is not None else ()

    def __enter__(self) -> Watch:
        self._began, self._started_at = self._clock.monotonic(), rfc3339(self._clock.now())
        if self._prober is not None:
            self._prober.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._prober is not None:
            self._prober.__exit__(kind, error, trace)

    def run(
        self, act: Callable[[], T], *, answers_after: Callable[[T], bool], another: bool = False
    ) -> tuple[T, tuple[Probed, ...]]:
        """Wait until every address has answered, do `act`, wait until they answer again; what it returned and what was
        seen. An outage has two ends only if a good sample lies on both sides of it.

        answers_after: whether the addresses are expected to answer after what `act` returned. The wait for that lasts
        `settle_s` at most, and a signal ends it. another: after `act` somebody else is expected to answer, which is
        waited for, for a few seconds: with addresses that stay up, the answers alone do not show that it is over.

        Raises what `act` raises; VipswapError, before `act`, if clean is above 1 and the samples do not come.
        """
        seconds = BEFORE_S if self._clean == 1 else self._settle_s
        if not self._await_answers(float("-inf"), seconds) and self._clean > 1:
            raise VipswapError(
                f"Not every address answered {self._clean} samples in a row within {seconds:g} s, so nothing was "
                "changed.",
                hint=ANSWER_HINT,
            )
        before = {live.identity for live in self.live()}
        done = act()
        if answers_after(done):
            with suppress(Interrupted):
                if another and before != {None}:
                    self._await_another(before)
                over = self._clock.monotonic()
                if self._await_answers(over, self._settle_s):
                    self._await_timeouts(over)
        return done, self._seen()

    def recording(
        self, probed: tuple[Probed, ...], operations: tuple[TimedWrite, ...], report: Mapping[str, Any]
    ) -> Recording:
        """The recording of this switch: what `run` returned as seen, its writes, and its report as JSON."""
        return Recording(
            self._began, self._started_at, self._interval_s, self._emulated, probed, operations, dict(report)
        )

    def _seen(self) -> tuple[Probed, ...]:
        if self._prober is None:
            return ()
        findings = self._prober.stop()
        return tuple(
            Probed(side, target.url, self._addresses[side], found)
            for (side, target), found in zip(self._targets.items(), findings.addresses, strict=True)
        )

    def _await_timeouts(self, since: float) -> None:
        """Wait for the samples that were sent by `since`, and then for one more answer: a sample is known to be lost
        only when its time is over, and an outage has an end only if a good sample was sent after that."""
        prober, waited = self._prober, False
        while prober and prober.waits_since(since):
            waited = True
            self._clock.sleep(_PAUSE_S)
        if waited:
            self._await_answers(self._clock.monotonic(), self._settle_s)

    def _await_another(self, before: set[str | None]) -> None:
        """Wait until each address is answered by others than before, and then for some more answers."""
        until = self._clock.monotonic() + ANOTHER_S
        while self._clock.monotonic() < until and any(live.identity in before for live in self.live()):
            self._clock.sleep(_PAUSE_S)
        self._clock.sleep(min(MORE_SAMPLES * self._interval_s, ANOTHER_S))

    def _await_answers(self, since: float, seconds: float) -> bool:
        """Wait until every address has answered `clean` samples in a row that were sent after `since`; for `seconds` at
        most. Returns whether they have."""
        until = self._clock.monotonic() + seconds
        prober = self._prober
        while prober and self._clock.monotonic() < until:
            if all(prober.answered_since(since, self._clean)):
                return True
            self._clock.sleep(_PAUSE_S)
        return False
