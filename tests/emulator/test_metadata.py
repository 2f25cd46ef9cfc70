"""What the emulator says about its cloud to whoever asks: /metadata/endpoints, in the form of each api-version."""

from __future__ import annotations

import pytest

from tests.emulator.stage import HOST, Stage, error
from vipswap_rest.emulator import Answer, Settings

AUDIENCES = ["https://management.core.windows.net/", "https://management.azure.com/"]


def ask(version: str | None, method: str = "GET") -> Answer:
    query = f"?api-version={version}" if version is not None else ""
    stage = Stage(Settings(require_token=True))
    return stage.send(method, f"/metadata/endpoints{query}", None, {"authorization": ""})


@pytest.mark.parametrize("version", ["1.0", "2015-01-01", "2018-05-01"])
def test_an_old_version_shows_one_cloud_in_azure_stacks_words(version: str) -> None:
    answer = ask(version)

    assert (answer.status, set(answer.json())) == (
        200,
        {"galleryEndpoint", "graphEndpoint", "portalEndpoint", "authentication"},
    )
    assert answer.json()["authentication"] == {
        "loginEndpoint": f"http://{HOST}/",
        "audiences": AUDIENCES,
        "tenant": "common",
        "identityProvider": "AAD",
    }


@pytest.mark.parametrize("version", ["2019-05-01", "2019-10-01", "2020-06-01"])
def test_in_between_it_is_a_list_of_clouds(version: str) -> None:
    (cloud,) = ask(version).json()

    assert (cloud["name"], cloud["resourceManager"]) == ("AzureCloud", f"http://{HOST}/")
    assert cloud["authentication"]["loginEndpoint"] == f"http://{HOST}"


@pytest.mark.parametrize("version", ["2022-09-01", "2023-11-01"])
def test_today_it_is_one_cloud_again(version: str) -> None:
    cloud = ask(version).json()

    assert (cloud["name"], cloud["resourceManager"]) == ("AzureCloud", f"http://{HOST}/")
    assert cloud["authentication"]["audiences"] == AUDIENCES
    assert cloud["suffixes"]["storage"] == "core.windows.net"


def test_without_a_version_or_by_another_method_there_is_none() -> None:
    assert error(ask(None)) == (400, "MissingApiVersionParameter")
    assert error(ask("2015-01-01", "POST")) == (405, "MethodNotAllowed")


def test_it_is_neither_a_call_to_a_resource_nor_struck_by_faults() -> None:
    stage = Stage()
    stage.fault({"status": 500})

    assert stage.send("GET", "/metadata/endpoints?api-version=2015-01-01").status == 200
    assert stage.admin("requests") == []
