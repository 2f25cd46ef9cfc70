"""`vipswap status` asks production's address itself whether it answers."""

from __future__ import annotations

import pytest
import requests

from tests.cli.conftest import PAIR, PRODUCTION_IP, Arm, Vipswap
from vipswap_rest.emulator.settings import Settings


@pytest.fixture
def settings() -> Settings:
    return Settings(latency="instant", data_plane=True)


@pytest.fixture
def stuck(arm: Arm, vipswap: Vipswap) -> None:
    """A swap that stopped with staging on the float and production where it was."""
    faults = [
        {"match": {"method": "PUT", "path": f"{name}$", "nth": nth}, "effect": {"status": 403}, "times": 10**6}
        for name, nth in (("vipswap1lb", 1), ("vipswap2lb", 2))
    ]
    requests.post(f"{arm.endpoint}/emulator/faults", json=faults, timeout=10).raise_for_status()
    assert vipswap("swap", *PAIR, "--yes", "--request-timeout", "1").code == 6


def test_production_that_is_attached_and_answers_is_told_so(stuck: None, vipswap: Vipswap) -> None:
    (swap,) = vipswap("status", "-g", "vipswap", "-o", "json").json()["swaps"]

    assert swap["production_attached"] is True
    assert swap["production_answers"] is True
    assert "production is attached and answers." in vipswap("status", "-g", "vipswap").out


def test_production_that_is_attached_and_silent_is_told_so(stuck: None, arm: Arm, vipswap: Vipswap) -> None:
    outage = {"public_ip": PRODUCTION_IP, "after_s": 0, "seconds": 600, "mode": "refuse"}
    requests.post(f"{arm.endpoint}/emulator/outages", json=outage, timeout=10).raise_for_status()
    while not any(event["event"] == "data_plane_down" for event in arm.timeline()):
        pass

    (swap,) = vipswap("status", "-g", "vipswap", "-o", "json").json()["swaps"]

    assert swap["production_attached"] is True
    assert swap["production_answers"] is False
    assert "does NOT answer" in vipswap("status", "-g", "vipswap").out
