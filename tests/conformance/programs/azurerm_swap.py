"""A user's program on the azurerm library that makes the calls of the article's script of 2017.

    python azurerm_swap.py float|native|article < {"said": the line of `vipswap emulator --tls`, "native": the native
    body, "scale": the emulator's time scale}

`article` waits as the script does, times the scale: it does not wait for its float, looks every 3 s, and sleeps 3 s
more after it has seen Succeeded. The others wait a shorter time. Prints one JSON object: who held which address, and
holds it now; for `article` the figures that the script prints too, in seconds: elapsed after the first and the second
update, downtime, total.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import azurerm

NATIVE = "/providers/Microsoft.Network/locations/{}/setLoadBalancerFrontendPublicIpAddresses?api-version=2022-01-01"
FLOAT = "azurermfloat"
LOOK_S = 3
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

    def as_in_the_article(self, production: str, staging: str, scale: float) -> list[float]:
        location = azurerm.get_resource_group(*self.place)["location"]
        vip, other = self.address(production), self.address(staging)
        pause, began = LOOK_S * scale, time.monotonic()
        answer = azurerm.create_public_ip(*self.place, FLOAT, f"{FLOAT}dns", location)
        assert answer.status_code == 201, answer.text
        self.update(staging, answer.json()["id"], pause)
        first = time.monotonic()
        self.update(production, other, pause)
        second = time.monotonic()
        self.update(staging, vip, pause)
        end = time.monotonic()
        assert azurerm.delete_public_ip(*self.place, FLOAT).status_code == 202
        return [first - began, second - began, end - first, end - began]

    def update(self, balancer: str, address: str, pause: float) -> None:
        model = azurerm.get_load_balancer(*self.place, balancer)
        model["properties"]["frontendIPConfigurations"][0]["properties"]["publicIPAddress"]["id"] = address
        answer = azurerm.update_load_balancer(*self.place, balancer, json.dumps(model))
        assert answer.status_code == 200, answer.text
        state, end = None, time.monotonic() + PATIENCE_S
        while state != "Succeeded":
            assert time.monotonic() < end, f"{balancer} is not done"
            state = azurerm.get_load_balancer(*self.place, balancer)["properties"]["provisioningState"]
            time.sleep(pause)

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
    figures: list[float] = []
    if sys.argv[1] == "native":
        swap.natively(*balancers, given["native"])
    elif sys.argv[1] == "article":
        figures = swap.as_in_the_article(*balancers, given["scale"])
    else:
        swap.by_float(*balancers)
    after = {name: swap.address(name) for name in balancers}
    print(json.dumps({"before": before, "after": after, "figures": figures}))


if __name__ == "__main__":
    main()
