"""`experiment --targets FILE`: what each strategy switches, as the emulator's first line has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.methods.gateway_flip.run import plan as plan_gateway
from vipswap_rest.methods.pool_flip.run import plan as plan_pools
from vipswap_rest.switchover.flip import Planned

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Flipped:
    """Rules of a load balancer (or gateway) that go from the first of two pools to the second, and back."""

    resource: str
    rules: tuple[str, ...]
    pools: tuple[str, str]
    gateway: bool

    def plan(self, client: ArmClient, group: str | None, note: Note) -> Callable[[str, bool], Planned]:
        """What plans a flip to one of the pools, and whether it asks for that one's health where that takes long."""
        if self.gateway:
            return lambda pool, asks: plan_gateway(
                client, group, self.resource, pool, None, self.rules, note, asks=asks
            )
        return lambda pool, asks: plan_pools(client, group, self.resource, pool, self.rules, note)


@dataclass(frozen=True, slots=True)
class Targets:
    """What is in the file: the pair, if there is one, and the flips by their strategies."""

    pair: tuple[str, str] | None
    flips: Mapping[str, Flipped]
    told: Mapping[str, Any]


def read_targets(path: str) -> Targets:
    """What the file says. Raises UsageError."""
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        vip = told.get("vip")
        return Targets(
            (_text(vip["lb1"]), _text(vip["lb2"])) if vip else None,
            {
                strategy: _flipped(told[strategy], key)
                for strategy, key in (("pool", "lb"), ("gateway", "gateway"))
                if strategy in told
            },
            told,
        )
    except OSError as error:
        raise UsageError(f"The targets {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else error
        raise UsageError(
            f"{path} is not a file of targets: {reason}.", hint="The emulator's first line has some, as `targets`."
        ) from error


def _flipped(told: Mapping[str, Any], key: str) -> Flipped:
    pools, rules = told["pools"], told.get("rules") or ()
    if not isinstance(pools, list) or len(pools) != 2 or not isinstance(rules, (list, tuple)):
        raise TypeError(f"{key} has no list of two pools, or no list of rules")
    return Flipped(_text(told[key]), tuple(map(_text, rules)), (_text(pools[0]), _text(pools[1])), key == "gateway")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is not a name")
    return value
