"""What an error means: one table, by code first and by HTTP status second.

A code says more than a status: ARM answers the same "a resource it refers to is busy" with 400, 409 and 429. So
whatever decides about an error asks `meaning`: what is sent again, which way a run takes, hints, exit codes. This
module is pure, imports nothing of the package, and knows nothing of what the requests are for.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Kind(Enum):
    """What an error means for the request that met it.

    BUSY: not done; something it refers to is being written, or failed and waits for its next write.
    THROTTLED: not done; the caller, or all callers together, send too much.
    CHANGED: not done, or superseded: what is there is not what the request supposes. Observe, then decide.
    UNKNOWN: nobody knows yet how it went. Observe, then decide.
    LOGIN: not done; the token is not accepted (any more). A new one may be.
    MISSING: not done; what it names is not there, or a read does not show it yet. Final when it repeats.
    UNSUPPORTED: not done; ARM does not do this here at all. Final, unless there is another way.
    FINAL: not done; no waiting cures it.
    """

    BUSY = "busy"
    THROTTLED = "throttled"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    LOGIN = "login"
    MISSING = "missing"
    UNSUPPORTED = "unsupported"
    FINAL = "final"


class Refusal(Protocol):
    """What the table looks at: every error of the package has it.

    `codes` are those at any depth of the error, and the name of the error's class where ARM gave none.
    """

    @property
    def status(self) -> int | None: ...
    @property
    def codes(self) -> frozenset[str]: ...
    @property
    def retry_after(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Row:
    """A meaning, the codes that have it (compared without case), and who says so."""

    kind: Kind
    codes: tuple[str, ...]
    source: str


# The first row wins that has one of an error's codes.
BY_CODE: tuple[Row, ...] = (
    # The operation was accepted, so codes in what was read of it are not about the request.
    Row(
        Kind.UNKNOWN,
        ("OperationUnreadable", "OperationTimedOut"),
        "ARM RPC: a 4xx or 5xx of a status URL is a failure to read it; it may yet end either way "
        "(https://github.com/Azure/azure-resource-manager-rpc/blob/master/v1.0/async-api-reference.md)",
    ),
    Row(
        Kind.CHANGED,
        ("OperationCanceled", "CanceledAndSupersededDueToAnotherOperation"),
        "as recorded: a second write ends the first one's operation",
    ),
    Row(
        Kind.FINAL,
        ("insufficient_claims",),
        "WWW-Authenticate of a 401: the login lacks a claim, such as multi-factor authentication "
        "(https://learn.microsoft.com/entra/identity-platform/claims-challenge)",
    ),
    Row(
        Kind.FINAL,
        ("RequestDisallowedByPolicy", "PolicyViolation", "RequestDisallowedByAzure", "DisallowedByPolicy"),
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-policy-requestdisallowedbypolicy",
    ),
    Row(
        Kind.FINAL,
        (
            "AuthorizationFailed",
            "LinkedAuthorizationFailed",
            "DenyAssignmentAuthorizationFailed",
            "InvalidCrossTenantAuthorization",
        ),
        "https://learn.microsoft.com/azure/role-based-access-control/deny-assignments; as recorded (403)",
    ),
    Row(
        Kind.FINAL,
        ("ScopeLocked",),
        "https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources; as recorded (409)",
    ),
    Row(
        Kind.FINAL,
        ("ReadOnlyDisabledSubscription", "DisabledSubscription", "SubscriptionDisabled"),
        "https://learn.microsoft.com/azure/cost-management-billing/manage/subscription-disabled; as users report (409)",
    ),
    Row(
        Kind.FINAL,
        (
            "MissingSubscriptionRegistration",
            "SubscriptionNotRegistered",
            "SubscriptionNotRegisteredForFeature",
            "ResourceGroupBeingDeleted",
        ),
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider; "
        "as recorded (409)",
    ),
    Row(
        Kind.THROTTLED,
        (
            "TooManyRequests",
            "SubscriptionRequestsThrottled",
            "ResourceRequestsThrottled",
            "TenantRequestsThrottled",
            "OperationThrottled",
        ),
        "https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling",
    ),
    Row(
        Kind.FINAL,
        (
            "QuotaExceeded",
            "PublicIPCountLimitReached",
            "StaticPublicIPCountLimitReached",
            "PublicIPCountLimitReachedForSku",
            "SkuNotAvailable",
            "SubscriptionQuotaExceeded",
            "ResourceQuotaExceeded",
        ),
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-resource-quota; as recorded",
    ),
    Row(
        Kind.BUSY,
        (
            "ReferencedResourceNotProvisioned",
            "RetryableErrorDueToAnotherOperation",
            "AnotherOperationInProgress",
            "RetryableError",
        ),
        "as recorded: 429 RetryableError with one of the first two in its details, 409 AnotherOperationInProgress; "
        "as users report: the first one as a 400, too",
    ),
    Row(
        Kind.CHANGED,
        (
            "PublicIPAddressInUse",
            "PublicIPReferencedByMultipleIPConfigs",
            "PublicIPAddressCannotBeDeleted",
            "PreconditionFailedEtagMismatch",
        ),
        "as recorded: an address that is held, perhaps no longer; an etag that is outdated",
    ),
    Row(
        Kind.UNSUPPORTED,
        (
            "SwappableCloudServicePropertyNotSet",
            "InvalidResourceType",
            "NoRegisteredProviderFound",
            "InvalidApiVersionParameter",
            "UnsupportedApiVersion",
            "MissingApiVersionParameter",
        ),
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider: "
        "the resource type, or the api-version, is unknown in this cloud (404 or 400); as users report",
    ),
    Row(
        Kind.MISSING,
        ("InvalidResourceReference", "SubscriptionNotFound", "ResourceGroupNotFound", "ResourceNotFound"),
        "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-not-found; as recorded "
        "(400 InvalidResourceReference with details NotFound)",
    ),
    # Errors of the client's own, by the name of their class.
    Row(Kind.UNKNOWN, ("AnswerLost", "TransportError", "UntrustedServer"), "RFC 9110 section 9.2.2: no answer came"),
    Row(Kind.LOGIN, ("CredentialError",), "RFC 6749 section 5.2: the token service gave no token"),
    Row(Kind.FINAL, ("ProtocolError", "Redirected", "ForeignUrl"), "an answer that ARM would not give"),
)

# Where no code is known. A 4xx that is not here is FINAL, a 5xx UNKNOWN (RFC 9110 section 15).
BY_STATUS: dict[int, Kind] = {
    401: Kind.LOGIN,
    404: Kind.MISSING,
    408: Kind.UNKNOWN,
    # "A conflict with the current state of the target resource": RFC 9110 section 15.5.10.
    409: Kind.CHANGED,
    412: Kind.CHANGED,
    # https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
    429: Kind.THROTTLED,
}

# Statuses that may say "not supported here": any 4xx but those with a meaning of their own.
_NEVER_UNSUPPORTED = {401, 403, 408, 409, 412, 429}
_UNSUPPORTED_CODE = re.compile(r"not_?supported|unsupported|not_?allowed|swappable", re.IGNORECASE)
_UNSUPPORTED_WORDS = re.compile(r"\bnot (?:be )?(?:supported|swappable)\b|\bswappable\b.*\bnot set\b", re.IGNORECASE)

# "The call can be retried in 14 seconds.", "Please try again after '324' seconds": as recorded in messages.
_WAIT = re.compile(r"(?:retried in|(?:again|retry) (?:in|after)) '?(\d{1,5})'? ?s(?:ec|\b)", re.IGNORECASE)

# Class names of errors after which a request may have been done all the same.
_PERHAPS_DONE = frozenset({"AnswerLost", "Interrupted", "ProtocolError", "ForeignUrl"})

_KIND_OF_CODE: dict[str, Kind] = {code.lower(): row.kind for row in reversed(BY_CODE) for code in row.codes}
_RANK: dict[str, int] = {code.lower(): rank for rank, row in enumerate(BY_CODE) for code in row.codes}


def kind_of(status: int | None, codes: Collection[str], text: str = "") -> Kind:
    """The meaning of an answer: `codes` at any depth of its error, `text` all that it says.

    `status` is None for an operation that ended badly, which is FINAL unless its codes say otherwise.
    """
    known = sorted((code.lower() for code in codes if code.lower() in _RANK), key=_RANK.__getitem__)
    if known:
        return _KIND_OF_CODE[known[0]]
    if status is None:
        return Kind.FINAL
    if 400 <= status < 500 and status not in _NEVER_UNSUPPORTED and _says_unsupported(codes, text):
        return Kind.UNSUPPORTED
    return BY_STATUS.get(status, Kind.UNKNOWN if status >= 500 else Kind.FINAL)


def meaning(error: Refusal) -> Kind:
    """The meaning of an error of the package's."""
    return kind_of(error.status, error.codes, str(error))


def perhaps_done(error: Refusal) -> bool:
    """Whether the request that met this error may have been done all the same."""
    return bool(error.codes & _PERHAPS_DONE) or (error.status or 0) >= 500


def named_wait(text: str) -> float | None:
    """The seconds to wait that a message of ARM's names; None if it names none."""
    found = _WAIT.search(text)
    return float(found[1]) if found else None


def asked_wait(error: Refusal) -> float | None:
    """The seconds that ARM asks to wait before the request is sent again: by Retry-After, else by its message."""
    return error.retry_after if error.retry_after is not None else named_wait(str(error))


def _says_unsupported(codes: Collection[str], text: str) -> bool:
    return any(_UNSUPPORTED_CODE.search(code) for code in codes) or bool(_UNSUPPORTED_WORDS.search(text))
