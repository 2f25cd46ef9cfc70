"""The route table of scale sets."""

from __future__ import annotations

from ...arm.resource_types import ResourceType
from . import model, resource, upgrades

_SET = "virtualMachineScaleSets/*"
TYPE = ResourceType(
    model.NAME,
    {
        _SET: {"GET": resource.get, "PUT": resource.put, "PATCH": resource.patch, "DELETE": resource.delete},
        f"{_SET}/instanceView": {"GET": resource.get_view},
        f"{_SET}/manualupgrade": {"POST": upgrades.upgrade},
        f"{_SET}/reimage": {"POST": upgrades.reimage},
        f"{_SET}/osRollingUpgrade": {"POST": upgrades.roll},
        f"{_SET}/extensionRollingUpgrade": {"POST": upgrades.roll},
        f"{_SET}/rollingUpgrades/*": {"GET": upgrades.latest, "POST": upgrades.cancel},
        f"{_SET}/virtualMachines": {"GET": resource.list_instances},
        f"{_SET}/virtualMachines/*": {"GET": resource.get_instance},
        f"{_SET}/virtualMachines/*/instanceView": {"GET": resource.get_instance_view},
    },
)
