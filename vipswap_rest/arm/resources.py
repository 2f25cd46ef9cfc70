"""Resource groups and deployments: one small function per REST call, arguments in the order of the URL.

https://learn.microsoft.com/rest/api/resources/resource-groups
https://learn.microsoft.com/rest/api/resources/deployments
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vipswap_rest.arm.client import ArmClient, Started
from vipswap_rest.arm.ids import check_name

_GROUPS = "resource_group_writes"
_API = "deployments"


def get_resource_group(client: ArmClient, scope: str, *, deadline: float | None = None) -> dict[str, Any]:
    """The resource group with this id: name, location, tags, and the id of what manages it, if anything does."""
    return client.get(scope, api="resource_groups", deadline=deadline)


def put_resource_group(
    client: ArmClient, scope: str, location: str, tags: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Create a resource group (its id), or replace its tags, at once: the group. A location never changes (409)."""
    body = {"location": location, **({} if tags is None else {"tags": dict(tags)})}
    found: dict[str, Any] = client.put(scope, body, api=_GROUPS).response.body
    return found


def delete_resource_group(client: ArmClient, scope: str) -> Started:
    """Begin to delete a resource group (its id) and all that is in it; 404 where there is none."""
    return client.delete(scope, api=_GROUPS)


def list_resources(client: ArmClient, scope: str) -> Iterator[dict[str, Any]]:
    """Everything in a resource group (its id): id, type, location and tags of each."""
    return client.list(f"{scope}/resources", api=_GROUPS)


def validate_deployment(
    client: ArmClient, scope: str, name: str, properties: Mapping[str, Any], *, deadline: float | None = None
) -> Started:
    """Check a deployment in a resource group (its id) without making anything: answered at once, 400 where it is bad.

    properties: `mode`, `template`, `parameters` (`{name: {"value": ...}}`).
    """
    return client.post(f"{_path(scope, name)}/validate", {"properties": dict(properties)}, deadline=deadline, api=_API)


def what_if_deployment(client: ArmClient, scope: str, name: str, properties: Mapping[str, Any]) -> Started:
    """Begin to compute what a deployment would change: the result's `properties.changes`."""
    return client.post(f"{_path(scope, name)}/whatIf", {"properties": dict(properties)}, api=_API)


def put_deployment(client: ArmClient, scope: str, name: str, properties: Mapping[str, Any]) -> Started:
    """Begin a deployment; properties as in `validate_deployment`."""
    return client.put(_path(scope, name), {"properties": dict(properties)}, api=_API)


def get_deployment(client: ArmClient, scope: str, name: str, *, deadline: float | None = None) -> dict[str, Any]:
    """The deployment: how it goes, and once it has ended what it made and its outputs."""
    return client.get(_path(scope, name), api=_API, deadline=deadline)


def list_deployment_operations(
    client: ArmClient, scope: str, name: str, *, deadline: float | None = None
) -> Iterator[dict[str, Any]]:
    """What a deployment does, one entry a resource: its `provisioningState`, `statusMessage` and `targetResource`."""
    path = f"{scope}/deployments/{check_name(name, 'deployment')}/operations"
    return client.list(path, api=_API, deadline=deadline)


def cancel_deployment(client: ArmClient, scope: str, name: str) -> Started:
    """Cancel a deployment that runs, at once; what it made stays."""
    return client.post(f"{_path(scope, name)}/cancel", None, api=_API)


def _path(scope: str, name: str) -> str:
    return f"{scope}/providers/Microsoft.Resources/deployments/{check_name(name, 'deployment')}"
