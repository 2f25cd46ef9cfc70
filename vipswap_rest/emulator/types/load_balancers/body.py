"""A load balancer's body after a PUT: ids, references and back references; body_table.py says the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...arm.state import listed, named, properties_of
from ...messages import Json
from .. import bodies
from ..body_table import MEMBERS, SKU, TUNNELS
from . import parts as lb

# What a pool's member refers to.
_MEMBER_OF = ("virtualNetwork", "subnet", "loadBalancerFrontendIPConfiguration", "networkInterfaceIPConfiguration")
_Spelled = Callable[[str], str]
# Recorded for VXLAN 900 and 901; documented as the defaults of a gateway load balancer's two interfaces.
_TUNNEL_PORTS = {"internal": 10800, "external": 10801}


def complete(given: Json, previous: Json | None, identity: str, guid: Callable[[], str], spelled: _Spelled) -> Json:
    """The body of the load balancer `identity` after a PUT of `given`; its state and etags are still to be set.

    `previous` is the body before, whose resourceGuid, pool members and zones are kept. `spelled` gives an id as it
    was first created. `given` must have passed shapes.check.
    """
    before, asked = properties_of(previous or {}), given.get("properties", {})
    sku = bodies.complete(SKU, given.get("sku") or (previous or {}).get("sku") or {}, {})
    basic = str(sku["name"]).lower() == "basic"
    body: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": "", "type": lb.NAME}
    for key in ("location", "tags"):
        if key in given:
            body[key] = given[key]
    body.update({key: value for key, value in given.items() if key not in body and key not in ("properties", "sku")})
    made = bodies.complete(lb.NAME, asked, before, basic=basic)
    for kind in (kind for kind in lb.COLLECTIONS if kind in made):
        old = named(before, kind)
        made[kind] = [
            _child(kind, child, old.get(child["name"].lower()), identity, spelled, basic=basic) for child in made[kind]
        ]
    made.setdefault("resourceGuid", guid())
    body["properties"] = {"provisioningState": "Succeeded", **made}
    body["sku"] = sku
    _refer_back(made)
    return body


def _child(kind: str, given: Json, old: Json | None, parent: str, spelled: _Spelled, *, basic: bool) -> Json:
    identity = f"{parent}/{kind}/{old['name'] if old else given['name']}"
    child: Json = {"name": identity.rsplit("/", 1)[1], "id": identity, "etag": "", "type": f"{lb.NAME}/{kind}"}
    child.update({key: value for key, value in given.items() if key not in child and key != "properties"})
    sent = {key: _reduced(key, value, spelled) for key, value in given.get("properties", {}).items()}
    found = bodies.complete(kind, sent, properties_of(old or {}), basic=basic)
    if kind == lb.FRONTENDS and old is not None and "zones" in old:
        child.setdefault("zones", old["zones"])
    elif kind == lb.RULES:
        _name_pools(found)
    elif kind == lb.POOLS:
        _fill_pool(identity, found, spelled)
    child["properties"] = {"provisioningState": "Succeeded", **found}
    return child


def _name_pools(rule: Json) -> None:
    """The pool and the list of pools say the same; whichever was given fills the other."""
    pools = rule.get("backendAddressPools") or []
    if "backendAddressPool" in rule:
        rule["backendAddressPools"] = pools if len(pools) > 1 else [rule["backendAddressPool"]]
    elif len(pools) == 1:
        rule["backendAddressPool"] = pools[0]


def _fill_pool(identity: str, pool: Json, spelled: _Spelled) -> None:
    if MEMBERS in pool:
        pool[MEMBERS] = [_member(identity, one, spelled) for one in listed(pool, MEMBERS)]
    if TUNNELS in pool:
        pool[TUNNELS] = [bodies.complete(TUNNELS, one, {}) for one in listed(pool, TUNNELS)]


def _member(pool: str, given: Json, spelled: _Spelled) -> Json:
    """A member given by its address is a child of the pool; recorded: id, etag, type and a state of its own."""
    if "name" not in given:
        return given
    identity = f"{pool}/{MEMBERS}/{given['name']}"
    member: Json = {**given, "id": identity, "etag": "", "type": f"{lb.NAME}/{lb.POOLS}/{MEMBERS}"}
    found = bodies.complete(MEMBERS, properties_of(given), {})
    for key in _MEMBER_OF:
        if key in found:
            found[key] = _id_alone(found[key], spelled)
    return {**member, "properties": {"provisioningState": "Succeeded", **found}}


def open_tunnels(body: Json) -> None:
    """Give the tunnels of a gateway load balancer their ports; recorded: when the operation is done."""
    for pool in listed(properties_of(body), lb.POOLS):
        for tunnel in listed(properties_of(pool), TUNNELS):
            if tunnel.get("port") == 0:
                tunnel["port"] = _TUNNEL_PORTS.get(str(tunnel.get("type")).lower(), 0)


def _reduced(key: str, value: Any, spelled: _Spelled) -> Any:
    if key in lb.REFERENCES:
        return _id_alone(value, spelled)
    if key in lb.REFERENCE_LISTS and isinstance(value, list):
        return [_id_alone(item, spelled) for item in value]
    return value


def _id_alone(value: Any, spelled: _Spelled) -> Any:
    """A reference as ARM stores it: the id alone, even where the whole resource was sent (recorded)."""
    return {"id": spelled(value["id"])} if isinstance(value, dict) and isinstance(value.get("id"), str) else value


def _refer_back(made: Json) -> None:
    """Let frontends, pools and probes list what refers to them; recorded: only where anything does."""
    targets = {child["id"].lower(): child for kind in (lb.FRONTENDS, lb.POOLS, lb.PROBES) for child in made[kind]}
    for kind in (lb.RULES, lb.NAT_RULES, lb.NAT_POOLS, lb.OUTBOUND):
        for user in made.get(kind, ()):
            for target in dict.fromkeys(identity.lower() for _, identity in lb.references(user)):
                child = targets.get(target)
                if child is not None:
                    child["properties"].setdefault(kind, []).append({"id": user["id"]})
