"""Findings about a swap before anything is written: what forbids it, what the user should know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vipswap_rest.errors import Refused
from vipswap_rest.swap.model import BROKEN, SUCCEEDED, LoadBalancer, Observed, Pair, PublicIp, Side


class Severity(str, Enum):
    """An error refuses the swap; a warning is shown; information is for those who ask."""

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


def refuse(findings: list[Finding]) -> None:
    """Raise Refused with the first error among the findings, if there is one; `plan` shows them all."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        first, others = errors[0], [finding.code for finding in errors[1:]]
        also = f" (There is more: {', '.join(others)}; see vipswap plan.)" if others else ""
        raise Refused(first.code, first.message + also, hint=first.remedy)


def inspect(observed: Observed, pair: Pair, *, allow_address_change: bool = False) -> list[Finding]:
    """All findings about a pair that is about to be swapped, errors first. Pure."""
    found = [
        *_states(observed),
        *_regions(observed),
        *_skus(observed),
        *_allocations(observed, allow_address_change),
        *_holders(observed, pair),
    ]
    order = list(Severity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def _error(code: str, message: str, remedy: str) -> Finding:
    return Finding(code, Severity.ERROR, message, remedy)


def _states(observed: Observed) -> Iterator[Finding]:
    resources: list[tuple[str, LoadBalancer | PublicIp]] = [
        *(("load balancer", item) for item in observed.load_balancers.values()),
        *(("public IP address", item) for item in observed.addresses.values()),
    ]
    for kind, item in resources:
        code = "LoadBalancer" if kind == "load balancer" else "PublicIp"
        if item.state in BROKEN:
            yield _error(
                f"{code}Failed",
                f"The {kind} {item.id} is {item.state.capitalize()}: it may pass no traffic, whatever its model shows.",
                "Mend it first: PUT it again as it is (az network ... update), and see that it becomes Succeeded.",
            )
        elif item.state != SUCCEEDED:
            yield _error(
                f"{code}Busy",
                f"The {kind} {item.id} is {item.state.capitalize()}: another operation on it is going on.",
                "Wait for the other operation to end, and run the same line again.",
            )


def _regions(observed: Observed) -> Iterator[Finding]:
    production, staging = (_location(observed.load_balancers[side].body) for side in Side)
    if production != staging:
        yield _error(
            "RegionMismatch",
            f"Production's load balancer is in {production}, staging's in {staging}: "
            "an address cannot leave its region.",
            "Swap load balancers of one region.",
        )


def _skus(observed: Observed) -> Iterator[Finding]:
    skus = {side: _sku(observed.load_balancers[side].body) for side in Side}
    if skus[Side.PRODUCTION] != skus[Side.STAGING]:
        yield _error(
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
            yield _error(
                "SkuMismatch",
                f"The address {observed.addresses[side].id} is {' '.join(addresses[side])}, the load balancer it shall "
                f"go to is {' '.join(skus[side.other])}.",
                "Swap addresses of the SKU and tier of both load balancers.",
            )
    if versions[Side.PRODUCTION] != versions[Side.STAGING]:
        yield _error(
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
            yield _error(
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
