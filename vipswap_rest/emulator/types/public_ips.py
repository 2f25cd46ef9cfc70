"""Public IPs: their body as ARM completes it, what ARM refuses in one, and PUT, PATCH and DELETE."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ..arm import errors, reads
from ..arm.addresses import PUBLIC_IPS
from ..arm.calls import Call, Reply, accepted
from ..arm.errors import ArmError
from ..arm.placement import place
from ..arm.resource_types import ResourceType
from ..arm.shapes import COMMON, REFERENCE
from ..arm.state import is_global, properties, properties_of, provisioning_state, sku_name
from ..arm.world import World
from ..arm.writes import begin_write, check_free, find_deletable, patch_tags, read_put
from ..messages import Json
from . import bodies, usages
from .body_table import SKU

_SHAPE: Json = {
    **COMMON,
    "zones": [str],
    "properties": {
        "publicIPAllocationMethod": str,
        "publicIPAddressVersion": str,
        "idleTimeoutInMinutes": int,
        "ipAddress": str,
        "dnsSettings": {"domainNameLabel": str, "fqdn": str, "reverseFqdn": str},
        "ipTags": [{"ipTagType": str, "tag": str}],
        "publicIPPrefix": REFERENCE,
    },
}
# ARM's own expression, from its error text.
_LABEL = re.compile(r"^[a-z][a-z0-9-]{1,61}[a-z0-9]$")


def put(world: World, call: Call) -> Reply:
    """Create or replace a public IP: 201 or 200 with Azure-AsyncOperation.

    Recorded: a creation is always Updating; an update is Succeeded exactly if it changes nothing (7 of 7), and
    Updating if it does (16 of 16).
    """
    given, previous, identity = read_put(world, call, _SHAPE, PUBLIC_IPS)
    given = _in_all_zones(given, previous, identity, call.api_version)
    body = complete(given, previous, identity, world.identifiers.guid)
    check_free(world, identity, call.now)
    if previous is None:
        usages.check_room(world, call.path.subscription or "", body)
        world.addresses.check_room(body["properties"]["publicIPAddressVersion"])
    _check_prefix(world, body)
    _check(body, previous, world.state.of_type(PUBLIC_IPS), _owner(world, identity))
    settled = previous is not None and provisioning_state(previous).lower() == "succeeded"
    working = world.operations.is_faulted or not (settled and previous and _unchanged(body, previous))
    # The profiles count creations only; an update of an address is taken to last as long.
    seconds = world.latency.draw("public_ip_create") if working else 0.0

    def finish(present: Json) -> None:
        made = properties(present)
        if working and made.get("publicIPAllocationMethod") == "Static" and "ipAddress" not in made:
            _give_address(world, made)

    kind = "PutPublicIpAddressOperation"
    operation = begin_write(world, call, kind, [body], seconds, finish, working=working, public_ip=identity, short=True)
    return Reply(200 if previous else 201, body, operation, pause=working)


def delete(world: World, call: Call) -> Reply:
    """202 and an operation, 204 if there is none, 400 while it is allocated to something."""
    body = find_deletable(world, call)
    if isinstance(body, Reply):
        return body
    identity = body["id"]
    owner = _owner(world, identity)
    if owner is not None:
        raise errors.address_cannot_be_deleted(identity, owner)
    seconds = world.latency.draw("public_ip_delete")
    kind = "DeletePublicIpAddressOperation"
    return accepted(begin_write(world, call, kind, [body], seconds, deleting=True, public_ip=identity))


def give_dynamic_addresses(world: World, identities: Iterable[str]) -> None:
    """Let those of these public IPs that are Dynamic have an address.

    Recorded: one on a load balancer without members had none yet; one in use had.
    """
    for body in filter(None, map(world.state.get, identities)):
        if "ipAddress" not in properties(body):
            _give_address(world, properties(body))
            world.state.touch(body)


def _give_address(world: World, made: Json) -> None:
    """Give a public IP with these properties an address, if there is one left."""
    found = world.addresses.allocate(str(made.get("publicIPAddressVersion", "IPv4")))
    if found is not None:
        made["ipAddress"] = found


def _check_prefix(world: World, body: Json) -> None:
    """Refuse an address from a prefix that is not there: recorded, with the prefix's 404 (6 of 6)."""
    prefix = (properties(body).get("publicIPPrefix") or {}).get("id")
    if prefix and world.state.get(prefix) is None:
        raise errors.not_found(prefix)


def _owner(world: World, identity: str) -> str | None:
    """What the address is allocated to: in the model, or still, while an operation takes it off."""
    hold = world.addresses.holder(identity)
    return hold.frontend if hold is not None else world.addresses.owner(identity)


def complete(given: Json, previous: Json | None, identity: str, guid: Callable[[], str]) -> Json:
    """The body of the public IP `identity` after a PUT of `given`; its state and etag are still to be set.

    What only the server says (address, owner, resourceGuid) is kept from `previous`. `given` must have passed
    shapes.check.
    """
    before = properties_of(previous or {})
    sku = bodies.complete(SKU, given.get("sku") or (previous or {}).get("sku") or {}, {})
    body: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": ""}
    body.update({key: given[key] for key in ("location", "tags", "zones") if key in given})
    basic = str(sku["name"]).lower() == "basic"
    made = bodies.complete(PUBLIC_IPS, given.get("properties", {}), before, basic=basic)
    made.setdefault("resourceGuid", guid())
    if "dnsSettings" in made:
        made["dnsSettings"] = _dns(made["dnsSettings"], given.get("location", ""))
    if made["publicIPAllocationMethod"] == "Dynamic" and "ipConfiguration" not in made:
        made.pop("ipAddress", None)
    body["properties"] = {"provisioningState": "Updating", **made}
    body["type"] = PUBLIC_IPS
    body.update({key: value for key, value in given.items() if key not in body and key != "sku"})
    body["sku"] = sku
    return body


def _dns(given: Json, location: str) -> Json:
    made = {key: value for key, value in given.items() if key != "fqdn"}
    if made.get("domainNameLabel"):
        made["fqdn"] = f"{made['domainNameLabel']}.{place(location)}.cloudapp.azure.com"
    return made


def _unchanged(body: Json, previous: Json) -> bool:
    """Whether a PUT changed nothing but what only the server says: recorded, only then it is Succeeded at once."""
    before = complete(previous, previous, body["id"], lambda: str(body["properties"]["resourceGuid"]))
    return bodies.same(before, body)


def _in_all_zones(given: Json, previous: Json | None, identity: str, api_version: str) -> Json:
    """`given` with the zones that ARM makes of its zones: one stays, more are all of the region's three.

    As users report: made in zones 1 and 2, an address is in all three (issue 447 of
    Azure/terraform-azurerm-caf-enterprise-scale); before 2020-08-01 more than one were refused. Raises ArmError.
    """
    zones = given.get("zones") or []
    if len(zones) < 2:
        return given
    if api_version < "2020-08-01":
        raise errors.multiple_zones(identity, len(zones))
    if previous is not None and sorted(previous.get("zones", [])) == sorted(zones):
        return {**given, "zones": previous["zones"]}
    return {**given, "zones": ["1", "2", "3"]}


def _check(body: Json, previous: Json | None, others: Iterable[Json], owner: str | None) -> None:
    """Refuse what a public IP may not be. `others` are all public IPs, `owner` what this one is allocated to."""
    made, identity = body["properties"], body["id"]
    if not 4 <= made["idleTimeoutInMinutes"] <= 30:
        message = f"Public IP address {body['name']} has invalid Idle Timeout. The value must be between 4 and 30."
        raise ArmError(400, "PublicIPIdleTimeoutIsOutOfRange", message)
    _check_label(body, others)
    standard = sku_name(body).lower() != "basic"
    if is_global(body) and not standard:
        message = (
            "Global publicIP addresses are only supported for standard SKU public IP addresses. "
            f"Public IP address {identity} is not standard SKU."
        )
        raise ArmError(400, "GlobalPublicIPAddressNotSupportedForBasicPublicIpAddress", message)
    if standard and made["publicIPAllocationMethod"] != "Static":
        raise errors.standard_must_be_static(identity)
    if not standard and made["publicIPAddressVersion"] == "IPv6" and made["publicIPAllocationMethod"] == "Static":
        raise errors.basic_ipv6_is_dynamic(identity)
    if previous is not None:
        _check_change(body, previous, owner)


def _check_label(body: Json, others: Iterable[Json]) -> None:
    dns = body["properties"].get("dnsSettings", {})
    label, name = dns.get("domainNameLabel"), dns.get("fqdn")
    if label is None:
        return
    if not _LABEL.fullmatch(label):
        message = (
            f"The domain name label {label} is invalid. "
            f"It must conform to the following regular expression: {_LABEL.pattern}."
        )
        raise ArmError(400, "InvalidDomainNameLabel", message)
    for other in others:
        theirs = properties(other).get("dnsSettings")
        if (
            other["id"].lower() != body["id"].lower()
            and isinstance(theirs, dict)
            and str(theirs.get("fqdn")).lower() == name.lower()
        ):
            raise ArmError(400, "DnsRecordInUse", f"DNS record {name} is already used by another public IP.")


def _check_change(body: Json, previous: Json, owner: str | None) -> None:
    identity, zones = body["id"], previous.get("zones", [])
    if body.get("zones", []) != zones:
        raise errors.zones_cannot_be_modified(identity, zones, body.get("zones", []))
    if owner is None:
        return
    in_use = f"Public IP address {identity} is in use by ipconfig {owner} and cannot be updated from"
    method = properties(previous).get("publicIPAllocationMethod")
    if method == "Static" and body["properties"]["publicIPAllocationMethod"] == "Dynamic":
        raise ArmError(400, "PublicIPAddressInUseCannotUpdateToDynamic", f"{in_use} static to dynamic.")
    old, new = sku_name(previous), sku_name(body)
    if old.lower() != new.lower():
        # The code's ending and this text are the emulator's: no report quotes them.
        raise ArmError(400, "PublicIPAddressInUseCannotUpdateSku", f"{in_use} {old} to {new} sku.")


TYPE = ResourceType(
    PUBLIC_IPS, {"publicIPAddresses/*": {"GET": reads.get, "PUT": put, "PATCH": patch_tags, "DELETE": delete}}
)
