"""What one recorded swap measured, and why one does not count."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.measure.experiment.bench import AFTER_S, BEFORE_S, INTERVAL_S, TOOK_S, Swapped, recording
from vipswap_rest.measure.experiment.measured import Measured, flaw, measure
from vipswap_rest.measure.experiment.stats import Value

# One write of 1 s, with 0.2 s for the float before it and after it.
END_S = BEFORE_S + 0.2 + 1.0 + 0.2 + AFTER_S


@pytest.mark.parametrize("strategy", ["float", "native"])
def test_a_swap_as_it_should_be_has_no_flaw(strategy: str) -> None:
    assert flaw(recording(Swapped(), strategy), strategy) is None


def test_without_a_failure_the_outage_is_0_and_at_most_what_could_have_hidden() -> None:
    made = recording(Swapped(seamless=True), "native")
    found = measure(made)["production"]

    assert flaw(made, "native") is None
    assert (found.outages, found.lower_s, found.estimate_s) == (0, 0.0, 0.0)
    assert found.upper_s == pytest.approx(INTERVAL_S + TOOK_S)
    assert (found.observed, found.lag_s) == (Value(0.0), None)


def test_several_outages_of_one_swap_are_added_up() -> None:
    once = measure(recording(Swapped(), "native"))["production"]
    after = BEFORE_S + 0.2 + 1.0 + 0.5
    twice = measure(recording(Swapped(after_s=6.0, also_down=(after, after + 0.5)), "native"))["production"]

    assert (once.outages, twice.outages) == (1, 2)
    assert twice.lower_s is not None
    assert once.lower_s is not None
    assert twice.lower_s == pytest.approx(once.lower_s + 0.4 - TOOK_S, abs=1e-6)
    assert twice.upper_s is not None
    assert once.upper_s is not None
    assert twice.upper_s == pytest.approx(once.upper_s + 0.6 + TOOK_S, abs=1e-6)


def test_an_address_that_is_down_at_the_end_is_at_least_the_lower_bound_and_has_no_flaw() -> None:
    made = recording(Swapped(still_down=True), "float")
    found = measure(made)["production"]

    assert flaw(made, "float") is None
    assert (found.estimate_s, found.upper_s, found.lag_s) == (None, None, None)
    assert found.lower_s is not None
    assert found.observed == found.upper == Value(found.lower_s, open=True)


def test_the_lag_is_from_the_end_of_the_write_that_attached_it_to_the_first_answer() -> None:
    made = recording(Swapped(length=1.234), "float")
    attached = next(one.ended for one in made.operations if one.name == "staging_to_production_address")
    outage = made.probed[0].findings.account.outages[0]
    lag = measure(made)["production"].lag_s

    assert outage.before is not None
    assert lag == pytest.approx(outage.before - attached, abs=1e-6)
    assert lag > 0


def test_the_lag_counts_from_the_last_write_that_attached_it() -> None:
    made = recording(Swapped(), "float")
    last = next(one for one in made.operations if one.name == "staging_to_production_address")
    earlier = replace(last, began=last.began - 0.5, ended=last.began - 0.4)

    again = replace(made, operations=(earlier, *made.operations))

    assert measure(again)["production"].lag_s == measure(made)["production"].lag_s


def test_an_address_that_was_not_probed_has_the_control_planes_outage_only() -> None:
    found = measure(recording(Swapped(unprobed=("staging",)), "float"))["staging"]

    assert found == Measured("192.0.2.2", None, None, None, None, 2.0, None)
    assert found.observed is found.upper is None


def test_what_is_measured_comes_back_from_json_as_it_was() -> None:
    for found in measure(recording(Swapped(still_down=True), "float")).values():
        assert Measured.from_json(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (Swapped(also_down=(0.5, 0.8)), "production's address was down before the swap began"),
        (Swapped(also_down=(-1.0, 0.5)), "production's address was down before the swap began"),
        (Swapped(before_s=2.9), "production's address has 29 clean samples before the swap; 30 are needed"),
        # The thirtieth was under way when the swap began.
        (Swapped(before_s=2.911), "production's address has 29 clean samples before the swap; 30 are needed"),
        (Swapped(after_s=2.6), "clean samples after the swap; 30 are needed"),
        # Three failures, then 27 good ones to the end.
        (Swapped(also_down=(END_S - 3.0, END_S - 2.7)), "production's address has 27 clean samples after the swap"),
        (Swapped(unprobed=("production",)), "production's address did not answer beforehand"),
        (Swapped(outcome="rolled_back"), "it ended rolled_back"),
        (Swapped(by="float"), "ARM did it by float, not by native"),
        (Swapped(stays_with=True), "production's address was still answered by vipswap1lb at the end"),
    ],
)
def test_what_is_no_valid_trial_says_why(how: Swapped, said: str) -> None:
    assert said in (flaw(recording(how, "native"), "native") or "no flaw")


def test_samples_of_which_nothing_is_known_are_neither_clean_nor_a_flaw() -> None:
    assert flaw(recording(Swapped(after_s=5.0, late=(END_S, END_S + 0.3)), "native"), "native") is None
    # 35 samples less the 8 that came late.
    short = flaw(recording(Swapped(late=(END_S - 1.0, END_S - 0.2)), "native"), "native")
    assert short is not None
    assert "clean samples after the swap" in short


def test_who_answers_says_nothing_where_both_deployments_say_the_same() -> None:
    made = recording(Swapped(), "native")
    for probed in made.probed:
        probed.findings.samples.identities[:] = ["ok"] * len(probed.findings.samples.identities)

    assert flaw(made, "native") is None
