"""What the picture of many swaps is drawn from, out of the trials and the summary as they stand in JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

SIDES = ("production", "staging")


@dataclass(frozen=True, slots=True)
class Point:
    """The outages of one address in one swap, seconds, all together. estimate_s and upper_s: None if it was still down
    at the end: then it is at least lower_s. trial: the swap's number."""

    strategy: str
    side: str
    trial: int
    lower_s: float
    estimate_s: float | None
    upper_s: float | None

    @property
    def open(self) -> bool:
        """Whether it had not ended."""
        return self.estimate_s is None

    @property
    def shown(self) -> float:
        """Where its dot is."""
        return self.lower_s if self.estimate_s is None else self.estimate_s


@dataclass(frozen=True, slots=True)
class Middle:
    """The median of one row, seconds, with its interval; an end that is infinite is None. open: the median is at least
    so much. outliers: numbers of swaps."""

    strategy: str
    side: str
    median_s: float
    open: bool
    low_s: float | None
    high_s: float | None
    coverage: float
    outliers: frozenset[int] = frozenset()


def points(trials: Iterable[Mapping[str, Any]]) -> list[Point]:
    """What the valid trials observed: lines of trials.jsonl, of which those of other roles are left out."""
    return [
        Point(one["strategy"], side, one["number"], seen["lower_s"], seen["estimate_s"], seen["upper_s"])
        for one in trials
        if one["valid"] and one["role"] == "trial"
        for side in SIDES
        if (seen := one.get(side)) and seen["lower_s"] is not None
    ]


def middles(summary: Mapping[str, Any]) -> list[Middle]:
    """The medians of what was observed, from what `experiment -o json` prints."""
    found = []
    for strategy, told in summary["strategies"].items():
        for side in SIDES:
            if (figures := told[side]["observed"]) is not None:
                found.append(_middle(strategy, side, figures))
    return found


def _middle(strategy: str, side: str, figures: Mapping[str, Any]) -> Middle:
    median, interval = figures["median"], figures["interval"]
    open_ = isinstance(median, Mapping)
    return Middle(
        strategy,
        side,
        median["at_least"] if open_ else median,
        open_,
        interval["low"],
        interval["high"],
        interval["coverage"],
        frozenset(figures["outliers"]),
    )


def typical(summary: Mapping[str, Any], trials: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """For each strategy the valid trial whose outage of production is nearest to the median, if it was recorded."""
    recorded = {one["number"]: one for one in trials if one["samples"]}
    medians = {one.strategy: one.median_s for one in middles(summary) if one.side == SIDES[0]}
    found = {}
    for strategy, median in medians.items():
        own = [
            one
            for one in points(recorded.values())
            if (one.strategy, one.side) == (strategy, SIDES[0]) and one.trial in recorded
        ]
        if own:
            found[strategy] = recorded[min(own, key=lambda one: (abs(one.shown - median), one.trial)).trial]
    return found
