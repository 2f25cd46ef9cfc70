"""Preflight's findings on the load balancers and addresses themselves."""

from __future__ import annotations

import pytest

from tests.methods.vip_swap.lab import NETWORK, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Lab
from tests.methods.vip_swap.preflight.worlds import Worlds, frontend, properties, put
from vipswap_rest.arm.errors import Refused
from vipswap_rest.methods.vip_swap.run import Options


def basic(lab: Lab) -> None:
    for id in (PRODUCTION_LB, STAGING_LB, PRODUCTION_IP, STAGING_IP):
        lab.get(id)["sku"] = {"name": "Basic", "tier": "Regional"}


def prefixed(lab: Lab) -> None:
    found = frontend(lab, STAGING_LB)
    del found["publicIPAddress"]
    found["publicIPPrefix"] = {"id": f"{NETWORK}/publicIPPrefixes/prefix"}


WORLDS: Worlds = {
    "BasicSku": [basic],
    "ZonesDiffer": [put(PRODUCTION_IP, zones=["1", "2", "3"])],
    "DnsLabelMoves": [lambda lab: None],
    "DdosProtectionMoves": [
        lambda lab: properties(lab, PRODUCTION_IP).update(ddosSettings={"protectionMode": "Enabled"})
    ],
    "RoutingPreferenceDiffers": [
        lambda lab: properties(lab, STAGING_IP).update(ipTags=[{"ipTagType": "RoutingPreference", "tag": "Internet"}])
    ],
    "IpTagsDiffer": [
        lambda lab: properties(lab, STAGING_IP).update(ipTags=[{"ipTagType": "FirstPartyUsage", "tag": "/Sql"}])
    ],
    "LoadBalancerFailed": [lambda lab: properties(lab, STAGING_LB).update(provisioningState="Failed")],
    "LoadBalancerBusy": [lambda lab: properties(lab, STAGING_LB).update(provisioningState="Updating")],
    "PublicIpFailed": [lambda lab: properties(lab, STAGING_IP).update(provisioningState="Failed")],
    "PublicIpBusy": [lambda lab: properties(lab, STAGING_IP).update(provisioningState="Updating")],
    "RegionMismatch": [
        put(STAGING_LB, location="eastus"),
        put(STAGING_IP, location="eastus"),
        put(PRODUCTION_LB, extendedLocation={"name": "microsoftlosangeles1", "type": "EdgeZone"}),
        put(PRODUCTION_IP, extendedLocation={"name": "microsoftlosangeles1", "type": "EdgeZone"}),
    ],
    "SkuMismatch": [
        put(STAGING_LB, sku={"name": "Basic", "tier": "Regional"}),
        put(STAGING_IP, sku={"name": "Standard", "tier": "Global"}),
    ],
    "AddressVersionMismatch": [lambda lab: properties(lab, STAGING_IP).update(publicIPAddressVersion="IPv6")],
    "DynamicAllocation": [lambda lab: properties(lab, STAGING_IP).update(publicIPAllocationMethod="Dynamic")],
    "AddressElsewhere": [
        lambda lab: properties(lab, STAGING_IP).pop("ipConfiguration"),
        lambda lab: properties(lab, STAGING_IP).update({"natGateway": {"id": f"{NETWORK}/natGateways/somebody"}}),
    ],
}


def test_a_frontend_with_a_prefix_is_refused_and_says_that_it_cannot_be_ignored() -> None:
    lab = Lab()
    prefixed(lab)

    with pytest.raises(Refused) as plain:
        lab.plan()
    with pytest.raises(Refused) as insisted:
        lab.plan(options=Options(ignore=frozenset({"PublicIpPrefix"})))

    assert plain.value.code == insisted.value.code == "PublicIpPrefix"
    assert "cannot be ignored" not in plain.value.message
    assert "cannot be ignored" in insisted.value.message
