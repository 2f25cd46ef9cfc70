"""What outsiders do to the float while a swap is under way, and what a swap makes of a float it cannot have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.methods.vip_swap.lab import NETWORK, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Lab
from tests.methods.vip_swap.test_refusals import answer, refuse
from vipswap_rest.arm.errors import NotFound
from vipswap_rest.emulator import Answer
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.recovery import Recovery, choose, find
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.health import TcpCheck
from vipswap_rest.switchover.report import Outcome

THIEF = f"{NETWORK}/loadBalancers/other/frontendIPConfigurations/f"


def at(lab: Lab, method: str, words: str, do: Callable[[], None], number: int = 1) -> None:
    """Do something once, just before that request of the swap arrives."""
    left = [number]

    def before(request: requests.PreparedRequest) -> Answer | None:
        if request.method == method and words in (request.url or ""):
            left[0] -= 1
            if left[0] == 0:
                do()
        return None

    lab.wire.before = before


def damage(lab: Lab, tags: dict[str, str]) -> None:
    (float_,) = lab.floats()
    lab.get(float_)["tags"] = tags


def steal(lab: Lab) -> None:
    (float_,) = lab.floats()
    lab.get(float_)["properties"]["ipConfiguration"] = {"id": THIEF}


def stranded() -> Lab:
    """A swap that stopped half-way, with production on no load balancer."""
    lab = Lab()
    lab.strike(
        *(
            {"match": {"method": "PUT", "path": f"{name}$", "nth": 2}, "effect": {"status": 403}, "times": 10**6}
            for name in ("vipswap1lb", "vipswap2lb")
        )
    )
    assert lab.swap().exit_code == 6
    lab.no_faults()
    return lab


@pytest.mark.parametrize("tags", [{}, {"vipswap-run": "x"}], ids=["wiped", "damaged"])
def test_production_is_not_left_off_because_somebody_damaged_the_floats_tags_in_the_outage(
    tags: dict[str, str],
) -> None:
    lab = Lab()
    at(lab, "PUT", "vipswap1lb", lambda: damage(lab, tags))

    report = lab.swap()

    lab.rest()
    assert (lab.holds(PRODUCTION_LB), lab.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    assert len(lab.floats()) == 1
    assert (report.exit_code, report.outcome) == (6, Outcome.NEEDS_RECOVERY)


def test_tags_that_are_damaged_before_the_outage_stop_a_swap_that_has_written_with_6() -> None:
    lab = Lab()
    at(lab, "PUT", "vipswap2lb", lambda: damage(lab, {"owner": "somebody"}))

    report = lab.swap()

    assert lab.holds(PRODUCTION_LB) == PRODUCTION_IP
    assert (report.exit_code, report.outcome) == (6, Outcome.NEEDS_RECOVERY)
    assert "vipswap2lb holds vipswap-float-" in str(report.error)
    assert "manually" in (report.error.hint if report.error else "")


def test_a_float_that_somebody_else_took_at_the_end_is_left_to_him_tagged_done() -> None:
    lab = Lab()
    at(lab, "DELETE", "vipswap-float", lambda: steal(lab))
    began = lab.clock.monotonic()

    report = lab.swap()

    (float_,) = lab.floats()
    assert (report.exit_code, report.outcome) == (0, Outcome.SWAPPED)
    assert lab.get(float_)["tags"]["vipswap-state"] == "done"
    assert lab.get(float_)["properties"]["ipConfiguration"] == {"id": THIEF}
    assert lab.clock.monotonic() - began < 200


def test_a_float_that_somebody_else_took_before_the_first_write_is_left_to_him_and_nothing_else_is_left() -> None:
    lab = Lab()
    at(lab, "GET", "vipswap-float", lambda: steal(lab) if lab.floats() else None, number=3)
    before = lab.snapshot()

    report = lab.swap()
    again = lab.swap()
    recovered = lab.recover(Recovery.SOONER)

    (float_,) = lab.floats()
    assert {id: body for id, body in lab.snapshot().items() if id != float_} == before
    assert (report.exit_code, again.exit_code) == (1, 1)
    assert THIEF in str(again.error)
    assert lab.get(float_)["tags"]["vipswap-state"] == "done"
    assert recovered.outcome is Outcome.NOTHING_TO_DO


def test_a_done_float_that_may_not_be_adopted_leaves_nothing_to_recover() -> None:
    lab = Lab()
    refuse(lab, "DELETE", "vipswap-float", answer(403, "AuthorizationFailed"))
    assert lab.swap().exit_code == 0
    before = lab.snapshot()
    refuse(lab, "PUT", "vipswap-float", answer(403, "AuthorizationFailed"))

    report = lab.swap()

    assert (report.exit_code, report.outcome) == (1, Outcome.FAILED)
    assert lab.snapshot() == before


def delete(lab: Lab, load_balancer: str) -> None:
    """A load balancer is deleted, and lets go of its address."""
    assert lab.outsider("DELETE", load_balancer, None) in (200, 202)
    lab.clock.sleep(60)


@pytest.mark.parametrize(("gone", "left"), [(STAGING_LB, PRODUCTION_LB), (PRODUCTION_LB, STAGING_LB)])
def test_production_goes_to_the_load_balancer_that_is_left_when_the_other_is_deleted_in_the_outage(
    gone: str, left: str
) -> None:
    lab = Lab()
    at(lab, "PUT", "vipswap2lb", lambda: delete(lab, gone), number=2)

    report = lab.swap()

    assert lab.holds(left) == PRODUCTION_IP
    assert report.exit_code == 6
    assert f"{gone.rsplit('/', 1)[1]} does not exist" in str(report.error)


@pytest.mark.parametrize("way", [Recovery.RESUME, Recovery.ROLLBACK, Recovery.SOONER])
def test_a_recovery_puts_production_on_the_load_balancer_that_is_left(way: Recovery) -> None:
    lab = stranded()
    delete(lab, STAGING_LB)

    report = lab.recover(way)

    assert lab.holds(PRODUCTION_LB) == PRODUCTION_IP
    assert report.exit_code == 6
    assert "vipswap2lb does not exist" in str(report.error)


def test_a_float_that_reads_do_not_show_yet_is_waited_for() -> None:
    lab = Lab()
    lab.strike({"match": {"method": "PUT", "path": "vipswap-float"}, "effect": {"stale_reads_s": 8}})

    report = lab.swap()

    assert (report.exit_code, report.outcome) == (0, Outcome.SWAPPED)
    assert lab.floats() == []


def test_a_float_whose_deletion_failed_is_tagged_done_though_it_stays_failed() -> None:
    lab = Lab()
    failure = {"fail_operation": {"code": "InternalServerError", "message": "Said the test."}}
    lab.strike({"match": {"method": "DELETE", "path": "vipswap-float"}, "effect": failure, "times": 10**6})

    report = lab.swap()

    (float_,) = lab.floats()
    assert (report.exit_code, report.outcome) == (0, Outcome.SWAPPED)
    assert lab.get(float_)["tags"]["vipswap-state"] == "done"


def test_a_swap_whose_address_is_gone_is_shown_among_the_others_and_says_that_it_is_to_be_mended_by_hand() -> None:
    lab = Lab()
    lab.strike({"match": {"method": "PUT", "path": "vipswap1lb"}, "effect": {"status": 403}, "times": 10**6})
    at(lab, "PUT", "vipswap1lb", lambda: lab.core.world.state.remove(STAGING_IP))
    assert lab.swap().exit_code == 6
    assert lab.holds(PRODUCTION_LB) == PRODUCTION_IP

    (shown,) = find(lab.client(), "vipswap")
    told = shown.as_json(TcpCheck())

    assert "vipswap2pip" in told["damage"]
    with pytest.raises(NotFound, match="neither finished nor undone"):
        choose([shown])


def test_an_address_that_says_that_somebody_else_holds_it_is_refused_at_once_even_where_that_is_ignored() -> None:
    lab = Lab()
    lab.get(STAGING_IP)["properties"]["ipConfiguration"] = {"id": THIEF}
    before, began = lab.snapshot(), lab.clock.monotonic()

    report = lab.swap(options=Options(ignore=frozenset({"AddressElsewhere"})))

    assert (report.exit_code, lab.snapshot()) == (1, before)
    assert THIEF in str(report.error)
    assert lab.clock.monotonic() - began < 10


def test_a_recovery_that_cannot_go_back_and_finishes_the_swap_instead_says_that_it_swapped() -> None:
    lab = stranded()
    lab.strike({"match": {"method": "PUT", "path": "vipswap1lb"}, "effect": {"status": 403}, "times": 10**6})

    report = lab.recover(Recovery.ROLLBACK)

    assert (lab.holds(PRODUCTION_LB), lab.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    assert (report.exit_code, report.outcome) == (0, Outcome.SWAPPED)
    assert lab.floats() == []


@pytest.mark.parametrize(
    "effect",
    [
        {"lose_response": True},
        {"reset": True},
        {"cancel_operation": True},
        {"fail_operation": {"code": "InternalServerError", "message": "Said the test."}},
        {"status": 500},
        {"status": 409},
        {"status": 412},
    ],
    ids=["lost", "reset", "canceled", "failed", "500", "409", "412"],
)
def test_one_mishap_when_the_float_is_taken_over_does_not_keep_a_recovery_from_putting_production_on(
    effect: dict[str, Any],
) -> None:
    lab = stranded()
    lab.strike({"match": {"method": "PUT", "path": "vipswap-float"}, "effect": effect})

    report = lab.recover(Recovery.RESUME)

    assert (report.exit_code, report.outcome) == (0, Outcome.SWAPPED)
    assert lab.holds(STAGING_LB) == PRODUCTION_IP
    assert lab.floats() == []


@pytest.mark.parametrize("way", [Recovery.RESUME, Recovery.ROLLBACK])
def test_a_late_read_of_the_float_that_was_taken_over_does_not_leave_production_off(way: Recovery) -> None:
    lab = stranded()
    lab.strike({"match": {"method": "PUT", "path": "vipswap-float"}, "effect": {"stale_reads_s": 30}})

    report = lab.recover(way)

    assert report.exit_code == 0, report.error
    assert PRODUCTION_IP in (lab.holds(PRODUCTION_LB), lab.holds(STAGING_LB))
    assert lab.floats() == []


def test_a_native_swap_that_reads_do_not_show_yet_is_not_taken_for_undone() -> None:
    lab = Lab()
    # It takes 22.5 seconds, and some more until it shows.
    lab.strike({"match": {"method": "POST", "path": "setLoadBalancer"}, "effect": {"stale_reads_s": 28.5}})

    report = lab.swap(options=Options(opening=Opening.NATIVE))

    assert (report.exit_code, report.outcome) == (0, Outcome.SWAPPED)
    assert [step.name for step in report.steps].count("native_swap") == 1


def test_a_float_that_is_deleted_in_the_middle_is_waited_for_once_and_then_said_to_be_gone() -> None:
    lab = Lab()
    at(lab, "PUT", "vipswap2lb", lambda: lab.core.world.state.remove(lab.floats()[0]))
    began = lab.clock.monotonic()

    report = lab.swap()

    assert (report.exit_code, lab.holds(PRODUCTION_LB)) == (7, PRODUCTION_IP)
    assert lab.clock.monotonic() - began < 30
