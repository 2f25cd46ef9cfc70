"""azure-cli, unmodified, against `vipswap emulator --tls`: log in, and exchange the addresses as its manual says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.exchange import Emulated, check, emulated
from tests.conformance.installed import client
from tests.emulator.stage import NATIVE

pytestmark = [
    pytest.mark.azure_cli,
    pytest.mark.skipif(os.environ.get("VIPSWAP_CLIENTS") != "1", reason="VIPSWAP_CLIENTS=1 installs azure-cli"),
]
PATIENCE_S = 120
AUDIENCE = "https://management.core.windows.net/"
# `az rest` sends a name of its own.
AGENT = r"AZURECLI/|^python/\S+ \("


@dataclass
class Az:
    """The az of a user of their own: `folder` is its configuration, which holds its login too."""

    program: Path
    folder: Path
    emulator: Emulated

    def __call__(self, *arguments: str) -> Any:
        """Run az, which must end well; what it printed, as JSON."""
        ran = self.run(*arguments)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "AZURE_CONFIG_DIR": str(self.folder),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "REQUESTS_CA_BUNDLE": self.emulator.said["ca_file"],
        }
        return subprocess.run(
            [str(self.program), *arguments, "--output", "json"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@pytest.fixture(scope="module")
def program() -> Path:
    return client("azure-cli") / "az"


@pytest.fixture
def az(program: Path, tmp_path: Path) -> Iterator[Az]:
    """az with the emulator as its cloud, logged in by the application's secret."""
    with emulated(tmp_path) as emulator:
        said, found = emulator.said, Az(program, tmp_path / "azure", emulator)
        place, login = said["endpoint"], said["authority"]
        endpoints = {
            "resource-manager": place,
            "active-directory": login,
            "active-directory-resource-id": AUDIENCE,
            "active-directory-graph-resource-id": f"{login}/",
        }
        options = [word for name, url in endpoints.items() for word in (f"--endpoint-{name}", url)]
        found("cloud", "register", "--name", "emulated", *options)
        found("cloud", "set", "--name", "emulated")
        found("config", "set", "core.instance_discovery=false")
        secret = ("--username", said["client_id"], "--password", said["client_secret"], "--tenant", said["tenant"])
        (account,) = found("login", "--service-principal", *secret)
        assert account["id"] == said["subscription"]
        yield found


def test_az_exchanges_the_addresses_by_its_frontend_ip_update(az: Az) -> None:
    group = az.emulator.said["resource_group"]
    float_ = ("--resource-group", group, "--name", "azfloat")
    az("network", "public-ip", "create", *float_, "--sku", "Standard", "--allocation-method", "Static")

    for balancer, address in (("vipswap2lb", "azfloat"), ("vipswap1lb", "vipswap2pip"), ("vipswap2lb", "vipswap1pip")):
        frontend = ("--lb-name", balancer, "--name", "LoadBalancerFrontEnd", "--public-ip-address", address)
        az("network", "lb", "frontend-ip", "update", "--resource-group", group, *frontend)
    az("network", "public-ip", "delete", *float_)

    check(az.emulator, False, AGENT)


def test_az_rest_exchanges_the_addresses_natively(az: Az) -> None:
    url = f"{az.emulator.said['endpoint']}{NATIVE}?api-version=2024-05-01"
    body = json.dumps(az.emulator.native_body())

    az("rest", "--method", "post", "--url", url, "--body", body)
    # `az rest` waits for no operation; its own `wait` does, for each load balancer.
    for balancer in az.emulator.said["load_balancers"]:
        named = ("--resource-group", az.emulator.said["resource_group"], "--name", balancer)
        az("network", "lb", "wait", *named, "--updated", "--interval", "1", "--timeout", "60")

    check(az.emulator, True, AGENT)


def test_az_learns_its_cloud_from_the_emulators_metadata_alone(program: Path, tmp_path: Path) -> None:
    with emulated(tmp_path) as emulator:
        said, found = emulator.said, Az(program, tmp_path / "azure", emulator)
        found("cloud", "register", "--name", "learnt", "--endpoint-resource-manager", said["endpoint"])
        cloud = found("cloud", "show", "--name", "learnt")

    assert cloud["endpoints"]["activeDirectory"].rstrip("/") == said["authority"]
    assert cloud["endpoints"]["activeDirectoryResourceId"] == AUDIENCE


def test_az_reads_the_rest(az: Az) -> None:
    group = ("--resource-group", az.emulator.said["resource_group"])
    balancer = (*group, "--lb-name", "vipswap1lb")
    lists = {
        ("group", "list"): 1,
        ("resource", "list"): 7,
        ("resource", "list", *group, "--resource-type", "Microsoft.Network/loadBalancers"): 2,
        ("network", "lb", "list"): 2,
        ("network", "lb", "rule", "list", *balancer): 1,
        ("network", "lb", "probe", "list", *balancer): 1,
        ("network", "public-ip", "list", *group): 2,
        ("network", "vnet", "list"): 1,
        ("network", "nic", "list"): 0,
        ("vmss", "list"): 2,
        ("lock", "list"): 0,
    }
    assert {words: len(az(*words)) for words in lists} == lists
    assert az("resource", "show", "--ids", az.emulator.native_body()["frontendIPConfigurations"][0]["id"])
    assert az("provider", "show", "--namespace", "Microsoft.Network")["registrationState"] == "Registered"
    assert "westus" in [region["name"] for region in az("account", "list-locations")]
    missing = az.run("network", "lb", "show", *group, "--name", "none")
    assert (missing.returncode, "ResourceNotFound" in missing.stderr) == (3, True)
    assert az.emulator.arm.state() == az.emulator.before
