"""One budget for many runs: an outage begins only when the writes that end it are reserved."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import HeldClock
from tests.methods.vip_swap.lab import STAGING_IP, TARGET, Lab
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.run import plan, swap
from vipswap_rest.switchover.budget import WINDOW_S, Budget
from vipswap_rest.switchover.report import Outcome


def test_a_write_is_taken_until_the_window_is_full_and_again_when_the_first_one_is_old() -> None:
    clock = HeldClock()
    run = Budget(clock, writes=3).run()

    assert [run.admit(opens=False) for _ in range(3)] == [0.0, 0.0, 0.0]
    wait_s = run.admit(opens=False)

    assert wait_s == WINDOW_S
    clock.advance(wait_s)
    assert run.admit(opens=False) == 0.0


def test_an_outage_begins_only_with_its_writes_reserved_and_nobody_else_takes_them() -> None:
    budget = Budget(HeldClock(), writes=5)
    one, other = budget.run(), budget.run()

    assert one.admit(opens=True) == 0.0
    assert other.admit(opens=True) > 0.0
    assert [other.admit(opens=False), other.admit(opens=False)] == [0.0, 0.0]
    assert other.admit(opens=False) > 0.0
    assert one.admit(opens=False) == 0.0
    assert one.admit(opens=False, urgent=True) == 0.0
    one.settled()
    assert other.admit(opens=False) > 0.0
    budget = Budget(HeldClock(), writes=5)
    one, other = budget.run(), budget.run()
    assert one.admit(opens=True) == 0.0
    one.settled()
    assert other.admit(opens=False) == 0.0


def test_the_reads_that_are_left_are_shared() -> None:
    budget = Budget(HeldClock(), reads=100)
    one, _ = budget.run(), budget.run()

    assert one.reads(10, None) == 45
    assert one.reads(0, 7) == 7


def test_a_run_that_is_over_or_had_nothing_to_do_has_no_share_any_more() -> None:
    lab = Lab(Settings(latency="instant"))
    budget, client = Budget(lab.clock, reads=10**6), lab.client()

    reached = swap(client, plan(client, replace(TARGET, vip=STAGING_IP)), budget=budget)
    whole = swap(client, plan(client, TARGET), budget=budget)

    assert (reached.outcome, whole.outcome) == (Outcome.NOTHING_TO_DO, Outcome.SWAPPED)
    share = budget.run().reads(0, None)
    assert share is not None
    assert share > 10**6 / 2


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["open", "write", "settle", "wait"])), max_size=60))
def test_never_are_more_writes_sent_in_a_window_than_it_holds(moves: list[tuple[int, str]]) -> None:
    clock = HeldClock()
    budget = Budget(clock, writes=7)
    runs, sent = [budget.run() for _ in range(4)], list[float]()
    for number, move in moves:
        if move == "wait":
            clock.advance(WINDOW_S / 3)
        elif move == "settle":
            runs[number].settled()
        elif runs[number].admit(opens=move == "open") == 0.0:
            sent.append(clock.monotonic())

    assert all(sum(at - WINDOW_S < one <= at for one in sent) <= 7 for at in sent)
