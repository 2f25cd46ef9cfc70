"""The emulator's token service, and --require-token: only its own unexpired tokens are accepted."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.emulator.stage import HOST, LB1, Json, Stage, error
from tests.emulator.wire import Connection, Process, once, process
from vipswap_rest.emulator import Answer, Settings
from vipswap_rest.emulator.settings import CLIENT_ID, CLIENT_SECRET, TENANT

TOKEN = f"/{TENANT}/oauth2/v2.0/token"
CONFIGURATION = f"/{TENANT}/v2.0/.well-known/openid-configuration"
FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "scope": "https://management.azure.com/.default",
}


def strict(lifetime_s: int = 3599) -> Stage:
    return Stage(Settings(require_token=True, token_lifetime_s=lifetime_s))


def ask(stage: Stage, **changes: str | None) -> Answer:
    """Ask for a token, with changes to the form; None leaves a field away."""
    form = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
    headers = {"authorization": "", "content-type": "application/x-www-form-urlencoded"}
    return stage.send("POST", TOKEN, urlencode(form).encode(), headers)


def token_of(stage: Stage) -> str:
    answer = ask(stage)
    assert answer.status == 200, answer.body
    return str(answer.json()["access_token"])


def read(stage: Stage, token: str) -> Answer:
    return stage.call("GET", LB1, authorization=f"Bearer {token}")


def claims_of(token: str) -> Json:
    part = token.split(".")[1]
    claims: Json = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_a_secret_becomes_a_token_that_says_whose_it_is_and_how_long_it_lives() -> None:
    stage = strict(60)

    answer = ask(stage).json()

    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 60)
    claims = claims_of(answer["access_token"])
    assert (claims["appid"], claims["tid"], claims["aud"]) == (CLIENT_ID, TENANT, "https://management.azure.com")
    assert claims["exp"] - claims["iat"] == 60
    assert read(stage, answer["access_token"]).status == 200


def test_the_configuration_says_where_tokens_are() -> None:
    answer = strict().send("GET", CONFIGURATION, None, {"authorization": ""})

    assert answer.status == 200
    assert answer.json()["token_endpoint"] == f"http://{HOST}{TOKEN}"


@pytest.mark.parametrize(
    ("changes", "status", "code", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": "ä"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000215),
        ({"client_id": "somebody"}, 400, "unauthorized_client", 700016),
        ({"client_id": None}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"grant_type": None}, 400, "unsupported_grant_type", 70003),
        ({"scope": "https://management.azure.com"}, 400, "invalid_scope", 1002012),
        ({"scope": None}, 400, "invalid_scope", 1002012),
    ],
)
def test_what_is_not_right_gets_no_token(changes: dict[str, str | None], status: int, code: str, number: int) -> None:
    answer = ask(strict(), **changes)

    assert (answer.status, answer.json()["error"], answer.json()["error_codes"]) == (status, code, [number])
    assert answer.json()["error_description"].startswith(f"AADSTS{number}: ")
    assert "wrong" not in answer.json()["error_description"]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"{}", b"&&==", b"client_id"])
def test_no_body_breaks_it(body: bytes) -> None:
    assert strict().send("POST", TOKEN, body).status == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", TOKEN, 405), ("POST", TOKEN.replace(TENANT, "common"), 400), ("GET", "/x" + CONFIGURATION, 404)],
)
def test_other_methods_tenants_and_places_are_refused(method: str, path: str, status: int) -> None:
    stage = strict()
    token = token_of(stage)

    assert stage.send(method, path, None, {"authorization": f"Bearer {token}"}).status == status


def test_only_its_own_tokens_are_accepted() -> None:
    stage = strict()
    own = token_of(stage)
    forged = own[:-1] + ("A" if own[-1] != "A" else "B")

    assert read(stage, own).status == 200
    for other in ("any", forged, token_of(strict()), own + "=", own.split(".")[1]):
        assert error(read(stage, other)) == (401, "InvalidAuthenticationToken"), other
    assert "WWW-Authenticate" in read(stage, "any").headers
    assert error(stage.call("GET", LB1, authorization="")) == (401, "AuthenticationFailed")
    assert error(stage.call("GET", LB1, authorization=f"Basic {own}")) == (401, "AuthenticationFailed")


def test_without_the_setting_any_token_is_accepted_and_its_own_too() -> None:
    stage = Stage(Settings(token_lifetime_s=1))
    token = token_of(stage)
    stage.clock.advance(10)

    assert (read(stage, "any").status, read(stage, token).status) == (200, 200)


def test_a_token_ends_with_its_life_and_another_one_does_not() -> None:
    stage = strict(10)
    first = token_of(stage)
    stage.clock.advance(9.9)
    second = token_of(stage)

    assert (read(stage, first).status, read(stage, second).status) == (200, 200)
    stage.clock.advance(0.1)
    assert error(read(stage, first)) == (401, "ExpiredAuthenticationToken")
    assert read(stage, second).status == 200


def test_a_token_outlives_a_reset() -> None:
    stage = strict()
    token = token_of(stage)
    stage.admin("reset", "POST")

    assert read(stage, token).status == 200


def test_a_refused_request_changes_nothing_and_is_listed_as_unauthorized() -> None:
    stage = strict()
    before = stage.state()

    assert stage.call("DELETE", LB1).status == 401
    assert stage.state() == before
    assert [(entry["status"], entry["authorized"]) for entry in stage.admin("requests")] == [(401, False)]


def test_faults_neither_match_the_token_service_nor_is_it_listed() -> None:
    stage = strict()
    stage.fault({"status": 500}, times=100)

    assert ask(stage).status == 200
    assert stage.admin("requests") == []
    assert stage.admin("faults")["faults"][0]["matched"] == 0


def test_an_expired_token_of_a_fault_is_refused_and_the_next_one_is_not() -> None:
    stage = strict()
    first, second = token_of(stage), token_of(stage)
    stage.fault({"expire_token": True})

    assert error(read(stage, first)) == (401, "ExpiredAuthenticationToken")
    assert error(read(stage, first)) == (401, "ExpiredAuthenticationToken")
    assert read(stage, second).status == 200


def test_all_tokens_of_the_service_are_one_principals() -> None:
    stage = Stage(Settings(require_token=True, throttle=True))
    left = [read(stage, token_of(stage)).headers["x-ms-ratelimit-remaining-subscription-reads"] for _ in range(3)]

    assert left == ["249", "248", "247"]


@pytest.mark.parametrize("lifetime", [0, -1])
def test_a_token_lives_at_least_a_second(lifetime: int) -> None:
    with pytest.raises(ValueError, match="token_lifetime"):
        Settings(token_lifetime_s=lifetime)


def post_form(emulator: Process, path: str, form: dict[str, str]) -> Any:
    with Connection(emulator.endpoint) as connection:
        connection.ask("POST", path, urlencode(form).encode(), Content_Type="application/x-www-form-urlencoded")
        status, _, content = connection.answer()
    assert status == 200, content
    return json.loads(content)


def test_the_process_requires_the_tokens_that_its_line_says_how_to_get() -> None:
    with process("--require-token", "--token-lifetime", "600") as emulator:
        said = emulator.said
        form = {**FORM, "client_id": said["client_id"], "client_secret": said["client_secret"]}
        path = f"/{said['tenant']}/oauth2/v2.0/token"
        answer = post_form(emulator, said["authority"].removeprefix(emulator.endpoint) + path, form)
        refused, _ = once(emulator.endpoint, "GET", LB1)
        with Connection(emulator.endpoint) as connection:
            connection.ask("GET", LB1, Authorization=f"Bearer {answer['access_token']}")
            accepted, _, _ = connection.answer()

    assert (refused, accepted, answer["expires_in"]) == (401, 200, 600)


FIRST = f"/{TENANT}/oauth2/token"
FIRST_FORM = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "resource": "https://management.core.windows.net/",
}


def ask_first(stage: Stage, **changes: str | None) -> Answer:
    """Ask the first endpoint, which knows a resource instead of a scope."""
    form = {name: value for name, value in {**FIRST_FORM, **changes}.items() if value is not None}
    return stage.send("POST", FIRST, urlencode(form).encode(), {"authorization": ""})


def test_the_first_endpoint_gives_a_token_for_a_resource_and_says_numbers_as_strings() -> None:
    stage = strict(60)

    answer = ask_first(stage).json()

    claims = claims_of(answer["access_token"])
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", "60")
    assert (answer["resource"], claims["aud"]) == (FIRST_FORM["resource"], FIRST_FORM["resource"])
    assert (answer["not_before"], answer["expires_on"]) == (str(claims["iat"]), str(claims["exp"]))
    assert read(stage, answer["access_token"]).status == 200
    stage.clock.advance(60)
    assert error(read(stage, answer["access_token"])) == (401, "ExpiredAuthenticationToken")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"resource": None}, 400, "invalid_request"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 400, "unauthorized_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_the_first_endpoint_refuses_as_the_second_does(changes: dict[str, str | None], status: int, code: str) -> None:
    answer = ask_first(strict(), **changes)

    assert (answer.status, answer.json()["error"]) == (status, code)


@pytest.mark.parametrize(
    ("place", "token"), [("v2.0/.well-known", TOKEN), (".well-known", FIRST)], ids=["second", "first"]
)
def test_each_configuration_names_its_own_endpoint(place: str, token: str) -> None:
    answer = strict().send("GET", f"/{TENANT}/{place}/openid-configuration", None, {"authorization": ""}).json()

    assert answer["token_endpoint"] == f"http://{HOST}{token}"
    assert {"issuer", "authorization_endpoint", "jwks_uri"} <= set(answer)


def test_whoever_asks_for_trustworthy_login_hosts_is_told_this_one() -> None:
    path = "/common/discovery/instance?api-version=1.1&authorization_endpoint=x"

    answer = strict().send("GET", path, None, {"authorization": ""}).json()

    assert answer["tenant_discovery_endpoint"] == f"http://{HOST}{CONFIGURATION}"
    assert answer["metadata"] == [{"preferred_network": HOST, "preferred_cache": HOST, "aliases": [HOST]}]


def test_who_comes_without_a_token_is_told_the_tenants_own_login() -> None:
    challenge = strict().call("GET", LB1, authorization="").headers["WWW-Authenticate"]

    assert challenge.startswith(f'Bearer authorization_uri="http://{HOST}/{TENANT}", error="invalid_token", ')
