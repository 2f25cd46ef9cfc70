"""What may be done side by side: several at a time on threads of their own, a single one on the caller's."""

from __future__ import annotations

import threading

import pytest

from vipswap_rest.arm.clock import AT_ONCE, SystemClock


def test_a_single_act_is_done_on_the_thread_that_hears_signals() -> None:
    """A write that a signal ends the wait for is called off only there."""
    assert SystemClock().together([threading.current_thread]) == [threading.current_thread()]


def test_several_are_done_at_once_and_told_in_their_order() -> None:
    meet = threading.Barrier(AT_ONCE)

    def act(number: int) -> int:
        meet.wait(timeout=60)
        return number

    assert SystemClock().together([lambda number=number: act(number) for number in range(AT_ONCE)]) == list(
        range(AT_ONCE)
    )


def test_the_first_error_in_their_order_is_raised_when_all_are_over() -> None:
    done = []

    def fail(told: str) -> None:
        raise ValueError(told)

    with pytest.raises(ValueError, match="first"):
        SystemClock().together([lambda: fail("first"), lambda: fail("second"), lambda: done.append(True)])

    assert done == [True]
