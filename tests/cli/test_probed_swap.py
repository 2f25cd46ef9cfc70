"""`vipswap swap` with the probe beside it, on the emulator's data plane: what was down is enclosed by what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import PAIR, PRODUCTION_IP, STAGING_IP, STAGING_LB, Arm, Vipswap
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

WAYS = {"staging first": (), "production first": ("--float-on", "production"), "native": ("--strategy", "native")}


@pytest.fixture
def settings() -> Settings:
    return Settings(latency="blog", time_scale=0.02, data_plane=True)


@pytest.fixture(params=["refuse", "drop"])
def unattached(request: pytest.FixtureRequest) -> Iterator[Arm]:
    with EmulatorServer(Settings(latency="blog", time_scale=0.02, data_plane=True, unattached=request.param)) as server:
        yield Arm(server.endpoint)


def started(arm: Arm, *options: str, stdout: Any = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """A swap in a process of its own, so that the emulator's work is not the prober's stall."""
    line = [sys.executable, "-m", "vipswap_rest", "swap", *PAIR, "--yes", "--interval", "10ms", *options]
    environment = {
        **os.environ,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }
    return subprocess.run(
        line, env=environment, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False
    )


def swap(arm: Arm, *options: str) -> dict[str, Any]:
    """Its report."""
    ran = started(arm, "-o", "json", *options)
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def true_outages(arm: Arm, address: str) -> list[float]:
    """How long the address was down each time, by the emulator's own account."""
    events = [event for event in arm.timeline() if (event["public_ip"] or "").lower() == address.lower()]
    downs = [event["t"] for event in events if event["event"] == "data_plane_down"]
    ups = [event["t"] for event in events if event["event"] == "data_plane_up"]
    return [min(up for up in ups if up > down) - down for down in downs]


@pytest.mark.parametrize("way", WAYS)
def test_the_observed_outages_enclose_the_true_ones(unattached: Arm, way: str) -> None:
    told = swap(unattached, *WAYS[way])

    for side, address in (("production", PRODUCTION_IP), ("staging", STAGING_IP)):
        observed, true = told[side]["observed_outages"], true_outages(unattached, address)
        unseen = told[side]["undetected_upper_s"]
        assert true, side
        for length in true:
            # The swap goes on for long enough to see both ends of each.
            assert all(one["upper_s"] is not None for one in observed), observed
            held = [one for one in observed if one["lower_s"] <= length <= one["upper_s"]]
            assert held or length <= unseen, (side, true, observed, unseen)
        assert len(observed) <= len(true)


def test_an_outage_whose_lost_samples_time_out_after_the_swap_has_two_ends(tmp_path: Path) -> None:
    quick = tmp_path / "latency.json"
    quick.write_text(json.dumps({"native_swap": 0.3, "retry_after": None}))
    with EmulatorServer(Settings(latency=str(quick), data_plane=True, unattached="drop")) as server:
        told = swap(Arm(server.endpoint), *WAYS["native"])

    for side in ("production", "staging"):
        (outage,) = told[side]["observed_outages"]
        assert outage["upper_s"] is not None


def test_the_report_shows_both_downtimes_side_by_side(vipswap: Vipswap) -> None:
    ran = vipswap("swap", *PAIR, "--yes", "--interval", "10ms")

    assert ran.code == 0
    header, production, staging = (line for line in ran.out.splitlines() if "control plane" in line or " s " in line)
    assert header.split()[:3] == ["downtime", "control", "plane"]
    assert production.split()[0] == "production"
    assert staging.split()[0] == "staging"
    assert "(" in production


def test_an_address_that_does_not_answer_beforehand_is_not_observed_and_that_is_said(
    arm: Arm, vipswap: Vipswap
) -> None:
    outage = {"public_ip": STAGING_IP, "after_s": 0, "seconds": 600, "mode": "refuse"}
    requests.post(f"{arm.endpoint}/emulator/outages", json=outage, timeout=10).raise_for_status()
    while not any(event["event"] == "data_plane_down" for event in arm.timeline()):
        pass

    ran = vipswap("swap", *PAIR, "--yes", "-o", "json")

    assert ran.code == 0
    assert "staging's address does not answer beforehand" in ran.err
    assert "observed_outages" not in ran.json()["staging"]
    assert "observed_outages" in ran.json()["production"]


def test_without_the_probe_nothing_is_asked_and_nothing_observed(vipswap: Vipswap) -> None:
    told = vipswap("swap", *PAIR, "--yes", "-o", "json", "--no-probe").json()

    assert "observed_outages" not in told["production"]
    assert told["production"]["control_plane_outage_s"] > 0


def test_a_probe_url_is_asked_instead_of_the_rules_port(arm: Arm, vipswap: Vipswap) -> None:
    address = arm.state()[PRODUCTION_IP]["properties"]["ipAddress"]

    told = vipswap("swap", *PAIR, "--yes", "-o", "json", "--probe-url", f"tcp://{address}:9000").json()

    assert told["production"]["observed_outages"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("--probe-url", "nonsense"), ("--interval", "0"), ("--interval", "1ms"), ("--interval", "often")],
)
def test_a_probe_that_cannot_be_is_refused_before_anything_is_changed(
    option: str, value: str, arm: Arm, vipswap: Vipswap
) -> None:
    ran = vipswap("swap", *PAIR, "--yes", option, value)

    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert arm.requests() == []


@pytest.mark.parametrize("option", [("--interval", "0"), ("--probe-url", "nonsense"), ("--probe-url", "tcp://a:1")])
def test_what_the_probe_is_told_is_looked_at_even_where_there_is_to_be_none(
    option: tuple[str, str], arm: Arm, vipswap: Vipswap
) -> None:
    ran = vipswap("swap", *PAIR, "--yes", "--no-probe", *option)

    assert ran.code == 2
    assert arm.requests() == []


@pytest.mark.parametrize("form", ["json", "table"])
def test_a_report_that_stdout_does_not_take_changes_no_exit_code_and_is_said(form: str, arm: Arm) -> None:
    with open("/dev/full", "w") as full:
        ran = started(arm, "--no-probe", "-o", form, stdout=full)

    assert ran.returncode == 0
    assert "the result could not be written to stdout: No space left on device." in ran.stderr
    assert "Traceback" not in ran.stderr
    assert arm.holds(STAGING_LB) == PRODUCTION_IP


@pytest.mark.parametrize("extension", ["svg", "png"])
def test_the_swap_is_drawn(extension: str, tmp_path: Path, vipswap: Vipswap) -> None:
    picture = tmp_path / f"swap.{extension}"

    assert vipswap("swap", *PAIR, "--yes", "--timeline", str(picture)).code == 0

    assert picture.stat().st_size > 5_000
    if extension == "svg":
        drawn = picture.read_text()
        assert "vipswap1lb" in drawn
        assert "emulated" in drawn


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("--timeline", "swap.gif"), "svg"),
        (("--timeline", "/nowhere/swap.svg"), "/nowhere"),
        (("--timeline", "swap.svg", "--no-probe"), "--no-probe"),
    ],
    ids=["another form", "no such folder", "no probe"],
)
def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_is_changed(
    line: tuple[str, ...], words: str, arm: Arm, vipswap: Vipswap
) -> None:
    ran = vipswap("swap", *PAIR, "--yes", *line)

    assert ran.code == 2
    assert words in ran.err
    assert arm.writes() == []
