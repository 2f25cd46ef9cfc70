"""What an older api-version does not show, or shows differently. The newest models are what the emulator keeps.

Recorded: the same address read through 2018-01-01 has no sku.tier, through 2020-07-01 it has. Each line of the table
is bounded by recordings on both sides; the exact version in between is the one whose specification has the property.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from . import load_balancer as lb
from . import public_ip
from .messages import Json
from .state import listed, properties_of

_TIER = "2020-07-01"
_DDOS = "2022-01-01"
_POOL_ADDRESSES = "2020-05-01"
_RULE_POOLS = "2020-11-01"
# Public frontends bore it in 2019-09-01 and 2021-02-01; neither in 2018-11-01 nor from 2023-04-01 on.
_FRONTEND_VERSION = ("2019-04-01", "2023-04-01")
_DOCUMENTED_ONLY = "2024-03-01"


def render(body: Json, api_version: str) -> Json:
    """`body` as this api-version shows it: the very object where it shows everything, else a changed copy."""
    version = api_version[:10]
    kind = str(body.get("type", "")).lower()
    if version >= _DOCUMENTED_ONLY or kind not in (lb.TYPE.lower(), public_ip.TYPE.lower()):
        return body
    shown = copy.deepcopy(body)
    if version < _TIER and isinstance(shown.get("sku"), dict):
        shown["sku"].pop("tier", None)
    if kind == public_ip.TYPE.lower():
        if version < _DDOS:
            properties_of(shown).pop("ddosSettings", None)
    else:
        _balancer(shown, version)
    return shown


def _balancer(shown: Json, version: str) -> None:
    for pool in _children(shown, lb.POOLS):
        if version < _POOL_ADDRESSES:
            pool.pop("loadBalancerBackendAddresses", None)
    for rule in _children(shown, lb.RULES):
        if version < _RULE_POOLS:
            rule.pop("backendAddressPools", None)
            rule.pop("disableOutboundSnat", None)
    for kind in (lb.RULES, lb.NAT_RULES, lb.NAT_POOLS):
        for child in _children(shown, kind):
            for key in lb.UNDOCUMENTED:
                child.setdefault(key, False)
    for frontend in _children(shown, lb.FRONTENDS):
        if version < _FRONTEND_VERSION[0]:
            frontend.pop("privateIPAddressVersion", None)
        elif version < _FRONTEND_VERSION[1]:
            frontend.setdefault("privateIPAddressVersion", "IPv4")


def _children(body: Json, kind: str) -> Iterator[Json]:
    return (properties_of(child) for child in listed(properties_of(body), kind))
