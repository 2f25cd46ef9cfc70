"""The state machine of long-running operations, from answers to the next thing to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from vipswap_rest.arm import lro
from vipswap_rest.arm.errors import Detail
from vipswap_rest.arm.lro import Ended, FinalState, Finished, NotJson, Operation, Pending, Unreadable, Via

HOST = "https://management.azure.com"
RESOURCE = f"{HOST}/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/lb?api-version=1"
# Signed since 2023: the query is no business of ours, and must come back byte for byte.
STATUS = f"{HOST}/subscriptions/s/providers/Microsoft.Network/locations/westus/operations/1?t=1&c=a%2fb%2B==&s=x~y&h=é"
RESULT = f"{HOST}/subscriptions/s/providers/Microsoft.Network/locations/westus/operationResults/1?api-version=1"


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: Any = None
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> Mapping[str, str]:
        return CaseInsensitiveDict(self.given)


def resource(state: str | None) -> dict[str, Any]:
    return {"id": "/lb", "properties": {} if state is None else {"provisioningState": state}}


def operation(method: str = "PUT", via: Via = Via.STATUS, location: str | None = None) -> Operation:
    return Operation(method, RESOURCE, via, {Via.STATUS: STATUS, Via.LOCATION: RESULT}.get(via, RESOURCE), location)


# --- how an operation begins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("state", ["Updating", "Succeeded"])
def test_azure_async_operation_is_polled_even_if_the_body_says_succeeded(method: str, state: str) -> None:
    # It comes with every load balancer PUT, and its first poll is the confirmation (facts: 913 of 913).
    answer = Answer(200, resource(state), {"azure-asyncoperation": STATUS, "Location": RESULT, "Retry-After": "10"})
    step = lro.begin(method, RESOURCE, answer)

    assert step == Pending(Operation(method, RESOURCE, Via.STATUS, STATUS, RESULT), 10.0)


@pytest.mark.parametrize(("method", "status"), [("PUT", 201), ("PUT", 202), ("POST", 202), ("DELETE", 202)])
def test_location_is_polled_where_there_is_nothing_better(method: str, status: int) -> None:
    step = lro.begin(method, RESOURCE, Answer(status, None, {"Location": RESULT}))

    assert step == Pending(Operation(method, RESOURCE, Via.LOCATION, RESULT, RESULT))


def test_the_resource_is_polled_where_no_url_is_named_and_it_is_not_done() -> None:
    step = lro.begin("PUT", RESOURCE, Answer(201, resource("Updating"), {"Retry-After": "3"}))

    assert step == Pending(Operation("PUT", RESOURCE, Via.RESOURCE, RESOURCE), 3.0)


@pytest.mark.parametrize("state", [None, "Succeeded", "succeeded", " SUCCEEDED "])
def test_a_resource_that_is_done_or_has_no_state_needs_no_poll(state: str | None) -> None:
    step = lro.begin("PATCH", RESOURCE, Answer(200, resource(state)))

    assert step == Finished(Operation("PATCH", RESOURCE, Via.RESOURCE, RESOURCE), resource(state))


@pytest.mark.parametrize("body", ["{ truncated", "<html>gateway</html>", [], [1], 3, True])
def test_a_write_answered_with_no_json_object_is_no_success(body: Any) -> None:
    assert isinstance(lro.begin("PUT", RESOURCE, Answer(200, body)), Unreadable)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_write_answered_with_nothing_is_looked_at(status: int) -> None:
    assert lro.begin("PUT", RESOURCE, Answer(status)) == Pending(Operation("PUT", RESOURCE, Via.RESOURCE, RESOURCE))


@pytest.mark.parametrize(("method", "status"), [("DELETE", 200), ("DELETE", 204), ("POST", 200), ("POST", 204)])
def test_an_action_that_is_done_at_once_is_over(method: str, status: int) -> None:
    assert isinstance(lro.begin(method, RESOURCE, Answer(status)), Finished)


def test_an_action_accepted_without_a_url_has_not_succeeded() -> None:
    assert isinstance(lro.begin("POST", RESOURCE, Answer(202, {"value": []})), Unreadable)


def test_a_delete_accepted_without_a_url_is_watched_by_the_resource() -> None:
    assert lro.begin("DELETE", RESOURCE, Answer(202)) == Pending(Operation("DELETE", RESOURCE, Via.RESOURCE, RESOURCE))


# --- the status URL ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["InProgress", "Running", "Accepted", "Updating", "inprogress"])
def test_any_word_that_is_not_terminal_means_poll_again(word: str) -> None:
    step = lro.advance(operation(), Answer(200, {"status": word}, {"Retry-After": "10"}))

    assert step == Pending(operation(), 10.0)


@pytest.mark.parametrize("word", ["Succeeded", "succeeded", "SUCCEEDED", "Completed", " Succeeded"])
def test_a_put_that_succeeded_ends_with_a_get_of_the_resource(word: str) -> None:
    step = lro.advance(operation(), Answer(200, {"status": word, "properties": None}))

    assert step == Finished(operation(), fetch=RESOURCE)


def test_a_post_that_succeeded_ends_with_what_location_returns() -> None:
    post = operation("POST", location=RESULT)

    assert lro.advance(post, Answer(200, {"status": "Succeeded"})) == Finished(post, fetch=RESULT)


def test_a_post_without_location_ends_with_its_status() -> None:
    said = {"status": "Succeeded", "properties": {"moved": 2}}

    assert lro.advance(operation("POST"), Answer(200, said)) == Finished(operation("POST"), said)


def test_a_delete_that_succeeded_has_no_result() -> None:
    delete = operation("DELETE", location=RESULT)

    assert lro.advance(delete, Answer(200, {"status": "Succeeded"})) == Finished(delete)


def test_a_failed_operation_says_why_and_its_code_loses_the_leading_blank() -> None:
    error = {"code": " InternalError", "message": "No. ", "details": [{"code": "A", "message": "B"}, None, "x", {}]}
    step = lro.advance(operation(), Answer(200, {"status": "Failed", "error": error}))

    assert step == Ended(operation(), False, "InternalError", "No.", (Detail("A", "B"),))


@pytest.mark.parametrize("word", ["Canceled", "Cancelled", "canceled"])
def test_both_spellings_of_canceled_are_canceled(word: str) -> None:
    details = [{"code": "CanceledAndSupersededDueToAnotherOperation", "message": "superseded"}]
    body = {"status": word, "error": {"code": "Canceled", "message": "Operation was canceled.", "details": details}}
    step = lro.advance(operation(), Answer(200, body))

    assert isinstance(step, Ended)
    assert step.canceled
    assert step.details[0].code == "CanceledAndSupersededDueToAnotherOperation"


@pytest.mark.parametrize("error", [None, [], "text", 3, {}, {"code": None, "message": []}])
def test_an_ended_operation_without_a_proper_error_still_has_a_code_and_a_sentence(error: Any) -> None:
    step = lro.advance(operation(), Answer(200, {"status": "Failed", "error": error}))

    assert isinstance(step, Ended)
    assert step.code
    assert step.message


def test_an_error_inside_the_properties_is_found() -> None:
    body = {"status": "Failed", "properties": {"error": {"code": "X", "message": "Y"}}}
    step = lro.advance(operation(), Answer(200, body))

    assert isinstance(step, Ended)
    assert (step.code, step.message) == ("X", "Y")


@pytest.mark.parametrize("status", [400, 401, 403, 409, 429, 500, 503])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_refused_poll_is_a_failure_to_read_and_not_of_the_operation(status: int, method: str) -> None:
    body = {"status": "Failed", "error": {"code": "X", "message": "Y"}}

    assert lro.advance(operation(method), Answer(status, body)) == Unreadable(operation(method))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_forgotten_operation_leaves_the_resource_to_tell(method: str) -> None:
    step = lro.advance(operation(method), Answer(404, {"error": {"code": "NotFound", "message": ""}}))

    assert step == Pending(Operation(method, RESOURCE, Via.RESOURCE, RESOURCE))


def test_a_forgotten_post_cannot_be_read() -> None:
    assert lro.advance(operation("POST"), Answer(404)) == Unreadable(operation("POST"))


@pytest.mark.parametrize("body", [None, "", "{ trunc", [], [{"status": "Succeeded"}], {}, {"status": None}, 0, False])
def test_a_status_that_says_none_cannot_be_read(body: Any) -> None:
    assert lro.advance(operation(), Answer(200, body)) == Unreadable(operation())


def test_a_status_url_that_shows_the_resource_is_understood() -> None:
    assert lro.advance(operation(), Answer(200, resource("Succeeded"))) == Finished(operation(), fetch=RESOURCE)


def test_a_poll_that_names_a_new_url_is_followed() -> None:
    answer = Answer(200, {"status": "InProgress"}, {"Azure-AsyncOperation": f"{HOST}/new?s=1", "Location": "/there"})
    step = lro.advance(operation(), answer)

    assert isinstance(step, Pending)
    assert (step.operation.url, step.operation.location) == (f"{HOST}/new?s=1", f"{HOST}/there")


# --- Location ---------------------------------------------------------------------------------------------------------


def test_location_runs_while_it_answers_202_and_may_hand_out_a_new_one() -> None:
    old = operation("DELETE", Via.LOCATION)
    step = lro.advance(old, Answer(202, None, {"Location": "/next?x=%2f", "Retry-After": "10"}))

    assert isinstance(step, Pending)
    assert (step.operation.url, step.retry_after) == (f"{HOST}/next?x=%2f", 10.0)
    assert lro.advance(old, Answer(202)) == Pending(old)


@pytest.mark.parametrize("status", [200, 204])
def test_location_that_answers_anything_else_is_done(status: int) -> None:
    post = operation("POST", Via.LOCATION)

    assert lro.advance(operation("DELETE", Via.LOCATION), Answer(status)) == Finished(operation("DELETE", Via.LOCATION))
    assert lro.advance(post, Answer(200, {"a": 1})) == Finished(post, {"a": 1})
    put = lro.advance(operation("PUT", Via.LOCATION), Answer(status))
    assert isinstance(put, Finished)
    assert put.fetch == RESOURCE


@pytest.mark.parametrize("status", [400, 403, 409, 500])
def test_location_that_is_refused_is_no_success(status: int) -> None:
    for method in ("PUT", "POST", "DELETE"):
        assert isinstance(lro.advance(operation(method, Via.LOCATION), Answer(status)), Unreadable)


@pytest.mark.parametrize("status", [400, 409, 412])
@pytest.mark.parametrize("key", ["error", "Error"])
def test_location_that_answers_with_an_error_tells_how_the_operation_ended(status: int, key: str) -> None:
    for method in ("PUT", "POST", "DELETE"):
        step = lro.advance(operation(method, Via.LOCATION), Answer(status, {key: {"Code": "Blocked", "Message": "M"}}))

        assert isinstance(step, Ended)
        assert (step.code, step.message, step.canceled) == ("Blocked", "M", False)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_error_about_the_reading_of_location_says_nothing_of_the_operation(status: int) -> None:
    said = Answer(status, {"error": {"code": "X", "message": "Y"}})

    assert isinstance(lro.advance(operation("DELETE", Via.LOCATION), said), Unreadable)


def test_a_put_whose_location_has_the_resource_goes_by_its_state() -> None:
    put = operation("PUT", Via.LOCATION)

    assert isinstance(lro.advance(put, Answer(200, resource("Succeeded"))), Finished)
    assert isinstance(lro.advance(put, Answer(200, resource("Updating"))), Pending)
    assert isinstance(lro.advance(put, Answer(200, resource("Failed"))), Ended)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE", "GET"])
@pytest.mark.parametrize("word", ["Failed", "Canceled"])
def test_location_that_says_failed_in_its_body_has_failed_whatever_its_http_status(word: str, method: str) -> None:
    for body in (resource(word), {"status": word, "error": {"code": "X", "message": "Y"}}):
        step = lro.advance(operation(method, Via.LOCATION), Answer(200, body))

        assert isinstance(step, Ended)
        assert step.canceled is (word == "Canceled")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST", "DELETE", "GET"])
def test_an_errors_body_is_no_success_although_its_http_status_is(method: str) -> None:
    said = Answer(200, {"error": {"code": "X", "message": "Y"}})
    step = lro.advance(operation(method, Via.LOCATION), said)

    assert isinstance(step, Ended)
    assert (step.code, step.message) == ("X", "Y")
    assert isinstance(lro.advance(operation(method, Via.RESOURCE), said), Unreadable)
    # A result may speak of errors.
    result = {"status": "Done", "error": {"code": "X"}}
    assert isinstance(lro.advance(operation("POST", Via.LOCATION), Answer(200, result)), Finished)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_location_that_shows_a_resource_at_work_is_asked_again(method: str) -> None:
    old = operation(method, Via.LOCATION)

    assert lro.advance(old, Answer(200, resource("Deleting"), {"Retry-After": "2"})) == Pending(old, 2.0)


@pytest.mark.parametrize("word", ["Succeeded", "InProgress"])
def test_a_put_whose_location_has_the_status_ends_with_the_resource(word: str) -> None:
    step = lro.advance(operation("PUT", Via.LOCATION), Answer(200, {"id": "/operations/1", "status": word}))

    assert isinstance(step, Finished)
    assert step.fetch == RESOURCE
    assert isinstance(lro.verify(step.operation, Answer(200, resource("Updating"))), Pending)


def test_an_actions_result_may_have_a_status_of_its_own() -> None:
    post = operation("POST", Via.LOCATION)

    assert lro.advance(post, Answer(200, {"status": "healthy"})) == Finished(post, {"status": "healthy"})


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_page_at_location_is_no_success_but_a_json_string_is_a_result(method: str) -> None:
    old = operation(method, Via.LOCATION)

    assert isinstance(lro.advance(old, Answer(200, NotJson("<html>Sign in</html>"))), Unreadable)
    assert isinstance(lro.advance(old, Answer(200, "success")), Finished)


# --- where the result is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "declared", "location", "place"),
    [
        ("PUT", None, RESULT, Via.RESOURCE),
        ("PATCH", None, RESULT, Via.RESOURCE),
        ("PUT", FinalState.STATUS, RESULT, Via.RESOURCE),
        ("PUT", FinalState.LOCATION, RESULT, Via.LOCATION),
        ("PUT", FinalState.LOCATION, None, Via.RESOURCE),
        ("POST", None, RESULT, Via.LOCATION),
        ("POST", None, None, Via.STATUS),
        ("POST", FinalState.LOCATION, RESULT, Via.LOCATION),
        ("POST", FinalState.LOCATION, None, Via.STATUS),
        ("POST", FinalState.STATUS, RESULT, Via.STATUS),
        ("POST", FinalState.RESOURCE, RESULT, Via.RESOURCE),
        ("GET", None, RESULT, Via.LOCATION),
        ("GET", None, None, Via.RESOURCE),
        ("DELETE", None, RESULT, Via.STATUS),
        ("DELETE", FinalState.LOCATION, RESULT, Via.LOCATION),
    ],
)
def test_the_result_is_where_it_was_declared_to_be_or_where_its_method_has_it(
    method: str, declared: FinalState | None, location: str | None, place: Via
) -> None:
    headers = {"Azure-AsyncOperation": STATUS, **({"Location": location} if location else {})}
    begun = lro.begin(method, RESOURCE, Answer(202, None, headers), declared)
    said = {"status": "Succeeded", "id": "1"}
    step = lro.advance(begun.operation, Answer(200, said))

    assert isinstance(step, Finished)
    assert step.operation.result_at is place
    assert step.fetch == {Via.RESOURCE: RESOURCE, Via.LOCATION: RESULT, Via.STATUS: None}[place]
    assert step.body == (said if place is Via.STATUS and method != "DELETE" else None)


@pytest.mark.parametrize("state", ["Failed", "Canceled", "Updating"])
def test_a_put_whose_result_is_declared_at_location_is_believed_no_more_than_its_resource(state: str) -> None:
    put = Operation("PUT", RESOURCE, Via.STATUS, STATUS, RESULT, FinalState.LOCATION)

    assert not isinstance(lro.verify(put, Answer(200, resource(state))), Finished)


def test_a_put_whose_result_is_declared_at_location_but_is_not_there_ends_with_the_resource() -> None:
    put = Operation("PUT", RESOURCE, Via.STATUS, STATUS, RESULT, FinalState.LOCATION)
    step = lro.verify(put, Answer(200))

    assert isinstance(step, Finished)
    assert step.fetch == RESOURCE
    # And not in a circle.
    assert isinstance(lro.verify(step.operation, Answer(200)), Unreadable)


def test_a_get_that_takes_long_ends_with_what_location_returns() -> None:
    begun = lro.begin("GET", RESOURCE, Answer(202, None, {"Location": RESULT}))

    assert isinstance(begun, Pending)
    assert lro.advance(begun.operation, Answer(200, {"a": 1})) == Finished(begun.operation, {"a": 1})


# --- the resource, and the last word ----------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, {"error": {"code": "ResourceNotFound", "message": ""}}])
def test_a_deletion_is_over_when_the_resource_is_gone(body: Any) -> None:
    assert isinstance(lro.advance(operation("DELETE", Via.RESOURCE), Answer(404, body)), Finished)


def test_a_page_that_is_not_arms_does_not_say_that_the_resource_is_gone() -> None:
    assert isinstance(lro.advance(operation("DELETE", Via.RESOURCE), Answer(404, "<html>no route</html>")), Unreadable)


@pytest.mark.parametrize("state", ["Deleting", "Succeeded", None])
def test_a_deletion_runs_while_the_resource_answers(state: str | None) -> None:
    assert isinstance(lro.advance(operation("DELETE", Via.RESOURCE), Answer(200, resource(state))), Pending)


def test_a_deletion_has_failed_when_the_resource_says_so() -> None:
    assert isinstance(lro.advance(operation("DELETE", Via.RESOURCE), Answer(200, resource("Failed"))), Ended)


@pytest.mark.parametrize(
    ("state", "kind"), [("Updating", Pending), ("Failed", Ended), ("Canceled", Ended), ("Succeeded", Finished)]
)
def test_an_operation_that_succeeded_does_not_vouch_for_its_resource(state: str, kind: type) -> None:
    step = lro.verify(operation(), Answer(200, resource(state)))

    assert isinstance(step, kind)
    assert step.operation.url == RESOURCE


@pytest.mark.parametrize("body", [{"properties": None}, {"properties": []}, {"properties": {"provisioningState": 3.5}}])
def test_a_resource_without_a_readable_state_has_succeeded(body: Any) -> None:
    assert isinstance(lro.verify(operation(), Answer(200, body)), Finished)


def test_a_posts_result_that_is_refused_is_an_error_and_one_that_is_not_there_yet_is_awaited() -> None:
    post = operation("POST", location=RESULT)

    assert isinstance(lro.verify(post, Answer(404)), Unreadable)
    assert isinstance(lro.verify(post, Answer(200, {"a": 1})), Finished)
    step = lro.verify(post, Answer(202))
    assert isinstance(step, Pending)
    assert step.operation.url == RESULT


def test_signed_urls_are_not_shown() -> None:
    step = lro.begin("PUT", RESOURCE, Answer(200, None, {"Azure-AsyncOperation": STATUS, "Location": STATUS}))

    assert "s=x" not in repr(step)
