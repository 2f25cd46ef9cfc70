"""What politeness costs: a float swap with and without `--polite`, where ARM's Retry-After grows from poll to poll.

Both runs meet operations of the same lengths (the latency profile `blog`, unless another one is given). The outage is
the control plane's, from sending the write that takes production's address off to reading Succeeded for the one that
attaches it. The times are the emulator's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_PATIENCE_S = 900


def swapped(options: list[str], *polite: str) -> dict[str, Any]:
    """The report of one swap on an emulator of its own with these options."""
    command = [sys.executable, "-m", "vipswap_rest"]
    with subprocess.Popen([*command, "emulator", *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            production, staging = said["load_balancers"]
            pair = ["-g", said["resource_group"], "--lb1", production, "--lb2", staging]
            where = ["--subscription", said["subscription"], "--endpoint", said["endpoint"]]
            ran = subprocess.run(
                [*command, "swap", *pair, *where, "-y", "--no-probe", "-o", "json", *polite],
                env={**os.environ, "AZURE_ACCESS_TOKEN": "any"},
                capture_output=True,
                text=True,
                timeout=_PATIENCE_S,
                check=True,
            )
        finally:
            process.terminate()
    report: dict[str, Any] = json.loads(ran.stdout)
    return report


def main() -> int:
    """Print one row for each way to wait."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency", default="blog", help="the emulator's (blog)")
    parser.add_argument("--time-scale", type=float, default=1.0, help="the emulator's (1)")
    arguments = parser.parse_args()
    emulated = ["--latency", arguments.latency, "--time-scale", str(arguments.time_scale)]
    rows = [
        (name, growth, polite)
        for growth in ("grows", "constant")
        for name, polite in (("float", ()), ("float --polite", ("--polite",)))
    ]
    print(f"Emulated: {' '.join(emulated)}; {os.cpu_count()} cores, Python {sys.version.split()[0]}; seconds.")
    print(f"{'':<16}{'Retry-After':>12}{'outage':>9}{'whole run':>11}{'polls':>7}")
    with ThreadPoolExecutor(len(rows)) as pool:
        runs = [pool.submit(swapped, [*emulated, "--retry-after", growth], *polite) for _, growth, polite in rows]
        for (name, growth, _), run in zip(rows, runs, strict=True):
            report = run.result()
            outage, polls = report["production"]["control_plane_outage_s"], sum(one["polls"] for one in report["steps"])
            print(f"{name:<16}{growth:>12}{outage:>9.1f}{report['total_s']:>11.1f}{polls:>7}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
