"""The prober stopped in the middle of its work: its own absence is nobody's outage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.measure.probe.server import Plan, served

STOPPED_S = 1.0


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def has_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "T"


def test_a_process_that_was_stopped_knows_nothing_of_that_time_and_calls_nothing_late() -> None:
    """Each answer takes 50 ms, so that some samples are in flight whenever the process is stopped."""
    stops: list[tuple[float, float]] = []
    # The addresses are a process of their own: a busy test is not to be late for the prober.
    with served(Plan([[], []], 60.0, [0.05, 0.05], when_asked=True)) as server:
        line = [sys.executable, "-m", "vipswap_rest", "probe", *server.urls(), "--interval", "10ms", "-o", "json"]
        with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as probe:
            server.wait_until_asked()
            for _ in range(2):
                # Some samples lie between the two.
                time.sleep(0.5)
                os.kill(probe.pid, signal.SIGSTOP)
                until(lambda: has_stopped(probe.pid))
                begin = time.monotonic()
                time.sleep(STOPPED_S)
                stops.append((begin, time.monotonic()))
                os.kill(probe.pid, signal.SIGCONT)
            time.sleep(0.5)
            probe.send_signal(signal.SIGINT)
            told: dict[str, Any] = json.loads(probe.communicate(timeout=30)[0])

    assert probe.returncode == 130
    assert told["longest_stall_s"] >= STOPPED_S * 0.99
    for address in told["addresses"]:
        assert address["observed_outages"] == []
        assert set(address["samples"]) <= {"ok", "late", "prober_error"}
        assert address["skipped"] >= 2 * 90
        assert address["undetected_upper_s"] >= STOPPED_S
        windows = [
            (told["began_monotonic_s"] + window["from_s"], told["began_monotonic_s"] + window["to_s"])
            for window in address["unknown"]
        ]
        for begin, end in stops:
            assert any(first <= begin + 0.001 and end <= last + 0.001 for first, last in windows)
