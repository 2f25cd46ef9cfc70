"""When a switch takes effect and how long both sides answer: the bounds enclose the truth of simulated switches."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.measure.effect import Bounds, Effect, effect
from vipswap_rest.measure.probe.samples import SampleOutcome, Samples

OK, REFUSED = SampleOutcome.OK, SampleOutcome.REFUSED


def samples_of(*told: tuple[float, float, str | None]) -> Samples:
    """Samples by sent, done, and who answered; None: refused."""
    samples = Samples()
    for sent, done, who in sorted(told, key=lambda one: one[1]):
        samples.add(sent, done, OK if who else REFUSED, who)
    return samples


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    dark=st.sampled_from([0.0, 0.0, 0.3]),
    both=st.sampled_from([0.0, 0.0, 0.4]),
    slowness=st.sampled_from([0.001, 0.02, 0.2]),
)
def test_the_bounds_enclose_the_truth(seed: int, dark: float, both: float, slowness: float) -> None:
    draw = random.Random(seed)
    sent = 1.0
    gone = sent + draw.uniform(0.0, 0.5)
    comes = gone + dark
    instants: dict[str, list[float]] = {"old": [], "new": []}
    told: list[tuple[float, float, str | None]] = []
    begun = draw.uniform(0.0, 0.05)
    while begun < 3.0:
        done = begun + draw.uniform(0.0005, slowness)
        at = draw.uniform(begun, done)
        who = "old" if at < gone else ("new" if at >= comes else None)
        if comes <= at < comes + both:
            who = draw.choice(["old", "new"])
        told.append((begun, done, who))
        if who:
            instants[who].append(at)
        begun += draw.uniform(0.005, 0.05)

    found = effect(samples_of(*told), sent)

    assert found is not None
    first = min(instants["new"])
    assert found.takes.lower <= first - sent <= found.takes.upper
    if not both:
        assert found.takes.lower <= comes - sent <= found.takes.upper
    mixed = max(0.0, max(instants["old"]) - first)
    assert found.mixed.lower <= mixed <= found.mixed.upper
    if not both and slowness < 0.005:
        assert found.mixed.upper <= slowness


def test_the_figures_of_a_small_one() -> None:
    told = samples_of((0.0, 0.1, "a"), (1.0, 1.1, "a"), (2.0, 2.1, None), (3.0, 3.1, "b"), (3.05, 3.3, "a"))

    assert effect(told, 0.5) == Effect(Bounds(1.5, 2.6), Bounds(0.0, 3.3 - 3.0))


def test_a_failure_that_may_have_come_after_the_first_new_answer_bounds_nothing() -> None:
    told = samples_of((0.0, 0.1, "a"), (1.0, 1.1, "a"), (1.5, 9.0, None), (3.0, 3.1, "b"))

    found = effect(told, 0.5)

    assert found is not None
    assert found.takes == Bounds(0.5, 2.6)


def test_no_old_answer_after_the_first_new_one_is_not_mixed() -> None:
    found = effect(samples_of((0.0, 0.1, "a"), (1.0, 1.1, "b")), 0.5)

    assert found == Effect(Bounds(0.0, 0.6000000000000001), Bounds(0.0, 0.0))
    assert found.takes.as_json() == {"lower": 0.0, "upper": 0.6}


@pytest.mark.parametrize(
    "told",
    [
        [],
        [(1.0, 1.1, "b")],
        [(0.0, 0.1, "a"), (1.0, 1.1, "a")],
        [(0.0, 0.1, None), (1.0, 1.1, "b")],
    ],
    ids=["no sample", "nobody before", "nobody new", "a failure before"],
)
def test_where_the_answers_do_not_tell_nothing_is_said(told: list[tuple[float, float, str | None]]) -> None:
    assert effect(samples_of(*told), 0.5) is None


def test_answers_without_an_identity_tell_nothing() -> None:
    samples = Samples()
    for sent in (0.0, 1.0):
        samples.add(sent, sent + 0.1, OK)

    assert effect(samples, 0.5) is None
