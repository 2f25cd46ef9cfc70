"""Outages from samples, with bounds: pure arithmetic on times of one monotonic clock, in seconds.

A sample reads the state of the address at one unknown instant t of [sent, done]: good if it answered, bad if it
refused, reset, timed out, ... What is unknown (never sent, late, an error of ours) counts as neither, but it
divides: an address that was down on both sides of it may have been up in between.

**Grouping.** Let f be the bad sample that was done first. Let b be the good one that was done first of those sent
after f was done. Every bad sample sent before b was done belongs to f's outage: nothing good lies *certainly* between
it and f. The rest is grouped likewise. So a reported outage F has

- lower = max over F of sent - min over F of done (0 if negative), summed over the stretches between unknown slots;
- upper = b.done - a.sent, where a is the good sample sent last of those sent before all of F and done before the last
  of F was sent;
- estimate = from sending the first of F to sending the first good one after the last of F, kept inside the bounds.

Without a or b it is open at that end: no upper bound, no estimate.

**Theorem.** An outage is a maximal interval in which the address is down; it may flap as it likes.

1. If all of F read one outage, its length lies in [lower, upper].
2. Every outage, as far as it lies in the time observed, lies in [a.sent, b.done] of a reported one, and so is no
   longer than its upper bound, or it is no longer than `undetected_upper_s`.
3. There are no more reported outages than outages that were read: one is never reported as two.
4. If F read several outages, `lower` is no longer than from the begin of the first to the end of the last. What it
   has too much is time up in which not one whole sample lay, and no unknown slot.
"""

# Proof. g good, t_g its instant; an outage O contains the instant of none.
# 1. In a stretch the one done first and the one sent last lie in O, at least sent - done apart, and stretches do not
#    overlap. a.done <= sent of some f of F, so t_a <= t_f: O begins after t_a >= a.sent. b.sent >= done of some f of F,
#    so O ends before t_b <= b.done.
# 2. O contains no good sample whole. So it begins after the sending of some good sample, and ends before any that is
#    sent from its begin on is done: it lies in one of the stretches that `undetected` goes through, which leaves out
#    only those that lie in an [a.sent, b.done].
# 3. t_f <= f.done <= b.sent <= t_b <= b.done <= sent of all later groups: b, good, lies between f and all of them.
# 4. As 1, with "the instants" for O. A good sample g that lies wholly between the one done first and the one sent last
#    would have been b, or later than b, and have divided them.

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from vipswap_rest.measure.quantities import Rounding, figure

# Between two of our own sends; more is a window in which we were blind.
SLACK_S = 0.020


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, seconds of the monotonic clock."""

    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Outage:
    """One reported outage; all in seconds.

    `after` and `before` enclose it on the monotonic clock (None: open at that end); `first_failed` and `last_failed`
    are when the first and the last of its `failures` bad samples were sent.
    """

    lower_s: float
    estimate_s: float | None
    upper_s: float | None
    after: float | None
    before: float | None
    first_failed: float
    last_failed: float
    failures: int

    def as_json(self) -> dict[str, float | None]:
        """`{lower_s, estimate_s, upper_s}` in microseconds, the bounds rounded outwards; null where it is open."""
        return {
            "lower_s": figure(self.lower_s, Rounding.DOWN),
            "estimate_s": None if self.estimate_s is None else figure(self.estimate_s),
            "upper_s": None if self.upper_s is None else figure(self.upper_s, Rounding.UP),
        }


@dataclass(frozen=True, slots=True)
class Account:
    """What the samples of one address show: the outages in order, the longest one that could have gone unseen, and when
    nothing is known."""

    outages: tuple[Outage, ...]
    undetected_upper_s: float
    unknown: tuple[Window, ...]


class Spans:
    """Samples as two arrays, sent[i] <= done[i], in the order of sending."""

    def __init__(self, spans: Iterable[tuple[float, float]] = ()) -> None:
        self.sent, self.done = array("d"), array("d")
        for sent, done in sorted(spans):
            self.add(sent, done)

    def add(self, sent: float, done: float) -> None:
        """Add a sample that was sent after all others."""
        self.sent.append(sent)
        self.done.append(done)

    def __len__(self) -> int:
        return len(self.sent)


def account(
    good: Spans, bad: Spans, *, interval_s: float, begin: float, end: float, unknown: Sequence[float] = ()
) -> Account:
    """The outages of one address between `begin` and `end`, when it was asked every `interval_s`.

    unknown: when samples were due, or sent, of which nothing is known.
    """
    windows = unknown_windows(good, bad, interval_s=interval_s, begin=begin, end=end)
    breaks = array("d", sorted([*unknown, *((window.begin + window.end) / 2 for window in windows)]))
    found = tuple(_outages(good, bad, breaks))
    return Account(found, undetected(good, found, begin=begin, end=end), tuple(windows))


def unknown_windows(good: Spans, bad: Spans, *, interval_s: float, begin: float, end: float) -> list[Window]:
    """Where two sends of known outcome are further apart than interval + max(interval, 20 ms)."""
    limit = interval_s + max(interval_s, SLACK_S)
    sends = array("d", sorted((*good.sent, *bad.sent)))
    windows = []
    last = begin
    for sent in (*sends, end):
        if sent - last > limit:
            windows.append(Window(last, sent))
        last = max(last, sent)
    return windows


def _outages(good: Spans, bad: Spans, breaks: Sequence[float]) -> Iterable[Outage]:
    """Group the bad samples and bound each group; see the module's docstring."""
    first_done_good = _suffix_min(good.done)
    first_done_bad = _suffix_min(bad.done)
    start = 0
    while start < len(bad):
        sure = bisect_left(good.sent, first_done_bad[start])
        ends = first_done_good[sure] if sure < len(good) else None
        stop = len(bad) if ends is None else max(start + 1, bisect_left(bad.sent, ends))
        after = _last_before(good, bad.sent[start], bad.sent[stop - 1])
        lower = _lower(bad, start, stop, breaks)
        upper = None if ends is None or after is None else ends - after
        estimate = None if upper is None else _estimate(good, bad.sent[start], bad.sent[stop - 1], lower, upper)
        yield Outage(lower, estimate, upper, after, ends, bad.sent[start], bad.sent[stop - 1], stop - start)
        start = stop


def _suffix_min(values: Sequence[float]) -> array[float]:
    least = array("d", accumulate(reversed(values), min))
    least.reverse()
    return least


def _last_before(good: Spans, first_sent: float, last_sent: float) -> float | None:
    """When the last good sample was sent that was sent by `first_sent` and done by `last_sent`."""
    for at in range(bisect_right(good.sent, first_sent) - 1, -1, -1):
        if good.done[at] <= last_sent:
            return good.sent[at]
    return None


def _lower(bad: Spans, start: int, stop: int, breaks: Sequence[float]) -> float:
    """How long bad[start:stop] certainly was down, counting nothing across an unknown slot."""
    total = 0.0
    while start < stop:
        upcoming = bisect_right(breaks, bad.sent[start])
        end = min(stop, bisect_left(bad.sent, breaks[upcoming])) if upcoming < len(breaks) else stop
        end = max(end, start + 1)
        total += max(0.0, bad.sent[end - 1] - min(bad.done[start:end]))
        start = end
    return total


def _estimate(good: Spans, first_failed: float, last_failed: float, lower: float, upper: float) -> float:
    after = bisect_right(good.sent, last_failed)
    seen = good.sent[after] - first_failed if after < len(good) else (lower + upper) / 2
    return min(max(seen, lower), upper)


def undetected(good: Spans, outages: Sequence[Outage], *, begin: float, end: float) -> float:
    """The longest outage between `begin` and `end` that could lie in none of `outages`.

    It is the longest stretch from sending one good sample to the end of whichever of the later ones was done first,
    of those stretches that none of `outages` encloses.
    """
    afters = [float("-inf") if outage.after is None else outage.after for outage in outages]
    befores = [float("inf") if outage.before is None else outage.before for outage in outages]
    worst = 0.0
    sends, ends = chain((begin,), good.sent), chain(_suffix_min(good.done), (end,))
    for sent, done in zip(sends, ends, strict=True):
        if done - sent > worst:
            # Both ends of the enclosures grow from one to the next.
            at = bisect_right(afters, sent) - 1
            if at < 0 or befores[at] < done:
                worst = done - sent
    return worst
