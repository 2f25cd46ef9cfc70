"""Tokens that end in the middle of a swap, between processes: the command, az's login, and the emulator's ARM.

The `az` is a script that asks the emulator's token service each time it is asked, as az does when its own token is old.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, unprobed
from tests.emulator.wire import once, process
from vipswap_rest.arm.clock import AT_ONCE
from vipswap_rest.emulator.settings import CLIENT_ID, CLIENT_SECRET, SUBSCRIPTION, TENANT

TIMEOUT_S = 120
HOUR_S = 3600
AZ = """#!{python}
import json, time, urllib.parse, urllib.request
with open({asked!r}, "a") as file:
    file.write("x")
form = urllib.parse.urlencode({form!r}).encode()
with urllib.request.urlopen({url!r}, form, timeout=30) as answer:
    token = json.load(answer)
print(json.dumps({{"accessToken": token["access_token"], "expires_on": int(time.time()) + {says_s!r}}}))
"""


@dataclass
class Az:
    """The script in its folder, and how often it was asked."""

    folder: Path

    def install(self, arm: Arm, says_s: int) -> None:
        """Let it say of each token that it lives for so many seconds."""
        form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        script = self.folder / "az"
        text = AZ.format(
            python=sys.executable,
            asked=str(self.folder / "asked"),
            form={**form, "scope": "https://management.azure.com/.default"},
            url=f"{arm.endpoint}/{TENANT}/oauth2/v2.0/token",
            says_s=says_s,
        )
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)

    def asked(self) -> int:
        return len((self.folder / "asked").read_text(encoding="utf-8"))


@pytest.fixture
def az(tmp_path: Path) -> Az:
    return Az(tmp_path)


@contextmanager
def strict_arm(time_scale: float, lifetime_s: int) -> Iterator[Arm]:
    """The article's environment and durations, with an ARM that accepts its own unexpired tokens only."""
    options = ("--latency", "blog", "--time-scale", str(time_scale), "--require-token")
    with process(*options, "--token-lifetime", str(lifetime_s)) as emulator:
        yield Arm(emulator.endpoint)


def swap(arm: Arm, az: Az) -> subprocess.CompletedProcess[str]:
    """A whole swap with az's login and no other."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_")}
    environment = {
        **kept,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        "PATH": str(az.folder),
    }
    line = [sys.executable, "-m", "vipswap_rest", *unprobed("swap", *PAIR, "--yes", "-o", "json")]
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def check_swapped(arm: Arm, ran: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """The swap is done and says so, each write was done once, and no token was told; gives ARM's requests."""
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["outcome"] == "swapped"
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    assert not [id for id in arm.state() if "vipswap-float" in id]
    assert "eyJ" not in ran.stdout + ran.stderr
    sent = arm.requests()
    taken = [entry["method"] for entry in sent if entry["method"] in ("PUT", "DELETE") and entry["status"] < 300]
    assert taken == ["PUT"] * 4 + ["DELETE"]
    return sent


def refusals(sent: list[dict[str, Any]]) -> int:
    """How many requests were refused for their token; each must come again, with one that is accepted.

    Not always next: reads go out side by side.
    """
    for number, one in enumerate(sent):
        if one["status"] == 401:
            assert not one["authorized"]
            assert any(
                (entry["method"], entry["path"], entry["authorized"]) == (one["method"], one["path"], True)
                for entry in sent[number + 1 :]
            )
    return sum(entry["status"] == 401 for entry in sent)


def test_a_swap_whose_tokens_arm_refuses_again_and_again_succeeds(az: Az) -> None:
    with strict_arm(0.02, HOUR_S) as arm:
        az.install(arm, HOUR_S)
        # More than are under way at once, so that none is refused twice.
        fault = {"match": {"every": AT_ONCE + 2}, "effect": {"expire_token": True}}
        assert once(arm.endpoint, "POST", "/emulator/faults", fault)[0] == 200

        sent = check_swapped(arm, swap(arm, az))

    assert refusals(sent) >= len(sent) // (AT_ONCE + 2)
    # One new token serves all that were refused together.
    assert 2 < az.asked() <= 1 + refusals(sent)


def test_a_swap_longer_than_its_tokens_lives_succeeds_although_az_says_they_live_longer(az: Az) -> None:
    # Ten seconds of operations with a request in every one of them, and tokens that live for three.
    with strict_arm(0.1, 3) as arm:
        az.install(arm, HOUR_S)

        sent = check_swapped(arm, swap(arm, az))

    assert refusals(sent) >= 2
    assert az.asked() == 1 + refusals(sent)


def test_a_swap_longer_than_its_tokens_lives_renews_them_before_arm_refuses_them(az: Az) -> None:
    with strict_arm(0.1, 3) as arm:
        az.install(arm, 3)

        sent = check_swapped(arm, swap(arm, az))

    # Each is replaced when half of its life is over, and after a pause of a second at the latest.
    assert az.asked() - refusals(sent) >= 3
