"""Findings about what the two frontends serve: ports, floating IP, outbound connections, what stays behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vipswap_rest.swap.model import LoadBalancer, Observed, Pair, Side
from vipswap_rest.swap.preflight.finding import Finding, error, warning
from vipswap_rest.swap.rules import LAST_PORT, Kind, Rule, has_outbound_rule, missing_ports, rules_of


def services(observed: Observed, pair: Pair) -> Iterator[Finding]:
    """Everything about the rules of the two frontends."""
    rules = {side: list(rules_of(observed.load_balancers[side].body, str(pair.frontends[side]))) for side in Side}
    yield from _ports(rules)
    for side in Side:
        load_balancer, frontend = observed.load_balancers[side], pair.frontends[side]
        yield from _floating(load_balancer, rules[side])
        yield from _outbound(load_balancer, str(frontend), rules[side], side)
        yield from _others(load_balancer, str(frontend), side)
    yield from _gateways(observed, pair)


def _ports(rules: Mapping[Side, list[Rule]]) -> Iterator[Finding]:
    """Whatever production's address answers on, it has to answer on from staging's frontend.

    A load-balancing rule is the service, so a port of it that nothing of staging's serves is an error. NAT rules and
    pools are doors to single machines where there are load-balancing rules: losing one is a warning. A frontend that
    has NAT only serves by it (as the article's load balancers did), and there a missing port is an error too. Of a NAT
    pool only as many ports are in use as there are machines: it is missed only where staging has none of its ports.
    """
    production, staging = rules[Side.PRODUCTION], rules[Side.STAGING]
    nat_only = not any(rule.kind is Kind.BALANCING for rule in production)
    for rule in production:
        gaps = missing_ports(rule, staging)
        if rule.kind is Kind.NAT_POOL:
            gaps = [gap for gap in gaps if gap[1:] == (rule.first, rule.last)]
        if not gaps:
            continue
        code, found = ("NatPortNotServed", warning) if rule.kind is not Kind.BALANCING else ("PortNotServed", error)
        if nat_only:
            code, found = "PortNotServed", error
        yield found(
            code,
            f"Production's frontend serves {', '.join(map(_shown, gaps))} by {rule.name} ({rule.kind.value}), "
            "and staging's frontend does not.",
            "Give staging's frontend the same rules, or swap the frontend that has them (--frontend2).",
        )


def _shown(gap: tuple[str, int, int]) -> str:
    protocol, first, last = gap
    if (first, last) == (1, LAST_PORT):
        return f"all {protocol.upper()} ports"
    ports = f"ports {first}-{last}" if first < last else f"port {first}"
    return f"{protocol.upper()} {ports}"


def _floating(load_balancer: LoadBalancer, rules: list[Rule]) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/load-balancer-floating-ip"""
    names = [rule.name for rule in rules if rule.floating]
    if names:
        yield error(
            "FloatingIp",
            f"Floating IP is on in {', '.join(names)} of {load_balancer.id.name}: packets reach the guests under the "
            "frontend's own address, which they hold on a loopback interface, so another address finds nobody there.",
            "Put both addresses on the guests' loopback interfaces and then --ignore FloatingIp, or turn floating IP "
            "off.",
        )


def _outbound(load_balancer: LoadBalancer, frontend: str, rules: list[Rule], side: Side) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/load-balancer-outbound-connections"""
    by_rule = has_outbound_rule(load_balancer.body, frontend)
    standard = str((load_balancer.body.get("sku") or {}).get("name") or "Basic").lower() == "standard"
    if by_rule or (standard and any(rule.snat for rule in rules)):
        how = "an outbound rule" if by_rule else "a rule without disableOutboundSnat"
        yield warning(
            "OutboundAddressChanges",
            f"By {how} the machines behind {load_balancer.id.name} ({side.value}) connect to the outside from the "
            "frontend's address, which becomes the other one.",
            "If others allow these machines in by their address, let them allow both, or give the pool an outbound "
            "address of its own (a NAT gateway, or an outbound rule on another frontend).",
        )


def _others(load_balancer: LoadBalancer, frontend: str, side: Side) -> Iterator[Finding]:
    for item in load_balancer.body["properties"].get("frontendIPConfigurations") or []:
        properties = item.get("properties") or {}
        if str(item["id"]).lower() == frontend.lower() or not properties.get("publicIPAddress"):
            continue
        version = str(properties.get("privateIPAddressVersion") or "")
        twin = " (IPv6)" if version.lower() == "ipv6" else ""
        yield warning(
            "OtherFrontendStays",
            f"{load_balancer.id.name} ({side.value}) has another public frontend, {item.get('name')}{twin}, which "
            "keeps its address: clients of that one are not swapped.",
            "Swap it as well if it serves the same, with --frontend1 and --frontend2: the IPv6 twin of an address is "
            "an address of its own.",
        )


def _gateways(observed: Observed, pair: Pair) -> Iterator[Finding]:
    """https://learn.microsoft.com/azure/load-balancer/gateway-overview"""
    chained = [side for side in Side if _gateway(observed.load_balancers[side].body, str(pair.frontends[side]))]
    if len(chained) == 1:
        yield error(
            "GatewayLoadBalancer",
            f"Only {chained[0].value}'s frontend is chained to a gateway load balancer: the address would "
            f"{'lose' if chained[0] is Side.PRODUCTION else 'gain'} the appliances that its traffic goes through.",
            "Chain both frontends to the same gateway load balancer, or neither.",
        )


def _gateway(body: Mapping[str, Any], frontend: str) -> bool:
    return any(
        bool((item.get("properties") or {}).get("gatewayLoadBalancer"))
        for item in body["properties"].get("frontendIPConfigurations") or []
        if str(item["id"]).lower() == frontend.lower()
    )
