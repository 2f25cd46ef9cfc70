"""What the transport sends, what it sends again, and what it never shows."""

from __future__ import annotations

import json
import re
import traceback
from typing import Any

import pytest
import requests
import responses

from tests.arm.conftest import ARM, TOKEN, Tokens, VirtualClock
from vipswap_rest.arm.errors import AnswerLost, CredentialError, ProtocolError, UsageError
from vipswap_rest.arm.http import TRIES, Response, Transport
from vipswap_rest.arm.lro import LONGEST_PAUSE_S

X = f"{ARM}/x?api-version=1"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WRITES = ["PUT", "PATCH", "DELETE", "POST"]


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_request_says_who_asks_and_bears_ids_to_trace_it_by(
    arm: responses.RequestsMock, transport: Transport
) -> None:
    for _ in range(2):
        arm.get(X, json={})
        transport.send("GET", X)
    first, second = (call.request.headers for call in arm.calls)

    assert first["Authorization"] == f"Bearer {TOKEN}"
    assert first["User-Agent"].startswith("vipswap_rest/")
    assert GUID.fullmatch(first["x-ms-client-request-id"])
    assert first["x-ms-client-request-id"] != second["x-ms-client-request-id"]
    assert first["x-ms-correlation-request-id"] == second["x-ms-correlation-request-id"] == transport.correlation_id
    assert "Content-Type" not in first


def test_every_request_has_a_timeout_and_follows_no_redirect(
    transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seen.append(options)
        raise requests.ReadTimeout

    monkeypatch.setattr(requests.Session, "send", send)
    for method in ("GET", *WRITES):
        with pytest.raises(AnswerLost):
            transport.send(method, X, body={})

    assert all(0 < second <= 60 for options in seen for second in options["timeout"])
    assert not any(options["allow_redirects"] for options in seen)


def test_a_body_goes_as_json(arm: responses.RequestsMock, transport: Transport) -> None:
    arm.put(X, json={})
    transport.send("PUT", X, body={"tags": {"ä": 1}}, headers={"If-Match": "*"})
    sent = arm.calls[0].request

    assert json.loads(sent.body or b"") == {"tags": {"ä": 1}}
    assert (sent.headers["Content-Type"], sent.headers["If-Match"]) == ("application/json", "*")


def test_the_certificates_are_passed_with_every_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    # Where REQUESTS_CA_BUNDLE is set, requests ignores session.verify.
    named, other = tmp_path / "named.pem", tmp_path / "other.pem"
    named.touch()
    other.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    seen: list[Any] = []

    def send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seen.append(options["verify"])
        raise requests.ReadTimeout

    monkeypatch.setattr(requests.Session, "send", send)
    for transport in (Transport(ARM, Tokens(), ca_file=str(named)), Transport(ARM, Tokens())):
        with pytest.raises(AnswerLost):
            transport.send("PUT", X)

    assert seen == [str(named), str(other)]


# --- what is sent again -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_idempotent_request_is_sent_again_after_a_server_fault(
    method: str, status: int, arm: responses.RequestsMock, transport: Transport, clock: VirtualClock
) -> None:
    arm.add(method, X, status=status)
    arm.add(method, X, json={"done": True})

    assert transport.send(method, X).body == {"done": True}
    assert clock.slept == [0.25]


@pytest.mark.parametrize("status", [500, 503])
def test_a_post_is_not_sent_again_after_a_server_fault(
    status: int, arm: responses.RequestsMock, transport: Transport
) -> None:
    arm.post(X, status=status)

    assert transport.send("POST", X, body={}).status == status
    assert len(arm.calls) == 1


@pytest.mark.parametrize("fault", [500, 503, requests.ConnectionError("cut"), requests.ReadTimeout("late")])
def test_a_claim_is_never_sent_again_blindly(fault: Any, arm: responses.RequestsMock, transport: Transport) -> None:
    if isinstance(fault, int):
        arm.put(X, status=fault)
        assert transport.send("PUT", X, body={}, once=True, headers={"If-None-Match": "*"}).status == fault
    else:
        arm.put(X, body=fault)
        with pytest.raises(AnswerLost):
            transport.send("PUT", X, body={}, once=True, headers={"If-None-Match": "*"})

    assert len(arm.calls) == 1


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("method", WRITES)
def test_a_throttled_request_was_not_done_so_it_is_sent_again(
    method: str, once: bool, arm: responses.RequestsMock, transport: Transport, clock: VirtualClock
) -> None:
    arm.add(method, X, status=429, headers={"Retry-After": "7"})
    arm.add(method, X, json={})

    assert transport.send(method, X, body={}, once=once).status == 200
    assert clock.slept == [7.0]


@pytest.mark.parametrize(
    ("message", "pause"),
    [
        ("The call can be retried in 14 seconds.", 14.0),
        ("Please try again after '24' seconds.", 24.0),
        ("Please try again after '324' seconds.", LONGEST_PAUSE_S),
        ("A retryable error occurred.", 1.0),
    ],
)
def test_the_pause_may_stand_in_the_message(
    message: str, pause: float, arm: responses.RequestsMock, transport: Transport, clock: VirtualClock
) -> None:
    details = [{"code": "RetryableErrorDueToAnotherOperation", "message": message}]
    arm.put(X, status=429, json={"error": {"code": "RetryableError", "message": "Retry.", "details": details}})
    arm.put(X, json={})
    transport.send("PUT", X, body={})

    assert clock.slept == [pause]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("retry_after", ["0", "0.01", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_no_pause_at_all_is_a_short_one_that_grows(
    retry_after: str, status: int, arm: responses.RequestsMock, transport: Transport, clock: VirtualClock
) -> None:
    arm.get(X, status=status, headers={"Retry-After": retry_after, "Date": "Fri, 31 Dec 1999 23:59:59 GMT"})

    assert transport.send("GET", X).status == status
    assert clock.slept == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_it_gives_up_after_six_tries_with_the_last_answer(
    arm: responses.RequestsMock, transport: Transport, clock: VirtualClock
) -> None:
    arm.get(X, status=503, headers={"Retry-After": "86400"})

    assert transport.send("GET", X).status == 503
    assert len(arm.calls) == TRIES
    assert clock.slept == [LONGEST_PAUSE_S] * (TRIES - 1)


def test_no_pause_goes_past_the_deadline(
    arm: responses.RequestsMock, transport: Transport, clock: VirtualClock
) -> None:
    arm.get(X, status=503, headers={"Retry-After": "86400"})

    assert transport.send("GET", X, deadline=clock.time + 30).status == 503
    assert clock.slept == []


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 409, 412, 501])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
def test_any_other_answer_is_final(method: str, status: int, arm: responses.RequestsMock, transport: Transport) -> None:
    arm.add(method, X, status=status)

    assert transport.send(method, X).status == status
    assert len(arm.calls) == 1


def test_a_refused_token_is_renewed_once(arm: responses.RequestsMock, clock: VirtualClock) -> None:
    arm.post(X, status=401)
    arm.post(X, json={})
    transport = Transport(ARM, Tokens(["old", "new"]), clock=clock)

    assert transport.send("POST", X, body={}, once=True).status == 200
    assert [call.request.headers["Authorization"] for call in arm.calls] == ["Bearer old", "Bearer new"]


def test_a_token_refused_twice_is_an_answer(arm: responses.RequestsMock, clock: VirtualClock) -> None:
    arm.get(X, status=401)

    assert Transport(ARM, Tokens(["1", "2", "3"]), clock=clock).send("GET", X).status == 401
    assert len(arm.calls) == 2


# --- where the token goes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://evil.example/x",
            "http://management.azure.com/x",
            "https://management.azure.com:8443/x",
            "ftp://x/y",
        ),
        *(
            "https://management.azure.com.evil.example/x",
            "https://evil.example/management.azure.com",
            "//evil.example/x",
        ),
        *("https://management.azure.com@evil.example/x", "https://evil.example\\@management.azure.com/x"),
        *("https://user:pass@management.azure.com/x", "https://management.azure.com\\.evil.example/x"),
        *("https://management.azure.com:port/x", "https://[", "https://", "", "/x", "https://management.azure.com\t/x"),
        *("https://management.azure.com%2f@evil.example/", "https://mаnagement.azure.com/x", "javascript:x"),
    ],
)
def test_a_url_on_another_host_is_refused_unasked(url: str, arm: responses.RequestsMock, transport: Transport) -> None:
    with pytest.raises(ProtocolError) as refused:
        transport.send("GET", url)

    assert len(arm.calls) == 0
    assert "token was not sent" in refused.value.message
    assert "pass@" not in str(refused.value)


@pytest.mark.parametrize("origin", ["https://management.azure.com:443", "HTTPS://Management.Azure.com"])
def test_the_same_host_in_another_spelling_is_the_same(
    origin: str, arm: responses.RequestsMock, transport: Transport
) -> None:
    arm.get(X, json={})

    assert transport.send("GET", f"{origin}/x?api-version=1").status == 200


@pytest.mark.parametrize("endpoint", ["http://management.azure.com", "http://10.0.0.1:80", "ftp://127.0.0.1", "x"])
def test_an_endpoint_in_clear_text_is_refused_before_there_is_a_request(endpoint: str) -> None:
    with pytest.raises(UsageError):
        Transport(endpoint, Tokens())


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "ä", "a\n"])
def test_a_token_that_cannot_stand_in_a_header_is_refused_without_being_shown(token: str, clock: VirtualClock) -> None:
    with pytest.raises(CredentialError) as refused:
        Transport(ARM, Tokens([token]), clock=clock).send("GET", X)

    assert not token or token not in "".join(traceback.format_exception(refused.value))


# --- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b"", None),
        (b"  \r\n", None),
        (b"\xef\xbb\xbf", None),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{\r\n  "a": 1\r\n}', {"a": 1}),
        (b"null", None),
        (b"[1]", [1]),
        (b'{"a": ', '{"a": '),
        (b"<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
        (b"\xff\xfe\x00\xd8", None),
        (b"[" * 100_000, None),
        (b"1" * 5000, None),
    ],
    ids=range(12),
)
def test_any_body_is_json_or_nothing_or_text(
    content: bytes, body: Any, arm: responses.RequestsMock, transport: Transport
) -> None:
    arm.get(X, body=content, content_type="text/html; charset=nonsense")
    read = transport.send("GET", X).body

    if body is None and content.strip():
        assert read is None or isinstance(read, str)
    else:
        assert read == body


def test_the_remaining_requests_are_kept(arm: responses.RequestsMock, transport: Transport) -> None:
    told = [
        {
            "x-ms-ratelimit-remaining-subscription-reads": "249",
            "x-ms-ratelimit-remaining-subscription-global-reads": "16499",
        },
        {"X-MS-RateLimit-Remaining-Subscription-Writes": "199"},
        {"x-ms-ratelimit-remaining-subscription-reads": "many", "x-ms-ratelimit-remaining-subscription-deletes": "3"},
        {"x-ms-ratelimit-remaining-subscription-reads": "²"},
    ]
    for headers in told:
        arm.get(X, headers=headers)
        transport.send("GET", X)

    assert (transport.remaining_reads, transport.remaining_writes) == (249, 199)


@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"x-ms-request-id": "1", "x-ms-arm-service-request-id": "2"}, "1"),
        ({"X-MS-Arm-Service-Request-Id": "2", "x-ms-correlation-request-id": "3"}, "2"),
        ({"x-ms-correlation-request-id": "3"}, "3"),
        ({}, None),
    ],
)
def test_there_is_an_id_to_quote(
    headers: dict[str, str], request_id: str | None, arm: responses.RequestsMock, transport: Transport
) -> None:
    arm.get(X, headers=headers)

    assert transport.send("GET", X).request_id == request_id


def test_an_answer_knows_when_it_was_sent_and_received(transport: Transport, arm: responses.RequestsMock) -> None:
    arm.get(X, json={})
    answer = transport.send("GET", X)

    assert answer == Response(200, answer.headers, {}, 1000.0, 1000.0)
