"""What the trials of an experiment say: each strategy's figures, and their differences by pairs. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from vipswap_rest.measure.experiment.design import Cell, Role
from vipswap_rest.measure.experiment.manifest import Manifest
from vipswap_rest.measure.experiment.measured import SIDES, Measured
from vipswap_rest.measure.experiment.paired import Difference, compare
from vipswap_rest.measure.experiment.stats import LEVEL, OUTLIER_RULE, Value, summarise
from vipswap_rest.measure.experiment.trials import Trial
from vipswap_rest.measure.quantities import Rounding
from vipswap_rest.measure.recording import SideName

EMULATED = "All of it is emulated: no figure here is Azure's."
HOW = (
    "observed: the estimate of how long the address did not answer in one swap, all its outages together; lower and "
    "upper: its bounds. control_plane: from sending the write that took the address off until Succeeded was read for "
    "the one that attached it. lag: from that moment until the address had answered, at the latest. takes_effect: from "
    "sending the write until the new side had answered, at the latest. mixed: how long both sides answered, at most. "
    "Seconds. "
    "Intervals are of the median, by order statistics, and of the difference, by Wilcoxon's signed ranks over pairs of "
    "one block and one direction; coverage is what they really cover. ~: no difference was shown, as zero lies within "
    "the interval. at_least: an outage that had not ended is in the figure."
)


def _closed(value: float | None) -> Value | None:
    return None if value is None else Value(value)


# What is told of each address, seconds.
FIGURES: dict[str, Callable[[Measured], Value | None]] = {
    "observed": lambda one: one.observed,
    "lower": lambda one: _closed(one.lower_s),
    "upper": lambda one: one.upper,
    "control_plane": lambda one: _closed(one.control_plane_outage_s),
    "lag": lambda one: _closed(one.lag_s),
    "takes_effect": lambda one: _closed(one.takes_effect_s),
    "mixed": lambda one: _closed(one.mixed_s),
}
# Which way a figure may be rounded, where it is no estimate; `lag` is until the answer at the latest.
ROUNDING = {
    "lower": Rounding.DOWN,
    **dict.fromkeys(("upper", "lag", "takes_effect", "mixed"), Rounding.UP),
}
# The probe sees both ends of an outage to an interval each; the control plane has its own clock.
PROBED = frozenset({"observed", "lower", "upper", "lag", "takes_effect", "mixed"})
COMPARED = ("observed", "control_plane", "takes_effect")


def summary(manifest: Manifest, trials: Sequence[Trial]) -> dict[str, Any]:
    """The object that `experiment -o json` prints, from what is kept on the disk and from nothing else."""
    measured = [trial for trial in trials if trial.role is Role.TRIAL]
    valid = [trial for trial in measured if trial.valid]
    planned = len(manifest.design.cells())
    first, *others = manifest.strategies
    return {
        "emulated": manifest.emulated,
        **({"warning": EMULATED} if manifest.emulated else {}),
        "complete": len({trial.cell for trial in valid}) == planned,
        "trials": {
            "planned": planned,
            "valid": len(valid),
            "invalid": [{"number": trial.number, "reason": trial.reason} for trial in measured if not trial.valid],
            "discarded": [
                {"number": trial.number, "role": trial.role.value} for trial in trials if trial.role is not Role.TRIAL
            ],
        },
        "strategies": {
            name: _strategy([one for one in valid if one.strategy == name], 2 * manifest.interval_s)
            for name in manifest.strategies
        },
        "comparisons": [_comparison(valid, first, other) for other in others],
        "level": LEVEL,
        "outlier_rule": OUTLIER_RULE,
        "how": HOW,
        "manifest": asdict(manifest),
    }


def _strategy(trials: list[Trial], resolution: float) -> dict[str, Any]:
    return {"n": len(trials), **{side: _figures(trials, side, resolution) for side in SIDES}}


def _figures(trials: list[Trial], side: SideName, resolution: float) -> dict[str, Any]:
    """Each figure of one address; null where no trial has it. resolution: how finely the probe tells, seconds."""
    told: dict[str, Any] = {}
    for name, of in FIGURES.items():
        found = [(trial.number, of(trial.measured[side])) for trial in trials if side in trial.measured]
        column = [(number, value) for number, value in found if value is not None]
        if not column:
            told[name] = None
            continue
        figures = summarise([value for _, value in column], resolution=resolution if name in PROBED else 0.0)
        told[name] = {
            **figures.as_json(ROUNDING.get(name, Rounding.NEAREST)),
            "outliers": [column[at][0] for at in figures.outliers],
        }
    return told


def _comparison(valid: list[Trial], first: str, second: str) -> dict[str, Any]:
    """By how much the second strategy's figures are above the first one's."""
    cells = {trial.cell: trial for trial in valid}
    pairs = [
        (trial, cells[partner])
        for cell, trial in cells.items()
        if cell and cell.strategy == first and (partner := Cell(cell.block, second, cell.way)) in cells
    ]
    told: dict[str, Any] = {"of": second, "less": first}
    for side in SIDES:
        both = [(a.measured[side], b.measured[side]) for a, b in pairs if side in a.measured and side in b.measured]
        told[side] = {name: _compared(both, FIGURES[name]) for name in COMPARED}
        bounded = [_bounds(one, other) for one, other in both]
        known = [difference for difference in bounded if difference is not None]
        told[side]["observed_with_bounds"] = compare(known).as_json() if known else None
    return told


def _compared(
    pairs: list[tuple[Measured, Measured]], of: Callable[[Measured], Value | None]
) -> dict[str, object] | None:
    found = [(of(first), of(second)) for first, second in pairs]
    differences = [Difference.of(second, first) for first, second in found if first is not None and second is not None]
    return compare(differences).as_json() if differences else None


def _bounds(first: Measured, second: Measured) -> Difference | None:
    """What second less first can be, by the bounds of both."""
    if first.lower_s is None or second.lower_s is None:
        return None
    return Difference(
        -math.inf if first.upper_s is None else second.lower_s - first.upper_s,
        math.inf if second.upper_s is None else second.upper_s - first.lower_s,
    )
