"""What ARM itself answers, before any resource type is asked; and that nothing from outside breaks the emulator."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.emulator.stage import (
    FLOAT,
    GROUP,
    HOST,
    IP1,
    LB1,
    NATIVE,
    NETWORK,
    SUB,
    VERSION,
    Stage,
    address,
    error,
    said,
)
from vipswap_rest.emulator import Settings

OTHER_SUB = "/subscriptions/44444444-4444-4444-4444-444444444444"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (f"{OTHER_SUB}/resourceGroups/vipswap", "SubscriptionNotFound"),
        (f"{SUB}/resourceGroups/none", "ResourceGroupNotFound"),
        (f"{SUB}/resourceGroups/none/providers/Microsoft.Network/loadBalancers/x", "ResourceGroupNotFound"),
        (f"{SUB}/resourceGroups/none/providers/Microsoft.Network/loadBalancers", "ResourceGroupNotFound"),
        (f"{NETWORK}/loadBalancers/none", "ResourceNotFound"),
        (f"{NETWORK}/publicIPAddresses/none", "ResourceNotFound"),
        (f"{NETWORK}/loadBalancers/none/frontendIPConfigurations/x", "ResourceNotFound"),
        (f"{GROUP}/providers/Some.Thing/else/none", "ResourceNotFound"),
        ("/nothing/here", "NotFound"),
        ("/", "NotFound"),
    ],
)
def test_the_gateway_answers_404_for_what_it_never_heard_of(path: str, code: str) -> None:
    answer = Stage().call("GET", path)

    assert error(answer) == (404, code)
    assert answer.headers["x-ms-failure-cause"] == "gateway"
    assert "x-ms-arm-service-request-id" not in answer.headers
    assert "details" not in answer.json()["error"]


def test_the_provider_answers_404_for_what_is_no_child() -> None:
    stage = Stage()

    path = f"{LB1}/frontendIPConfigurations/none"
    answer = stage.call("GET", path)
    assert error(answer) == (404, "NotFound")
    assert said(answer) == f"Resource {path} not found."
    assert answer.json()["error"]["details"] == []
    assert "x-ms-failure-cause" not in answer.headers
    assert "x-ms-arm-service-request-id" in answer.headers


def test_the_gateway_answers_404_for_an_address_that_is_gone() -> None:
    stage = Stage()
    stage.call("DELETE", stage.make_address())
    stage.settle()

    answer = stage.call("GET", FLOAT)

    assert error(answer) == (404, "ResourceNotFound")
    assert answer.headers["x-ms-failure-cause"] == "gateway"


def test_a_call_without_a_token_is_401_with_a_challenge() -> None:
    answer = Stage().call("GET", LB1, authorization="")

    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.headers["x-ms-failure-cause"] == "gateway"


@pytest.mark.parametrize("query", ["", "?", "?api-version=", "?version=2024-03-01"])
def test_a_call_without_an_api_version_is_400(query: str) -> None:
    assert error(Stage().send("GET", LB1 + query)) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize("version", ["2015-05-01-preview", "2099-01-01", "2024-03-01&$filter=x"])
def test_any_api_version_that_may_be_is_accepted(version: str) -> None:
    stage = Stage()

    assert stage.call("GET", LB1, version=version).status == 200
    assert stage.call("PUT", LB1, stage.get(LB1), version=version).status == 200


@pytest.mark.parametrize("version", ["x", "2010-01-01", "2024-3-1", "2024-13-01", "2024-03-01;", "latest"])
def test_an_api_version_that_cannot_be_is_refused_in_arms_words(version: str) -> None:
    stage = Stage()

    answers = [stage.call(method, path, version=version) for method, path in VERSIONED]

    assert [error(answer) for answer in answers] == [
        (400, "NoRegisteredProviderFound"),
        (400, "NoRegisteredProviderFound"),
        (404, "InvalidResourceType"),
        (404, "InvalidResourceType"),
        (400, "InvalidApiVersionParameter"),
    ]
    assert said(answers[0]).startswith(
        f"No registered resource provider found for location 'westus' and API version '{version}' for type "
        "'loadBalancers'. The supported api-versions are '2026-03-01, "
    )
    assert said(answers[2]).startswith(
        "The resource type 'publicIPAddresses' could not be found in the namespace 'Microsoft.Network' for api version "
        f"'{version}'. The supported api-versions are '2026-03-01,"
    )
    assert {answer.headers["x-ms-failure-cause"] for answer in answers} == {"gateway"}


VERSIONED = [
    ("GET", LB1),
    ("PUT", FLOAT),
    ("GET", f"{NETWORK}/publicIPAddresses"),
    ("POST", NATIVE),
    ("GET", f"{SUB}/resourceGroups/vipswap"),
]


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_a_body_that_is_no_json_by_its_content_type_is_415(media: str) -> None:
    stage = Stage()

    answer = stage.put(FLOAT, address(), content_type=media)

    assert error(answer) == (415, "UnsupportedMediaType")
    assert said(answer) == f"The content media type '{media}' is not supported. Only 'application/json' is supported."
    assert error(stage.call("GET", FLOAT)) == (404, "ResourceNotFound")


@pytest.mark.parametrize(
    "media", ["application/json; charset=utf-8", "Application/JSON", "text/json", "application/merge-patch+json"]
)
def test_json_by_any_of_its_names_is_accepted(media: str) -> None:
    assert Stage().put(FLOAT, address(), content_type=media).status == 201


@pytest.mark.parametrize("given", ["Basic dTpw", "any", "Bearer", "Bearer a b", "Negotiate x"])
def test_an_authorization_that_is_no_bearer_token_is_401(given: str) -> None:
    answer = Stage().call("GET", LB1, authorization=given)

    assert error(answer) == (401, "AuthenticationFailed")
    assert said(answer) == "Authentication failed. The 'Authorization' header is provided in an invalid format."
    assert "WWW-Authenticate" in answer.headers


def test_the_query_is_read_without_regard_to_case() -> None:
    assert Stage().send("GET", f"{LB1}?API-Version={VERSION}").status == 200


@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_ids_are_read_without_regard_to_case_and_shown_as_they_were_made(change: Any) -> None:
    stage = Stage()
    path = "/" + change(LB1.lstrip("/"))

    assert stage.get(path)["id"] == LB1
    assert stage.put(path, stage.get(path)).json()["id"] == LB1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000])
@pytest.mark.parametrize(("method", "path"), [("PUT", LB1), ("PUT", FLOAT), ("PATCH", IP1), ("PUT", GROUP)])
def test_a_body_that_is_no_json_object_is_400(content: bytes, method: str, path: str) -> None:
    assert error(Stage().call(method, path, content)) == (400, "InvalidRequestContent")


def nested(depth: int) -> bytes:
    return b'{"tags":{},"location":"westus","properties":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"


@pytest.mark.parametrize("depth", [150, 300, 600, 950])
@pytest.mark.parametrize("path", [LB1, IP1, f"{GROUP}/providers/Some.Thing/else/x", "/emulator/state"])
def test_a_body_that_is_nested_too_deeply_is_400(depth: int, path: str) -> None:
    assert Stage().call("PUT", path, nested(depth)).status == 400


@pytest.mark.parametrize("path", [IP1, f"{GROUP}/providers/Some.Thing/else/x", "/emulator/state"])
def test_half_a_character_is_400(path: str) -> None:
    body = b'{"location": "westus", "tags": {"a": "\\ud800"}, "resources": [{"id": "/\\udfff"}]}'

    assert Stage().call("PUT", path, body).status == 400


def test_whole_characters_come_back() -> None:
    stage = Stage()
    stage.call("PATCH", IP1, b'{"tags": {"a": "\\ud83d\\ude00 \\u00e9"}}')

    assert stage.get(IP1)["tags"] == {"a": "\U0001f600 é"}


def test_nothing_in_a_request_gets_into_a_header_of_its_own() -> None:
    stage = Stage()
    evil = "x%0D%0ASet-Cookie:%20a=b"
    body = {**address(), "location": "we\r\nst"}

    versioned = stage.call("PUT", FLOAT, address(), version=evil)
    placed = stage.call("PUT", f"{FLOAT}2", body)

    assert (versioned.status, placed.status) == (400, 201)
    for answer in (versioned, placed):
        assert not [value for value in answer.headers.values() if not re.fullmatch(r"[ -~]*", value)]
        if answer.status == 201:
            assert stage.follow(answer).status == 200


@pytest.mark.parametrize("name", ["a%2Fb", "..", "%00", "a%20b", "-a", "x" * 300, "%F0%9F%98%80"])
def test_a_name_that_no_resource_may_bear_is_400(name: str) -> None:
    assert Stage().call("PUT", f"{NETWORK}/publicIPAddresses/{name}", address()).status in (400, 404)


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "BREW"])
def test_another_method_is_405_and_says_which_there_are(method: str) -> None:
    answer = Stage().call(method, LB1)

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, PUT, PATCH, DELETE"


def test_every_answer_has_ids_and_a_date_and_what_is_left_of_the_budget() -> None:
    stage = Stage()

    for method, kind in (("GET", "reads"), ("PUT", "writes"), ("DELETE", "deletes")):
        answer = stage.call(method, IP1, address() if method == "PUT" else None, x_ms_correlation_request_id="mine")
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-ms-request-id"])
        assert answer.headers["x-ms-correlation-request-id"] == "mine"
        assert answer.headers["Date"] == "Thu, 01 Jan 2026 00:16:40 GMT"
        assert f"x-ms-ratelimit-remaining-subscription-global-{kind}" in answer.headers


def test_a_group_is_made_listed_and_deleted_with_all_that_is_in_it() -> None:
    stage = Stage(Settings())
    group = f"{SUB}/resourceGroups/more"
    path = f"{group}/providers/Microsoft.Network/publicIPAddresses/one"

    made = [stage.call("PUT", group, {"location": "eastus"}).status for _ in range(2)]
    stage.call("PUT", path, address(location="eastus"))
    names = [one["name"] for one in stage.get(f"{SUB}/resourceGroups")["value"]]
    exists = stage.call("HEAD", group).status
    deleted = stage.call("DELETE", group)

    assert (made, sorted(names), exists) == ([201, 200], ["more", "vipswap"], 204)
    ended = stage.follow(deleted, "Location")
    assert (deleted.status, ended.status, ended.body) == (202, 200, b"")
    assert error(stage.call("GET", path)) == (404, "ResourceGroupNotFound")


def test_lists_hold_what_is_in_their_scope_and_nothing_else() -> None:
    stage = Stage()
    elsewhere = f"{SUB}/resourceGroups/vipswap2"
    stage.call("PUT", elsewhere, {"location": "westus"})
    stage.call("PUT", f"{elsewhere}/providers/Microsoft.Network/publicIPAddresses/one", address())

    def count(scope: str) -> int:
        return len(stage.get(f"{scope}/providers/Microsoft.Network/publicIPAddresses")["value"])

    assert (count(GROUP), count(elsewhere), count(SUB)) == (2, 1, 3)


def test_anything_else_that_is_put_is_kept_and_served_back() -> None:
    stage = Stage()
    path = f"{GROUP}/providers/Some.Thing/else/x"

    made = stage.call("PUT", path, {"location": "westus", "kind": "odd", "properties": {"a": [1]}})
    stage.call("PATCH", path, {"properties": {"b": 2}})

    assert made.status == 201
    body = stage.get(path)
    assert (body["kind"], body["properties"]) == ("odd", {"a": [1], "provisioningState": "Succeeded", "b": 2})
    assert stage.call("DELETE", path).status == 202
    assert stage.call("GET", path).status == 404


def test_all_zeros_is_the_subscription_that_is_there() -> None:
    stage = Stage()

    (one,) = stage.get("/subscriptions")["value"]

    assert (one["id"], one["state"]) == (SUB, "Enabled")
    assert json.dumps(stage.get(SUB)) == json.dumps(one)
    assert stage.call("GET", "/subscriptions/not-a-guid").status == 400


def test_urls_are_of_the_host_that_was_asked() -> None:
    stage = Stage()

    answer = stage.call("PUT", LB1, stage.get(LB1), host="localhost:81")

    assert answer.headers["Azure-AsyncOperation"].startswith("http://localhost:81/")
    assert HOST not in answer.headers["Azure-AsyncOperation"]
