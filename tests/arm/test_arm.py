"""The ARM client: operations waited for under a deadline, lists, and errors with all that ARM said."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
import requests
import responses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.arm.cassettes import ANY_URL
from tests.arm.conftest import ARM, LB, SUBSCRIPTION, Tokens, VirtualClock
from tests.arm.test_lro_properties import BODIES
from vipswap_rest.arm.client import OPERATION_TIMEOUT_S, ArmClient, Started
from vipswap_rest.arm.errors import (
    OperationCanceled,
    OperationError,
    OperationFailed,
    OperationTimedOut,
    OperationUnreadable,
    ProtocolError,
    ServerFault,
    TransportError,
    Unauthorized,
)
from vipswap_rest.arm.http import Response, Transport
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.arm.lro import FinalState, begin, polite
from vipswap_rest.arm.network import create_load_balancer, delete_load_balancer, swap_public_ip_addresses

BALANCER = ResourceId.parse(LB)
URL = f"{ARM}{LB}?api-version=2026-03-01"
STATUS = f"{ARM}/subscriptions/s/operations/1?api-version=1&t=1&c=a%2fb%2B&s=x~y"
RESULT = f"{ARM}/subscriptions/s/operationResults/1?api-version=1"
NATIVE = (
    f"{ARM}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/locations/westus"
    "/setLoadBalancerFrontendPublicIpAddresses?api-version=2026-03-01"
)
SUCCEEDED = {"name": "lb", "properties": {"provisioningState": "Succeeded"}}
UPDATING = {"name": "lb", "properties": {"provisioningState": "Updating"}}
RUNNING = {"status": "InProgress"}


def put(client: ArmClient, **options: Any) -> Any:
    return client.wait(create_load_balancer(client, BALANCER, {}), **options)


def accept(arm: responses.RequestsMock, method: str = "PUT", url: str = URL, status: int = 200, **headers: str) -> None:
    named = {"Azure-AsyncOperation": STATUS} | {name.replace("_", "-"): text for name, text in headers.items()}
    arm.add(method, url, json=UPDATING, status=status, headers=named)


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_the_first_poll_is_at_once_and_the_next_when_arm_says(
    arm: responses.RequestsMock, client: ArmClient, clock: VirtualClock
) -> None:
    accept(arm, Retry_After="10")
    arm.get(STATUS, json=RUNNING, headers={"Retry-After": "10"})
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(URL, json=SUCCEEDED)
    done = put(client)

    assert (done.body, done.polls, done.at) == (SUCCEEDED, 2, 1010.0)
    assert clock.slept == [10.0]


def test_a_signed_url_is_polled_verbatim(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm)
    arm.get(ANY_URL, json={"status": "Succeeded"})
    arm.get(ANY_URL, json=SUCCEEDED)
    put(client)

    assert arm.calls[1].request.url == STATUS


def test_a_resource_that_still_is_updating_after_success_is_waited_for(
    arm: responses.RequestsMock, client: ArmClient, clock: VirtualClock
) -> None:
    accept(arm)
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(URL, json=UPDATING)
    arm.get(URL, json=UPDATING)
    arm.get(URL, json=SUCCEEDED)

    assert put(client).body == SUCCEEDED
    assert clock.slept


def test_a_resource_that_failed_after_success_has_failed(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm)
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(URL, json={"properties": {"provisioningState": "Failed"}})

    with pytest.raises(OperationFailed):
        put(client)


def test_without_verification_the_operation_is_believed_and_nothing_more_asked(
    arm: responses.RequestsMock, client: ArmClient
) -> None:
    accept(arm)
    arm.get(STATUS, json={"status": "Succeeded"})

    assert put(client, verify=False).body == UPDATING
    assert len(arm.calls) == 2


def test_a_write_that_is_done_at_once_is_not_polled(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.put(URL, json=SUCCEEDED)
    done = put(client)

    assert (done.body, done.polls) == (SUCCEEDED, 0)


def test_a_canceled_operation_says_who_superseded_it(arm: responses.RequestsMock, client: ArmClient) -> None:
    details = [{"code": "CanceledAndSupersededDueToAnotherOperation", "message": "superseded by 2"}]
    accept(arm)
    arm.get(
        STATUS,
        json={"status": "Canceled", "error": {"code": "Canceled", "message": "Canceled.", "details": details}},
        headers={"x-ms-request-id": "42"},
    )
    with pytest.raises(OperationCanceled) as canceled:
        put(client)

    assert canceled.value.details[0].code == details[0]["code"]
    assert canceled.value.request_id == "42"
    assert canceled.value.operation_url == STATUS
    assert "s=x" not in str(canceled.value)


def test_a_deletion_ends_when_the_operation_does(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm, "DELETE", status=202, Location=RESULT)
    arm.get(STATUS, json={"status": "Succeeded"})

    assert client.wait(delete_load_balancer(client, BALANCER)).polls == 1


def test_a_deletion_whose_operation_is_forgotten_ends_when_the_resource_is_gone(
    arm: responses.RequestsMock, client: ArmClient
) -> None:
    accept(arm, "DELETE", status=202)
    arm.get(STATUS, status=404, json={"error": {"code": "NotFound", "message": ""}})
    arm.get(URL, json=UPDATING)
    arm.get(URL, status=404, json={"error": {"code": "ResourceNotFound", "message": ""}})

    assert client.wait(delete_load_balancer(client, BALANCER)).polls == 3


def test_a_status_that_cannot_be_read_is_neither_success_nor_failure(
    arm: responses.RequestsMock, client: ArmClient
) -> None:
    accept(arm)
    arm.get(STATUS, status=403, json={"error": {"code": "AuthorizationFailed", "message": "no"}})
    with pytest.raises(OperationUnreadable) as unreadable:
        put(client)

    told = unreadable.value.as_json()
    assert (told["code"], told["status"]) == ("AuthorizationFailed", 403)
    assert told["hint"]
    assert not isinstance(unreadable.value, OperationFailed)


def test_a_token_refused_in_the_middle_is_a_matter_of_the_token(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm)
    arm.get(STATUS, status=401, json={"error": {"code": "ExpiredAuthenticationToken", "message": "expired"}})
    with pytest.raises(Unauthorized) as refused:
        put(client)

    assert "fresh token" in refused.value.hint


def test_a_hiccup_of_the_gateway_is_no_news(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm)
    for fault in (503, 502):
        arm.get(STATUS, status=fault)
    arm.get(STATUS, body=requests.ConnectionError())
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(URL, json=SUCCEEDED)

    assert put(client).polls == 1


@pytest.mark.parametrize("body", ["<html>hello</html>", "[]", "", '{"status": '])
def test_a_status_page_that_is_not_arms_is_a_typed_error(
    body: str, arm: responses.RequestsMock, client: ArmClient
) -> None:
    accept(arm)
    arm.get(STATUS, body=body)

    with pytest.raises(OperationUnreadable):
        put(client)


@pytest.mark.parametrize("name", ["Azure-AsyncOperation", "Location"])
@pytest.mark.parametrize("when", ["accepted", "polled"])
def test_an_operation_on_another_host_is_not_followed(
    name: str, when: str, arm: responses.RequestsMock, client: ArmClient
) -> None:
    elsewhere = {name: "https://evil.example/operations/1?s=SECRET"}
    arm.put(URL, json=UPDATING, status=202, headers=elsewhere if when == "accepted" else {name: STATUS})
    if when == "polled":
        arm.get(STATUS, status=202, json=RUNNING, headers=elsewhere)
    with pytest.raises(ProtocolError) as refused:
        put(client)

    assert "evil.example" in str(refused.value)
    assert "SECRET" not in str(refused.value)


# --- a POST and its result --------------------------------------------------------------------------------------------


def swap(client: ArmClient) -> Any:
    return client.wait(swap_public_ip_addresses(client, "westus", {}), verify=False)


def test_a_post_ends_with_what_location_returns(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm, "POST", NATIVE, 202, Location=RESULT)
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(RESULT, json={"moved": 2})

    assert swap(client).body == {"moved": 2}


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_a_posts_result_that_is_refused_is_an_error(
    status: int, arm: responses.RequestsMock, client: ArmClient
) -> None:
    accept(arm, "POST", NATIVE, 202, Location=RESULT)
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(RESULT, status=status, json={"error": {"code": "X", "message": "Y"}})
    with pytest.raises(OperationUnreadable) as refused:
        swap(client)

    assert (refused.value.code, refused.value.status) == ("X", status)


def test_a_posts_result_that_is_not_there_yet_is_awaited(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm, "POST", NATIVE, 202, Location=RESULT)
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(RESULT, status=202)
    arm.get(RESULT, status=204)

    assert swap(client).polls == 2


def test_a_page_in_place_of_a_posts_result_is_an_error(arm: responses.RequestsMock, client: ArmClient) -> None:
    accept(arm, "POST", NATIVE, 202, Location=RESULT)
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(RESULT, body="<html>Sign in</html>")
    with pytest.raises(OperationUnreadable, match="without the state"):
        swap(client)


def test_a_post_accepted_without_a_url_is_an_error_that_says_so(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.post(NATIVE, status=202)
    with pytest.raises(OperationUnreadable, match="answered 202 without the state of the operation") as refused:
        swap(client)

    assert refused.value.status == 202


def test_a_result_is_read_where_it_is_declared_to_be(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.post(URL, status=202, headers={"Azure-AsyncOperation": STATUS, "Location": RESULT})
    arm.get(STATUS, json={"status": "Succeeded", "id": "1"})
    done = client.wait(client.begin("POST", LB, final_state=FinalState.STATUS))

    assert (done.body, done.status) == ({"status": "Succeeded", "id": "1"}, 200)


@pytest.mark.parametrize("status", [200, 204])
def test_what_completed_has_the_http_status_of_the_last_answer(
    status: int, arm: responses.RequestsMock, client: ArmClient
) -> None:
    arm.delete(URL, status=202, headers={"Location": RESULT})
    arm.get(RESULT, status=status)

    assert client.wait(delete_load_balancer(client, BALANCER)).status == status


def test_a_callers_headers_go_with_the_polls_and_the_final_get_but_its_conditions_do_not(
    arm: responses.RequestsMock, client: ArmClient
) -> None:
    accept(arm)
    arm.get(STATUS, json={"status": "Succeeded"})
    arm.get(URL, json=SUCCEEDED)
    headers = {"x-ms-client-request-id": "mine", "If-None-Match": "*", "If-Match": "1", "Content-Language": "en"}
    client.wait(client.begin("PUT", LB, {}, headers=headers))
    sent = [call.request.headers for call in arm.calls]

    assert [item["x-ms-client-request-id"] for item in sent] == ["mine"] * 3
    assert [[name for name in ("If-None-Match", "If-Match", "Content-Language") if name in item] for item in sent] == [
        ["If-None-Match", "If-Match", "Content-Language"],
        [],
        [],
    ]


def test_a_post_is_not_sent_again(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.post(NATIVE, status=503, json={"error": {"code": "ServerTimeout", "message": "timed out"}})
    with pytest.raises(ServerFault):
        swap(client)

    assert len(arm.calls) == 1


# --- deadlines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retry_after", ["86400", "abc", "0", "-1", "inf", "", "Fri, 31 Dec 2999 23:59:59 GMT"])
def test_no_retry_after_outlasts_the_deadline(
    retry_after: str, arm: responses.RequestsMock, client: ArmClient, clock: VirtualClock
) -> None:
    accept(arm)
    arm.get(STATUS, json=RUNNING, headers={"Retry-After": retry_after, "Date": "Fri, 31 Dec 1999 23:59:59 GMT"})
    with pytest.raises(OperationTimedOut) as late:
        put(client, deadline=clock.time + 100)

    assert clock.time == pytest.approx(1100)
    assert len(arm.calls) < 1010
    assert late.value.operation_url == STATUS
    assert "may yet" in late.value.message


def test_an_operation_has_fifteen_minutes_if_nobody_says_otherwise(
    arm: responses.RequestsMock, client: ArmClient, clock: VirtualClock
) -> None:
    accept(arm)
    arm.get(STATUS, json=RUNNING)
    with pytest.raises(OperationTimedOut):
        put(client)

    assert clock.time == pytest.approx(1000 + OPERATION_TIMEOUT_S)


def test_there_is_a_last_look_at_the_deadline(
    arm: responses.RequestsMock, client: ArmClient, clock: VirtualClock
) -> None:
    accept(arm)
    arm.get(STATUS, json=RUNNING, headers={"Retry-After": "60"})
    arm.get(STATUS, json={"status": "Succeeded"})

    assert put(client, deadline=clock.time + 20, verify=False).at == 1020.0


@pytest.mark.parametrize(
    ("waited", "retry_after", "pause"),
    [(0, 10, 10), (0, 0, 0.1), (0, 86400, 60), (0, None, 0.5), (50, None, 5), (900, None, 10), (0, 2.5, 2.5)],
)
def test_the_polite_pace_is_arms_within_reason(waited: float, retry_after: float | None, pause: float) -> None:
    assert polite(waited, retry_after) == pause


def test_what_is_done_meanwhile_is_taken_off_the_pause(
    arm: responses.RequestsMock, client: ArmClient, clock: VirtualClock
) -> None:
    accept(arm)
    arm.get(STATUS, json=RUNNING, headers={"Retry-After": "10"})
    arm.get(STATUS, json={"status": "Succeeded"})

    def work() -> None:
        clock.time += 4

    assert put(client, while_pending=work, verify=False).at == 1010.0
    assert clock.slept == [6.0]


class Anything(Transport):
    """Answers with whatever hypothesis thinks of, over and over."""

    def __init__(self, clock: VirtualClock, answers: list[tuple[int, Any, dict[str, str]]]) -> None:
        super().__init__(ARM, Tokens(), clock=clock)
        self.answers = answers

    def send(self, method: str, url: str, **options: Any) -> Response:
        status, body, headers = self.answers[0]
        self.answers = [*self.answers[1:], self.answers[0]]
        self.clock.sleep(0.01)
        return Response(status, requests.structures.CaseInsensitiveDict(headers), body, received=self.clock.monotonic())


NAMED = st.sampled_from([STATUS, RESULT, "/x", "?", "", "https://["])
ANSWERS = st.tuples(
    st.sampled_from([200, 201, 202, 204, 400, 404, 429, 503]),
    BODIES,
    st.fixed_dictionaries(
        {},
        optional={"Azure-AsyncOperation": NAMED, "Location": NAMED, "Retry-After": st.sampled_from(["0", "9e9", "x"])},
    ),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(["PUT", "PATCH", "POST", "DELETE"]), st.lists(ANSWERS, min_size=1, max_size=6), st.booleans())
def test_no_conversation_goes_on_past_its_deadline(method: str, answers: list[Any], verify: bool) -> None:
    clock = VirtualClock()
    client = ArmClient(Anything(clock, answers), SUBSCRIPTION)
    first = client.transport.send(method, URL)
    with suppress(OperationError, TransportError, Unauthorized, ProtocolError):
        client.wait(Started(begin(method, URL, first), first), deadline=clock.time + 30, verify=verify)

    assert clock.time <= 1000 + 31
