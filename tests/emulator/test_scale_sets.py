"""Scale sets: what a write of the model shows, how instances come to have it, and who answers meanwhile."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.stage import GROUP, NETWORK, Json, Stage, error, settings_of
from tests.emulator.vips import PORT, Vip, address_of, plane, sampling, wait_until, write
from tests.emulator.wire import PATIENCE_S, once, process
from vipswap_rest.emulator import Answer, Settings

SET = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/rollset"
OTHER = f"{GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/other"
LB, IP = f"{NETWORK}/loadBalancers/rolllb", f"{NETWORK}/publicIPAddresses/rolllbpip"
POOL = f"{LB}/backendAddressPools/bepool"
VERSION = "2026-04-01"
# Blog's: a model takes 26 s, an instance 36 s; the probe looks every 5 s and gives up after two failures.
MODEL_S, UPGRADE_S, NOTICE_S, PROBE_S = 26.0, 36.0, 10.0, 5.0


def stage_of(**settings: Any) -> Stage:
    return Stage(Settings(env="roads", **{"latency": "blog", **settings}))


def image(version: str) -> Json:
    return {"properties": {"virtualMachineProfile": {"storageProfile": {"imageReference": {"version": version}}}}}


def change(stage: Stage, body: Json, path: str = SET) -> Answer:
    """PATCH the model and wait until that has succeeded."""
    answer = stage.call("PATCH", path, body, VERSION)
    assert answer.status == 200, answer.body
    stage.clock.advance(MODEL_S)
    assert stage.status(answer) == "Succeeded"
    return answer


def latest(stage: Stage) -> list[bool]:
    """Whether each instance has the latest model."""
    found = stage.get(f"{SET}/virtualMachines", VERSION)["value"]
    return [one["properties"]["latestModelApplied"] for one in found]


def members(stage: Stage) -> list[tuple[str, bool]]:
    """Who has traffic now, with the text of its answer and whether it is down."""
    stage.admin("timeline")
    (route,) = [one for one in stage.emulator.world.routes.table(stage.clock.time).values() if one.resource == LB]
    return [(one.text, one.down) for one in route.ports[PORT].members]


def first_line(some: list[tuple[str, bool]]) -> list[str]:
    return [f"{text}{' down' if down else ''}" for text, down in some]


def test_a_new_model_is_updating_and_reaches_nobody_by_itself() -> None:
    stage = stage_of()
    before = stage.get(SET, VERSION)
    answer = stage.call("PATCH", SET, image("2.0.0"), VERSION)

    assert answer.json()["properties"]["provisioningState"] == "Updating"
    assert answer.headers["Retry-After"] == "10"
    assert "Location" not in answer.headers
    assert set(stage.follow(answer).json()) == {"startTime", "status", "name"}
    stage.settle()

    after = stage.get(SET, VERSION)
    assert set(stage.follow(answer).json()) == {"startTime", "endTime", "status", "name"}
    assert after["properties"]["virtualMachineProfile"]["storageProfile"]["imageReference"] == {
        **before["properties"]["virtualMachineProfile"]["storageProfile"]["imageReference"],
        "version": "2.0.0",
    }
    assert before["etag"] != after["etag"]
    assert latest(stage) == [False] * 4
    assert first_line(members(stage)) == [f"rollset_{number} model1" for number in range(4)]


def test_an_instance_is_down_while_it_is_upgraded_and_has_traffic_until_the_probe_knows() -> None:
    stage = stage_of()
    change(stage, image("2.0.0"))
    answer = stage.call("POST", f"{SET}/manualupgrade", {"instanceIds": ["1"]}, VERSION)
    rest = ["rollset_2 model1", "rollset_3 model1"]

    assert (answer.status, answer.body) == (202, b"")
    assert first_line(members(stage)) == ["rollset_0 model1", "rollset_1 model1 down", *rest]
    stage.clock.advance(NOTICE_S)
    assert first_line(members(stage)) == ["rollset_0 model1", *rest]
    stage.clock.advance(UPGRADE_S - NOTICE_S)
    assert stage.status(answer) == "Succeeded"
    assert first_line(members(stage)) == ["rollset_0 model1", *rest]
    stage.clock.advance(PROBE_S)
    assert first_line(members(stage)) == ["rollset_0 model1", "rollset_1 model2", *rest]
    assert latest(stage) == [False, True, False, False]


def test_the_location_of_an_upgrade_is_its_status_with_monitor() -> None:
    stage = stage_of()
    change(stage, image("2.0.0"))
    answer = stage.call("POST", f"{SET}/manualupgrade", {"instanceIds": ["*"]}, VERSION)
    status, location = answer.headers["Azure-AsyncOperation"], answer.headers["Location"]

    assert location.replace("monitor=true&", "") == status
    assert stage.follow(answer, "Location").status == 202
    stage.settle()
    assert (stage.follow(answer, "Location").status, stage.follow(answer, "Location").body) == (200, b"")
    assert "Retry-After" not in answer.headers
    assert latest(stage) == [True] * 4


def test_the_same_model_again_has_its_number_again() -> None:
    stage = stage_of()
    for version, number in (("2.0.0", 2), ("1.0.0", 1), ("3.0.0", 3)):
        change(stage, image(version))
        stage.call("POST", f"{SET}/manualupgrade", {"instanceIds": ["0"]}, VERSION)
        stage.settle()
        assert first_line(members(stage))[0] == f"rollset_0 model{number}"


def test_an_upgrade_with_nothing_to_change_takes_nobody_down() -> None:
    stage = stage_of()
    answer = stage.call("POST", f"{SET}/manualupgrade", {"instanceIds": ["*"]}, VERSION)

    assert stage.status(answer) == "Succeeded"
    assert not any(down for _, down in members(stage))


def test_custom_data_is_never_shown_and_reaches_an_instance_by_its_image_alone() -> None:
    stage = stage_of()
    data = base64.b64encode(b"#cloud-config").decode()
    change(stage, {"properties": {"virtualMachineProfile": {"osProfile": {"customData": data}}}})
    assert data not in json.dumps(stage.admin("state"))
    assert "customData" not in json.dumps(stage.get(SET, VERSION))

    stage.call("POST", f"{SET}/manualupgrade", {"instanceIds": ["0"]}, VERSION)
    stage.settle()
    assert first_line(members(stage))[0] == "rollset_0 model1"
    answer = stage.call("POST", f"{SET}/reimage", {"instanceIds": ["0"]}, VERSION)
    assert first_line(members(stage))[0] == "rollset_0 model1 down"
    stage.settle()

    assert stage.status(answer) == "Succeeded"
    assert first_line(members(stage))[0] == "rollset_0 model2"


def rolling(percent: int = 50) -> Json:
    policy = {"mode": "rolling", "rollingUpgradePolicy": {"maxBatchInstancePercent": percent}}
    return {"properties": {"upgradePolicy": policy}}


def progress(stage: Stage) -> tuple[str, list[int]]:
    told = stage.get(f"{SET}/rollingUpgrades/latest", VERSION)["properties"]
    names = ("successful", "inProgress", "pending", "failed")
    return told["runningStatus"]["code"], [told["progress"][f"{name}InstanceCount"] for name in names]


def test_with_the_policy_rolling_a_new_model_goes_through_batch_by_batch() -> None:
    stage = stage_of()
    assert stage.call("GET", f"{SET}/rollingUpgrades/latest", version=VERSION).status == 404
    change(stage, rolling())
    policy = stage.get(SET, VERSION)["properties"]["upgradePolicy"]
    answer = stage.call("PATCH", SET, image("2.0.0"), VERSION)

    assert policy["mode"] == "Rolling"
    assert policy["rollingUpgradePolicy"]["maxUnhealthyInstancePercent"] == 20
    assert progress(stage) == ("RollingForward", [0, 2, 2, 0])
    stage.clock.advance(UPGRADE_S)
    assert progress(stage) == ("RollingForward", [2, 2, 0, 0])
    assert stage.status(answer) == "InProgress"
    stage.clock.advance(UPGRADE_S)
    assert progress(stage) == ("Completed", [4, 0, 0, 0])
    assert stage.status(answer) == "Succeeded"
    assert latest(stage) == [True] * 4


def test_a_rolling_upgrade_that_is_canceled_begins_no_further_batch() -> None:
    stage = stage_of()
    change(stage, rolling(25))
    answer = stage.call("PATCH", SET, image("2.0.0"), VERSION)
    stage.clock.advance(1)

    canceled = stage.call("POST", f"{SET}/rollingUpgrades/cancel", version=VERSION)
    stage.settle()

    assert canceled.status == 202
    assert stage.status(answer) == "Canceled"
    assert progress(stage) == ("Cancelled", [1, 0, 0, 0])
    assert latest(stage) == [True, False, False, False]
    assert stage.get(SET, VERSION)["properties"]["provisioningState"] == "Succeeded"
    assert error(stage.call("POST", f"{SET}/rollingUpgrades/cancel", version=VERSION)) == (409, "OperationNotAllowed")


def test_an_image_upgrade_goes_through_all_instances() -> None:
    stage = stage_of()
    answer = stage.call("POST", f"{SET}/osRollingUpgrade", version=VERSION)

    assert progress(stage) == ("RollingForward", [0, 1, 3, 0])
    assert error(stage.call("POST", f"{SET}/osRollingUpgrade", version=VERSION)) == (409, "OperationNotAllowed")
    stage.settle()
    assert (stage.status(answer), progress(stage)) == ("Succeeded", ("Completed", [4, 0, 0, 0]))


def test_with_the_policy_automatic_all_instances_are_down_at_once() -> None:
    stage = stage_of()
    change(stage, {"properties": {"upgradePolicy": {"mode": "Automatic"}}})
    stage.call("PATCH", SET, image("2.0.0"), VERSION)

    assert [down for _, down in members(stage)] == [True] * 4
    stage.clock.advance(NOTICE_S)
    assert members(stage) == []


def test_an_upgrade_that_fails_leaves_the_instance_as_it_was() -> None:
    stage = stage_of()
    change(stage, image("2.0.0"))
    stage.fault({"fail_operation": {"code": "VMExtensionProvisioningError", "message": "no"}}, path="manualupgrade")
    answer = stage.call("POST", f"{SET}/manualupgrade", {"instanceIds": ["0"]}, VERSION)
    assert members(stage)[0] == ("rollset_0 model1", True)
    stage.settle()

    assert stage.follow(answer).json()["error"]["code"] == "VMExtensionProvisioningError"
    assert members(stage)[0] == ("rollset_0 model1", False)
    assert latest(stage) == [False] * 4


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("POST", "/manualupgrade", {"instanceIds": ["9"]}, (400, "InvalidParameter")),
        ("POST", "/manualupgrade", {"instanceIds": []}, (400, "InvalidParameter")),
        ("GET", "/virtualMachines/x", None, (400, "InvalidParameter")),
        ("GET", "/virtualMachines/9", None, (404, "NotFound")),
        ("PATCH", "", {"sku": {"capacity": "4"}}, (400, "InvalidRequestFormat")),
    ],
)
def test_what_may_not_be_is_refused(method: str, path: str, body: Any, expected: tuple[int, str]) -> None:
    stage = stage_of()
    assert error(stage.call(method, f"{SET}{path}", body, VERSION)) == expected


def test_another_etag_is_refused_in_computes_words() -> None:
    stage = stage_of()
    answer = stage.call("PATCH", SET, {}, VERSION, if_match='"invalid"')

    assert error(answer) == (412, "PreconditionFailed")
    told = 'Etag provided in if-match header "invalid" does not match etag "1" of resource.'
    assert answer.json()["error"]["message"] == told
    assert stage.call("PATCH", SET, {}, VERSION, if_match='"1"').status == 200


def test_old_api_versions_show_no_etag() -> None:
    stage = stage_of()
    assert "etag" not in stage.get(SET, "2022-11-01")
    assert "etag" in stage.get(SET, VERSION)


def made(stage: Stage, capacity: int = 2) -> None:
    configuration = {"name": "ip", "properties": {"loadBalancerBackendAddressPools": [{"id": POOL}]}}
    nic = {"name": "nic", "properties": {"primary": True, "ipConfigurations": [configuration]}}
    profile = {"networkProfile": {"networkInterfaceConfigurations": [nic]}}
    body: Json = {"location": "westus", "sku": {"name": "Standard_B1s", "capacity": capacity}}
    body["properties"] = {"virtualMachineProfile": profile}
    answer = stage.put(OTHER, body)
    assert answer.json()["properties"]["provisioningState"] == ("Creating" if answer.status == 201 else "Updating")
    stage.settle()


def members_of(stage: Stage) -> list[str]:
    found = stage.get(LB)["properties"]["backendAddressPools"][0]["properties"]["backendIPConfigurations"]
    return [one["id"].split("/virtualMachineScaleSets/")[1] for one in found]


def test_a_new_scale_set_joins_its_pools_and_leaves_them_when_it_shrinks_or_goes() -> None:
    stage = stage_of()
    before = members_of(stage)
    made(stage)
    part = "networkInterfaces/nic/ipConfigurations/ip"
    mine = [f"other/virtualMachines/{number}/{part}" for number in (0, 1)]
    assert members_of(stage) == before + mine

    made(stage, 1)
    assert members_of(stage) == before + mine[:1]
    assert stage.call("DELETE", OTHER).status == 202
    stage.settle()

    assert members_of(stage) == before
    assert stage.call("GET", OTHER).status == 404


def test_an_instance_under_upgrade_is_unhealthy() -> None:
    stage = stage_of()
    change(stage, image("2.0.0"))
    stage.call("POST", f"{SET}/manualupgrade", {"instanceIds": ["0"]}, VERSION)
    views = [stage.get(f"{SET}/virtualMachines/{number}/instanceView", VERSION) for number in (0, 1)]

    assert [one["vmHealth"]["status"]["code"] for one in views] == ["HealthState/unhealthy", "HealthState/healthy"]
    answer = stage.call("POST", f"{LB}/loadBalancingRules/http/health")
    told = stage.follow(answer, "Location").json()
    assert (told["up"], told["down"]) == (3, 1)
    summary = stage.get(f"{SET}/instanceView", VERSION)["virtualMachine"]["statusesSummary"]
    assert {one["code"]: one["count"] for one in summary} == {
        "ProvisioningState/succeeded": 3,
        "ProvisioningState/updating": 1,
    }


def test_the_first_line_names_two_models_in_files() -> None:
    with process("--env", "roads") as emulator:
        found = emulator.said["targets"]["rolling"]
        files = [Path(file) for file in found["models"]]
        bodies = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        assert found["scale_set"] == "rollset"
        assert bodies == [image("1.0.0"), image("2.0.0")]
        emulator.end()

    assert not any(file.exists() for file in files)


def test_callers_see_each_instance_fail_and_come_back_with_the_new_model(tmp_path: Path) -> None:
    """What is measured lies in what the timeline says: failures only while an instance is down and has traffic."""
    quick = {"instance_upgrade": 25.0, "scale_set_update": 0.0}
    settings = settings_of(tmp_path, quick)
    with plane(env="roads", latency=settings.latency, time_scale=0.02) as server:
        address = address_of(server.endpoint, IP)
        wait_until(server.endpoint, write(server.endpoint, "PATCH", SET, image("2.0.0")))
        with sampling(address) as samples, Vip(address) as kept:
            names = {kept.ask()}
            for number in range(4):
                body = {"instanceIds": [str(number)]}
                wait_until(server.endpoint, write(server.endpoint, "POST", f"{SET}/manualupgrade", body))
            with pytest.raises(ConnectionError):
                kept.ask()
        found = list(once(server.endpoint, "GET", "/emulator/timeline")[1]["events"])
    downs = [one for one in found if one["event"].startswith("instance_")]
    spans = [
        (one["t"], next(other["t"] for other in downs[index + 1 :] if other["resource"] == one["resource"]))
        for index, one in enumerate(downs)
        if one["event"] == "instance_down"
    ]

    assert {one["event"] for one in downs} <= {"instance_down", "instance_out", "instance_up", "instance_in"}
    assert len(spans) == 4
    assert all(one["operation"] is not None and one["port"] == PORT for one in downs)
    failed = [one for one in samples[address] if one.who is None]
    outside = [one for one in failed if not any(start <= one.done and one.sent <= end for start, end in spans)]
    assert outside == [], spans
    assert names | {one.who for one in samples[address]} - {None} <= {
        f"rollset_{number} model{model}" for number in range(4) for model in (1, 2)
    }
    assert samples[address][-1].done < found[-1]["t"] + PATIENCE_S


def test_the_state_of_the_environment_can_be_seeded_again() -> None:
    stage = stage_of()
    before = stage.admin("state")["resources"]

    stage.seed(*before)

    assert stage.admin("state")["resources"] == before
    assert latest(stage) == [True] * 4


def test_a_group_that_goes_takes_its_instances_with_it() -> None:
    stage = stage_of()
    stage.call("DELETE", GROUP, version=VERSION)
    stage.settle()
    stage.admin("timeline")

    assert stage.emulator.world.instances.of(SET) == []
    assert stage.emulator.world.routes.table(stage.clock.time) == {}
