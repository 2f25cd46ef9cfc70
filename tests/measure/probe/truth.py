"""A truth to measure: when an address was down, samples of it, and what an account of them must then say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from vipswap_rest.measure.outages import Account, Outage, Spans, account


@dataclass(frozen=True)
class Sample:
    """Sent, done, the instant that it read the state at, and whether its outcome is known."""

    sent: float
    done: float
    instant: float
    known: bool = True


@dataclass(frozen=True)
class Truth:
    """Outages as [begin, end), in order and apart."""

    outages: tuple[tuple[float, float], ...]

    def outage_at(self, instant: float) -> tuple[float, float] | None:
        at = bisect_right(self.outages, (instant, float("inf"))) - 1
        return self.outages[at] if at >= 0 and instant < self.outages[at][1] else None


@dataclass(frozen=True)
class Case:
    """A truth, its samples, and the account of them."""

    truth: Truth
    samples: tuple[Sample, ...]
    begin: float
    end: float
    account: Account

    def read_by(self, outage: Outage) -> list[tuple[float, float]]:
        """The true outages that the bad samples of a reported one may have read: those sent from its first to its
        last."""
        found = {
            true
            for sample in self.samples
            if sample.known and outage.first_failed <= sample.sent <= outage.last_failed
            for true in [self.truth.outage_at(sample.instant)]
            if true is not None
        }
        return sorted(found)


def case(truth: Truth, samples: Iterable[Sample], *, interval_s: float, begin: float, end: float) -> Case:
    """The account of the samples."""
    samples = tuple(samples)
    known = [sample for sample in samples if sample.known]
    good = Spans((sample.sent, sample.done) for sample in known if truth.outage_at(sample.instant) is None)
    bad = Spans((sample.sent, sample.done) for sample in known if truth.outage_at(sample.instant) is not None)
    unknown = [sample.sent for sample in samples if not sample.known]
    return Case(
        truth,
        samples,
        begin,
        end,
        account(good, bad, interval_s=interval_s, begin=begin, end=end, unknown=unknown),
    )


def broken_promises(tried: Case) -> list[str]:
    """Which parts of the theorem of vipswap_rest.measure.outages do not hold; empty if all do."""
    broken = []
    for reported in tried.account.outages:
        trues = tried.read_by(reported)
        span = trues[-1][1] - trues[0][0]
        if reported.lower_s > span:
            broken.append(f"4: lower {reported.lower_s} above the span {span} of {trues}")
        if len(trues) == 1 and reported.upper_s is not None and reported.upper_s < span:
            broken.append(f"1: upper {reported.upper_s} below the length of {trues}")
        if reported.upper_s is not None and not (
            reported.estimate_s is not None and reported.lower_s <= reported.estimate_s <= reported.upper_s
        ):
            broken.append(f"the estimate is not between the bounds: {reported}")
    known_bad = [tried.truth.outage_at(sample.instant) for sample in tried.samples if sample.known]
    if len(tried.account.outages) > len({outage for outage in known_bad if outage is not None}):
        broken.append(f"3: more reported outages than {sorted(filter(None, known_bad))}")
    for outage in tried.truth.outages:
        begin, end = max(outage[0], tried.begin), min(outage[1], tried.end)
        enclosed = any(
            (reported.after is None or reported.after <= begin) and (reported.before is None or end <= reported.before)
            for reported in tried.account.outages
        )
        if not enclosed and end - begin > tried.account.undetected_upper_s:
            broken.append(f"2: {outage} is in none, and undetected is {tried.account.undetected_upper_s}")
    return broken
