"""`vipswap status` and `vipswap recover`: what was interrupted, and finishing or undoing it."""

from __future__ import annotations

import argparse
import os
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.cli.audit import AuditTrail, check_folder, events_of
from vipswap_rest.cli.connection import add_connection_options, add_polite_option, connect
from vipswap_rest.cli.output import deliver, delivered, print_json, tell, tell_error
from vipswap_rest.cli.progress import Progress
from vipswap_rest.cli.report import print_report, tell_errors
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.measure.quantities import figure
from vipswap_rest.methods.vip_swap.recovery import (
    InterruptedSwap,
    Recovery,
    choose,
    find,
    find_pair,
    nothing_found,
    recover,
)
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.health import TcpCheck
from vipswap_rest.switchover.report import Report, Side, not_begun


def add_status_options(parser: argparse.ArgumentParser) -> None:
    """The options of status, and those that it shares with recover."""
    parser.add_argument(
        "-g", "--resource-group", metavar="GROUP", help="the resource group of the floats (else the whole subscription)"
    )
    parser.add_argument("--lb1", metavar="LB", help="one load balancer of the pair, by name or ARM id")
    parser.add_argument("--lb2", metavar="LB", help="the other one")
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")
    add_connection_options(parser)


def add_recover_options(parser: argparse.ArgumentParser) -> None:
    """The options of recover."""
    add_status_options(parser)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--resume", dest="way", action="store_const", const=Recovery.RESUME, help="finish the swap")
    way.add_argument(
        "--rollback", dest="way", action="store_const", const=Recovery.ROLLBACK, help="put everything back"
    )
    parser.add_argument(
        "--all", action="store_true", help="every interrupted swap there is, those first whose production is off"
    )
    parser.add_argument("-y", "--yes", action="store_true", help="accepted for symmetry: recover never asks")
    parser.add_argument("--events", metavar="FILE", help="append every step, request id and decision as JSON lines")
    add_polite_option(parser)
    parser.set_defaults(way=Recovery.SOONER)


def run_status(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Print the interrupted swaps."""
    found = _find(_client(arguments, guard), arguments)
    told = guard.wait_for(lambda: [one.as_json(TcpCheck()) for one in found])
    return delivered(0, lambda: _print_status(arguments, found, told))


def _print_status(arguments: argparse.Namespace, found: list[InterruptedSwap], told: list[dict[str, Any]]) -> None:
    if arguments.output == "json":
        print_json({"swaps": told})
        return
    for one, facts in zip(found, told, strict=True):
        _print(one, facts)
    if not found:
        print("No interrupted swap.")


def _print(one: InterruptedSwap, told: dict[str, Any]) -> None:
    if one.damage is not None or one.journal is None:
        print(f"{one.float}: {told['damage']}")
        return
    attached = "attached" if told["production_attached"] else "on NO load balancer that works"
    attached += {True: " and answers", False: " and does NOT answer", None: ""}[told["production_answers"]]
    print(f"A {told['strategy']} swap begun at {told['started_at']} (run {told['run']}): production is {attached}.")
    for side in Side:
        here = told[side.value]
        held_by = (here["held_by"] or "nothing").rpartition("/loadBalancers/")[2]
        name = here["load_balancer"].rpartition("/")[2]
        holds = (here["holds"] or "nothing").rpartition("/")[2]
        print(f"  {side.value:<11}{name} ({here['provisioning_state']}) holds {holds}")
        print(f"  {'':<11}its address {here['address']} ({here['public_ip'].rpartition('/')[2]}) is held by {held_by}")
    print(f"  {told['recover']}")


def run_recover(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Recover the one interrupted swap, or all there are, and print the report."""
    if arguments.all:
        return _recover_all(arguments, guard)
    try:
        report = _recover(arguments, guard)
    except VipswapError as error:
        report = not_begun(error, nothing_found().strategy)
    _tell(arguments, report)
    return report.exit_code


def _recover(arguments: argparse.Namespace, guard: SignalGuard) -> Report:
    if not (arguments.lb1 or arguments.lb2 or arguments.resource_group):
        raise UsageError(
            "No place to look in was given.", hint="Add -g GROUP (of the float), or --lb1 and --lb2, or --all."
        )
    client, options = _client(arguments, guard), Options(polite=arguments.polite)
    one = choose(_find(client, arguments))
    if one is None:
        return nothing_found()
    return _recover_one(client, one, arguments.way, options, arguments.events, guard)


def _recover_one(
    client: ArmClient, one: InterruptedSwap, way: Recovery, options: Options, events: str | None, guard: SignalGuard
) -> Report:
    with AuditTrail(events, client.clock) as trail:
        progress = Progress(client.clock)
        report = recover(client, one, way, options, emit=progress, guard=guard, note=tell, record=trail)
        trail.ended(report)
    return report


def _recover_all(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Recover one after the other. A swap that cannot be recovered does not keep the others from it."""
    if arguments.lb1 or arguments.lb2:
        raise UsageError("--all is every interrupted swap, --lb1 and --lb2 name one.", hint="Omit one of them.")
    check_folder(arguments.events)
    began, client, options = guard.monotonic(), _client(arguments, guard), Options(polite=arguments.polite)
    found = find(client, arguments.resource_group)
    reports: dict[str, Report] = {}
    for one in sorted(found, key=lambda one: one.production_works):
        tell(f"{one.float.name}:")
        events = events_of(arguments.events, one.float.name)
        try:
            if one.damage is not None:
                raise one.damage
            reports[one.float.name] = _recover_one(client, one, arguments.way, options, events, guard)
        except VipswapError as error:
            reports[one.float.name] = not_begun(error, nothing_found().strategy)
    outcome, code = _all_told([*reports.values()])
    pairs = [{"name": name, **report.as_json()} for name, report in reports.items()]
    if arguments.output == "json":
        deliver(lambda: print_json({"outcome": outcome, "pairs": pairs, "total_s": figure(guard.monotonic() - began)}))
    else:
        deliver(lambda: print("\n".join(f"{one['name']}: {one['outcome']}" for one in pairs) or "No interrupted swap."))
    tell_errors(reports)
    return code


def _all_told(reports: list[Report]) -> tuple[str, int]:
    """The outcome and the exit code of several recoveries: 6 if one still needs it."""
    codes, outcomes = {report.exit_code for report in reports}, {report.outcome.value for report in reports}
    if 6 in codes:
        return "needs_recovery", 6
    if 130 in codes:
        return "interrupted", 130
    if codes <= {0}:
        return outcomes.pop() if len(outcomes) == 1 else "swapped" if outcomes else "nothing_to_do", 0
    return ("partly", 9) if 0 in codes else ("refused", max(codes))


def _tell(arguments: argparse.Namespace, report: Report) -> None:
    if arguments.output == "json":
        deliver(lambda: print_json(report.as_json()))
    elif report.addresses:
        deliver(lambda: print_report(report))
    elif not report.error:
        print("No interrupted swap: nothing to do.")
    if report.error:
        tell_error(report.error)


def _client(arguments: argparse.Namespace, clock: Clock) -> ArmClient:
    if (arguments.lb1 is None) != (arguments.lb2 is None):
        raise UsageError("A pair is named by both --lb1 and --lb2.")
    pair = [arguments.lb1, arguments.lb2] if arguments.lb1 else []
    return connect(arguments, pair, os.environ, clock)


def _find(client: ArmClient, arguments: argparse.Namespace) -> list[InterruptedSwap]:
    if arguments.lb1:
        return find_pair(client, arguments.resource_group, (arguments.lb1, arguments.lb2))
    return find(client, arguments.resource_group)
