"""Pairs compared: the signed-rank distribution against published tables, a textbook's example, and simulation."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.measure.experiment import paired
from vipswap_rest.measure.experiment.paired import Difference, compare, signed_rank, signed_rank_counts
from vipswap_rest.measure.experiment.stats import Value

# n, and the largest T that rejects at 5 % and at 1 %, two-sided, as printed in tables of Wilcoxon's signed-rank test.
CRITICAL = [
    (8, 3, 0),
    (9, 5, 1),
    (10, 8, 3),
    (11, 10, 5),
    (12, 13, 7),
    (13, 17, 9),
    (14, 21, 12),
    (15, 25, 15),
    (16, 29, 19),
    (17, 34, 23),
    (18, 40, 27),
    (19, 46, 32),
    (20, 52, 37),
    (25, 89, 68),
    (30, 137, 109),
    (50, 434, 373),
]


def exactly(numbers: list[float]) -> list[Difference]:
    return [Difference(number, number) for number in numbers]


@pytest.mark.parametrize(("n", "five", "one"), CRITICAL)
def test_the_critical_values_are_those_of_the_tables(n: int, five: int, one: int) -> None:
    assert signed_rank(n, 0.95)[0] - 1 == five
    assert signed_rank(n, 0.99)[0] - 1 == one


@pytest.mark.parametrize("n", range(1, 9))
def test_the_distribution_is_that_of_all_ways_to_give_signs(n: int) -> None:
    sums = [sum(chosen) for size in range(n + 1) for chosen in itertools.combinations(range(1, n + 1), size)]

    assert signed_rank_counts(n) == tuple(sums.count(total) for total in range(n * (n + 1) // 2 + 1))


def test_a_textbooks_example_comes_out_as_printed() -> None:
    # Hollander and Wolfe's example 3.1, depression factors before and after: estimate -0.46, interval (-0.786, -0.010)
    # with 96.1 %.
    before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    found = compare([Difference.of(Value(y), Value(x)) for x, y in zip(before, after, strict=True)])

    assert found.estimate[0] == pytest.approx(-0.46)
    assert (found.interval.low, found.interval.high) == (pytest.approx(-0.786), pytest.approx(-0.010))
    assert round(found.interval.coverage, 3) == 0.961
    assert found.differs


@pytest.mark.parametrize("n", [1, 3, 5])
def test_too_few_pairs_give_the_widest_interval_with_its_true_coverage(n: int) -> None:
    found = compare(exactly([float(number) for number in range(1, n + 1)]))

    assert (found.interval.low, found.interval.high) == (1, n)
    assert found.interval.coverage == 1 - 2 / 2**n


def test_no_difference_is_shown_as_a_tilde_with_the_interval_that_holds_zero() -> None:
    told = compare(exactly([-2.0, -1, 1, 2, -3, 3, 4, -4])).as_json()

    assert told["difference"] == "~"
    assert told["estimate"] == 0


def test_zero_on_the_edge_of_the_interval_is_no_difference() -> None:
    assert not compare(exactly([0.0] * 20)).differs
    assert compare(exactly([0.001] * 20)).differs


def test_a_clear_difference_is_told_with_its_sign() -> None:
    told = compare(exactly([-33.0 - number / 10 for number in range(10)])).as_json()

    assert told["difference"] == told["estimate"] == pytest.approx(-33.45)
    assert told["pairs"] == 10
    assert told["exact"] is True


def test_an_open_measurement_opens_the_difference_on_its_side() -> None:
    assert Difference.of(Value(5, open=True), Value(2)) == Difference(3, math.inf)
    assert Difference.of(Value(5), Value(2, open=True)) == Difference(-math.inf, 3)
    assert Difference.of(Value(5, open=True), Value(2, open=True)) == Difference(-math.inf, math.inf)


def test_one_open_pair_of_twenty_leaves_a_clear_difference_standing() -> None:
    found = compare([*exactly([10.0 + number**2 for number in range(19)]), Difference(-math.inf, 3.0)])

    assert found.differs
    assert found.estimate[0] < found.estimate[1]
    assert found.interval.low > 0


@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12),
)
@settings(derandomize=True, deadline=None)
def test_wherever_the_true_differences_lie_the_figures_enclose_those_of_the_truth(
    drawn: list[tuple[int, int, int]],
) -> None:
    truth = compare(exactly([float(true) for true, _, _ in drawn]))
    found = compare([Difference(true - below, true + above) for true, below, above in drawn])

    assert found.estimate[0] <= truth.estimate[0] <= found.estimate[1]
    assert found.interval.low <= truth.interval.low
    assert found.interval.high >= truth.interval.high


NOISE: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda draw: draw.gauss(61, 5),
    "lognormal": lambda draw: draw.lognormvariate(3, 1),
    "with ties": lambda draw: float(round(draw.gauss(10, 1))),
}


@pytest.mark.parametrize("n", [10, 20])
@pytest.mark.parametrize("name", NOISE)
def test_equal_strategies_are_called_different_in_at_most_7_of_100_experiments(name: str, n: int) -> None:
    draw, one = random.Random(f"{name} {n}"), NOISE[name]

    different = 0
    for _ in range(2000):
        # What drifts from block to block is in both of a pair.
        drift = [draw.uniform(0, 50) for _ in range(n)]
        pairs = [(one(draw) + common, one(draw) + common) for common in drift]
        different += compare(exactly([second - first for first, second in pairs])).differs

    assert different <= 0.07 * 2000


def test_a_real_difference_of_two_spreads_is_found_in_nearly_all_experiments() -> None:
    draw = random.Random(2)

    found = sum(compare(exactly([draw.gauss(2, 1) - draw.gauss(0, 1) for _ in range(20)])).differs for _ in range(200))

    assert found >= 198


@pytest.mark.parametrize("n", [60, 80, 100])
def test_the_normal_distribution_that_stands_in_above_a_hundred_pairs_is_within_one_rank_by_then(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = signed_rank.__wrapped__(n, 0.95)
    monkeypatch.setattr(paired, "MOST_EXACT", 10)
    normal = signed_rank.__wrapped__(n, 0.95)

    assert abs(exact[0] - normal[0]) <= n // 20
    assert exact[1] == pytest.approx(normal[1], abs=0.002)


def test_above_a_hundred_pairs_the_comparison_says_that_it_is_not_exact() -> None:
    found = compare(exactly([float(number % 7) - 2 for number in range(101)]))

    assert not found.exact
    assert found.interval.coverage == pytest.approx(0.95, abs=0.002)


def test_no_pairs_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="nothing"):
        compare([])
