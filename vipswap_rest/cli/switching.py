"""What every verb that switches has in common: its options of safety and measuring, the run with its events, its probe
and its picture, and how it ends."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.cli.audit import AuditTrail
from vipswap_rest.cli.connection import add_polite_option
from vipswap_rest.cli.live import beside
from vipswap_rest.cli.output import deliver, print_json, tell, tell_error
from vipswap_rest.cli.pair import add_probe_options
from vipswap_rest.cli.probe import seconds_of
from vipswap_rest.cli.progress import Progress
from vipswap_rest.cli.report import print_report
from vipswap_rest.cli.signals import SignalGuard, confirmed
from vipswap_rest.cli.watched import watched
from vipswap_rest.measure.pictures import check_picture, timeline, write_picture
from vipswap_rest.measure.probe.prober import check_interval
from vipswap_rest.measure.probe.target import parse_target
from vipswap_rest.measure.recording import Recording
from vipswap_rest.measure.watch import Candidate
from vipswap_rest.switchover.driver import Record
from vipswap_rest.switchover.findings import Finding
from vipswap_rest.switchover.health import VERIFY_TIMEOUT_S
from vipswap_rest.switchover.report import Emit, Report, Side, not_begun


def seconds_above_0(text: str) -> float:
    """A length of time on the command line, in seconds; argparse makes a usage error of its ArgumentTypeError."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0.")
    return value


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


def add_watching_options(parser: argparse.ArgumentParser) -> None:
    """What is asked, recorded and drawn beside a run."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    add_polite_option(parser)
    parser.add_argument("--events", metavar="FILE", help="append every step, request id and decision as JSON lines")
    parser.add_argument("--no-probe", action="store_true", help="do not probe the addresses")
    add_probe_options(parser)
    parser.add_argument("--timeline", metavar="FILE", help="draw the run: FILE.svg or FILE.png (needs matplotlib)")


def print_plan(arguments: argparse.Namespace, findings: list[Finding], steps: list[dict[str, Any]]) -> None:
    """The findings and the steps, as JSON or for people."""
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
        print("Nothing to do: everything is where it should be.")


def check_before_asking(arguments: argparse.Namespace) -> None:
    """What the command line says of asking, probing and drawing is looked at before anything is asked of ARM.

    Raises UsageError.
    """
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", hint="Add --yes to switch without being asked.")
    check_interval(seconds_of("--interval", arguments.interval))
    if arguments.probe_url is not None:
        parse_target(arguments.probe_url)
        if arguments.no_probe:
            raise UsageError(
                "--probe-url names what to probe, but --no-probe probes nothing.", hint="Omit one of them."
            )
    if arguments.timeline is not None:
        if arguments.no_probe:
            raise UsageError("--timeline draws what the probe saw.", hint="Omit --no-probe.")
        check_picture(Path(arguments.timeline))


def confirm(arguments: argparse.Namespace, guard: SignalGuard, question: str) -> None:
    """Ask, unless --yes was given. Raises VipswapError if the answer is no."""
    if not arguments.yes and not confirmed(guard, question):
        raise VipswapError("Not confirmed; nothing was changed.")


def carried_out(
    arguments: argparse.Namespace,
    client: ArmClient,
    asked: Sequence[Candidate] | None,
    run: Callable[[Emit, Record], Report],
    *,
    sides: Sequence[Side] = tuple(Side),
    another: bool = False,
    planned: int = 0,
) -> Report:
    """Do `run` with its progress, its events and, unless `asked` is None, the probe of that and its picture; see
    watched.watched. `planned`: how many steps are foreseen."""
    progress = Progress(client.clock, planned=planned)
    with AuditTrail(arguments.events, client.clock) as trail:
        if asked is None:
            report = run(progress, trail)
        else:
            report, recording = watched(
                client,
                asked,
                lambda emit: run(emit, trail),
                emit=progress,
                sides=sides,
                another=another,
                interval_s=seconds_of("--interval", arguments.interval),
                note=tell,
                beside=beside(progress.began),
            )
            _draw(recording, arguments.timeline)
        trail.ended(report)
    return report


def concluded(arguments: argparse.Namespace, strategy: str, act: Callable[[], Report]) -> int:
    """Do `act`, print how it ended, and give the exit code, which says how things are in Azure, whatever becomes of
    the words."""
    try:
        report = act()
    except VipswapError as error:
        # Preflight, or a signal before the run.
        report = not_begun(error, strategy)
    if arguments.output == "json":
        deliver(lambda: print_json(report.as_json()))
    elif report.addresses:
        deliver(lambda: print_report(report))
    if report.error:
        tell_error(report.error)
    return report.exit_code


def _draw(recording: Recording, path: str | None) -> None:
    """Draw the swap. The swap is over, so a picture that cannot be drawn is told, and changes no exit code."""
    if path is not None:
        try:
            write_picture(timeline(recording), Path(path))
        except VipswapError as error:
            tell_error(error)
