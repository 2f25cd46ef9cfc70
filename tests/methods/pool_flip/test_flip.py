"""A flip: one write, nothing else changed, the same again does nothing, and it goes back."""

from __future__ import annotations

import copy
import json
import shlex
from typing import Any

import pytest

from tests.methods.pool_flip.flips import (
    BLUE,
    FRONT,
    GREEN,
    LB,
    codes,
    ended,
    flipped,
    lab,
    planned,
    pools,
    reshaped,
    sent,
    turned,
    with_rules,
)
from vipswap_rest.arm.errors import NotFound, UsageError
from vipswap_rest.switchover.report import Outcome

TRADED = {"http": GREEN, "http-staging": BLUE}


def test_rules_trade_pools_in_one_write_and_nothing_else_changes() -> None:
    world = lab()
    before = world.snapshot()

    report = flipped(world, "green", "http")

    assert (report.outcome, report.exit_code, report.strategy) == (Outcome.SWAPPED, 0, "pool")
    assert world.snapshot() == turned(before, TRADED)
    assert len(world.writes()) == 1
    (body,) = sent(world)
    rules = {rule["name"]: rule["properties"] for rule in json.loads(body)["properties"]["loadBalancingRules"]}
    assert [("backendAddressPool" in rule, rule["backendAddressPools"]) for rule in rules.values()] == [
        (False, [{"id": GREEN}]),
        (False, [{"id": BLUE}]),
    ]


def test_the_report_says_what_led_where() -> None:
    told = flipped(lab(), "green", "http").as_json()

    assert told["staging"] is None
    assert (told["production"]["from"], told["production"]["to"]) == (BLUE, GREEN)
    assert told["rules"] == [
        {"rule": "http", "from": BLUE, "to": GREEN},
        {"rule": "http-staging", "from": GREEN, "to": BLUE},
    ]
    assert [step["name"] for step in told["steps"]] == ["flip"]


def test_the_same_again_does_nothing() -> None:
    world = lab()
    flipped(world, "green", "http")
    count = len(world.writes())

    report = flipped(world, "green", "http")

    assert (report.outcome, report.exit_code, len(world.writes())) == (Outcome.NOTHING_TO_DO, 0, count)


def test_the_printed_lines_go_there_and_back() -> None:
    world = lab()
    before = world.snapshot()
    made = planned(world, "green", "http")

    for line, pool in ((made.method.line, "green"), (made.method.back[0], "blue")):
        words = shlex.split(line)
        rules = [words[at + 1] for at, word in enumerate(words) if word == "--rule"]
        assert words[words.index("--to") + 1] == pool
        assert words[words.index("--lb") + 1] == LB
        for _ in range(2):
            assert flipped(world, pool, *rules).exit_code == 0
    assert world.snapshot() == before
    assert len(world.writes()) == 2


def test_without_a_rule_those_go_over_that_share_the_one_pool_in_use() -> None:
    world = lab()
    with_rules(world, ("web", BLUE, 80, 80, {}), ("tls", BLUE, 443, 443, {}))

    assert flipped(world, "green").exit_code == 0
    assert pools(world) == {"web": "green", "tls": "green"}
    assert len(sent(world)) == 1
    assert flipped(world, "green").outcome is Outcome.NOTHING_TO_DO


def test_several_pools_in_use_want_a_choice() -> None:
    with pytest.raises(UsageError, match="several pools: blue, green"):
        planned(lab())


def test_an_unknown_rule_is_not_found() -> None:
    with pytest.raises(NotFound, match="There is no rule 'nope'; it has: http, http-staging"):
        planned(lab(), "green", "nope")


@pytest.mark.parametrize("pool", ["/subscriptions/x", "a/b", "", BLUE.replace("poolslb", "otherlb")])
def test_what_is_no_pool_of_it_is_usage(pool: str) -> None:
    with pytest.raises(UsageError):
        planned(lab(), pool, "http")


def test_any_case_of_names_and_ids_will_do() -> None:
    world = lab()

    assert flipped(world, GREEN.upper().replace("/PROVIDERS/", "/providers/"), "HTTP").exit_code == 0
    assert pools(world)["http"].lower() == "green"


def add_frontend(world: Any) -> str:
    other = f"{LB}/frontendIPConfigurations/other"

    def change(body: dict[str, Any]) -> None:
        model = body["properties"]["frontendIPConfigurations"][0]
        private = {"privateIPAddress": "10.0.0.9", "subnet": {"id": "/s"}, "provisioningState": "Succeeded"}
        body["properties"]["frontendIPConfigurations"].append(
            {**model, "name": "other", "id": other, "properties": private}
        )

    reshaped(world, change)
    return other


def test_a_rule_of_another_frontend_that_would_collide_is_refused_until_it_is_named() -> None:
    world = lab()
    elsewhere = {"frontendIPConfiguration": {"id": add_frontend(world)}}
    with_rules(world, ("http", BLUE, 80, 80, {}), ("inner", GREEN, 80, 80, elsewhere))

    made = planned(world, "green", "http")
    assert codes(made)[0] == "RulesCollide"
    assert "Add --rule inner" in made.findings[0].remedy
    assert ended(world, "green", "http")[0] == 4
    assert pools(world) == {"http": "blue", "inner": "green"}

    for _ in range(2):
        assert ended(world, "green", "http", "inner")[0] == 0
        assert pools(world) == {"http": "green", "inner": "blue"}


@pytest.mark.parametrize(
    "other", [{"protocol": "Udp"}, {"backendPort": 81}, {"enableFloatingIP": True}], ids=lambda other: next(iter(other))
)
def test_a_rule_that_may_share_the_pool_stays(other: dict[str, Any]) -> None:
    world = lab()
    with_rules(world, ("http", BLUE, 80, 80, {}), ("beside", GREEN, 8080, 80, other))

    assert flipped(world, "green", "http").exit_code == 0
    assert pools(world) == {"http": "green", "beside": "green"}


def test_a_protocol_of_all_collides_with_each() -> None:
    world = lab()
    with_rules(world, ("http", BLUE, 80, 80, {}), ("all", GREEN, 8080, 80, {"protocol": "All"}))

    flipped(world, "green", "http")
    assert pools(world) == {"http": "green", "all": "blue"}


def empty(body: dict[str, Any]) -> None:
    for pool in body["properties"]["backendAddressPools"]:
        pool["properties"]["backendIPConfigurations"] = []


def several(body: dict[str, Any]) -> None:
    body["properties"]["loadBalancingRules"][0]["properties"]["backendAddressPools"] = [{"id": BLUE}, {"id": GREEN}]


def no_probe(body: dict[str, Any]) -> None:
    for rule in body["properties"]["loadBalancingRules"]:
        rule["properties"].pop("probe")


def outbound(body: dict[str, Any]) -> None:
    rule = {"backendAddressPool": {"id": BLUE}, "frontendIPConfigurations": [{"id": FRONT}]}
    body["properties"]["outboundRules"] = [{"name": "out", "properties": rule}]
    for one in body["properties"]["loadBalancingRules"]:
        one["properties"]["disableOutboundSnat"] = True


@pytest.mark.parametrize(
    ("change", "code", "forbids"),
    [
        (empty, "PoolEmpty", True),
        (several, "SeveralPools", True),
        (no_probe, "ColdPool", False),
        (outbound, "OutboundStays", False),
        (lambda body: None, "OutboundFollows", False),
    ],
)
def test_what_speaks_against_it_is_found(change: Any, code: str, forbids: bool) -> None:
    world = lab()
    reshaped(world, change)

    assert code in codes(planned(world, "green", "http"))
    assert ended(world, "green", "http")[0] == (4 if forbids else 0)


def test_a_pool_without_anything_healthy_is_refused_and_some_down_are_told() -> None:
    world = lab()
    scale_set = next(id for id in world.snapshot() if id.endswith("poolsgreen"))
    body = world.get(scale_set)

    world.put({**body, "tags": {"emulator-down": "all"}})
    assert "NoHealthyBackend" in codes(planned(world, "green", "http"))
    assert ended(world, "green", "http")[0] == 4
    world.put({**body, "tags": {"emulator-down": "1"}})
    assert "BackendsUnhealthy" in codes(planned(world, "green", "http"))


def test_an_unknown_pool_is_refused_with_those_there_are() -> None:
    made = planned(lab(), "purple", "http")

    assert codes(made)[0] == "PoolUnknown"
    assert "poolslb has: blue, green" in made.findings[0].message


def test_a_health_that_cannot_be_read_is_told() -> None:
    world = lab()
    world.strike({"match": {"method": "POST", "path": "/health"}, "effect": {"status": 403}, "times": 9})

    assert "HealthUnknown" in codes(planned(world, "green", "http"))


def test_an_operation_that_runs_is_waited_for_and_a_broken_one_is_put_again() -> None:
    world = lab()
    world.strike({"match": {"method": "PUT"}, "effect": {"delay_operation_s": 100}})
    world.outsider("PUT", LB, {**world.get(LB), "tags": {"by": "somebody"}})
    assert flipped(world, "green", "http").exit_code == 0
    assert world.get(LB)["tags"] == {"by": "somebody"}

    reshaped(world, lambda body: body["properties"].update(provisioningState="Failed"))
    report = flipped(world, "green", "http")
    assert (report.outcome, [step.name for step in report.steps]) == (Outcome.SWAPPED, ["repair"])
    assert world.get(LB)["properties"]["provisioningState"] == "Succeeded"


def test_a_hundred_rules_and_what_nobody_knows_are_sent_back_as_they_came_but_for_the_pools() -> None:
    world = lab()
    with_rules(world, *((f"r{port}", BLUE, port, port, {"future": {"a": [port]}}) for port in range(100, 200)))
    reshaped(world, lambda body: body.update(zonesOfTomorrow=[{"x": None}]))
    expected = copy.deepcopy(world.get(LB))
    for rule in expected["properties"]["loadBalancingRules"]:
        del rule["properties"]["backendAddressPool"]
        rule["properties"]["backendAddressPools"] = [{"id": GREEN}]

    assert flipped(world, "green").exit_code == 0
    (body,) = sent(world)
    assert json.loads(body) == expected
    assert set(pools(world).values()) == {"green"}
