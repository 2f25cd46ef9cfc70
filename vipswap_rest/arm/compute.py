"""Virtual machine scale sets: one small function per REST call, arguments in the order of the URL.

A write of the model is an operation whose first answer says Updating even where it is done; an action's is empty.
https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vipswap_rest.arm.client import ArmClient, Started
from vipswap_rest.arm.ids import ResourceId

NAMESPACE = "Microsoft.Compute"
SCALE_SET = "virtualMachineScaleSets"
_API = "compute"


def get_scale_set(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """The scale set: its model, upgrade policy, capacity, tags, etag (newer api-versions) and state."""
    return client.get(_path(id), api=_API, deadline=deadline)


def list_scale_sets(client: ArmClient, scope: str) -> Iterator[dict[str, Any]]:
    """The scale sets of a resource group or a subscription (its id)."""
    return client.list(f"{scope}/providers/{NAMESPACE}/{SCALE_SET}", api=_API)


def create_scale_set(client: ArmClient, id: ResourceId, body: Mapping[str, Any]) -> Started:
    """Begin to create a scale set or to replace its model."""
    return client.put(_path(id), body, api=_API)


def patch_scale_set(
    client: ArmClient, id: ResourceId, changes: Mapping[str, Any], *, etag: str | None = None
) -> Started:
    """Begin to change part of a scale set: its model, policy, capacity or tags; with `etag` if it still is so (412)."""
    headers = {} if etag is None else {"If-Match": etag}
    return client.patch(_path(id), changes, headers=headers, api=_API)


def get_scale_set_view(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """How many of a scale set's instances are in which state."""
    return client.get(f"{_path(id)}/instanceView", api=_API, deadline=deadline)


def upgrade_instances(client: ArmClient, id: ResourceId, instances: Sequence[str]) -> Started:
    """Begin to bring instances (their ids; `*` is all) to the scale set's model.

    https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets/update-instances
    """
    return client.post(f"{_path(id)}/manualupgrade", {"instanceIds": list(instances)}, api=_API)


def reimage_instances(client: ArmClient, id: ResourceId, instances: Sequence[str]) -> Started:
    """Begin to give instances a new disk of the model's image: how customData reaches instances that exist.

    https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-sets/reimage
    """
    return client.post(f"{_path(id)}/reimage", {"instanceIds": list(instances)}, api=_API)


def start_rolling_upgrade(client: ArmClient, id: ResourceId) -> Started:
    """Begin a rolling upgrade of all instances to the newest image of the model.

    https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-set-rolling-upgrades/start-os-upgrade
    """
    return client.post(f"{_path(id)}/osRollingUpgrade", None, api=_API)


def get_rolling_upgrade(client: ArmClient, id: ResourceId, *, deadline: float | None = None) -> dict[str, Any]:
    """The latest rolling upgrade: its policy, `runningStatus.code`, and how many instances are how far.

    https://learn.microsoft.com/rest/api/compute/virtual-machine-scale-set-rolling-upgrades/get-latest
    """
    return client.get(f"{_path(id)}/rollingUpgrades/latest", api=_API, deadline=deadline)


def cancel_rolling_upgrade(client: ArmClient, id: ResourceId) -> Started:
    """Begin to cancel the rolling upgrade that runs; 409 where none does."""
    return client.post(f"{_path(id)}/rollingUpgrades/cancel", None, api=_API)


def list_instances(client: ArmClient, id: ResourceId) -> Iterator[dict[str, Any]]:
    """The instances of a scale set: `instanceId`, and whether each has the latest model (`latestModelApplied`)."""
    return client.list(f"{_path(id)}/virtualMachines", api=_API)


def get_instance_view(
    client: ArmClient, id: ResourceId, instance: str, *, deadline: float | None = None
) -> dict[str, Any]:
    """The state of one instance (its id), and its health where the scale set has a probe."""
    return client.get(f"{_path(id)}/virtualMachines/{instance}/instanceView", api=_API, deadline=deadline)


def _path(id: ResourceId) -> str:
    return id.path_of(f"{NAMESPACE}/{SCALE_SET}")
