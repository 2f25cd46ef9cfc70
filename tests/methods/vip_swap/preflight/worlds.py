"""Changes to the emulated world that preflight shall find."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.methods.vip_swap.lab import GROUP, TARGET, Lab
from tests.methods.vip_swap.test_refusals import answer, refuse
from vipswap_rest.emulator.settings import SUBSCRIPTION
from vipswap_rest.methods.vip_swap.preflight import Finding
from vipswap_rest.methods.vip_swap.run import Options

# A change to the world that makes a finding appear; and the changes that make each code appear.
World = Callable[[Lab], object]
Worlds = dict[str, list[World]]

NAMED = replace(TARGET, frontends=("LoadBalancerFrontEnd", None))
SUB = f"/subscriptions/{SUBSCRIPTION}"
SCALE_SET = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/vipswap2"


def properties(lab: Lab, id: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.get(id)["properties"]
    return found


def frontend(lab: Lab, id: str) -> dict[str, Any]:
    found: dict[str, Any] = properties(lab, id)["frontendIPConfigurations"][0]["properties"]
    return found


def rule(lab: Lab, id: str) -> dict[str, Any]:
    found: dict[str, Any] = properties(lab, id)["loadBalancingRules"][0]["properties"]
    return found


def lock(scope: str, level: str) -> World:
    body = {"id": f"{scope}/providers/Microsoft.Authorization/locks/keep", "properties": {"level": level}}
    return lambda lab: lab.put(body)


def put(id: str, **fields: Any) -> World:
    return lambda lab: lab.get(id).update(copy.deepcopy(fields))


def serve(id: str, **fields: Any) -> World:
    """Change the one rule of a load balancer."""
    return lambda lab: rule(lab, id).update(fields)


def down(numbers: str) -> World:
    return lambda lab: lab.get(SCALE_SET).update(tags={"emulator-down": numbers})


def refused_read(words: str, status: int = 403, code: str = "AuthorizationFailed") -> World:
    def change(lab: Lab) -> None:
        method = "POST" if words == "/health" else "GET"
        refuse(lab, method, words, answer(status, code))

    return change


def found(lab: Lab, code: str, options: Options | None = None) -> list[Finding]:
    return [finding for finding in lab.plan(NAMED, options).findings if finding.code == code]
