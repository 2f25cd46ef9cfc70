"""The figures of one column, against published tables, by hand, and by simulation."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.measure.experiment.stats import (
    Summary,
    Value,
    median_interval,
    median_of,
    order_statistic,
    outliers,
    percentile,
    summarise,
)

# n, the ranks of the 95 % interval of a median, and its coverage in per cent, as nonparametric textbooks print them.
MEDIAN_INTERVALS = [
    (6, 1, 6, 96.9),
    (7, 1, 7, 98.4),
    (8, 1, 8, 99.2),
    (9, 2, 8, 96.1),
    (10, 2, 9, 97.9),
    (11, 2, 10, 98.8),
    (12, 3, 10, 96.1),
    (15, 4, 12, 96.5),
    (20, 6, 15, 95.9),
    (25, 8, 18, 95.7),
    (30, 10, 21, 95.7),
    (50, 18, 33, 96.7),
]
FEW = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=12)


def closed(*numbers: float) -> list[Value]:
    return [Value(number) for number in numbers]


@pytest.mark.parametrize(("n", "low", "high", "coverage"), MEDIAN_INTERVALS)
def test_the_medians_interval_is_the_one_in_the_tables(n: int, low: int, high: int, coverage: float) -> None:
    found = median_interval(closed(*range(1, n + 1)))

    assert (found.low, found.high) == (low, high)
    assert round(100 * found.coverage, 1) == coverage


@pytest.mark.parametrize(("n", "coverage"), [(1, 0.0), (2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375)])
def test_too_few_for_the_level_give_the_widest_interval_with_its_true_coverage(n: int, coverage: float) -> None:
    found = median_interval(closed(*range(1, n + 1)))

    assert (found.low, found.high, found.coverage) == (1, n, coverage)


@given(st.integers(1, 200), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
@settings(derandomize=True, deadline=None)
def test_the_coverage_is_the_binomials_and_the_next_narrower_interval_would_not_do(n: int, level: float) -> None:
    k, coverage = order_statistic(n, level)

    def missed(rank: int) -> float:
        return 2 * sum(math.comb(n, below) for below in range(rank)) / 2**n

    assert coverage == pytest.approx(max(0.0, 1 - missed(k)))
    assert k == 1 or coverage >= level
    assert k + 1 > (n + 1) // 2 or 1 - missed(k + 1) < level


def ties(draw: random.Random) -> float:
    return float(round(draw.gauss(10, 1)))


DISTRIBUTIONS: dict[str, tuple[Callable[[random.Random], float], float]] = {
    "normal": (lambda draw: draw.gauss(61, 5), 61.0),
    "lognormal": (lambda draw: draw.lognormvariate(3, 1), math.exp(3)),
    "exponential": (lambda draw: draw.expovariate(1), math.log(2)),
    "with ties": (ties, 10.0),
}


@pytest.mark.parametrize("n", [8, 20, 50])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_medians_interval_covers_the_true_median_in_at_least_93_of_100_experiments(name: str, n: int) -> None:
    one, truth = DISTRIBUTIONS[name]
    draw = random.Random(f"{name} {n}")

    covered = 0
    for _ in range(2000):
        found = median_interval(closed(*(one(draw) for _ in range(n))))
        covered += found.low <= truth <= found.high

    assert covered >= 0.93 * 2000


@pytest.mark.parametrize("n", [8, 20, 50])
def test_the_interval_covers_as_well_when_long_measurements_are_cut_off_and_open(n: int) -> None:
    draw = random.Random(n)

    covered = 0
    for _ in range(2000):
        drawn = [draw.lognormvariate(3, 1) for _ in range(n)]
        found = median_interval([Value(min(one, 25.0), one > 25.0) for one in drawn])
        covered += found.low <= math.exp(3) <= found.high

    assert covered >= 0.93 * 2000


def test_an_open_value_above_the_middle_leaves_the_median_as_it_is() -> None:
    assert median_of([Value(1), Value(2), Value(3, open=True)]) == Value(2)
    assert median_of([Value(1), Value(2), Value(9, open=True), Value(3)]) == Value(2.5)


def test_a_median_that_falls_on_an_open_value_is_at_least_that() -> None:
    assert median_of([Value(1), Value(2, open=True), Value(3)]) == Value(2, open=True)
    assert median_of([Value(1), Value(2), Value(3, open=True), Value(4)]) == Value(2.5, open=True)


def test_an_open_value_below_the_middle_may_lie_above_it_and_opens_the_median() -> None:
    assert median_of([Value(1, open=True), Value(2), Value(3)]) == Value(2, open=True)


@given(FEW, st.lists(st.integers(0, 30), min_size=12, max_size=12))
@settings(derandomize=True, deadline=None)
def test_whatever_the_open_values_end_at_the_figures_hold(drawn: list[tuple[int, bool]], more: list[int]) -> None:
    values = [Value(float(number), open) for number, open in drawn]
    ended = [one.value + (longer if one.open else 0) for one, longer in zip(values, more, strict=False)]
    found, truth = summarise(values), summarise(closed(*ended))

    for ours, true in ((found.median, truth.median), (found.min, truth.min), (found.max, truth.max)):
        assert ours.value <= true.value if ours.open else ours.value == true.value
    assert found.interval.low <= truth.interval.low
    assert found.interval.high >= truth.interval.high
    assert found.mad is None or found.mad == truth.mad


def test_the_mean_leaves_the_open_values_out_and_says_how_many() -> None:
    found = summarise([Value(1), Value(3), Value(100, open=True)])

    assert (found.n, found.open, found.mean) == (3, 1, 2.0)


def test_the_mean_of_open_values_alone_is_none() -> None:
    assert summarise([Value(5, open=True)]).mean is None


def test_the_upper_end_of_an_interval_that_rests_on_an_open_value_is_infinite_and_null_in_json() -> None:
    found = summarise([*closed(1, 2, 3, 4, 5), Value(6, open=True)])

    assert (found.interval.low, found.interval.high) == (1, math.inf)
    assert found.as_json()["interval"] == {"low": 1, "high": None, "coverage": 0.9688}
    assert found.as_json()["max"] == {"at_least": 6}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
@settings(derandomize=True, deadline=None)
def test_median_mad_min_and_max_are_those_of_the_definition(numbers: list[float]) -> None:
    found = summarise(closed(*numbers))
    middle = statistics.median(numbers)

    assert found.median == Value(middle)
    assert found.mad == statistics.median([abs(number - middle) for number in numbers])
    assert (found.min, found.max) == (Value(min(numbers)), Value(max(numbers)))


def test_an_outlier_is_named_and_stays_in_every_figure() -> None:
    found = summarise(closed(10, 11, 12, 13, 14, 90))

    assert found.outliers == (5,)
    assert found.n == 6
    assert found.max == Value(90)


def test_the_modified_z_score_divides_at_three_and_a_half() -> None:
    # Median 0 and MAD 1: the score is 0.6745 |x|, 3.5 at 5.19.
    assert outliers(closed(-1, -1, 0, 1, 1, 5.18, -5.18)) == ()
    assert outliers(closed(-1, -1, 0, 1, 1, 5.20, -5.20)) == (5, 6)


def test_what_may_be_the_same_within_the_resolution_is_no_outlier() -> None:
    column = closed(6.1, 6.1, 6.1, 6.1, 6.104, 6.2, 6.2, 6.31)

    assert outliers(column) == (5, 6, 7)
    assert outliers(column, 0.2) == (7,)
    assert summarise(column, resolution=0.2).outliers == (7,)
    assert summarise(column, resolution=0.3).outliers == ()


def test_where_more_than_half_are_equal_the_mean_deviation_stands_in_for_mad() -> None:
    assert outliers(closed(*[5] * 20, 6)) == (20,)
    assert outliers(closed(*[5] * 20)) == ()


def test_percentiles_need_20_and_100_measurements() -> None:
    nineteen, twenty, ninety_nine, hundred = (closed(*range(1, n + 1)) for n in (19, 20, 99, 100))

    assert percentile(nineteen, 95) is None
    assert percentile(twenty, 95) == Value(19)
    assert percentile(closed(*range(1, 22)), 95) == Value(20)
    assert percentile(ninety_nine, 99) is None
    assert percentile(hundred, 99) == Value(99)
    assert summarise(hundred).p95 == Value(95)


def test_nothing_cannot_be_summarised() -> None:
    with pytest.raises(ValueError, match="nothing to summarise"):
        summarise([])


def test_a_summary_is_plain_json_with_no_infinity_in_it() -> None:
    found: Summary = summarise([Value(1, open=True)])

    assert found.as_json()["median"] == {"at_least": 1}
    assert found.as_json()["interval"] == {"low": 1, "high": None, "coverage": 0.0}
    assert found.as_json()["mad"] is None
