"""The control plane's account of an outage."""

from __future__ import annotations

from tests.methods.vip_swap.conftest import ADDRESSES
from vipswap_rest.switchover.outage import Ledger
from vipswap_rest.switchover.report import Side

A = ADDRESSES[Side.PRODUCTION]


def test_an_outage_runs_from_the_write_that_releases_to_the_success_that_attaches() -> None:
    ledger = Ledger()
    ledger = ledger.released(A, 10.0)
    assert ledger.is_open(A)
    assert ledger.span(A) is None

    ledger = ledger.attached(A, 71.0)

    assert not ledger.is_open(A)
    assert ledger.span(A) == (10.0, 71.0)


def test_a_second_release_reopens_the_outage_and_the_first_one_counts() -> None:
    ledger = Ledger()
    ledger = ledger.released(A, 10.0)
    ledger = ledger.attached(A, 20.0)
    ledger = ledger.released(A, 30.0)

    assert ledger.is_open(A)
    ledger = ledger.attached(A, 40.0)

    assert ledger.span(A) == (10.0, 40.0)


def test_an_attachment_without_a_release_is_no_outage() -> None:
    ledger = Ledger()
    ledger = ledger.attached(A, 20.0)

    assert ledger.span(A) is None


def test_a_lost_answer_counts_as_an_outage_until_somebody_looks() -> None:
    ledger = Ledger()
    ledger = ledger.perhaps_released(A, 5.0)
    assert ledger.is_open(A)

    ledger = ledger.seen(A, attached=True, read=6.0)

    assert not ledger.is_open(A)
    assert ledger.span(A) is None, "it was never taken off"


def test_a_lost_answer_of_a_write_that_was_done_is_counted_from_its_sending() -> None:
    ledger = Ledger()
    ledger = ledger.perhaps_released(A, 5.0)
    ledger = ledger.seen(A, attached=False, read=6.0)
    assert ledger.is_open(A)

    ledger = ledger.seen(A, attached=True, read=9.0)

    assert ledger.span(A) == (5.0, 9.0)
