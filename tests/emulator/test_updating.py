"""Which writes are Updating, and which Succeeded at once; as counted in recordings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import FLOAT, IP1, LB1, NETWORK, Answer, Json, Stage, address
from tests.emulator.test_refusals import SUBNET

GLOBAL = {"name": "Standard", "tier": "Global"}


def state_of(answer: Answer) -> str:
    assert answer.status in (200, 201), answer.body
    return str(answer.json()["properties"]["provisioningState"])


def internal(*frontends: Json, sku: str = "Standard", **more: Any) -> Json:
    """A load balancer without members whose frontends are in a subnet."""
    return lb.balancer("", sku={"name": sku}, frontendIPConfigurations=list(frontends), **more)


def inner(name: str = "front", **more: Any) -> Json:
    return lb.child(name, subnet=SUBNET, **more)


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        (None, internal(inner()), "Updating"),
        (None, internal(inner(), sku="Basic"), "Succeeded"),
        (internal(inner()), internal(inner(), inner("second")), "Updating"),
        (internal(inner(), inner("second")), internal(inner()), "Updating"),
        (
            internal(inner()),
            internal(inner(privateIPAddress="10.0.0.9", privateIPAllocationMethod="Static")),
            "Updating",
        ),
        (internal(inner()), internal(inner()), "Succeeded"),
        (internal(inner()), internal(inner(), probes=lb.PROBES), "Succeeded"),
        (internal(inner(), sku="Basic"), internal(inner(), inner("second"), sku="Basic"), "Succeeded"),
        (internal(inner(), sku="Gateway"), internal(inner(), sku="Gateway"), "Updating"),
    ],
)
def test_a_load_balancer_without_members_is_updating_where_its_subnets_change(
    before: Json | None, after: Json, state: str
) -> None:
    stage = Stage()
    if before is not None:
        stage.put(lb.OTHER, before)
        stage.settle()

    assert state_of(stage.put(lb.OTHER, after)) == state


def test_a_global_load_balancer_is_updating_unless_only_its_tags_change() -> None:
    stage = Stage()
    body = lb.balancer(stage.make_address(sku=GLOBAL), sku=GLOBAL)
    states = [state_of(stage.put(lb.OTHER, body))]
    stage.settle()

    for one in ({"tags": {"a": "b"}}, {"tags": {}}, {"properties": {**body["properties"], "probes": lb.PROBES}}):
        states.append(state_of(stage.put(lb.OTHER, {**body, **one})))
        stage.settle()

    assert states == ["Updating", "Succeeded", "Succeeded", "Updating"]


def test_the_put_of_a_pool_is_updating_without_members_and_that_of_a_nat_rule_is_not() -> None:
    stage = Stage()
    lb.make(stage, lb.balancer(stage.make_address()))
    nat = {
        "frontendIPConfiguration": lb.part("frontendIPConfigurations", "front"),
        "protocol": "Tcp",
        "frontendPort": 22,
        "backendPort": 22,
    }

    pool = stage.put(f"{lb.OTHER}/backendAddressPools/second", {"properties": {}})
    stage.settle()
    rule = stage.put(f"{lb.OTHER}/inboundNatRules/ssh", {"properties": nat})

    assert (state_of(pool), state_of(rule)) == ("Updating", "Succeeded")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "Succeeded"),
        ({"etag": 'W/"other"'}, "Succeeded"),
        ({"tags": {"a": "b"}}, "Updating"),
        ({"properties": {"idleTimeoutInMinutes": 9}}, "Updating"),
        ({"properties": {"ipAddress": "192.0.2.1", "resourceGuid": "x", "provisioningState": "Failed"}}, "Succeeded"),
        ({"properties": {"publicIPAllocationMethod": "static"}}, "Succeeded"),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_an_addresss_put_is_succeeded_exactly_when_nothing_changes(change: Json, state: str, bare: bool) -> None:
    stage = Stage()
    stage.make_address()
    if bare:
        # Seeded without what ARM would have added.
        seeded = {key: value for key, value in stage.get(FLOAT).items() if key != "type"}
        seeded["properties"] = {"publicIPAllocationMethod": "Static", "ipAddress": "203.0.113.77"}
        stage.seed(seeded)
    body = stage.get(FLOAT)
    body["properties"].update(change.get("properties", {}))

    answer = stage.put(FLOAT, {**body, **{key: value for key, value in change.items() if key != "properties"}})

    assert state_of(answer) == state
    assert ("Retry-After" in answer.headers) == (state == "Updating")


def test_a_notification_is_offered_with_patches_and_results_too() -> None:
    stage = Stage()
    made = stage.make_address()
    deleted = stage.call("DELETE", made)
    header = "Azure-AsyncNotification"

    told = [stage.call("PATCH", path, {"tags": {}}).headers.get(header) for path in (LB1, IP1)] + [
        stage.follow(deleted, "Location").headers.get(header)
    ]
    stage.settle()
    told.append(stage.follow(deleted, "Location").headers.get(header))

    assert told == ["Enabled"] * 4
    assert header not in stage.follow(deleted).headers
    assert header not in stage.call("GET", f"{NETWORK}/loadBalancers").headers
    assert stage.put(FLOAT, address()).headers[header] == "Enabled"
