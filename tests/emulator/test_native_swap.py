"""setLoadBalancerFrontendPublicIpAddresses: one operation on two load balancers."""

from __future__ import annotations

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import (
    FLOAT,
    FRONTEND1,
    FRONTEND2,
    IP1,
    IP2,
    LB1,
    LB2,
    NATIVE,
    NETWORK,
    Json,
    Stage,
    error,
    without_etags,
)
from vipswap_rest.emulator import Settings


def goal(*pairs: tuple[str, str]) -> Json:
    entries = [{"id": frontend, "properties": {"publicIPAddress": {"id": public_ip}}} for frontend, public_ip in pairs]
    return {"frontendIPConfigurations": entries}


def exchange() -> Json:
    return goal((FRONTEND1, IP2), (FRONTEND2, IP1))


def holds(stage: Stage, load_balancer: str) -> str:
    frontend = stage.get(load_balancer)["properties"]["frontendIPConfigurations"][0]
    return str(frontend["properties"]["publicIPAddress"]["id"])


def test_it_is_accepted_with_both_urls_and_a_pause() -> None:
    stage = Stage()

    answer = stage.call("POST", NATIVE, exchange())

    assert (answer.status, answer.body) == (202, b"")
    assert "/operations/" in answer.headers["Azure-AsyncOperation"]
    assert "/operationResults/" in answer.headers["Location"]
    assert answer.headers["Retry-After"] == "10"


def test_both_load_balancers_are_updating_until_it_has_succeeded() -> None:
    stage = Stage()
    answer = stage.call("POST", NATIVE, exchange())
    states = [stage.get(one)["properties"]["provisioningState"] for one in (LB1, LB2)]

    stage.clock.advance(22.4)
    running = (stage.status(answer), stage.follow(answer, "Location").status)
    stage.clock.advance(0.1)

    assert states == ["Updating", "Updating"]
    assert running == ("InProgress", 202)
    assert (stage.status(answer), stage.follow(answer, "Location").status) == ("Succeeded", 204)
    assert [stage.get(one)["properties"]["provisioningState"] for one in (LB1, LB2)] == ["Succeeded", "Succeeded"]
    assert (holds(stage, LB1), holds(stage, LB2)) == (IP2, IP1)


def test_both_addresses_show_their_new_owner_at_once() -> None:
    stage = Stage()

    stage.call("POST", NATIVE, exchange())

    owners = [stage.get(one)["properties"]["ipConfiguration"]["id"] for one in (IP1, IP2)]
    assert owners == [FRONTEND2, FRONTEND1]


def test_the_same_goal_again_succeeds_and_changes_nothing() -> None:
    stage = Stage()
    stage.call("POST", NATIVE, exchange())
    stage.settle()
    before = without_etags(stage.state())

    answer = stage.call("POST", NATIVE, exchange())
    stage.settle()

    assert stage.status(answer) == "Succeeded"
    assert without_etags(stage.state()) == before


def test_it_is_refused_where_the_setting_says_so_and_changes_nothing() -> None:
    stage = Stage(Settings(native="reject"))
    before = stage.state()

    answer = stage.call("POST", NATIVE, exchange())

    assert error(answer) == (400, "OperationNotSupported")
    assert stage.state() == before


def test_it_waits_for_nobody_and_is_429_while_a_load_balancer_is_updating() -> None:
    stage = Stage()
    stage.put_address(LB1, stage.make_address())

    answer = stage.call("POST", NATIVE, goal((FRONTEND1, IP2), (FRONTEND2, FLOAT)))

    assert error(answer) == (429, "RetryableError")
    assert answer.json()["error"]["details"][0]["code"] == "RetryableErrorDueToAnotherOperation"


@pytest.mark.parametrize("path", [LB1, LB2])
def test_a_load_balancer_cannot_be_written_while_it_runs(path: str) -> None:
    stage = Stage()
    body = stage.get(path)
    stage.call("POST", NATIVE, exchange())

    assert error(stage.put(path, body)) == (429, "RetryableError")
    assert error(stage.call("POST", NATIVE, exchange())) == (429, "RetryableError")


def test_a_failed_load_balancer_refuses_it() -> None:
    stage = Stage()
    body = stage.get(LB2)
    body["properties"]["provisioningState"] = "Failed"
    stage.seed(body)

    answer = stage.call("POST", NATIVE, exchange())

    assert answer.json()["error"]["details"][0]["code"] == "ReferencedResourceNotProvisioned"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "InvalidRequestFormat"),
        (goal((FRONTEND1, IP2)), "InvalidRequestFormat"),
        (goal((FRONTEND1, IP2), (FRONTEND1.upper(), IP1)), "InvalidRequestFormat"),
        ({"frontendIPConfigurations": [{"id": FRONTEND1}, {"id": FRONTEND2}]}, "InvalidRequestFormat"),
        ({"frontendIPConfigurations": "both"}, "InvalidRequestFormat"),
        (goal((FRONTEND1, IP2), (FRONTEND2, IP2)), "PublicIPAddressInUse"),
        (goal((FRONTEND1, IP2), (FRONTEND2, f"{NETWORK}/publicIPAddresses/none")), "InvalidResourceReference"),
    ],
)
def test_a_goal_that_cannot_be_is_400_and_changes_nothing(body: Json, code: str) -> None:
    stage = Stage()
    before = stage.state()

    assert error(stage.call("POST", NATIVE, body)) == (400, code)
    assert stage.state() == before


@pytest.mark.parametrize("frontend", [f"{LB1}/frontendIPConfigurations/none", f"{NETWORK}/loadBalancers/none", "no id"])
def test_a_frontend_that_is_not_there_is_404(frontend: str) -> None:
    assert error(Stage().call("POST", NATIVE, goal((frontend, IP2), (FRONTEND2, IP1)))) == (404, "NotFound")


def test_an_address_that_somebody_else_holds_is_refused() -> None:
    stage = Stage()
    lb.make(stage, lb.balancer(stage.make_address()))

    answer = stage.call("POST", NATIVE, goal((FRONTEND1, FLOAT), (FRONTEND2, IP1)))

    assert error(answer) == (400, "PublicIPAddressInUse")


def test_one_address_on_both_sides_is_refused() -> None:
    stage = Stage()
    stage.make_address()

    answer = stage.call("POST", NATIVE, goal((FRONTEND1, FLOAT), (FRONTEND2, FLOAT)))

    assert error(answer) == (400, "PublicIPReferencedByMultipleIPConfigs")


def test_its_timeline_has_one_event_for_each_frontend_and_one_operation() -> None:
    stage = Stage()

    stage.call("POST", NATIVE, exchange())
    stage.settle()

    found = [(event["event"], event["frontend"], event["public_ip"], event["t"]) for event in stage.events()]
    assert found == [
        ("request_accepted", FRONTEND1, IP1, 1000.0),
        ("request_accepted", FRONTEND2, IP2, 1000.0),
        ("address_attached", FRONTEND1, IP2, 1022.5),
        ("address_attached", FRONTEND2, IP1, 1022.5),
        ("operation_succeeded", FRONTEND1, IP2, 1022.5),
        ("operation_succeeded", FRONTEND2, IP1, 1022.5),
    ]
    assert len({event["operation"] for event in stage.events()}) == 1


def test_ids_in_another_case_mean_the_same() -> None:
    stage = Stage()

    assert stage.call("POST", NATIVE.lower(), goal((FRONTEND1.upper(), IP2.lower()), (FRONTEND2, IP1))).status == 202
    assert (holds(stage, LB1), holds(stage, LB2)) == (IP2, IP1)


def test_another_location_than_the_load_balancers_is_refused() -> None:
    assert Stage().call("POST", NATIVE.replace("westus", "eastus"), exchange()).status == 400
    assert Stage().call("GET", NATIVE).status == 405
