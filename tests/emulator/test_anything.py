"""Whatever is sent or seeded, the emulator answers: no body breaks it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emulator.stage import FLOAT, FRONTEND1, FRONTEND2, IP1, IP2, LB1, LB2, NATIVE, Json, Stage
from vipswap_rest.emulator import Settings

REFERENCES = st.sampled_from([FRONTEND1, FRONTEND2, IP1, IP2, LB1, LB2, FLOAT, FLOAT.upper(), "", "x", "/", LB1 + "/"])
WORDS = st.sampled_from(
    ["Standard", "Basic", "Global", "Static", "dynamic", "IPv6", "a", "A", "westus", "Tcp", "label"]
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-1, 70000), st.floats(allow_nan=False), REFERENCES, WORDS)
NAMES = st.sampled_from(
    [
        *("id", "name", "properties", "sku", "tier", "etag", "type", "location", "tags", "zones", "provisioningState"),
        *("publicIPAddress", "subnet", "publicIPPrefix", "frontendIPConfiguration", "backendAddressPool", "probe"),
        *("frontendIPConfigurations", "backendAddressPools", "loadBalancingRules", "probes", "inboundNatRules"),
        *("inboundNatPools", "outboundRules", "backendIPConfigurations", "loadBalancerBackendAddresses", "port"),
        *("frontendPort", "intervalInSeconds", "numberOfProbes", "idleTimeoutInMinutes", "protocol", "ipTags"),
        *("publicIPAllocationMethod", "publicIPAddressVersion", "dnsSettings", "domainNameLabel", "ipAddress"),
        *("ipConfiguration", "natGateway", "requestPath", "loadDistribution", "privateIPAddressVersion", "fqdn"),
    ]
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=20,
)
# Close to what is right, so that more than the first check sees it.
CHILD = st.fixed_dictionaries({}, optional={"name": WORDS, "id": REFERENCES, "zones": VALUES, "properties": VALUES})
CHILDREN = st.one_of(st.lists(CHILD, max_size=3), VALUES)
COLLECTIONS = (
    *("frontendIPConfigurations", "backendAddressPools", "loadBalancingRules", "probes", "inboundNatRules"),
    *("outboundRules", "inboundNatPools"),
)
PROPERTIES = st.dictionaries(NAMES, VALUES, max_size=5)
BALANCER = st.fixed_dictionaries({}, optional=dict.fromkeys(COLLECTIONS, CHILDREN))
BODY = st.fixed_dictionaries(
    {"location": st.one_of(st.just("westus"), LEAVES), "properties": st.one_of(BALANCER, PROPERTIES)},
    optional={"sku": VALUES, "tags": VALUES, "zones": VALUES, "name": VALUES, "etag": VALUES},
)
often = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def ask_everything(stage: Stage) -> list[int]:
    """Every kind of call on what is there."""
    answers = [stage.admin("state"), stage.admin("timeline")]
    assert all(isinstance(answer, dict) for answer in answers)
    both = [
        {"id": one, "properties": {"publicIPAddress": {"id": ip}}} for one, ip in ((FRONTEND1, IP2), (FRONTEND2, IP1))
    ]
    statuses = [stage.call("POST", NATIVE, {"frontendIPConfigurations": both}).status]
    for path in (LB1, IP1):
        parent = path.rsplit("/", 1)[0]
        shown = stage.call("GET", path)
        statuses += [shown.status, stage.call("GET", parent).status]
        statuses += [stage.call("GET", path, version="2018-01-01").status]
        statuses += [stage.call("PUT", path, shown.body).status, stage.call("PATCH", path, {"tags": {}}).status]
        stage.settle()
    for child in ("frontendIPConfigurations", "probes", "loadBalancingRules/a"):
        statuses.append(stage.call("GET", f"{LB1}/{child}").status)
    statuses.append(stage.call("POST", f"{LB1}/loadBalancingRules/a/health").status)
    statuses.append(stage.call("GET", NATIVE.rsplit("/", 1)[0] + "/usages").status)
    statuses += [stage.call("PUT", LB2, stage.state()[LB2]).status, stage.put_address(LB2, float_of(stage)).status]
    statuses += [stage.call("DELETE", path).status for path in (LB1, IP1, FLOAT)]
    stage.settle()
    statuses += [stage.call("GET", path).status for path in (LB1, IP1, LB2)]
    return statuses


def float_of(stage: Stage) -> str:
    """The float, whatever was made of it before."""
    stage.call("PUT", FLOAT, {"location": "westus", "sku": {"name": "Standard"}, "properties": {}})
    stage.settle()
    return FLOAT


@often
@given(body=st.one_of(BODY, VALUES), path=st.sampled_from([LB1, IP1, FLOAT]))
def test_anything_may_be_put(body: Any, path: str) -> None:
    stage = Stage(Settings(latency="blog"))

    status = stage.call("PUT", path, body).status

    assert status < 500, json.dumps(body)
    assert max(ask_everything(stage)) < 500


@often
@given(body=BODY, path=st.sampled_from([LB1, IP1]))
def test_anything_may_be_seeded(body: Json, path: str) -> None:
    stage = Stage(Settings(latency="blog"))

    answer = stage.send("PUT", "/emulator/state", {"resources": [{**body, "id": path}]})

    assert answer.status in (200, 400)
    assert max(ask_everything(stage)) < 500


@often
@given(
    body=VALUES, path=st.sampled_from(["faults", "state", "reset"]), method=st.sampled_from(["POST", "PUT", "DELETE"])
)
def test_anything_may_be_sent_to_the_emulators_own_paths(body: Any, path: str, method: str) -> None:
    stage = Stage(Settings())

    assert stage.send(method, f"/emulator/{path}", body).status < 500
    stage.admin("faults", "DELETE")
    stage.admin("reset", "POST")
    assert stage.call("GET", LB2).status == 200


@pytest.mark.parametrize("value", [None, "text", 7, {}, [None, "text", {}], [{"name": None}, {"name": "a"}]])
@pytest.mark.parametrize("kind", COLLECTIONS)
def test_a_seeded_collection_may_be_no_list_of_children(kind: str, value: Any) -> None:
    stage = Stage()
    put = stage.get(LB1)
    stage.seed({**stage.get(LB1), "properties": {kind: value}})

    assert stage.call("GET", LB1).json()["properties"] == {kind: value}
    assert stage.put(LB1, put).status == 200
