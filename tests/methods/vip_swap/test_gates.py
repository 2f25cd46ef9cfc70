"""--max-outage and --health: when a swap turns back of its own accord, and when it does not."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.methods.vip_swap.lab import Lab, exchanged
from vipswap_rest.arm.errors import Refused
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.methods.vip_swap.verification import Verification
from vipswap_rest.switchover.report import Outcome
from vipswap_rest.switchover.state import Limits


@dataclass
class Answers:
    """A check that finds silence for the first so many questions about an address, by the address."""

    silent: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def answers(self, address: str, port: int) -> str | None:
        self.asked.append((address, port))
        left = self.silent.get(address, 0)
        self.silent[address] = left - 1
        return "silence" if left > 0 else None


PRODUCTION, STAGING = "203.0.113.1", "203.0.113.2"


def test_an_outage_longer_than_allowed_turns_back_between_operations() -> None:
    lab = Lab()
    original = lab.snapshot()

    report = lab.swap(options=Options(limits=Limits(max_outage_s=20)))

    assert report.exit_code == 5
    assert report.outcome is Outcome.ROLLED_BACK
    assert "--max-outage" in str(report.error)
    assert lab.snapshot() == original
    assert lab.floats() == []


def test_an_outage_within_what_is_allowed_is_swapped() -> None:
    assert Lab().swap(options=Options(limits=Limits(max_outage_s=40))).outcome is Outcome.SWAPPED


@pytest.mark.parametrize("opening", [Opening.FLOAT_ON_STAGING, Opening.FLOAT_ON_PRODUCTION])
def test_without_rollback_no_outage_is_too_long(opening: Opening) -> None:
    options = Options(opening=opening, rollback=False, limits=Limits(max_outage_s=1))

    assert Lab().swap(options=options).outcome is Outcome.SWAPPED


def test_staging_that_does_not_answer_is_not_swapped_in() -> None:
    lab = Lab()
    check = Answers({STAGING: 1})

    with pytest.raises(Refused) as told:
        lab.swap(options=Options(verification=Verification(check)))

    assert told.value.exit_code == 4
    assert lab.writes() == []
    assert check.asked == [(STAGING, 9000)]


def test_production_that_answers_late_but_in_time_is_kept() -> None:
    lab = Lab()
    check = Answers({PRODUCTION: 10})

    report = lab.swap(options=Options(verification=Verification(check)))

    assert report.outcome is Outcome.SWAPPED
    assert report.exit_code == 0
    assert len([address for address, _ in check.asked if address == PRODUCTION]) == 11


@pytest.mark.parametrize("opening", Opening)
def test_production_that_does_not_answer_from_its_new_side_goes_back(opening: Opening) -> None:
    lab = Lab()
    original = lab.snapshot()
    check = Answers({PRODUCTION: 10**6})

    report = lab.swap(options=Options(opening=opening, verification=Verification(check, timeout_s=5)))

    assert report.exit_code == 5
    assert "does not answer" in str(report.error)
    assert lab.snapshot() == original
    assert lab.floats() == []


def test_without_rollback_it_is_kept_and_exit_8_says_so() -> None:
    lab = Lab()
    original = lab.snapshot()
    check = Answers({PRODUCTION: 10**6})

    report = lab.swap(options=Options(rollback=False, verification=Verification(check, timeout_s=5)))

    assert report.exit_code == 8
    assert report.outcome is Outcome.SWAPPED
    assert "does not answer" in str(report.error)
    assert lab.snapshot() == exchanged(original)
    assert lab.floats() == []
