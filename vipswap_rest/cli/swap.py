"""`vipswap swap` and `vipswap plan`: the exchange itself, and what it would do."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import Refused, UsageError, VipswapError
from vipswap_rest.cli.audit import AuditTrail
from vipswap_rest.cli.connection import add_connection_options, add_polite_option, connect
from vipswap_rest.cli.live import beside
from vipswap_rest.cli.output import deliver, delivered, print_json, tell, tell_error
from vipswap_rest.cli.pair import add_float_tag_option, add_manner_options, add_pair_options, add_probe_options
from vipswap_rest.cli.probe import seconds_of
from vipswap_rest.cli.progress import Progress
from vipswap_rest.cli.report import print_report, warn
from vipswap_rest.cli.signals import SignalGuard, confirmed
from vipswap_rest.cli.watched import watched_swap
from vipswap_rest.measure.pictures import check_picture, timeline, write_picture
from vipswap_rest.measure.probe.prober import check_interval
from vipswap_rest.measure.probe.target import parse_target
from vipswap_rest.measure.recording import Recording
from vipswap_rest.methods.vip_swap import preflight
from vipswap_rest.methods.vip_swap.command_lines import vip_command
from vipswap_rest.methods.vip_swap.float_tags import float_tags
from vipswap_rest.methods.vip_swap.method import strategy_name
from vipswap_rest.methods.vip_swap.preflight import Finding
from vipswap_rest.methods.vip_swap.reconcile import Opening
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options, Plan, plan, swap
from vipswap_rest.methods.vip_swap.verification import VERIFY_TIMEOUT_S, Verification
from vipswap_rest.switchover.health import check_of
from vipswap_rest.switchover.report import Report, Side, not_begun
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
        choices=("float", "native"),
        default="float",
        help="by a temporary address (float, the default), or by ARM's own swap operation",
    )
    parser.add_argument(
        "--allow-address-change", action="store_true", help="swap although a Dynamic address will become another one"
    )
    add_manner_options(parser)
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")
    add_connection_options(parser)


def seconds_above_0(text: str) -> float:
    """A length of time on the command line, in seconds; argparse makes a usage error of its ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0.")
    return value


def add_swap_options(parser: argparse.ArgumentParser) -> None:
    """The options of swap."""
    add_target_options(parser)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    add_polite_option(parser)
    add_float_tag_option(parser)
    add_safety_options(parser)
    parser.add_argument("--events", metavar="FILE", help="append every step, request id and decision as JSON lines")
    parser.add_argument("--no-probe", action="store_true", help="do not probe the addresses")
    add_probe_options(parser)
    parser.add_argument("--timeline", metavar="FILE", help="draw the swap: FILE.svg or FILE.png (needs matplotlib)")


def add_safety_options(parser: argparse.ArgumentParser) -> None:
    """When a swap turns back."""
    parser.add_argument("--no-rollback", action="store_true", help="stop half-way rather than turn back")
    parser.add_argument(
        "--max-outage",
        type=seconds_above_0,
        metavar="S",
        help="turn back if production is off for longer; checked between operations, and between tries",
    )
    parser.add_argument(
        "--health",
        metavar="PATH|tcp",
        help="staging must answer this before anything changes, production's address after the swap",
    )
    parser.add_argument(
        "--verify-timeout",
        type=seconds_above_0,
        default=VERIFY_TIMEOUT_S,
        metavar="S",
        help=f"how long production's address may stay silent after the swap (default {VERIFY_TIMEOUT_S:g})",
    )


def run_plan(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Print the findings and the steps; exit 4 if a swap would be refused."""
    options = options_of(arguments)
    client = _client(arguments, guard)
    try:
        planned = plan(client, _target(arguments), options, note=tell)
    except Refused as error:
        finding = Finding.of(error)
        return delivered(error.exit_code, lambda: _print_plan(arguments, [finding], []))
    code = 4 if preflight.forbids(planned.findings) else 0
    return delivered(code, lambda: _print_plan(arguments, planned.findings, planned.steps))


def _print_plan(arguments: argparse.Namespace, findings: list[Finding], steps: list[dict[str, object]]) -> None:
    if arguments.output == "json":
        print_json({"findings": [finding.as_json() for finding in findings], "steps": steps})
        return
    for finding in findings:
        print(f"{finding.severity.value}: {finding.code}: {finding.message}")
        print(f"  {finding.remedy}")
    for number, step in enumerate(steps, 1):
        taken = f" takes {step['public_ip']}" if step["public_ip"] else ""
        print(f"{number}. {step['name']}: {step['resource']}{taken}")
    if not findings and not steps:
        print("Nothing to do: the addresses are where they should be.")


def run_swap(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Swap, after asking, and print the report."""
    try:
        report = _swap(arguments, guard)
    except VipswapError as error:
        # Preflight, or a signal before the run.
        report = not_begun(error, strategy_name(_opening(arguments)))
    # The exit code says how things are in Azure, whatever becomes of the words.
    if arguments.output == "json":
        deliver(lambda: print_json(report.as_json()))
    elif report.addresses:
        deliver(lambda: print_report(report))
    if report.error:
        tell_error(report.error)
    return report.exit_code


def _swap(arguments: argparse.Namespace, guard: SignalGuard) -> Report:
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", hint="Add --yes to swap without being asked.")
    options = options_of(arguments)
    interval_s = _interval(arguments)
    _check_timeline(arguments)
    client = _client(arguments, guard)
    planned = plan(client, _target(arguments), options, note=tell)
    preflight.refuse(planned.findings)
    warn(planned.findings, brief=not arguments.yes)
    if not planned.resolved.reached:
        _announce(planned)
        if not arguments.yes and not confirmed(guard, "Swap these addresses?"):
            raise VipswapError("Not confirmed; nothing was changed.")
        if arguments.yes and not arguments.vip:
            tell(f"the same, safe to repeat: {vip_command(planned.resolved.pair, planned.journal)}")
    progress = Progress(client.clock, planned=len(planned.steps))
    with AuditTrail(arguments.events, client.clock) as trail:
        if arguments.no_probe or planned.resolved.reached:
            report = swap(client, planned, emit=progress, guard=guard, record=trail)
        else:
            report, recording = watched_swap(
                client,
                planned,
                emit=progress,
                guard=guard,
                record=trail,
                interval_s=interval_s,
                probe_url=arguments.probe_url,
                note=tell,
                beside=beside(progress.began),
            )
            _draw(recording, arguments.timeline)
        trail.ended(report)
    return report


def _interval(arguments: argparse.Namespace) -> float:
    """The probe's interval, seconds. What the probe is told is looked at before anything is asked of ARM."""
    interval_s = seconds_of("--interval", arguments.interval)
    check_interval(interval_s)
    if arguments.probe_url is not None:
        parse_target(arguments.probe_url)
        if arguments.no_probe:
            raise UsageError(
                "--probe-url names what to probe, but --no-probe probes nothing.", hint="Omit one of them."
            )
    return interval_s


def _check_timeline(arguments: argparse.Namespace) -> None:
    """Whether the picture can be drawn is found out before anything is changed."""
    if arguments.timeline is not None:
        if arguments.no_probe:
            raise UsageError("--timeline draws what the probe saw.", hint="Omit --no-probe.")
        check_picture(Path(arguments.timeline))


def _draw(recording: Recording, path: str | None) -> None:
    """Draw the swap. The swap is over, so a picture that cannot be drawn is told, and changes no exit code."""
    if path is not None:
        try:
            write_picture(timeline(recording), Path(path))
        except VipswapError as error:
            tell_error(error)


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


def _opening(arguments: argparse.Namespace) -> Opening:
    return Opening.NATIVE if arguments.strategy == "native" else Opening(arguments.float_on)


def _verification(arguments: argparse.Namespace) -> Verification | None:
    health = getattr(arguments, "health", None)
    return Verification(check_of(health), arguments.verify_timeout) if health else None


def options_of(arguments: argparse.Namespace) -> Options:
    """How to swap, of a verb with swap's options. Raises UsageError."""
    return Options(
        opening=_opening(arguments),
        allow_address_change=arguments.allow_address_change,
        ignore=preflight.checked_codes(arguments.ignore),
        rollback=not getattr(arguments, "no_rollback", False),
        limits=Limits(max_outage_s=getattr(arguments, "max_outage", None)),
        verification=_verification(arguments),
        polite=getattr(arguments, "polite", False),
        float_tags=float_tags(getattr(arguments, "float_tag", [])),
    )
