"""Neither a token nor a signed URL is ever shown: not in errors, logs, reprs or tracebacks."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

import pytest
import requests
import responses

from tests.arm.conftest import ARM, TOKEN, Tokens, VirtualClock
from tests.arm.server import answer, serve
from vipswap_rest.arm.errors import TransportError, VipswapError
from vipswap_rest.arm.http import Transport, redact

SIGNED = f"{ARM}/subscriptions/s/operations/1?api-version=1&t=6&c=MII%2bB&s=SECRET~signature&h=hash"
ECHO = f"<html>502: your request had Authorization: Bearer {TOKEN}</html>"


@pytest.mark.parametrize(
    "outcome", [200, 401, 502, 302, requests.ConnectionError(SIGNED), requests.exceptions.SSLError(SIGNED)]
)
def test_neither_token_nor_signature_is_ever_shown(
    outcome: Any, arm: responses.RequestsMock, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    if isinstance(outcome, int):
        arm.put(SIGNED, status=outcome, body=ECHO, headers={"Location": SIGNED})
    else:
        arm.put(SIGNED, body=outcome)
    told: list[object] = [transport]
    try:
        answer = transport.send("PUT", SIGNED, body={})
        told += [answer, answer.body]
    except VipswapError as error:
        told += [error, error.as_json(), error.hint]
    shown = "\n".join([*(f"{item!r} {item}" for item in told[:2]), str(told[2:]), caplog.text])

    assert TOKEN not in shown
    assert "SECRET" not in shown
    assert "/operations/1" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"error": {"code": "No", "message": f"you said Bearer {TOKEN}"}}).encode("utf-16"),
        json.dumps({"error": {"code": TOKEN, "message": "", "details": [{"code": "a", "message": TOKEN}]}}),
        json.dumps({TOKEN: [{"a": [TOKEN]}]}).replace(".", "\\u002e"),
        f"<html>{TOKEN}</html>",
    ],
)
def test_a_token_is_cut_out_of_a_body_however_it_is_written(
    body: Any, arm: responses.RequestsMock, transport: Transport
) -> None:
    arm.get(SIGNED, status=403, body=body, headers={"x-ms-request-id": TOKEN, "Location": f"{ARM}/x?t={TOKEN}"})
    answer = transport.send("GET", SIGNED)

    assert TOKEN not in f"{answer.body} {answer.headers} {answer.request_id}"
    assert "[the token]" in str(answer.body)


def test_a_token_that_was_renewed_is_still_not_shown(arm: responses.RequestsMock, clock: VirtualClock) -> None:
    old, new = "the-old-token-of-this-test", "the-new-token-of-this-test"
    arm.get(SIGNED, status=401)
    arm.get(SIGNED, status=403, body=f"{old} was replaced by {new}")
    answer = Transport(ARM, Tokens([old, new]), clock=clock).send("GET", SIGNED)

    assert answer.body == "[the token] was replaced by [the token]"


def test_signed_values_are_cut_out_of_errors_and_kept_where_they_are_followed(
    arm: responses.RequestsMock, transport: Transport
) -> None:
    arm.get(SIGNED, status=403, body="the signature SECRET~signature is none")
    arm.get(SIGNED, json={"nextLink": SIGNED}, headers={"Azure-AsyncOperation": SIGNED})

    assert transport.send("GET", SIGNED).body == "the signature [the token] is none"
    answer = transport.send("GET", SIGNED)
    assert answer.body["nextLink"] == answer.headers["Azure-AsyncOperation"] == SIGNED


def test_urllib3_sees_and_logs_no_signature(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serve(answer()) as server:
        transport = Transport(server.url, Tokens())
        transport.send("GET", f"{server.url}/op?api-version=1&s=SECRET")
        transport.close()

    assert "urllib3" in {record.name.split(".")[0] for record in caplog.records}
    assert "SECRET" not in caplog.text
    assert TOKEN not in caplog.text
    assert "SECRET" in server.requests[0].target


def test_an_unreachable_host_shows_no_signature_in_the_whole_traceback(clock: VirtualClock) -> None:
    secret = f"{0xBADC0FFEE:x}"  # A traceback shows the lines of this file, too.
    transport = Transport("https://127.0.0.1:1", Tokens(), clock=clock)
    with pytest.raises(TransportError) as refused:
        transport.send("GET", f"https://127.0.0.1:1/op?s={secret}")

    shown = "".join(traceback.format_exception(refused.value))
    assert secret not in shown
    assert TOKEN not in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (SIGNED, "/subscriptions/s/operations/1?api-version=1"),
        (f"{ARM}/x?s=1&api-version=2026-03-01", "/x?api-version=2026-03-01"),
        (f"{ARM}/x?notapi-version=1", "/x"),
        (f"{ARM}/x#s=1", "/x"),
        ("/x?s=1", "/x"),
        ("https://[bad?s=1", "https://[bad"),
        ("", ""),
    ],
)
def test_of_a_query_only_the_api_version_is_shown(url: str, shown: str) -> None:
    assert redact(url) == shown
