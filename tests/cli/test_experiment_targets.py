"""`vipswap experiment --targets`: flips beside swaps, each family there and back by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import NETWORK, Arm, Vipswap
from vipswap_rest.emulator.settings import Settings

TARGETS = {
    "vip": {"lb1": "vipswap1lb", "lb2": "vipswap2lb"},
    "pool": {"lb": "poolslb", "rules": ["http"], "pools": ["blue", "green"]},
    "gateway": {"gateway": "gateway", "rules": ["http"], "pools": ["blue", "green"]},
}
FEW = ("--trials", "2", "--allow-few", "--interval", "10ms", "--yes", "-g", "vipswap")


@pytest.fixture
def settings() -> Settings:
    return Settings(env="roads", latency="instant", data_plane=True)


@pytest.fixture
def targets(tmp_path: Path) -> str:
    path = tmp_path / "targets.json"
    path.write_text(json.dumps(TARGETS), encoding="utf-8")
    return str(path)


def pool_of(arm: Arm) -> str:
    rule = arm.state()[f"{NETWORK}/loadBalancers/poolslb"]["properties"]["loadBalancingRules"][0]["properties"]
    return str(rule["backendAddressPool"]["id"]).rpartition("/")[2]


def test_flips_are_compared_and_everything_lies_at_home_again(
    vipswap: Vipswap, arm: Arm, targets: str, tmp_path: Path
) -> None:
    before = arm.state()
    line = ("experiment", "--targets", targets, "--strategies", "pool,gateway", "--out", str(tmp_path / "out"), *FEW)
    ran = vipswap(*line, "-o", "json")
    assert ran.code == 0, ran.err
    told = ran.json()

    for name in ("pool", "gateway"):
        seen: dict[str, Any] = told["strategies"][name]
        assert seen["n"] == 2
        assert seen["production"]["observed"]["max"] == 0
        assert seen["production"]["takes_effect"]["n"] == 2
        assert seen["staging"]["observed"] is None
    assert told["manifest"]["targets"] == {name: TARGETS[name] for name in ("pool", "gateway")}
    assert pool_of(arm) == "blue"
    assert set(arm.state()) == set(before)
    assert "What it costs callers to switch by pool, gateway" in (tmp_path / "out" / "report.html").read_text("utf-8")

    again = vipswap("experiment", "--report", str(tmp_path / "out"), "-o", "json")
    assert again.json()["strategies"] == told["strategies"]


@pytest.mark.parametrize(
    ("told", "strategies", "said"),
    [
        ({"vip": TARGETS["vip"]}, "pool", "What pool switches is not said"),
        ({"pool": TARGETS["pool"]}, "float,pool", "--lb1 is required"),
        ({"pool": {"lb": "poolslb"}}, "pool", "'pools' is missing"),
        ({"pool": {"lb": "poolslb", "pools": ["blue"]}}, "pool", "two pools"),
        ({"pool": {"lb": 7, "pools": ["a", "b"]}}, "pool", "7 is not a name"),
        (["x"], "pool", "is not a file of targets"),
        (TARGETS, "pool,sideways", "'sideways' is not a strategy"),
    ],
    ids=str,
)
def test_what_is_not_said_is_usage(told: Any, strategies: str, said: str, vipswap: Vipswap, tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    words = ("--targets", str(path), "--strategies", strategies, "--out", str(tmp_path / "out"))

    ran = vipswap("experiment", *words, *FEW)

    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "out").exists()
