"""Bodies of another shape than ARM's: one sentence, whatever part of them is odd, and nothing is written."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.methods.gateway_flip import test_gateway_flip as gateways
from tests.methods.pool_flip import flips
from vipswap_rest.arm.errors import VipswapError

ODD: tuple[Any, ...] = (
    (None, [{}], "x", {}) if os.environ.get("VIPSWAP_LONG") != "1" else (*(None, 7, "x", [], {}, [None], [7], [{}]),)
)


def parts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a body has something, to the third level below its properties."""
    found = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in found:
        yield (*path, key)
        if len(path) < 5:
            yield from parts(inner, (*path, key))


def odd(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@pytest.mark.parametrize("number", range(len(ODD)))
@pytest.mark.parametrize(("module", "id"), [(flips, flips.LB), (gateways, gateways.GW)], ids=["pool", "gateway"])
def test_an_odd_part_ends_in_a_sentence_or_does_not_matter(module: Any, id: str, number: int) -> None:
    world = module.lab()
    body = copy.deepcopy(world.get(id))
    planned, said = 0, list[str]()
    for path in parts({"properties": body["properties"]}):
        world.core.world.state.put({**odd(body, path, ODD[number]), "id": id, "etag": 'W/"1"'})
        try:
            module.planned(world, "green", "http")
            planned += 1
        except VipswapError as error:
            said.append(str(error))
    assert planned
    assert all(said)
    assert [path for _, path in world.writes() if "OnDemand" not in path] == []
