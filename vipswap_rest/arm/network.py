"""One small function per REST call, arguments in the order of the URL, as azurerm has them.

What is about one resource takes its whole id, and is sent to that id's own subscription, group, type and name
(`_path`), whatever the client's subscription is; a list takes the id of its scope.

https://learn.microsoft.com/rest/api/virtualnetwork/public-ip-addresses
https://learn.microsoft.com/rest/api/load-balancer/load-balancers
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from vipswap_rest.arm.client import ArmClient, Started
from vipswap_rest.arm.ids import ResourceId, id_key, subscription_scope
from vipswap_rest.arm.rules import pools_of_rule, probing_rule
from vipswap_rest.arm.words import region_key

NAMESPACE = "Microsoft.Network"
PUBLIC_IP = "publicIPAddresses"
LOAD_BALANCER = "loadBalancers"
FRONTEND = f"{LOAD_BALANCER}/frontendIPConfigurations"
APPLICATION_GATEWAY = "applicationGateways"
# The two parts of a load balancer that ARM lets write by themselves, each an operation on the whole load balancer.
BACKEND_POOL = f"{LOAD_BALANCER}/backendAddressPools"
NAT_RULE = f"{LOAD_BALANCER}/inboundNatRules"
_RULE = f"{LOAD_BALANCER}/loadBalancingRules"


def list_subscriptions(client: ArmClient) -> Iterator[dict[str, Any]]:
    """The subscriptions this identity may see."""
    return client.list("/subscriptions", api="subscriptions")


def get_public_ip(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """The public IP address with its etag, state, and the ipConfiguration that holds it."""
    return client.get(_path(id, PUBLIC_IP), deadline=deadline)


def list_public_ips(client: ArmClient, scope: str, *, deadline: float | None = None) -> Iterator[dict[str, Any]]:
    """The public IP addresses of a resource group or a subscription (its id)."""
    return client.list(list_path(scope, PUBLIC_IP), deadline=deadline)


def create_public_ip(client: ArmClient, id: ResourceId, body: Mapping[str, Any]) -> Started:
    """Begin to create a public IP address, or to replace one that exists (200 instead of 201)."""
    return client.put(_path(id, PUBLIC_IP), body)


def claim_public_ip(client: ArmClient, id: ResourceId, body: Mapping[str, Any]) -> Started:
    """Begin to create a public IP address that must not exist yet: `If-None-Match: *`, sent once.

    A provider that honours the header answers 412 where the address exists; another answers 200.
    """
    return client.put(_path(id, PUBLIC_IP), body, headers={"If-None-Match": "*"}, once=True)


def update_public_ip(client: ArmClient, id: ResourceId, body: Mapping[str, Any], *, etag: str) -> Started:
    """Begin to replace a public IP address if it still is as it was read (412 if not)."""
    return client.put(_path(id, PUBLIC_IP), body, headers={"If-Match": etag})


def tag_public_ip(client: ArmClient, id: ResourceId, tags: Mapping[str, str]) -> Started:
    """Replace the tags of a public IP address; ARM does it at once."""
    return client.patch(_path(id, PUBLIC_IP), {"tags": dict(tags)})


def delete_public_ip(client: ArmClient, id: ResourceId) -> Started:
    """Begin to delete a public IP address. ARM refuses while anything holds it."""
    return client.delete(_path(id, PUBLIC_IP))


def get_load_balancer(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """The whole load balancer: frontends, pools, rules, probes, NAT pools, outbound rules, etag, state."""
    return client.get(_path(id, LOAD_BALANCER), deadline=deadline)


def list_load_balancers(client: ArmClient, scope: str) -> Iterator[dict[str, Any]]:
    """The load balancers of a resource group or a subscription (its id)."""
    return client.list(list_path(scope, LOAD_BALANCER))


def create_load_balancer(client: ArmClient, id: ResourceId, body: Mapping[str, Any]) -> Started:
    """Begin to create or replace a load balancer, whatever it is like now."""
    return client.put(_path(id, LOAD_BALANCER), body)


def update_load_balancer(client: ArmClient, id: ResourceId, body: Mapping[str, Any], *, etag: str) -> Started:
    """Begin to replace a load balancer if it still is as it was read (412 if not)."""
    return client.put(_path(id, LOAD_BALANCER), body, headers={"If-Match": etag})


def with_public_ip(load_balancer: Mapping[str, Any], frontend: ResourceId, address: ResourceId) -> dict[str, Any]:
    """The body of a load balancer with one field changed, for a PUT: the public IP that `frontend` refers to."""
    body = _to_put(load_balancer)
    for item in body["properties"]["frontendIPConfigurations"]:
        if ResourceId.parse(item["id"]) == frontend:
            item["properties"] = {**(item.get("properties") or {}), "publicIPAddress": {"id": str(address)}}
    return body


def with_backend_pools(load_balancer: Mapping[str, Any], pools: Mapping[str, str]) -> dict[str, Any]:
    """The body of a load balancer for a PUT, with the backend pool (its id) of these rules, by their names, changed.

    A changed rule has the pool in `backendAddressPools` alone: of the two fields that a GET shows it is enough (as
    recorded), and the two may not differ. A rule that leads to its pool already stays as it is.
    """
    body = _to_put(load_balancer)
    for item in body["properties"].get("loadBalancingRules") or []:
        pool, rule = pools.get(str(item["name"])), item.get("properties") or {}
        if pool is not None and [id_key(id) for id in pools_of_rule(rule)] != [id_key(pool)]:
            kept = {key: value for key, value in rule.items() if key != "backendAddressPool"}
            item["properties"] = {**kept, "backendAddressPools": [{"id": pool}]}
    return body


def _to_put(load_balancer: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a load balancer's body as a PUT takes it.

    `zones` are taken off the frontends that have no subnet, as az does: ARM shows them in a GET and refuses them in a
    PUT (ResourceAvailabilityZonesCannotBeModified); they are the address's or the prefix's, not the frontend's.
    """
    body = copy.deepcopy(dict(load_balancer))
    for item in body["properties"].get("frontendIPConfigurations") or []:
        if not (item.get("properties") or {}).get("subnet"):
            item.pop("zones", None)
    return body


def address_of(
    client: ArmClient, frontend: Mapping[str, Any], *, deadline: float | None = None
) -> tuple[ResourceId, str | None]:
    """The address that callers of a frontend IP configuration reach, by its id and itself: its public IP, or the
    frontend with its private address. None: it has none now."""
    properties = frontend.get("properties") or {}
    public = properties.get("publicIPAddress")
    if not public:
        private = properties.get("privateIPAddress")
        return ResourceId.parse(str(frontend["id"])), str(private) if private else None
    body = get_public_ip(client, id := ResourceId.parse(str(public["id"])), deadline=deadline)
    address = body["properties"].get("ipAddress")
    return id, str(address) if address else None


def tag_load_balancer(client: ArmClient, id: ResourceId, tags: Mapping[str, str]) -> Started:
    """Replace the tags of a load balancer; ARM does it at once."""
    return client.patch(_path(id, LOAD_BALANCER), {"tags": dict(tags)})


def delete_load_balancer(client: ArmClient, id: ResourceId) -> Started:
    """Begin to delete a load balancer."""
    return client.delete(_path(id, LOAD_BALANCER))


def get_backend_pool(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """One backend address pool of a load balancer; its etag and state are the load balancer's.

    https://learn.microsoft.com/rest/api/load-balancer/load-balancer-backend-address-pools
    """
    return client.get(_path(id, BACKEND_POOL), deadline=deadline)


def list_backend_pools(client: ArmClient, id: ResourceId) -> Iterator[dict[str, Any]]:
    """The backend address pools of a load balancer."""
    return client.list(f"{_path(id, LOAD_BALANCER)}/backendAddressPools")


def create_backend_pool(client: ArmClient, id: ResourceId, body: Mapping[str, Any]) -> Started:
    """Begin to create or replace a backend address pool, and nothing else of its load balancer."""
    return client.put(_path(id, BACKEND_POOL), body)


def delete_backend_pool(client: ArmClient, id: ResourceId) -> Started:
    """Begin to delete a backend address pool. ARM refuses while a rule uses it."""
    return client.delete(_path(id, BACKEND_POOL))


def get_nat_rule(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """One inbound NAT rule of a load balancer.

    https://learn.microsoft.com/rest/api/load-balancer/inbound-nat-rules
    """
    return client.get(_path(id, NAT_RULE), deadline=deadline)


def create_nat_rule(client: ArmClient, id: ResourceId, body: Mapping[str, Any]) -> Started:
    """Begin to create or replace an inbound NAT rule, and nothing else of its load balancer."""
    return client.put(_path(id, NAT_RULE), body)


def delete_nat_rule(client: ArmClient, id: ResourceId) -> Started:
    """Begin to delete an inbound NAT rule."""
    return client.delete(_path(id, NAT_RULE))


def swap_public_ip_addresses(client: ArmClient, location: str, addresses: Mapping[ResourceId, ResourceId]) -> Started:
    """Begin the native swap: `addresses` says which public IP each frontend IP configuration gets.

    https://learn.microsoft.com/rest/api/load-balancer/load-balancers/swap-public-ip-addresses
    """
    return client.post(*native_swap(client.subscription, location, addresses))


def native_swap(
    subscription: str, location: str, addresses: Mapping[ResourceId, ResourceId]
) -> tuple[str, dict[str, Any]]:
    """The path and the body of the native swap. Raises InvalidResourceId."""
    body = {
        "frontendIPConfigurations": [
            {"id": _path(frontend, FRONTEND), "properties": {"publicIPAddress": {"id": _path(address, PUBLIC_IP)}}}
            for frontend, address in addresses.items()
        ]
    }
    return f"{_region(subscription, location)}/setLoadBalancerFrontendPublicIpAddresses", body


def query_rule_health(client: ArmClient, rule: ResourceId, *, deadline: float | None = None) -> Started:
    """Begin to ask for the health of what stands behind a load-balancing rule: how many are up, how many down.

    https://learn.microsoft.com/azure/load-balancer/load-balancer-manage-health-status
    """
    return client.post(f"{_path(rule, _RULE)}/health", None, deadline=deadline)


def rule_health(client: ArmClient, rule: ResourceId, *, deadline: float | None = None) -> tuple[int, int]:
    """How many backends behind a load-balancing rule are up, and how many down. Raises KeyError, TypeError, ValueError
    for an answer that does not say it."""
    body = client.wait(query_rule_health(client, rule, deadline=deadline), deadline=deadline).body
    return int(body["up"]), int(body["down"])


def pool_health(
    client: ArmClient, load_balancer: Mapping[str, Any], pool: str, *, deadline: float | None = None
) -> tuple[int, int] | None:
    """How many backends of a load balancer's pool (its id) are up, and how many down, by a rule that probes it; None
    without one. Raises what rule_health does."""
    probing = probing_rule(load_balancer, pool)
    if probing is None:
        return None
    rule = ResourceId.parse(str(load_balancer["id"])).child("loadBalancingRules", probing)
    return rule_health(client, rule, deadline=deadline)


def list_usages(client: ArmClient, location: str, *, deadline: float | None = None) -> Iterator[dict[str, Any]]:
    """What the client's subscription uses of its network quotas in a region.

    https://learn.microsoft.com/rest/api/virtualnetwork/usages/list
    """
    return client.list(f"{_region(client.subscription, location)}/usages", deadline=deadline)


def _path(id: ResourceId, kind: str) -> str:
    """The path of one resource: all of its id. Raises InvalidResourceId if it is the id of another type."""
    return id.path_of(f"{NAMESPACE}/{kind}")


def list_path(scope: str, kind: str) -> str:
    """The path of the list of a type's resources in a resource group or a subscription (its id)."""
    return f"{scope}/providers/{NAMESPACE}/{kind}"


def _region(subscription: str, location: str) -> str:
    region = quote(region_key(location), safe="")
    return f"{subscription_scope(subscription)}/providers/{NAMESPACE}/locations/{region}"
