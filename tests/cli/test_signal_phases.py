"""A signal in each phase of a command, whatever it waits for: it ends at once, or, in an outage, when that is over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_LB, Arm, unprobed
from tests.cli.terminal import environment
from tests.measure.probe.answering import Answering
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

# Far above what ending takes, and far below what would be waited for otherwise.
SOON_S, HANGS_S = 8.0, 60
WAITS = "production is on no load balancer right now"
SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
SWAP = unprobed("swap", *PAIR, "--yes")


class Command:
    """The command in a process of its own; its stderr goes to a file, so that nobody has to read it meanwhile."""

    def __init__(self, folder: Path, env: dict[str, str], *arguments: str) -> None:
        self._said = folder / "stderr"
        self._file = self._said.open("wb")
        line = [sys.executable, "-m", "vipswap_rest", *arguments]
        self.process = subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL, stderr=self._file)

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._file.close()

    @property
    def said(self) -> str:
        return self._said.read_text()

    def ends(self, seconds: float = SOON_S) -> int:
        return self.process.wait(timeout=seconds)


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.01)


# --- before anything is known ---------------------------------------------------------------------------------------


@contextmanager
def listening(backlog: int) -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(backlog)
        yield server


@contextmanager
def full() -> Iterator[tuple[str, Callable[[], bool]]]:
    """A server whose queue is full, so that no connection to it is made."""
    with listening(0) as server:
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            with suppress(BlockingIOError):
                one.connect(server.getsockname())
        port = server.getsockname()[1]
        ours = connecting(port)
        assert ours
        try:
            yield f"http://127.0.0.1:{port}", lambda: connecting(port) > ours
        finally:
            for one in waiting:
                one.close()


def connecting(port: int) -> int:
    """How many are connecting to a port of this machine (SYN_SENT is state 02 of the kernel's table)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "02" for row in rows)


@contextmanager
def silent(scheme: str) -> Iterator[tuple[str, Callable[[], bool]]]:
    """A server that takes connections and says nothing on them."""
    with listening(5) as server:
        server.settimeout(60)
        taken: list[socket.socket] = []

        def asked() -> bool:
            taken.append(server.accept()[0])
            return bool(taken[-1].recv(1))

        try:
            yield f"{scheme}://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            for one in taken:
                one.close()


SERVERS = {
    "that does not connect": full,
    "without TLS": lambda: silent("https"),
    "without answer": lambda: silent("http"),
}
VERBS = {
    "swap": SWAP,
    "plan": ("plan", *PAIR),
    "status": ("status", "-g", "vipswap"),
    "recover": ("recover", "-g", "vipswap"),
    "login-info": ("login-info",),
    "experiment": ("experiment", *PAIR, "--yes", "--trials", "2", "--allow-few", "--out", "out"),
}


@SIGNALS
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS.keys())
def test_a_signal_ends_the_wait_for_a_server(server: Any, times: int, number: signal.Signals, tmp_path: Path) -> None:
    with server() as (endpoint, met):
        with Command(tmp_path, environment(Arm(endpoint)), *SWAP, "--request-timeout", "600") as command:
            until(met)
            for _ in range(times):
                command.process.send_signal(number)

            assert command.ends() == 130
        assert "Nothing was changed." in command.said
        assert "Traceback" not in command.said


@pytest.mark.parametrize("verb", VERBS)
def test_a_signal_ends_each_verb_that_waits_for_an_answer(verb: str, tmp_path: Path) -> None:
    with silent("http") as (endpoint, asked):
        env = environment(Arm(endpoint))
        if verb == "login-info":
            # It asks ARM only which subscription there is.
            env = {name: text for name, text in env.items() if name != "AZURE_SUBSCRIPTION_ID"}
        with Command(tmp_path, env, *VERBS[verb], "--request-timeout", "600") as command:
            until(asked)
            command.process.send_signal(signal.SIGTERM)

            assert command.ends() == 130
        assert "Interrupted by SIGTERM." in command.said
        assert "Traceback" not in command.said


def logging_in(**variables: str) -> dict[str, str]:
    env = {name: text for name, text in os.environ.items() if not name.startswith(("AZURE_", "IDENTITY_", "MSI_"))}
    return {
        **env,
        "AZURE_RM_ENDPOINT": "https://management.azure.com",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        **variables,
    }


@SIGNALS
def test_a_signal_ends_the_wait_for_az_and_az_with_all_it_started(number: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "az"
    script.write_text(f"#!/bin/sh\n/bin/sleep {HANGS_S} &\necho $! > {tmp_path}/child\nwait\n")
    script.chmod(0o755)
    env = logging_in(PATH=str(tmp_path), AZURE_TOKEN_CREDENTIALS="dev")
    with Command(tmp_path, env, "plan", *PAIR) as command:
        until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip())
        command.process.send_signal(number)

        assert command.ends() == 130
    child = int((tmp_path / "child").read_text())
    until(lambda: not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text())
    assert "Traceback" not in command.said


@SIGNALS
def test_a_signal_ends_the_wait_for_a_token_service(number: signal.Signals, tmp_path: Path) -> None:
    with silent("https") as (authority, asked):
        env = logging_in(
            AZURE_TENANT_ID="tenant", AZURE_CLIENT_ID="id", AZURE_CLIENT_SECRET="secret", AZURE_AUTHORITY_HOST=authority
        )
        with Command(tmp_path, env, "plan", *PAIR) as command:
            until(asked)
            command.process.send_signal(number)

            assert command.ends() == 130
    assert "Traceback" not in command.said


# --- at each request of a run ---------------------------------------------------------------------------------------


class Hanging:
    """An emulator that does the request of some number, of those to come, and does not answer it until let go."""

    def __init__(self, arm: Arm, nth: int, **match: str) -> None:
        self.arm = arm
        self._number = len(arm.requests()) + nth
        fault = {"match": {"nth": nth, **match}, "effect": {"hang_s": HANGS_S}}
        requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10).raise_for_status()

    def hangs(self) -> bool:
        seen = self.arm.requests()
        return len(seen) >= self._number and seen[self._number - 1]["status"] is not None

    def let_go(self) -> None:
        requests.delete(f"{self.arm.endpoint}/emulator/faults", timeout=10).raise_for_status()

    def attached(self) -> bool:
        return PRODUCTION_IP in (self.arm.holds(PRODUCTION_LB), self.arm.holds(STAGING_LB))


def requests_of(arguments: tuple[str, ...], prepare: Callable[[Arm], None] = lambda arm: None) -> list[str]:
    """The methods of the requests that a command sends where nothing is in its way."""
    with EmulatorServer(Settings(latency="instant")) as server:
        arm = Arm(server.endpoint)
        prepare(arm)
        before = len(arm.requests())
        line = [sys.executable, "-m", "vipswap_rest", *arguments]
        subprocess.run(line, env=environment(arm), capture_output=True, timeout=60, check=True)
        return [entry["method"] for entry in arm.requests()[before:]]


def left_half_way(arm: Arm) -> None:
    """A swap whose client was killed in its outage."""
    fault = {"match": {"method": "PUT", "path": "/loadBalancers/vipswap1lb"}, "effect": {"hang_s": HANGS_S}}
    requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10).raise_for_status()
    line = [sys.executable, "-m", "vipswap_rest", *SWAP, "--request-timeout", "1"]
    with subprocess.Popen(line, env=environment(arm), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: any(write.startswith("PUT") and "vipswap1lb" in write for write in arm.writes()))
        process.kill()
    requests.delete(f"{arm.endpoint}/emulator/faults", timeout=10).raise_for_status()


RUNS: dict[str, tuple[tuple[str, ...], Callable[[Arm], None]]] = {
    "swap": (SWAP, lambda arm: None),
    "native": ((*SWAP, "--strategy", "native"), lambda arm: None),
    "recover": (("recover", "-g", "vipswap"), left_half_way),
}


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("run", RUNS)
def test_a_signal_at_any_request_ends_it_with_130_and_production_attached(run: str, times: int, tmp_path: Path) -> None:
    """At every fifth request and every write's next, or with VIPSWAP_LONG every one; a second signal may leave
    production off, and says so."""
    arguments, prepare = RUNS[run]
    waited = []
    methods = requests_of(arguments, prepare)
    every = bool(os.environ.get("VIPSWAP_LONG"))
    for nth in range(1, len(methods) + 1):
        after_a_write = nth > 1 and methods[nth - 2] != "GET"
        if not (every or after_a_write or nth % 5 == 2):
            continue
        with EmulatorServer(Settings(latency="instant")) as server:
            arm = Arm(server.endpoint)
            prepare(arm)
            hanging, env = Hanging(arm, nth), environment(arm)
            with Command(tmp_path, env, *arguments, "--request-timeout", str(HANGS_S)) as command:
                until(hanging.hangs)
                command.process.send_signal(signal.SIGINT)
                until(lambda: command.process.poll() is not None or WAITS in command.said, SOON_S)
                if WAITS in command.said:
                    waited.append(nth)
                    # Only an outage is a reason to wait, or a write that has been sent and takes production off.
                    sent = ("downtime begins", "production's load balancer takes", "exchange both addresses")
                    assert any(words in command.said for words in sent) or run == "recover"
                if times == 2:
                    command.process.send_signal(signal.SIGTERM)
                elif WAITS in command.said:
                    assert command.process.poll() is None
                    hanging.let_go()
                code = command.ends()
            assert code == 130, (nth, command.said)
            assert "Traceback" not in command.said
            # A recovery that has done nothing yet leaves production as it found it.
            untouched = run == "recover" and "Nothing was changed." in command.said
            kept = times == 1 and (run != "recover" or nth in waited)
            assert hanging.attached() or not kept, (nth, command.said)
            assert hanging.attached() or untouched or "vipswap recover" in command.said, (nth, command.said)
    assert waited


# --- measuring ------------------------------------------------------------------------------------------------------


@SIGNALS
def test_a_signal_while_a_report_is_computed_ends_it_with_130(number: signal.Signals, tmp_path: Path) -> None:
    # Who reads a pipe that nobody writes to waits.
    os.mkfifo(tmp_path / "manifest.json")
    written: list[int] = []
    with Command(tmp_path, dict(os.environ), "experiment", "--report", str(tmp_path)) as command:
        until(lambda: opened(tmp_path / "manifest.json", written))
        command.process.send_signal(number)

        assert command.ends() == 130
    os.close(written[0])
    assert "Traceback" not in command.said


def opened(pipe: Path, written: list[int]) -> bool:
    """Whether somebody reads the pipe; its other end is kept open then."""
    with suppress(OSError):
        written.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    return bool(written)


@SIGNALS
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_ends_a_probe_with_130(times: int, number: signal.Signals, tmp_path: Path) -> None:
    with Answering() as server, Command(tmp_path, dict(os.environ), "probe", server.url, "--duration", "5m") as command:
        until(lambda: server.answered > 3)
        for _ in range(times):
            command.process.send_signal(number)

        assert command.ends() == 130
    assert "Traceback" not in command.said
