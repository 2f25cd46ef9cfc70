"""Application gateways: one small function per REST call, as in network.py.

A gateway is always written whole; what GET shows may be sent back (a certificate that is named without its data stays).
https://learn.microsoft.com/rest/api/application-gateway/application-gateways
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vipswap_rest.arm import network
from vipswap_rest.arm.client import ArmClient, Started
from vipswap_rest.arm.ids import ResourceId


def get_application_gateway(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """The whole application gateway: listeners, rules, path maps, pools, settings, probes, etag, state."""
    return client.get(_path(id), deadline=deadline)


def list_application_gateways(client: ArmClient, scope: str) -> Iterator[dict[str, Any]]:
    """The application gateways of a resource group or a subscription (its id)."""
    return client.list(network.list_path(scope, network.APPLICATION_GATEWAY))


def create_application_gateway(client: ArmClient, id: ResourceId, body: Mapping[str, Any]) -> Started:
    """Begin to create or replace an application gateway, whatever it is like now."""
    return client.put(_path(id), body)


def update_application_gateway(client: ArmClient, id: ResourceId, body: Mapping[str, Any], *, etag: str) -> Started:
    """Begin to replace an application gateway if it still is as it was read (412 if not)."""
    return client.put(_path(id), body, headers={"If-Match": etag})


def query_backend_health(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> Started:
    """Begin to ask for the health of every pool that a rule uses: `backendAddressPools`, with each settings' servers.

    https://learn.microsoft.com/rest/api/application-gateway/application-gateways/backend-health
    """
    return client.post(f"{_path(id)}/backendhealth", None, deadline=deadline)


def query_backend_health_on_demand(
    client: ArmClient, id: ResourceId, probe: Mapping[str, Any], *, deadline: float | None = None
) -> Started:
    """Begin to probe one pool with one set of settings, whether a rule uses them or not.

    probe: `backendAddressPool` and `backendHttpSettings` (`{"id": ...}`), and what the probe is to be like: `path`,
    `timeout` (seconds), `match`, `protocol`, `host`, `pickHostNameFromBackendHttpSettings`.
    https://learn.microsoft.com/rest/api/application-gateway/application-gateways/backend-health-on-demand
    """
    return client.post(f"{_path(id)}/getBackendHealthOnDemand", dict(probe), deadline=deadline)


def _path(id: ResourceId) -> str:
    return id.path_of(f"{network.NAMESPACE}/{network.APPLICATION_GATEWAY}")
