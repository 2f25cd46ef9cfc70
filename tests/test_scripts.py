"""The scripts, run as a user runs them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import SUBSCRIPTION, TENANT, Settings

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
# The article's milestones, in its order.
MILESTONES = [
    "Creating float public IP: vipswap-float-",
    "Updating staging load balancer vipswap2lb to the float public IP",
    "Waiting for staging's old public IP to be unassigned",
    "Elapsed time: ",
    "Downtime begins: updating production load balancer vipswap1lb to staging's public IP",
    "Waiting for production's old public IP to be unassigned",
    "Staging's public IP now points to the old production",
    "Elapsed time: ",
    "Updating staging load balancer vipswap2lb to production's public IP",
    "Waiting for staging load balancer to be updated",
    "VIP swap complete",
    "Downtime: ",
    "Deleting float public IP: vipswap-float-",
]
PAIR = ("-g", "vipswap", "-1", "vipswap1lb", "-2", "vipswap2lb")


def vip_swap(folder: Path, endpoint: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPTS / "vip_swap.py"), *arguments],
        cwd=folder,
        env={**os.environ, "AZURE_RM_ENDPOINT": endpoint, "AZURE_ACCESS_TOKEN": "a-token-of-the-test"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the article's config file."""
    config = {"tenantId": TENANT, "appId": "app", "appSecret": "the-secret", "subscriptionId": SUBSCRIPTION}
    (tmp_path / "azurermconfig.json").write_text(json.dumps(config), encoding="utf-8")
    return tmp_path


def test_the_timing_script_reports_the_articles_milestones_in_its_order(folder: Path) -> None:
    with EmulatorServer(Settings(latency="blog", time_scale=0.01)) as arm:
        ran = vip_swap(folder, arm.endpoint, *PAIR, "-y")

    lines = ran.stdout.splitlines()
    assert ran.returncode == 0
    assert [line[: len(start)] for line, start in zip(lines, MILESTONES, strict=True)] == MILESTONES
    assert ran.stderr == ""


def test_verbose_shows_the_requests_and_no_secret(folder: Path) -> None:
    with EmulatorServer() as arm:
        ran = vip_swap(folder, arm.endpoint, *PAIR, "-v", "-y")

    assert ran.returncode == 0
    assert "PUT /subscriptions/" in ran.stderr
    assert "a-token-of-the-test" not in ran.stdout + ran.stderr
    assert "the-secret" not in ran.stdout + ran.stderr


def test_without_y_and_a_terminal_it_does_not_swap(folder: Path) -> None:
    with EmulatorServer() as arm:
        ran = vip_swap(folder, arm.endpoint, *PAIR)
        written = [entry for entry in arm.core.requests if entry["method"] != "GET"]

    assert ran.returncode == 2
    assert "-y" in ran.stderr
    assert written == []


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"], ids=["missing", "no JSON", "a list", "empty"])
def test_a_config_file_that_is_no_use_is_named(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "azurermconfig.json").write_text(content, encoding="utf-8")

    ran = vip_swap(tmp_path, "http://127.0.0.1:9", *PAIR, "-y")

    assert ran.returncode == 2
    assert "azurermconfig.json" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_demo_shows_the_exchange_and_says_whose_times_they_are() -> None:
    line = [sys.executable, "-m", "vipswap_rest", "demo", "--time-scale", "0.01"]

    ran = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)

    assert ran.returncode == 0
    assert "every time below is the emulator's" in ran.stdout
    before, _, after = ran.stdout.partition("After:")
    held_before = dict(re.findall(r"(vipswap[12]lb) holds (127\S+)", before))
    held_after = dict(re.findall(r"(vipswap[12]lb) holds (127\S+)", after))
    assert held_before["vipswap1lb"] != held_before["vipswap2lb"]
    assert held_after == {"vipswap1lb": held_before["vipswap2lb"], "vipswap2lb": held_before["vipswap1lb"]}
    assert "the article's script: 61 s" in after
    assert "take\n51 s by themselves" in after
    assert "downtime begins" in ran.stderr


def test_the_politeness_benchmark_prints_a_row_for_each_way_to_wait() -> None:
    line = [sys.executable, str(SCRIPTS / "bench_polite.py"), "--time-scale", "0.02"]

    ran = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)

    assert ran.returncode == 0, ran.stderr
    rows = re.findall(
        r"^(float|float --polite) +(grows|constant) +([\d.]+) +([\d.]+) +(\d+)$", ran.stdout, re.MULTILINE
    )
    polls = {(name, growth): int(count) for name, growth, _, _, count in rows}
    assert len(polls) == 4
    assert polls["float --polite", "grows"] < polls["float", "grows"]
    assert all(0 < float(outage) < float(total) for _, _, outage, total, _ in rows)


def test_the_safety_benchmark_prints_both_outages_of_each_pair_side_by_side() -> None:
    line = [sys.executable, str(SCRIPTS / "bench_safety.py"), "--swaps", "1", "--time-scale", "0.01", "--bound", "1e9"]

    ran = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)

    assert ran.returncode == 0, ran.stderr
    rows = re.findall(r"^(float_on_\w+) +\d+ +([\d.]+) +([\d.]+) +[+-][\d.]+%$", ran.stdout, re.MULTILINE)
    assert [name for name, _, _ in rows] == ["float_on_staging", "float_on_production"]
    assert all(float(without) > 0 and float(full) > 0 for _, without, full in rows)
    assert "Emulated" in ran.stdout


@pytest.mark.parametrize("arguments", [(), ("nonsense",)])
def test_the_clients_script_says_which_clients_there_are(arguments: tuple[str, ...]) -> None:
    line = [str(SCRIPTS / "clients"), *arguments]

    ran = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    assert ran.returncode == 2
    assert all(name in ran.stderr for name in ("sdk", "azure-cli", "azurerm"))
