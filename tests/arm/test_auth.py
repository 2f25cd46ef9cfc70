"""Where the token comes from, when it is replaced, and that no secret is ever told."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from tests.arm.conftest import TOKEN, VirtualClock
from vipswap_rest.arm import auth
from vipswap_rest.arm.auth import ClientSecret, ReadyToken, application, expiry_of, find_credential
from vipswap_rest.arm.auth.renewed import RENEW_AGAIN_S, RENEW_BEFORE_S, RENEWAL_TIMEOUT_S
from vipswap_rest.arm.clouds import PUBLIC
from vipswap_rest.arm.errors import CredentialError, UsageError, VipswapError

TENANT, CLIENT, SECRET = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222", "s3cr3t~V"
AUTHORITY = f"{PUBLIC.authority}/{TENANT}"
WITH_SECRET = {"AZURE_TENANT_ID": TENANT, "AZURE_CLIENT_ID": CLIENT, "AZURE_CLIENT_SECRET": SECRET}
DISCOVERY = {
    "token_endpoint": f"{AUTHORITY}/oauth2/v2.0/token",
    "authorization_endpoint": f"{AUTHORITY}/oauth2/v2.0/authorize",
    "issuer": f"{AUTHORITY}/v2.0",
}


def jwt(expires: datetime) -> str:
    """An unsigned token that says when it expires."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires.timestamp()}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{claims}.c2lnbmF0dXJl"


def everything_told(error: VipswapError) -> str:
    return "\n".join([str(error), error.hint, json.dumps(error.as_json()), *traceback.format_exception(error)])


# --- a ready token ----------------------------------------------------------------------------------------------------


def test_a_ready_token_comes_first() -> None:
    credential = find_credential({"AZURE_ACCESS_TOKEN": f" {TOKEN}\n", "PATH": "", **WITH_SECRET}, cloud=PUBLIC)

    assert credential.token() == TOKEN
    assert "AZURE_ACCESS_TOKEN" in credential.description
    assert not credential.renew()
    assert credential.token() == TOKEN


@pytest.mark.parametrize("text", ["", "  ", "a b", "a\nb", "ä", "\x00"])
def test_a_ready_token_that_is_none_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(CredentialError) as refused:
        find_credential({"AZURE_ACCESS_TOKEN": text}, cloud=PUBLIC)

    assert refused.value.exit_code == 1
    assert not text.strip() or text not in str(refused.value)


def test_an_expired_ready_token_says_when_and_how_to_get_another(clock: VirtualClock) -> None:
    expired = jwt(clock.now() - timedelta(minutes=5))
    with pytest.raises(CredentialError, match="expired at 2026-01-01") as refused:
        ReadyToken(expired, clock=clock)

    assert "az account get-access-token" in refused.value.hint
    assert expired not in everything_told(refused.value)


def test_a_ready_token_with_time_left_or_without_a_date_is_taken(clock: VirtualClock) -> None:
    for text in (jwt(clock.now() + timedelta(minutes=5)), "opaque", "a.b.c", "a.e30.c", "a.bnVsbA.c", "a.!!.c"):
        assert ReadyToken(text, clock=clock).token() == text


@pytest.mark.parametrize("expires", ["x", None, [], 1e300, -1e300, "1e400"])
def test_a_date_that_is_none_is_no_date(expires: Any) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")

    assert expiry_of(f"a.{claims}.c") is None


# --- a client secret --------------------------------------------------------------------------------------------------


@pytest.fixture
def token_service(arm: responses.RequestsMock) -> responses.RequestsMock:
    """The public cloud's token service; what its token endpoint answers is for the test to add."""
    arm.assert_all_requests_are_fired = False
    arm.get(f"{AUTHORITY}/v2.0/.well-known/openid-configuration", json=DISCOVERY)
    return arm


def grant(token_service: responses.RequestsMock, *tokens: str, expires_in: Any = 3600) -> None:
    for token in tokens:
        answer = {"token_type": "Bearer", "access_token": token, "expires_in": expires_in}
        token_service.post(DISCOVERY["token_endpoint"], json=answer)


def secret_of(clock: VirtualClock, environment: dict[str, str] | None = None) -> ClientSecret:
    credential = find_credential({**WITH_SECRET, **(environment or {})}, cloud=PUBLIC, clock=clock)
    assert isinstance(credential, ClientSecret)
    return credential


def test_a_client_secret_becomes_a_token_for_arm(token_service: responses.RequestsMock, clock: VirtualClock) -> None:
    grant(token_service, "first")
    credential = secret_of(clock)

    assert credential.token() == "first"
    assert credential.token() == "first"
    asked = token_service.calls[-1].request
    assert "scope=https%3A%2F%2Fmanagement.azure.com%2F.default" in str(asked.body)
    assert len(token_service.calls) == 2
    assert CLIENT in credential.description
    assert SECRET not in credential.description + repr(credential)


def test_a_token_is_replaced_minutes_before_it_expires(
    token_service: responses.RequestsMock, clock: VirtualClock
) -> None:
    grant(token_service, "first", "second")
    credential = secret_of(clock)
    credential.token()
    clock.time += 3600 - RENEW_BEFORE_S - 1
    assert credential.token() == "first"
    clock.time += 2

    assert credential.token() == "second"


def test_a_short_lived_token_is_replaced_at_half_its_life(
    token_service: responses.RequestsMock, clock: VirtualClock
) -> None:
    grant(token_service, "first", "second", expires_in=60)
    credential = secret_of(clock)
    credential.token()
    clock.time += 29
    assert credential.token() == "first"
    clock.time += 2

    assert credential.token() == "second"


def test_a_refused_token_is_replaced_at_once(token_service: responses.RequestsMock, clock: VirtualClock) -> None:
    grant(token_service, "first", "second")
    credential = secret_of(clock)
    credential.token()

    assert credential.renew()
    assert credential.token() == "second"


def test_a_token_service_that_is_down_does_not_stop_a_swap_while_the_token_lasts(
    token_service: responses.RequestsMock, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    grant(token_service, "first")
    token_service.post(DISCOVERY["token_endpoint"], body=requests.ConnectionError())
    token_service.post(DISCOVERY["token_endpoint"], status=503)
    grant(token_service, "second")
    credential = secret_of(clock)
    credential.token()
    clock.time += 3600 - RENEW_BEFORE_S
    for _ in range(3):
        assert credential.token() == "first"
    assert len([call for call in token_service.calls if call.request.method == "POST"]) == 2
    clock.time += RENEW_AGAIN_S
    assert credential.token() == "first"
    clock.time += RENEW_AGAIN_S

    assert credential.token() == "second"
    assert "used on" in caplog.text
    assert SECRET not in caplog.text


def test_a_renewal_takes_no_longer_than_an_outage_can_spare(
    token_service: responses.RequestsMock, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed: list[float] = []
    send = requests.Session.send

    def noted(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        allowed.append(options["timeout"])
        return send(self, request, **options)

    monkeypatch.setattr(requests.Session, "send", noted)
    grant(token_service, "first", "second")
    credential = secret_of(clock)
    credential.token()
    assert set(allowed) == {application.TOKEN_TIMEOUT_S}
    allowed.clear()
    clock.time += 3600 - RENEW_BEFORE_S
    credential.token()

    assert set(allowed) == {RENEWAL_TIMEOUT_S}


def test_a_token_is_replaced_ahead_of_its_time_only_if_it_would_be_due(
    token_service: responses.RequestsMock, clock: VirtualClock
) -> None:
    grant(token_service, "first", "second")
    credential = secret_of(clock)
    credential.renew_ahead(1e9)
    assert len(token_service.calls) == 0, "without a token there is none to replace"
    credential.token()
    clock.time += 3600 - RENEW_BEFORE_S - 100
    credential.renew_ahead(99)
    assert credential.token() == "first"
    credential.renew_ahead(100)

    assert credential.token() == "second"


def test_a_short_lived_token_is_not_replaced_over_and_over_ahead_of_its_time(
    token_service: responses.RequestsMock, clock: VirtualClock
) -> None:
    grant(token_service, "first", "second", expires_in=4)
    credential = secret_of(clock)
    credential.token()
    clock.time += 0.9
    credential.renew_ahead(60)
    assert credential.token() == "first"
    clock.time += 0.2
    credential.renew_ahead(60)

    assert credential.token() == "second"


def test_a_token_that_cannot_be_replaced_ahead_of_its_time_is_replaced_when_due(
    token_service: responses.RequestsMock, clock: VirtualClock
) -> None:
    grant(token_service, "first")
    token_service.post(DISCOVERY["token_endpoint"], status=503)
    grant(token_service, "second")
    credential = secret_of(clock)
    credential.token()
    clock.time += 3600 - RENEW_BEFORE_S - 1
    credential.renew_ahead(900)
    assert len([call for call in token_service.calls if call.request.method == "POST"]) == 2
    assert credential.token() == "first"
    clock.time += RENEW_AGAIN_S

    assert credential.token() == "second"


def test_a_token_that_is_over_is_not_used_on(token_service: responses.RequestsMock, clock: VirtualClock) -> None:
    grant(token_service, "first")
    token_service.post(DISCOVERY["token_endpoint"], status=503)
    credential = secret_of(clock)
    credential.token()
    clock.time += 3601

    with pytest.raises(CredentialError, match="503"):
        credential.token()


@pytest.mark.parametrize(
    "answer",
    [
        {
            "status": 401,
            "json": {"error": "invalid_client", "error_description": f"AADSTS7000215: Not {SECRET}.\r\nTrace"},
        },
        {"status": 400, "json": {"error": "unauthorized_client"}},
        {"status": 200, "json": {}},
        {"status": 200, "json": {"access_token": "t", "expires_in": "soon"}},
        {"status": 200, "json": {"access_token": None, "error": "x"}},
        {"status": 200, "body": "<html>login</html>"},
        {"status": 500, "body": SECRET},
        {"body": requests.ConnectTimeout(SECRET)},
        {"body": requests.exceptions.SSLError(SECRET)},
        {"body": requests.ReadTimeout()},
    ],
    ids=range(10),
)
def test_a_refusal_is_one_sentence_without_the_secret(
    answer: dict[str, Any], token_service: responses.RequestsMock, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token_service.post(DISCOVERY["token_endpoint"], **answer)
    with pytest.raises(CredentialError) as refused:
        secret_of(clock).token()

    told = f"{refused.value} {refused.value.hint} {refused.value.as_json()} {caplog.text}"
    assert SECRET not in told
    assert "\n" not in str(refused.value)
    assert "AZURE_TENANT_ID" in refused.value.hint
    assert refused.value.exit_code == 1


def test_a_tenant_that_is_not_there_is_one_sentence(arm: responses.RequestsMock, clock: VirtualClock) -> None:
    arm.get(f"{AUTHORITY}/v2.0/.well-known/openid-configuration", status=400, json={"error": "invalid_tenant"})
    with pytest.raises(CredentialError, match="tenant"):
        secret_of(clock).token()


def test_the_token_service_is_asked_with_a_timeout_and_the_given_certificates(
    monkeypatch: pytest.MonkeyPatch, clock: VirtualClock, tmp_path: Path
) -> None:
    named = tmp_path / "named.pem"
    named.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "other.pem"))
    seen: list[dict[str, Any]] = []

    def send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        seen.append(options)
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "send", send)
    credential = find_credential(WITH_SECRET, cloud=PUBLIC, ca_file=str(named), clock=clock)
    with pytest.raises(CredentialError, match="cannot be reached"):
        credential.token()

    assert seen[0]["timeout"] == application.TOKEN_TIMEOUT_S
    assert seen[0]["verify"] == str(named)


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("https://login.microsoftonline.us/", "https://login.microsoftonline.us"),
        ("login.microsoftonline.us", "https://login.microsoftonline.us"),
        ("https://127.0.0.1:8443", "https://127.0.0.1:8443"),
    ],
)
def test_the_authority_may_be_a_url_or_a_name(
    host: str, asked: str, arm: responses.RequestsMock, clock: VirtualClock
) -> None:
    discovery = {name: text.replace(PUBLIC.authority, asked) for name, text in DISCOVERY.items()}
    arm.get(f"{asked}/{TENANT}/v2.0/.well-known/openid-configuration", json=discovery)
    arm.post(discovery["token_endpoint"], json={"access_token": "first", "expires_in": 3600})

    assert secret_of(clock, {"AZURE_AUTHORITY_HOST": host}).token() == "first"


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:1", "ftp://x", "https://", "https://[", "https://u@h", "https://u:p@h"]
)
def test_an_authority_that_would_show_the_secret_is_refused(host: str, clock: VirtualClock) -> None:
    with pytest.raises(CredentialError, match="not a token service"):
        secret_of(clock, {"AZURE_AUTHORITY_HOST": host})


def test_a_ca_file_that_is_not_there_is_a_usage_error(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(UsageError):
        secret_of(clock).token()


# --- nothing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [*WITH_SECRET, None])
def test_without_any_credentials_the_ways_to_give_some_are_named(
    missing: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "is_azure_machine", lambda: False)
    environment = {name: text for name, text in WITH_SECRET.items() if missing and name != missing}
    with pytest.raises(CredentialError) as refused:
        find_credential({**environment, "PATH": str(tmp_path)}, cloud=PUBLIC)

    assert refused.value.exit_code == 1
    for way in ("az", "AZURE_CLIENT_SECRET", "AZURE_ACCESS_TOKEN"):
        assert way in refused.value.hint


def test_a_date_in_utc_is_read_as_such() -> None:
    moment = datetime(2026, 5, 1, tzinfo=timezone.utc)

    assert expiry_of(jwt(moment)) == moment
