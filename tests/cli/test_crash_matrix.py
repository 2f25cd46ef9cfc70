"""The crash matrix: a real process, killed with SIGKILL at a request of a swap, and recovered by a fresh one.

A cell is a way to swap, a request, what has become of the request when the process dies, and a way to recover. In the
suite: every fate of every write, and of one read of each phase, with one of the two ways to recover, in turn.
VIPSWAP_LONG=1: every fate of every request, with both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import PAIR, unprobed
from tests.methods.vip_swap.lab import exchanged, without_server_set
from tests.switchover.replaying import what_replays_otherwise
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

WAYS = {
    "overlap": ("--strategy", "overlap"),
    "staging first": ("--float-on", "staging"),
    "production first": ("--float-on", "production"),
    "native": ("--strategy", "native"),
}
# Where the process dies: while the request is on its way and is then dropped, or lands although its client is dead;
# when it is done and not answered; when it is answered and nothing else was sent yet.
FATES: dict[str, dict[str, Any] | None] = {
    "dropped": {"hang_s": 60, "before": True},
    "zombie": {"hang_s": 60, "before": True, "zombie": True},
    "done": {"hang_s": 60},
    "answered": None,
}
LONG = os.environ.get("VIPSWAP_LONG") == "1"
SETTINGS = Settings(latency="standard", time_scale=0.02, seed=7, release="accept")


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix: `number` is the request's, from 1."""

    way: str
    number: int
    fate: str
    recovery: str


def command(endpoint: str, home: Path, *arguments: str, request_timeout: int = 1) -> subprocess.Popen[str]:
    """`vipswap` in a process of its own that knows nothing but its environment."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "HOME": str(home),
        "AZURE_RM_ENDPOINT": endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }
    line = [sys.executable, "-m", "vipswap_rest", *unprobed(*arguments), "--request-timeout", str(request_timeout)]
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def snapshot(server: EmulatorServer) -> dict[str, dict[str, Any]]:
    found = requests.get(f"{server.endpoint}/emulator/state", timeout=10).json()["resources"]
    return {body["id"]: without_server_set(body) for body in found}


def arrived(server: EmulatorServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(f"{server.endpoint}/emulator/requests", timeout=10).json()
    return found


def kill_at(server: EmulatorServer, cell: Cell, home: Path, events: Path) -> None:
    """Run the swap until the cell's request, and kill it there."""
    effect = FATES[cell.fate]
    # Killed after an answer means: before the next request is done, which is then dropped.
    number, effect = (cell.number, effect) if effect else (cell.number + 1, FATES["dropped"])
    fault = {"match": {"nth": number}, "effect": effect}
    requests.post(f"{server.endpoint}/emulator/faults", json=fault, timeout=10).raise_for_status()
    process = command(server.endpoint, home, "swap", *PAIR, *WAYS[cell.way], "--yes", "--events", str(events))
    while process.poll() is None:
        seen = arrived(server)
        if len(seen) >= number and (cell.fate != "done" or seen[number - 1]["status"] is not None):
            process.kill()
            break
        time.sleep(0.02)
    process.communicate(timeout=60)
    requests.delete(f"{server.endpoint}/emulator/faults", timeout=10).raise_for_status()


def play(cell: Cell, home: Path) -> str | None:
    """Play one cell; what is wrong about its end, or about what its events replay to, or None."""
    killed, recovered = (home / f"{name}-{uuid.uuid4()}.jsonl" for name in ("killed", "recovered"))
    with EmulatorServer(SETTINGS) as server:
        original = snapshot(server)
        kill_at(server, cell, home, killed)
        line = ("recover", "-g", "vipswap", f"--{cell.recovery}", "-o", "json", "--events", str(recovered))
        process = command(server.endpoint, home, *line)
        out, err = process.communicate(timeout=120)
        now = snapshot(server)
        if process.returncode != 0:
            return f"{cell}: recover exited {process.returncode}: {err}"
        wanted = {
            "swapped": [exchanged(original)],
            "rolled_back": [original],
            # The process died before the float was there, or when its deletion had been accepted.
            "nothing_to_do": [original, exchanged(original)],
        }
        told = json.loads(out)
        if now not in wanted[told["outcome"]]:
            return f"{cell}: {out} {err} {now}"
        return what_replays_otherwise(killed, None) or what_replays_otherwise(recovered, told)


def kills(way: str, home: Path) -> Iterator[tuple[int, str]]:
    """The requests to kill a swap at, and their fates: every write and the first read after one, or every request."""
    with EmulatorServer(SETTINGS) as server:
        process = command(server.endpoint, home, "swap", *PAIR, *WAYS[way], "--yes")
        process.communicate(timeout=60)
        entries = arrived(server)
    assert process.returncode == 0
    # Asking for a rule's health is a POST, too, and changes nothing.
    reads = [entry["method"] == "GET" or entry["path"].endswith("/health") for entry in entries]
    for number, read in enumerate(reads, 1):
        first = number == 1 or not reads[number - 2]
        for fate in FATES:
            if LONG or not read or first:
                yield number, fate


@pytest.mark.parametrize("recovery", ["resume", "rollback"])
@pytest.mark.parametrize("way", WAYS)
def test_whenever_it_is_killed_a_fresh_process_brings_it_to_an_end(way: str, recovery: str, tmp_path: Path) -> None:
    cells = [Cell(way, number, fate, recovery) for number, fate in kills(way, tmp_path)]
    if not LONG:
        turn = recovery == "rollback"
        cells = [cell for index, cell in enumerate(cells) if (index // len(FATES) + index) % 2 == turn]
    assert len(cells) >= 12

    with ThreadPoolExecutor(4) as pool:
        wrong = [problem for problem in pool.map(lambda cell: play(cell, tmp_path), cells) if problem]

    assert wrong == []
    print(f"{len(cells)} cells")
