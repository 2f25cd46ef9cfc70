"""When callers see the new side of a switch, and how long both sides answer them: from who answered each sample. Pure.

A good sample's answer was given at one unknown instant of [sent, done]. *Old* is who had answered before the write was
sent, *new* is anyone else. Of what the samples show

- it takes effect from the write's sending to the first new answer: at the latest when the new answer was done that was
  done first, at the earliest when the last sample was sent that certainly came before any new answer, and was answered
  by the old side or failed;
- both sides answered from the first new answer to the last old one: at least from when a new answer was done until an
  old one was sent, at most from when the first new one was sent until the last old one was done; not at all where
  every old one was done before any new one was sent.

Nothing is known where nobody had answered before, where answers do not say who gave them, or where nobody new did.
"""

from __future__ import annotations

from dataclasses import dataclass

from vipswap_rest.measure.probe.samples import SampleOutcome, Samples
from vipswap_rest.measure.quantities import Rounding, figure


@dataclass(frozen=True, slots=True)
class Bounds:
    """A length of time lies between them, seconds."""

    lower: float
    upper: float

    def as_json(self) -> dict[str, float]:
        """In microseconds, rounded outwards."""
        return {"lower": figure(self.lower, Rounding.DOWN), "upper": figure(self.upper, Rounding.UP)}


@dataclass(frozen=True, slots=True)
class Effect:
    """How long it took from the write's sending to the first new answer, and how long both sides answered."""

    takes: Bounds
    mixed: Bounds


def effect(samples: Samples, sent: float) -> Effect | None:
    """What the samples of an address show of a write that was sent at `sent` (monotonic seconds); None: nothing."""
    every = range(len(samples))
    good = [at for at in every if samples.outcomes[at] == SampleOutcome.OK and samples.codes[at]]
    bad = [at for at in every if SampleOutcome(samples.outcomes[at]).known and samples.outcomes[at] != SampleOutcome.OK]
    before = {samples.codes[at] for at in good if samples.done[at] <= sent}
    old = [at for at in good if samples.codes[at] in before]
    new = [at for at in good if samples.codes[at] not in before]
    if not before or not new:
        return None
    first_sent, first_done = min(samples.sent[at] for at in new), min(samples.done[at] for at in new)
    certain = [samples.sent[at] for at in (*old, *bad) if samples.done[at] <= first_sent]
    last_sent, last_done = max(samples.sent[at] for at in old), max(samples.done[at] for at in old)
    return Effect(
        Bounds(max(0.0, max(certain, default=sent) - sent), first_done - sent),
        Bounds(max(0.0, last_sent - first_done), max(0.0, last_done - first_sent)),
    )
