"""What the client sends is what the specification of Microsoft.Network allows, in an old version and in the newest."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses

from tests.arm import cassettes
from tests.arm.conftest import LB, SUBSCRIPTION
from tests.methods.vip_swap.conftest import FLOAT, FRONTENDS, PAIR, load_balancer_body, public_ip_body
from vipswap_rest.arm import network
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.ids import ResourceId
from vipswap_rest.methods.vip_swap import journal
from vipswap_rest.methods.vip_swap.journal import Journal
from vipswap_rest.methods.vip_swap.model import LoadBalancer, PublicIp
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.steps import Direction

OPENAPI = cassettes.FOLDER.parent / "openapi"
VERSIONS = ("2024-03-01", "2026-03-01")

pytestmark = [
    pytest.mark.skipif(
        not (OPENAPI / "validate.py").is_file(), reason="the specifications are not there (shared/azure/openapi)"
    ),
    # The validator leaves the files it read to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

BALANCER = ResourceId.parse(LB)
JOURNAL = Journal(PAIR, Direction.EXCHANGED, Opening.FLOAT_ON_STAGING, "run-1", "2026-01-01T00:00:00.000Z", 60)


class Specification:
    """The definitions of one api-version."""

    def __init__(self, version: str) -> None:
        found = importlib.util.spec_from_file_location("validate", OPENAPI / "validate.py")
        assert found
        assert found.loader
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
        self._spec = module.Spec(version)

    def complaints(self, body: Any, definition: str, *, lax: bool = False) -> list[str]:
        errors, _warnings = self._spec.check(body, name=definition, mode="request", lax=lax)
        return list(errors)


@pytest.fixture(scope="module", params=VERSIONS)
def specification(request: pytest.FixtureRequest) -> Specification:
    return Specification(request.param)


class Sent:
    """Takes every write and remembers it."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.requests: list[requests.PreparedRequest] = []
        mock.assert_all_requests_are_fired = False
        for method in ("PUT", "PATCH", "POST"):
            mock.add_callback(method, cassettes.ANY_URL, self._take)

    def _take(self, request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.requests.append(request)
        return 200, {}, "{}"

    @property
    def body(self) -> Any:
        assert len(self.requests) == 1
        assert self.requests[0].headers["Content-Type"] == "application/json"
        return json.loads(self.requests[0].body or b"")

    @property
    def path(self) -> str:
        return urlsplit(self.requests[0].url or "").path


@pytest.fixture
def sent(arm: responses.RequestsMock) -> Sent:
    return Sent(arm)


def shown(kind: str) -> list[Any]:
    """Every different resource of a kind that the recordings show in a GET, each as a test parameter."""
    found: dict[str, Any] = {}
    for path in cassettes.conversations():
        for line in cassettes.read(path):
            parts = line.path.lower().strip("/").split("/")
            if line.method == "GET" and line.status == 200 and parts[-2] == kind:
                found[json.dumps(line.body)] = pytest.param(line.body, id=f"{path.stem}-{line.n}")
    return list(found.values())


def public_ip(**changes: Any) -> PublicIp:
    body = public_ip_body(PAIR.originals[Side.STAGING], FRONTENDS[Side.STAGING])
    properties = dict(body["properties"], **changes.pop("properties", {}))  # type: ignore[call-overload]
    return PublicIp.read(body | changes | {"properties": properties})


SOURCES = {
    "an address in three zones": lambda: public_ip(zones=["1", "2", "3"]),
    "an IPv6 address": lambda: public_ip(properties={"publicIPAddressVersion": "IPv6"}),
    "a global address": lambda: public_ip(sku={"name": "Standard", "tier": "Global"}),
    "an address with a DNS label, tags and a routing preference": lambda: public_ip(
        tags={"cost": "1"},
        properties={
            "dnsSettings": {"domainNameLabel": "vip", "fqdn": "vip.westus.cloudapp.azure.com"},
            "ipTags": [{"ipTagType": "RoutingPreference", "tag": "Internet"}],
        },
    ),
    "a Basic address without a tier": lambda: public_ip(sku={"name": "Basic"}),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
@pytest.mark.parametrize("function", [network.create_public_ip, network.claim_public_ip])
def test_a_float_is_a_public_ip_by_the_specification(
    function: Callable[..., Any],
    source: Callable[[], PublicIp],
    client: ArmClient,
    sent: Sent,
    specification: Specification,
) -> None:
    function(client, FLOAT, journal.float_body(source(), JOURNAL.tags()))

    assert specification.complaints(sent.body, "PublicIPAddress") == []
    assert sent.path.endswith(f"/publicIPAddresses/{FLOAT.name}")


@pytest.mark.parametrize("body", shown("publicipaddresses"))
def test_a_float_made_after_a_recorded_address_is_a_public_ip_by_the_specification(
    body: dict[str, Any], client: ArmClient, sent: Sent, specification: Specification
) -> None:
    network.create_public_ip(client, FLOAT, journal.float_body(PublicIp.read(body), JOURNAL.tags()))

    assert specification.complaints(sent.body, "PublicIPAddress") == []


@pytest.mark.parametrize("body", shown("publicipaddresses"))
def test_a_recorded_address_goes_back_as_a_public_ip_by_the_specification(
    body: dict[str, Any], client: ArmClient, sent: Sent, specification: Specification
) -> None:
    again = journal.with_tags(PublicIp.read(body), JOURNAL.tags())
    network.update_public_ip(client, FLOAT, again, etag='W/"1"')

    assert specification.complaints(sent.body, "PublicIPAddress", lax=True) == []
    assert sent.requests[0].headers["If-Match"] == 'W/"1"'


@pytest.mark.parametrize("body", shown("loadbalancers"))
def test_a_recorded_load_balancer_goes_back_with_another_address_by_the_specification(
    body: dict[str, Any], client: ArmClient, sent: Sent, specification: Specification
) -> None:
    load_balancer = LoadBalancer.read(body)
    if not load_balancer.frontends:
        pytest.skip("a load balancer without frontends")
    changed = load_balancer.with_address(load_balancer.frontends[0].id, FLOAT)
    network.update_load_balancer(client, BALANCER, changed.body, etag=load_balancer.etag)

    assert specification.complaints(sent.body, "LoadBalancer", lax=True) == []
    assert sent.requests[0].headers["If-Match"] == load_balancer.etag


def test_a_load_balancer_of_our_own_goes_back_by_the_specification(
    client: ArmClient, sent: Sent, specification: Specification
) -> None:
    load_balancer = LoadBalancer.read(load_balancer_body(Side.STAGING, PAIR.originals[Side.STAGING]))
    body = load_balancer.with_address(FRONTENDS[Side.STAGING], FLOAT).body
    network.create_load_balancer(client, BALANCER, body)

    assert specification.complaints(sent.body, "LoadBalancer") == []


@pytest.mark.parametrize(("function", "id"), [(network.tag_public_ip, FLOAT), (network.tag_load_balancer, BALANCER)])
def test_tags_go_as_a_tags_object(
    function: Callable[..., Any], id: ResourceId, client: ArmClient, sent: Sent, specification: Specification
) -> None:
    function(client, id, JOURNAL.tags())

    assert specification.complaints(sent.body, "TagsObject") == []
    assert sent.requests[0].method == "PATCH"
    assert sent.body == {"tags": JOURNAL.tags()}


def test_the_native_swap_is_a_vip_swap_request(client: ArmClient, sent: Sent, specification: Specification) -> None:
    moves = {FRONTENDS[side]: PAIR.originals[side.other] for side in Side}
    network.swap_public_ip_addresses(client, "West US", moves)

    assert specification.complaints(sent.body, "LoadBalancerVipSwapRequest") == []
    assert sent.path == (
        f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/locations/westus"
        "/setLoadBalancerFrontendPublicIpAddresses"
    )
    stated = {
        ResourceId.parse(item["id"]): ResourceId.parse(item["properties"]["publicIPAddress"]["id"])
        for item in sent.body["frontendIPConfigurations"]
    }
    assert stated == moves


def test_every_request_pins_its_api_version(client: ArmClient, sent: Sent) -> None:
    network.tag_public_ip(client, FLOAT, {})
    network.create_public_ip(client, FLOAT, {})
    network.swap_public_ip_addresses(client, "westus", {})

    assert all((request.url or "").endswith("?api-version=2026-03-01") for request in sent.requests)
