"""Every error about a request says what to quote to support: ARM's id for it, ours, and the one of the whole run."""

from __future__ import annotations

import json
import re

import pytest
import requests
import responses

import vipswap_rest
from tests.arm.conftest import ARM, LB, VirtualClock
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import (
    AnswerLost,
    ArmError,
    OperationCanceled,
    OperationError,
    OperationFailed,
    OperationTimedOut,
    OperationUnreadable,
    ProtocolError,
    RequestIds,
    TransportError,
    VipswapError,
)

URL = f"{ARM}{LB}"
POLL = f"{ARM}/operations/1"
SERVICE_ID = "0c9ba4f6-service"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def check_told(error: VipswapError, arm: responses.RequestsMock, client: ArmClient, *, answered: bool = True) -> None:
    """The ids of the last request are in the message for people, and in the one for programs."""
    headers = arm.calls[-1].request.headers
    ids, run = headers["x-ms-client-request-id"], headers["x-ms-correlation-request-id"]
    assert GUID.fullmatch(ids)
    assert run == client.transport.correlation_id
    for text in (str(error), str(error.as_json()["message"])):
        assert text.count(f"client request id {ids}") == 1
        assert text.count(f"correlation id {run}") == 1
        assert text.count(f"[request id {SERVICE_ID}") == (1 if answered else 0)
    assert error.as_json()["request_id"] == (SERVICE_ID if answered else None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 418])
def test_an_error_of_arms(status: int, arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(
        URL, status=status, json={"error": {"code": "No", "message": "No."}}, headers={"x-ms-request-id": SERVICE_ID}
    )
    with pytest.raises(ArmError) as caught:
        client.get(LB)

    check_told(caught.value, arm, client)


def test_the_last_of_several_tries_is_the_one_that_is_told(arm: responses.RequestsMock, client: ArmClient) -> None:
    for number in range(6):
        arm.get(URL, status=503, json={}, headers={"x-ms-request-id": SERVICE_ID if number == 5 else f"try-{number}"})
    with pytest.raises(ArmError) as caught:
        client.get(LB)

    check_told(caught.value, arm, client)
    assert len({call.request.headers["x-ms-client-request-id"] for call in arm.calls}) == 6
    assert len({call.request.headers["x-ms-correlation-request-id"] for call in arm.calls}) == 1


def test_arms_own_correlation_id_is_the_one_that_counts(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(URL, status=400, json={}, headers={"x-ms-correlation-request-id": "arms-own"})
    with pytest.raises(ArmError, match="correlation id arms-own"):
        client.get(LB)


@pytest.mark.parametrize(
    ("kind", "poll"),
    [
        (OperationFailed, {"json": {"status": "Failed", "error": {"code": "No", "message": "No."}}}),
        (OperationCanceled, {"json": {"status": "Canceled"}}),
        (OperationUnreadable, {"json": {"error": {"code": "No", "message": "No."}}, "status": 400}),
    ],
)
def test_an_operations_error(
    kind: type[OperationError], poll: dict[str, object], arm: responses.RequestsMock, client: ArmClient
) -> None:
    arm.put(URL, json={"properties": {"provisioningState": "Updating"}}, headers={"Azure-AsyncOperation": POLL})
    arm.get(POLL, headers={"x-ms-request-id": SERVICE_ID}, **poll)  # type: ignore[arg-type]
    with pytest.raises(kind) as caught:
        client.wait(client.put(LB, {}))

    check_told(caught.value, arm, client)


def test_an_operation_that_takes_too_long(arm: responses.RequestsMock, client: ArmClient, clock: VirtualClock) -> None:
    arm.put(URL, json={"properties": {"provisioningState": "Updating"}}, headers={"Azure-AsyncOperation": POLL})
    arm.get(POLL, json={"status": "InProgress"})
    with pytest.raises(OperationTimedOut) as caught:
        client.wait(client.put(LB, {}), deadline=clock.monotonic() + 5)

    check_told(caught.value, arm, client, answered=False)


@pytest.mark.parametrize(
    ("kind", "failure"),
    [
        (AnswerLost, requests.ReadTimeout()),
        (AnswerLost, requests.ConnectionError()),
        (TransportError, requests.ConnectTimeout()),
        (TransportError, requests.exceptions.SSLError()),
    ],
)
def test_a_request_without_an_answer_has_our_own_ids(
    kind: type[VipswapError], failure: Exception, arm: responses.RequestsMock, client: ArmClient
) -> None:
    arm.put(URL, body=failure)
    with pytest.raises(kind) as caught:
        client.put(LB, {})

    check_told(caught.value, arm, client, answered=False)


def test_a_redirect_has_our_own_ids(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(URL, status=302)
    with pytest.raises(ProtocolError) as caught:
        client.get(LB)

    check_told(caught.value, arm, client, answered=False)


def test_every_request_says_which_version_asks(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(URL, json={})
    client.get(LB)

    assert arm.calls[0].request.headers["User-Agent"].startswith(f"vipswap_rest/{vipswap_rest.__version__} ")


@pytest.mark.parametrize("text", ["a b", "x" * 201, "a\n", "\x1b[31m", "<b>"])
def test_an_id_that_could_be_none_is_not_shown(text: str) -> None:
    assert str(RequestIds(text, "known")) == "[client request id known]"
    assert str(RequestIds(text)) == ""
    assert text not in json.dumps(VipswapError("No.").as_json())
