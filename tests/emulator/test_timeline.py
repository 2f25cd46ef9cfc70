"""The ground truth: which events there are, whom they name, and when."""

from __future__ import annotations

import pytest

from tests.emulator import balancers as lb
from tests.emulator.stage import FLOAT, FRONTEND1, IP1, IP2, LB1, LB2, Stage, address
from vipswap_rest.emulator import Settings

FIELDS = {"t", "event", "resource", "public_ip", "frontend", "operation"}


def test_a_change_of_address_names_the_old_one_first_and_then_the_new_one() -> None:
    stage = Stage()
    stage.make_address()
    start, count = stage.clock.time, len(stage.events())

    stage.put_address(LB1, FLOAT)
    stage.settle()

    found = stage.events()[count:]
    assert [(event["event"], event["public_ip"], event["t"]) for event in found] == [
        ("request_accepted", IP1, start),
        ("address_released", IP1, start + 22.5),
        ("address_attached", FLOAT, start + 22.5),
        ("operation_succeeded", FLOAT, start + 22.5),
    ]
    assert {(event["resource"], event["frontend"]) for event in found} == {(LB1, FRONTEND1)}
    assert len({event["operation"] for event in found}) == 1
    assert all(set(event) == FIELDS for event in found)


def test_a_released_address_is_free_at_once_if_the_setting_says_so() -> None:
    stage = Stage(Settings(latency="blog", release="accept"))
    stage.make_address()

    stage.put_address(LB1, FLOAT)

    assert [event["event"] for event in stage.events()[-2:]] == ["request_accepted", "address_released"]


def test_there_is_one_event_for_each_frontend_that_changes() -> None:
    stage = Stage()
    made = [stage.make_address(f"{FLOAT}{number}") for number in range(4)]
    fronts = [lb.child(f"front{n}", publicIPAddress={"id": made[n]}) for n in range(3)]
    lb.make(stage, lb.balancer(made[0], frontendIPConfigurations=fronts))
    count = len(stage.events())
    body = stage.get(lb.OTHER)
    fronts = body["properties"]["frontendIPConfigurations"]
    fronts[0]["properties"]["publicIPAddress"]["id"] = made[3]
    del fronts[2]

    stage.put(lb.OTHER, body)

    found = [(event["frontend"].rsplit("/", 1)[1], event["public_ip"]) for event in stage.events()[count:][:2]]
    assert found == [("front0", made[0]), ("front2", made[2])]
    ended = [event["public_ip"] for event in stage.events("operation_succeeded")[-2:]]
    assert ended == [made[3], None]


def test_a_new_frontend_has_no_address_to_release() -> None:
    stage = Stage()
    stage.make_address()
    body = stage.get(LB1)
    body["properties"]["frontendIPConfigurations"].append(lb.child("second", publicIPAddress={"id": FLOAT}))
    count = len(stage.events())

    stage.put(LB1, body)
    stage.settle()

    found = [(event["event"], event["public_ip"]) for event in stage.events()[count:]]
    assert found == [("request_accepted", None), ("address_attached", FLOAT), ("operation_succeeded", FLOAT)]


def test_an_update_that_changes_no_address_says_only_that_it_ran() -> None:
    stage = Stage()

    stage.put(LB1, stage.get(LB1))
    stage.settle()

    found = [(event["event"], event["resource"], event["public_ip"]) for event in stage.events()]
    assert found == [("request_accepted", LB1, None), ("operation_succeeded", LB1, None)]


def test_making_and_deleting_an_address_names_it() -> None:
    stage = Stage()
    stage.call("DELETE", stage.make_address())
    stage.settle()

    found = [(event["event"], event["resource"], event["public_ip"]) for event in stage.events()]
    assert found == [(event, FLOAT, FLOAT) for event in ("request_accepted", "operation_succeeded")] * 2


@pytest.mark.parametrize(
    ("effect", "event"),
    [
        ({"fail_operation": {"code": "InternalServerError", "message": "no"}}, "operation_failed"),
        ({"cancel_operation": True}, "operation_canceled"),
    ],
)
def test_an_operation_that_fails_says_so_and_attaches_nothing(effect: dict[str, object], event: str) -> None:
    stage = Stage()
    stage.make_address()
    stage.fault(effect, method="PUT", path="vipswap1lb")

    stage.put_address(LB1, FLOAT)
    stage.settle()

    assert [(one["event"], one["public_ip"]) for one in stage.events()[-1:]] == [(event, FLOAT)]
    assert stage.events("address_attached") == []


def test_a_superseded_operation_is_canceled_when_the_next_one_is_accepted() -> None:
    stage = Stage()
    stage.make_address()
    stage.put_address(LB1, FLOAT)
    stage.clock.advance(5)
    now = stage.clock.time

    stage.put(LB1, stage.get(LB1))

    (canceled,) = stage.events("operation_canceled")
    (first, *_) = [event for event in stage.events("request_accepted") if event["resource"] == LB1]
    assert (canceled["t"], canceled["public_ip"], canceled["operation"]) == (now, FLOAT, first["operation"])


def test_every_operation_begins_once_for_a_frontend_and_ends_once() -> None:
    stage = Stage()
    stage.make_address()
    for path, public_ip in ((LB2, FLOAT), (LB1, IP2), (LB2, IP1)):
        stage.put_address(path, public_ip)
        stage.settle()
    stage.call("DELETE", FLOAT)
    stage.settle()

    begun = [event["operation"] for event in stage.events("request_accepted")]
    ended = [event["operation"] for event in stage.events("operation_succeeded")]
    assert len(set(begun)) == len(begun) == 5
    assert ended == begun


def test_events_are_in_the_order_of_their_times() -> None:
    stage = Stage()
    stage.put(LB1, stage.get(LB1))
    stage.clock.advance(10)
    stage.put(FLOAT, address())
    stage.settle()

    times = [event["t"] for event in stage.events()]
    assert times == sorted(times)


def test_now_is_the_clock() -> None:
    stage = Stage()
    stage.clock.advance(5)

    assert stage.admin("timeline") == {"now": 1005.0, "events": []}
