"""Every code that a finding of the VIP swap has, and how an error is overridden by its name."""

from __future__ import annotations

from collections.abc import Iterable

from vipswap_rest.arm.errors import Refused
from vipswap_rest.switchover import findings
from vipswap_rest.switchover.findings import Finding

# What makes a swap impossible, or would make vipswap guess: no --ignore helps.
STRUCTURAL = {
    "SameLoadBalancer": "production and staging are one load balancer",
    "NoPublicIp": "a load balancer has no frontend with a public IP address",
    "InternalFrontend": "a frontend is internal",
    "PublicIpPrefix": "a frontend has a public IP prefix instead of an address",
    "SameAddress": "both frontends refer to one address",
    "OtherSubscription": "the load balancers are in two subscriptions, or in another one than --subscription",
    "VipElsewhere": "the address of --vip is on neither load balancer",
    "FloatForeign": "somebody else's address has the float's name",
    "FloatDamaged": "the float's tags, the journal of a swap, cannot be trusted",
}
ERRORS = {
    "LoadBalancerFailed": "a load balancer is Failed or Canceled",
    "LoadBalancerBusy": "another operation on a load balancer is going on",
    "PublicIpFailed": "an address is Failed or Canceled",
    "PublicIpBusy": "another operation on an address is going on",
    "RegionMismatch": "load balancers or addresses are in two regions or edge zones",
    "SkuMismatch": "load balancers or addresses differ in SKU or tier",
    "AddressVersionMismatch": "one address is IPv4, the other IPv6",
    "DynamicAllocation": "an address is Dynamic and would become another one (also: `--allow-address-change`)",
    "AddressElsewhere": "ARM shows an address as held by something else",
    "PortNotServed": "production's frontend serves a protocol and port that staging's does not",
    "FloatingIp": "a rule of a swapped frontend has floating IP: the guests themselves hold the old address",
    "GatewayLoadBalancer": "the two frontends are not chained to the same gateway load balancer",
    "NoHealthyBackend": "nothing behind staging's rules is healthy",
    "ManagedResource": "AKS or another service owns a load balancer, an address or their resource group",
    "ReadOnlyLock": "a ReadOnly lock forbids a write of the swap",
    "PermissionMissing": "this login may not do something that the swap has to do",
    "QuotaExhausted": "the region's quota has no room for the float",
}
WARNINGS = {
    "NatPortNotServed": "production's frontend has an inbound NAT port, staging's has not",
    "BackendsUnhealthy": "some backends behind staging's rules are down",
    "HealthUnknown": "the health of staging's backends could not be read",
    "OutboundAddressChanges": "the address that the pools' outbound connections come from is exchanged too",
    "OtherFrontendStays": "another public frontend, such as the IPv6 twin, keeps its address",
    "CanNotDeleteLock": "a lock forbids deleting the float",
    "WriteBudgetLow": "ARM has fewer than 20 writes left for this login before it throttles",
    "BasicSku": "Basic load balancers and addresses were retired on 2025-09-30",
}
INFORMATION = {
    "ZonesDiffer": "the two addresses are in different zones",
    "DnsLabelMoves": "a DNS label belongs to its address and moves with it",
    "RoutingPreferenceDiffers": "the two addresses have different routing preferences, which move with them",
    "IpTagsDiffer": "the two addresses have different IP tags, which move with them",
    "DdosProtectionMoves": "the DDoS protection of the two addresses differs and moves with them",
    "LocksUnknown": "the locks could not be read",
    "PermissionsUnknown": "the permissions could not be read",
    "OwnerUnknown": "a resource group could not be read",
}
CODES = {**STRUCTURAL, **ERRORS, **WARNINGS, **INFORMATION}


def checked_codes(given: Iterable[str]) -> frozenset[str]:
    """The codes of `--ignore`; see findings.checked_codes."""
    return findings.checked_codes(given, CODES, ERRORS)


def overridden(finding: Finding, ignored: frozenset[str]) -> Finding:
    """The finding, as a warning where it is to be ignored and can be."""
    return findings.overridden(finding, ignored, STRUCTURAL)


def insisted(error: Refused, ignored: frozenset[str]) -> Refused:
    """A structural refusal; if it was to be ignored, it says that it cannot be."""
    if error.code not in ignored:
        return error
    return Refused(error.code, f"{error.message} This cannot be ignored.", hint=error.hint)
