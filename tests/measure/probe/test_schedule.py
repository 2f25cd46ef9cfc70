"""When a sample is due: from the plan, whatever became of the one before."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vipswap_rest.measure.probe.schedule import LATE_S, Schedule, Slot


def test_the_first_sample_is_due_at_its_phase() -> None:
    schedule = Schedule(100.0, 1.0, 0.25)

    assert schedule.next_due == 100.25
    assert schedule.turn(100.2) == Slot(None)
    assert schedule.turn(100.25) == Slot(100.25, send=True)
    assert schedule.next_due == 101.25


def test_a_late_sample_does_not_move_the_next_one() -> None:
    schedule = Schedule(0.0, 1.0)

    assert schedule.turn(0.04) == Slot(0.0, send=True)
    assert schedule.next_due == 1.0


def test_a_sample_that_is_more_than_fifty_milliseconds_late_is_unknown() -> None:
    schedule = Schedule(0.0, 1.0)

    assert schedule.turn(0.051) == Slot(0.0, late=True)
    assert schedule.next_due == 1.0


def test_after_a_stall_the_slots_that_went_by_are_counted_and_one_is_sent() -> None:
    schedule = Schedule(0.0, 0.01)
    schedule.turn(0.0)

    turn = schedule.turn(1.0051)

    assert (turn.send, turn.skipped) == (True, 99)
    assert turn.due is not None
    assert abs(turn.due - 1.0) < 1e-9
    assert schedule.turn(1.0052) == Slot(None)


@settings(max_examples=500)
@given(
    st.sampled_from([0.01, 0.05, 0.1, 1.0, 0.3]),
    st.floats(0, 1),
    st.lists(st.floats(0, 3), min_size=1, max_size=40),
)
def test_every_slot_is_sent_late_or_skipped_once_and_never_early_nor_in_a_burst(
    interval: float, phase: float, waits: list[float]
) -> None:
    now = 1000.0
    schedule = Schedule(now, interval, phase * interval)
    accounted, sends = 0, []
    for wait in waits:
        now += wait
        turn = schedule.turn(now)
        assert schedule.next_due > now
        if turn.due is None:
            assert (turn.send, turn.late, turn.skipped) == (False, False, 0)
            continue
        assert turn.due <= now
        assert now - turn.due <= interval + 1e-9
        assert turn.send is (now - turn.due <= LATE_S)
        assert turn.late is not turn.send
        accounted += turn.skipped + 1
        if turn.send:
            sends.append(turn.due)

    assert sends == sorted(set(sends))
    # The next slot is the one after all that were accounted for.
    assert abs(schedule.next_due - (1000.0 + phase * interval + accounted * interval)) < 1e-6
