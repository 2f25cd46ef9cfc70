"""`vipswap swap` and `vipswap plan`: the exchange itself, and what it would do."""

from __future__ import annotations

import argparse
import os

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import Refused, UsageError
from vipswap_rest.cli.connection import add_connection_options, connect
from vipswap_rest.cli.output import delivered, tell
from vipswap_rest.cli.pair import add_float_tag_option, add_manner_options, add_pair_options
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
from vipswap_rest.cli.watched import candidates
from vipswap_rest.methods.vip_swap import preflight
from vipswap_rest.methods.vip_swap.command_lines import vip_command
from vipswap_rest.methods.vip_swap.float_tags import float_tags
from vipswap_rest.methods.vip_swap.method import STRATEGIES
from vipswap_rest.methods.vip_swap.preflight import Finding
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options, Plan, plan, swap
from vipswap_rest.methods.vip_swap.verification import Verification
from vipswap_rest.switchover.health import check_of
from vipswap_rest.switchover.report import Report, Side
from vipswap_rest.switchover.state import Limits


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what to swap and how: those of swap and plan."""
    add_pair_options(parser, required=True)
    parser.add_argument(
        "--vip",
        metavar="ADDRESS",
        help="the goal instead of the exchange: this public IP (name or id) on lb2, lb2's on lb1; "
        "the same line again does nothing",
    )
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="float",
        help="by a temporary address (float, the default), the same with production attached while the operation still "
        "runs that releases it (overlap), or by ARM's own swap operation (native)",
    )
    parser.add_argument(
        "--allow-address-change", action="store_true", help="swap although a Dynamic address will become another one"
    )
    add_manner_options(parser)
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")
    add_connection_options(parser)


def add_swap_options(parser: argparse.ArgumentParser) -> None:
    """The options of swap."""
    add_target_options(parser)
    add_float_tag_option(parser)
    add_safety_options(parser)
    add_watching_options(parser)


def run_plan(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Print the findings and the steps; exit 4 if a swap would be refused."""
    options = options_of(arguments)
    client = _client(arguments, guard)
    try:
        planned = plan(client, _target(arguments), options, note=tell)
    except Refused as error:
        finding = Finding.of(error)
        return delivered(error.exit_code, lambda: print_plan(arguments, [finding], []))
    code = 4 if preflight.forbids(planned.findings) else 0
    return delivered(code, lambda: print_plan(arguments, planned.findings, planned.steps))


def run_swap(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Swap, after asking, and print the report."""
    return concluded(arguments, arguments.strategy, lambda: _swap(arguments, guard))


def _swap(arguments: argparse.Namespace, guard: SignalGuard) -> Report:
    options = options_of(arguments)
    check_before_asking(arguments)
    client = _client(arguments, guard)
    planned = plan(client, _target(arguments), options, note=tell)
    preflight.refuse(planned.findings)
    warn(planned.findings, brief=not arguments.yes)
    if not planned.resolved.reached:
        _announce(planned)
        confirm(arguments, guard, "Swap these addresses?")
        if arguments.yes and not arguments.vip:
            tell(f"the same, safe to repeat: {vip_command(planned.resolved.pair, planned.journal)}")
    probe = not arguments.no_probe and not planned.resolved.reached
    return carried_out(
        arguments,
        client,
        candidates(planned.resolved.observed, planned.journal.pair, arguments.probe_url) if probe else None,
        lambda emit, record: swap(client, planned, emit=emit, guard=guard, record=record),
        planned=len(planned.steps),
    )


def _announce(planned: Plan) -> None:
    pair, observed = planned.resolved.pair, planned.resolved.observed
    for side in Side:
        address = observed.addresses[side]
        names = f"{pair.load_balancer(side).name} -> {pair.load_balancer(side.other).name}"
        known = f"{address.address} ({address.id.name})" if address.address else address.id.name
        tell(f"{side.value}'s address {known}: {names}")


def _client(arguments: argparse.Namespace, guard: SignalGuard) -> ArmClient:
    return connect(arguments, [arguments.lb1, arguments.lb2], os.environ, guard)


def _target(arguments: argparse.Namespace) -> Target:
    return Target(
        arguments.lb1,
        arguments.lb2,
        arguments.resource_group,
        (arguments.frontend1, arguments.frontend2),
        arguments.vip,
    )


def opening_of(strategy: str, float_on: str) -> Opening:
    """The opening of a strategy. Raises UsageError: overlap is staging first."""
    if strategy == "float":
        return Opening(float_on)
    opening = Opening(strategy)
    if opening is Opening.OVERLAP and float_on != opening.first.value:
        raise UsageError("--strategy overlap takes staging to the float first, so --float-on production is not for it.")
    return opening


def _verification(arguments: argparse.Namespace) -> Verification | None:
    health = getattr(arguments, "health", None)
    return Verification(check_of(health), arguments.verify_timeout) if health else None


def options_of(arguments: argparse.Namespace) -> Options:
    """How to swap, of a verb with swap's options. Raises UsageError."""
    return Options(
        opening=opening_of(arguments.strategy, arguments.float_on),
        allow_address_change=arguments.allow_address_change,
        ignore=preflight.checked_codes(arguments.ignore),
        rollback=not getattr(arguments, "no_rollback", False),
        limits=Limits(max_outage_s=getattr(arguments, "max_outage", None)),
        verification=_verification(arguments),
        polite=getattr(arguments, "polite", False),
        float_tags=float_tags(getattr(arguments, "float_tag", [])),
    )
