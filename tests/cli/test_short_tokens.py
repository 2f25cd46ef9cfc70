"""Whole swaps by real processes over TLS that last several of their tokens' lives: no way to log in lets that show."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, Ran
from tests.cli.test_credentials import LOGINS, keys
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import CLIENT_ID, SUBSCRIPTION, TENANT, Settings

__all__ = ["keys"]
LIFETIME_S, TIME_SCALE = 3, 0.11
# The article's operations add up to 87.5 s; what a client adds is left out.
SWAP_S = 87.5 * TIME_SCALE
TIMEOUT_S = 120
NAMES = (
    "client secret",
    "certificate with a passphrase",
    "federated token",
    "managed identity of a machine",
    "managed identity of an App Service",
)


@dataclass
class Swapped:
    """A process's swap, and the emulator it was done on."""

    ran: Ran
    arm: Arm
    server: EmulatorServer


@pytest.fixture(scope="module")
def swapped(keys: Path) -> Iterator[dict[str, Swapped]]:
    """A swap by each of the ways, all at once: they do little but wait."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("AZURE_", "IDENTITY_"))}
    line = [sys.executable, "-m", "vipswap_rest", "swap", *PAIR, "--no-probe", "--yes", "-o", "json", "--debug"]
    with ExitStack() as stack:
        servers, running = {}, {}
        for name in NAMES:
            settings = Settings(
                tls=True,
                latency="blog",
                time_scale=TIME_SCALE,
                require_token=True,
                token_lifetime_s=LIFETIME_S,
                client_certificate=str(keys / "own.crt"),
            )
            server = servers[name] = stack.enter_context(EmulatorServer(settings))
            environment = {
                "AZURE_RM_ENDPOINT": server.endpoint,
                "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
                "AZURE_TENANT_ID": TENANT,
                "AZURE_CLIENT_ID": CLIENT_ID,
                "REQUESTS_CA_BUNDLE": str(server.ca_file),
                **LOGINS[name](keys).environment,
            }
            environment = {name: text.replace("ENDPOINT", server.endpoint) for name, text in environment.items()}
            running[name] = subprocess.Popen(
                line, env=kept | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        found = {}
        for name, process in running.items():
            stack.callback(process.kill)
            out, err = process.communicate(timeout=TIMEOUT_S)
            arm = Arm(servers[name].endpoint, servers[name].ca_file)
            found[name] = Swapped(Ran(process.returncode, out, err), arm, servers[name])
        yield found


@pytest.mark.parametrize("name", NAMES)
def test_a_swap_that_outlasts_several_tokens_succeeds_and_nobody_sees_a_refusal(
    name: str, swapped: dict[str, Swapped], keys: Path
) -> None:
    one = swapped[name]

    assert one.ran.code == 0, one.ran.err
    assert one.ran.json()["outcome"] == "swapped"
    assert one.ran.json()["total_s"] > SWAP_S > 3 * LIFETIME_S
    assert one.server.core.tokens.issued > SWAP_S / LIFETIME_S
    assert (one.arm.holds(PRODUCTION_LB), one.arm.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    assert not [id for id in one.arm.state() if "vipswap-float" in id]
    for secret in (*LOGINS[name](keys).secrets, "eyJ"):
        assert secret not in one.ran.out + one.ran.err


@pytest.mark.parametrize("name", NAMES)
def test_a_write_is_done_once_and_with_a_token_that_is_good(name: str, swapped: dict[str, Swapped]) -> None:
    sent = swapped[name].arm.requests()

    writes = [(entry["method"], entry["status"]) for entry in sent if entry["method"] in ("PUT", "DELETE")]
    assert [method for method, _ in writes] == ["PUT"] * 4 + ["DELETE"]
    assert all(status < 300 for _, status in writes), writes
