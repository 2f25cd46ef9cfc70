"""How to bring the emulator into the situation of a recorded error: one function for each code, named in SITUATIONS."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tests.arm.cassettes import Line
from tests.emulator.stage import Json, Stage, address
from vipswap_rest.emulator import Answer

LOCATION = "westus"


def group_of(line: Line) -> str:
    return "/".join(line.path.split("/")[:5])


def make_group(stage: Stage, line: Line) -> None:
    stage.seed({"id": group_of(line), "name": group_of(line).rsplit("/", 1)[1], "location": LOCATION})


def ask(stage: Stage, line: Line, body: Any = None) -> Answer:
    """The recorded request, with a body where the recording has none."""
    sent = line.request_body if body is None else body
    return stage.send(line.method, "/" + line.url.split("/", 3)[3], sent, line.request_headers)


def just_ask(stage: Stage, line: Line) -> Answer:
    """Nothing is there, not even the group."""
    return ask(stage, line)


def ask_in_group(stage: Stage, line: Line) -> Answer:
    make_group(stage, line)
    return ask(stage, line)


def ask_again(stage: Stage, line: Line) -> Answer:
    """What was there has just been deleted."""
    make_group(stage, line)
    stage.call("PUT", line.path, {"location": LOCATION})
    stage.call("DELETE", line.path)
    stage.settle()
    return ask(stage, line)


def locked(stage: Stage, line: Line) -> Answer:
    message = line.body["error"]["message"]
    scope = re.findall(r"'([^']+)'", message)[1]
    stage.seed({"id": scope, "location": LOCATION})
    path = f"{scope}/providers/Microsoft.Authorization/locks/keep"
    stage.call("PUT", path, {"properties": {"level": "CanNotDelete"}})
    return ask(stage, line)


def not_granted(stage: Stage, line: Line) -> Answer:
    """The same write without its role; of a load balancer, for the emulator has no role assignments."""
    path = f"{group_of(line)}/providers/Microsoft.Network/loadBalancers/lb"
    make_group(stage, line)
    id = f"{group_of(line)}/providers/Microsoft.Authorization/permissions/reader"
    stage.seed({"id": id, "properties": {"actions": ["*/read"], "notActions": []}})
    return stage.call("PUT", path, {"location": LOCATION})


def not_provisioned(stage: Stage, line: Line) -> Answer:
    """A load balancer refers to what is Updating: recorded an availability set, here a public IP."""
    make_group(stage, line)
    path = f"{group_of(line)}/providers/Microsoft.Network/publicIPAddresses/busy"
    stage.call("PUT", path, address())
    return ask(stage, line, balancer({"publicIPAddress": {"id": path}}))


def busy(stage: Stage, line: Line) -> Answer:
    """An operation that may not be superseded has the resource: recorded others, here the native swap of two."""
    base = f"{group_of(line)}/providers/Microsoft.Network"
    make_group(stage, line)
    entries = []
    for one, other in (("1", "2"), ("2", "1")):
        stage.call("PUT", f"{base}/publicIPAddresses/ip{one}", address())
        stage.settle()
        reference = {"publicIPAddress": {"id": f"{base}/publicIPAddresses/ip{one}"}}
        stage.call("PUT", f"{base}/loadBalancers/lb{one}", balancer(reference))
        goal = {"publicIPAddress": {"id": f"{base}/publicIPAddresses/ip{other}"}}
        entries.append({"id": f"{base}/loadBalancers/lb{one}/frontendIPConfigurations/front", "properties": goal})
    subscription = "/".join(line.path.split("/")[:3])
    action = f"{subscription}/providers/Microsoft.Network/locations/{LOCATION}/setLoadBalancerFrontendPublicIpAddresses"
    assert stage.call("POST", action, {"frontendIPConfigurations": entries}).status == 202
    return stage.call(line.method, f"{base}/loadBalancers/lb1", stage.get(f"{base}/loadBalancers/lb1"))


def in_progress(stage: Stage, line: Line) -> Answer:
    """A write of what is being deleted."""
    make_group(stage, line)
    path = f"{group_of(line)}/providers/Microsoft.Network/publicIPAddresses/going"
    stage.call("PUT", path, address())
    stage.settle()
    stage.call("DELETE", path)
    return stage.call("PUT", path, address())


def balancer(frontend: Json, **collections: Any) -> Json:
    """A load balancer with one frontend and whatever else is asked for."""
    made = {"frontendIPConfigurations": [{"name": "front", "properties": frontend}], **collections}
    return {"location": LOCATION, "sku": {"name": "Standard"}, "properties": made}


def zones(stage: Stage, line: Line) -> Answer:
    """The load balancer is there as the recorded PUT has it, but for the zones."""
    make_group(stage, line)
    body: Json = {**line.request_body, "properties": dict(line.request_body["properties"])}
    asked = body["properties"]["frontendIPConfigurations"]
    frontends = [{name: value for name, value in one.items() if name != "zones"} for one in asked]
    for id in [one["properties"]["publicIPAddress"]["id"] for one in asked if "publicIPAddress" in one["properties"]]:
        assert stage.call("PUT", id, address(location=body["location"], sku=body["sku"])).status == 201
    stage.settle()
    body["properties"]["frontendIPConfigurations"] = frontends
    assert stage.call("PUT", line.path, body).status == 201
    stage.settle()
    return ask(stage, line)


def bad_child(kind: str, properties: Json) -> Callable[[Stage, Line], Answer]:
    """A load balancer with a child, of the name that the message has, that says something it may not."""

    def situation(stage: Stage, line: Line) -> Answer:
        make_group(stage, line)
        found = re.search(r"\b(\w+Name)\b(?! on)", line.body["error"]["message"].replace("loadBalancerName", ""))
        child = {"name": found.group(1) if found else "child", "properties": properties}
        return ask(stage, line, balancer({"subnet": {"id": f"{group_of(line)}/none"}}, **{kind: [child]}))

    return situation


def bad_address(**changes: Any) -> Callable[[Stage, Line], Answer]:
    def situation(stage: Stage, line: Line) -> Answer:
        make_group(stage, line)
        return ask(stage, line, line.request_body or address(**changes))

    return situation


SITUATIONS: dict[str, Callable[[Stage, Line], Answer]] = {
    "AuthorizationFailed": not_granted,
    "RetryableError/ReferencedResourceNotProvisioned": not_provisioned,
    "RetryableError/RetryableErrorDueToAnotherOperation": busy,
    "AnotherOperationInProgress": in_progress,
    "ScopeLocked": locked,
    "ResourceGroupNotFound": just_ask,
    "ResourceNotFound": ask_in_group,
    "NotFound": ask_again,
    "ResourceAvailabilityZonesCannotBeModified": zones,
    "GlobalPublicIPAddressNotSupportedForBasicPublicIpAddress": bad_address(),
    "PublicIPIdleTimeoutIsOutOfRange": bad_address(idleTimeoutInMinutes=31),
    "InvalidDomainNameLabel": bad_address(dnsSettings={"domainNameLabel": "l-a_b-1-e"}),
    "PortValueIsOutOfRange": bad_child("inboundNatPools", {"backendPort": 65536}),
    "SubscriptionNotRegisteredForFeature": bad_child("inboundNatRules", {"frontendPort": 0}),
    "RuleIdleTimeoutIsOutOfRange": bad_child("inboundNatRules", {"idleTimeoutInMinutes": 31}),
    "InvalidRequestFormat/InvalidJson": bad_child("probes", {"intervalInSeconds": 2147483650}),
    "ProbeIntervalIsOutOfRange": bad_child("probes", {"intervalInSeconds": 4}),
    "ProbeRequestPathIsNotNull": bad_child("probes", {"protocol": "Tcp", "port": 80, "requestPath": "/"}),
    "NumberOfProbesIsOutOfRange": bad_child("probes", {"numberOfProbes": 2147483647}),
}
