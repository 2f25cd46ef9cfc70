"""What ARM refuses in a load balancer. Codes and texts as recorded or as users reported them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...arm import errors
from ...arm.addresses import PUBLIC_IPS
from ...arm.errors import ArmError
from ...arm.operations import Move, Operations
from ...arm.paths import is_name
from ...arm.placement import same_region, same_zone
from ...arm.routes import frontends
from ...arm.state import State, is_global, named, properties_of, provisioning_state, sku_name
from ...arm.world import World
from ...messages import Json
from ..bodies import same
from . import parts as lb

_PORTS = {
    "frontendPort": "FrontendPort",
    "backendPort": "BackendPort",
    "frontendPortRangeStart": "FrontendPortRangeStart",
    "frontendPortRangeEnd": "FrontendPortRangeEnd",
}
_LONGEST_PROBE = 2147483646


def check_names(given: Json) -> None:
    """Refuse children without a name, or with one that none may bear, or two of one name in one collection."""
    for kind in lb.COLLECTIONS:
        seen: set[str] = set()
        for index, child in enumerate(given.get("properties", {}).get(kind, ())):
            name = child.get("name")
            if not name:
                raise errors.format_invalid(f"Required property 'name' not found. Path 'properties.{kind}[{index}]'.")
            if not is_name(name):
                raise errors.name_invalid(name)
            if name.lower() in seen:
                raise errors.duplicate_child(lb.NAME, name)
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
    # A NAT rule of the second kind has a range, which may begin at 0, and shows frontendPort 0 beside it (recorded).
    ranged = kind == lb.NAT_RULES and child["properties"].get("frontendPortRangeEnd") is not None
    for key, shown in _PORTS.items():
        port = child["properties"].get(key)
        if port is None:
            continue
        if port == 0 and (kind == lb.RULES or (ranged and key in ("frontendPort", "frontendPortRangeStart"))):
            continue  # of a rule with protocol All: the rule for all ports
        if port == 0 and kind == lb.NAT_RULES and key == "frontendPort":
            subscription = balancer.split("/")[2]
            message = (
                f"Subscription {subscription} is not registered for feature Microsoft.Network/AllowILBAllPortsRule "
                "required to carry out the requested operation."
            )
            raise ArmError(400, "SubscriptionNotRegisteredForFeature", message)
        _check_port(child["name"], shown, port)


def _check_port(name: str, shown: str, port: int) -> None:
    if not 1 <= port <= 65535:
        message = f"Resource {name} has invalid value of {shown} ({port}). The value must be between 1 and 65535."
        raise ArmError(400, "PortValueIsOutOfRange", message)


def check_collisions(body: Json) -> None:
    """Refuse two rules that serve one port of one frontend with one protocol; code and text are the emulator's.

    https://learn.microsoft.com/azure/load-balancer/components: a rule is a frontend, a port and a protocol.
    """
    children = [child for kind in (lb.RULES, lb.NAT_RULES, lb.NAT_POOLS) for child in body["properties"][kind]]
    # By frontend and protocol: the last port that is served so far, and by what.
    reach: dict[tuple[str, str], tuple[int, Json]] = {}
    for (first, last), frontend, protocol, child in sorted(map(_served, children), key=lambda one: one[0]):
        spoken = (protocol, "all") if protocol != "all" else ("all", "tcp", "udp")
        for taken, other in (reach.get((frontend, one), (-1, child)) for one in spoken):
            if taken >= first and frontend:
                message = (
                    f"Rules {other['id']} and {child['id']} use the same protocol {protocol} and frontend port "
                    f"{first}, and must not be used with the same frontend IP configuration {frontend}."
                )
                raise ArmError(400, "RulesUseSameFrontendPortProtocolAndFrontendIPConfig", message)
        if last > reach.get((frontend, protocol), (-1, child))[0]:
            reach[frontend, protocol] = last, child


def _served(child: Json) -> tuple[tuple[int, int], str, str, Json]:
    """What a rule serves: the first and the last port, its frontend's id in lower case, and the protocol."""
    found = child["properties"]
    frontend = str((found.get("frontendIPConfiguration") or {}).get("id", "")).lower()
    port = found.get("frontendPort")
    if found.get("frontendPortRangeEnd") is not None and not port:
        ports = (found.get("frontendPortRangeStart") or 0, found["frontendPortRangeEnd"])
    else:
        # Without a port it serves none.
        ports = (port, port) if port is not None else (0, -1)
    return ports, frontend, str(found.get("protocol", "Tcp")).lower(), child


def _check_probe(probe: Json) -> None:
    found, name = probe["properties"], probe["name"]
    port, interval, count = found.get("port"), found["intervalInSeconds"], found["numberOfProbes"]
    if port is not None:
        _check_port(name, "Port", port)
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
        if "subnet" in found:
            # Users report the code; the text is the emulator's.
            message = (
                f"Frontend IP Configuration {frontend['id']} cannot reference both a Subnet and a Public IP Address."
            )
            raise ArmError(400, "FrontendIPConfigHasBothSubnetAndPublicIP", message)
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


def check_address(world: World, move: Move, balancer: Json) -> None:
    """Refuse to put on a frontend an address that is missing, unfit, or in use elsewhere."""
    if move.on is None:
        return
    address, addresses = world.state.get(move.on), world.addresses
    if address is None or not _same_type(address):
        raise errors.resource_reference_not_found(move.on, balancer["id"])
    check_place(move, balancer, address)
    check_sku(balancer, address)
    owner = addresses.owner(address["id"])
    if owner is not None and not owner.lower().startswith(balancer["id"].lower() + "/"):
        raise errors.address_in_use(move.frontend, address["id"], owner)
    hold = addresses.holder(address["id"])
    if hold is not None and hold.resource.lower() != balancer["id"].lower():
        # Released in the model, but not yet by the operation: another load balancer has to wait for it.
        if world.settings.release_refusal == "retryable":
            raise errors.busy(hold.operation.kind, hold.operation.id, address["id"], 10)
        raise errors.address_in_use(move.frontend, address["id"], hold.frontend)


def check_provisioned(
    public_ips: Iterable[str], user: str, state: State, operations: Operations, *, accepting: bool
) -> float:
    """Refuse `user` (an id) these addresses where one is busy or Failed, though it has long had it (users' reports).

    accepting: an address that is still being made is taken. Returns when the last of those is there, in seconds of the
    clock; 0 where there is none.
    """
    due = 0.0
    for identity in public_ips:
        address = state.get(identity)
        if address is None or provisioning_state(address).lower() == "succeeded":
            continue
        running = operations.on(address["id"])
        if accepting and running is not None and running.kind.startswith("Put"):
            due = max(due, running.due)
            continue
        kind = running.kind if running else "PutPublicIpAddressOperation"
        raise errors.not_provisioned(address["id"], user, provisioning_state(address), kind)
    return due


def check_same_sku(body: Json, previous: Json | None) -> None:
    """Refuse another SKU or tier than the load balancer was made with."""
    if previous is None:
        return
    tiers = [("Global" if is_global(one) else "Regional") for one in (previous, body)]
    names = [sku_name(one) for one in (previous, body)]
    for present, wanted in (names, tiers):
        if present.lower() != wanted.lower():
            raise errors.sku_cannot_be_changed(body["id"], present, wanted)


def check_place(move: Move, balancer: Json, address: Json) -> None:
    """Refuse an address of another region or edge zone."""
    if not same_region(address, balancer):
        raise errors.resource_reference_not_found(address["id"], balancer["id"])
    if not same_zone(address, balancer):
        raise errors.reference_across_places(move.frontend, address["id"])


def check_sku(balancer: Json, address: Json) -> None:
    """Refuse an address of another SKU, and a Global one for a Regional load balancer.

    The opposite passes: recorded, a Global load balancer took Regional addresses (5 of 5).
    """
    mine, its = sku_name(balancer), sku_name(address)
    if (mine.lower() == "basic") != (its.lower() == "basic"):
        message = f"{mine} sku load balancer {balancer['id']} cannot reference {its} sku publicIP {address['id']}."
        raise ArmError(400, "PublicIPAndLBSkuDoNotMatch", message)
    if is_global(address) and not is_global(balancer):
        message = f"Regional tier load balancer {balancer['id']} cannot reference Global tier publicIP {address['id']}."
        raise ArmError(400, "PublicIPAndLBSkuDoNotMatch", message)


def _same_type(address: Json) -> bool:
    return f"/{PUBLIC_IPS}/".lower() in str(address["id"]).lower()


def has_work(body: Json, previous: Json | None) -> bool:
    """Whether a write is Updating: with members before it or after it (recorded: dropping a pool was).

    Recorded, without members: load balancers of the Gateway SKU are (17 of 17), Standard ones where a frontend in a
    subnet comes, goes or changes (24 of 25), and Global ones unless their tags alone change.
    """
    if previous is not None and is_global(body) and same({**previous, "tags": None}, {**body, "tags": None}):
        return False
    if lb.has_members(body) or lb.has_members(previous) or sku_name(body).lower() == "gateway":
        return True
    return sku_name(body).lower() == "standard" and _subnets(body) != _subnets(previous or {})


_PLACED = ("subnet", "privateIPAddress", "privateIPAllocationMethod", "privateIPAddressVersion", "gatewayLoadBalancer")


def _subnets(body: Json) -> dict[str, list[Any]]:
    """What a user says of each frontend in a subnet, by its name."""
    found = {name: properties_of(one) for name, one in named(properties_of(body), lb.FRONTENDS).items()}
    return {name: [one.get(key) for key in _PLACED] for name, one in found.items() if "subnet" in one}
