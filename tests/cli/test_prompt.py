"""The question stands below a short summary; the details are plan's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from tests.cli.conftest import NETWORK, PAIR, PRODUCTION_LB, Arm
from vipswap_rest.emulator.settings import SUBSCRIPTION

QUESTION = "Swap these addresses? [y/N] "
NAMED = ("--frontend1", "LoadBalancerFrontEnd")


def asked(arm: Arm, *options: str) -> tuple[int, str, str]:
    """A swap on a terminal, which is told no; exit code, stdout and stderr."""
    ours, theirs = os.openpty()
    line = [sys.executable, "-m", "vipswap_rest", "swap", *PAIR, *NAMED, "--no-probe", *options]
    environment = {
        **os.environ,
        "AZURE_RM_ENDPOINT": arm.endpoint,
        "AZURE_ACCESS_TOKEN": "any",
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }
    os.write(ours, b"n\n")
    ran = subprocess.run(line, stdin=theirs, capture_output=True, text=True, env=environment, timeout=60, check=False)
    os.close(ours)
    os.close(theirs)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.fixture
def many(arm: Arm) -> Arm:
    """Production's load balancer has eight more public frontends, and a port that staging does not serve."""

    def change(body: dict[str, Any]) -> None:
        properties = body["properties"]
        for number in range(8):
            name = f"app{number}"
            id = f"{PRODUCTION_LB}/frontendIPConfigurations/{name}"
            address = {"id": f"{NETWORK}/publicIPAddresses/{name}"}
            properties["frontendIPConfigurations"].append(
                {"name": name, "id": id, "properties": {"publicIPAddress": address}}
            )
        properties["loadBalancingRules"][0]["properties"]["frontendPort"] = 443

    arm.change(PRODUCTION_LB, change)
    return arm


def test_a_warning_is_a_few_words_above_the_question_and_whole_in_plan(many: Arm) -> None:
    code, _, err = asked(many, "--ignore", "PortNotServed")

    above, found, _ = err.partition(QUESTION)
    lines = above.splitlines()
    assert (code, found) == (1, QUESTION)
    assert [line.split(": ")[1] for line in lines if line.startswith("warning: ")] == [
        "PortNotServed",
        "OutboundAddressChanges",
        "OtherFrontendStays",
    ]
    assert len(lines) <= 6
    assert max(map(len, lines)) <= 120
    assert "vipswap plan" in above
    assert many.writes() == []


def test_where_nothing_warns_the_question_stands_below_what_is_exchanged(arm: Arm) -> None:
    def change(body: dict[str, Any]) -> None:
        body["properties"]["loadBalancingRules"][0]["properties"]["disableOutboundSnat"] = True

    for id in (PRODUCTION_LB, PRODUCTION_LB.replace("vipswap1lb", "vipswap2lb")):
        arm.change(id, change)

    code, _, err = asked(arm)

    assert code == 1
    assert err.index("production's address") < err.index("staging's address") < err.index(QUESTION)
    assert len(err.partition(QUESTION)[0].splitlines()) == 2
