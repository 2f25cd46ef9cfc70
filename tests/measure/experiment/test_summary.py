"""The figures of an experiment from its trials: which trials, which pairs, which bounds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.measure.experiment.bench import manifest
from vipswap_rest.measure.experiment.design import Role, Way
from vipswap_rest.measure.experiment.measured import Measured
from vipswap_rest.measure.experiment.summary import summary
from vipswap_rest.measure.experiment.trials import Trial

BOUND = 0.1


def a_trial(number: int, block: int, strategy: str, way: Way, seconds: float, **more: Any) -> Trial:
    measured = Measured("192.0.2.1", 1, seconds - BOUND, seconds, seconds + BOUND, seconds + 0.5, 0.2)
    fields: dict[str, Any] = {
        "role": Role.TRIAL,
        "attempt": 1,
        "valid": True,
        "reason": None,
        "started_at": None,
        "emulated": True,
        "samples": None,
        "report": None,
        "measured": {"production": measured, "staging": measured},
    }
    return Trial(number=number, block=block, strategy=strategy, way=way, **{**fields, **more})


def trials_of(seconds: dict[tuple[str, Way], float], blocks: int = 5) -> list[Trial]:
    """Each block with its drift of 10 s, which is in both strategies alike."""
    cells = [(block, strategy, way) for block in range(1, blocks + 1) for strategy, way in seconds]
    return [
        a_trial(number, block, strategy, way, seconds[strategy, way] + 10 * block)
        for number, (block, strategy, way) in enumerate(cells, 1)
    ]


# Swaps back take 100 s more than swaps there.
UNLIKE = {
    ("float", Way.THERE): 61.0,
    ("float", Way.BACK): 161.0,
    ("native", Way.THERE): 28.0,
    ("native", Way.BACK): 128.0,
}


def test_pairs_are_of_one_block_and_one_way_so_that_drift_and_way_cancel_out() -> None:
    (comparison,) = summary(manifest(), trials_of(UNLIKE))["comparisons"]

    for figure in ("observed", "control_plane"):
        assert comparison["production"][figure]["pairs"] == 10
        assert comparison["production"][figure]["difference"] == pytest.approx(-33)
        assert comparison["production"][figure]["interval"]["low"] == pytest.approx(-33)
        assert comparison["production"][figure]["interval"]["high"] == pytest.approx(-33)


def test_the_bounds_of_a_difference_are_the_bounds_of_both() -> None:
    (comparison,) = summary(manifest(), trials_of(UNLIKE))["comparisons"]
    bounds = comparison["staging"]["observed_with_bounds"]["interval"]

    assert bounds["low"] == pytest.approx(-33 - 2 * BOUND)
    assert bounds["high"] == pytest.approx(-33 + 2 * BOUND)


def test_a_trial_without_a_partner_is_in_its_strategys_figures_and_in_no_pair() -> None:
    told = summary(manifest(), trials_of(UNLIKE)[:-1])

    assert told["strategies"]["native"]["n"] == 9
    assert told["comparisons"][0]["production"]["observed"]["pairs"] == 9
    assert not told["complete"]


def test_what_is_invalid_or_no_trial_is_in_no_figure() -> None:
    trials = trials_of(UNLIKE)
    wild = [
        a_trial(90, 1, "float", Way.THERE, 9999.0, valid=False, reason="it ended rolled_back"),
        a_trial(91, 0, "float", Way.THERE, 9999.0, valid=False, role=Role.WARM_UP),
        a_trial(92, 0, "float", Way.BACK, 9999.0, valid=False, role=Role.POSITIONING),
    ]
    told, plain = summary(manifest(), [*trials, *wild]), summary(manifest(), trials)

    assert (told["strategies"], told["comparisons"]) == (plain["strategies"], plain["comparisons"])
    assert told["trials"]["invalid"] == [{"number": 90, "reason": "it ended rolled_back"}]
    assert [one["number"] for one in told["trials"]["discarded"]] == [91, 92]


def test_outliers_are_named_by_the_number_of_their_swap() -> None:
    trials = [a_trial(number, number, "float", Way.THERE, 60 + number / 10) for number in range(1, 10)]
    told = summary(manifest(), [*trials, a_trial(77, 10, "float", Way.THERE, 500.0)])

    assert told["strategies"]["float"]["production"]["observed"]["outliers"] == [77]
    assert told["strategies"]["float"]["production"]["observed"]["max"] == 500.0


def test_one_strategy_alone_is_compared_with_nothing() -> None:
    told = summary(manifest(strategies=("float",)), trials_of({("float", Way.THERE): 1.0}))

    assert told["comparisons"] == []
