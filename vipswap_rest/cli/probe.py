"""`vipswap probe`: samples addresses, and prints the outages they had, with bounds."""

from __future__ import annotations

import argparse
import ipaddress
import math
import re
import sys
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

from vipswap_rest.arm.clock import SystemClock, rfc3339
from vipswap_rest.arm.errors import Interrupted, UsageError
from vipswap_rest.cli.live import LOOK_S, live_lines
from vipswap_rest.cli.output import deliver, print_json, tell
from vipswap_rest.cli.probe_report import counts_words, findings_json, print_findings
from vipswap_rest.cli.signals import SignalGuard
from vipswap_rest.measure.probe.prober import Findings, Prober
from vipswap_rest.measure.probe.target import Endpoint, parse_target

_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "h": 3600.0}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What to ask, how often and for how long."""
    parser.add_argument("urls", nargs="+", metavar="URL", help="http://HOST[:PORT][/PATH] or tcp://HOST:PORT")
    parser.add_argument(
        "--interval", default="100ms", metavar="TIME", help="between two samples: 100ms (the default), 0.1s; from 10ms"
    )
    parser.add_argument(
        "--duration", default="30s", metavar="TIME", help="30s (the default), 5m; Ctrl-C ends it earlier, and reports"
    )
    parser.add_argument(
        "--hold",
        type=int,
        default=0,
        metavar="N",
        help="hold N connections to each URL open, and print when each broke",
    )
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table")


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Probe until the duration is over or a signal comes, and print what was found.

    Returns 0, 1 if an address never answered, 130 after a signal. Raises Interrupted after a second one.
    """
    targets = [parse_target(url) for url in arguments.urls]
    interval_s, duration_s = seconds_of("--interval", arguments.interval), seconds_of("--duration", arguments.duration)
    # The Prober looks host names up.
    prober = guard.wait_for(lambda: Prober(targets, interval_s, duration_s=duration_s, hold=arguments.hold))
    for endpoint in prober.endpoints:
        _tell_lookup(endpoint)
    interrupted = False
    with prober:
        try:
            with live_lines(guard.monotonic(), prober.live) if sys.stderr.isatty() else nullcontext():
                while not prober.wait(0):
                    guard.sleep(LOOK_S)
        except Interrupted:
            interrupted = True
            guard.acknowledge()
        findings = guard.wait_for(prober.stop)
        whole = deliver(lambda: _print(findings, arguments.output, interrupted=interrupted))
    silent = [found for found in findings.addresses if not found.ever_answered]
    for found in silent:
        tell(f"vipswap: {found.endpoint.target.url} never answered as it should: {counts_words(found)}.")
    if interrupted:
        return Interrupted.exit_code
    return 1 if silent or not whole else 0


def seconds_of(option: str, text: str) -> float:
    """A length of time in seconds: 10ms, 0.1s, 5m, 1h, or plain seconds. Raises UsageError for anything else."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(ms|s|m|h|)", text.strip())
    value = float(found[1]) * _UNITS[found[2]] if found else math.nan
    if not math.isfinite(value) or value <= 0:
        raise UsageError(f"{option} {text!r} is not a length of time above 0.", hint="Such as 10ms, 0.5s, 30 or 5m.")
    return value


def _print(findings: Findings, output: str, *, interrupted: bool) -> None:
    if output == "table":
        print_findings(findings)
        return
    clock = SystemClock()
    started = clock.now() - timedelta(seconds=clock.monotonic() - findings.began)
    told: dict[str, Any] = {"started_at": rfc3339(started), "interrupted": interrupted}
    print_json(told | findings_json(findings))


def _tell_lookup(endpoint: Endpoint) -> None:
    """Print which address a name was resolved to; nothing for an address."""
    target = endpoint.target
    try:
        ipaddress.ip_address(target.host.partition("%")[0])
    except ValueError:
        others = f" (of {1 + len(endpoint.others)}; the first of them)" if endpoint.others else ""
        tell(f"{target.url}: {target.host} is {endpoint.address[0]}{others}, looked up once; that address is probed.")
