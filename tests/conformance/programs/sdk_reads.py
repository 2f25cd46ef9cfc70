"""A user's program on Microsoft's SDK that reads what there is, and is refused what may not be.

    python sdk_reads.py < the line that `vipswap emulator --tls` printed

Prints one JSON object: for each call the names that it found, for each refusal the SDK's exception and ARM's code.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.mgmt.network import NetworkManagementClient
from sdk_swap import connect


def reads(client: NetworkManagementClient, group: str, name: str) -> dict[str, Any]:
    """Every list of what the emulator has, and a child of each kind."""
    children = {
        "frontends": client.load_balancer_frontend_ip_configurations,
        "pools": client.load_balancer_backend_address_pools,
        "rules": client.load_balancer_load_balancing_rules,
        "probes": client.load_balancer_probes,
        "nat_rules": client.inbound_nat_rules,
        "outbound_rules": client.load_balancer_outbound_rules,
        "nics": client.load_balancer_network_interfaces,
    }
    found: dict[str, Any] = {
        "balancers": client.load_balancers.list(group),
        "all_balancers": client.load_balancers.list_all(),
        "addresses": client.public_ip_addresses.list(group),
        "all_addresses": client.public_ip_addresses.list_all(),
        "networks": client.virtual_networks.list_all(),
        "subnets": client.subnets.list(group, "vipswapvnet"),
        "interfaces": client.network_interfaces.list_all(),
        **{kind: operations.list(group, name) for kind, operations in children.items()},
    }
    names = {kind: [one.name for one in listed] for kind, listed in found.items()}
    for kind in ("frontends", "pools", "rules", "probes"):
        names[f"one_of_{kind}"] = [children[kind].get(group, name, names[kind][0]).name]
    names["usages"] = [one.name.value for one in client.usages.list("westus")]
    return names


def refusals(client: NetworkManagementClient, group: str, names: list[str]) -> dict[str, list[str]]:
    """What may not be done, and how the SDK says so."""
    one, other = (client.load_balancers.get(group, name) for name in names)
    taken = other.frontend_ip_configurations[0].public_ip_address
    one.frontend_ip_configurations[0].public_ip_address = taken
    held = taken.id.rsplit("/", 1)[1]
    calls = {
        "no_balancer": lambda: client.load_balancers.get(group, "none"),
        "no_group": lambda: client.load_balancers.get("none", names[0]),
        "no_frontend": lambda: client.load_balancer_frontend_ip_configurations.get(group, names[0], "none"),
        "in_use": lambda: client.load_balancers.begin_create_or_update(group, names[0], one),
        "still_allocated": lambda: client.public_ip_addresses.begin_delete(group, held),
    }
    found = {}
    for name, call in calls.items():
        try:
            call()
        except HttpResponseError as error:
            found[name] = [type(error).__name__, error.error.code]
    return found


def main() -> None:
    said = json.load(sys.stdin)
    with connect(said) as client:
        group, names = said["resource_group"], said["load_balancers"]
        print(json.dumps({"reads": reads(client, group, names[0]), "refusals": refusals(client, group, names)}))


if __name__ == "__main__":
    main()
