"""Findings about the load balancers and addresses themselves: state, region, SKU, allocation, holders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vipswap_rest.arm.words import same_word, word_key
from vipswap_rest.methods.vip_swap.model import LoadBalancer, Observed, Pair, PublicIp
from vipswap_rest.methods.vip_swap.placement import (
    IP_TAGS,
    SKU,
    VERSION,
    ZONES,
    ip_tags,
    kind_name,
    place_name,
    same_kind,
    same_place,
)
from vipswap_rest.switchover.findings import Finding, Severity, error, information, warning
from vipswap_rest.switchover.report import Side
from vipswap_rest.switchover.resource import BROKEN, SUCCEEDED


def held(observed: Observed, pair: Pair) -> Iterator[Finding]:
    """What prevents an address from being held permanently: something Failed or busy, or an address that disagrees."""
    yield from _states(observed)
    yield from _holders(observed, pair)


def fit(observed: Observed, allow_address_change: bool) -> Iterator[Finding]:
    """What keeps an address from going to the other load balancer."""
    yield from _regions(observed)
    yield from _skus(observed)
    yield from _versions(observed)
    yield from _allocations(observed, allow_address_change)


def _states(observed: Observed) -> Iterator[Finding]:
    yield from _state("LoadBalancer", "load balancer", list(observed.load_balancers.values()))
    yield from _state("PublicIp", "public IP address", list(observed.addresses.values()))


def _state(code: str, kind: str, items: Sequence[LoadBalancer | PublicIp]) -> Iterator[Finding]:
    broken = [item for item in items if item.state in BROKEN]
    busy = [item for item in items if item.state not in (SUCCEEDED, *BROKEN)]
    if broken:
        yield error(
            f"{code}Failed",
            f"{_each(kind, broken)}: it may pass no traffic, whatever its model shows.",
            "Repair it first: PUT it again as it is (az network ... update), and check that it becomes Succeeded.",
        )
    if busy:
        yield error(
            f"{code}Busy",
            f"{_each(kind, busy)}: another operation on it is going on.",
            "Wait for the other operation to end, and run the same line again.",
        )


def _each(kind: str, items: Sequence[LoadBalancer | PublicIp]) -> str:
    told = " and ".join(f"the {kind} {item.id} is {item.state.capitalize()}" for item in items)
    return told[0].upper() + told[1:]


def _regions(observed: Observed) -> Iterator[Finding]:
    """An edge zone is a place of its own (https://learn.microsoft.com/azure/public-multi-access-edge-compute-mec)."""
    production, staging = (observed.load_balancers[side].body for side in Side)
    if not same_place(production, staging):
        told = [
            f"Production's load balancer is in {place_name(production)}, staging's in {place_name(staging)}: "
            "an address cannot leave its region or edge zone"
        ]
    else:
        told = [
            f"The address {address.id} is in {place_name(address.body)}, the load balancer that takes it in "
            f"{place_name(target)}"
            for address, target in _goes_to(observed)
            if not same_place(address.body, target)
        ]
    if told:
        yield error(
            "RegionMismatch", "; ".join(told) + ".", "Swap load balancers and addresses of one region and edge zone."
        )


def _goes_to(observed: Observed) -> Iterator[tuple[PublicIp, Mapping[str, Any]]]:
    """Each address with the body of the load balancer that it goes to."""
    for side in Side:
        yield observed.addresses[side], observed.load_balancers[side.other].body


def _skus(observed: Observed) -> Iterator[Finding]:
    production, staging = (observed.load_balancers[side].body for side in Side)
    if not same_kind(production, staging):
        yield error(
            "SkuMismatch",
            f"Production's load balancer is {kind_name(production)}, staging's is {kind_name(staging)}: a load "
            "balancer takes only addresses of its own SKU and tier.",
            "Swap load balancers of one SKU and tier.",
        )
        return
    told = [
        f"the address {address.id} is {kind_name(address.body)}, the load balancer that takes it is {kind_name(target)}"
        for address, target in _goes_to(observed)
        if not same_kind(address.body, target)
    ]
    if told:
        yield error(
            "SkuMismatch",
            f"A load balancer takes only addresses of its own SKU and tier: {'; '.join(told)}.",
            "Swap addresses of the SKU and tier of both load balancers.",
        )


def _versions(observed: Observed) -> Iterator[Finding]:
    production, staging = (observed.addresses[side].body for side in Side)
    if not VERSION.same(production, staging):
        yield error(
            "AddressVersionMismatch",
            f"Production's address is {VERSION.of(production)}, staging's is {VERSION.of(staging)}.",
            "Choose frontends of one IP version with --frontend1 and --frontend2.",
        )


def _allocations(observed: Observed, allow_address_change: bool) -> Iterator[Finding]:
    dynamic = [
        f"{address.id} ({address.address})"
        for address in observed.addresses.values()
        if same_word(address.body["properties"].get("publicIPAllocationMethod"), "Dynamic")
    ]
    if dynamic:
        # A Dynamic address is given back when nothing holds it, which a swap makes happen.
        yield Finding(
            "DynamicAllocation",
            Severity.WARNING if allow_address_change else Severity.ERROR,
            f"Dynamic addresses would become other ones in the swap: {' and '.join(dynamic)}.",
            "Make them Static (az network public-ip update --allocation-method Static), "
            "or accept other addresses with --allow-address-change.",
        )


def _holders(observed: Observed, pair: Pair) -> Iterator[Finding]:
    told = [
        f"The frontend {pair.frontends[side]} refers to {address.id}, which says that it is held by "
        f"{address.holder or 'nothing'}"
        for side, address in observed.addresses.items()
        if not address.held_by(pair.frontends[side])
    ]
    if told:
        yield error(
            "AddressElsewhere",
            "; ".join(told) + ".",
            "Look again in a minute; if it stays so, PUT the load balancer again as it is.",
        )


def retired(observed: Observed) -> Iterator[Finding]:
    """https://azure.microsoft.com/updates/?id=azure-basic-load-balancer-will-be-retired-on-30-september-2025"""
    resources: list[LoadBalancer | PublicIp] = [*observed.load_balancers.values(), *observed.addresses.values()]
    basic = [item.id.name for item in resources if same_word(SKU.of(item.body), "Basic")]
    if basic:
        yield warning(
            "BasicSku",
            f"Basic load balancers and addresses were retired on 2025-09-30, and no new Basic address, such as the "
            f"float, can be made since 2025-03-31: {', '.join(basic)}.",
            "Upgrade to Standard (https://learn.microsoft.com/azure/load-balancer/upgrade-basic-standard-with-powershell).",
        )


def differences(observed: Observed) -> Iterator[Finding]:
    """What moves with the addresses, for those who ask."""
    production, staging = (observed.addresses[side].body for side in Side)
    if not ZONES.same(production, staging):
        yield information(
            "ZonesDiffer",
            f"Production's address is in zones {_zones(production)}, staging's in {_zones(staging)}; "
            "the zones move with the addresses.",
            "Nothing need be done; an address in all zones survives the loss of one.",
        )
    yield from _tags(production, staging)
    yield from _ddos(production["properties"], staging["properties"])
    names = {
        side: (address.body["properties"].get("dnsSettings") or {}).get("fqdn")
        for side, address in observed.addresses.items()
    }
    told = [f"{name} belongs to {observed.addresses[side].id.name}" for side, name in names.items() if name]
    if told:
        yield information(
            "DnsLabelMoves",
            f"A name belongs to its address and moves with it: {', '.join(told)}.",
            "Nothing need be done; the name leads to the other load balancer after the swap.",
        )


def _zones(body: Mapping[str, Any]) -> str:
    return ", ".join(sorted(map(str, ZONES.of(body)))) or "no zone"


def _tags(production: Mapping[str, Any], staging: Mapping[str, Any]) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/virtual-network/ip-services/routing-preference-overview"""
    if IP_TAGS.same(production, staging):
        return
    (routing, others), (other_routing, other_others) = ip_tags(production), ip_tags(staging)
    if not same_word(routing, other_routing):
        yield information(
            "RoutingPreferenceDiffers",
            f"The routing preference of production's address is {routing or 'the default'}, that of staging's "
            f"{other_routing or 'the default'}; it moves with the addresses.",
            "Nothing need be done, unless traffic must keep its route: then give both the same preference.",
        )
    if {*map(word_key, others)} != {*map(word_key, other_others)}:
        yield information(
            "IpTagsDiffer",
            f"The IP tags of production's address are {', '.join(others) or 'none'}, those of staging's "
            f"{', '.join(other_others) or 'none'}; they move with the addresses.",
            "Nothing need be done, unless somebody's rules go by these tags.",
        )


def _ddos(production: Mapping[str, Any], staging: Mapping[str, Any]) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/ddos-protection/ddos-protection-sku-comparison"""
    settings = [_ddos_settings(properties) for properties in (production, staging)]
    if not same_word(*settings):
        yield information(
            "DdosProtectionMoves",
            f"The DDoS protection of production's address is {settings[0]}, that of staging's {settings[1]}; "
            "it is set on the addresses and moves with them.",
            "Nothing need be done, unless both addresses must have the same protection.",
        )


def _ddos_settings(properties: Mapping[str, Any]) -> str:
    found = properties.get("ddosSettings") or {}
    plan = found.get("ddosProtectionPlan")
    mode = str(found.get("protectionMode") or "VirtualNetworkInherited")
    return f"{mode} (plan {plan.get('id')})" if isinstance(plan, Mapping) and plan.get("id") else mode
