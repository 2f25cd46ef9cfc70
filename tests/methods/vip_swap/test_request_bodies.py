"""Every body that a swap sends is one that the official definitions allow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.methods.vip_swap.lab import PRODUCTION_IP, STAGING_IP, Lab
from tests.methods.vip_swap.test_untouched import large_lab
from tests.openapi import VERSIONS, complaints, needs_definitions
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.run import Options

DEFINITIONS = {"loadBalancers": "LoadBalancer", "publicIPAddresses": "PublicIPAddress"}


def definition_of(method: str, path: str) -> str:
    if method == "POST":
        return "LoadBalancerVipSwapRequest"
    return DEFINITIONS[path.split("/")[-2]]


@needs_definitions
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("opening", Opening)
@pytest.mark.parametrize("large", [False, True], ids=["the article's", "a large one"])
def test_it_is_valid_by_the_definitions(opening: Opening, version: str, large: bool, tmp_path: Path) -> None:
    lab = large_lab() if large else Lab()
    for id in (PRODUCTION_IP, STAGING_IP):
        lab.get(id)["zones"] = ["1", "2", "3"]
        lab.get(id)["properties"]["ipTags"] = [{"ipTagType": "RoutingPreference", "tag": "Internet"}]

    lab.swap(options=Options(opening=opening))

    bodies = [(definition_of(method, path), json.loads(body)) for method, path, body in lab.wire.sent if body]
    assert len(bodies) >= 2
    outside = ["--lax"] if large else []
    assert [complaints(version, kind, body, tmp_path, "--mode", "request", *outside) for kind, body in bodies] == [
        ""
    ] * len(bodies)


@needs_definitions
@pytest.mark.parametrize("version", VERSIONS)
def test_a_body_that_is_not_valid_would_be_noticed(version: str, tmp_path: Path) -> None:
    body = {"location": "westus", "properties": {"frontendIPConfigurations": [{"properties": {"publicIPAddress": 7}}]}}

    assert complaints(version, "LoadBalancer", body, tmp_path, "--mode", "request")
