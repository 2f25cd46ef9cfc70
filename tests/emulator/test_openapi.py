"""What the emulator serves is valid by the official definitions."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import FLOAT, IP1, LB1, NATIVE, NETWORK, SUB, Stage, address
from tests.emulator.test_native_swap import exchange
from tests.openapi import VALIDATOR, VERSIONS, needs_definitions
from vipswap_rest.emulator import Answer, Settings
from vipswap_rest.emulator.types.body_table import UNDOCUMENTED

pytestmark = [
    needs_definitions,
    pytest.mark.parametrize("version", VERSIONS),
    # The definitions' own reader leaves its files to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


USERS = ("httpListeners", "requestRoutingRules", "urlPathMaps", "pathRules", "backendHttpSettingsCollection")
HEALTH = [
    ("backendhealth", "ApplicationGatewayBackendHealth"),
    ("getBackendHealthOnDemand", "ApplicationGatewayBackendHealthOnDemand"),
]


@cache
def definitions(version: str) -> Any:
    spec = importlib.util.spec_from_file_location("validate", VALIDATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Spec(version)


def documented(body: Any) -> Any:
    """`body` without what ARM shows although no specification has it."""
    if isinstance(body, dict):
        return {name: documented(value) for name, value in body.items() if name not in UNDOCUMENTED}
    return [documented(item) for item in body] if isinstance(body, list) else body


def without_back_references(body: Any) -> Any:
    """`body` without what its parts list of the others that use them: recorded of gateways, in no specification."""
    if isinstance(body, dict):
        used = [name for name in body if name in USERS and all(set(one) == {"id"} for one in body[name])]
        # Recorded of every listener.
        used += ["enableHttp3"]
        return {name: without_back_references(value) for name, value in body.items() if name not in used}
    return [without_back_references(item) for item in body] if isinstance(body, list) else body


def complaints(version: str, definition: str, body: Any, *, lax: bool = False) -> list[str]:
    errors, warnings = definitions(version).check(body, name=definition, lax=lax)
    return [*errors, *warnings]


def article(stage: Stage) -> str:
    return LB1


@pytest.mark.parametrize(
    ("path", "definition"),
    [
        (f"{NETWORK}/loadBalancers/poolslb", "LoadBalancer"),
        (f"{NETWORK}/loadBalancers/poolslb/backendAddressPools/blue", "BackendAddressPool"),
        (f"{NETWORK}/loadBalancers/rolllb", "LoadBalancer"),
        (f"{NETWORK}/applicationGateways/gateway", "ApplicationGateway"),
    ],
)
def test_what_the_other_methods_need_is_valid(version: str, path: str, definition: str) -> None:
    stage = Stage(Settings(env="roads"))

    assert complaints(version, definition, without_back_references(documented(stage.get(path, version)))) == []


@pytest.mark.parametrize(("action", "definition"), HEALTH)
def test_a_gateways_health_is_valid(version: str, action: str, definition: str) -> None:
    stage = Stage(Settings(env="roads"))
    gateway = f"{NETWORK}/applicationGateways/gateway"
    pool, settings = f"{gateway}/backendAddressPools/green", f"{gateway}/backendHttpSettingsCollection/http"
    probe = {"backendAddressPool": {"id": pool}, "backendHttpSettings": {"id": settings}, "path": "/"}

    answer = stage.call("POST", f"{gateway}/{action}", probe if "Demand" in action else None, version)
    stage.settle()

    # Recorded: the words are others than the specification's.
    told = stage.follow(answer, "Location").body.replace(b'"Healthy"', b'"Up"')
    assert complaints(version, definition, json.loads(told)) == []


def basic(stage: Stage) -> str:
    stage.put(FLOAT, lb.basic_address())
    stage.settle()
    return lb.make(stage, lb.balancer(FLOAT, sku=lb.BASIC, loadBalancingRules=[lb.rule("http", 80)], probes=lb.PROBES))


def large(stage: Stage) -> str:
    rules = [lb.rule(f"rule{n}", 1000 + n) for n in range(100)]
    made = lb.balancer(stage.make_address(), loadBalancingRules=rules, probes=lb.PROBES)
    return lb.make(stage, {**made, "tags": {"owner": "nobody"}})


def nat_pools(stage: Stage) -> str:
    pools = [lb.nat_pool("ssh", 50000, 50120, 22), lb.nat_pool("web", 9200, 9320, 9000)]
    return lb.make(stage, lb.balancer(stage.make_address(), inboundNatPools=pools))


def outbound_rules(stage: Stage) -> str:
    http = lb.rule("http", 80, disableOutboundSnat=True)
    body = lb.balancer(
        stage.make_address(), loadBalancingRules=[http], probes=lb.PROBES, outboundRules=[lb.outbound("out")]
    )
    return lb.make(stage, body)


def internal(stage: Stage) -> str:
    subnet = {"id": f"{NETWORK}/virtualNetworks/vipswapvnet/subnets/subnet"}
    front = lb.child("front", subnet=subnet, privateIPAllocationMethod="dynamic")
    return lb.make(stage, lb.balancer(IP1, frontendIPConfigurations=[{**front, "zones": ["1"]}]))


def updating(stage: Stage) -> str:
    assert stage.put_address(LB1, stage.make_address()).json()["properties"]["provisioningState"] == "Updating"
    return LB1


def failed(stage: Stage) -> str:
    stage.fault({"fail_operation": {"code": "InternalServerError", "message": "no"}}, method="PUT")
    stage.put(LB1, stage.get(LB1))
    stage.settle()
    assert stage.get(LB1)["properties"]["provisioningState"] == "Failed"
    return LB1


BALANCERS = [article, basic, large, nat_pools, outbound_rules, internal, updating, failed]


@pytest.mark.parametrize("make", BALANCERS)
def test_a_load_balancer_is_valid(version: str, make: Callable[[Stage], str]) -> None:
    stage = Stage()

    body = stage.get(make(stage), version)

    assert complaints(version, "LoadBalancer", documented(body)) == []


def zonal(stage: Stage) -> str:
    return stage.make_address(
        zones=["1"],
        ipTags=[{"ipTagType": "RoutingPreference", "tag": "Internet"}],
        dnsSettings={"domainNameLabel": "label", "reverseFqdn": "www.example.com."},
        tags={"a": "b"},
    )


def being_made(stage: Stage) -> str:
    stage.put(FLOAT, address())
    return FLOAT


def being_deleted(stage: Stage) -> str:
    stage.call("DELETE", stage.make_address())
    return FLOAT


def dynamic(stage: Stage) -> str:
    stage.put(FLOAT, lb.basic_address(idleTimeoutInMinutes=30))
    return FLOAT


def version_6(stage: Stage) -> str:
    return stage.make_address(publicIPAddressVersion="ipv6")


@pytest.mark.parametrize("make", [lambda stage: IP1, zonal, being_made, being_deleted, dynamic, version_6])
def test_a_public_ip_is_valid(version: str, make: Callable[[Stage], str]) -> None:
    stage = Stage()

    body = stage.get(make(stage), version)

    assert complaints(version, "PublicIPAddress", body) == []


@pytest.mark.parametrize("kind", ["loadBalancers", "publicIPAddresses"])
@pytest.mark.parametrize("scope", [NETWORK, f"{SUB}/providers/Microsoft.Network"])
def test_the_elements_of_a_list_are_valid(version: str, kind: str, scope: str) -> None:
    stage = Stage()
    zonal(stage)

    items = stage.get(f"{scope}/{kind}", version)["value"]

    assert len(items) >= 2
    definition = {"loadBalancers": "LoadBalancer", "publicIPAddresses": "PublicIPAddress"}[kind]
    assert [complaints(version, definition, documented(item)) for item in items] == [[]] * len(items)


def test_a_frontend_read_by_itself_is_valid(version: str) -> None:
    items = Stage().get(f"{LB1}/frontendIPConfigurations", version)["value"]

    assert [complaints(version, "FrontendIPConfiguration", item) for item in items] == [[]]


def test_a_public_ip_keeps_properties_that_came_from_outside(version: str) -> None:
    stage = Stage()
    stage.make_address(fromTheFuture={"a": 1})

    body = stage.get(FLOAT, version)

    assert body["properties"]["fromTheFuture"] == {"a": 1}
    assert complaints(version, "PublicIPAddress", body) != []
    assert complaints(version, "PublicIPAddress", body, lax=True) == []


ERRORS: dict[str, Callable[[Stage], Answer]] = {
    "nothing there": lambda stage: stage.call("GET", FLOAT),
    "no group": lambda stage: stage.call("GET", f"{SUB}/resourceGroups/none"),
    "address in use": lambda stage: stage.put_address(LB1, f"{NETWORK}/publicIPAddresses/vipswap2pip"),
    "delete in use": lambda stage: stage.call("DELETE", IP1),
    "wrong etag": lambda stage: stage.put(LB1, stage.get(LB1), if_match="wrong"),
    "no json": lambda stage: stage.call("PUT", FLOAT, b"{"),
    "wrong type": lambda stage: stage.put(FLOAT, {**address(), "properties": {"idleTimeoutInMinutes": "4"}}),
    "busy": lambda stage: stage.call("POST", NATIVE, {}),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_valid(version: str, name: str) -> None:
    answer = ERRORS[name](Stage())

    assert answer.status >= 400
    body = answer.json()
    # `details` are of the resource provider's own form, which says no more than this.
    assert complaints(version, "CloudError", body) == []


def test_the_body_of_the_native_swap_that_the_emulator_takes_is_valid(version: str) -> None:
    body = exchange()

    assert Stage(Settings()).call("POST", NATIVE, body).status == 202
    assert complaints(version, "LoadBalancerVipSwapRequest", body) == []
