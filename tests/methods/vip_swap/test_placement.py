"""The float stands exactly where the address is that it stands in for, and nothing goes to another place."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.emulator.stage import address
from tests.methods.vip_swap.lab import GROUP, NETWORK, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, TARGET, Lab
from tests.methods.vip_swap.preflight.worlds import found, frontend, properties
from vipswap_rest.arm.errors import BadRequest, Refused
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.arm.network import create_load_balancer
from vipswap_rest.methods.vip_swap import placement
from vipswap_rest.methods.vip_swap.preflight import Severity
from vipswap_rest.methods.vip_swap.preflight.finding import ERRORS
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Outcome, Side

EDGE = {"name": "microsoftlosangeles1", "type": "EdgeZone"}
OTHER_EDGE = {"name": "microsoftdclabs1", "type": "EdgeZone"}
NAMED_STAGING = replace(TARGET, frontends=(None, "LoadBalancerFrontEnd"))
ALL = (PRODUCTION_LB, STAGING_LB, PRODUCTION_IP, STAGING_IP)


def in_edge_zone(lab: Lab, *ids: str, zone: dict[str, str] = EDGE) -> Lab:
    for id in ids:
        lab.get(id)["extendedLocation"] = dict(zone)
    return lab


def float_of(lab: Lab) -> dict[str, Any]:
    """The body that the float was created with."""
    (body,) = [body for method, path, body in lab.wire.sent if method == "PUT" and "/publicIPAddresses/" in path]
    return dict(json.loads(body))


@pytest.mark.parametrize("opening", [Opening.FLOAT_ON_STAGING, Opening.FLOAT_ON_PRODUCTION])
def test_in_an_edge_zone_the_float_is_there_too(opening: Opening) -> None:
    lab = in_edge_zone(Lab(), *ALL)
    lab.get(STAGING_IP)["zones"] = ["1"]

    report = lab.swap(options=Options(opening=opening))

    made = float_of(lab)
    assert report.outcome is Outcome.SWAPPED
    assert made["extendedLocation"] == EDGE
    assert "zones" not in made


@pytest.mark.parametrize("opening", [Opening.FLOAT_ON_STAGING, Opening.FLOAT_ON_PRODUCTION])
def test_it_is_placed_by_every_part_of_the_one_list(opening: Opening) -> None:
    lab = Lab()
    stands_in_for = STAGING_IP if opening is Opening.FLOAT_ON_STAGING else PRODUCTION_IP
    tags = [{"ipTagType": "RoutingPreference", "tag": "Internet"}, {"ipTagType": "FirstPartyUsage", "tag": "/Sql"}]
    lab.get(stands_in_for).update(location="West US", zones=["3", "1"])
    properties(lab, stands_in_for).update(ipTags=tags)

    lab.swap(options=Options(opening=opening))

    made, source = float_of(lab), lab.get(stands_in_for)
    assert all(part.same(made, source) for part in placement.PARTS)
    assert made["properties"]["ipTags"] == tags


@pytest.mark.parametrize("missing", [None, "absent"])
def test_what_is_missing_or_null_is_what_arm_takes_for_it(missing: str | None) -> None:
    body: dict[str, Any] = {
        "location": "westus",
        "sku": {"name": "Standard"},
        "properties": {"ipTags": [{"tag": None}]},
    }
    if missing is None:
        body |= {"zones": None, "extendedLocation": None, "sku": {"name": "Standard", "tier": None}}
        body["properties"] |= {"publicIPAddressVersion": None}

    made = placement.in_place_of(body)

    assert made["sku"] == {"name": "Standard", "tier": "Regional"}
    assert made["properties"]["publicIPAddressVersion"] == "IPv4"
    assert made["properties"]["ipTags"] == [{}]
    assert not {"zones", "extendedLocation"} & set(made)


@pytest.mark.parametrize(
    ("ids", "zone"),
    [((STAGING_LB, STAGING_IP), EDGE), ((PRODUCTION_LB, PRODUCTION_IP), EDGE), ((STAGING_LB,), OTHER_EDGE)],
)
def test_an_edge_zone_is_another_place_than_its_region_and_than_another_one(
    ids: tuple[str, ...], zone: dict[str, str]
) -> None:
    lab = Lab()
    if zone is OTHER_EDGE:
        in_edge_zone(lab, *ALL)
    in_edge_zone(lab, *ids, zone=zone)

    with pytest.raises(Refused) as told:
        lab.swap()

    assert (told.value.code, told.value.exit_code) == ("RegionMismatch", 4)
    assert zone["name"] in told.value.message
    assert lab.writes() == []


def test_ignored_it_is_arm_that_refuses_and_nothing_is_changed() -> None:
    lab = in_edge_zone(Lab(), STAGING_LB, STAGING_IP)
    before = lab.snapshot()

    for opening in Opening:
        report = lab.swap(options=Options(opening=opening, ignore=frozenset(ERRORS)))

        assert report.exit_code in (1, 5)
        assert "ResourceMayNotReferenceCrossLocationResource" in str(report.error)
        assert {id: body["id"] for id, body in lab.snapshot().items()}.keys() == before.keys()
        assert lab.holds(PRODUCTION_LB) == PRODUCTION_IP


@pytest.mark.parametrize("change", [{"location": "eastus"}, {"extendedLocation": EDGE}])
def test_the_emulator_takes_no_reference_to_another_place(change: dict[str, Any]) -> None:
    lab = Lab()
    id = f"{NETWORK}/publicIPAddresses/other"
    lab.put({"id": id, "name": "other", "location": "westus", **copy.deepcopy(address()), **change})
    body = {
        "location": "westus",
        "sku": {"name": "Standard"},
        "properties": {"frontendIPConfigurations": [{"name": "f", "properties": {"publicIPAddress": {"id": id}}}]},
    }

    with pytest.raises(BadRequest, match=r"InvalidResourceReference|ResourceMayNotReferenceCrossLocationResource"):
        create_load_balancer(lab.client(), ResourceId.parse(f"{NETWORK}/loadBalancers/new"), body)


def odd(lab: Lab) -> None:
    """Every word in another case than ARM's, every location with blanks, every id in capitals."""
    production, staging = lab.get(PRODUCTION_LB), lab.get(STAGING_LB)
    production["location"], staging["location"] = "West US", "WESTUS"
    staging["sku"] = {"name": "standard", "tier": "REGIONAL"}
    lab.get(PRODUCTION_IP).update(sku={"name": "STANDARD", "tier": "regional"}, location="west us")
    properties(lab, STAGING_IP).update(
        publicIPAllocationMethod="static", publicIPAddressVersion="ipv4", provisioningState="succeeded"
    )
    staging["properties"]["provisioningState"] = "SUCCEEDED"
    for ip in (PRODUCTION_IP, STAGING_IP):
        configuration = properties(lab, ip)["ipConfiguration"]
        configuration["id"] = configuration["id"].upper().replace("/SUBSCRIPTIONS", "/subscriptions")
    rule = production["properties"]["loadBalancingRules"][0]["properties"]
    rule["protocol"] = "TCP"
    rule["frontendIPConfiguration"]["id"] = rule["frontendIPConfiguration"]["id"].upper()
    gateway = f"{NETWORK}/loadBalancers/gateway/frontendIPConfigurations/front"
    frontend(lab, PRODUCTION_LB)["gatewayLoadBalancer"] = {"id": gateway}
    frontend(lab, STAGING_LB)["gatewayLoadBalancer"] = {"id": gateway.upper()}


@pytest.mark.parametrize("opening", Opening)
def test_words_locations_and_ids_are_compared_by_what_they_mean(opening: Opening) -> None:
    lab = Lab()
    odd(lab)

    planned = lab.plan()
    report = lab.swap(options=Options(opening=opening))

    assert {finding.code for finding in planned.findings} == {"OutboundAddressChanges", "DnsLabelMoves"}
    assert report.outcome is Outcome.SWAPPED


@pytest.mark.parametrize(
    ("code", "change", "told"),
    [
        ("RoutingPreferenceDiffers", {"ipTags": [{"ipTagType": "routingpreference", "tag": "Internet"}]}, "Internet"),
        ("IpTagsDiffer", {"ipTags": [{"ipTagType": "FirstPartyUsage", "tag": "/Sql"}]}, "FirstPartyUsage=/Sql"),
        ("DdosProtectionMoves", {"ddosSettings": {"protectionMode": "Disabled"}}, "Disabled"),
        ("DdosProtectionMoves", {"ddosSettings": {"ddosProtectionPlan": {"id": f"{GROUP}/plan"}}}, "plan"),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_what_moves_with_an_address_and_differs_is_information(
    code: str, change: dict[str, Any], told: str, side: Side
) -> None:
    lab = Lab()
    properties(lab, PRODUCTION_IP if side is Side.PRODUCTION else STAGING_IP).update(change)

    (finding,) = found(lab, code)

    assert finding.severity is Severity.INFORMATION
    assert told in finding.message


@pytest.mark.parametrize(
    "change",
    [
        {"ipTags": [{"ipTagType": "RoutingPreference", "tag": "Internet"}]},
        {"ddosSettings": {"protectionMode": "Enabled"}},
    ],
)
def test_what_both_have_alike_is_not_mentioned(change: dict[str, Any]) -> None:
    lab = Lab()
    for id in (PRODUCTION_IP, STAGING_IP):
        properties(lab, id).update(copy.deepcopy(change))

    codes = {finding.code for finding in lab.plan().findings}

    assert not codes & {"RoutingPreferenceDiffers", "IpTagsDiffer", "DdosProtectionMoves"}


@pytest.mark.parametrize("refers", ["publicIPPrefix", "publicIPAddress", "subnet"])
def test_zones_go_back_for_frontends_with_a_subnet_only(refers: str) -> None:
    lab = Lab()
    subnet = f"{NETWORK}/virtualNetworks/vipswapvnet/subnets/subnet"
    target = subnet if refers == "subnet" else f"{NETWORK}/publicIPPrefixes/prefix"
    other: dict[str, Any] = {
        "name": "other",
        "id": f"{STAGING_LB}/frontendIPConfigurations/other",
        "zones": ["1", "2", "3"],
        "properties": {refers: {"id": target}},
    }
    if refers == "publicIPAddress":
        other["properties"][refers]["id"] = f"{NETWORK}/publicIPAddresses/third"
    properties(lab, STAGING_LB)["frontendIPConfigurations"].append(other)

    resolved = lab.plan(NAMED_STAGING).resolved
    pair, body = resolved.pair, resolved.observed.load_balancers[Side.STAGING]
    sent = body.with_address(pair.frontends[Side.STAGING], pair.float).body["properties"]["frontendIPConfigurations"]

    assert ("zones" in sent[1]) is (refers == "subnet")
    assert sent[1]["properties"] == other["properties"]
