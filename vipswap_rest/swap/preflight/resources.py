"""Findings about the load balancers and addresses themselves: state, region, SKU, allocation, holders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vipswap_rest.swap.model import BROKEN, SUCCEEDED, LoadBalancer, Observed, Pair, PublicIp, Side
from vipswap_rest.swap.preflight.finding import Finding, Severity, error, information, warning


def held(observed: Observed, pair: Pair) -> Iterator[Finding]:
    """What keeps an address from being held for good: something Failed or busy, or an address that disagrees."""
    yield from _states(observed)
    yield from _holders(observed, pair)


def fit(observed: Observed, allow_address_change: bool) -> Iterator[Finding]:
    """What keeps an address from going to the other load balancer."""
    yield from _regions(observed)
    yield from _skus(observed)
    yield from _allocations(observed, allow_address_change)


def _states(observed: Observed) -> Iterator[Finding]:
    resources: list[tuple[str, LoadBalancer | PublicIp]] = [
        *(("load balancer", item) for item in observed.load_balancers.values()),
        *(("public IP address", item) for item in observed.addresses.values()),
    ]
    for kind, item in resources:
        code = "LoadBalancer" if kind == "load balancer" else "PublicIp"
        if item.state in BROKEN:
            yield error(
                f"{code}Failed",
                f"The {kind} {item.id} is {item.state.capitalize()}: it may pass no traffic, whatever its model shows.",
                "Mend it first: PUT it again as it is (az network ... update), and see that it becomes Succeeded.",
            )
        elif item.state != SUCCEEDED:
            yield error(
                f"{code}Busy",
                f"The {kind} {item.id} is {item.state.capitalize()}: another operation on it is going on.",
                "Wait for the other operation to end, and run the same line again.",
            )


def _regions(observed: Observed) -> Iterator[Finding]:
    production, staging = (_location(observed.load_balancers[side].body) for side in Side)
    if production != staging:
        yield error(
            "RegionMismatch",
            f"Production's load balancer is in {production}, staging's in {staging}: "
            "an address cannot leave its region.",
            "Swap load balancers of one region.",
        )


def _skus(observed: Observed) -> Iterator[Finding]:
    skus = {side: _sku(observed.load_balancers[side].body) for side in Side}
    if skus[Side.PRODUCTION] != skus[Side.STAGING]:
        yield error(
            "SkuMismatch",
            f"Production's load balancer is {' '.join(skus[Side.PRODUCTION])}, staging's is "
            f"{' '.join(skus[Side.STAGING])}: a load balancer takes only addresses of its own SKU and tier.",
            "Swap load balancers of one SKU and tier.",
        )
        return
    addresses = {side: _sku(observed.addresses[side].body) for side in Side}
    versions = {side: _version(observed.addresses[side]) for side in Side}
    for side in Side:
        if addresses[side] != skus[side.other]:
            yield error(
                "SkuMismatch",
                f"The address {observed.addresses[side].id} is {' '.join(addresses[side])}, the load balancer it shall "
                f"go to is {' '.join(skus[side.other])}.",
                "Swap addresses of the SKU and tier of both load balancers.",
            )
    if versions[Side.PRODUCTION] != versions[Side.STAGING]:
        yield error(
            "AddressVersionMismatch",
            f"Production's address is {versions[Side.PRODUCTION]}, staging's is {versions[Side.STAGING]}.",
            "Choose frontends of one IP version with --frontend1 and --frontend2.",
        )


def _allocations(observed: Observed, allow_address_change: bool) -> Iterator[Finding]:
    for address in observed.addresses.values():
        method = str(address.body["properties"].get("publicIPAllocationMethod") or "Static")
        if method.lower() == "dynamic":
            # A Dynamic address is given back when nothing holds it, which a swap makes happen.
            yield Finding(
                "DynamicAllocation",
                Severity.WARNING if allow_address_change else Severity.ERROR,
                f"The address {address.id} ({address.address}) is Dynamic: it would become another one in the swap.",
                "Make it Static (az network public-ip update --allocation-method Static), "
                "or accept another address with --allow-address-change.",
            )


def _holders(observed: Observed, pair: Pair) -> Iterator[Finding]:
    for side in Side:
        address, frontend = observed.addresses[side], pair.frontends[side]
        if not address.held_by(frontend):
            yield error(
                "AddressElsewhere",
                f"The frontend {frontend} refers to {address.id}, which says that it is held by "
                f"{address.holder or 'nothing'}.",
                "Look again in a minute; if it stays so, PUT the load balancer again as it is.",
            )


def _location(body: Any) -> str:
    return str(body.get("location") or "").replace(" ", "").lower()


def _sku(body: Any) -> tuple[str, str]:
    sku = body.get("sku") or {}
    return str(sku.get("name") or "Basic"), str(sku.get("tier") or "Regional")


def _version(address: PublicIp) -> str:
    return str(address.body["properties"].get("publicIPAddressVersion") or "IPv4")


def retired(observed: Observed) -> Iterator[Finding]:
    """https://azure.microsoft.com/updates/?id=azure-basic-load-balancer-will-be-retired-on-30-september-2025"""
    resources: list[LoadBalancer | PublicIp] = [*observed.load_balancers.values(), *observed.addresses.values()]
    basic = [item.id.name for item in resources if _sku(item.body)[0].lower() == "basic"]
    if basic:
        yield warning(
            "BasicSku",
            f"Basic load balancers and addresses were retired on 2025-09-30, and no new Basic address, such as the "
            f"float, can be made since 2025-03-31: {', '.join(basic)}.",
            "Upgrade to Standard (https://learn.microsoft.com/azure/load-balancer/upgrade-basic-standard-with-powershell).",
        )


def differences(observed: Observed) -> Iterator[Finding]:
    """What moves with the addresses, for those who ask."""
    zones = {side: sorted(map(str, observed.addresses[side].body.get("zones") or ())) for side in Side}
    if zones[Side.PRODUCTION] != zones[Side.STAGING]:
        told = {side: ", ".join(found) or "no zone" for side, found in zones.items()}
        yield information(
            "ZonesDiffer",
            f"Production's address is in zones {told[Side.PRODUCTION]}, staging's in {told[Side.STAGING]}; "
            "the zones move with the addresses.",
            "Nothing need be done; an address in all zones survives the loss of one.",
        )
    for address in observed.addresses.values():
        properties = address.body["properties"]
        name = (properties.get("dnsSettings") or {}).get("fqdn")
        if name:
            yield information(
                "DnsLabelMoves",
                f"The name {name} belongs to the address {address.id.name} and moves with it.",
                "Nothing need be done; the name leads to the other load balancer after the swap.",
            )
        ddos = properties.get("ddosSettings") or {}
        if ddos.get("ddosProtectionPlan") or str(ddos.get("protectionMode", "")).lower() == "enabled":
            yield information(
                "DdosProtectionMoves",
                f"DDoS protection is set on the address {address.id.name} itself and moves with it.",
                "Nothing need be done, unless the other address shall be protected too.",
            )
