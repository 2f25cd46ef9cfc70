#!/usr/bin/env python3
"""Measures every way to switch on the emulator, what nobody knows at its kindest and at its harshest, and prints the
table of docs/methods.md from what is kept.

    scripts/methods.py --out DIR [--trials N] [--strategies NAMES] [--interval TIME]
    scripts/methods.py --report DIR
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from vipswap_rest.arm.clock import SystemClock
from vipswap_rest.cli.demo import emulator
from vipswap_rest.cli.experiment import STRATEGIES
from vipswap_rest.measure.experiment.recomputed import recompute
from vipswap_rest.measure.experiment.summary import summary
from vipswap_rest.measure.quantities import Rounding, rounded

COMMON = ("--env", "roads", "--latency", "standard", "--seed", "1")
# What nobody knows of Azure: when an address goes and comes, whether a pool is cold, what a dead address does.
SETTINGS: dict[str, tuple[str, ...]] = {
    "kindest": ("--data-plane-down", "complete", "--data-plane-up", "accept", "--release", "accept"),
    "harshest": ("--cold-pool", "5", "--unattached", "drop", "--established", "silent", "--flip-established", "silent"),
}
HEAD = (
    "| Strategy | Setting | Trials | New connections fail for: median (interval) | At most | "
    "The new side answers after: median, at most | Both sides answer: at most |"
)


def measure(folder: Path, setting: str, arguments: argparse.Namespace) -> None:
    """One experiment over all strategies, on an emulator of its own."""
    with emulator(SystemClock(), *COMMON, *SETTINGS[setting]) as arm:
        if setting == "harshest":
            # Without its staging rule the idle pool is not probed.
            _drop_staging_rule(arm["endpoint"])
        targets = folder / f"{setting}.targets.json"
        targets.write_text(json.dumps(arm["targets"]), encoding="utf-8")
        line = [sys.executable, "-m", "vipswap_rest", "experiment", "-g", arm["resource_group"], "--yes"]
        line += ["--targets", str(targets), "--strategies", arguments.strategies, "--trials", str(arguments.trials)]
        line += ["--interval", arguments.interval, "--seed", "1", "--out", str(folder / setting)]
        environment = {
            **os.environ,
            "AZURE_RM_ENDPOINT": arm["endpoint"],
            "AZURE_ACCESS_TOKEN": "any",
            "AZURE_SUBSCRIPTION_ID": arm["subscription"],
        }
        subprocess.run([*line, *(["--allow-few"] if arguments.trials < 10 else [])], env=environment, check=True)


def _drop_staging_rule(endpoint: str) -> None:
    found = requests.get(f"{endpoint}/emulator/state", timeout=10).json()["resources"]
    (body,) = [one for one in found if one["id"].endswith("/loadBalancers/poolslb")]
    rules = body["properties"]["loadBalancingRules"]
    body["properties"]["loadBalancingRules"] = [one for one in rules if one["name"] != "http-staging"]
    requests.put(f"{endpoint}/emulator/state", json={"resources": [body]}, timeout=10).raise_for_status()


def table(folder: Path) -> list[str]:
    """The table in Markdown, of the experiments in the folder."""
    lines = [HEAD, "| --- " * HEAD.count(" | ") + "| --- |"]
    told = {name: summary(*recompute(folder / name)) for name in SETTINGS if (folder / name).is_dir()}
    for strategy in STRATEGIES:
        for name, one in told.items():
            if strategy in one["strategies"]:
                lines.append(_row(strategy, name, one["strategies"][strategy]))
    return lines


def _row(strategy: str, setting: str, told: Mapping[str, Any]) -> str:
    seen = told["production"]
    observed, interval = seen["observed"], seen["observed"]["interval"]
    fails = f"{_s(observed['median'])} ({_s(interval['low'], Rounding.DOWN)} to {_s(interval['high'], Rounding.UP)})"
    cells = [strategy, setting, str(told["n"]), fails, _s(seen["upper"]["max"], Rounding.UP)]
    cells += [_s(seen[key][of], Rounding.UP) if seen[key] else "-" for key, of in _EFFECTS]
    return f"| {' | '.join(cells)} |"


_EFFECTS = (("takes_effect", "median"), ("mixed", "max"))


def _s(told: Any, rounding: Rounding = Rounding.NEAREST) -> str:
    """Seconds with two decimals."""
    if told is None:
        return "?"
    if isinstance(told, Mapping):
        return f">= {rounded(told['at_least'], 2, Rounding.DOWN)} s"
    return f"{rounded(told, 2, rounding)} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the experiments are kept")
    parser.add_argument("--report", type=Path, metavar="DIR", help="only print the table of what is kept there")
    parser.add_argument("--trials", type=int, default=10, metavar="N", help="switches by each strategy (10)")
    parser.add_argument("--strategies", default=",".join(STRATEGIES), metavar="NAMES", help="default: all")
    parser.add_argument("--interval", default="20ms", metavar="TIME", help="between two samples (20ms)")
    parser.add_argument("--only", choices=sorted(SETTINGS), help="measure at this setting alone")
    arguments = parser.parse_args()
    if (arguments.out is None) is (arguments.report is None):
        parser.error("give either --out or --report")
    folder = arguments.out or arguments.report
    if arguments.out is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for setting in [arguments.only] if arguments.only else list(SETTINGS):
            measure(folder, setting, arguments)
    print("\n".join(table(folder)))


if __name__ == "__main__":
    main()
