"""What stops a swap before or after it began, and how it is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import requests

from tests.methods.vip_swap.lab import PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, TARGET, Lab
from vipswap_rest.arm.errors import ArmError, LockHeld, Refused, VipswapError
from vipswap_rest.emulator import Answer
from vipswap_rest.switchover.report import Outcome
from vipswap_rest.switchover.settling import SETTLE_S


def answer(status: int, code: str, message: str = "Said the test.") -> Answer:
    body = json.dumps({"error": {"code": code, "message": message}}).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


def refuse(lab: Lab, method: str, words: str, instead: Answer, times: int = 10**6) -> None:
    """Answer the requests of that method whose URL contains `words` with `instead`, the first `times` times."""
    left = [times]

    def before(request: requests.PreparedRequest) -> Answer | None:
        if request.method == method and words.lower() in (request.url or "").lower() and left[0]:
            left[0] -= 1
            return instead
        return None

    lab.wire.before = before


def test_an_expired_token_is_told_with_arms_own_code_and_exit_1() -> None:
    lab = Lab()
    refuse(lab, "GET", "/", answer(401, "ExpiredAuthenticationToken", "The access token expiry time is in the past."))

    with pytest.raises(ArmError) as told:
        lab.swap()

    assert told.value.exit_code == 1
    assert "ExpiredAuthenticationToken" in str(told.value)
    assert "az account get-access-token" in told.value.hint
    assert lab.writes() == []


def test_a_load_balancer_that_stays_updating_is_waited_for_and_then_refused() -> None:
    lab = Lab()
    lab.get(STAGING_LB)["properties"]["provisioningState"] = "Updating"
    began = lab.clock.monotonic()

    with pytest.raises(Refused) as told:
        lab.swap()

    assert told.value.code == "LoadBalancerBusy"
    assert SETTLE_S <= lab.clock.monotonic() - began < SETTLE_S + 5
    assert lab.writes() == []


def test_a_load_balancer_that_ends_updating_is_swapped() -> None:
    lab = Lab()
    lab.get(STAGING_LB)["properties"]["provisioningState"] = "Updating"
    until = lab.clock.monotonic() + 10

    def settle(request: requests.PreparedRequest) -> None:
        if lab.clock.monotonic() >= until:
            lab.get(STAGING_LB)["properties"]["provisioningState"] = "Succeeded"
            lab.wire.before = lambda request: None

    lab.wire.before = settle

    assert lab.swap().outcome is Outcome.SWAPPED


def interrupted(lab: Lab) -> None:
    """Leave a swap half-way: production's address is on no load balancer."""
    refuse(lab, "PUT", "vipswap2lb", answer(401, "ExpiredAuthenticationToken"))
    lab.wire.before = after(lab, "vipswap1lb", lab.wire.before)
    report = lab.swap()
    lab.wire.before = lambda request: None
    assert report.exit_code == 6
    assert report.outcome is Outcome.NEEDS_RECOVERY


def after(lab: Lab, words: str, then):  # type: ignore[no-untyped-def]
    """Let `then` rule from the first PUT on that contains `words`, that one not included."""

    def before(request: requests.PreparedRequest) -> Answer | None:
        if request.method == "PUT" and words in (request.url or ""):
            lab.wire.before = then
        return None

    return before


def test_what_stops_half_way_says_who_holds_what_and_how_to_finish() -> None:
    lab = Lab()
    refuse(lab, "PUT", "vipswap2lb", answer(401, "ExpiredAuthenticationToken"))
    lab.wire.before = after(lab, "vipswap1lb", lab.wire.before)

    report = lab.swap()

    assert report.exit_code == 6
    assert report.error is not None
    assert "on NO load balancer" in str(report.error)
    assert report.next_command is not None
    assert report.next_command in report.error.hint


def test_a_journal_left_behind_keeps_a_plain_swap_away() -> None:
    lab = Lab()
    interrupted(lab)
    writes = len(lab.writes())

    with pytest.raises(LockHeld) as told:
        lab.swap()

    assert told.value.exit_code == 7
    assert "vipswap recover" in told.value.hint
    assert len(lab.writes()) == writes


def test_a_journal_with_the_same_goal_is_finished() -> None:
    lab = Lab()
    interrupted(lab)

    report = lab.swap(replace(TARGET, vip="vipswap1pip"))

    assert report.outcome is Outcome.SWAPPED
    assert (lab.holds(PRODUCTION_LB), lab.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    assert lab.floats() == []


def test_a_journal_with_another_goal_keeps_away() -> None:
    lab = Lab()
    interrupted(lab)

    with pytest.raises(LockHeld):
        lab.swap(replace(TARGET, vip="vipswap2pip"))


def test_the_order_of_arguments_does_not_hide_a_journal() -> None:
    lab = Lab()
    interrupted(lab)

    with pytest.raises(LockHeld):
        lab.swap(replace(TARGET, production="vipswap2lb", staging="vipswap1lb"))


@pytest.mark.parametrize("status", [403, 400])
def test_a_refusal_of_the_first_write_leaves_nothing_behind(status: int) -> None:
    lab = Lab()
    before = lab.snapshot()
    refuse(lab, "PUT", "vipswap-float", answer(status, "RequestDisallowedByPolicy"))

    report = lab.swap()

    assert report.exit_code == 1
    assert report.outcome is Outcome.FAILED
    assert lab.snapshot() == before


def test_a_refusal_for_good_after_a_write_puts_everything_back() -> None:
    lab = Lab()
    before = lab.snapshot()
    refuse(lab, "PUT", "vipswap1lb", answer(403, "AuthorizationFailed"))

    report = lab.swap()

    assert report.exit_code == 5
    assert report.outcome is Outcome.ROLLED_BACK
    assert "AuthorizationFailed" in str(report.error)
    assert lab.snapshot() == before
    assert lab.floats() == []


def test_a_float_that_may_not_be_deleted_stays_tagged_done_and_is_adopted_next_time() -> None:
    lab = Lab()
    refuse(lab, "DELETE", "vipswap-float", answer(409, "ScopeLocked"))

    first = lab.swap()
    lab.wire.before = lambda request: None
    kept = lab.floats()
    second = lab.swap()

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert len(kept) == 1
    assert lab.floats() == []


def test_somebody_elses_change_in_the_middle_survives() -> None:
    lab = Lab()

    def outsider(request: requests.PreparedRequest) -> None:
        if request.method == "PUT" and "vipswap1lb" in (request.url or ""):
            body = lab.get(PRODUCTION_LB)
            body["tags"] = {"outsider": "was here"}
            lab.core.world.state.touch(body)
            lab.wire.before = lambda request: None

    lab.wire.before = outsider

    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED
    assert lab.get(PRODUCTION_LB)["tags"] == {"outsider": "was here"}


def test_an_error_of_the_command_is_one_of_ours() -> None:
    lab = Lab()
    refuse(lab, "GET", "vipswap2lb", Answer(200, {"Content-Type": "text/html"}, b"<html>a proxy</html>"))

    with pytest.raises(VipswapError, match="not a JSON object"):
        lab.swap()

    assert lab.holds(PRODUCTION_LB) == PRODUCTION_IP


@pytest.mark.parametrize("number", range(2, 10))
def test_a_load_balancer_that_somebody_begins_to_update_between_two_reads_is_waited_for(number: int) -> None:
    lab = Lab()

    def touch(request: requests.PreparedRequest) -> None:
        if lab.wire.count == number:
            lab.get(STAGING_LB)["properties"]["provisioningState"] = "Updating"
        if lab.wire.count == number + 3:
            lab.get(STAGING_LB)["properties"]["provisioningState"] = "Succeeded"

    lab.wire.before = touch

    assert lab.swap().outcome is Outcome.SWAPPED
