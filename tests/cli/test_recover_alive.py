"""`recover` against a swap that is still alive, in processes of their own: the recovery wins, the swap stops with 7.

The emulator's time stands still until the recovery has taken the float over; so nothing depends on who is quicker.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import requests

from tests.cli.conftest import PAIR, PRODUCTION_LB
from tests.cli.test_crash_matrix import WAYS, arrived, command, snapshot
from tests.clocks import HeldClock
from tests.methods.vip_swap.lab import exchanged
from vipswap_rest.emulator import Emulator
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import Settings

# Only what a load balancer does takes time, so that a recovery can take over while time stands still.
LATENCY = {"load_balancer_update": 1.0, "native_swap": 1.0, "retry_after": 0.1}
STUCK_S = 60.0


@contextmanager
def stage(home: Path) -> Iterator[tuple[EmulatorServer, HeldClock]]:
    """An emulator whose time stands still; `home` holds its latency file."""
    settings, clock = Settings(latency=str(home / "latency.json")), HeldClock()
    server = EmulatorServer(settings)
    server.core = Emulator(settings, clock)
    with server:
        yield server, clock


def wait_for(what: Callable[[], bool], told: str) -> None:
    until = time.monotonic() + STUCK_S
    while not what():
        assert time.monotonic() < until, f"never seen: {told}"
        time.sleep(0.01)


def writes(server: EmulatorServer, words: str = "/") -> list[str]:
    """The paths of the writes that contain `words` and were let through, in the order of their arrival."""
    return [
        entry["path"]
        for entry in arrived(server)
        if entry["method"] in ("PUT", "DELETE", "POST")
        and "/health" not in entry["path"]
        and words in entry["path"]
        and (entry["status"] or 500) < 400
    ]


def until_first_operation(server: EmulatorServer, clock: HeldClock) -> None:
    """The first write of a load balancer has been accepted, and its operation runs."""
    wait_for(lambda: bool(writes(server, "/loadBalancers/")), "the first write of a load balancer")


def until_outage(server: EmulatorServer, clock: HeldClock) -> None:
    """The write that takes production's address off has been accepted, and its operation runs."""
    wait_for(lambda: _time_passes(server, clock), "the write that opens the outage")


def _time_passes(server: EmulatorServer, clock: HeldClock) -> bool:
    if writes(server, PRODUCTION_LB):
        return True
    clock.advance(0.5)
    return False


def last_read_before_the_first_write(way: str, home: Path) -> dict[str, Any]:
    """The match of the read after which a swap sends its first write but the claim."""
    with stage(home) as (server, clock):
        clock.release()
        process = command(server.endpoint, home, "swap", *PAIR, *WAYS[way], "--yes")
        process.communicate(timeout=STUCK_S)
        sent = [(entry["method"], entry["path"]) for entry in arrived(server)]
    claim = next(index for index, (method, _) in enumerate(sent) if method == "PUT")
    first = next(index for index, (method, _) in enumerate(sent) if index > claim and method != "GET")
    method, path = sent[first - 1]
    assert method == "GET"
    return {"method": method, "path": f"{path}$", "nth": sent[:first].count((method, path))}


class Alive:
    """A swap that runs in a process of its own, up to a point, and a recovery that takes its float over there."""

    def __init__(
        self, server: EmulatorServer, clock: HeldClock, home: Path, way: str, request_timeout: int = 1
    ) -> None:
        self.server, self.clock, self.home, self.request_timeout = server, clock, home, request_timeout
        self.original = snapshot(server)
        self.swap = self._start("swap", *PAIR, *WAYS[way], "--yes")

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        return command(self.server.endpoint, self.home, *arguments, "-o", "json", request_timeout=self.request_timeout)

    def sleep(self) -> None:
        """The swap's machine goes to sleep."""
        self.swap.send_signal(signal.SIGSTOP)
        os.waitpid(self.swap.pid, os.WUNTRACED)

    def wake(self) -> None:
        """It goes on where it was."""
        self.swap.send_signal(signal.SIGCONT)

    def recover(self, recovery: str) -> subprocess.Popen[str]:
        """Start a recovery; it has the float when this returns, and nothing else if time stands still."""
        process = self._start("recover", "-g", "vipswap", f"--{recovery}")
        wait_for(lambda: len(writes(self.server, "vipswap-float-")) >= 2, "the recovery takes the float over")
        return process

    def end(self, recovering: subprocess.Popen[str], recovery: str) -> None:
        """Wait for both: the recovery has done what it says, and nobody else has written since it took over."""
        (out, err), (swap_out, swap_err) = (process.communicate(timeout=STUCK_S) for process in (recovering, self.swap))
        told = f"swap: {self.swap.returncode} {swap_out} {swap_err}\nrecovery: {recovering.returncode} {out} {err}"
        assert recovering.returncode == 0, told
        assert json.loads(out)["outcome"] == {"resume": "swapped", "rollback": "rolled_back"}[recovery], told
        wanted = exchanged(self.original) if recovery == "resume" else self.original
        assert snapshot(self.server) == wanted, told
        assert self.swap.returncode == 7, told
        assert json.loads(swap_out)["outcome"] == "refused", told
        written = writes(self.server)
        _, takeover = [index for index, path in enumerate(written) if "vipswap-float-" in path][:2]
        done = [step["resource"] for step in json.loads(out)["steps"] if step["request_id"]]
        # The step of a native swap names production's load balancer.
        after = [PRODUCTION_LB if "/setLoadBalancerFrontend" in path else path for path in written[takeover + 1 :]]
        assert after == done, told


POINTS = {"while the first operation runs": until_first_operation, "inside the outage": until_outage}
FLOAT_WAYS = ("staging first", "production first")
RECOVERIES = ("resume", "rollback")


def in_parallel(home: Path, play: Callable[..., None], *dimensions: Iterable[str]) -> None:
    (home / "latency.json").write_text(json.dumps(LATENCY))
    with ThreadPoolExecutor(3) as pool:
        for played in [pool.submit(play, home, *case) for case in product(*dimensions)]:
            played.result()


def play_awake(home: Path, way: str, point: str, recovery: str) -> None:
    with stage(home) as (server, clock):
        alive = Alive(server, clock, home, way)
        POINTS[point](server, clock)
        recovering = alive.recover(recovery)
        if point == "inside the outage":
            # It looks at the float while it polls.
            wait_for(lambda: alive.swap.poll() is not None, "the swap notices")
        clock.release()
        alive.end(recovering, recovery)


def test_a_swap_that_is_taken_over_notices_and_changes_nothing_more(tmp_path: Path) -> None:
    in_parallel(tmp_path, play_awake, FLOAT_WAYS, POINTS, RECOVERIES)


def play_asleep(home: Path, way: str, point: str, recovery: str) -> None:
    with stage(home) as (server, clock):
        alive = Alive(server, clock, home, way)
        POINTS[point](server, clock)
        alive.sleep()
        recovering = alive.recover(recovery)
        clock.release()
        wait_for(lambda: recovering.poll() is not None, "the recovery ends")
        alive.wake()
        alive.end(recovering, recovery)


def test_a_swap_that_wakes_when_it_has_been_recovered_changes_nothing_more(tmp_path: Path) -> None:
    in_parallel(tmp_path, play_asleep, FLOAT_WAYS, POINTS, RECOVERIES)


def play_before_the_first_write(home: Path, way: str, recovery: str) -> None:
    match = last_read_before_the_first_write(way, home)
    with stage(home) as (server, clock):
        fault = {"match": match, "effect": {"hang_s": 60}}
        requests.post(f"{server.endpoint}/emulator/faults", json=fault, timeout=10).raise_for_status()
        alive = Alive(server, clock, home, way)
        wait_for(
            lambda: (
                [(entry["method"], entry["path"] + "$") for entry in arrived(server)].count(
                    (match["method"], match["path"])
                )
                == match["nth"]
            ),
            "the last read before the first write",
        )
        alive.sleep()
        # What it read was true when it was read, and it reads it when it wakes.
        requests.delete(f"{server.endpoint}/emulator/faults", timeout=10).raise_for_status()
        recovering = alive.recover(recovery)
        clock.release()
        wait_for(lambda: recovering.poll() is not None, "the recovery ends")
        alive.wake()
        alive.end(recovering, recovery)


def test_a_swap_that_wakes_before_its_first_write_is_let_write_nothing(tmp_path: Path) -> None:
    in_parallel(tmp_path, play_before_the_first_write, (*FLOAT_WAYS, "native"), RECOVERIES)
