"""A user's program on Microsoft's SDK: exchanges the addresses of two load balancers. Runs where the SDK is installed.

    python sdk_swap.py float|native < the line that `vipswap emulator --tls` printed

Prints one JSON object: the addresses of each load balancer before and after, as the SDK read them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from azure.identity import ClientSecretCredential
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.network.models import (
    FrontendIPConfiguration,
    LoadBalancerVipSwapRequest,
    LoadBalancerVipSwapRequestFrontendIPConfiguration,
    PublicIPAddress,
    PublicIPAddressSku,
    SubResource,
)


def connect(said: dict[str, Any]) -> NetworkManagementClient:
    """The SDK's client on this ARM, with an application's secret."""
    credential = ClientSecretCredential(
        said["tenant"],
        said["client_id"],
        said["client_secret"],
        authority=said["authority"],
        disable_instance_discovery=True,
        connection_verify=said["ca_file"],
    )
    return NetworkManagementClient(
        credential,
        said["subscription"],
        base_url=said["endpoint"],
        credential_scopes=["https://management.azure.com/.default"],
        connection_verify=said["ca_file"],
    )


def frontend_of(client: NetworkManagementClient, group: str, name: str) -> FrontendIPConfiguration:
    found = client.load_balancers.get(group, name).frontend_ip_configurations
    return found[0]


def move(client: NetworkManagementClient, group: str, name: str, address: str) -> None:
    """Let the load balancer's first frontend have this address, and wait until it has."""
    balancer = client.load_balancers.get(group, name)
    balancer.frontend_ip_configurations[0].public_ip_address = PublicIPAddress(id=address)
    client.load_balancers.begin_create_or_update(group, name, balancer).result()


def by_float(client: NetworkManagementClient, group: str, production: str, staging: str) -> None:
    vip = frontend_of(client, group, production).public_ip_address.id
    other = frontend_of(client, group, staging).public_ip_address.id
    like = client.public_ip_addresses.get(group, vip.rsplit("/", 1)[1])
    asked = PublicIPAddress(
        location=like.location,
        sku=PublicIPAddressSku(name=like.sku.name, tier=like.sku.tier),
        public_ip_allocation_method=like.public_ip_allocation_method,
        public_ip_address_version=like.public_ip_address_version,
    )
    temporary = client.public_ip_addresses.begin_create_or_update(group, "sdk-float", asked).result()
    move(client, group, staging, temporary.id)
    move(client, group, production, other)
    move(client, group, staging, vip)
    client.public_ip_addresses.begin_delete(group, "sdk-float").result()


def natively(client: NetworkManagementClient, group: str, production: str, staging: str) -> None:
    one, other = frontend_of(client, group, production), frontend_of(client, group, staging)
    location = client.load_balancers.get(group, production).location
    wanted = [
        LoadBalancerVipSwapRequestFrontendIPConfiguration(id=to.id, public_ip_address=SubResource(id=address.id))
        for to, address in ((one, other.public_ip_address), (other, one.public_ip_address))
    ]
    asked = LoadBalancerVipSwapRequest(frontend_ip_configurations=wanted)
    client.load_balancers.begin_swap_public_ip_addresses(location, asked).result()


def addresses(client: NetworkManagementClient, group: str, names: list[str]) -> dict[str, str]:
    return {name: frontend_of(client, group, name).public_ip_address.id for name in names}


def main() -> None:
    said = json.load(sys.stdin)
    group, names = said["resource_group"], said["load_balancers"]
    with connect(said) as client:
        before = addresses(client, group, names)
        {"float": by_float, "native": natively}[sys.argv[1]](client, group, *names)
        print(json.dumps({"before": before, "after": addresses(client, group, names)}))


if __name__ == "__main__":
    main()
