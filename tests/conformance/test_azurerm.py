"""The article's library, azurerm, unmodified, against `vipswap emulator --tls`, making the script's calls."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PRODUCTION_IP, STAGING_IP
from tests.conformance.exchange import Emulated, check, check_state, emulated
from tests.conformance.installed import PROGRAMS, client
from tests.conformance.login_proxy import LOGIN, login_proxy

pytestmark = [
    pytest.mark.azurerm,
    pytest.mark.skipif(os.environ.get("VIPSWAP_CLIENTS") != "1", reason="VIPSWAP_CLIENTS=1 installs azurerm"),
]
PATIENCE_S = 120
LONG = os.environ.get("VIPSWAP_LONG") == "1"
SCALES = [
    0.05,
    pytest.param(1.0, marks=[pytest.mark.slow, pytest.mark.skipif(not LONG, reason="VIPSWAP_LONG=1: 90 s")]),
]
# What the article's script printed: elapsed after its first and its second update, downtime, total.
ARTICLE = (26, 59, 61, 88)
# What its operations took, and the two of them that make the downtime.
UPDATES = (22.5, 28.5, 22.5)
DOWNTIME_S = 51.0
# A swap may add so much to them, of which 2 % of each is how close it looks.
ADDED_S = 1.2


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has azurerm."""
    return client("azurerm") / "python"


def as_published(emulator: Emulated, allocation: str) -> None:
    """Make the load balancers and addresses Basic, as the article's were: azurerm creates no other address."""
    changed = []
    for body in copy.deepcopy(emulator.before).values():
        if "sku" in body and "virtualMachineScaleSets" not in body["id"]:
            body["sku"] = {"name": "Basic", "tier": "Regional"}
            # A Basic load balancer has no outbound rules and says nothing of SNAT.
            body["properties"].pop("outboundRules", None)
            for rule in body["properties"].get("loadBalancingRules", ()):
                rule["properties"].pop("disableOutboundSnat")
            if "publicIPAllocationMethod" in body["properties"]:
                body["properties"]["publicIPAllocationMethod"] = allocation
            changed.append(body)
    emulator.arm.seed(*changed)
    emulator.note()


def run(python: Path, emulator: Emulated, way: str, scale: float = 1.0) -> Any:
    with login_proxy(emulator.said["endpoint"]) as (proxy, asked):
        environment = {
            **os.environ,
            "AZURE_RM_ENDPOINT": emulator.said["endpoint"],
            "HTTPS_PROXY": proxy,
            "NO_PROXY": "127.0.0.1",
            "REQUESTS_CA_BUNDLE": emulator.said["ca_file"],
            # What it imports is older than this Python's warnings about it.
            "PYTHONWARNINGS": "ignore",
        }
        ran = subprocess.run(
            [str(python), str(PROGRAMS / "azurerm_swap.py"), way],
            input=json.dumps({"said": emulator.said, "native": emulator.native_body(), "scale": scale}),
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    assert set(asked) == {LOGIN}
    return json.loads(ran.stdout)


@pytest.mark.parametrize(("way", "allocation"), [("float", "Dynamic"), ("float", "Static"), ("native", "Static")])
def test_azurerm_exchanges_the_addresses(way: str, allocation: str, python: Path, tmp_path: Path) -> None:
    with emulated(tmp_path) as emulator:
        as_published(emulator, allocation)
        said = run(python, emulator, way)
        wait_until_deleted(emulator)

        check(emulator, way == "native", "azurerm/")
    assert said["before"] == {"vipswap1lb": PRODUCTION_IP, "vipswap2lb": STAGING_IP}
    assert said["after"] == {"vipswap1lb": STAGING_IP, "vipswap2lb": PRODUCTION_IP}


@pytest.mark.parametrize("scale", SCALES)
def test_the_articles_own_sequence_runs_to_its_end_and_takes_as_long_as_it_did(
    scale: float, python: Path, tmp_path: Path
) -> None:
    with emulated(tmp_path, "--latency", "blog", "--time-scale", str(scale)) as emulator:
        as_published(emulator, "Dynamic")
        said = run(python, emulator, "article", scale)
        wait_until_deleted(emulator)

        check(emulator, False, "azurerm/")
    assert said["after"] == {"vipswap1lb": STAGING_IP, "vipswap2lb": PRODUCTION_IP}
    figures = [figure / scale for figure in said["figures"]]
    print(f"The article's script: {', '.join(f'{one:.1f} s' for one in figures)}")
    least = (UPDATES[0], sum(UPDATES[:2]), DOWNTIME_S, sum(UPDATES))
    assert all(mine >= one for mine, one in zip(figures, least, strict=True))
    if scale == 1:
        assert [round(abs(mine - one), 1) <= 2 for mine, one in zip(figures, ARTICLE, strict=True)] == [True] * 4, (
            figures
        )


@pytest.mark.parametrize("scale", SCALES)
def test_a_swap_of_the_same_load_balancers_adds_little_to_the_same_operations(scale: float, tmp_path: Path) -> None:
    with emulated(tmp_path, "--latency", "blog", "--time-scale", str(scale)) as emulator:
        as_published(emulator, "Static")
        report = swap(emulator)

        check_state(emulator)
    downtime = report["production"]["control_plane_outage_s"] / scale
    print(f"vipswap: downtime {downtime:.1f} s, {report['total_s'] / scale:.1f} s in all")
    assert downtime >= DOWNTIME_S
    if scale == 1:
        assert downtime <= DOWNTIME_S + ADDED_S


def swap(emulator: Emulated) -> Any:
    said = emulator.said
    group, (one, other) = said["resource_group"], said["load_balancers"]
    line = [sys.executable, "-m", "vipswap_rest", "swap", "-g", group, "--lb1", one, "--lb2", other, "-y", "--no-probe"]
    where = ["--subscription", said["subscription"], "--endpoint", said["endpoint"], "--ca-file", said["ca_file"]]
    ran = subprocess.run(
        [*line, *where, "-o", "json"],
        env={**os.environ, **application(said)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def application(said: dict[str, Any]) -> dict[str, str]:
    """The emulator's application, as azure-identity's variables name it."""
    return {
        "AZURE_TENANT_ID": said["tenant"],
        "AZURE_CLIENT_ID": said["client_id"],
        "AZURE_CLIENT_SECRET": said["client_secret"],
        "AZURE_AUTHORITY_HOST": said["authority"],
    }


def wait_until_deleted(emulator: Emulated) -> None:
    """The script does not wait for its last call, the float's deletion."""
    end = time.monotonic() + PATIENCE_S
    while len(emulator.arm.state()) > len(emulator.before):
        assert time.monotonic() < end
        time.sleep(0.05)
