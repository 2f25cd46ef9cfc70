"""Findings about what the two frontends serve: ports, floating IP, outbound connections, what stays behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vipswap_rest.arm.ids import same_id
from vipswap_rest.arm.words import same_word
from vipswap_rest.methods.vip_swap.model import Observed, Pair
from vipswap_rest.methods.vip_swap.placement import SKU, VERSION
from vipswap_rest.methods.vip_swap.rules import LAST_PORT, Rule, RuleKind, has_outbound_rule, missing_ports, rules_of
from vipswap_rest.methods.vip_swap.survey import Survey
from vipswap_rest.switchover.findings import Finding, error, warning
from vipswap_rest.switchover.report import Side


def services(observed: Observed, pair: Pair, survey: Survey) -> Iterator[Finding]:
    """Everything about the rules of the two frontends."""
    rules = {side: list(rules_of(observed.load_balancers[side].body, str(pair.frontends[side]))) for side in Side}
    yield from _ports(rules)
    yield from _floating(observed, rules)
    yield from _outbound(observed, pair, rules)
    yield from _others(observed, pair, survey)
    yield from _gateways(observed, pair)


def _ports(rules: Mapping[Side, list[Rule]]) -> Iterator[Finding]:
    """Whatever production's address answers on, it has to answer on from staging's frontend.

    A load-balancing rule is the service, so a port of it that nothing of staging's serves is an error. NAT rules and
    pools are doors to single machines where there are load-balancing rules: losing one is a warning. A frontend that
    has NAT only serves by it (as the article's load balancers did), and there a missing port is an error too. Of a NAT
    pool only as many ports are in use as there are machines: it is missed only where staging has none of its ports.
    """
    production, staging = rules[Side.PRODUCTION], rules[Side.STAGING]
    nat_only = not any(rule.kind is RuleKind.BALANCING for rule in production)
    missed: dict[str, list[str]] = {}
    for rule in production:
        gaps = missing_ports(rule, staging)
        if rule.kind is RuleKind.NAT_POOL:
            gaps = [gap for gap in gaps if gap[1:] == (rule.first, rule.last)]
        if not gaps:
            continue
        code = "PortNotServed" if nat_only or rule.kind is RuleKind.BALANCING else "NatPortNotServed"
        missed.setdefault(code, []).append(f"{', '.join(map(_shown, gaps))} by {rule.name} ({rule.kind.value})")
    for code, ports in missed.items():
        found = error if code == "PortNotServed" else warning
        yield found(
            code,
            f"Production's frontend serves {'; '.join(ports)}, and staging's frontend does not.",
            "Give staging's frontend the same rules, or swap the frontend that has them (--frontend2).",
        )


def _shown(gap: tuple[str, int, int]) -> str:
    protocol, first, last = gap
    if (first, last) == (1, LAST_PORT):
        return f"all {protocol.upper()} ports"
    ports = f"ports {first}-{last}" if first < last else f"port {first}"
    return f"{protocol.upper()} {ports}"


def _floating(observed: Observed, rules: Mapping[Side, list[Rule]]) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/load-balancer-floating-ip"""
    named = {side: [rule.name for rule in rules[side] if rule.floating] for side in Side}
    told = [f"{', '.join(named[side])} of {observed.load_balancers[side].id.name}" for side in Side if named[side]]
    if told:
        yield error(
            "FloatingIp",
            f"Floating IP is on in {' and '.join(told)}: packets reach the guests under the "
            "frontend's own address, which they hold on a loopback interface, so they do not accept packets to another "
            "address.",
            "Put both addresses on the guests' loopback interfaces and then --ignore FloatingIp, or turn floating IP "
            "off.",
        )


def _outbound(observed: Observed, pair: Pair, rules: Mapping[Side, list[Rule]]) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/load-balancer-outbound-connections"""
    told = []
    for side in Side:
        load_balancer = observed.load_balancers[side]
        by_rule = has_outbound_rule(load_balancer.body, str(pair.frontends[side]))
        standard = same_word(SKU.of(load_balancer.body), "Standard")
        if by_rule or (standard and any(rule.snat for rule in rules[side])):
            how = "an outbound rule" if by_rule else "a rule without disableOutboundSnat"
            told.append(f"{load_balancer.id.name} ({side.value}, by {how})")
    if told:
        yield warning(
            "OutboundAddressChanges",
            f"The machines behind {' and '.join(told)} connect to the outside from the frontend's address, which "
            "becomes the other one.",
            "If others allow these machines in by their address, let them allow both, or give the pool an outbound "
            "address of its own (a NAT gateway, or an outbound rule on another frontend).",
        )


def _others(observed: Observed, pair: Pair, survey: Survey) -> Iterator[Finding]:
    told = []
    for side in Side:
        load_balancer, swapped = observed.load_balancers[side], pair.frontends[side]
        ours = VERSION.of(observed.addresses[side].body)
        names = [
            other.id.name + _twin(survey.versions.get(other.public_ip), ours)
            for other in load_balancer.frontends
            if other.id != swapped and other.public_ip is not None
        ]
        if names:
            told.append(f"{', '.join(names)} of {load_balancer.id.name} ({side.value})")
    if told:
        yield warning(
            "OtherFrontendStays",
            f"Other public frontends keep their addresses, and their clients are not swapped: {'; '.join(told)}.",
            "Swap each as well if it serves the same, with --frontend1 and --frontend2: the IPv6 twin of an address is "
            "an address of its own.",
        )


def _twin(version: str | None, ours: Any) -> str:
    """What is said of another frontend whose address is of the other IP version than the swapped one's."""
    return "" if version is None or same_word(version, ours) else f" (the {version} twin)"


def _gateways(observed: Observed, pair: Pair) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/gateway-overview"""
    frontends = {side: observed.load_balancers[side].frontend(pair.frontends[side]) for side in Side}
    chained = {side: frontend.gateway if frontend else None for side, frontend in frontends.items()}
    production, staging = chained[Side.PRODUCTION], chained[Side.STAGING]
    if same_id(production, staging) or (production is None and staging is None):
        return
    if production is not None and staging is not None:
        told = (
            f"The two frontends are chained to different gateway load balancers, production's to {production} and "
            f"staging's to {staging}: the address's traffic would go through other appliances."
        )
    else:
        side, what = (Side.PRODUCTION, "lose") if staging is None else (Side.STAGING, "gain")
        told = (
            f"Only {side.value}'s frontend is chained to a gateway load balancer: the address would {what} the "
            "appliances that its traffic goes through."
        )
    yield error("GatewayLoadBalancer", told, "Chain both frontends to the same gateway load balancer, or neither.")
