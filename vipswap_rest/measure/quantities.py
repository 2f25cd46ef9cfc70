"""Measured lengths of time, as numbers for JSON and in words: the one place where they are rounded.

Estimates are rounded to the nearest, lower bounds down, upper bounds up, so that a printed bound stays true. The unit
is chosen here, too. A figure is what it is in nanoseconds, as clocks tick: what a float has beyond that is the
noise of sums, and would push what is exactly 100 ms to 101. Pure.
"""

from __future__ import annotations

import decimal
import math
from decimal import Decimal
from enum import Enum

# What a clock tells of a second, and what JSON has of it: nanoseconds, microseconds.
_CLOCK_DIGITS, _JSON_DIGITS = 9, 6


class Rounding(Enum):
    """Which way a figure may be rounded: an estimate to the nearest, a lower bound down, an upper bound up."""

    NEAREST = decimal.ROUND_HALF_UP
    DOWN = decimal.ROUND_FLOOR
    UP = decimal.ROUND_CEILING


def rounded(number: float, digits: int, rounding: Rounding = Rounding.NEAREST) -> Decimal:
    """A finite number with so many decimals."""
    ticks = Decimal(repr(round(float(number), _CLOCK_DIGITS)))
    # Zero has no sign here.
    return ticks.quantize(Decimal(1).scaleb(-digits), rounding.value) + 0


def figure(number: float, rounding: Rounding = Rounding.NEAREST, digits: int = _JSON_DIGITS) -> float:
    """A finite number for JSON."""
    return float(rounded(number, digits, rounding))


def decimals(number: float, rounding: Rounding = Rounding.NEAREST, *, sign: bool = False) -> str:
    """Seconds for a column of a table, which has its unit in its head: always three decimals."""
    return f"{rounded(number, 3, rounding):{'+' if sign else ''}.3f}"


def coverage(part: float, *, column: bool = False) -> str:
    """What an interval covers, of 1, rounded down: `95.3 %`, `75 %`; in a column of a table `75.0 %`."""
    told = rounded(100 * part, 1, Rounding.DOWN)
    return f"{told if column else told.normalize():f} %"


def stamp(moment: float) -> str:
    """When something happened, seconds since the beginning, as a progress line begins with it."""
    return f"[{rounded(moment, 2):7.2f} s]"


def seconds(length: float, rounding: Rounding = Rounding.NEAREST, *, sign: bool = False) -> str:
    """A length with three digits or four, in ms below 1 s; with `sign` it has one above 0, too."""
    if length == 0:
        return "0 s"
    digits, factor, unit = next(form for limit, form in _FORMS if abs(length) < limit)
    told = rounded(length, digits + _MS[unit], rounding) * factor
    return f"{told:{'+' if sign else ''}.{digits}f} {unit}"


# How many decimals of a second come before those of the unit.
_MS = {"ms": 3, "s": 0}
# Below so many seconds: so many decimals, of the unit that is so many to the second.
_FORMS: tuple[tuple[float, tuple[int, int, str]], ...] = (
    (0.000995, (2, 1000, "ms")),
    (0.00995, (1, 1000, "ms")),
    (0.9995, (0, 1000, "ms")),
    (9.9995, (3, 1, "s")),
    (99.995, (2, 1, "s")),
    (math.inf, (1, 1, "s")),
)


def span(low: str, high: str) -> str:
    """From one length to another, the unit said once if it is the same."""
    number, _, unit = low.partition(" ")
    return f"{number} to {high}" if unit and high.endswith(f" {unit}") else f"{low} to {high}"


def bounds(lower: float, upper: float | None) -> str:
    """From the lower bound to the upper one, both included; `at least` where there is no upper one."""
    low = seconds(lower, Rounding.DOWN)
    return f"at least {low}" if upper is None else span(low, seconds(upper, Rounding.UP))


def outage(lower: float, estimate: float | None, upper: float | None) -> str:
    """The estimate with its bounds, or `at least`; seconds."""
    if estimate is None or upper is None:
        return bounds(lower, None)
    return f"{seconds(estimate)} ({bounds(lower, upper)})"


def at_most(upper: float) -> str:
    """An upper bound."""
    return f"at most {seconds(upper, Rounding.UP)}"


def none_seen(undetected_upper_s: float) -> str:
    """What is said of an address without a failed sample."""
    return f"no outage seen; none longer than {seconds(undetected_upper_s, Rounding.UP)}"


def counted(number: int, thing: str) -> str:
    """`1 swap`, `2 swaps`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def shortened(name: str, most: int) -> str:
    """A name of at most so many characters: beginning and end are kept, as names differ there."""
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}…{name[-(most - 1 - head) :]}"
