"""The emulator's locks, permissions, quotas and health of rules, as ARM would show and enforce them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from tests.methods.vip_swap.lab import GROUP, NETWORK, PRODUCTION_IP, PRODUCTION_LB, STAGING_LB, Lab
from vipswap_rest.emulator import Answer, Request
from vipswap_rest.emulator.settings import SUBSCRIPTION

SUB = f"/subscriptions/{SUBSCRIPTION}"
FREE_IP = f"{NETWORK}/publicIPAddresses/free"
ADDRESS = {"location": "westus", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}}


def call(lab: Lab, method: str, path: str, body: Any = None, version: str = "2016-09-01") -> Answer:
    content = b"" if body is None else json.dumps(body).encode()
    headers = {"authorization": "Bearer any", "host": "arm"}
    return lab.core.handle(Request(method, f"{path}?api-version={version}", headers, content))


def lock(lab: Lab, scope: str, level: str, name: str = "keep") -> Answer:
    path = f"{scope}/providers/Microsoft.Authorization/locks/{name}"
    return call(lab, "PUT", path, {"properties": {"level": level, "notes": "hands off"}})


def locks(lab: Lab, scope: str) -> list[str]:
    found = call(lab, "GET", f"{scope}/providers/Microsoft.Authorization/locks").json()["value"]
    return [item["id"].split("/providers/Microsoft.Authorization/")[0] for item in found]


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["error"]["code"]


@pytest.mark.parametrize("scope", [SUB, GROUP, STAGING_LB])
def test_a_lock_is_put_read_listed_and_deleted_at_any_scope(scope: str) -> None:
    lab = Lab()
    path = f"{scope}/providers/Microsoft.Authorization/locks/keep"

    assert lock(lab, scope, "ReadOnly").status == 201
    assert lock(lab, scope, "canNotDelete").status == 200
    body = call(lab, "GET", path.upper().replace("/SUBSCRIPTIONS", "/subscriptions")).json()
    assert body == {
        "properties": {"level": "CanNotDelete", "notes": "hands off"},
        "id": path,
        "type": "Microsoft.Authorization/locks",
        "name": "keep",
    }
    assert locks(lab, scope) == [scope]
    assert call(lab, "DELETE", path).status == 200
    assert call(lab, "DELETE", path).status == 204
    assert error(call(lab, "GET", path)) == (404, "LockNotFound")


def test_a_list_shows_the_locks_at_above_and_below_its_scope() -> None:
    lab = Lab()
    for scope in (SUB, GROUP, STAGING_LB):
        lock(lab, scope, "CanNotDelete")

    assert locks(lab, SUB) == locks(lab, GROUP) == locks(lab, STAGING_LB) == [SUB, GROUP, STAGING_LB]
    assert locks(lab, PRODUCTION_LB) == [SUB, GROUP]


def test_a_lock_of_no_level_or_on_nothing_is_refused() -> None:
    lab = Lab()

    assert lock(lab, GROUP, "Sometimes").status == 400
    assert lock(lab, f"{NETWORK}/loadBalancers/nolb", "ReadOnly").status == 404


@pytest.mark.parametrize("scope", [SUB, GROUP, PRODUCTION_LB])
@pytest.mark.parametrize(
    ("level", "method", "locked"),
    [
        ("ReadOnly", "GET", False),
        ("ReadOnly", "PUT", True),
        ("ReadOnly", "PATCH", True),
        ("ReadOnly", "DELETE", True),
        ("ReadOnly", "POST", True),
        ("CanNotDelete", "PUT", False),
        ("CanNotDelete", "PATCH", False),
        ("CanNotDelete", "POST", False),
        ("CanNotDelete", "DELETE", True),
    ],
)
def test_what_a_lock_refuses(scope: str, level: str, method: str, locked: bool) -> None:
    lab = Lab()
    body = {"tags": {}} if method == "PATCH" else copy.deepcopy(lab.get(PRODUCTION_LB))
    lock(lab, scope, level)
    path = f"{PRODUCTION_LB}/loadBalancingRules/http/health" if method == "POST" else PRODUCTION_LB

    answer = call(lab, method, path, None if method in ("GET", "DELETE", "POST") else body)

    assert (answer.status == 409) == locked
    if locked:
        message = answer.json()["error"]["message"]
        about = f"{PRODUCTION_LB}/loadBalancingRules/http" if method == "POST" else PRODUCTION_LB
        verb = "delete" if method == "DELETE" else "write"
        assert error(answer) == (409, "ScopeLocked")
        # The words of the recorded answer.
        assert message == (
            f"The scope '{about}' cannot perform {verb} operation because following scope(s) are locked: "
            f"'{scope}'. Please remove the lock and try again."
        )
        assert answer.headers["x-ms-failure-cause"] == "gateway"


def test_a_group_is_not_deleted_while_anything_in_it_is_locked() -> None:
    lab = Lab()
    lock(lab, STAGING_LB, "CanNotDelete")

    answer = call(lab, "DELETE", GROUP)

    assert error(answer) == (409, "ScopeLocked")
    assert f"'{STAGING_LB}'" in answer.json()["error"]["message"]


def test_everything_is_permitted_unless_permissions_are_seeded() -> None:
    lab = Lab()
    path = f"{STAGING_LB}/providers/Microsoft.Authorization/permissions"

    assert call(lab, "GET", path).json() == {"value": [{"actions": ["*"], "notActions": []}]}


def test_seeded_permissions_are_shown_from_their_scope_down_and_enforced() -> None:
    lab = Lab()
    id = f"{GROUP}/providers/Microsoft.Authorization/permissions/role"
    granted = {"actions": ["*/read", "Microsoft.Network/publicIPAddresses/*"], "notActions": ["*/delete"]}
    lab.put({"id": id, "properties": granted})
    path = "/providers/Microsoft.Authorization/permissions"

    assert call(lab, "GET", STAGING_LB + path).json() == {"value": [granted]}
    assert call(lab, "PUT", FREE_IP, ADDRESS).status == 201
    assert error(call(lab, "DELETE", FREE_IP)) == (403, "AuthorizationFailed")
    refused = call(lab, "PUT", PRODUCTION_LB, lab.get(PRODUCTION_LB))
    assert error(refused) == (403, "AuthorizationFailed")
    assert "'Microsoft.Network/loadBalancers/write' over scope" in refused.json()["error"]["message"]
    assert error(call(lab, "GET", SUB + path)) == (403, "AuthorizationFailed")


def test_a_load_balancer_cannot_be_written_without_joining_its_addresses() -> None:
    lab = Lab()
    id = f"{GROUP}/providers/Microsoft.Authorization/permissions/role"
    lab.put({"id": id, "properties": {"actions": ["*"], "notActions": ["*/join/action"]}})

    answer = call(lab, "PUT", PRODUCTION_LB, lab.get(PRODUCTION_LB))

    assert error(answer) == (403, "LinkedAuthorizationFailed")
    assert f"'{PRODUCTION_IP}'" in answer.json()["error"]["message"]


def test_usages_count_the_addresses_and_a_seeded_limit_is_enforced() -> None:
    lab = Lab()
    path = f"{SUB}/providers/Microsoft.Network/locations/West US/usages".replace(" ", "%20")
    limit = f"{SUB}/providers/Microsoft.Network/locations/westus/usages/StandardSkuPublicIpAddresses"

    before = {item["name"]["value"]: item for item in call(lab, "GET", path).json()["value"]}
    lab.put({"id": limit, "properties": {"limit": 2}})

    assert {name: item["currentValue"] for name, item in before.items()} == {
        "PublicIPAddresses": 2,
        "StandardSkuPublicIpAddresses": 2,
    }
    assert error(call(lab, "PUT", FREE_IP, ADDRESS)) == (400, "PublicIPCountLimitReached")
    assert call(lab, "PUT", PRODUCTION_IP, lab.get(PRODUCTION_IP)).status == 200


def test_the_health_of_a_rule_is_the_result_of_an_operation() -> None:
    lab = Lab()
    path = f"{STAGING_LB}/loadBalancingRules/http/health"

    accepted = call(lab, "POST", path)
    location = accepted.headers["Location"].removeprefix("http://arm")
    headers = {"authorization": "Bearer any", "host": "arm"}
    result = lab.core.handle(Request("GET", location, headers))

    assert accepted.status == 202
    assert "Azure-AsyncOperation" not in accepted.headers
    assert result.status == 200
    assert (result.json()["up"], result.json()["down"]) == (2, 0)
    assert {item["state"] for item in result.json()["loadBalancerBackendAddresses"]} == {"Up"}
    assert lab.get(STAGING_LB)["properties"]["provisioningState"] == "Succeeded"
    assert lab.timeline() == []


def test_the_health_of_no_rule_or_no_load_balancer_is_404() -> None:
    lab = Lab()

    assert call(lab, "POST", f"{STAGING_LB}/loadBalancingRules/norule/health").status == 404
    assert call(lab, "POST", f"{NETWORK}/loadBalancers/nolb/loadBalancingRules/http/health").status == 404
    assert call(lab, "GET", f"{STAGING_LB}/loadBalancingRules/http/health").status == 405
