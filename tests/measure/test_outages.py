"""The arithmetic of outages: by hand, and against thousands of truths that flap as they like."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.measure.probe.truth import Case, Sample, Truth, broken_promises, case
from vipswap_rest.measure.outages import Account, Outage, Spans, Window, account

# Seeds of random cases, and how many each test takes.
CASES = 2000


def found(good: list[tuple[float, float]], bad: list[tuple[float, float]], **more: object) -> Account:
    spans = [*good, *bad]
    options: dict[str, object] = {
        "interval_s": 10.0,
        "begin": min(sent for sent, _ in spans),
        "end": max(done for _, done in spans),
    }
    return account(Spans(good), Spans(bad), **{**options, **more})  # type: ignore[arg-type]


def bounds(outages: tuple[Outage, ...]) -> list[tuple[float, float | None, float | None]]:
    return [(outage.lower_s, outage.estimate_s, outage.upper_s) for outage in outages]


def random_case(seed: int) -> Case:
    """A truth with up to six outages, and samples that are slow, late, skipped, lost, overlapping, as it comes."""
    draw = random.Random(seed)
    length = draw.choice([20, 60, 200])
    edges = sorted(draw.sample(range(-5, length + 5), 2 * draw.randint(0, 6)))
    truth = Truth(tuple((float(begin), float(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)))
    interval, slowest = draw.choice([1, 2, 5, 10]), draw.choice([0, 1, 3, 20, 60])
    lost, skipped = draw.choice([0.0, 0.1, 0.4]), draw.choice([0.0, 0.1])
    samples = []
    for due in range(draw.randint(0, interval), length, interval):
        sent = due + draw.choice([0, 0, 0, draw.randint(0, interval)])
        took = draw.choice([0, 1, slowest, draw.randint(0, slowest)]) if draw.random() < 0.5 else min(1, slowest)
        # As a SYN that is dropped on arrival and known only at its timeout, or anywhere.
        at_once = truth.outage_at(sent) is not None and draw.random() < 0.3
        instant = sent if at_once else draw.randint(sent, sent + took)
        if draw.random() >= skipped:
            samples.append(Sample(float(sent), float(sent + took), float(instant), known=draw.random() >= lost))
    end = float(max([length, *(sample.done for sample in samples)]))
    return case(truth, samples, interval_s=float(interval), begin=0.0, end=end)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """The same, so that hypothesis can look for the smallest case that breaks."""
    edges = sorted(draw(st.sets(st.integers(-3, 33), max_size=10)))
    truth = Truth(tuple((float(begin), float(end)) for begin, end in zip(edges[::2], edges[1::2], strict=False)))
    samples = []
    for sent, until_instant, until_done, known in draw(
        st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8), st.integers(0, 8), st.booleans()), max_size=20)
    ):
        instant = float(sent + until_instant)
        samples.append(Sample(float(sent), instant + until_done, instant, known))
    end = max([30.0, *(sample.done for sample in samples)])
    return case(truth, samples, interval_s=2.0, begin=0.0, end=end)


@settings(max_examples=600)
@given(cases())
def test_every_promise_holds_for_any_samples_of_any_truth(tried: Case) -> None:
    assert broken_promises(tried) == []


@pytest.mark.parametrize("first", range(0, 4 * CASES, CASES))
def test_every_promise_holds_for_flapping_slow_late_lost_and_overlapping_samples(first: int) -> None:
    broken = {
        seed: promises for seed in range(first, first + CASES) if (promises := broken_promises(random_case(seed)))
    }

    assert broken == {}


def test_the_random_cases_hold_every_kind_of_thing() -> None:
    tried = [random_case(seed) for seed in range(500)]
    reported = [outage for one in tried for outage in one.account.outages]
    read = [len(one.read_by(outage)) for one in tried for outage in one.account.outages]

    assert sum(count > 1 for count in read) > 20
    assert sum(count == 1 for count in read) > 100
    assert sum(outage.lower_s > 0 for outage in reported) > 100
    assert sum(outage.upper_s is None for outage in reported) > 20
    assert sum(bool(one.account.unknown) for one in tried) > 100


def as_defined(tried: Case) -> list[tuple[float | None, float | None, int]]:
    """After, before and failures of each reported outage, word for word as the module's docstring defines them."""
    known = [(one.sent, one.done, tried.truth.outage_at(one.instant) is None) for one in tried.samples if one.known]
    good = sorted((sent, done) for sent, done, up in known if up)
    bad = sorted((sent, done) for sent, done, up in known if not up)
    told: list[tuple[float | None, float | None, int]] = []
    while bad:
        first_done = min(done for _, done in bad)
        before = min((done for sent, done in good if sent >= first_done), default=None)
        group = [one for one in bad if before is None or one[0] < before] or bad[:1]
        last_sent = max(sent for sent, _ in group)
        afters = [sent for sent, done in good if sent <= group[0][0] and done <= last_sent]
        told.append((max(afters, default=None), before, len(group)))
        bad = bad[len(group) :]
    return told


@pytest.mark.parametrize("first", [100_000, 200_000])
def test_no_bound_is_wider_than_it_is_defined(first: int) -> None:
    """Wider ones would be true as well, and worth less."""
    for seed in range(first, first + CASES // 2):
        tried = random_case(seed)
        told = [(one.after, one.before, one.failures) for one in tried.account.outages]
        assert told == as_defined(tried), seed


def test_in_the_json_bounds_are_rounded_outwards() -> None:
    outage = Outage(1.2345678, 1.5000004, 2.3456781, 0.0, 3.0, 1.0, 2.0, 5)

    assert outage.as_json() == {"lower_s": 1.234567, "estimate_s": 1.5, "upper_s": 2.345679}


def test_failures_between_good_samples_bound_an_outage_from_both_sides() -> None:
    told = found(good=[(0, 1), (10, 11), (50, 51), (60, 61)], bad=[(20, 21), (30, 31), (40, 41)])

    # From 21 to 40 it certainly was down; after 10 and before 51 it certainly was up.
    assert bounds(told.outages) == [(19.0, 30.0, 41.0)]
    assert (told.outages[0].after, told.outages[0].before, told.outages[0].failures) == (10.0, 51.0, 3)


def test_of_overlapping_samples_the_one_that_was_done_first_counts() -> None:
    good = [(0.0, 1.0), (100.0, 160.0), (110.0, 111.0)]

    told = found(good, bad=[(10, 90), (20, 21), (50, 51)], interval_s=50.0)

    # Down from 21 (the sample of 20) to 50, and up again by 111 (the one of 110).
    assert bounds(told.outages) == [(29.0, 90.0, 111.0)]
    # The sample of 100 was slow; by the end of the next one all is clear.
    assert told.undetected_upper_s == 160.0 - 110.0


def test_a_slow_good_sample_hides_no_more_than_the_next_one_leaves() -> None:
    told = found(good=[(0, 1), (10, 100), (20, 21), (99, 100)], bad=[])

    assert told.undetected_upper_s == 80.0


def test_a_single_failure_may_have_been_an_instant() -> None:
    told = found(good=[(0, 1), (20, 21)], bad=[(10, 11)])

    assert bounds(told.outages) == [(0.0, 10.0, 21.0)]


def test_a_silent_drop_is_known_only_at_the_timeouts_and_bounded_by_what_was_sent_after_the_first() -> None:
    good = [(float(sent), sent + 1.0) for sent in (*range(0, 100, 10), *range(300, 1300, 10))]
    bad = [(float(sent), sent + 900.0) for sent in range(100, 300, 10)]

    told = found(good, bad)

    # Sent first after the first timeout (at 1000) and good: the one of 1000, done at 1001.
    assert bounds(told.outages) == [(0.0, 200.0, 911.0)]


def test_failures_with_a_good_sample_certainly_between_them_are_two_outages() -> None:
    told = found(good=[(0, 1), (20, 21), (40, 41)], bad=[(10, 11), (30, 31)])

    assert bounds(told.outages) == [(0.0, 10.0, 21.0), (0.0, 10.0, 21.0)]


def test_a_good_sample_that_overlaps_a_failure_does_not_cut_an_outage_in_two() -> None:
    # Sent between the two failures, but it may have read the address long after both.
    told = found(good=[(0, 1), (15, 90), (100, 101)], bad=[(10, 11), (20, 21)])

    assert [outage.failures for outage in told.outages] == [2]


def test_a_flapping_silent_outage_is_not_bounded_by_the_good_samples_in_its_midst() -> None:
    good = [(float(sent), sent + 1.0) for sent in (*range(0, 100, 10), *range(700, 750, 10), *range(800, 1800, 10))]
    bad = [(float(sent), sent + 900.0) for sent in (*range(100, 700, 10), *range(750, 800, 10))]

    told = found(good, bad)

    assert [(outage.after, outage.failures) for outage in told.outages] == [(90.0, 65)]
    assert told.outages[0].upper_s == 911.0


def test_an_outage_that_lasts_to_the_end_has_a_lower_bound_only() -> None:
    told = found(good=[(0, 1)], bad=[(10, 11), (20, 21), (30, 31)])

    assert bounds(told.outages) == [(19.0, None, None)]
    assert told.undetected_upper_s <= 11.0


def test_an_outage_that_was_there_at_the_start_has_a_lower_bound_only() -> None:
    told = found(good=[(30, 31), (40, 41)], bad=[(0, 1), (10, 11), (20, 21)])

    assert bounds(told.outages) == [(19.0, None, None)]
    assert told.outages[0].after is None
    assert told.outages[0].before == 31.0


def test_what_never_answers_is_one_outage_open_at_both_ends() -> None:
    told = found(good=[], bad=[(0, 1), (10, 11)])

    assert bounds(told.outages) == [(9.0, None, None)]
    assert told.undetected_upper_s == 0.0


def test_without_a_failure_an_outage_can_only_have_hidden_between_two_good_samples() -> None:
    told = found(good=[(0, 1), (10, 14), (20, 21), (35, 36)], bad=[])

    assert told.outages == ()
    # From sending the one of 20 to the end of the one of 35.
    assert told.undetected_upper_s == 16.0


def test_without_a_single_sample_anything_could_have_gone_unseen() -> None:
    told = account(Spans(), Spans(), interval_s=1.0, begin=5.0, end=45.0)

    assert told == Account((), 40.0, (Window(5.0, 45.0),))


def test_a_gap_in_our_own_sends_is_unknown_and_no_outage() -> None:
    told = found(good=[(0, 1), (10, 11), (500, 501), (510, 511)], bad=[])

    assert told.outages == ()
    assert told.unknown == (Window(10.0, 500.0),)
    assert told.undetected_upper_s == 491.0


@pytest.mark.parametrize(("gap", "unknown"), [(20.0, False), (20.1, True)])
def test_two_intervals_between_two_sends_are_no_gap_and_more_is(gap: float, unknown: bool) -> None:
    told = found(good=[(0, 1), (gap, gap + 1)], bad=[], end=gap)

    assert bool(told.unknown) is unknown


def test_at_short_intervals_twenty_milliseconds_of_lateness_are_no_gap() -> None:
    told = found(good=[(0, 0.001), (0.0299, 0.031)], bad=[], interval_s=0.01, end=0.031)

    assert told.unknown == ()


def test_being_blind_at_the_end_is_unknown_too() -> None:
    told = found(good=[(0, 1), (10, 11)], bad=[], end=100.0)

    assert told.unknown == (Window(10.0, 100.0),)
    assert told.undetected_upper_s == 90.0


def test_what_lay_between_two_failures_unseen_is_not_called_down() -> None:
    down = [(10.0, 11.0), (20.0, 21.0), (30.0, 31.0), (500.0, 501.0), (510.0, 511.0)]

    told = found(good=[(0, 1), (520, 521)], bad=down)

    assert told.unknown == (Window(30.0, 500.0),)
    # 19 before the gap, 9 after it; but it may have been down all the time.
    assert bounds(told.outages) == [(28.0, 510.0, 521.0)]


def test_one_unknown_sample_between_two_failures_takes_away_from_the_lower_bound_only() -> None:
    known = found(good=[(0, 1), (60, 61)], bad=[(10, 11), (20, 21), (30, 31), (40, 41), (50, 51)])
    one_lost = found(good=[(0, 1), (60, 61)], bad=[(10, 11), (20, 21), (40, 41), (50, 51)], unknown=[30.0])

    assert bounds(known.outages) == [(39.0, 50.0, 51.0 + 10.0)]
    assert bounds(one_lost.outages) == [(9.0 + 9.0, 50.0, 61.0)]


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40),
)
def test_not_knowing_can_only_widen_what_is_said(slots: list[tuple[bool, bool]]) -> None:
    """Samples one after the other, up or down; then some of them are unknown."""
    spans = [(10.0 * at, 10.0 * at + 1) for at in range(len(slots))]

    def told(hidden: bool) -> Account:
        seen = [(span, up) for span, (up, known) in zip(spans, slots, strict=True) if known or not hidden]
        lost = [span[0] for span, (_, known) in zip(spans, slots, strict=True) if hidden and not known]
        return account(
            Spans(span for span, up in seen if up),
            Spans(span for span, up in seen if not up),
            interval_s=10.0,
            begin=0.0,
            end=spans[-1][1],
            unknown=lost,
        )

    all_known, some_known = told(hidden=False), told(hidden=True)

    assert sum(one.lower_s for one in some_known.outages) <= sum(one.lower_s for one in all_known.outages)
    assert some_known.undetected_upper_s >= all_known.undetected_upper_s or some_known.outages
    for outage in all_known.outages:
        length = outage.upper_s if outage.upper_s is not None else outage.lower_s
        assert length <= some_known.undetected_upper_s or any(
            (wider.after is None or (outage.after is not None and wider.after <= outage.after))
            and (wider.before is None or (outage.before is not None and wider.before >= outage.before))
            for wider in some_known.outages
        )
