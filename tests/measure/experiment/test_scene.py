"""What is drawn of a swap is what was found: each outage at its place, each answerer while it answered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.measure.experiment.recordings import operations, probed, recording
from vipswap_rest.measure.pictures.scene import answering, downs, scene

TENTHS = st.integers(0, 100)
SPANS = st.lists(st.tuples(TENTHS, st.integers(1, 20)), max_size=4).map(
    lambda found: [(98 + begin / 10, 98 + (begin + length) / 10) for begin, length in sorted(found)]
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SPANS, SPANS)
def test_the_certain_parts_add_up_to_the_lower_bound_within_the_upper_one(
    down: list[tuple[float, float]], blind: list[tuple[float, float]]
) -> None:
    found = probed("production", down, unknown=blind).findings

    drawn = downs(found)

    assert [one.outage for one in drawn] == list(found.account.outages)
    for one in drawn:
        assert sum(part.end - part.begin for part in one.certain) == pytest.approx(one.outage.lower_s)
        assert all(one.widest.begin <= part.begin and part.end <= one.widest.end for part in one.certain)
        if one.outage.upper_s is not None:
            assert one.widest.end - one.widest.begin == pytest.approx(one.outage.upper_s)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(SPANS, SPANS)
def test_nobody_is_drawn_as_answering_where_the_address_was_certainly_down_or_nothing_is_known(
    down: list[tuple[float, float]], blind: list[tuple[float, float]]
) -> None:
    found = probed("production", down, unknown=blind).findings

    dark = [part for one in downs(found) for part in one.certain] + list(found.account.unknown)
    for run in answering(found):
        assert run.begin <= run.end
        # A single sample is drawn from its sending to its end, and an unknown window begins with a sending.
        if run.end - run.begin < 0.0015:
            continue
        assert not [part for part in dark if run.begin < part.end and part.begin < run.end]


def test_who_answers_changes_with_the_outage() -> None:
    found = probed("production", [(102.0, 107.0)]).findings

    assert [(run.who, round(run.begin), round(run.end)) for run in answering(found)] == [
        ("vipswap1lb", 98, 102),
        ("vipswap2lb", 107, 112),
    ]


def test_times_are_counted_from_the_first_operation() -> None:
    drawn = scene(recording(probed("production", [(102, 107)]), writes=operations(("native_swap", 100, 110))))

    assert (drawn.operations[0].began, drawn.operations[0].ended) == (0, 10)
    assert drawn.lanes[0].downs[0].widest.begin == pytest.approx(1.9)
    assert drawn.begin < 0
    assert drawn.end > 10


def test_without_an_operation_times_are_counted_from_the_beginning_of_the_recording() -> None:
    drawn = scene(recording(probed("production", [(102, 107)])))

    assert drawn.lanes[0].downs[0].widest.begin == pytest.approx(101.9 - 99.5)


def test_an_address_that_was_not_probed_has_a_lane_that_says_so() -> None:
    drawn = scene(recording(probed("production", [])))

    assert [lane.side for lane in drawn.lanes] == ["production", "staging"]
    assert "not probed" in drawn.lanes[1].remark
    assert "no outage seen; none longer than 101 ms" in drawn.lanes[0].remark
