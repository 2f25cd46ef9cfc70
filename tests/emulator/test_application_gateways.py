"""Application gateways: what a PUT keeps and shows, what is refused, whose health is told, and who answers."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.stage import IP1, NETWORK, SUB, Json, Stage, error
from tests.emulator.vips import Vip, address_of, ask, events, plane, wait_until, write
from tests.emulator.wire import once, process
from vipswap_rest.emulator import Settings

GW = f"{NETWORK}/applicationGateways/gateway"
IP = f"{NETWORK}/publicIPAddresses/gatewaypip"
BLUE, GREEN = (f"{GW}/backendAddressPools/{colour}" for colour in ("blue", "green"))
HTTP = f"{GW}/backendHttpSettingsCollection/http"


def stage_of(**settings: Any) -> Stage:
    return Stage(Settings(env="roads", **settings))


def named(name: str, **properties: Any) -> Json:
    return {"name": name, "properties": properties}


def rich(stage: Stage) -> Json:
    """The gateway with most of what one may have, and a property that nobody knows."""
    body = stage.get(GW)
    made = body["properties"]
    made["sslCertificates"] = [
        named("mine", data="c2VjcmV0", password="secret"),
        named("vault", keyVaultSecretId="https://vault.example/secrets/x"),
    ]
    made["rewriteRuleSets"] = [named("set", rewriteRules=[{"name": "r", "ruleSequence": 1, "unknown": [1]}])]
    paths = named(
        "images",
        paths=["/images/*"],
        backendAddressPool={"id": BLUE},
        backendHttpSettings={"id": HTTP},
        rewriteRuleSet={"id": f"{GW}/rewriteRuleSets/set"},
    )
    made["urlPathMaps"] = [
        named("map", defaultBackendAddressPool={"id": BLUE}, defaultBackendHttpSettings={"id": HTTP}, pathRules=[paths])
    ]
    made["frontendPorts"].append(named("port9002", port=9002))
    listener = {
        "frontendIPConfiguration": {"id": f"{GW}/frontendIPConfigurations/front"},
        "frontendPort": {"id": f"{GW}/frontendPorts/port9002"},
        "protocol": "Http",
    }
    made["httpListeners"].append(named("by-path", **listener))
    made["requestRoutingRules"].append(
        named(
            "by-path",
            ruleType="PathBasedRouting",
            priority=200,
            httpListener={"id": f"{GW}/httpListeners/by-path"},
            urlPathMap={"id": f"{GW}/urlPathMaps/map"},
        )
    )
    made["autoscaleConfiguration"] = {"minCapacity": 1}
    made["webApplicationFirewallConfiguration"] = {"enabled": True, "exclusions": []}
    made["brandNew"] = {"unknown": [{"name": "kept", "value": 1}]}
    body |= {"identity": {"type": "UserAssigned", "userAssignedIdentities": {"/x": {}}}, "zones": ["1", "2"]}
    return body


def flipped(body: Json, pool: str = GREEN) -> Json:
    body = copy.deepcopy(body)
    body["properties"]["requestRoutingRules"][0]["properties"]["backendAddressPool"] = {"id": pool}
    return body


def without(body: Any, *names: str) -> Any:
    if isinstance(body, dict):
        return {name: without(value, *names) for name, value in body.items() if name not in names}
    return [without(one, *names) for one in body] if isinstance(body, list) else body


def test_what_is_read_may_be_sent_back_and_nothing_is_lost() -> None:
    stage = stage_of()
    assert stage.put(GW, rich(stage)).status == 200
    stage.settle()
    before = stage.get(GW)

    answer = stage.put(GW, before, if_match=before["etag"])
    stage.settle()
    after = stage.get(GW)

    assert (answer.status, answer.json()["properties"]["provisioningState"]) == (200, "Updating")
    assert answer.headers["Retry-After"] == "0"
    assert before["etag"] != after["etag"]
    assert without(before, "etag") == without(after, "etag")
    assert after["properties"]["brandNew"] == {"unknown": [{"name": "kept", "value": 1}]}
    certificates = [one["properties"] for one in after["properties"]["sslCertificates"]]
    assert [set(one) - {"provisioningState"} for one in certificates] == [{"publicCertData"}, {"keyVaultSecretId"}]


def test_a_flip_changes_one_id_and_the_back_references_that_follow_from_it() -> None:
    stage = stage_of()
    before = stage.get(GW)

    stage.put(GW, flipped(before))
    stage.settle()
    after = stage.get(GW)

    rule = {"id": f"{GW}/requestRoutingRules/http"}
    users = [pool["properties"].get("requestRoutingRules") for pool in after["properties"]["backendAddressPools"]]
    assert users == [None, [rule]]
    names = ("etag", "requestRoutingRules")
    assert without(before, *names) == without(after, *names)


def test_the_parts_have_ids_etags_and_states_of_the_whole() -> None:
    stage = stage_of(latency="blog")
    answer = stage.put(GW, rich(stage))
    (mapped,) = answer.json()["properties"]["urlPathMaps"]
    (rule,) = mapped["properties"]["pathRules"]

    assert rule["id"] == f"{GW}/urlPathMaps/map/pathRules/images"
    assert rule["etag"] == mapped["etag"] == answer.json()["etag"]
    assert rule["properties"]["provisioningState"] == "Updating"
    assert stage.get(f"{GW}/backendAddressPools/blue")["properties"]["pathRules"] == [{"id": rule["id"]}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            lambda made: made["requestRoutingRules"][0]["properties"].pop("priority"),
            "ApplicationGatewayRequestRoutingRulePriorityCannotBeEmpty",
        ),
        (
            lambda made: made["requestRoutingRules"][0]["properties"].update(urlPathMap={"id": "/x"}),
            "ApplicationGatewayRequestRoutingRuleInvalid",
        ),
        (
            lambda made: made["requestRoutingRules"][0]["properties"].update(backendAddressPool={"id": f"{GREEN}x"}),
            "InvalidResourceReference",
        ),
        (
            lambda made: made["sslCertificates"].append(named("new")),
            "ApplicationGatewaySslCertificateDataMustBeSpecified",
        ),
        (
            lambda made: made["frontendIPConfigurations"][0]["properties"].update(publicIPAddress={"id": IP1}),
            "PublicIPAddressInUse",
        ),
        (
            lambda made: made["frontendIPConfigurations"][0]["properties"].update(publicIPAddress={"id": f"{IP1}x"}),
            "InvalidResourceReference",
        ),
    ],
)
def test_what_may_not_be_is_refused(change: Any, code: str) -> None:
    stage = stage_of()
    body = stage.get(GW)
    change(body["properties"])

    assert error(stage.put(GW, body)) == (400, code)


def test_another_etag_is_refused() -> None:
    stage = stage_of()
    assert error(stage.put(GW, stage.get(GW), if_match='W/"x"')) == (412, "PreconditionFailed")


def test_its_address_is_its_own_until_it_is_deleted() -> None:
    stage = stage_of()
    assert stage.get(IP)["properties"]["ipConfiguration"] == {"id": f"{GW}/frontendIPConfigurations/front"}
    assert error(stage.call("DELETE", IP)) == (400, "PublicIPAddressCannotBeDeleted")

    answer = stage.call("DELETE", GW)
    stage.settle()

    assert (answer.status, stage.status(answer)) == (202, "Succeeded")
    assert stage.call("GET", GW).status == 404
    assert "ipConfiguration" not in stage.get(IP)["properties"]


def test_the_health_of_pools_in_use_is_null_until_it_is_there() -> None:
    stage = stage_of(latency="blog")
    answer = stage.call("POST", f"{GW}/backendhealth")
    first = stage.follow(answer, "Location")
    stage.settle()
    last = stage.follow(answer, "Location")

    assert [(one.status, one.body) for one in (answer, first)] == [(202, b"null")] * 2
    assert "Azure-AsyncOperation" not in answer.headers
    assert answer.headers["Retry-After"] == "10"
    (pool,) = last.json()["backendAddressPools"]
    (settings,) = pool["backendHttpSettingsCollection"]
    assert pool["backendAddressPool"] == {"id": BLUE}
    assert [(one["address"], one["health"]) for one in settings["servers"]] == [
        ("10.0.1.4", "Healthy"),
        ("10.0.1.5", "Healthy"),
    ]


@pytest.mark.parametrize(
    ("tag", "health"),
    [
        (None, ["Healthy", "Healthy"]),
        ("green", ["Unhealthy", "Unhealthy"]),
        ("10.0.2.5", ["Healthy", "Unhealthy"]),
        ("blue", ["Healthy", "Healthy"]),
    ],
)
def test_an_idle_pool_is_probed_on_demand(tag: str | None, health: list[str]) -> None:
    stage = stage_of()
    if tag is not None:
        stage.call("PATCH", GW, {"tags": {"emulator-down": tag}})
    asked = {"backendAddressPool": {"id": GREEN}, "backendHttpSettings": {"id": HTTP}, "path": "/"}
    answer = stage.call("POST", f"{GW}/getBackendHealthOnDemand", asked)
    stage.settle()

    told = stage.follow(answer, "Location").json()

    assert told["backendAddressPool"] == {"id": GREEN}
    assert told["backendHealthHttpSettings"]["backendHttpSettings"] == {"id": HTTP}
    assert [one["health"] for one in told["backendHealthHttpSettings"]["servers"]] == health


def test_a_pool_that_is_not_there_is_not_probed() -> None:
    stage = stage_of()
    asked = {"backendAddressPool": {"id": f"{GREEN}x"}, "backendHttpSettings": {"id": HTTP}}
    assert error(stage.call("POST", f"{GW}/getBackendHealthOnDemand", asked)) == (400, "InvalidResourceReference")
    assert stage.call("POST", f"{GW}x/backendhealth").status == 404


def test_gateways_are_listed() -> None:
    stage = stage_of()
    for path in (NETWORK, f"{SUB}/providers/Microsoft.Network"):
        assert [one["name"] for one in stage.get(f"{path}/applicationGateways")["value"]] == ["gateway"]


def test_the_first_line_names_it() -> None:
    with process("--env", "roads") as emulator:
        found = emulator.said["targets"]["gateway"]
        assert found == {"gateway": "gateway", "rules": ["http"], "pools": ["blue", "green"]}
        assert ask(address_of(emulator.endpoint, IP)).who == "blue"


def settings(folder: Path) -> str:
    file = folder / "latency.json"
    file.write_text(json.dumps({"gateway_update": 0.3}), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(("established", "then"), [("keep", "green"), ("reset", None)])
def test_a_flip_moves_new_connections_and_the_next_request_of_kept_ones(
    established: str, then: str | None, tmp_path: Path
) -> None:
    made = plane(env="roads", latency=settings(tmp_path), gateway_established=established)
    with made as server, Vip(address_of(server.endpoint, IP)) as kept:
        assert kept.ask() == "blue"
        operation = write(server.endpoint, "PUT", GW, flipped(once(server.endpoint, "GET", GW)[1]))
        assert (kept.ask(), ask(address_of(server.endpoint, IP)).who) == ("blue", "blue")
        wait_until(server.endpoint, operation)

        assert ask(address_of(server.endpoint, IP)).who == "green"
        if then is None:
            with pytest.raises(ConnectionError):
                kept.ask()
        else:
            assert kept.ask() == then
        (changed,) = events(server.endpoint, IP)

    assert (changed["event"], changed["resource"], changed["port"]) == ("data_plane_changed", GREEN, 9000)


def test_a_path_map_answers_with_its_default_pool() -> None:
    stage = stage_of()
    body = rich(stage)
    stage.put(GW, body)
    stage.settle()
    stage.admin("timeline")

    (route,) = [one for one in stage.emulator.world.routes.table(stage.clock.time).values() if one.resource == GW]

    assert {port: service.pool for port, service in route.ports.items()} == {9000: BLUE, 9002: BLUE}
