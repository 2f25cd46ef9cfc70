"""A managed identity's tokens from the emulator, by both protocols, and ARM's refusal of one that is not for it."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.emulator.stage import HOST, LB1, Stage, error, said
from vipswap_rest.emulator import Answer, Settings
from vipswap_rest.emulator.identity.managed_identity import IDENTITY_HEADER
from vipswap_rest.emulator.settings import CLIENT_ID, OBJECT_ID, TENANT

ARM = "https://management.azure.com/"
MACHINE = ("/metadata/identity/oauth2/token", "2018-02-01", {"metadata": "true"})
APP_SERVICE = ("/MSI/token/", "2019-08-01", {"x-identity-header": IDENTITY_HEADER})


def ask(stage: Stage, protocol: tuple[str, str, dict[str, str]], method: str = "GET", **query: str | None) -> Answer:
    """Ask for a token for ARM, with changes to the query; None leaves a name away."""
    path, version, headers = protocol
    named = {"api_version": version, "resource": ARM} | query
    kept = {name.replace("_version", "-version"): text for name, text in named.items() if text is not None}
    return stage.send(method, f"{path}?{urlencode(kept)}", headers={"authorization": "", **headers})


def strict(lifetime_s: int = 60) -> Stage:
    return Stage(Settings(require_token=True, token_lifetime_s=lifetime_s))


def read(stage: Stage, token: str) -> Answer:
    return stage.call("GET", LB1, authorization=f"Bearer {token}")


@pytest.mark.parametrize("protocol", [MACHINE, APP_SERVICE], ids=["machine", "App Service"])
@pytest.mark.parametrize("named", [{}, {"client_id": CLIENT_ID}], ids=["its own", "an assigned one"])
def test_an_identitys_token_is_for_the_resource_and_arm_takes_it_until_it_expires(
    named: dict[str, str | None], protocol: tuple[str, str, dict[str, str]]
) -> None:
    stage = strict(60)

    answer = ask(stage, protocol, **named)

    assert answer.status == 200, answer.body
    given: dict[str, Any] = answer.json()
    assert {"resource": ARM, "token_type": "Bearer", "client_id": CLIENT_ID}.items() <= given.items()
    # Numbers are strings, and the end is in POSIX seconds.
    assert given["expires_on"] == str(int(stage.clock.now().timestamp()) + 60)
    part = given["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert (claims["aud"], claims["tid"], claims["oid"]) == (ARM, TENANT, OBJECT_ID)
    assert read(stage, given["access_token"]).status == 200
    stage.clock.advance(60)
    assert error(read(stage, given["access_token"]))[1] == "ExpiredAuthenticationToken"


def test_a_machines_token_says_the_seconds_it_lives_too_and_an_app_services_does_not() -> None:
    stage = strict(60)

    assert ask(stage, MACHINE).json()["expires_in"] == "60"
    assert "expires_in" not in ask(stage, APP_SERVICE).json()


@pytest.mark.parametrize(
    ("protocol", "changes", "expected"),
    [
        ((*MACHINE[:2], {}), {}, {"error": "bad_request_102"}),
        ((*MACHINE[:2], {"metadata": "false"}), {}, {"error": "bad_request_102"}),
        (MACHINE, {"client_id": "x"}, {"error": "invalid_request", "error_description": "Identity not found"}),
        (MACHINE, {"mi_res_id": "/x"}, {"error": "invalid_request", "error_description": "Identity not found"}),
        (MACHINE, {"resource": None}, {"error": "invalid_request"}),
        (MACHINE, {"api_version": None}, {"error": "Bad request. api-version was not specified in the request"}),
        (
            APP_SERVICE,
            {"client_id": "x"},
            {"statusCode": 400, "message": "Unable to load the proper Managed Identity."},
        ),
        (APP_SERVICE, {"resource": None}, {"statusCode": 400}),
        (APP_SERVICE, {"api_version": "2017-09-01"}, {"statusCode": 400}),
    ],
)
def test_what_is_missing_or_unknown_is_refused_in_the_protocols_own_form(
    protocol: tuple[str, str, dict[str, str]], changes: dict[str, str | None], expected: dict[str, Any]
) -> None:
    answer = ask(strict(), protocol, **changes)

    assert answer.status == 400
    assert expected.items() <= answer.json().items()


@pytest.mark.parametrize("headers", [{}, {"x-identity-header": "another"}, {"metadata": "true"}])
def test_an_app_services_endpoint_gives_a_stranger_nothing(headers: dict[str, str]) -> None:
    answer = ask(strict(), (*APP_SERVICE[:2], headers))

    assert (answer.status, answer.json()["statusCode"]) == (401, 401)


@pytest.mark.parametrize("audience", ["https://vault.azure.net", "https://graph.microsoft.com/", f"http://not.{HOST}"])
def test_arm_refuses_a_token_for_something_else_and_names_what_it_takes(audience: str) -> None:
    stage = strict()
    token = ask(stage, MACHINE, resource=audience).json()["access_token"]

    answer = read(stage, token)

    assert error(answer) == (401, "InvalidAuthenticationTokenAudience")
    assert f"'{audience}'" in said(answer)
    assert f"'{ARM}'" in said(answer)
    assert "invalid_token" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "audience", [ARM, ARM.rstrip("/"), "https://management.core.windows.net/", f"http://{HOST}", f"http://{HOST}/"]
)
def test_arm_takes_a_token_for_each_of_its_own_names(audience: str) -> None:
    stage = strict()

    assert read(stage, ask(stage, MACHINE, resource=audience).json()["access_token"]).status == 200


def test_without_require_token_the_audience_does_not_matter() -> None:
    stage = Stage()
    token = ask(stage, MACHINE, resource="https://vault.azure.net").json()["access_token"]

    assert read(stage, token).status == 200
