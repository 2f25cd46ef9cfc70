"""What the body of an ARM error says, at any depth of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from tests.arm.test_lro_properties import ERRORS, JSON
from vipswap_rest.arm.error_body import DEEPEST, MOST_DETAILS, error_of
from vipswap_rest.arm.errors import Detail


@given(ERRORS)
def test_any_error_body_gives_texts(body: Any) -> None:
    code, message, details = error_of(body)

    assert isinstance(code, str)
    assert isinstance(message, str)
    assert code == code.strip()
    assert all(item.code or item.message for item in details)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": {"code": " InternalError", "message": "m"}}, ("InternalError", "m", ())),
        ({"code": "C", "message": "m"}, ("C", "m", ())),
        ({"error": {"code": 404, "message": "m"}}, ("404", "m", ())),
        ({"error": "in a word"}, ("", "in a word", ())),
        ({"error": None}, ("", "", ())),
        ([{"error": {}}], ("", "", ())),
        ("<html>", ("", "", ())),
        (None, ("", "", ())),
    ],
)
def test_what_there_is_of_an_error_is_read(body: Any, expected: tuple[Any, ...]) -> None:
    assert error_of(body) == expected


def test_details_of_details_are_read_too() -> None:
    inner = {"code": "B", "message": "b", "details": [{"code": "C", "message": "c"}]}
    _, _, details = error_of({"error": {"code": "A", "details": [inner, {"code": "D", "message": "d"}]}})

    assert [item.code for item in details] == ["B", "C", "D"]


ASSIGNMENT = (
    "/providers/Microsoft.Management/managementGroups/mg1/providers/Microsoft.Authorization/policyAssignments/a1"
)
VIOLATION = {
    "type": "PolicyViolation",
    "info": {
        "evaluationDetails": {
            "evaluatedExpressions": [{"path": "tags[Owner]", "operator": "Exists", "result": "True"}]
        },
        "policyDefinitionName": "require-owner",
        "policyAssignmentId": ASSIGNMENT,
        "policyAssignmentDisplayName": "Owners are named",
    },
}


def told(body: Any) -> str:
    code, message, details = error_of(body)
    return " ".join([code, message, *map(str, details)])


@pytest.mark.parametrize("around", [lambda inner: inner, lambda inner: {"code": "Outer", "details": [inner]}])
@pytest.mark.parametrize("information", [[VIOLATION], VIOLATION])
def test_a_policys_names_are_read_from_additional_info(around: Any, information: Any) -> None:
    words = told({"error": around({"code": "RequestDisallowedByPolicy", "additionalInfo": information})})

    for name in ("PolicyViolation", "require-owner", ASSIGNMENT, "Owners are named", "tags[Owner]"):
        assert name in words
    assert words.index("Owners are named") < words.index("tags[Owner]")


def test_information_of_any_type_is_read() -> None:
    body = {
        "error": {"code": "A", "additionalInfo": [{"type": "Odd", "info": {"why": {"deep": ["x1", 7]}}}, {"b": "y2"}]}
    }

    assert error_of(body)[2] == (Detail("Odd", "deep: x1, deep: 7"), Detail("additionalInfo", "b: y2"))


def test_inner_errors_are_read_to_the_innermost() -> None:
    body = {
        "error": {
            "code": "A",
            "message": "a",
            "innererror": {"code": "B", "innerError": {"message": "the true cause", "target": "nic1"}},
        }
    }

    assert error_of(body)[2] == (Detail("B", ""), Detail("", "the true cause (target: nic1)"))


def test_an_error_within_a_message_is_read() -> None:
    inner = json.dumps({"error": {"code": "QuotaExceeded", "message": "No more.", "details": [{"code": "Deep"}]}})

    codes = [detail.code for detail in error_of({"error": {"code": "DeploymentFailed", "message": inner}})[2]]
    assert codes == ["QuotaExceeded", "Deep"]


def test_a_target_stands_behind_the_message_that_does_not_name_it() -> None:
    assert error_of({"error": {"code": "A", "message": "No.", "target": "lb1"}})[1] == "No. (target: lb1)"
    assert error_of({"error": {"code": "A", "message": "LB1 is odd.", "target": "lb1"}})[1] == "LB1 is odd."


def test_keys_are_read_without_regard_to_case() -> None:
    body = {"Error": {"Code": "A", "Message": "a", "Details": [{"Code": "B", "Message": "b"}]}}

    assert error_of(body) == ("A", "a", (Detail("B", "b"),))


def test_a_hostile_depth_and_length_are_cut() -> None:
    deep: dict[str, Any] = {"code": "x"}
    for number in range(500):
        deep = {"code": f"c{number}", "innererror": deep}
    assert len(error_of({"error": deep})[2]) == DEEPEST

    assert len(error_of({"error": {"details": [{"code": f"c{number}"} for number in range(500)]}})[2]) == MOST_DETAILS


@given(JSON)
def test_whatever_stands_in_the_parts_of_an_error_it_is_read(anything: Any) -> None:
    for key in ("details", "innererror", "additionalInfo", "target", "message"):
        assert all(item.code or item.message for item in error_of({"error": {"code": "A", key: anything}})[2])
