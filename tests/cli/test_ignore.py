"""Findings over the command: exit codes, JSON, and `--ignore`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import NETWORK, PAIR, PRODUCTION_LB, STAGING_IP, STAGING_LB, Arm, Vipswap
from vipswap_rest.emulator.settings import SUBSCRIPTION

LOCK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.Authorization/locks/keep"


@pytest.fixture
def unlike(arm: Arm) -> Arm:
    """Production serves a port that staging does not, with floating IP."""

    def change(body):  # type: ignore[no-untyped-def]
        body["properties"]["loadBalancingRules"][0]["properties"] |= {"frontendPort": 443, "enableFloatingIP": True}

    arm.change(PRODUCTION_LB, change)
    return arm


def test_errors_refuse_plan_and_swap(unlike: Arm, vipswap: Vipswap) -> None:
    planned = vipswap("plan", *PAIR, "-o", "json")
    swapped = vipswap("swap", *PAIR, "--yes", "-o", "json")

    assert (planned.code, swapped.code) == (4, 4)
    errors = [item["code"] for item in planned.json()["findings"] if item["severity"] == "error"]
    assert errors == ["PortNotServed", "FloatingIp"]
    assert planned.json()["steps"] == []
    assert swapped.json()["error"]["code"] == "PortNotServed"
    assert "FloatingIp" in swapped.json()["error"]["message"]
    assert unlike.writes() == []


def test_one_of_two_errors_ignored_still_refuses(unlike: Arm, vipswap: Vipswap) -> None:
    ran = vipswap("plan", *PAIR, "--ignore", "PortNotServed", "-o", "json")

    severities = {item["code"]: item["severity"] for item in ran.json()["findings"]}
    assert ran.code == 4
    assert (severities["PortNotServed"], severities["FloatingIp"]) == ("warning", "error")


def test_all_errors_ignored_are_shown_and_the_swap_is_done(unlike: Arm, vipswap: Vipswap) -> None:
    both = ("--ignore", "PortNotServed", "--ignore", "floatingip")

    assert vipswap("plan", *PAIR, *both).code == 0
    ran = vipswap("swap", *PAIR, *both, "--yes")

    assert ran.code == 0
    assert "warning: FloatingIp" in ran.err
    assert unlike.holds(PRODUCTION_LB) == STAGING_IP


@pytest.mark.parametrize("verb", ["plan", "swap"])
def test_a_code_that_is_none_is_a_usage_error_that_names_the_known(verb: str, arm: Arm, vipswap: Vipswap) -> None:
    ran = vipswap(verb, *PAIR, "--ignore", "Everything")

    assert ran.code == 2
    assert arm.requests() == []


def test_the_usage_error_names_the_known_codes(vipswap: Vipswap) -> None:
    ran = vipswap("swap", *PAIR, "--yes", "--ignore", "Everything")

    assert ran.code == 2
    assert "'Everything'" in ran.err
    assert "FloatingIp" in ran.err


def test_what_makes_a_swap_impossible_cannot_be_ignored_and_says_so(arm: Arm, vipswap: Vipswap) -> None:
    line = ("-g", "vipswap", "--lb1", "vipswap1lb", "--lb2", "vipswap1lb", "--ignore", "SameLoadBalancer")

    planned, swapped = vipswap("plan", *line, "-o", "json"), vipswap("swap", *line, "--yes")

    assert (planned.code, swapped.code) == (4, 4)
    assert "cannot be ignored" in planned.json()["findings"][0]["message"]
    assert "cannot be ignored" in swapped.err


def test_locks_and_permissions_can_be_seeded_from_outside(arm: Arm, vipswap: Vipswap) -> None:
    locks = "providers/Microsoft.Authorization/locks/keep"
    for scope in (STAGING_LB, f"/subscriptions/{SUBSCRIPTION}"):
        arm.seed({"id": f"{scope}/{locks}", "properties": {"level": "CanNotDelete"}})
    arm.seed({"id": LOCK, "properties": {"level": "ReadOnly"}})
    role = f"{NETWORK.split('/providers/')[0]}/providers/Microsoft.Authorization/permissions/role"
    arm.seed({"id": role, "properties": {"actions": ["*/read", "Microsoft.Network/publicIPAddresses/*"]}})

    ran = vipswap("plan", *PAIR, "-o", "json")

    found = {item["code"]: item for item in ran.json()["findings"]}
    assert ran.code == 4
    assert found["CanNotDeleteLock"]["severity"] == "warning"
    assert "loadBalancers/write" in found["PermissionMissing"]["message"]
    assert "ReadOnlyLock" not in found


def test_information_is_for_plan_only(vipswap: Vipswap) -> None:
    planned, swapped = vipswap("plan", *PAIR), vipswap("swap", *PAIR, "--yes")

    assert "information: DnsLabelMoves" in planned.out
    assert "DnsLabelMoves" not in swapped.err
    assert "warning: OutboundAddressChanges" in swapped.err
