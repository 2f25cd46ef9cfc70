"""`vipswap flip`: rules go over to another backend pool, in one write, and no address moves."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import UsageError
from vipswap_rest.cli.connection import add_connection_options, connect
from vipswap_rest.cli.output import delivered, tell
from vipswap_rest.cli.parsing import Parser
from vipswap_rest.cli.report import warn
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.cli.switching import (
    add_safety_options,
    add_watching_options,
    carried_out,
    check_before_asking,
    concluded,
    confirm,
    print_plan,
)
from vipswap_rest.cli.watched import candidate
from vipswap_rest.methods.gateway_flip import method as gateways
from vipswap_rest.methods.gateway_flip.method import GatewayFlip
from vipswap_rest.methods.gateway_flip.run import plan as plan_gateway
from vipswap_rest.methods.pool_flip import method as pools
from vipswap_rest.methods.pool_flip.method import PoolFlip
from vipswap_rest.methods.pool_flip.run import plan as plan_pools
from vipswap_rest.switchover import findings
from vipswap_rest.switchover import flip as flips
from vipswap_rest.switchover.flip import Manner, Planned, changes, flip
from vipswap_rest.switchover.health import check_of
from vipswap_rest.switchover.report import Report, Side
from vipswap_rest.switchover.state import OPERATION_S, Limits

# Every finding of a flip; those that make it impossible.
STRUCTURAL = {**flips.STRUCTURAL, **pools.STRUCTURAL, **gateways.STRUCTURAL}
WARNINGS = {**flips.WARNINGS, **pools.WARNINGS, **gateways.WARNINGS}
CODES = {**STRUCTURAL, **flips.ERRORS, **WARNINGS}
# How long an update of a gateway may take: the slowest on record, of the first generation, took 1,539 s.
GATEWAY_S = 1800.0


def add_options(parser: Parser) -> None:
    """What to flip, and how."""
    parser.add_argument("-g", "--resource-group", metavar="GROUP", help="the resource group of what is given by name")
    parser.add_argument("--lb", metavar="LB", help="the load balancer whose rules are flipped, by name or ARM id")
    parser.add_argument("--gateway", metavar="GATEWAY", help="the application gateway instead, by name or ARM id")
    parser.add_argument("--to", metavar="POOL", required=True, help="the goal: the rules lead to this backend pool")
    parser.add_argument("--to-settings", metavar="SETTINGS", help="of a gateway: with these backend HTTP settings")
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="RULE",
        help="a rule that goes over (may be given several times; default: those that share the one pool in use)",
    )
    parser.add_argument("--plan", action="store_true", help="only show what it would do, and what forbids it")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="flip although preflight finds this error (by its code; may be given several times)",
    )
    add_safety_options(parser)
    add_watching_options(parser)
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")
    add_connection_options(parser)


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Flip, after asking, and print the report; or print the plan."""
    if not arguments.plan:
        strategy = GatewayFlip.STRATEGY if arguments.gateway else PoolFlip.STRATEGY
        return concluded(arguments, strategy, lambda: _flip(arguments, guard))
    planned = _plan(arguments, _client(arguments, guard))
    code = 4 if findings.forbids(planned.findings) else 0
    return delivered(code, lambda: print_plan(arguments, planned.findings, planned.steps))


def _plan(arguments: argparse.Namespace, client: ArmClient) -> Planned:
    ignored = findings.checked_codes(arguments.ignore, CODES, flips.ERRORS)
    group, to, settings, rules = arguments.resource_group, arguments.to, arguments.to_settings, arguments.rule
    if arguments.gateway:
        planned = plan_gateway(client, group, arguments.gateway, to, settings, rules, tell)
    elif settings is not None:
        raise UsageError("--to-settings is of an application gateway.", hint="Name one with --gateway, or omit it.")
    else:
        planned = plan_pools(client, group, arguments.lb, to, rules, tell)
    found = findings.ordered(findings.overridden(one, ignored, STRUCTURAL) for one in planned.findings)
    return replace(planned, findings=found)


def _flip(arguments: argparse.Namespace, guard: SignalGuard) -> Report:
    check_before_asking(arguments)
    manner = manner_of(arguments)
    client = _client(arguments, guard)
    planned = _plan(arguments, client)
    findings.refuse(planned.findings)
    warn(planned.findings, CODES, brief=not arguments.yes, plan="vipswap flip --plan")
    if not planned.reached:
        _announce(planned)
        confirm(arguments, guard, "Flip these rules?")
    first = planned.method.reached[0] if planned.method.reached else None
    probe = first is not None and not arguments.no_probe and not planned.reached
    return carried_out(
        arguments,
        client,
        candidate(Side.PRODUCTION, first.address, first.port, arguments.probe_url) if first and probe else None,
        lambda emit, record: flip(client, planned, manner, emit=emit, guard=guard, record=record),
        sides=[Side.PRODUCTION],
        another=True,
    )


def _client(arguments: argparse.Namespace, guard: SignalGuard) -> ArmClient:
    if (arguments.lb is None) is (arguments.gateway is None):
        raise UsageError("Name either a load balancer, with --lb, or an application gateway, with --gateway.")
    return connect(arguments, [arguments.gateway or arguments.lb], os.environ, guard)


def manner_of(arguments: argparse.Namespace) -> Manner:
    """How to flip."""
    return Manner(
        Limits(GATEWAY_S if arguments.gateway else OPERATION_S, max_outage_s=arguments.max_outage),
        not arguments.no_rollback,
        check_of(arguments.health) if arguments.health else None,
        arguments.verify_timeout,
        arguments.polite,
    )


def _announce(planned: Planned) -> None:
    """What goes where, and how to go back."""
    for place, old, new in changes(planned):
        tell(f"{place}: {old} -> {new}")
    for line in planned.method.back:
        tell(f"to go back: {line}")
