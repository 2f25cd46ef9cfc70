"""`vipswap demo`: the article's swap, on an emulated ARM on this machine."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vipswap_rest.arm.auth import ReadyToken
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import Clock
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.arm.http import Transport
from vipswap_rest.arm.ids import group_scope
from vipswap_rest.arm.network import list_load_balancers, list_public_ips
from vipswap_rest.cli.live import live_lines
from vipswap_rest.cli.output import tell, tell_error
from vipswap_rest.cli.progress import Progress
from vipswap_rest.cli.report import print_report
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.cli.watched import watched_swap
from vipswap_rest.measure.pictures import check_picture, timeline, write_picture
from vipswap_rest.measure.quantities import seconds
from vipswap_rest.methods.vip_swap.model import LoadBalancer, PublicIp
from vipswap_rest.methods.vip_swap.resolve import Target
from vipswap_rest.methods.vip_swap.run import Options, plan
from vipswap_rest.switchover.report import Side

# The seed's own run of 2017, in the article: downtime and total; and what the operations of that downtime took.
SEED_DOWNTIME_S, SEED_TOTAL_S, OPERATIONS_S = 61, 88, 51
# Of the probe: as close as it goes, since the demo's outages are short.
INTERVAL_S = 0.01
# So many answers in a row of both sides, before it and after it: a second of each, to be seen in the picture.
CLEAN_SAMPLES = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """The demo has one choice: how much faster than the article's Azure it runs."""
    parser.add_argument(
        "--time-scale", type=float, default=0.1, metavar="X", help="0.1 (the default) is ten times faster than in 2017"
    )
    parser.add_argument("--timeline", metavar="FILE", help="draw the swap: FILE.svg or FILE.png (needs matplotlib)")


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Start an emulator with the article's environment, swap, and show what moved and how long it took."""
    scale = arguments.time_scale
    if not 0 < scale <= 10:
        raise UsageError("--time-scale must be above 0 and at most 10.")
    picture = Path(arguments.timeline) if arguments.timeline else None
    if picture is not None:
        check_picture(picture)
    with emulator(guard, "--latency", "blog", "--time-scale", str(scale)) as arm:
        client = ArmClient(Transport(arm["endpoint"], ReadyToken("demo"), clock=guard), arm["subscription"])
        print(f"An emulated ARM runs at {arm['endpoint']}; every time below is the emulator's, none is Azure's.")
        print(f"Its operations take as long as the article's did in 2017, times {scale:g}.\n\nBefore:")
        _show(client, arm["resource_group"])
        options = Options()
        production, staging = arm["load_balancers"]
        print(flush=True)
        planned = plan(client, Target(production, staging, arm["resource_group"]), options)
        progress = Progress(client.clock)
        report, recording = watched_swap(
            client,
            planned,
            emit=progress,
            guard=guard,
            interval_s=INTERVAL_S,
            note=tell,
            clean=CLEAN_SAMPLES,
            beside=lambda watch: live_lines(progress.began, watch.live),
        )
        if report.error:
            tell_error(report.error)
            return report.exit_code
        print("\nAfter:")
        _show(client, arm["resource_group"])
        print()
        print_report(report)
        downtime = report.addresses[Side.PRODUCTION].control_plane_outage_s
        if downtime is not None:
            print(
                f"\nAt the article's speed that is a downtime of {seconds(downtime / scale)} "
                f"(the article's script: {SEED_DOWNTIME_S} s),\nand {seconds(report.total_s / scale)} in all "
                f"({SEED_TOTAL_S} s before it deletes the float). The two operations that make the downtime take\n"
                f"{OPERATIONS_S} s by themselves in both; the rest is how long either takes to notice. All of it "
                "is emulated."
            )
        if picture is not None:
            write_picture(timeline(recording), picture)
            print(f"\nThe swap is drawn in {picture}.")
    return 0


@contextmanager
def emulator(clock: Clock, *options: str) -> Iterator[dict[str, Any]]:
    """An emulator in a process of its own: yields the object it announces, and ends it.

    The terminal's Ctrl-C is not for it: a swap that is in its outage still needs it.

    Raises VipswapError if it does not start.
    """
    line = [sys.executable, "-m", "vipswap_rest", "emulator", *options]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            first = clock.wait_for(process.stdout.readline) if process.stdout else ""
            if not first:
                raise VipswapError("The emulator did not start; its own words stand above.")
            yield json.loads(first)
        finally:
            process.terminate()


def _show(client: ArmClient, resource_group: str) -> None:
    """Print which address each load balancer holds, as ARM shows it now."""
    scope = group_scope(client.subscription, resource_group)
    addresses = {one.id: one for one in map(PublicIp.read, list_public_ips(client, scope))}
    for load_balancer in map(LoadBalancer.read, list_load_balancers(client, scope)):
        for frontend in load_balancer.frontends:
            if frontend.public_ip in addresses:
                held = addresses[frontend.public_ip]
                print(f"  {load_balancer.id.name} holds {held.address} ({held.id.name})")
