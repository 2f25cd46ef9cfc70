"""Reads and lists, and errors with all that ARM said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import responses

from tests.arm.conftest import ARM, GROUP
from vipswap_rest.arm.client import ArmClient, Completed
from vipswap_rest.arm.errors import NotFound, ProtocolError
from vipswap_rest.arm.paging import PageNames

LIST = f"{GROUP}/providers/Microsoft.Network/loadBalancers"
LIST_URL = f"{ARM}{LIST}?api-version=2026-03-01"


def test_a_list_is_read_page_after_page(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(LIST_URL, json={"value": [{"n": 1}, None, "x"], "nextLink": f"{LIST_URL}&$skiptoken=a%2fb"})
    arm.get(f"{LIST_URL}&$skiptoken=a%2fb", json={"value": None, "nextLink": f"{LIST}?$skiptoken=c"})
    arm.get(f"{ARM}{LIST}?$skiptoken=c&api-version=2026-03-01", json={"value": [{"n": 2}], "nextLink": ""})

    assert list(client.list(LIST)) == [{"n": 1}, {"n": 2}]
    assert arm.calls[1].request.url == f"{LIST_URL}&$skiptoken=a%2fb"


@pytest.mark.parametrize("link", ["https://evil.example/x", "//evil.example/x", "http://management.azure.com/x"])
def test_a_page_on_another_host_is_not_read(link: str, arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(LIST_URL, json={"value": [], "nextLink": link})
    with pytest.raises(ProtocolError, match="not sent"):
        list(client.list(LIST))


def test_a_list_may_have_other_names_another_method_and_a_query_and_headers_of_its_own(
    arm: responses.RequestsMock, client: ArmClient
) -> None:
    arm.post(f"{ARM}{LIST}?%24filter=a", json={"items": [{"n": 1}], "@next": f"{LIST}?p=2"})
    arm.get(f"{ARM}{LIST}?p=2", json={"items": [{"n": 2}]})
    names, headers = PageNames("items", "@next"), {"x-ms-client-request-id": "mine"}
    items = client.list(LIST, {"a": 1}, method="POST", params={"$filter": "a"}, headers=headers, names=names)

    assert list(items) == [{"n": 1}, {"n": 2}]
    assert [call.request.body for call in arm.calls] == [b'{"a": 1}', None]
    assert {call.request.headers["x-ms-client-request-id"] for call in arm.calls} == {"mine"}


def test_the_result_of_an_operation_may_be_the_first_page(arm: responses.RequestsMock, client: ArmClient) -> None:
    first = Completed({"value": [{"n": 1}], "nextLink": f"{LIST}?p=2"}, polls=1, at=0.0, status=200)
    arm.get(f"{ARM}{LIST}?p=2&api-version=2026-03-01", json={"value": [{"n": 2}]})

    assert list(client.list_result(first, LIST)) == [{"n": 1}, {"n": 2}]


def test_an_operation_that_gave_no_list_is_a_protocol_error(client: ArmClient) -> None:
    with pytest.raises(ProtocolError, match="204 with a body that is not a JSON object"):
        client.list_result(Completed(None, polls=1, at=0.0, status=204), LIST)


def test_one_request_of_any_kind_gives_its_answer_or_its_error(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.head(LIST_URL, status=204)
    arm.get(f"{ARM}{LIST}", json=[1])
    arm.get(f"{ARM}{LIST}?a=1&a=2", status=404)
    arm.get(f"{ARM}{LIST}?b=1", body="<html>Sign in</html>")

    assert client.request("HEAD", LIST).status == 204
    assert client.request("GET", LIST, params={}).body == [1]
    with pytest.raises(NotFound):
        client.request("GET", LIST, params={"a": [1, 2]})
    with pytest.raises(ProtocolError, match="not JSON"):
        client.request("GET", LIST, params={"b": 1})


def test_pages_that_go_in_a_circle_end(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(LIST_URL, json={"value": [], "nextLink": f"{LIST_URL}&p=2"})
    arm.get(f"{LIST_URL}&p=2", json={"value": [], "nextLink": LIST_URL})
    with pytest.raises(ProtocolError, match="repeat"):
        list(client.list(LIST))


@pytest.mark.parametrize("body", ["[]", "null", "", "<html>login</html>", '{"a": '])
@pytest.mark.parametrize("read", [lambda client: client.get(LIST), lambda client: list(client.list(LIST))])
def test_a_read_that_is_no_json_object_is_a_protocol_error(
    read: Callable[[ArmClient], Any], body: str, arm: responses.RequestsMock, client: ArmClient
) -> None:
    arm.get(LIST_URL, body=body)
    with pytest.raises(ProtocolError) as refused:
        read(client)

    assert refused.value.hint


@pytest.mark.parametrize("value", [None, 3, "x", {"a": 1}, [[1]]])
def test_a_page_without_proper_items_is_empty(value: Any, arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(LIST_URL, json={"value": value})

    assert list(client.list(LIST)) == []


def test_a_gateways_page_becomes_its_words(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.get(LIST_URL, status=404, body="<html><title>404</title>\n<h1>No such   route</h1></html>")
    with pytest.raises(NotFound) as refused:
        client.get(LIST)

    assert "404 No such route" in str(refused.value)
    assert refused.value.code == "HTTP404"
    assert "<" not in refused.value.message


def test_an_error_bears_the_ids_to_quote(arm: responses.RequestsMock, client: ArmClient) -> None:
    headers = {"x-ms-request-id": "1", "x-ms-correlation-request-id": "2", "Retry-After": "5"}
    arm.get(LIST_URL, status=404, json={"error": {"code": "NotFound", "message": "m"}}, headers=headers)
    with pytest.raises(NotFound) as refused:
        client.get(LIST)

    error = refused.value
    assert (error.request_id, error.correlation_id, error.retry_after) == ("1", "2", 5.0)
    assert (error.method, error.resource) == ("GET", f"{LIST}?api-version=2026-03-01")
