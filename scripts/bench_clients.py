"""What waiting costs: production's outage of a float swap by vipswap and by Microsoft's SDK, on equal operations.

Each meets an emulator of its own with the same seed, so that the operations last equally long. The SDK's program makes
the same writes one after the other and waits for each by its poller, as its documentation shows. The outage is the
emulator's own account: from the acceptance of the write that takes production's address off to the success of the one
that attaches it. Installs the SDK in .clients. The times are the emulator's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[1]
SDK_PROGRAM = ROOT / "tests" / "conformance" / "programs" / "sdk_swap.py"
_PATIENCE_S = 900


def vipswap(said: dict[str, Any]) -> None:
    """The swap by this project's command."""
    production, staging = said["load_balancers"]
    pair = ["-g", said["resource_group"], "--lb1", production, "--lb2", staging]
    where = ["--subscription", said["subscription"], "--endpoint", said["endpoint"], "--ca-file", said["ca_file"]]
    line = [sys.executable, "-m", "vipswap_rest", "swap", *pair, *where, "--yes", "--no-probe"]
    environment = {**os.environ, "AZURE_ACCESS_TOKEN": "any"}
    subprocess.run(line, env=environment, capture_output=True, timeout=_PATIENCE_S, check=True)


def sdk(said: dict[str, Any]) -> None:
    """The swap by a program on Microsoft's SDK."""
    line = [str(ROOT / ".clients" / "sdk" / "bin" / "python"), str(SDK_PROGRAM), "float"]
    subprocess.run(line, input=json.dumps(said), text=True, capture_output=True, timeout=_PATIENCE_S, check=True)


def outage_s(client: Any, options: list[str]) -> float:
    """Production's outage, of one swap by this client on an emulator of its own, in seconds."""
    command = [sys.executable, "-m", "vipswap_rest", "emulator", "--tls", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            client(said)
            answer = requests.get(f"{said['endpoint']}/emulator/timeline", timeout=10, verify=said["ca_file"])
        finally:
            process.terminate()
    mine = [event for event in answer.json()["events"] if (event["public_ip"] or "").endswith("vipswap1pip")]
    off = next(event["t"] for event in mine if event["event"] == "request_accepted")
    on = next(event["t"] for event in mine if event["event"] == "address_attached" and event["t"] > off)
    return float(on - off)


def main() -> int:
    """Print a row for each seed, and the medians of both clients and of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--latency", default="standard", help="the emulator's (standard)")
    parser.add_argument("--retry-after", choices=("grows", "constant"), default="grows", help="the emulator's (grows)")
    parser.add_argument("--swaps", type=int, default=10, help="swaps by each client, by seed (10)")
    arguments = parser.parse_args()
    subprocess.run([str(ROOT / "scripts" / "clients"), "sdk"], check=True)
    options = ["--latency", arguments.latency, "--retry-after", arguments.retry_after]
    print(
        f"Emulated: {' '.join(options)}; {os.cpu_count()} cores, Python {sys.version.split()[0]}; outages in seconds."
    )
    print(f"{'seed':<8}{'vipswap':>10}{'SDK':>10}{'ratio':>8}")
    rows = []
    with ThreadPoolExecutor(2) as pool:
        for seed in range(arguments.swaps):
            seeded = [*options, "--seed", str(seed)]
            own, other = pool.map(lambda client, seeded=seeded: outage_s(client, seeded), (vipswap, sdk))
            rows.append((own, other, other / own))
            print(f"{seed:<8}{own:>10.1f}{other:>10.1f}{other / own:>8.2f}", flush=True)
    own, other, ratio = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{'median':<8}{own:>10.1f}{other:>10.1f}{ratio:>8.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
