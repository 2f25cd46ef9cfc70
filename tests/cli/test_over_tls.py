"""A swap over TLS when connections are cut: to a client the same as on plain TCP, and no matter of certificates."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.cli.conftest import PAIR, PRODUCTION_IP, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, Vipswap
from vipswap_rest.emulator.server import EmulatorServer
from vipswap_rest.emulator.settings import Settings

# Float created, three updates, float deleted.
WRITES = range(1, 6)


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    with EmulatorServer(Settings(tls=True)) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
        yield Arm(server.endpoint, server.ca_file)


@pytest.mark.parametrize("nth", WRITES)
@pytest.mark.parametrize("effect", ["lose_response", "reset"])
def test_a_swap_whose_write_or_its_answer_is_lost_succeeds(effect: str, nth: int, arm: Arm, vipswap: Vipswap) -> None:
    fault = {"match": {"method": "PUT|DELETE", "nth": nth}, "effect": {effect: True}}
    requests.post(f"{arm.endpoint}/emulator/faults", json=fault, timeout=10, verify=arm.trusted).raise_for_status()

    ran = vipswap("swap", *PAIR, "--yes", "-o", "json")

    assert (ran.code, ran.json()["outcome"]) == (0, "swapped"), ran.err
    assert (arm.holds(PRODUCTION_LB), arm.holds(STAGING_LB)) == (STAGING_IP, PRODUCTION_IP)
    left = requests.get(f"{arm.endpoint}/emulator/faults", timeout=10, verify=arm.trusted).json()["faults"]
    assert [rule["matched"] >= nth for rule in left] == [True]


def test_an_arm_that_is_not_trusted_is_refused_with_what_to_do_and_never_asked(
    arm: Arm, vipswap: Vipswap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")

    ran = vipswap("swap", *PAIR, "--yes")

    assert ran.code == 1
    assert "the TLS certificate is not trusted" in ran.err
    assert "--ca-file" in ran.err
    assert "Traceback" not in ran.err
    assert arm.requests() == []
