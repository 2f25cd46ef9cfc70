"""What a refusal means: by code first, by status second."""

from __future__ import annotations

from collections import Counter

import pytest

from vipswap_rest.arm import errors
from vipswap_rest.arm.errors import Detail, OperationCanceled, OperationFailed, OperationUnreadable, arm_error_class
from vipswap_rest.arm.refusals import BY_CODE, Kind, asked_wait, kind_of, meaning, named_wait, perhaps_done


def arm_error(status: int, code: str, message: str = "Said the test.", *details: Detail) -> errors.ArmError:
    codes = [code, *(detail.code for detail in details)]
    return arm_error_class(status, codes)(code, message, status=status, details=details)


def test_each_code_stands_in_one_row_and_each_row_names_its_source() -> None:
    counted = Counter(code.lower() for row in BY_CODE for code in row.codes)

    assert [code for code, times in counted.items() if times > 1] == []
    assert [row for row in BY_CODE if len(row.source) < 20] == []


@pytest.mark.parametrize("status", [400, 409, 429])
@pytest.mark.parametrize(
    "code", ["ReferencedResourceNotProvisioned", "RetryableErrorDueToAnotherOperation", "AnotherOperationInProgress"]
)
def test_busy_is_busy_whatever_the_status_and_the_depth(status: int, code: str) -> None:
    assert meaning(arm_error(status, code)) is Kind.BUSY
    assert (
        meaning(arm_error(status, "Outer", "No.", Detail(code, "The call can be retried in 9 seconds."))) is Kind.BUSY
    )


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, "SubscriptionRequestsThrottled", Kind.THROTTLED),
        (429, "HTTP429", Kind.THROTTLED),
        (412, "PreconditionFailed", Kind.CHANGED),
        (400, "PublicIPAddressInUse", Kind.CHANGED),
        (409, "SomethingNew", Kind.CHANGED),
        (500, "InternalServerError", Kind.UNKNOWN),
        (503, "ServerTimeout", Kind.UNKNOWN),
        (401, "ExpiredAuthenticationToken", Kind.LOGIN),
        (401, "RequestDisallowedByPolicy", Kind.FINAL),
        (401, "insufficient_claims", Kind.FINAL),
        (403, "Anything", Kind.FINAL),
        (403, "DenyAssignmentAuthorizationFailed", Kind.FINAL),
        (409, "ScopeLocked", Kind.FINAL),
        (409, "ReadOnlyDisabledSubscription", Kind.FINAL),
        (409, "missingsubscriptionregistration", Kind.FINAL),
        (400, "PublicIPCountLimitReached", Kind.FINAL),
        (400, "SomethingNew", Kind.FINAL),
        (422, "SomethingNew", Kind.FINAL),
        (404, "ResourceNotFound", Kind.MISSING),
        (400, "InvalidResourceReference", Kind.MISSING),
        (404, "InvalidResourceType", Kind.UNSUPPORTED),
        (400, "NoRegisteredProviderFound", Kind.UNSUPPORTED),
        (400, "SwappableCloudServicePropertyNotSet", Kind.UNSUPPORTED),
        (400, "LoadBalancerNotSwappable", Kind.UNSUPPORTED),
        (405, "MethodNotAllowed", Kind.UNSUPPORTED),
        (403, "OperationNotSupported", Kind.FINAL),
        (409, "OperationNotAllowed", Kind.CHANGED),
    ],
)
def test_the_kinds(status: int, code: str, expected: Kind) -> None:
    assert meaning(arm_error(status, code)) is expected


def test_a_policys_code_in_the_details_is_final_whatever_stands_outside() -> None:
    assert meaning(arm_error(409, "Conflict", "No.", Detail("RequestDisallowedByPolicy", "No."))) is Kind.FINAL


def test_words_say_unsupported_where_no_code_does() -> None:
    assert kind_of(400, {"BadRequest"}, "The frontend is not swappable.") is Kind.UNSUPPORTED
    assert kind_of(400, {"BadRequest"}, "The swappable property of it is not set.") is Kind.UNSUPPORTED
    assert kind_of(409, {"Conflict"}, "This is not supported.") is Kind.CHANGED
    assert kind_of(400, {"PublicIPAddressInUse"}, "This is not supported.") is Kind.CHANGED


def test_operations() -> None:
    told = {"resource": "lb", "operation_url": ""}

    assert meaning(OperationFailed("No.", code="InternalServerError", **told)) is Kind.FINAL
    assert meaning(OperationFailed("No.", code="RetryableError", **told)) is Kind.BUSY
    assert meaning(OperationCanceled("No.", code="Canceled", **told)) is Kind.CHANGED
    # The reading was refused, not the operation.
    assert meaning(OperationUnreadable("No.", code="AuthorizationFailed", status=403, **told)) is Kind.UNKNOWN


def test_errors_of_the_clients_own() -> None:
    assert meaning(errors.AnswerLost("lost")) is Kind.UNKNOWN
    assert meaning(errors.TransportError("not sent")) is Kind.UNKNOWN
    assert meaning(errors.CredentialError("no token")) is Kind.LOGIN
    assert meaning(errors.Redirected("moved")) is Kind.FINAL
    assert meaning(errors.VipswapError("no")) is Kind.FINAL


def test_what_may_have_been_done() -> None:
    done = [errors.AnswerLost("x"), errors.ProtocolError("x"), errors.ForeignUrl("x"), arm_error(503, "ServerTimeout")]
    not_done = [errors.TransportError("x"), errors.Redirected("x"), arm_error(409, "X"), arm_error(429, "X")]

    assert [perhaps_done(error) for error in done] == [True] * 4
    assert [perhaps_done(error) for error in not_done] == [False] * 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The call can be retried in 14 seconds.", 14.0),
        ("Please try again after '324' seconds after additional tokens are available.", 324.0),
        ("Please retry after 5 seconds.", 5.0),
        ("It was updated 14 seconds ago.", None),
        ("", None),
    ],
)
def test_the_wait_that_a_message_names(text: str, expected: float | None) -> None:
    assert named_wait(text) == expected


def test_the_wait_of_a_header_goes_before_the_one_of_a_message_at_any_depth() -> None:
    detail = Detail("RetryableErrorDueToAnotherOperation", "The call can be retried in 13 seconds.")
    told = arm_error_class(429)("RetryableError", "No.", status=429, details=[detail])
    headed = arm_error_class(429)("RetryableError", "No.", status=429, details=[detail], retry_after=2.0)

    assert (asked_wait(told), asked_wait(headed), asked_wait(errors.AnswerLost("x"))) == (13.0, 2.0, None)


def test_a_404_about_the_api_version_is_not_a_missing_resource() -> None:
    unknown = (
        "The resource type 'loadBalancers' could not be found in the namespace 'Microsoft.Network' for api version"
    )

    assert arm_error(404, "InvalidResourceType", unknown).exit_code == 1
    assert not isinstance(arm_error(404, "InvalidResourceType", unknown), errors.NotFound)
    assert arm_error(404, "ResourceNotFound").exit_code == 3
    assert arm_error(404, "SomethingNew").exit_code == 3
