"""`vipswap experiment`: repeats the swap by a fixed design, and prints what each strategy costs, with intervals."""

from __future__ import annotations

import argparse
import os
import platform
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import vipswap_rest
from vipswap_rest.arm.client import ArmClient
from vipswap_rest.arm.clock import rfc3339
from vipswap_rest.arm.clouds import is_loopback
from vipswap_rest.arm.errors import UsageError, VipswapError
from vipswap_rest.cli.bench import ArmBench, Benches, FlipBench, Home, OneBench
from vipswap_rest.cli.connection import add_connection_options, add_polite_option, connect
from vipswap_rest.cli.experiment_report import print_summary
from vipswap_rest.cli.flip import CODES
from vipswap_rest.cli.live import bar, beside
from vipswap_rest.cli.output import deliver, print_json, tell
from vipswap_rest.cli.pair import add_float_tag_option, add_manner_options, add_pair_options, add_probe_options
from vipswap_rest.cli.probe import seconds_of
from vipswap_rest.cli.probe_report import COVERAGE
from vipswap_rest.cli.report import warn
from vipswap_rest.cli.signals import SignalGuard, confirmed
from vipswap_rest.cli.swap import opening_of
from vipswap_rest.cli.targets import Targets, read_targets
from vipswap_rest.measure.experiment.design import TRIALS, VIP, Design, design_of
from vipswap_rest.measure.experiment.manifest import Manifest, find_manifest
from vipswap_rest.measure.experiment.recomputed import recompute
from vipswap_rest.measure.experiment.report import write_report
from vipswap_rest.measure.experiment.runner import Runner
from vipswap_rest.measure.experiment.summary import summary
from vipswap_rest.measure.experiment.trials import Store, check_directory
from vipswap_rest.measure.probe.prober import SHORTEST_INTERVAL_S
from vipswap_rest.measure.probe.target import parse_target
from vipswap_rest.measure.watch import Watch
from vipswap_rest.methods.vip_swap import preflight
from vipswap_rest.methods.vip_swap.float_tags import float_tags
from vipswap_rest.methods.vip_swap.method import STRATEGIES
from vipswap_rest.methods.vip_swap.resolve import Target, resolve
from vipswap_rest.methods.vip_swap.run import Options
from vipswap_rest.switchover.flip import Manner

# Of every method.
KNOWN = (*STRATEGIES, "pool", "gateway")
# Above that, thirty clean samples before and after each swap would take longer than the swap.
LONGEST_INTERVAL_S = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What to measure, on what, and where to keep it."""
    parser.add_argument("--report", metavar="DIR", help="recompute the figures of DIR's experiment from its files")
    add_pair_options(parser, required=False)
    parser.add_argument(
        "--targets", metavar="FILE", help="what each strategy switches: the `targets` of the emulator's first line"
    )
    parser.add_argument(
        "--strategies", default="float,native", metavar="NAMES", help="what to compare (default: float,native)"
    )
    parser.add_argument(
        "--trials",
        type=int,
        default=TRIALS,
        metavar="N",
        help=f"swaps by each strategy, half there and half back (default {TRIALS}; an even number, 10 at least)",
    )
    parser.add_argument("--allow-few", action="store_true", help="allow fewer than 10 trials, to try things out")
    parser.add_argument("--out", metavar="DIR", help="where all raw data is kept; the same line again continues it")
    parser.add_argument(
        "--seed", type=int, metavar="N", help="the seed of the swaps' order (default: drawn, and printed)"
    )
    add_probe_options(parser)
    add_manner_options(parser)
    add_polite_option(parser)
    add_float_tag_option(parser)
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument("-o", "--output", choices=("json", "table"), default="table", help="the form of the result")
    add_connection_options(parser)


def run(arguments: argparse.Namespace, guard: SignalGuard) -> int:
    """Measure, or recompute what was measured; print the summary, and write report.html."""
    if arguments.report is None:
        directory = Path(_given(arguments, "out"))
        _measure(arguments, directory, guard)
    else:
        directory = Path(arguments.report)
    manifest, trials = guard.wait_for(lambda: recompute(directory))
    told = guard.wait_for(lambda: summary(manifest, trials)) | {"coverage": COVERAGE}
    if arguments.output == "json":
        whole = deliver(lambda: print_json(told))
    else:
        whole = deliver(lambda: print_summary(told))
    try:
        page, _ = guard.wait_for(lambda: write_report(directory, told, [trial.as_json() for trial in trials]))
        tell(f"the report, for a browser: {page}")
    except UsageError as error:
        # Without matplotlib or Jinja2, or where the directory cannot be written: the figures are printed all the same.
        tell(f"no report.html: {error.message} {error.hint}".rstrip())
    return 0 if whole else 1


def _measure(arguments: argparse.Namespace, directory: Path, guard: SignalGuard) -> None:
    """Begin the experiment, or go on with it, and bring it to its end. Raises Interrupted after a signal."""
    targets = read_targets(arguments.targets) if arguments.targets else Targets(None, {}, {})
    if targets.pair and arguments.lb1 is None and arguments.lb2 is None:
        arguments.lb1, arguments.lb2 = targets.pair
    if not arguments.yes and not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", hint="Add --yes to swap without being asked.")
    interval_s = _interval(arguments)
    float_tags(arguments.float_tag)
    found = find_manifest(directory)
    design = _design(arguments, found)
    stores: list[Store] = []
    client = connect(arguments, _named(arguments, design, targets), os.environ, guard)
    home = _home(client, arguments, found) if VIP in design.families else None
    switches = len(design.cells()) + 2 * len(design.families)
    shown = beside(head=lambda: bar(len(stores[0].trials), switches, "switch") if stores else "")
    bench = Benches(_benches(arguments, client, design, home, targets, guard, shown))
    manifest = _manifest(arguments, client, home, design, interval_s, targets)
    check_directory(directory, manifest)
    ways = bench.settle()
    warn(dict.fromkeys(bench.check(design.strategies, ways)), {**preflight.CODES, **CODES}, brief=not arguments.yes)
    _announce(manifest, directory)
    if not arguments.yes and not confirmed(guard, "Switch this repeatedly?"):
        raise VipswapError("Not confirmed; nothing was changed.")
    with Store(directory, manifest) as store:
        stores.append(store)
        if store.torn:
            tell("The last line of trials.jsonl was torn when the run before this one ended; its swap is repeated.")
        Runner(store, bench, signals=guard, tell=tell).run()


def _named(arguments: argparse.Namespace, design: Design, targets: Targets) -> list[str]:
    """What is switched, by name or id. Raises UsageError where the command line and its file do not say it."""
    named = [_given(arguments, name) for name in ("lb1", "lb2")] if VIP in design.families else []
    for family in design.families:
        if family != VIP and family not in targets.flips:
            raise UsageError(f"What {family} switches is not said.", hint="Name it in the file of --targets.")
    return [*named, *(targets.flips[family].resource for family in design.families if family != VIP)]


def _benches(
    arguments: argparse.Namespace,
    client: ArmClient,
    design: Design,
    home: Home | None,
    targets: Targets,
    guard: SignalGuard,
    shown: Callable[[Watch], AbstractContextManager[None]],
) -> dict[str, OneBench]:
    """The bench of each family."""
    interval_s, tags = _interval(arguments), float_tags(arguments.float_tag)
    benches: dict[str, OneBench] = {}
    for family in design.families:
        if home is not None and family == VIP:
            benches[family] = ArmBench(
                client,
                home,
                {name: _options(arguments, name, tags) for name in design.of(family)},
                interval_s=interval_s,
                probe_url=arguments.probe_url,
                guard=guard,
                note=tell,
                beside=shown,
            )
        else:
            one, manner = targets.flips[family], Manner(polite=arguments.polite)
            planned = one.plan(client, arguments.resource_group, tell)
            benches[family] = FlipBench(
                client, one.pools, planned, manner, interval_s=interval_s, guard=guard, note=tell, beside=shown
            )
    return benches


def _given(arguments: argparse.Namespace, name: str) -> str:
    value: str | None = getattr(arguments, name)
    if value is None:
        raise UsageError(
            f"--{name} is required to measure.", hint="--report DIR recomputes an experiment that was measured."
        )
    return value


def _interval(arguments: argparse.Namespace) -> float:
    interval_s = seconds_of("--interval", arguments.interval)
    if not SHORTEST_INTERVAL_S <= interval_s <= LONGEST_INTERVAL_S:
        raise UsageError(
            f"--interval is {interval_s:g} s; for an experiment it must be from 10 ms to {LONGEST_INTERVAL_S:g} s."
        )
    if arguments.probe_url is not None:
        parse_target(arguments.probe_url)
    return interval_s


def _design(arguments: argparse.Namespace, found: Manifest | None) -> Design:
    """The design asked for; without a seed that of the experiment which lies there already, or a new one."""
    seed = arguments.seed
    if seed is None:
        seed = found.seed if found else secrets.randbelow(2**32)
    return design_of(arguments.strategies, arguments.trials, seed, known=KNOWN, allow_few=arguments.allow_few)


def _home(client: ArmClient, arguments: argparse.Namespace, found: Manifest | None) -> Home:
    """How the addresses lie now; or lay at first, where an experiment lies there that had them the other way round."""
    frontends = (arguments.frontend1, arguments.frontend2)
    target = Target(arguments.lb1, arguments.lb2, arguments.resource_group, frontends)
    home = Home.of(resolve(client, target, note=tell).pair)
    if found is not None and found.public_ips == home.public_ips[::-1]:
        return replace(home, public_ips=found.public_ips)
    return home


def _options(arguments: argparse.Namespace, strategy: str, tags: Mapping[str, str]) -> Options:
    return Options(
        opening=opening_of(strategy, arguments.float_on),
        ignore=preflight.checked_codes(arguments.ignore),
        polite=arguments.polite,
        float_tags=tags,
    )


def _manifest(
    arguments: argparse.Namespace,
    client: ArmClient,
    home: Home | None,
    design: Design,
    interval_s: float,
    targets: Targets,
) -> Manifest:
    host = urlsplit(client.transport.endpoint).hostname or ""
    return Manifest(
        strategies=design.strategies,
        float_on=arguments.float_on,
        trials=design.trials,
        seed=design.seed,
        interval_s=interval_s,
        probe_url=arguments.probe_url,
        load_balancers=home.load_balancers if home else (),
        frontends=home.frontends if home else (),
        public_ips=home.public_ips if home else (),
        endpoint_host=host,
        emulated=is_loopback(host),
        versions={
            "vipswap_rest": vipswap_rest.__version__,
            "python": platform.python_version(),
            "Microsoft.Network": parse_qs(urlsplit(client.url("/")).query)["api-version"][0],
        },
        platform=platform.platform(),
        cpu_count=os.cpu_count() or 1,
        started_at=rfc3339(client.clock.now()),
        polite=arguments.polite,
        targets={name: told for name, told in targets.told.items() if name in design.families},
    )


def _announce(manifest: Manifest, directory: Path) -> None:
    swaps = len(manifest.design.cells()) + 2 * len(manifest.design.families)
    down = ", each swap of which takes both addresses down" if VIP in manifest.design.families else ""
    where = "on the emulator" if manifest.emulated else f"on {manifest.endpoint_host}"
    tell(
        f"{' and '.join(manifest.strategies)}, {manifest.trials} trials each, ordered by seed {manifest.seed}: "
        f"{swaps} switches {where}{down}; kept in {directory}"
    )
