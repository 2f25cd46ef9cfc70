"""An endpoint of no known cloud is asked where it logs in, without a token; whatever else it says changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.arm.server import answer, serve
from vipswap_rest.arm.auth import ask_for_cloud
from vipswap_rest.arm.clouds import Cloud, described_cloud

# As Azure Stack Hub's page has it.
STACK = {
    "galleryEndpoint": "https://portal.local.azurestack.external:30015/",
    "graphEndpoint": "https://graph.windows.net/",
    "portalEndpoint": "https://portal.local.azurestack.external/",
    "authentication": {
        "loginEndpoint": "https://login.windows.net/",
        "audiences": ["https://contoso.onmicrosoft.com/4de154de-f8a8-4017-af41-df619da68155"],
    },
}
ENDPOINT = "https://management.local.azurestack.external"


def test_an_azure_stack_hub_says_where_to_log_in_and_for_which_audience() -> None:
    expected = Cloud("custom", ENDPOINT, "https://login.windows.net", STACK["authentication"]["audiences"][0])  # type: ignore[index]

    assert described_cloud(ENDPOINT, STACK) == expected


def test_ad_fs_is_where_a_tenant_stands() -> None:
    document = {"authentication": {"loginEndpoint": "https://adfs.local/adfs/", "audiences": ["https://a/b/"]}}

    assert described_cloud(ENDPOINT, document) == Cloud("custom", ENDPOINT, "https://adfs.local", "https://a/b/")


def test_of_a_list_of_clouds_it_is_the_endpoints_own() -> None:
    def cloud(endpoint: str, login: str) -> dict[str, Any]:
        return {"resourceManager": endpoint, "authentication": {"loginEndpoint": login, "audiences": ["https://a"]}}

    found = described_cloud(ENDPOINT, [cloud("https://other/", "https://no"), cloud(f"{ENDPOINT}/", "https://yes")])

    assert found is not None
    assert found.authority == "https://yes"
    assert described_cloud(ENDPOINT, [cloud("https://other/", "https://no")]) is None


NOTHING: list[Any] = [
    *(None, [], {}, 3, "x", [None], [[]], {"authentication": None}, {"authentication": []}, {"error": {"code": "x"}}),
    *(
        {"authentication": {}},
        {"authentication": {"loginEndpoint": "https://x"}},
        {"authentication": {"audiences": []}},
    ),
    {"authentication": {"loginEndpoint": 1, "audiences": ["https://a"]}},
    {"authentication": {"loginEndpoint": "https://x", "audiences": []}},
    {"authentication": {"loginEndpoint": "https://x", "audiences": [None]}},
    {"authentication": {"loginEndpoint": "https://x", "audiences": "https://a"}},
]


@pytest.mark.parametrize("document", NOTHING, ids=range(len(NOTHING)))
def test_a_document_that_says_nothing_of_logins_is_none(document: Any) -> None:
    assert described_cloud(ENDPOINT, document) is None


def test_the_endpoint_is_asked_once_and_without_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serve(answer(200, json.dumps(STACK).encode(), keep=False)) as server:
        found = ask_for_cloud(server.url)

    assert found is not None
    assert found.resource_manager == server.url
    (request,) = server.requests
    assert request.target == "/metadata/endpoints?api-version=2015-01-01"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, json.dumps(STACK).encode()), (500, b""), (401, b"{}"), (200, b"<html>"), (200, b"\xff"), (200, b"[" * 9000)],
)
def test_an_endpoint_without_the_document_says_nothing(status: int, body: bytes) -> None:
    with serve(answer(status, body, keep=False)) as server:
        assert ask_for_cloud(server.url) is None


def test_an_endpoint_that_leads_elsewhere_is_not_followed() -> None:
    with (
        serve(answer(200, json.dumps(STACK).encode(), keep=False)) as other,
        serve(answer(302, b"", f"Location: {other.url}", keep=False)) as server,
    ):
        assert ask_for_cloud(server.url) is None

    assert other.requests == []


def test_an_endpoint_that_cannot_be_reached_says_nothing() -> None:
    with serve(answer(200, b"", keep=False)) as server:
        url = server.url

    assert ask_for_cloud(url) is None
