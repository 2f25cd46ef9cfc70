"""What a swap makes of writes that ARM refuses: busy, throttled, final, not supported; in the outage and before it."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
import requests

from tests.methods.vip_swap.lab import (
    NETWORK,
    PRODUCTION_IP,
    PRODUCTION_LB,
    ROUND_TRIP_S,
    STAGING_IP,
    STAGING_LB,
    TARGET,
    Lab,
    same,
)
from tests.methods.vip_swap.test_refusals import answer, refuse
from vipswap_rest.arm.errors import CredentialError
from vipswap_rest.emulator import Answer, Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options, plan, swap
from vipswap_rest.switchover.decide import REFUSALS_AT_FIRST
from vipswap_rest.switchover.driver import Unguarded
from vipswap_rest.switchover.report import Noted, Outcome, StepAccepted
from vipswap_rest.switchover.state import Limits
from vipswap_rest.switchover.streak import BOTH_WAYS_AFTER_S, LOOK_AFTER

# Between two tries: the pause, and the round trip.
SOON_S = 1.0 + 3 * ROUND_TRIP_S
FOR_EVER = 10**6


def quick() -> Lab:
    return Lab(Settings(latency="instant"))


def busy(status: int, code: str = "ReferencedResourceNotProvisioned", wait: str | None = None) -> Answer:
    detail = {"code": code, "message": "The NIC is being written. The call can be retried in 12 seconds."}
    body = {"error": {"code": "RetryableError", "message": "Not now.", "details": [detail]}}
    headers = {"Content-Type": "application/json", **({"Retry-After": wait} if wait else {})}
    return Answer(status, headers, json.dumps(body).encode())


def throttled(wait: str | None) -> Answer:
    body = {"error": {"code": "SubscriptionRequestsThrottled", "message": "Too many writes."}}
    headers = {"Content-Type": "application/json", **({"Retry-After": wait} if wait else {})}
    return Answer(429, headers, json.dumps(body).encode())


def in_the_outage(lab: Lab, instead: Answer, times: int = FOR_EVER, *, back: bool = False) -> list[float]:
    """Refuse the first writes that would end the outage, forward only, or back too; gives when each write arrived."""
    at: list[float] = []
    refused = [0]

    def before(request: requests.PreparedRequest) -> Answer | None:
        held = [lab.holds(PRODUCTION_LB), lab.holds(STAGING_LB)]
        ends = request.method == "PUT" and not any(same(one, PRODUCTION_IP) for one in held)
        if not ends or PRODUCTION_IP.lower() not in str(request.body).lower():
            return None
        at.append(lab.clock.time)
        forward = "vipswap2lb" in (request.url or "")
        refused[0] += 1
        return instead if refused[0] <= times and (forward or back) else None

    lab.wire.before = before
    return at


def pauses(at: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(at)]


def warned(lab: Lab, words: str) -> list[str]:
    return [event.message for event in lab.events if isinstance(event, Noted) and words in event.message]


# --- busy and throttled, while production is off ----------------------------------------------------------------------


@pytest.mark.parametrize("opening", [Opening.FLOAT_ON_STAGING, Opening.FLOAT_ON_PRODUCTION])
@pytest.mark.parametrize("status", [400, 409, 429])
@pytest.mark.parametrize("code", ["ReferencedResourceNotProvisioned", "AnotherOperationInProgress"])
def test_busy_is_tried_again_within_a_second_and_said_once(opening: Opening, status: int, code: str) -> None:
    lab = quick()
    at = in_the_outage(lab, busy(status, code, wait="40"), times=4)

    report = lab.swap(options=Options(opening=opening, limits=Limits(max_outage_s=20)))

    assert report.outcome is Outcome.SWAPPED, report.error
    assert len(at) == 5
    assert max(pauses(at)) <= SOON_S
    assert len(warned(lab, "Trying again")) == 1
    assert "ReferencedResource" in warned(lab, "Trying again")[0] or "AnotherOperation" in warned(lab, "Trying")[0]


@pytest.mark.parametrize(("wait", "expected"), [("7", 7.0), (None, 12.0)], ids=["header", "message"])
def test_a_polite_run_waits_as_arm_asks(wait: str | None, expected: float) -> None:
    lab = quick()
    at = in_the_outage(lab, busy(429, wait=wait), times=2)

    assert lab.swap(options=Options(polite=True)).exit_code == 0
    assert pauses(at) == [pytest.approx(expected, abs=3 * ROUND_TRIP_S)] * 2


def test_the_limit_of_the_outage_is_looked_at_between_tries() -> None:
    lab = quick()
    before = lab.snapshot()
    in_the_outage(lab, busy(429))

    report = lab.swap(options=Options(limits=Limits(max_outage_s=3)))

    assert report.outcome is Outcome.ROLLED_BACK
    assert "--max-outage" in str(report.error)
    assert 3 <= lab.true_outage(PRODUCTION_IP) <= 3 + 2 * SOON_S
    assert lab.snapshot() == before


@pytest.mark.parametrize(
    ("wait", "expected"), [("30", [1, 1, 1, 5, 5]), ("2", [1, 1, 1, 2, 2]), (None, [1, 1, 1, 5, 5])], ids=str
)
def test_throttled_there_is_tried_after_a_second_three_times_and_then_as_arm_asks_but_within_five(
    wait: str | None, expected: list[float]
) -> None:
    lab = quick()
    at = in_the_outage(lab, throttled(wait), times=5)

    assert lab.swap().exit_code == 0
    assert pauses(at) == [pytest.approx(pause, abs=3 * ROUND_TRIP_S) for pause in expected]


def test_busy_that_is_broken_is_repaired_after_five_refusals() -> None:
    lab = quick()
    refused = in_the_outage(lab, busy(429))
    refusing = lab.wire.before

    def before(request: requests.PreparedRequest) -> Answer | None:
        # The other load balancer failed meanwhile, and all that refer to it wait until it is written again.
        blue = lab.get(PRODUCTION_LB)["properties"]
        if not refused and same(lab.holds(PRODUCTION_LB), STAGING_IP):
            blue["provisioningState"] = "Failed"
        return refusing(request) if blue["provisioningState"] == "Failed" else None

    lab.wire.before = before
    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED
    assert [step.name for step in report.steps if step.succeeded] == [
        "create_float",
        "staging_to_float",
        "production_to_staging_address",
        "repair_production",
        "staging_to_production_address",
        "delete_float",
    ]
    assert len(refused) == LOOK_AFTER


def test_after_half_a_minute_of_busy_the_other_direction_is_tried() -> None:
    lab = quick()
    before = lab.snapshot()
    in_the_outage(lab, busy(429))

    report = lab.swap()

    assert report.outcome is Outcome.ROLLED_BACK
    assert BOTH_WAYS_AFTER_S <= lab.true_outage(PRODUCTION_IP) <= BOTH_WAYS_AFTER_S + 2 * SOON_S
    assert lab.snapshot() == before


@pytest.mark.parametrize("times", [40, 41])
def test_then_both_directions_take_turns_and_the_first_that_is_taken_ends_the_outage(times: int) -> None:
    lab = quick()
    at = in_the_outage(lab, busy(429), times=times, back=True)

    report = lab.swap()

    assert report.outcome in (Outcome.SWAPPED, Outcome.ROLLED_BACK)
    assert len(at) == times + 1
    assert max(pauses(at)) <= SOON_S + 10 * ROUND_TRIP_S
    assert report.exit_code == (0 if same(lab.holds(STAGING_LB), PRODUCTION_IP) else 5)
    assert (lab.floats(), lab.unsettled()) == ([], [])


def test_the_two_turns_end_on_either_side() -> None:
    codes = set()
    for times in (40, 41):
        lab = quick()
        in_the_outage(lab, busy(429), times=times, back=True)
        codes.add(lab.swap().exit_code)

    assert codes == {0, 5}


def test_without_rollback_only_forward_is_tried() -> None:
    lab = quick()
    at = in_the_outage(lab, busy(429), times=50)

    assert lab.swap(options=Options(rollback=False)).outcome is Outcome.SWAPPED
    assert len(at) == 51


# --- busy elsewhere ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 409, 429])
def test_before_the_outage_busy_waits_by_its_own_hint(status: int) -> None:
    lab = quick()
    at: list[float] = []

    def before(request: requests.PreparedRequest) -> Answer | None:
        if request.method == "PUT" and "vipswap2lb" in (request.url or ""):
            at.append(lab.clock.time)
            return busy(status) if len(at) <= 2 else None
        return None

    lab.wire.before = before

    assert lab.swap().exit_code == 0
    # After twenty seconds everything is read again before it is written.
    assert [12.0 <= pause <= 12.0 + 8 * ROUND_TRIP_S for pause in pauses(at)[:2]] == [True, True]


# --- what no waiting cures --------------------------------------------------------------------------------------------

CHALLENGE = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
FINAL = {
    "policy": answer(403, "RequestDisallowedByPolicy"),
    "deny assignment": answer(403, "DenyAssignmentAuthorizationFailed"),
    "role": answer(403, "AuthorizationFailed"),
    "lock": answer(409, "ScopeLocked"),
    "disabled": answer(409, "ReadOnlyDisabledSubscription"),
    "unregistered": answer(409, "MissingSubscriptionRegistration"),
    "quota": answer(400, "PublicIPCountLimitReached"),
    "claims": Answer(
        401,
        {"Content-Type": "application/json", "WWW-Authenticate": CHALLENGE},
        b'{"error": {"code": "InvalidAuthenticationToken", "message": "No."}}',
    ),
    "a 400": answer(400, "SomethingNew"),
}


@pytest.mark.parametrize("words", ["vipswap-float", "vipswap2lb"])
@pytest.mark.parametrize("why", FINAL)
def test_it_is_sent_once_while_nothing_is_written(why: str, words: str) -> None:
    lab = quick()
    before, began = lab.snapshot(), lab.clock.time
    refuse(lab, "PUT", words, FINAL[why])

    report = lab.swap()

    assert (report.exit_code, report.outcome) == (1, Outcome.FAILED)
    assert [path for method, path in lab.writes() if method == "PUT" and words in path][1:] == []
    assert lab.clock.time - began < 5
    assert lab.snapshot() == before
    assert not report.changed
    assert warned(lab, "Everything goes back") == []


@pytest.mark.parametrize("why", FINAL)
def test_it_is_sent_twice_once_the_outage_is_open(why: str) -> None:
    lab = quick()
    before = lab.snapshot()
    at = in_the_outage(lab, FINAL[why])

    report = lab.swap()

    assert report.outcome is Outcome.ROLLED_BACK
    # Twice forward, once back.
    assert len(at) == 3
    assert lab.true_outage(PRODUCTION_IP) < 3
    assert lab.snapshot() == before


def test_refused_both_ways_it_ends_within_seconds() -> None:
    lab = quick()
    at = in_the_outage(lab, FINAL["disabled"], back=True)

    report = lab.swap()

    assert report.exit_code == 6
    assert len(at) == 4
    assert report.total_s < 10


@pytest.mark.parametrize(("status", "code"), [(409, "SomethingNew"), (401, "SomethingNew")])
def test_an_unknown_conflict_is_not_insisted_on_while_nothing_is_written(status: int, code: str) -> None:
    lab = quick()
    began = lab.clock.time
    refuse(lab, "PUT", "", answer(status, code))

    report = lab.swap()

    assert report.exit_code == 1
    assert len(lab.writes()) == REFUSALS_AT_FIRST
    assert lab.clock.time - began < 15


def test_downtime_begins_when_the_write_that_makes_it_was_accepted_and_not_before() -> None:
    lab = quick()
    refuse(lab, "PUT", "vipswap1lb", answer(403, "AuthorizationFailed"))

    assert lab.swap().outcome is Outcome.ROLLED_BACK
    assert [event for event in lab.events if isinstance(event, StepAccepted) and event.opens_outage] == []


# --- not supported here -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "SwappableCloudServicePropertyNotSet", "It is not set."),
        (400, "FrontendNotSwappable", "No."),
        (400, "BadRequest", "The load balancer is not swappable."),
        (404, "InvalidResourceType", "There is no such action."),
        (405, "MethodNotAllowed", "No."),
    ],
)
def test_what_the_native_swap_does_not_do_here_the_float_does(status: int, code: str, message: str) -> None:
    lab = quick()
    refuse(lab, "POST", "setLoadBalancerFrontend", answer(status, code, message))

    report = lab.swap(options=Options(opening=Opening.NATIVE))

    assert (report.outcome, report.strategy) == (Outcome.SWAPPED, "float")


@pytest.mark.parametrize(("status", "code"), [(403, "OperationNotSupported"), (409, "ScopeLocked")])
def test_what_is_forbidden_is_no_reason_for_the_float(status: int, code: str) -> None:
    lab = quick()
    refuse(lab, "POST", "setLoadBalancerFrontend", answer(status, code, "Not supported for you."))

    assert lab.swap(options=Options(opening=Opening.NATIVE)).exit_code == 1


# --- nothing that ARM says gets lost ----------------------------------------------------------------------------------


def test_a_policys_names_stand_in_the_error_and_in_the_events() -> None:
    lab = quick()
    violation = {
        "type": "PolicyViolation",
        "info": {"path": "tags[Cost]", "policyAssignmentName": "assign-7", "policyDefinitionName": "Tags are needed"},
    }
    error = {"code": "RequestDisallowedByPolicy", "message": "No.", "target": "t-9", "additionalInfo": [violation]}
    body = json.dumps({"error": error}).encode()
    refuse(lab, "PUT", "vipswap-float", Answer(403, {"Content-Type": "application/json"}, body))

    report = lab.swap()

    told: dict[str, Any] = report.as_json()["error"]
    for name in ("assign-7", "Tags are needed", "t-9"):
        assert name in told["message"]
        assert len(warned(lab, name)) == 1
    assert "--float-tag Cost=VALUE" in told["hint"]
    assert warned(lab, "Nothing was changed")


# --- tags of the user's on the float ----------------------------------------------------------------------------------

TAGS = {"CostCenter": "42", "owner": ""}


def float_tags(lab: Lab) -> dict[str, str]:
    (float_,) = lab.floats()
    return {name: value for name, value in lab.get(float_)["tags"].items() if not name.startswith("vipswap-")}


def test_every_write_of_the_float_keeps_all_its_tags() -> None:
    lab = quick()
    seen = []

    def before(request: requests.PreparedRequest) -> Answer | None:
        if lab.floats() and request.method == "PUT":
            (float_,) = lab.floats()
            seen.append(float_tags(lab))
            # A policy adds one of its own, and the float fails, so that it is written again.
            lab.get(float_)["tags"]["added"] = "later"
            if len(seen) == 1:
                lab.get(float_)["properties"]["provisioningState"] = "Failed"
        return answer(409, "ScopeLocked") if request.method == "DELETE" else None

    lab.wire.before = before
    first = lab.swap(options=Options(float_tags=TAGS))
    kept = float_tags(lab)
    lab.wire.before = lambda request: answer(409, "ScopeLocked") if request.method == "DELETE" else None
    second = lab.swap(options=Options(float_tags={"COSTCENTER": "43"}))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "repair_float" in [step.name for step in first.steps]
    assert seen[0] == TAGS
    assert kept == TAGS | {"added": "later"}
    # A float that is taken up gets the tags of the swap that takes it up.
    assert float_tags(lab) == {"COSTCENTER": "43", "owner": "", "added": "later"}
    assert lab.get(f"{NETWORK}/publicIPAddresses/vipswap1pip")["name"] == "vipswap1pip"


def test_a_login_that_is_over_ends_a_run_that_has_written_nothing_within_seconds() -> None:
    lab = quick()
    client = lab.client()
    planned, began = plan(client, TARGET, Options()), lab.clock.time

    def over() -> str:
        raise CredentialError("az returned no token.", hint="Log in.")

    client.transport.credential.token = over  # type: ignore[method-assign]
    report = swap(client, planned, emit=lab.events.append, guard=Unguarded())

    assert report.exit_code == 1
    assert report.error is not None
    assert report.error.hint == "Log in."
    assert lab.clock.time - began < 15
    assert lab.writes() == []
