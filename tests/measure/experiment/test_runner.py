"""The loop of an experiment on load balancers that are arithmetic: what is measured, repeated, kept, and given up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.measure.experiment.bench import FakeBench, Swapped, manifest
from vipswap_rest.arm.errors import AnswerLost, CredentialError, Interrupted, LockHeld, VipswapError
from vipswap_rest.measure.experiment.design import Role, Way
from vipswap_rest.measure.experiment.recomputed import recompute
from vipswap_rest.measure.experiment.runner import Runner
from vipswap_rest.measure.experiment.summary import summary
from vipswap_rest.measure.experiment.trials import Store, Trial, read_trials

Goes = Callable[[int, str, Way], Swapped]


def well(number: int, strategy: str, way: Way) -> Swapped:
    return Swapped(length=0.5 if strategy == "native" else 0.4 + number % 3 / 10)


class Signals:
    """A signal that comes while the swap of a number runs, counted from here."""

    def __init__(self, bench: FakeBench, stop_after: int | None) -> None:
        self._bench, self._at = bench, None if stop_after is None else len(bench.done) + stop_after
        self.running = False

    @property
    def stopping(self) -> bool:
        return self._at is not None and len(self._bench.done) >= self._at


def run(
    directory: Path,
    goes: Goes = well,
    *,
    bench: FakeBench | None = None,
    stop_after: int | None = None,
    **changes: object,
) -> tuple[FakeBench, list[str], VipswapError | None]:
    """Run until it ends by itself, or a signal comes during the swap of that number; the error that ended it."""
    bench, told = bench or FakeBench(), []
    bench.goes = goes
    error: VipswapError | None = None
    with Store(directory, manifest(**changes)) as store:
        try:
            Runner(store, bench, signals=Signals(bench, stop_after), tell=told.append).run()
        except VipswapError as raised:
            error = raised
    return bench, told, error


def trials_of(directory: Path) -> list[Trial]:
    return read_trials(directory)[0]


def measured(trials: list[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.role is Role.TRIAL]


def test_every_cell_is_measured_in_the_order_of_the_plan_after_a_warm_up_there_and_back(tmp_path: Path) -> None:
    bench, told, error = run(tmp_path)
    trials = trials_of(tmp_path)
    plan = manifest().design.cells()

    assert error is None
    assert [trial.role for trial in trials[:2]] == [Role.WARM_UP, Role.WARM_UP]
    assert tuple(trial.cell for trial in trials[2:]) == plan
    assert all(trial.valid for trial in trials[2:])
    assert [trial.number for trial in trials] == list(range(1, 23))
    assert bench.done == [(trial.strategy, trial.way) for trial in trials]
    assert bench.position is Way.THERE
    assert len(told) == 22
    assert told[-1].endswith("[20 of 20]")


def test_the_warm_up_tries_each_strategy_and_is_in_no_figure(tmp_path: Path) -> None:
    run(tmp_path, lambda number, strategy, way: Swapped(length=50.0 if number <= 2 else 0.5))
    told = summary(manifest(), trials_of(tmp_path))

    assert [trial.strategy for trial in trials_of(tmp_path)[:2]] == ["float", "native"]
    assert told["trials"]["discarded"] == [{"number": 1, "role": "warm-up"}, {"number": 2, "role": "warm-up"}]
    assert told["strategies"]["float"]["production"]["upper"]["max"] < 2


def test_the_figures_hold_the_truth_between_their_bounds(tmp_path: Path) -> None:
    run(tmp_path)
    for trial in measured(trials_of(tmp_path)):
        # Each move takes `length`; production is down for two of them by the float, and for one natively.
        length = well(trial.number, trial.strategy, trial.way).length
        truth = length if trial.strategy == "native" else 2 * length
        for found in trial.measured.values():
            assert found.outages == 1
            assert found.lower_s is not None
            assert found.upper_s is not None
            assert found.lower_s <= truth <= found.upper_s
            assert found.control_plane_outage_s == pytest.approx(truth, abs=0.001)
            assert found.lag_s is not None
            assert 0 <= found.lag_s <= 0.11


def test_the_comparison_shows_a_difference_that_is_there_and_its_sign(tmp_path: Path) -> None:
    run(tmp_path, lambda number, strategy, way: Swapped(length=1.0 + number % 4 / 10))
    told = summary(manifest(), trials_of(tmp_path))
    (comparison,) = told["comparisons"]

    assert (comparison["of"], comparison["less"]) == ("native", "float")
    production = comparison["production"]["observed"]
    assert production["pairs"] == 10
    # Natively production is down for one write, not for two.
    assert -1.6 < production["difference"] < -0.8
    assert production["interval"]["high"] < 0
    bounds = comparison["production"]["observed_with_bounds"]["interval"]
    assert bounds["low"] <= production["interval"]["low"]
    assert bounds["high"] >= production["interval"]["high"]


def test_no_difference_is_shown_where_there_is_none(tmp_path: Path) -> None:
    def alike(number: int, strategy: str, way: Way) -> Swapped:
        jitter = (number * 7 % 11) / 20
        return Swapped(length=2 + 2 * jitter if strategy == "native" else 1 + jitter)

    run(tmp_path, alike)
    (comparison,) = summary(manifest(), trials_of(tmp_path))["comparisons"]

    assert comparison["production"]["observed"]["difference"] == "~"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (Swapped(outcome="rolled_back"), "it ended rolled_back: It was said no."),
        (Swapped(outcome="failed"), "it ended failed"),
        (Swapped(before_s=1.0), "clean samples before the swap; 30 are needed"),
        (Swapped(after_s=1.0), "clean samples after the swap; 30 are needed"),
        (Swapped(unprobed=("staging",)), "staging's address did not answer beforehand"),
        (Swapped(stays_with=True), "production's address was still answered by vipswap"),
        (Swapped(error=AnswerLost("The answer was lost.")), "The answer was lost."),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_count_is_listed_with_its_reason_and_repeated_at_the_end(
    bad: Swapped, said: str, tmp_path: Path
) -> None:
    bench, told, error = run(
        tmp_path, lambda number, strategy, way: bad if number == 6 else well(number, strategy, way)
    )
    trials = trials_of(tmp_path)
    report = summary(manifest(), trials)

    assert error is None
    assert report["complete"]
    assert [(one["number"], said in one["reason"]) for one in report["trials"]["invalid"]] == [(6, True)]
    assert trials[5].cell == manifest().design.cells()[3]
    again = [trial for trial in trials if trial.cell == trials[5].cell][1]
    assert (again.attempt, again.valid) == (2, True)
    assert {trial.cell for trial in trials[: again.number - 1]} >= set(manifest().design.cells())
    assert Counter(trial.cell for trial in trials if trial.valid) == Counter(manifest().design.cells())
    assert bench.position is Way.THERE
    assert any("does not count" in line and "to be repeated" in line for line in told)


def test_swaps_that_only_bring_the_addresses_into_place_are_told_apart_and_in_no_figure(tmp_path: Path) -> None:
    run(tmp_path, lambda number, strategy, way: Swapped(outcome="rolled_back" if number == 6 else "swapped"))
    told = summary(manifest(), trials_of(tmp_path))
    roles = [one["role"] for one in told["trials"]["discarded"]]

    assert roles[:2] == ["warm-up", "warm-up"]
    assert set(roles[2:]) == {"positioning"}
    assert told["strategies"]["float"]["n"] == told["strategies"]["native"]["n"] == 10


def test_an_address_that_never_answers_again_counts_as_at_least_what_was_seen(tmp_path: Path) -> None:
    run(tmp_path, lambda number, strategy, way: Swapped(still_down=number in (4, 5), length=0.5))
    told = summary(manifest(), trials_of(tmp_path))
    opened = [told["strategies"][name]["production"]["observed"] for name in ("float", "native")]

    assert told["trials"]["invalid"] == []
    assert sum(one["open"] for one in opened) == 2
    assert all(isinstance(one["max"], dict) == (one["open"] > 0) for one in opened)


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4, 9, 22])
def test_a_signal_ends_it_after_the_swap_and_the_same_line_goes_on_to_the_same_plan(
    stop_after: int, tmp_path: Path
) -> None:
    bench, _, error = run(tmp_path, stop_after=stop_after)

    assert isinstance(error, Interrupted)
    assert error.exit_code == 130
    assert "Run the same line again" in error.hint
    assert len(trials_of(tmp_path)) == stop_after
    _, _, error = run(tmp_path, bench=bench)
    assert error is None
    assert tuple(trial.cell for trial in measured(trials_of(tmp_path))) == manifest().design.cells()
    assert bench.position is Way.THERE


def test_a_run_that_goes_on_warms_up_again(tmp_path: Path) -> None:
    bench, _, _ = run(tmp_path, stop_after=7)
    run(tmp_path, bench=bench)
    trials = trials_of(tmp_path)

    assert trials[7].role is Role.WARM_UP
    assert summary(manifest(), trials)["complete"]


def test_a_swap_whose_line_was_torn_is_repeated_from_where_the_addresses_lie_now(tmp_path: Path) -> None:
    bench, _, _ = run(tmp_path, stop_after=6)
    path = tmp_path / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-20])

    _, _, error = run(tmp_path, bench=bench)

    assert error is None
    assert tuple(trial.cell for trial in measured(trials_of(tmp_path))) == manifest().design.cells()
    assert bench.position is Way.THERE


def test_a_finished_experiment_does_nothing_more(tmp_path: Path) -> None:
    bench, _, _ = run(tmp_path)
    before = (tmp_path / "trials.jsonl").read_bytes()
    # Somebody has swapped since.
    bench.position = Way.BACK
    swaps = len(bench.done)

    _, told, error = run(tmp_path, bench=bench)

    assert error is None
    assert len(bench.done) == swaps
    assert told == []
    assert (tmp_path / "trials.jsonl").read_bytes() == before


def test_stopped_right_after_the_last_trial_the_same_line_only_brings_the_addresses_home(tmp_path: Path) -> None:
    # One strategy, and its only swap back has to be repeated, from where the addresses lie at home.
    def goes(number: int, strategy: str, way: Way) -> Swapped:
        return Swapped(outcome="rolled_back" if number == 3 else "swapped")

    changes = {"strategies": ("float",), "trials": 2}
    whole = FakeBench()
    run(tmp_path / "whole", goes, bench=whole, **changes)
    last = max(trial.number for trial in trials_of(tmp_path / "whole") if trial.valid)
    bench, _, error = run(tmp_path / "cut", goes, stop_after=last, **changes)
    assert isinstance(error, Interrupted)
    assert bench.position is Way.BACK

    run(tmp_path / "cut", well, bench=bench, **changes)

    assert whole.position is bench.position is Way.THERE
    assert len(bench.done) == last + 1


def test_three_in_a_row_that_do_not_count_end_it_with_the_reason(tmp_path: Path) -> None:
    bench, _, error = run(
        tmp_path, lambda number, strategy, way: Swapped(after_s=1.0) if number > 5 else well(number, strategy, way)
    )

    assert error is not None
    assert error.exit_code == 1
    assert "3 swaps in a row do not count" in error.message
    assert "clean samples after the swap" in error.message
    assert "Run the same line again" in error.hint
    assert len(bench.done) == 8


def test_two_in_a_row_that_do_not_count_do_not_end_it(tmp_path: Path) -> None:
    _, _, error = run(tmp_path, lambda number, strategy, way: Swapped(after_s=1.0 if number % 4 in (1, 2) else 3.5))

    assert error is None


def test_a_native_swap_that_arm_did_by_the_float_ends_it_in_the_warm_up(tmp_path: Path) -> None:
    bench, _, error = run(
        tmp_path, lambda number, strategy, way: Swapped(by="float") if strategy == "native" else Swapped()
    )

    assert error is not None
    assert "does not support the native swap" in error.message
    assert "--strategies float" in error.hint
    assert len(bench.done) == 2


@pytest.mark.parametrize(("outcome", "code"), [("needs_recovery", 6), ("interrupted", 130), ("refused", 4)])
def test_a_swap_that_leaves_something_behind_ends_it_with_what_to_do_and_is_kept(
    outcome: str, code: int, tmp_path: Path
) -> None:
    _, _, error = run(tmp_path, lambda number, strategy, way: Swapped(outcome=outcome if number == 5 else "swapped"))

    assert error is not None
    assert error.exit_code == code
    assert "swap 5" in error.message.lower()
    assert "vipswap recover" in error.hint
    assert "run the same line again" in error.hint
    assert [trial.valid for trial in trials_of(tmp_path)] == [False, False, True, True, False]


@pytest.mark.parametrize("error", [LockHeld("Another run holds it."), CredentialError("Log in.")])
def test_what_every_swap_would_meet_ends_it_at_once_and_is_no_trial(error: VipswapError, tmp_path: Path) -> None:
    _, _, raised = run(tmp_path, lambda number, strategy, way: Swapped(error=error if number == 4 else None))

    assert raised is error
    assert len(trials_of(tmp_path)) == 3


def test_a_second_signal_that_ends_the_swap_itself_says_that_it_is_not_kept_and_how_to_go_on(tmp_path: Path) -> None:
    error = Interrupted("Interrupted by SIGINT.")
    _, _, raised = run(tmp_path, lambda number, strategy, way: Swapped(error=error if number == 4 else None))

    assert raised is not None
    assert raised.exit_code == 130
    assert "not kept" in raised.message
    assert "same line again" in raised.hint
    assert len(trials_of(tmp_path)) == 3


def test_the_figures_are_computed_again_from_the_files_alone_and_are_the_same(tmp_path: Path) -> None:
    run(tmp_path, lambda number, strategy, way: Swapped(still_down=number == 9, after_s=1.0 if number == 12 else 3.5))
    kept = trials_of(tmp_path)
    found, again = recompute(tmp_path)

    assert again == kept
    assert summary(found, again) == summary(manifest(), kept)
    assert json.loads(json.dumps(summary(found, again), allow_nan=False))["emulated"] is True


@pytest.mark.parametrize("field", ["production", "valid", "report"])
def test_a_line_that_says_something_else_than_the_samples_is_told(field: str, tmp_path: Path) -> None:
    run(tmp_path, strategies=("float",), trials=2)
    path = tmp_path / "trials.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[2][field] = {"production": lines[1]["staging"], "valid": False, "report": {}}[field]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    with pytest.raises(VipswapError, match=r"Swap 3: .* differs from"):
        recompute(tmp_path)


def test_a_recording_that_is_missing_is_told(tmp_path: Path) -> None:
    run(tmp_path, strategies=("float",), trials=2)
    (tmp_path / "samples" / "0002" / "recording.json").unlink()

    with pytest.raises(VipswapError, match="holds no complete recording"):
        recompute(tmp_path)


def test_a_summary_of_emulated_swaps_says_so_and_one_of_nothing_yet_is_one_too(tmp_path: Path) -> None:
    Store(tmp_path, manifest()).close()
    told = summary(*recompute(tmp_path))

    assert "emulated" in told["warning"]
    assert not told["complete"]
    assert told["strategies"]["float"]["production"]["observed"] is None
    assert told["comparisons"][0]["production"]["observed"] is None
