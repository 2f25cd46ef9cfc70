"""A user's program on the azurerm library that makes the calls of the article's script of 2017.

    python azurerm_swap.py float|native < {"said": the line of `vipswap emulator --tls`, "native": the native body}

Where the script waits, this waits a shorter time. Prints one JSON object: who held which address, and holds it now.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import azurerm

NATIVE = "/providers/Microsoft.Network/locations/{}/setLoadBalancerFrontendPublicIpAddresses?api-version=2022-01-01"
FLOAT = "azurermfloat"
# As a loop whose condition never comes true would never end.
PATIENCE_S = 60


class Swap:
    def __init__(self, said: dict[str, Any]) -> None:
        self.subscription, self.group = said["subscription"], said["resource_group"]
        self.token = azurerm.get_access_token(said["tenant"], said["client_id"], said["client_secret"])
        self.place = (self.token, self.subscription, self.group)

    def address(self, balancer: str) -> str:
        model = azurerm.get_load_balancer(*self.place, balancer)
        return model["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"]["id"]

    def move(self, balancer: str, address: str) -> None:
        model = azurerm.get_load_balancer(*self.place, balancer)
        model["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"]["id"] = address
        answer = azurerm.update_load_balancer(*self.place, balancer, json.dumps(model))
        assert answer.status_code == 200, answer.text
        self.wait(balancer)

    def wait(self, balancer: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while azurerm.get_load_balancer(*self.place, balancer)["properties"]["provisioningState"] != "Succeeded":
            assert time.monotonic() < end, f"{balancer} is not done"
            time.sleep(0.1)

    def by_float(self, production: str, staging: str) -> None:
        location = azurerm.get_resource_group(*self.place)["location"]
        vip, other = self.address(production), self.address(staging)
        answer = azurerm.create_public_ip(*self.place, FLOAT, f"{FLOAT}dns", location)
        assert answer.status_code == 201, answer.text
        end = time.monotonic() + PATIENCE_S
        while azurerm.get_public_ip(*self.place, FLOAT)["properties"]["provisioningState"] != "Succeeded":
            assert time.monotonic() < end, "the float is not there"
            time.sleep(0.1)
        self.move(staging, answer.json()["id"])
        self.move(production, other)
        self.move(staging, vip)
        assert azurerm.delete_public_ip(*self.place, FLOAT).status_code == 202

    def natively(self, production: str, staging: str, body: dict[str, Any]) -> None:
        location = azurerm.get_load_balancer(*self.place, production)["location"]
        endpoint = f"{azurerm.get_rm_endpoint()}/subscriptions/{self.subscription}{NATIVE.format(location)}"
        answer = azurerm.do_post(endpoint, json.dumps(body), self.token)
        assert answer.status_code == 202, answer.text
        self.wait(production)
        self.wait(staging)


def main() -> None:
    given = json.load(sys.stdin)
    swap, balancers = Swap(given["said"]), given["said"]["load_balancers"]
    before = {name: swap.address(name) for name in balancers}
    if sys.argv[1] == "native":
        swap.natively(*balancers, given["native"])
    else:
        swap.by_float(*balancers)
    print(json.dumps({"before": before, "after": {name: swap.address(name) for name in balancers}}))


if __name__ == "__main__":
    main()
