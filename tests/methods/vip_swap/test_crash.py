"""The client dies at any request of a swap; a recovery from elsewhere ends it at the goal, or at the original."""

from __future__ import annotations

import pytest

from tests.methods.vip_swap.lab import Crash, Lab, exchanged
from tests.methods.vip_swap.moments import moments
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Outcome

# More requests than any swap has at this latency.
MANY = 200
LATENCY = Settings(latency="standard", time_scale=0.03, release="accept")


def methods_of_a_swap(opening: Opening) -> list[str]:
    lab = Lab(LATENCY)
    lab.swap(options=Options(opening=opening))
    return [method for method, _, _ in lab.wire.sent]


def crash(lab: Lab, opening: Opening, number: int, done: bool) -> None:
    lab.crash_at(number, done=done)
    with pytest.raises(Crash):
        lab.swap(options=Options(opening=opening))
    lab.heal()


@pytest.mark.parametrize("way", [Recovery.RESUME, Recovery.ROLLBACK, Recovery.SOONER])
@pytest.mark.parametrize("done", [False, True], ids=["before it is done", "after it is done"])
@pytest.mark.parametrize("opening", Opening)
def test_recovery_ends_in_exactly_the_goal_or_exactly_the_original(opening: Opening, done: bool, way: Recovery) -> None:
    for number in moments(methods_of_a_swap(opening), turn=done):
        lab = Lab(LATENCY)
        original = lab.snapshot()
        crash(lab, opening, number, done)
        # Once its deletion has been accepted, the float says nothing any more: the swap is over.
        open_journal = any(lab.get(id)["properties"]["provisioningState"] != "Deleting" for id in lab.floats())

        report = lab.recover(way)

        told = f"crashed at request {number}, {lab.wire.sent[number - 1][:2]}: {report.outcome}, {report.error}"
        goal = exchanged(original)
        assert report.exit_code == 0, told
        assert lab.snapshot() in (original, goal), told
        assert lab.floats() == [], told
        assert lab.unsettled() == [], told
        if open_journal and way is not Recovery.SOONER:
            assert lab.snapshot() == (goal if way is Recovery.RESUME else original), told


@pytest.mark.parametrize("opening", Opening)
def test_a_second_recovery_does_nothing_and_says_so(opening: Opening) -> None:
    lab = Lab(LATENCY)
    crash(lab, opening, len(methods_of_a_swap(opening)) // 2, done=True)
    lab.recover()
    written = len(lab.writes())

    report = lab.recover()

    assert report.outcome is Outcome.NOTHING_TO_DO
    assert report.exit_code == 0
    assert len(lab.writes()) == written


@pytest.mark.parametrize("way", [Recovery.RESUME, Recovery.ROLLBACK])
@pytest.mark.parametrize("opening", Opening)
def test_a_request_that_lands_after_its_clients_death_strands_nothing(opening: Opening, way: Recovery) -> None:
    for number in moments(methods_of_a_swap(opening), turn=2):
        for late in (1, 6, 12):
            lab = Lab(LATENCY)
            original = lab.snapshot()
            crash(lab, opening, number, done=False)
            lost = lab.wire.lost
            assert lost is not None
            # It lands while the recovery is on its way, as long as the dead client's timeout has not passed.
            lab.wire.late.append((lab.wire.count + late, lost))

            lab.recover(way)
            # What the recovery was told at its end is true of then; a float that is born later is found by the next.
            report = lab.recover(way)

            told = f"request {number} landed at the recovery's {late}th: {report.outcome}, {report.error}"
            assert lab.snapshot() in (original, exchanged(original)), told
            assert lab.floats() == [], told
