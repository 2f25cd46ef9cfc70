"""Figures of few measurements, exact where they can be: medians with intervals, spread, outliers. Pure.

A measurement that was still going on when the measuring ended is *open*: all that is known is "at least". It stays in
medians, with the open end followed through: a median is given as "at least" exactly if it depends on an open value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean, median

from vipswap_rest.measure.quantities import Rounding, figure

LEVEL = 0.95
# Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993), also in the NIST/SEMATECH handbook, 1.3.5.17.
OUTLIER_SCORE = 3.5
OUTLIER_RULE = (
    "modified z-score above 3.5: |0.6745 (x - median)| / MAD, or |x - median| / (1.2533 x the mean absolute deviation) "
    "where MAD is 0; but what differs from the median by no more than two intervals of the probe is not an outlier, as "
    "the probe has no finer resolution; outliers are named and kept"
)
# From how many measurements on a percentile is said at all: below, it is no more than the largest one.
LEAST_FOR_PERCENTILE = {95: 20, 99: 100}


@dataclass(frozen=True, slots=True, order=True)
class Value:
    """A measurement. open: it is at least `value`."""

    value: float
    open: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed confidence interval, and the coverage it has (0 to 1). low and high may be infinite."""

    low: float
    high: float
    coverage: float

    @property
    def contains_zero(self) -> bool:
        """Whether no difference is among what it allows."""
        return self.low <= 0 <= self.high

    def as_json(self) -> dict[str, float | None]:
        """`{low, high, coverage}`, an end that is infinite as null."""
        return {
            "low": finite(self.low, Rounding.DOWN),
            "high": finite(self.high, Rounding.UP),
            "coverage": figure(self.coverage, digits=4),
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """What one column of measurements says, in its own unit.

    n: how many; open: how many of them are "at least". mean: of those that are not open. mad: the median absolute
    deviation from the median, unscaled; None if open values leave it unknown. outliers: their positions in the column.
    p95, p99: None while there are too few for them.
    """

    n: int
    open: int
    median: Value
    interval: Interval
    mad: float | None
    mean: float | None
    min: Value
    max: Value
    p95: Value | None
    p99: Value | None
    outliers: tuple[int, ...]

    def as_json(self, rounding: Rounding = Rounding.NEAREST) -> dict[str, object]:
        """One object; an "at least" figure as `{"at_least": x}`. rounding: of what kind the column's figures are."""
        return {
            "n": self.n,
            "open": self.open,
            "median": told(self.median, rounding),
            "interval": self.interval.as_json(),
            "mad": None if self.mad is None else figure(self.mad),
            "mean": None if self.mean is None else figure(self.mean, rounding),
            "min": told(self.min, rounding),
            "max": told(self.max, rounding),
            "p95": None if self.p95 is None else told(self.p95, rounding),
            "p99": None if self.p99 is None else told(self.p99, rounding),
        }


def summarise(values: Sequence[Value], *, resolution: float = 0.0) -> Summary:
    """The figures of one column. Raises ValueError for an empty one.

    resolution: what differs by no more than that may be the same; it makes no outlier.
    """
    if not values:
        raise ValueError("there is nothing to summarise")
    closed = [one.value for one in values if not one.open]
    middle = median_of(values)
    return Summary(
        n=len(values),
        open=len(values) - len(closed),
        median=middle,
        interval=median_interval(values),
        mad=_deviation(values, middle),
        mean=fmean(closed) if closed else None,
        # Infinitely long is at least as long as what an open one has shown so far.
        min=_statistic(values, min),
        max=_statistic(values, max),
        p95=percentile(values, 95),
        p99=percentile(values, 99),
        outliers=outliers(values, resolution),
    )


def median_of(values: Sequence[Value]) -> Value:
    """The median; the mean of the two in the middle where their number is even."""
    return _statistic(values, median)


def percentile(values: Sequence[Value], percent: int) -> Value | None:
    """The percentile by the nearest rank; None while there are too few measurements for it."""
    if len(values) < LEAST_FOR_PERCENTILE[percent]:
        return None
    rank = math.ceil(len(values) * percent / 100)
    return _statistic(values, lambda numbers: sorted(numbers)[rank - 1])


def median_interval(values: Sequence[Value], level: float = LEVEL) -> Interval:
    """The confidence interval of the median of what the values were drawn from, by order statistics.

    [x(k), x(n+1-k)] misses it with a chance of 2 P(B < k), B binomial with n and 1/2, whatever the distribution (ties
    only make it better): David and Nagaraja, Order Statistics, 7.1. k is the largest that keeps `level`; where none
    does (n < 6 for 0.95) the interval is [min, max], with the coverage that it has.
    """
    n = len(values)
    k, coverage = order_statistic(n, level)
    low, high = sorted(one.value for one in values)[k - 1], sorted(_at_most(one) for one in values)[n - k]
    return Interval(low, high, coverage)


@lru_cache
def order_statistic(n: int, level: float = LEVEL) -> tuple[int, float]:
    """The k of the interval [x(k), x(n+1-k)] for the median, 1-based, and its coverage. Raises ValueError for n < 1."""
    return symmetric_tails([math.comb(n, successes) for successes in range(n + 1)], n, (n + 1) // 2, level)


def symmetric_tails(counts: Sequence[int], n: int, most: int, level: float) -> tuple[int, float]:
    """Of a symmetric distribution with counts[i] of 2**n cases at i: the largest k up to `most`, but at least 1, with
    1 - 2 P(X < k) >= level, and that coverage."""
    if n < 1:
        raise ValueError("there is nothing to give an interval of")
    k, below, coverage = 1, counts[0], 1 - 2 * counts[0] / 2**n
    while k < most:
        below += counts[k]
        wider = 1 - 2 * below / 2**n
        if wider < level:
            break
        k, coverage = k + 1, wider
    return k, max(0.0, coverage)


def outliers(values: Sequence[Value], resolution: float = 0.0) -> tuple[int, ...]:
    """The positions of the outliers by OUTLIER_RULE, none of them within `resolution` of the median. An open value is
    one if what it has shown so far makes it one."""
    numbers = [one.value for one in values]
    middle = median(numbers)
    distances = [abs(number - middle) for number in numbers]
    mad = median(distances)
    scale = mad / 0.6745 if mad > 0 else 1.253314 * fmean(distances)
    if scale == 0:
        return ()
    return tuple(
        at for at, distance in enumerate(distances) if distance > resolution and distance / scale > OUTLIER_SCORE
    )


def told(value: Value, rounding: Rounding = Rounding.NEAREST) -> object:
    """A figure for JSON: the number, or `{"at_least": number}`, which is rounded down whatever its column is."""
    return {"at_least": figure(value.value, Rounding.DOWN)} if value.open else figure(value.value, rounding)


def finite(number: float, rounding: Rounding = Rounding.NEAREST) -> float | None:
    """A number for JSON: infinity as null."""
    return figure(number, rounding) if math.isfinite(number) else None


def _at_most(value: Value) -> float:
    return math.inf if value.open else value.value


def _statistic(values: Sequence[Value], of: Callable[[list[float]], float]) -> Value:
    """A statistic that grows with each value: open if it would be another one had the open values never ended."""
    least = of([one.value for one in values])
    return Value(least, open=of([_at_most(one) for one in values]) != least)


def _deviation(values: Sequence[Value], middle: Value) -> float | None:
    if middle.open:
        return None
    # An open value lies above a median that does not depend on it: its distance is open as it is.
    found = median_of([Value(abs(one.value - middle.value), one.open) for one in values])
    return None if found.open else found.value
