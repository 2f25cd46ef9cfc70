"""The picture of many swaps: each outage of each strategy with its bounds, the median, and its interval.

A row is one strategy on one side's address. Within it the swaps lie in their order from top to bottom, so that a drift
shows; a line is an outage from its lower to its upper bound, with a dot at the estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vipswap_rest.measure import quantities
from vipswap_rest.measure.pictures import canvas
from vipswap_rest.measure.pictures.columns import Middle, Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_TOP_IN, _BOTTOM_IN = 0.85, 0.9
_ROW_IN = 1.15
# Medians further apart than this are shown on a logarithmic axis, or the small ones would all be one dot.
_LINEAR_UP_TO = 30.0
_MOST_NAMED = 4
# An interval that holds the median less often than a coin does is none.
_LEAST_COVERAGE = 0.5


def distribution(
    points: Sequence[Point], middles: Sequence[Middle], *, emulated: bool, layout: canvas.Layout = canvas.WIDE
) -> Figure:
    """Draw the outages of many swaps. Raises UsageError if matplotlib is not installed."""
    rows = list(dict.fromkeys((one.side, one.strategy) for one in points))
    rows.sort(key=lambda row: row[0])
    with canvas.drawing():
        legend = _legend()
        columns = canvas.legend_columns(layout, [str(entry.get_label()) for entry in legend])
        bottom = _BOTTOM_IN + 0.2 * (-(-len(legend) // columns) - 1)
        below = "by strategy and address; new connections from one place; in each row the first swap is at the top"
        headings = canvas.Headings.of(layout, "Observed outage in each swap", below, emulated=emulated)
        height = max(1, len(rows)) * _ROW_IN
        figure, axes = canvas.framed(layout, _TOP_IN + headings.more_in, height, bottom)
        _scale(axes, points, middles)
        axes.set_ylim(max(1, len(rows)), 0)
        headings.add(figure)
        if not rows:
            axes.text(0.5, 0.5, "no valid trial yet", transform=axes.transAxes, ha="center", color=canvas.FAINT)
        strategies = list(dict.fromkeys(one.strategy for one in points))
        for number, (side, strategy) in enumerate(rows):
            found = [one for one in points if (one.side, one.strategy) == (side, strategy)]
            middle = next((one for one in middles if (one.side, one.strategy) == (side, strategy)), None)
            colour = canvas.STRONG[strategies.index(strategy) % len(canvas.STRONG)]
            if number:
                axes.axhline(number, color="#CCCCCC", linewidth=0.8)
            _draw_row(axes, side, strategy, sorted(found, key=lambda one: one.trial), middle, number, colour)
        canvas.add_legend(figure, legend, columns)
    return figure


def _scale(axes: Axes, points: Sequence[Point], middles: Sequence[Middle]) -> None:
    """From 0 on, linear; logarithmic above the smallest one where the medians are far apart."""
    ends = [one.shown if one.upper_s is None else one.upper_s for one in points]
    ends += [one.high_s for one in middles if one.high_s is not None]
    most = max(ends, default=0.0) or 1.0
    medians = [one.median_s for one in middles if one.median_s > 0]
    label = "seconds"
    if medians and max(medians) > _LINEAR_UP_TO * min(medians):
        threshold = 10.0 ** math.floor(math.log10(min(medians)))
        axes.set_xscale("symlog", linthresh=threshold, linscale=0.5)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlim(-0.1 * threshold, most * 1.6)
        label = f"seconds (logarithmic above {quantities.seconds(threshold)})"
    else:
        axes.set_xlim(-0.015 * most, most * 1.08)
    axes.set_xlabel(label)


def _draw_row(
    axes: Axes, side: str, strategy: str, points: Sequence[Point], middle: Middle | None, top: int, colour: str
) -> None:
    name = f"{side}-{strategy}"
    outside: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "clip_on": False}
    axes.text(-0.012, top + 0.36, quantities.shortened(strategy, 16), va="bottom", fontweight="bold", **outside)
    axes.text(-0.012, top + 0.40, f"{side}'s address", va="top", **outside)
    axes.text(-0.012, top + 0.58, quantities.counted(len(points), "swap"), va="top", color=canvas.FAINT, **outside)
    axes.text(-0.012, top + 0.76, _named(middle), va="top", color=canvas.FAINT, **outside)
    heights = [top + 0.40 + 0.46 * (at + 0.5) / len(points) for at in range(len(points))]
    small = len(points) > 60
    outliers = middle.outliers if middle else frozenset()
    for point, y in zip(points, heights, strict=True):
        end = point.shown if point.upper_s is None else point.upper_s
        axes.plot(
            [point.lower_s, end],
            [y, y],
            color=colour,
            linewidth=0.5 if small else 1.6,
            alpha=0.35 if small else 0.6,
            zorder=3,
        )
        seen = point.open or point.shown > 0
        axes.plot(
            [point.shown],
            [y],
            marker=">" if point.open else "o",
            markersize=3 if small else 5,
            markerfacecolor=colour if seen else "white",
            markeredgecolor=colour,
            linestyle="none",
            zorder=4,
            gid=f"{name}-trial-{point.trial}",
        )
        if point.trial in outliers:
            axes.plot(
                [point.shown],
                [y],
                marker="o",
                markersize=10,
                markerfacecolor="none",
                markeredgecolor=canvas.INK,
                zorder=5,
            )
    if middle is not None:
        _draw_middle(axes, middle, top, name)


def _named(middle: Middle | None) -> str:
    """Which swaps are the outliers, or how many."""
    found = sorted(middle.outliers) if middle else []
    if len(found) > _MOST_NAMED:
        return f"{len(found)} outliers"
    return f"{'outlier' if len(found) == 1 else 'outliers'} {', '.join(map(str, found))}" if found else ""


def _draw_middle(axes: Axes, middle: Middle, top: int, name: str) -> None:
    """The interval of the median above the dots, the median as a line through all of them, both in words on top."""
    y, right = top + 0.31, axes.get_xlim()[1]
    low = 0.0 if middle.low_s is None else middle.low_s
    high = right if middle.high_s is None else middle.high_s
    axes.plot([low, high], [y, y], color=canvas.INK, linewidth=1.4, zorder=6, gid=f"{name}-interval")
    ends = [low] if middle.high_s is None else [low, high]
    axes.plot(ends, [y] * len(ends), color=canvas.INK, marker="|", markersize=7, linestyle="none", zorder=6)
    median = [middle.median_s] * 2
    axes.plot(median, [top + 0.24, top + 0.9], color=canvas.INK, linewidth=1.0, zorder=6, gid=f"{name}-median")
    text = axes.text(
        middle.median_s, top + 0.2, _said(middle), va="bottom", ha="center", fontsize=8.5, zorder=7, clip_on=False
    )
    canvas.keep_inside(text, axes)


def _said(middle: Middle) -> str:
    """The median and its interval in words."""
    median = quantities.bounds(middle.median_s, None) if middle.open else quantities.seconds(middle.median_s)
    told = f"median {median}"
    if middle.coverage < _LEAST_COVERAGE:
        return told
    high = "no upper end" if middle.high_s is None else quantities.seconds(middle.high_s, quantities.Rounding.UP)
    low = quantities.seconds(middle.low_s or 0.0, quantities.Rounding.DOWN)
    return f"{told}, {quantities.coverage(middle.coverage)} interval {quantities.span(low, high)}"


def _legend() -> list[Line2D]:
    from matplotlib.lines import Line2D

    def entry(label: str, **looks: Any) -> Line2D:
        return Line2D([0.0], [0.0], label=label, **{"color": canvas.FAINT, "markersize": 5, **looks})

    return [
        entry("estimate with its bounds", marker="o"),
        entry("none seen, up to", marker="o", markerfacecolor="white"),
        entry("at least: still down at the end", marker=">", linestyle="none"),
        entry("outlier, counted all the same", marker="o", linestyle="none", markerfacecolor="none", markersize=10),
        entry("median and its interval", color=canvas.INK),
    ]
