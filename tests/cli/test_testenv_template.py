"""The test environment's template: what it sends of Microsoft.Network is valid by the specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.arm.test_request_bodies import OPENAPI, VERSIONS, Specification
from vipswap_rest.testenv.machines import custom_data
from vipswap_rest.testenv.template import EXTRAS, TAG, Wanted, template

SCOPE = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/tenv"
WHOLE = template(Wanted(SCOPE, EXTRAS))
DEFINITIONS = {
    "networkSecurityGroups": "NetworkSecurityGroup",
    "virtualNetworks": "VirtualNetwork",
    "publicIPAddresses": "PublicIPAddress",
    "loadBalancers": "LoadBalancer",
    "applicationGateways": "ApplicationGateway",
}
NETWORK = [one for one in WHOLE["resources"] if one["type"].startswith("Microsoft.Network/")]


@pytest.mark.skipif(
    not (OPENAPI / "validate.py").is_file(), reason="the specifications are not there (shared/azure/openapi)"
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("one", NETWORK, ids=lambda one: str(one["name"]))
def test_a_resource_is_valid(one: dict[str, Any], version: str) -> None:
    body = {key: one[key] for key in ("location", "tags", "properties", "sku") if key in one}

    assert Specification(version).complaints(body, DEFINITIONS[one["type"].rsplit("/", 1)[1]]) == []


def test_every_resource_has_our_tag_and_comes_after_what_it_refers_to() -> None:
    made = {f"{SCOPE}/providers/{one['type']}/{one['name']}" for one in WHOLE["resources"]}

    assert all(one["tags"][TAG] == "1" for one in WHOLE["resources"])
    for one in WHOLE["resources"]:
        text = json.dumps(one["properties"])
        own = f"{SCOPE}/providers/{one['type']}/{one['name']}"
        used = {id for id in made if f'"{id}"' in text or f'"{id}/' in text} - {own}
        reached, new = set(), set(one["dependsOn"])
        while new:
            reached |= new
            new = {
                id
                for other in WHOLE["resources"]
                if f"{SCOPE}/providers/{other['type']}/{other['name']}" in new
                for id in other["dependsOn"]
            } - reached
        assert used <= reached, one["name"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_is_not_asked_for_is_not_made(extra: str) -> None:
    least, more = (len(template(Wanted(SCOPE, some))["resources"]) for some in ((), (extra,)))

    assert least < more < len(WHOLE["resources"])


def test_the_machines_need_nothing_from_outside() -> None:
    (network,) = [one for one in NETWORK if one["type"].endswith("/virtualNetworks")]
    (subnet,) = [one for one in network["properties"]["subnets"] if one["name"] == "subnet"]

    assert subnet["properties"]["defaultOutboundAccess"] is False
    assert len(custom_data("x" * 100)) < 65536, "Azure's limit for customData"
