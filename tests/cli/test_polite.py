"""--polite on the command line: ARM is asked as often as it asks for, while an address is on no load balancer, too."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from tests.cli.conftest import PAIR, PRODUCTION_LB, STAGING_IP, Arm, Vipswap
from vipswap_rest.emulator.settings import Settings

OPERATION_S, RETRY_AFTER_S = 1.2, 0.6
# Of one operation: at once, and after each Retry-After until it ends. Otherwise every tenth of a second; a machine that
# is slow makes it fewer, so what is compared is far from both.
POLLS_POLITE = 4


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    latency = tmp_path / "latency.json"
    latency.write_text(f'{{"load_balancer_update": {OPERATION_S}, "retry_after": {RETRY_AFTER_S}}}', encoding="utf-8")
    return Settings(latency=str(latency))


def most_polls(arm: Arm) -> int:
    """Of the operation that was polled most."""
    counts: dict[str, int] = {}
    for entry in arm.requests():
        if "/operations/" in entry["path"]:
            counts[entry["path"]] = counts.get(entry["path"], 0) + 1
    return max(counts.values())


@pytest.mark.parametrize("options", [("--polite",), ()], ids=["polite", "eager"])
def test_a_swap(options: tuple[str, ...], arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("swap", *PAIR, "--yes", *options)

    assert ran.code == 0, ran.err
    assert arm.holds(PRODUCTION_LB) == STAGING_IP
    assert (most_polls(arm) <= POLLS_POLITE) is bool(options)


@pytest.mark.parametrize("options", [("--polite",), ()], ids=["polite", "eager"])
def test_a_recovery(options: tuple[str, ...], arm: Arm, vipswap: Vipswap) -> None:
    fault = {"match": {"method": "PUT", "path": "vipswap2lb", "nth": 2}, "effect": {"status": 403}, "times": 9}
    requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10).raise_for_status()
    assert vipswap("swap", *PAIR, "--yes", "--no-rollback", "--polite", "--request-timeout", "1").code == 6
    requests.delete(f"{arm.endpoint}/emulator/faults", timeout=10).raise_for_status()
    before = len({entry["path"] for entry in arm.requests() if "/operations/" in entry["path"]})

    ran = vipswap("recover", "-g", "vipswap", "--resume", "--request-timeout", "1", *options)

    assert ran.code == 0, ran.err
    assert len({entry["path"] for entry in arm.requests() if "/operations/" in entry["path"]}) > before
    assert (most_polls(arm) <= POLLS_POLITE) is bool(options)
