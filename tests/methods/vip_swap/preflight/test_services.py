"""Preflight's findings on what is served: ports, NAT pools, outbound connections."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from tests.methods.vip_swap.lab import NETWORK, PRODUCTION_LB, STAGING_LB, Lab
from tests.methods.vip_swap.preflight.worlds import NAMED, World, Worlds, found, frontend, properties, rule, serve
from vipswap_rest.emulator.settings import SUBSCRIPTION


def without_nat(lab: Lab) -> None:
    properties(lab, STAGING_LB)["inboundNatPools"] = []


def nat_only(lab: Lab) -> None:
    """The article's own environment: no rule, and NAT pools for everything; staging has lost one of them."""
    properties(lab, PRODUCTION_LB)["loadBalancingRules"] = []
    without_nat(lab)


def ranged_nat(lab: Lab) -> None:
    """Staging serves production's port by a NAT rule of the second kind: port 0 beside a range, as ARM shows it."""
    made = properties(lab, STAGING_LB)
    made["loadBalancingRules"] = []
    held = {"frontendIPConfiguration": {"id": frontend_id(lab, STAGING_LB)}, "protocol": "Tcp", "backendPort": 22}
    ports = {"frontendPort": 0, "frontendPortRangeStart": 9000, "frontendPortRangeEnd": 9010}
    made["inboundNatRules"] = [
        {"name": "range", "id": f"{STAGING_LB}/inboundNatRules/range", "properties": {**held, **ports}}
    ]


def frontend_id(lab: Lab, balancer: str) -> str:
    return str(properties(lab, balancer)["frontendIPConfigurations"][0]["id"])


def floating_nat(lab: Lab) -> None:
    properties(lab, STAGING_LB)["inboundNatPools"][0]["properties"]["enableFloatingIP"] = True


def chained_apart(lab: Lab) -> None:
    """Each frontend to a gateway of its own."""
    for id in (PRODUCTION_LB, STAGING_LB):
        gateway = f"{NETWORK}/loadBalancers/gw-of-{id[-3]}/frontendIPConfigurations/f"
        frontend(lab, id)["gatewayLoadBalancer"] = {"id": gateway}


def chained(*ids: str) -> World:
    def change(lab: Lab) -> None:
        for id in ids:
            frontend(lab, id)["gatewayLoadBalancer"] = {"id": f"{NETWORK}/loadBalancers/gw/frontendIPConfigurations/f"}

    return change


def outbound_rule(lab: Lab) -> None:
    for id in (PRODUCTION_LB, STAGING_LB):
        rule(lab, id)["disableOutboundSnat"] = True
    reference = {"id": f"{PRODUCTION_LB}/FrontendIPConfigurations/LoadBalancerFrontEnd"}
    properties(lab, PRODUCTION_LB)["outboundRules"] = [
        {
            "name": "out",
            "id": f"{PRODUCTION_LB}/outboundRules/out",
            "properties": {"frontendIPConfigurations": [reference]},
        }
    ]


def twin(lab: Lab) -> None:
    """Production has an IPv6 frontend too; it does not say so itself, its address does."""
    address = {"id": f"{NETWORK}/publicIPAddresses/six"}
    lab.put({**address, "name": "six", "location": "westus", "properties": {"publicIPAddressVersion": "IPv6"}})
    properties(lab, PRODUCTION_LB)["frontendIPConfigurations"].append(
        {
            "name": "six",
            "id": f"{PRODUCTION_LB}/frontendIPConfigurations/six",
            "properties": {"publicIPAddress": address},
        }
    )


BOTH_NAMED = replace(NAMED, frontends=("LoadBalancerFrontEnd", "LoadBalancerFrontEnd"))
WORLDS: Worlds = {
    "PortNotServed": [
        serve(PRODUCTION_LB, frontendPort=443),
        serve(PRODUCTION_LB, protocol="Udp"),
        serve(PRODUCTION_LB, protocol="All", frontendPort=0),
        serve(STAGING_LB, frontendIPConfiguration={"id": f"{STAGING_LB}/frontendIPConfigurations/other"}),
        nat_only,
    ],
    "NatPortNotServed": [without_nat],
    "FloatingIp": [
        serve(PRODUCTION_LB, enableFloatingIP=True),
        serve(STAGING_LB, enableFloatingIP=True),
        floating_nat,
    ],
    "GatewayLoadBalancer": [chained(PRODUCTION_LB), chained(STAGING_LB), chained_apart],
    "OtherFrontendStays": [twin],
    "OutboundAddressChanges": [lambda lab: None, outbound_rule],
}


@pytest.mark.parametrize(
    "world",
    [
        serve(STAGING_LB, protocol="All", frontendPort=0),
        lambda lab: (
            properties(lab, STAGING_LB).update(loadBalancingRules=[]),
            properties(lab, STAGING_LB)["inboundNatPools"][1]["properties"].update(
                frontendPortRangeStart=8999, frontendPortRangeEnd=9320
            ),
        ),
        ranged_nat,
    ],
    ids=["a rule for all ports", "a NAT pool's range", "a NAT rule's range"],
)
def test_a_port_is_served_by_whatever_answers_on_it(world: World) -> None:
    lab = Lab()
    world(lab)

    assert found(lab, "PortNotServed") == []


def test_a_smaller_nat_pool_will_do() -> None:
    lab = Lab()
    properties(lab, STAGING_LB)["inboundNatPools"][0]["properties"]["frontendPortRangeEnd"] = 50010

    assert found(lab, "NatPortNotServed") == []


def test_the_message_names_what_is_missing() -> None:
    lab = Lab()
    serve(PRODUCTION_LB, protocol="All", frontendPort=0)(lab)

    (finding,) = found(lab, "PortNotServed")

    assert "TCP ports 1-8999, TCP ports 9001-9199" in finding.message
    assert "all UDP ports" in finding.message


def test_rules_of_another_frontend_do_not_count() -> None:
    lab = Lab()
    twin(lab)
    other = copy.deepcopy(properties(lab, PRODUCTION_LB)["loadBalancingRules"][0])
    other["name"], other["id"] = "six", f"{PRODUCTION_LB}/loadBalancingRules/six"
    other["properties"] |= {
        "frontendIPConfiguration": {"id": f"{PRODUCTION_LB}/frontendIPConfigurations/six"},
        "frontendPort": 443,
        "enableFloatingIP": True,
    }
    properties(lab, PRODUCTION_LB)["loadBalancingRules"].append(other)

    codes = {finding.code for finding in lab.plan(NAMED).findings}

    assert "OtherFrontendStays" in codes
    assert not codes & {"PortNotServed", "FloatingIp"}


def test_two_chained_frontends_are_alike() -> None:
    lab = Lab()
    chained(PRODUCTION_LB, STAGING_LB)(lab)

    assert found(lab, "GatewayLoadBalancer") == []


def test_many_others_are_one_warning_with_their_names_and_the_twin_is_named_as_such() -> None:
    lab = Lab()
    twin(lab)
    for id in (PRODUCTION_LB, STAGING_LB):
        frontends = properties(lab, id)["frontendIPConfigurations"]
        for number in range(4):
            name = f"{id.rpartition('/')[2]}-app{number}"
            address = {"id": f"{NETWORK}/publicIPAddresses/{name}"}
            frontends.append(
                {
                    "name": name,
                    "id": f"{id}/frontendIPConfigurations/{name}",
                    "properties": {"publicIPAddress": address},
                }
            )

    (finding,) = [one for one in lab.plan(BOTH_NAMED).findings if one.code == "OtherFrontendStays"]

    assert all(f"vipswap{side}lb-app{number}" in finding.message for side in (1, 2) for number in range(4))
    assert "six (the IPv6 twin)" in finding.message
    assert finding.message.count("twin") == 1


def test_the_twin_is_known_wherever_its_address_is() -> None:
    lab = Lab()
    twin(lab)
    other = properties(lab, PRODUCTION_LB)["frontendIPConfigurations"][-1]["properties"]["publicIPAddress"]
    body = copy.deepcopy(lab.get(other["id"]))
    lab.core.world.state.remove(other["id"])
    body["id"] = other["id"] = other["id"].replace(SUBSCRIPTION, "00000000-1111-1111-1111-111111111111")
    lab.put(body)

    (finding,) = found(lab, "OtherFrontendStays")

    assert "the IPv6 twin" in finding.message


def test_outbound_connections_of_both_sides_are_one_warning() -> None:
    (finding,) = found(Lab(), "OutboundAddressChanges")

    assert "vipswap1lb (production" in finding.message
    assert "vipswap2lb (staging" in finding.message


def test_the_message_names_both_gateways() -> None:
    lab = Lab()
    chained_apart(lab)

    (finding,) = found(lab, "GatewayLoadBalancer")

    assert "gw-of-1" in finding.message
    assert "gw-of-2" in finding.message
