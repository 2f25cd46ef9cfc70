"""A public IP's body as ARM completes it, and what ARM refuses in one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from ..arm import errors
from ..arm.addresses import PUBLIC_IPS
from ..arm.errors import ArmError
from ..arm.placement import place
from ..arm.state import properties, properties_of
from ..messages import Json
from . import bodies
from .body_table import SKU
from .load_balancers.parts import is_global, sku_name
from .load_balancers.refusals import same

TYPE = PUBLIC_IPS
# ARM's own expression, from its error text.
_LABEL = re.compile(r"^[a-z][a-z0-9-]{1,61}[a-z0-9]$")


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
    made = bodies.complete(TYPE, given.get("properties", {}), before, basic=basic)
    made.setdefault("resourceGuid", guid())
    if "dnsSettings" in made:
        made["dnsSettings"] = _dns(made["dnsSettings"], given.get("location", ""))
    if made["publicIPAllocationMethod"] == "Dynamic" and "ipConfiguration" not in made:
        made.pop("ipAddress", None)
    body["properties"] = {"provisioningState": "Updating", **made}
    body["type"] = TYPE
    body.update({key: value for key, value in given.items() if key not in body and key != "sku"})
    body["sku"] = sku
    return body


def _dns(given: Json, location: str) -> Json:
    made = {key: value for key, value in given.items() if key != "fqdn"}
    if made.get("domainNameLabel"):
        made["fqdn"] = f"{made['domainNameLabel']}.{place(location)}.cloudapp.azure.com"
    return made


def unchanged(body: Json, previous: Json) -> bool:
    """Whether a PUT changed nothing but what only the server says: recorded, only then it is Succeeded at once."""
    before = complete(previous, previous, body["id"], lambda: str(body["properties"]["resourceGuid"]))
    return same(before, body)


def spread(given: Json, previous: Json | None, identity: str, api_version: str) -> Json:
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


def check(body: Json, previous: Json | None, others: Iterable[Json], owner: str | None) -> None:
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
