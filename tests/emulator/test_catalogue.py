"""What the emulator tells about its tenant and subscription: tenants, regions, providers, all resources in one list."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.emulator.stage import GROUP, IP1, IP2, LB1, LB2, SUB, Stage, error
from vipswap_rest.emulator.settings import TENANT

NAMESPACE = f"{SUB}/providers/Microsoft.Network"


def listed(path: str, filter: str = "") -> list[dict[str, Any]]:
    stage = Stage()
    query = f"&$filter={quote(filter)}" if filter else ""
    answer = stage.send("GET", f"{path}?api-version=2022-12-01{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.json()["value"]
    return found


def test_there_is_one_tenant() -> None:
    (tenant,) = listed("/tenants")

    assert (tenant["tenantId"], tenant["id"]) == (TENANT, f"/tenants/{TENANT}")


def test_the_regions_include_the_one_where_everything_is() -> None:
    regions = {region["name"]: region["displayName"] for region in listed(f"{SUB}/locations")}

    assert regions["westus"] == "West US"
    assert len(regions) > 1


def test_a_provider_names_its_types_and_their_versions_the_newest_first() -> None:
    provider = Stage().get(NAMESPACE)

    types = {one["resourceType"]: one["apiVersions"] for one in provider["resourceTypes"]}
    assert (provider["namespace"], provider["registrationState"]) == ("Microsoft.Network", "Registered")
    assert types["loadBalancers"] == sorted(types["loadBalancers"], reverse=True)


def test_the_list_of_providers_has_each_of_them_and_registering_one_changes_nothing() -> None:
    stage = Stage()

    names = [one["namespace"] for one in listed(f"{SUB}/providers")]

    assert {"Microsoft.Network", "Microsoft.Compute", "Microsoft.Resources", "Microsoft.Authorization"} <= set(names)
    assert stage.call("POST", f"{NAMESPACE}/register").json() == stage.get(NAMESPACE.lower())
    assert error(stage.call("GET", f"{SUB}/providers/Microsoft.Nothing")) == (404, "InvalidResourceNamespace")


def test_a_type_that_somebody_stored_is_one_that_its_provider_has() -> None:
    stage = Stage()
    stage.put(f"{GROUP}/providers/Contoso.Widgets/gadgets/g", {"location": "westus"})

    (kind,) = stage.get(f"{SUB}/providers/Contoso.Widgets")["resourceTypes"]

    assert kind["resourceType"] == "gadgets"


@pytest.mark.parametrize("path", [f"{SUB}/resources", f"{GROUP}/resources", f"{GROUP.lower()}/RESOURCES"])
def test_all_resources_are_listed_without_their_properties(path: str) -> None:
    found = {one["id"]: one for one in listed(path)}

    assert {LB1, LB2, IP1, IP2} < set(found)
    assert found[LB1]["type"] == "Microsoft.Network/loadBalancers"
    assert "properties" not in found[LB1]


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ("resourceType eq 'microsoft.network/loadbalancers'", [LB1, LB2]),
        ("resourceType eq 'Microsoft.Network/loadBalancers' and name eq 'vipswap1lb'", [LB1]),
        ("resourceGroup eq 'VIPSWAP' and substringof('pip', name)", [IP1, IP2]),
        ("location eq 'eastus'", []),
        ("tagName eq 'a' and tagValue eq 'b'", []),
    ],
)
def test_a_filter_chooses_among_them(filter: str, ids: list[str]) -> None:
    assert sorted(one["id"] for one in listed(f"{SUB}/resources", filter)) == ids


def test_what_is_no_filter_or_no_group_is_refused() -> None:
    stage = Stage()

    bad = stage.send("GET", f"{SUB}/resources?api-version=2022-12-01&$filter=nonsense")

    assert error(bad) == (400, "InvalidFilterInQueryString")
    assert error(stage.call("GET", f"{SUB}/resourceGroups/none/resources")) == (404, "ResourceGroupNotFound")


def test_locks_and_what_lies_within_a_resource_are_no_resources_of_the_list() -> None:
    stage = Stage()
    before = stage.get(f"{SUB}/resources")
    stage.put(f"{LB1}/providers/Microsoft.Authorization/locks/l", {"properties": {"level": "CanNotDelete"}})
    stage.put(f"{GROUP}/providers/Contoso.Widgets/gadgets/g", {"location": "westus"})
    stage.put(f"{GROUP}/providers/Contoso.Widgets/gadgets/g/parts/p", {})

    after = stage.get(f"{SUB}/resources")

    added = [one["type"] for one in after["value"] if one not in before["value"]]
    assert added == ["Contoso.Widgets/gadgets"]


@pytest.mark.parametrize("path", [f"{SUB}/locations", f"{SUB}/resources", f"{SUB}/providers", NAMESPACE, "/tenants"])
def test_they_are_read_only_and_need_a_version_and_a_token(path: str) -> None:
    stage = Stage()

    assert error(stage.call("PUT", path, {})) == (405, "MethodNotAllowed")
    assert error(stage.send("GET", path)) == (400, "MissingApiVersionParameter")
    assert error(stage.call("GET", path, authorization="")) == (401, "AuthenticationFailed")


def test_nothing_can_be_seeded_under_a_provider_itself() -> None:
    stage = Stage()

    answer = stage.send("PUT", "/emulator/state", {"resources": [{"id": NAMESPACE, "properties": {}}]})

    assert answer.status == 400


def test_a_groups_tags_are_replaced_by_themselves() -> None:
    stage = Stage()

    changed = stage.call("PATCH", GROUP, {"tags": {"owner": "me"}})

    assert (changed.status, changed.json()["tags"]) == (200, {"owner": "me"})
    assert stage.get(GROUP)["tags"] == {"owner": "me"}
    assert error(stage.call("PATCH", f"{SUB}/resourceGroups/none", {})) == (404, "ResourceGroupNotFound")
