"""Nothing but two ids changes: on a large load balancer, with things in it that nobody here has heard of."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.methods.vip_swap.lab import PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, TARGET, Lab, exchanged
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.report import Outcome

OUTSIDE = {"futureSetting": {"mode": "Quantum", "depth": [1, 2, {"unknown": None}]}}


def enlarge(body: dict[str, Any]) -> None:
    """Give a load balancer 100 rules, outbound rules, more frontends, tags, and properties of the future."""
    id, properties = body["id"], body["properties"]
    frontend = {"id": f"{id}/frontendIPConfigurations/LoadBalancerFrontEnd"}
    pool, probe = {"id": f"{id}/backendAddressPools/bepool"}, {"id": f"{id}/probes/tcp9000"}
    rules = properties["loadBalancingRules"]
    for number in range(99):
        rule = copy.deepcopy(rules[0])
        rule["name"], rule["id"] = f"rule{number}", f"{id}/loadBalancingRules/rule{number}"
        rule["properties"] |= {
            "frontendPort": 10000 + number,
            "probe": probe,
            "loadDistribution": "SourceIP",
            "disableOutboundSnat": True,
            "futureRuleSetting": number,
        }
        rules.append(rule)
    properties["outboundRules"] = [
        {
            "name": "out",
            "id": f"{id}/outboundRules/out",
            "type": "Microsoft.Network/loadBalancers/outboundRules",
            "properties": {
                "allocatedOutboundPorts": 1024,
                "protocol": "All",
                "enableTcpReset": True,
                "idleTimeoutInMinutes": 10,
                "frontendIPConfigurations": [frontend],
                "backendAddressPool": pool,
                "provisioningState": "Succeeded",
            },
        }
    ]
    properties |= OUTSIDE
    body["tags"] = {"owner": "blue team", "Cost-Center": "4711"}
    body["futureTopLevel"] = {"a": 1}


def large_lab(settings: Settings | None = None) -> Lab:
    lab = Lab(settings or Settings(latency="blog"))
    for id in (PRODUCTION_LB, STAGING_LB):
        body = copy.deepcopy(lab.get(id))
        enlarge(body)
        lab.put(body)
    return lab


@pytest.mark.parametrize("opening", Opening)
def test_a_large_load_balancer_comes_out_with_two_ids_changed(opening: Opening) -> None:
    lab = large_lab()
    # What ARM derives (a frontend lists its rules) is made by a first write of the same, so that only the swap differs.
    lab.swap()
    lab.swap()
    before = lab.snapshot()
    assert len(before[PRODUCTION_LB]["properties"]["loadBalancingRules"]) == 100
    assert before[PRODUCTION_LB]["properties"]["futureSetting"] == {"mode": "Quantum", "depth": [1, 2, {}]}

    report = lab.swap(options=Options(opening=opening))

    assert report.outcome is Outcome.SWAPPED
    assert lab.snapshot() == exchanged(before)


def test_a_write_sends_back_what_was_read_but_for_one_id() -> None:
    lab = large_lab()
    before = copy.deepcopy(lab.get(STAGING_LB))

    lab.swap()

    sent = json.loads(next(body for method, path, body in lab.wire.sent if method == "PUT" and path == STAGING_LB))
    expected = copy.deepcopy(before)
    float_ = sent["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"]["id"]
    expected["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] = {"id": float_}
    assert sent == expected
    assert "vipswap-float-" in float_


def test_zones_of_public_frontends_are_left_out_of_a_write_and_those_of_internal_ones_sent() -> None:
    lab = Lab()
    for id in (PRODUCTION_LB, STAGING_LB):
        frontends = lab.get(id)["properties"]["frontendIPConfigurations"]
        frontends[0]["zones"] = ["1", "2", "3"]
        # A public frontend's zones are its address's.
        lab.get(frontends[0]["properties"]["publicIPAddress"]["id"])["zones"] = ["1", "2", "3"]
        internal = {"privateIPAddress": "10.0.0.4", "privateIPAllocationMethod": "Static", "subnet": {"id": "/s"}}
        frontends.append(
            {"name": "inner", "id": f"{id}/frontendIPConfigurations/inner", "zones": ["1"], "properties": internal}
        )

    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED
    for id in (PRODUCTION_LB, STAGING_LB):
        public, inner = lab.get(id)["properties"]["frontendIPConfigurations"]
        assert (public["zones"], inner["zones"]) == (["1", "2", "3"], ["1"])


def test_one_of_several_frontends_is_swapped_and_the_others_stay() -> None:
    lab = Lab()
    other_ip = PRODUCTION_IP.replace("vipswap1pip", "otherpip")
    other = copy.deepcopy(lab.get(PRODUCTION_IP))
    frontend_id = f"{PRODUCTION_LB}/frontendIPConfigurations/other"
    other |= {"id": other_ip, "name": "otherpip"}
    other["properties"] |= {"ipConfiguration": {"id": frontend_id}, "ipAddress": "203.0.113.77"}
    del other["properties"]["dnsSettings"]
    second = {"name": "other", "id": frontend_id, "properties": {"publicIPAddress": {"id": other_ip}}}
    lab.get(PRODUCTION_LB)["properties"]["frontendIPConfigurations"].insert(0, second)
    lab.put(other)

    report = lab.swap(replace(TARGET, frontends=("LoadBalancerFrontEnd", None)))

    assert report.outcome is Outcome.SWAPPED
    held = [
        item["properties"]["publicIPAddress"]["id"]
        for item in lab.get(PRODUCTION_LB)["properties"]["frontendIPConfigurations"]
    ]
    assert held == [other_ip, STAGING_IP]


def test_frontends_show_the_zones_of_the_addresses_that_they_hold_now() -> None:
    lab = Lab()
    for id, zones in ((PRODUCTION_IP, ["1", "2", "3"]), (STAGING_IP, ["2"])):
        lab.get(id)["zones"] = zones
    for id, zones in ((PRODUCTION_LB, ["1", "2", "3"]), (STAGING_LB, ["2"])):
        lab.get(id)["properties"]["frontendIPConfigurations"][0]["zones"] = zones

    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED
    shown = [lab.get(id)["properties"]["frontendIPConfigurations"][0]["zones"] for id in (PRODUCTION_LB, STAGING_LB)]
    assert shown == [["2"], ["1", "2", "3"]]


def test_nat_rules_with_a_range_are_written_back_as_they_are_and_their_ports_count_as_served() -> None:
    lab = Lab()
    for id, last in ((PRODUCTION_LB, 510), (STAGING_LB, 520)):
        made = lab.get(id)["properties"]
        made["inboundNatRules"] = [
            {
                "name": "range",
                "id": f"{id}/inboundNatRules/range",
                "properties": {
                    "frontendIPConfiguration": {"id": made["frontendIPConfigurations"][0]["id"]},
                    "backendAddressPool": {"id": made["backendAddressPools"][0]["id"]},
                    "protocol": "Tcp",
                    "frontendPort": 0,
                    "frontendPortRangeStart": 500,
                    "frontendPortRangeEnd": last,
                    "backendPort": 22,
                },
            }
        ]

    report = lab.swap()

    assert report.outcome is Outcome.SWAPPED
    for id, last in ((PRODUCTION_LB, 510), (STAGING_LB, 520)):
        [rule] = lab.get(id)["properties"]["inboundNatRules"]
        found = rule["properties"]
        ports = found["frontendPort"], found["frontendPortRangeStart"], found["frontendPortRangeEnd"]
        assert ports == (0, 500, last)
