"""Long-running operations: their URLs, etags, durations, and what supersedes them."""

from __future__ import annotations

import pytest

from tests.emulator.stage import FLOAT, HOST, IP1, IP2, LB1, LB2, SUB, Stage, address, error
from vipswap_rest.emulator import Answer, Settings


def test_a_poll_is_200_with_nothing_but_the_status() -> None:
    stage = Stage()
    answer = stage.put(LB1, stage.get(LB1))

    running = stage.follow(answer)
    stage.clock.advance(26)
    ended = stage.follow(answer)

    assert (running.status, running.json(), running.headers["Retry-After"]) == (200, {"status": "InProgress"}, "10")
    assert (ended.status, ended.json()) == (200, {"status": "Succeeded"})
    assert "Retry-After" not in ended.headers


def test_an_operation_ends_at_its_time_whenever_it_is_asked() -> None:
    stage = Stage()
    answer = stage.put(LB1, stage.get(LB1))

    stage.clock.advance(22.499)
    before = stage.status(answer)
    stage.clock.advance(500)

    assert (before, stage.status(answer)) == ("InProgress", "Succeeded")
    assert stage.events("operation_succeeded")[-1]["t"] == 1022.5


def test_the_etag_changes_when_an_updating_put_completes() -> None:
    stage = Stage()
    before = stage.get(LB1)["etag"]

    accepted = stage.put(LB1, stage.get(LB1)).json()["etag"]
    during = stage.get(LB1)["etag"]
    stage.settle()

    assert during == accepted
    assert len({before, accepted, stage.get(LB1)["etag"]}) == 3


def test_the_etag_stays_after_a_succeeded_put() -> None:
    stage = Stage()
    body = stage.get(LB1)
    body["properties"]["backendAddressPools"][0]["properties"].pop("backendIPConfigurations")
    stage.seed(body)

    accepted = stage.put(LB1, stage.get(LB1)).json()
    stage.settle()

    assert accepted["properties"]["provisioningState"] == "Succeeded"
    assert stage.get(LB1)["etag"] == accepted["etag"]


def test_a_get_has_the_etag_as_a_header_too_and_a_put_has_not() -> None:
    stage = Stage()

    shown = stage.call("GET", LB1)

    assert shown.headers["ETag"] == shown.json()["etag"]
    assert "ETag" not in stage.put(LB1, shown.json()).headers


def target(answer: Answer) -> str:
    return answer.headers["Azure-AsyncOperation"].removeprefix(f"http://{HOST}")


def test_operation_urls_are_signed_and_long_and_of_the_requests_own_host() -> None:
    stage = Stage()

    answer = stage.put(LB1, stage.get(LB1))

    url = answer.headers["Azure-AsyncOperation"]
    assert url.startswith(f"http://{HOST}{SUB}/providers/Microsoft.Network/locations/westus/operations/")
    query = dict(pair.split("=", 1) for pair in url.partition("?")[2].split("&"))
    assert list(query) == ["api-version", "t", "c", "s", "h"]
    assert len(url) > 1000


@pytest.mark.parametrize("name", ["t", "c", "s", "h"])
@pytest.mark.parametrize("change", ["cut", "left out", "altered"])
def test_an_altered_operation_url_is_refused(name: str, change: str) -> None:
    stage = Stage()
    path, _, query = target(stage.put(LB1, stage.get(LB1))).partition("?")
    pairs = [pair.split("=", 1) for pair in query.split("&")]
    changed = {
        "cut": [(one, value[:-1] if one == name else value) for one, value in pairs],
        "left out": [(one, value) for one, value in pairs if one != name],
        "altered": [(one, f"0{value}" if one == name else value) for one, value in pairs],
    }[change]

    answer = stage.send("GET", f"{path}?{'&'.join(f'{one}={value}' for one, value in changed)}")

    assert answer.status == 403


def test_an_operation_that_never_was_is_404() -> None:
    stage = Stage()
    path = target(stage.put(LB1, stage.get(LB1)))
    guid = path.partition("?")[0].rsplit("/", 1)[1]

    assert stage.send("GET", path.replace(guid, guid[::-1])).status == 404
    assert stage.send("DELETE", path).status == 405


def test_a_second_put_supersedes_the_first() -> None:
    stage = Stage()
    first = stage.put_address(LB1, stage.make_address())
    stage.clock.advance(5)

    second = stage.put(LB1, stage.get(LB1))

    canceled = stage.follow(first)
    assert second.status == 200
    assert (canceled.status, canceled.json()["status"]) == (200, "Canceled")
    detail = canceled.json()["error"]["details"][0]
    assert detail["code"] == "CanceledAndSupersededDueToAnotherOperation"
    assert canceled.headers["Canceled-By-Azure-AsyncOperation"] == second.headers["Azure-AsyncOperation"]
    assert "Retry-After" not in canceled.headers
    assert stage.status(second) == "InProgress"


def test_what_a_superseded_put_was_doing_is_done_by_the_one_that_took_over() -> None:
    stage = Stage()
    first = stage.put_address(LB1, stage.make_address())

    second = stage.put(LB1, stage.get(LB1))
    stage.settle()

    assert (stage.status(first), stage.status(second)) == ("Canceled", "Succeeded")
    assert stage.get(LB1)["properties"]["provisioningState"] == "Succeeded"
    attached = [(event["public_ip"], event["operation"]) for event in stage.events("address_attached")]
    assert attached == [(FLOAT, identity(second))]
    assert [event["operation"] for event in stage.events("address_released")] == [identity(second)]
    assert stage.put_address(LB2, IP1).status == 200


def test_an_address_that_the_superseding_put_gives_back_is_never_released() -> None:
    stage = Stage()
    stage.put_address(LB1, stage.make_address())

    stage.put_address(LB1, IP1)
    stage.settle()

    assert IP1 not in [event["public_ip"] for event in stage.events("address_released")]
    assert stage.events("address_attached")[-1]["public_ip"] == IP1
    assert "ipConfiguration" not in stage.get(FLOAT)["properties"]


def identity(answer: Answer) -> str:
    return target(answer).partition("?")[0].rsplit("/", 1)[1]


def test_the_operations_of_two_resources_run_side_by_side() -> None:
    stage = Stage()
    one = stage.put(LB1, stage.get(LB1))
    stage.clock.advance(1)
    other = stage.put(LB2, stage.get(LB2))

    stage.clock.advance(25)
    first = (stage.status(one), stage.status(other))
    stage.clock.advance(8)

    assert first == ("Succeeded", "InProgress")
    assert stage.status(other) == "Succeeded"


def test_if_match_with_the_present_etag_passes_once() -> None:
    stage = Stage()
    body = stage.get(LB1)

    first = stage.put(LB1, body, if_match=body["etag"])
    second = stage.put(LB1, body, if_match=body["etag"])

    assert (first.status, error(second)) == (200, (412, "PreconditionFailed"))
    detail = second.json()["error"]["details"][0]
    assert detail["code"] == "PreconditionFailedEtagMismatch"


@pytest.mark.parametrize("form", ["{}", 'W/"{}"', '"{}"'])
@pytest.mark.parametrize("path", [LB1, IP1])
def test_if_match_is_compared_without_its_wrapping(form: str, path: str) -> None:
    stage = Stage()
    body = stage.get(path)
    bare = body["etag"].removeprefix("W/").strip('"')

    assert stage.put(path, body, if_match=form.format(bare)).status == 200
    assert error(stage.put(path, body, if_match=form.format(bare[::-1]))) == (412, "PreconditionFailed")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_every_write_minds_if_match(method: str) -> None:
    stage = Stage()
    stage.make_address()

    answer = stage.call(method, FLOAT, None if method == "DELETE" else address(), if_match="wrong")

    assert error(answer) == (412, "PreconditionFailed")
    assert stage.call("GET", FLOAT).status == 200


def test_if_match_on_what_is_not_there_is_412() -> None:
    assert error(Stage().put(FLOAT, address(), if_match="*")) == (412, "PreconditionFailed")


@pytest.mark.parametrize(("setting", "status"), [("honour", 412), ("ignore", 200)])
def test_if_none_match_on_what_exists_is_as_the_setting_says(setting: str, status: int) -> None:
    stage = Stage(Settings(if_none_match=setting))

    assert stage.put(FLOAT, address(), if_none_match="*").status == 201
    assert stage.put(FLOAT, address(), if_none_match="*").status == status


def test_an_address_that_is_gone_can_be_made_anew() -> None:
    stage = Stage()
    stage.call("DELETE", stage.make_address())
    stage.settle()

    assert stage.put(FLOAT, address(), if_none_match="*").status == 201


def test_a_refused_write_leaves_no_operation_and_no_event_behind() -> None:
    stage = Stage()

    answer = stage.put_address(LB1, IP2)

    assert answer.status == 400
    assert "Azure-AsyncOperation" not in answer.headers
    assert stage.events() == []
