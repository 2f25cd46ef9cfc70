"""/emulator/...: state, requests and reset, without a token."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.stage import FLOAT, FRONTEND1, GROUP, HOST, IP1, LB1, LB2, NETWORK, SUB, Json, Stage, address, error
from vipswap_rest.emulator import Settings
from vipswap_rest.emulator.settings import SUBSCRIPTION


def test_the_state_shows_every_resource_as_arm_does() -> None:
    stage = Stage()

    state = stage.state()

    assert {GROUP, LB1, LB2, IP1} <= set(state)
    for path in (LB1, IP1):
        assert state[path] == stage.get(path)


def test_seeded_resources_are_served_verbatim() -> None:
    stage = Stage(Settings(env="none"))
    body = {
        "id": FLOAT,
        "name": "float",
        "etag": 'W/"mine"',
        "odd": [1, None],
        "properties": {"provisioningState": "Failed", "odd": {}},
    }

    stage.seed(body)

    assert stage.get(FLOAT) == body
    assert stage.state() == {FLOAT: body}


def test_seeding_adds_to_what_is_there_and_replaces_what_has_the_same_id() -> None:
    stage = Stage()
    before = stage.state()

    stage.seed({"id": FLOAT}, {**before[IP1], "id": IP1.upper(), "tags": {"a": "b"}})

    assert len(stage.state()) == len(before) + 1
    assert stage.get(IP1)["tags"] == {"a": "b"}


def test_a_seeded_resource_without_an_etag_gets_one() -> None:
    stage = Stage()
    stage.seed({"id": FLOAT})

    assert stage.get(FLOAT)["etag"].startswith('W/"')


def test_a_seeded_subscription_and_group_are_known() -> None:
    stage = Stage()
    other = "/subscriptions/44444444-4444-4444-4444-444444444444"
    path = f"{other}/resourceGroups/elsewhere/providers/Microsoft.Network/publicIPAddresses/one"
    before = stage.call("GET", path)

    stage.seed({"id": path, "location": "eastus"})

    assert error(before) == (404, "SubscriptionNotFound")
    assert stage.get(f"{other}/resourceGroups/elsewhere")["location"] == "eastus"
    assert stage.get(other)["subscriptionId"] == other.rpartition("/")[2]
    assert stage.get(path)["id"] == path
    # What a login sees of them is the emulator's own one.
    assert [one["subscriptionId"] for one in stage.get("/subscriptions")["value"]] == [SUBSCRIPTION]


def test_seeding_a_resource_ends_what_an_operation_would_do_to_it() -> None:
    stage = Stage()
    body = stage.get(LB1)
    answer = stage.put_address(LB1, stage.make_address())

    stage.seed(body)
    stage.settle()

    assert stage.get(LB1) == body
    assert stage.status(answer) == "Succeeded"


def test_changing_an_answer_does_not_change_the_state() -> None:
    stage = Stage()
    body = {"id": FLOAT, "properties": {"ipTags": []}}
    stage.seed(body)
    body["properties"] = {}

    assert stage.get(FLOAT)["properties"] == {"ipTags": []}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff",
        [],
        {},
        {"resources": {}},
        {"resources": [1]},
        {"resources": [{}]},
        {"resources": [{"id": 3}]},
        {"resources": [{"id": "x"}]},
        {"resources": [{"id": FRONTEND1}]},
        {"resources": [{"id": f"{NETWORK}/loadBalancers"}]},
        {"resources": [{"id": FLOAT, "properties": []}]},
        {"resources": [{"id": FLOAT}, {"id": "x"}]},
    ],
)
def test_a_seed_that_cannot_be_is_400_with_one_sentence_and_seeds_nothing(body: Any) -> None:
    stage = Stage()
    before = stage.state()

    answer = stage.send("PUT", "/emulator/state", body)

    assert answer.status == 400
    assert answer.json()["error"].endswith(".")
    assert stage.state() == before


def test_every_request_is_listed_with_its_answers_status() -> None:
    stage = Stage()
    stage.call("GET", LB1, user_agent="me/1")
    stage.clock.advance(2)
    stage.call("DELETE", IP1)
    stage.call("GET", LB2, authorization="")
    stage.admin("state")

    found = stage.admin("requests")

    one: Json = {"authorized": True, "user_agent": None}
    assert found == [
        {**one, "t": 1000.0, "method": "GET", "path": LB1, "status": 200, "user_agent": "me/1"},
        {**one, "t": 1002.0, "method": "DELETE", "path": IP1, "status": 400},
        {**one, "t": 1002.0, "method": "GET", "path": LB2, "status": 401, "authorized": False},
    ]


def test_reset_brings_back_the_start() -> None:
    fresh, stage = Stage(), Stage()
    stage.put_address(LB1, stage.make_address())
    stage.seed({"id": f"{SUB}/resourceGroups/more/providers/A.B/c/d"})
    stage.fault({"status": 500}, times=5)

    answer = stage.send("POST", "/emulator/reset")

    assert (answer.status, answer.json()) == (200, {})
    assert list(stage.state()) == list(fresh.state())
    assert (stage.admin("requests"), stage.events(), stage.admin("faults")) == ([], [], {"faults": []})
    operation = stage.put(LB1, stage.get(LB1))
    stage.clock.advance(26)
    assert stage.status(operation) == "Succeeded"


def test_an_operation_from_before_a_reset_is_gone() -> None:
    stage = Stage()
    answer = stage.put(FLOAT, address())
    stage.send("POST", "/emulator/reset")

    assert stage.follow(answer).status == 404
    stage.settle()
    assert stage.events() == []


def test_no_token_is_needed_and_none_is_harmful() -> None:
    stage = Stage()

    for token in ("", "Bearer any", "nonsense"):
        assert stage.send("GET", "/emulator/state", headers={"authorization": token, "host": HOST}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/emulator", 404),
        ("GET", "/emulator/nothing", 404),
        ("GET", "/emulator/state/x", 404),
        ("DELETE", "/emulator/state", 405),
        ("GET", "/emulator/reset", 405),
        ("PUT", "/emulator/timeline", 405),
        ("HEAD", "/emulator/state", 200),
        ("GET", "/emulator/state/", 200),
        ("GET", "/EMULATOR/state?x=y", 200),
    ],
)
def test_paths_and_methods_that_there_are_not_are_404_and_405(method: str, path: str, status: int) -> None:
    answer = Stage().send(method, path)

    assert answer.status == status
    assert ("Allow" in answer.headers) == (status == 405)
