"""A load balancer's body as ARM completes it: ids, etags, defaults and back references; all else is as given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .messages import Json
from .state import listed, named, properties, properties_of

TYPE = "Microsoft.Network/loadBalancers"

FRONTENDS = "frontendIPConfigurations"
POOLS = "backendAddressPools"
RULES = "loadBalancingRules"
PROBES = "probes"
NAT_RULES = "inboundNatRules"
NAT_POOLS = "inboundNatPools"
OUTBOUND = "outboundRules"
# In the order in which ARM lists them.
COLLECTIONS = (FRONTENDS, POOLS, RULES, PROBES, NAT_RULES, OUTBOUND, NAT_POOLS)

_TIMED: Json = {"enableFloatingIP": False, "idleTimeoutInMinutes": 4}
# What ARM adds to a child that does not say it (recorded, but for what only the OpenAPI tells of outbound rules).
_DEFAULTS: dict[str, Json] = {
    FRONTENDS: {"privateIPAllocationMethod": "Dynamic"},
    POOLS: {"loadBalancerBackendAddresses": []},
    RULES: {**_TIMED, "enableTcpReset": False, "disableOutboundSnat": False, "loadDistribution": "Default"},
    PROBES: {"intervalInSeconds": 15, "numberOfProbes": 2},
    NAT_RULES: {**_TIMED, "enableTcpReset": False},
    NAT_POOLS: {**_TIMED, "enableTcpReset": False},
    OUTBOUND: {"allocatedOutboundPorts": 0, "enableTcpReset": False, "idleTimeoutInMinutes": 4},
}
# What only the server says: sent back, it is accepted and forgotten, and then derived or kept.
_READ_ONLY: dict[str, tuple[str, ...]] = {
    FRONTENDS: (RULES, NAT_RULES, NAT_POOLS, OUTBOUND),
    POOLS: ("backendIPConfigurations", RULES, "outboundRule", OUTBOUND, NAT_RULES),
    PROBES: (RULES,),
    NAT_RULES: ("backendIPConfiguration",),
}
# In no specification, but recorded on rules of 2018-11-01 and 2019-09-01: always false, and accepted when sent back.
UNDOCUMENTED = ("enableDestinationServiceEndpoint", "allowBackendPortConflict")
# A default reads back in ARM's own case (recorded: "default" was sent, "Default" came back).
_SPELLINGS = {word.lower(): word for word in ("Default", "SourceIP", "SourceIPProtocol", "Dynamic", "Static")}
_SPELLED = ("loadDistribution", "privateIPAllocationMethod")
_SINGLE = ("publicIPAddress", "frontendIPConfiguration", "backendAddressPool", "probe", "subnet", "publicIPPrefix")
_MANY = ("frontendIPConfigurations", "backendAddressPools")


def complete(
    given: Json, previous: Json | None, identity: str, guid: Callable[[], str], spelled: Callable[[str], str]
) -> Json:
    """The body of the load balancer `identity` after a PUT of `given`; its state and etags are still to be set.

    `previous` is the body before, whose resourceGuid, pool members and zones are kept. `spelled` gives an id as it
    was first created. `given` must have passed shapes.check.
    """
    before = properties(previous) if previous else {}
    asked = given.get("properties", {})
    body: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": "", "type": TYPE}
    sku = given.get("sku") or (previous or {}).get("sku") or {"name": "Basic"}
    for key in ("location", "tags"):
        if key in given:
            body[key] = given[key]
    body.update({key: value for key, value in given.items() if key not in body and key not in ("properties", "sku")})
    made: Json = {"provisioningState": "Succeeded", "resourceGuid": before.get("resourceGuid") or guid()}
    body["properties"] = made
    for kind in COLLECTIONS:
        old = named(before, kind)
        made[kind] = [
            _child(kind, child, old.get(child["name"].lower()), identity, spelled) for child in asked.get(kind, ())
        ]
    made.update({key: value for key, value in asked.items() if key not in made})
    body["sku"] = {"tier": "Regional", **sku}
    body["sku"] = {"name": body["sku"].pop("name", "Basic"), **body["sku"]}
    _refer_back(made)
    if sku_name(body).lower() == "basic":
        # Recorded: Basic load balancers list no outbound rules, and their rules say nothing of outbound SNAT.
        if not made[OUTBOUND]:
            del made[OUTBOUND]
        for rule in made[RULES]:
            if not rule["properties"].get("disableOutboundSnat"):
                rule["properties"].pop("disableOutboundSnat", None)
    return body


def _child(kind: str, given: Json, old: Json | None, parent: str, spelled: Callable[[str], str]) -> Json:
    identity = f"{parent}/{kind}/{old['name'] if old else given['name']}"
    child: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": "", "type": f"{TYPE}/{kind}"}
    child.update({key: value for key, value in given.items() if key not in child and key != "properties"})
    hidden = _READ_ONLY.get(kind, ())
    sent = given.get("properties", {})
    found = {
        key: value for key, value in sent.items() if key not in hidden and not (key in UNDOCUMENTED and value is False)
    }
    found = {key: _reduced(key, value, spelled) for key, value in found.items()}
    for key in _SPELLED:
        if isinstance(found.get(key), str):
            found[key] = _SPELLINGS.get(found[key].lower(), found[key])
    found = {"provisioningState": "Succeeded", **_DEFAULTS[kind], **found}
    found["provisioningState"] = "Succeeded"
    if kind == FRONTENDS:
        _frontend(child, found, old)
    elif kind == RULES:
        _rule(found)
    # Members are the network interfaces' side of the matter: a PUT of the load balancer never changes them.
    for key in ("backendIPConfigurations", "backendIPConfiguration"):
        if old is not None and key in hidden and key in properties_of(old):
            found[key] = properties_of(old)[key]
    child["properties"] = found
    return child


def _frontend(child: Json, found: Json, old: Json | None) -> None:
    if old is not None and "zones" in old and "zones" not in child:
        child["zones"] = old["zones"]
    if "publicIPAddress" not in found:
        found.setdefault("privateIPAddressVersion", "IPv4")
    elif found.get("privateIPAddressVersion") == "IPv4":
        # Recorded since 2023-04-01: sent for a public frontend it is accepted and not shown.
        del found["privateIPAddressVersion"]


def _rule(found: Json) -> None:
    """The pool and the list of pools say the same; whichever was given fills the other."""
    pools = found.get("backendAddressPools") or []
    if "backendAddressPool" in found:
        found["backendAddressPools"] = pools if len(pools) > 1 else [found["backendAddressPool"]]
    elif len(pools) == 1:
        found["backendAddressPool"] = pools[0]


def _reduced(key: str, value: Any, spelled: Callable[[str], str]) -> Any:
    """A reference as ARM stores it: the id alone, even where the whole resource was sent (recorded)."""
    if key in _SINGLE and isinstance(value, dict) and "id" in value:
        return {"id": spelled(value["id"])}
    if key in _MANY and isinstance(value, list):
        return [_reduced("publicIPAddress", item, spelled) for item in value]
    return value


def references(child: Json) -> Iterator[tuple[str, str]]:
    """What a child refers to: property name and id."""
    found = properties_of(child)
    for key in _SINGLE:
        value = found.get(key)
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            yield key, value["id"]
    for key in _MANY:
        for value in listed(found, key):
            if isinstance(value.get("id"), str):
                yield key, value["id"]


def _refer_back(made: Json) -> None:
    """Let frontends, pools and probes list what refers to them; recorded: only where anything does."""
    targets = {child["id"].lower(): child for kind in (FRONTENDS, POOLS, PROBES) for child in made[kind]}
    for kind in (RULES, NAT_RULES, NAT_POOLS, OUTBOUND):
        for user in made[kind]:
            for target in dict.fromkeys(identity.lower() for _, identity in references(user)):
                child = targets.get(target)
                if child is not None:
                    child["properties"].setdefault(kind, []).append({"id": user["id"]})
                    if kind == OUTBOUND and child in made[POOLS]:
                        child["properties"].setdefault("outboundRule", {"id": user["id"]})


def has_members(body: Json | None) -> bool:
    """Whether anything stands behind the load balancer: only then does ARM have work to do.

    Recorded: with members 57 of 59 updates were `Updating`; without, none of 816 Basic ones and 21 of 156 Standard
    ones. Global ones were `Updating` 4 times of 4, their pools empty or not.
    """
    if body is None:
        return False
    pools, rules = (
        [properties_of(child) for child in listed(properties_of(body), kind)] for kind in (POOLS, NAT_RULES)
    )
    return (
        any(pool.get("backendIPConfigurations") or pool.get("loadBalancerBackendAddresses") for pool in pools)
        or any(rule.get("backendIPConfiguration") for rule in rules)
        or is_global(body)
    )


def is_global(body: Json) -> bool:
    """Whether the SKU's tier is Global."""
    sku = body.get("sku")
    return isinstance(sku, dict) and str(sku.get("tier")).lower() == "global"


def sku_name(body: Json) -> str:
    """`Basic`, `Standard` or `Gateway`; Basic where nothing is said."""
    sku = body.get("sku")
    name = sku.get("name") if isinstance(sku, dict) else None
    return name if isinstance(name, str) else "Basic"
