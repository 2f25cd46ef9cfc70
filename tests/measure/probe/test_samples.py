"""Samples in arrays: small, bounded, and divided into what is good, bad and unknown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.measure.outages import Window
from vipswap_rest.measure.probe.findings import answerers, round_trips
from vipswap_rest.measure.probe.samples import MOST_IDENTITIES, OTHERS, SampleOutcome, Samples


def test_a_sample_takes_twenty_bytes() -> None:
    samples = Samples()
    for at in range(1000):
        samples.add(at, at + 0.5, SampleOutcome.OK, "one")

    arrays = (samples.sent, samples.done, samples.outcomes, samples.codes)
    assert sum(len(one) * one.itemsize for one in arrays) <= 20 * 1000


def test_there_is_room_for_so_many_and_no_more() -> None:
    samples = Samples(most=2)
    samples.add(0, 1, SampleOutcome.OK)
    assert not samples.full
    samples.add(1, 2, SampleOutcome.OK)

    assert samples.full
    with pytest.raises(MemoryError):
        samples.add(2, 3, SampleOutcome.OK)


def test_a_new_identity_with_each_sample_does_not_fill_the_memory() -> None:
    samples = Samples()
    for at in range(2 * MOST_IDENTITIES):
        samples.add(at, at + 0.5, SampleOutcome.OK, f"request {at}")

    counts, _ = answerers(samples)
    assert len(counts) == MOST_IDENTITIES
    assert counts[OTHERS] == MOST_IDENTITIES + 1


def test_only_failures_beside_a_failure_of_our_own_are_unknown() -> None:
    samples = Samples()
    samples.add(0, 1, SampleOutcome.OK)
    samples.add(10, 11, SampleOutcome.REFUSED)
    samples.add(20, 29, SampleOutcome.TIMEOUT)
    samples.add(30, 31, SampleOutcome.OK)
    samples.add(40, 41, SampleOutcome.PROBER_ERROR)
    samples.add(50, 51, SampleOutcome.LATE)

    good, bad, unknown = samples.divided([Window(28, 35), Window(100, 101)])

    assert list(good.sent) == [0, 30]
    assert list(bad.sent) == [10]
    assert list(unknown) == [20, 40, 50]


SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20), st.sampled_from(SampleOutcome)), max_size=20)


@settings(max_examples=300, deadline=None)
@given(SPANS, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10)), max_size=5))
def test_every_sample_is_good_bad_or_unknown_and_in_order(
    spans: list[tuple[int, int, SampleOutcome]], failed: list[tuple[int, int]]
) -> None:
    samples = Samples()
    for sent, took, outcome in sorted(spans, key=lambda one: one[0] + one[1]):
        samples.add(sent, sent + took, outcome)
    doubtful = [Window(begin, begin + length) for begin, length in failed]

    good, bad, unknown = samples.divided(doubtful)

    def spoilt(sent: int, took: int) -> bool:
        return any(sent <= window.end and window.begin <= sent + took for window in doubtful)

    assert list(good.sent) == sorted(sent for sent, _, outcome in spans if outcome is SampleOutcome.OK)
    failures = [one for one in spans if one[2] is not SampleOutcome.OK]
    assert list(bad.sent) == sorted(sent for sent, took, how in failures if how.known and not spoilt(sent, took))
    assert len(good) + len(bad) + len(unknown) == len(spans)


def test_a_change_of_the_answerer_lies_between_the_last_old_and_the_first_new_answer() -> None:
    samples = Samples()
    for sent, done, who in [(0, 1, "old"), (10, 11, "old"), (20, 21, "new"), (30, 31, "new"), (40, 41, None)]:
        samples.add(sent, done, SampleOutcome.OK, who)
    samples.add(15, 16, SampleOutcome.REFUSED)

    counts, changes = answerers(samples)

    assert counts == {"old": 2, "new": 2, None: 1}
    assert [(one.old, one.new, one.last_old, one.first_new) for one in changes] == [
        ("old", "new", 10, 21),
        ("new", None, 30, 41),
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(0, 60), max_size=6, unique=True),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.integers(0, 9)), max_size=25),
)
def test_in_the_window_of_every_change_the_answerer_did_change(
    changed: list[int], taken: list[tuple[int, int, int]]
) -> None:
    """The answerer is the number of changes so far, modulo two; answers are slow and overlap."""
    samples = Samples()
    for sent, before, after in sorted(taken, key=sum):
        who = sum(moment <= sent + before for moment in changed) % 2
        samples.add(sent, sent + before + after, SampleOutcome.OK, str(who))

    _, changes = answerers(samples)

    for change in changes:
        assert any(change.last_old <= moment <= change.first_new for moment in changed)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(
    st.lists(
        # Good ones most of all: it is about rows of them.
        st.tuples(
            st.integers(0, 30),
            st.integers(0, 9),
            st.sampled_from([SampleOutcome.OK] * len(SampleOutcome) + list(SampleOutcome)),
        ),
        max_size=25,
    ),
    st.integers(-1, 31),
    st.integers(1, 9),
)
def test_the_good_ones_in_a_row_are_those_done_last_without_a_failure_among_them(
    taken: list[tuple[int, int, SampleOutcome]], since: int, most: int
) -> None:
    samples = Samples()
    for sent, took, outcome in sorted(taken, key=lambda one: one[0] + one[1]):
        samples.add(sent, sent + took, outcome)

    said = [
        SampleOutcome(outcome) is SampleOutcome.OK
        for sent, outcome in zip(samples.sent, samples.outcomes, strict=True)
        if sent > since and SampleOutcome(outcome).known
    ]
    row = len(said) - max((at + 1 for at, good in enumerate(said) if not good), default=0)
    assert samples.good_in_a_row(since, most) == min(row, most)


def test_percentiles_are_samples_of_that_rank() -> None:
    trips = round_trips([float(at) for at in range(1, 101)])

    assert trips is not None
    assert (trips.p50, trips.p90, trips.p99, trips.max) == (50.0, 90.0, 99.0, 100.0)
    assert round_trips([]) is None
