"""Deployments: a template is checked, its resources are made one by one through their own handlers, and all is told."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.emulator.stage import GROUP, NETWORK, SUB, Json, Stage, error, said, settings_of
from vipswap_rest.emulator import Answer, Settings

VERSION = "2026-06-01"
PATH = f"{GROUP}/providers/Microsoft.Resources/deployments/d1"
IP, LB = f"{NETWORK}/publicIPAddresses/newpip", f"{NETWORK}/loadBalancers/newlb"


def resource(kind: str, name: str, *after: str, **more: Any) -> Json:
    made: Json = {"type": kind, "name": name, "apiVersion": "2026-03-01", "location": "[parameters('location')]"}
    return {**made, "dependsOn": list(after), **more}


def template() -> Json:
    """An address, and a load balancer on it."""
    front = {
        "name": "front",
        "properties": {
            "publicIPAddress": {"id": "[resourceId('Microsoft.Network/publicIPAddresses', parameters('ip'))]"}
        },
    }
    sku = {"name": "Standard"}
    return {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {
            "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
            "ip": {"type": "string"},
            "key": {"type": "secureString", "defaultValue": "hush"},
        },
        "variables": {"lb": "[concat('new', 'lb')]"},
        "resources": [
            resource(
                "Microsoft.Network/loadBalancers",
                "[variables('lb')]",
                "[parameters('ip')]",
                sku=sku,
                properties={"frontendIPConfigurations": [front]},
            ),
            resource(
                "Microsoft.Network/publicIPAddresses",
                "[parameters('ip')]",
                sku=sku,
                properties={"publicIPAllocationMethod": "Static"},
            ),
        ],
        "outputs": {"address": {"type": "string", "value": "[reference(parameters('ip')).ipAddress]"}},
    }


def asked(made: Json | None = None, **parameters: Any) -> Json:
    values = {name: {"value": value} for name, value in ({"ip": "newpip"} | parameters).items()}
    return {"properties": {"mode": "Incremental", "template": made or template(), "parameters": values}}


def begin(stage: Stage, body: Json | None = None, path: str = PATH) -> Answer:
    return stage.call("PUT", path, body or asked(), VERSION)


def get(stage: Stage, path: str = PATH) -> Json:
    return stage.get(path, VERSION)


def operations(stage: Stage) -> list[Json]:
    found: list[Json] = get(stage, f"{GROUP}/deployments/d1/operations")["value"]
    return [one["properties"] for one in found]


def test_a_template_is_made_resource_by_resource() -> None:
    stage = Stage(Settings(latency="blog"))
    answer = begin(stage)

    assert (answer.status, answer.json()["properties"]["provisioningState"]) == (201, "Accepted")
    assert "Retry-After" not in answer.headers
    assert f"{PATH}/operationStatuses/" in answer.headers["Azure-AsyncOperation"]
    assert stage.status(answer) == "Accepted"
    assert stage.call("GET", PATH, version=VERSION).headers["Retry-After"] == "5"
    stage.clock.advance(40)
    assert stage.status(answer) == "Running"
    assert [one["provisioningState"] for one in operations(stage)] == ["Running"]
    stage.settle()

    assert stage.status(answer) == "Succeeded"
    body = get(stage)["properties"]
    assert body["provisioningState"] == "Succeeded"
    assert body["outputResources"] == [{"id": LB}, {"id": IP}]
    assert body["outputs"]["address"] == {"type": "String", "value": stage.get(IP)["properties"]["ipAddress"]}
    assert body["parameters"] == {
        "location": {"type": "String", "value": "westus"},
        "ip": {"type": "String", "value": "newpip"},
        "key": {"type": "SecureString"},
    }
    assert stage.get(IP)["properties"]["ipConfiguration"]["id"] == f"{LB}/frontendIPConfigurations/front"
    assert [one["provisioningOperation"] for one in operations(stage)] == ["Create"] * 2 + ["EvaluateDeploymentOutput"]


def test_it_lasts_as_long_as_its_own_key_says(tmp_path: Any) -> None:
    stage = Stage(settings_of(tmp_path, {"deployment": 20.0}))
    answer = begin(stage)

    stage.clock.advance(19.9)
    assert stage.status(answer) == "Running"
    stage.clock.advance(0.1)
    assert stage.status(answer) == "Succeeded"
    assert get(stage)["properties"]["duration"] == "PT20.0000000S"


def test_a_second_put_of_its_name_is_a_200_and_one_under_way_is_a_409() -> None:
    stage = Stage()
    begin(stage)
    assert error(begin(stage)) == (409, "DeploymentActive")
    stage.settle()

    assert begin(stage).status == 200
    assert [one["name"] for one in get(stage, PATH.rpartition("/")[0])["value"]] == ["d1"]


def test_what_may_not_be_made_fails_it_and_its_operation_says_why() -> None:
    stage = Stage()
    made = template()
    made["resources"][0]["sku"] = {"name": "Basic"}
    answer = begin(stage, asked(made))
    stage.settle()

    told = stage.follow(answer).json()
    assert (told["status"], told["error"]["code"]) == ("Failed", "DeploymentFailed")
    (detail,) = told["error"]["details"]
    assert json.loads(detail["message"])["error"]["code"] == "PublicIPAndLBSkuDoNotMatch"
    failed = [one for one in operations(stage) if one["provisioningState"] == "Failed"]
    assert failed[0]["statusMessage"]["error"]["code"] == "PublicIPAndLBSkuDoNotMatch"
    assert failed[0]["targetResource"]["id"] == LB
    assert get(stage)["properties"]["provisioningState"] == "Failed"
    assert stage.get(IP)["properties"]["provisioningState"] == "Succeeded", "what it made stays"


def test_a_resource_whose_operation_fails_fails_it() -> None:
    stage = Stage(Settings(latency="blog"))
    stage.fault({"fail_operation": {"code": "InternalServerError", "message": "no"}}, method="PUT", path="deployments")
    answer = begin(stage)
    stage.settle()

    assert stage.follow(answer).json() == {
        "status": "Failed",
        "error": {"code": "InternalServerError", "message": "no"},
    }


def test_a_canceled_one_begins_no_further_resource() -> None:
    stage = Stage(Settings(latency="blog"))
    answer = begin(stage)
    stage.clock.advance(40)

    canceled = stage.call("POST", f"{PATH}/cancel", version=VERSION)
    stage.settle()

    assert (canceled.status, stage.status(answer)) == (204, "Canceled")
    assert get(stage)["properties"]["provisioningState"] == "Canceled"
    assert stage.call("GET", IP).status == 200
    assert stage.call("GET", LB).status == 404
    assert error(stage.call("POST", f"{PATH}/cancel", version=VERSION)) == (409, "DeploymentCannotBeCancelled")


def test_validation_makes_nothing_and_names_what_would_be_made() -> None:
    stage = Stage()
    before = stage.state()
    answer = stage.call("POST", f"{PATH}/validate", asked(), VERSION)

    assert answer.status == 200
    assert answer.json()["properties"]["validatedResources"] == [{"id": LB}, {"id": IP}]
    assert stage.state() == before
    assert error(stage.call("GET", PATH, version=VERSION)) == (404, "DeploymentNotFound")


def without_type(made: Json) -> None:
    del made["resources"][0]["type"]


@pytest.mark.parametrize(
    ("change", "parameters", "words"),
    [
        (lambda made: made["parameters"].update(extra={"type": "string"}), {}, "parameter 'extra'"),
        (lambda made: None, {"unknown": 1}, "do not correspond to any parameters: 'unknown'"),
        (lambda made: made["parameters"]["ip"].update(allowedValues=["x"]), {}, "parameter 'ip' is not valid"),
        (lambda made: made["variables"].update(a="[frobnicate()]"), {}, "function 'frobnicate' is not valid"),
        (lambda made: made["variables"].update(a="[concat('a'"), {}, None),
        (lambda made: made["resources"][0].update(name="a/b"), {}, "incorrect segments"),
        (lambda made: made["resources"][0].update(dependsOn=["nobody"]), {}, "'nobody' is not defined"),
        (without_type, {}, "must have a type"),
    ],
)
def test_a_bad_template_is_refused_before_anything_is_made(change: Any, parameters: Json, words: str | None) -> None:
    stage = Stage()
    made = template()
    change(made)
    for method, path in (("POST", f"{PATH}/validate"), ("PUT", PATH)):
        answer = stage.call(method, path, asked(made, **parameters), VERSION)
        if words is None:
            # No expression: a text that begins with a bracket alone.
            assert answer.status in (200, 201)
            continue
        assert error(answer) == (400, "InvalidTemplate")
        assert words in said(answer)
        assert answer.json()["error"]["additionalInfo"][0]["type"] == "TemplateViolation"


def test_comments_and_bare_keys_are_taken_as_recorded_of_az() -> None:
    text = json.dumps(asked())
    loose = text.replace('"template":', "/* a\n b */ template:").replace('"mode"', "// c\n mode")
    stage = Stage()

    answer = stage.send("POST", f"{PATH}/validate?api-version={VERSION}", loose.encode())

    assert answer.status == 200, answer.body


def test_what_if_says_what_would_be_new_and_what_would_change() -> None:
    stage = Stage()
    begin(stage)
    stage.settle()
    made = copy.deepcopy(template())
    made["resources"][1]["tags"] = {"a": "b"}
    made["resources"][0]["name"] = "third"
    answer = stage.call("POST", f"{PATH}/whatIf", asked(made), VERSION)
    assert (answer.status, answer.body) == (202, b"")
    assert f"{SUB}/operationresults/" in answer.headers["Location"]
    assert "Azure-AsyncOperation" not in answer.headers
    stage.settle()

    told = stage.follow(answer, "Location").json()

    kinds = {one["resourceId"].rsplit("/", 1)[1]: one["changeType"] for one in told["properties"]["changes"]}
    assert (told["status"], kinds) == ("Succeeded", {"third": "Create", "newpip": "Modify"})


def test_a_group_that_goes_takes_its_deployments_with_it() -> None:
    stage = Stage()
    begin(stage)
    stage.settle()
    answer = stage.call("DELETE", GROUP, version=VERSION)
    stage.settle()

    assert f"{SUB}/operationresults/" in answer.headers["Location"]
    assert (stage.follow(answer, "Location").status, stage.follow(answer, "Location").body) == (200, b"")
    assert error(stage.call("GET", PATH, version=VERSION)) == (404, "ResourceGroupNotFound")


def test_a_group_that_cannot_go_says_so_in_capitals() -> None:
    stage = Stage()
    fault = {"fail_operation": {"code": "ResourceGroupDeletionBlocked", "message": "no"}}
    stage.fault(fault, method="DELETE", path="resourceGroups/vipswap$")
    answer = stage.call("DELETE", GROUP, version=VERSION)
    stage.settle()

    told = stage.follow(answer, "Location")
    assert told.status == 409
    assert told.json()["Error"]["Code"] == "ResourceGroupDeletionBlocked"
