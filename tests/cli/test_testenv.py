"""`vipswap testenv` against the emulator: from an empty subscription to a swap on what was made, and back."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import Arm, Vipswap
from tests.emulator.stage import settings_of
from vipswap_rest.emulator.settings import SUBSCRIPTION, Settings

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/tenv"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
DEPLOYMENT = f"{GROUP}/providers/Microsoft.Resources/deployments/vipswap-testenv"
CREATE = ("testenv", "create", "-g", "tenv", "--location", "westus", "--yes")
ALL = ("--with", "pool,gateway,rolling")


@pytest.fixture
def settings() -> Settings:
    return Settings(env="none", latency="instant", data_plane=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the models of the rolling scale set are written."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(arm: Arm, path: str, body: Any) -> None:
    answer = requests.put(
        f"{arm.endpoint}{path}?api-version=2026-03-01", json=body, headers={"Authorization": "Bearer any"}, timeout=10
    )
    assert answer.status_code < 300, answer.text


def fault(arm: Arm, effect: Any, method: str, path: str) -> None:
    told = {"match": {"method": method, "path": path}, "effect": effect}
    assert requests.post(f"{arm.endpoint}/emulator/faults", json=told, timeout=10).status_code == 200


def test_what_is_made_can_be_swapped_and_shown_and_goes_again(vipswap: Vipswap, arm: Arm, folder: Path) -> None:
    made = vipswap(*CREATE, *ALL)
    assert made.code == 0, made.err
    assert made.json() == {
        "vip": {"lb1": "vipswap1lb", "lb2": "vipswap2lb"},
        "pool": {"lb": "poolslb", "rules": ["http"], "pools": ["blue", "green"]},
        "gateway": {"gateway": "gateway", "rules": ["http"], "pools": ["blue", "green"]},
        "rolling": {"scale_set": "rollset", "models": ["rollset-server.json", "rollset-minimal.json"]},
    }
    assert "loadBalancers vipswap1lb: Succeeded" in made.err
    assert "US dollars a day" in made.err
    assert arm.state()[GROUP]["tags"] == {"vipswap-testenv": "1"}
    assert all("properties" in json.loads((folder / name).read_text()) for name in made.json()["rolling"]["models"])

    assert vipswap("swap", "-g", "tenv", "--lb1", "vipswap1lb", "--lb2", "vipswap2lb", "--yes").code == 0
    assert vipswap("testenv", "show", "-g", "tenv").json() == made.json()

    gone = vipswap("testenv", "delete", "-g", "tenv", "--yes")
    assert (gone.code, gone.json()["deleted"]) == (0, "tenv")
    assert arm.state() == {}
    assert vipswap("testenv", "show", "-g", "tenv").code == 3
    assert vipswap("testenv", "delete", "-g", "tenv", "--yes").code == 3


def test_each_pool_and_instance_of_what_is_made_answers(vipswap: Vipswap, arm: Arm) -> None:
    assert vipswap(*CREATE, *ALL).code == 0
    state = arm.state()

    def answer(name: str, port: int = 9000) -> str:
        address = state[f"{NETWORK}/publicIPAddresses/{name}pip"]["properties"]["ipAddress"]
        return requests.get(f"http://{address}:{port}/", timeout=10).text

    assert [answer("vipswap1"), answer("vipswap2")] == ["vipswap1lb", "vipswap2lb"]
    assert [answer("poolslb"), answer("poolslb", 9001), answer("gateway")] == ["blue", "green", "blue"]
    assert answer("rolllb").startswith("rollset_")


def test_the_template_is_printed_without_a_request(vipswap: Vipswap, arm: Arm) -> None:
    ran = vipswap("testenv", "create", "-g", "tenv", *ALL, "--print")

    printed = ran.json()
    assert ran.code == 0
    assert arm.requests() == []
    text = json.dumps(printed)
    found = {word.split("]")[0] for word in text.split('"[')[1:]}
    assert found == {"parameters('location')", "parameters('size')", "parameters('sshKey')"}, "no other expression"
    assert f"{GROUP}/providers/Microsoft.Network/loadBalancers/vipswap1lb" in text


def test_the_same_line_again_makes_nothing_twice(vipswap: Vipswap, arm: Arm) -> None:
    assert vipswap(*CREATE).code == 0
    before = set(arm.state())

    again = vipswap("testenv", "create", "-g", "tenv", "--yes")

    assert again.code == 0, again.err
    assert set(arm.state()) == before


@pytest.mark.parametrize("action", ["create", "show", "delete"])
def test_a_group_that_is_not_ours_is_left_alone(action: str, vipswap: Vipswap, arm: Arm) -> None:
    put(arm, GROUP, {"location": "westus", "tags": {"owner": "somebody"}})
    before, writes = arm.state(), len(arm.writes())

    ran = vipswap("testenv", action, "-g", "tenv", "--yes")

    assert ran.code == 4
    assert "GroupNotOurs" in ran.err
    assert (arm.state(), len(arm.writes())) == (before, writes)


def test_what_somebody_put_beside_it_keeps_the_group(vipswap: Vipswap, arm: Arm) -> None:
    assert vipswap(*CREATE).code == 0
    alien = {"location": "westus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}
    put(arm, f"{NETWORK}/publicIPAddresses/alien", alien)
    before = arm.state()

    ran = vipswap("testenv", "delete", "-g", "tenv", "--yes")

    assert ran.code == 4
    assert "ForeignResources" in ran.err
    assert "alien" in ran.err
    assert arm.state() == before


def test_a_quota_that_is_used_up_is_one_sentence_and_the_new_group_goes_again(vipswap: Vipswap, arm: Arm) -> None:
    inner = {"code": "QuotaExceeded", "message": "exceeding approved Total Regional Cores quota."}
    body = {"error": {"code": "InvalidTemplateDeployment", "message": "See inner errors.", "details": [inner]}}
    fault(arm, {"status": 400, "body": body}, "POST", "validate")

    ran = vipswap(*CREATE)

    assert ran.code == 4
    assert "vipswap: QuotaExceeded: ARM refuses the template: exceeding approved Total Regional Cores quota." in ran.err
    assert arm.state() == {}


def test_a_deployment_that_fails_tells_the_innermost_error_and_the_same_line_goes_on(
    vipswap: Vipswap, arm: Arm
) -> None:
    inner = {"code": "DnsRecordInUse", "message": "DNS record vipswap2lb is already used by another public IP."}
    fault(arm, {"status": 400, "body": {"error": inner}}, "PUT", "publicIPAddresses/vipswap2pip")

    ran = vipswap(*CREATE)

    assert ran.code == 6
    assert "vipswap: The deployment of vipswap2pip failed: DnsRecordInUse: DNS record vipswap2lb is" in ran.err
    assert "vipswap testenv delete -g tenv" in ran.err
    assert "Traceback" not in ran.err
    assert f"{NETWORK}/publicIPAddresses/vipswap1pip" in arm.state(), "what it made stays"
    assert vipswap("testenv", "create", "-g", "tenv", "--yes").code == 0


def test_a_failed_operation_fails_it_too(vipswap: Vipswap, arm: Arm) -> None:
    effect = {"fail_operation": {"code": "AllocationFailed", "message": "No room."}}
    fault(arm, effect, "PUT", "virtualMachineScaleSets/vipswap1")

    ran = vipswap(*CREATE)

    assert ran.code == 6
    assert "of vipswap1 failed: AllocationFailed: No room." in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "-g", "tenv", "--yes"), "Add --location"),
        (("create", "-g", "tenv", "--location", "westus"), "no terminal to ask on"),
        (("delete", "-g", "tenv"), "no terminal to ask on"),
        (("create", "-g", "a/b", "--yes"), "an invalid name for a resource group"),
        (("create", "-g", "tenv", "--with", "pools", "--yes"), "--with does not know 'pools'"),
        (("create", "-g", "tenv", "--location", "westus", "--ssh-key", "/nowhere", "--yes"), "cannot be read"),
        (("create", "--yes"), "required"),
        (("erase", "-g", "tenv"), "invalid choice"),
    ],
)
def test_bad_input_is_one_sentence_and_changes_nothing(
    arguments: tuple[str, ...], words: str, vipswap: Vipswap, arm: Arm
) -> None:
    ran = vipswap("testenv", *arguments)

    assert ran.code == 2
    assert words in ran.err
    assert arm.writes() == []


def test_a_group_in_another_region_is_not_moved(vipswap: Vipswap) -> None:
    assert vipswap(*CREATE).code == 0

    ran = vipswap("testenv", "create", "-g", "tenv", "--location", "East US", "--yes")

    assert (ran.code, "is in westus, not in East US" in ran.err) == (2, True)


def test_the_key_is_the_one_given(vipswap: Vipswap, arm: Arm, folder: Path) -> None:
    key = f"ssh-ed25519 {base64.b64encode(b'key').decode()} me"
    (folder / "key.pub").write_text(f"{key}\n")

    assert vipswap(*CREATE, "--ssh-key", "key.pub").code == 0

    sets = [one for id, one in arm.state().items() if id.endswith("/virtualMachineScaleSets/vipswap1")]
    system = sets[0]["properties"]["virtualMachineProfile"]["osProfile"]
    assert system["linuxConfiguration"]["ssh"]["publicKeys"][0]["keyData"] == key
    assert "customData" not in system


class TestInterrupted:
    """Ctrl-C in the middle, in a process of its own."""

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        found = settings_of(tmp_path, {"deployment": 20.0})
        return Settings(env="none", latency=found.latency)

    def test_it_is_canceled_what_it_made_stays_and_the_same_line_goes_on(self, arm: Arm) -> None:
        environment = {
            **os.environ,
            "AZURE_RM_ENDPOINT": arm.endpoint,
            "AZURE_ACCESS_TOKEN": "any",
            "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
        }
        command = [sys.executable, "-m", "vipswap_rest", *CREATE]
        with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            told = ""
            for line in process.stderr:
                told += line
                if "Succeeded" in line:
                    process.send_signal(signal.SIGINT)
                    break
            told += process.stderr.read()
            code = process.wait()

        assert code == 130, told
        assert "its deployment is canceled, what it made stays." in told
        assert "Traceback" not in told
        answer = requests.get(
            f"{arm.endpoint}{DEPLOYMENT}?api-version=2026-06-01", headers={"Authorization": "Bearer any"}, timeout=10
        )
        assert answer.json()["properties"]["provisioningState"] == "Canceled"
        assert 1 < len(arm.state()) < 8
