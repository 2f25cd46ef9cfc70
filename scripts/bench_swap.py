"""The swap beside what people use otherwise, in one run and one table, on emulated operations that last equally long.

    scripts/bench [--quick] [--swaps N] [--who NAME,...] [--at-once N]

Each swap meets an emulator of its own. Those of one line of a table get the same durations by the same seed; they are
jittered, because durations that are multiples of a pause flatter everybody. Installs the other clients in .clients.

    article    the article's sequence by the calls of azurerm, with its looks every 3 s and its sleeps
    sdk        azure-mgmt-network at its defaults, one poller after the other
    bound      a lower bound: one connection, everything known beforehand, a fixed poll of 0.25 s
    float      vipswap swap
    overlap    vipswap swap --strategy overlap, where ARM lets it
    native     vipswap swap --strategy native

overhead: production's outage, as the emulator's timeline has it, less the operations it consists of. whole less
them: from the first request's arrival to the last answer, less the time in which an operation ran. All medians.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "tests" / "conformance" / "programs"
POLL_S = 0.25
PATIENCE_S = 1200.0


@dataclass(frozen=True)
class Case:
    """What the emulator does: an update's seconds around `about`, Retry-After in seconds, and those of an answer."""

    about: float
    retry_after: float | None
    rtt: float

    def latency(self, seed: int) -> dict[str, Any]:
        """The durations of one swap: three updates in turn, one create, one delete."""
        draw = random.Random(f"{self.about} {seed}")
        updates = [round(self.about * draw.uniform(0.8, 1.2), 3) for _ in range(3)]
        short = {name: round(draw.uniform(0.8, 1.2), 3) for name in ("public_ip_create", "public_ip_delete")}
        return {"load_balancer_update": updates, "native_swap": updates[1], **short, "retry_after": self.retry_after}

    def __str__(self) -> str:
        asked = "none" if self.retry_after is None else f"{self.retry_after:g}"
        return f"operations of {self.about:g} s (0.8 to 1.2 times), Retry-After {asked}, {self.rtt:g} s a request"


@dataclass(frozen=True)
class Swapped:
    """One swap: seconds, requests, bytes."""

    overhead: float
    beside: float
    requests: int
    cpu: float
    memory_b: int


def own_swap(*options: str) -> Callable[[Mapping[str, Any]], tuple[list[str], str]]:
    """The command line of a swap by this project, and what is written to its stdin."""

    def line(said: Mapping[str, Any]) -> tuple[list[str], str]:
        production, staging = said["load_balancers"]
        where = ["--subscription", said["subscription"], "--endpoint", said["endpoint"], "--ca-file", said["ca_file"]]
        pair = ["-g", said["resource_group"], "--lb1", production, "--lb2", staging]
        return [sys.executable, "-m", "vipswap_rest", "swap", *pair, *where, "--yes", "--no-probe", *options], ""

    return line


def other(client: str, program: str, *words: str) -> Callable[[Mapping[str, Any]], tuple[list[str], str]]:
    """The command line of a user's program on another client, and what is written to its stdin."""

    def line(said: Mapping[str, Any]) -> tuple[list[str], str]:
        given: Any = said if client == "sdk" else {"said": said, "native": None, "scale": 1.0}
        python = ROOT / ".clients" / client / "bin" / "python"
        return [str(python), str(PROGRAMS / program), *words], json.dumps(given)

    return line


WHO: dict[str, Callable[[Mapping[str, Any]], tuple[list[str], str]]] = {
    "article": other("azurerm", "azurerm_swap.py", "article"),
    "sdk": other("sdk", "sdk_swap.py", "float"),
    "bound": lambda said: ([sys.executable, __file__, "--as-bound"], json.dumps(said)),
    "float": own_swap(),
    "overlap": own_swap("--strategy", "overlap"),
    "native": own_swap("--strategy", "native"),
}
CASES = [Case(about, asked, rtt) for about in (2.0, 31.0) for asked in (None, 10.0) for rtt in (0.0, 0.15)]


def measured(who: str, case: Case, seed: int) -> Swapped:
    """One swap on an emulator of its own. Raises RuntimeError where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        latency = Path(folder, "latency.json")
        latency.write_text(json.dumps(case.latency(seed)), encoding="utf-8")
        line = [sys.executable, "-m", "vipswap_rest", "emulator", "--tls", "--latency", str(latency)]
        line += ["--rtt", str(case.rtt), *(["--release", "accept"] if who == "overlap" else [])]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as emulator:
            try:
                assert emulator.stdout is not None
                said = json.loads(emulator.stdout.readline())
                command, given = WHO[who](said)
                cpu, memory_b = spent(command, given, said)
                return counted(who, said, cpu, memory_b)
            finally:
                emulator.terminate()


def spent(command: Sequence[str], given: str, said: Mapping[str, Any]) -> tuple[float, int]:
    """Run a command to its end: its CPU seconds, and the most memory it had in bytes."""
    environment = {**os.environ, "AZURE_ACCESS_TOKEN": "any", "REQUESTS_CA_BUNDLE": said["ca_file"]}
    environment["AZURE_RM_ENDPOINT"] = said["endpoint"]
    environment["AZURE_AUTHORITY_HOST"] = said["authority"]
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as stdin:
        stdin.write(given)
        stdin.seek(0)
        process = subprocess.Popen(command, stdin=stdin, stdout=told, stderr=told, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            told.seek(0)
            raise RuntimeError(f"{' '.join(command[:4])} ended with {status}: {told.read()[-2000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def counted(who: str, said: Mapping[str, Any], cpu: float, memory_b: int) -> Swapped:
    """What the emulator's own account says of a swap."""
    context = ssl.create_default_context(cafile=said["ca_file"])

    def told(what: str) -> Any:
        with urllib.request.urlopen(f"{said['endpoint']}/emulator/{what}", context=context) as answer:
            return json.load(answer)

    events, requests = told("timeline")["events"], told("requests")
    spans: dict[str, list[float]] = {}
    for event in events:
        if event["operation"] and event["event"] in ("request_accepted", "operation_succeeded"):
            spans.setdefault(event["operation"], []).append(event["t"])
    running = {operation: (min(times), max(times)) for operation, times in spans.items()}
    production = f"/{said['load_balancers'][0].removesuffix('lb')}pip"
    moved = [event for event in events if str(event["public_ip"]).endswith(production)]
    begun = next(event for event in moved if event["event"] == "request_accepted")
    ended = next(event for event in moved if event["event"] == "address_attached")
    within = {running[begun["operation"]], running[ended["operation"]]}
    whole = requests[-1]["t"] - requests[0]["t"]
    return Swapped(
        ended["t"] - begun["t"] - covered(within),
        whole - covered(running.values()),
        len(requests),
        cpu,
        memory_b,
    )


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The seconds in which at least one of these spans runs."""
    seconds, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        seconds += max(0.0, end - max(begin, until))
        until = max(until, end)
    return seconds


def as_bound(said: Mapping[str, Any]) -> None:
    """The least that a client can do: four writes and their polls on one connection, each read made beforehand."""
    parts = urlsplit(said["endpoint"])
    context = ssl.create_default_context(cafile=said["ca_file"])
    wire = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    group = f"/subscriptions/{said['subscription']}/resourceGroups/{said['resource_group']}/providers/Microsoft.Network"

    def ask(method: str, path: str, body: Any = None) -> tuple[Any, Mapping[str, str]]:
        wire.request(method, path, json.dumps(body) if body else None, headers)
        answer = wire.getresponse()
        text = answer.read()
        assert answer.status < 400, text
        return json.loads(text) if text else None, dict(answer.getheaders())

    def done(method: str, path: str, body: Any = None) -> None:
        _, told = ask(method, f"{path}?api-version=2024-05-01", body)
        operation = urlsplit(told["Azure-AsyncOperation"])
        while ask("GET", f"{operation.path}?{operation.query}")[0]["status"] == "InProgress":
            time.sleep(POLL_S)

    def read(path: str) -> Any:
        return ask("GET", f"{path}?api-version=2024-05-01")[0]

    production, staging = (f"{group}/loadBalancers/{name}" for name in said["load_balancers"])
    bodies = {path: read(path) for path in (production, staging)}
    held = {path: frontend(body)["publicIPAddress"]["id"] for path, body in bodies.items()}
    address = read(held[production])
    kept = {name: address["properties"][name] for name in ("publicIPAllocationMethod", "publicIPAddressVersion")}
    room = f"{group}/publicIPAddresses/boundfloat"
    done("PUT", room, {"location": address["location"], "sku": address["sku"], "properties": kept})
    for path, wanted in ((staging, room), (production, held[staging]), (staging, held[production])):
        frontend(bodies[path])["publicIPAddress"] = {"id": wanted}
        done("PUT", path, bodies[path])
    done("DELETE", room)


def frontend(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a load balancer's only frontend."""
    found: dict[str, Any] = body["properties"]["frontendIPConfigurations"][0]["properties"]
    return found


def print_table(case: Case, who: Sequence[str], swaps: int, at_once: int) -> None:
    """Measure a case, and print a line for each client."""
    print(f"\n{case}; {swaps} swaps each")
    print(f"{'':<10}{'overhead':>10}{'(range)':>16}{'whole less them':>18}{'requests':>10}{'CPU':>8}{'memory':>10}")
    with ThreadPoolExecutor(at_once) as pool:
        for name in who:
            runs = list(pool.map(lambda seed, name=name: measured(name, case, seed), range(swaps)))
            over = sorted(run.overhead for run in runs)
            middle = [statistics.median(column) for column in zip(*map(row_of, runs), strict=True)]
            spread = f"{over[0]:.2f} to {over[-1]:.2f}"
            print(
                f"{name:<10}{middle[0]:>8.2f} s{spread:>16}{middle[1]:>16.2f} s{middle[2]:>10.0f}{middle[3]:>6.2f} s"
                f"{middle[4] / 2**20:>6.0f} MiB",
                flush=True,
            )


def row_of(run: Swapped) -> tuple[float, ...]:
    """The figures of a swap, in the table's order."""
    return run.overhead, run.beside, run.requests, run.cpu, run.memory_b


def print_start_up(times: int) -> None:
    """How long the command takes to begin, as multiples of Python's own start."""

    def best(*words: str) -> float:
        took = []
        for _ in range(times):
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, check=True)
            took.append(time.perf_counter() - began)
        return min(took)

    bare = best("-c", "pass")
    print(f"\nstart-up, the best of {times}, as multiples of `python -c pass` ({bare * 1000:.0f} ms)")
    for words in ("--version", "--help", "swap --help"):
        print(f"  vipswap {words:<14}{best('-m', 'vipswap_rest', *words.split()) / bare:>6.1f}")


def print_bare(who: Sequence[str], swaps: int) -> None:
    """The client's own share: operations that take no time."""
    print(f"\noperations of no time; {swaps} swaps each, one after the other")
    for name in who:
        runs = [measured(name, Case(0.0, None, 0.0), seed) for seed in range(swaps)]
        cpu, memory_b = (statistics.median(column) for column in zip(*((r.cpu, r.memory_b) for r in runs), strict=True))
        print(f"  {name:<10}{cpu:>6.2f} s CPU{memory_b / 2**20:>6.0f} MiB")


def main() -> int:
    """Print all tables, and the conditions above them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--quick", action="store_true", help="three swaps of 2 s by all but the article's: two minutes")
    parser.add_argument("--swaps", type=int, default=20, metavar="N", help="swaps a line (20)")
    parser.add_argument("--who", default=",".join(WHO), metavar="NAME,...", help="whom to measure (all)")
    parser.add_argument("--at-once", type=int, default=4, metavar="N", help="swaps side by side (4)")
    parser.add_argument("--as-bound", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_bound:
        as_bound(json.load(sys.stdin))
        return 0
    who = [name for name in arguments.who.split(",") if not (arguments.quick and name == "article")]
    unknown = [name for name in who if name not in WHO]
    if unknown:
        parser.error(f"there is no {unknown[0]!r}; there are {', '.join(WHO)}")
    installed = {"sdk": "sdk", "article": "azurerm"}
    if wanted := [client for name, client in installed.items() if name in who]:
        subprocess.run([str(ROOT / "scripts" / "clients"), *wanted], check=True)
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}, over TLS on loopback"
    )
    print_start_up(10)
    print_bare([name for name in who if name not in ("article", "overlap")], 3)
    for case in CASES[:1] if arguments.quick else CASES:
        print_table(case, who, 3 if arguments.quick else arguments.swaps, arguments.at_once)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nload at the end {os.getloadavg()[0]:.1f}; this script itself took {most:.0f} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
