"""The article's library, azurerm, unmodified, against `vipswap emulator --tls`, making the script's calls."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PRODUCTION_IP, STAGING_IP
from tests.conformance.exchange import Emulated, check, emulated
from tests.conformance.installed import PROGRAMS, client
from tests.conformance.login_proxy import LOGIN, login_proxy

pytestmark = [
    pytest.mark.azurerm,
    pytest.mark.skipif(os.environ.get("VIPSWAP_CLIENTS") != "1", reason="VIPSWAP_CLIENTS=1 installs azurerm"),
]
PATIENCE_S = 120


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


def run(python: Path, emulator: Emulated, way: str) -> Any:
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
            input=json.dumps({"said": emulator.said, "native": emulator.native_body()}),
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


def wait_until_deleted(emulator: Emulated) -> None:
    """The script does not wait for its last call, the float's deletion."""
    end = time.monotonic() + PATIENCE_S
    while len(emulator.arm.state()) > len(emulator.before):
        assert time.monotonic() < end
        time.sleep(0.05)
