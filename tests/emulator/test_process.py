"""`vipswap emulator` as a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.stage import LB1
from tests.emulator.wire import PATIENCE_S, Connection, Process, check_end, command, once, process, wait_for_request

KEYS = [
    "endpoint",
    "subscription",
    "tenant",
    "authority",
    "client_id",
    "client_secret",
    "ca_file",
    "resource_group",
    "load_balancers",
]


def test_it_prints_exactly_one_line_of_json_that_says_where_it_is() -> None:
    with process() as emulator:
        said = emulator.said
        status, body = once(said["endpoint"], "GET", LB1)
        code, _, out, err = emulator.end()

    assert list(said) == KEYS
    assert (said["resource_group"], said["load_balancers"]) == ("vipswap", ["vipswap1lb", "vipswap2lb"])
    assert said["ca_file"] is None
    assert emulator.line == json.dumps(said) + "\n"
    assert (status, body["id"], code, out, err) == (200, LB1, 0, "", "")
    assert LB1.startswith(f"/subscriptions/{said['subscription']}/resourceGroups/{said['resource_group']}/")


def test_with_nothing_in_it_there_are_no_load_balancers_to_name() -> None:
    with process("--env", "none") as emulator:
        assert emulator.said["load_balancers"] == []
        assert once(emulator.endpoint, "GET", "/emulator/state")[1] == {"resources": []}


@contextlib.contextmanager
def idle(emulator: Process) -> Iterator[None]:
    yield


@contextlib.contextmanager
def kept_connection(emulator: Process) -> Iterator[None]:
    with Connection(emulator.endpoint) as connection:
        connection.ask("GET", LB1)
        connection.answer()
        yield


@contextlib.contextmanager
def request_under_way(emulator: Process) -> Iterator[None]:
    fault = {"match": {"path": "vipswap1lb"}, "effect": {"hang_s": 600}}
    once(emulator.endpoint, "POST", "/emulator/faults", fault)
    with Connection(emulator.endpoint) as connection:
        connection.ask("GET", LB1)
        wait_for_request(emulator.endpoint, LB1)
        yield


@contextlib.contextmanager
def half_a_request(emulator: Process) -> Iterator[None]:
    with Connection(emulator.endpoint) as connection:
        connection.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        once(emulator.endpoint, "GET", LB1)
        yield


@pytest.mark.parametrize("busy", [idle, kept_connection, request_under_way, half_a_request])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_a_second_of_a_signal_whatever_is_going_on(busy: Any, number: signal.Signals) -> None:
    check_end(busy, number)


def test_garbage_on_the_socket_is_nothing_to_speak_of() -> None:
    with process() as emulator:
        for data in (
            b"garbage\r\n\r\n",
            b"\x16\x03\x01\x02\x00",
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        ):
            with Connection(emulator.endpoint) as connection:
                connection.send(data)
                assert connection.rest().startswith(b"HTTP/1.0 400 ")
        code, _, out, err = emulator.end()

    assert (code, out, err) == (0, "", "")


BAD_FLAGS = {
    ("--port", "65536"): "port",
    ("--port", "-1"): "port",
    ("--port", "http"): "--port",
    ("--latency", "nosuchprofile"): "nosuchprofile",
    ("--time-scale", "-1"): "time_scale",
    ("--time-scale", "nan"): "time_scale",
    ("--time-scale", "fast"): "--time-scale",
    ("--env", "prod"): "--env",
    ("--release", "never"): "--release",
    ("--native", "maybe"): "--native",
    ("--if-none-match", "x"): "--if-none-match",
    ("--seed", "x"): "--seed",
    ("--data-plane-down", "never"): "--data-plane-down",
    ("--data-plane-up", "never"): "--data-plane-up",
    ("--unattached", "x"): "--unattached",
    ("--established", "x"): "--established",
    ("--client-certificate", "/nowhere.pem"): "/nowhere.pem",
    ("--vip-pool", "10.0.0.0/8"): "vip_pool",
    ("--vip-pool", "127.0.0.0/8"): "vip_pool",
    ("--no-such-flag",): "--no-such-flag",
}


@pytest.mark.parametrize(("flags", "named"), BAD_FLAGS.items(), ids=" ".join)
def test_a_bad_flag_is_refused_with_one_sentence_that_names_it(flags: tuple[str, ...], named: str) -> None:
    ran = run(*flags)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr
    (sentence,) = [line for line in ran.stderr.splitlines() if line.startswith("vipswap") and ": " in line]
    assert named in sentence


def test_a_bad_latency_file_is_refused_with_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "latency.json"
    file.write_text('{"native": 1}', encoding="utf-8")

    ran = run("--latency", str(file))

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"vipswap: The latency file {file} has an unknown key 'native'")


def test_a_port_that_is_taken_is_refused() -> None:
    with process() as emulator:
        ran = run("--port", emulator.endpoint.rsplit(":", 1)[1])

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "cannot listen on port" in ran.stderr


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(
        command(*flags), capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment
    )
