"""Which address leads where, by the core alone: the data plane follows operations, the model does not wait for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import FLOAT, FRONTEND1, FRONTEND2, GROUP, IP1, IP2, LB1, LB2, NATIVE, Json, Stage
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.data_plane.desired import Route

FAILURE: Json = {"fail_operation": {"code": "InternalServerError", "message": "no"}}
EXCHANGE = {
    "frontendIPConfigurations": [
        {"id": frontend, "properties": {"publicIPAddress": {"id": public_ip}}}
        for frontend, public_ip in ((FRONTEND1, IP2), (FRONTEND2, IP1))
    ]
}
BEFORE = {IP1: LB1, IP2: LB2}


def leads(stage: Stage) -> dict[str, str]:
    """The load balancer that each public IP leads to, by ids."""
    stage.admin("timeline")
    return {route.public_ip: route.resource for route in table(stage).values()}


def table(stage: Stage) -> Mapping[str, Route]:
    """Where every address leads now."""
    return stage.emulator.world.routes.table(stage.clock.time)


def ports(stage: Stage, public_ip: str) -> dict[int, str]:
    """The ports that one public IP answers on, with whose name."""
    (found,) = [one for one in table(stage).values() if one.public_ip == public_ip]
    return {port: member.text for port, service in found.ports.items() for member in service.members}


def made(stage: Stage) -> Stage:
    stage.make_address()
    return stage


def stage_of(**settings: Any) -> Stage:
    return made(Stage(Settings(latency="blog", **settings)))


def test_at_the_start_each_address_leads_to_its_load_balancer() -> None:
    stage = Stage()

    assert leads(stage) == BEFORE
    assert ports(stage, IP1) == {9000: "vipswap1lb"}


@pytest.mark.parametrize("down", ["accept", "complete"])
@pytest.mark.parametrize("up", ["accept", "complete"])
def test_the_settings_say_when_an_address_goes_and_when_one_comes(down: str, up: str) -> None:
    stage = stage_of(data_plane_down=down, data_plane_up=up)

    stage.put_address(LB1, FLOAT)

    old: dict[str, str] = {IP1: LB1} if down == "complete" else {}
    new: dict[str, str] = {FLOAT: LB1} if up == "accept" else {}
    assert leads(stage) == {IP2: LB2, **old, **new}
    stage.clock.advance(22.4)
    assert leads(stage) == {IP2: LB2, **old, **new}
    stage.clock.advance(0.1)
    assert leads(stage) == {IP2: LB2, FLOAT: LB1}


def test_the_native_swap_takes_both_off_and_puts_both_on() -> None:
    stage = stage_of()

    stage.call("POST", NATIVE, EXCHANGE)

    assert leads(stage) == {}
    stage.settle()
    assert leads(stage) == {IP1: LB2, IP2: LB1}


def test_an_address_released_at_accept_may_be_taken_and_comes_up_when_that_completes() -> None:
    stage = stage_of(release="accept")
    stage.put_address(LB2, FLOAT)
    stage.put_address(LB1, IP2)

    assert leads(stage) == {}
    stage.clock.advance(22.5)
    assert leads(stage) == {FLOAT: LB2}
    stage.clock.advance(7)
    assert leads(stage) == {FLOAT: LB2, IP2: LB1}


@pytest.mark.parametrize("effect", [FAILURE, {**FAILURE, "restore": True}, {"cancel_operation": True}])
@pytest.mark.parametrize("down", ["accept", "complete"])
@pytest.mark.parametrize("up", ["accept", "complete"])
def test_an_operation_that_fails_leaves_everything_as_it_was(effect: Json, down: str, up: str) -> None:
    stage = stage_of(data_plane_down=down, data_plane_up=up)
    stage.fault(effect, method="PUT", path="vipswap1lb")

    stage.put_address(LB1, FLOAT)
    assert (IP1 in leads(stage)) is (down == "complete")
    stage.settle()

    assert leads(stage) == BEFORE


def test_the_same_body_again_after_a_failure_goes_through_with_it() -> None:
    stage = stage_of()
    stage.fault(FAILURE, method="PUT", path="vipswap1lb")
    stage.put_address(LB1, FLOAT)
    stage.settle()
    assert leads(stage) == BEFORE

    stage.put(LB1, stage.get(LB1))

    assert leads(stage) == {IP2: LB2}
    stage.settle()
    assert leads(stage) == {IP2: LB2, FLOAT: LB1}


def test_an_address_of_a_failed_load_balancer_may_go_to_another_one_which_takes_its_traffic() -> None:
    stage = stage_of()
    stage.fault(FAILURE, method="PUT", path="vipswap1lb")
    stage.put_address(LB1, FLOAT)
    stage.settle()

    stage.put_address(LB2, IP1)
    assert leads(stage) == {}
    stage.settle()

    assert leads(stage) == {IP1: LB2}


def test_what_a_superseded_operation_took_off_stays_off_until_the_next_one_completes() -> None:
    stage = stage_of()
    stage.put_address(LB1, FLOAT)
    stage.clock.advance(5)

    stage.put_address(LB1, IP1)

    assert leads(stage) == {IP2: LB2}
    stage.settle()
    assert leads(stage) == BEFORE


def test_when_both_the_superseded_and_the_next_operation_come_to_nothing_all_is_as_before_them() -> None:
    stage = stage_of()
    stage.put_address(LB1, FLOAT)
    stage.fault(FAILURE, method="PUT", path="vipswap1lb")
    stage.put(LB1, stage.get(LB1))
    assert leads(stage) == {IP2: LB2}
    stage.settle()

    assert leads(stage) == BEFORE


def test_an_update_that_moves_no_address_touches_no_traffic() -> None:
    stage = Stage()

    stage.put(LB1, {**stage.get(LB1), "tags": {"a": "b"}})
    assert leads(stage) == BEFORE
    stage.settle()

    assert leads(stage) == BEFORE


def test_a_deleted_load_balancer_answers_no_more_and_a_deletion_that_fails_changes_nothing() -> None:
    stage = Stage()
    stage.fault(FAILURE, method="DELETE")
    stage.call("DELETE", LB1)
    assert leads(stage) == {IP2: LB2}
    stage.settle()
    assert leads(stage) == BEFORE

    stage.call("DELETE", LB1)
    stage.settle()

    assert leads(stage) == {IP2: LB2}


def test_a_deleted_group_takes_its_traffic_with_it() -> None:
    stage = Stage()
    stage.call("DELETE", GROUP)
    stage.settle()

    assert leads(stage) == {}


def test_reset_brings_back_the_traffic_of_the_start() -> None:
    stage = stage_of()
    stage.put_address(LB1, FLOAT)

    stage.send("POST", "/emulator/reset")

    assert leads(stage) == BEFORE


def test_each_frontend_has_the_ports_of_its_own_tcp_rules() -> None:
    stage = made(Stage())
    second = stage.make_address(f"{FLOAT}2")
    unserved = stage.make_address(f"{FLOAT}3")
    fronts = [
        lb.child("front", publicIPAddress={"id": FLOAT}),
        lb.child("second", publicIPAddress={"id": second}),
        lb.child("unserved", publicIPAddress={"id": unserved}),
    ]
    back = {"frontendIPConfiguration": lb.part("frontendIPConfigurations", "second")}
    rules = [
        lb.rule("web", 80),
        lb.rule("tls", 443),
        lb.rule("dns", 53, protocol="Udp"),
        lb.rule("other", 8080, **back),
        lb.rule("again", 80, **back),
        lb.rule("nobody", 81, **back),
    ]
    del rules[-1]["properties"]["backendAddressPool"]
    pools = [lb.nat_pool("natpool", 50000, 50120, 22)]
    lb.make(
        stage,
        lb.balancer(
            FLOAT,
            frontendIPConfigurations=fronts,
            loadBalancingRules=rules,
            probes=lb.PROBES,
            inboundNatPools=pools,
        ),
    )

    assert leads(stage) == {**BEFORE, FLOAT: lb.OTHER, second: lb.OTHER}
    assert ports(stage, FLOAT) == {80: "other", 443: "other"}
    assert ports(stage, second) == {8080: "other", 80: "other"}


def test_new_rules_are_served_once_their_write_has_completed() -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["loadBalancingRules"][0]["properties"]["frontendPort"] = 9001
    stage.put(LB1, body)

    assert ports(stage, IP1) == {9000: "vipswap1lb"}
    stage.settle()
    stage.admin("timeline")
    assert ports(stage, IP1) == {9001: "vipswap1lb"}


def test_an_internal_frontend_leads_nowhere_from_outside() -> None:
    stage = Stage()
    body = stage.get(LB1)
    front = body["properties"]["frontendIPConfigurations"][0]["properties"]
    del front["publicIPAddress"]
    front["subnet"] = {"id": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vipswapvnet/subnets/subnet"}
    stage.put(LB1, body)
    stage.settle()

    assert leads(stage) == {IP2: LB2}


@pytest.mark.parametrize(("state", "passes"), [("Succeeded", True), ("Failed", False), ("Updating", False)])
def test_a_seeded_load_balancer_passes_traffic_if_it_is_succeeded(state: str, passes: bool) -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["provisioningState"] = state

    stage.seed(body)

    assert leads(stage) == (BEFORE if passes else {IP2: LB2})


def test_seeding_a_load_balancer_ends_what_an_operation_would_do_to_its_traffic() -> None:
    stage = stage_of()
    body = stage.get(LB1)
    stage.put_address(LB1, FLOAT)

    stage.seed(body)

    assert leads(stage) == BEFORE
    stage.settle()
    assert leads(stage) == BEFORE


def test_an_address_that_two_seeded_load_balancers_claim_leads_to_the_last() -> None:
    stage = Stage()
    stage.seed(stage.with_address(LB2, IP1))

    assert leads(stage) == {IP1: LB2}


@pytest.mark.parametrize("part", ["frontendIPConfigurations", "loadBalancingRules", "backendAddressPools"])
@pytest.mark.parametrize("odd", [None, 3, [None], [{}], [{"name": "x", "properties": None}], [{"name": "x"}]])
def test_an_odd_seed_leads_nowhere_and_breaks_nothing(part: str, odd: Any) -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"][part] = odd
    stage.seed(body)

    # A rule says itself which pool it means; whether that is in the list is not looked at.
    assert (LB1 in leads(stage).values()) is (part == "backendAddressPools")


@pytest.mark.parametrize(
    "changes",
    [
        {"frontendPort": True},
        {"frontendPort": 0},
        {"frontendPort": 70000},
        {"frontendPort": "80"},
        {"frontendPort": None},
        {"protocol": None},
        {"frontendIPConfiguration": "x"},
        {"frontendIPConfiguration": {"id": 3}},
        {"backendAddressPool": {"id": "x"}, "backendAddressPools": None},
        {"backendAddressPool": {"id": "/subscriptions"}, "backendAddressPools": 1},
    ],
)
def test_an_odd_seeded_rule_serves_no_port(changes: Json) -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["loadBalancingRules"][0]["properties"] |= changes
    stage.seed(body)

    assert leads(stage) == {IP2: LB2}


def test_a_rule_with_a_list_of_pools_answers_with_the_first_one() -> None:
    stage = Stage()
    body = stage.get(LB1)
    rule = body["properties"]["loadBalancingRules"][0]["properties"]
    rule["backendAddressPools"] = [rule.pop("backendAddressPool")]
    stage.seed(body)

    assert ports(stage, IP1) == {9000: "vipswap1lb"}
