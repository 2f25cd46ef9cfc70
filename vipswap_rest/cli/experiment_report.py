"""The summary of an experiment, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vipswap_rest.cli.probe_report import COVERAGE
from vipswap_rest.measure.experiment.paired import NO_DIFFERENCE
from vipswap_rest.measure.experiment.summary import ROUNDING
from vipswap_rest.measure.quantities import Rounding, coverage, decimals

_SIDES = ("production", "staging")
_ROWS = (
    ("observed", "observed"),
    ("lower", "at least"),
    ("upper", "at most"),
    ("control_plane", "control plane"),
    ("lag", "lag"),
    ("takes_effect", "takes effect"),
    ("mixed", "both sides"),
)
_HEAD = f"  {'':<8}{'':<15}{'n':>4}  {'median':<10}{'95 % interval (covers)':<30}{'MAD':<9}{'min':<10}{'max':<10}p95"


def print_summary(told: Mapping[str, Any]) -> None:
    """Every figure, per address and strategy, and the comparisons; what is emulated is labelled."""
    trials, manifest = told["trials"], told["manifest"]
    if "warning" in told:
        print(f"{told['warning']}\n")
    state = "" if told["complete"] else " NOT COMPLETE: the same line continues it."
    print(
        f"{trials['valid']} of {trials['planned']} trials, {len(trials['discarded'])} swaps discarded (warm-up, "
        f"positioning), {len(trials['invalid'])} invalid; order by seed {manifest['seed']}.{state}"
    )
    for one in trials["invalid"]:
        print(f"  swap {one['number']} does not count: {one['reason']}")
    for side in _SIDES:
        print(f"\n{side}'s address, seconds in one swap\n{_HEAD}")
        for strategy, figures in told["strategies"].items():
            # A flip has one side.
            if not figures["n"] or any(figures[side].values()):
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
        rounding = ROUNDING.get(name, Rounding.NEAREST)
        columns = f"{_figure(row['median'], rounding):<10}{_interval(row['interval']):<30}{_figure(row['mad']):<9}"
        columns += "".join(f"{_figure(row[one], rounding):<10}" for one in ("min", "max", "p95")).rstrip()
        print(f"{head}{row['n']:>4}  {columns}")
        if row["outliers"] and name in ("observed", "control_plane"):
            print(f"  {'':<8}{'':<15}      outliers: swap {', '.join(map(str, row['outliers']))}")


def _print_comparison(comparison: Mapping[str, Any], side: str) -> None:
    for name, label in (
        ("observed", "observed"),
        ("observed_with_bounds", "by bounds"),
        ("control_plane", "control plane"),
        ("takes_effect", "takes effect"),
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


def _figure(value: Any, rounding: Rounding = Rounding.NEAREST) -> str:
    if value is None:
        return "-"
    return (
        f">={decimals(value['at_least'], Rounding.DOWN)}" if isinstance(value, Mapping) else decimals(value, rounding)
    )


def _signed(value: Any) -> str:
    if isinstance(value, Mapping):
        return _ends(value, sign=True)
    return "?" if value is None else decimals(value, sign=True)


def _interval(told: Mapping[str, Any]) -> str:
    return f"{_ends(told)} ({coverage(told['coverage'], column=True)})"


def _ends(told: Mapping[str, Any], *, sign: bool = False) -> str:
    """From the least to the greatest possible value, which are bounds; `?` where there is none."""
    low, high = (
        "?" if told[end] is None else decimals(told[end], rounding, sign=sign)
        for end, rounding in (("low", Rounding.DOWN), ("high", Rounding.UP))
    )
    return f"{low} to {high}"
