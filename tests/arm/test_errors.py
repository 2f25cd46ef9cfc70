"""Errors: each with its exit code, its JSON, and what to do next."""

from __future__ import annotations

import json
import re

import pytest

from vipswap_rest.arm import errors
from vipswap_rest.arm.errors import (
    ArmError,
    Detail,
    Interrupted,
    OperationError,
    Refused,
    RunFailed,
    VipswapError,
    arm_error_class,
)
from vipswap_rest.arm.hints import hint_for


def tree(root: type[VipswapError]) -> list[type[VipswapError]]:
    return [root, *(found for child in root.__subclasses__() for found in tree(child))]


def every_kind() -> list[VipswapError]:
    """One of each class in the module."""
    made: list[VipswapError] = []
    for kind in tree(VipswapError):
        if kind.__module__ != errors.__name__:
            continue
        if issubclass(kind, ArmError):
            made.append(kind("Code", "message", status=400))
        elif issubclass(kind, OperationError):
            made.append(kind("message", code="Code", resource="/lb", operation_url="https://arm/op?s=secret"))
        elif kind is Refused:
            made.append(Refused("same_lb", "message"))
        elif kind is RunFailed:
            made.append(RunFailed("message", exit_code=6, cause=VipswapError("why")))
        else:
            made.append(kind("message"))
    return made


@pytest.mark.parametrize("error", every_kind(), ids=lambda error: type(error).__name__)
def test_every_error_has_the_five_fields_of_the_json_output(error: VipswapError) -> None:
    told = error.as_json()

    assert set(told) == {"code", "message", "status", "request_id", "hint"}
    assert told["code"]
    assert told["message"]
    json.dumps(told)


@pytest.mark.parametrize("error", every_kind(), ids=lambda error: type(error).__name__)
def test_every_error_stands_in_the_tree_with_its_exit_code(error: VipswapError) -> None:
    line = next(line for line in (errors.__doc__ or "").splitlines() if line.split()[:1] == [type(error).__name__])
    numbers = {int(word) for word in re.findall(r"\b\d+\b", line)}
    codes = {number for number in numbers if number < 10 or number == 130}

    # A class without a number of its own has that of the class above it.
    assert error.exit_code in (codes or {super(type(error), error).exit_code})


@pytest.mark.parametrize("error", every_kind(), ids=lambda error: type(error).__name__)
def test_no_error_shows_a_signed_url(error: VipswapError) -> None:
    assert "secret" not in str(error) + repr(error) + json.dumps(error.as_json())


@pytest.mark.parametrize(
    ("status", "name", "exit_code"),
    [
        (400, "BadRequest", 1),
        (401, "Unauthorized", 1),
        (403, "Forbidden", 1),
        (404, "NotFound", 3),
        (409, "Conflict", 1),
        (412, "PreconditionFailed", 1),
        (418, "ArmError", 1),
        (429, "Throttled", 1),
        (500, "ServerFault", 1),
        (504, "ServerFault", 1),
    ],
)
def test_a_status_has_its_class_and_exit_code(status: int, name: str, exit_code: int) -> None:
    assert (arm_error_class(status).__name__, arm_error_class(status).exit_code) == (name, exit_code)


@pytest.mark.parametrize("status", [None, *range(400, 600)])
def test_there_is_always_something_to_do_next(status: int | None) -> None:
    assert hint_for(status, "SomethingNew").endswith(".")


def test_a_detail_knows_better_than_the_outer_code() -> None:
    busy = ArmError("RetryableError", "m", status=429, details=[Detail("ReferencedResourceNotProvisioned", "busy")])

    assert busy.hint != ArmError("RetryableError", "m", status=429).hint


def hint_of(status: int, code: str, message: str, *details: Detail) -> str:
    return arm_error_class(status)(code, message, status=status, details=details).hint


@pytest.mark.parametrize(
    ("status", "code", "listed"),
    [
        (
            404,
            "InvalidResourceType",
            "The supported api-versions are '2015-05-01-preview,2019-12-01,2022-07-01,2020-03-01'.",
        ),
        (
            400,
            "NoRegisteredProviderFound",
            "The supported api-versions are '2022-07-01, 2023-02-01-preview'. And more.",
        ),
        (400, "InvalidApiVersionParameter", "The supported versions are '2020-01-01,2022-07-01'."),
    ],
)
def test_the_hint_names_the_newest_api_version_that_arm_lists(status: int, code: str, listed: str) -> None:
    assert "--api-version 2022-07-01" in hint_of(status, code, f"The api-version is unknown. {listed}")


def test_the_hint_names_the_deny_assignment() -> None:
    denied = "Denied because of the deny assignment with name 'stack one' and Id 'd1' at scope '/s'."

    for code in ("DenyAssignmentAuthorizationFailed", "AuthorizationFailed"):
        assert "'stack one' (id d1)" in hint_of(403, code, denied)
        assert "role Network Contributor" not in hint_of(403, code, denied)


def test_the_hint_names_the_claims_to_log_in_with() -> None:
    claims = Detail("insufficient_claims", 'the login lacks claims that ARM asks for: claims="eyJhYmMiOjF9"')

    assert 'az login --claims-challenge "eyJhYmMiOjF9"' in hint_of(401, "RequestDisallowedByPolicy", "No.", claims)


def test_an_arm_error_says_all_it_knows() -> None:
    error = ArmError(
        "PreconditionFailed",
        "Precondition failed.",
        status=412,
        method="PUT",
        resource="/lb",
        details=[Detail("PreconditionFailedEtagMismatch", "Etag differs.")],
        request_id="42",
    )

    assert str(error) == (
        "PUT /lb: 412 PreconditionFailed: Precondition failed. "
        "(PreconditionFailedEtagMismatch: Etag differs.) [request id 42]"
    )
    assert error.codes == {"PreconditionFailed", "PreconditionFailedEtagMismatch"}


def test_a_failed_run_speaks_of_its_cause() -> None:
    cause = ArmError("ScopeLocked", "locked", status=409)
    error = RunFailed("stopped", exit_code=6, cause=cause)

    assert error.as_json() == cause.as_json() | {"message": "stopped"}
    assert error.exit_code == 6
    assert RunFailed("stopped", exit_code=6, cause=cause, hint="recover").as_json()["hint"] == "recover"


def test_a_signal_is_130() -> None:
    assert Interrupted("x").exit_code == 130


JWT = "eyJhbGciOiJub25lIn0.dGhlLWNsYWltcw.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://arm/op/1?api-version=1&t=638&s=a~b%2B#x", "https://arm/op/1?api-version=1&t=[...]&s=[...]"),
        ("see /op/1?c=MII%2f&amp;h=Zx0, again", "see /op/1?c=[...]&amp;h=[...] again"),
        (r"escaped: ?api-version=1\u0026s=SECRET\u0026h=HASH", r"escaped: ?api-version=1\u0026s=[...]\u0026h=[...]"),
        ("signature s=kTq7~0123456789abcdef is wrong", "signature s=[...] is wrong"),
        (f"Authorization: Bearer {JWT}; again {JWT[:40]}", "Authorization: Bearer [the token]; again [the token]"),
        ("authorization: bearer 0123456789abcdef0123", "authorization: bearer [the token]"),
        ("x" * 5000, "x" * 4000 + "..."),
    ],
)
def test_what_a_server_said_is_shown_without_signatures_and_tokens(text: str, shown: str) -> None:
    assert str(VipswapError(text)) == VipswapError(text).message == shown
    assert shown in str(ArmError("C", text, status=400))
    assert shown in str(
        errors.OperationFailed("M", code="C", resource="/x", operation_url="", details=[Detail("D", text)])
    )


@pytest.mark.parametrize(
    "text",
    [
        "Resource /subscriptions/s/x is referencing public IP address /y that is already allocated to resource /z.",
        "The call can be retried in 14 seconds. Is it? See https://aka.ms/deployarm for more.",
        "A resource with state=Failed; tags: t=1, s=2.",
        "The bearer of the role lacks Microsoft.Network/loadBalancers/write.",
    ],
)
def test_an_ordinary_message_is_shown_as_it_is(text: str) -> None:
    assert str(VipswapError(text)) == text
