"""The route table of application gateways. Their parts change with the whole gateway only."""

from __future__ import annotations

from ...arm import reads
from ...arm.resource_types import ResourceType
from ...arm.writes import patch_tags
from . import body, health, resource, traffic

TYPE = ResourceType(
    body.NAME,
    {
        "applicationGateways/*": {
            "GET": reads.get,
            "PUT": resource.put,
            "PATCH": patch_tags,
            "DELETE": resource.delete,
        },
        "applicationGateways/*/backendhealth": {"POST": health.post},
        "applicationGateways/*/getBackendHealthOnDemand": {"POST": health.post_on_demand},
    },
    traffic=traffic.TRAFFIC,
)
