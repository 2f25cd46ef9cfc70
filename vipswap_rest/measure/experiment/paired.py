"""Comparing two strategies by pairs: the Hodges-Lehmann estimate, and its interval by Wilcoxon's signed ranks. Pure.

The pairs are differences within blocks, so what drifts over the hours of an experiment cancels out. Under "no
difference" each is as likely above zero as below; the interval holds every shift that Wilcoxon's signed-rank test would
not reject (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3.1-3.3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, median

from vipswap_rest.measure.experiment.stats import LEVEL, Interval, Value, finite, symmetric_tails
from vipswap_rest.measure.quantities import Rounding

# Up to this many pairs the distribution of the ranks is exact; above, it is a normal one with the same moments.
MOST_EXACT = 100
NO_DIFFERENCE = "~"


@dataclass(frozen=True, slots=True)
class Comparison:
    """By how much more the second of each pair is than the first.

    estimate: Hodges-Lehmann, from its least to its greatest possible value where open measurements leave it unknown
    (else the two are equal). exact: whether the interval's coverage comes from the exact distribution.
    """

    n: int
    estimate: tuple[float, float]
    interval: Interval
    exact: bool

    @property
    def differs(self) -> bool:
        """Whether a difference was shown: zero lies outside the interval."""
        return not self.interval.contains_zero

    def as_json(self) -> dict[str, object]:
        """`difference` is `~` where none was shown."""
        low, high = self.estimate
        ends = {"low": finite(low, Rounding.DOWN), "high": finite(high, Rounding.UP)}
        estimate: object = finite(low) if low == high else ends
        return {
            "pairs": self.n,
            "difference": estimate if self.differs else NO_DIFFERENCE,
            "estimate": estimate,
            "interval": self.interval.as_json(),
            "exact": self.exact,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """What a difference of two measurements can be, from `low` to `high`, either of which may be infinite."""

    low: float
    high: float

    @classmethod
    def of(cls, second: Value, first: Value) -> Difference:
        """second - first: one number, unless one of them is open."""
        return cls(
            -math.inf if first.open else second.value - first.value,
            math.inf if second.open else second.value - first.value,
        )


def compare(differences: Sequence[Difference], level: float = LEVEL) -> Comparison:
    """Compare pairs by their differences, second less first. Raises ValueError if there are none.

    All of it grows with each difference, so the ends of the differences give the ends of the figures.
    """
    n = len(differences)
    lows = highs = walsh_averages([one.low for one in differences])
    if any(one.low != one.high for one in differences):
        highs = walsh_averages([one.high for one in differences])
    k, coverage = signed_rank(n, level)
    return Comparison(
        n, (median(lows), median(highs)), Interval(lows[k - 1], highs[-k], coverage), exact=n <= MOST_EXACT
    )


def walsh_averages(numbers: Sequence[float]) -> list[float]:
    """The averages of all pairs of numbers, each with itself too, in order."""
    return sorted((one + other) / 2 for at, one in enumerate(numbers) for other in numbers[at:])


@lru_cache
def signed_rank(n: int, level: float = LEVEL) -> tuple[int, float]:
    """The k of the interval from the k-th smallest to the k-th largest Walsh average, 1-based, and its coverage.

    The coverage is 1 - 2 P(T < k), T the signed-rank statistic of n pairs; with ties among the differences it is at
    least that. k is the largest that keeps `level`; where none does (n < 6 for 0.95), it is 1: the widest interval.
    Raises ValueError for n < 1.
    """
    most = n * (n + 1) // 2
    if n <= MOST_EXACT:
        return symmetric_tails(signed_rank_counts(n), n, (most + 1) // 2, level)
    normal = NormalDist(most / 2, math.sqrt(n * (n + 1) * (2 * n + 1) / 24))
    k = max(1, math.floor(normal.inv_cdf((1 - level) / 2) + 0.5))
    return k, 1 - 2 * normal.cdf(k - 0.5)


@lru_cache
def signed_rank_counts(n: int) -> tuple[int, ...]:
    """In how many of the 2**n ways of giving signs to the ranks 1 to n the positive ones add up to 0, 1, 2, ..."""
    counts = [1]
    for rank in range(1, n + 1):
        shifted = [0] * rank + counts
        counts = [a + b for a, b in zip(counts + [0] * rank, shifted, strict=True)]
    return tuple(counts)
