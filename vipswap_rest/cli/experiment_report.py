"""The summary of an experiment, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vipswap_rest.cli.probe_report import COVERAGE
from vipswap_rest.experiment.paired import NO_DIFFERENCE

_SIDES = ("production", "staging")
_ROWS = (
    ("observed", "observed"),
    ("lower", "at least"),
    ("upper", "at most"),
    ("control_plane", "control plane"),
    ("lag", "lag"),
)
_COMPARED = (("observed", "observed"), ("observed_with_bounds", "by bounds"), ("control_plane", "control plane"))
_HEAD = f"  {'':<8}{'':<15}{'n':>4}  {'median':<10}{'95 % interval (covers)':<30}{'MAD':<9}{'min':<10}{'max':<10}p95"


def print_summary(told: Mapping[str, Any]) -> None:
    """Every figure, per address and strategy, and the comparisons; what is emulated is labelled."""
    trials, manifest = told["trials"], told["manifest"]
    if "warning" in told:
        print(f"{told['warning']}\n")
    state = "" if told["complete"] else " NOT COMPLETE: the same line goes on with it."
    print(
        f"{trials['valid']} of {trials['planned']} trials, {len(trials['discarded'])} swaps discarded (warm-up, "
        f"positioning), {len(trials['invalid'])} invalid; order by seed {manifest['seed']}.{state}"
    )
    for one in trials["invalid"]:
        print(f"  swap {one['number']} does not count: {one['reason']}")
    for side in _SIDES:
        print(f"\n{side}'s address, seconds in one swap\n{_HEAD}")
        for strategy, figures in told["strategies"].items():
            _print_figures(strategy, figures[side])
        for comparison in told["comparisons"]:
            _print_comparison(comparison, side)
    print(
        "\nobserved: without an answer; at least, at most: its bounds; lag: from Succeeded to the first answer, at the"
    )
    print("latest. ~: no difference shown. >=: an outage that had not ended is in it. Outliers are named and kept.")
    print(COVERAGE)


def _print_figures(strategy: str, figures: Mapping[str, Any]) -> None:
    for name, label in _ROWS:
        row = figures[name]
        head = f"  {strategy if name == 'observed' else '':<8}{label:<15}"
        if row is None:
            print(f"{head}   -")
            continue
        mad = "-" if row["mad"] is None else f"{row['mad']:.3f}"
        columns = f"{_figure(row['median']):<10}{_interval(row['interval']):<30}{mad:<9}"
        columns += f"{_figure(row['min']):<10}{_figure(row['max']):<10}{_figure(row['p95'])}"
        print(f"{head}{row['n']:>4}  {columns}")
        if row["outliers"] and name in ("observed", "control_plane"):
            print(f"  {'':<8}{'':<15}      outliers: swap {', '.join(map(str, row['outliers']))}")


def _print_comparison(comparison: Mapping[str, Any], side: str) -> None:
    for name, label in (
        ("observed", "observed"),
        ("observed_with_bounds", "by bounds"),
        ("control_plane", "control plane"),
    ):
        row = comparison[side][name]
        if row is None:
            continue
        difference = row["difference"] if isinstance(row["difference"], str) else _signed(row["difference"])
        if name == "observed_with_bounds":
            # Its estimate is a range, which says no more than the interval.
            difference = NO_DIFFERENCE if row["difference"] == NO_DIFFERENCE else ""
        head = f"{comparison['of']} less {comparison['less']}" if name == "observed" else ""
        print(f"  {head:<23}{row['pairs']:>4}  {difference:<10}{_interval(row['interval']):<30}{label}")


def _figure(value: Any) -> str:
    if value is None:
        return "-"
    return f">={value['at_least']:.3f}" if isinstance(value, Mapping) else f"{value:.3f}"


def _signed(value: Any) -> str:
    if isinstance(value, Mapping):
        ends = ["?" if value[end] is None else f"{value[end]:+.3f}" for end in ("low", "high")]
        return " to ".join(ends)
    return "?" if value is None else f"{value:+.3f}"


def _interval(told: Mapping[str, Any]) -> str:
    low, high = ("?" if told[end] is None else f"{told[end]:.3f}" for end in ("low", "high"))
    return f"{low} to {high} ({100 * told['coverage']:.1f} %)"
