"""PUT, PATCH and DELETE of load balancers, and what ARM refuses in one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import (
    FLOAT,
    FRONTEND1,
    FRONTEND2,
    IP1,
    IP2,
    LB1,
    LB2,
    NETWORK,
    Json,
    Stage,
    address,
    error,
    said,
    without_etags,
)
from vipswap_rest.emulator import Settings


def test_an_update_with_members_is_updating_with_operation_and_pause_and_no_location() -> None:
    stage = Stage()

    answer = stage.put(LB1, stage.get(LB1))

    assert answer.status == 200
    assert answer.json()["properties"]["provisioningState"] == "Updating"
    assert "/operations/" in answer.headers["Azure-AsyncOperation"]
    assert "Location" not in answer.headers
    assert answer.headers["Retry-After"] == "10"


@pytest.mark.parametrize("sku", ["Basic", "Standard"])
def test_an_update_without_members_is_succeeded_with_operation_and_without_pause(sku: str) -> None:
    stage = Stage()
    stage.put(FLOAT, address() if sku == "Standard" else lb.basic_address())
    stage.settle()
    lb.make(stage, lb.balancer(FLOAT, sku={"name": sku}))

    answer = stage.put(lb.OTHER, stage.get(lb.OTHER))

    assert answer.json()["properties"]["provisioningState"] == "Succeeded"
    assert "Retry-After" not in answer.headers
    assert stage.status(answer) == "Succeeded"
    assert "Retry-After" not in stage.follow(answer).headers


def test_a_creation_is_201_and_the_same_again_200() -> None:
    stage = Stage()
    body = lb.balancer(stage.make_address())

    statuses = [stage.put(lb.OTHER, body).status, stage.put(lb.OTHER, body).status]

    assert statuses == [201, 200]


def test_a_load_balancer_of_the_global_tier_is_updating_without_members() -> None:
    stage = Stage()
    sku = {"name": "Standard", "tier": "Global"}

    answer = stage.put(lb.OTHER, lb.balancer(stage.make_address(sku=sku), sku=sku))

    assert answer.json()["properties"]["provisioningState"] == "Updating"


def test_taking_the_last_members_away_is_updating() -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["backendAddressPools"] = []
    body["properties"]["loadBalancingRules"] = []

    assert stage.put(LB1, body).json()["properties"]["provisioningState"] == "Updating"


def test_the_children_are_updating_and_bear_the_same_etag() -> None:
    stage = Stage()

    body = stage.put(LB1, stage.get(LB1)).json()

    for kind in ("frontendIPConfigurations", "backendAddressPools", "loadBalancingRules", "probes", "inboundNatPools"):
        for child in body["properties"][kind]:
            assert (child["etag"], child["properties"]["provisioningState"]) == (body["etag"], "Updating")


def test_what_a_get_shows_can_be_put_back_and_nothing_changes() -> None:
    stage = Stage()
    before = stage.get(LB1)

    stage.put(LB1, before)
    stage.settle()

    assert without_etags(stage.get(LB1)) == without_etags(before)


def test_only_the_reference_changes_when_a_frontend_gets_another_address() -> None:
    stage = Stage()
    before, made = stage.get(LB1), stage.make_address()

    stage.put_address(LB1, made)
    stage.settle()

    after = stage.get(LB1)
    assert after["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] == {"id": made}
    after["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"]["id"] = IP1
    assert without_etags(after) == without_etags(before)


def test_a_public_ip_shows_its_new_owner_as_soon_as_the_put_is_accepted() -> None:
    stage = Stage()
    stage.make_address()

    stage.put_address(LB1, FLOAT)

    assert stage.get(FLOAT)["properties"]["ipConfiguration"] == {"id": FRONTEND1}
    assert "ipConfiguration" not in stage.get(IP1)["properties"]


@pytest.mark.parametrize("release", ["complete", "accept"])
def test_another_load_balancer_gets_a_released_address_when_the_setting_says(release: str) -> None:
    stage = Stage(Settings(latency="blog", release=release))
    stage.put_address(LB2, stage.make_address())
    body = stage.with_address(LB1, IP2)

    at_once = stage.put(LB1, body)
    stage.clock.advance(26)
    later = stage.put(LB1, body)

    if release == "accept":
        assert at_once.status == 200
    else:
        assert error(at_once) == (400, "PublicIPAddressInUse")
        assert f"already allocated to resource {FRONTEND2}" in said(at_once)
        assert stage.get(LB1)["properties"]["provisioningState"] == "Updating"
    assert later.status == 200


def test_an_address_in_use_is_refused_and_nothing_changes() -> None:
    stage = Stage()
    before = stage.state()

    answer = stage.put_address(LB1, IP2)

    assert error(answer) == (400, "PublicIPAddressInUse")
    assert said(answer) == (
        f"Resource {FRONTEND1} is referencing public IP address {IP2} "
        f"that is already allocated to resource {FRONTEND2}."
    )
    assert stage.state() == before
    assert stage.events() == []


def test_an_address_of_a_network_interface_is_in_use_too() -> None:
    stage = Stage()
    nic = f"{NETWORK}/networkInterfaces/nic/ipConfigurations/one"
    body = stage.get(stage.make_address())
    body["properties"]["ipConfiguration"] = {"id": nic}
    stage.seed(body)

    assert said(stage.put_address(LB1, FLOAT)).endswith(f"already allocated to resource {nic}.")


def test_a_load_balancer_may_take_back_what_it_is_giving_up() -> None:
    stage = Stage()
    stage.put_address(LB1, stage.make_address())

    assert stage.put_address(LB1, IP1).status == 200


def test_one_address_on_two_frontends_is_refused() -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["frontendIPConfigurations"].append(lb.child("second", publicIPAddress={"id": IP1}))

    answer = stage.put(LB1, body)

    assert error(answer) == (400, "PublicIPReferencedByMultipleIPConfigs")
    assert said(answer) == f"Public ip address {IP1} is referenced by multiple ipconfigs in resource {LB1}."


@pytest.mark.parametrize("address_property", ["absent", "null"])
def test_a_frontend_without_an_address_is_refused(address_property: str) -> None:
    stage = Stage()
    body = stage.with_address(LB1, None)
    if address_property == "null":
        body["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] = None

    answer = stage.put(LB1, body)

    assert error(answer) == (400, "FrontendIPConfigHasNoSubnetOrPublicIP")
    assert (
        said(answer) == f"Frontend IP Configuration {FRONTEND1} must reference either a Subnet or a Public IP Address."
    )


@pytest.mark.parametrize(("balancer", "its"), [("Basic", "Standard"), ("Standard", "Basic")])
def test_an_address_of_another_sku_is_refused(balancer: str, its: str) -> None:
    stage = Stage()
    stage.put(FLOAT, address() if its == "Standard" else lb.basic_address())
    stage.settle()

    answer = stage.put(lb.OTHER, lb.balancer(FLOAT, sku={"name": balancer}))

    assert error(answer) == (400, "PublicIPAndLBSkuDoNotMatch")
    assert said(answer) == f"{balancer} sku load balancer {lb.OTHER} cannot reference {its} sku publicIP {FLOAT}."


def test_zones_on_a_public_frontend_are_refused() -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["frontendIPConfigurations"][0]["zones"] = ["1", "2"]

    answer = stage.put(LB1, body)

    assert error(answer) == (400, "ResourceAvailabilityZonesCannotBeModified")
    assert f"Resource {FRONTEND1} has an existing" in said(answer)


def test_an_address_that_is_not_there_is_an_invalid_reference() -> None:
    stage = Stage()

    assert error(stage.put_address(LB1, f"{NETWORK}/publicIPAddresses/none")) == (400, "InvalidResourceReference")
    assert error(stage.put_address(LB1, LB2)) == (400, "InvalidResourceReference")


def test_an_address_of_another_region_is_an_invalid_reference() -> None:
    stage = Stage()

    assert error(stage.put_address(LB1, stage.make_address(location="eastus"))) == (400, "InvalidResourceReference")


@pytest.mark.parametrize("state", ["Updating", "Failed"])
def test_an_address_that_is_not_provisioned_is_429(state: str) -> None:
    stage = Stage()
    body = stage.get(stage.make_address())
    body["properties"]["provisioningState"] = state
    stage.seed(body)

    answer = stage.put_address(LB1, FLOAT)

    assert error(answer) == (429, "RetryableError")
    assert "Retry-After" not in answer.headers
    detail = answer.json()["error"]["details"][0]
    assert detail["code"] == "ReferencedResourceNotProvisioned"
    assert f"Resource is in {state} state" in detail["message"]


def test_an_address_that_is_still_being_made_is_429() -> None:
    stage = Stage(Settings(latency="blog", reference_provisioning="refuse"))
    stage.put(FLOAT, address())

    answer = stage.put_address(LB1, FLOAT)

    assert error(answer) == (429, "RetryableError")
    assert (
        f"resource {FLOAT} used by resource {LB1} is not in Succeeded"
        in answer.json()["error"]["details"][0]["message"]
    )
    assert "Retry-After" not in answer.headers
    stage.clock.advance(3)
    assert stage.put_address(LB1, FLOAT).status == 200


def test_a_rule_must_refer_to_the_load_balancers_own_children() -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["loadBalancingRules"][0]["properties"]["frontendIPConfiguration"]["id"] = FRONTEND2

    assert error(stage.put(LB1, body)) == (400, "InvalidResourceReference")


@pytest.mark.parametrize("word", [" Succeeded ", "succeeded", "", None])
def test_an_address_that_has_succeeded_is_taken_however_the_word_is_spelt(word: str | None) -> None:
    stage = Stage()
    address = stage.emulator.world.state.get(IP1)
    assert address is not None
    address["properties"]["provisioningState"] = word
    body = stage.get(LB1)

    assert stage.put(LB1, body).status == 200


@pytest.mark.parametrize("name", ["a/b", "/subscriptions/x", "..", "a b", "x" * 81])
def test_a_child_bears_a_name_that_a_resource_may_bear(name: str) -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["backendAddressPools"].append({"name": name})

    assert error(stage.put(LB1, body)) == (400, "InvalidResourceName")


def test_two_children_of_one_name_are_refused() -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["backendAddressPools"].append({"name": "BEPOOL"})

    answer = stage.put(LB1, body)

    assert error(answer) == (400, "InvalidRequestFormat")
    assert answer.json()["error"]["details"] == [
        {
            "code": "DuplicateResourceName",
            "message": "Resource /subscriptions//resourceGroups//providers/Microsoft.Network/loadBalancers/ "
            "has two child resources with the same name (BEPOOL).",
        }
    ]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"properties": []}, "properties"),
        ({"properties": {"frontendIPConfigurations": {}}}, "properties.frontendIPConfigurations"),
        ({"properties": {"frontendIPConfigurations": [3]}}, "properties.frontendIPConfigurations[0]"),
        ({"properties": {"frontendIPConfigurations": [{}]}}, "properties.frontendIPConfigurations[0]"),
        ({"properties": {"probes": [lb.child("a", port="80")]}}, "properties.probes[0].properties.port"),
        ({"properties": {"probes": [lb.child("a", port=True)]}}, "properties.probes[0].properties.port"),
        ({"sku": "Standard"}, "sku"),
    ],
)
def test_a_body_of_the_wrong_form_is_400_and_names_the_place(wrong: Json, path: str) -> None:
    answer = Stage().put(lb.OTHER, {"location": "westus", **wrong})

    assert error(answer) == (400, "InvalidRequestFormat")
    assert f"'{path}'" in answer.json()["error"]["details"][0]["message"]


@pytest.mark.parametrize("place", [None, "", 3])
def test_a_location_is_required(place: Any) -> None:
    assert error(Stage().put(lb.OTHER, {"location": place, "properties": {}})) == (400, "LocationRequired")


def test_a_load_balancer_cannot_move() -> None:
    stage = Stage()

    assert error(stage.put(LB1, {**stage.get(LB1), "location": "eastus"})) == (409, "InvalidResourceLocation")
    assert stage.put(LB1, {**stage.get(LB1), "location": "West US"}).status == 200


def test_tags_are_patched_at_once_and_without_an_operation() -> None:
    stage = Stage()
    etag = stage.get(LB1)["etag"]

    answer = stage.call("PATCH", LB1, {"tags": {"a": "b"}})

    assert (answer.status, answer.json()["tags"]) == (200, {"a": "b"})
    assert answer.json()["properties"]["provisioningState"] == "Succeeded"
    assert not {"Azure-AsyncOperation", "Location", "Retry-After"} & set(answer.headers)
    assert stage.get(LB1)["etag"] != etag
    assert stage.events() == []


def test_a_deletion_is_202_without_a_body_then_204_by_its_location() -> None:
    stage = Stage()

    answer = stage.call("DELETE", LB1)
    running = stage.follow(answer, "Location")
    stage.settle()
    ended = stage.follow(answer, "Location")

    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (202, b"", "10")
    assert answer.headers["Location"] == answer.headers["Azure-AsyncOperation"].replace(
        "/operations/", "/operationResults/"
    )
    assert (running.status, running.headers["Retry-After"], ended.status) == (202, "10", 204)
    assert error(stage.call("GET", LB1)) == (404, "ResourceNotFound")
    assert stage.call("DELETE", LB1).status == 204


def test_a_deletion_gives_the_addresses_back() -> None:
    stage = Stage()
    stage.call("DELETE", LB1)
    stage.settle()

    assert "ipConfiguration" not in stage.get(IP1)["properties"]
    assert stage.put_address(LB2, IP1).status == 200


def test_a_load_balancer_that_is_being_deleted_cannot_be_put() -> None:
    stage = Stage()
    body = stage.get(LB1)
    stage.call("DELETE", LB1)

    assert stage.get(LB1)["properties"]["provisioningState"] == "Deleting"
    assert error(stage.put(LB1, body)) == (409, "AnotherOperationInProgress")
    assert stage.call("DELETE", LB1).status == 202


def test_a_frontend_has_no_put_of_its_own() -> None:
    stage = Stage()

    assert stage.get(FRONTEND1)["properties"]["publicIPAddress"] == {"id": IP1}
    assert error(stage.put(FRONTEND1, stage.get(FRONTEND1))) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("version", ["2018-08-01", "2019-09-01", "2021-02-01", "2024-03-01"])
def test_what_only_an_old_version_shows_does_not_stay_when_it_is_sent_back(version: str) -> None:
    stage = Stage()
    before = stage.get(LB1)

    assert stage.call("PUT", LB1, stage.get(LB1, version), version).status == 200
    stage.settle()

    assert without_etags(stage.get(LB1)) == without_etags(before)
