"""What ARM adds to, keeps of and leaves out of a body: the table, and what comes of it through the API."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.emulator import balancers as lb
from tests.emulator.stage import FLOAT, LB1, NETWORK, Json, Stage
from vipswap_rest.emulator.types import bodies
from vipswap_rest.emulator.types.body_table import TABLE, UNDOCUMENTED, Row
from vipswap_rest.emulator.types.load_balancers import parts as load_balancer

NEWEST = "2026-03-01"
SUBNET = f"{NETWORK}/virtualNetworks/vipswapvnet/subnets/subnet"


def parts(body: Json, kind: str) -> list[Json]:
    """The properties of a load balancer's children of that kind."""
    return [child["properties"] for child in body["properties"][kind]]


def internal(name: str = "front", **more: Any) -> Json:
    return lb.child(name, subnet={"id": SUBNET}, **more)


def shown(stage: Stage, id: str, kind: str, key: str, versions: list[str]) -> list[bool]:
    """Whether the first child of that kind has the property, by api-version."""
    return [key in parts(stage.get(id, version), kind)[0] for version in versions]


def full(stage: Stage, **more: Any) -> str:
    """A Standard load balancer with a child of every kind."""
    made: Json = {
        "loadBalancingRules": [lb.rule("http", 80)],
        "probes": lb.PROBES,
        "inboundNatPools": [lb.nat_pool("ssh", 50000, 50120, 22)],
        "outboundRules": [lb.outbound("out")],
    }
    return lb.make(stage, lb.balancer(stage.make_address(), **{**made, **more}))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kind.rpartition('/')[2]}-{row.key}")
def test_a_row_says_where_it_is_from_and_is_whole(row: Row) -> None:
    assert row.source.split(" ")[0].rstrip(",:") in ("recorded", "documented", "inferred")
    assert (row.server is None) or (row.adds is None and row.shown_by(""))
    # A version that once showed what the newest hides is asked without the SKU at hand.
    assert row.current or (row.adds is not None and row.basic)
    ends = [version for span in row.shown for version in span]
    assert [one for one in ends if one] == sorted(one for one in ends if one)


def test_most_rows_have_a_recording_behind_them() -> None:
    recorded = [row for row in TABLE if row.source.startswith("recorded")]

    assert len(recorded) >= 0.85 * len(TABLE)


def test_the_newest_api_version_shows_the_body_that_is_kept() -> None:
    stage = Stage()
    body = stage.get(full(stage))

    assert bodies.render(body, NEWEST) is body
    assert not [key for key in UNDOCUMENTED if f"'{key}'" in str(body)]


@given(st.sampled_from(sorted({version for row in TABLE for span in row.shown for version in span if version})))
@settings(derandomize=True, deadline=None)
def test_what_an_api_version_shows_is_shown_the_same_when_it_is_sent_back(version: str) -> None:
    stage = Stage()
    id = full(stage)
    before, newest = stage.get(id, version), stage.get(id)

    answer = stage.call("PUT", id, before, version=version)
    stage.settle()

    assert answer.status == 200, answer.body
    ours = ("etag", "provisioningState")
    assert without(stage.get(id, version), ours) == without(before, ours)
    assert without(stage.get(id), ours) == without(newest, ours)


def without(body: Any, names: tuple[str, ...]) -> Any:
    if isinstance(body, dict):
        return {name: without(value, names) for name, value in body.items() if name not in names}
    return [without(item, names) for item in body] if isinstance(body, list) else body


def test_basic_ones_have_no_members_no_outbound_rules_and_no_ddos_settings() -> None:
    stage = Stage()
    stage.put(FLOAT, lb.basic_address(ddosSettings={"protectionMode": "VirtualNetworkInherited"}))
    stage.settle()
    pool = lb.child("pool", loadBalancerBackendAddresses=[])
    id = lb.make(
        stage,
        lb.balancer(
            FLOAT,
            sku=lb.BASIC,
            backendAddressPools=[pool],
            loadBalancingRules=[lb.rule("http", 80, disableOutboundSnat=False)],
            probes=lb.PROBES,
            outboundRules=[],
        ),
    )

    body = stage.get(id)

    assert "ddosSettings" not in stage.get(FLOAT)["properties"]
    assert "outboundRules" not in body["properties"]
    assert "loadBalancerBackendAddresses" not in parts(body, "backendAddressPools")[0]
    assert "disableOutboundSnat" not in parts(body, "loadBalancingRules")[0]


def test_what_says_more_than_the_default_is_kept_whatever_the_sku() -> None:
    found = bodies.complete(load_balancer.RULES, {"disableOutboundSnat": True}, {}, basic=True)

    assert found["disableOutboundSnat"] is True


@pytest.mark.parametrize(
    ("kind", "key", "versions", "wanted"),
    [
        (
            "loadBalancingRules",
            "enableDestinationServiceEndpoint",
            ["2017-10-01", "2018-01-01", "2025-03-01"],
            [0, 1, 1],
        ),
        ("inboundNatPools", "allowBackendPortConflict", ["2017-10-01", "2020-11-01", NEWEST], [0, 1, 0]),
        ("loadBalancingRules", "disableOutboundSnat", ["2018-11-01", "2020-11-01", NEWEST], [1, 1, 1]),
        ("loadBalancingRules", "backendAddressPools", ["2018-11-01", "2023-04-01"], [0, 1]),
        ("probes", "probeThreshold", ["2022-01-01", "2023-04-01", NEWEST], [0, 1, 1]),
        ("outboundRules", "allocationPolicy", ["2021-08-01", "2022-01-01", "2023-04-01"], [0, 1, 1]),
        (
            "frontendIPConfigurations",
            "privateIPAddressVersion",
            ["2018-11-01", "2019-09-01", "2020-11-01", "2021-02-01", "2022-01-01", "2022-05-01", NEWEST],
            [0, 1, 0, 1, 0, 0, 0],
        ),
    ],
)
def test_a_property_is_shown_by_the_api_versions_that_were_recorded_with_it(
    kind: str, key: str, versions: list[str], wanted: list[int]
) -> None:
    stage = Stage()
    id = full(stage)

    assert shown(stage, id, kind, key, versions) == [bool(one) for one in wanted]


def test_ddos_settings_are_shown_from_2022_05_on() -> None:
    stage = Stage()
    stage.make_address()

    found = ["ddosSettings" in stage.get(FLOAT, version)["properties"] for version in ("2022-01-01", "2022-05-01")]

    assert found == [False, True]


def test_a_part_read_by_itself_or_in_a_list_is_shown_as_in_the_whole() -> None:
    stage = Stage()
    id = full(stage)
    for version in ("2017-10-01", "2019-09-01", "2022-01-01", "2023-04-01", NEWEST):
        whole = stage.get(id, version)["properties"]
        for kind in load_balancer.COLLECTIONS:
            assert stage.get(f"{id}/{kind}", version)["value"] == whole[kind]
            for child in whole[kind]:
                assert stage.get(child["id"], version) == child


def test_outbound_rules_have_ports_and_their_pool_lists_them_once() -> None:
    stage = Stage()
    body = stage.get(full(stage), "2023-04-01")

    made, pool, front = (
        parts(body, kind)[0] for kind in ("outboundRules", "backendAddressPools", "frontendIPConfigurations")
    )

    assert made["allocatedOutboundPorts"] == 1024
    assert made["allocationPolicy"] == {"onDemandAllocation": False, "portReuse": "FirstAvailable"}
    assert "outboundRule" not in pool
    assert pool["outboundRules"] == front["outboundRules"] == [lb.part("outboundRules", "out")]


def test_a_nat_rule_without_a_protocol_is_tcp() -> None:
    stage = Stage()
    asked = {"frontendIPConfiguration": lb.part("frontendIPConfigurations", "front"), "frontendPort": 28}
    id = full(stage, inboundNatRules=[lb.child("ssh", backendPort=22, **asked)])

    found = parts(stage.get(id), "inboundNatRules")[0]

    assert found["protocol"] == "Tcp"
    assert "frontendPortRangeStart" not in found


def test_a_nat_rule_of_the_second_kind_shows_its_range_and_port_0() -> None:
    asked = {"backendPort": 3, "frontendPortRangeStart": 0, "frontendPortRangeEnd": 3}

    found = bodies.complete(load_balancer.NAT_RULES, asked, {}, basic=False)

    added = {"protocol": "Tcp", "enableFloatingIP": False, "idleTimeoutInMinutes": 4, "enableTcpReset": False}
    assert found == {**asked, **added, "frontendPort": 0}


def test_a_word_reads_back_in_arms_own_case() -> None:
    stage = Stage()
    probe = lb.child("alive", protocol="http", port=80, requestPath="/")
    id = full(
        stage, probes=[probe], loadBalancingRules=[lb.rule("one", 80, protocol="tcp", loadDistribution="sourceip")]
    )

    body = stage.get(id)

    assert parts(body, "probes")[0]["protocol"] == "Http"
    assert parts(body, "loadBalancingRules")[0].items() >= {"protocol": "Tcp", "loadDistribution": "SourceIP"}.items()


def test_members_given_by_their_address_are_children_that_follow_their_load_balancer() -> None:
    stage = Stage()
    network = {"id": f"{NETWORK}/virtualNetworks/vipswapvnet"}
    member = lb.child("one", ipAddress="10.0.0.9", virtualNetwork={**network, "properties": {"sent": "whole"}})
    pool = f"{LB1}/backendAddressPools/byaddress"

    made = stage.put(pool, {"properties": {"loadBalancerBackendAddresses": [member]}}).json()
    stage.settle()
    found = stage.get(pool)

    (before,), (after,) = (one["properties"]["loadBalancerBackendAddresses"] for one in (made, found))
    assert before["properties"]["provisioningState"] == made["properties"]["provisioningState"] == "Updating"
    assert after == {
        "name": "one",
        "id": f"{pool}/loadBalancerBackendAddresses/one",
        "etag": found["etag"],
        "type": "Microsoft.Network/loadBalancers/backendAddressPools/loadBalancerBackendAddresses",
        "properties": {"ipAddress": "10.0.0.9", "virtualNetwork": network, "provisioningState": "Succeeded"},
    }


def test_a_member_without_a_name_stays_as_it_was_sent() -> None:
    stage = Stage()
    pool = f"{LB1}/backendAddressPools/byaddress"

    made = stage.put(pool, {"properties": {"loadBalancerBackendAddresses": [{}]}})

    assert made.json()["properties"]["loadBalancerBackendAddresses"] == [{}]


def test_a_member_that_is_another_load_balancers_frontend_has_its_public_address() -> None:
    stage = Stage()
    regional = stage.get(LB1)["properties"]["frontendIPConfigurations"][0]
    address = stage.get(regional["properties"]["publicIPAddress"]["id"])["properties"]["ipAddress"]
    member = lb.child("one", loadBalancerFrontendIPConfiguration={"id": regional["id"]})
    pool = lb.child("pool", loadBalancerBackendAddresses=[member])
    sku = {"name": "Standard", "tier": "Global"}
    made = stage.make_address(sku=sku)

    id = lb.make(stage, lb.balancer(made, sku=sku, backendAddressPools=[pool]))

    (found,) = parts(stage.get(id), "backendAddressPools")[0]["loadBalancerBackendAddresses"]
    assert found["properties"]["ipAddress"] == address


def test_a_frontend_in_a_subnet_gets_an_address_of_it_and_keeps_it() -> None:
    stage = Stage()
    fronts = [
        internal("one"),
        internal("two"),
        internal("three", privateIPAllocationMethod="Static", privateIPAddress="10.0.0.5"),
    ]
    id = lb.make(stage, lb.balancer(FLOAT, frontendIPConfigurations=fronts))

    first = parts(stage.get(id), "frontendIPConfigurations")
    again = lb.balancer(FLOAT, frontendIPConfigurations=list(reversed(fronts)))
    stage.put(id, again)
    stage.settle()
    second = parts(stage.get(id), "frontendIPConfigurations")

    assert [one["privateIPAddress"] for one in first] == ["10.0.0.4", "10.0.0.6", "10.0.0.5"]
    assert [one["privateIPAddress"] for one in second] == ["10.0.0.5", "10.0.0.6", "10.0.0.4"]
    assert {one["privateIPAddressVersion"] for one in second} == {"IPv4"}


def test_two_load_balancers_in_a_subnet_have_two_addresses() -> None:
    stage = Stage()
    ids = [lb.make(stage, lb.balancer(FLOAT, frontendIPConfigurations=[internal()]), f"{lb.OTHER}{n}") for n in (1, 2)]

    found = [parts(stage.get(id), "frontendIPConfigurations")[0]["privateIPAddress"] for id in ids]

    assert found == ["10.0.0.4", "10.0.0.5"]


def test_a_tunnel_has_its_port_when_the_operation_is_done() -> None:
    tunnels = [{"identifier": 900, "protocol": "VXLAN", "type": "Internal"}, {"identifier": 901, "type": "External"}]
    stage = Stage()
    pool = lb.child("pool", tunnelInterfaces=tunnels)
    balancer = lb.balancer(FLOAT, sku={"name": "Gateway"}, frontendIPConfigurations=[internal()])

    id = lb.make(stage, {**balancer, "properties": {**balancer["properties"], "backendAddressPools": [pool]}})

    found = parts(stage.get(id), "backendAddressPools")[0]["tunnelInterfaces"]
    assert [one["port"] for one in found] == [10800, 10801]


def test_an_addresss_owners_are_not_a_puts_affair() -> None:
    stage = Stage()
    gateway = {"id": f"{NETWORK}/natGateways/gateway"}
    body = stage.get(stage.make_address())
    stage.seed({**body, "properties": {**body["properties"], "natGateway": gateway}})

    sent = lb.address(ipAddress="1.2.3.4", ipConfiguration={"id": "/none"})
    answer = stage.put(FLOAT, sent)

    found = answer.json()["properties"]
    assert (found["natGateway"], found["ipAddress"]) == (gateway, body["properties"]["ipAddress"])
    assert "ipConfiguration" not in found
