"""Lengths of time in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.measure.quantities import (
    Rounding,
    at_most,
    bounds,
    counted,
    coverage,
    decimals,
    figure,
    none_seen,
    outage,
    seconds,
    shortened,
    stamp,
)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (0, "0 s"),
        (0.00002, "0.02 ms"),
        (0.0012, "1.2 ms"),
        (0.01, "10 ms"),
        (0.00999999, "10 ms"),
        (0.5994, "599 ms"),
        (0.99949, "999 ms"),
        (0.9996, "1.000 s"),
        (9.99949, "9.999 s"),
        (9.9996, "10.00 s"),
        (-0.0544, "-54 ms"),
        (61.249, "61.25 s"),
        (99.99, "99.99 s"),
        (7200.04, "7200.0 s"),
    ],
)
def test_a_length_is_said_in_ms_below_one_second(length: float, said: str) -> None:
    assert seconds(length) == said


def number(said: str) -> float:
    value, unit = said.split()
    return float(value) / (1000 if unit == "ms" else 1)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.floats(0, 1e5), st.floats(0, 1e3))
def test_bounds_are_never_rounded_inwards(lower: float, more: float) -> None:
    low, high = bounds(lower, lower + more).split(" to ")
    if " " not in low:
        low += high[high.index(" ") :]

    # To the nanosecond, in which a clock ticks.
    assert number(low) <= lower + 1e-9
    assert number(high) >= lower + more - 1e-9


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.floats(-1e5, 1e5), st.integers(0, 6))
def test_a_rounded_figure_lies_on_its_side_and_less_than_a_digit_away(value: float, digits: int) -> None:
    down, near, up = (figure(value, rounding, digits) for rounding in (Rounding.DOWN, Rounding.NEAREST, Rounding.UP))

    assert down <= value + 1e-9
    assert up >= value - 1e-9
    assert down <= near <= up <= down + 1.001 * 10**-digits


def test_a_bound_in_any_form_lies_outside() -> None:
    assert at_most(0.2349) == "at most 235 ms"
    assert none_seen(1.00001) == "no outage seen; none longer than 1.001 s"
    assert outage(1.23456, 1.5, 61.231) == "1.500 s (1.234 to 61.24 s)"
    assert outage(1.23456, None, None) == "at least 1.234 s"
    assert (decimals(-0.0001, Rounding.DOWN), decimals(-0.0001)) == ("-0.001", "0.000")
    assert seconds(0.1501, Rounding.UP, sign=True) == "+151 ms"
    assert (coverage(0.9499), coverage(0.75), coverage(0.5, column=True)) == ("94.9 %", "75 %", "50.0 %")
    assert stamp(1.236) == "[   1.24 s]"


def test_what_is_exact_stays_exact() -> None:
    assert bounds(0.029, 0.3) == "29 to 300 ms"
    assert bounds(0.9, 61.1) == "900 ms to 61.10 s"
    assert bounds(0, 0.1) == "0 s to 100 ms"
    assert bounds(1.1, None) == "at least 1.100 s"
    assert seconds(1.15, Rounding.DOWN) == "1.150 s"


def test_a_long_name_keeps_its_ends() -> None:
    assert shortened("vipswap1lb", 10) == "vipswap1lb"
    assert shortened("a-very-long-name-1", 9) == "a-ve…me-1"
    assert [counted(number, "swap") for number in (0, 1, 2)] == ["0 swaps", "1 swap", "2 swaps"]
