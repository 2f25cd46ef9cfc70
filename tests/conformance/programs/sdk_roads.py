"""A user's program on Microsoft's SDK: a pool flip, a gateway flip, a scale set's upgrade and a deployment.

    python sdk_roads.py < the line that `vipswap emulator --env roads --tls` printed

Prints one JSON object: what the SDK read before and after, and the keys that its models lost on a round trip.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.network.models import SubResource
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from azure.mgmt.resource.resources import ResourceManagementClient

GROUP = "vipswap"


def connect(kind: Any, said: dict[str, Any]) -> Any:
    """One of the SDK's clients on this ARM, with an application's secret."""
    credential = ClientSecretCredential(
        said["tenant"],
        said["client_id"],
        said["client_secret"],
        authority=said["authority"],
        disable_instance_discovery=True,
        connection_verify=said["ca_file"],
    )
    return kind(
        credential,
        said["subscription"],
        base_url=said["endpoint"],
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=said["ca_file"],
    )


def flip_pool(client: NetworkManagementClient, target: dict[str, Any]) -> list[str]:
    """Let the two rules of the load balancer trade pools; the pools of each before and after."""
    balancer = client.load_balancers.get(GROUP, target["lb"])
    before = [rule.backend_address_pool.id.rsplit("/", 1)[1] for rule in balancer.load_balancing_rules]
    rules = balancer.load_balancing_rules
    pools = [rule.backend_address_pool.id for rule in reversed(rules)]
    for rule, pool in zip(rules, pools, strict=True):
        rule.backend_address_pool, rule.backend_address_pools = None, [SubResource(id=pool)]
    after = client.load_balancers.begin_create_or_update(GROUP, target["lb"], balancer).result()
    return before + [rule.backend_address_pool.id.rsplit("/", 1)[1] for rule in after.load_balancing_rules]


def flip_gateway(client: NetworkManagementClient, target: dict[str, Any]) -> list[str]:
    """Let the rule lead to the other pool, which must be healthy; its pool before and after."""
    name = target["gateway"]
    gateway = client.application_gateways.get(GROUP, name)
    health = client.application_gateways.begin_backend_health(GROUP, name).result()
    (rule,) = gateway.request_routing_rules
    before = rule.backend_address_pool.id
    assert [pool.backend_address_pool.id for pool in health.backend_address_pools] == [before]
    rule.backend_address_pool = SubResource(id=before.replace("/blue", "/green"))
    after = client.application_gateways.begin_create_or_update(GROUP, name, gateway).result()
    ids = [before, after.request_routing_rules[0].backend_address_pool.id]
    return [one.rsplit("/", 1)[1] for one in ids]


def upgrade(client: ComputeManagementClient, target: dict[str, Any]) -> list[bool]:
    """Give the scale set another image, and its instances the new model; whether each had it before and after."""
    sets, name = client.virtual_machine_scale_sets, target["scale_set"]
    change = {"properties": {"virtualMachineProfile": {"storageProfile": {"imageReference": {"version": "2.0.0"}}}}}
    sets.begin_update(GROUP, name, change).result()
    found = [bool(one.latest_model_applied) for one in client.virtual_machine_scale_set_vms.list(GROUP, name)]
    sets.begin_update_instances(GROUP, name, {"instanceIds": ["*"]}).result()
    return found + [bool(one.latest_model_applied) for one in client.virtual_machine_scale_set_vms.list(GROUP, name)]


def deploy(client: DeploymentsMgmtClient) -> list[str]:
    """Validate and deploy a template with one address; the states, and what was made."""
    address = {
        "type": "Microsoft.Network/publicIPAddresses",
        "apiVersion": "2026-03-01",
        "name": "sdkpip",
        "location": "[parameters('location')]",
        "sku": {"name": "Standard"},
        "properties": {"publicIPAllocationMethod": "Static"},
    }
    schema = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
    template = {"$schema": schema, "contentVersion": "1.0.0.0", "parameters": {"location": {"type": "string"}}}
    values = {"location": {"value": "westus"}}
    asked: Any = {
        "properties": {"mode": "Incremental", "template": {**template, "resources": [address]}, "parameters": values}
    }
    checked = client.deployments.begin_validate(GROUP, "sdk", asked).result()
    made = client.deployments.begin_create_or_update(GROUP, "sdk", asked).result()
    operations = client.deployment_operations.list(GROUP, "sdk")
    names = [one.properties.target_resource.resource_name for one in operations]
    return [str(checked.properties.provisioning_state), str(made.properties.provisioning_state), *names]


def lost(raw: Any, model: Any, path: str = "") -> Iterator[str]:
    """The keys of an answer that are not in what the SDK's model of it says again."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            there = model.get(key) if isinstance(model, dict) else None
            if there is None and value is not None:
                yield f"{path}.{key}".lstrip(".")
            else:
                yield from lost(value, there, f"{path}.{key}")
    elif isinstance(raw, list) and isinstance(model, list):
        for one, other in zip(raw, model, strict=True):
            yield from lost(one, other, path)


def main() -> None:
    said = json.load(sys.stdin)
    targets = said["targets"]
    with (
        connect(NetworkManagementClient, said) as network,
        connect(ComputeManagementClient, said) as compute,
        connect(DeploymentsMgmtClient, said) as deployments,
        connect(ResourceManagementClient, said) as resources,
    ):
        told: dict[str, Any] = {
            "pool": flip_pool(network, targets["pool"]),
            "gateway": flip_gateway(network, targets["gateway"]),
            "rolling": upgrade(compute, targets["rolling"]),
            "deployment": deploy(deployments),
        }
        raw: dict[str, Any] = {}
        keep = lambda answer: raw.update(answer.http_response.json())  # noqa: E731 - the SDK's own way to see the answer
        found = compute.virtual_machine_scale_sets.get(GROUP, targets["rolling"]["scale_set"], raw_response_hook=keep)
        told["lost of the scale set"] = sorted(lost(raw, found.as_dict()))
        raw.clear()
        group = resources.resource_groups.get(GROUP, raw_response_hook=keep)
        told["lost of the group"] = sorted(lost(raw, group.as_dict()))
        raw.clear()
        deployment = deployments.deployments.get(GROUP, "sdk", raw_response_hook=keep)
        told["lost of the deployment"] = sorted(lost(raw, deployment.as_dict()))
        print(json.dumps(told))


if __name__ == "__main__":
    main()
