"""A flip of an application gateway: the whole of it goes back, and the flipped ids are all that changes."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.methods.vip_swap.fault_table import EFFECTS, TIMES
from tests.methods.vip_swap.lab import NETWORK, Crash, Lab
from vipswap_rest.arm.errors import NotFound, UsageError, VipswapError
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.gateway_flip.method import references
from vipswap_rest.methods.gateway_flip.run import plan
from vipswap_rest.switchover import findings
from vipswap_rest.switchover.driver import Unguarded
from vipswap_rest.switchover.flip import Manner, Planned, flip
from vipswap_rest.switchover.report import Outcome, Report, Side
from vipswap_rest.switchover.state import Limits

Json = dict[str, Any]
GW = f"{NETWORK}/applicationGateways/gateway"
BLUE, GREEN = (f"{GW}/backendAddressPools/{colour}" for colour in ("blue", "green"))
HTTP, OTHER = (f"{GW}/backendHttpSettingsCollection/{name}" for name in ("http", "other"))
SET, AWAY = f"{GW}/rewriteRuleSets/set", f"{GW}/redirectConfigurations/r"
LONG = os.environ.get("VIPSWAP_LONG") == "1"
QUICK = Manner(limits=Limits(operation_s=900.0, patience_s=60.0))


def lab() -> Lab:
    return Lab(Settings(env="roads"))


def planned(world: Lab, to: str = "green", *rules: str, settings: str | None = None) -> Planned:
    return plan(world.client(), "vipswap", "gateway", to, settings, rules, lambda said: None)


def flipped(
    world: Lab, to: str = "green", *rules: str, settings: str | None = None, manner: Manner | None = None
) -> Report:
    client, made = world.client(), planned(world, to, *rules, settings=settings)
    findings.refuse(made.findings)
    return world.replaying(
        lambda record: flip(
            client, made, manner or Manner(), emit=world.events.append, guard=Unguarded(), record=record
        )
    )


def ended(world: Lab, to: str = "green", *rules: str, manner: Manner | None = None) -> tuple[int, str]:
    try:
        report = flipped(world, to, *rules, manner=manner)
    except VipswapError as error:
        return error.exit_code, str(error)
    return report.exit_code, f"{report.outcome}: {report.error}"


def named(name: str, kind: str, **properties: Any) -> Json:
    return {"name": name, "id": f"{GW}/{kind}/{name}", "properties": properties}


def rich(body: Json) -> None:
    """Most of what a gateway may have, and a property that nobody knows."""
    made = body["properties"]
    made["sslCertificates"] = [
        named("mine", "sslCertificates", publicCertData="MII"),
        named("vault", "sslCertificates", keyVaultSecretId="https://vault.example/secrets/x"),
    ]
    made["rewriteRuleSets"] = [named("set", "rewriteRuleSets", rewriteRules=[{"name": "r", "unknown": [1]}])]
    made["backendHttpSettingsCollection"].append(
        named("other", "backendHttpSettingsCollection", port=81, protocol="Http", probe={"id": f"{GW}/probes/p"})
    )
    made["probes"] = [named("p", "probes", protocol="Http", host="h", path="/up", timeout=7, match={"statusCodes": []})]

    def path(name: str, pool: str) -> Json:
        one = named(name, "urlPathMaps/map/pathRules", paths=[f"/{name}/*"], rewriteRuleSet={"id": SET})
        one["properties"] |= {"backendAddressPool": {"id": pool}, "backendHttpSettings": {"id": HTTP}}
        return one

    paths = [path("images", BLUE), path("films", f"{GW}/backendAddressPools/media")]
    made["backendAddressPools"].append(named("media", "backendAddressPools", backendAddresses=[{"fqdn": "m"}]))
    made["urlPathMaps"] = [
        named(
            "map",
            "urlPathMaps",
            defaultBackendAddressPool={"id": BLUE},
            defaultBackendHttpSettings={"id": HTTP},
            pathRules=paths,
        )
    ]
    listener = copy.deepcopy(made["httpListeners"][0])
    for name, port in (("by-path", 9002), ("away", 9003)):
        made["frontendPorts"].append(named(f"p{port}", "frontendPorts", port=port))
        own = {**listener["properties"], "frontendPort": {"id": f"{GW}/frontendPorts/p{port}"}}
        made["httpListeners"].append({**listener, "name": name, "id": f"{GW}/httpListeners/{name}", "properties": own})
    made["requestRoutingRules"] += [
        named(
            "by-path",
            "requestRoutingRules",
            ruleType="PathBasedRouting",
            priority=200,
            httpListener={"id": f"{GW}/httpListeners/by-path"},
            urlPathMap={"id": f"{GW}/urlPathMaps/map"},
        ),
        named(
            "away",
            "requestRoutingRules",
            ruleType="Basic",
            redirectConfiguration={"id": AWAY},
            httpListener={"id": f"{GW}/httpListeners/away"},
            priority=300,
        ),
    ]
    made["redirectConfigurations"] = [named("r", "redirectConfigurations", targetUrl="https://elsewhere.example")]
    made["autoscaleConfiguration"] = {"minCapacity": 1}
    made["webApplicationFirewallConfiguration"] = {"enabled": True, "exclusions": []}
    made["brandNew"] = {"unknown": [{"name": "kept", "value": 1}]}
    body |= {"identity": {"type": "UserAssigned", "userAssignedIdentities": {"/x": {}}}, "zones": ["1", "2"]}


def reshaped(world: Lab, change: Callable[[Json], None]) -> Lab:
    body = copy.deepcopy(world.get(GW))
    change(body)
    world.put(body)
    return world


def sent(world: Lab) -> list[Json]:
    return [json.loads(body) for method, path, body in world.wire.sent if method == "PUT"]


def with_ids(body: Json, ids: dict[str, str]) -> Json:
    """The body whose places, as paths of names, refer to these ids."""
    text = copy.deepcopy(body)
    for path, id in ids.items():
        holder: Any = text["properties"]
        for name in path.split("/"):
            holder = next(one for one in holder if one["name"] == name) if isinstance(holder, list) else holder[name]
            holder = holder.get("properties", holder) if "properties" in holder else holder
        holder["id"] = id
    return text


def test_everything_goes_back_as_it_came_but_for_the_flipped_ids() -> None:
    world = reshaped(lab(), rich)
    before = copy.deepcopy(world.get(GW))

    report = flipped(world, "green", "http", "by-path", settings="other")

    (body,) = sent(world)
    assert body == with_ids(
        before,
        {
            "requestRoutingRules/http/backendAddressPool": GREEN,
            "requestRoutingRules/http/backendHttpSettings": OTHER,
            "urlPathMaps/map/defaultBackendAddressPool": GREEN,
            "urlPathMaps/map/defaultBackendHttpSettings": OTHER,
            "urlPathMaps/map/pathRules/images/backendAddressPool": GREEN,
            "urlPathMaps/map/pathRules/images/backendHttpSettings": OTHER,
        },
    )
    told = report.as_json()
    assert [(one["rule"], one["to"]) for one in told["rules"]] == [
        ("http", GREEN),
        ("by-path/(default)", GREEN),
        ("by-path/images", GREEN),
    ]
    assert [one["to"] for one in told["settings"]] == [OTHER] * 3
    assert report.addresses[Side.PRODUCTION].after is not None


def test_the_same_again_does_nothing_and_the_line_back_goes_back() -> None:
    world = reshaped(lab(), rich)
    before = references(world.get(GW))
    made = planned(world, "green", "http", "by-path", settings="other")
    assert "--to blue --to-settings http --rule http --rule by-path --yes" in made.method.back[0]

    assert flipped(world, "green", "http", "by-path", settings="other").outcome is Outcome.SWAPPED
    assert flipped(world, "green", "http", "by-path", settings="other").outcome is Outcome.NOTHING_TO_DO
    assert flipped(world, "blue", "http", "by-path", settings="http").outcome is Outcome.SWAPPED
    assert references(world.get(GW)) == before
    assert len(sent(world)) == 2


def test_the_idle_pool_is_asked_on_demand_as_its_settings_probe_asks() -> None:
    world = reshaped(lab(), rich)
    planned(world, "green", "http", settings="other")

    ((method, path, body),) = [one for one in world.wire.sent if "OnDemand" in one[1]]
    assert (method, path.partition("?")[0]) == ("POST", f"{GW}/getBackendHealthOnDemand")
    asked = json.loads(body)
    assert asked == {
        "backendAddressPool": {"id": GREEN},
        "backendHttpSettings": {"id": OTHER},
        **{"protocol": "Http", "host": "h", "path": "/up", "timeout": 7, "match": {"statusCodes": []}},
    }


@pytest.mark.parametrize(
    ("change", "rule", "code", "exit_code"),
    [
        (lambda body: body.update(tags={"emulator-down": "green"}), "http", "NoHealthyBackend", 4),
        (lambda body: body["properties"]["sku"].update(tier="Standard", name="Standard_Small"), "http", "GatewayV1", 0),
        (rich, "away", "SeveralPools", 4),
        (
            lambda body: body["properties"]["backendAddressPools"][1]["properties"].update(
                backendAddresses=[], backendIPConfigurations=[]
            ),
            "http",
            "PoolEmpty",
            4,
        ),
    ],
    ids=["down", "v1", "a redirection", "empty"],
)
def test_what_speaks_against_it_is_found(change: Any, rule: str, code: str, exit_code: int) -> None:
    world = reshaped(lab(), change)

    assert code in [finding.code for finding in planned(world, "green", rule).findings]
    assert ended(world, "green", rule)[0] == exit_code


def test_rules_of_one_path_map_go_over_together_which_is_told() -> None:
    def twin(body: Json) -> None:
        rich(body)
        rule = copy.deepcopy(body["properties"]["requestRoutingRules"][1])
        body["properties"]["requestRoutingRules"].append(
            {**rule, "name": "twin", "id": f"{GW}/requestRoutingRules/twin"}
        )

    made = planned(reshaped(lab(), twin), "green", "by-path")
    assert "PathMapShared" in [finding.code for finding in made.findings]


def test_what_is_not_there_is_said() -> None:
    world = reshaped(lab(), rich)

    with pytest.raises(UsageError, match="several pools: blue, media"):
        planned(world)
    with pytest.raises(NotFound, match="There is no rule 'nope'"):
        planned(world, "green", "nope")
    assert "PoolUnknown" in [one.code for one in planned(world, "purple", "http").findings]
    assert "SettingsUnknown" in [one.code for one in planned(world, "green", "http", settings="x").findings]


def test_a_change_that_is_reported_done_and_not_applied_is_not_believed() -> None:
    """As azure-cli's issues 2173 and 2124 tell: the operation succeeds, and the rule is as it was."""
    world = lab()
    original = copy.deepcopy(world.get(GW))

    def forget(request: Any) -> None:
        rules = world.get(GW)["properties"]["requestRoutingRules"]
        if request.method == "GET" and rules[0]["properties"]["backendAddressPool"]["id"] == GREEN:
            world.rest()
            world.put({**original, "etag": world.get(GW)["etag"]})

    world.wire.before = forget
    code, told = ended(world, "green", "http")

    assert code == 6, told
    assert len(sent(world)) == 2


def check(world: Lab, original: Json, goal: Json, code: int, told: str) -> None:
    """The exit code is true, and the same line again ends in the goal."""
    world.heal()
    world.rest()
    now = world.snapshot()
    if code in (1, 4, 5):
        assert now == original or world.unsettled(), told
    if code == 0:
        assert (now, world.unsettled()) == (goal, []), told
    again, said = ended(world, "green", "http")
    assert again == 0, (told, said)
    assert (world.snapshot(), world.unsettled()) == (goal, []), (told, said)


def goal_and_count() -> tuple[Json, int]:
    world = lab()
    assert flipped(world, "green", "http").exit_code == 0
    return world.snapshot(), len(world.wire.sent)


@pytest.mark.parametrize("effect", EFFECTS if LONG else list(EFFECTS)[::3])
def test_whatever_goes_wrong_the_code_is_true_and_the_same_line_finishes(effect: str) -> None:
    goal, count = goal_and_count()
    for number in range(1, count + 1) if LONG else [count - 2, count - 1]:
        world = lab()
        original = world.snapshot()
        for nth in range(number, number + TIMES["three times"]):
            world.strike({"match": {"nth": nth}, "effect": EFFECTS[effect]})
        code, told = ended(world, "green", "http", manner=QUICK)
        check(world, original, goal, code, f"{effect} at {number}: {code} {told}")


@pytest.mark.parametrize("done", [False, True])
def test_whenever_it_dies_the_same_line_finishes(done: bool) -> None:
    goal, count = goal_and_count()
    for number in range(1, count + 1):
        world = lab()
        original = world.snapshot()
        world.crash_at(number, done=done)
        with pytest.raises(Crash):
            flipped(world, "green", "http")
        world.wire.dies_before = world.wire.dies_after = 0
        check(world, original, goal, -1, f"{done} {number}")
