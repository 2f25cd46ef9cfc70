"""Lengths of time in words, for pictures and pages: bounds are rounded outwards, so that what is said stays true."""

from __future__ import annotations

import math
from collections.abc import Callable

from vipswap_rest.probe.outages import Outage


def nearest(number: float) -> int:
    """Half up; round() would go to the even one."""
    return math.floor(number + 0.5)


def seconds(length: float, rounding: Callable[[float], int] = nearest) -> str:
    """A length with three digits or four, in ms below 1 s. rounding: math.floor and math.ceil for bounds."""
    if length == 0:
        return "0 s"
    digits, factor, unit = next(form for limit, form in _FORMS if abs(length) < limit)
    scale = 10**digits
    # What is exact to a microsecond must not be pushed to the next digit by the binary form of it.
    return f"{rounding(round(length * factor * scale, 6)) / scale:.{digits}f} {unit}"


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
    low = seconds(lower, math.floor)
    return f"at least {low}" if upper is None else span(low, seconds(upper, math.ceil))


def outage(one: Outage) -> str:
    """The estimate with its bounds, or `at least`."""
    if one.estimate_s is None:
        return bounds(one.lower_s, None)
    return f"{seconds(one.estimate_s)} ({bounds(one.lower_s, one.upper_s)})"


def none_seen(undetected_upper_s: float) -> str:
    """What is said of an address without a failed sample."""
    return f"no outage seen; none longer than {seconds(undetected_upper_s, math.ceil)}"


def counted(number: int, thing: str) -> str:
    """`1 swap`, `2 swaps`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def shortened(name: str, most: int) -> str:
    """A name of at most so many characters: beginning and end are kept, as names differ there."""
    if len(name) <= most:
        return name
    head = (most - 1) // 2
    return f"{name[:head]}…{name[-(most - 1 - head) :]}"
