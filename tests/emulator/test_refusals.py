"""What ARM refuses in load balancers and addresses, and what it accepts although it looks odd."""

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
    NATIVE,
    NETWORK,
    Json,
    Stage,
    address,
    error,
    said,
)
from tests.emulator.test_native_swap import goal
from vipswap_rest.emulator import Settings

SUBNET = {"id": f"{NETWORK}/virtualNetworks/vipswapvnet/subnets/subnet"}
FIRST = "properties.frontendIPConfigurations[0].properties"


def with_frontend(stage: Stage, **changes: Any) -> Json:
    """vipswap1lb with its frontend's properties changed."""
    body = stage.get(LB1)
    body["properties"]["frontendIPConfigurations"][0]["properties"].update(changes)
    return body


def details(body: Json) -> list[tuple[str, str]]:
    return [(one["code"], one["message"]) for one in body["error"]["details"]]


@pytest.mark.parametrize("key", ["publicIPAddress", "subnet", "publicIPPrefix"])
@pytest.mark.parametrize("empty", [{}, {"id": None}, {"name": "x"}])
def test_a_reference_without_an_id_is_refused_and_strips_nobody_of_an_address(key: str, empty: Json) -> None:
    stage = Stage()
    before = stage.state()

    answer = stage.put(LB1, with_frontend(stage, **{key: empty}))

    assert error(answer) == (400, "InvalidRequestFormat")
    assert details(answer.json()) == [
        ("MissingJsonReferenceId", f"Value for reference id is missing. Path {FIRST}.{key}.")
    ]
    assert stage.state() == before


@pytest.mark.parametrize("kind", ["loadBalancingRules", "inboundNatPools"])
def test_a_rules_reference_needs_its_id_too(kind: str) -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"][kind][0]["properties"]["frontendIPConfiguration"] = {}

    assert details(stage.put(LB1, body).json())[0][0] == "MissingJsonReferenceId"


def test_a_subnet_and_an_address_together_are_refused() -> None:
    stage = Stage()

    answer = stage.put(LB1, with_frontend(stage, subnet=SUBNET))

    assert error(answer) == (400, "FrontendIPConfigHasBothSubnetAndPublicIP")
    assert FRONTEND1 in said(answer)


@pytest.mark.parametrize("state", ["Failed", "Canceled"])
def test_an_attached_address_that_failed_blocks_its_load_balancer_until_it_is_put_again(state: str) -> None:
    stage = Stage()
    body = stage.get(IP1)
    body["properties"]["provisioningState"] = state
    stage.seed(body)

    refused = [stage.put(LB1, stage.get(LB1)), stage.call("POST", NATIVE, goal_of_both())]
    put = stage.put(IP1, stage.get(IP1))
    stage.settle()
    taken = stage.put(LB1, stage.get(LB1))

    for answer in refused:
        assert error(answer) == (429, "RetryableError")
        [(code, message)] = details(answer.json())
        assert code == "ReferencedResourceNotProvisioned"
        assert (
            f"resource {IP1} used by resource {LB1} is not in Succeeded state. Resource is in {state} state" in message
        )
    assert (put.status, put.json()["properties"]["provisioningState"], taken.status) == (200, "Updating", 200)


def goal_of_both() -> Json:
    return goal((FRONTEND1, IP2), (FRONTEND1.replace("vipswap1lb", "vipswap2lb"), IP1))


@pytest.mark.parametrize(
    ("sku", "present", "wanted"),
    [
        ({"name": "Basic"}, "Standard", "Basic"),
        ({"name": "Gateway"}, "Standard", "Gateway"),
        ({"name": "Standard", "tier": "Global"}, "Regional", "Global"),
    ],
)
def test_a_load_balancer_keeps_its_sku(sku: Json, present: str, wanted: str) -> None:
    stage = Stage()

    answer = stage.put(LB1, {**stage.get(LB1), "sku": sku})

    assert error(answer) == (400, "SkuCannotBeChangedOnUpdate")
    assert said(answer) == (
        f"Sku property is set at creation time and cannot be changed from {present} to {wanted} on resource update for "
        f"resource {LB1}."
    )


@pytest.mark.parametrize("sku", [{"name": "standard", "tier": "regional"}, {"name": "Standard"}, None])
def test_the_same_sku_in_other_words_is_no_change(sku: Json | None) -> None:
    stage = Stage()

    assert stage.put(LB1, {**stage.get(LB1), "sku": sku}).status == 200


NAT = {"frontendIPConfiguration": {"id": FRONTEND1}, "protocol": "Tcp", "backendPort": 22}
COLLISIONS = [
    ("loadBalancingRules", lb.rule("second", 9000, LB1)),
    ("loadBalancingRules", lb.rule("second", 9000, LB1, protocol="All")),
    ("loadBalancingRules", lb.rule("second", 50001, LB1)),
    ("inboundNatRules", lb.child("ssh", frontendPort=9000, **NAT)),
    ("inboundNatRules", lb.child("ssh", frontendPort=50120, **NAT)),
    ("inboundNatRules", lb.child("ssh", frontendPort=0, frontendPortRangeStart=8990, frontendPortRangeEnd=9000, **NAT)),
    ("inboundNatPools", lb.nat_pool("pool3", 8000, 60000, 22, LB1)),
]


@pytest.mark.parametrize(("kind", "child"), COLLISIONS)
def test_two_rules_of_one_frontend_protocol_and_port_are_refused(kind: str, child: Json) -> None:
    stage = Stage()

    answer = stage.put(LB1, with_child(stage, kind, child))

    assert error(answer) == (400, "RulesUseSameFrontendPortProtocolAndFrontendIPConfig")
    assert f"/{kind}/{child['name']}" in said(answer)


def with_child(stage: Stage, kind: str, child: Json) -> Json:
    """vipswap1lb with one child more, which refers to what is there."""
    text = child["properties"]
    text["frontendIPConfiguration"] = {"id": FRONTEND1}
    if "backendAddressPool" in text:
        text["backendAddressPool"] = {"id": f"{LB1}/backendAddressPools/bepool"}
        text["probe"] = {"id": f"{LB1}/probes/tcp9000"}
    body = stage.get(LB1)
    body["properties"].setdefault(kind, []).append(child)
    return body


@pytest.mark.parametrize(
    ("kind", "child"),
    [
        ("loadBalancingRules", lb.rule("second", 9000, LB1, protocol="Udp")),
        ("loadBalancingRules", lb.rule("second", 9001, LB1)),
        ("inboundNatRules", lb.child("ssh", frontendPortRangeStart=500, frontendPortRangeEnd=510, **NAT)),
        ("inboundNatRules", lb.child("ssh", frontendPort=0, frontendPortRangeStart=0, frontendPortRangeEnd=3, **NAT)),
    ],
)
def test_rules_that_do_not_meet_are_accepted_and_a_range_may_begin_at_0(kind: str, child: Json) -> None:
    stage = Stage()

    answer = stage.put(LB1, with_child(stage, kind, child))

    assert answer.status == 200, answer.body
    found = {one["name"]: one["properties"] for one in answer.json()["properties"][kind]}
    asked = child["properties"]
    assert {key: found[child["name"]][key] for key in asked if key != "probe"} == {
        key: value for key, value in asked.items() if key != "probe"
    }


def test_what_seeded_rules_with_one_port_have_is_refused_at_the_next_put_only() -> None:
    stage = Stage()
    body = with_child(stage, "loadBalancingRules", lb.rule("second", 9000, LB1))
    stage.seed(body)

    assert stage.get(LB1) == body
    assert stage.put(LB1, body).status == 400


def test_a_frontend_shows_its_addresses_zones_whatever_way_it_got_it() -> None:
    stage = Stage()
    zonal, redundant = (
        stage.make_address(f"{FLOAT}{n}", zones=zones) for n, zones in ((1, ["1"]), (2, ["1", "2", "3"]))
    )

    seen = []
    for balancer, one in ((LB1, zonal), (LB1, redundant), (LB1, IP1), (LB2, zonal), (LB1, redundant)):
        body = stage.with_address(balancer, one)
        # Sent back they are refused.
        body["properties"]["frontendIPConfigurations"][0].pop("zones", None)
        assert stage.put(balancer, body).status == 200
        stage.settle()
        seen.append(stage.get(balancer)["properties"]["frontendIPConfigurations"][0].get("zones"))
    swapped = stage.call(
        "POST", NATIVE, goal((FRONTEND1, zonal), (FRONTEND1.replace("vipswap1lb", "vipswap2lb"), redundant))
    )
    after = [stage.get(one)["properties"]["frontendIPConfigurations"][0]["zones"] for one in (LB1, LB2)]

    assert seen == [["1"], ["1", "2", "3"], None, ["1"], ["1", "2", "3"]]
    assert (swapped.status, after) == (202, [["1"], ["1", "2", "3"]])


def test_an_address_in_two_zones_is_in_all_three() -> None:
    stage = Stage()
    made = stage.make_address(zones=["1", "2"])

    assert stage.get(made)["zones"] == ["1", "2", "3"]
    assert stage.put(made, address(zones=["1", "2"])).status == 200
    older = stage.call("PUT", f"{FLOAT}2", address(zones=["1", "2"]), version="2019-09-01")
    assert error(older) == (400, "ResourceCannotHaveMultipleZonesSpecified")


def test_two_zones_that_were_seeded_stay() -> None:
    stage = Stage()
    body = {**stage.get(stage.make_address(zones=["1", "2"])), "zones": ["2", "1"]}
    stage.seed(body)

    assert stage.put(FLOAT, {**body, "tags": {"a": "b"}}).json()["zones"] == ["2", "1"]


def test_a_basic_ipv6_address_is_dynamic() -> None:
    stage = Stage()
    sku = {"name": "Basic"}

    answer = stage.put(FLOAT, address(sku=sku, publicIPAddressVersion="ipv6"))

    assert error(answer) == (400, "CannotSpecifyPublicIpAllocationMethodAsStaticForIpV6PublicIp")
    dynamic = address(sku=sku, publicIPAddressVersion="IPv6", publicIPAllocationMethod="Dynamic")
    assert stage.put(FLOAT, dynamic).status == 201
    assert stage.put(f"{FLOAT}2", address(publicIPAddressVersion="IPv6")).status == 201


ZONE = {"name": "losangeles", "type": "EdgeZone"}


@pytest.mark.parametrize(
    ("its", "mine", "status"),
    [
        (ZONE, None, 400),
        (None, ZONE, 400),
        (ZONE, {**ZONE, "name": "perth"}, 400),
        (ZONE, {**ZONE, "name": "LosAngeles"}, 200),
    ],
)
def test_a_reference_across_places_is_refused(its: Json | None, mine: Json | None, status: int) -> None:
    stage = Stage()
    made = stage.make_address()
    stage.seed({**stage.get(made), "extendedLocation": its})
    body = {**stage.with_address(LB1, made), "extendedLocation": mine}

    answer = stage.put(LB1, body)

    assert answer.status == status, answer.body
    if status == 400:
        assert error(answer) == (400, "ResourceMayNotReferenceCrossLocationResource")


def test_a_missing_address_is_named_as_arm_names_it() -> None:
    stage = Stage()

    answer = stage.put_address(LB1, f"{NETWORK}/publicIPAddresses/none")

    shown = f"{NETWORK}/publicIPAddresses/NONE".replace("/resourceGroups/vipswap", "/resourceGroups/VIPSWAP")
    assert error(answer) == (400, "InvalidResourceReference")
    assert said(answer).startswith(f"Resource {shown} referenced by resource {LB1} was not found. ")
    assert details(answer.json()) == [("NotFound", f"Resource {shown} not found.")]


def test_an_address_from_a_prefix_that_is_not_there_is_404() -> None:
    stage = Stage()
    prefix = f"{NETWORK}/publicIPPrefixes/none"

    answer = stage.put(FLOAT, address(publicIPPrefix={"id": prefix}))

    assert error(answer) == (404, "NotFound")
    assert said(answer) == f"Resource {prefix} not found."


@pytest.mark.parametrize(
    ("settings", "accepted"),
    [
        ({"latency": "blog"}, True),
        ({"latency": "instant"}, True),
        ({"latency": "standard"}, False),
        ({"latency": "standard", "reference_provisioning": "accept"}, True),
        ({"latency": "blog", "reference_provisioning": "refuse"}, False),
    ],
)
def test_whether_an_address_still_being_made_is_taken_is_a_setting(settings: dict[str, Any], accepted: bool) -> None:
    stage = Stage(Settings(**settings))
    stage.put(FLOAT, address())

    answer = stage.put_address(LB1, FLOAT)

    assert answer.status == (200 if accepted else 429), answer.body


def test_a_load_balancer_waits_for_the_address_that_it_was_given_too_early() -> None:
    stage = Stage()
    stage.fault({"delay_operation_s": 100}, method="PUT", path="/float")
    made, put = stage.put(FLOAT, address()), stage.put_address(LB1, FLOAT)

    stage.clock.advance(102)
    during = [stage.status(one) for one in (made, put)]
    stage.clock.advance(1)

    assert (during, [stage.status(one) for one in (made, put)]) == (["InProgress"] * 2, ["Succeeded"] * 2)
    assert stage.get(FLOAT)["properties"]["ipConfiguration"]["id"] == FRONTEND1
