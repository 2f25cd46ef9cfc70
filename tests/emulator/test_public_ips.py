"""PUT, PATCH and DELETE of public IPs, and what ARM refuses in one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import (
    FLOAT,
    FRONTEND1,
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
from vipswap_rest.emulator import Emulator, Settings


def test_a_creation_is_201_and_updating_with_operation_and_a_short_pause() -> None:
    stage = Stage()

    answer = stage.put(FLOAT, address())

    assert (answer.status, answer.json()["properties"]["provisioningState"]) == (201, "Updating")
    assert "/operations/" in answer.headers["Azure-AsyncOperation"]
    assert "Location" not in answer.headers
    assert answer.headers["Retry-After"] == "1"


def test_a_static_address_is_there_once_its_creation_has_succeeded() -> None:
    stage = Stage()
    answer = stage.put(FLOAT, address())
    during = stage.get(FLOAT)["properties"]

    stage.clock.advance(3)

    assert (during["provisioningState"], "ipAddress" in during) == ("Updating", False)
    assert stage.status(answer) == "Succeeded"
    after = stage.get(FLOAT)["properties"]
    assert (after["provisioningState"], "ipAddress" in after) == ("Succeeded", True)


def test_every_address_is_another_one() -> None:
    stage = Stage()
    made = [stage.make_address(f"{FLOAT}{number}") for number in range(20)]

    addresses = [stage.get(one)["properties"]["ipAddress"] for one in [*made, IP1, IP2]]

    assert len(set(addresses)) == 22


def test_an_update_that_changes_nothing_is_succeeded_without_a_pause() -> None:
    stage = Stage()

    answer = stage.put(IP1, stage.get(IP1))

    assert (answer.status, answer.json()["properties"]["provisioningState"]) == (200, "Succeeded")
    assert "Retry-After" not in answer.headers
    assert stage.status(answer) == "Succeeded"


def test_an_update_keeps_the_address_and_its_owner() -> None:
    stage = Stage()
    before = stage.get(IP1)

    answer = stage.put(IP1, {**before, "tags": {"a": "b"}})
    stage.settle()

    assert answer.json()["properties"]["provisioningState"] == "Updating"
    assert without_etags(stage.get(IP1)) == without_etags({**before, "tags": {"a": "b"}})


def test_what_only_the_server_says_is_accepted_and_ignored() -> None:
    stage = Stage()
    lies: Json = {"ipAddress": "198.51.100.7", "ipConfiguration": {"id": FRONTEND1}, "resourceGuid": "x"}

    body = stage.get(stage.make_address(**lies))

    assert "ipConfiguration" not in body["properties"]
    assert body["properties"]["ipAddress"] != "198.51.100.7"
    assert body["properties"]["resourceGuid"] != "x"


def test_tags_are_patched_at_once_and_without_an_operation() -> None:
    stage = Stage()

    answer = stage.call("PATCH", IP1, {"tags": {"a": "b"}})

    assert (answer.status, answer.json()["tags"]) == (200, {"a": "b"})
    assert answer.json()["properties"]["provisioningState"] == "Succeeded"
    assert not {"Azure-AsyncOperation", "Location", "Retry-After"} & set(answer.headers)


@pytest.mark.parametrize(("wrong", "code"), [([], "InvalidRequestContent"), ({"tags": 3}, "InvalidRequestFormat")])
def test_tags_must_be_an_object(wrong: Any, code: str) -> None:
    assert error(Stage().call("PATCH", IP1, wrong)) == (400, code)


def test_patching_what_is_not_there_is_404() -> None:
    assert error(Stage().call("PATCH", FLOAT, {"tags": {}})) == (404, "ResourceNotFound")


def test_an_address_in_use_cannot_be_deleted() -> None:
    stage = Stage()

    answer = stage.call("DELETE", IP1)

    assert error(answer) == (400, "PublicIPAddressCannotBeDeleted")
    assert said(answer).startswith(
        f"Public IP address {IP1} can not be deleted since it is still allocated to resource {FRONTEND1}. "
    )
    assert stage.get(IP1)["properties"]["provisioningState"] == "Succeeded"


def test_an_address_cannot_be_deleted_while_it_is_being_taken_off() -> None:
    stage = Stage()
    stage.put_address(LB1, stage.make_address())

    refused = stage.call("DELETE", IP1)
    stage.clock.advance(26)

    assert error(refused) == (400, "PublicIPAddressCannotBeDeleted")
    assert stage.call("DELETE", IP1).status == 202


def test_an_address_of_a_nat_gateway_cannot_be_deleted() -> None:
    stage = Stage()
    gateway = f"{NETWORK}/natGateways/one"
    body = stage.get(stage.make_address())
    body["properties"]["natGateway"] = {"id": gateway}
    stage.seed(body)

    assert f"allocated to resource {gateway}." in said(stage.call("DELETE", FLOAT))


def test_a_deletion_is_202_without_a_body_then_204_by_its_location() -> None:
    stage = Stage()
    answer = stage.call("DELETE", stage.make_address())
    deleting, running = stage.get(FLOAT), stage.follow(answer, "Location")

    stage.clock.advance(11)

    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (202, b"", "10")
    assert deleting["properties"]["provisioningState"] == "Deleting"
    assert (running.status, running.headers["Retry-After"]) == (202, "10")
    assert stage.follow(answer, "Location").status == 204
    assert error(stage.call("GET", FLOAT)) == (404, "ResourceNotFound")
    assert stage.call("DELETE", FLOAT).status == 204


def test_an_address_that_is_being_deleted_cannot_be_used() -> None:
    stage = Stage()
    stage.call("DELETE", stage.make_address())

    assert error(stage.put_address(LB1, FLOAT)) == (429, "RetryableError")
    assert error(stage.put(FLOAT, address())) == (409, "AnotherOperationInProgress")
    assert error(stage.call("PATCH", FLOAT, {"tags": {}})) == (409, "AnotherOperationInProgress")


@pytest.mark.parametrize(("before", "after"), [(None, ["1"]), (["1"], None), (["1"], ["2"]), (["1", "2", "3"], ["1"])])
def test_zones_are_fixed_at_creation(before: list[str] | None, after: list[str] | None) -> None:
    stage = Stage()
    stage.make_address(zones=before)

    answer = stage.put(FLOAT, address(zones=after))

    assert error(answer) == (400, "ResourceAvailabilityZonesCannotBeModified")
    assert f"constraint {', '.join(before or ['NoZone'])} and" in said(answer)


def test_a_standard_address_must_be_static() -> None:
    answer = Stage().put(FLOAT, address(publicIPAllocationMethod="Dynamic"))

    assert error(answer) == (400, "StandardSkuPublicIPAddressesMustBeStatic")


def basic(stage: Stage, method: str) -> str:
    """A Basic load balancer on an address of that method; the address's path."""
    stage.put(FLOAT, lb.basic_address(publicIPAllocationMethod=method))
    stage.settle()
    lb.make(stage, lb.balancer(FLOAT, sku=lb.BASIC))
    return FLOAT


def test_an_address_in_use_does_not_become_dynamic() -> None:
    stage = Stage()
    basic(stage, "Static")

    answer = stage.put(FLOAT, lb.basic_address(publicIPAllocationMethod="Dynamic"))

    assert error(answer) == (400, "PublicIPAddressInUseCannotUpdateToDynamic")


def test_an_address_in_use_does_not_get_another_sku() -> None:
    stage = Stage()
    basic(stage, "Static")

    status, code = error(stage.put(FLOAT, address()))

    assert status == 400
    assert code.startswith("PublicIPAddressInUseCannotUpdate")


def test_a_dynamic_address_goes_when_it_is_taken_off_and_its_label_stays() -> None:
    stage = Stage()
    label = {"domainNameLabel": "label"}
    stage.put(FLOAT, lb.basic_address(dnsSettings=label))
    spare = f"{FLOAT}2"
    stage.put(spare, lb.basic_address())
    stage.settle()
    lb.make(stage, lb.balancer(FLOAT, sku=lb.BASIC))
    lb.with_members(stage)
    stage.put(lb.OTHER, stage.get(lb.OTHER))
    stage.settle()
    before = stage.get(FLOAT)["properties"]

    stage.put_address(lb.OTHER, spare)
    stage.settle()

    after = stage.get(FLOAT)["properties"]
    assert ("ipAddress" in before, "ipAddress" in after) == (True, False)
    assert after["dnsSettings"]["fqdn"] == "label.westus.cloudapp.azure.com"
    assert "ipAddress" in stage.get(spare)["properties"]


def test_a_static_address_and_its_label_stay_when_it_is_taken_off() -> None:
    stage = Stage()
    before = stage.get(IP1)["properties"]

    stage.put_address(LB1, stage.make_address())
    stage.settle()

    after = stage.get(IP1)["properties"]
    assert (after["ipAddress"], after["dnsSettings"]) == (before["ipAddress"], before["dnsSettings"])


def test_a_label_is_taken_only_once_in_a_region() -> None:
    stage = Stage()

    answer = stage.put(FLOAT, address(dnsSettings={"domainNameLabel": "vipswap1lb"}))

    assert error(answer) == (400, "DnsRecordInUse")


@pytest.mark.parametrize(
    "wrong",
    [
        {"properties": {"idleTimeoutInMinutes": 31}},
        {"properties": {"idleTimeoutInMinutes": "4"}},
        {"properties": {"dnsSettings": {"domainNameLabel": "under_score"}}},
        {"properties": {"dnsSettings": "label"}},
        {"zones": "1"},
        {"zones": [1]},
        {"properties": "none"},
        {"tags": []},
    ],
)
def test_a_body_that_cannot_be_is_400_and_nothing_is_made(wrong: Json) -> None:
    stage = Stage()

    assert stage.put(FLOAT, {**address(), **wrong}).status == 400
    assert stage.call("GET", FLOAT).status == 404


def test_a_failed_address_is_made_good_by_another_put() -> None:
    stage = Stage()
    body = stage.get(stage.make_address())
    stage.seed({**body, "properties": {**body["properties"], "provisioningState": "Failed"}})
    refused = stage.put_address(LB2, FLOAT)

    stage.put(FLOAT, body)
    stage.settle()

    assert error(refused) == (429, "RetryableError")
    assert stage.put_address(LB2, FLOAT).status == 200


def test_null_counts_as_absent() -> None:
    stage = Stage(Settings())

    answer = stage.put(FLOAT, {**address(ipTags=None, dnsSettings=None), "zones": None, "tags": None})

    assert answer.status == 201
    assert answer.json()["properties"]["ipTags"] == []
    assert not {"zones", "tags"} & set(answer.json())


def small() -> Stage:
    """An emulator that has six addresses to give, two of which are taken."""
    stage = Stage()
    stage.emulator = Emulator(Settings(latency="blog"), stage.clock, "127.64.9.0/29")
    return stage


def addresses(stage: Stage) -> list[str]:
    found = [body for body in stage.state().values() if "/publicIPAddresses/" in body["id"]]
    return [body["properties"]["ipAddress"] for body in found if "ipAddress" in body["properties"]]


def test_more_addresses_than_there_are_is_refused_and_one_given_back_makes_room() -> None:
    stage = small()
    for number in range(4):
        assert stage.put(f"{FLOAT}{number}", address()).status == 201

    refused = stage.put(FLOAT, address())
    stage.settle()
    assert sorted(addresses(stage)) == [f"127.64.9.{number}" for number in range(1, 7)]
    stage.call("DELETE", f"{FLOAT}2")
    stage.settle()

    assert error(refused) == (400, "PublicIPCountLimitReached")
    assert stage.put(FLOAT, address()).status == 201
    assert stage.put(f"{FLOAT}6", address(publicIPAddressVersion="IPv6")).status == 201


def test_seeded_addresses_beyond_all_there_are_get_none_and_break_nothing() -> None:
    stage = small()
    stage.seed(*({**address(), "id": f"{FLOAT}{number}"} for number in range(9)))

    for number in range(9):
        stage.put(f"{FLOAT}{number}", address(idleTimeoutInMinutes=5))
    stage.settle()

    assert len(set(addresses(stage))) == 6
