"""The calls of gateways, scale sets, resource groups and deployments: each is one request, to the letter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses

from tests.arm.conftest import ARM, GROUP
from vipswap_rest.arm import compute, gateway, resources
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clouds import API_VERSIONS
from vipswap_rest.arm.errors import OperationFailed
from vipswap_rest.arm.ids import InvalidResourceId, ResourceId

GATEWAY = f"{GROUP}/providers/Microsoft.Network/applicationGateways/gw"
SCALE_SET = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/vmss"
DEPLOYMENT = f"{GROUP}/providers/Microsoft.Resources/deployments/d1"
GW, SET = ResourceId.parse(GATEWAY), ResourceId.parse(SCALE_SET)
PROBE = {"backendAddressPool": {"id": "p"}, "backendHttpSettings": {"id": "s"}, "path": "/"}
WHOLE: dict[str, Any] = {"mode": "Incremental", "template": {}}

Case = tuple[Callable[[ArmClient], Any], str, str, str, Any]
CASES: list[Case] = [
    (lambda c: gateway.get_application_gateway(c, GW), "GET", GATEWAY, "network", None),
    (lambda c: gateway.list_application_gateways(c, GROUP), "GET", GATEWAY.rpartition("/")[0], "network", None),
    (lambda c: gateway.create_application_gateway(c, GW, {"a": 1}), "PUT", GATEWAY, "network", {"a": 1}),
    (lambda c: gateway.update_application_gateway(c, GW, {"a": 1}, etag="e"), "PUT", GATEWAY, "network", {"a": 1}),
    (lambda c: gateway.query_backend_health(c, GW), "POST", f"{GATEWAY}/backendhealth", "network", None),
    (
        lambda c: gateway.query_backend_health_on_demand(c, GW, PROBE),
        "POST",
        f"{GATEWAY}/getBackendHealthOnDemand",
        "network",
        PROBE,
    ),
    (lambda c: compute.get_scale_set(c, SET), "GET", SCALE_SET, "compute", None),
    (lambda c: compute.list_scale_sets(c, GROUP), "GET", SCALE_SET.rpartition("/")[0], "compute", None),
    (lambda c: compute.create_scale_set(c, SET, {"a": 1}), "PUT", SCALE_SET, "compute", {"a": 1}),
    (lambda c: compute.patch_scale_set(c, SET, {"a": 1}), "PATCH", SCALE_SET, "compute", {"a": 1}),
    (lambda c: compute.get_scale_set_view(c, SET), "GET", f"{SCALE_SET}/instanceView", "compute", None),
    (
        lambda c: compute.upgrade_instances(c, SET, ["0", "1"]),
        "POST",
        f"{SCALE_SET}/manualupgrade",
        "compute",
        {"instanceIds": ["0", "1"]},
    ),
    (
        lambda c: compute.reimage_instances(c, SET, ["*"]),
        "POST",
        f"{SCALE_SET}/reimage",
        "compute",
        {"instanceIds": ["*"]},
    ),
    (lambda c: compute.start_rolling_upgrade(c, SET), "POST", f"{SCALE_SET}/osRollingUpgrade", "compute", None),
    (lambda c: compute.get_rolling_upgrade(c, SET), "GET", f"{SCALE_SET}/rollingUpgrades/latest", "compute", None),
    (lambda c: compute.cancel_rolling_upgrade(c, SET), "POST", f"{SCALE_SET}/rollingUpgrades/cancel", "compute", None),
    (lambda c: compute.list_instances(c, SET), "GET", f"{SCALE_SET}/virtualMachines", "compute", None),
    (
        lambda c: compute.get_instance_view(c, SET, "0"),
        "GET",
        f"{SCALE_SET}/virtualMachines/0/instanceView",
        "compute",
        None,
    ),
    (lambda c: resources.get_resource_group(c, GROUP), "GET", GROUP, "resource_groups", None),
    (
        lambda c: resources.put_resource_group(c, GROUP, "westus", {"a": "b"}),
        "PUT",
        GROUP,
        "resource_group_writes",
        {"location": "westus", "tags": {"a": "b"}},
    ),
    (lambda c: resources.delete_resource_group(c, GROUP), "DELETE", GROUP, "resource_group_writes", None),
    (lambda c: resources.list_resources(c, GROUP), "GET", f"{GROUP}/resources", "resource_group_writes", None),
    (
        lambda c: resources.validate_deployment(c, GROUP, "d1", WHOLE),
        "POST",
        f"{DEPLOYMENT}/validate",
        "deployments",
        {"properties": WHOLE},
    ),
    (
        lambda c: resources.what_if_deployment(c, GROUP, "d1", WHOLE),
        "POST",
        f"{DEPLOYMENT}/whatIf",
        "deployments",
        {"properties": WHOLE},
    ),
    (
        lambda c: resources.put_deployment(c, GROUP, "d1", WHOLE),
        "PUT",
        DEPLOYMENT,
        "deployments",
        {"properties": WHOLE},
    ),
    (lambda c: resources.get_deployment(c, GROUP, "d1"), "GET", DEPLOYMENT, "deployments", None),
    (
        lambda c: resources.list_deployment_operations(c, GROUP, "d1"),
        "GET",
        f"{GROUP}/deployments/d1/operations",
        "deployments",
        None,
    ),
    (lambda c: resources.cancel_deployment(c, GROUP, "d1"), "POST", f"{DEPLOYMENT}/cancel", "deployments", None),
]


@pytest.mark.parametrize(("call", "method", "path", "api", "body"), CASES)
def test_a_call_is_one_request(
    call: Callable[[ArmClient], Any],
    method: str,
    path: str,
    api: str,
    body: Any,
    arm: responses.RequestsMock,
    client: ArmClient,
) -> None:
    arm.add(method, f"{ARM}{path}?api-version={API_VERSIONS[api]}", json={"value": []})

    result = call(client)
    if isinstance(result, Iterator):
        assert list(result) == []

    (sent,) = (one.request for one in arm.calls)
    assert (json.loads(sent.body) if sent.body else None) == body


def test_a_whole_write_may_be_bound_to_what_was_read(arm: responses.RequestsMock, client: ArmClient) -> None:
    arm.put(f"{ARM}{GATEWAY}", json={})
    arm.patch(f"{ARM}{SCALE_SET}", json={})

    gateway.update_application_gateway(client, GW, {}, etag='W/"1"')
    compute.patch_scale_set(client, SET, {}, etag='"2"')

    assert [call.request.headers["If-Match"] for call in arm.calls] == ['W/"1"', '"2"']


@pytest.mark.parametrize("call", [gateway.get_application_gateway, compute.get_scale_set])
def test_an_id_of_another_type_is_refused(call: Callable[[ArmClient, ResourceId], Any], client: ArmClient) -> None:
    with pytest.raises(InvalidResourceId, match=r"is the id of a .*/publicIPAddresses, not of a"):
        call(client, ResourceId.parse(f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/ip"))


def test_a_group_whose_deletion_is_refused_at_the_end_says_why(arm: responses.RequestsMock, client: ArmClient) -> None:
    """As recorded: 202, and in the end 409 with the error's keys in capitals, each detail an error's JSON as text."""
    job = f"{ARM}/subscriptions/s/operationresults/abc"
    inner = json.dumps({"error": {"code": "OperationNotAllowed", "message": "The disk is in use."}})
    told = {
        "Code": "ResourceGroupDeletionBlocked",
        "Message": "Blocked.",
        "Details": [{"Code": None, "Message": inner}],
    }
    arm.delete(f"{ARM}{GROUP}", status=202, headers={"Location": job})
    arm.get(job, status=202, headers={"Location": job})
    arm.get(job, status=409, json={"Error": told})

    with pytest.raises(OperationFailed) as ended:
        client.wait(resources.delete_resource_group(client, GROUP))

    assert (ended.value.code, ended.value.message) == ("ResourceGroupDeletionBlocked", "Blocked.")
    assert "OperationNotAllowed" in [detail.code for detail in ended.value.details]


def test_a_result_that_is_null_until_it_is_there_is_waited_for(arm: responses.RequestsMock, client: ArmClient) -> None:
    """As recorded of a gateway's health: only Location, and the four characters `null` while it runs."""
    job = f"{ARM}/subscriptions/s/providers/Microsoft.Network/locations/westus/operationResults/abc"
    arm.post(f"{ARM}{GATEWAY}/backendhealth", status=202, body="null", headers={"Location": job})
    arm.get(job, status=202, body="null", headers={"Location": f"{job}?t=2"})
    arm.get(f"{job}?t=2", json={"backendAddressPools": []})

    assert client.wait(gateway.query_backend_health(client, GW)).body == {"backendAddressPools": []}
