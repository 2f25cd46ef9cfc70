"""A load balancer with two pools in the laboratory: its flips, and what must be true of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from tests.methods.vip_swap.lab import NETWORK, Lab, same
from vipswap_rest.arm.errors import VipswapError
from vipswap_rest.emulator import Settings
from vipswap_rest.methods.pool_flip.run import plan
from vipswap_rest.switchover import findings
from vipswap_rest.switchover.driver import Unguarded
from vipswap_rest.switchover.flip import Manner, Planned, flip
from vipswap_rest.switchover.report import Report

LB = f"{NETWORK}/loadBalancers/poolslb"
BLUE, GREEN = (f"{LB}/backendAddressPools/{colour}" for colour in ("blue", "green"))
FRONT = f"{LB}/frontendIPConfigurations/LoadBalancerFrontEnd"
Rule = dict[str, Any]


def lab(**settings: Any) -> Lab:
    """The environment with a load balancer of two pools."""
    return Lab(Settings(env="roads", latency="standard", **settings))


def planned(world: Lab, to: str = "green", *rules: str, name: str = "poolslb") -> Planned:
    return plan(world.client(), "vipswap", name, to, rules, lambda said: None)


def flipped(world: Lab, to: str = "green", *rules: str, manner: Manner | None = None) -> Report:
    """What `vipswap flip` does; replayed, as every run of a laboratory."""
    client, made = world.client(), planned(world, to, *rules)
    findings.refuse(made.findings)
    return world.replaying(
        lambda record: flip(
            client, made, manner or Manner(), emit=world.events.append, guard=Unguarded(), record=record
        )
    )


def ended(world: Lab, to: str = "green", *rules: str, manner: Manner | None = None) -> tuple[int, str]:
    """The exit code, and what it said."""
    try:
        report = flipped(world, to, *rules, manner=manner)
    except VipswapError as error:
        return error.exit_code, str(error)
    return report.exit_code, f"{report.outcome}: {report.error}"


def pools(world: Lab) -> dict[str, str]:
    """Each rule's pool, by name."""
    rules = world.get(LB)["properties"]["loadBalancingRules"]
    return {rule["name"]: rule["properties"]["backendAddressPool"]["id"].rpartition("/")[2] for rule in rules}


def turned(snapshot: dict[str, dict[str, Any]], to: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What a flip shall make of a snapshot: these rules' pools, and nothing else."""
    expected = copy.deepcopy(snapshot)
    properties = next(body for id, body in expected.items() if same(id, LB))["properties"]
    for rule in properties["loadBalancingRules"]:
        if rule["name"] in to:
            own = rule["properties"]
            own["backendAddressPool"] = {"id": to[rule["name"]]}
            own["backendAddressPools"] = [{"id": to[rule["name"]]}]
    for pool in properties["backendAddressPools"]:
        used = [
            {"id": rule["id"]}
            for rule in properties["loadBalancingRules"]
            if rule["properties"]["backendAddressPool"]["id"] == pool["id"]
        ]
        pool["properties"].pop("loadBalancingRules", None)
        if used:
            pool["properties"]["loadBalancingRules"] = used
    return expected


def reshaped(world: Lab, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the load balancer's body as it is stored."""
    body = copy.deepcopy(world.get(LB))
    change(body)
    world.put(body)


def with_rules(world: Lab, *given: tuple[str, str, int, int, dict[str, Any]]) -> None:
    """Give it these rules instead of its own: name, pool, frontend port, backend port, other properties."""

    def change(body: dict[str, Any]) -> None:
        model = body["properties"]["loadBalancingRules"][0]
        body["properties"]["loadBalancingRules"] = [
            {
                **model,
                "name": name,
                "id": f"{LB}/loadBalancingRules/{name}",
                "properties": {
                    **model["properties"],
                    "backendAddressPool": {"id": pool},
                    "backendAddressPools": [{"id": pool}],
                    "frontendPort": port,
                    "backendPort": backend,
                    **others,
                },
            }
            for name, pool, port, backend, others in given
        ]

    reshaped(world, change)


def codes(made: Planned) -> list[str]:
    return [finding.code for finding in made.findings]


def sent(world: Lab) -> Sequence[dict[str, Any]]:
    """The bodies of the load balancer's PUTs."""
    return [body for method, path, body in world.wire.sent if method == "PUT" and "/loadBalancers/" in path]
