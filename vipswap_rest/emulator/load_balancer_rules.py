"""What ARM refuses in a load balancer. Codes and texts as recorded or as users reported them."""

from __future__ import annotations

from collections.abc import Iterator

from . import errors
from . import load_balancer as lb
from .addresses import PUBLIC_IPS, Addresses, frontends
from .errors import ArmError
from .messages import Json
from .operations import Move, Operations
from .placement import same_region, same_zone
from .state import State, properties, provisioning_state

_PORTS = {
    "frontendPort": "FrontendPort",
    "backendPort": "BackendPort",
    "frontendPortRangeStart": "FrontendPortRangeStart",
    "frontendPortRangeEnd": "FrontendPortRangeEnd",
}
_LONGEST_PROBE = 2147483646


def check_names(given: Json) -> None:
    """Refuse children without a name, or two of one name in one collection."""
    for kind in lb.COLLECTIONS:
        seen: set[str] = set()
        for index, child in enumerate(given.get("properties", {}).get(kind, ())):
            name = child.get("name")
            if not name:
                raise errors.format_invalid(f"Required property 'name' not found. Path 'properties.{kind}[{index}]'.")
            if name.lower() in seen:
                message = f"The load balancer has two child resources with the same name ({name})."
                raise ArmError(400, "DuplicateResourceName", message)
            seen.add(name.lower())


def check_numbers(body: Json) -> None:
    """Refuse ports, timeouts and probe intervals out of their range."""
    made = body["properties"]
    for kind in (lb.RULES, lb.NAT_RULES, lb.NAT_POOLS):
        for child in made[kind]:
            _check_ports(kind, child, body["id"])
            minutes = child["properties"].get("idleTimeoutInMinutes", 4)
            if not 4 <= minutes <= 30:
                message = f"Rule {child['name']} has invalid Idle Timeout. The value must be between 4 and 30."
                raise ArmError(400, "RuleIdleTimeoutIsOutOfRange", message)
    for probe in made[lb.PROBES]:
        _check_probe(probe)


def _check_ports(kind: str, child: Json, balancer: str) -> None:
    for key, shown in _PORTS.items():
        port = child["properties"].get(key)
        if port is None:
            continue
        if port == 0 and kind == lb.RULES:
            continue  # port 0 with protocol All: the rule for all ports
        if port == 0 and kind == lb.NAT_RULES and key == "frontendPort":
            subscription = balancer.split("/")[2]
            message = (
                f"Subscription {subscription} is not registered for feature Microsoft.Network/AllowILBAllPortsRule "
                "required to carry out the requested operation."
            )
            raise ArmError(400, "SubscriptionNotRegisteredForFeature", message)
        if not 1 <= port <= 65535:
            given = f"Resource {child['name']} has invalid value of {shown} ({port})."
            message = f"{given} The value must be between 1 and 65535."
            raise ArmError(400, "PortValueIsOutOfRange", message)


def _check_probe(probe: Json) -> None:
    found, name = probe["properties"], probe["name"]
    port, interval, count = found.get("port"), found["intervalInSeconds"], found["numberOfProbes"]
    if port is not None and not 1 <= port <= 65535:
        message = f"Resource {name} has invalid value of Port ({port}). The value must be between 1 and 65535."
        raise ArmError(400, "PortValueIsOutOfRange", message)
    if not 5 <= interval <= _LONGEST_PROBE:
        message = f"Probe Interval for probe {name} must be between 5 and {_LONGEST_PROBE}."
        raise ArmError(400, "ProbeIntervalIsOutOfRange", message)
    most = _LONGEST_PROBE // interval
    if not 1 <= count <= most:
        message = (
            f"NumberOfProbes value for probe {name} is out of range. "
            f"When IntervalInSeconds is {interval}, the value must be between 1 and {most}."
        )
        raise ArmError(400, "NumberOfProbesIsOutOfRange", message)
    if str(found.get("protocol")).lower() == "tcp" and found.get("requestPath"):
        message = f"Request path for probe {probe['id']} must be null when its protocol is Tcp."
        raise ArmError(400, "ProbeRequestPathIsNotNull", message)


def check_references(body: Json) -> None:
    """Refuse rules that refer to a frontend, pool or probe that this load balancer does not have."""
    made = body["properties"]
    own = {child["id"].lower() for kind in (lb.FRONTENDS, lb.POOLS, lb.PROBES) for child in made[kind]}
    for kind in (lb.RULES, lb.NAT_RULES, lb.NAT_POOLS, lb.OUTBOUND):
        for child in made.get(kind, ()):
            for _, identity in lb.references(child):
                if identity.lower() not in own:
                    raise errors.reference_not_found(identity, child["id"])


def check_frontends(given: Json, body: Json) -> None:
    """Refuse a frontend without an address, with zones of its own beside one, or one address on two frontends."""
    asked = {child["name"].lower(): child for child in given.get("properties", {}).get(lb.FRONTENDS, ())}
    seen: set[str] = set()
    for frontend in body["properties"][lb.FRONTENDS]:
        found = frontend["properties"]
        if not any(key in found for key in ("publicIPAddress", "subnet", "publicIPPrefix")):
            message = (
                f"Frontend IP Configuration {frontend['id']} must reference either a Subnet or a Public IP Address."
            )
            raise ArmError(400, "FrontendIPConfigHasNoSubnetOrPublicIP", message)
        if "publicIPAddress" not in found:
            continue
        zones = asked[frontend["name"].lower()].get("zones")
        if zones:
            raise errors.zones_cannot_be_modified(frontend["id"], None, zones)
        address = found["publicIPAddress"].get("id", "")
        if address.lower() in seen:
            message = f"Public ip address {address} is referenced by multiple ipconfigs in resource {body['id']}."
            raise ArmError(400, "PublicIPReferencedByMultipleIPConfigs", message)
        seen.add(address.lower())


def moves(previous: Json | None, body: Json) -> Iterator[Move]:
    """The frontends whose public IP the new body changes, those included that it adds or drops."""
    before = {identity.lower(): (identity, address) for identity, address in frontends(previous)} if previous else {}
    after = {identity.lower(): (identity, address) for identity, address in frontends(body)}
    for key in dict.fromkeys([*before, *after]):
        off = before[key][1] if key in before else None
        on = after[key][1] if key in after else None
        if (off or "").lower() != (on or "").lower():
            yield Move(body["id"], (after.get(key) or before[key])[0], off, on)


def check_address(move: Move, balancer: Json, state: State, addresses: Addresses, operations: Operations) -> None:
    """Refuse to put on a frontend an address that is missing, unfit, busy, or somebody else's.

    Only addresses that a frontend takes up are looked at: one that it has already may be in any state.
    """
    if move.on is None:
        return
    address = state.get(move.on)
    if address is None or not _same_type(address):
        raise errors.reference_not_found(move.on, move.frontend)
    check_place(move, balancer, address)
    check_sku(balancer, address)
    owner = addresses.owner(address["id"])
    if owner is not None and not owner.lower().startswith(balancer["id"].lower() + "/"):
        raise errors.address_in_use(move.frontend, address["id"], owner)
    hold = addresses.holder(address["id"])
    if hold is not None and hold.resource.lower() != balancer["id"].lower():
        # Released in the model, but not yet by the operation: another load balancer has to wait for it.
        raise errors.address_in_use(move.frontend, address["id"], hold.frontend)
    found = provisioning_state(address)
    if found.lower() != "succeeded":
        running = operations.on(address["id"])
        kind = running.kind if running else "PutPublicIpAddressOperation"
        raise errors.not_provisioned(address["id"], balancer["name"], found, kind)


def check_place(move: Move, balancer: Json, address: Json) -> None:
    """Refuse an address of another region or edge zone."""
    if not same_region(address, balancer):
        raise errors.reference_not_found(move.on or "", move.frontend)
    if not same_zone(address, balancer):
        raise errors.reference_across_places(move.frontend, address["id"])


def check_sku(balancer: Json, address: Json) -> None:
    """Refuse an address of another SKU, and a Global one for a Regional load balancer.

    The opposite passes: recorded, a Global load balancer took Regional addresses (5 of 5).
    """
    mine, its = lb.sku_name(balancer), lb.sku_name(address)
    if (mine.lower() == "basic") != (its.lower() == "basic"):
        message = f"{mine} sku load balancer {balancer['id']} cannot reference {its} sku publicIP {address['id']}."
        raise ArmError(400, "PublicIPAndLBSkuDoNotMatch", message)
    if lb.is_global(address) and not lb.is_global(balancer):
        message = f"Regional tier load balancer {balancer['id']} cannot reference Global tier publicIP {address['id']}."
        raise ArmError(400, "PublicIPAndLBSkuDoNotMatch", message)


def _same_type(address: Json) -> bool:
    return f"/{PUBLIC_IPS}/".lower() in str(address["id"]).lower()


def members_of(body: Json, previous: Json | None) -> bool:
    """Whether a write has work to do: members before it or after it (recorded: dropping a pool was `Updating`)."""
    return lb.has_members(body) or lb.has_members(previous)


def same(one: Json, other: Json) -> bool:
    """Whether two bodies say the same but for what only the server sets."""
    return _bare(one) == _bare(other)


def _bare(body: Json) -> Json:
    found = {key: value for key, value in properties(body).items() if key != "provisioningState"}
    return {**{key: value for key, value in body.items() if key != "etag"}, "properties": found}
