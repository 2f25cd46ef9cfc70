"""Faults: which requests they strike, and what they do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.stage import FLOAT, FRONTEND1, HOST, IP1, LB1, LB2, Json, Stage, address, error
from vipswap_rest.emulator import Request
from vipswap_rest.emulator.exchange import Exchange


def statuses(stage: Stage, count: int, path: str = LB1) -> list[int]:
    return [stage.call("GET", path).status for _ in range(count)]


@pytest.mark.parametrize(
    ("match", "times", "expected"),
    [
        ({}, None, [500, 200, 200, 200, 200, 200]),
        ({}, 2, [500, 500, 200, 200, 200, 200]),
        ({"nth": 3}, None, [200, 200, 500, 200, 200, 200]),
        ({"nth": 3}, 2, [200, 200, 500, 500, 200, 200]),
        ({"every": True}, None, [500, 500, 500, 500, 500, 500]),
        ({"every": 1}, None, [500, 500, 500, 500, 500, 500]),
        ({"every": 2}, None, [200, 500, 200, 500, 200, 500]),
        ({"every": 2}, 1, [200, 500, 200, 200, 200, 200]),
    ],
)
def test_a_fault_strikes_at_its_turn_and_so_many_times(match: Json, times: int | None, expected: list[int]) -> None:
    stage = Stage()
    fault = {"match": match, "effect": {"status": 500}, **({"times": times} if times else {})}
    stage.send("POST", "/emulator/faults", fault)

    assert statuses(stage, 6) == expected


def test_a_turn_is_counted_over_its_own_matches() -> None:
    stage = Stage()
    stage.send("POST", "/emulator/faults", {"match": {"path": "LB$", "nth": 2}, "effect": {"status": 500}})

    assert [stage.call("GET", path).status for path in (LB1, IP1, IP1, LB2, LB1)] == [200, 200, 200, 500, 200]


@pytest.mark.parametrize(
    ("match", "struck"),
    [
        ({"method": "get"}, True),
        ({"method": "GE"}, False),
        ({"method": "PUT|GET"}, True),
        ({"path": "VIPSWAP1lb"}, True),
        ({"path": "api-version"}, False),
        ({"path": "vipswap2lb"}, False),
        ({"method": "GET", "path": "^/subscriptions/.*/loadBalancers/[^/]+$"}, True),
    ],
)
def test_the_method_matches_as_a_whole_and_the_path_anywhere(match: Json, struck: bool) -> None:
    stage = Stage()
    stage.send("POST", "/emulator/faults", {"match": match, "effect": {"status": 500}})

    assert statuses(stage, 1) == [500 if struck else 200]


def test_the_emulators_own_paths_never_match() -> None:
    stage = Stage()
    stage.fault({"status": 500}, times=100)

    assert stage.send("GET", "/emulator/state").status == 200


def test_an_answer_instead_is_given_and_nothing_is_done() -> None:
    stage = Stage()
    stage.fault({"status": 503, "body": {"a": "b"}, "headers": {"Retry-After": 7}}, method="PUT")

    answer = stage.put(FLOAT, address())

    assert (answer.status, answer.json(), answer.headers["Retry-After"]) == (503, {"a": "b"}, "7")
    assert "x-ms-request-id" in answer.headers
    assert stage.call("GET", FLOAT).status == 404


@pytest.mark.parametrize(("body", "content"), [("<html>", b"<html>"), ("", b""), ([1], b"[1]")])
def test_an_answer_may_be_no_json_of_arms(body: Any, content: bytes) -> None:
    stage = Stage()
    stage.fault({"status": 502, "body": body})

    assert stage.call("GET", LB1).body == content


@pytest.mark.parametrize(
    ("status", "code"), [(429, "TooManyRequests"), (503, "ServerTimeout"), (404, "ResourceNotFound")]
)
def test_an_answer_without_a_body_is_an_error_of_arms(status: int, code: str) -> None:
    stage = Stage()
    stage.fault({"status": status})

    assert error(stage.call("GET", LB1)) == (status, code)


def open_(stage: Stage, method: str, path: str) -> Exchange:
    headers = {"host": HOST, "authorization": "Bearer any"}
    return stage.emulator.open(Request(method, f"{path}?api-version=2024-03-01", headers))


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ({"lose_response": True}, {"reset": False, "lost": True, "before_s": 0, "after_s": 0, "zombie": False}),
        ({"reset": True}, {"reset": True, "lost": False, "before_s": 0, "after_s": 0, "zombie": False}),
        ({"hang_s": 5}, {"reset": False, "lost": False, "before_s": 0, "after_s": 5, "zombie": False}),
        ({"hang_s": 5, "before": True}, {"reset": False, "lost": False, "before_s": 5, "after_s": 0, "zombie": False}),
        (
            {"hang_s": 5, "before": True, "zombie": True},
            {"reset": False, "lost": False, "before_s": 5, "after_s": 0, "zombie": True},
        ),
    ],
)
def test_what_happens_to_the_connection_is_told_to_the_server(effect: Json, expected: Json) -> None:
    stage = Stage()
    stage.fault(effect)

    exchange = open_(stage, "GET", LB1)

    assert {name: getattr(exchange, name) for name in expected} == expected
    assert exchange.stands()
    stage.admin("faults", "DELETE")
    assert not exchange.stands()


def test_a_failed_operation_leaves_the_model_at_the_requested_address() -> None:
    stage = Stage()
    stage.make_address()
    stage.fault({"fail_operation": {"code": "Broken", "message": "It broke."}}, method="PUT", path="vipswap1lb")

    answer = stage.put_address(LB1, FLOAT)
    stage.settle()

    body = {"status": "Failed", "error": {"code": "Broken", "message": "It broke."}}
    assert (stage.follow(answer).status, stage.follow(answer).json()) == (200, body)
    balancer = stage.get(LB1)["properties"]
    assert balancer["provisioningState"] == "Failed"
    assert balancer["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] == {"id": FLOAT}
    assert stage.get(FLOAT)["properties"]["ipConfiguration"] == {"id": FRONTEND1}


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_a_failed_operation_may_give_the_model_back(where: str) -> None:
    stage = Stage()
    stage.make_address()
    error_: Json = {"code": "Broken", "message": "It broke."}
    effect: Json = {"fail_operation": error_}
    (effect if where == "beside" else error_)["restore"] = True
    stage.fault(effect, method="PUT", path="vipswap1lb")

    stage.put_address(LB1, FLOAT)
    stage.settle()

    balancer = stage.get(LB1)["properties"]
    assert balancer["provisioningState"] == "Failed"
    assert balancer["frontendIPConfigurations"][0]["properties"]["publicIPAddress"] == {"id": IP1}
    assert stage.get(IP1)["properties"]["ipConfiguration"] == {"id": FRONTEND1}
    assert "ipConfiguration" not in stage.get(FLOAT)["properties"]


def test_a_failed_load_balancer_is_made_good_by_another_put() -> None:
    stage = Stage()
    stage.fault({"fail_operation": {"code": "Broken", "message": "It broke."}}, method="PUT")
    stage.put(LB1, stage.get(LB1))
    stage.settle()

    stage.put(LB1, stage.get(LB1))
    stage.settle()

    assert stage.get(LB1)["properties"]["provisioningState"] == "Succeeded"


def test_a_failed_deletion_has_deleted_nothing() -> None:
    stage = Stage()
    stage.make_address()
    stage.fault({"fail_operation": {"code": "Broken", "message": "It broke."}}, method="DELETE")

    answer = stage.call("DELETE", FLOAT)
    stage.settle()

    assert stage.status(answer) == "Failed"
    assert stage.get(FLOAT)["properties"]["provisioningState"] == "Failed"


def test_a_canceled_operation_says_canceled() -> None:
    stage = Stage()
    stage.fault({"cancel_operation": True}, method="PUT")

    answer = stage.put(LB1, stage.get(LB1))
    stage.settle()

    assert (stage.status(answer), stage.follow(answer).status) == ("Canceled", 200)
    assert stage.get(LB1)["properties"]["provisioningState"] == "Canceled"


def test_an_operation_may_be_delayed() -> None:
    stage = Stage()
    stage.fault({"delay_operation_s": 100}, method="PUT")
    answer = stage.put(LB1, stage.get(LB1))

    stage.clock.advance(122)
    before = stage.status(answer)
    stage.clock.advance(1)

    assert (before, stage.status(answer)) == ("InProgress", "Succeeded")


def test_a_dropped_operation_is_404_and_does_its_work_all_the_same() -> None:
    stage = Stage()
    stage.make_address()
    stage.fault({"drop_operation": True}, method="PUT", path="vipswap1lb")

    answer = stage.put_address(LB1, FLOAT)
    stage.settle()

    assert stage.follow(answer).status == 404
    assert stage.get(LB1)["properties"]["provisioningState"] == "Succeeded"
    assert stage.events("address_attached")[-1]["public_ip"] == FLOAT


def test_an_expired_token_is_refused_from_then_on_and_another_one_is_not() -> None:
    stage = Stage()
    stage.fault({"expire_token": True})

    first, second = (stage.call("GET", LB1) for _ in range(2))

    assert (error(first), error(second)) == ((401, "ExpiredAuthenticationToken"),) * 2
    assert "WWW-Authenticate" in first.headers
    assert stage.call("GET", LB1, authorization="Bearer another").status == 200


def test_reads_are_stale_for_a_while_and_so_are_lists() -> None:
    stage = Stage()
    stage.fault({"stale_reads_s": 30}, method="PUT", path="float")
    stage.put(FLOAT, address())
    parent = FLOAT.rsplit("/", 1)[0]

    stage.clock.advance(29)
    early = (stage.call("GET", FLOAT).status, len(stage.get(parent)["value"]))
    stage.clock.advance(1)

    assert early == (404, 2)
    assert (stage.call("GET", FLOAT).status, len(stage.get(parent)["value"])) == (200, 3)


def test_faults_are_listed_with_their_counts_and_deleted() -> None:
    stage = Stage()
    fault = {"match": {"path": "lb", "nth": 2}, "effect": {"status": 500}}
    stage.send("POST", "/emulator/faults", fault)
    statuses(stage, 3)

    assert stage.admin("faults") == {"faults": [{**fault, "matched": 3, "struck": 1}]}
    assert stage.admin("faults", "DELETE") == {"faults": []}


def test_several_faults_may_come_at_once_and_strike_together() -> None:
    stage = Stage()
    faults = [{"effect": {"delay_operation_s": 10}}, {"effect": {"drop_operation": True}}]
    stage.send("POST", "/emulator/faults", faults)

    answer = stage.put(LB1, {**stage.state()[LB1]})

    assert stage.follow(answer).status == 404
    stage.clock.advance(30)
    assert stage.get(LB1)["properties"]["provisioningState"] == "Updating"


BAD: list[Any] = [
    b"{",
    3,
    {},
    {"effect": {}},
    {"effect": {"explode": True}},
    {"effect": {"status": 500}, "more": 1},
    {"effect": {"status": "500"}},
    {"effect": {"status": 199}},
    {"effect": {"status": True}},
    {"effect": {"hang_s": -1}},
    {"effect": {"hang_s": "1"}},
    {"effect": {"reset": 1}},
    {"effect": {"fail_operation": "no"}},
    {"effect": {"status": 500, "headers": []}},
    {"effect": {"reset": True}, "match": {"path": "("}},
    {"effect": {"reset": True}, "match": {"path": 3}},
    {"effect": {"reset": True}, "match": {"nth": 0}},
    {"effect": {"reset": True}, "match": {"every": "x"}},
    {"effect": {"reset": True}, "match": {"every": -1}},
    {"effect": {"reset": True}, "match": {"every": []}},
    {"effect": {"reset": True}, "match": {"host": "x"}},
    {"effect": {"reset": True}, "match": []},
    {"effect": {"reset": True}, "times": 0},
    {"effect": {"reset": True}, "times": "all"},
    [{"effect": {"reset": True}}, {}],
]


@pytest.mark.parametrize("fault", BAD, ids=str)
def test_a_fault_that_cannot_be_is_400_with_one_sentence_and_none_is_added(fault: Any) -> None:
    stage = Stage()

    answer = stage.send("POST", "/emulator/faults", fault)

    assert answer.status == 400
    assert "\n" not in answer.json()["error"]
    assert stage.admin("faults") == {"faults": []}


@pytest.mark.parametrize(("name", "value"), [("a b", "x"), ("a\r\nb", "x"), ("é", "x"), ("", "x"), ("a", "x\r\ny")])
def test_headers_that_cannot_be_sent_are_refused(name: str, value: str) -> None:
    fault = {"effect": {"status": 500, "headers": {name: value}}}

    assert Stage().send("POST", "/emulator/faults", fault).status == 400
