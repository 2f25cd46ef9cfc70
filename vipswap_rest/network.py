"""One small function per REST call, arguments in the order of the URL, as azurerm has them.

https://learn.microsoft.com/rest/api/virtualnetwork/public-ip-addresses
https://learn.microsoft.com/rest/api/load-balancer/load-balancers
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from vipswap_rest.arm import ArmClient, Started
from vipswap_rest.ids import ResourceId, check_group

PUBLIC_IP = "publicIPAddresses"
LOAD_BALANCER = "loadBalancers"
# The two parts of a load balancer that ARM lets write by themselves, each an operation on the whole load balancer.
BACKEND_POOL = "backendAddressPools"
NAT_RULE = "inboundNatRules"


def public_ip_id(client: ArmClient, resource_group: str, name: str) -> ResourceId:
    """The id of a public IP address of the client's subscription. Raises InvalidResourceId."""
    return ResourceId.network(client.subscription, resource_group, PUBLIC_IP, name)


def load_balancer_id(client: ArmClient, resource_group: str, name: str) -> ResourceId:
    """The id of a load balancer of the client's subscription. Raises InvalidResourceId."""
    return ResourceId.network(client.subscription, resource_group, LOAD_BALANCER, name)


def get_resource_group(client: ArmClient, resource_group: str, *, deadline: float | None = None) -> dict[str, Any]:
    """The resource group: name, location, tags, and the id of what manages it, if anything does."""
    path = f"/subscriptions/{client.subscription}/resourcegroups/{check_group(resource_group)}"
    return client.get(path, api="resource_groups", deadline=deadline)


def list_subscriptions(client: ArmClient) -> Iterator[dict[str, Any]]:
    """The subscriptions this identity may see."""
    return client.list("/subscriptions", api="subscriptions")


def get_public_ip(
    client: ArmClient, resource_group: str, name: str, *, deadline: float | None = None
) -> dict[str, Any]:
    """The public IP address with its etag, state, and the ipConfiguration that holds it."""
    return client.get(str(public_ip_id(client, resource_group, name)), deadline=deadline)


def list_public_ips(client: ArmClient, resource_group: str) -> Iterator[dict[str, Any]]:
    """The public IP addresses of a resource group."""
    return client.list(_group(client, resource_group) + PUBLIC_IP)


def list_all_public_ips(client: ArmClient) -> Iterator[dict[str, Any]]:
    """The public IP addresses of the subscription."""
    return client.list(f"/subscriptions/{client.subscription}/providers/Microsoft.Network/{PUBLIC_IP}")


def create_public_ip(client: ArmClient, resource_group: str, name: str, body: Mapping[str, Any]) -> Started:
    """Begin to create a public IP address, or to replace one that exists (200 instead of 201)."""
    return client.put(str(public_ip_id(client, resource_group, name)), body)


def claim_public_ip(client: ArmClient, resource_group: str, name: str, body: Mapping[str, Any]) -> Started:
    """Begin to create a public IP address that must not exist yet: `If-None-Match: *`, sent once.

    A provider that honours the header answers 412 where the address exists; another answers 200.
    """
    headers = {"If-None-Match": "*"}
    return client.put(str(public_ip_id(client, resource_group, name)), body, headers=headers, once=True)


def update_public_ip(
    client: ArmClient, resource_group: str, name: str, body: Mapping[str, Any], *, etag: str
) -> Started:
    """Begin to replace a public IP address if it still is as it was read (412 if not)."""
    return client.put(str(public_ip_id(client, resource_group, name)), body, headers={"If-Match": etag})


def tag_public_ip(client: ArmClient, resource_group: str, name: str, tags: Mapping[str, str]) -> Started:
    """Replace the tags of a public IP address; ARM does it at once."""
    return client.patch(str(public_ip_id(client, resource_group, name)), {"tags": dict(tags)})


def delete_public_ip(client: ArmClient, resource_group: str, name: str) -> Started:
    """Begin to delete a public IP address. ARM refuses while anything holds it."""
    return client.delete(str(public_ip_id(client, resource_group, name)))


def get_load_balancer(
    client: ArmClient, resource_group: str, name: str, *, deadline: float | None = None
) -> dict[str, Any]:
    """The whole load balancer: frontends, pools, rules, probes, NAT pools, outbound rules, etag, state."""
    return client.get(str(load_balancer_id(client, resource_group, name)), deadline=deadline)


def list_load_balancers(client: ArmClient, resource_group: str) -> Iterator[dict[str, Any]]:
    """The load balancers of a resource group."""
    return client.list(_group(client, resource_group) + LOAD_BALANCER)


def create_load_balancer(client: ArmClient, resource_group: str, name: str, body: Mapping[str, Any]) -> Started:
    """Begin to create or replace a load balancer, whatever it is like now."""
    return client.put(str(load_balancer_id(client, resource_group, name)), body)


def update_load_balancer(
    client: ArmClient, resource_group: str, name: str, body: Mapping[str, Any], *, etag: str
) -> Started:
    """Begin to replace a load balancer if it still is as it was read (412 if not)."""
    return client.put(str(load_balancer_id(client, resource_group, name)), body, headers={"If-Match": etag})


def tag_load_balancer(client: ArmClient, resource_group: str, name: str, tags: Mapping[str, str]) -> Started:
    """Replace the tags of a load balancer; ARM does it at once."""
    return client.patch(str(load_balancer_id(client, resource_group, name)), {"tags": dict(tags)})


def delete_load_balancer(client: ArmClient, resource_group: str, name: str) -> Started:
    """Begin to delete a load balancer."""
    return client.delete(str(load_balancer_id(client, resource_group, name)))


def get_backend_pool(
    client: ArmClient, resource_group: str, load_balancer: str, name: str, *, deadline: float | None = None
) -> dict[str, Any]:
    """One backend address pool of a load balancer; its etag and state are the load balancer's.

    https://learn.microsoft.com/rest/api/load-balancer/load-balancer-backend-address-pools
    """
    return client.get(_part(client, resource_group, load_balancer, BACKEND_POOL, name), deadline=deadline)


def list_backend_pools(client: ArmClient, resource_group: str, load_balancer: str) -> Iterator[dict[str, Any]]:
    """The backend address pools of a load balancer."""
    return client.list(f"{load_balancer_id(client, resource_group, load_balancer)}/{BACKEND_POOL}")


def create_backend_pool(
    client: ArmClient, resource_group: str, load_balancer: str, name: str, body: Mapping[str, Any]
) -> Started:
    """Begin to create or replace a backend address pool, and nothing else of its load balancer."""
    return client.put(_part(client, resource_group, load_balancer, BACKEND_POOL, name), body)


def delete_backend_pool(client: ArmClient, resource_group: str, load_balancer: str, name: str) -> Started:
    """Begin to delete a backend address pool. ARM refuses while a rule uses it."""
    return client.delete(_part(client, resource_group, load_balancer, BACKEND_POOL, name))


def get_nat_rule(
    client: ArmClient, resource_group: str, load_balancer: str, name: str, *, deadline: float | None = None
) -> dict[str, Any]:
    """One inbound NAT rule of a load balancer.

    https://learn.microsoft.com/rest/api/load-balancer/inbound-nat-rules
    """
    return client.get(_part(client, resource_group, load_balancer, NAT_RULE, name), deadline=deadline)


def create_nat_rule(
    client: ArmClient, resource_group: str, load_balancer: str, name: str, body: Mapping[str, Any]
) -> Started:
    """Begin to create or replace an inbound NAT rule, and nothing else of its load balancer."""
    return client.put(_part(client, resource_group, load_balancer, NAT_RULE, name), body)


def delete_nat_rule(client: ArmClient, resource_group: str, load_balancer: str, name: str) -> Started:
    """Begin to delete an inbound NAT rule."""
    return client.delete(_part(client, resource_group, load_balancer, NAT_RULE, name))


def swap_public_ip_addresses(client: ArmClient, location: str, addresses: Mapping[ResourceId, ResourceId]) -> Started:
    """Begin the native swap: `addresses` says which public IP each frontend IP configuration shall hold.

    https://learn.microsoft.com/rest/api/load-balancer/load-balancers/swap-public-ip-addresses
    """
    body = {
        "frontendIPConfigurations": [
            {"id": str(frontend), "properties": {"publicIPAddress": {"id": str(address)}}}
            for frontend, address in addresses.items()
        ]
    }
    path = f"/subscriptions/{client.subscription}/providers/Microsoft.Network/locations/{_region(location)}"
    return client.post(f"{path}/setLoadBalancerFrontendPublicIpAddresses", body)


def query_rule_health(
    client: ArmClient, resource_group: str, name: str, rule: str, *, deadline: float | None = None
) -> Started:
    """Begin to ask for the health of what stands behind a load-balancing rule: how many are up, how many down.

    https://learn.microsoft.com/azure/load-balancer/load-balancer-manage-health-status
    """
    id = load_balancer_id(client, resource_group, name).child("loadBalancingRules", rule)
    return client.post(f"{id}/health", None, deadline=deadline)


def list_usages(client: ArmClient, location: str, *, deadline: float | None = None) -> Iterator[dict[str, Any]]:
    """What the subscription uses of its network quotas in a region.

    https://learn.microsoft.com/rest/api/virtualnetwork/usages/list
    """
    path = f"/subscriptions/{client.subscription}/providers/Microsoft.Network/locations/{_region(location)}/usages"
    return client.list(path, deadline=deadline)


def _part(client: ArmClient, resource_group: str, load_balancer: str, kind: str, name: str) -> str:
    return str(load_balancer_id(client, resource_group, load_balancer).child(kind, name))


def _region(location: str) -> str:
    return quote(location.replace(" ", "").lower(), safe="")


def _group(client: ArmClient, resource_group: str) -> str:
    return (
        f"/subscriptions/{client.subscription}/resourceGroups/{check_group(resource_group)}"
        "/providers/Microsoft.Network/"
    )
