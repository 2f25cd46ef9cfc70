"""Runs that take their time: slow operations that fail, long spells of busyness, repairs of the run's own failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.methods.vip_swap.lab import PRODUCTION_IP, PRODUCTION_LB, STAGING_LB, Lab, exchanged, same
from tests.methods.vip_swap.test_gates import PRODUCTION, Answers
from tests.methods.vip_swap.test_refused_writes import busy, in_the_outage, quick
from vipswap_rest.emulator import Answer
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.methods.vip_swap.verification import Verification
from vipswap_rest.switchover.report import Outcome
from vipswap_rest.switchover.state import Limits


@pytest.mark.parametrize("nth", [2, 3], ids=["the opening write", "the write that ends the outage"])
@pytest.mark.parametrize("cancel", [False, True], ids=["failed", "cancelled"])
def test_an_operation_that_fails_after_five_minutes_is_looked_at_like_any_other(nth: int, cancel: bool) -> None:
    """While ARM works on an operation nothing tries patience."""
    lab = Lab()
    original = lab.snapshot()
    ends: dict[str, Any] = {"cancel_operation": True} if cancel else {"fail_operation": {"code": "X", "message": "No."}}
    lab.strike(
        {"match": {"method": "PUT", "path": "loadBalancers", "nth": nth}, "effect": {"delay_operation_s": 320} | ends}
    )

    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED, report.error
    assert lab.snapshot() == exchanged(original)


def test_the_health_is_asked_also_after_both_ways_were_tried() -> None:
    lab = quick()
    original = lab.snapshot()
    in_the_outage(lab, busy(429), times=41, back=True)

    report = lab.swap(options=Options(verification=Verification(Answers({PRODUCTION: 1000}), timeout_s=5)))

    assert report.exit_code == 5, report.error
    assert lab.snapshot() == original


def test_repairing_what_failed_is_nobodys_undoing() -> None:
    """Three operations on one load balancer fail, and each time it is PUT again as it is."""
    lab = Lab()
    failing = {"fail_operation": {"code": "InternalServerError", "message": "No."}, "restore": True}
    lab.strike(
        *({"match": {"method": "PUT", "path": "vipswap2lb", "nth": nth}, "effect": failing} for nth in (2, 4, 6))
    )

    report = lab.swap()

    assert report.exit_code in (0, 5), report.error
    assert "undid" not in str(report.error)
    for id in (PRODUCTION_LB, STAGING_LB):
        assert lab.get(id)["properties"]["provisioningState"] == "Succeeded"


def test_another_resource_in_an_answer_is_not_asked_for_without_end() -> None:
    """A proxy answers every GET of the first load balancer with the second one's body, inside the outage."""
    lab = Lab()
    lab.clock.pace = 30.0
    asked = 0

    def before(request: requests.PreparedRequest) -> Answer | None:
        nonlocal asked
        events = [event["event"] for event in lab.timeline() if same(event["public_ip"], PRODUCTION_IP)]
        if "request_accepted" not in events or request.method != "GET" or "vipswap1lb?" not in (request.url or ""):
            return None
        asked += 1
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(lab.get(STAGING_LB)).encode())

    lab.wire.before = before

    report = lab.swap(options=Options(limits=Limits(max_outage_s=5)))

    assert report.exit_code == 6
    assert asked < 2000
