"""`vipswap flip` in a process of its own: what it measures encloses what was, and it survives its death and signals."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import NETWORK, Arm, Vipswap
from tests.switchover.replaying import what_replays_otherwise
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

POOL = ("-g", "vipswap", "--lb", "poolslb", "--rule", "http")
GATEWAY = ("-g", "vipswap", "--gateway", "gateway", "--rule", "http")
LB, GW = f"{NETWORK}/loadBalancers/poolslb", f"{NETWORK}/applicationGateways/gateway"
LONG = os.environ.get("VIPSWAP_LONG") == "1"


@pytest.fixture
def settings() -> Settings:
    return Settings(env="roads", latency="instant")


@contextmanager
def emulated(folder: Path, seconds: float = 0.15, **more: Any) -> Iterator[Arm]:
    """An emulator with a data plane, whose flips take that long."""
    file = folder / "latency.json"
    file.write_text(json.dumps({"pool_update": seconds, "gateway_update": seconds}), encoding="utf-8")
    with EmulatorServer(Settings(env="roads", latency=str(file), data_plane=True, **more)) as server:
        yield Arm(server.endpoint)


def begun(arm: Arm, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }
    line = [sys.executable, "-m", "vipswap_rest", "flip", *arguments, "--yes"]
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def flipped(arm: Arm, *arguments: str) -> dict[str, Any]:
    process = begun(arm, *arguments, "-o", "json", "--interval", "10ms")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    told: dict[str, Any] = json.loads(out)
    return told


def sent_at(events: Path) -> float:
    """When the PUT was sent, monotonic seconds."""
    lines = [json.loads(line) for line in events.read_text(encoding="utf-8").splitlines()]
    at = next(number for number, line in enumerate(lines) if line.get("action") == "perform")
    return float(next(line for line in lines[at:] if line["event"] == "answered")["answers"][0]["sent"])


def pool_of(arm: Arm) -> str:
    rule = arm.state()[LB]["properties"]["loadBalancingRules"][0]["properties"]
    return str(rule["backendAddressPool"]["id"]).rpartition("/")[2]


@pytest.mark.parametrize(("what", "resource"), [(POOL, LB), (GATEWAY, GW)], ids=["pool", "gateway"])
def test_no_sample_fails_and_the_bounds_enclose_when_it_took_effect(
    what: tuple[str, ...], resource: str, tmp_path: Path
) -> None:
    with emulated(tmp_path) as arm:
        for number in range(20 if LONG else 4):
            to, events = ("green", "blue")[number % 2], tmp_path / f"{number}.jsonl"
            told = flipped(arm, *what, "--to", to, "--events", str(events))
            changes = [one for one in arm.timeline() if one["event"] == "data_plane_changed" and one["port"] == 9000]
            mine = [one["t"] for one in changes if str(one["resource"]).startswith(resource)]
            truth = mine[-1] - sent_at(events)
            seen = told["production"]
            assert seen["observed_outages"] == []
            assert seen["takes_effect_s"]["lower"] <= truth <= seen["takes_effect_s"]["upper"]
            assert seen["mixed_s"]["lower"] == 0
            assert what_replays_otherwise(events, told) is None


def test_the_outage_of_a_cold_pool_is_seen_and_enclosed(tmp_path: Path) -> None:
    with emulated(tmp_path, cold_pool_s=0.8) as arm:
        # Without the staging rule no rule uses the pool.
        arm.change(LB, lambda body: body["properties"]["loadBalancingRules"].pop())
        events = tmp_path / "cold.jsonl"
        told = flipped(arm, *POOL, "--to", "green", "--events", str(events), "--timeline", str(tmp_path / "cold.svg"))
        found = [one for one in arm.timeline() if one["event"] in ("data_plane_down", "data_plane_up")]
        ((down, up),) = [(one["t"], other["t"]) for one, other in zip(found[-2:], found[-1:], strict=False)]

    (outage,) = told["production"]["observed_outages"]
    takes = told["production"]["takes_effect_s"]
    assert outage["lower_s"] <= up - down <= outage["upper_s"]
    assert takes["lower"] <= up - sent_at(events) <= takes["upper"]
    assert (tmp_path / "cold.svg").stat().st_size > 1000


@pytest.mark.parametrize("fate", ["dropped", "zombie", "done"])
def test_a_flip_that_is_killed_at_its_write_is_finished_by_the_same_line(fate: str, tmp_path: Path) -> None:
    effect = {"hang_s": 60, **({} if fate == "done" else {"before": True}), "zombie": fate == "zombie"}
    with EmulatorServer(Settings(env="roads", latency="standard", time_scale=0.1)) as server:
        arm = Arm(server.endpoint)
        if fate != "zombie":
            del effect["zombie"]
        fault = {"match": {"method": "PUT"}, "effect": effect}
        requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10).raise_for_status()
        process = begun(arm, *POOL, "--to", "green", "--no-probe", "--events", str(tmp_path / "killed.jsonl"))
        while process.poll() is None and not any(one["method"] == "PUT" for one in arm.requests()):
            time.sleep(0.02)
        time.sleep(0.1)
        process.kill()
        _, said = process.communicate(timeout=20)
        requests.delete(f"{arm.endpoint}/emulator/faults", timeout=10).raise_for_status()

        again = begun(arm, *POOL, "--to", "green", "--no-probe", "-o", "json")
        out, err = again.communicate(timeout=60)
        assert again.returncode == 0, err
        assert json.loads(out)["outcome"] in ("swapped", "nothing_to_do")
        assert pool_of(arm) == "green"

        back = next(line for line in said.splitlines() if line.startswith("to go back: "))
        words = shlex.split(back.partition("vipswap flip ")[2])
        _, err = (gone := begun(arm, *words, "--no-probe")).communicate(timeout=60)
        assert gone.returncode == 0, err
        assert pool_of(arm) == "blue"
    assert what_replays_otherwise(tmp_path / "killed.jsonl", None) is None


def test_a_signal_ends_it_with_the_truth_and_the_line_that_goes_on(tmp_path: Path) -> None:
    with emulated(tmp_path, seconds=5.0) as arm, begun(arm, *POOL, "--to", "green", "--no-probe") as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if "lead the rules" in line:
                time.sleep(0.5)
                process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        told = "".join(said)

    assert process.returncode == 130, told
    assert "Traceback" not in told
    assert "http leads to green" in told
    assert "vipswap flip --subscription" in told.rpartition("Interrupted")[2]


def test_plan_looks_only(vipswap: Vipswap, arm: Arm) -> None:
    ran = vipswap("flip", *POOL, "--to", "green", "--plan", "-o", "json")

    told = ran.json()
    assert ran.code == 0
    assert [step["name"] for step in told["steps"]] == ["flip"]
    assert [finding["code"] for finding in told["findings"]] == ["OutboundFollows"]
    assert vipswap("flip", *POOL, "--to", "purple", "--plan").code == 4
    assert arm.writes() == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-g", "vipswap", "--lb", "poolslb"], 2, "--to"),
        (["-g", "vipswap", "--to", "green"], 2, "--lb"),
        (["-g", "vipswap", "--lb", "a", "--gateway", "b", "--to", "green"], 2, "Name either"),
        (["-g", "vipswap", "--lb", "poolslb", "--to", "green"], 2, "several pools: blue, green"),
        (["-g", "vipswap", "--lb", "pools/lb", "--to", "green"], 2, "an invalid name"),
        (["--lb", "poolslb", "--to", "green"], 2, "Add -g GROUP"),
        (["-g", "vipswap", "--lb", "nosuchlb", "--to", "green"], 3, "nosuchlb"),
        (["-g", "vipswap", "--lb", f"{NETWORK}/publicIPAddresses/x", "--to", "green"], 2, "not of a load balancer"),
        ([*POOL, "--rule", "nope", "--to", "green"], 3, "There is no rule 'nope'"),
        ([*POOL, "--to", "purple"], 4, "There is no pool purple"),
        ([*POOL, "--to", "green", "--to-settings", "x"], 2, "--gateway"),
        ([*GATEWAY, "--to", "green", "--to-settings", "x"], 4, "There is no HTTP settings x"),
        ([*GATEWAY, "--to", "purple"], 4, "There is no pool purple"),
        ([*POOL, "--to", "green", "--ignore", "Nonsense"], 2, "no finding 'Nonsense'"),
        ([*POOL, "--to", "green", "--timeline", "x.svg"], 2, "--timeline"),
        ([*POOL, "--to", "green", "--events", "/nosuch/file"], 2, "cannot be written"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_bad_input_is_one_sentence(words: list[str], code: int, said: str, vipswap: Vipswap, arm: Arm) -> None:
    ran = vipswap("flip", *words, "--yes", "--no-probe")

    assert ran.code == code, ran.err
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert arm.writes() == []


def test_without_a_terminal_it_does_not_ask(vipswap: Vipswap, arm: Arm) -> None:
    ran = vipswap("flip", *POOL, "--to", "green", "--no-probe")

    assert ran.code == 2
    assert arm.writes() == []


def test_it_flips_prints_how_to_go_back_and_does_nothing_again(vipswap: Vipswap) -> None:
    ran = vipswap("flip", *POOL, "--to", "green", "--yes", "--no-probe")
    assert ran.code == 0
    assert "http leads to green (led to blue)" in ran.out
    assert "to go back: vipswap flip" in ran.err

    ran = vipswap("flip", *POOL, "--to", "green", "--yes", "--no-probe", "-o", "json")
    assert (ran.code, ran.json()["outcome"]) == (0, "nothing_to_do")
    assert (
        vipswap("flip", *GATEWAY, "--to", "green", "--yes", "--no-probe", "-o", "json").json()["strategy"] == "gateway"
    )
