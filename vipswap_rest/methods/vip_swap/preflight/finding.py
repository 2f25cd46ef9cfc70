"""What a finding is, every code there is, and how an error is overridden by its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from vipswap_rest.arm.errors import Refused, UsageError
from vipswap_rest.arm.words import word_key


class Severity(str, Enum):
    """An error refuses the swap; a warning is shown; information is for those who ask (`plan`)."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing preflight found: a stable code, a sentence, and what to do about it."""

    code: str
    severity: Severity
    message: str
    remedy: str

    def as_json(self) -> dict[str, Any]:
        """One item of the output's `findings`."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "remedy": self.remedy,
        }

    @classmethod
    def of(cls, error: Refused) -> Finding:
        """A refusal as the finding it is."""
        return cls(error.code, Severity.ERROR, error.message, error.hint)


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


def refuse(findings: list[Finding]) -> None:
    """Raise Refused with the first error among the findings, if there is one; `plan` shows them all."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first, others = errors[0], [finding.code for finding in errors[1:]]
        also = f" (There is more: {', '.join(others)}; see vipswap plan.)" if others else ""
        raise Refused(first.code, first.message + also, hint=first.remedy)


def forbids(findings: Iterable[Finding]) -> bool:
    """Whether there is an error among the findings."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def checked_codes(given: Iterable[str]) -> frozenset[str]:
    """The codes of `--ignore` as they are spelled here; any case will do. Raises UsageError for one that is none."""
    known = {word_key(code): code for code in CODES}
    codes = list(given)
    unknown = [code for code in codes if word_key(code) not in known]
    if unknown:
        raise UsageError(
            f"There is no finding {unknown[0]!r} to ignore.",
            hint=f"The errors that can be ignored are: {', '.join(ERRORS)}.",
        )
    return frozenset(known[word_key(code)] for code in codes)


def overridden(finding: Finding, ignored: frozenset[str]) -> Finding:
    """The finding, and if it is an error that is to be ignored, as a warning."""
    if finding.severity is Severity.ERROR and finding.code in ignored and finding.code not in STRUCTURAL:
        return replace(finding, severity=Severity.WARNING, message=f"{finding.message} (ignored, as asked)")
    return finding


def insisted(error: Refused, ignored: frozenset[str]) -> Refused:
    """A structural refusal; if it was to be ignored, it says that it cannot be."""
    if error.code not in ignored:
        return error
    return Refused(error.code, f"{error.message} This cannot be ignored.", hint=error.hint)


def error(code: str, message: str, remedy: str) -> Finding:
    """A finding that refuses."""
    return Finding(code, Severity.ERROR, message, remedy)


def warning(code: str, message: str, remedy: str) -> Finding:
    """A finding that is shown."""
    return Finding(code, Severity.WARNING, message, remedy)


def information(code: str, message: str, remedy: str) -> Finding:
    """A finding for those who ask."""
    return Finding(code, Severity.INFORMATION, message, remedy)
