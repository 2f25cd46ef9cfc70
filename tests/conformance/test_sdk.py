"""Microsoft's SDK for Python, unmodified, against `vipswap emulator --tls`: azure-mgmt-network with azure-identity."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PRODUCTION_IP, STAGING_IP
from tests.conformance.exchange import Emulated, check, emulated
from tests.conformance.installed import PROGRAMS, client

pytestmark = pytest.mark.sdk
# azure-core's own poller waits as ARM asks; nothing here takes a tenth of this.
PATIENCE_S = 120


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has the SDK."""
    return client("sdk") / "python"


def run(python: Path, emulator: Emulated, program: str, *arguments: str) -> Any:
    """What the program printed; it must have ended well and warned of nothing."""
    ran = subprocess.run(
        [str(python), str(PROGRAMS / program), *arguments],
        input=json.dumps(emulator.said),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@pytest.mark.parametrize("way", ["float", "native"])
def test_the_sdk_exchanges_the_addresses(way: str, python: Path, tmp_path: Path) -> None:
    with emulated(tmp_path) as emulator:
        said = run(python, emulator, "sdk_swap.py", way)

        check(emulator, way == "native", "^azsdk-python-mgmt-network/")
    assert said["before"] == {"vipswap1lb": PRODUCTION_IP, "vipswap2lb": STAGING_IP}
    assert said["after"] == {"vipswap1lb": STAGING_IP, "vipswap2lb": PRODUCTION_IP}


def test_the_sdk_reads_all_there_is_and_is_refused_in_arms_words(python: Path, tmp_path: Path) -> None:
    with emulated(tmp_path) as emulator:
        said = run(python, emulator, "sdk_reads.py")
        after = emulator.arm.state()

    both = {kind: [f"vipswap{number}{end}" for number in (1, 2)] for kind, end in (("lb", "lb"), ("pip", "pip"))}
    assert said["reads"] == {
        "balancers": both["lb"],
        "all_balancers": both["lb"],
        "addresses": both["pip"],
        "all_addresses": both["pip"],
        "networks": ["vipswapvnet"],
        "subnets": ["subnet"],
        "interfaces": [],
        "frontends": ["LoadBalancerFrontEnd"],
        "one_of_frontends": ["LoadBalancerFrontEnd"],
        "pools": ["bepool"],
        "one_of_pools": ["bepool"],
        "rules": ["http"],
        "one_of_rules": ["http"],
        "probes": ["tcp9000"],
        "one_of_probes": ["tcp9000"],
        "nat_rules": [],
        "outbound_rules": [],
        "nics": [],
        "usages": ["PublicIPAddresses", "StandardSkuPublicIpAddresses"],
    }
    assert said["refusals"] == {
        "no_balancer": ["ResourceNotFoundError", "ResourceNotFound"],
        "no_group": ["ResourceNotFoundError", "ResourceGroupNotFound"],
        "no_frontend": ["ResourceNotFoundError", "NotFound"],
        "in_use": ["HttpResponseError", "PublicIPAddressInUse"],
        "still_allocated": ["HttpResponseError", "PublicIPAddressCannotBeDeleted"],
    }
    assert after == emulator.before


def test_the_sdk_flips_upgrades_and_deploys(tmp_path: Path) -> None:
    python = client("sdk-roads") / "python"
    with emulated(tmp_path, "--env", "roads") as emulator:
        said = run(python, emulator, "sdk_roads.py")

    assert said == {
        "pool": ["blue", "green", "green", "blue"],
        "gateway": ["blue", "green"],
        "rolling": [False] * 4 + [True] * 4,
        "deployment": ["ProvisioningState.SUCCEEDED", "ProvisioningState.SUCCEEDED", "sdkpip"],
        **{f"lost of the {what}": [] for what in ("scale set", "group", "deployment")},
    }
