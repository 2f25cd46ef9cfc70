"""Whatever an answer holds: no crash, no wait without end, no success out of nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from tests.arm.test_lro import HOST, RESOURCE, RESULT, STATUS, Answer
from vipswap_rest.arm import lro
from vipswap_rest.arm.lro import Ended, FinalState, Finished, Operation, Pending, Via

METHODS = st.sampled_from(["GET", "PUT", "PATCH", "POST", "DELETE"])
WORDS = (
    st.sampled_from(["Succeeded", "Failed", "Canceled", "Cancelled", "Completed", "InProgress", "", " x"]) | st.text()
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
ERRORS = JSON | st.fixed_dictionaries({}, optional={"code": JSON, "message": JSON, "details": JSON, "error": JSON})
BODIES = JSON | st.fixed_dictionaries(
    {},
    optional={"status": JSON, "error": ERRORS, "properties": JSON | st.fixed_dictionaries({"provisioningState": JSON})},
)
URLS = st.sampled_from(
    ["", " ", "/x", "//[", "x?y", "https://[", "http://h:port/", "?", "#", "..", f"{HOST}/a, {HOST}/b"]
)
PAUSES = (
    st.sampled_from(["", "0", "10", "86400", "1e400", "nan", "-1", "abc", "Fri, 31 Dec 1999 23:59:59 GMT"]) | st.text()
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Azure-AsyncOperation": URLS | st.text(),
        "Location": URLS | st.text(),
        "Retry-After": PAUSES,
        "Date": PAUSES,
    },
)
ANSWERS = st.builds(
    Answer, st.sampled_from([200, 201, 202, 204, 400, 401, 403, 404, 409, 429, 500, 503]), BODIES, HEADERS
)
OPERATIONS = st.builds(
    Operation,
    METHODS,
    st.just(RESOURCE),
    st.sampled_from(Via),
    st.just(STATUS),
    st.none() | st.just(RESULT),
    st.none() | st.sampled_from(FinalState),
)


def is_sound(step: lro.Step) -> bool:
    """Whether a client can carry the step out."""
    if isinstance(step, Pending):
        asked = step.retry_after
        return bool(step.operation.url) and (asked is None or (math.isfinite(asked) and asked >= 0))
    if isinstance(step, Ended):
        return bool(step.code and step.message)
    return True


@given(METHODS, ANSWERS)
def test_no_first_answer_crashes_the_machine(method: str, answer: Answer) -> None:
    assert is_sound(lro.begin(method, RESOURCE, answer))


@given(OPERATIONS, ANSWERS)
def test_no_poll_and_no_final_answer_crashes_the_machine(operation: Operation, answer: Answer) -> None:
    assert is_sound(lro.advance(operation, answer))
    assert is_sound(lro.verify(operation, answer))


@given(OPERATIONS, ANSWERS)
def test_a_refused_poll_never_is_a_success_but_for_a_deletion(operation: Operation, answer: Answer) -> None:
    step = lro.advance(operation, answer)

    if answer.status >= 400 and isinstance(step, Finished):
        assert (operation.method, answer.status) == ("DELETE", 404)


@given(st.sampled_from(["PUT", "PATCH"]), st.sampled_from(Via), ANSWERS)
def test_a_put_is_never_finished_without_a_resource_or_a_look_at_it(method: str, via: Via, answer: Answer) -> None:
    step = lro.advance(Operation(method, RESOURCE, via, STATUS), answer)

    if isinstance(step, Finished):
        assert step.fetch == RESOURCE or isinstance(step.body, dict)


@given(OPERATIONS, st.lists(ANSWERS, min_size=3, max_size=3))
def test_a_result_is_looked_for_in_two_places_at_most(operation: Operation, answers: list[Answer]) -> None:
    step = lro.advance(operation, answers[0])
    for answer in answers[1:]:
        if isinstance(step, Finished) and step.fetch:
            step = lro.verify(step.operation, answer)

    assert not (isinstance(step, Finished) and step.fetch)


@given(OPERATIONS, st.sampled_from(["Failed", "Canceled"]), st.sampled_from([200, 201, 202, 204]))
def test_no_word_of_failure_is_a_success_wherever_it_is_read(operation: Operation, word: str, status: int) -> None:
    said = {"properties": {"provisioningState": word}}

    for step in (lro.advance(operation, Answer(status, said)), lro.verify(operation, Answer(status, said))):
        assert not isinstance(step, Finished)


@pytest.mark.parametrize(
    ("text", "date", "seconds"),
    [
        ("10", "", 10.0),
        (" 2.5 ", "", 2.5),
        ("0", "", 0.0),
        ("86400", "", 86400.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:29 GMT", 30.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("Fri, 31 Dec 1999 23:59:00 GMT", "Fri, 31 Dec 1999 23:59:59 GMT", 0.0),
        ("Fri, 31 Dec 1999 23:59:59 GMT", "", None),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:29 GMT", None),
        ("abc", "", None),
        ("-5", "", None),
        ("inf", "", None),
        ("nan", "", None),
        ("", "", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(text: str, date: str, seconds: float | None) -> None:
    assert lro.retry_after(CaseInsensitiveDict({"retry-after": text, "date": date})) == seconds


@pytest.mark.parametrize(
    ("reference", "url"),
    [
        ("https://other/x?s=%2f%2F+~", "https://other/x?s=%2f%2F+~"),
        ("HTTPS://Other/%7e/../x?", "HTTPS://Other/%7e/../x?"),
        ("/operations/1?s=%2f", f"{HOST}/operations/1?s=%2f"),
        ("//other/x", "https://other/x"),
        ("?page=2", f"{RESOURCE.split('?')[0]}?page=2"),
        ("//[", "//["),
    ],
)
def test_references_are_resolved_and_whole_urls_stay_as_they_are(reference: str, url: str) -> None:
    assert lro.resolve(RESOURCE, reference) == url


@given(st.text(max_size=200))
def test_any_reference_gives_some_url(reference: str) -> None:
    assert isinstance(lro.resolve(RESOURCE, reference), str)
